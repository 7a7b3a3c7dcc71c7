"""Effects by site, their average, and what goes with their differences.

Each site's effect is estimated as the plan's result is, from the people of that site alone. Sites are
then put together by restricted maximum likelihood, with Hartung and Knapp's interval not let below the
plain one and a prediction for a new site (Higgins, Thompson and Spiegelhalter 2009). A site whose own
interval rests on too few degrees of freedom has an error too doubtful to be weighed by: it is shown
and has no part in the average. One model of all people at once stands beside it as a check.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from evalkit.errors import CannotEstimate, InvalidInput, NotConverged
from evalkit.estimators import Estimator, estimate_target
from evalkit.results import Records
from evalkit.sites.records import SiteModerator, SiteResult, SiteResults
from evalkit.sites.words import sentence
from evalkit.wording import too_few_df

if TYPE_CHECKING:
    import pandas as pd

    from evalkit.results import Estimate
    from evalkit.stats.combining.meta_results import MetaAnalysis
    from evalkit.study import Study
    from evalkit.targets import Target

ADDED_UP = ("points", "share")
"""Units in which sites' effects may be averaged as they are."""
REFUSALS = (CannotEstimate, InvalidInput, NotConverged)
TOO_FEW = "too few people or families for an error that can be weighed by"
ONE_SIDED = "everybody analysed there is in one group"


def site_results(study: Study, estimators: Mapping[str, Estimator]) -> Records[SiteResults]:
    """Return each result over the sites; nothing where there are no two sites with both groups."""
    if not _has_sites(study):
        return Records()
    found = []
    for target, followed in study.trails:
        estimator = estimators[study.evaluation.estimator(target)]
        one = _of(study, target, followed, estimator)
        found += [one] if one is not None else []
    return Records(found)


def _has_sites(study: Study) -> bool:
    """Whether people of both arms may be found at one site: not where sites were assigned."""
    evaluation = study.evaluation
    design = evaluation.declared.design
    apart = design.assigned_by == "site" or design.wedge is not None or design.cutoff is not None
    compared = evaluation.design.comparison_group and evaluation.design.data == "people"
    return compared and not apart and study.intake.people["site"].nunique() > 1


def _of(
    study: Study, target: Target, followed: pd.DataFrame, estimator: Estimator
) -> SiteResults | None:
    used = followed[followed["step"] == "analysed"]
    both = used.groupby("site")["treated"].nunique()
    if (both == 2).sum() < 2:
        return None
    pairs = [
        _one(study, target, str(site), rows, estimator) for site, rows in followed.groupby("site")
        if (rows["step"] == "analysed").any()
    ]  # fmt: skip
    sites = [site for site, _ in pairs]
    unit = next((found.unit for _, found in pairs if found is not None and found.unit), "points")
    pooled = [site for site in sites if not site.why_not]
    count = {site.site: site.n_treatment + site.n_comparison for site in sites}
    inside = sum(count[site.site] for site in pooled)
    unplaced = int(used["site"].isna().sum())
    empty = SiteResults(
        outcome=target.outcome.id, wave=target.wave, informant=target.informant,
        contrast=target.key[3], unit=unit, n_sites=len(sites), k=len(pooled),
        n_analysed=len(used), n_pooled=inside, n_alone=sum(count.values()) - inside,
        n_unplaced=unplaced, sites=tuple(sites),
    )  # fmt: skip
    return _put_together(study, target, followed, replace(empty, notes=tuple(_notes(study, empty))))


def _one(
    study: Study, target: Target, site: str, rows: pd.DataFrame, estimator: Estimator
) -> tuple[SiteResult, Estimate | None]:
    used = rows[rows["step"] == "analysed"]
    arms = [used[used["treated"] == side] for side in (1.0, 0.0)]
    empty = SiteResult(
        site=site, n_treatment=len(arms[0]), n_comparison=len(arms[1]),
        families_treatment=int(arms[0]["family"].nunique()),
        families_comparison=int(arms[1]["family"].nunique()),
        n_dropped=len(rows) - len(used),
    )  # fmt: skip
    if not len(arms[0]) or not len(arms[1]):
        return replace(empty, why_not=ONE_SIDED), None
    try:
        found = estimate_target(study, target, rows, estimator)
    except REFUSALS as refusal:
        return replace(empty, why_not=str(refusal)), None
    if found.estimate is None:
        return replace(empty, why_not=found.notes[0] if found.notes else TOO_FEW), found
    shown = replace(
        empty, estimate=found.estimate, std_error=found.std_error, df=found.df,
        conf_low=found.conf_low, conf_high=found.conf_high,
    )  # fmt: skip
    few = found.df is None or too_few_df(found.df)
    unsure = found.std_error is None or not found.std_error > 0
    if found.unit in ADDED_UP and not (unsure or (few and found.df is not None)):
        return shown, found
    why = TOO_FEW if found.unit in ADDED_UP else "ratios of sites are not averaged in this version"
    return replace(shown, why_not=why), found


def _notes(study: Study, found: SiteResults) -> Iterable[str]:
    if study.evaluation.declared.analysis.missing.primary != "complete-case":
        yield "Effects by site rest on the people who answered; nothing is filled in or weighed there"
    alone = [site for site in found.sites if site.why_not]
    if alone:
        yield (
            f"{len(alone)} of {found.n_sites} sites have no part in the average: "
            f"{'; '.join(f'{reason} ({n})' for reason, n in _by_reason(alone).items())}"
        )
    if found.n_unplaced:
        yield f"{found.n_unplaced} people analysed are at no known site, and are in no site's effect"


def _by_reason(sites: Iterable[SiteResult]) -> dict[str, int]:
    counted: dict[str, int] = {}
    for site in sites:
        reason = site.why_not.rstrip(".")
        counted[reason] = counted.get(reason, 0) + 1
    return counted


def _put_together(
    study: Study, target: Target, followed: pd.DataFrame, found: SiteResults
) -> SiteResults:
    from evalkit.stats.combining.meta import meta_analysis

    pooled = [site for site in found.sites if not site.why_not]
    if len(pooled) < 2:
        why = "Fewer than two sites have an effect of their own, so nothing is put together"
        return replace(found, notes=(*found.notes, why), sentence=f"{why}.")
    effects = [site.estimate for site in pooled]
    variances = [float(site.std_error or 0.0) ** 2 for site in pooled]
    names = [site.site for site in pooled]
    try:
        meta = meta_analysis(effects, variances, hartung_knapp="modified", labels=names)
    except REFUSALS as refusal:
        return replace(found, notes=(*found.notes, str(refusal)), sentence=f"{refusal}")
    moderators, said = _moderators(study, names, effects, variances)
    model, unchecked = _one_stage(study, target, followed)
    whole = replace(
        found, estimate=meta.estimate, std_error=meta.std_error, df=meta.df, p_value=meta.p_value,
        conf_low=meta.conf_low, conf_high=meta.conf_high, level=meta.level, tau2=meta.tau2,
        tau2_low=meta.tau2_low, tau2_high=meta.tau2_high, i2=meta.i2, q=meta.q, q_p=meta.q_p,
        prediction_low=meta.prediction_low, prediction_high=meta.prediction_high,
        egger_p=meta.egger_p, sites=_shrunken(found, meta), moderators=moderators,
        method=meta.method, notes=(*found.notes, *meta.notes, *said, *unchecked),
        **model,
    )  # fmt: skip
    return replace(whole, sentence=sentence(whole))


def _shrunken(found: SiteResults, meta: MetaAnalysis) -> tuple[SiteResult, ...]:
    by_name = {site.label: site for site in meta.sites}
    return tuple(
        site if site.why_not else replace(
            site, weight=by_name[site.site].weight, shrunken=by_name[site.site].shrunken,
            shrunken_low=by_name[site.site].shrunken_low,
            shrunken_high=by_name[site.site].shrunken_high,
        )
        for site in found.sites
    )  # fmt: skip


def _one_stage(
    study: Study, target: Target, followed: pd.DataFrame
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the mean effect by one model of everybody, in which sites' effects may differ.

    With it comes what to note where there is none.
    """
    from evalkit.sampling import analysis_sample
    from evalkit.stats import multisite_difference

    if target.kind != "mean":
        return {}, ()
    sample = analysis_sample(study, target, followed[followed["site"].notna()])
    if sample.weights:
        return {}, ("One model of all people would not take the weights of the match: no check",)
    columns = tuple(name for name in sample.columns if name != "site")
    try:
        found = multisite_difference(
            sample.frame, outcome="score", treatment="treated", site="site", covariates=columns,
            level=sample.level,
        )  # fmt: skip
    except REFUSALS as refusal:
        return {}, (f"One model of all people could not be fitted: {refusal}",)
    return {
        "one_stage": found.estimate, "one_stage_low": found.conf_low,
        "one_stage_high": found.conf_high,
    }, ()  # fmt: skip


def _moderators(
    study: Study, names: list[str], effects: list[Any], variances: list[float]
) -> tuple[tuple[SiteModerator, ...], tuple[str, ...]]:
    """Return how effects go with the declared traits of sites, and what to note of it."""
    from evalkit.stats.combining.meta import meta_analysis

    declared = study.evaluation.declared.analysis.site_moderators
    if not declared:
        return (), ()
    people = study.intake.people.groupby("site")[list(declared)].first()
    traits = {name: people[name].reindex(names).to_numpy() for name in declared}
    try:
        found = meta_analysis(
            effects, variances, hartung_knapp="modified", moderators=traits, labels=names
        )
    except REFUSALS as refusal:
        return (), (f"Effects could not be set against {', '.join(declared)}: {refusal}",)
    terms = tuple(
        SiteModerator(
            term=term.term, estimate=term.estimate, conf_low=term.conf_low,
            conf_high=term.conf_high, p_value=term.p_value,
        )
        for term in found.coefficients[1:]
    )  # fmt: skip
    return terms, tuple(found.notes)
