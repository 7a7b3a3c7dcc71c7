"""How often a t or z test rejects, and the effect or size at which it does so often enough."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from math import lgamma, log, sqrt
from typing import TYPE_CHECKING

import numpy as np

from evalkit.errors import CannotEstimate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

NODES = 200
LARGEST = 1e9  # a size beyond this is not looked for
MANY = 1e7  # df from which t is taken as normal


def t_power(centre: float, df: float, alpha: float, sides: int) -> float:
    """Return P(reject) of a t test whose statistic is noncentral t with this noncentrality.

    The two-sided power counts both tails. P(T > c) is the mean of the normal P(Z > c s - centre)
    over s, the root of a chi-squared by its df, by Gauss-Legendre quadrature: scipy's noncentral t
    returns NaN at some large noncentralities.
    """
    from scipy.special import ndtr, stdtrit

    if df > MANY:
        return z_power(centre, alpha, sides)
    limit = -float(stdtrit(df, alpha / sides))
    points, weights = _root_chi(df)
    upper = float(weights @ ndtr(centre - limit * points))
    return upper if sides == 1 else upper + float(weights @ ndtr(-centre - limit * points))


def z_power(centre: float, alpha: float, sides: int) -> float:
    """Return P(reject) of a z test whose statistic has this mean, both tails where two-sided."""
    from scipy.special import ndtr, ndtri

    limit = -float(ndtri(alpha / sides))
    upper = float(ndtr(centre - limit))
    return upper if sides == 1 else upper + float(ndtr(-centre - limit))


@lru_cache(maxsize=1)
def _nodes() -> tuple[Floats, Floats]:
    return np.polynomial.legendre.leggauss(NODES)


@lru_cache(maxsize=256)
def _root_chi(df: float) -> tuple[Floats, Floats]:
    """Return points and weights (which add up to 1) of the root of chi-squared over its df."""
    from scipy.special import gammainccinv, gammaincinv

    low, high = (
        sqrt(2 * float(x) / df) for x in (gammaincinv(df / 2, 1e-18), gammainccinv(df / 2, 1e-18))
    )
    nodes, weights = _nodes()
    points = (high + low) / 2 + (high - low) / 2 * nodes
    constant = log(2) + df / 2 * log(df / 2) - lgamma(df / 2)
    mass = weights * np.exp(constant + (df - 1) * np.log(points) - df * points**2 / 2)
    return points, mass / mass.sum()


def multiplier(df: float, power: float, alpha: float, sides: int) -> float:
    """Return M = t(1 - alpha / sides) + t(power), Bloom's multiplier of the standard error."""
    from scipy.stats import t as student

    return float(student.isf(alpha / sides, df) + student.ppf(power, df))


def effect_reaching(
    power_at: Callable[[float], float], power: float, *, start: float, bound: float
) -> float:
    """Return the smallest positive effect with this power: `power_at` rises with the effect."""
    high = min(start, bound)
    while power_at(high) < power:
        if high >= bound:
            raise CannotEstimate(
                f"No effect up to the largest possible ({bound:g}) gives a power of {power:g} at "
                "this size. Plan for more people."
            )
        high = min(2 * high, bound)
    return _root(lambda effect: power_at(effect) - power, 0.0, high)


def size_reaching(
    power_at: Callable[[float], float], power: float, *, least: float, name: str
) -> float:
    """Return the smallest size, as a real number of `least` or more, with this power."""
    if power_at(least) >= power:
        return least
    high = 2 * least
    while power_at(high) < power:
        if high > LARGEST:
            raise CannotEstimate(
                f"No {name} gives a power of {power:g}: with ever more it comes no nearer than "
                f"{power_at(high):.3f}. Plan for more clusters or blocks, or a larger effect."
            )
        high *= 2
    return _root(lambda size: power_at(size) - power, high / 2, high)


def _root(gap: Callable[[float], float], low: float, high: float) -> float:
    from scipy.optimize import brentq

    return float(brentq(gap, low, high, xtol=1e-12, rtol=1e-14, maxiter=500))
