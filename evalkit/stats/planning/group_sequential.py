"""The joint distribution of a test statistic looked at again and again, by recursive integration.

Between looks with information fractions s < t the statistic moves by independent increments:
Z(t) sqrt(t) - Z(s) sqrt(s) is normal with variance t - s. What is carried from look to look is
the density of Z over the region in which the trial goes on (Armitage, McPherson and Rowe 1969).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, inf, sqrt
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

REACH = 12.0  # the statistic is not followed beyond this
SMALLEST = 1e-18  # an error rate below this has no boundary
PANEL = 8  # nodes a panel


@dataclass(frozen=True, slots=True, eq=False)
class Going:
    """Trials still going on after a look: nodes of the statistic, and the mass at each."""

    fraction: float
    nodes: Floats
    mass: Floats


def first(fraction: float, low: float, high: float, following: float) -> Going:
    """Return the trials that go on after the first look, between the boundaries.

    `following` is the fraction of the next look, and sets how fine the nodes lie.
    """
    from scipy.stats import norm

    nodes, weights = _grid(low, high, (following - fraction) / fraction)
    return Going(fraction, nodes, weights * norm.pdf(nodes))


def step(before: Going, fraction: float, low: float, high: float, following: float) -> Going:
    """Return the trials that go on after a further look."""
    from scipy.stats import norm

    shortest = min(following - fraction, fraction - before.fraction)
    nodes, weights = _grid(low, high, shortest / fraction)
    gap = sqrt(fraction - before.fraction)
    starts = before.nodes * (sqrt(before.fraction) / gap)
    mass = np.empty(len(nodes))
    for part in np.array_split(np.arange(len(nodes)), 1 + len(nodes) * len(starts) // 4_000_000):
        kernel = norm.pdf(nodes[part, None] * (sqrt(fraction) / gap) - starts)
        mass[part] = kernel @ before.mass
    return Going(fraction, nodes, weights * mass * (sqrt(fraction) / gap))


def beyond(before: Going | None, fraction: float, limit: float) -> float:
    """Return the probability to go on until this look, and to be above the limit there."""
    from scipy.special import ndtr

    if limit == inf:
        return 0.0
    if before is None:
        return float(ndtr(-limit))
    gap = sqrt(fraction - before.fraction)
    moved = before.nodes * sqrt(before.fraction)
    return float(before.mass @ ndtr((moved - limit * sqrt(fraction)) / gap))


def boundary(before: Going | None, fraction: float, rate: float) -> float:
    """Return the limit above which a trial under no effect ends at this look with this rate.

    Infinity where the rate is too small for a boundary.
    """
    from scipy.optimize import brentq
    from scipy.stats import norm

    if rate < SMALLEST:
        return inf
    if before is None:
        return float(norm.isf(rate))

    def gap(limit: float) -> float:
        return float(np.log(max(beyond(before, fraction, limit), 1e-300) / rate))

    low, high = -REACH, REACH
    if gap(high) > 0 or gap(low) < 0:
        return inf if gap(high) > 0 else low
    return float(brentq(gap, low, high, xtol=1e-12, rtol=1e-14))


def crossing(fractions: Floats, upper: Floats, lower: Floats) -> tuple[Floats, Floats]:
    """Return the probability to end above, and to end below, at each look."""
    above, below = np.empty(len(fractions)), np.empty(len(fractions))
    before: Going | None = None
    mirror: Going | None = None
    for look, fraction in enumerate(fractions):
        above[look] = beyond(before, fraction, upper[look])
        below[look] = beyond(mirror, fraction, -lower[look])
        if look + 1 < len(fractions):
            following = float(fractions[look + 1])
            before = follow(before, fraction, lower[look], upper[look], following)
            mirror = Going(before.fraction, -before.nodes, before.mass)
    return above, below


def follow(
    before: Going | None,
    fraction: float,
    low: float,
    high: float,
    following: float,
) -> Going:
    """Return the trials that go on after this look, the first or a later one."""
    if before is None:
        return first(fraction, low, high, following)
    return step(before, fraction, low, high, following)


def _grid(low: float, high: float, step: float) -> tuple[Floats, Floats]:
    """Return Gauss-Legendre nodes and weights in panels no wider than the shorter step is long."""
    low, high = max(low, -REACH), min(high, REACH)
    if high <= low:
        return np.zeros(1), np.zeros(1)
    panels = ceil((high - low) / min(1.0, sqrt(step)))
    nodes, weights = np.polynomial.legendre.leggauss(PANEL)
    half = (high - low) / panels / 2
    middles = low + half * (2 * np.arange(panels) + 1)
    return (middles[:, None] + half * nodes).ravel(), np.tile(half * weights, panels)
