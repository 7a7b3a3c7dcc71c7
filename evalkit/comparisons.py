"""Estimates of designs without chance allocation: weighted, at a cut-off, by an instrument, to a norm."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from evalkit.errors import CannotEstimate
from evalkit.results import Estimate
from evalkit.sampling import (
    Sample,
    analysis_sample,
    cluster_column,
    described,
    how_weighted,
    with_strata,
)

if TYPE_CHECKING:
    import pandas as pd

    from evalkit.declared_plan import NormPart
    from evalkit.stats.least_squares.compliance import ComplierEffect
    from evalkit.study import Study
    from evalkit.targets import Target


def weighted_difference(study: Study, target: Target, followed: pd.DataFrame) -> Estimate:
    """Difference after weighting, adjusted for the plan's covariates (doubly robust).

    Standard errors allow for the weights having been estimated (stacked estimating equations).
    """
    from evalkit import stats

    sample, declared = weighted_sample(study, target, followed)
    found = stats.weighted_effect(sample.frame, **doubly(sample), **declared)
    return described(target, sample, found)


def augmented_difference(study: Study, target: Target, followed: pd.DataFrame) -> Estimate:
    """Augmented inverse-probability weighting: right if either of the two models is."""
    from evalkit import stats

    sample, declared = weighted_sample(study, target, followed)
    keys = ("covariates", "moments", "estimand")
    kept = {key: declared[key] for key in keys}
    if kept["estimand"] == "ATO":
        raise CannotEstimate("Overlap weights have no augmented form here")
    found = stats.augmented_effect(sample.frame, **doubly(sample), **kept)
    return described(target, sample, found)


def doubly(sample: Sample) -> dict[str, Any]:
    """Return the columns that weighted and augmented estimates take alike."""
    return {
        "outcome": "score", "treatment": "treated", "outcome_covariates": sample.columns,
        "cluster": sample.cluster, "level": sample.level,
    }  # fmt: skip


def weighted_sample(
    study: Study, target: Target, followed: pd.DataFrame
) -> tuple[Sample, dict[str, Any]]:
    """Return the rows analysed with what they are weighted by, and how."""
    design = study.evaluation.declared.design
    if target.kind == "ordinal":
        raise CannotEstimate("Weights are not offered for an outcome that is only ordered")
    sample = analysis_sample(study, target, followed)
    if design.weight is not None:
        how = how_weighted(design.weight)
    elif design.match is not None:
        how = {"covariates": design.match.covariates, "method": "propensity", "moments": 1,
               "estimand": design.match.estimand, "trim": None}  # fmt: skip
    else:
        raise CannotEstimate("The design names nothing to weight by")
    for name in how["covariates"]:
        if name not in sample.frame:
            sample.frame[name] = sample.frame["person"].map(study.intake.people[name])
    return sample, how


def discontinuity(study: Study, target: Target, followed: pd.DataFrame) -> Estimate:
    """Jump in the outcome at the cut-off of need (local linear, robust bias-corrected interval)."""
    from evalkit import stats

    if target.kind == "ordinal":
        raise CannotEstimate("A jump is not offered for an outcome that is only ordered")
    cutoff = study.evaluation.declared.design.cutoff
    assert cutoff is not None
    sample = analysis_sample(study, target, followed)
    frame = sample.frame.assign(
        need=sample.frame["person"].map(study.intake.people[cutoff.score]).astype(float)
    )
    found = stats.regression_discontinuity(
        frame, outcome="score", score="need", cutoff=cutoff.at, bandwidth=cutoff.bandwidth,
        treated_above=cutoff.treated == "above", treatment="treated", cluster=sample.cluster,
        level=sample.level,
    )  # fmt: skip
    made = described(target, replace(sample, covariates=(), notes=()), found)
    near = (found.n_within_treatment, found.n_within_comparison)
    far = len(frame) - sum(near)
    said = (
        f"the jump is for people within {found.bandwidth:.3g} points of the cut-off: {near[0]} on the programme "
        f"and {near[1]} not"
    )
    return replace(
        made, notes=(said, *made.notes), n_treatment=near[0], n_comparison=near[1],
        n_dropped=far, dropped_why=(("outside the bandwidth", far),) if far else (),
    )  # fmt: skip


def instrumented_difference(study: Study, target: Target, followed: pd.DataFrame) -> Estimate:
    """Effect on those whom the instrument brought into the programme (two-stage least squares)."""
    if target.kind == "ordinal":
        raise CannotEstimate("Two stages are not offered for an outcome that is only ordered")
    sample, frame = _nudged(study, target, followed)
    found = _two_stages(sample, frame)
    made = described(target, sample, found)
    treated = int((frame["treated"] == 1).sum())
    unsaid = len(sample.frame) - len(frame)
    return replace(
        made, n_treatment=treated, n_comparison=len(frame) - treated, n_dropped=unsaid,
        dropped_why=(("no instrument recorded", unsaid),) if unsaid else (),
        notes=(found.ar_sentence.rstrip("."), *made.notes),
    )  # fmt: skip


def instrumented_fit(study: Study, target: Target, followed: pd.DataFrame) -> ComplierEffect:
    """Return the two-stage fit, with the F of its first stage."""
    return _two_stages(*_nudged(study, target, followed))


def _nudged(study: Study, target: Target, followed: pd.DataFrame) -> tuple[Sample, pd.DataFrame]:
    """Return the rows analysed, and those of them of whom it is known whether they were nudged."""
    sample = analysis_sample(study, target, followed)
    frame = sample.frame.assign(nudged=sample.frame["person"].map(study.intake.people["nudged"]))
    return sample, frame[frame["nudged"].notna()]


def _two_stages(sample: Sample, frame: pd.DataFrame) -> ComplierEffect:
    from evalkit import stats

    return stats.complier_effect(
        frame, outcome="score", assigned="nudged", received="treated",
        covariates=with_strata(sample), cluster=sample.cluster, level=sample.level,
    )  # fmt: skip


def norm_difference(study: Study, target: Target, followed: pd.DataFrame) -> Estimate:
    """Mean of those measured less the mean of a published norm."""
    norm = norm_of(study, target)
    if norm is None:
        raise CannotEstimate("No norm is declared for this outcome")
    frame = followed[followed["step"] == "analysed"]
    mean = _mean(study, frame, frame["score"] - norm.mean)
    error = ((mean.std_error or 0.0) ** 2 + (norm.sd**2 / norm.n if norm.n else 0.0)) ** 0.5
    found = _with_error(mean, error)
    sizes = [
        None if v is None else v / norm.sd
        for v in (found.estimate, found.conf_low, found.conf_high)
    ]
    said = f"set beside a mean of {norm.mean:g} (SD {norm.sd:g}; {norm.source})"
    return replace(
        found, effect_size=sizes[0], effect_low=sizes[1], effect_high=sizes[2], sd_pooled=norm.sd,
        mean_treatment=float(frame["score"].mean()), mean_comparison=norm.mean, notes=(said,),
        method="mean less the mean of a published norm",
    )  # fmt: skip


def wave_mean(study: Study, target: Target, followed: pd.DataFrame) -> Estimate:
    """Mean of those measured at a wave."""
    frame = followed[followed["step"] == "analysed"]
    found = _mean(study, frame, frame["score"])
    return replace(found, mean_treatment=found.estimate, method="mean of those measured")


def norm_of(study: Study, target: Target) -> NormPart | None:
    """Return the norm declared for an outcome, None without."""
    norms = study.evaluation.declared.design.norms
    return next((norm for norm in norms if norm.outcome == target.outcome.id), None)


def _mean(study: Study, frame: pd.DataFrame, values: pd.Series[float]) -> Estimate:
    """Return a mean with the standard error of independent families."""
    from evalkit import stats

    rows = frame.assign(value=values.to_numpy(), nothing=0.0)
    found = stats.mean_change(
        rows, baseline="nothing", outcome="value", cluster=cluster_column(study, rows)
    )
    return replace(
        found, unit="points", effect_size=None, effect_low=None, effect_high=None, notes=()
    )


def _with_error(found: Estimate, error: float) -> Estimate:
    """Return an estimate with another standard error, its interval and p value by it."""
    from scipy.stats import norm, t

    if found.estimate is None or error == 0:
        return found
    law = norm() if found.df is None else t(found.df)
    half = float(law.ppf(0.5 + found.level / 2)) * error
    statistic = found.estimate / error
    return replace(
        found, std_error=error, statistic=statistic, p_value=float(2 * law.sf(abs(statistic))),
        conf_low=found.estimate - half, conf_high=found.estimate + half,
    )  # fmt: skip
