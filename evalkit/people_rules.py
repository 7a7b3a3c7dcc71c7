"""What the people table must hold, and the problems where it does not."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from evalkit.errors import Problem, Where
from evalkit.placing import periods
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
)

if TYPE_CHECKING:
    from evalkit.evaluation import Evaluation

WORDS = ("age", "site", "family", "role")
"""Columns of the people table that have a rule of their own, or are always words."""
OLDEST = 120


def people_problems(evaluation: Evaluation, table: RawTable) -> list[Problem]:
    """Hold the people table to what the declaration says of it."""
    found = [*no_rows(table), *find_problems(table, _people_rules(evaluation))]
    if "person" in table.frame:
        found += repeated_rows(table, ["person"], "the same person")
    return found + _set_problems(evaluation, table) + _mixed_problems(evaluation, table)


def _mixed_problems(evaluation: Evaluation, table: RawTable) -> list[Problem]:
    """A column of numbers with a stray word would turn into a list of unrelated words."""
    match = evaluation.declared.design.match
    plan, weight = evaluation.declared.analysis, evaluation.declared.design.weight
    names = [
        *plan.covariates, *plan.missing.auxiliary, *(match.covariates if match else ()),
        *(weight.covariates if weight else ()),
    ]  # fmt: skip
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
    if design.wedge:
        yield Rule(
            design.wedge.starts, DATES, is_date, blank_ok=True, why="design.rollout names it"
        )
    if design.match:
        named = [design.match.sets, *design.match.covariates, *design.match.exact]
        for column in filter(None, named):
            yield Rule(column, "a value", blank_ok=True, why="design.match names it")
    for column in design.weight.covariates if design.weight else ():
        yield Rule(column, "a value", blank_ok=True, why="design.weight names it")
    if design.cutoff:
        score = "a number, or blank"
        yield Rule(
            design.cutoff.score, score, is_number, blank_ok=True, why="design.cutoff names it"
        )
    if design.instrument:
        yield Rule(
            design.instrument, "yes, no or blank", is_yes_no, blank_ok=True,
            why="design.instrument names it",
        )  # fmt: skip
    for column in declared.analysis.covariates:
        if column != "baseline":
            yield Rule(column, "a value", blank_ok=True, why="analysis.covariates names it")
    for column in declared.analysis.missing.auxiliary:
        yield Rule(column, "a value", blank_ok=True, why="analysis.missing.auxiliary names it")
    for column in _bias_columns(evaluation):
        yield Rule(column, "a value", blank_ok=True, why="analysis.hidden_bias names it")
    for subgroup in declared.analysis.subgroups:
        yield Rule(subgroup.by, "a value", blank_ok=True, why="analysis.subgroups names it")
    for column in declared.analysis.site_moderators:
        yield Rule(column, "a value", blank_ok=True, why="analysis.site_moderators names it")
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


def _bias_columns(evaluation: Evaluation) -> Iterable[str]:
    """Return the columns that questions about hidden differences name."""
    part = evaluation.declared.analysis.hidden_bias
    if part is None:
        return []
    outcomes = {outcome.id for outcome in evaluation.declared.logic_model.outcomes}
    named = [name for name in part.negative_controls if name not in outcomes]
    chosen = part.specifications.covariates if part.specifications else ()
    named += [name for names in chosen for name in names if name != "baseline"]
    return dict.fromkeys([*named, *([part.placebo_group] if part.placebo_group else [])])


def _is_count(text: str) -> bool:
    return is_number(text) and float(text) >= 0


def _needs_family(evaluation: Evaluation) -> bool:
    declared = evaluation.declared
    units = [indicator.unit for indicator in declared.counted]
    return declared.design.assigned_by == "family" or "family" in units


def _set_problems(evaluation: Evaluation, table: RawTable) -> list[Problem]:
    """A family stands in one arm and in one matched set, a site in one arm with one start.

    Where people were assigned one by one siblings may be in different arms.
    """
    design = evaluation.declared.design
    arm = design.arm.column if design.arm and design.assigned_by != "person" else None
    pairs = [("family", arm), ("family", design.match.sets if design.match else None)]
    if design.assigned_by == "site":
        pairs += [("site", arm), ("site", design.wedge.starts if design.wedge else None)]
    pairs += [("site", column) for column in evaluation.declared.analysis.site_moderators]
    return [
        problem
        for unit, column in pairs
        if column and unit in table.frame and column in table.frame
        for problem in _split_units(table, unit, column)
    ] + [*_half_dated(evaluation, table), *_inside_periods(evaluation, table)]


def _half_dated(evaluation: Evaluation, table: RawTable) -> Iterable[Problem]:
    """A site that starts has its day in every row: where blank it would count as not yet started."""
    column = rollout.starts if (rollout := evaluation.declared.design.wedge) else ""
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

    rollout, flow = evaluation.declared.design.wedge, evaluation.declared.data.flow
    if not rollout or not {"site", rollout.starts, flow.allocated_on} <= set(table.frame):
        return
    entered, starts = (dates(table.column(c)) for c in (flow.allocated_on or "", rollout.starts))
    known = entered.notna() & starts.notna()
    frame = pd.DataFrame({
        "site": table.frame["site"], "period": periods(evaluation, entered),
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
