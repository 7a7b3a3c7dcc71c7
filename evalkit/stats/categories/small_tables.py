"""Intervals for a two-by-two table that hold when few people have the outcome, or few do not."""

from __future__ import annotations

from dataclasses import dataclass
from math import asinh, exp, inf, log, sinh, sqrt
from typing import Any

from evalkit.stats.persons.status_rates import wilson


@dataclass(frozen=True, slots=True)
class Table:
    """Events and people in the treated and the comparison arm."""

    events_t: int
    n_t: int
    events_c: int
    n_c: int

    @property
    def risks(self) -> tuple[float, float]:
        """Return the share with the event, treated first."""
        return self.events_t / self.n_t, self.events_c / self.n_c

    @property
    def cells(self) -> tuple[int, int, int, int]:
        """Return treated with and without, comparison with and without the event."""
        return self.events_t, self.n_t - self.events_t, self.events_c, self.n_c - self.events_c


def newcombe_difference(table: Table, level: float) -> dict[str, Any]:
    """Return p_t - p_c with the hybrid score interval (Newcombe 1998, method 10).

    Source: Statistics in Medicine 17:873-890. The p-value is one minus the level at which the
    interval just reaches no difference.
    """
    p, q = table.risks
    low, high = _difference_limits(table, level)
    return {
        "estimate": p - q,
        "conf_low": low,
        "conf_high": high,
        "p_value": score_p_value(table),
    }


def _difference_limits(table: Table, level: float) -> tuple[float, float]:
    p, q = table.risks
    (l1, u1), (l2, u2) = (
        _limits(table.events_t, table.n_t, level),
        _limits(table.events_c, table.n_c, level),
    )
    return p - q - sqrt((p - l1) ** 2 + (u2 - q) ** 2), p - q + sqrt((u1 - p) ** 2 + (q - l2) ** 2)


def _limits(events: int, n: int, level: float) -> tuple[float, float]:
    low, high = wilson(events, n, level)
    return (low or 0.0), (1.0 if high is None else high)


def score_p_value(table: Table) -> float:
    """Return the p-value at which Newcombe's interval, and that of the ratio, reach no effect.

    Below 2.6e-12 (seven standard errors) it is given as that.
    """
    from scipy.optimize import brentq
    from scipy.stats import norm

    p, q = table.risks
    if p == q:
        return 1.0
    side = 0 if p > q else 1

    def reach(z: float) -> float:
        return _difference_limits(table, float(norm.cdf(z) - norm.cdf(-z)))[side]

    widest = 7.0
    if reach(widest) * (p - q) > 0:
        return float(2 * norm.sf(widest))
    return float(2 * norm.sf(brentq(reach, 1e-12, widest, xtol=1e-13)))


def mover_ratio(table: Table, level: float) -> dict[str, Any]:
    """Return p_t / p_c with the square-and-add interval from the two Wilson intervals.

    MOVER-R of Donner and Zou (2012), Statistical Methods in Medical Research 21:347-359: the
    ratios R at which p_t - R p_c is just reached by Newcombe's rule, so it holds 1 exactly where
    Newcombe's interval holds 0.
    """
    p, q = table.risks
    l1, u1 = _limits(table.events_t, table.n_t, level)
    l2, u2 = _limits(table.events_c, table.n_c, level)
    pq = p * q
    low = (pq - sqrt(max(pq**2 - l1 * u2 * (2 * p - l1) * (2 * q - u2), 0.0))) / (u2 * (2 * q - u2))
    below = l2 * (2 * q - l2)
    upper = pq + sqrt(max(pq**2 - u1 * l2 * (2 * p - u1) * (2 * q - l2), 0.0))
    return {
        "estimate": p / q,
        "conf_low": max(low, 0.0),
        "conf_high": upper / below if below > 0 else inf,
        "p_value": score_p_value(table),
    }


def inverse_sinh_odds_ratio(table: Table, level: float) -> dict[str, Any]:
    """Return the odds ratio with the adjusted inverse hyperbolic sine interval.

    Fagerland and Newcombe (2013), Statistics in Medicine 32:2823-2836, with .45 added to each
    count for the centre and .25 for the width; it is finite with an empty cell, and begins at 0
    where the estimate is 0. The p-value is one minus the level at which the interval reaches 1.
    """
    from scipy.stats import norm

    a, b, c, d = table.cells
    centre = log((a + 0.45) * (d + 0.45) / ((b + 0.45) * (c + 0.45)))
    spread = sqrt(sum(1 / (cell + 0.25) for cell in table.cells))
    half = 2 * asinh(float(norm.ppf(0.5 + level / 2)) / 2 * spread)
    return {
        "estimate": a * d / (b * c),
        "conf_low": exp(centre - half) if a * d else 0.0,
        "conf_high": exp(centre + half),
        "p_value": float(2 * norm.sf(2 * sinh(abs(centre) / 2) / spread)),
    }
