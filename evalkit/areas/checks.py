"""How a design of areas went, for the level: periods before, trends before, why it is fair."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evalkit.areas.trends import p_words
from evalkit.results import Check

if TYPE_CHECKING:
    from evalkit.areas.records import AreaEffect
    from evalkit.design_spec import DesignCheck
    from evalkit.evaluation import Evaluation


@dataclass(frozen=True, slots=True, eq=False)
class AreaContext:
    """One outcome with what was found of it, and the thresholds of one check."""

    evaluation: Evaluation
    effect: AreaEffect
    settings: DesignCheck

    def result(
        self, passed: bool | None, sentence: str, value: float | None = None,
        threshold: float | None = None, shareable: str = "",
    ) -> Check:  # fmt: skip
        """Return the check as a record."""
        return Check(
            check=self.settings.check, outcome=self.effect.outcome, passed=passed, value=value,
            threshold=threshold, sentence=sentence, shareable=shareable or sentence,
            citation=self.settings.citation,
        )  # fmt: skip


AreaCheck = Callable[[AreaContext], Check]


def periods_before(context: AreaContext) -> Check:
    """Whether there are periods enough before the start to see a course."""
    least = int(context.settings.thresholds["minimum"])
    found = context.effect.n_before
    if found >= least:
        said = f"There are {least} or more periods before the start."
    elif found == 1:
        said = "There is a single period before the start."
    else:
        said = f"There are fewer than {least} periods before the start."
    return context.result(found >= least, said, float(found), float(least))


def pre_trend(context: AreaContext) -> Check:
    """Whether the groups moved alike before the start, as far as that can be seen."""
    p, limit = context.effect.pretrend_p, context.settings.thresholds["alpha"]
    if p is None:
        said = "Whether the groups moved alike before the start could not be tested."
        return context.result(None, said, None, limit)
    if p < limit:
        said = "The groups did not move alike before the start"
        return context.result(False, f"{said} ({p_words(p)}).", p, limit, f"{said}.")
    said = "The groups were not seen to move apart before the start, which does not show that they would not have"
    return context.result(True, f"{said} ({p_words(p)}).", p, limit, f"{said}.")


def anticipation(context: AreaContext) -> Check:
    """Whether units seem to have changed already in the period before the last one compared with.

    With the last period before the start as the base, the one before it shows a step between them.
    """
    lead = context.evaluation.declared.design.series
    base = -1.0 - (lead.anticipation if lead else 0)
    before = [e for e in context.effect.effects if e.by == "since-start" and e.at < base]
    last = max((e for e in before if e.conf_low is not None), key=lambda e: e.at, default=None)
    if last is None or last.conf_low is None or last.conf_high is None:
        said = "Whether units changed just before the start cannot be seen."
        return context.result(None, said)
    if last.conf_low > 0 or last.conf_high < 0:
        said = "Units with the programme changed more than the others just before the start."
        return context.result(False, said, last.estimate)
    said = "No change was seen just before the start that the others did not share."
    return context.result(True, said, last.estimate)


def justified(context: AreaContext) -> Check:
    """Whether the plan says why the comparison is fair."""
    if context.evaluation.declared.design.because.strip():
        return context.result(True, "The plan says why the comparison is fair.")
    return context.result(
        False, "The plan does not say why the comparison is fair (design.because)."
    )


def clusters(context: AreaContext) -> Check:
    """Whether each group has units enough to be told from its own events."""
    least = int(context.settings.thresholds["minimum"])
    effect = context.effect
    fewest = min(effect.n_treated, effect.n_comparison or 0)
    said = (
        f"Each group has {least} or more units." if fewest >= least
        else "A group is one unit: what befell it alone cannot be told from the programme."
    )  # fmt: skip
    return context.result(fewest >= least, said, float(fewest), float(least))


def fit_before(context: AreaContext) -> Check:
    """Whether the mixture followed the treated unit before the start."""
    effect, least = context.effect, context.settings.thresholds["r2"]
    outside = effect.outside_range or 0
    if effect.fit is None:
        return context.result(None, "How well the mixture follows before the start cannot be told.")
    good = effect.fit >= least and outside <= effect.n_before / 2
    said = "The mixture follows the treated unit before the start"
    if not good:
        said = "The mixture does not follow the treated unit well before the start"
    return context.result(
        good, f"{said} (R squared {max(effect.fit, 0.0):.2f}).", effect.fit, least, f"{said}."
    )


def faults(context: AreaContext) -> Check:
    """Whether the evaluators declared a fault that no data can show."""
    declared = context.evaluation.declared.design.faults
    if not declared:
        said = "No fault of allocation, contamination or measurement is declared."
        return context.result(True, said)
    return context.result(
        False, f"Declared by the evaluators: {', '.join(declared)}.", float(len(declared))
    )


AREA_CHECKS: dict[str, AreaCheck] = {
    "periods-before": periods_before,
    "pre-trend": pre_trend,
    "anticipation": anticipation,
    "comparison-justified": justified,
    "clusters": clusters,
    "fit-before": fit_before,
    "faults": faults,
}
