"""Every outcome of a design of areas: estimated, checked and rated."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from evalkit.areas.calendar import many, place_of, starts_within
from evalkit.areas.checks import AREA_CHECKS, AreaContext
from evalkit.areas.compared import difference_in_differences, roll_out
from evalkit.areas.interrupted import compared_series, interrupted_series, synthetic_control
from evalkit.areas.records import AreaEffect
from evalkit.areas.rows import AreaRows, area_rows, named, smallest, spread, unit_words
from evalkit.errors import CannotEstimate, InvalidInput
from evalkit.maryland import rate
from evalkit.results import Check, Level, Records

if TYPE_CHECKING:
    from evalkit.declaration import Indicator
    from evalkit.declared_theory import Outcome
    from evalkit.evaluation import Evaluation
    from evalkit.study import Study

AreaEstimator = Callable[[AreaRows, AreaEffect, str], AreaEffect]

AREA_ESTIMATORS: dict[str, AreaEstimator] = {
    "difference_in_differences": difference_in_differences,
    "group_time_effects": roll_out,
    "interrupted_time_series": interrupted_series,
    "comparative_time_series": compared_series,
    "synthetic_control": synthetic_control,
}


def area_outcomes(evaluation: Evaluation) -> tuple[tuple[Outcome, Indicator], ...]:
    """Return the outcomes that a series shows, each with its indicator, as declared."""
    traced = {item.id: item for item in evaluation.declared.traced}
    outcomes = evaluation.logic_model.outcomes
    return tuple((o, traced[o.indicator]) for o in outcomes if o.indicator in traced)


def area_effects(study: Study) -> Records[AreaEffect]:
    """Return what was found of each outcome that a series shows; nothing in designs of people."""
    evaluation = study.evaluation
    if evaluation.design.data != "series":
        return Records()
    found = [_effect(study, outcome, indicator) for outcome, indicator in area_outcomes(evaluation)]
    return Records(_rated(evaluation, effect) for effect in _adjusted(evaluation, found))


def _effect(study: Study, outcome: Outcome, indicator: Indicator) -> AreaEffect:
    evaluation = study.evaluation
    rows = area_rows(study, indicator)
    primary = evaluation.declared.analysis.primary
    name = evaluation.declared.analysis.estimator or evaluation.design.estimators[0]
    empty = AreaEffect(
        outcome=outcome.id, indicator=indicator.id, method=name, estimand=evaluation.design.estimand,
        unit=unit_words(indicator, rows.series.period), direction=indicator.direction,
        primary=primary is not None and primary.outcome == outcome.id, n_rows=rows.came_in,
        **_counts(evaluation, rows), spread=spread(rows), **smallest(rows),
    )  # fmt: skip
    rollout = evaluation.declared.design.rollout
    against = (rollout.comparison if rollout else None) or "never"
    try:
        found = AREA_ESTIMATORS[name](rows, empty, against)
    except (CannotEstimate, InvalidInput) as refusal:
        used = len(rows.frame)
        why = (*rows.dropped, (NOT_USED, used)) if used else rows.dropped
        found = replace(empty, notes=(in_one_line(refusal),), dropped_why=why)
    dropped = sum(n for _, n in found.dropped_why)
    assert found.n_used + dropped == found.n_rows, "rows used and left out are those that came in"
    notes = tuple(named(note, rows) for note in (*found.notes, *_said(rows, found)))
    return replace(found, n_dropped=dropped, notes=notes, pretrend=named(found.pretrend, rows))


def in_one_line(refusal: Exception) -> str:
    """Return the words of a refusal without line breaks or the names of columns made here."""
    said = " ".join(str(refusal).split()).split(" holes='")[0]
    return said.replace("'y'", "The outcome").replace("column The outcome", "the outcome")


NOT_USED = "nothing could be estimated from them"


def _counts(evaluation: Evaluation, rows: AreaRows) -> dict[str, Any]:
    """Return how many units and periods there are, before anything is estimated."""
    frame = rows.frame
    started = frame.loc[frame["treated"], ["unit", "start"]].drop_duplicates()
    last = frame["place"].max()
    treated = int((started["start"] <= last).sum())
    places = frame["place"].drop_duplicates()
    first = started.loc[started["start"] > places.min(), "start"].min()
    others = frame["unit"].nunique() - treated
    return {
        "n_treated": treated,
        "n_comparison": others if evaluation.design.comparison_group else None,
        "n_before": int((places < first).sum()), "n_after": int((places >= first).sum()),
    }  # fmt: skip


def _said(rows: AreaRows, found: AreaEffect) -> Iterable[str]:
    """Say what of the declaration bears on a reading: a start inside a period, breaks, a window."""
    kind, noun = rows.series.period, rows.series.period
    if starts_within(rows.series.start, kind):
        yield (
            f"The programme started inside a {noun}: that {noun} is counted as with the programme, "
            "though it was so in part"
        )
    for item in rows.indicator.breaks:
        said = _of_break(rows, found, place_of(item.on, kind))
        yield f"Recording changed on {item.on} ({item.why}): {said}"
    if rows.series.anticipation:
        yield (
            f"What was seen in the {many(rows.series.anticipation, kind)} before the start, when units "
            "may have changed already, is compared with nothing"
        )


def _of_break(rows: AreaRows, found: AreaEffect, place: int | None) -> str:
    """Say what became of a change of recording."""
    places = rows.frame["place"]
    if place is None or not places.min() < place <= places.max():
        return "the series lie on one side of it"
    if named(f"break {place}", rows) in {term.term for term in found.terms}:
        return "a step there is allowed for"
    if found.n_comparison is None:
        return "no step there is allowed for"
    return "if it did so alike everywhere it drops out of the comparison, else it is in the result"


def _adjusted(evaluation: Evaluation, found: list[AreaEffect]) -> list[AreaEffect]:
    """Adjust the p values of the secondary outcomes together, as the plan says."""
    from evalkit.stats import adjust_p

    plan = evaluation.declared.analysis.multiplicity
    asked = [e for e in found if e.p_value is not None and not e.primary]
    if plan.across == "none" or len(asked) < 2:
        return found
    adjusted = adjust_p([e.p_value for e in asked], method=plan.method)
    by_outcome = {e.outcome: float(p) for e, p in zip(asked, adjusted, strict=True)}
    return [replace(e, p_adjusted=by_outcome.get(e.outcome)) for e in found]


def _rated(evaluation: Evaluation, effect: AreaEffect) -> AreaEffect:
    checks = tuple(
        AREA_CHECKS[settings.check](AreaContext(evaluation, effect, settings))
        for settings in evaluation.design.checks
    )
    return replace(effect, checks=checks, rated=level_of(evaluation, effect, checks))


def level_of(evaluation: Evaluation, effect: AreaEffect, checks: Iterable[Check]) -> Level:
    """Return the level of one outcome by the checks given."""
    faults = evaluation.declared.design.faults
    return rate(
        evaluation.design, checks, faults, outcome=effect.outcome, wave=None, informant=None,
        estimated=effect.estimate is not None,
    )  # fmt: skip


def shareable_level(evaluation: Evaluation, effect: AreaEffect) -> Level:
    """Return the level with reasons that hold no figures."""
    plain = [replace(check, sentence=check.shareable) for check in effect.checks]
    return level_of(evaluation, effect, plain)


def by_outcome(effects: Iterable[AreaEffect]) -> Mapping[str, AreaEffect]:
    """Return effects by the id of their outcome."""
    return {effect.outcome: effect for effect in effects}
