"""The words of hidden differences: what strength it would take, and never that there is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from evalkit.robustness.records import BiasPart, HiddenBias

NAMES = {
    "robustness-value": "How strong a hidden factor must be",
    "e-value": "E-value",
    "rosenbaum-bounds": "Pairs alike that differ in hidden ways",
    "oster": "Hidden factors as selective as known ones",
    "negative-controls": "Outcomes the programme cannot have changed",
    "placebo-wave": "Before the programme",
    "placebo-group": "Two halves of the comparison",
    "leave-one-site-out": "Each site left out",
    "leave-one-covariate-out": "Each covariate left out",
    "specifications": "Other choices of analysis",
    "joint-tipping": "Loss and a hidden factor together",
}
NOTHING = (
    "The result is no clear difference already, so there is nothing for a hidden factor to overturn; "
    "one could as well hide a difference."
)
ODDS = "hidden odds"
NOT_DONE = "It could not be worked out from these data."
TWICE, LITTLE_MORE, CLOSE_TWICE = 2.0, 2.5, 4.0
"""Multiples of a covariate's strength in shares explained: ties twice as close explain four times as much."""
WEAK, MODERATE, STRONG = 0.02, 0.13, 0.26
"""Shares explained that are small, medium and large by Cohen (1988)."""


def how_strong(share: float) -> str:
    """Return a share explained of both programme and outcome in words."""
    if share < WEAK:
        return "even a weak"
    if share < MODERATE:
        return "a moderate"
    return "a strong" if share < STRONG else "a very strong"


def percent(share: float) -> str:
    """Return a share as a percentage."""
    return f"{100 * share:.0f}%" if share >= 0.01 else f"{100 * share:.1f}%"


@dataclass(frozen=True, slots=True)
class Strength:
    """What is said of the robustness value: by the covariate that matters most, and by itself.

    `times` is how many times as strong as the covariate a factor must be to overturn the result, `least`
    the same were the covariate as strong as chance allows, and `needed` the share that a factor must
    explain of both programme and outcome.
    """

    clear: bool
    covariate: str | None
    times: float | None
    least: float | None
    needed: float

    def sentence(self) -> str:
        """Return both, with the figures."""
        if not self.clear:
            return NOTHING
        share = (
            f" One that explains {percent(self.needed)} of what the covariates leave of both the programme "
            "and the outcome would be enough."
        )
        return self.by_covariate() + share if self.covariate else self._alone() + share

    def shareable(self) -> str:
        """Return the same without a figure."""
        if not self.clear:
            return NOTHING
        return self.by_covariate() if self.covariate else self._alone()

    def _alone(self) -> str:
        return (
            "No covariate can serve as a yardstick. It would take "
            f"{how_strong(self.needed).removeprefix('even ')} hidden factor to overturn this."
        )

    def by_covariate(self) -> str:
        """Return whether the double of the covariate that matters most would overturn the result."""
        times, name = self.times or 0.0, self.covariate
        most = f"{name}, the known factor that matters most here,"
        if times <= 1:
            return (
                f"A hidden factor as strong as {most} would overturn this: the result is fragile."
            )
        if times <= TWICE:
            return (
                f"A hidden factor twice as strong as {most} would overturn this; one as strong would not "
                "by itself."
            )
        if times <= LITTLE_MORE:
            return (
                f"A hidden factor little more than twice as strong as {most} would overturn this; one just "
                "twice as strong would not by itself."
            )
        if times <= CLOSE_TWICE:
            return (
                f"A hidden factor that explains twice as much as {most} would not overturn this; one tied "
                "twice as closely to both the programme and the outcome would."
            )
        if (self.least or 0.0) <= CLOSE_TWICE:
            return (
                f"A hidden factor that explains twice as much as {most} would not overturn this; one tied "
                "twice as closely to both the programme and the outcome could, as chance leaves open how "
                "closely that one is tied."
            )
        return (
            f"A hidden factor twice as strong as {most} would not overturn this; {how_strong(self.needed)} one, "
            "by common standards, would."
        )


def e_value(clear: bool, limit: float | None) -> str:
    """Return what an E-value says, without its figure."""
    if not clear or limit is None:
        return NOTHING
    size = "weak" if limit < 1.25 else "moderate" if limit < 2 else "strong"
    return (
        f"A {size} tie of a hidden factor to both the programme and the outcome could explain this."
    )


def pairs(clear: bool, largest: float | None, unseen: bool) -> str:
    """Return what pairs that differ in hidden ways say, without a figure."""
    if not clear:
        return NOTHING
    if unseen:
        return (
            "The matched pairs alone do not show the difference, even without hidden differences."
        )
    if largest is None:
        return "Only a very great hidden difference in odds would undo this in the matched pairs."
    size = "slightly" if largest < 1.25 else "moderately" if largest < 2 else "greatly"
    return (
        f"Pairs who differ {size} in their odds of the programme, in hidden ways, would undo this."
    )


def oster(clear: bool, delta: float, turned: bool) -> str:
    """Return what Oster's delta says, without its figure."""
    if not clear:
        return NOTHING
    if delta < 0 and not turned:
        return (
            "The known factors move the result away from no difference; hidden ones would have to work the "
            "other way to explain it away."
        )
    if turned or 0 <= delta < 1:
        return "Hidden factors that select people as much as the known ones do would explain this away."
    return "Hidden factors would have to select people more than the known ones do to explain this away."


def controls(kind: str, parts: Sequence[BiasPart]) -> str:
    """Return what controls and placebos say, without a figure."""
    shown = [part.label for part in parts if part.overturns]
    quiet = [part.label for part in parts if part.overturns is False]
    where = {
        "negative-controls": "in what the programme cannot have changed",
        "placebo-wave": "before the programme",
        "placebo-group": "between people of whom none had the programme",
    }[kind]
    if shown:
        return (
            f"There is a difference {where} ({', '.join(shown)}): the groups differ in ways that the "
            "comparison does not allow for, or that it must."
        )
    return (
        f"No clear difference shows {where} ({', '.join(quiet)}); that does not prove that nothing hidden "
        "differs."
    )


def left_out(noun: str, weakest: BiasPart, *, named_one: bool) -> str:
    """Return whether the result hangs on one site or covariate."""
    which = f" ({weakest.label})" if named_one else ""
    if weakest.overturns is None:
        return NOTHING
    if weakest.overturns:
        return f"The result hangs on one {noun}{which}: without it there is no clear difference."
    if noun == "covariate":
        return f"The result stands whichever covariate is left out; least is left without {weakest.label}."
    return f"The result stands whichever site is left out; least is left of it without one{which}."


def curve(clear: bool, parts: Sequence[BiasPart], *, figures: bool) -> str:
    """Return how many other choices would show the same."""
    others = [part for part in parts if not part.planned]
    if not clear:
        return "The plan's own choices show no clear difference; the others are drawn beside it."
    turned = [part for part in others if part.overturns]
    if not turned:
        said = f"{len(others)} " if figures else ""
        return f"All {said}other choices of analysis show the same difference."
    few = f"{len(turned)} of {len(others)}" if figures else "Some"
    return f"{few} other choices of analysis do not show the difference: {'; '.join(p.label for p in turned)}."


def specification(
    covariates: Sequence[str], estimator: str | None, imputed: bool, weights: str, *,
    plan: Sequence[str],
) -> str:  # fmt: skip
    """Return a specification in words."""
    if tuple(covariates) == tuple(plan):
        first = "covariates of the plan"
    elif not covariates:
        first = "nothing adjusted for"
    else:
        names = ["first score" if c == "baseline" else c.replace("_", " ") for c in covariates]
        first = f"only {', '.join(names)}"
    more = {"none": "not weighted", "sets": "weighted by set"}.get(weights, "")
    how = (estimator or "").replace("_", " ")
    return ", ".join(filter(None, [first, how, more, "the lost imputed" if imputed else ""]))


@dataclass(frozen=True, slots=True)
class Joint:
    """What is said of loss and a hidden factor together.

    `alone` is the share a factor must explain of both where the lost are as imputed, `half` where they
    did less well by half a standard deviation (None where nobody was lost).
    """

    clear: bool
    alone: float
    half: float | None
    better: bool

    def sentence(self) -> str:
        """Return it with the figures."""
        return self._said(lambda share: f"a hidden factor that explains {percent(share)} of both")

    def shareable(self) -> str:
        """Return it without."""
        return self._said(lambda share: f"{how_strong(share)} hidden factor")

    def _said(self, factor: object) -> str:
        call = factor if callable(factor) else str
        if not self.clear:
            return NOTHING
        if self.alone == 0:
            return "With the lost imputed from people like them there is no clear difference."
        first = f"{call(self.alone)} would overturn this"
        if self.half is None:
            return f"Nobody was lost whose outcome could be imputed; {first}."
        worse = "worse" if self.better else "better"
        shift = f"if they did {worse} by half a standard deviation"
        if self.half == 0:
            then = f"{shift}, the loss alone would"
        else:
            then = f"{shift}, {call(self.half)} would be enough"
        return f"With the programme's lost like people who answered, {first}; {then}."


def for_finding(rows: Iterable[HiddenBias]) -> tuple[str, ...]:
    """Return what a finding says of hidden factors: one sentence, and what should not differ but does.

    Without a figure; nothing where the result is no clear difference.
    """
    said = []
    for row in rows:
        if row.analysis == "robustness-value" and row.overturns is not None:
            said.append(row.shareable)
        if row.analysis in ("negative-controls", "placebo-group") and row.overturns:
            said.append(row.shareable)
    return tuple(said)
