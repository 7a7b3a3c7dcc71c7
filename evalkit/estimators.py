"""From a study and a target to an estimate: one short function each, and the table of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from evalkit.comparisons import (
    discontinuity,
    instrumented_difference,
    norm_difference,
    wave_mean,
    weighted_difference,
)
from evalkit.errors import CannotEstimate
from evalkit.results import Estimate
from evalkit.sampling import analysis_sample, arms, cluster_column, described, with_strata

if TYPE_CHECKING:
    import pandas as pd

    from evalkit.study import Study
    from evalkit.targets import Target

Estimator = Callable[["Study", "Target", "pd.DataFrame"], Estimate]


def mean_difference(study: Study, target: Target, followed: pd.DataFrame) -> Estimate:
    """Adjusted difference in means between the arms (ANCOVA on the outcome's own first score)."""
    from evalkit import stats

    sample = analysis_sample(study, target, followed)
    found = stats.mean_difference(sample.frame, **arms(sample), weights=sample.weights)
    return described(target, sample, found)


def interacted_difference(study: Study, target: Target, followed: pd.DataFrame) -> Estimate:
    """Adjusted difference with covariates centred and interacted with the arm (Lin 2013)."""
    from evalkit import stats

    sample = analysis_sample(study, target, followed)
    found = stats.mean_difference(
        sample.frame, **arms(sample), interact=True, weights=sample.weights
    )
    return described(target, sample, found)


def difference_in_means(study: Study, target: Target, followed: pd.DataFrame) -> Estimate:
    """Difference in means with nothing but the strata and clusters of the assignment."""
    from evalkit import stats

    sample = analysis_sample(study, target, followed)
    found = stats.difference_in_means(
        sample.frame, outcome="score", treatment="treated", blocks=sample.strata,
        cluster=sample.cluster, level=sample.level,
    )  # fmt: skip
    return replace(described(target, sample, found), adjusted_for=(), notes=found.notes)


def mixed_difference(study: Study, target: Target, followed: pd.DataFrame) -> Estimate:
    """Adjusted difference with a random intercept for each unit assigned (REML, Satterthwaite)."""
    from evalkit import stats

    sample = analysis_sample(study, target, followed)
    if sample.cluster is None:
        raise CannotEstimate("Nobody was assigned together, so there are no clusters to model")
    found = stats.mixed_difference(
        sample.frame, outcome="score", treatment="treated", group=sample.cluster,
        covariates=with_strata(sample), level=sample.level,
    )  # fmt: skip
    return described(target, sample, found)


def multisite_difference(study: Study, target: Target, followed: pd.DataFrame) -> Estimate:
    """Mean of the sites' effects, which may differ (random effect of the arm by site)."""
    from evalkit import stats

    sample = analysis_sample(study, target, followed)
    found = stats.multisite_difference(
        sample.frame, outcome="score", treatment="treated", site="site", covariates=sample.columns,
        level=sample.level,
    )  # fmt: skip
    return described(target, sample, found)


def partially_clustered_difference(
    study: Study, target: Target, followed: pd.DataFrame
) -> Estimate:
    """Adjusted difference between a programme given in groups and people who stay single."""
    from evalkit import stats

    sample = analysis_sample(study, target, followed)
    single = sample.frame["treated"] == 0
    alone = sample.frame["group_id"].where(~single)
    if sample.frame.loc[single, "family"].duplicated().any():
        said = (
            "people outside the programme's groups are taken one by one, though some share a family"
        )
        sample = replace(sample, notes=(*sample.notes, said))
    found = stats.partially_clustered_difference(
        sample.frame.assign(group_id=alone), outcome="score", treatment="treated",
        group="group_id", covariates=with_strata(sample), df="welch", level=sample.level,
    )  # fmt: skip
    return described(target, sample, found)


def stepped_wedge_difference(study: Study, target: Target, followed: pd.DataFrame) -> Estimate:
    """Effect of a site having started, calendar period allowed for (Hussey and Hughes 2007)."""
    from evalkit import stats

    sample = analysis_sample(study, target, followed)
    found = stats.stepped_wedge_difference(
        sample.frame, outcome="score", treatment="treated", cluster="site", period="period",
        covariates=sample.columns, level=sample.level,
    )  # fmt: skip
    return described(target, sample, found)


def mean_change(study: Study, target: Target, followed: pd.DataFrame) -> Estimate:
    """Mean change from the first wave among those measured at both."""
    from evalkit import stats

    frame = followed[followed["step"] == "analysed"]
    found = stats.mean_change(
        frame, baseline="baseline", outcome="score", cluster=cluster_column(study, frame)
    )
    return replace(found, unit="points")


def risk_difference(study: Study, target: Target, followed: pd.DataFrame) -> Estimate:
    """Difference in the share of people who are a yes, averaged over those analysed.

    Where a match gives people weights it is a weighted difference by least squares.
    """
    from evalkit import stats

    sample = analysis_sample(study, target, followed)
    if sample.weights:
        return mean_difference(study, target, followed)
    found = described(target, sample, stats.risk_difference(sample.frame, **arms(sample)))
    try:
        odds = stats.odds_ratio(sample.frame, **arms(sample))
    except CannotEstimate:
        return found
    return sized(found, odds, COX)


def risk_ratio(study: Study, target: Target, followed: pd.DataFrame) -> Estimate:
    """The share who are a yes in one arm over that in the other."""
    from evalkit import stats

    sample = analysis_sample(study, target, followed)
    refuse_weights(sample.weights)
    found = stats.risk_ratio(sample.frame, **arms(sample))
    return described(target, sample, found, unit="ratio")


def odds_ratio(study: Study, target: Target, followed: pd.DataFrame) -> Estimate:
    """The odds of a yes in one arm over those in the other, averaged over those analysed."""
    from evalkit import stats

    sample = analysis_sample(study, target, followed)
    refuse_weights(sample.weights)
    found = stats.odds_ratio(sample.frame, **arms(sample))
    return described(target, sample, found, unit="ratio")


def ordinal_odds_ratio(study: Study, target: Target, followed: pd.DataFrame) -> Estimate:
    """The odds of a higher category in one arm over those in the other (proportional odds).

    Where a covariate puts people in higher or lower categories without overlap nothing is adjusted
    for, with a note, since the ratio at given covariates then has no finite estimate.
    """
    from evalkit import stats

    sample = analysis_sample(study, target, followed)
    refuse_weights(sample.weights)
    common: dict[str, Any] = {
        "outcome": "score", "treatment": "treated", "cluster": sample.cluster, "level": sample.level,
    }  # fmt: skip
    try:
        found = stats.ordinal_odds_ratio(sample.frame, **common, covariates=with_strata(sample))
    except CannotEstimate:
        if not with_strata(sample):
            raise
        found = stats.ordinal_odds_ratio(sample.frame, **common)
        said = "covariates separate the categories, so the result is not adjusted for any"
        sample = replace(sample, covariates=(), notes=(*sample.notes, said))
    return sized(described(target, sample, found, unit="ratio"), found, LOGISTIC)


def refuse_weights(weights: str | None) -> None:
    """Refuse an estimator that takes no weights where the match gives some."""
    if weights:
        raise CannotEstimate("The match gives people weights, which this result does not take")


COX = 1 / 1.65
"""Makes an effect size in SDs of a log odds ratio (Cox index; What Works Clearinghouse 4.1)."""
LOGISTIC = math.sqrt(3) / math.pi
"""The same by the standard deviation of the logistic distribution (Hasselblad and Hedges 1995)."""


def sized(found: Estimate, odds: Estimate, factor: float) -> Estimate:
    """Return an estimate with the effect size, in SDs, that an odds ratio stands for."""
    ends = (odds.estimate, odds.conf_low, odds.conf_high)
    if any(value is None or value <= 0 or math.isinf(value) for value in ends):
        return found
    size, low, high = (factor * math.log(value or 1.0) for value in ends)
    return replace(found, effect_size=size, effect_low=low, effect_high=high)


ESTIMATORS: dict[str, Estimator] = {
    "mean_difference": mean_difference,
    "interacted_difference": interacted_difference,
    "difference_in_means": difference_in_means,
    "mixed_difference": mixed_difference,
    "multisite_difference": multisite_difference,
    "partially_clustered_difference": partially_clustered_difference,
    "stepped_wedge_difference": stepped_wedge_difference,
    "mean_change": mean_change,
    "risk_difference": risk_difference,
    "risk_ratio": risk_ratio,
    "odds_ratio": odds_ratio,
    "ordinal_odds_ratio": ordinal_odds_ratio,
    "weighted_difference": weighted_difference,
    "discontinuity": discontinuity,
    "instrumented_difference": instrumented_difference,
    "norm_difference": norm_difference,
    "wave_mean": wave_mean,
}


def estimate_target(
    study: Study, target: Target, followed: pd.DataFrame, estimator: Estimator
) -> Estimate:
    """Estimate one target; what cannot be estimated is returned empty, with the reason in `notes`."""
    try:
        _still_compared(study, target)
        found = estimator(study, target, followed)
    except CannotEstimate as refusal:
        found = Estimate(method="not estimated", notes=(str(refusal),), **_counts(study, followed))
    return replace(found, **_labels(study, target), **_dropped(followed, found))


def _still_compared(study: Study, target: Target) -> None:
    """Refuse a wave by which the waiting group had entered the programme."""
    if not study.evaluation.compared(target.wave):
        raise CannotEstimate(
            "By this wave the waiting group had entered the programme, so there is nobody to compare with."
        )


def _counts(study: Study, followed: pd.DataFrame) -> dict[str, Any]:
    used = followed[followed["step"] == "analysed"]
    treated = int((used["treated"] == 1).sum())
    two = study.evaluation.design.comparison_group
    return {
        "n_treatment": treated,
        "n_comparison": int((used["treated"] == 0).sum()) if two else None,
    }


def _labels(study: Study, target: Target) -> dict[str, Any]:
    design = study.evaluation.design
    return {
        "outcome": target.outcome.id,
        "measure": target.measure,
        "scale": target.scale,
        "role": target.outcome.role,
        "informant": target.informant,
        "wave": target.wave,
        "contrast": target.key[3],
        "term": "treatment" if design.comparison_group else "change",
        "estimand": design.estimand,
    }


def _dropped(followed: pd.DataFrame, found: Estimate) -> dict[str, Any]:
    """Count those left out on the way, and those analysed whom the estimator could not use.

    An estimator that is given the lost as well counts them again; those are not added.
    """
    short = int((followed["step"] == "analysed").sum())
    short -= (found.n_treatment or 0) + (found.n_comparison or 0)
    more = found.dropped_why if found.n_dropped == short else ()
    reasons = followed.loc[followed["reason"].notna(), "reason"].value_counts().sort_index()
    why = (*((str(reason), int(n)) for reason, n in reasons.items()), *more)
    return {"n_dropped": sum(n for _, n in why), "dropped_why": why}
