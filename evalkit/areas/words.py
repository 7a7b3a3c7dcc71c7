"""What may be said of an outcome shown by series of areas: by its level, and never past it.

An outcome whose direction is ambiguous (reports to the police) is said to be higher or lower, and
never better or worse: more reports may mean more harm, or more trust in those who take them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from evalkit.areas.calendar import many
from evalkit.areas.trends import p_words
from evalkit.claims import Reading, read
from evalkit.maryland import ATTRIBUTES_FROM
from evalkit.results import Estimate, Finding
from evalkit.rounding import enough_digits, half_up, written
from evalkit.units import SMALL_EFFECT
from evalkit.wording import lower_first, number_free, too_few_df

if TYPE_CHECKING:
    from evalkit.areas.records import AreaEffect
    from evalkit.declared_theory import Outcome
    from evalkit.evaluation import Evaluation
    from evalkit.results import Level

ALPHA = 0.05
AMBIGUOUS = (
    "A higher value may mean more harm, or more trust in those who record it: neither better nor "
    "worse is read into it."
)
RESTS = {
    "difference_in_differences": "had they moved as the others did",
    "group_time_effects": "had they moved as the others did",
    "interrupted_time_series": "had the course before the start gone on",
    "comparative_time_series": "had its gap to the comparison gone on as it was going",
    "synthetic_control": "in a mixture of others that followed it before the start",
}
"""What a result is set against, by how it was made."""


def digits(value: float | None) -> int:
    """Return the decimals that leave two figures of a value, and at most six."""
    size, places = abs(value or 0.0), 0
    while places < 6 and size and half_up(size, places) * 10**places < 10:
        places += 1
    return places


@dataclass(frozen=True, slots=True)
class AreaPhrases:
    """The parts of a statement about one outcome of areas."""

    evaluation: Evaluation
    outcome: Outcome
    effect: AreaEffect
    level: Level
    reading: Reading

    @property
    def _places(self) -> int:
        e = self.effect
        if e.conf_low is None or e.conf_high is None:
            return digits(e.estimate)
        return enough_digits((e.estimate,), digits((e.conf_high - e.conf_low) / 2))

    def number(self, value: float | None) -> str:
        """Return a value with the decimals of the result."""
        return "unknown" if value is None else written(value, self._places)

    @property
    def _unit(self) -> str:
        return f" {self.effect.unit}" if self.effect.unit else ""

    @property
    def _noun(self) -> str:
        series = self.evaluation.declared.design.series
        return series.unit if series else "area"

    def _units(self, count: int | None) -> str:
        return f"{count or 0} {self._noun}{'' if count == 1 else 's'}"

    @property
    def interval(self) -> str:
        """The numbers behind a statement: interval or rank, units and periods."""
        e, kind = self.effect, self._kind
        compared = f" and {self._units(e.n_comparison)} without" if e.n_comparison else ""
        base = (
            f"{self._units(e.n_treated)} with the programme{compared}; {many(e.n_before, kind)} "
            f"before the {'first ' if e.summaries else ''}start, {many(e.n_after, kind)} after"
        )
        if e.rank is not None:
            of = (e.n_comparison or 0) + 1
            return f"rank {e.rank} of {of} when each is treated in turn, {p_words(e.p_value or 0.0)}; {base}"
        ends = f"{self.number(e.conf_low)} to {self.number(e.conf_high)}"
        return f"{100 * e.confidence:.4g}% interval {ends}; {base}"

    @property
    def _kind(self) -> str:
        series = self.evaluation.declared.design.series
        return series.period if series else "number"

    @property
    def head(self) -> str:
        """The outcome, named."""
        return f"“{self.outcome.name}”"

    def difference(self, judged: str) -> str:
        """Say how far the outcome lay from what was expected; `judged` stands after the size."""
        value = self.effect.estimate or 0.0
        way = "higher" if value > 0 else "lower"
        size = f"{self.number(abs(value))}{self._unit} {way}{judged}"
        where = "in the " + (f"{self._noun} with the programme" if self.effect.n_treated == 1
                             else f"{self._noun}s with the programme")  # fmt: skip
        beside = "than" if self.effect.rank is not None else "than it would have been"
        return f"{where} it was on average {size} {beside} {RESTS[self.effect.method]}"

    def attributed(self, good: str) -> str:
        return (
            f"{self.head}: {self.difference(f' ({good})')} ({self.interval}). The programme is likely "
            f"to have made things {good}; this is evidence at level {self.level.level}."
        )

    def described(self, good: str) -> str:
        judged = f" ({good})" if good else ""
        if not good and self.level.level >= ATTRIBUTES_FROM:
            rest = f"This is evidence at level {self.level.level} that what is recorded changed. {AMBIGUOUS}"
        else:
            rest = (
                f"This describes what was seen; at level {self.level.level} it may not be credited to "
                f"the programme.{'' if good else f' {AMBIGUOUS}'}"
            )
        return f"{self.head}: {self.difference(judged)} ({self.interval}). {rest}"

    @property
    def _margin(self) -> str:
        said = "the change that the plan expects"
        if self.outcome.expected is None:
            said = f"a small difference, {SMALL_EFFECT:g} standard deviations"
        places = digits(self.reading.worthwhile)
        return f"{written(self.reading.worthwhile, places)}{self._unit} ({said})"

    def no_clear_change(self, *, ambiguous: bool) -> str:
        gain, loss = ("rise", "fall") if ambiguous else ("gain", "loss")
        r = self.reading
        either = f"A {gain} or {loss} of {self._margin} or more is unlikely"
        if r.gain_possible and r.loss_possible:
            either = f"A {gain} or {loss} of {self._margin} or more is not ruled out"
        elif r.gain_possible or r.loss_possible:
            word = gain if r.gain_possible else loss
            either = f"A {word} of {self._margin} or more is not ruled out"
        return f"{self.head}: no clear difference ({self._shown}). {either}."

    @property
    def _shown(self) -> str:
        return f"{self.number(self.effect.estimate)}{self._unit}, {self.interval}"

    def not_enough(self, *, exact: bool) -> str:
        e = self.effect
        if e.estimate is None:
            why = e.notes[0] if e.notes else ""
            good = bool(why) and (exact or number_free(why))
            said = why.rstrip(".") if good else "These series do not allow an estimate"
            return f"{self.head}: not enough information. {said}."
        if e.rank is not None:
            why = "There are too few others for a rank to tell the programme from chance"
        elif e.df is not None and too_few_df(e.df):
            why = f"There are too few {self._noun}s for this interval to be relied on"
        else:
            why = f"The series cannot tell a rise of {self._margin} from a fall of as much"
        return f"{self.head}: not enough information ({self._shown}). {why}."


def unsure(effect: AreaEffect) -> bool:
    """Whether the interval by an autoregression holds zero, or a series wanders too far for one."""
    low, high = effect.check_low, effect.check_high
    if low is None or high is None:
        return bool(effect.terms)
    return low <= 0 <= high


def read_area(effect: AreaEffect, outcome: Outcome) -> Reading:
    """Read a result: by its interval, or by its placebo rank where there is no interval."""
    as_estimate = Estimate(
        estimate=effect.estimate, std_error=effect.std_error, df=effect.df, unit="points",
        conf_low=effect.conf_low, conf_high=effect.conf_high, sd_pooled=effect.spread,
        p_value=effect.p_value, p_adjusted=effect.p_adjusted, level=effect.confidence,
    )  # fmt: skip
    worthwhile = abs(outcome.expected.change) if outcome.expected else None
    higher = effect.direction != "lower"
    found = read(as_estimate, higher_is_better=higher, worthwhile=worthwhile)
    if found.verdict == "clear" and unsure(effect):
        found = replace(found, verdict="no-clear-change", gain_possible=True, loss_possible=True)
    if effect.rank is None or effect.estimate is None:
        return found
    p = effect.p_value if effect.p_adjusted is None else effect.p_adjusted
    least = 1 / ((effect.n_comparison or 0) + 1)
    verdict = "not-enough-information" if least > ALPHA else "no-clear-change"
    if p is not None and p <= ALPHA:
        verdict = "clear"
    margin = worthwhile or SMALL_EFFECT * (effect.spread or 0.0)
    return Reading(verdict, (effect.estimate > 0) == higher, margin, True, True)


def area_finding(
    evaluation: Evaluation, outcome: Outcome, effect: AreaEffect, level: Level, *,
    shown: bool = True, exact: bool = True,
) -> Finding:  # fmt: skip
    """Word one outcome of areas; unless `exact`, reasons that hold a figure are left out."""
    if not shown:
        statement = (
            f"“{outcome.name}”: the numbers behind it are too small for a result that can be shown "
            "without the risk that somebody is recognised."
        )
        return Finding(
            outcome=outcome.id, claim="not-enough-information", statement=statement,
            primary=effect.primary,
        )  # fmt: skip
    reading = read_area(effect, outcome)
    phrases = AreaPhrases(evaluation, outcome, effect, level, reading)
    claim, statement = _word(phrases, reading, exact=exact)
    caveats = tuple(_caveats(effect, level))
    if not exact:
        caveats = tuple(said for said in caveats if said.startswith("Level ") or number_free(said))
    return Finding(
        outcome=outcome.id, claim=claim, attributes=claim in ("improved", "worsened"),
        statement=statement, caveats=caveats, primary=effect.primary,
    )  # fmt: skip


def _word(phrases: AreaPhrases, reading: Reading, *, exact: bool) -> tuple[str, str]:
    ambiguous = phrases.effect.direction == "ambiguous"
    if reading.verdict == "not-enough-information":
        return "not-enough-information", phrases.not_enough(exact=exact)
    if reading.verdict == "no-clear-change":
        return "no-clear-change", phrases.no_clear_change(ambiguous=ambiguous)
    if ambiguous:
        return "described", phrases.described("")
    good = "better" if reading.better else "worse"
    if phrases.level.level >= ATTRIBUTES_FROM:
        return ("improved" if reading.better else "worsened"), phrases.attributed(good)
    return "described", phrases.described(good)


def _caveats(effect: AreaEffect, level: Level) -> list[str]:
    said = []
    if 0 < level.level < level.ceiling:
        said += [
            f"Level {level.level}, not {level.ceiling}: {lower_first(reason)}."
            for reason in level.reasons[1:]
        ]
    said += [f"{text[:1].upper()}{text[1:]}." for text in level.beside]
    crossing = (effect.conf_low or 0.0) > 0 or (effect.conf_high or 0.0) < 0
    if effect.check_low is None and effect.terms and crossing:
        said.append(
            "The series wanders too far for an autoregression as a check, so the result is not clear."
        )
    if effect.check_low is not None and effect.check_high is not None:
        places = digits((effect.check_high - effect.check_low) / 2)
        ends = f"{written(effect.check_low, places)} to {written(effect.check_high, places)}"
        said.append(f"By an autoregression, as a check, the interval is {ends}.")
        if crossing and unsure(effect):
            said.append(
                "The two ways to allow for correlation disagree, so the result is not clear."
            )
    if effect.pretrend:
        said.append(f"{effect.pretrend.rstrip('.')}.")
    notes = effect.notes if effect.estimate is not None else effect.notes[1:]
    return said + [f"{note[:1].upper()}{note[1:].rstrip('.')}." for note in notes]


def area_findings(evaluation: Evaluation, effects: Iterable[AreaEffect]) -> dict[str, Finding]:
    """Return the finding of each outcome of areas, at full precision."""
    outcomes = {outcome.id: outcome for outcome in evaluation.logic_model.outcomes}
    return {
        effect.outcome: area_finding(evaluation, outcomes[effect.outcome], effect, effect.rated)
        for effect in effects
        if effect.rated is not None
    }
