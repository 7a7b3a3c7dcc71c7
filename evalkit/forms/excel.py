"""An Excel workbook to type answers into, which evalkit reads as it is."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from evalkit.errors import InvalidInput, Problem, Where
from evalkit.forms.asking import (
    DATE,
    INFORMANT,
    INFORMANT_HINT,
    PERSON,
    WAVE,
    WAVES,
    about,
    answer_column,
    asks_informant,
    bounds,
    check_waves,
    is_whole,
    need_items,
    number,
    one_line,
    passed_over,
    question,
    shortened,
    unless,
)
from evalkit.forms.workbooks import book_of, write_rows
from evalkit.instruments.parts import Item
from evalkit.instruments.scale import Scale
from evalkit.instruments.spec import Measure
from evalkit.tables import FIRST_YEAR, LAST_YEAR

TITLE, MESSAGE, LIST = 32, 255, 255
"""The most characters Excel takes in a title, a message and a list."""
MOST_ROWS = 100_000
GUIDE = ("column", "what", "allowed", "codes and their meaning", "note")


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of the sheet: its name, what it holds, and what Excel takes in it.

    `rule` is what xlsxwriter needs for a validation, without its messages.
    """

    name: str
    what: str
    allowed: str
    rule: dict[str, Any]
    codes: str = ""
    note: str = ""
    look: str = ""
    prompt: str = ""


def template(measure: Measure, *, rows: int = 200, waves: Sequence[str] = WAVES) -> bytes:
    """Return a data-entry workbook: a row an answer set, a column an item; and a guide to it.

    The first sheet, `answers`, takes only what the measure allows in `rows` rows, and is read by
    evalkit as it is. A measure without items that takes finished scores gets the sheet `scores`.

    Raises
    ------
    InvalidInput : there is nothing to enter, or too many rows, or a wave is no id.
    """
    if measure.kind != "score-only":
        need_items(measure)
    if not 1 <= rows <= MOST_ROWS:
        raise InvalidInput(str(Problem(Where(), f"rows={rows}.", f"1 to {MOST_ROWS}")))
    columns = [*_first(measure, check_waves(waves)), *_entries(measure)]

    def fill(book: Any) -> None:
        _entry_sheet(book, "answers" if measure.items else "scores", columns, rows)
        _guide_sheet(book, measure, columns)

    return book_of(fill, measure.title)


def score_columns(measure: Measure) -> dict[str, str]:
    """Return the column of every scale in a template of scores: `score` where there is one."""
    if len(measure.scales) == 1:
        return {measure.scales[0].id: "score"}
    return {scale.id: measure.score_column(scale.id) for scale in measure.scales}


def _first(measure: Measure, waves: Sequence[str]) -> list[Column]:
    person = Column(name="person", what=PERSON, allowed="an id, kept as text", look="text",
                    rule={"validate": "any"})  # fmt: skip
    wave = Column(name="wave", what=WAVE, allowed=", ".join(waves), look="text", rule=_list(waves))
    informant = Column(name="informant", what=INFORMANT, allowed=INFORMANT_HINT, look="text",
                       rule={"validate": "any"})  # fmt: skip
    span = {"minimum": datetime.date(FIRST_YEAR, 1, 1), "maximum": datetime.date(LAST_YEAR, 12, 31)}
    date = Column(name="date", what=DATE, allowed="a date, or blank", look="date",
                  rule={"validate": "date", "criteria": "between", **span})  # fmt: skip
    return [person, wave, *([informant] if asks_informant(measure) else []), date]


def _entries(measure: Measure) -> list[Column]:
    if not measure.items:
        names = score_columns(measure)
        return [_score(scale, names[scale.id]) for scale in measure.scales]
    skips = passed_over(measure)
    return [
        _answer(measure, item, f"{_optional(item)} {unless(skips.get(item.id, ()))}".strip())
        for item in measure.items
    ]


def _optional(item: Item) -> str:
    return "The column may be deleted where this was not asked." if item.optional else ""


def _answer(measure: Measure, item: Item, note: str) -> Column:
    codes = "; ".join(f"{number(code)} = {one_line(label)}" for code, label in item.codes)
    return Column(
        name=answer_column(measure, item), what=question(measure, item),
        prompt=one_line(item.text if measure.licence.text_included and item.text else item.label),
        allowed=f"{item.allowed}, or blank", note=note,
        rule=_range(item) if item.range else _codes(item),
        codes="" if item.range else codes,
    )  # fmt: skip


def _score(scale: Scale, name: str) -> Column:
    high = None if scale.high == float("inf") else scale.high
    end = "up" if high is None else f"to {number(high)}"
    step = 0.5 if scale.step is None else scale.step
    whole = float(step).is_integer() and float(scale.low).is_integer()
    return Column(
        name=name, what=f"{one_line(scale.title)}: the finished score",
        allowed=f"a {'whole ' if whole else ''}number from {number(scale.low)} {end}, or blank",
        rule=_between("integer" if whole else "decimal", scale.low, high),
        note=f"Higher is {scale.higher_is}. The scale {scale.id} of the measure.",
    )  # fmt: skip


def _list(values: Sequence[str]) -> dict[str, Any]:
    fits = len(",".join(values)) <= LIST
    return {"validate": "list", "source": list(values)} if fits else {"validate": "any"}


def _codes(item: Item) -> dict[str, Any]:
    """Return a drop-down, or the limits alone where the codes are more than Excel lists."""
    rule = _list([number(code) for code, _ in item.codes])
    return rule if rule["validate"] == "list" else _between("decimal", item.low, item.high)


def _range(item: Item) -> dict[str, Any]:
    return _between("integer" if is_whole(item) else "decimal", *bounds(item))


def _between(kind: str, low: float, high: float | None) -> dict[str, Any]:
    """Return a validation of a whole or decimal number, with or without an upper end."""
    if high is None:
        return {"validate": kind, "criteria": ">=", "value": low}
    return {"validate": kind, "criteria": "between", "minimum": low, "maximum": high}


def _entry_sheet(book: Any, name: str, columns: Sequence[Column], rows: int) -> None:
    sheet = book.add_worksheet(name)
    looks = {
        "text": book.add_format({"num_format": "@"}),
        "date": book.add_format({"num_format": "yyyy-mm-dd"}),
    }
    write_rows(sheet, [[column.name for column in columns]], book.add_format({"bold": True}))
    for place, column in enumerate(columns):
        look = looks.get(column.look)
        sheet.set_column(place, place, max(12, min(len(column.name) + 2, 40)), look)
        for row in range(1, rows + 1) if column.look == "text" else ():
            sheet.write_blank(row, place, None, look)
        rule = {"ignore_blank": True, **column.rule, **_messages(column)}
        sheet.data_validation(1, place, rows, place, rule)
    sheet.ignore_errors({"number_stored_as_text": f"A2:D{rows + 1}"})
    sheet.freeze_panes(1, 1)


def _messages(column: Column) -> dict[str, str]:
    prompt = f"{column.prompt or column.what}: {column.codes or 'allowed ' + column.allowed.rstrip('.')}."
    alert = f"Allowed in {column.name}: {column.allowed}."
    see = " ... See the sheet guide."
    return {
        "input_title": shortened(column.name, TITLE), "input_message": shortened(prompt, MESSAGE, see),
        "error_title": "This is not allowed here", "error_message": shortened(alert, MESSAGE, see),
        "error_type": "stop",
    }  # fmt: skip


def _guide_sheet(book: Any, measure: Measure, columns: Sequence[Column]) -> None:
    sheet = book.add_worksheet("guide")
    bold = book.add_format({"bold": True, "valign": "top"})
    wrap = book.add_format({"text_wrap": True, "valign": "top"})
    for place, width in enumerate((30, 50, 30, 50, 40)):
        sheet.set_column(place, place, width)
    lines = [one_line(line) for line in _lines(measure)]
    for row, line in enumerate(lines):
        sheet.write_string(row, 0, line, bold if row == 0 else None)
    start = len(lines) + 1
    write_rows(sheet, [GUIDE], bold, first=start)
    cells = [(x.name, x.what, x.allowed, x.codes, x.note) for x in columns]
    write_rows(sheet, cells, wrap, first=start + 1)


def _lines(measure: Measure) -> list[str]:
    key = "person, wave and informant" if asks_informant(measure) else "person and wave"
    return [
        f"{measure.title} ({measure.id})",
        f"One row for each answer set: each {key} once. Do not change row 1.",
        "What was not answered stays blank: no 99, no n/a.",
        *([] if measure.recall is None else [f"Recall period: {measure.recall}."]),
        about(measure),
    ]
