"""Answers as numbers by expression: null where missing or refused, on every kind of frame.

`api` is narwhals, or polars itself where the frame is one of polars: the words are the same, and
those of polars are built several times faster.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import reduce
from operator import and_
from typing import Any

import narwhals as nw

from evalkit.errors import InvalidData, InvalidInput, Problem
from evalkit.instruments.parts import Item
from evalkit.instruments.spec import Measure
from evalkit.scoring.refusals import MAX_LISTED, STEP, refuse_truth, worded

TEXT = (nw.String, nw.Object, nw.Categorical, nw.Enum)
SPACES = "".join(chr(n) for n in range(0x3001) if chr(n).isspace())
"""What counts as blank; named, for each backend has a set of its own."""
NUMBER = r"^[+-]?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?$"
FEW_CODES = 3
"""Polars compares with so few codes one by one faster than with their ends and whole numbers."""
Expr = Any
"""An expression of narwhals or of polars."""


def temporary(measure: Measure, item: str) -> str:
    """Return the name of the working column of an item's cleaned answers."""
    return f"__{measure.column}__answer_{item.replace('-', '_')}"


def cleaned(
    frame: Any, schema: Mapping[str, Any], measure: Measure, found: Mapping[str, str], *,
    on_invalid: str, api: Any = nw,
) -> Any:  # fmt: skip
    """Add a working column per item: the answer as a number, null where missing or refused.

    `schema` holds narwhals types by column, `found` the column of each item. Raises InvalidData
    unless `on_invalid` is "missing", which blanks what is refused and counts it by row.
    """
    numbers, refused, allowed = [], {}, {}
    present = [item for item in measure.items if item.id in found]
    for item in present:
        column, name = found[item.id], temporary(measure, item.id)
        if schema[column] == nw.Unknown:
            refuse_unknown(frame, column, "answer codes", api)
        numbers.append(_number(column, schema[column], item, api).alias(name))
        refused[column] = _not_allowed(api.col(name), item, api)
        allowed[column] = item.allowed
        if schema[column] in TEXT:
            unreadable = api.col(name).is_null() & _is_text(column, api)
            refused[column] = unreadable | refused[column].fill_null(False)
    frame = frame.with_columns(*numbers)
    if on_invalid == "raise":
        refuse(frame, refused, allowed=allowed, noun="answer", step=STEP, api=api)
        return frame
    sure = [bad.fill_null(False) for bad in refused.values()]
    count = api.sum_horizontal(*[bad.cast(api.Int64) for bad in sure])
    names = [temporary(measure, item.id) for item in present]
    return frame.with_columns(
        count.alias(f"{measure.column}__n_invalid"),
        *[api.when(~bad).then(api.col(x)).alias(x) for x, bad in zip(names, sure, strict=True)],
    )


def _number(column: str, dtype: Any, item: Item, api: Any) -> Expr:
    """Return an answer as a number, null where it is none."""
    if dtype.is_numeric() or dtype == nw.Unknown:
        return as_float(column, dtype, api)
    if dtype == nw.Boolean:
        refuse_truth(column, item)
        return api.col(column).cast(api.Float64)
    if not is_text(dtype, api):
        raise InvalidInput(f"The column '{column}' holds {dtype}, not answer codes.")
    text = _text(column, api)
    return api.when(text.str.contains(NUMBER)).then(text).cast(api.Float64)


def is_text(dtype: Any, api: Any) -> bool:
    """Whether a column can be read as text; polars has no words for objects of Python."""
    return dtype in TEXT and (api is nw or dtype != nw.Object)


def as_float(column: str, dtype: Any, api: Any = nw) -> Expr:
    """Return a column of numbers, or of nothing but nulls, as floats; null where NaN."""
    raw = api.col(column)
    if dtype == nw.Unknown:
        return api.lit(None, api.Float64)
    if dtype.is_integer():
        # A cast in PyArrow refuses whole numbers that no float is equal to; a division rounds them.
        return (raw / 1 if api is nw else raw).cast(api.Float64)
    return (raw if dtype == nw.Float64 else raw.cast(api.Float64)).fill_nan(None)


def refuse_unknown(frame: Any, column: str, wanted: str, api: Any = nw) -> None:
    """Raise InvalidInput where a column of a type that is not known holds anything but nulls."""
    counted = frame.select(api.col(column).count())
    eager = counted.collect() if hasattr(counted, "collect") else counted
    if int(eager[column][0]):
        raise InvalidInput(f"The column '{column}' holds values of an unknown type, not {wanted}.")


def _text(column: str, api: Any) -> Expr:
    return api.col(column).cast(api.String).str.strip_chars(SPACES)


def _is_text(column: str, api: Any) -> Expr:
    """Whether a text column holds anything but blanks; never null."""
    return (_text(column, api).str.len_chars() > 0).fill_null(False)


def _not_allowed(number: Expr, item: Item, api: Any) -> Expr:
    """Whether a number is none of the item's codes; False or null where it is null."""
    codes = [code for code, _ in item.codes]
    if item.range is None and len(codes) <= FEW_CODES and api is not nw:
        return reduce(and_, [number != float(code) for code in codes])
    even = (item.high - item.low) == len(codes) - 1 and all(code == int(code) for code in codes)
    if item.range is None and not even:
        return ~number.is_null() & ~number.is_in([float(code) for code in codes])
    odd = number < item.low
    odd |= number > item.high if math.isfinite(item.high) else number >= math.inf
    if item.step == 1 and item.low == int(item.low):
        odd |= number > number.floor()
    elif item.step is not None:
        steps = (number - item.low) / item.step
        odd |= steps > steps.floor()
    return odd


def check_ages(table: Any, measure: Measure, age: str) -> None:
    """Raise InvalidData where people are outside the measure's ages; a missing age passes."""
    dtype = table.collect_schema()[age]
    if not (dtype.is_numeric() or dtype == nw.Unknown):
        raise InvalidInput(f"The age column '{age}' holds {dtype}, not years.")
    if dtype == nw.Unknown:
        refuse_unknown(table, age, "years")
    if measure.ages is None or dtype == nw.Unknown:
        return
    value = as_float(age, dtype)
    low, high = measure.ages.low or 0, measure.ages.high
    # Ages count in completed years: 17.9 is still 17.
    outside = value < low if high is None else (value < low) | (value >= high + 1)
    refuse(
        table,
        {age: ~value.is_null() & outside},
        allowed={age: f"{measure.ages} for {measure.id}"},
        noun="age",
        step="Use the version for this age, or leave age= out.",
    )


def refuse(
    frame: Any, refused: Mapping[str, Expr], *, allowed: Mapping[str, str], noun: str, step: str,
    api: Any = nw,
) -> None:  # fmt: skip
    """Raise InvalidData where any condition holds: by row, or by count in a lazy frame.

    `refused` and `allowed` are by column; `noun` is what a value is called.
    """
    counted = frame.select(*[how_many(bad, api).alias(name) for name, bad in refused.items()])
    lazy = hasattr(counted, "collect")
    eager = counted.collect() if lazy else counted
    problems: list[Problem] = []
    for name, bad in refused.items():
        count = int(eager[name][0] or 0)
        rows = _rows(frame, name, bad) if count and not lazy else []
        problems += worded(name, rows, count, allowed[name], noun, step)
    if problems:
        raise InvalidData(problems)


def how_many(mask: Expr, api: Any) -> Expr:
    """Return in how many rows a mask holds; Spark adds up numbers only."""
    return mask.cast(api.Int64).sum() if api is nw else mask.sum()


def _rows(frame: Any, name: str, refused: Expr) -> list[tuple[int, Any]]:
    """Return the position and value of the first refused cells of a column."""
    marks = frame.select(refused.fill_null(False).alias(name))[name].to_list()
    positions = [n for n, mark in enumerate(marks) if mark][:MAX_LISTED]
    values = frame[name]
    return [(n, values[n]) for n in positions]
