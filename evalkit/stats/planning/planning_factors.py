"""Factors that plans multiply sample sizes by: clusters, repeated measures, loss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np

from evalkit.results import Record
from evalkit.stats.planning.power_solving import ROUNDING, check_test, count, is_number, share, size
from evalkit.stats.shared.columns import invalid, vector


def design_effect(
    *,
    icc: float,
    cluster_size: float | None = None,
    cv: float = 0.0,
    sizes: Sequence[float] | None = None,
) -> float:
    """Return how many times as many people a clustered sample needs as one of single people.

    Parameters
    ----------
    icc : intracluster correlation, 0 to 1
    cluster_size, cv : mean people a cluster, and the standard deviation of the sizes over it
    sizes : the sizes one by one, in place of those two

    Returns
    -------
    float
        1 + (m - 1) icc with equal clusters; 1 + ((1 + cv^2) m - 1) icc with unequal ones; from
        the sizes 1 + (sum n^2 / sum n - 1) icc.

    Raises
    ------
    InvalidInput
        For numbers outside their range, or both or neither of `cluster_size` and `sizes`.

    References
    ----------
    Kish (1965), Survey Sampling; Eldridge, Ashby and Kerry (2006), International Journal of
    Epidemiology 35:1292-1300.
    """
    share(icc, "icc", zero=True, one=True)
    if (sizes is None) == (cluster_size is None):
        raise invalid("cluster_size and sizes.", allowed="one of the two")
    if sizes is not None:
        if cv:
            raise invalid("cv with sizes.", allowed="cv with cluster_size only")
        found = vector(sizes, "sizes")
        if not found.size or not np.all(found >= 1):
            raise invalid("sizes are empty, missing or below 1.", allowed="people in each cluster")
        return 1 + (float(np.sum(found**2) / np.sum(found)) - 1) * icc
    mean, spread = size(cluster_size, "cluster_size", 1), size(cv, "cv", 0)
    if mean is None or spread is None:
        raise invalid("cv is None.", allowed="a number, 0 or more")
    return 1 + ((1 + spread**2) * mean - 1) * icc


@dataclass(frozen=True, slots=True, kw_only=True)
class RepeatedFactors(Record):
    """Variance of the comparison by each analysis, over that with one measure after and no baseline.

    `post` analyses the mean of the measures after, `change` that less the mean of those before,
    `ancova` adjusts for the latter. `n_post`, `n_change`, `n_ancova` are people an arm, exact,
    by the normal approximation 2 factor (z(alpha) + z(power))^2 / effect^2; None without an effect.
    """

    before: int
    after: int
    correlation: float
    post: float
    change: float | None
    ancova: float
    n_post: float | None = None
    n_change: float | None = None
    n_ancova: float | None = None
    effect: float | None = None
    power: float | None = None
    alpha: float | None = None
    sentence: str = ""


def repeated_factors(
    *,
    correlation: float,
    before: int = 1,
    after: int = 1,
    effect: float | None = None,
    power: float = 0.8,
    alpha: float = 0.05,
) -> RepeatedFactors:
    """Return what baseline and repeated measures save, by analysis.

    Parameters
    ----------
    correlation : between any two measures of a person, 0 to below 1
    before, after : measures before and after assignment; `after` at least 1
    effect : in standard deviations; gives people an arm as well
    power, alpha : of the two-sided test

    Raises
    ------
    InvalidInput
        For numbers outside their range.

    References
    ----------
    Frison and Pocock (1992), Statistics in Medicine 11:1685-1704.
    """
    rho, p, r = share(correlation, "correlation", zero=True), count(before, "before"), after
    if count(r, "after") < 1:
        raise invalid(f"after={r!r}.", allowed="a whole number, 1 or more")
    check_test(effect=effect, power=power, alpha=alpha, sides=2, share_treated=0.5)
    post = (1 + (r - 1) * rho) / r
    change = post + (1 + (p - 1) * rho) / p - 2 * rho if p else None
    ancova = post - p * rho**2 / (1 + (p - 1) * rho) if p else post
    numbers: dict[str, Any] = {}
    if effect is not None:
        per = _people(effect, power, alpha)
        numbers = {"n_post": per * post, "n_ancova": per * ancova, "effect": effect}
        numbers |= {"n_change": None if change is None else per * change}
        numbers |= {"power": power, "alpha": alpha}
    return RepeatedFactors(
        before=p,
        after=r,
        correlation=rho,
        post=post,
        change=change,
        ancova=ancova,
        sentence=f"Adjusting for {p} measure(s) before, with {r} after and a correlation of "
        f"{rho:g}, needs {ancova:.2f} times the people that one measure after alone would need.",
        **numbers,
    )


def _people(effect: float, power: float, alpha: float) -> float:
    from scipy.stats import norm

    return float(2 * (norm.isf(alpha / 2) + norm.ppf(power)) ** 2 / effect**2)


def inflate_for_loss(n: float, *, loss: float) -> int:
    """Return how many to recruit so that `n` remain when the share `loss` is lost: n / (1 - loss).

    Raises
    ------
    InvalidInput
        When `n` is below 1 or `loss` not from 0 to below 1.
    """
    share(loss, "loss", zero=True)
    if not is_number(n) or n < 1:
        raise invalid(f"n={n!r}.", allowed="a number, 1 or more")
    return ceil(n / (1 - loss) * (1 - ROUNDING))


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterBaselineFactors(Record):
    """Variance of a cluster trial with a baseline period, over the same trial without one.

    `correlation` is that of a cluster's mean before with its mean after, `ancova` 1 - r^2 and
    `change` 2 (1 - r) the factors of the two analyses (change: difference in differences).
    """

    correlation: float
    ancova: float
    change: float
    sentence: str = ""


def cluster_baseline_factors(
    *,
    cluster_size: float,
    icc: float,
    cluster_autocorrelation: float,
    individual_autocorrelation: float = 0.0,
) -> ClusterBaselineFactors:
    """Return what a baseline period saves in a cluster trial.

    Parameters
    ----------
    cluster_size : people a cluster and period
    icc : intracluster correlation within a period
    cluster_autocorrelation : correlation of a cluster's own effect between the periods, 0 to 1
    individual_autocorrelation : of a person's own deviation; 0 where other people are measured

    Raises
    ------
    InvalidInput
        For numbers outside their range.

    References
    ----------
    Teerenstra, Eldridge, Graff, de Hoop and Borm (2012), Statistics in Medicine 31:2169-2178.
    """
    if size(cluster_size, "cluster_size", 1) is None:
        raise invalid("cluster_size is None.", allowed="a number, 1 or more")
    for name, value in (
        ("icc", icc),
        ("cluster_autocorrelation", cluster_autocorrelation),
        ("individual_autocorrelation", individual_autocorrelation),
    ):
        share(value, name, zero=True, one=True)
    m = cluster_size
    together = m * icc * cluster_autocorrelation + (1 - icc) * individual_autocorrelation
    r = together / (1 + (m - 1) * icc)
    return ClusterBaselineFactors(
        correlation=r,
        ancova=1 - r**2,
        change=2 * (1 - r),
        sentence=f"Adjusting for the baseline period needs {1 - r**2:.2f} times, a difference in "
        f"differences {2 * (1 - r):.2f} times the clusters that no baseline would need.",
    )
