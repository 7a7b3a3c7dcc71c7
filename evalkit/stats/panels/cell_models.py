"""The outcome and propensity models of one group in one period, with what they add to the error.

`Line.effect` and `Propensity.effect` return the influence, one value a row, that estimating the
model has on a quantity whose derivative in the coefficients is `slope`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evalkit.errors import CannotEstimate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

NEAR_CERTAIN = 0.999  # propensity above which nobody comparable is left
_STEPS = 50
_SMALL_STEP = 1e-10
_ILL = 1e-12


class Line:
    """Weighted least squares on the rows with positive weight; `solve` may be called again."""

    def __init__(self, matrix: Floats, weights: Floats) -> None:
        self.matrix, self.weights = matrix, weights
        self._weighted = matrix * weights[:, None]
        self._inverse = _inverse(self._weighted.T @ matrix / len(matrix))

    def solve(self, outcome: Floats) -> Floats:
        """Return the fitted values of every row, also of those with no weight."""
        beta = self._inverse @ (self._weighted.T @ outcome) / len(outcome)
        beta = beta + self._inverse @ (self._weighted.T @ (outcome - self.matrix @ beta)) / len(
            outcome
        )
        return np.asarray(self.matrix @ beta, dtype=np.float64)

    def effect(self, residuals: Floats, slope: Floats) -> Floats:
        """Return the influence of the coefficients on a quantity with this slope in them."""
        turned = self.matrix @ (self._inverse @ slope)
        return np.asarray(self.weights * residuals * turned, dtype=np.float64)


class Propensity:
    """A logistic model of being treated, by Newton's method, and the odds it gives each row."""

    def __init__(self, matrix: Floats, treated: Floats, weights: Floats) -> None:
        self.matrix = matrix
        beta = np.zeros(matrix.shape[1])
        rate = float(np.average(treated, weights=weights))
        beta[0] = np.log(rate / (1 - rate))
        for _ in range(_STEPS):
            chance = _logistic(matrix @ beta)
            bend = matrix.T @ (matrix * (weights * chance * (1 - chance))[:, None])
            step = _inverse(bend) @ (matrix.T @ (weights * (treated - chance)))
            beta = beta + step
            if np.max(np.abs(step)) < _SMALL_STEP:
                break
        else:
            raise CannotEstimate(_NO_OVERLAP)
        chance = _logistic(matrix @ beta)
        if chance.max() >= NEAR_CERTAIN:
            raise CannotEstimate(_NO_OVERLAP)
        self.odds = chance / (1 - chance)
        self._score = weights * (treated - chance)
        spread = matrix * (weights * chance * (1 - chance))[:, None]
        self._inverse = _inverse(matrix.T @ spread / len(matrix))

    def effect(self, slope: Floats) -> Floats:
        """Return the influence of the coefficients on a quantity with this slope in them."""
        return np.asarray(self._score * (self.matrix @ (self._inverse @ slope)), dtype=np.float64)


def tilting_odds(matrix: Floats, treated: Floats, weights: Floats) -> Floats:
    """Return odds that give the comparison rows exactly the treated rows' covariate means.

    Inverse probability tilting (Graham, Pinto and Egel 2012). Raises CannotEstimate where no
    odds can: the treated rows lie outside the range of the comparison rows.
    """
    beta = np.zeros(matrix.shape[1])
    beta[0] = np.log((weights @ treated) / (weights @ (1 - treated)))
    target = matrix.T @ (weights * treated)
    scale = 1e-9 * (np.abs(matrix).T @ (weights * treated) + 1)
    for _ in range(4 * _STEPS):
        odds = weights * (1 - treated) * np.exp(np.clip(matrix @ beta, -500, 500))
        gap = target - matrix.T @ odds
        if np.all(np.abs(gap) < scale):
            return np.asarray(np.exp(matrix @ beta), dtype=np.float64)
        step = _inverse(matrix.T @ (matrix * odds[:, None])) @ gap
        beta = beta + step / max(1.0, float(np.max(np.abs(matrix @ step))) / 2)
    raise CannotEstimate(_NO_OVERLAP)


_NO_OVERLAP = (
    "the covariates all but determine who is treated, so nobody comparable is left. Use fewer or "
    "coarser covariates, or method='regression', which relies on the model instead."
)


def _logistic(values: Floats) -> Floats:
    from scipy.special import expit

    return np.asarray(expit(values), dtype=np.float64)


def _inverse(square: Floats) -> Floats:
    """Return the inverse of a symmetric positive matrix, refusing one that has none."""
    scale = np.sqrt(np.diag(square))
    if np.all(np.isfinite(scale)) and np.all(scale > 0):
        shape = square / np.outer(scale, scale)
        values, vectors = np.linalg.eigh(shape)
        if values[0] > _ILL * len(square):
            unit: Floats = (vectors / values) @ vectors.T
            return np.asarray(unit / np.outer(scale, scale), dtype=np.float64)
    raise CannotEstimate(
        "the covariates nearly determine one another among the rows compared, or the propensity "
        "is all but 0 or 1. Use fewer covariates."
    )
