"""The effect on one group in one period, from units' changes, and each unit's influence on it.

Regression: Heckman, Ichimura and Todd (1997). Weighting: Abadie (2005) with normalised weights.
Doubly robust: Sant'Anna and Zhao (2020), their traditional form, and "improved" their locally
efficient form whose error is unchanged by the models having been estimated.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from evalkit.stats.panels.cell_models import Line, Propensity, tilting_odds

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

METHODS = ("doubly-robust", "regression", "weighting", "improved")


class Sides:
    """The units compared: 1 for the group and 0 for the others, weights, covariates or None.

    `matrix` starts with a column of ones. What depends on the units alone is computed once.
    """

    def __init__(self, treated: Floats, weights: Floats, matrix: Floats | None) -> None:
        self.treated, self.weights, self.matrix = treated, weights, matrix
        self.group, self.others = weights * treated, weights * (1 - treated)

    @cached_property
    def line(self) -> Line:
        """The outcome model of the units compared with."""
        return Line(self._covariates, self.others)

    @cached_property
    def propensity(self) -> Propensity:
        """The propensity of being in the group."""
        return Propensity(self._covariates, self.treated, self.weights)

    @cached_property
    def tilted(self) -> Floats:
        """The comparison weights that balance the covariates exactly."""
        return self.others * tilting_odds(self._covariates, self.treated, self.weights)

    @cached_property
    def tilted_line(self) -> Line:
        """The outcome model under those weights."""
        return Line(self._covariates, self.tilted)

    @property
    def _covariates(self) -> Floats:
        return np.ones((len(self.treated), 1)) if self.matrix is None else self.matrix


def weighted_mean(weights: Floats, values: Floats) -> tuple[float, Floats]:
    """Return a weighted mean and each row's influence on it."""
    total = float(weights.sum())
    mean = float(weights @ values) / total
    return mean, weights * (values - mean) * (len(values) / total)


def column_means(weights: Floats, matrix: Floats) -> Floats:
    """Return the weighted means of the columns."""
    return np.asarray(weights @ matrix / weights.sum(), dtype=np.float64)


def change_effect(sides: Sides, change: Floats, method: str) -> tuple[float, Floats]:
    """Return the effect on the group's change, and each unit's influence (mean zero)."""
    if sides.matrix is None:
        return _difference(weighted_mean(sides.group, change), weighted_mean(sides.others, change))
    return _WAYS[method](sides, sides.matrix, change)


def _difference(first: tuple[float, Floats], second: tuple[float, Floats]) -> tuple[float, Floats]:
    return first[0] - second[0], first[1] - second[1]


def _by_regression(sides: Sides, matrix: Floats, change: Floats) -> tuple[float, Floats]:
    left = change - sides.line.solve(change)
    mean, influence = weighted_mean(sides.group, left)
    return mean, influence - sides.line.effect(left, column_means(sides.group, matrix))


def _by_weighting(sides: Sides, matrix: Floats, change: Floats) -> tuple[float, Floats]:
    weights = sides.others * sides.propensity.odds
    mean, influence = weighted_mean(weights, change)
    influence = influence + sides.propensity.effect(
        column_means(weights, matrix * (change - mean)[:, None])
    )
    return _difference(weighted_mean(sides.group, change), (mean, influence))


def _doubly_robust(sides: Sides, matrix: Floats, change: Floats) -> tuple[float, Floats]:
    left = change - sides.line.solve(change)
    weights = sides.others * sides.propensity.odds
    mean, influence = weighted_mean(weights, left)
    influence = influence + sides.propensity.effect(
        column_means(weights, matrix * (left - mean)[:, None])
    )
    slope = column_means(sides.group, matrix) - column_means(weights, matrix)
    effect, own = _difference(weighted_mean(sides.group, left), (mean, influence))
    return effect, own - sides.line.effect(left, slope)


def _improved(sides: Sides, matrix: Floats, change: Floats) -> tuple[float, Floats]:
    left = change - sides.tilted_line.solve(change)
    return _difference(weighted_mean(sides.group, left), weighted_mean(sides.tilted, left))


_WAYS = {
    "regression": _by_regression,
    "weighting": _by_weighting,
    "doubly-robust": _doubly_robust,
    "improved": _improved,
}
