"""What may be claimed: estimates, levels and rates in, findings out. Judgement lives here alone.

A result at level 3 or above may credit the programme; below that it is described. A programme's
effect on those who harm is never stated from their own report alone. "No clear change" and "not
enough information" are told apart by whether the interval still holds both a worthwhile gain and a
worthwhile loss.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from evalkit.maryland import ATTRIBUTES_FROM
from evalkit.results import Estimate, Finding, Level

if TYPE_CHECKING:
    from evalkit.declaration import Outcome
    from evalkit.evaluation import Evaluation, Target
    from evalkit.indicators import Rate

SMALL_EFFECT = 0.2
"""A difference worth noticing where none is declared, in SDs: a small effect in Cohen (1988)."""

CLAIMS = {
    "improved": "Better with the programme",
    "worsened": "Worse with the programme",
    "no-clear-change": "No clear difference",
    "not-enough-information": "Not enough information",
    "described": "Described only",
    "own-report-only": "Own report only",
    "not-measured": "Not measured",
}

Counts = Callable[[Estimate], "tuple[str, str] | None"]


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
    units: Callable[[Rate], str | None] = exact_units,
) -> tuple[Finding, ...]:  # fmt: skip
    """Word every result, in the order the outcomes were declared.

    `counts` gives the numbers analysed as they may be shown, or None where they may not be; then
    the finding says so and gives no number; `units` does the same for the units behind a rate.
    """
    by_target = {_key(e): e for e in estimates}
    rated = {(level.outcome, level.wave, level.informant): level for level in levels}
    targets = {(t.outcome.id, t.wave, t.informant): t for t in evaluation.targets()}
    found = []
    for outcome in evaluation.logic_model.outcomes:
        for key, target in targets.items():
            if key[0] == outcome.id and key in by_target:
                found.append(_measured(evaluation, target, by_target[key], rated[key], counts))
        if outcome.indicator:
            mine = [r for r in rates if r.indicator == outcome.indicator and r.period == 0]
            found.append(_indicated(outcome, mine, units))
        elif outcome.measure is None or outcome.measure.id == "none":
            found.append(_unmeasured(outcome.id, outcome.name, outcome.measure is not None))
    return tuple(_beside(evaluation, finding, found) for finding in found)


def _beside(evaluation: Evaluation, finding: Finding, others: list[Finding]) -> Finding:
    """Put what the others report beside the word of those who harm, which never stands alone."""
    if finding.claim != "own-report-only":
        return finding
    names = {outcome.id: outcome for outcome in evaluation.logic_model.outcomes}
    heard = [
        f"“{names[other.outcome].name}” ({_reporter(other.informant)}): {CLAIMS[other.claim].lower()}"
        for other in others
        if other.wave == finding.wave
        and not _word_of_harm(evaluation, names[other.outcome].role, other.informant)
    ]
    said = "; ".join(heard) or "nobody else reports at this wave, so nothing supports it"
    return replace(finding, caveats=(f"Beside it, at the same wave: {said}.", *finding.caveats))


def _own_word(evaluation: Evaluation, role: str, informant: str | None) -> bool:
    """Whether those who harm report on those who harm: themselves, whatever the column calls them."""
    return evaluation.harms(role) and _word_of_harm(evaluation, role, informant)


def _word_of_harm(evaluation: Evaluation, role: str, informant: str | None) -> bool:
    """Whether the answers come from somebody who harms."""
    return evaluation.harms(role if informant == "self" else informant or "")


def _reporter(informant: str | None) -> str:
    return "own report" if informant == "self" else f"reported by the {say(informant or '')}"


def _key(estimate: Estimate) -> tuple[str | None, str | None, str | None]:
    return estimate.outcome, estimate.wave, estimate.informant


def read(estimate: Estimate, *, higher_is_better: bool, worthwhile: float | None) -> Reading:
    """Read an estimate: "clear", "no-clear-change" or "not-enough-information"."""
    value, low, high = estimate.estimate, estimate.conf_low, estimate.conf_high
    if value is None or low is None or high is None:
        return Reading("not-enough-information", False, 0.0, True, True)
    margin = worthwhile or SMALL_EFFECT * (estimate.sd_pooled or 0.0)
    gain, loss = (high, -low) if higher_is_better else (-low, high)
    better = (value > 0) == higher_is_better
    alpha = 1 - estimate.level
    adjusted_away = estimate.p_adjusted is not None and estimate.p_adjusted > alpha
    clear = (low > 0 or high < 0) and not adjusted_away
    if estimate.df is not None and estimate.df < 4:
        verdict = "not-enough-information"
    elif clear:
        verdict = "clear"
    else:
        both = gain >= margin and loss >= margin
        verdict = "not-enough-information" if both else "no-clear-change"
    return Reading(verdict, better, margin, gain >= margin, loss >= margin)


def _measured(
    evaluation: Evaluation, target: Target, estimate: Estimate, level: Level, counts: Counts
) -> Finding:
    scale = evaluation.scale(target)
    expected = target.outcome.expected
    reading = read(
        estimate, higher_is_better=bool(scale.higher_is_better),
        worthwhile=abs(expected.change) if expected else None,
    )  # fmt: skip
    shown = counts(estimate)
    own_report = _own_word(evaluation, target.outcome.role, target.informant)
    attributes = (
        level.level >= ATTRIBUTES_FROM and reading.verdict == "clear" and not own_report
        and shown is not None
    )  # fmt: skip
    if shown is None:
        claim, statement = "not-enough-information", _hidden(target)
    else:
        phrase = _Phrases(evaluation, target, estimate, level, reading, shown)
        claim, statement = _word(phrase, reading, level, own_report)
    caveats = _caveats(evaluation, target, estimate, level, reading, own_report) if shown else ()
    return Finding(
        outcome=target.outcome.id, wave=target.wave, informant=target.informant, claim=claim,
        attributes=attributes, statement=statement, caveats=caveats, primary=target.primary,
    )  # fmt: skip


def _hidden(target: Target) -> str:
    return (
        f"“{target.outcome.name}”, at {say(target.wave)}: too few families for a result that can be "
        "shown without the risk that somebody is recognised."
    )


def _word(phrase: _Phrases, reading: Reading, level: Level, own_report: bool) -> tuple[str, str]:
    if reading.verdict == "not-enough-information":
        return "not-enough-information", phrase.not_enough()
    if own_report:
        return "own-report-only", phrase.own_report()
    if reading.verdict == "no-clear-change":
        return "no-clear-change", phrase.no_clear_change()
    if level.level >= ATTRIBUTES_FROM:
        return ("improved" if reading.better else "worsened"), phrase.attributed()
    return "described", phrase.described()


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def say(word: str) -> str:
    """Return an id as words: "2-months" as "2 months"."""
    return word.replace("-", " ")


@dataclass(frozen=True, slots=True)
class _Phrases:
    """The sentences about one estimate."""

    evaluation: Evaluation
    target: Target
    estimate: Estimate
    level: Level
    reading: Reading
    shown: tuple[str, str]

    @property
    def _digits(self) -> int:
        low, high = self.evaluation.scale(self.target).range
        return 1 if high - low >= 20 else 2

    def _number(self, value: float | None) -> str:
        text = f"{value:.{self._digits}f}" if value is not None else "unknown"
        if value is not None and float(text) == 0:
            text = text.removeprefix("-")
        return text.replace("-", "−")

    @property
    def _head(self) -> str:
        return f"“{self.target.outcome.name}”, at {say(self.target.wave)} ({self._who})"

    @property
    def _who(self) -> str:
        informant = self.target.informant
        title = self.evaluation.measure(self.target.measure).title
        return f"{title}, {_reporter(informant)}"

    @property
    def _interval(self) -> str:
        e = self.estimate
        ends = f"{self._number(e.conf_low)} to {self._number(e.conf_high)}"
        if e.n_comparison is None:
            return f"{self._number(e.estimate)}, {e.level:.0%} interval {ends}; {self.shown[0]} people measured at both"
        arms = self.evaluation.declared.design.arm
        assert arms is not None
        n = f"{self.shown[0]} people in {arms.treated}, {self.shown[1]} in {arms.comparison}"
        return f"{self._number(e.estimate)}, {e.level:.0%} interval {ends}; {n}"

    @property
    def _margin(self) -> str:
        points = f"{self._number(self.reading.worthwhile)} points"
        if self.target.outcome.expected:
            return f"{points} (the change that the plan expects)"
        return f"{points} (a small difference, {SMALL_EFFECT:g} standard deviations)"

    @property
    def _size(self) -> str:
        value = self.estimate.estimate or 0.0
        way = "higher" if value > 0 else "lower"
        good = "better" if self.reading.better else "worse"
        return f"{self._number(abs(value))} points {way} ({good})"

    @property
    def _between(self) -> str:
        if self.estimate.n_comparison is None:
            return "than at the first wave"
        return "than in the comparison group, allowing for first scores and the other covariates"

    def attributed(self) -> str:
        made = "better" if self.reading.better else "worse"
        credit = (
            f"The programme made things {made}" if self.level.level >= 5
            else f"The programme is likely to have made things {made}"
        )  # fmt: skip
        return (
            f"{self._head}: scores were {self._size} {self._between} ({self._interval}). "
            f"{credit}; this is evidence at level {self.level.level}."
        )

    def described(self) -> str:
        return (
            f"{self._head}: scores were {self._size} {self._between} ({self._interval}). This "
            f"describes what was seen; at level {self.level.level} it may not be credited to the programme."
        )

    def no_clear_change(self) -> str:
        if self.reading.gain_possible:
            rest = f"A gain of {self._margin} or more is not ruled out"
        elif self.reading.loss_possible:
            rest = f"A loss of {self._margin} or more is not ruled out"
        else:
            rest = f"A gain or loss of {self._margin} or more is unlikely"
        what = "difference" if self.estimate.n_comparison is not None else "change"
        return f"{self._head}: no clear {what} ({self._interval}). {rest}."

    def not_enough(self) -> str:
        if self.estimate.estimate is None:
            why = self.estimate.notes[0] if self.estimate.notes else "nothing could be estimated"
            return f"{self._head}: not enough information. {why}"
        return (
            f"{self._head}: not enough information ({self._interval}). Too few people answered to "
            f"tell a gain of {self._margin} from a loss of as much."
        )

    def own_report(self) -> str:
        value = self._number(abs(self.estimate.estimate or 0.0))
        way = "higher" if (self.estimate.estimate or 0.0) > 0 else "lower"
        clear = "" if self.reading.verdict == "clear" else ", which is no clear difference"
        return (
            f"{self._head}: those in this role report scores {value} points {way} {self._between} "
            f"({self._interval}){clear}. This is their own report. Whether they have changed is not stated "
            "from it alone: read it beside what survivors and children report."
        )


def _caveats(
    evaluation: Evaluation, target: Target, estimate: Estimate, level: Level, reading: Reading,
    own_report: bool,
) -> tuple[str, ...]:  # fmt: skip
    found = []
    if level.level < level.ceiling and len(level.reasons) > 1:
        found += [
            f"Level {level.level}, not {level.ceiling}: {_lower(reason)}."
            for reason in level.reasons[1:]
        ]
    crossing = estimate.conf_low is not None and estimate.conf_high is not None and (
        estimate.conf_low > 0 or estimate.conf_high < 0
    )  # fmt: skip
    if crossing and reading.verdict != "clear" and estimate.p_adjusted is not None:
        found.append(
            "Taken alone the interval leaves out zero; with the other secondary results allowed for, it is not clear."
        )
    if target.informant == "self" and evaluation.design.comparison_group and not own_report:
        found.append("People reported on themselves and knew which group they were in.")
    if own_report:
        found.append(
            "People who harm tend to report less harm than those they harm; their word is not enough."
        )
    if estimate.estimate is not None:
        found += [f"{note[:1].upper()}{note[1:]}." for note in estimate.notes]
    return tuple(found)


def _indicated(outcome: Outcome, rates: list[Rate], units: Callable[[Rate], str | None]) -> Finding:
    parts = [
        f"{rate.rate:.0f} for every 100 {_plural(rate.unit)} a year in {rate.arm} "
        f"(95% interval {rate.conf_low:.0f} to {rate.conf_high:.0f}; {units(rate)} {_plural(rate.unit)})"
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


def _plural(unit: str) -> str:
    return {"family": "families", "person": "people"}[unit]


def _unmeasured(outcome: str, name: str, looked: bool) -> Finding:
    why = "no adequate instrument is known" if looked else "it has no measure"
    return Finding(outcome=outcome, claim="not-measured",
                   statement=f"“{name}”: not measured, because {why}. Nothing can be said of it here.")  # fmt: skip
