"""Read csv, xlsx and parquet into tables of text, losing nothing and guessing nothing."""

from __future__ import annotations

import csv
import hashlib
import io
import re
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from evalkit.errors import InvalidData, Problem, Where

if TYPE_CHECKING:
    from evalkit.tables import RawTable

MAX_UNPACKED = 200_000_000
MAX_RATIO = 100
MAX_CELLS = 20_000_000
_CELL = re.compile(rb'<c\b[^>]*?\br="([A-Z]{1,20})([0-9]{1,20})"')
Rows = list[list[str]]


def read_table(path: Path, sheet: str | None = None, *, name: str | None = None) -> RawTable:
    """Read a table as text; the index of its frame is the spreadsheet's row number.

    Raises InvalidData with every problem of the file's form: not there, empty, not UTF-8, ragged
    rows, repeated or blank column names.
    """
    from evalkit.tables import RawTable, empty_file, frame_of_rows, label

    beside = name is not None
    name = name or path.name
    if not _is_there(path):
        step = "Check the name; it is read from beside the evaluation file."
        step = step if beside else "Check the name and the folder."
        raise InvalidData([Problem(Where(file=name), "the file is not there.", "", step)])
    if path.stat().st_size == 0:
        raise InvalidData([empty_file(name)])
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise InvalidData(
            [Problem(Where(file=name), "this kind of file is not read.", "csv, xlsx, parquet")]
        )
    if sheet is not None and path.suffix.lower() != ".xlsx":
        what = f"only an xlsx file has sheets, and '{sheet}' is asked for."
        raise InvalidData([Problem(Where(file=name), what, "", "Leave the sheet out.")])
    raw = path.read_bytes()
    digest = hashlib.sha256(raw).hexdigest()
    shown = label(name, sheet)
    return RawTable(shown, frame_of_rows(reader(raw, sheet, name), shown), digest)


def _is_there(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name too long, or with characters no file can have
        return False


def _read_csv(raw: bytes, sheet: str | None, name: str) -> Rows:
    text = _decode(raw, name)
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    csv.field_size_limit(1_000_000)
    try:
        return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        step = "Look for a quotation mark that is opened and not closed."
        raise InvalidData(
            [Problem(Where(file=name), f"not a valid csv ({error}).", "", step)]
        ) from None


def _decode(raw: bytes, name: str) -> str:
    step = "In Excel choose Save as, 'CSV UTF-8 (comma delimited)'."
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = raw[: error.start].count(b"\n") + 1
        what = "the text is not UTF-8."
        raise InvalidData([Problem(Where(file=name, row=row), what, "UTF-8", step)]) from None
    if "\x00" in text:
        raise InvalidData([Problem(Where(file=name), "the text is not UTF-8.", "UTF-8", step)])
    return text


def _read_xlsx(raw: bytes, sheet: str | None, name: str) -> Rows:
    from python_calamine import CalamineError, CalamineWorkbook

    from evalkit.tables import cell_text

    _refuse_bomb(raw, name)
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(raw))
        names = book.sheet_names
        chosen = sheet or (names[0] if names else "")
        cells = (
            book.get_sheet_by_name(chosen).to_python(skip_empty_area=False)
            if chosen in names
            else None
        )
    except (CalamineError, OSError, ValueError, LookupError):
        raise InvalidData([_broken(name, "not a readable xlsx file.")]) from None
    except BaseException as error:
        # The reader is compiled: what it cannot survive is raised outside Python's own errors.
        if type(error).__name__ != "PanicException":
            raise
        raise InvalidData([_broken(name, "not a readable xlsx file.")]) from None
    if cells is None:
        allowed = ", ".join(names)
        raise InvalidData([Problem(Where(file=name), f"there is no sheet '{chosen}'.", allowed)])
    return [[cell_text(cell) for cell in row] for row in cells]


def _refuse_bomb(raw: bytes, name: str) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            unpacked = sum(item.file_size for item in archive.infolist())
            if unpacked > MAX_UNPACKED or unpacked > MAX_RATIO * max(len(raw), 1_000_000):
                raise InvalidData([_broken(name, "the file unpacks to far more than its size.")])
            sheets = [item for item in archive.namelist() if item.startswith("xl/worksheets/")]
            largest = max((_cells(archive.read(item)) for item in sheets), default=0)
    except (zipfile.BadZipFile, zlib.error, OSError, ValueError, EOFError, NotImplementedError):
        raise InvalidData([_broken(name, "not a readable xlsx file.")]) from None
    if largest > MAX_CELLS:
        what = "a cell stands far away from the rest of the sheet."
        step = "Delete the empty rows and columns beyond your data, and save it again."
        raise InvalidData([Problem(Where(file=name), what, "", step)])


def _cells(sheet: bytes) -> int:
    """Return how many cells the smallest rectangle from A1 that holds a sheet's cells has."""
    columns = rows = 0
    for letters, number in _CELL.findall(sheet):
        column = 0
        for letter in letters:
            column = column * 26 + letter - 64
        columns, rows = max(columns, column), max(rows, int(number))
    return columns * rows


def _broken(name: str, what: str) -> Problem:
    return Problem(Where(file=name), what, "", "Open it where it was made and save it again.")


def _read_parquet(raw: bytes, sheet: str | None, name: str) -> Rows:
    import pyarrow
    from pyarrow import parquet

    from evalkit.tables import cell_text

    try:
        table = parquet.read_table(io.BytesIO(raw))
        columns = [[cell_text(cell) for cell in column.to_pylist()] for column in table.columns]
    except (pyarrow.ArrowException, OSError, ValueError, OverflowError):
        raise InvalidData([_broken(name, "not a readable parquet file.")]) from None
    return [list(table.column_names), *(list(row) for row in zip(*columns, strict=True))]


READERS: dict[str, Callable[[bytes, str | None, str], Rows]] = {
    ".csv": _read_csv,
    ".xlsx": _read_xlsx,
    ".parquet": _read_parquet,
}
