"""The words of findings: plain English beside the number, its interval and its n."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evalkit import units
from evalkit.rounding import written
from evalkit.units import SMALL_EFFECT

if TYPE_CHECKING:
    from evalkit.claims import Reading
    from evalkit.evaluation import Evaluation
    from evalkit.results import Estimate, Level
    from evalkit.targets import Target

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


def too_few_df(df: float) -> bool:
    """Whether the degrees of freedom are too few, but for rounding error."""
    return df < FEWEST_DF - 1e-6


def loss_words(percent: float) -> str:
    """Say how many were lost."""
    return f"Of those due at this wave, {written(percent, 0)}% were lost."


def number_free(text: str) -> bool:
    """Whether a sentence holds no figure from which a small count could be worked out."""
    return re.search(r"(?<![\w-])\d", text) is None


def without_categories(text: str) -> str:
    """Return a sentence with 'column=category' named by its column: an empty cell is a count too."""
    return re.sub(r"'([^'=]+)=[^']+'", r"'\1'", text)


def reporter(informant: str | None) -> str:
    """Return who answered, in words."""
    return "own report" if informant == "self" else f"reported by the {say(informant or '')}"


def plural(unit: str) -> str:
    """Return the plural of a unit of counting."""
    return {"family": "families", "person": "people"}[unit]


def lower_first(text: str) -> str:
    """Return the text with its first letter small."""
    return text[:1].lower() + text[1:]


def confidence(estimate: Estimate) -> str:
    """Return the level of an estimate's interval, as "95%"."""
    return f"{100 * estimate.level:.4g}%"


def cut_words(target: Target) -> str:
    """Return what makes a yes-or-no outcome a yes."""
    measure = target.outcome.measure
    least = measure.at_least if measure else None
    most = measure.at_most if measure else None
    if least is not None and most is not None:
        return f"a score from {least:g} to {most:g}"
    return f"a score of {least:g} or more" if least is not None else f"a score of {most:g} or less"


def against(target: Target) -> str:
    """Return which arms a result compares, to follow its name; nothing where there are two."""
    pair = target.contrast
    return f", “{pair.treated}” against “{pair.comparison}”" if pair else ""


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
    exact: bool

    @property
    def _digits(self) -> int:
        low, high = self.evaluation.scale(self.target).range
        return units.places(self.estimate, high - low, exact=self.exact)

    def _number(self, value: float | None) -> str:
        return units.text(self.estimate, value, self._digits)

    @property
    def _head(self) -> str:
        wave = self.evaluation.wave_label(self.target.wave)
        return f"“{self.target.outcome.name}”{against(self.target)}, at {wave} ({self._who})"

    @property
    def _who(self) -> str:
        informant = self.target.informant
        name = self.evaluation.measure(self.target.measure).name
        return f"{name}, {reporter(informant)}"

    @property
    def _interval(self) -> str:
        e = self.estimate
        ends = f"{self._number(e.conf_low)} to {self._number(e.conf_high)}"
        if e.n_comparison is None:
            when = " at both" if self.evaluation.design.question == "change" else ""
            when += ", or filled in" if "multiple imputation" in (e.method or "") else ""
            return f"{self._number(e.estimate)}, {confidence(e)} interval {ends}; {self.shown[0]} people measured{when}"
        arms = self._arms
        n = f"{self.shown[0]} people in {arms[0]}, {self.shown[1]} in {arms[1]}"
        what = "odds ratio " if e.unit == "ratio" else ""
        return f"{what}{self._number(e.estimate)}, {confidence(e)} interval {ends}; {n}"

    @property
    def _arms(self) -> tuple[str, ...]:
        pair = self.target.contrast
        return (pair.treated, pair.comparison) if pair else self.evaluation.arm_names

    @property
    def _margin(self) -> str:
        if self.estimate.unit == "ratio":
            odds = math.exp(self.reading.worthwhile)
            return f"a small difference (odds {written(odds, 2)} or {written(1 / odds, 2)} times as high)"
        points = f"{self._number(self.reading.worthwhile)} {units.noun(self.estimate)}"
        if self.target.outcome.expected:
            return f"{points} (the change that the plan expects)"
        return f"{points} (a small difference, {SMALL_EFFECT:g} standard deviations)"

    @property
    def _why_not(self) -> str:
        """Say why nothing was estimated; a reason that holds a number stays off shareable pages."""
        why = self.estimate.notes[0] if self.estimate.notes else ""
        why = why if self.exact else without_categories(why)
        if not why or not (self.exact or number_free(why)):
            return "Too few people answered, or they do not differ, so nothing could be estimated."
        return why

    @property
    def _good(self) -> str:
        return "better" if self.reading.better else "worse"

    def _difference(self, judged: str) -> str:
        """Say how far apart the arms are; `judged` stands after the size."""
        e = self.estimate
        value = e.estimate or 0.0
        if e.unit == "ratio":
            return (
                f"the odds of a higher score were {self._number(value)} times those in "
                f"{self._other}{judged}{self._allowing}"
            )
        way = "higher" if value > 0 else "lower"
        size = f"{self._number(abs(value))} {units.noun(e)} {way}{judged} {self._between}"
        return (
            f"the share with {self.cut} was {size}" if e.unit == "share" else f"scores were {size}"
        )

    @property
    def cut(self) -> str:
        """What makes the outcome a yes."""
        return cut_words(self.target)

    @property
    def _other(self) -> str:
        pair = self.target.contrast
        return f"“{pair.comparison}”" if pair else "the comparison group"

    @property
    def _between(self) -> str:
        if self.estimate.n_comparison is None:
            norm = self.evaluation.design.question == "norm"
            return "than the published norm" if norm else "than at the first wave"
        return f"than in {self._other}{self._allowing}"

    @property
    def _allowing(self) -> str:
        covariates = self.estimate.adjusted_for
        if not covariates:
            return ""
        if covariates == ("baseline",):
            return ", allowing for first scores"
        first = "first scores and the other" if "baseline" in covariates else "the"
        return f", allowing for {first} covariates of the plan"

    @property
    def _against_plan(self) -> str:
        """Say where even the best end of an interval for the better is less than worthwhile."""
        low, high = self.estimate.conf_low, self.estimate.conf_high
        if not self.reading.better or low is None or high is None:
            return ""
        ends = (abs(units.centred(self.estimate, end)) for end in (low, high))
        if max(ends) >= self.reading.worthwhile:
            return ""
        return f" Even the best end of the interval falls short of {self._margin}."

    @property
    def _what(self) -> str:
        """What a result is, in a word."""
        return {"change": "change", "level": "level"}.get(
            self.evaluation.design.question, "difference"
        )

    def seen(self) -> str:
        """Say how people score, beside nothing."""
        return (
            f"{self._head}: the mean score was {self._interval}. This describes those who answered; "
            "it says nothing of change."
        )

    def attributed(self) -> str:
        pair = self.target.contrast
        made = self._good
        if pair is not None and not pair.against_control:
            made += f" than “{pair.comparison}”"
        who = f"“{pair.treated}”" if pair else "The programme"
        verb = "made" if self.level.level >= 5 else "is likely to have made"
        return (
            f"{self._head}: {self._difference(f' ({self._good})')} ({self._interval}). "
            f"{who} {verb} things {made}; this is evidence at level {self.level.level}.{self._against_plan}"
        )

    def described(self) -> str:
        return (
            f"{self._head}: {self._difference(f' ({self._good})')} ({self._interval}). This "
            f"describes what was seen; at level {self.level.level} it may not be credited to the programme."
        )

    def no_clear_change(self) -> str:
        if self.reading.gain_possible:
            rest = f"A gain of {self._margin} or more is not ruled out"
        elif self.reading.loss_possible:
            rest = f"A loss of {self._margin} or more is not ruled out"
        else:
            rest = f"A gain or loss of {self._margin} or more is unlikely"
        return f"{self._head}: no clear {self._what} ({self._interval}). {rest}."

    def not_enough(self) -> str:
        if self.estimate.estimate is None:
            return f"{self._head}: not enough information. {self._why_not}"
        if self.estimate.df is not None and too_few_df(self.estimate.df):
            return (
                f"{self._head}: not enough information ({self._interval}). There are too few people "
                "or clusters for this interval to be relied on."
            )
        return (
            f"{self._head}: not enough information ({self._interval}). Too few people answered to "
            f"tell a gain of {self._margin} from a loss of as much."
        )

    def own_report(self) -> str:
        clear = "" if self.reading.verdict == "clear" else f", which is no clear {self._what}"
        return (
            f"{self._head}: by the report of those in this role {self._difference('')} "
            f"({self._interval}){clear}. This is their own report. Whether they have changed is not stated "
            "from it alone: read it beside what survivors and children report."
        )
