"""Serial correlation: Newey-West, tests, and a first-order autoregression as a check."""

from __future__ import annotations

from dataclasses import dataclass
from math import log, pi
from typing import TYPE_CHECKING

import numpy as np

from evalkit.errors import NotConverged
from evalkit.stats.shared.analysed_rows import orthonormal, project

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Codes = NDArray[np.int64]

_EDGE = 0.999


@dataclass(frozen=True, slots=True, eq=False)
class LeastSquares:
    """Coefficients by least squares, residuals, and (X'X)^-1."""

    coefficients: Floats
    residuals: Floats
    inverse: Floats
    matrix: Floats

    @property
    def spare(self) -> int:
        """Rows less columns."""
        return int(self.matrix.shape[0] - self.matrix.shape[1])

    @property
    def classical(self) -> Floats:
        """The covariance of coefficients if residuals were independent and alike."""
        found: Floats = self.inverse * (float(self.residuals @ self.residuals) / self.spare)
        return found


def least_squares(outcome: Floats, matrix: Floats) -> LeastSquares:
    """Fit by an orthonormal basis of columns that start with ones."""
    basis, back = orthonormal(matrix)
    level = float(outcome.mean())
    on_basis, residuals = project(basis, outcome - level)
    coefficients = back @ on_basis
    coefficients[0] += level
    return LeastSquares(coefficients, residuals, back @ back.T, matrix)


def newey_west(fit: LeastSquares, places: Codes, lags: int, *, correction: bool) -> Floats:
    """Return the covariance of coefficients that allows for serial correlation up to `lags`.

    Bartlett weights 1 - l / (lags + 1); products are of periods truly l apart, so that a gap in
    the series takes products away (amplitude modulation). `correction` multiplies by n / (n - p).
    Newey and West (1987), Econometrica 55:703-708.
    """
    influence = (fit.matrix * fit.residuals[:, None]) @ fit.inverse
    spread = np.zeros((int(places.max()) + 1, influence.shape[1]))
    spread[places] = influence
    total = spread.T @ spread
    for lag in range(1, min(lags, len(spread) - 1) + 1):
        product = spread[lag:].T @ spread[:-lag]
        total += (1 - lag / (lags + 1)) * (product + product.T)
    n = len(fit.residuals)
    return total * (n / fit.spare) if correction else total


def automatic_lags(n: int) -> int:
    """Return floor(4 (n / 100)^(2/9)), the lags for a series of n periods."""
    return int(np.floor(4 * (n / 100) ** (2 / 9)))


def durbin_watson(residuals: Floats, places: Codes) -> float:
    """Return the Durbin-Watson statistic, from neighbouring periods alone."""
    beside = np.diff(places) == 1
    return float(np.sum(np.diff(residuals)[beside] ** 2) / np.sum(residuals**2))


def ljung_box(residuals: Floats, places: Codes, lags: int) -> tuple[float, float]:
    """Return the Ljung-Box statistic of the autocorrelations up to `lags`, and its p-value."""
    from scipy.stats import chi2

    full = np.zeros(int(places.max()) + 1)
    full[places] = residuals - residuals.mean()
    n, total = len(residuals), float(full @ full)
    rho = np.array([full[lag:] @ full[:-lag] for lag in range(1, lags + 1)]) / total
    value = n * (n + 2) * float(np.sum(rho**2 / (n - np.arange(1, lags + 1))))
    return value, float(chi2.sf(value, lags))


def breusch_godfrey(fit: LeastSquares, places: Codes, lags: int) -> tuple[float, float]:
    """Return the Breusch-Godfrey statistic n R^2 of residuals on lagged ones, and its p-value."""
    from scipy.stats import chi2

    full = np.zeros(int(places.max()) + 1 + lags)
    full[places + lags] = fit.residuals
    lagged = np.column_stack([full[places + lags - lag] for lag in range(1, lags + 1)])
    design = np.column_stack([fit.matrix, lagged])
    solution = np.linalg.lstsq(design, fit.residuals, rcond=None)[0]
    left = fit.residuals - design @ solution
    value = len(places) * (1 - float(left @ left) / float(fit.residuals @ fit.residuals))
    return value, float(chi2.sf(value, lags))


@dataclass(frozen=True, slots=True, eq=False)
class Autoregression:
    """Generalised least squares with first-order autocorrelation `rho`, by restricted likelihood."""

    coefficients: Floats
    vcov: Floats
    rho: float
    log_likelihood: float


def autoregression(outcome: Floats, matrix: Floats, places: Codes) -> Autoregression:
    """Fit with errors whose correlation is rho to the power of the periods between them.

    rho maximises the restricted likelihood (the exact one: the first period counts, as in
    Prais and Winsten 1954). Raises NotConverged where it runs to the edge of -1 to 1.
    """
    from scipy.optimize import minimize_scalar

    gaps = np.diff(places)
    grid = np.linspace(-0.95, 0.95, 39)
    values = [_restricted(outcome, matrix, gaps, rho)[3] for rho in grid]
    best = int(np.argmax(values))
    low = -_EDGE if best == 0 else grid[best - 1]
    high = _EDGE if best == len(grid) - 1 else grid[best + 1]
    found = minimize_scalar(
        lambda rho: -_restricted(outcome, matrix, gaps, float(rho))[3],
        bounds=(low, high),
        method="bounded",
        options={"xatol": 1e-10},
    )
    rho = float(found.x)
    if abs(rho) > _EDGE - 1e-6:
        raise NotConverged("The autocorrelation runs to its edge: the series wanders off.")
    beta, inverse, sigma2, value = _restricted(outcome, matrix, gaps, rho)
    return Autoregression(beta, inverse * sigma2, rho, value)


def _restricted(
    outcome: Floats, matrix: Floats, gaps: Codes, rho: float
) -> tuple[Floats, Floats, float, float]:
    """Return coefficients, (X'V^-1X)^-1, residual variance and the restricted log likelihood."""
    carried = np.power(rho, gaps)
    left = np.sqrt(1 - carried**2)
    rows = np.column_stack([matrix, outcome])
    turned = np.vstack([rows[:1], (rows[1:] - carried[:, None] * rows[:-1]) / left[:, None]])
    upper: Floats = np.asarray(np.linalg.qr(turned, mode="r"))
    size = matrix.shape[1]
    inner = np.linalg.inv(upper[:size, :size])
    beta = inner @ upper[:size, size]
    n = len(outcome)
    spare = n - size
    sigma2 = float(upper[size, size] ** 2) / spare
    value = -0.5 * spare * (log(2 * pi * sigma2) + 1) - float(np.log(left).sum())
    value -= float(np.log(np.abs(np.diag(upper)[:size])).sum())
    return beta, inner @ inner.T, sigma2, value
