"""Columns of the people table as typed values; what a file does not hold is empty."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evalkit.tables import (
    RawTable,
    dates,
    numbers,
    yes_no,
)

if TYPE_CHECKING:
    pass

WORDS = ("age", "site", "family", "role")
"""Columns of the people table that have a rule of their own, or are always words."""


def words(table: RawTable, column: str, otherwise: Any) -> Any:
    """Return a column as words, `otherwise` where blank or where there is no such column."""
    import numpy as np

    if column not in table.frame:
        return np.broadcast_to(np.asarray(otherwise, dtype=object), len(table.frame))
    cells = table.frame[column].to_numpy(dtype=object)
    return np.where(cells == "", np.asarray(otherwise, dtype=object), cells)


def alone(table: RawTable, column: str = "family") -> Any:
    """Return an id for each person without a family (or group), which none of the table has."""
    persons = table.frame["person"].to_numpy(dtype=object)
    taken = set(table.frame[column]) if column in table.frame else set()
    return persons if taken.isdisjoint(persons) else "person " + persons


def flag(table: RawTable, column: str | None) -> Any:
    """Return yes as 1, no as 0, blanks as NaN."""
    import numpy as np

    return yes_no(table.column(column)).to_numpy() if column else np.full(len(table.frame), np.nan)


def consent(table: RawTable, column: str | None) -> Any:
    """Return consent as a flag; where consent is recorded, a blank is not consent."""
    import numpy as np

    said = np.asarray(flag(table, column), dtype=float)
    return np.where(np.isnan(said), 0.0, said) if column else said


def day(table: RawTable, column: str | None) -> Any:
    """Return days; NaT where blank."""
    import pandas as pd

    if column:
        return dates(table.column(column)).to_numpy()
    return pd.Series(pd.NaT, index=table.frame.index).astype("datetime64[ns]").to_numpy()


def count_of(table: RawTable, column: str | None) -> Any:
    """Return numbers; NaN where blank."""
    import numpy as np

    return numbers(table.column(column)).to_numpy() if column else np.full(len(table.frame), np.nan)
