"""Little's test of values missing completely at random."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.results import Record
from evalkit.stats.missing.normal_moments import Moments, normal_moments
from evalkit.stats.shared.columns import (
    as_names,
    as_pandas,
    check_frame,
    check_roles,
    check_rows,
    numeric,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]

FEW = 2  # rows of a pattern below which its mean says little
CAVEATS = (
    "A small p-value says that rows with different values missing differ in the values they have: "
    "not missing completely at random",
    "A large p-value proves nothing: the test has little power in small samples, and none against "
    "missing that depends on the missing values themselves",
    "It compares means only, and takes the columns for normal",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class McarTest(Record):
    """Little's test: `statistic` is chi-squared on `df` degrees of freedom.

    `n_rows` were used, with `n_patterns` patterns; `n_dropped` rows had no value at all. `means`
    are the maximum-likelihood means of `columns`.
    """

    statistic: float
    df: float
    p_value: float
    n_rows: int
    n_patterns: int
    n_dropped: int
    dropped_why: tuple[tuple[str, int], ...]
    columns: tuple[str, ...]
    means: tuple[float, ...]
    method: str
    notes: tuple[str, ...]


def little_mcar(data: Any, columns: str | Sequence[str] | None = None) -> McarTest:
    """Return Little's test that values are missing completely at random.

    Parameters
    ----------
    data : any frame narwhals knows, one row a person; never changed
    columns : names of numeric columns (0/1 and true/false among them); all by default

    Returns
    -------
    McarTest
        The sum over patterns of n times the squared Mahalanobis distance of the pattern's means
        from the maximum-likelihood means, by the maximum-likelihood covariances (divisor n, as
        in R's naniar; Little also gives n - 1). Degrees of freedom are the columns present summed
        over patterns, less the number of columns.

    Raises
    ------
    InvalidInput
        For a column that is missing or not numeric.
    CannotEstimate
        When nothing is missing, or all rows miss the same; a column has fewer than two different
        values; two columns are never there together; or columns determine one another.
    NotConverged
        When the EM algorithm does not settle.

    References
    ----------
    Little (1988), JASA 83:1198-1202.
    """
    names = as_names(columns) if columns is not None else tuple(map(str, as_pandas(data).columns))
    check_roles(columns=names)
    frame = check_frame(data, names)
    if not names or frame.empty:
        raise CannotEstimate("There are no rows or no columns to test.")
    values = np.column_stack([numeric(frame, name) for name in names])
    some = ~np.isnan(values).all(axis=1)
    values = values[some]
    _check(values, names)
    moments = normal_moments(values)
    statistic = sum(_distance(moments, place) for place in range(len(moments.groups)))
    df = sum(int(group.seen.sum()) for group in moments.groups) - len(names)
    return McarTest(
        **_tested(statistic, df),
        n_rows=len(values),
        n_patterns=len(moments.groups),
        n_dropped=int((~some).sum()),
        dropped_why=(("no value at all", int((~some).sum())),) if not some.all() else (),
        columns=names,
        means=tuple(map(float, moments.centre + moments.scale * moments.mean)),
        method=f"Little's (1988) test of {len(names)} columns, by EM ({moments.steps} steps).",
        notes=(*CAVEATS, *_sparse(moments)),
    )


def _tested(statistic: float, df: int) -> dict[str, float]:
    from scipy.stats import chi2

    p = float(chi2.sf(statistic, df))
    return {"statistic": float(statistic), "df": float(df), "p_value": p}


def _distance(moments: Moments, place: int) -> float:
    group = moments.groups[place]
    gap = group.mean - moments.mean[group.seen]
    within = moments.covariance[np.ix_(group.seen, group.seen)]
    return float(group.n * gap @ np.linalg.solve(within, gap))


def _sparse(moments: Moments) -> tuple[str, ...]:
    single = sum(group.n < FEW for group in moments.groups)
    if 2 * single <= len(moments.groups):
        return ()
    return (
        f"{single} of {len(moments.groups)} patterns have one row each: the chi-squared "
        "distribution is a rough guide",
    )


def _check(values: Floats, names: Sequence[str]) -> None:
    seen = ~np.isnan(values)
    for place, name in enumerate(names):
        found = values[seen[:, place], place]
        if not found.size or np.ptp(found) == 0:
            what = "no values" if not found.size else "one value only"
            raise CannotEstimate(f"'{name}' has {what}, so it cannot be tested. Leave it out.")
    if len(values) and not np.any(seen != seen[0]):
        raise CannotEstimate("Nothing is missing (beyond empty rows), so there is nothing to test.")
    check_rows(len(values), len(names) + 1)
    together = seen.T.astype(np.int64) @ seen.astype(np.int64)
    for first, second in combinations(range(len(names)), 2):
        if together[first, second] < 2:
            raise CannotEstimate(
                f"'{names[first]}' and '{names[second]}' are there together in "
                f"{together[first, second]} row(s), so their covariance cannot be estimated. "
                "Leave one of them out."
            )
