"""The series table: what it must hold, and its typed form with every period numbered."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from evalkit.areas.calendar import allowed, name_of, read_place
from evalkit.areas.starting import read_starts, start_problems
from evalkit.errors import Problem, Where
from evalkit.rules import Rule, among, find_problems, found_in, no_rows
from evalkit.tables import RawTable, is_number, is_yes_no, listed, numbers

if TYPE_CHECKING:
    import pandas as pd

    from evalkit.declared_plan import DesignPart
    from evalkit.evaluation import Evaluation

COLUMNS = ("unit", "period", "place", "indicator", "value", "denominator", "start")
MORE = 6


def take_series(evaluation: Evaluation, table: RawTable) -> tuple[pd.DataFrame, list[Problem]]:
    """Type the series table, or return every problem in it.

    One row a unit, period and indicator: `place` numbers the period, `period` names it, `start` is
    the number of the first period with the programme there (missing where it never starts).
    """
    import pandas as pd

    problems = [*no_rows(table), *find_problems(table, _rules(evaluation))]
    if problems:
        return no_series(), problems
    kind = _kind(evaluation)
    frame = table.frame
    places = {text: read_place(text, kind) for text in frame["period"].unique()}
    typed = pd.DataFrame({
        "unit": frame["unit"], "place": frame["period"].map(places).astype(int),
        "indicator": frame["indicator"], "value": numbers(frame["value"]),
    })  # fmt: skip
    blank = pd.Series("", index=frame.index, dtype=object)
    typed["denominator"] = numbers(frame.get("denominator", blank))
    typed["period"] = typed["place"].map(lambda place: name_of(int(place), kind))
    problems = [*_twice(table, typed), *_amounts(evaluation, table, typed)]
    problems += [*_absent(evaluation, table, typed), *_units(evaluation, table, typed)]
    if problems:
        return no_series(), problems
    starts, problems = read_starts(evaluation, table, typed)
    typed["start"] = typed["unit"].map(starts).astype(float)
    if not problems:
        problems = list(start_problems(evaluation, table, typed))
    return typed[list(COLUMNS)].reset_index(drop=True), problems


def no_series() -> pd.DataFrame:
    """Return a table of series without rows."""
    import pandas as pd

    return pd.DataFrame(columns=list(COLUMNS))


def _kind(evaluation: Evaluation) -> str:
    series = evaluation.declared.design.series
    return series.period if series else "month"


def _rules(evaluation: Evaluation) -> Iterable[Rule]:
    kind, design = _kind(evaluation), evaluation.declared.design
    traced = evaluation.declared.traced
    why = "rates are stated per a denominator"
    yield Rule("unit", "the name of the unit")
    yield Rule("period", allowed(kind), lambda text: read_place(text, kind) is not None)
    yield among([item.id for item in traced], "indicator")
    yield Rule("value", "a number, or blank where it is not known", is_number, blank_ok=True)
    yield Rule(
        "denominator", "a number above 0, or blank", lambda text: is_number(text) and float(text) > 0,
        blank_ok=True, required=any(item.per for item in traced), why=why,
    )  # fmt: skip
    yield from _start_rules(design, kind)


def _start_rules(design: DesignPart, kind: str) -> Iterable[Rule]:
    rollout = design.rollout
    if rollout is None:
        return
    why = "design.rollout names it"
    if isinstance(rollout.starts, str):
        good = allowed(kind) + ", or blank if it never starts"
        yield Rule(
            rollout.starts, good, lambda text: read_place(text, kind) is not None, blank_ok=True,
            why=why,
        )  # fmt: skip
    if rollout.running:
        yield Rule(rollout.running, "yes or no", is_yes_no, why=why)


def _twice(table: RawTable, typed: pd.DataFrame) -> Iterable[Problem]:
    """Two rows for one period of one unit and indicator; two days of a month are one period."""
    keys = ["unit", "indicator", "place"]
    again = typed[typed.duplicated(keys, keep=False)]
    for (unit, indicator, _), rows in again.groupby(keys, sort=False):
        listed_rows = ", ".join(map(str, rows.index))
        where = Where(file=table.name, row=int(rows.index[0]), column="period")
        what = (
            f"'{unit}' has {len(rows)} values of {indicator} in {rows['period'].iloc[0]} "
            f"(rows {listed_rows})."
        )
        step = "Keep the right row, remove the others."
        yield Problem(where, what, "one row a unit, period and indicator", step)


def _amounts(evaluation: Evaluation, table: RawTable, typed: pd.DataFrame) -> Iterable[Problem]:
    """Counts that are set against a denominator are not negative, and each has one."""
    for indicator in evaluation.declared.traced:
        mine = typed[typed["indicator"] == indicator.id]
        known = mine["value"].notna()
        if indicator.per is None:
            rows = list(mine.index[mine["denominator"].notna()])
            if rows:
                what = (
                    f"{indicator.id} has denominators{found_in(rows)}, and is stated per nothing."
                )
                step = "Add per: {count: 1000, of: population} to the indicator, or blank them."
                yield Problem(Where(table.name, rows[0], "denominator"), what, "", step)
            continue
        below = list(mine.index[known & (mine["value"] < 0)])
        if below:
            what = f"{indicator.id} is counted, and found below 0{found_in(below)}."
            yield Problem(
                Where(table.name, below[0], "value"), what, "0 or more", "Correct the cell."
            )
        bare = list(mine.index[known & mine["denominator"].isna()])
        if bare:
            what = f"{indicator.id} has a value without a denominator{found_in(bare)}."
            step = "Fill it in; blank the value too where it is not known."
            yield Problem(Where(table.name, bare[0], "denominator"), what, "a number above 0", step)


def _absent(evaluation: Evaluation, table: RawTable, typed: pd.DataFrame) -> Iterable[Problem]:
    used = {outcome.indicator for outcome in evaluation.logic_model.outcomes}
    for indicator in evaluation.declared.traced:
        mine = typed[(typed["indicator"] == indicator.id) & typed["value"].notna()]
        if indicator.id in used and mine.empty:
            what = f"no row has a value of the indicator '{indicator.id}'."
            step = "Add its rows, or take the indicator out."
            yield Problem(Where(file=table.name, column="indicator"), what, "", step)


def _units(evaluation: Evaluation, table: RawTable, typed: pd.DataFrame) -> Iterable[Problem]:
    """Every unit that the design names is in the table."""
    from evalkit.errors import nearest

    series = evaluation.declared.design.series
    known = list(dict.fromkeys(typed["unit"]))
    for key in ("treated", "comparison"):
        for unit in getattr(series, key, ()):
            if unit not in known:
                where = Where(file=evaluation.name, key=f"design.series.{key}")
                what = f"'{unit}' is no unit of {table.name}."
                yield Problem(where, what, listed(known, MORE), nearest(unit, known))
