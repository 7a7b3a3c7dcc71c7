"""The people table: what it must hold, and its typed form with everyone's way in.

The typed frame is indexed by person and always has the columns person, family, role, site, placed
(the arm's name), treated (1 in any programme arm, 0 in the comparison, or NaN), set, stratum, group_id,
period, eligible, consent, received, allocated_on, left_on, left_reason, sessions, nudged (by the instrument),
entry (why somebody was never allocated, else None) and withdrawn (why the answers of somebody
allocated may not be used, else None).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalkit.people_columns import alone, consent, count_of, day, flag, words
from evalkit.placing import groups, has_both_arms, periods, placed, sets, stratum, treated
from evalkit.tables import (
    RawTable,
    typed,
)

if TYPE_CHECKING:
    import pandas as pd

    from evalkit.evaluation import Evaluation

EVENT = "event"
"""Heads the columns of the typed table with the day of an intercurrent event."""
NOT_ELIGIBLE, NO_CONSENT, NEVER = "not eligible", "no consent", "never allocated"
AFTER_ALL = {
    NOT_ELIGIBLE: "allocated, then found not eligible",
    NO_CONSENT: "allocated, but no consent",
}


def type_people(evaluation: Evaluation, table: RawTable) -> pd.DataFrame:
    """Type the people table; standard columns are there whether or not the file has them."""
    import numpy as np

    frame, flow = table.frame, evaluation.declared.data.flow
    people = frame.apply(typed).set_index(frame["person"]) if len(frame) else frame
    people = people.assign(person=frame["person"].to_numpy())
    people["family"] = words(table, "family", alone(table))
    people["role"] = words(table, "role", np.array(evaluation.roles[0].id))
    people["site"] = words(table, "site", np.array(None))
    people["allocated_on"] = day(table, flow.allocated_on)
    people["placed"] = placed(evaluation, table, people["allocated_on"])
    people["treated"] = treated(evaluation, people["placed"])
    people["stratum"] = stratum(evaluation, table)
    people["group_id"] = groups(evaluation, table, people["treated"])
    people["period"] = periods(evaluation, people["allocated_on"])
    for event in evaluation.declared.design.events:
        people[f"{EVENT} {event.id}"] = day(table, event.on)
    people["set"] = sets(evaluation, table)
    people["set"] = people["set"].where(has_both_arms(people["set"], people["treated"]), None)
    people["eligible"] = flag(table, flow.eligible)
    people["consent"] = consent(table, flow.consent)
    people["received"] = flag(table, flow.received)
    people["left_on"] = day(table, flow.left_on)
    people["left_reason"] = words(table, flow.left_reason or "", np.array(None))
    people["not_received_reason"] = words(table, flow.not_received_reason or "", np.array(None))
    people["sessions"] = count_of(table, flow.sessions)
    people["nudged"] = flag(table, evaluation.declared.design.instrument)
    return _with_entry(evaluation, people)


def _with_entry(evaluation: Evaluation, people: pd.DataFrame) -> pd.DataFrame:
    """Say of everyone why they were never allocated, or why their answers may not be used.

    In a trial whoever has an arm was randomised and stays counted there: somebody found ineligible
    or withdrawing consent afterwards is lost to the comparison, not absent from it.
    """
    import numpy as np

    barred = np.select(
        [people["eligible"] == 0, people["consent"] == 0], [NOT_ELIGIBLE, NO_CONSENT], default=""
    )
    treated = people["treated"]
    placed = treated.notna() if evaluation.design.comparison_group else treated == 1
    allocated = placed.to_numpy() & (evaluation.design.randomised | (barred == ""))
    nothing = np.array(None, dtype=object)
    entry = np.where(allocated, nothing, np.where(barred == "", NEVER, barred.astype(object)))
    later = [AFTER_ALL.get(str(reason)) for reason in barred]
    withdrawn = np.where(allocated, np.array(later, dtype=object), nothing)
    return people.assign(entry=entry, withdrawn=withdrawn)


def taking_part(people: pd.DataFrame) -> pd.DataFrame:
    """Return the people who were allocated and whose answers may be used."""
    return people[people["entry"].isna() & people["withdrawn"].isna()]
