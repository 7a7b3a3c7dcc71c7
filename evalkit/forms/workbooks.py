"""Workbooks whose text stays text: no formulas, no links, no macros; the same bytes every time."""

from __future__ import annotations

import datetime
import io
from collections.abc import Callable, Iterable, Sequence
from typing import Any

AS_TEXT = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
MADE = datetime.datetime(2000, 1, 1)
"""A fixed time of making, so that a form can be compared with an earlier one."""


def book_of(fill: Callable[[Any], None], title: str) -> bytes:
    """Return the bytes of an xlsx workbook; `fill` writes its sheets."""
    from xlsxwriter import Workbook

    stream = io.BytesIO()
    book = Workbook(stream, {"in_memory": True, **AS_TEXT})
    book.set_properties({"title": title, "created": MADE})
    fill(book)
    book.close()
    return stream.getvalue()


def write_rows(
    sheet: Any, rows: Iterable[Sequence[str]], look: Any = None, *, first: int = 0
) -> None:
    """Write rows of text cells; empty text leaves a cell blank."""
    for row, cells in enumerate(rows, start=first):
        for column, text in enumerate(cells):
            if text:
                sheet.write_string(row, column, text, look)
