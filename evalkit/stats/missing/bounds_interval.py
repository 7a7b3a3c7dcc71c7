"""The interval of an effect that lies between two estimated bounds, and how figures are written."""

from __future__ import annotations

from math import inf, isfinite
from typing import Any

from evalkit.errors import CannotEstimate
from evalkit.rounding import enough_digits, written


def imbens_manski(
    lower: float, upper: float, se_lower: float, se_upper: float, level: float, df: float = inf
) -> dict[str, Any]:
    """Return `conf_low`, `conf_high` and `critical` for an effect between two bounds.

    The interval is [lower - c se_lower, upper + c se_upper]; c solves
    F(c + (upper - lower) / max(se_lower, se_upper)) - F(-c) = level, F the normal distribution or,
    with finite `df`, Student's: it covers the effect itself, wherever between the bounds it is.

    Raises
    ------
    CannotEstimate
        When both standard errors are zero, or one of them cannot be computed.

    References
    ----------
    Imbens and Manski (2004), Econometrica 72:1845-1857.
    """
    largest = max(se_lower, se_upper)
    if not (isfinite(largest) and largest > 0):
        raise CannotEstimate(
            "The standard errors of the bounds are zero or cannot be computed: too few different "
            "outcomes were seen in an arm."
        )
    critical = critical_value((upper - lower) / largest, level, df)
    return {
        "conf_low": lower - critical * se_lower,
        "conf_high": upper + critical * se_upper,
        "critical": critical,
    }


def critical_value(width: float, level: float, df: float = inf) -> float:
    """Return Imbens and Manski's c for bounds `width` standard errors apart (zero or more)."""
    from scipy.optimize import brentq
    from scipy.stats import norm, t

    law = t(df) if isfinite(df) else norm
    one, two = float(law.ppf(level)), float(law.ppf((1 + level) / 2))

    def excess(c: float) -> float:
        return float(law.cdf(c + max(width, 0.0)) - law.cdf(-c)) - level

    if excess(one) >= 0:
        return one
    return two if excess(two) <= 0 else float(brentq(excess, one, two, xtol=1e-13, rtol=1e-14))


def figures(*values: float) -> list[str]:
    """Return numbers as one writes them beside one another, all with the same decimals."""
    largest = max(abs(value) for value in values)
    digits = enough_digits(values, 0 if largest >= 1000 else 1 if largest >= 100 else 2)
    return [written(value, digits) for value in values]


def percent(share: float) -> str:
    """Return a share as a percentage with one decimal."""
    return f"{written(100 * share, 1)}%"
