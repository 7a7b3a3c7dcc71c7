"""What is odd about the people table without being wrong, in sentences that hold no count."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from evalkit.days import start_days
from evalkit.people import EVENT

if TYPE_CHECKING:
    import pandas as pd

    from evalkit.evaluation import Evaluation

ARM_NAMES = ("arm", "group", "treatment")


def oddities(evaluation: Evaluation, people: pd.DataFrame) -> list[str]:
    """Return what is odd about the typed people table, in sentences that hold no count."""
    import pandas as pd

    as_of = evaluation.declared.data.as_of
    found = []
    if as_of is not None and (people["allocated_on"] > pd.Timestamp(as_of)).any():
        found.append("some people were allocated after the day the data end (as_of)")
    if (people["left_on"] < people["allocated_on"]).any():
        found.append("some people left before they were allocated")
    if (people["sessions"] > people["role"].map(_offered(evaluation))).any():
        found.append("some people attended more sessions than were offered")
    return [*found, *_odd_plan(evaluation, people), *_odd_arms(evaluation, people)]


def _odd_plan(evaluation: Evaluation, people: pd.DataFrame) -> Iterable[str]:
    """Say what the strata, groups, events and sites of the design leave open."""
    design, placed = evaluation.declared.design, people[people["treated"].notna()]
    for name in design.strata:
        if placed[name].isna().any():
            yield f"some people have no {name}, and are a stratum of their own"
    if design.groups:
        recorded = placed[design.groups].notna()
        if (recorded & (placed["treated"] == 0)).any():
            yield "some people of the comparison arm have a group, which is not used"
        if (~recorded & (placed["treated"] == 1)).any():
            yield "some people offered the programme have no group, and are taken one by one"
    for event in design.events:
        if (people[f"{EVENT} {event.id}"] < start_days(evaluation, people)).any():
            name = event.name or event.id.replace("-", " ")
            yield f"for some people the day of {name} lies before they were allocated"
    if design.wedge:
        yield from _odd_rollout(evaluation, placed, design.wedge.starts)


def _odd_rollout(evaluation: Evaluation, placed: pd.DataFrame, starts: str) -> Iterable[str]:
    import pandas as pd

    if placed[starts].isna().any():
        yield "some sites have no day of start, and count as not yet started throughout"
    if (placed["allocated_on"] < pd.Timestamp(evaluation.declared.programme.start)).any():
        yield "some people came in before the programme started, and count in calendar periods of their own"


def _offered(evaluation: Evaluation) -> dict[str, float]:
    """Return the sessions offered to each role, where every activity for it states its dose."""
    offered = {}
    for role in (role.id for role in evaluation.roles):
        theirs = [
            item.dose.offered if item.dose else float("nan")
            for item in evaluation.declared.logic_model.activities
            if not item.roles or role in item.roles
        ]
        offered[role] = float(sum(theirs)) if theirs else float("nan")
    return offered


def _odd_arms(evaluation: Evaluation, people: pd.DataFrame) -> Iterable[str]:
    arm = evaluation.declared.design.arm
    if arm is not None:
        for name in (*arm.programmes, arm.comparison):
            if not (people["placed"] == name).any():
                yield f"the arm '{name}' has nobody"
        return
    for column in people.columns:
        if str(column).lower() in ARM_NAMES and people[column].nunique() == 2:
            yield (
                f"the people table has a column '{column}' that the design does not use, "
                "so both arms are read as one group"
            )
