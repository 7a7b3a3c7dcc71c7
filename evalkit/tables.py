"""Tables as text, the rules their columns must keep, and the typed values read from them.

Every cell arrives as text, so that ids keep their leading zeros and "None" stays an answer. The
index of a table is the row number that a spreadsheet shows (the header is row 1).
"""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evalkit.errors import InvalidData, InvalidInput, Problem, Where, nearest
from evalkit.shapes import describe

if TYPE_CHECKING:
    import pandas as pd

YES = frozenset({"yes", "y", "true", "1"})
NO = frozenset({"no", "n", "false", "0"})
FIRST_YEAR, LAST_YEAR = 1900, 2199  # a year outside is a slip of the pen
DATES = "a date as 2024-04-30 or day first as 30/04/2024"
_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ]00:00(?::00(?:\.0+)?)?)?$")
_DAY_FIRST = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})$")
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$")


@dataclass(frozen=True, slots=True, eq=False)
class RawTable:
    """A table of text cells; a blank cell is an empty string."""

    name: str
    frame: pd.DataFrame
    sha256: str = ""

    def column(self, name: str) -> pd.Series[str]:
        """Return one column of text."""
        return self.frame[name]


Rows = list[list[str]]


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


def one_of(words: Iterable[str]) -> Callable[[str], bool]:
    """Return a test for being one of the words."""
    allowed = frozenset(words)
    return lambda text: text in allowed


def find_problems(table: RawTable, rules: Iterable[Rule]) -> list[Problem]:
    """Hold a table to its rules and return every cell that breaks one, in row order."""
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
        broken = sorted((int(row), str(column), str(text)) for column, row, text in cells)
        for row, column, text in broken:
            rule = next(rule for rule in by_column[column] if not _keeps(rule, text))
            problems.append(_broken(table, rule, row, text))
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


def _broken(table: RawTable, rule: Rule, row: int, text: str) -> Problem:
    found = "the cell is blank." if text == "" else f"found {describe(text)}."
    where = Where(file=table.name, row=row, column=rule.column)
    return Problem(where, found, rule.allowed, rule.next_step)


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


def read_date(text: str) -> datetime.date | None:
    """Read an ISO or day-first date; anything else is None. Month-first is never assumed."""
    if match := _ISO.match(text):
        year, month, day = (int(part) for part in match.groups()[:3])
    elif match := _DAY_FIRST.match(text):
        day, month, year = (int(part) for part in match.groups())
    else:
        return None
    if not FIRST_YEAR <= year <= LAST_YEAR:
        return None
    try:
        return datetime.date(year, month, day)
    except ValueError:
        return None


def is_date(text: str) -> bool:
    """Whether the text is a date that will be read."""
    return read_date(text) is not None


def is_number(text: str) -> bool:
    """Whether the text is a plain number."""
    return _NUMBER.match(text) is not None and math.isfinite(float(text))


def is_yes_no(text: str) -> bool:
    """Whether the text says yes or no."""
    return text.lower() in YES | NO


def dates(column: pd.Series[str]) -> pd.Series[pd.Timestamp]:
    """Return dates, blank or unreadable cells as NaT."""
    import pandas as pd

    values = {text: read_date(text) for text in column.unique()}
    return pd.to_datetime(column.map(values), errors="coerce")


def yes_no(column: pd.Series[str]) -> pd.Series[float]:
    """Return 1.0 for yes, 0.0 for no, NaN where blank or neither."""
    answers = dict.fromkeys(YES, 1.0) | dict.fromkeys(NO, 0.0)
    return column.str.lower().map(answers).astype(float)


def numbers(column: pd.Series[str]) -> pd.Series[float]:
    """Return numbers, blank or unreadable cells as NaN."""
    values = {text: float(text) if is_number(text) else float("nan") for text in column.unique()}
    return column.map(values).astype(float)


def typed(column: pd.Series[str]) -> pd.Series[float] | pd.Series[str]:
    """Return numbers if every filled cell is one, else words with blanks as None."""
    filled = [text for text in column.unique() if text != ""]
    if filled and all(is_number(text) for text in filled):
        return numbers(column)
    return column.astype(object).where(column != "", None)


def frame_of_rows(rows: Rows, name: str) -> pd.DataFrame:
    """Check the form of rows of text, the header first, and make a frame indexed by row number.

    Raises InvalidData with every problem of form.
    """
    import pandas as pd

    while rows and not any(rows[-1]):
        rows.pop()
    if not rows or not any(rows[0]):
        raise InvalidData([empty_file(name)])
    header = [cell.strip() for cell in rows[0]]
    while (
        header
        and header[-1] == ""
        and all(len(row) < len(header) or row[len(header) - 1] == "" for row in rows)
    ):
        header.pop()
    problems = _header_problems(header, name)
    body = []
    for number, row in enumerate(rows[1:], start=2):
        cells = [cell.strip() for cell in row]
        if not any(cells):
            continue
        extra = cells[len(header) :]
        if any(extra):
            what = f"the row has {len(cells)} cells, the header has {len(header)}."
            step = "Put text that holds commas in quotation marks."
            problems.append(Problem(Where(file=name, row=number), what, "", step))
        padded = cells[: len(header)] + [""] * (len(header) - len(cells))
        body.append((number, padded))
    if problems:
        raise InvalidData(problems)
    index = [number for number, _ in body]
    return pd.DataFrame([cells for _, cells in body], columns=header, index=index, dtype=object)


def _header_problems(header: list[str], name: str) -> list[Problem]:
    problems = []
    for position, column in enumerate(header):
        where = Where(file=name, row=1, column=column)
        if column == "":
            what = f"column {position + 1} has no name."
            problems.append(Problem(where, what, "", "Name it or delete it."))
        elif column in header[:position]:
            what = f"the column name '{column}' stands twice."
            problems.append(Problem(where, what, "", "Give each column its own name."))
    return problems


def _empty(name: str) -> Problem:
    return Problem(Where(file=name), "the file is empty.", "", "Save it again with a header row.")


def rows_of(frame: pd.DataFrame) -> Rows:
    """Return a frame as rows of text, the column names first."""
    columns = [[cell_text(value) for value in frame[name].tolist()] for name in frame.columns]
    body = [list(row) for row in zip(*columns, strict=True)]
    return [[str(name) for name in frame.columns], *body]


def raw_table(frame: Any, name: str) -> RawTable:
    """Take a frame (pandas, polars or any that narwhals knows) as if read from a file."""
    import hashlib

    import narwhals as nw

    try:
        native = nw.from_native(frame)
    except (TypeError, nw.exceptions.NarwhalsError) as error:
        what = f"tables['{name}'] is no data frame that can be read: {error}"
        raise InvalidInput(what) from None
    eager = native.collect() if isinstance(native, nw.LazyFrame) else native
    rows = rows_of(eager.to_pandas())
    text = "\x1e".join("\x1f".join(row) for row in rows)
    return RawTable(name, frame_of_rows(rows, name), hashlib.sha256(text.encode()).hexdigest())


def empty_file(name: str) -> Problem:
    """Word an empty file."""
    return Problem(Where(file=name), "the file is empty.", "", "Save it again with a header row.")


def _is_missing(value: object) -> bool:
    """Whether a cell is None, NaN, NaT or pandas' NA (which equals nothing, not even itself)."""
    if value is None:
        return True
    same = value == value
    return not same if isinstance(same, bool) else type(value).__name__ == "NAType"


def cell_text(value: object) -> str:
    """Return a cell as the text a person would have typed."""
    if _is_missing(value):
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, datetime.datetime):
        at_midnight = value.time() == datetime.time()
        return value.date().isoformat() if at_midnight else value.isoformat(sep=" ")
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    return str(value)
