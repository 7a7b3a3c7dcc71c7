"""A balanced panel as units by periods, with the start of each unit's treatment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.stats.panels.adoption import codes_of
from evalkit.stats.panels.roll_out import complete_rows
from evalkit.stats.panels.roll_out_records import Columns
from evalkit.stats.shared.columns import choice, invalid, numeric

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class StatusRows:
    """Outcomes as units by periods, the periods, and each unit's start (infinite: never)."""

    wide: Floats
    times: Floats
    starts: Floats
    dropped: tuple[tuple[str, int], ...]
    notes: tuple[str, ...] = ()


def status_rows(data: pd.DataFrame, named: Columns, holes: str) -> StatusRows:
    """Return a balanced panel, refusing units with holes or, with "balanced", leaving them out."""
    choice(holes, ("refuse", "balanced"), argument="holes")
    rows = complete_rows(data, named)
    periods = len(np.unique(rows.times))
    gone = np.bincount(rows.owner)[rows.owner] < periods
    notes = rows.notes
    if gone.any():
        count = len(np.unique(rows.owner[gone]))
        if holes == "refuse":
            raise invalid(
                f"{count} unit(s) are not seen in every one of the {periods} periods.",
                column=str(named.unit),
                allowed="a balanced panel: the weights are not defined otherwise",
                next_step="holes='balanced' leaves those units out and counts their rows.",
            )
        if gone.all():
            raise CannotEstimate(f"No unit is seen in every one of the {periods} periods.")
        rows = rows.without(gone, "a unit not seen in every period")
        notes = (*notes, f"{count} unit(s) not seen in every period were left out")
    owner, count = codes_of(rows.owner)
    when, _ = codes_of(rows.times)
    wide, starts = np.empty((count, periods)), np.empty(count)
    wide[owner, when] = numeric(data, named.outcome)[rows.keep]
    starts[owner] = rows.starts
    if np.ptp(wide) == 0:
        raise CannotEstimate(f"'{named.outcome}' has one value: it does not vary.")
    return StatusRows(wide, np.unique(rows.times), starts, rows.dropped, notes)
