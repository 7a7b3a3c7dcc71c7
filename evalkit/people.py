"""The people table: what it must hold, and its typed form with everyone's way in.

The typed frame is indexed by person and always has the columns person, family, role, site, placed
(the arm's name), treated (1 in any programme arm, 0 in the comparison, or NaN), set, stratum, group_id,
period, eligible, consent, received, allocated_on, left_on, left_reason, sessions,
entry (why somebody was never allocated, else None) and withdrawn (why the answers of somebody
allocated may not be used, else None).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from evalkit.days import start_days
from evalkit.errors import Problem, Where
from evalkit.rules import Rule, among, find_problems, found_in, no_rows, repeated_rows
from evalkit.shapes import describe
from evalkit.tables import (
    DATES,
    RawTable,
    dates,
    is_date,
    is_number,
    is_oversized,
    is_yes_no,
    numbers,
    typed,
    yes_no,
)

if TYPE_CHECKING:
    import pandas as pd

    from evalkit.evaluation import Evaluation

WORDS = ("age", "site", "family", "role")
"""Columns of the people table that have a rule of their own, or are always words."""
ARM_NAMES = ("arm", "group", "treatment")
OLDEST = 120
EVENT = "event"
"""Heads the columns of the typed table with the day of an intercurrent event."""
NOT_ELIGIBLE, NO_CONSENT, NEVER = "not eligible", "no consent", "never allocated"
AFTER_ALL = {
    NOT_ELIGIBLE: "allocated, then found not eligible",
    NO_CONSENT: "allocated, but no consent",
}


def people_problems(evaluation: Evaluation, table: RawTable) -> list[Problem]:
    """Hold the people table to what the declaration says of it."""
    found = [*no_rows(table), *find_problems(table, _people_rules(evaluation))]
    if "person" in table.frame:
        found += repeated_rows(table, ["person"], "the same person")
    return found + _set_problems(evaluation, table) + _mixed_problems(evaluation, table)


def _mixed_problems(evaluation: Evaluation, table: RawTable) -> list[Problem]:
    """A column of numbers with a stray word would turn into a list of unrelated words."""
    match = evaluation.declared.design.match
    names = [*evaluation.declared.analysis.covariates, *(match.covariates if match else ())]
    problems = []
    for name in dict.fromkeys(names):
        if name == "baseline" or name in WORDS or name not in table.frame:
            continue
        filled = table.frame.loc[table.frame[name] != "", name]
        good = filled.map(is_number).astype(bool)
        if 2 * good.sum() > len(filled) or filled.map(is_oversized).any():
            for text, cells in filled[~good].groupby(filled[~good], sort=False):
                rows = [int(str(row)) for row in cells.index]
                where = Where(file=table.name, row=rows[0], column=name)
                what = f"found {describe(text)} among numbers{found_in(rows)}."
                step = "Correct the cell; leave it blank where the number is not known."
                problems.append(Problem(where, what, "a number, or blank", step))
    return problems


def _people_rules(evaluation: Evaluation) -> Iterable[Rule]:
    declared = evaluation.declared
    flow, design = declared.data.flow, declared.design
    yield Rule("person", "an id for each person")
    roles = [role.id for role in declared.roles]
    if len(roles) > 1:
        yield among(roles, "role", why="several roles are declared")
    if _needs_family(evaluation):
        yield Rule("family", "the id of the family", blank_ok=False, why="families are declared")
    if design.assigned_by == "site" or evaluation.design.within_sites:
        yield Rule("site", "the site", why="the design rests on sites")
    years = f"a number of years from 0 to {OLDEST}"
    yield Rule("age", years, _is_age, blank_ok=True, required=False)
    if design.arm:
        arm = design.arm
        words = [*arm.programmes, arm.comparison]
        allowed = f"{', '.join(words)}, or blank if never allocated"
        yield among(words, arm.column, allowed, blank_ok=True, why="design.arm names it")
    rule = design.minimise
    balanced = [*rule.by, rule.order] if rule else []
    for column in filter(None, [*design.strata, design.groups, *balanced]):
        yield Rule(column, "a value", blank_ok=True, why="design names it")
    for event in design.events:
        if event.on:
            yield Rule(event.on, DATES, is_date, blank_ok=True, why="design.events names it")
    if design.rollout:
        yield Rule(
            design.rollout.starts, DATES, is_date, blank_ok=True, why="design.rollout names it"
        )
    if design.match:
        for column in filter(None, [design.match.sets, *design.match.covariates]):
            yield Rule(column, "a value", blank_ok=True, why="design.match names it")
    for column in declared.analysis.covariates:
        if column != "baseline":
            yield Rule(column, "a value", blank_ok=True, why="analysis.covariates names it")
    for subgroup in declared.analysis.subgroups:
        yield Rule(subgroup.by, "a value", blank_ok=True, why="analysis.subgroups names it")
    for column in declared.needs.by:
        yield Rule(
            column, "a value", blank_ok=True, required=column != "role", why="needs.by names it"
        )
    for column in filter(None, [flow.eligible, flow.received, flow.consent]):
        yield Rule(column, "yes, no or blank", is_yes_no, blank_ok=True, why="data.flow names it")
    for column in filter(None, [flow.allocated_on, flow.left_on]):
        yield Rule(column, DATES, is_date, blank_ok=True, why="data.flow names it")
    for column in filter(None, [flow.left_reason, flow.not_received_reason]):
        yield Rule(column, "a reason", blank_ok=True, why="data.flow names it")
    for column in filter(None, [flow.sessions]):
        yield Rule(
            column, "a number, 0 or more", _is_count, blank_ok=True, why="data.flow names it"
        )


def _is_age(text: str) -> bool:
    return is_number(text) and 0 <= float(text) <= OLDEST


def _is_count(text: str) -> bool:
    return is_number(text) and float(text) >= 0


def _needs_family(evaluation: Evaluation) -> bool:
    declared = evaluation.declared
    units = [indicator.unit for indicator in declared.indicators]
    return declared.design.assigned_by == "family" or "family" in units


def _set_problems(evaluation: Evaluation, table: RawTable) -> list[Problem]:
    """A family stands in one arm and in one matched set, a site in one arm with one start.

    Where people were assigned one by one siblings may be in different arms.
    """
    design = evaluation.declared.design
    arm = design.arm.column if design.arm and design.assigned_by != "person" else None
    pairs = [("family", arm), ("family", design.match.sets if design.match else None)]
    if design.assigned_by == "site":
        pairs += [("site", arm), ("site", design.rollout.starts if design.rollout else None)]
    return [
        problem
        for unit, column in pairs
        if column and unit in table.frame and column in table.frame
        for problem in _split_units(table, unit, column)
    ] + [*_half_dated(evaluation, table), *_inside_periods(evaluation, table)]


def _half_dated(evaluation: Evaluation, table: RawTable) -> Iterable[Problem]:
    """A site that starts has its day in every row: where blank it would count as not yet started."""
    column = rollout.starts if (rollout := evaluation.declared.design.rollout) else ""
    frame = table.frame
    if not column or "site" not in frame or column not in frame:
        return
    dated = frame["site"].isin(frame.loc[frame[column] != "", "site"]) & (frame["site"] != "")
    for site, rows in frame[dated & (frame[column] == "")].groupby("site", sort=True):
        where = Where(file=table.name, row=int(rows.index[0]), column=column)
        what = f"site '{site}' has its start in some rows and not in others{found_in(list(rows.index))}."
        yield Problem(where, what, "one value a site", "Fill the day in, or blank it throughout.")


def _inside_periods(evaluation: Evaluation, table: RawTable) -> Iterable[Problem]:
    """A site that starts inside a calendar period has people of both kinds in it."""
    import pandas as pd

    rollout, flow = evaluation.declared.design.rollout, evaluation.declared.data.flow
    if not rollout or not {"site", rollout.starts, flow.allocated_on} <= set(table.frame):
        return
    entered, starts = (dates(table.column(c)) for c in (flow.allocated_on or "", rollout.starts))
    known = entered.notna() & starts.notna()
    frame = pd.DataFrame({
        "site": table.frame["site"], "period": _periods(evaluation, entered),
        "after": entered >= starts, "start": starts,
    })[known]  # fmt: skip
    both = frame.groupby(["site", "period"])["after"].transform("nunique") > 1
    for site, rows in frame[both].groupby("site", sort=True):
        where = Where(file=table.name, row=int(str(rows.index[0])), column=rollout.starts)
        what = (
            f"site '{site}' starts on {rows['start'].iloc[0]:%Y-%m-%d}, inside a calendar period of "
            f"{rollout.period} counted from programme.start, and people came in on both sides of it."
        )
        step = "Choose a period that ends where sites start, or correct the day."
        yield Problem(where, what, "the first day of a period", step)


def _split_units(table: RawTable, unit: str, column: str) -> list[Problem]:
    """Name the families or sites whose rows differ in a column that belongs to all of them."""
    filled = table.frame[(table.frame[column] != "") & (table.frame[unit] != "")]
    values = filled.groupby(unit)[column].nunique()
    problems = []
    for name in values.index[values > 1]:
        rows = filled.index[filled[unit] == name]
        where = Where(file=table.name, row=int(rows[0]), column=column)
        listed = ", ".join(map(str, rows[:8])) + (", ..." if len(rows) > 8 else "")
        what = f"{unit} '{name}' has more than one value (rows {listed})."
        problems.append(Problem(where, what, f"one value a {unit}", "Correct the rows."))
    return problems


def type_people(evaluation: Evaluation, table: RawTable) -> pd.DataFrame:
    """Type the people table; standard columns are there whether or not the file has them."""
    import numpy as np

    frame, flow = table.frame, evaluation.declared.data.flow
    people = frame.apply(typed).set_index(frame["person"]) if len(frame) else frame
    people = people.assign(person=frame["person"].to_numpy())
    people["family"] = _words(table, "family", _alone(table))
    people["role"] = _words(table, "role", np.array(evaluation.roles[0].id))
    people["site"] = _words(table, "site", np.array(None))
    people["allocated_on"] = _day(table, flow.allocated_on)
    people["placed"] = _placed(evaluation, table, people["allocated_on"])
    people["treated"] = _treated(evaluation, people["placed"])
    people["stratum"] = _stratum(evaluation, table)
    people["group_id"] = _groups(evaluation, table, people["treated"])
    people["period"] = _periods(evaluation, people["allocated_on"])
    for event in evaluation.declared.design.events:
        people[f"{EVENT} {event.id}"] = _day(table, event.on)
    people["set"] = _sets(evaluation, table)
    people["set"] = people["set"].where(_has_both_arms(people["set"], people["treated"]), None)
    people["eligible"] = _flag(table, flow.eligible)
    people["consent"] = _consent(table, flow.consent)
    people["received"] = _flag(table, flow.received)
    people["left_on"] = _day(table, flow.left_on)
    people["left_reason"] = _words(table, flow.left_reason or "", np.array(None))
    people["not_received_reason"] = _words(table, flow.not_received_reason or "", np.array(None))
    people["sessions"] = _count(table, flow.sessions)
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
    if design.rollout:
        yield from _odd_rollout(evaluation, placed, design.rollout.starts)


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


def _words(table: RawTable, column: str, otherwise: Any) -> Any:
    import numpy as np

    if column not in table.frame:
        return np.broadcast_to(np.asarray(otherwise, dtype=object), len(table.frame))
    cells = table.frame[column].to_numpy(dtype=object)
    return np.where(cells == "", np.asarray(otherwise, dtype=object), cells)


def _alone(table: RawTable, column: str = "family") -> Any:
    """Return an id for each person without a family (or group), which none of the table has."""
    persons = table.frame["person"].to_numpy(dtype=object)
    taken = set(table.frame[column]) if column in table.frame else set()
    return persons if taken.isdisjoint(persons) else "person " + persons


def _flag(table: RawTable, column: str | None) -> Any:
    import numpy as np

    return yes_no(table.column(column)).to_numpy() if column else np.full(len(table.frame), np.nan)


def _consent(table: RawTable, column: str | None) -> Any:
    """Return consent as a flag; where consent is recorded, a blank is not consent."""
    import numpy as np

    flag = np.asarray(_flag(table, column), dtype=float)
    return np.where(np.isnan(flag), 0.0, flag) if column else flag


def _day(table: RawTable, column: str | None) -> Any:
    import pandas as pd

    if column:
        return dates(table.column(column)).to_numpy()
    return pd.Series(pd.NaT, index=table.frame.index).astype("datetime64[ns]").to_numpy()


def _count(table: RawTable, column: str | None) -> Any:
    import numpy as np

    return numbers(table.column(column)).to_numpy() if column else np.full(len(table.frame), np.nan)


def _placed(evaluation: Evaluation, table: RawTable, entered: pd.Series[pd.Timestamp]) -> Any:
    """Return the name of each person's arm, or None for those never allocated.

    In a staggered start it follows the day a person came in: from the day their site starts they
    are offered the programme.
    """
    import numpy as np

    design = evaluation.declared.design
    programme = evaluation.arm_names[0]
    nothing = np.array(None, dtype=object)
    if design.rollout:
        starts = _day(table, design.rollout.starts)
        inside = np.where(entered.to_numpy() >= starts, programme, evaluation.arm_names[1])
        return np.where(entered.notna(), inside.astype(object), nothing)
    if design.arm is None:
        return np.full(len(table.frame), programme, dtype=object)
    cells = table.column(design.arm.column).to_numpy(dtype=object)
    return np.where(np.isin(cells, evaluation.arm_names), cells, nothing)


def _treated(evaluation: Evaluation, placed: pd.Series[str]) -> Any:
    """Return 1 for any programme arm, 0 for the comparison, NaN for those never allocated."""
    import numpy as np

    arm = evaluation.declared.design.arm
    other = arm.comparison if arm else evaluation.arm_names[-1]
    compared = (placed == other) & (other not in evaluation.programmes)
    return np.where(placed.isna(), np.nan, np.where(compared, 0.0, 1.0))


def _stratum(evaluation: Evaluation, table: RawTable) -> Any:
    """Return the strata randomised within as one label a person; None without strata."""
    import numpy as np

    columns = evaluation.strata
    if not columns:
        return np.full(len(table.frame), None, dtype=object)
    parts = [table.column(name).where(table.column(name) != "", "not recorded") for name in columns]
    label = parts[0]
    for part in parts[1:]:
        label = label + " / " + part
    return label.to_numpy(dtype=object)


def _groups(evaluation: Evaluation, table: RawTable, treated: pd.Series[float]) -> Any:
    """Return the group that each person is given the programme in; alone without one or outside it."""
    import numpy as np

    column = evaluation.declared.design.groups or ""
    alone = _alone(table, column)
    return np.where(treated == 0, alone, _words(table, column, alone))


def _periods(evaluation: Evaluation, entered: pd.Series[pd.Timestamp]) -> Any:
    """Return the calendar period, counted from 0, in which each person came in; NaN without one."""
    import numpy as np
    import pandas as pd

    rollout, start = evaluation.declared.design.rollout, evaluation.declared.programme.start
    if rollout is None:
        return np.full(len(entered), np.nan)
    assert start is not None
    early = np.floor((entered - pd.Timestamp(start)).dt.days / rollout.period.days)
    edges, last = [pd.Timestamp(start)], entered.max()
    while edges[-1] <= last:
        step = replace(rollout.period, number=len(edges) * rollout.period.number)
        edges.append(pd.Timestamp(step.after(start)))
    late = np.searchsorted(np.array(edges), entered.to_numpy(), side="right") - 1.0
    return np.where(early < 0, early, np.where(entered.isna(), np.nan, late))


def _has_both_arms(sets: pd.Series[str], treated: pd.Series[float]) -> pd.Series[bool]:
    """Whether each person's matched set holds people of both arms; with one arm it is no match."""
    both = treated.groupby(sets).nunique() == 2
    return sets.isin(both.index[both])


def _sets(evaluation: Evaluation, table: RawTable) -> Any:
    import numpy as np

    match = evaluation.declared.design.match
    return _words(table, (match.sets or "") if match else "", np.array(None))
