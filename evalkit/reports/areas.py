"""Outcomes shown by series of areas: what was found, drawn, and what it rests on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evalkit.areas.results import area_outcomes, shareable_level
from evalkit.areas.words import area_finding
from evalkit.reports.area_pictures import pictures_of
from evalkit.reports.area_tables import places_of, tables_of
from evalkit.reports.page import Picture
from evalkit.reports.tables import NOT_SHOWN, Table
from evalkit.reports.words import NONE, interval, number, p_value, sentence_case
from evalkit.wording import CLAIMS, say

if TYPE_CHECKING:
    from evalkit.analysis import Analysis
    from evalkit.areas.records import AreaEffect
    from evalkit.evaluation import Evaluation
    from evalkit.reports.released import Released
    from evalkit.results import Finding, Level

UNSEEN = (
    "Single periods are not drawn or listed here: the counts behind them are small, or not known."
)


MODELS = {
    "difference_in_differences": "The change in each unit's mean from before the start to after it, set against the same of the others; every unit counts alike, however many people live there; HC2 standard errors with Satterthwaite degrees of freedom, which allow for few units. Effects by time since the start are Callaway and Sant'Anna's (2021).",
    "group_time_effects": "Effects by group of starters and period after Callaway and Sant'Anna (2021), each against the last period before the start and the units compared with; every unit counts alike, however many people live there; errors from the influence of units; bands that hold for all points at once by a multiplier bootstrap with the seed below.",
    "interrupted_time_series": "Least squares on time, a step and a change of slope at the start, seasons and breaks as declared; Newey-West standard errors, with a first-order autoregression beside them. Several units make one series: counts and denominators are added up, so that a unit weighs by its size, and values stated per nothing are averaged.",
    "comparative_time_series": "The same of the series less the comparison's, each put together from its units, so that what befell both drops out.",
    "synthetic_control": "Weights of other units, none negative and adding up to one, that follow the treated unit most nearly before the start; each unit treated in turn for the rank (Abadie, Diamond and Hainmueller 2010).",
}


@dataclass(frozen=True, slots=True)
class AreaPart:
    """What the page shows of one outcome: name, lines, pictures, tables."""

    name: str
    lines: tuple[str, ...]
    pictures: tuple[Picture, ...]
    tables: tuple[Table, ...]


def is_shown(released: Released, effect: AreaEffect) -> bool:
    """Whether the numbers behind an effect are large enough for it to be shown."""
    least = effect.smallest_total
    return released.rules.open or least is None or least >= released.rules.least


def periods_shown(released: Released, effect: AreaEffect) -> bool:
    """Whether single periods may be shown: only where no count behind one is small."""
    least = effect.smallest_value
    if released.rules.open:
        return True
    return is_shown(released, effect) and least is not None and least >= released.rules.least


def area_levels(released: Released, analysis: Analysis) -> dict[str, Level]:
    """Return the level of each outcome, with reasons that may be shown."""
    evaluation = released.study.evaluation
    return {
        effect.outcome: effect.rated if released.rules.open else shareable_level(evaluation, effect)
        for effect in analysis.areas if effect.rated is not None
    }  # fmt: skip


def released_findings(released: Released, analysis: Analysis) -> dict[str, Finding]:
    """Return the finding of each outcome as a page may show it."""
    evaluation = released.study.evaluation
    levels = area_levels(released, analysis)
    outcomes = {outcome.id: outcome for outcome in evaluation.logic_model.outcomes}
    return {
        effect.outcome: area_finding(
            evaluation, outcomes[effect.outcome], effect, levels[effect.outcome],
            shown=is_shown(released, effect), exact=released.rules.open,
        )
        for effect in analysis.areas
    }  # fmt: skip


def glance(released: Released, analysis: Analysis, worded: Iterable[Finding]) -> Table:
    """Return every outcome in a line: what was found, the effect, the series, the level."""
    effects = {effect.outcome: effect for effect in analysis.areas}
    names = {o.id: o.name for o, _ in area_outcomes(released.study.evaluation)}
    rows = []
    for finding in sorted(worded, key=lambda found: not found.primary):
        e = effects.get(finding.outcome)
        if e is None:
            continue
        shown = e.estimate is not None and is_shown(released, e)
        value = f"{spelt_area(e)} {e.unit}".strip() if shown else NOT_SHOWN
        level = str(e.rated.level) if e.rated is not None and e.rated.level else "not rated"
        units = (
            f"{e.n_treated}" if e.n_comparison is None else f"{e.n_treated} and {e.n_comparison}"
        )
        rows.append((names[e.outcome], CLAIMS[finding.claim], value, units, level))
    noun = _noun(released.study.evaluation)
    head = (
        "Outcome",
        "Finding",
        "Effect (95% interval)",
        f"{sentence_case(noun)}s with and without",
        "Level",
    )
    return Table("At a glance", head, tuple(rows))


def areas(released: Released, analysis: Analysis) -> dict[str, Any]:
    """Return the section of outcomes shown by series; no table where there are none."""
    if not analysis.areas:
        return {"table": None, "parts": [], "assumptions": ()}
    names = {o.id: o.name for o, _ in area_outcomes(released.study.evaluation)}
    parts = [_part(released, effect, names[effect.outcome]) for effect in analysis.areas]
    return {
        "table": _table(released, analysis, names), "parts": parts,
        "assumptions": released.study.evaluation.design.assumptions,
    }  # fmt: skip


def spelt_area(effect: AreaEffect) -> str:
    """Return an effect with its interval; with its rank where it has no interval."""
    places = places_of(effect)
    value = number(effect.estimate, places)
    if effect.rank is not None:
        return f"{value} (rank {effect.rank} of {(effect.n_comparison or 0) + 1})"
    return f"{value} ({interval(effect.conf_low, effect.conf_high, places)})"


def _table(released: Released, analysis: Analysis, names: dict[str, str]) -> Table:
    rows = []
    for e in analysis.areas:
        shown = is_shown(released, e) and e.estimate is not None
        value = spelt_area(e) if shown else ("not estimated" if e.estimate is None else NOT_SHOWN)
        left = "; ".join(f"{reason}: {count:,}" for reason, count in e.dropped_why) or "none"
        rows.append((
            names[e.outcome], value, e.unit or "as recorded",
            p_value(e.p_value if e.p_adjusted is None else e.p_adjusted) if shown else NONE,
            str(e.n_treated), NONE if e.n_comparison is None else str(e.n_comparison),
            f"{e.n_before} and {e.n_after}", f"{e.n_used:,} of {e.n_rows:,}", left,
        ))  # fmt: skip
    unit = _noun(released.study.evaluation)
    head = (
        "Outcome", "Effect (95% interval)", "Unit", "p", f"{sentence_case(unit)}s with the programme",
        f"{sentence_case(unit)}s without", "Periods before and after", "Rows used",
        "Rows left out, and why",
    )  # fmt: skip
    notes = [
        "A row is one period of one " + f"{unit}. Rows used and left out are all that came in."
    ]
    if any(e.p_adjusted is not None for e in analysis.areas):
        notes.append("The p values of secondary outcomes are adjusted together, as the plan says.")
    return Table("What was found in the series", head, tuple(rows), tuple(notes))


def _noun(evaluation: Evaluation) -> str:
    series = evaluation.declared.design.series
    return series.unit if series else "area"


def _part(released: Released, effect: AreaEffect, name: str) -> AreaPart:
    if effect.estimate is None or not is_shown(released, effect):
        return AreaPart(name, (), (), ())
    each = periods_shown(released, effect)
    lines = [] if each else [UNSEEN]
    lines += list(_before_the_start(released, effect))
    return AreaPart(
        name, tuple(lines), tuple(pictures_of(released, effect, name)) if each else (),
        tuple(tables_of(effect, each=each)),
    )  # fmt: skip


def _before_the_start(released: Released, effect: AreaEffect) -> Iterable[str]:
    """Yield what the periods before the start show; without figures where none may be shown."""
    if released.rules.open and effect.pretrend:
        yield effect.pretrend
        return
    for check in effect.checks:
        if check.check == "pre-trend" and effect.pretrend:
            yield check.shareable


def series_methods(evaluation: Evaluation) -> Iterable[tuple[str, str]]:
    """Return how series were analysed, as (heading, sentence)."""
    name = evaluation.declared.analysis.estimator or evaluation.design.estimators[0]
    yield "Model", MODELS[name]
    yield (
        "Missing values", "Periods without a value are left out and counted; nothing is filled in.",
    )  # fmt: skip
    rollout = evaluation.declared.design.rollout
    if rollout is not None:
        noun = _noun(evaluation)
        who = f"{noun}s that never start"
        who += f", and {noun}s until they start" if rollout.comparison == "not-yet" else ""
        yield "Compared with", f"{sentence_case(who)}."
    for _, indicator in area_outcomes(evaluation):
        said = f"Direction: {indicator.direction}."
        if indicator.per is not None:
            said += f" A rate per {indicator.per.count:,g} of {indicator.per.of.replace('-', ' ')}, by the denominator of each period."
        breaks = "; ".join(f"{item.on}: {item.why}" for item in indicator.breaks)
        said += f" Recording changed on {breaks}." if breaks else ""
        yield f"Indicator: {indicator.name or say(indicator.id)}", said
