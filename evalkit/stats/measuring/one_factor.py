"""One factor behind several items: the congeneric model by maximum likelihood, and its omega."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import NotConverged
from evalkit.results import Record

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

MOST_STEPS = 2000
FLAT = 1e-9
"""A fit has converged where no derivative of the discrepancy, in correlation units, exceeds this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OneFactor(Record):
    """One factor fitted to a covariance matrix by normal-theory maximum likelihood.

    `loadings` and `residuals` (variances) are in the units of the items, the factor having
    variance 1; `omega` is McDonald's, (sum of loadings)^2 / ((sum of loadings)^2 + sum of
    residuals), `std_error` its delta-method standard error from the expected information.
    `chi2`, `df`, `p_value`, `cfi`, `rmsea` and `srmr` say how well one factor fits; they are None
    with three items, which one factor always fits.
    """

    loadings: tuple[float, ...]
    residuals: tuple[float, ...]
    omega: float
    std_error: float
    n: int
    chi2: float | None
    df: int
    p_value: float | None
    cfi: float | None
    rmsea: float | None
    srmr: float | None

    def limits(self, level: float) -> tuple[float, float]:
        """Return the limits of omega: delta method on the log odds of omega, kept within 0 to 1."""
        from scipy.stats import norm

        centre = log(self.omega / (1 - self.omega))
        half = float(norm.ppf(0.5 + level / 2)) * self.std_error / (self.omega * (1 - self.omega))
        return 1 / (1 + exp(half - centre)), 1 / (1 + exp(-half - centre))


def one_factor(covariance: Floats, n: int, names: tuple[str, ...]) -> OneFactor:
    """Fit one factor to the covariance matrix (divisor n - 1) of n complete rows.

    Parameters
    ----------
    covariance : array, items by items, at least three
    n : number of rows behind it
    names : the items, for messages

    Raises
    ------
    NotConverged
        Where the fit does not settle, or an item is left with no variance of its own or less (a
        Heywood case); the message names the item.

    References
    ----------
    McDonald (1999), Test Theory; Joreskog (1971), Psychometrika 36:109-133 (congeneric tests);
    Lawley and Maxwell (1971), Factor Analysis as a Statistical Method. As lavaan, the divisor is
    n, the chi-squared n times the discrepancy.
    """
    observed = covariance * (n - 1) / n
    spread = np.sqrt(np.diag(observed))
    correlation = observed / np.outer(spread, spread)
    loadings, residuals = _settle(correlation)
    worst = int(np.argmin(residuals))
    if residuals[worst] <= 1e-6:
        raise NotConverged(
            f"One factor leaves item '{names[worst]}' no variance of its own (a Heywood case), so "
            "omega cannot be had. The item may repeat another, or there may be more than one "
            "factor. Leave omega out with omega=False, or look at the items."
        )
    loadings = loadings if loadings.sum() >= 0 else -loadings
    omega, error = _omega(loadings, residuals, spread, n)
    return OneFactor(
        loadings=tuple(float(x) for x in loadings * spread),
        residuals=tuple(float(x) for x in residuals * spread**2),
        omega=omega,
        std_error=error,
        n=n,
        **_fit_of(correlation, loadings, residuals, n),
    )


def _settle(correlation: Floats) -> tuple[Floats, Floats]:
    """Return loadings and residuals by Fisher scoring with halved steps."""
    values, vectors = np.linalg.eigh(correlation)
    start = vectors[:, -1] * sqrt(max(values[-1] - 1, 0.1))
    start = np.clip(start, -0.95, 0.95)
    at = np.concatenate([start, 1 - start**2])
    value = _discrepancy(correlation, at)
    for _ in range(MOST_STEPS):
        slope, information = _derivatives(correlation, at)
        if np.max(np.abs(slope)) < FLAT:
            return at[: len(start)], at[len(start) :]
        at, value = _step(correlation, at, value, slope, information)
    raise _unsettled()


def _step(
    correlation: Floats, at: Floats, value: float, slope: Floats, information: Floats
) -> tuple[Floats, float]:
    """Return the next point: the longest halved step that does not raise the discrepancy."""
    try:
        move = np.linalg.solve(information, slope)
    except np.linalg.LinAlgError:
        raise _unsettled() from None
    for halvings in range(40):
        trial = at - move * 0.5**halvings
        reached = _discrepancy(correlation, trial)
        if reached <= value + 1e-14:
            return trial, reached
    raise _unsettled()


def _unsettled() -> NotConverged:
    return NotConverged(
        "A one-factor model could not be fitted to these items, so omega cannot be had: they may "
        "not measure one thing, or some may need reversing. Leave omega out with omega=False, or "
        "look at the items."
    )


def _implied(at: Floats) -> Floats:
    half = len(at) // 2
    implied: Floats = np.outer(at[:half], at[:half]) + np.diag(at[half:])
    return implied


def _discrepancy(correlation: Floats, at: Floats) -> float:
    """Return log|Sigma| + tr(S Sigma^-1) - log|S| - p; infinity where Sigma is not possible."""
    implied = _implied(at)
    if not np.all(np.isfinite(implied)) or np.linalg.eigvalsh(implied)[0] <= 1e-12:
        return float("inf")
    ratio = np.linalg.solve(implied, correlation)
    sign, size = np.linalg.slogdet(ratio)
    return float(np.trace(ratio) - size - len(ratio)) if sign > 0 else float("inf")


def _derivatives(correlation: Floats, at: Floats) -> tuple[Floats, Floats]:
    """Return half the gradient of the discrepancy, and half its expected second derivative."""
    half = len(at) // 2
    loading = at[:half]
    inverse = np.linalg.inv(_implied(at))
    gap = inverse - inverse @ correlation @ inverse
    turned = inverse @ loading
    slope = np.concatenate([gap @ loading, np.diag(gap) / 2])
    information = np.empty((2 * half, 2 * half))
    information[:half, :half] = np.outer(turned, turned) + inverse * float(loading @ turned)
    information[:half, half:] = inverse * turned[None, :]
    information[half:, :half] = information[:half, half:].T
    information[half:, half:] = inverse**2 / 2
    return slope, information


def _omega(loadings: Floats, residuals: Floats, spread: Floats, n: int) -> tuple[float, float]:
    """Return omega of the sum of the items, and its delta-method standard error."""
    common, own = float(loadings @ spread), float(residuals @ spread**2)
    whole = common**2 + own
    slope = np.concatenate([2 * common * own * spread, -(common**2) * spread**2]) / whole**2
    at = np.concatenate([loadings, residuals])
    _, information = _derivatives(_implied(at), at)
    covariance = np.linalg.inv(n * information)
    return common**2 / whole, sqrt(float(slope @ covariance @ slope))


def _fit_of(correlation: Floats, loadings: Floats, residuals: Floats, n: int) -> dict[str, Any]:
    """Return the chi-squared test of one factor and the usual indices of fit."""
    from scipy.stats import chi2 as chi_squared

    count = len(loadings)
    df = count * (count - 3) // 2
    if df == 0:
        return {"df": 0} | dict.fromkeys(("chi2", "p_value", "cfi", "rmsea", "srmr"))
    at = np.concatenate([loadings, residuals])
    chi2 = n * _discrepancy(correlation, at)
    base = -n * float(np.linalg.slogdet(correlation)[1])
    excess, base_excess = max(chi2 - df, 0.0), max(base - count * (count - 1) / 2, 0.0)
    left = (correlation - _implied(at))[np.tril_indices(count)]
    return {
        "df": df,
        "chi2": chi2,
        "p_value": float(chi_squared.sf(chi2, df)),
        "cfi": 1 - excess / max(excess, base_excess) if max(excess, base_excess) > 0 else 1.0,
        "rmsea": sqrt(excess / (df * n)),
        "srmr": sqrt(float(np.mean(left**2))),
    }
