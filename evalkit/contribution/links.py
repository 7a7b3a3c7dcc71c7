"""Every link of the theory of change beside what was seen of its end, where nothing may be credited.

After Mayne (2012), Evaluation 18:270-280: what was expected of a step and why, what was seen, what it
takes for granted, and which other explanations were looked into.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from evalkit.claims import own_word
from evalkit.contribution import words
from evalkit.contribution.by_itself import said as said_of
from evalkit.contribution.delivered import Delivered, delivered
from evalkit.contribution.records import Agreement, ByItself, Contribution
from evalkit.contribution.seen import seen
from evalkit.maryland import ATTRIBUTES_FROM
from evalkit.results import Records
from evalkit.targets import key_of

if TYPE_CHECKING:
    from evalkit.areas.records import AreaEffect
    from evalkit.declared_theory import Link, Outcome
    from evalkit.indicators import Rate
    from evalkit.results import Estimate, Level
    from evalkit.study import Study
    from evalkit.targets import Target


def contributions(
    study: Study, estimates: Iterable[Estimate], levels: Iterable[Level], rates: Iterable[Rate],
    by_itself: Iterable[ByItself], areas: Iterable[AreaEffect] = (),
) -> Records[Contribution]:  # fmt: skip
    """Return a row for each link and each result of its end below level 3, in declared order.

    Links to what is no result are among them as soon as one result is below level 3; where every
    result may be credited nothing is returned.
    """
    rated = {key_of(level): level for level in levels}
    low = [target for target, _ in study.trails if rated[target.key].level < ATTRIBUTES_FROM]
    by_area = {effect.outcome: effect.rated for effect in areas}
    low_areas = [level for level in by_area.values() if level and level.level < ATTRIBUTES_FROM]
    if (rated or by_area) and not (low or low_areas):
        return Records()
    by_key = {key_of(estimate): estimate for estimate in estimates}
    alone = list(by_itself)
    comes = said_of(alone)
    worked_out = {key_of(row) for row in alone if row.reading != "not-known"}
    outcomes = {outcome.id: outcome for outcome in study.evaluation.logic_model.outcomes}
    rows = []
    for link in study.evaluation.logic_model.links:
        empty = _empty(study, link)
        outcome = outcomes.get(link.end)
        results = [target for target in low if target.outcome.id == link.end]
        for target in results:
            level = rated[target.key]
            row = _result(study, target, by_key[target.key], replace(empty, level=level.level))
            row = row if target.key not in worked_out else _without_regression(row)
            rows.append(replace(row, sentence=words.sentence(row, comes.get(target.key, ""))))
        has_results = any(target.outcome.id == link.end for target, _ in study.trails)
        if link.end in by_area:
            rows += _by_area(by_area[link.end], outcome, empty)
        elif not results and not has_results:
            row = _no_result(study, outcome, rates, empty)
            rows.append(replace(row, sentence=words.sentence(row)))
    return Records(rows)


def _without_regression(row: Contribution) -> Contribution:
    """Return a row whose regression to the mean is worked out, so that it is no threat left open."""
    left = tuple(name for name in row.unconsidered if name != "regression to the mean")
    return replace(row, unconsidered=left)


def _empty(study: Study, link: Link) -> Contribution:
    """Return the row of a link with all that is declared of it and known of its delivery."""
    told = delivered(study, link) or Delivered()
    named = {rival.name.casefold() for rival in link.rivals}
    threats = [threat.name for threat in study.evaluation.design.threats]
    return Contribution(
        start=link.start, end=link.end, because=link.because, evidence=link.evidence,
        assumes=link.assumes, agreement="not-an-outcome",
        rivals=tuple((rival.name, rival.considered, rival.judged) for rival in link.rivals),
        unconsidered=tuple(name for name in threats if name.casefold() not in named),
        n_allocated=told.allocated, received=told.received, sessions=told.sessions,
        reached=told.reached, n_sessions=told.n_sessions,
        n_sessions_families=told.n_sessions_families,
    )  # fmt: skip


def _no_result(
    study: Study, outcome: Outcome | None, rates: Iterable[Rate], row: Contribution
) -> Contribution:
    if outcome is None:
        return row
    row = replace(row, outcome=outcome.id, **_expected(outcome))
    if outcome.indicator is None:
        return replace(row, agreement="not-measured")
    arms = study.evaluation.arm_names
    mine = {r.arm: r for r in rates if r.indicator == outcome.indicator and r.period == 0}
    first, other = mine.get(arms[0]), mine.get(arms[-1]) if len(arms) > 1 else None
    row = replace(row, agreement="counted", observed_as="rate", unit="rate")
    if len(study.evaluation.programmes) > 1:
        return replace(row, notes=("counted arm by arm among the indicators",))
    if first is not None:
        row = replace(
            row, change=first.rate, conf_low=first.conf_low, conf_high=first.conf_high,
            n=first.n_units, n_families=first.families,
        )  # fmt: skip
    if other is not None:
        row = replace(
            row, comparison_change=other.rate, comparison_low=other.conf_low,
            comparison_high=other.conf_high, n_comparison=other.n_units,
            n_comparison_families=other.families,
        )  # fmt: skip
    return row


def _by_area(
    level: Level | None, outcome: Outcome | None, row: Contribution
) -> Iterable[Contribution]:
    """Yield the link to an outcome that series of areas show, where it may not be credited."""
    if outcome is None or (level is not None and level.level >= ATTRIBUTES_FROM):
        return
    row = replace(
        row, outcome=outcome.id, agreement="counted", observed_as="rate",
        level=level.level if level else None, notes=("shown among the results of areas",),
        **_expected(outcome),
    )  # fmt: skip
    yield replace(row, sentence=words.sentence(row))


def _expected(outcome: Outcome) -> dict[str, Any]:
    expected = outcome.expected
    return {
        "direction": outcome.direction,
        "expected": expected.change if expected else None,
        "expected_source": expected.source if expected else "",
    }


def _result(study: Study, target: Target, estimate: Estimate, row: Contribution) -> Contribution:
    """Return a link with what was seen of one result of its end."""
    outcome, evaluation = target.outcome, study.evaluation
    row = replace(
        row, outcome=outcome.id, wave=target.wave, informant=target.informant,
        contrast=target.key[3], unit="share" if target.kind == "yes-no" else "points",
        **_expected(outcome),
    )  # fmt: skip
    if evaluation.design.question in ("norm", "level"):
        return replace(
            row, observed_as="level", change=estimate.mean_treatment, agreement="described",
            n=estimate.n_treatment,
        )  # fmt: skip
    followed = next(frame for known, frame in study.trails if known.key == target.key)
    mine = seen(study, target, followed, treated=True)
    row = replace(
        row, observed_as="change", change=mine.change, conf_low=mine.low, conf_high=mine.high,
        n=mine.n, n_families=mine.families, n_no_first=mine.no_first,
        notes=tuple(filter(None, [mine.note])),
    )  # fmt: skip
    if evaluation.design.comparison_group and evaluation.compared(target.wave):
        other = seen(study, target, followed, treated=False)
        row = replace(
            row, comparison_change=other.change, comparison_low=other.low,
            comparison_high=other.high, n_comparison=other.n, n_comparison_families=other.families,
            n_comparison_no_first=other.no_first,
        )  # fmt: skip
    if own_word(evaluation, outcome.role, target.informant):
        return replace(row, agreement="own-report-only")
    return replace(row, agreement=_agreement(row, evaluation.higher_is_better(target)))


def _agreement(row: Contribution, higher_is_better: bool) -> Agreement:
    """Hold the programme's change to what was expected; unclear where its interval holds zero."""
    if row.change is None or row.conf_low is None or row.conf_high is None:
        return "not-known"
    if row.conf_low <= 0 <= row.conf_high:
        return "no-clear-change"
    if (row.change > 0) != higher_is_better:
        return "other-way"
    if row.expected is None:
        return "expected-way"
    size = abs(row.expected) / (100 if row.unit == "share" else 1)
    return "as-expected" if abs(row.change) >= size else "less-than-expected"
