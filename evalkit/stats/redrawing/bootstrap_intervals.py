"""Intervals from bootstrap draws: percentile, basic, studentised and bias-corrected accelerated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evalkit.errors import CannotEstimate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Codes = NDArray[np.intp]

WHOLE = 1e-9  # an order statistic's number this near to a whole number is that number
SAME = 1e-9  # draws nearer to the estimate than this share of their spread equal it


@dataclass(frozen=True, slots=True)
class Interval:
    """An interval; `extreme` where an end is the lowest or highest draw, so not well known."""

    low: float
    high: float
    extreme: bool


def quantiles(draws: Floats, shares: Floats) -> tuple[Floats, bool]:
    """Return the quantiles of the draws, and whether one is an extreme draw for want of draws.

    The quantile of share p is the (R + 1)p-th of R draws in order; between two of them it is
    interpolated on the normal scale (Davison and Hinkley 1997, equation 5.8), as in R's boot.
    """
    from scipy.special import ndtri

    draws = np.sort(draws)
    count = len(draws)
    place = (count + 1) * np.clip(shares, 0.0, 1.0)
    below = np.floor(place + WHOLE).astype(int)
    whole = np.abs(place - below) < WHOLE
    lower = np.clip(below, 1, count)
    upper = np.clip(below + 1, 1, count)
    inside = (below > 0) & (below < count) & ~whole
    safe = np.where(inside, below, 1) / (count + 1)
    step = np.where(inside, ndtri(safe + 1 / (count + 1)) - ndtri(safe), 1.0)
    part = np.where(inside, (ndtri(np.where(inside, shares, 0.5)) - ndtri(safe)) / step, 0.0)
    found: Floats = draws[lower - 1] + part * (draws[upper - 1] - draws[lower - 1])
    return found, bool(np.any((below < 1) | (below > count) | ((below == count) & ~whole)))


def _tails(level: float) -> Floats:
    return np.array([(1 - level) / 2, (1 + level) / 2])


def percentile(draws: Floats, level: float) -> Interval:
    """Return the quantiles of the draws."""
    (low, high), extreme = quantiles(draws, _tails(level))
    return Interval(float(low), float(high), extreme)


def basic(draws: Floats, estimate: float, level: float) -> Interval:
    """Return the quantiles mirrored about the estimate."""
    found = percentile(draws, level)
    return Interval(2 * estimate - found.high, 2 * estimate - found.low, found.extreme)


def studentised(ratios: Floats, estimate: float, error: float, level: float) -> Interval:
    """Return the interval from draws of (draw - estimate) / its own standard error."""
    found = percentile(ratios, level)
    return Interval(estimate - error * found.high, estimate - error * found.low, found.extreme)


def accelerated(draws: Floats, estimate: float, acceleration: float, level: float) -> Interval:
    """Return the BCa interval (Efron 1987).

    Draws equal to the estimate count half as below it: with whole-number outcomes there are many.
    """
    from scipy.special import ndtr, ndtri

    near = SAME * float(np.ptp(draws))
    below = np.mean((draws < estimate - near) + 0.5 * (np.abs(draws - estimate) <= near))
    if not 0 < below < 1:
        raise CannotEstimate(
            "All draws lie on one side of the estimate, so its bias cannot be corrected and there "
            'is no BCa interval. Look at `bias` with method="basic".'
        )
    shift = float(ndtri(below))
    moved = shift + ndtri(_tails(level))
    room = 1 - acceleration * moved
    if np.any(room <= 0):
        raise CannotEstimate(
            f"With an acceleration of {acceleration:.2f} there is no BCa interval at this level: "
            'the statistic is too skewed. Use method="percentile" or more data.'
        )
    (low, high), extreme = quantiles(draws, ndtr(shift + moved / room))
    return Interval(float(low), float(high), extreme)


def jackknife_acceleration(estimate: float, without: Floats, cell: Codes) -> float:
    """Return a sixth of the skewness of the statistic, from its values without each unit.

    `cell` numbers the group each unit is drawn within. The changes are centred within these, and
    their cubes and squares summed over them (Davison and Hinkley 1997, section 5.4, several
    samples: a change is the influence over its group's size). R's boot sums influences without
    dividing by the sizes, which is right only where the groups are equal.
    """
    change = estimate - without
    change = change - (np.bincount(cell, weights=change) / np.bincount(cell))[cell]
    square = float(np.sum(change**2))
    return float(np.sum(change**3)) / (6 * square**1.5) if square > 0 else 0.0
