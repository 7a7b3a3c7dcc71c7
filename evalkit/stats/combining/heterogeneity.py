"""How much effects differ between sites: estimates of tau squared, with standard error and limits.

With P = W - WX(X'WX)^-1 X'W and W the inverse of variance + tau^2. REML solves y'PPy = tr P, ML
y'PPy = sum w, PM (Paule and Mandel) y'Py = k - p. DL (DerSimonian and Laird), HE (Hedges) and SJ
(Sidik and Jonkman) are explicit. Veroniki et al. (2016), Research Synthesis Methods 7:55-79.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING

import numpy as np

from evalkit.errors import NotConverged
from evalkit.stats.combining.weighted import Weighted, weighted

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

METHODS = ("REML", "DL", "ML", "PM", "SJ", "HE", "EE")
_GRID = 48  # points a decade-wide search for several maxima of a likelihood looks at
_DECADES = 7


@dataclass(frozen=True, slots=True)
class Spread:
    """Tau squared, its standard error and Q-profile limits; None where they do not apply."""

    tau2: float
    std_error: float | None
    low: float | None
    high: float | None
    empty: bool = False  # no tau squared is in the interval: it is put at 0 to 0


def estimate_spread(
    effects: Floats, variances: Floats, basis: Floats, method: str, level: float
) -> Spread:
    """Return tau squared by the method named, with limits by the Q profile."""
    if method == "EE":
        return Spread(0.0, None, None, None)
    tau2 = estimate_tau2(effects, variances, basis, method)
    low, high, empty = _profile(effects, variances, basis, level)
    return Spread(tau2, _std_error(effects, variances, basis, method, tau2), low, high, empty)


def estimate_tau2(effects: Floats, variances: Floats, basis: Floats, method: str) -> float:
    """Return tau squared by the method named; 0 for "EE" and where it would be negative."""
    if method == "EE":
        return 0.0
    if method in ("REML", "ML"):
        return _likelihood(effects, variances, basis, method == "REML")
    spare = len(effects) - basis.shape[1]
    if method == "PM":
        return _where_q(effects, variances, basis, float(spare))
    if method == "SJ":
        start, fit = _sidik_jonkman(effects, variances, basis)
        return float(fit.q / spare) if start > 0 else 0.0
    fit = _moment_fit(effects, variances, basis, method)
    return float(max((fit.q - fit.trace_of(variances)) / fit.trace, 0.0))


def q_statistic(effects: Floats, variances: Floats, basis: Floats, tau2: float = 0.0) -> float:
    """Return Q at a tau squared."""
    return weighted(effects, basis, 1 / (variances + tau2)).q


def typical_variance(variances: Floats, basis: Floats) -> float:
    """Return the typical variance within sites: (k - p) / tr P at a tau squared of 0."""
    fit = weighted(np.zeros(len(variances)), basis, 1 / variances)
    return float((len(variances) - basis.shape[1]) / fit.trace)


def _moment_fit(effects: Floats, variances: Floats, basis: Floats, method: str) -> Weighted:
    even = np.ones(len(effects))
    return weighted(effects, basis, 1 / variances if method == "DL" else even)


def _sidik_jonkman(effects: Floats, variances: Floats, basis: Floats) -> tuple[float, Weighted]:
    """Return the spread started from, and the fit with weights 1 / (v / start + 1)."""
    start = float(np.mean((effects - effects.mean()) ** 2))
    if start <= 0:
        return 0.0, weighted(effects, basis, 1 / variances)
    return start, weighted(effects, basis, 1 / (variances / start + 1))


def _likelihood(effects: Floats, variances: Floats, basis: Floats, restricted: bool) -> float:
    """Return where the likelihood is highest, looking for every maximum first."""
    from scipy.optimize import brentq

    def fit(tau2: float) -> Weighted:
        return weighted(effects, basis, 1 / (variances + tau2))

    def slope(tau2: float) -> float:
        now = fit(tau2)
        return float(now.squares - (now.trace if restricted else now.weights.sum()))

    top = _upper(slope, effects, variances)
    points = [0.0, *(top * np.logspace(-_DECADES, 0, _GRID))]
    slopes = [slope(point) for point in points]
    found = [0.0] if slopes[0] <= 0 else []
    for i in range(len(points) - 1):
        if slopes[i] > 0 >= slopes[i + 1]:
            found.append(float(brentq(slope, points[i], points[i + 1], xtol=1e-14 * top)))
    best: float = max(found, key=lambda tau2: fit(tau2).log_likelihood(restricted=restricted))
    return best


def _upper(falls: Callable[[float], float], effects: Floats, variances: Floats) -> float:
    """Return a tau squared at which the function is below 0."""
    top = float(np.var(effects)) + float(np.max(variances))
    for _ in range(200):
        if falls(top) < 0:
            return top
        top *= 2
    raise NotConverged("No upper limit of the spread between sites was found.")


def _where_q(effects: Floats, variances: Floats, basis: Floats, target: float) -> float:
    """Return the tau squared at which Q, which falls as it grows, is the target; 0 if below it."""
    from scipy.optimize import brentq

    def over(tau2: float) -> float:
        return q_statistic(effects, variances, basis, tau2) - target

    if over(0.0) <= 0:
        return 0.0
    top = _upper(over, effects, variances)
    return float(brentq(over, 0.0, top, xtol=1e-15 * top, rtol=1e-14))


def _profile(
    effects: Floats, variances: Floats, basis: Floats, level: float
) -> tuple[float, float, bool]:
    """Return Viechtbauer's (2007) Q-profile limits, and whether no tau squared is between them."""
    from scipy.stats import chi2

    spare = len(effects) - basis.shape[1]
    low, high = (
        _where_q(effects, variances, basis, float(target))
        for target in chi2.ppf([0.5 + level / 2, 0.5 - level / 2], spare)
    )
    lowest = float(chi2.ppf(0.5 - level / 2, spare))
    return low, high, q_statistic(effects, variances, basis) < lowest


def _std_error(
    effects: Floats, variances: Floats, basis: Floats, method: str, tau2: float
) -> float | None:
    count, spare = len(effects), len(effects) - basis.shape[1]
    now = weighted(effects, basis, 1 / (variances + tau2))
    if method == "REML":
        return sqrt(2 / now.trace_squared())
    if method == "ML":
        return sqrt(2 / float(np.sum(now.weights**2)))
    if method == "PM":
        return sqrt(2 * count**2 / spare) / float(now.weights.sum())
    if method == "SJ":
        start, fit = _sidik_jonkman(effects, variances, basis)
        return None if start <= 0 else _root(fit, variances + tau2) / spare
    fit = _moment_fit(effects, variances, basis, method)
    return _root(fit, variances + tau2) / fit.trace


def _root(fit: Weighted, total: Floats) -> float:
    """Return the standard deviation of the quadratic form of a fit, for effects of total variance."""
    return sqrt(2 * fit.trace_squared(total))
