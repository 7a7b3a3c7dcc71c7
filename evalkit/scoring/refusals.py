"""Answers that are not allowed, in words: row, column, what was found, what may be there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from numbers import Real
from typing import Any

from evalkit.errors import InvalidInput, Problem, Where
from evalkit.instruments.parts import Item
from evalkit.instruments.scale import Scale
from evalkit.instruments.spec import Measure

MAX_LISTED = 20
"""How many faults of one column are listed one by one."""
STEP = "Correct it, or score with on_invalid='missing'."


def worded(
    name: str, rows: Sequence[tuple[int, Any]], count: int, allowed: str, noun: str, step: str
) -> list[Problem]:
    """Word the refused cells of a column: those listed by row, then how many more there are."""
    problems = []
    for n, value in rows:
        what = f"the {noun} is {shown(value)} (position {n})."
        problems.append(Problem(Where(row=n + 1, column=name), what, allowed, step))
    if count > len(rows):
        what = f"{count - len(rows)} {'more ' if rows else ''}values are not allowed."
        problems.append(Problem(Where(column=name), what, allowed, step))
    return problems


def contradictions(
    measure: Measure, columns: Mapping[str, str], scale: Scale, rows: Sequence[int], count: int
) -> list[Problem]:
    """Word the rows whose counts cannot go together: `rows` are positions, `count` how many."""
    if not count:
        return []
    parts = " and ".join(measure.item(item).label for item in scale.items)
    whole = " and ".join(measure.item(item).label for item in scale.per)
    step = "Correct the counts, or score with on_invalid='missing'."
    what = f"{parts} do not go with {whole}: {scale.title.lower()} leaves its range"
    allowed = f"{scale.low:g} to {scale.high:g}"
    column = columns[scale.per[0]]
    named = list(rows)[:MAX_LISTED]
    problems = [
        Problem(Where(row=n + 1, column=column), f"{what} (position {n}).", allowed, step)
        for n in named
    ]
    if count > len(named):
        more = f"{count - len(named)} {'more ' if named else ''}rows: {what}."
        problems.append(Problem(Where(column=column), more, allowed, step))
    return problems


def refuse_truth(column: str, item: Item) -> None:
    """Raise InvalidInput where true and false stand for answers other than 0 and 1."""
    if {code for code, _ in item.codes} != {0, 1}:
        raise InvalidInput(f"The column '{column}' holds true and false, not answer codes.")


def shown(value: Any) -> str:
    """Return a cell as it is said."""
    if isinstance(value, bool) or not isinstance(value, Real | Decimal):
        return repr(value)
    try:
        return f"{float(value):g}"
    except OverflowError:
        return "a number beyond all sense"
