"""When each area starts, and whether its series allow a before, an after and a comparison."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from evalkit.areas.calendar import name_of, place_of, read_place
from evalkit.errors import Problem, Where, nearest
from evalkit.tables import RawTable, listed, yes_no

if TYPE_CHECKING:
    import pandas as pd

    from evalkit.evaluation import Evaluation

Starts = dict[str, float]
NEVER = float("nan")


def read_starts(
    evaluation: Evaluation, table: RawTable, typed: pd.DataFrame
) -> tuple[Starts, list[Problem]]:
    """Return the first period with the programme in each unit, missing where it never starts."""
    design = evaluation.declared.design
    assert design.series is not None
    kind, rollout = design.series.period, design.rollout
    if rollout is None:
        start = place_of(design.series.start, kind)
        treated = design.series.treated
        own = {unit: float(start) if start is not None else NEVER for unit in treated}
        return {unit: own.get(unit, NEVER) for unit in typed["unit"].unique()}, []
    if isinstance(rollout.starts, dict):
        return _listed_starts(evaluation, rollout.starts, kind, typed)
    if rollout.starts is not None:
        return _column(table, rollout.starts, kind, typed)
    return _running(table, rollout.running or "", typed)


def _listed_starts(
    evaluation: Evaluation,
    starts: Mapping[str, datetime.date | int | None],
    kind: str,
    typed: pd.DataFrame,
) -> tuple[Starts, list[Problem]]:
    found: Starts = {}
    problems, units = [], list(dict.fromkeys(typed["unit"]))
    where = Where(file=evaluation.name, key="design.rollout.starts")
    for unit, start in starts.items():
        if unit not in units:
            what = f"'{unit}' is no unit of the series."
            problems.append(Problem(where, what, listed(units, 6), nearest(unit, units)))
        place = place_of(start, kind)
        found[unit] = NEVER if place is None else float(place)
    unsaid = [unit for unit in units if unit not in starts]
    if unsaid:
        what = f"nothing is said of {listed(unsaid, 6)}."
        step = "Add each with its start, or with nothing (UNIT: null) where it never starts."
        problems.append(Problem(where, what, "a start for every unit", step))
    return found, problems


def _column(
    table: RawTable, column: str, kind: str, typed: pd.DataFrame
) -> tuple[Starts, list[Problem]]:
    found: Starts = {}
    problems = []
    for unit, rows in typed.groupby("unit", sort=False):
        texts = table.frame.loc[rows.index, column]
        places = {read_place(text, kind) for text in texts.unique()}
        if len(places) > 1:
            where = Where(file=table.name, row=int(rows.index[0]), column=column)
            what = (
                f"'{unit}' has more than one start ({listed(texts.replace('', 'blank').unique())})."
            )
            step = "Write the same start in all its rows, or leave them all blank."
            problems.append(Problem(where, what, "one start a unit", step))
        place = next(iter(places))
        found[str(unit)] = NEVER if place is None else float(place)
    return found, problems


def _running(table: RawTable, column: str, typed: pd.DataFrame) -> tuple[Starts, list[Problem]]:
    """Read starts from a yes-or-no column; what runs and then stops is no roll-out."""
    found: Starts = {}
    problems = []
    runs = yes_no(table.column(column))
    for unit, rows in typed.assign(runs=runs).groupby("unit", sort=False):
        by_period = rows.groupby("place")["runs"].agg(["min", "max"])
        first = by_period.index[by_period["max"] == 1]
        place = float(first.min()) if len(first) else NEVER
        stopped = rows[(rows["runs"] == 0) & (rows["place"] >= place)]
        if len(stopped):
            row = stopped.sort_values("place").index[0]
            where = Where(file=table.name, row=int(row), column=column)
            what = (
                f"the programme runs in '{unit}' and in {stopped.loc[row, 'period']} no longer does: "
                "a roll-out cannot tell what is left of it afterwards."
            )
            step = "Correct the cell, or leave out the periods after the end and say so."
            problems.append(Problem(where, what, "yes from the start on", step))
        found[str(unit)] = place
    return found, problems


def start_problems(
    evaluation: Evaluation, table: RawTable, typed: pd.DataFrame
) -> Iterable[Problem]:
    """Yield what keeps the series from having a before, an after and units to compare with."""
    design = evaluation.declared.design
    assert design.series is not None
    kind = design.series.period
    known = typed[typed["value"].notna()]
    for indicator, rows in known.groupby("indicator", sort=False):
        first, last = int(rows["place"].min()), int(rows["place"].max())
        span = f"{indicator} has values from {name_of(first, kind)} to {name_of(last, kind)}"
        if design.rollout is None:
            start = place_of(design.series.start, kind) or 0
            if not first < start <= last:
                where = Where(file=evaluation.name, key="design.series.start")
                what = f"the start {name_of(start, kind)} lies outside the series: {span}."
                allowed = f"{name_of(first + 1, kind)} to {name_of(last, kind)}"
                step = "Correct the start, or add the periods before and after it."
                yield Problem(where, what, allowed, step)
            continue
        yield from _no_roll_out(evaluation, rows, first, last, span)


def _no_roll_out(
    evaluation: Evaluation, rows: pd.DataFrame, first: int, last: int, span: str
) -> Iterable[Problem]:
    rollout, series = evaluation.declared.design.rollout, evaluation.declared.design.series
    assert rollout is not None and series is not None
    key = "design.rollout.starts" if rollout.starts is not None else "design.rollout.running"
    starts = rows.groupby("unit")["start"].first()
    inside = (starts > first) & (starts <= last)
    noun = series.unit
    if not inside.any():
        what = f"the programme starts in no {noun} inside the series, so nothing changes: {span}."
        step = "Correct the starts, or add the periods before and after them."
        yield Problem(Where(file=evaluation.name, key=key), what, "", step)
        return
    never = starts.isna() | (starts > last)
    if not never.any() and (rollout.comparison or "never") == "never":
        where = Where(file=evaluation.name, key="design.rollout.comparison")
        what = f"every {noun} starts by the end of the series, so none is left that never does."
        step = f"Use comparison: not-yet, which compares with each {noun} until it starts."
        yield Problem(where, what, "never, not-yet", step)
