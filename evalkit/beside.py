"""The same question asked in other ways: what a plan wants to see beside its results.

They stand beside the result they belong to and never replace it: the finding and its level rest on
the estimator of the plan alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from evalkit.comparisons import augmented_difference
from evalkit.errors import CannotEstimate, InvalidInput, NotConverged
from evalkit.estimators import ESTIMATORS, Estimator, estimate_target
from evalkit.results import Estimate
from evalkit.sampling import (
    analysis_sample,
    arms,
    assigned_rows,
    assigned_unit,
    described,
    reassigned,
    with_strata,
)

if TYPE_CHECKING:
    import pandas as pd

    from evalkit.study import Study
    from evalkit.targets import Kind, Target


def complier_effect(study: Study, target: Target, followed: pd.DataFrame) -> Estimate:
    """The effect on those who took the programme up because it was offered (two-stage)."""
    from evalkit import stats

    sample = analysis_sample(study, target, followed)
    frame = sample.frame.assign(received=_of_people(study, sample.frame, "received"))
    found = stats.complier_effect(
        frame, outcome="score", assigned="treated", received="received",
        covariates=with_strata(sample), cluster=sample.cluster, level=sample.level,
    )  # fmt: skip
    shares = (found.received_treatment or 0.0, found.received_comparison or 0.0)
    said = (
        f"{shares[0]:.0%} of those offered it and {shares[1]:.0%} of the others took it up",
        found.ar_sentence.rstrip("."),
    )
    return _noted(described(target, sample, found), said)


def dose_effect(study: Study, target: Target, followed: pd.DataFrame) -> Estimate:
    """The effect of one more session, for those whose sessions the offer raised (two-stage)."""
    from evalkit import stats

    sample = analysis_sample(study, target, followed)
    frame = sample.frame.assign(sessions=_of_people(study, sample.frame, "sessions"))
    found = stats.dose_effect(
        frame, outcome="score", assigned="treated", dose="sessions",
        covariates=with_strata(sample), cluster=sample.cluster, level=sample.level,
    )  # fmt: skip
    said = (
        f"sessions averaged {found.dose_treatment or 0.0:.1f} where the programme was offered and "
        f"{found.dose_comparison or 0.0:.1f} elsewhere; the effect is of one session more",
    )
    return _noted(described(target, sample, found), said)


def permutation_test(study: Study, target: Target, followed: pd.DataFrame) -> Estimate:
    """The adjusted difference with a p value from re-randomising as was randomised."""
    from evalkit import stats

    sample = analysis_sample(study, target, followed)
    found = stats.permutation_test(
        assigned_rows(study, followed, sample), outcome="score", treatment="treated",
        covariates=sample.columns, strata=sample.strata, cluster=assigned_unit(study),
        statistic="t", reassign=reassigned(study), seed=_seed(study),
    )  # fmt: skip
    kind = "all possible assignments" if found.exact else f"{found.assignments:,} assignments drawn"
    return _noted(described(target, sample, found), (f"the p value rests on {kind}",))


def bootstrap(study: Study, target: Target, followed: pd.DataFrame) -> Estimate:
    """The adjusted difference with an interval from resampling people or clusters (BCa)."""
    from evalkit import stats

    sample = analysis_sample(study, target, followed)
    return described(
        target, sample, stats.bootstrap(sample.frame, **arms(sample), seed=_seed(study))
    )


def wild_cluster_bootstrap(study: Study, target: Target, followed: pd.DataFrame) -> Estimate:
    """The adjusted difference with a wild cluster bootstrap test, for few clusters."""
    from evalkit import stats

    sample = analysis_sample(study, target, followed)
    if sample.cluster is None:
        raise CannotEstimate("Nobody was assigned together, so there are no clusters to resample")
    found = stats.wild_cluster_bootstrap(sample.frame, **arms(sample), seed=_seed(study))
    return described(target, sample, found)


def repeated_measures(study: Study, target: Target, followed: pd.DataFrame) -> Estimate:
    """The difference at this wave from a model of all the outcome's waves (GEE, small samples)."""
    import pandas as pd

    from evalkit import stats

    mine = [
        (other, rows)
        for other, rows in study.trails
        if (other.outcome.id, other.informant, other.contrast)
        == (target.outcome.id, target.informant, target.contrast)
        and study.evaluation.compared(other.wave)
    ]
    samples = {other.wave: analysis_sample(study, other, rows) for other, rows in mine}
    sample = samples[target.wave]
    shared = [c for c in sample.columns if all(c in s.columns for s in samples.values())]
    order = [wave for wave in samples if len(samples[wave].frame)]
    if not order:
        raise CannotEstimate("Nobody can be analysed at any wave")
    rows = pd.concat([samples[wave].frame.assign(wave=wave) for wave in order], ignore_index=True)
    rows["wave"] = pd.Categorical(rows["wave"], categories=order)
    baseline = "baseline" if "baseline" in shared else None
    strata = [sample.strata] if sample.strata else []
    found = stats.repeated_measures(
        rows, outcome="score", treatment="treated", person="person", wave="wave",
        baseline=baseline, covariates=[c for c in shared if c != "baseline"] + strata,
        cluster=sample.cluster, level=sample.level,
    )  # fmt: skip
    return described(target, sample, next(row for row in found.rows if row.wave == target.wave))


@dataclass(frozen=True, slots=True)
class Further:
    """One further analysis: how it is done, what it says in words, and for which outcomes."""

    estimate: Estimator
    words: str
    kinds: tuple[Kind, ...] = ("mean", "yes-no")


def _main(name: str) -> Estimator:
    return ESTIMATORS[name]


BESIDE: dict[str, Further] = {
    "mean_difference": Further(
        _main("mean_difference"), "least squares with Satterthwaite degrees of freedom"
    ),
    "interacted_difference": Further(
        _main("interacted_difference"), "covariates allowed to act differently in each arm"
    ),
    "difference_in_means": Further(_main("difference_in_means"), "nothing adjusted for"),
    "mixed_difference": Further(
        _main("mixed_difference"), "a mixed model of the clusters", ("mean",)
    ),
    "multisite_difference": Further(
        _main("multisite_difference"), "sites allowed to have effects of their own", ("mean",)
    ),
    "weighted_difference": Further(
        _main("weighted_difference"), "the comparison weighted to be like the programme"
    ),
    "augmented_difference": Further(
        augmented_difference, "weighted and modelled at once, right if either model is"
    ),
    "risk_ratio": Further(_main("risk_ratio"), "as a ratio of shares", ("yes-no",)),
    "odds_ratio": Further(_main("odds_ratio"), "as a ratio of odds", ("yes-no",)),
    "repeated_measures": Further(repeated_measures, "all waves in one model", ("mean",)),
    "complier_effect": Further(complier_effect, "for those who took the programme up when offered"),
    "dose_effect": Further(dose_effect, "for each session more"),
    "permutation_test": Further(permutation_test, "chance judged by re-randomising"),
    "bootstrap": Further(bootstrap, "interval by resampling"),
    "wild_cluster_bootstrap": Further(wild_cluster_bootstrap, "chance judged cluster by cluster"),
}


def further_analyses(study: Study) -> tuple[Estimate, ...]:
    """Return what the plan wants beside each result; `term` is the name of the analysis."""
    found = []
    for target, followed in study.trails:
        for name in study.evaluation.declared.analysis.beside:
            if target.kind in BESIDE[name].kinds:
                one = _or_refused(BESIDE[name].estimate)
                found.append(replace(estimate_target(study, target, followed, one), term=name))
    return tuple(found)


def _or_refused(estimator: Estimator) -> Estimator:
    """Return an analysis whose refusal of these data leaves it empty, with the reason."""

    def estimate(study: Study, target: Target, followed: pd.DataFrame) -> Estimate:
        try:
            return estimator(study, target, followed)
        except (InvalidInput, NotConverged) as refusal:
            raise CannotEstimate(str(refusal)) from None

    return estimate


def _of_people(study: Study, rows: pd.DataFrame, column: str) -> pd.Series[float]:
    return rows["person"].map(study.intake.people[column]).astype(float)


def _noted(found: Estimate, said: tuple[str, ...]) -> Estimate:
    return replace(found, notes=(*(text for text in said if text), *found.notes))


def _seed(study: Study) -> int:
    return study.evaluation.declared.seed
