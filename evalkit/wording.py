"""The words of findings: plain English beside the number, its interval and its n."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evalkit.claims import Reading
    from evalkit.evaluation import Evaluation, Target
    from evalkit.results import Estimate, Level

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

FEWEST_DF = 4
"""Below so many degrees of freedom an interval is not to be relied on (Tipton 2015)."""


def reporter(informant: str | None) -> str:
    """Return who answered, in words."""
    return "own report" if informant == "self" else f"reported by the {say(informant or '')}"


def plural(unit: str) -> str:
    """Return the plural of a unit of counting."""
    return {"family": "families", "person": "people"}[unit]


def lower_first(text: str) -> str:
    """Return the text with its first letter small."""
    return text[:1].lower() + text[1:]


def say(word: str) -> str:
    """Return an id as words: "2-months" as "2 months"."""
    return word.replace("-", " ")


@dataclass(frozen=True, slots=True)
class Phrases:
    """The sentences about one estimate; which of them is said is decided in `evalkit.claims`."""

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
        return f"{title}, {reporter(informant)}"

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
        return f"than in the comparison group{self._allowing}"

    @property
    def _allowing(self) -> str:
        covariates = self.evaluation.declared.analysis.covariates
        if not covariates:
            return ""
        if covariates == ("baseline",):
            return ", allowing for first scores"
        first = "first scores and the other" if "baseline" in covariates else "the"
        return f", allowing for {first} covariates of the plan"

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
        if self.estimate.df is not None and self.estimate.df < FEWEST_DF:
            return (
                f"{self._head}: not enough information ({self._interval}). There are too few people "
                "or clusters for this interval to be relied on."
            )
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
