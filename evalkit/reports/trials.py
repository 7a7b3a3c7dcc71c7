"""What a trial shows beside its results: looks, events after the start, subgroups, other analyses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evalkit import units
from evalkit.beside import BESIDE
from evalkit.intercurrent import STRATEGIES
from evalkit.reports.figures import ForestRow, draw_forest
from evalkit.reports.page import Picture, drawing
from evalkit.reports.pictures import rate_is_small
from evalkit.reports.tables import NOT_SHOWN, Table, label, spelt, target_of
from evalkit.reports.words import NONE, p_value, sentence_case
from evalkit.targets import key_of
from evalkit.wording import number_free, say

UNSEEN_LOOK = "What it says may not be shown: too few families."

if TYPE_CHECKING:
    from evalkit.analysis import Analysis
    from evalkit.moderators import Moderation
    from evalkit.reports.released import Released
    from evalkit.results import Estimate
    from evalkit.targets import Target


def look_lines(released: Released, analysis: Analysis) -> list[str]:
    """Return what an interim look says, for the head of the findings.

    Where the result may not be shown neither may the way it goes.
    """
    by_key = {key_of(estimate): estimate for estimate in analysis.estimates}
    lines = []
    for look in analysis.looks:
        hidden = released.counts(by_key[key_of(look)]) is None
        said = f"Look {look.look} of {look.looks}. {UNSEEN_LOOK}" if hidden else look.sentence
        arms = f"{look.contrast.replace(' - ', ' against ')}: " if look.contrast else ""
        lines.append(f"{arms}{said}")
    return lines


def events_table(released: Released) -> Table | None:
    """Return the declared events after the start: how each is dealt with, and how many by arm."""
    study = released.study
    if not study.evaluation.declared.design.events:
        return None
    names = study.evaluation.arm_names
    rows = []
    for event in study.evaluation.declared.design.events:
        mine = [row for row in study.events() if row.event == event.id]
        counts = [
            NONE if row.n is None else released.rules.count(row.n, row.families or 0).text
            for row in mine
        ]
        rows.append(
            (sentence_case(mine[0].name), say(event.strategy), *counts, event.because or NONE)
        )
    head = ("Event", "Strategy", *(f"People, {name}" for name in names), "Why")
    used = dict.fromkeys(event.strategy for event in study.evaluation.declared.design.events)
    notes = tuple(f"{sentence_case(say(name))}: {STRATEGIES[name]}." for name in used)
    return Table(
        "What happened after the start, and what it means for the question",
        head,
        tuple(rows),
        notes,
    )


def beside_table(released: Released, analysis: Analysis) -> Table | None:
    """Return the further analyses of the plan, result by result under the result they belong to."""
    if not analysis.beside:
        return None
    study, rows = released.study, []
    notes: dict[str, None] = {}
    for main in analysis.estimates:
        mine = [e for e in analysis.beside if _same(e, main)]
        target = target_of(study, main)
        if mine:
            rows.append(_beside_row(released, target, main, "The result of the plan"))
        for estimate in mine:
            words = sentence_case(BESIDE[str(estimate.term)].words)
            rows.append(_beside_row(released, target, estimate, words))
            if released.counts(main) is not None:
                said = [n for n in estimate.notes if released.rules.open or number_free(n)]
                which = ", ".join((words, *label(study.evaluation, target)[:2]))
                notes |= {f"{which}: {note.rstrip('.')}.": None for note in said}
    head = ("Outcome", "Wave", "Who answered", "Asked this way", "Estimate (interval)", "p")
    first = "No finding rests on these; where they disagree with the result of the plan, be careful with it."
    return Table("The same question asked in other ways", head, tuple(rows), (first, *notes))


def _same(one: Estimate, other: Estimate) -> bool:
    return key_of(one) == key_of(other)


def _beside_row(released: Released, target: Target, e: Estimate, words: str) -> tuple[str, ...]:
    named = label(released.study.evaluation, target)
    if released.counts(e) is None:
        return (*named, words, NOT_SHOWN, NONE)
    if e.estimate is None:
        return (*named, words, "not estimated", NONE)
    return (*named, words, spelt(released, target, e), p_value(e.p_value))


def moderation(released: Released, analysis: Analysis) -> dict[str, Any]:
    """Return the table and picture of whether effects differ between groups of people."""
    if not analysis.moderations:
        return {"table": None, "picture": None}
    rows, drawn = [], []
    for row in analysis.moderations:
        target = next(t for t, _ in released.study.trails if _key(row) == t.key)
        named = label(released.study.evaluation, target)
        kind = "Exploratory" if row.exploratory else "Planned"
        shown = _may_show(released, row)
        said = _differs(row) if shown else _why_not(released, row)
        effects = [spelt(released, target, e) for e in row.effects] if shown else []
        words = [f"{e.term}: {text}" for e, text in zip(row.effects, effects, strict=False)]
        rows.append((
            *named, sentence_case(row.by.replace("_", " ")), kind, "; ".join(words) or (NOT_SHOWN if row.effects else "not estimated"),
            p_value(row.p_value) if shown else NONE, p_value(row.p_adjusted) if shown else NONE, said,
        ))  # fmt: skip
        drawn += _points(released, target, row, kind) if shown else []
    head = (
        "Outcome", "Wave", "Who answered", "By", "Planned?", "Effect in each group (interval)",
        "p, interaction", "p, adjusted", "Do they differ?",
    )  # fmt: skip
    notes = (
        "Whether the effect differs is judged by one test of the interaction, not by which group has a "
        "small p value. Nothing here is credited to the programme; exploratory ones are for the next study.",
    )
    table = Table("Does the effect differ between groups of people?", head, tuple(rows), notes)
    return {"table": table, "picture": _picture(drawn) if drawn else None}


def _key(row: Moderation) -> tuple[str | None, ...]:
    return row.outcome, row.wave, row.informant, row.contrast


def _may_show(released: Released, row: Moderation) -> bool:
    """Whether every group of a moderator is large enough to show; yes-or-no ones have no counts."""
    if not row.effects or released.rules.open:
        return bool(row.effects)
    counted = all(effect.unit == "points" for effect in row.effects)
    return counted and not released.rules.small(row.smallest_n, row.smallest_families)


def _why_not(released: Released, row: Moderation) -> str:
    """Say why nothing stands here: too small to show, or not to be estimated and why."""
    if row.effects:
        return NOT_SHOWN
    said = [note for note in row.notes if released.rules.open or number_free(note)]
    return sentence_case(said[0]) if said else "Too few people, or too much alike, to estimate"


def _differs(row: Moderation) -> str:
    """Say in words what the interaction allows."""
    p = row.p_adjusted if row.p_adjusted is not None else row.p_value
    if p is None:
        return NONE
    if p < 0.05:
        return "They differ" + (
            ", which was not foreseen: to be tried again" if row.exploratory else ""
        )
    return "No clear difference between them; that is no proof that there is none"


def events_compared(released: Released, analysis: Analysis) -> Table | None:
    """Return the indicators compared between the arms, where their rates may be shown."""
    if not analysis.event_effects:
        return None
    small = {
        (rate.indicator, rate.arm)
        for rate in analysis.rates
        if rate.period == 0 and rate_is_small(released, rate)
    }
    evaluation, rows = released.study.evaluation, []
    for e in analysis.event_effects:
        pair = e.contrast or " - ".join(evaluation.arm_names)
        hidden = any((e.outcome, arm) in small for arm in evaluation.arm_names)
        named = (say(str(e.outcome)), pair, sentence_case(str(e.term)))
        if hidden or e.estimate is None:
            rows.append((*named, NOT_SHOWN if hidden else "not estimated", NONE))
            continue
        digits = 0 if e.unit == "days" else 2
        ends = [units.text(e, value, digits) for value in (e.conf_low, e.conf_high)]
        value = f"{units.text(e, e.estimate, digits)} ({' to '.join(ends)})"
        rows.append((*named, value, p_value(e.p_value)))
    head = ("Indicator", "Arms", "What is compared", "Estimate (95% interval)", "p")
    notes = (
        "Of a ratio 1 is no difference. Nothing is read into which way it goes: more reports may mean more "
        "harm or more trust. These have no level, and no finding rests on them.",
    )
    return Table("Events compared between the arms, as assigned", head, tuple(rows), notes)


def _points(released: Released, target: Target, row: Moderation, kind: str) -> list[ForestRow]:
    sign = 1 if released.study.evaluation.higher_is_better(target) else -1
    points = []
    for e in row.effects:
        if e.effect_size is None or e.effect_low is None or e.effect_high is None:
            continue
        ends = sorted((sign * e.effect_low, sign * e.effect_high))
        point, low, high = (round(v, 2) for v in (sign * e.effect_size, *ends))
        name = f"{sentence_case(e.term or '')} ({kind.lower()})"
        points.append(ForestRow(name, point, low, high, spelt(released, target, e)))
    return points


def _picture(rows: list[ForestRow]) -> Picture:
    svg = draw_forest(
        rows, title="The effect in each group", description="The numbers stand in the table beside it.",
        x_label="Difference in standard deviations, turned so that right is better",
        favours=("Scores worse in the programme group", "Scores better in the programme group"),
    )  # fmt: skip
    return Picture(
        drawing(svg),
        "The effect in each group of people, with intervals. Overlapping intervals do not show that the effects are alike.",
    )
