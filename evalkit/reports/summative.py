"""The summative report: what changed, for whom, how sure we are, and what may be claimed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evalkit.claims import HEAVY_LOSS, findings
from evalkit.disclosure import sentence
from evalkit.flow import share_lost
from evalkit.maryland import ATTRIBUTES_FROM
from evalkit.reports import outcomes, pictures, tables, trials
from evalkit.reports.alike import alike
from evalkit.reports.areas import area_levels, areas, glance, released_findings
from evalkit.reports.common import header, provenance, relevant_gaps, theory_words
from evalkit.reports.contribution import contribution_section
from evalkit.reports.hidden import hidden
from evalkit.reports.individual import individual_section
from evalkit.reports.lost import lost
from evalkit.reports.methods import methods
from evalkit.reports.other_scales import original_note, other_scales
from evalkit.reports.page import drawing, lay_out
from evalkit.reports.participants import flow_picture
from evalkit.reports.released import Released, part_of, release
from evalkit.reports.sites import sites
from evalkit.reports.treatments import treatments
from evalkit.reports.words import sentence_case, who
from evalkit.targets import Key, key_of
from evalkit.wording import CLAIMS, loss_words, say

if TYPE_CHECKING:
    import pandas as pd

    from evalkit.analysis import Analysis
    from evalkit.evaluation import Evaluation
    from evalkit.results import Finding, Level
    from evalkit.targets import Target


@dataclass(frozen=True, slots=True)
class Card:
    """One finding as the page shows it."""

    claim: str
    badge: str
    outcome: str
    statement: str
    caveats: tuple[str, ...]
    level: str
    primary: bool


def summative_page(analysis: Analysis) -> str:
    """Return the summative report as one HTML page."""
    study = analysis.study
    evaluation = study.evaluation
    released = release(study)
    disclosure = evaluation.declared.disclosure
    levels = analysis.levels if released.rules.open else analysis.shareable_levels()
    worded = findings(
        evaluation, analysis.estimates, levels, analysis.rates, counts=released.counts,
        units=lambda rate: pictures.shown_units(released, rate),
        losses=_losses(analysis, released), treatments=analysis.treatments(), exact=released.rules.open,
        areas=released_findings(released, analysis),
    )  # fmt: skip
    states = theory_states(analysis, released, worded)
    return lay_out(
        "summative.html",
        **header(evaluation, "Summative report"),
        disclosure=sentence(released.rules, disclosure.because),
        glance=_glance(analysis, released, worded),
        cards=_cards(analysis, worded),
        allows=_allows(analysis),
        harms=_harms(evaluation),
        theory=drawing(evaluation.logic_model.draw(states)),
        theory_words=theory_words(evaluation, states),
        flow=_flow(analysis, released),
        loss=_loss(analysis, released),
        baseline=_baseline(analysis, released),
        alike=alike(released),
        results=_results(analysis, released),
        treatments=treatments(released, analysis),
        followed=evaluation.declared.data.people is not None,
        areas=areas(released, analysis),
        sites=sites(released, analysis),
        hidden=hidden(released, analysis),
        lost=lost(released) if study.trails else {},
        looks=trials.look_lines(released, analysis),
        events=trials.events_table(released),
        beside=trials.beside_table(released, analysis),
        moderation=trials.moderation(released, analysis),
        individual=individual_section(released, blind=False),
        levels=_levels(analysis, (*levels, *area_levels(released, analysis).values())),
        other_scales=other_scales(released, analysis, worded),
        contribution=contribution_section(released, analysis),
        rates=_rates(analysis, released),
        coverage=tables.coverage_table(released),
        needs=tables.needs_table(released),
        limitations=limitations(analysis, worded),
        methods=methods(evaluation, released.rules),
        provenance=provenance(study),
    )


def _losses(analysis: Analysis, released: Released) -> dict[Key, str]:
    """Say how many were lost to each result, from the counts that may be shown."""
    said: dict[Key, str] = {}
    by_key = {key_of(loss): loss for loss in analysis.attrition}
    for target, followed in analysis.study.trails:
        key = target.key
        if share_lost(followed) <= HEAVY_LOSS:
            continue
        if key in by_key:
            rates = outcomes.loss_rates(released, target, by_key[key])
            said |= {key: loss_words(rates.overall)} if rates else {}
        elif not analysis.study.evaluation.design.comparison_group:
            said |= _lost_of_one(released, target, followed)
    return said


def _lost_of_one(released: Released, target: Target, followed: pd.DataFrame) -> dict[Key, str]:
    """Say how many of a single group were lost, where both they and the rest may be shown."""
    lost = followed[followed["step"].isin(["due", "returned"])]
    arm = released.flow(target).arms[0]
    due, seen = arm.count("due").value, arm.count("analysed").value
    if due is None or seen is None or released.rules.of(part_of("lost", lost)).hidden:
        return {}
    return {target.key: loss_words(100 * (due - seen) / due)}


def _glance(analysis: Analysis, released: Released, worded: tuple[Finding, ...]) -> tables.Table:
    if analysis.areas:
        return glance(released, analysis, worded)
    results = sorted((f for f in worded if f.wave and f.informant), key=lambda f: not f.primary)
    return outcomes.glance_table(released, analysis, [(f, CLAIMS[f.claim]) for f in results])


def _allows(analysis: Analysis) -> str:
    """Return what the design allows, unless no result came out strong enough to be credited."""
    claims = analysis.study.evaluation.design.claims
    low = all(level.level < ATTRIBUTES_FROM for level in analysis.rated)
    if low and analysis.study.evaluation.design.ceiling >= ATTRIBUTES_FROM:
        said = "No result here reaches level 3, so nothing is credited to the programme."
        return f"{said} {claims.may_not}"
    return f"{claims.may} {claims.may_not}"


def _harms(evaluation: Evaluation) -> list[str]:
    """Return what the plan fears could get worse, and what is watched for it."""
    return [
        f"{harm.name}: watched through {say(harm.watch)}, where {harm.direction} would be worse."
        for harm in evaluation.logic_model.harms
    ]


def _cards(analysis: Analysis, worded: tuple[Finding, ...]) -> list[Card]:
    levels = {key_of(v): v for v in analysis.rated}
    names = {o.id: o.name for o in analysis.study.evaluation.logic_model.outcomes}
    cards = [
        Card(
            finding.claim, CLAIMS[finding.claim], names[finding.outcome], finding.statement,
            finding.caveats, _level_words(levels.get(key_of(finding))),
            finding.primary,
        )
        for finding in worded
    ]  # fmt: skip
    return sorted(cards, key=lambda card: not card.primary)


def _level_words(level: Level | None) -> str:
    if level is None:
        return ""
    return f"Level {level.level} of {level.ceiling} possible" if level.level else "Not rated"


def theory_states(
    analysis: Analysis, released: Released, worded: tuple[Finding, ...]
) -> dict[str, tuple[str, str]]:
    """Return for each outcome the state and short result of its first result, the primary first."""
    states: dict[str, tuple[str, str]] = {}
    for finding in sorted(worded, key=lambda f: not f.primary):
        if finding.outcome in states:
            continue
        states[finding.outcome] = (finding.claim, _short(analysis, released, finding))
    return states


def _short(analysis: Analysis, released: Released, finding: Finding) -> str:
    if finding.wave is None or finding.informant is None:
        traced = any(effect.outcome == finding.outcome for effect in analysis.areas)
        counted = finding.claim == "described" and not traced
        return "counted" if counted else CLAIMS[finding.claim].lower()
    estimate = next(e for e in analysis.estimates if key_of(e) == key_of(finding))
    words = CLAIMS[finding.claim].lower()
    if released.counts(estimate) is None or estimate.estimate is None:
        return f"{words}, {say(finding.wave)}"
    target = tables.target_of(analysis.study, estimate)
    value = tables.spelt(released, target, estimate, named=estimate.unit != "points")
    arms = f", {finding.contrast.replace(' - ', ' against ')}" if finding.contrast else ""
    return f"{words}: {value} at {say(finding.wave)}{arms}"


def _flow(analysis: Analysis, released: Released) -> dict[str, Any]:
    targets = [target for target, _ in analysis.study.everyone]
    if not targets:
        return {"picture": None, "table": None, "received": ()}
    main = next((target for target in targets if target.primary), targets[0])
    return {
        "picture": flow_picture(released, released.flow(main)),
        "table": tables.flow_table(released),
    }


def _loss(analysis: Analysis, released: Released) -> dict[str, Any]:
    if not analysis.attrition:
        return {"table": None, "picture": None, "rated": False}
    return {
        "table": outcomes.attrition_table(released, analysis),
        "picture": pictures.boundary_picture(released, analysis),
        "rated": analysis.study.evaluation.design.randomised,
    }


def _baseline(analysis: Analysis, released: Released) -> dict[str, Any]:
    estimates = [e for e in analysis.estimates if released.counts(e) is not None]
    keys = [key_of(e) for e in estimates]
    targets = [t for t, _ in analysis.study.trails if t.key in keys]
    if not targets or not analysis.balance:
        return {"table": None, "picture": None, "name": ""}
    main = next((target for target in targets if target.primary), targets[0])
    rows = tuple(row for row in analysis.balance if key_of(row) == main.key)
    if not rows:
        return {"table": None, "picture": None, "name": ""}
    name = f"{main.outcome.name}, {say(main.wave)} ({who(main.informant)})"
    table = outcomes.balance_table(released, rows, f"The people analysed for: {name}")
    hidden = outcomes.hidden_covariates(released, rows)
    return {"table": table, "picture": pictures.balance_picture(rows, hidden), "name": name}


def _results(analysis: Analysis, released: Released) -> dict[str, Any]:
    if not analysis.estimates:
        return {"table": None, "picture": None}
    return {
        "table": outcomes.estimates_table(released, analysis),
        "picture": pictures.forest_picture(released, analysis),
    }


def _levels(analysis: Analysis, levels: tuple[Level, ...]) -> tables.Table | None:
    if not levels:
        return None
    rows = []
    for level in levels:
        named = tables.label_of(analysis.study, level)
        lift = " ".join(level.to_reach_next) or "The highest level is reached."
        said = [*level.reasons[1:], *level.beside, *level.met] or list(level.reasons)
        reasons = ". ".join(sentence_case(reason) for reason in said)
        shown = f"{level.level} of {level.ceiling}" if level.level else "not rated"
        rows.append((*named, shown, f"{reasons}.", lift))
    head = ("Outcome", "Wave", "Who answered", "Level", "Why", "What would raise it")
    notes = (
        f"Convention: {levels[0].convention}. Level 3 or more is needed to credit the programme.",
        original_note(analysis),
    )
    return tables.Table("How strong the evidence is", head, tuple(rows), notes)


def _rates(analysis: Analysis, released: Released) -> dict[str, Any]:
    if not analysis.rates:
        return {"table": None, "compared": None, "pictures": []}
    evaluation = analysis.study.evaluation
    drawn = []
    for indicator in evaluation.declared.counted:
        mine = [r for r in analysis.rates if r.indicator == indicator.id and r.period > 0]
        name = indicator.name or sentence_case(say(indicator.id))
        drawn.append(pictures.rate_picture(released, mine, name, indicator.unit))
    return {
        "table": tables.rates_table(released, analysis.rates, evaluation.arm_names),
        "compared": trials.events_compared(released, analysis),
        "pictures": drawn,
    }


def limitations(analysis: Analysis, worded: tuple[Finding, ...]) -> list[str]:
    """Return what a careful reader should hold against the results."""
    evaluation: Evaluation = analysis.study.evaluation
    found = [f"{sentence_case(t.name)}: {t.sentence}" for t in evaluation.design.threats]
    found += [
        f"A fault declared by the evaluators: {fault}."
        for fault in evaluation.declared.design.faults
    ]
    unmeasured = [f.statement for f in worded if f.claim == "not-measured"]
    found += unmeasured
    found += [f"The theory of change: {gap.what}." for gap in relevant_gaps(evaluation)]
    found += [f"{sentence_case(note)}." for note in analysis.study.problems]
    found.append(evaluation.design.claims.may_not)
    return found
