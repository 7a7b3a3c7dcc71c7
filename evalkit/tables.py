"""Tables as text, and the typed values read from them.

Every cell arrives as text, so that ids keep their leading zeros and "None" stays an answer. The
index of a table is the row number that a spreadsheet shows (the header is row 1).
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evalkit.errors import InvalidData, InvalidInput, Problem, Where

if TYPE_CHECKING:
    import pandas as pd

YES = frozenset({"yes", "y", "true", "1"})
NO = frozenset({"no", "n", "false", "0"})
FIRST_YEAR, LAST_YEAR = 1900, 2199  # a year outside is a slip of the pen
DATES = "a date as 2024-04-30 or day first as 30/04/2024"
_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ]00:00(?::00(?:\.0+)?)?)?$", re.ASCII)
_DAY_FIRST = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})$", re.ASCII)
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$", re.ASCII)
LARGEST = 1e15


@dataclass(frozen=True, slots=True, eq=False)
class RawTable:
    """A table of text cells; a blank cell is an empty string."""

    name: str
    frame: pd.DataFrame
    sha256: str = ""

    def __repr__(self) -> str:
        """Say how much it holds, and nothing of what."""
        return f"RawTable({self.name}: {len(self.frame)} rows, {self.frame.shape[1]} columns)"

    def column(self, name: str) -> pd.Series[str]:
        """Return one column of text."""
        return self.frame[name]


Rows = list[list[str]]
TITLE = "Is row 1 a title? The column names must be in row 1."


def label(file: str, sheet: str | None) -> str:
    """Name a table: its file, and its sheet where one is named."""
    return f"{file}, sheet {sheet}" if sheet else file


def listed(rows: Iterable[object], most: int = 5) -> str:
    """List the first rows, with dots where there are more."""
    found = [str(row) for row in rows]
    return ", ".join([*found[:most], *(["..."] if len(found) > most else [])])


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


def is_oversized(text: str) -> bool:
    """Whether the text is written as a number but is larger than anything counted."""
    return _NUMBER.match(text) is not None and not is_number(text)


def is_number(text: str) -> bool:
    """Whether the text is a plain number, of a size that anything is counted in."""
    return _NUMBER.match(text) is not None and abs(float(text)) < LARGEST


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
    body: list[tuple[int, list[str]]] = []
    long: dict[int, int] = {}
    for number, row in enumerate(rows[1:], start=2):
        cells = [cell.strip() for cell in row]
        if not any(cells):
            continue
        if any(cells[len(header) :]):
            long[number] = len(cells)
        padded = cells[: len(header)] + [""] * (len(header) - len(cells))
        body.append((number, padded))
    problems += _long_rows(long, len(header), len(body), name)
    if problems:
        raise InvalidData(problems)
    index = [number for number, _ in body]
    return pd.DataFrame([cells for _, cells in body], columns=header, index=index, dtype=object)


def _header_problems(header: list[str], name: str) -> list[Problem]:
    problems = []
    blank = [n for n, column in enumerate(header, start=1) if column == ""]
    if len(blank) == 1:
        what = f"column {blank[0]} has no name."
        problems.append(Problem(Where(file=name, row=1), what, "", "Name it or delete it."))
    if len(blank) > 1:
        what = f"{len(blank)} of {len(header)} columns have no name ({listed(blank)})."
        problems.append(Problem(Where(file=name, row=1), what, "", TITLE))
    for position, column in enumerate(header):
        if column and column in header[:position]:
            what = f"the column name '{column}' stands twice."
            where = Where(file=name, row=1, column=column)
            problems.append(Problem(where, what, "", "Give each column its own name."))
    return problems


def _long_rows(long: dict[int, int], header: int, body: int, name: str) -> Iterable[Problem]:
    """Word rows that are longer than the header, those of one length together."""
    for size in dict.fromkeys(long.values()):
        rows = [row for row, cells in long.items() if cells == size]
        what = f"the row has {size} cells, the header has {header}."
        if len(rows) > 1:
            what = f"{len(rows)} rows ({listed(rows)}) have {size} cells, the header has {header}."
        quotes = "Put text that holds commas in quotation marks."
        step = TITLE if len(rows) > 1 and len(long) == body else quotes
        yield Problem(Where(file=name, row=rows[0]), what, "", step)


def rows_of(frame: pd.DataFrame) -> Rows:
    """Return a frame as rows of text, the column names first."""
    columns = [_texts(frame[name]) for name in frame.columns]
    body = [list(row) for row in zip(*columns, strict=True)]
    return [[str(name) for name in frame.columns], *body]


def _texts(column: pd.Series[Any]) -> list[str]:
    """Return the cells of a column as text; values of one kind that stand often are written once."""
    values = column.tolist()
    if column.dtype == object:
        return [cell_text(value) for value in values]
    known = {value: cell_text(value) for value in set(values)}
    return [known[value] for value in values]


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
