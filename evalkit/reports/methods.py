"""How the numbers of a report were made, as headings with a sentence each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from evalkit.intercurrent import STRATEGIES, event_name
from evalkit.matching import sets_are_clusters
from evalkit.reports.areas import series_methods
from evalkit.wording import cut_words, say

if TYPE_CHECKING:
    from evalkit.disclosure import Rules
    from evalkit.evaluation import Evaluation
    from evalkit.instruments.spec import Measure

Fact = tuple[str, str]

MODELS = {
    "mean_difference": "Difference in means by least squares, adjusted for {covariates}. Standard errors: {errors}.",
    "interacted_difference": "Difference in means by least squares, with {covariates} centred and allowed to act differently in each arm (Lin 2013). Standard errors: {errors}.",
    "difference_in_means": "Difference in means with nothing but the strata and clusters of the assignment allowed for.",
    "mixed_difference": "Linear mixed model with a random intercept for each unit assigned, adjusted for {covariates}, by restricted maximum likelihood with Satterthwaite degrees of freedom.",
    "partially_clustered_difference": "Difference in means by least squares, adjusted for {covariates}; the programme's groups are clusters and everybody else stands alone (CR2, Welch degrees of freedom; effect size after Hedges and Citkowicz 2015).",
    "stepped_wedge_difference": "Linear mixed model with a level for each calendar period and a random intercept for each site (Hussey and Hughes 2007), adjusted for {covariates}, with Satterthwaite degrees of freedom.",
    "mean_change": "Mean of each person's change from the first wave. Standard errors: {errors}.",
    "risk_difference": "Outcomes that are yes or no: difference in shares, averaged over the people analysed after a logistic model adjusted for {covariates}; by Newcombe's interval, or least squares where events are few.",
    "weighted_difference": "Difference after weighting, adjusted for {covariates} as well; standard errors allow for the weights having been estimated (stacked estimating equations, adjusted for few people).",
    "discontinuity": "Jump at the cut-off by local lines with a triangular kernel; bandwidth and robust bias-corrected interval after Calonico, Cattaneo and Titiunik (2014).",
    "instrumented_difference": "Two-stage least squares with the instrument, adjusted for {covariates}. Standard errors: {errors}; the Anderson-Rubin set stands beside it.",
    "norm_difference": "Mean of those measured less the mean of the published norm, whose own uncertainty is allowed for where its size is known.",
    "wave_mean": "Mean of those measured at each wave.",
    "ordinal_odds_ratio": "Outcomes that are only ordered: ratio of the odds of a higher category, proportional odds, adjusted for {covariates}.",
}


def methods(evaluation: Evaluation, rules: Rules) -> list[Fact]:
    """Return how the numbers were made, as (heading, sentence)."""
    spec, because = evaluation.design, evaluation.declared.design.because
    found = [
        ("Design", f"{spec.name}. {spec.plain} {because}".strip()),
        (
            "What is estimated",
            f"{spec.estimand_plain[:1].upper()}{spec.estimand_plain[1:]} ({spec.estimand}).",
        ),
        *_events(evaluation),
        *(series_methods(evaluation) if spec.data == "series" else _of_people(evaluation)),
        ("Several results", _multiplicity(evaluation)),
        *_looks(evaluation),
        ("When a result is clear", _clear()),
        ("Small numbers", "Shown as they are." if rules.open else f"Fewer than {rules.threshold} people or families are never shown."),
    ]  # fmt: skip
    found += [
        (
            "Check: " + check.check.replace("-", " "),
            f"{check.why[:1].upper()}{check.why[1:]}. {_limits(check.thresholds)}Source: {check.citation}.",
        )
        for check in spec.checks
    ]
    found += [
        (f"Measure: {measure.title}", _measure_words(evaluation, measure))
        for measure in used(evaluation)
    ]
    return found


def _of_people(evaluation: Evaluation) -> Iterable[Fact]:
    yield from _models(evaluation)
    yield from _alike(evaluation)
    yield from _lost(evaluation)


MATCHING = {
    "nearest": "nearest neighbour", "optimal": "optimal pairs", "full": "optimal full matching",
    "exact": "exact matching", "coarsened-exact": "coarsened exact matching",
    "subclass": "subclasses of the score",
}  # fmt: skip
WEIGHTING = {
    "propensity": "inverse propensity weights", "overlap": "overlap weights",
    "entropy": "entropy balancing",
}  # fmt: skip


def _alike(evaluation: Evaluation) -> Iterable[Fact]:
    """Say how the groups were made alike."""
    design = evaluation.declared.design
    if design.match and not design.match.sets:
        match = design.match
        how = MATCHING[match.method or "nearest"]
        detail = f" within {match.caliper:g} SDs of the log odds" if match.caliper else ""
        again = ", partners used again" if match.replace else ""
        on = ", ".join(say(name.replace("_", " ")) for name in match.covariates)
        same = f", equal in {', '.join(match.exact)}" if match.exact else ""
        yield (
            "Matching",
            (
                f"Once, {match.unit} by {match.unit}, by {how} on the {match.distance}{detail}{again}, from {on}"
                f"{same}; each result then adjusts for its own first scores."
            ),
        )
    if design.weight:
        on = ", ".join(say(name.replace("_", " ")) for name in design.weight.covariates)
        yield (
            "Weights",
            f"{WEIGHTING[design.weight.method].capitalize()} ({design.weight.estimand}) from {on}.",
        )


PRIMARY = {
    "complete-case": "People without the outcome are left out of the plan's own result and counted (complete cases).",
    "multiple-imputation": "Multiple imputation by chained equations, apart by arm: scores of many values by a normal model within the ends of the scale, everything else by predictive mean matching; pooled by Rubin's rules (Barnard and Rubin 1999).",
    "attrition-weights": "Those who answered are weighted by one over the chance of having answered, modelled by arm.",
}
"""How the plan treats the lost in its own result."""


def _lost(evaluation: Evaluation) -> Iterable[Fact]:
    plan = evaluation.declared.analysis.missing
    yield "Missing outcomes", PRIMARY[plan.primary]
    beside = ", ".join(say(name) for name in plan.sensitivity)
    said = f"Planned: {beside}." if beside else "None is planned."
    yield (
        "Other treatments of the lost",
        (
            f"{said} Where more than 5% are lost to a result and none is planned, multiple imputation is added."
        ),
    )


def _events(evaluation: Evaluation) -> Iterable[Fact]:
    """Say how what happens after the start is dealt with: as declared, else as the design says."""
    declared = {event.id: event for event in evaluation.declared.design.events}
    for event in declared.values():
        why = f" {event.because.rstrip('.')}." if event.because else ""
        head = f"If there is {event_name(event)}"
        yield head, f"{STRATEGIES[event.strategy].capitalize()} ({say(event.strategy)}).{why}"
    for default in evaluation.design.intercurrent:
        if default.event not in declared:
            head = f"If there is {say(default.event)}"
            said = f"{STRATEGIES[default.strategy].capitalize()} ({say(default.strategy)})"
            yield (
                head,
                f"{said}: {default.why}. The design's usual reading; the plan says nothing else.",
            )


def _models(evaluation: Evaluation) -> Iterable[Fact]:
    names = dict.fromkeys(evaluation.estimator(target) for target in evaluation.targets())
    words = {"covariates": _covariates(evaluation), "errors": _errors(evaluation)}
    for name in names or {evaluation.design.estimators[0]: None}:
        yield "Model", MODELS.get(name, name).format(**words)
    for words_of_cut in dict.fromkeys(_cuts(evaluation)):
        yield "Yes or no", words_of_cut
    if evaluation.design.comparison_group:
        yield "Missing first scores", _missing(evaluation)


def _cuts(evaluation: Evaluation) -> Iterable[str]:
    for target in evaluation.targets():
        if target.kind == "yes-no":
            yield f"“{target.outcome.name}” is a yes with {cut_words(target)} on {evaluation.measure(target.measure).name}."


def _covariates(evaluation: Evaluation) -> str:
    named = [
        "the outcome's own first score" if c == "baseline" else say(c.replace("_", " "))
        for c in evaluation.declared.analysis.covariates
    ]
    strata = [f"{say(name.replace('_', ' '))} (strata)" for name in evaluation.strata]
    return ", ".join([*named, *strata]) or "nothing"


def _looks(evaluation: Evaluation) -> Iterable[Fact]:
    looks = evaluation.declared.analysis.looks
    if looks is None:
        return
    shares = ", ".join(f"{100 * share:.0f}%" for share in looks.information)
    kind = {"obrien-fleming": "O'Brien and Fleming's", "pocock": "Pocock's"}[looks.spending]
    yield (
        "Looks while the trial runs",
        f"Planned at {shares} of the information; this is look {looks.now}. The two-sided 5% is spent by {kind} "
        "spending function (Lan and DeMets 1983), and the interval of the primary result is a repeated one. "
        f"A one-sided rule of its own ({looks.harm_alpha:g}, spent as Pocock's) watches for harm.",
    )


def _clear() -> str:
    return (
        "Its interval leaves out no difference, and for secondary results so does the adjusted p value. "
        "Otherwise it is called no clear difference, or not enough information where the interval holds "
        "both a worthwhile gain and a worthwhile loss: the change the plan expects, or 0.2 standard "
        "deviations where it states none."
    )


def _limits(thresholds: Mapping[str, float]) -> str:
    if not thresholds:
        return ""
    return "Limits: " + ", ".join(f"{name} {value:g}" for name, value in thresholds.items()) + ". "


def _errors(evaluation: Evaluation) -> str:
    design = evaluation.declared.design
    if sets_are_clusters(design.match):
        unit = "matched set, families nested in them"
    elif design.groups:
        unit = "programme group"
    elif design.assigned_by == "site":
        unit = "site"
    else:
        unit = "family"
    clustered = f"bias-reduced and clustered by {unit} (CR2)"
    if unit == "family":
        clustered = f"HC2 where nobody shares a family, otherwise {clustered}"
    return f"{clustered}, with Satterthwaite degrees of freedom"


def _missing(evaluation: Evaluation) -> str:
    if evaluation.missing_baseline == "impute":
        return "They are imputed with the outcomes."
    if evaluation.missing_baseline == "indicator":
        return "People are kept: the mean is used, with an indicator (White and Thompson 2005)."
    return "People without a first score or a covariate are left out and counted."


ADJUSTMENTS = {
    "holm": "Holm",
    "bh": "Benjamini and Hochberg",
    "by": "Benjamini and Yekutieli",
    "westfall-young": "Westfall and Young, by re-randomising all outcomes at once",
    "romano-wolf": "Romano and Wolf, by resampling all outcomes at once",
}


def _multiplicity(evaluation: Evaluation) -> str:
    plan = evaluation.declared.analysis.multiplicity
    if plan.across == "none":
        return "p values are not adjusted for the number of results."
    how = ADJUSTMENTS[plan.method]
    if plan.within == "domain":
        return f"The p values of secondary results are adjusted together within each domain ({how}); the primary result stands apart."
    return f"The p values of all secondary results are adjusted together ({how}); the primary result stands apart."


def used(evaluation: Evaluation) -> list[Measure]:
    """Return the measures that results rest on."""
    ids = dict.fromkeys(target.measure for target in evaluation.targets())
    return [evaluation.measure(name) for name in ids]


def _measure_words(evaluation: Evaluation, measure: Measure) -> str:
    from evalkit.instruments.card import end

    shown = {t.scale for t in evaluation.targets() if t.measure == measure.id}
    scales = "; ".join(
        f"{scale.id} {end(scale.low)} to {end(scale.high)}, higher is {scale.higher_is} ({VERIFIED[scale.verification]})"
        for scale in measure.scales if scale.id in shown
    )  # fmt: skip
    return f"{measure.reference} {scales}. Licence: {say(measure.licence.status)}, {measure.licence.holder}."


VERIFIED = {
    "V2": "scoring confirmed by two sources",
    "V1": "scoring from a single source",
    "mem": "scoring not verified",
    "derived": "scoring follows from other facts",
    "own": "evalkit's own definition",
}
