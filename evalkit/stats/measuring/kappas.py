"""Agreement beyond chance from a table of two raters: kappa, weighted or not, and Gwet's AC1."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.results import Record

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kappa(Record):
    """An agreement coefficient with its large-sample standard error and interval.

    The limits are kept within -1 to 1. `statistic` and `p_value` test that there is no agreement
    beyond chance, with the standard error that holds then (None for AC1).
    """

    weights: str
    observed: float
    expected: float
    estimate: float
    std_error: float
    conf_low: float
    conf_high: float
    statistic: float | None
    p_value: float | None
    level: float


def shares(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    """Return the values seen, in order, and the table of shares: a in rows, b in columns."""
    values = np.union1d(a, b)
    table = np.zeros((len(values), len(values)))
    np.add.at(table, (np.searchsorted(values, a), np.searchsorted(values, b)), 1)
    return values, table / len(a)


def agreement_weights(values: Floats, weights: str) -> Floats:
    """Return weights of agreement from 1 (the same) to 0 (furthest apart).

    Distances are between the values, so that with codes 1, 2, 3, 4 of which nobody used 3, 2 and
    4 are still two apart.
    """
    if weights == "none":
        return np.eye(len(values))
    gaps = np.abs(np.subtract.outer(values, values))
    power = {"linear": 1, "quadratic": 2}[weights]
    same: Floats = 1 - (gaps / gaps.max()) ** power
    return same


def kappa(table: Floats, values: Floats, n: int, *, weights: str, level: float) -> Kappa | None:
    """Return Cohen's kappa of a table of shares; None where agreement by chance is certain.

    References
    ----------
    Cohen (1960), Educational and Psychological Measurement 20:37-46; Cohen (1968), Psychological
    Bulletin 70:213-220; Fleiss, Cohen and Everitt (1969), Psychological Bulletin 72:323-327 (the
    standard errors).
    """
    from scipy.stats import norm

    rows, columns = table.sum(axis=1), table.sum(axis=0)
    if np.max(rows * columns) >= 1 - 1e-12:
        return None
    weight = agreement_weights(values, weights)
    chance = np.outer(rows, columns)
    observed, expected = float(np.sum(weight * table)), float(np.sum(weight * chance))
    estimate = (observed - expected) / (1 - expected)
    typical = np.add.outer(weight @ columns, rows @ weight)
    pull = weight * (1 - expected) - typical * (1 - observed)
    error = sqrt(_variance(table, pull) / n) / (1 - expected) ** 2
    by_chance = sqrt(_variance(chance, weight - typical) / n) / (1 - expected)
    z = estimate / by_chance if by_chance > 1e-12 else None
    low, high = _within(estimate, error * float(norm.ppf(0.5 + level / 2)))
    return Kappa(
        weights=weights,
        observed=observed,
        expected=expected,
        estimate=estimate,
        std_error=error,
        conf_low=low,
        conf_high=high,
        statistic=z,
        p_value=None if z is None else float(2 * norm.sf(abs(z))),
        level=level,
    )


def gwet_ac1(table: Floats, n: int, *, level: float) -> Kappa:
    """Return Gwet's AC1 of a table of shares, with a t interval on n - 1 degrees of freedom.

    Chance agreement is sum of pi (1 - pi) / (q - 1) for the mean marginals pi of q categories.

    References
    ----------
    Gwet (2008), British Journal of Mathematical and Statistical Psychology 61:29-48.
    """
    from scipy.stats import t as student

    count = len(table)
    mean = (table.sum(axis=1) + table.sum(axis=0)) / 2
    observed = float(np.trace(table))
    expected = float(np.sum(mean * (1 - mean))) / (count - 1)
    estimate = (observed - expected) / (1 - expected)
    pull = 2 * (1 - estimate) * (1 - np.add.outer(mean, mean) / 2) / (count - 1)
    error = sqrt(_variance(table, np.eye(count) - pull) / n) / (1 - expected)
    low, high = _within(estimate, error * float(student.ppf(0.5 + level / 2, n - 1)))
    return Kappa(
        weights="none",
        observed=observed,
        expected=expected,
        estimate=estimate,
        std_error=error,
        conf_low=low,
        conf_high=high,
        statistic=None,
        p_value=None,
        level=level,
    )


def kappa_fields(name: str, found: Kappa | None) -> dict[str, Any]:
    """Return a kappa as fields that start with its name; all None where there is none."""
    parts = {"": "estimate", "_std_error": "std_error", "_low": "conf_low", "_high": "conf_high"}
    return {
        name + ending: None if found is None else getattr(found, field)
        for ending, field in parts.items()
    }


def _variance(table: Floats, values: Floats) -> float:
    """Return the variance of values over a table of shares; rounding error counts as none."""
    mean = float(np.sum(table * values))
    spread = float(np.sum(table * (values - mean) ** 2))
    return spread if spread > 1e-24 else 0.0


def _within(estimate: float, half: float) -> tuple[float, float]:
    return max(estimate - half, -1.0), min(estimate + half, 1.0)
