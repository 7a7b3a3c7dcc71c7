"""What is known of the programme's delivery at a link: who got it, and how much."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from evalkit.people import taking_part

if TYPE_CHECKING:
    from evalkit.declared_theory import Activity, Link
    from evalkit.study import Study


@dataclass(frozen=True, slots=True)
class Delivered:
    """Of `allocated` people of the activity's roles: how many received it, mean sessions, how many had enough.

    Sessions are those of `n_sessions` people from `n_sessions_families` families.
    """

    allocated: int | None = None
    received: int | None = None
    sessions: float | None = None
    reached: int | None = None
    n_sessions: int | None = None
    n_sessions_families: int | None = None


def delivered(study: Study, link: Link) -> Delivered | None:
    """Return the delivery of the activity that a link starts from or ends in; None where there is none.

    Sessions are recorded once a person, so they are told only where one activity has a dose.
    """
    activity = _activity(study, link)
    if activity is None or study.intake.people.empty:
        return None
    people = taking_part(study.intake.people)
    mine = people[people["placed"].isin(study.evaluation.programmes)]
    if activity.roles:
        mine = mine[mine["role"].isin(activity.roles)]
    got = mine["received"]
    received = int((got == 1).sum()) if got.notna().any() else None
    sessions = mine["sessions"].astype(float)
    dosed = [item for item in study.evaluation.logic_model.part.activities if item.dose]
    if dosed != [activity] or not sessions.notna().any():
        return Delivered(len(mine), received)
    assert activity.dose is not None
    reached = int((sessions >= activity.dose.minimum).sum())
    told = mine[sessions.notna()]
    return Delivered(
        len(mine),
        received,
        float(sessions.mean()),
        reached,
        len(told),
        int(told["family"].nunique()),
    )


def _activity(study: Study, link: Link) -> Activity | None:
    part = study.evaluation.logic_model.part
    source = {output.id: output.source for output in part.outputs}
    ids = (link.start, link.end, source.get(link.start), source.get(link.end))
    return next((activity for activity in part.activities if activity.id in ids), None)
