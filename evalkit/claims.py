"""What may be claimed: estimates, levels and rates in, findings out. Judgement lives here alone.

A result at level 3 or above may credit the programme; below that it is described. A programme's
effect on those who harm is never stated from their own report alone. "No clear change" and "not
enough information" are told apart by whether the interval still holds both a worthwhile gain and a
worthwhile loss.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from evalkit import units
from evalkit.maryland import ATTRIBUTES_FROM
from evalkit.results import Estimate, Finding, Level
from evalkit.rounding import written
from evalkit.targets import Key, key_of
from evalkit.wording import (
    CLAIMS,
    Phrases,
    against,
    lower_first,
    number_free,
    plural,
    reporter,
    say,
    too_few_df,
    without_categories,
)

if TYPE_CHECKING:
    from evalkit.declared_theory import Outcome
    from evalkit.evaluation import Evaluation
    from evalkit.indicators import Rate
    from evalkit.targets import Target

Counts = Callable[[Estimate], "tuple[str, str] | None"]

HEAVY_LOSS = 0.05
"""The share lost above which a finding says so."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One estimate read against zero and against what would be worthwhile."""

    verdict: str
    better: bool
    worthwhile: float
    gain_possible: bool
    loss_possible: bool


def exact_counts(estimate: Estimate) -> tuple[str, str]:
    """Return the numbers analysed in each arm as they are, for the evaluator's own copy."""
    return str(estimate.n_treatment or 0), str(estimate.n_comparison or 0)


def exact_units(rate: Rate) -> str:
    """Return the number of families or people behind a rate as it is."""
    return str(rate.n_units)


def findings(
    evaluation: Evaluation, estimates: Iterable[Estimate], levels: Iterable[Level],
    rates: Iterable[Rate], *, counts: Counts = exact_counts,
    units: Callable[[Rate], str | None] = exact_units, losses: Mapping[Key, str] | None = None,
    treatments: Mapping[Key, tuple[str, ...]] | None = None, exact: bool = True,
    areas: Mapping[str, Finding] | None = None,
) -> tuple[Finding, ...]:  # fmt: skip
    """Word every result, in the order the outcomes were declared.

    `counts` gives the numbers analysed as they may be shown, or None where they may not be; then
    the finding says so and gives no number; `units` does the same for the units behind a rate.
    `losses` says for outcome, wave and informant how many were lost, and `treatments` what other ways
    of treating them say. `areas` has the findings of outcomes shown by series. Unless `exact`, reasons that hold a figure are left out.
    """
    by_target = {key_of(e): e for e in estimates}
    rated = {key_of(level): level for level in levels}
    targets = {target.key: target for target in evaluation.targets()}
    found = []
    for outcome in evaluation.logic_model.outcomes:
        for key, target in targets.items():
            if key[0] == outcome.id and key in by_target:
                said = (losses or {}).get(key, "")
                worded = _measured(evaluation, target, by_target[key], rated[key], counts, exact)
                other = _others(worded, (treatments or {}).get(key, ()), exact=exact)
                first = filter(None, [said, *other])
                found.append(replace(worded, caveats=(*first, *worded.caveats)))
        if areas and outcome.id in areas:
            found.append(areas[outcome.id])
        elif outcome.indicator:
            mine = [r for r in rates if r.indicator == outcome.indicator and r.period == 0]
            found.append(_indicated(outcome, mine, units))
        elif outcome.measure is None or outcome.measure.id == "none":
            found.append(_unmeasured(outcome.id, outcome.name, outcome.measure is not None))
    return tuple(_beside(evaluation, finding, found) for finding in found)


def _others(finding: Finding, said: tuple[str, ...], *, exact: bool) -> tuple[str, ...]:
    """Return what other treatments of the lost say, where the finding says anything itself."""
    if finding.claim == "not-enough-information":
        return ()
    return tuple(text for text in said if exact or number_free(text))


def _beside(evaluation: Evaluation, finding: Finding, others: list[Finding]) -> Finding:
    """Put what the others report beside the word of those who harm, which never stands alone."""
    if finding.claim != "own-report-only":
        return finding
    names = {outcome.id: outcome for outcome in evaluation.logic_model.outcomes}
    heard = [
        f"“{names[other.outcome].name}” ({reporter(other.informant)}): {CLAIMS[other.claim].lower()}"
        for other in others
        if (other.wave, other.contrast) == (finding.wave, finding.contrast)
        and not _word_of_harm(evaluation, names[other.outcome].role, other.informant)
    ]
    said = "; ".join(heard) or "nobody else reports at this wave, so nothing supports it"
    return replace(finding, caveats=(f"Beside it, at the same wave: {said}.", *finding.caveats))


def own_word(evaluation: Evaluation, role: str, informant: str | None) -> bool:
    """Whether those who harm report on those who harm: themselves, whatever the column calls them."""
    return evaluation.harms(role) and _word_of_harm(evaluation, role, informant)


def _word_of_harm(evaluation: Evaluation, role: str, informant: str | None) -> bool:
    """Whether the answers come from somebody who harms."""
    return evaluation.harms(role if informant == "self" else informant or "")


def read(estimate: Estimate, *, higher_is_better: bool, worthwhile: float | None) -> Reading:
    """Read an estimate: "clear", "no-clear-change" or "not-enough-information".

    `worthwhile` is on the scale on which zero is no difference, as `Reading.worthwhile` is.
    """
    if estimate.estimate is None or estimate.conf_low is None or estimate.conf_high is None:
        return Reading("not-enough-information", False, 0.0, True, True)
    ends = (estimate.estimate, estimate.conf_low, estimate.conf_high)
    value, low, high = (units.centred(estimate, end) for end in ends)
    margin = worthwhile or units.small(estimate)
    gain, loss = (high, -low) if higher_is_better else (-low, high)
    better = (value > 0) == higher_is_better
    alpha = 1 - estimate.level
    adjusted_away = estimate.p_adjusted is not None and estimate.p_adjusted > alpha
    clear = (low > 0 or high < 0) and not adjusted_away
    if estimate.df is not None and too_few_df(estimate.df):
        verdict = "not-enough-information"
    elif clear:
        verdict = "clear"
    else:
        both = gain >= margin and loss >= margin
        verdict = "not-enough-information" if both else "no-clear-change"
    return Reading(verdict, better, margin, gain >= margin, loss >= margin)


def for_the_better(evaluation: Evaluation, estimate: Estimate) -> bool:
    """Whether a result is clearly for the better, by more than the word of those who harm."""
    target = next(t for t in evaluation.targets() if t.key == key_of(estimate))
    up = evaluation.higher_is_better(target)
    reading = read(estimate, higher_is_better=up, worthwhile=None)
    own = own_word(evaluation, target.outcome.role, target.informant)
    return reading.verdict == "clear" and reading.better and not own


def _measured(
    evaluation: Evaluation, target: Target, estimate: Estimate, level: Level, counts: Counts,
    exact: bool,
) -> Finding:  # fmt: skip
    expected = target.outcome.expected
    reading = read(
        estimate, higher_is_better=evaluation.higher_is_better(target),
        worthwhile=units.declared(estimate, expected.change) if expected else None,
    )  # fmt: skip
    shown = counts(estimate)
    own_report = own_word(evaluation, target.outcome.role, target.informant)
    attributes = (
        level.level >= ATTRIBUTES_FROM and reading.verdict == "clear" and not own_report
        and shown is not None
    )  # fmt: skip
    if shown is None:
        claim, statement = "not-enough-information", _hidden(target)
    else:
        phrase = Phrases(evaluation, target, estimate, level, reading, shown, exact)
        claim, statement = _word(phrase, reading, level, own_report)
    caveats = _caveats(evaluation, target, estimate, level, reading, own_report) if shown else ()
    if not exact:
        told = map(without_categories, caveats)
        caveats = tuple(said for said in told if said.startswith("Level ") or number_free(said))
    return Finding(
        outcome=target.outcome.id, wave=target.wave, informant=target.informant, claim=claim,
        attributes=attributes, statement=statement, caveats=caveats, primary=target.primary,
        contrast=target.key[3],
    )  # fmt: skip


def _hidden(target: Target) -> str:
    return (
        f"“{target.outcome.name}”{against(target)}, at {say(target.wave)}: too few families for a result that can be "
        "shown without the risk that somebody is recognised."
    )


def _word(phrase: Phrases, reading: Reading, level: Level, own_report: bool) -> tuple[str, str]:
    if phrase.evaluation.design.question == "level" and phrase.estimate.estimate is not None:
        return ("own-report-only" if own_report else "described"), phrase.seen()
    if reading.verdict == "not-enough-information":
        return "not-enough-information", phrase.not_enough()
    if own_report:
        return "own-report-only", phrase.own_report()
    if reading.verdict == "no-clear-change":
        return "no-clear-change", phrase.no_clear_change()
    if level.level >= ATTRIBUTES_FROM:
        return ("improved" if reading.better else "worsened"), phrase.attributed()
    return "described", phrase.described()


def _caveats(
    evaluation: Evaluation, target: Target, estimate: Estimate, level: Level, reading: Reading,
    own_report: bool,
) -> tuple[str, ...]:  # fmt: skip
    found = []
    if 0 < level.level < level.ceiling and len(level.reasons) > 1:
        found += [
            f"Level {level.level}, not {level.ceiling}: {lower_first(reason)}."
            for reason in level.reasons[1:]
        ]
    found += [f"{said[:1].upper()}{said[1:]}." for said in level.beside]
    found += _interim(evaluation, target, reading)
    crossing = estimate.conf_low is not None and estimate.conf_high is not None and (
        units.centred(estimate, estimate.conf_low) > 0
        or units.centred(estimate, estimate.conf_high) < 0
    )  # fmt: skip
    if crossing and reading.verdict != "clear" and estimate.p_adjusted is not None:
        found.append(
            "Taken alone the interval leaves out zero; with the other secondary results allowed for, it is not clear."
        )
    if evaluation.design.comparison_group and not own_report:
        found += _unblinded(evaluation, target)
    if own_report:
        found.append(
            "People who harm tend to report less harm than those they harm; their word is not enough."
        )
    if estimate.estimate is not None:
        found += [f"{note[:1].upper()}{note[1:].rstrip('.')}." for note in estimate.notes]
    return tuple(found)


def _interim(evaluation: Evaluation, target: Target, reading: Reading) -> list[str]:
    """An interim look concludes nothing unless the primary result crosses its boundary."""
    looks = evaluation.declared.analysis.looks
    if looks is None or looks.now == len(looks.information):
        return []
    if not target.primary:
        return ["Seen at an interim look, for which only the primary result has a boundary."]
    if reading.verdict == "clear":
        return []
    return ["This is an interim look: the trial goes on, and nothing is concluded from it."]


def _unblinded(evaluation: Evaluation, target: Target) -> list[str]:
    """Whoever may know the group may answer accordingly: people themselves, and those of a role."""
    if target.informant == "self":
        return ["People reported on themselves and may have known which group they were in."]
    if target.informant in [role.id for role in evaluation.roles]:
        who = say(target.informant)
        return [f"The {who} who answered may have known which group the family was in."]
    return []


def _indicated(outcome: Outcome, rates: list[Rate], units: Callable[[Rate], str | None]) -> Finding:
    parts = [
        f"{written(rate.rate, 0)} for every 100 {plural(rate.unit)} a year in {rate.arm} "
        f"(95% interval {written(rate.conf_low or 0.0, 0)} to {written(rate.conf_high or 0.0, 0)}; {units(rate)} {plural(rate.unit)})"
        for rate in rates
        if rate.rate is not None and units(rate) is not None
    ]
    caveats = [
        "Rates are counted, not adjusted for how the groups differ; nothing is credited to the programme."
    ]
    if any(rate.direction == "ambiguous" for rate in rates):
        caveats.append(
            "A higher rate may mean more harm or more trust in asking for help: neither is read into it."
        )
    said = f"{'; '.join(parts)}." if parts else "no rate can be shown."
    claim = "described" if parts else "not-enough-information"
    return Finding(
        outcome=outcome.id,
        claim=claim,
        statement=f"“{outcome.name}”: {said}",
        caveats=tuple(caveats),
    )


def _unmeasured(outcome: str, name: str, looked: bool) -> Finding:
    why = "no adequate instrument is known" if looked else "it has no measure"
    return Finding(outcome=outcome, claim="not-measured",
                   statement=f"“{name}”: not measured, because {why}. Nothing can be said of it here.")  # fmt: skip
