"""Draws for a numeric column from a normal linear model: the model drawn, then the missing values.

The draw of the model is that of Rubin (1987, Multiple Imputation for Nonresponse in Surveys, p. 167)
under a flat prior: the variance from a scaled inverse chi-squared, the coefficients from a normal
around least squares. Predictive mean matching is that of Little (1988, Journal of Business and
Economic Statistics 6:287-296), type 1 of van Buuren (2018, Flexible Imputation of Missing Data, 3.4).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evalkit.stats.imputing.steady_algebra import solve_upper, upper_root

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Codes = NDArray[np.intp]

DONORS = 5
FIXED = 1e-8  # share of a standard deviation squared left after the columns before it
_TIE = 1e-9  # of a standard deviation: puts people predicted alike in a drawn order


def independent(gram: Floats, n: int) -> Codes:
    """Return the columns of a cross-product that the ones before them do not determine.

    `gram` is that of standardised columns, the first of them ones, over `n` rows.
    """
    left = gram.copy()
    kept: list[int] = []
    for column in range(len(gram)):
        pivot = left[column, column]
        if pivot <= FIXED * n:
            continue
        kept.append(column)
        left -= np.outer(left[column], left[column]) / pivot
    return np.array(kept, dtype=np.intp)


def root(gram: Floats, n: int) -> Floats | None:
    """Return the upper Cholesky root of a cross-product whose last column is the outcome.

    None where a column other than the last is determined by those before it.
    """
    upper, failed = upper_root(gram)
    last = len(gram) - 1
    if failed and failed <= last:
        return None
    if failed:
        upper[last, last] = 0.0
    diagonal = upper.diagonal()[:last]
    return None if (diagonal * diagonal).min() <= FIXED * n else upper


def drawn_model(rng: np.random.Generator, upper: Floats, df: int) -> tuple[Floats, Floats, float]:
    """Return least squares coefficients, drawn coefficients and the drawn residual deviation."""
    last = len(upper) - 1
    sigma = float(abs(upper[last, last]) / np.sqrt(rng.chisquare(df)))
    triangle, side = upper[:last, :last], upper[:last, last]
    fitted = solve_upper(triangle, side)
    drawn = solve_upper(triangle, side + sigma * rng.standard_normal(last))
    return fitted, drawn, sigma


def donors(rng: np.random.Generator, known: Floats, wanted: Floats, k: int = DONORS) -> Codes:
    """Return for each predicted value one of the `k` people whose own prediction is nearest.

    In sorted predictions the nearest lie side by side, so that each is found by bisection.
    """
    n = len(known)
    k = min(k, n)
    jittered = known + _TIE * rng.random(n)
    order = np.argsort(jittered)
    ranked = jittered[order]
    place = np.searchsorted(ranked, wanted)
    first = np.clip(place - k, 0, n - k)
    steps = np.minimum(place, n - k) - first
    for _ in range(int(steps.max(initial=0))):
        low, high = ranked[first], ranked[np.minimum(first + k, n - 1)]
        first += (steps > 0) & (high - wanted < wanted - low)
        steps -= 1
    return np.asarray(order[first + rng.integers(0, k, len(wanted))], dtype=np.intp)


def normal_values(
    rng: np.random.Generator, centre: Floats, sigma: float, limits: tuple[float, float] | None
) -> Floats:
    """Return draws around `centre`; within limits from the normal distribution cut off there."""
    from scipy.special import ndtr, ndtri

    if limits is None or sigma == 0:
        drawn: Floats = centre + sigma * rng.standard_normal(len(centre))
        return drawn if limits is None else np.clip(drawn, *limits)
    low, high = ((edge - centre) / sigma for edge in limits)
    upper_tail = low > 0  # mirrored, where chances near one would lose their digits
    low, high = np.where(upper_tail, -high, low), np.where(upper_tail, -low, high)
    below, above = ndtr(low), ndtr(high)
    step = np.clip(ndtri(below + rng.random(len(centre)) * (above - below)), low, high)
    cut: Floats = np.clip(centre + sigma * np.where(upper_tail, -step, step), *limits)
    return cut
