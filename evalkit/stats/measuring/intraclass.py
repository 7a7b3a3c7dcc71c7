"""Intraclass correlations: the six forms for raters or occasions, and that of clusters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.results import Record, Records
from evalkit.stats.shared.columns import (
    as_pandas,
    check_level,
    choice,
    invalid,
    left_out,
    numeric,
    vector,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Intraclass(Record):
    """One intraclass correlation with its F test and interval.

    `form` is by McGraw and Wong: ICC(1) one-way, ICC(A,1) two-way agreement, ICC(C,1) two-way
    consistency, and the same of the mean of k ratings; `shrout_fleiss` gives the older name. The
    limits are None where the ratings agree so well that no interval can be formed. `n_raters` is
    the mean cluster size for clusters.
    """

    form: str
    shrout_fleiss: str
    icc: float
    conf_low: float | None
    conf_high: float | None
    statistic: float | None
    df1: float
    df2: float
    p_value: float | None
    level: float
    n_subjects: int
    n_raters: float
    n_dropped: int = 0
    dropped_why: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MeanSquares(Record):
    """The two-way analysis of variance of n subjects by k raters, one rating a cell."""

    n: int
    k: int
    rows: float
    columns: float
    error: float
    within: float


def icc(ratings: Any, *, level: float = 0.95) -> Records[Intraclass]:
    """Return the six intraclass correlations of ratings.

    Parameters
    ----------
    ratings : frame or two-dimensional array, one row a subject, one column a rater or occasion;
        rows with a missing rating are left out and counted
    level : confidence level

    Returns
    -------
    Records of Intraclass
        ICC(1), ICC(A,1), ICC(C,1), ICC(k), ICC(A,k), ICC(C,k), in this order.

    Raises
    ------
    InvalidInput
        For fewer than two raters, or text.
    CannotEstimate
        With fewer than two complete subjects, or ratings that do not vary.

    References
    ----------
    Shrout and Fleiss (1979), Psychological Bulletin 86:420-428; McGraw and Wong (1996),
    Psychological Methods 1:30-46 (intervals from F; for absolute agreement with Satterthwaite's
    degrees of freedom).
    """
    check_level(level)
    values = _table(ratings)
    missing: NDArray[np.bool_] = np.asarray(np.isnan(values).any(axis=1))
    keep, dropped = left_out([("a rating is missing", missing)], len(values))
    squares = mean_squares(values[keep])
    extra = {"n_dropped": int((~keep).sum()), "dropped_why": dropped}
    return Records(form(squares, name, level, **extra) for name in FORMS)


def _table(ratings: Any) -> Floats:
    import pandas as pd

    array = isinstance(ratings, np.ndarray | list | tuple)
    if array and np.ndim(ratings) != 2:
        raise invalid("ratings is not a table.", allowed="subjects by raters")
    frame = pd.DataFrame(np.asarray(ratings)) if array else as_pandas(ratings).copy(deep=False)
    frame.columns = [str(name) for name in frame.columns]
    if len(frame.columns) < 2 or frame.columns.duplicated().any():
        raise invalid(
            f"{len(frame.columns)} column(s) of ratings.", allowed="two or more, each named once"
        )
    return np.column_stack([numeric(frame, name) for name in frame.columns])


def mean_squares(values: Floats) -> MeanSquares:
    """Return the mean squares of complete ratings, subjects by raters."""
    n, k = values.shape
    if n < 2:
        raise CannotEstimate(f"{n} subject(s) have every rating; at least 2 are needed.")
    if np.ptp(values) == 0:
        raise CannotEstimate("The ratings do not vary, so there is no intraclass correlation.")
    centred = values - np.median(values)
    centred = centred - centred.mean()
    of_rows, of_columns = centred.mean(axis=1), centred.mean(axis=0)
    left = centred - of_rows[:, None] - of_columns
    tiny = 1e-14 * float(np.sum(centred**2))
    rows, columns, error = (
        0.0 if total <= tiny else total
        for total in (
            k * float(of_rows @ of_rows),
            n * float(of_columns @ of_columns),
            float(np.sum(left**2)),
        )
    )
    return MeanSquares(
        n=n,
        k=k,
        rows=rows / (n - 1),
        columns=columns / (k - 1),
        error=error / ((n - 1) * (k - 1)),
        within=(columns + error) / (n * (k - 1)),
    )


FORMS = {
    "ICC(1)": "ICC(1,1)",
    "ICC(A,1)": "ICC(2,1)",
    "ICC(C,1)": "ICC(3,1)",
    "ICC(k)": "ICC(1,k)",
    "ICC(A,k)": "ICC(2,k)",
    "ICC(C,k)": "ICC(3,k)",
}


SAME = 1e-12
"""A share of the other mean squares below which subjects do not differ in their means."""


def form(squares: MeanSquares, name: str, level: float, **extra: Any) -> Intraclass:
    """Return one form of the intraclass correlation from the mean squares."""
    from scipy.stats import f as fisher

    kind = name[4:-1].split(",")[0] if "," in name else "1"
    below = squares.within if kind == "1" else squares.error
    df1, df2 = squares.n - 1, squares.n * (squares.k - 1)
    df2 = df2 if kind == "1" else (squares.n - 1) * (squares.k - 1)
    ratio = squares.rows / below if below > 0 else None
    single = _single(squares, kind)
    limits = _limits(squares, kind, single, (df1, df2), level)
    if name[-2] == "k":
        single = _stepped_up(single, squares.k)
        limits = [None if x is None else _stepped_up(x, squares.k) for x in limits]
    return Intraclass(
        form=name,
        shrout_fleiss=FORMS[name],
        icc=single,
        conf_low=limits[0],
        conf_high=limits[1],
        statistic=ratio,
        df1=float(df1),
        df2=float(df2),
        p_value=None if ratio is None else float(fisher.sf(ratio, df1, df2)),
        level=level,
        n_subjects=squares.n,
        n_raters=float(squares.k),
        **extra,
    )


def _stepped_up(value: float, k: float) -> float:
    """Return the reliability of the mean of k by Spearman and Brown; -inf at the lower bound."""
    below = 1 + (k - 1) * value
    return float("-inf") if below <= 0 else k * value / below


def _single(squares: MeanSquares, kind: str) -> float:
    n, k = squares.n, squares.k
    below = squares.within if kind == "1" else squares.error
    extra = k * (squares.columns - squares.error) / n if kind == "A" else 0.0
    return (squares.rows - below) / (squares.rows + (k - 1) * below + extra)


def _limits(
    squares: MeanSquares, kind: str, single: float, df: tuple[int, int], level: float
) -> list[float | None]:
    if single >= 1 or (kind != "A" and (squares.within if kind == "1" else squares.error) == 0):
        return [None, None]
    if kind == "A" and squares.rows <= SAME * (squares.columns + squares.error):
        return [None, None]  # subjects with one mean: the df of the limits are nought over nought
    if kind == "A":
        return list(_agreement_limits(squares, single, level))
    below = squares.within if kind == "1" else squares.error
    return list(_ratio_limits(squares.rows / below, df, squares.k, level))


def _ratio_limits(
    ratio: float, df: tuple[float, float], k: float, level: float
) -> tuple[float, float]:
    """Return the limits of (F - 1) / (F + k - 1) from the limits of F."""
    from scipy.stats import f as fisher

    low = ratio / float(fisher.ppf((1 + level) / 2, *df))
    high = ratio / float(fisher.ppf((1 - level) / 2, *df))
    return (low - 1) / (low + k - 1), (high - 1) / (high + k - 1)


def _agreement_limits(squares: MeanSquares, single: float, level: float) -> tuple[float, float]:
    """Return the limits of ICC(A,1), with Satterthwaite's df for the mean squares below the line."""
    from scipy.stats import f as fisher

    n, k = squares.n, squares.k
    a = k * single / (n * (1 - single))
    b = 1 + k * single * (n - 1) / (n * (1 - single))
    of_columns, of_error = a * squares.columns, b * squares.error
    df = (of_columns + of_error) ** 2 / (
        of_columns**2 / (k - 1) + of_error**2 / ((n - 1) * (k - 1))
    )
    rest = k * squares.columns + (k * n - k - n) * squares.error
    share = (1 + level) / 2
    first, second = float(fisher.ppf(share, n - 1, df)), float(fisher.ppf(share, df, n - 1))
    low = n * (squares.rows - first * squares.error) / (first * rest + n * squares.rows)
    high = n * (second * squares.rows - squares.error) / (rest + n * second * squares.rows)
    return low, high


def cluster_icc(
    values: Any, cluster: Any, *, size: str = "adjusted", level: float = 0.95
) -> Records[Intraclass]:
    """Return the intraclass correlations of clusters (groups, families, sites) of any sizes.

    Parameters
    ----------
    values, cluster : arrays of one length, one entry a person; rows missing either are left out
    size : the cluster size put into the formula: "adjusted" (the default) for
        (N - sum n^2 / N) / (clusters - 1), "mean" for N / clusters, as multilevel::ICC1
    level : confidence level

    Returns
    -------
    Records of Intraclass
        ICC(1), of one person: (MSB - MSW) / (MSB + (size - 1) MSW); and ICC(k), of the mean of a
        cluster: (MSB - MSW) / MSB. The F limits are exact for equal clusters only.

    Raises
    ------
    InvalidInput
        For arrays of different lengths or text.
    CannotEstimate
        With one cluster, one person in each, or values that do not vary.

    References
    ----------
    Donner and Koval (1980), Biometrics 36:19-25; Bliese (2000), in Klein and Kozlowski.
    """
    check_level(level)
    choice(size, ("adjusted", "mean"), argument="size")
    numbers, codes, dropped = _clustered(values, cluster)
    sizes = np.bincount(codes).astype(float)
    total, count = float(sizes.sum()), len(sizes)
    between, within = _between_within(numbers, codes, sizes)
    typical = total / count
    if size == "adjusted":
        typical = (total - float(sizes @ sizes) / total) / (count - 1)
    extra = {"n_dropped": sum(number for _, number in dropped), "dropped_why": dropped}
    return _of_clusters(between, within, (total, count, typical), level, extra)


def _clustered(values: Any, cluster: Any) -> tuple[Floats, NDArray[np.intp], Any]:
    import pandas as pd

    numbers, labels = vector(values, "values"), pd.Series(np.asarray(cluster, dtype=object))
    if len(numbers) != len(labels):
        raise invalid(
            f"values and cluster have {len(numbers)} and {len(labels)} rows.",
            allowed="arrays of one length",
        )
    unknown = labels.isna().to_numpy(dtype=bool)
    keep, dropped = left_out(
        [("no value", np.isnan(numbers)), ("no cluster", unknown)], len(numbers)
    )
    codes = np.asarray(pd.factorize(labels[keep])[0], dtype=np.intp)
    if not 1 < len(set(codes)) < len(codes):
        raise CannotEstimate("At least 2 clusters, and one of at least 2 people, are needed.")
    if np.ptp(numbers[keep]) == 0:
        raise CannotEstimate("The values do not vary, so there is no intraclass correlation.")
    return numbers[keep], codes, dropped


def _between_within(numbers: Floats, codes: NDArray[np.intp], sizes: Floats) -> tuple[float, float]:
    centred = numbers - np.median(numbers)
    centred = centred - centred.mean()
    means = np.bincount(codes, weights=centred) / sizes
    within = float(np.sum((centred - means[codes]) ** 2)) / (len(numbers) - len(sizes))
    return float(sizes @ means**2) / (len(sizes) - 1), within


def _of_clusters(
    between: float, within: float, sizes: tuple[float, int, float], level: float, extra: Any
) -> Records[Intraclass]:
    from scipy.stats import f as fisher

    total, count, typical = sizes
    df = (float(count - 1), total - count)
    ratio = between / within if within > 0 else None
    whole = between + (typical - 1) * within
    low, high = (None, None) if ratio is None else _ratio_limits(ratio, df, typical, level)
    common = {
        "statistic": ratio,
        "df1": df[0],
        "df2": df[1],
        "p_value": None if ratio is None else float(fisher.sf(ratio, *df)),
        "level": level,
        "n_subjects": count,
        "n_raters": total / count,
    } | extra
    one = Intraclass(
        form="ICC(1)", shrout_fleiss="ICC(1,1)", icc=(between - within) / whole,
        conf_low=low, conf_high=high, **common,
    )  # fmt: skip
    mean = Intraclass(
        form="ICC(k)", shrout_fleiss="ICC(1,k)",
        icc=float("-inf") if between == 0 else (between - within) / between,
        conf_low=None if low is None else _stepped_up(low, typical),
        conf_high=None if high is None else _stepped_up(high, typical), **common,
    )  # fmt: skip
    return Records((one, mean))
