"""What the loss will be at the current rates of return, before anybody has looked at an outcome."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evalkit.flow import DECLARED_NOT_DUE, EARLY, NOT_DUE, TO_FOLLOW, target_arms
from evalkit.results import Record
from evalkit.rounding import written
from evalkit.sensitivity.asked import fillable

if TYPE_CHECKING:
    import pandas as pd

    from evalkit.stats.missing.returns_needed import ReturnsNeeded
    from evalkit.study import Study
    from evalkit.targets import Target


ASIDE = "Once those whom the plan declares not to be asked are counted as lost it is outside."


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnProspect(Record):
    """The loss of one result as it stands and as it will be at each arm's rate of return so far.

    `due` were to answer by now, `back` of them can be analysed, `waiting` are not due yet. `overall`
    and `differential` (shares) and `verdict` are those predicted for everyone assigned; None where an
    arm has nobody due. `needed` is how many more must come back than these rates give for the loss to be
    inside the boundary in force, None where that cannot be reached.
    """

    outcome: str
    wave: str
    informant: str
    contrast: str | None
    boundary: str
    due_treatment: int
    back_treatment: int
    waiting_treatment: int
    due_comparison: int
    back_comparison: int
    waiting_comparison: int
    overall: float | None
    differential: float | None
    bound: float | None
    verdict: str | None
    needed: int | None
    needed_treatment: int | None
    needed_comparison: int | None
    sentence: str


@dataclass(frozen=True, slots=True)
class _Arm:
    """Counts of one arm: due, back, not due yet, lost for good, and by the plan not to be asked."""

    name: str
    due: int
    back: int
    waiting: int
    gone: int
    aside: int

    @property
    def assigned(self) -> int:
        return self.due + self.waiting

    @property
    def expected(self) -> int:
        """How many will be back in the end at the rate so far, to the nearest whole person."""
        return self.back + round(self.waiting * self.back / self.due)

    @property
    def gone_then(self) -> int:
        """How many can never come back, of those not expected to."""
        return min(self.gone, self.assigned - self.expected)


def prospects(study: Study) -> tuple[ReturnProspect, ...]:
    """Return for every result with two arms what its loss will be; no outcome is looked at."""
    if not study.evaluation.design.comparison_group:
        return ()
    found = (_prospect(study, target, followed) for target, followed in study.trails)
    return tuple(row for row in found if row is not None)


def _prospect(study: Study, target: Target, followed: pd.DataFrame) -> ReturnProspect | None:
    from evalkit.stats import attrition, returns_needed

    names = target_arms(study.evaluation, target)
    arms = [
        _arm(names[n], followed[followed["treated"] == value]) for n, value in enumerate((1, 0))
    ]
    if not all(arm.assigned for arm in arms):
        return None
    plan = study.evaluation.declared.analysis.attrition_boundary
    counts: dict[str, Any] = {
        f"{key}_{side}": getattr(arm, key)
        for arm, side in zip(arms, ("treatment", "comparison"), strict=True)
        for key in ("due", "back", "waiting")
    }
    labels: dict[str, Any] = {
        "outcome": target.outcome.id, "wave": target.wave, "informant": target.informant,
        "contrast": target.key[3], "boundary": plan,
    }  # fmt: skip
    if not all(arm.due for arm in arms):
        said = "Nobody is due yet in an arm, so nothing can be foreseen."
        return ReturnProspect(
            **labels, **counts, overall=None, differential=None, bound=None, verdict=None,
            needed=None, needed_treatment=None, needed_comparison=None, sentence=said,
        )  # fmt: skip
    then = attrition(arms[0].assigned, arms[0].expected, arms[1].assigned, arms[1].expected)
    needed = returns_needed(
        arms[0].assigned, arms[0].expected, arms[1].assigned, arms[1].expected,
        gone_t=arms[0].gone_then, gone_c=arms[1].gone_then, boundary=plan,
    )  # fmt: skip
    verdict, bound = getattr(then, plan), getattr(then, f"bound_{plan}")
    said = _sentence(arms, then.overall, then.differential, plan, verdict, needed)
    if verdict == "inside" and not _with_those_aside(arms, plan):
        verdict, said = "outside", f"{said} {ASIDE}"
    return ReturnProspect(
        **labels, **counts, overall=then.overall, differential=then.differential, bound=bound,
        verdict=verdict, needed=needed.needed, needed_treatment=needed.needed_treatment,
        needed_comparison=needed.needed_comparison,
        sentence=said,
    )  # fmt: skip


def _arm(name: str, rows: pd.DataFrame) -> _Arm:
    due = rows[rows["step"].isin(TO_FOLLOW)]
    lost = due[due["step"] != "analysed"]
    never = lost[(lost["step"] == "due") & ~fillable(lost)]
    waiting = rows["reason"].isin([NOT_DUE, EARLY])
    aside = rows["reason"].fillna("").astype(str).str.startswith(DECLARED_NOT_DUE)
    counts = (len(due), len(due) - len(lost), int(waiting.sum()), len(never), int(aside.sum()))
    return _Arm(name, *counts)


def _with_those_aside(arms: list[_Arm], boundary: str) -> bool:
    """Whether the loss would be inside the boundary were those not to be asked counted as lost."""
    from evalkit.stats import attrition

    first, second = arms
    found = attrition(
        first.assigned + first.aside,
        first.expected,
        second.assigned + second.aside,
        second.expected,
    )
    return bool(getattr(found, boundary) == "inside")


def _sentence(
    arms: list[_Arm], overall: float, differential: float, boundary: str, verdict: str,
    needed: ReturnsNeeded,
) -> str:  # fmt: skip
    so_far = " and ".join(f"{arm.back} of {arm.due} ({arm.name})" for arm in arms)
    waiting = sum(arm.waiting for arm in arms)
    rest = f", {waiting} are not due yet" if waiting else ""
    lost = f"{written(100 * overall, 0)}% {'will be' if waiting else 'are'} lost"
    text = (
        f"{so_far} of those due can be analysed{rest}. {'At these rates ' if waiting else ''}{lost} and the "
        f"arms differ by {written(100 * differential, 1)} points: {verdict} the {boundary} boundary."
    )
    if verdict == "inside":
        return text
    if needed.needed is None:
        return f"{text} It cannot be reached any more, even if everybody still to be had came back."
    than = "these rates give" if waiting else "so far"
    more = f"{needed.needed} more than {than} would bring it inside"
    shares = (needed.needed_treatment, needed.needed_comparison)
    each = ", ".join(f"{n} {arm.name}" for n, arm in zip(shares, arms, strict=True) if n)
    return f"{text} {more} ({each})."
