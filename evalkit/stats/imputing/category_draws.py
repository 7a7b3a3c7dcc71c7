"""Draws for a column of categories: a logistic model drawn, then the missing values.

Coefficients are drawn from the normal approximation of their posterior (Rubin 1987, p. 169). Rows of
small weight that go both ways keep every estimate finite where the data separate the categories
(White, Daniel and Royston 2010, Computational Statistics and Data Analysis 54:2267-2275).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evalkit.errors import NotConverged
from evalkit.stats.imputing.steady_algebra import (
    onto,
    solve_root,
    solve_upper,
    times,
    upper_root,
    weighted_products,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Codes = NDArray[np.intp]

Model = Callable[["Floats"], "Floats"]  # from rows of columns to the chances of each category

_STEPS = 100
_SETTLED = 1e-9  # what is left to gain of the log likelihood, a unit of weight
_REDRAWS = 100


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """The rows a model is fitted to: columns, categories from 0, and weights."""

    matrix: Floats
    codes: Codes
    weights: Floats
    k: int


def augmented(matrix: Floats, codes: Codes, k: int) -> Sample:
    """Return the rows with two more for each column and category, together worth p + 1 people.

    `matrix` has no intercept. The rows lie half a standard deviation to either side of the mean.
    """
    n, p = matrix.shape
    if p == 0:
        extra = np.zeros((k, 0))
        more = np.arange(k)
    else:
        mean, spread = matrix.mean(axis=0), matrix.std(axis=0, ddof=1)
        low, high = matrix.min(axis=0), matrix.max(axis=0)
        shift = np.concatenate([np.diag(spread), -np.diag(spread)]) / 2
        extra = np.tile(np.clip(mean + shift, low, high), (k, 1))
        more = np.repeat(np.arange(k), 2 * p)
    weights = np.concatenate([np.ones(n), np.full(len(more), (p + 1) / len(more))])
    return Sample(np.concatenate([matrix, extra]), np.concatenate([codes, more]), weights, k)


# --- Unordered: multinomial logistic, of two categories the ordinary one -----------------------


def _with_intercept(matrix: Floats) -> Floats:
    return np.concatenate([np.ones((len(matrix), 1)), matrix], axis=1)


def _chances(matrix: Floats, beta: Floats) -> Floats:
    """Return the chances of each category; `beta` is columns by categories after the first."""
    logits = np.concatenate([np.zeros((len(matrix), 1)), times(matrix, beta)], axis=1)
    logits -= logits.max(axis=1, keepdims=True)
    found: Floats = np.exp(logits)
    found /= found.sum(axis=1, keepdims=True)
    return found


def _multinomial_step(x: Floats, sample: Sample, beta: Floats) -> tuple[Floats, Floats, float]:
    """Return gradient, information and log likelihood."""
    chance = _chances(x, beta)
    own = chance[np.arange(len(x)), sample.codes]
    likelihood = float((sample.weights * np.log(np.maximum(own, 1e-300))).sum())
    rest = chance[:, 1:]
    hit = sample.codes[:, None] == np.arange(1, sample.k)
    pulls = ((hit - rest) * sample.weights[:, None]).T
    gradient = np.concatenate([onto(x, pull) for pull in pulls])
    p = x.shape[1]
    information = np.empty(((sample.k - 1) * p, (sample.k - 1) * p))
    for a in range(sample.k - 1):
        for b in range(a + 1):
            weight = sample.weights * rest[:, a] * (float(a == b) - rest[:, b])
            block = weighted_products(x, weight)
            information[a * p : (a + 1) * p, b * p : (b + 1) * p] = block
            information[b * p : (b + 1) * p, a * p : (a + 1) * p] = block
    return gradient, information, likelihood


def _settled(gain: float, sample: Sample) -> bool:
    return gain <= _SETTLED * (1 + float(sample.weights.sum()))


def _failed() -> NotConverged:
    return NotConverged(
        f"A logistic model of a column of categories did not settle in {_STEPS} steps, so its "
        "missing values cannot be drawn. Use fewer predictors, or merge rare categories."
    )


def unordered_model(rng: np.random.Generator, sample: Sample) -> Model:
    """Draw a multinomial logistic model; with two categories it is the ordinary one."""
    x = _with_intercept(sample.matrix)
    p = x.shape[1]
    beta = np.zeros((p, sample.k - 1))
    gradient, information, now = _multinomial_step(x, sample, beta)
    for _ in range(_STEPS):
        step = solve_root(upper_root(information)[0], gradient)
        if _settled(float((gradient * step).sum()), sample):
            break
        size = 1.0
        while True:
            later = beta + size * step.reshape(sample.k - 1, p).T
            gradient, information, then = _multinomial_step(x, sample, later)
            if then >= now - 1e-10 * (1 + abs(now)) or size < 1e-9:
                break
            size /= 2
        beta, now = later, then
    else:
        raise _failed()
    move = _normal_draw(rng, information).reshape(sample.k - 1, p).T
    drawn = beta + move
    return lambda missing: _chances(_with_intercept(missing), drawn)


def _normal_draw(rng: np.random.Generator, information: Floats) -> Floats:
    upper, _ = upper_root(information)
    return solve_upper(upper, rng.standard_normal(len(information)))


def pick(rng: np.random.Generator, chances: Floats) -> Codes:
    """Draw a category for each row of chances."""
    past = rng.random(len(chances))[:, None] > np.cumsum(chances, axis=1)[:, :-1]
    return np.asarray(past.sum(axis=1), dtype=np.intp)


# --- Ordered: proportional odds ----------------------------------------------------------------


def _cumulative_columns(x: Floats, codes: Codes, thresholds: int) -> tuple[Floats, Floats]:
    """Return the derivatives of the logits above and below each row's category."""
    both = []
    for shift in (0, 1):
        place = codes - shift
        inside = (place >= 0) & (place < thresholds)
        part = np.zeros((len(codes), thresholds + x.shape[1]))
        part[np.flatnonzero(inside), place[inside]] = 1.0
        part[inside, thresholds:] = -x[inside]
        both.append(part)
    return both[0], both[1]


def _ordered_step(
    upper: Floats, lower: Floats, sample: Sample, beta: Floats
) -> tuple[Floats, Floats, float]:
    """Return gradient, information and log likelihood (-inf where thresholds are out of order)."""
    from scipy.special import expit

    thresholds = sample.k - 1
    if np.any(np.diff(beta[:thresholds]) <= 0):
        return np.empty(0), np.empty(0), -np.inf
    top, bottom = sample.codes == thresholds, sample.codes == 0
    above = np.where(top, 1.0, expit(times(upper, beta)))
    below = np.where(bottom, 0.0, expit(times(lower, beta)))
    chance = np.maximum(above - below, 1e-300)
    f_above, f_below = above * (1 - above), below * (1 - below)
    scores = (f_above[:, None] * upper - f_below[:, None] * lower) / chance[:, None]
    bend_above = sample.weights * f_above * (1 - 2 * above) / chance
    bend_below = sample.weights * f_below * (1 - 2 * below) / chance
    information = weighted_products(scores, sample.weights)
    information -= weighted_products(upper, bend_above)
    information += weighted_products(lower, bend_below)
    likelihood = float((sample.weights * np.log(chance)).sum())
    return onto(scores, sample.weights), information, likelihood


def ordered_model(rng: np.random.Generator, sample: Sample) -> Model:
    """Draw a proportional-odds model."""
    thresholds = sample.k - 1
    upper, lower = _cumulative_columns(sample.matrix, sample.codes, thresholds)
    share = np.bincount(sample.codes, sample.weights, sample.k)
    below = np.cumsum(share)[:-1] / share.sum()
    beta = np.concatenate([np.log(below / (1 - below)), np.zeros(sample.matrix.shape[1])])
    gradient, information, now = _ordered_step(upper, lower, sample, beta)
    for _ in range(_STEPS):
        step = solve_root(upper_root(information)[0], gradient)
        if _settled(float((gradient * step).sum()), sample):
            break
        size = 1.0
        while True:
            later = beta + size * step
            result = _ordered_step(upper, lower, sample, later)
            if result[2] >= now - 1e-10 * (1 + abs(now)):
                break
            size /= 2
            if size < 1e-9:
                raise _failed()
        beta, (gradient, information, now) = later, result
    else:
        raise _failed()
    drawn = _in_order(rng, beta, information, thresholds)
    return lambda missing: _ordered_chances(drawn, missing, thresholds)


def _in_order(
    rng: np.random.Generator, beta: Floats, information: Floats, thresholds: int
) -> Floats:
    """Return drawn coefficients, drawn again while the thresholds are out of order."""
    for _ in range(_REDRAWS):
        drawn = beta + _normal_draw(rng, information)
        if np.all(np.diff(drawn[:thresholds]) > 0):
            return drawn
    drawn[:thresholds] = np.maximum.accumulate(drawn[:thresholds])
    return drawn


def _ordered_chances(beta: Floats, missing: Floats, thresholds: int) -> Floats:
    from scipy.special import expit

    logits = beta[:thresholds] - times(missing, beta[thresholds:])[:, None]
    edges = np.concatenate(
        [np.zeros((len(missing), 1)), expit(logits), np.ones((len(missing), 1))], axis=1
    )
    found: Floats = np.diff(edges, axis=1)
    return found
