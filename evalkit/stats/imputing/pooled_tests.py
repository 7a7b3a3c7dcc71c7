"""Tests of several parameters at once over imputations: D1, D2 and D3."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, isfinite
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.results import Estimate
from evalkit.stats.imputing.pooling import check_imputations, complete, smallest_df
from evalkit.stats.shared.columns import invalid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_SINGULAR = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class PooledTest(Estimate):
    """A test of several parameters over `m` imputations.

    `statistic` is F on `df_numerator` (the number of parameters) and `df` degrees of freedom;
    `riv` the average relative increase in variance that missing values bring. `coefficients`
    holds the pooled parameters where they were given.
    """

    df_numerator: int
    riv: float
    m: int
    df_complete: float | None = None
    coefficients: tuple[float, ...] = ()


def pool_joint(
    estimates: Any, covariances: Any, *, df_complete: float | Sequence[float] | None = None
) -> PooledTest:
    """Return the test that several parameters are all zero, from estimates and covariances: D1.

    Parameters
    ----------
    estimates : imputations by parameters; subtract other values first to test against those
    covariances : imputations by parameters by parameters, symmetric and of full rank
    df_complete : degrees of freedom had nothing been missing: a number, or one an imputation of
        which the smallest counts; None for a large sample

    Returns
    -------
    PooledTest
        The first choice of the three: it takes the variances between imputations for a common
        multiple of those within, and holds well where that is not quite so.

    Raises
    ------
    InvalidInput
        For arrays that do not fit together, missing numbers or a matrix that is no covariance.
    CannotEstimate
        For one imputation, a mean covariance that cannot be inverted or, with df_complete, fewer
        than five of parameters x (imputations - 1) or too few degrees of freedom for the
        reference distribution to exist.

    References
    ----------
    Li, Raghunathan and Rubin (1991), JASA 86:1065-1073; with df_complete Reiter (2007),
    Biometrika 94:502-508.
    """
    values, matrices = _read(estimates, covariances)
    m, k = values.shape
    centre = values[0] + np.mean(values - values[0], axis=0)
    scale, root = _whitener(matrices.mean(axis=0))
    spread = _whitened(values - centre, scale, root)
    riv = (1 + 1 / m) * float(np.sum(spread**2)) / (m - 1) / k
    statistic = float(np.sum(_whitened(centre, scale, root) ** 2)) / (k * (1 + riv))
    spare = smallest_df(df_complete)
    df = _large_df(k, m, riv) if spare == inf else _reiter_df(k, m, riv, spare)
    which = "" if spare == inf else " with Reiter's (2007) degrees of freedom"
    how = f"D1, Wald test of Li, Raghunathan and Rubin (1991){which}"
    return _result(
        statistic, k, df, riv, m, how,
        df_complete=None if spare == inf else spare, coefficients=tuple(map(float, centre)),
    )  # fmt: skip


def pool_statistics(statistics: Any, *, parameters: int) -> PooledTest:
    """Return the test of several parameters from chi-squared statistics alone: D2.

    Parameters
    ----------
    statistics : one Wald, likelihood-ratio or score chi-squared an imputation (of an F statistic,
        F times the number of parameters)
    parameters : how many parameters each tests

    Returns
    -------
    PooledTest
        The roughest of the three, for where nothing but statistics is at hand: its p-value may be
        half or twice what D1 gives. `statistic` below zero means no sign of a difference.

    Raises
    ------
    InvalidInput
        For a missing or negative statistic, or parameters that are not a whole number from 1.
    CannotEstimate
        For one imputation.

    References
    ----------
    Li, Meng, Raghunathan and Rubin (1991), Statistica Sinica 1:65-92.
    """
    found, k = complete(statistics, "statistics"), _parameters(parameters)
    m = len(found)
    check_imputations(m)
    if np.any(found < 0):
        raise invalid(f"statistics holds {found.min():g}.", allowed="zero or more")
    riv = (1 + 1 / m) * float(np.var(np.sqrt(found), ddof=1))
    statistic = (float(found.mean()) / k - (m + 1) / (m - 1) * riv) / (1 + riv)
    df = inf if riv == 0 else float(k ** (-3 / m) * (m - 1) * (1 + 1 / riv) ** 2)
    how = "D2, chi-squared statistics combined after Li, Meng, Raghunathan and Rubin (1991)"
    said = ("D2 is rough: use D1 or D3 where estimates or likelihoods are at hand",)
    return _result(statistic, k, df, riv, m, how, notes=said)


def pool_likelihoods(statistics: Any, at_average: Any, *, parameters: int) -> PooledTest:
    """Return the likelihood-ratio test of several parameters: D3.

    Parameters
    ----------
    statistics : 2 (log likelihood of the larger model - of the smaller) in each imputation, both
        at the estimates of that imputation
    at_average : the same, both models at their estimates averaged over imputations (in a linear
        model the residual variance too)
    parameters : how many parameters the larger model has more

    Returns
    -------
    PooledTest
        Where rounding or a poor fit makes the increase in variance negative it is taken for zero,
        and a note says so.

    Raises
    ------
    InvalidInput
        For missing or negative statistics, different numbers of them, or parameters that are not
        a whole number from 1.
    CannotEstimate
        For one imputation.

    References
    ----------
    Meng and Rubin (1992), Biometrika 79:103-111.
    """
    own, shared = complete(statistics, "statistics"), complete(at_average, "at_average")
    k, m = _parameters(parameters), len(own)
    if len(shared) != m:
        raise invalid(
            f"{m} statistics and {len(shared)} at the average are given.",
            allowed="one of each an imputation",
        )
    check_imputations(m)
    if np.any(own < 0):
        raise invalid(
            f"statistics holds {own.min():g}.",
            allowed="zero or more: the larger model never fits worse",
        )
    level = float(shared.mean())
    raw = (m + 1) / (k * (m - 1)) * (float(own.mean()) - level)
    riv = max(0.0, raw)
    said = ("The increase in variance came out negative and was taken for zero",) if raw < 0 else ()
    how = "D3, likelihood-ratio test of Meng and Rubin (1992)"
    return _result(level / (k * (1 + riv)), k, _large_df(k, m, riv), riv, m, how, notes=said)


def _read(estimates: Any, covariances: Any) -> tuple[Floats, Floats]:
    try:
        values = np.asarray(estimates, dtype=np.float64)
        matrices = np.asarray(covariances, dtype=np.float64)
    except (TypeError, ValueError):
        raise invalid("estimates or covariances do not form arrays of numbers.") from None
    if values.ndim != 2 or matrices.shape != (*values.shape, values.shape[-1]) or not values.size:
        raise invalid(
            f"estimates is {values.shape} and covariances {matrices.shape}.",
            allowed="imputations x parameters and imputations x parameters x parameters",
        )
    check_imputations(len(values))
    if not (np.all(np.isfinite(values)) and np.all(np.isfinite(matrices))):
        raise invalid("estimates or covariances lack a number.", allowed="finite numbers")
    gap = np.abs(matrices - np.swapaxes(matrices, 1, 2)).max()
    if gap > 1e-8 * np.abs(matrices).max() or np.any(np.diagonal(matrices, 0, 1, 2) < 0):
        raise invalid(
            "covariances holds a matrix that is no covariance.",
            allowed="symmetric matrices with no negative variance",
        )
    return values, matrices


def _whitener(within: Floats) -> tuple[Floats, Floats]:
    """Return standard deviations and the Cholesky factor of the correlations."""
    scale = np.sqrt(np.diag(within))
    if np.all(scale > 0):
        shape = within / np.outer(scale, scale)
        if np.linalg.eigvalsh(shape)[0] > _SINGULAR:
            return scale, np.linalg.cholesky(shape)
    raise CannotEstimate(
        f"The mean covariance of the {len(scale)} parameters cannot be inverted: one of them is "
        "fixed by the others. Test fewer together."
    )


def _whitened(rows: Floats, scale: Floats, root: Floats) -> Floats:
    from scipy.linalg import solve_triangular

    found: Floats = solve_triangular(root, (rows / scale).T, lower=True)
    return found


def _large_df(k: int, m: int, riv: float) -> float:
    """Return the denominator's degrees of freedom in a large sample."""
    t = k * (m - 1)
    if riv <= 1e-150:
        return inf
    if t > 4:
        return float(4 + (t - 4) * (1 + (1 - 2 / t) / riv) ** 2)
    return float(t * (1 + 1 / k) * (1 + 1 / riv) ** 2 / 2)


def _reiter_df(k: int, m: int, riv: float, spare: float) -> float:
    """Return the denominator's degrees of freedom in a small sample, Reiter's (2007)."""
    t = k * (m - 1)
    if t <= 4:
        raise CannotEstimate(
            f"parameters x (imputations - 1) is {t}; with df_complete= at least 5 are needed. Use "
            "more imputations, or pool() for one parameter."
        )
    a = riv * t / (t - 2)
    room = (spare + 1) / (spare + 3) * spare
    wide, tight = room - 2 * (1 + a), room - 4 * (1 + a)
    if not tight > 0:
        raise CannotEstimate(
            f"{spare:g} degrees of freedom of the complete data are too few for a test of {k} "
            f"parameters when missing values add {riv:.2f} times the variance. Test one at a time."
        )
    share = a / (1 + a)
    series = (
        share**2 * wide / tight
        + 8 * share * a * wide / tight**2
        + 4 * share * a / tight
        + 4 * a**2 / (tight * wide)
        + 16 * a**2 * wide / tight**3
        + 8 * a**2 / tight**2
    )
    return float(4 + 1 / (1 / tight + series / (t - 4)))


def _parameters(parameters: Any) -> int:
    whole = isinstance(parameters, int | np.integer) and not isinstance(parameters, bool)
    if not whole or parameters < 1:
        raise invalid(f"parameters={parameters!r}.", allowed="a whole number from 1")
    return int(parameters)


def _result(
    statistic: float, k: int, df: float, riv: float, m: int, how: str, **more: Any
) -> PooledTest:
    from scipy.stats import chi2, f

    p = chi2.sf(statistic * k, k) if not isfinite(df) else f.sf(statistic, k, df)
    return PooledTest(
        statistic=statistic, df_numerator=k, df=df, p_value=float(p), riv=riv, m=m,
        method=f"Joint test of {k} parameter(s) pooled over {m} imputations: {how}.", **more,
    )  # fmt: skip
