"""Covariates as yardsticks for what nobody measured: how closely each is tied to programme and outcome.

A covariate that the groups were matched or weighted on is alike in both by construction, so its tie to
the programme says nothing of how far a factor nobody matched on may differ. Its tie is then taken as it
was before: among all who could have been matched, or without the weights. Where sets come with the data
and those left over do not, it is taken to be tied to the programme as closely as to the outcome, at most
as closely as a difference of half a standard deviation between groups of one size would be.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from evalkit.robustness.cases import REFUSALS, WEIGHT, Case, named

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from evalkit.stats.hidden_bias.confounding import Tie, Ties

HALF_SD = 0.5**2 / (0.5**2 + 4)
"""The share of who is in which of two groups of one size that half a standard deviation explains."""
ANY = "any outcome"
"""A column that no table has."""
LEFT_OVER = 20
"""At least so many people without a match are needed to see how the groups were before."""
BEFORE = (
    "the groups were matched or weighted on {}: the tie to the programme is taken as it was before"
)
SUPPOSED = (
    "the groups were matched on {}: the tie to the programme is taken to be as close as that to the "
    "outcome, at most a difference of half a standard deviation"
)


@dataclass(frozen=True, slots=True)
class Yardstick:
    """A covariate, its ties, and what was taken for granted of them: BEFORE, SUPPOSED or nothing."""

    covariate: str
    tie: Tie
    taken: str = ""

    @property
    def name(self) -> str:
        """The covariate in words."""
        return named(self.covariate)


def yardsticks(case: Case, model: Ties) -> tuple[Yardstick, ...]:
    """Return the benchmarks of the plan, else all covariates of the plan and of the match."""
    balanced = _balanced_on(case)
    wanted = case.plan.benchmarks or (*case.sample.covariates, *balanced)
    found = {tie.covariate: tie for tie in model.ties}
    if any(name not in found for name in wanted):
        found |= {tie.covariate: tie for tie in _with_more(case, wanted)}
    before = _before(case, balanced)
    return tuple(
        _yardstick(case, found[name], before.get(name), matched=name in balanced)
        for name in dict.fromkeys(wanted) if name in found
    )  # fmt: skip


def _yardstick(case: Case, tie: Tie, before: float | None, *, matched: bool) -> Yardstick:
    if not matched:
        return Yardstick(tie.covariate, tie)
    supposed = min(tie.r2_outcome, HALF_SD) if before is None else before
    stronger = replace(tie, r2_treatment=max(tie.r2_treatment, supposed))
    return Yardstick(tie.covariate, stronger, SUPPOSED if before is None else BEFORE)


def taken_for_granted(sticks: Iterable[Yardstick]) -> tuple[str, ...]:
    """Return what was taken for granted, once for all the covariates it was taken of."""
    by_words: dict[str, list[str]] = {}
    for stick in sticks:
        if stick.taken:
            by_words.setdefault(stick.taken, []).append(stick.name)
    return tuple(words.format(", ".join(names)) for words, names in by_words.items())


def _balanced_on(case: Case) -> tuple[str, ...]:
    """Return what the groups were matched or weighted on."""
    design = case.study.evaluation.declared.design
    parts = [part for part in (design.match, design.weight) if part is not None]
    return tuple(name for part in parts for name in part.covariates)


def _with_more(case: Case, wanted: Iterable[str]) -> tuple[Tie, ...]:
    """Return the ties in a model that holds what the plan does not adjust for as well."""
    from evalkit.sampling import covariate_columns
    from evalkit.stats.hidden_bias.confounding import ties

    frame = case.framed()
    people = case.study.intake.people
    more = [n for n in wanted if n not in case.sample.columns and n in people]
    _, columns, _ = covariate_columns(case.study, frame, more)
    try:
        return ties(
            frame, outcome="score", treatment="treated", weights=WEIGHT,
            covariates=(*case.sample.columns, *columns), strata=case.sample.strata,
        ).ties  # fmt: skip
    except REFUSALS:
        return ()


def _before(case: Case, names: tuple[str, ...]) -> dict[str, float]:
    """Return each covariate's share of who is in which group, before matching or weighting."""
    design = case.study.evaluation.declared.design
    if not names:
        return {}
    everyone = case.followed[
        case.followed["treated"].notna() & ~case.followed["step"].isin(["came-in", "eligible"])
    ]
    if design.weight is None and int((everyone["step"] == "allocated").sum()) < LEFT_OVER:
        return {}
    return _shares_of_arm(case, everyone, names)


def _shares_of_arm(case: Case, everyone: pd.DataFrame, names: tuple[str, ...]) -> dict[str, float]:
    """Return the partial R squared of each covariate with the arm, given the others."""
    import numpy as np

    from evalkit.stats.hidden_bias.confounding import ties

    frame = everyone[["person", "treated"]].copy()
    for name in names:
        frame[name] = frame["person"].map(case.study.intake.people[name])
    frame = frame.dropna()
    frame[ANY] = np.sqrt(np.arange(len(frame)))  # any outcome will do: it plays no part here
    try:
        model = ties(frame, outcome=ANY, treatment="treated", covariates=names)
    except REFUSALS:
        return {}
    return {tie.covariate: tie.r2_treatment for tie in model.ties}
