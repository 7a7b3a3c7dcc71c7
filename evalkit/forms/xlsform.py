"""An XLSForm for Kobo and ODK: the sheets survey, choices and settings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

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
    limit,
    need_items,
    number,
    one_line,
    passed_over,
    question,
)
from evalkit.forms.workbooks import book_of, write_rows
from evalkit.instruments.parts import Codes, Item, Skip
from evalkit.instruments.spec import Measure

SURVEY = ("type", "name", "label", "hint", "required", "constraint", "constraint_message", "relevant",
          "calculation")  # fmt: skip
Row = dict[str, str]


def workbook(measure: Measure, *, waves: Sequence[str] = WAVES) -> bytes:
    """Return an XLSForm that asks the items of a measure, as the bytes of an xlsx file.

    Questions are named as evalkit looks for them in the export (`phq_9_1`), choices by their codes.
    No item is required. A question is relevant unless a skip of the measure passes it over.

    Raises
    ------
    InvalidInput : the measure has no items, or a wave is no id.
    """
    need_items(measure)
    lists = code_lists(measure)
    choices = [("waves", wave, wave) for wave in check_waves(waves)]
    for codes, name in lists.items():
        choices += [(name, number(code), _safe(label) or number(code)) for code, label in codes]
    survey = [*_first(measure), *_questions(measure, lists)]
    settings = (_safe(measure.title), measure.column, one_line(measure.version))

    def fill(book: Any) -> None:
        rows = [tuple(row.get(name, "") for name in SURVEY) for row in survey]
        write_rows(book.add_worksheet("survey"), [SURVEY, *rows])
        write_rows(book.add_worksheet("choices"), [("list_name", "name", "label"), *choices])
        sheet = book.add_worksheet("settings")
        write_rows(sheet, [("form_title", "form_id", "version"), settings])

    return book_of(fill, measure.title)


def code_lists(measure: Measure) -> dict[Codes, str]:
    """Return the name of every list of codes; items with the same codes share one."""
    lists = dict.fromkeys(item.codes for item in measure.items if not item.range)
    return {codes: f"codes_{n}" for n, codes in enumerate(lists, start=1)}


def question_name(measure: Measure, item: Item) -> str:
    """Return the name of an item's question, which may not start with a digit."""
    name = answer_column(measure, item)
    return name if name[0].isalpha() else f"_{name}"


def _safe(text: str) -> str:
    """Return a label in which nothing is taken for a reference to another question."""
    return one_line(text).replace("${", "$ {")


def _first(measure: Measure) -> list[Row]:
    informant: Row = {"type": "calculate", "name": "informant", "calculation": "'self'"}
    if asks_informant(measure):
        informant = {"type": "text", "name": "informant", "label": INFORMANT,
                     "hint": INFORMANT_HINT, "required": "yes"}  # fmt: skip
    return [
        {"type": "text", "name": "person", "label": PERSON, "required": "yes"},
        {"type": "select_one waves", "name": "wave", "label": WAVE, "required": "yes"},
        informant,
        {"type": "date", "name": "date", "label": DATE},
        {"type": "note", "name": "about", "label": _safe(about(measure))},
    ]


def _questions(measure: Measure, lists: dict[Codes, str]) -> list[Row]:
    skips = passed_over(measure)
    rows = []
    for item in measure.items:
        row = {"name": question_name(measure, item), "label": _safe(question(measure, item))}
        if item.range:
            row |= _range(item)
        else:
            row["type"] = f"select_one {lists[item.codes]}"
        row["relevant"] = " and ".join(_asked(measure, skip) for skip in skips.get(item.id, ()))
        rows.append(row)
    return rows


def _range(item: Item) -> Row:
    low, high = bounds(item)
    parts = [f". >= {number(low)}", *([] if high is None else [f". <= {number(high)}"])]
    if item.step is not None and not (is_whole(item) and item.step == 1):
        parts.append(f"(. - {number(low)}) mod {number(item.step)} = 0")
    allowed = f"Allowed: {item.allowed}, or blank."
    kind = "integer" if is_whole(item) else "decimal"
    return {"type": kind, "hint": allowed, "constraint": " and ".join(parts),
            "constraint_message": allowed}  # fmt: skip


def _asked(measure: Measure, skip: Skip) -> str:
    """Return the condition under which a skip does not hold: a blank passes nothing over."""
    sign, value = limit(skip)
    names = [f"${{{question_name(measure, measure.item(item))}}}" for item in skip.when]
    tests = [f"{name} = '' or {name} {sign} {number(value)}" for name in names]
    return f"({' or '.join(tests)})"
