"""Standardised mean differences, their small-sample correction and their intervals."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, lgamma, log, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.results import Estimate, by_name
from evalkit.stats.shared.columns import check_level, vector

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectSize(Estimate):
    """A standardised mean difference: `estimate` is g, `d` is g before its correction.

    `correction` is J; the unit is standard deviations of the outcome (`sd_pooled`).
    """

    d: float | None = None
    correction: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaling:
    """What turns a difference in outcome units into an effect size: `factor` times it.

    `df` are the degrees of freedom of the standard deviation; `icc` is None without clusters.
    """

    factor: float | None
    sd: float
    df: float
    icc: float | None = None


def small_sample_factor(df: float) -> float:
    """Return J = G(m/2) / (sqrt(m/2) G((m-1)/2)), exact (Hedges 1981); needs m above 1."""
    if df <= 1:
        raise CannotEstimate(f"The small-sample correction needs more than 1 df, not {df:g}.")
    return exp(lgamma(df / 2) - lgamma((df - 1) / 2) - log(df / 2) / 2)


def hedges_g(treatment: Any, comparison: Any, *, level: float = 0.95) -> EffectSize:
    """Return Hedges' g of two groups with its noncentral-t interval.

    Parameters
    ----------
    treatment, comparison : arrays of the outcome, any lengths; missing values are left out and
        counted
    level : confidence level, between 0 and 1

    Returns
    -------
    EffectSize
        `estimate` (and `effect_size`) is g = J d, d = (mean of treatment - mean of comparison) /
        pooled SD, in standard deviations; `std_error` is the root of 1/n1 + 1/n2 + g^2 / (2N);
        `statistic`, `df`, `p_value` are those of the pooled t test; the interval inverts the
        noncentral t distribution and is multiplied by J.

    Raises
    ------
    InvalidInput
        For text or infinite values, or a level outside 0 to 1.
    CannotEstimate
        With fewer than two values in an arm, or no variation within the arms.

    References
    ----------
    Hedges (1981), Journal of Educational Statistics 6:107-128; Hedges and Olkin (1985), chapter 5.
    """
    check_level(level)
    arms = [vector(treatment, "treatment"), vector(comparison, "comparison")]
    values = [arm[~np.isnan(arm)] for arm in arms]
    missing = sum(len(arm) for arm in arms) - sum(len(arm) for arm in values)
    for name, arm in zip(("treatment", "comparison"), values, strict=True):
        if len(arm) < 2:
            raise CannotEstimate(f"The {name} arm has {len(arm)} value(s); at least 2 are needed.")
    return _effect_size(values[0], values[1], missing, level)


def _effect_size(treatment: Floats, comparison: Floats, missing: int, level: float) -> EffectSize:
    from scipy.stats import t as student

    n1, n2 = len(treatment), len(comparison)
    df = n1 + n2 - 2
    mean1, mean2, sd = _moments(treatment, comparison)
    correction = small_sample_factor(df)
    d = float(_mean_gap(treatment, comparison) / sd)
    g, root = correction * d, sqrt(n1 * n2 / (n1 + n2))
    low, high = (limit * correction / root for limit in noncentral_limits(d * root, df, level))
    return EffectSize(
        term="hedges-g",
        estimate=g,
        std_error=sqrt(1 / n1 + 1 / n2 + g**2 / (2 * (n1 + n2))),
        statistic=d * root,
        df=float(df),
        p_value=float(2 * student.sf(abs(d * root), df)),
        conf_low=low,
        conf_high=high,
        level=level,
        effect_size=g,
        effect_low=low,
        effect_high=high,
        n_treatment=n1,
        n_comparison=n2,
        n_dropped=missing,
        method="Hedges' g: difference in means over the pooled standard deviation, exact "
        "small-sample correction, noncentral-t interval.",
        dropped_why=by_name({"no value": missing}),
        mean_treatment=mean1,
        mean_comparison=mean2,
        sd_pooled=sd,
        d=d,
        correction=correction,
    )


def _moments(treatment: Floats, comparison: Floats) -> tuple[float, float, float]:
    sd = pooled_sd(treatment, comparison)
    if sd == 0:
        raise CannotEstimate("The outcome does not vary within the arms, so no SD can be formed.")
    return accurate_mean(treatment), accurate_mean(comparison), sd


def _mean_gap(treatment: Floats, comparison: Floats) -> float:
    origin = comparison[0]
    return accurate_mean(treatment - origin) - accurate_mean(comparison - origin)


def accurate_mean(values: Floats) -> float:
    """Return the mean, computed from the first value so that a large level costs no digits."""
    return float(values[0] + np.mean(values - values[0]))


def pooled_sd(treatment: Floats, comparison: Floats) -> float:
    """Return the SD pooled over two arms by n - 1; 0 where neither arm varies."""
    squares = sum(_square_sum(arm) for arm in (treatment, comparison))
    return sqrt(squares / (len(treatment) + len(comparison) - 2))


def _square_sum(values: Floats) -> float:
    if np.ptp(values) == 0:
        return 0.0
    shifted = values - values[0]
    return float(np.sum((shifted - shifted.mean()) ** 2))


def noncentral_limits(statistic: float, df: float, level: float) -> tuple[float, float]:
    """Return the noncentrality limits of an observed t: Steiger and Fouladi's inversion."""
    if statistic < 0:
        low, high = noncentral_limits(-statistic, df, level)
        return -high, -low
    tail = (1 - level) / 2
    return _noncentrality(statistic, df, 1 - tail), _noncentrality(statistic, df, tail)


def _noncentrality(statistic: float, df: float, share: float) -> float:
    """Return the noncentrality at which P(T <= statistic) equals the share.

    Where the distribution cannot be computed (a statistic beyond some 1e5) the normal part of
    the noncentral t is negligible, and the chi-squared part alone gives the limit.
    """
    from scipy.optimize import brentq
    from scipy.stats import chi2, nct

    def gap(centre: float) -> float:
        with np.errstate(all="ignore"):
            below = float(nct.cdf(statistic, df, centre))
        if np.isnan(below):
            raise FloatingPointError
        return below - share

    step = 2.0 * sqrt(1 + statistic**2 / (2 * df))
    low = high = statistic
    try:
        while gap(low) <= 0:
            low -= step
        while gap(high) >= 0:
            high += step
        return float(brentq(gap, low, high, xtol=1e-12, rtol=1e-13))
    except FloatingPointError:
        return statistic * sqrt(float(chi2.ppf(1 - share, df)) / df)


def difference_scaling(outcome: Floats, arm: Floats, cluster: Any = None) -> Scaling:
    """Return the factor from a difference to an effect size on the unconditional pooled SD.

    Unclustered the factor is J(N - 2) / S. Clustered it is J(h) gamma / S, the total-SD form of
    Hedges (2007) as in the What Works Clearinghouse handbook: gamma^2 = 1 - 2(n - 1) icc / (N - 2),
    with n the mean size of a cluster within an arm (where clusters lie in one arm, the mean
    cluster size) and the intracluster correlation from the one-way analysis of variance of the
    outcome by cluster within arms, kept between 0 and 1.
    """
    total = len(outcome)
    sd = pooled_sd(outcome[arm == 1], outcome[arm == 0])
    gamma, df, icc = 1.0, float(total - 2), None
    if cluster is not None:
        cells = _cells(arm, cluster)
        icc = intracluster_correlation(outcome, arm, cells)
        gamma, df = cluster_factors(total, total / (cells.max() + 1), icc)
    factor = small_sample_factor(df) * gamma / sd if sd > 0 and df > 1 else None
    return Scaling(factor=factor, sd=sd, df=df, icc=icc)


def cluster_factors(total: float, size: float, icc: float) -> tuple[float, float]:
    """Return gamma and the degrees of freedom h of the total SD (Hedges 2007)."""
    room = (total - 2) - 2 * (size - 1) * icc
    spread = (
        (total - 2) * (1 - icc) ** 2
        + size * (total - 2 * size) * icc**2
        + 2 * (total - 2 * size) * icc * (1 - icc)
    )
    return sqrt(room / (total - 2)), room**2 / spread


def _cells(arm: Floats, cluster: Any) -> NDArray[np.intp]:
    """Return a code for each pair of arm and cluster."""
    import pandas as pd

    codes = np.asarray(pd.factorize(pd.Series(cluster))[0])
    return np.asarray(pd.factorize(codes * 2 + arm.astype(int))[0], dtype=np.intp)


def intracluster_correlation(outcome: Floats, arm: Floats, cells: NDArray[np.intp]) -> float:
    """Return the analysis-of-variance ICC of the outcome by cell within arms, kept in 0 to 1."""
    sizes = np.bincount(cells).astype(float)
    count, total = len(sizes), len(outcome)
    if count <= 2 or count == total:
        return 0.0
    centred = outcome - outcome.mean()
    means = np.bincount(cells, weights=centred) / sizes
    arms = _first_of(arm, cells, count)
    within = float(np.sum((centred - means[cells]) ** 2)) / (total - count)
    between, typical = 0.0, float(total)
    for value in (0.0, 1.0):
        n, mean = sizes[arms == value], means[arms == value]
        between += float(np.sum(n * (mean - np.average(mean, weights=n)) ** 2))
        typical -= float(np.sum(n**2) / np.sum(n))
    between, typical = between / (count - 2), typical / (count - 2)
    whole = between + (typical - 1) * within
    return float(np.clip((between - within) / whole, 0, 1)) if whole > 0 else 0.0


def _first_of(arm: Floats, cells: NDArray[np.intp], count: int) -> Floats:
    firsts = np.empty(count)
    firsts[cells[::-1]] = arm[::-1]
    return firsts
