"""Which columns of a frame hold the answers to a measure's items."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import narwhals as nw

from evalkit.errors import InvalidInput, Problem, Where, nearest
from evalkit.instruments.spec import Measure

Frame = nw.DataFrame[Any] | nw.LazyFrame[Any]
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
    found = {item: column for item, column in found.items() if column in columns}
    _refuse_twice(list(found.values()))
    return found


def _named(
    columns: Sequence[str], measure: Measure, items: Mapping[str, str], noun: str
) -> dict[str, str]:
    if not isinstance(items, Mapping):
        raise InvalidInput(f"items: found {type(items).__name__}, not a mapping of item to column.")
    named = {str(item): column for item, column in items.items()}
    known = [item.id for item in measure.items]
    for item in named:
        if item not in known:
            problem = Problem(
                Where(), f"items: {measure.id} has no item '{item}'.", ", ".join(known)
            )
            raise InvalidInput(str(problem))
    require_columns(columns, list(named.values()), noun)
    _refuse_twice(list(named.values()))
    return named


def _refuse_twice(columns: Sequence[str]) -> None:
    """Raise InvalidInput where one column would be the answers to two items."""
    twice = [column for n, column in enumerate(columns) if column in columns[:n]]
    if twice:
        what = f"items: two items point to the column '{twice[0]}'."
        raise InvalidInput(f"{what} An item that items= leaves out is found by its name.")


def require_columns(columns: Sequence[str], wanted: Sequence[str], noun: str = "frame") -> None:
    """Raise InvalidInput, with a near match for each, where columns are not there."""
    absent = [name for name in wanted if name not in columns]
    if absent:
        raise InvalidInput(f"The {noun} has no column {_with_near(absent, columns)}.")


def _with_near(absent: Sequence[str], columns: Sequence[str]) -> str:
    lowered = {name.lower(): name for name in columns if isinstance(name, str)}
    hints = []
    for name in absent[:10]:
        hint = nearest(str(name), lowered).removeprefix("Did you mean '").removesuffix("'?")
        close = f" (did you mean '{lowered[hint]}'?)" if hint else ""
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
    noun, n = ways["noun"], len(measure.asked)
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
