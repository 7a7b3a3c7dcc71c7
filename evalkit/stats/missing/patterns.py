"""Which values are missing together: patterns of rows, counts by pair, influx and outflux."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.results import Record
from evalkit.stats.shared.columns import as_names, as_pandas, check_frame, check_roles, invalid

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Bools = NDArray[np.bool_]
    Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MissingPatterns(Record):
    """The patterns of missing values of some columns; `to_frame()` is `patterns`.

    `patterns` has one row a pattern, the most complete first: `pattern` (1 where present and 0
    where missing, in the order of `columns`), `n`, `share`, `n_missing` (columns missing) and
    `missing` (their names). `by_column` has `column, n_missing, share_missing, influx, outflux,
    average_inbound, average_outbound, incomplete_among_observed`. `pairs` has one row for each
    two columns: `first, second`, and how many rows have `both`, `first_only`, `second_only`,
    `neither`. `monotone` says whether the columns can be ordered so that a row with one missing
    misses all after it; `n_complete` rows miss nothing and `n_empty` miss everything.
    """

    columns: tuple[str, ...]
    n_rows: int
    n_complete: int
    n_empty: int
    monotone: bool
    patterns: pd.DataFrame = field(repr=False)
    by_column: pd.DataFrame = field(repr=False)
    pairs: pd.DataFrame = field(repr=False)

    def to_frame(self) -> pd.DataFrame:
        """Return one row a pattern."""
        return self.patterns.copy()


def missing_patterns(data: Any, columns: str | Sequence[str] | None = None) -> MissingPatterns:
    """Return which columns are missing together, and in how many rows.

    Parameters
    ----------
    data : any frame narwhals knows, one row a person; never changed
    columns : names; all by default. Leave out what was not due: a missing value here is one
        that should have been there

    Returns
    -------
    MissingPatterns
        `average_inbound` and `average_outbound` are means over the other columns of the share of
        rows observed there, of those missing here, and missing there, of those observed here;
        shares of nothing are NaN. Influx and outflux are van Buuren's: influx is the share of the pairs of values, over all
        pairs of which one value is observed, in which this column is missing and
        the other observed; outflux the share of other columns' missing values that lie where
        this one is observed. A column of high outflux helps to impute the others.

    Raises
    ------
    InvalidInput
        For a column that is not there, or a frame without columns.
    CannotEstimate
        For a frame without rows.

    References
    ----------
    van Buuren (2018), Flexible Imputation of Missing Data, 2nd edition, section 4.1.
    """
    names = as_names(columns) if columns is not None else tuple(map(str, as_pandas(data).columns))
    if not names:
        raise invalid("no columns to look at.", allowed="the names of one or more columns")
    check_roles(columns=names)
    seen = present(check_frame(data, names), names)
    rows, counts = distinct(seen)
    return MissingPatterns(
        columns=names,
        n_rows=len(seen),
        n_complete=int(seen.all(axis=1).sum()),
        n_empty=int((~seen.any(axis=1)).sum()),
        monotone=_nested(rows),
        patterns=_patterns(rows, counts, names),
        by_column=_by_column(seen, names),
        pairs=_pairs(seen, names),
    )


def present(data: pd.DataFrame, names: Sequence[str]) -> Bools:
    """Return whether each value is there, rows by columns; refuse a frame without rows."""
    if len(data) == 0:
        raise CannotEstimate("There are no rows to look at.")
    found: Bools = data[list(names)].notna().to_numpy()
    return found


def distinct(seen: Bools) -> tuple[Bools, Counts]:
    """Return the patterns of rows and how many rows have each: most complete, then commonest."""
    rows, counts = np.unique(seen, axis=0, return_counts=True)
    missing = (~rows).sum(axis=1)
    order = np.lexsort((*rows.T, -counts, missing))
    return rows[order], counts[order]


def _nested(rows: Bools) -> bool:
    """Return whether the columns observed nest in one another over the patterns."""
    by_number = rows[np.argsort(rows.sum(axis=1), kind="stable")]
    return not bool(np.any(by_number[:-1] & ~by_number[1:]))


def _patterns(rows: Bools, counts: Counts, names: Sequence[str]) -> pd.DataFrame:
    import pandas as pd

    gone = [[name for name, there in zip(names, row, strict=True) if not there] for row in rows]
    return pd.DataFrame(
        {
            "pattern": ["".join("1" if there else "0" for there in row) for row in rows],
            "n": counts,
            "share": counts / counts.sum(),
            "n_missing": (~rows).sum(axis=1),
            "missing": [", ".join(words) for words in gone],
        }
    )


def _by_column(seen: Bools, names: Sequence[str]) -> pd.DataFrame:
    """Return influx, outflux and what goes with them."""
    import pandas as pd

    there, gone = seen.astype(np.int64), (~seen).astype(np.int64)
    missing, observed = gone.sum(axis=0), there.sum(axis=0)
    inward = gone.T @ there  # this column missing, the other observed
    others = len(names) - 1
    in_incomplete = there.T @ (~seen.all(axis=1)).astype(np.int64)
    return pd.DataFrame(
        {
            "column": list(names),
            "n_missing": missing,
            "share_missing": missing / len(seen),
            "influx": _shares(inward.sum(axis=1), np.full(len(names), there.sum())),
            "outflux": _shares(inward.sum(axis=0), np.full(len(names), gone.sum())),
            "average_inbound": _shares(inward.sum(axis=1), others * missing),
            "average_outbound": _shares(inward.sum(axis=0), others * observed),
            "incomplete_among_observed": _shares(in_incomplete, observed),
        }
    )


def _shares(part: Counts, whole: Counts) -> NDArray[np.float64]:
    """Return part over whole, NaN where the whole is nothing."""
    shares: NDArray[np.float64] = np.where(whole > 0, part / np.maximum(whole, 1), np.nan)
    return shares


def _pairs(seen: Bools, names: Sequence[str]) -> pd.DataFrame:
    import pandas as pd

    there, gone = seen.astype(np.int64), (~seen).astype(np.int64)
    first, second = np.triu_indices(len(names), k=1)
    return pd.DataFrame(
        {
            "first": [names[int(i)] for i in first],
            "second": [names[int(j)] for j in second],
            "both": (there.T @ there)[first, second],
            "first_only": (there.T @ gone)[first, second],
            "second_only": (gone.T @ there)[first, second],
            "neither": (gone.T @ gone)[first, second],
        }
    )
