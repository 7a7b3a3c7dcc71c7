"""The effect on one group in one period from repeated cross-sections, and each row's influence.

Regression and weighting as in `cells`, with models by period; doubly robust is the locally
efficient estimator of Sant'Anna and Zhao (2020) for repeated cross-sections.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evalkit.stats.panels.cell_models import Line, Propensity
from evalkit.stats.panels.cells import column_means, weighted_mean

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

METHODS = ("doubly-robust", "regression", "weighting")


class Sections:
    """The rows compared in two periods: treated, after (1 or 0), outcome, weights, covariates."""

    def __init__(
        self, treated: Floats, after: Floats, outcome: Floats, weights: Floats, matrix: Floats
    ) -> None:
        self.treated, self.after, self.outcome, self.matrix = treated, after, outcome, matrix
        self.weights = weights
        self.group = weights * treated
        self.group_at = (self.group * (1 - after), self.group * after)
        others = weights * (1 - treated)
        self.others_at = (others * (1 - after), others * after)


def section_effect(rows: Sections, method: str) -> tuple[float, Floats]:
    """Return the effect on the group, and each row's influence on it (mean zero)."""
    if rows.matrix.shape[1] == 1:
        treated = _rise(rows.group_at, rows.outcome)
        return _less(treated, _rise(rows.others_at, rows.outcome))
    return _WAYS[method](rows)


def _rise(weights: tuple[Floats, Floats], values: Floats) -> tuple[float, Floats]:
    return _less(weighted_mean(weights[1], values), weighted_mean(weights[0], values))


def _less(first: tuple[float, Floats], second: tuple[float, Floats]) -> tuple[float, Floats]:
    return first[0] - second[0], first[1] - second[1]


def _by_weighting(rows: Sections) -> tuple[float, Floats]:
    model = Propensity(rows.matrix, rows.treated, rows.weights)
    others = _weighted_others(rows, model, rows.outcome)
    return _less(_rise(rows.group_at, rows.outcome), others)


def _weighted_others(rows: Sections, model: Propensity, values: Floats) -> tuple[float, Floats]:
    """Return the rise of the rows compared with, weighted by the odds."""
    means, influences, slopes = [], [], []
    for weights in rows.others_at:
        weighted = weights * model.odds
        mean, influence = weighted_mean(weighted, values)
        means.append(mean)
        influences.append(influence)
        slopes.append(column_means(weighted, rows.matrix * (values - mean)[:, None]))
    influence = influences[1] - influences[0] + model.effect(slopes[1] - slopes[0])
    return means[1] - means[0], influence


def _by_regression(rows: Sections) -> tuple[float, Floats]:
    before, after = (Line(rows.matrix, weights) for weights in rows.others_at)
    expected = [line.solve(rows.outcome) for line in (before, after)]
    slope = column_means(rows.group, rows.matrix)
    effect, influence = _less(
        _rise(rows.group_at, rows.outcome), weighted_mean(rows.group, expected[1] - expected[0])
    )
    influence = influence - after.effect(rows.outcome - expected[1], slope)
    return effect, influence + before.effect(rows.outcome - expected[0], slope)


def _doubly_robust(rows: Sections) -> tuple[float, Floats]:
    model = Propensity(rows.matrix, rows.treated, rows.weights)
    compared = [Line(rows.matrix, weights) for weights in rows.others_at]
    own = [Line(rows.matrix, weights) for weights in rows.group_at]
    expected = [line.solve(rows.outcome) for line in compared]
    fitted = [line.solve(rows.outcome) for line in own]
    left = rows.outcome - np.where(rows.after == 1, expected[1], expected[0])
    effect, influence = _less(_rise(rows.group_at, left), _weighted_others(rows, model, left))
    every = column_means(rows.group, rows.matrix)
    for period, sign in ((1, 1.0), (0, -1.0)):
        here = column_means(rows.group_at[period], rows.matrix)
        there = column_means(rows.others_at[period] * model.odds, rows.matrix)
        gap = fitted[period] - expected[period]
        extra = _less(weighted_mean(rows.group, gap), weighted_mean(rows.group_at[period], gap))
        surprise = rows.outcome - expected[period]
        part = extra[1] - compared[period].effect(surprise, here - there + every - here)
        part = part + own[period].effect(rows.outcome - fitted[period], every - here)
        effect, influence = effect + sign * extra[0], influence + sign * part
    return effect, influence


_WAYS = {
    "regression": _by_regression,
    "weighting": _by_weighting,
    "doubly-robust": _doubly_robust,
}
