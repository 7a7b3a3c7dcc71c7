"""The rules that the columns of a table must keep, and the problems where they do not."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evalkit.errors import Problem, Where, nearest
from evalkit.shapes import describe
from evalkit.tables import RawTable, listed

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Rule:
    """What the cells of one column must be. `good` takes text and says whether it will do."""

    column: str
    allowed: str
    good: Callable[[str], bool] | None = None
    blank_ok: bool = False
    required: bool = True
    next_step: str = "Correct the cell."
    why: str = ""
    advise: Callable[[str], str] | None = None  # a next step for this text, or an empty string


def one_of(words: Iterable[str]) -> Callable[[str], bool]:
    """Return a test for being one of the words."""
    allowed = frozenset(words)
    return lambda text: text in allowed


def among(words: Iterable[str], column: str, allowed: str = "", **options: Any) -> Rule:
    """Return the rule of a column that takes certain words; a near match is suggested."""
    known = list(words)
    return Rule(column, allowed or ", ".join(known), one_of(known),
                advise=lambda text: nearest(text, known), **options)  # fmt: skip


def same_id(ids: Iterable[str]) -> Callable[[str], str]:
    """Return a suggestion of the id that differs only in case, leading zeros or signs."""
    known = {_bare(name): name for name in ids}

    def advise(text: str) -> str:
        near = known.get(_bare(text))
        return f"Did you mean '{near}'?" if near else ""

    return advise


def _bare(text: str) -> str:
    """Return an id without what a spreadsheet or a hand may have changed."""
    whole = re.sub(r"\.0+$", "", text.lower())
    return re.sub(r"(?<![0-9])0+(?=[0-9])", "", re.sub(r"[\W_]", "", whole))


def find_problems(table: RawTable, rules: Iterable[Rule]) -> list[Problem]:
    """Hold a table to its rules and return every text that breaks one, in row order.

    The same wrong text in one column is one problem, at the first row that holds it.
    """
    import pandera.pandas as pa
    from pandera.errors import SchemaErrors

    rules = list(rules)
    absent = {rule.column: rule for rule in reversed(rules) if _absent(table, rule)}
    problems = [_missing(table, rule) for rule in reversed(absent.values())]
    held = [rule for rule in rules if rule.column in table.frame.columns]
    by_column: dict[str, list[Rule]] = {}
    for rule in held:
        by_column.setdefault(rule.column, []).append(rule)
    schema = pa.DataFrameSchema(
        {column: pa.Column(checks=_checks(rules), nullable=False)
         for column, rules in by_column.items()}
    )  # fmt: skip
    try:
        schema.validate(table.frame, lazy=True)
    except SchemaErrors as errors:
        cases = errors.failure_cases.drop_duplicates(["column", "index"])
        cells = zip(cases["column"], cases["index"], cases["failure_case"], strict=True)
        alike: dict[tuple[str, str], list[int]] = {}
        for row, column, text in sorted((int(row), str(c), str(t)) for c, row, t in cells):
            alike.setdefault((column, text), []).append(row)
        for (column, text), rows in alike.items():
            rule = next(rule for rule in by_column[column] if not _keeps(rule, text))
            problems.append(_broken(table, rule, rows, text))
    return problems


def _keeps(rule: Rule, text: str) -> bool:
    if text == "":
        return rule.blank_ok
    return rule.good is None or rule.good(text)


def _checks(rules: list[Rule]) -> list[Any]:
    """Return one check that a column keeps every rule made for it."""
    import pandera.pandas as pa

    def keeps(column: pd.Series[str]) -> pd.Series[bool]:
        verdicts = {text: all(_keeps(rule, text) for rule in rules) for text in column.unique()}
        return column.map(verdicts).astype(bool)

    return [pa.Check(keeps, name=rules[0].column)]


def _absent(table: RawTable, rule: Rule) -> bool:
    return rule.required and rule.column not in table.frame.columns


def _missing(table: RawTable, rule: Rule) -> Problem:
    columns = [str(name) for name in table.frame.columns]
    near = nearest(rule.column, columns)
    where = Where(file=table.name, row=1, column=rule.column)
    what = f"the column is missing{': ' + rule.why if rule.why else ''}."
    shown = ", ".join(columns[:40]) + (" ..." if len(columns) > 40 else "")
    return Problem(where, what, "", f"{near or 'Add the column.'} The file has: {shown}.")


def _broken(table: RawTable, rule: Rule, rows: list[int], text: str) -> Problem:
    """Word one wrong text of a column, however many rows hold it."""
    many = len(rows) > 1
    if text == "":
        found = (
            f"{len(rows)} cells are blank (rows {listed(rows)})." if many else "the cell is blank."
        )
    else:
        found = f"found {describe(text)}{found_in(rows)}."
    where = Where(file=table.name, row=rows[0], column=rule.column)
    advice = rule.advise(text) if rule.advise and text else ""
    return Problem(where, found, rule.allowed, advice or rule.next_step)


def found_in(rows: list[int]) -> str:
    """Say in how many rows a text was found, and in which, where there are several."""
    return f" in {len(rows)} rows ({listed(rows)})" if len(rows) > 1 else ""


def no_rows(table: RawTable) -> list[Problem]:
    """Return a problem where a table that needs rows has none."""
    if len(table.frame):
        return []
    step = "Add the rows, or remove the file from the evaluation."
    return [Problem(Where(file=table.name), "the file has a header and no rows.", "", step)]


def repeated_rows(table: RawTable, key: list[str], noun: str) -> list[Problem]:
    """Return one problem for each key that stands in more than one row, naming the rows."""
    held = [column for column in key if column in table.frame.columns]
    twice = table.frame[table.frame.duplicated(held, keep=False)]
    problems = []
    by = held if len(held) > 1 else held[0]
    for values, rows in twice.groupby(by, sort=False).groups.items():
        shown = values if isinstance(values, tuple) else (values,)
        named = ", ".join(f"{column} '{value}'" for column, value in zip(held, shown, strict=True))
        listed = ", ".join(str(row) for row in rows)
        where = Where(file=table.name, row=int(rows[0]), column=held[0])
        what = f"{noun} stands in rows {listed}: {named}."
        problems.append(
            Problem(where, what, "one row each", "Keep the right row, remove the others.")
        )
    return problems
