"""Columns as chained equations see them: numbers standardised, categories as dummies, what is lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.stats.shared.columns import choice, invalid, is_numeric, numeric
from evalkit.stats.shared.design_matrix import levels

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]
    Codes = NDArray[np.intp]

METHODS = ("pmm", "norm", "logreg", "polyreg", "polr")
MANY = 50  # categories: more are names of people or free text, not groups
_SUITS = {
    "number": ("pmm", "norm"),
    "two": ("logreg", "polyreg", "pmm"),
    "categories": ("polyreg",),
    "ordered": ("polr", "polyreg"),
}
_WORDS = {
    "number": "numbers",
    "two": "two values",
    "categories": "categories without an order",
    "ordered": "ordered categories",
}


@dataclass(frozen=True, slots=True, eq=False)
class Lost:
    """A column of the frame as it is: what its values are, and which of them are missing.

    `kind` is "number", "two", "categories" or "ordered". `values` holds the numbers, or codes from
    0 of `labels`; NaN where missing. `whole` marks a column of whole numbers by its type.
    """

    name: str
    kind: str
    values: Floats
    labels: tuple[Any, ...]
    whole: bool

    @property
    def missing(self) -> Bools:
        """Whether each row lacks a value."""
        return np.isnan(self.values)


def kind_of(series: pd.Series[Any]) -> str:
    """Return "number", "two", "categories", "ordered", or "other" for dates and the like."""
    import pandas as pd
    from pandas.api.types import infer_dtype, is_bool_dtype, is_string_dtype

    if isinstance(series.dtype, pd.CategoricalDtype):
        seen = series.nunique()
        return "two" if seen <= 2 else "ordered" if series.dtype.ordered else "categories"
    if is_bool_dtype(series) or (series.dtype == object and infer_dtype(series) == "boolean"):
        return "two"
    if is_numeric(series):
        return "number"
    if series.dtype == object or is_string_dtype(series):
        return "two" if series.nunique() <= 2 else "categories"
    return "other"


def read_column(data: pd.DataFrame, name: str, kind: str, *, whole: bool) -> Lost:
    """Return a column as numbers or codes."""
    series = data[name]
    if kind == "number":
        return Lost(name, kind, numeric(data, name), (), whole)
    found = _labels(series)
    place = {label: float(code) for code, label in enumerate(found)}
    values = np.full(len(series), np.nan)
    present = series.notna().to_numpy()
    values[present] = [place[value] for value in series[present]]
    return Lost(name, kind, values, tuple(found), False)


def _labels(series: pd.Series[Any]) -> list[Any]:
    import pandas as pd

    if isinstance(series.dtype, pd.CategoricalDtype):
        seen = set(series.dropna())
        return [value for value in series.dtype.categories if value in seen]
    return levels(series)


def method_of(column: Lost, method: str, methods: dict[str, str]) -> str:
    """Return how a column is imputed; refuses a method that does not suit its values."""
    suits = _SUITS[column.kind]
    if column.name not in methods:
        return method if column.kind == "number" else suits[0]
    asked = choice(methods[column.name], METHODS, argument=f"methods[{column.name!r}]")
    if asked not in suits:
        raise invalid(
            f"method {asked!r} does not suit {_WORDS[column.kind]}.",
            column=column.name,
            allowed=", ".join(suits),
        )
    return asked


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """The place of a column among the design's columns, and its scale there."""

    column: Lost  # in the rows of the arm
    method: str
    places: Codes
    centre: float
    scale: float
    seen: tuple[int, ...]  # codes found in the arm; dummies stand for all but the first
    limits: tuple[float, float] | None

    def coded(self, values: Floats) -> Floats:
        """Return values as the design's columns, rows by columns."""
        if self.column.kind == "number":
            return np.asarray((values[:, None] - self.centre) / self.scale)
        return np.asarray(
            values[:, None] == np.array(self.seen[1:], dtype=np.float64), dtype=np.float64
        )

    @property
    def standard_limits(self) -> tuple[float, float] | None:
        """The bounds on the design's scale."""
        if self.limits is None:
            return None
        low, high = ((edge - self.centre) / self.scale for edge in self.limits)
        return low, high


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """A column to impute: the rows that lack it, the rows that have it, and what predicts it."""

    block: Block
    missing: Codes
    known: Codes
    values: Floats  # of the known rows
    predictors: Codes  # places in the design, the intercept first


@dataclass(frozen=True, slots=True, eq=False)
class Arm:
    """The rows imputed together: the design with its gaps, its blocks, and the targets in order.

    `label` is the arm's value, None without arms. `clusters` are codes from 0, None without;
    `averaged` are the places whose cluster means are predictors too.
    """

    label: Any
    rows: Codes
    design: Floats
    names: tuple[str, ...]
    blocks: tuple[Block, ...]
    targets: tuple[Target, ...]
    clusters: Codes | None
    averaged: Codes

    @property
    def words(self) -> str:
        """The arm as the end of a sentence; nothing without arms."""
        return "" if self.label is None else f" in arm {self.label!r}"


def blocks_of(
    columns: Sequence[Lost],
    methods: dict[str, str],
    bounds: dict[str, tuple[float, float]],
    words: str,
) -> tuple[Block, ...]:
    """Return each column's block, placed after the intercept; `words` names the arm."""
    made: list[Block] = []
    place = 1
    for column in columns:
        known = column.values[~column.missing]
        if known.size == 0:
            raise CannotEstimate(
                f"'{column.name}' is missing for everyone{words}, so nothing there says what its "
                "values could be. Leave it out with ignore=, or collect it."
            )
        centre, scale = 0.0, 1.0
        seen: tuple[int, ...] = ()
        if column.kind == "number":
            centre, scale, width = float(known.mean()), float(known.std()) or 1.0, 1
        else:
            seen = tuple(int(code) for code in np.unique(known))
            width = len(seen) - 1
        places = np.arange(place, place + width)
        method = methods[column.name]
        made.append(Block(column, method, places, centre, scale, seen, bounds.get(column.name)))
        place += width
    return tuple(made)


def design_of(blocks: Sequence[Block], rows: int) -> tuple[Floats, tuple[str, ...]]:
    """Return the design, NaN where a value is missing, and its columns' names."""
    names = ["(intercept)"]
    parts = [np.ones((rows, 1))]
    for block in blocks:
        coded = block.coded(block.column.values)
        coded[block.column.missing] = np.nan
        parts.append(coded)
        name = block.column.name
        if block.column.kind == "number":
            names.append(name)
        else:
            names += [f"{name}={block.column.labels[code]}" for code in block.seen[1:]]
    return np.concatenate(parts, axis=1), tuple(names)
