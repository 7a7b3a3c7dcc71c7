"""The log-rank test: whether the hazards of two arms differ, within strata and by clusters."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.stats.events.risk_sets import moments, risk_sets
from evalkit.stats.events.survival_study import SurvivalEffect, Timed, TimedColumns, read_timed
from evalkit.stats.shared.arm_clusters import FEW_CLUSTERS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def log_rank_test(
    data: Any,
    *,
    time: str,
    event: str,
    treatment: str,
    treated: Any = None,
    cluster: str | None = None,
    strata: str | None = None,
    level: float = 0.95,
) -> SurvivalEffect:
    """Test whether the arms have the same hazard, by the log-rank test.

    Parameters
    ----------
    data, time, event, treatment, treated : as for `hazard_ratio`
    cluster : name of the column of clusters (the unit of assignment)
    strata : name of a column of strata: the arms are compared within each
    level : carried into the result; a test has no interval

    Returns
    -------
    SurvivalEffect
        `statistic` is the signed root of the chi-squared with one degree of freedom: above 0 where
        the treated have more events than `expected_treatment`. Ties with the hypergeometric
        variance. Clustered: the variance is the sum of squares of the clusters' score residuals
        (the robust score test of R's coxph(cluster=, ties="breslow")); with few clusters
        the p-value is approximate, and a note says so. There is no
        `estimate`: use `hazard_ratio` or `restricted_mean_difference` for one.

    Raises
    ------
    InvalidInput
        As for `hazard_ratio`.
    CannotEstimate
        When an arm has fewer than two people (or, clustered, two clusters), or there is no event
        at which both arms are at risk in one stratum.

    References
    ----------
    Mantel (1966), Cancer Chemotherapy Reports 50:163-170; Peto and Peto (1972), JRSS A 135:185-207;
    Lin and Wei (1989), JASA 84:1074-1078.
    """
    from scipy.stats import norm

    names = TimedColumns(time, event, treatment, (), cluster, strata)
    study = read_timed(data, names, treated, level)
    gap, expected = _compared(study)
    variance = _spread(study)
    if not variance > 1e-12:
        raise CannotEstimate(
            f"There is no {event} at which both arms are at risk"
            f"{' in one stratum' if strata else ''}, so their hazards cannot be compared. Compare "
            "the risks with risk_difference."
        )
    statistic = gap / sqrt(variance)
    clusters = None if study.clusters is None else int(study.clusters.max()) + 1
    return SurvivalEffect(
        **study.common(),
        statistic=statistic,
        p_value=float(2 * norm.sf(abs(statistic))),
        expected_treatment=expected[0],
        expected_comparison=expected[1],
        method=_sentence(names, clusters),
        notes=(*study.few(), *study.alone(), *_approximate(clusters)),
    )


def _compared(study: Timed) -> tuple[float, tuple[float, float]]:
    """Return observed less expected events of the treated, and the events expected by arm."""
    sets = risk_sets(study.time, study.seen, study.strata, "breslow")
    arm = study.rows.arm[sets.order]
    at_risk, deaths = sets.sums(np.ones(len(arm)))
    expected = float((deaths * sets.sums(arm)[0] / at_risk).sum())
    treated, compared = study.events()
    return treated - expected, (expected, treated + compared - expected)


def _spread(study: Timed) -> float:
    """Return the variance of observed less expected."""
    sets = risk_sets(study.time, study.seen, study.strata, "breslow")
    arm = study.rows.arm[sets.order]
    if study.clusters is None:
        at_risk, deaths = sets.sums(np.ones(len(arm)))
        share = sets.sums(arm)[0] / at_risk
        room = np.where(at_risk > 1, (at_risk - deaths) / np.maximum(at_risk - 1, 1), 0.0)
        return float((deaths * share * (1 - share) * room).sum())
    residuals = moments(sets, arm[:, None], np.zeros(1)).scores()[:, 0]
    sums = np.bincount(study.clusters, weights=residuals)
    return float(sums @ sums)


def _approximate(clusters: int | None) -> tuple[str, ...]:
    if clusters is None or clusters >= FEW_CLUSTERS:
        return ()
    return (f"{clusters} clusters are few (below {FEW_CLUSTERS}): the p-value is approximate",)


def _sentence(names: TimedColumns, clusters: int | None) -> str:
    text = f"Log-rank test of the time to {names.event} by {names.treatment}"
    text += f", stratified by {names.strata}" if names.strata else ""
    if clusters is None:
        return f"{text}; hypergeometric variance, normal p-value."
    return f"{text}; variance from the score residuals of {clusters} clusters, normal p-value."
