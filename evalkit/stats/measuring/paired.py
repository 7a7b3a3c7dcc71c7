"""Two numbers a person: pairing them, their difference and its limits of agreement."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.results import Record
from evalkit.rounding import written
from evalkit.stats.shared.columns import invalid, left_out, vector

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LEAST_PAIRS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """The complete pairs, and how many pairs were left out for which reason."""

    a: Floats
    b: Floats
    n_rows: int
    dropped_why: tuple[tuple[str, int], ...]

    @property
    def n_dropped(self) -> int:
        return sum(count for _, count in self.dropped_why)


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement(Record):
    """What every kind of agreement says: pairs in, pairs used, pairs left out and why."""

    a: str
    b: str
    n: int
    n_rows: int
    n_dropped: int
    level: float
    method: str
    dropped_why: tuple[tuple[str, int], ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference(Record):
    """The mean difference with its t interval, and the limits of agreement with theirs.

    All in the units of the scores. `limit_std_error` is the exact standard error of a limit,
    s sqrt(1/n + z^2 / (2(n - 1))).
    """

    mean: float
    sd: float
    std_error: float
    low: float
    high: float
    p_value: float | None
    lower_limit: float
    upper_limit: float
    limit_std_error: float
    lower_limit_low: float
    lower_limit_high: float
    upper_limit_low: float
    upper_limit_high: float


def paired(a: Any, b: Any, names: tuple[str, str], *, least: int = LEAST_PAIRS) -> Pairs:
    """Pair two arrays by position, leaving out and counting the incomplete pairs.

    Raises
    ------
    InvalidInput
        For different lengths, text, or two pandas series whose labels differ (they would be paired
        by position though they belong to different people).
    CannotEstimate
        With fewer complete pairs than are needed.
    """
    _check_labels(a, b, names)
    one, other = vector(a, names[0]), vector(b, names[1])
    if len(one) != len(other):
        raise invalid(
            f"{names[0]} and {names[1]} have {len(one)} and {len(other)} rows.",
            allowed="one row a pair in both",
        )
    no_one, no_other = np.isnan(one), np.isnan(other)
    reasons = [
        (f"neither {names[0]} nor {names[1]}", no_one & no_other),
        (f"no {names[0]}", no_one),
        (f"no {names[1]}", no_other),
    ]
    keep, dropped = left_out(reasons, len(one))
    if keep.sum() < least:
        raise CannotEstimate(f"{int(keep.sum())} complete pair(s); at least {least} are needed.")
    return Pairs(a=one[keep], b=other[keep], n_rows=len(one), dropped_why=dropped)


def _check_labels(a: Any, b: Any, names: tuple[str, str]) -> None:
    import pandas as pd

    if not (isinstance(a, pd.Series) and isinstance(b, pd.Series)) or len(a) != len(b):
        return
    if not a.index.equals(b.index):
        raise invalid(
            f"{names[0]} and {names[1]} have different row labels.",
            allowed="rows of the same pairs in the same order",
            next_step="Put both in one frame first, or drop the labels with .to_numpy().",
        )


def difference(values: Floats, level: float) -> Difference:
    """Return the mean of some differences, its t interval and the limits of agreement.

    The limits are mean -/+ z SD (z = 1.96 at level 0.95), their intervals from t with n - 1
    degrees of freedom: Bland and Altman (1999), Statistical Methods in Medical Research 8:135-160.
    """
    from scipy.stats import norm
    from scipy.stats import t as student

    n = len(values)
    mean = float(values[0] + np.mean(values - values[0]))
    sd = float(np.std(values - values[0], ddof=1)) if np.ptp(values) > 0 else 0.0
    z, t = float(norm.ppf(0.5 + level / 2)), float(student.ppf(0.5 + level / 2, n - 1))
    error, of_limit = sd / sqrt(n), sd * sqrt(1 / n + z**2 / (2 * (n - 1)))
    lower, upper = mean - z * sd, mean + z * sd
    return Difference(
        mean=mean,
        sd=sd,
        std_error=error,
        low=mean - t * error,
        high=mean + t * error,
        p_value=float(2 * student.sf(abs(mean / error), n - 1)) if error > 0 else None,
        lower_limit=lower,
        upper_limit=upper,
        limit_std_error=of_limit,
        lower_limit_low=lower - t * of_limit,
        lower_limit_high=lower + t * of_limit,
        upper_limit_low=upper - t * of_limit,
        upper_limit_high=upper + t * of_limit,
    )


def limits_in(found: Difference) -> dict[str, Any]:
    """Return a difference as the fields that records of pairs share."""
    return {
        "mean_difference": found.mean,
        "sd_difference": found.sd,
        "std_error": found.std_error,
        "conf_low": found.low,
        "conf_high": found.high,
        "p_value": found.p_value,
    } | {
        name: getattr(found, name)
        for name in (
            "lower_limit",
            "upper_limit",
            "limit_std_error",
            "lower_limit_low",
            "lower_limit_high",
            "upper_limit_low",
            "upper_limit_high",
        )
    }


def span(value: float, low: float | None, high: float | None, level: float) -> str:
    """Return a number with its interval in words."""
    if low is None or high is None:
        return written(value, 2)
    return f"{written(value, 2)}, {level:.0%} interval {written(low, 2)} to {written(high, 2)}"
