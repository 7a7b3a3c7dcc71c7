"""Item answers as they come: which columns hold them, and which of them are allowed."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import narwhals as nw

from evalkit.errors import InvalidData, InvalidInput, Problem, Where, nearest
from evalkit.measure_parts import Item
from evalkit.measure_scale import Scale
from evalkit.measure_spec import Measure

Frame = nw.DataFrame[Any] | nw.LazyFrame[Any]
MAX_LISTED = 20
"""How many faults of one column are listed one by one."""

WAYS = {
    "looked": "or as q1.. where the frame has exactly {n} such columns",
    "name": 'items={{"1": "column"}} or prefix= settles doubt.',
    "which": "Say which with prefix= or items=.",
    "alone": 'Say prefix="q" if they are not.',
    "noun": "frame",
}
"""How to say which columns hold the items, to somebody who writes Python."""
YAML = {
    "looked": "or as q1.. where the file has exactly {n} such columns",
    "name": 'Or name them in the yaml, beside this file in data.responses: items: {{"1": COLUMN, ...}}.',
    "which": 'Say which in the yaml, beside this file in data.responses: items: {{"1": COLUMN, ...}}.',
    "alone": "If they are not, name the columns in the yaml, beside this file in data.responses: "
    'items: {{"1": q1, ...}}.',
    "noun": "file",
}
"""The same to somebody who writes an evaluation.yaml."""
COMMAND = {
    "looked": YAML["looked"],
    "name": "Rename the columns of the file.",
    "which": "Rename or remove the columns that are not meant.",
    "alone": "Remove them from the file if they are.",
    "noun": "file",
}
"""The same to somebody at the command line."""

TEXT = (nw.String, nw.Object, nw.Categorical, nw.Enum)
REFUSED = "Correct it, or score with on_invalid='missing'."
_NUMBER = r"^[+-]?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?$"
_NUMBERED = re.compile(r"q[0-9]+")


def frame_of(frame: Any) -> tuple[Frame, Callable[[Frame], Any]]:
    """Return a narwhals frame and the way back to the kind of frame that came in."""
    try:
        table: Frame = nw.from_native(frame)
    except TypeError as error:
        kind = type(frame).__name__
        raise InvalidInput(
            f"found {kind} where a data frame is needed (pandas, polars)."
        ) from error
    except nw.exceptions.NarwhalsError as error:
        raise InvalidInput(f"The frame cannot be read: {error}") from error
    given = isinstance(frame, nw.DataFrame | nw.LazyFrame)
    return table, (lambda done: done) if given else (lambda done: done.to_native())


def temporary(measure: Measure, item: str) -> str:
    """Return the name of the working column of an item's cleaned answers."""
    return f"__{measure.column}__answer_{item.replace('-', '_')}"


def item_columns(
    columns: Sequence[str],
    measure: Measure,
    *,
    items: Mapping[str, str] | None = None,
    prefix: str | None = None,
    ways: Mapping[str, str] = WAYS,
) -> dict[str, str]:
    """Return the column of every item that has one, in item order.

    Columns named in `items` come first; the rest are `prefix` and the item id or, without a
    prefix, the measure's id, then its short prefixes, then q1.. where the frame holds exactly
    these q columns. Optional items may be absent. Raises InvalidInput where columns are missing or
    two sets fit; `ways` words the advice in it.
    """
    named = _named(columns, measure, items or {}, ways["noun"])
    rest = [item.column for item in measure.asked if item.id not in named]
    starts = _starts(columns, measure, rest, prefix)
    fitting = [start for start in starts if all(f"{start}{item}" in columns for item in rest)]
    if rest and not fitting:
        raise InvalidInput(_missing_columns(columns, measure, rest, starts, ways))
    if rest and len(fitting) > 1 and fitting[0] != f"{measure.column}_":
        sets = " and ".join(f"{start}{rest[0]}.." for start in fitting)
        what = f"Two sets of columns fit {measure.id}: {sets}."
        raise InvalidInput(f"{what} {ways['which'].format()}")
    start = fitting[0] if fitting else starts[0]
    found = {item.id: f"{start}{item.column}" for item in measure.items} | named
    return {item: column for item, column in found.items() if column in columns}


def _named(
    columns: Sequence[str], measure: Measure, items: Mapping[str, str], noun: str
) -> dict[str, str]:
    named = {str(item): column for item, column in items.items()}
    known = [item.id for item in measure.items]
    for item in named:
        if item not in known:
            problem = Problem(
                Where(), f"items: {measure.id} has no item '{item}'.", ", ".join(known)
            )
            raise InvalidInput(str(problem))
    require_columns(columns, list(named.values()), noun)
    twice = {column for column in named.values() if list(named.values()).count(column) > 1}
    if twice:
        raise InvalidInput(f"items: two items point to the column '{min(twice)}'.")
    return named


def require_columns(columns: Sequence[str], wanted: Sequence[str], noun: str = "frame") -> None:
    """Raise InvalidInput, with a near match for each, where columns are not there."""
    absent = [name for name in wanted if name not in columns]
    if absent:
        raise InvalidInput(f"The {noun} has no column {_with_near(absent, columns)}.")


def _with_near(absent: Sequence[str], columns: Sequence[str]) -> str:
    lowered = {name.lower(): name for name in columns if isinstance(name, str)}
    hints = []
    for name in absent[:10]:
        hint = nearest(name, lowered)
        close = f" (did you mean '{lowered[hint.split(chr(39))[1]]}'?)" if hint else ""
        hints.append(f"'{name}'{close}")
    more = f" and {len(absent) - 10} more" if len(absent) > 10 else ""
    return ", ".join(hints) + more


def _starts(
    columns: Sequence[str], measure: Measure, rest: Sequence[str], prefix: str | None
) -> list[str]:
    """Return what item columns may start with, in order of preference."""
    if prefix is not None:
        return [prefix]
    starts = [f"{measure.column}_", *(f"{short}_" for short in measure.prefixes)]
    if _numbered(columns) == {f"q{item}" for item in rest}:
        starts.append("q")
    return list(dict.fromkeys(starts))


def _numbered(columns: Sequence[str]) -> set[str]:
    return {name for name in columns if isinstance(name, str) and _NUMBERED.fullmatch(name)}


def _missing_columns(
    columns: Sequence[str], measure: Measure, rest: Sequence[str], starts: Sequence[str],
    ways: Mapping[str, str],
) -> str:  # fmt: skip
    """Word which columns are missing from the set that comes nearest to what is there."""
    looked = " or ".join(f"{start}{rest[0]}.." for start in starts)
    tried = [*starts, "q"] if _numbered(columns) and list(starts) != ["q"] else list(starts)
    there = {name.lower() for name in columns if isinstance(name, str)}
    best = max(tried, key=lambda start: sum(f"{start}{item}".lower() in there for item in rest))
    wanted = [f"{best}{item}" for item in rest]
    absent = [name for name in wanted if name not in columns]
    spare = [name for name in columns if name not in wanted]
    noun, n = ways["noun"], len(measure.items)
    if not absent:  # a q set that is complete but not alone
        others = sorted(_numbered(columns) - set(wanted))
        return (
            f"{measure.id}: beside q{rest[0]}.. the {noun} has {', '.join(others)}, so these may be "
            f"another measure. {ways['alone'].format()}"
        )
    return (
        f"{measure.id}: the {noun} has no column {_with_near(absent, spare)}. "
        f"Items are looked for as {looked}, {ways['looked'].format(n=n)}; "
        f"{_small(ways['name'].format())}"
    )


def _small(text: str) -> str:
    return text[:1].lower() + text[1:]


def cleaned(table: Frame, measure: Measure, found: Mapping[str, str], *, on_invalid: str) -> Frame:
    """Add a working column per item: the answer as a number, null where missing or refused."""
    schema = table.collect_schema()
    numbers, refused = [], {}
    present = [item for item in measure.items if item.id in found]
    for item in present:
        column, name = found[item.id], temporary(measure, item.id)
        numbers.append(_number(column, schema[column], item).alias(name))
        refused[column] = _not_allowed(nw.col(name), item)
        if schema[column] in TEXT:
            refused[column] |= _is_text(column) & nw.col(name).is_null()
    table = table.with_columns(*numbers)
    if on_invalid == "raise":
        allowed = _codes_by_column(measure, found)
        refuse(table, refused, allowed=allowed, noun="answer", step=REFUSED)
        return table
    count = nw.sum_horizontal(*[bad.cast(nw.Int64) for bad in refused.values()])
    names = [temporary(measure, item.id) for item in present]
    kept = zip(names, refused.values(), strict=True)
    return table.with_columns(
        count.alias(f"{measure.column}__n_invalid"),
        *[nw.when(~bad).then(nw.col(name)).alias(name) for name, bad in kept],
    )


def _codes_by_column(measure: Measure, found: Mapping[str, str]) -> dict[str, str]:
    return {found[item.id]: item.allowed for item in measure.items if item.id in found}


def _number(column: str, dtype: Any, item: Item) -> nw.Expr:
    """Return an answer as a number, null where it is none."""
    raw = nw.col(column)
    if dtype.is_numeric() or dtype == nw.Unknown:
        return _without_nan(raw.cast(nw.Float64))
    if dtype == nw.Boolean:
        _refuse_truth(column, item)
        return raw.cast(nw.Float64)
    if dtype not in TEXT:
        raise InvalidInput(f"The column '{column}' holds {dtype}, not answer codes.")
    text = _text(column)
    return nw.when(text.str.contains(_NUMBER)).then(text).cast(nw.Float64)


def _text(column: str) -> nw.Expr:
    return nw.col(column).cast(nw.String).str.strip_chars()


def _is_text(column: str) -> nw.Expr:
    """Whether a text column holds anything but blanks; never null."""
    return (_text(column).str.len_chars() > 0).fill_null(False)


def _without_nan(value: nw.Expr) -> nw.Expr:
    return nw.when(~value.is_nan()).then(value)


def _not_allowed(number: nw.Expr, item: Item) -> nw.Expr:
    """Whether a number is none of the item's codes; False where it is null, on every backend."""
    codes = [code for code, _ in item.codes]
    even = (item.high - item.low) == len(codes) - 1 and all(code == int(code) for code in codes)
    if item.range is None and not even:
        odd = ~number.is_in([float(code) for code in codes])
    else:
        odd = number < item.low
        odd |= number > item.high if math.isfinite(item.high) else number >= math.inf
        if item.step == 1 and item.low == int(item.low):
            odd |= number != number.floor()
        elif item.step is not None:
            steps = (number - item.low) / item.step
            odd |= steps != steps.floor()
    return ~number.is_null() & odd


def numbers_of(column: Any, item: Item) -> tuple[Any, Any]:
    """Return a pandas column as floats, NaN where null or unreadable, and where it is unreadable.

    The second is None where every cell could be read.
    """
    import numpy as np

    dtype = column.dtype
    if dtype == np.float64:
        return column.to_numpy(), None
    kind = nw.from_native(column, series_only=True).dtype
    if kind.is_numeric():
        return column.to_numpy(dtype=float, na_value=np.nan), None
    if kind == nw.Boolean:
        _refuse_truth(str(column.name), item)
        return column.to_numpy(dtype=float, na_value=np.nan), None
    if kind not in TEXT:
        raise InvalidInput(f"The column '{column.name}' holds {kind}, not answer codes.")
    cells = column.to_numpy(dtype=object)
    known = {cell: _read(cell) for cell in {_word(cell) for cell in cells}}
    read = [known[_word(cell)] for cell in cells]
    unreadable = np.array([value is None for value in read], dtype=bool)
    values = np.array([np.nan if value is None else value for value in read], dtype=float)
    return values, unreadable if unreadable.any() else None


def _word(cell: Any) -> str:
    """Return a cell as text, blank where it is null."""
    if isinstance(cell, str):
        return cell
    return "" if cell is None or cell != cell or str(cell) == "<NA>" else str(cell)


def _read(word: str) -> float | None:
    """Return the number that a word writes, NaN where it is blank, None where it is none."""
    text = word.strip()
    if not text:
        return math.nan
    return float(text) if re.match(_NUMBER, text) else None


def refusals(
    frame: Any, measure: Measure, columns: Mapping[str, str], items: Sequence[Item],
    bad: Sequence[tuple[int, Any]],
) -> list[Problem]:  # fmt: skip
    """Word the answers of a pandas frame that are not allowed: `bad` is by block, items by rows."""
    problems = []
    for n, item in enumerate(items):
        name = columns[item.id]
        at = [low + int(row) for low, wrong in bad for row in wrong[n].nonzero()[0]]
        shown = [(row, frame[name].iloc[row]) for row in at[:MAX_LISTED]]
        problems += _worded(name, shown, len(at), item.allowed, "answer", REFUSED)
    return problems


def contradictions(
    measure: Measure, scale: Scale, rows: Sequence[int], count: int
) -> list[Problem]:
    """Word the rows whose counts cannot go together: `rows` are positions, `count` how many."""
    parts = " and ".join(measure.item(item).label for item in scale.items)
    whole = " and ".join(measure.item(item).label for item in scale.per)
    step = "Correct the counts, or score with on_invalid='missing'."
    what = f"{parts} do not go with {whole}: {scale.title.lower()} leaves its range"
    allowed = f"{scale.low:g} to {scale.high:g}"
    named = list(rows)[:MAX_LISTED]
    problems = [
        Problem(Where(row=n + 1, column=scale.id), f"{what} (position {n}).", allowed, step)
        for n in named
    ]
    if count > len(named):
        more = f"{count - len(named)} {'more ' if named else ''}rows: {what}."
        problems.append(Problem(Where(column=scale.id), more, allowed, step))
    return problems


def _refuse_truth(column: str, item: Item) -> None:
    if {code for code, _ in item.codes} != {0, 1}:
        raise InvalidInput(f"The column '{column}' holds true and false, not answer codes.")


def check_ages(table: Frame, measure: Measure, age: str) -> None:
    """Raise InvalidData where people are outside the measure's ages; a missing age passes."""
    dtype = table.collect_schema()[age]
    if not (dtype.is_numeric() or dtype == nw.Unknown):
        raise InvalidInput(f"The age column '{age}' holds {dtype}, not years.")
    if measure.ages is None:
        return
    value = _without_nan(nw.col(age).cast(nw.Float64))
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
    table: Frame,
    refused: Mapping[str, nw.Expr],
    *,
    allowed: Mapping[str, str],
    noun: str,
    step: str,
) -> None:
    """Raise InvalidData where any condition holds: by row, or by count in a lazy frame.

    `refused` and `allowed` are by column; `noun` is what a value is called.
    """
    totals = [bad.cast(nw.Int64).sum().alias(name) for name, bad in refused.items()]
    counted = table.select(*totals)
    eager = counted.collect() if isinstance(counted, nw.LazyFrame) else counted
    problems: list[Problem] = []
    for name, bad in refused.items():
        count = int(eager[name][0] or 0)
        rows = _rows(table, name, bad) if count and isinstance(table, nw.DataFrame) else []
        problems += _worded(name, rows, count, allowed[name], noun, step)
    if problems:
        raise InvalidData(problems)


def _worded(
    name: str, rows: Sequence[tuple[int, Any]], count: int, allowed: str, noun: str, step: str
) -> list[Problem]:
    """Word the refused cells of a column: those listed by row, then how many more there are."""
    problems = []
    for n, value in rows:
        what = f"the {noun} is {_shown(value)} (position {n})."
        problems.append(Problem(Where(row=n + 1, column=name), what, allowed, step))
    if count > len(rows):
        what = f"{count - len(rows)} {'more ' if rows else ''}values are not allowed."
        problems.append(Problem(Where(column=name), what, allowed, step))
    return problems


def _rows(table: nw.DataFrame[Any], name: str, refused: nw.Expr) -> list[tuple[int, Any]]:
    """Return the position and value of the first refused cells of a column."""
    marks = table.select(refused.alias(name))[name].to_list()
    positions = [n for n, mark in enumerate(marks) if mark][:MAX_LISTED]
    values = table[name]
    return [(n, values[n]) for n in positions]


def _shown(value: Any) -> str:
    return repr(value) if isinstance(value, str) else f"{value:g}"
