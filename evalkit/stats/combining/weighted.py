"""Weighted least squares of effects with known variances, in sums that grow with the sites alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Weighted:
    """Effects fitted on a basis of moderators with weights: coefficients and what is left.

    `inverse` is (B'WB)^-1; `coefficients` are on the basis.
    """

    basis: Floats
    weights: Floats
    inverse: Floats
    coefficients: Floats
    residuals: Floats

    @property
    def q(self) -> float:
        """The weighted sum of squared residuals."""
        return float(self.weights @ self.residuals**2)

    @property
    def squares(self) -> float:
        """y'PPy, where P takes the fitted part out of the weights."""
        return float(self.weights**2 @ self.residuals**2)

    @property
    def trace(self) -> float:
        """The trace of P = W - WB(B'WB)^-1 B'W."""
        return float(self.weights.sum() - np.sum(self.inverse * self._inner(self.weights**2)))

    def trace_squared(self, variances: Floats | float = 1.0) -> float:
        """Return the trace of PDPD for a diagonal D of variances."""
        w = self.weights
        cross = self.inverse @ self._inner(w**2 * variances)
        twice = np.sum(self.inverse * self._inner(w**3 * np.square(variances)))
        return float(np.sum((w * variances) ** 2) - 2 * twice + np.sum(cross * cross.T))

    def trace_of(self, variances: Floats) -> float:
        """Return the trace of PD for a diagonal D of variances."""
        spent = np.sum(self.inverse * self._inner(self.weights**2 * variances))
        return float(self.weights @ variances - spent)

    def log_likelihood(self, *, restricted: bool) -> float:
        """Return the (restricted) log likelihood, without its constant."""
        value = 0.5 * float(np.log(self.weights).sum()) - 0.5 * self.q
        if not restricted:
            return value
        return value + 0.5 * float(np.linalg.slogdet(self.inverse)[1])

    def _inner(self, values: Floats) -> Floats:
        inner: Floats = (self.basis * np.reshape(values, (-1, 1))).T @ self.basis
        return inner


def weighted(effects: Floats, basis: Floats, weights: Floats) -> Weighted:
    """Fit effects on the basis by the weights; a second pass removes rounding."""
    inverse = np.asarray(np.linalg.inv((basis * weights[:, None]).T @ basis), dtype=np.float64)
    first = inverse @ (basis.T @ (weights * effects))
    left = effects - basis @ first
    second = inverse @ (basis.T @ (weights * left))
    return Weighted(basis, weights, inverse, first + second, left - basis @ second)
