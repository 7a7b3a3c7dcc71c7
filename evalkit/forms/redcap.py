"""A REDCap data dictionary: one row a field, in REDCap's 18 columns."""

from __future__ import annotations

import csv
import io

from evalkit.forms.asking import (
    DATE,
    INFORMANT,
    INFORMANT_HINT,
    PERSON,
    WAVE,
    about,
    answer_column,
    asks_informant,
    bounds,
    is_whole,
    limit,
    need_items,
    number,
    one_line,
    passed_over,
    question,
)
from evalkit.instruments.parts import Item, Skip
from evalkit.instruments.spec import Measure

COLUMNS = (
    "Variable / Field Name", "Form Name", "Section Header", "Field Type", "Field Label",
    "Choices, Calculations, OR Slider Labels", "Field Note",
    "Text Validation Type OR Show Slider Number", "Text Validation Min", "Text Validation Max",
    "Identifier?", "Branching Logic (Show field only if...)", "Required Field?",
    "Custom Alignment", "Question Number (surveys only)", "Matrix Group Name", "Matrix Ranking?",
    "Field Annotation",
)  # fmt: skip
NAME, FORM, _, KIND, LABEL, CHOICES, NOTE, CHECK, LOW, HIGH, IDENTIFIER, BRANCHING = COLUMNS[:12]
ANNOTATION = COLUMNS[-1]
LONGEST = 26
WAVE_NOTE = "The id of the wave, as in evaluation.yaml: for example baseline."
_NO_PIPING = str.maketrans("[]", "()")
Row = dict[str, str]


def dictionary(measure: Measure) -> str:
    """Return a data dictionary for REDCap, as the text of a csv file.

    Fields are named by `field_names`; the annotation of a field holds evalkit's own column name.
    No field is required. Text that a spreadsheet would take for a formula gets an apostrophe.

    Raises
    ------
    InvalidInput : the measure has no items.
    """
    need_items(measure)
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for row in [*_first(measure), *_questions(measure)]:
        row[FORM] = _form_name(measure)
        writer.writerow([_harmless(row.get(column, "")) for column in COLUMNS])
    return text.getvalue()


def field_names(measure: Measure) -> dict[str, str]:
    """Return the field of every item: at most 26 lower-case letters, digits and underscores.

    Where the measure's id makes a name too long its short prefix is taken, by which evalkit finds
    the columns too; else a start cut to fit, so that evalkit must be told it (`prefix=`, `items=`).
    """
    room = LONGEST - 1 - max((len(item.column) for item in measure.items), default=0)
    for start in (measure.column, *measure.prefixes):
        if len(start) <= room and start[0].isalpha():
            return {item.id: f"{start}_{item.column}" for item in measure.items}
    start = min((x for x in (*measure.prefixes, measure.column) if x[0].isalpha()), key=len,
                default=f"m_{measure.column}")  # fmt: skip
    if room >= 2:
        return {item.id: f"{_cut(start, room)}_{item.column}" for item in measure.items}
    return {
        item.id: f"{_cut(start, 8)}_{_cut(item.column, 13)}_{n}"
        for n, item in enumerate(measure.items, start=1)
    }


def start_of_names(measure: Measure) -> str:
    """Return what `prefix=` must be for evalkit to find the fields, empty where it finds them."""
    names = field_names(measure)
    starts = {names[item.id].removesuffix(item.column) for item in measure.items}
    start = min(starts) if len(starts) == 1 else ""
    return "" if start.rstrip("_") in (measure.column, *measure.prefixes) else start


def _cut(text: str, most: int) -> str:
    return text[:most].rstrip("_")


def _form_name(measure: Measure) -> str:
    return measure.column if measure.column[0].isalpha() else f"m_{measure.column}"


def _harmless(text: str) -> str:
    """Return a cell that no spreadsheet takes for a formula."""
    from evalkit.tables import is_number

    formula = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
    return f"'{text}" if text.startswith(formula) and not is_number(text) else text


def _label(text: str) -> str:
    """Return a label in which REDCap takes nothing for the name of a field."""
    return one_line(text).translate(_NO_PIPING)


def _first(measure: Measure) -> list[Row]:
    asked = {NAME: "informant", KIND: "text", LABEL: INFORMANT, NOTE: INFORMANT_HINT}
    start = next(iter(field_names(measure).values())).split("_")[0]
    return [
        {NAME: "person", KIND: "text", LABEL: PERSON},
        {NAME: "wave", KIND: "text", LABEL: WAVE, NOTE: WAVE_NOTE},
        *([asked] if asks_informant(measure) else []),
        {NAME: "date", KIND: "text", LABEL: DATE, CHECK: "date_ymd"},
        {NAME: f"{_cut(start, 14)}_about_form", KIND: "descriptive", LABEL: _label(about(measure))},
    ]


def _questions(measure: Measure) -> list[Row]:
    names, skips = field_names(measure), passed_over(measure)
    rows = []
    for item in measure.items:
        row = {NAME: names[item.id], LABEL: _label(question(measure, item))}
        row[ANNOTATION] = f"evalkit: {answer_column(measure, item)}"
        row[BRANCHING] = " and ".join(_asked(names, skip) for skip in skips.get(item.id, ()))
        rows.append(row | (_range(item) if item.range else _radio(item)))
    return rows


def _radio(item: Item) -> Row:
    """Return the choices; a blank before a negative code keeps it from being read as a sum."""
    said = [f"{number(code)}, {_label(label).replace('|', '/')}" for code, label in item.codes]
    choices = " | ".join(said)
    return {KIND: "radio", CHOICES: f" {choices}" if choices.startswith("-") else choices}


def _range(item: Item) -> Row:
    low, high = bounds(item)
    return {
        KIND: "text", NOTE: f"Allowed: {item.allowed}, or blank.",
        CHECK: "integer" if is_whole(item) else "number",
        LOW: number(low), HIGH: "" if high is None else number(high),
    }  # fmt: skip


def _asked(names: dict[str, str], skip: Skip) -> str:
    """Return the condition under which a skip does not hold: a blank passes nothing over."""
    sign, value = limit(skip)
    fields = [f"[{names[item]}]" for item in skip.when]
    tests = [f'{name} = "" or {name} {sign} {number(value)}' for name in fields]
    return f"({' or '.join(tests)})"
