"""The people table: what it must hold, and its typed form with everyone's way in.

The typed frame is indexed by person and always has the columns person, family, role, site, treated
(1, 0 or NaN), set, eligible, consent, received, allocated_on, left_on, left_reason, sessions,
entry (why somebody was never allocated, else None) and withdrawn (why the answers of somebody
allocated may not be used, else None).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

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
    if design.assigned_by == "site":
        yield Rule("site", "the site", why="assignment is by site")
    years = f"a number of years from 0 to {OLDEST}"
    yield Rule("age", years, _is_age, blank_ok=True, required=False)
    if design.arm:
        arm = design.arm
        words = [arm.treated, arm.comparison]
        allowed = f"{words[0]}, {words[1]}, or blank if never allocated"
        yield among(words, arm.column, allowed, blank_ok=True, why="design.arm names it")
    if design.match:
        for column in filter(None, [design.match.sets, *design.match.covariates]):
            yield Rule(column, "a value", blank_ok=True, why="design.match names it")
    for column in declared.analysis.covariates:
        if column != "baseline":
            yield Rule(column, "a value", blank_ok=True, why="analysis.covariates names it")
    for column in declared.needs.by:
        yield Rule(
            column, "a value", blank_ok=True, required=column != "role", why="needs.by names it"
        )
    for column in filter(None, [flow.eligible, flow.received, flow.consent]):
        yield Rule(column, "yes, no or blank", is_yes_no, blank_ok=True, why="data.flow names it")
    for column in filter(None, [flow.allocated_on, flow.left_on]):
        yield Rule(column, DATES, is_date, blank_ok=True, why="data.flow names it")
    for column in filter(None, [flow.left_reason]):
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
    """A family stands in one arm and, where families are matched, in one matched set."""
    design = evaluation.declared.design
    columns = [
        design.arm.column if design.arm else None,
        design.match.sets if design.match else None,
    ]
    if "family" not in table.frame:
        return []
    if design.assigned_by == "person":
        columns = columns[1:]  # siblings may be in different arms, not in different matched sets
    problems = []
    for column in (name for name in columns if name and name in table.frame):
        filled = table.frame[(table.frame[column] != "") & (table.frame["family"] != "")]
        values = filled.groupby("family")[column].nunique()
        for family in values.index[values > 1]:
            rows = filled.index[filled["family"] == family]
            where = Where(file=table.name, row=int(rows[0]), column=column)
            what = f"family '{family}' has more than one value (rows {', '.join(map(str, rows))})."
            problems.append(Problem(where, what, "one value a family", "Correct the rows."))
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
    people["treated"] = _treated(evaluation, table)
    people["set"] = _sets(evaluation, table)
    people["set"] = people["set"].where(_has_both_arms(people["set"], people["treated"]), None)
    people["eligible"] = _flag(table, flow.eligible)
    people["consent"] = _consent(table, flow.consent)
    people["received"] = _flag(table, flow.received)
    people["allocated_on"] = _day(table, flow.allocated_on)
    people["left_on"] = _day(table, flow.left_on)
    people["left_reason"] = _words(table, flow.left_reason or "", np.array(None))
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
    return found + list(_odd_arms(evaluation, people))


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
        for name, value in ((arm.treated, 1.0), (arm.comparison, 0.0)):
            if not (people["treated"] == value).any():
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


def _alone(table: RawTable) -> Any:
    """Return a family id for each person without one, which no family of the table has."""
    persons = table.frame["person"].to_numpy(dtype=object)
    taken = set(table.frame["family"]) if "family" in table.frame else set()
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


def _treated(evaluation: Evaluation, table: RawTable) -> Any:
    import numpy as np

    arm = evaluation.declared.design.arm
    if arm is None:
        return np.ones(len(table.frame))
    cells = table.column(arm.column)
    return np.where(cells == arm.treated, 1.0, np.where(cells == arm.comparison, 0.0, np.nan))


def _has_both_arms(sets: pd.Series[str], treated: pd.Series[float]) -> pd.Series[bool]:
    """Whether each person's matched set holds people of both arms; with one arm it is no match."""
    both = treated.groupby(sets).nunique() == 2
    return sets.isin(both.index[both])


def _sets(evaluation: Evaluation, table: RawTable) -> Any:
    import numpy as np

    match = evaluation.declared.design.match
    return _words(table, (match.sets or "") if match else "", np.array(None))
