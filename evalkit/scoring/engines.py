"""Two engines for one set of scoring rules: narwhals expressions, and blocks of numpy arrays.

A rule (`evalkit.scoring.methods`) is written once, against the operations below; the values it
handles are narwhals expressions or float arrays, and null is null or NaN. Masks are never null: a
missing answer is neither above nor below any limit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import add, and_, or_
from typing import Any, Protocol

Value = Any
"""A narwhals expression or a float array, as the engine has it."""
Mask = Any
"""A boolean expression or array without nulls."""


class Engine(Protocol):
    """The operations that scoring rules are written in."""

    def known(self, value: Value) -> Mask:
        """Whether a value is there."""

    def sure(self, mask: Mask) -> Mask:
        """A comparison in which null counts as no."""

    def keep(self, mask: Mask, value: Value | float) -> Value:
        """The value where the mask holds, null elsewhere."""

    def pick(self, mask: Mask, value: Value | float, other: Value | float) -> Value:
        """The value where the mask holds, the other elsewhere."""

    def total(self, values: Sequence[Value]) -> Value:
        """The sum of the values that are there; 0 where none is."""

    def complete(self, values: Sequence[Value]) -> Value:
        """The sum of the values; null where any of them is."""

    def count(self, masks: Sequence[Mask]) -> Value:
        """How many masks hold."""

    def highest(self, values: Sequence[Value]) -> Value:
        """The highest of the values, all of which are there."""

    def floor(self, value: Value) -> Value:
        """The next whole number below."""

    def divided(self, value: Value, number: float) -> Value:
        """The value divided by a number, rounded once."""


@dataclass(frozen=True, slots=True)
class Expressions:
    """Expressions of `api`: narwhals, for every kind of frame, or polars.

    Sums are written out: Dask does not know the result of a horizontal sum to be aligned.
    """

    api: Any

    def known(self, value: Any) -> Any:
        return ~value.is_null()

    def sure(self, mask: Any) -> Any:
        return mask.fill_null(False)

    def keep(self, mask: Any, value: Any) -> Any:
        return self.api.when(mask).then(self._expression(value))

    def pick(self, mask: Any, value: Any, other: Any) -> Any:
        return self.keep(mask, value).otherwise(self._expression(other))

    def total(self, values: Sequence[Any]) -> Any:
        return added([value.fill_null(0.0) for value in values])

    def complete(self, values: Sequence[Any]) -> Any:
        return added(values)

    def count(self, masks: Sequence[Any]) -> Any:
        return added([mask.cast(self.api.Int16) for mask in masks])

    def highest(self, values: Sequence[Any]) -> Any:
        return self.api.max_horizontal(*values)

    def floor(self, value: Any) -> Any:
        return value.floor()

    def divided(self, value: Any, number: float) -> Any:
        # Polars multiplies by the reciprocal of a literal, which may differ in the last digit.
        return value / (value * 0.0 + number)

    def _expression(self, value: Any) -> Any:
        return self.api.lit(float(value)) if isinstance(value, int | float) else value


class Arrays:
    """Float arrays of one block of rows, NaN where null."""

    def known(self, value: Any) -> Any:
        return value == value

    def sure(self, mask: Any) -> Any:
        return mask

    def keep(self, mask: Any, value: Any) -> Any:
        import numpy as np

        return np.where(mask, value, np.nan)

    def pick(self, mask: Any, value: Any, other: Any) -> Any:
        import numpy as np

        return np.where(mask, value, other)

    def total(self, values: Sequence[Any]) -> Any:
        import numpy as np

        stacked = np.stack(values)
        return np.add.reduce(np.where(stacked == stacked, stacked, 0.0), axis=0)

    def complete(self, values: Sequence[Any]) -> Any:
        import numpy as np

        return np.add.reduce(np.stack(values))

    def count(self, masks: Sequence[Any]) -> Any:
        import numpy as np

        return np.add.reduce(np.stack(masks).view(np.int8), axis=0, dtype=np.int16)

    def highest(self, values: Sequence[Any]) -> Any:
        import numpy as np

        return np.maximum.reduce(np.stack(values))

    def floor(self, value: Any) -> Any:
        import numpy as np

        return np.floor(value)

    def divided(self, value: Any, number: float) -> Any:
        return value / number


@dataclass(frozen=True, slots=True)
class Given:
    """What a rule may use: the engine, the answers and finished scores, and who the person is.

    `sex` (0 male, 1 female), `grade` and `age` are values, or None where they were not given; `absent` are
    optional items that were not asked of anybody.
    """

    engine: Engine
    answers: Mapping[str, Value]
    scores: dict[str, Value]
    sex: Value | None = None
    grade: Value | None = None
    absent: frozenset[str] = frozenset()
    age: Value | None = None
    _counted: dict[tuple[str, ...], Value] = field(default_factory=dict)
    _known: dict[str, Mask] = field(default_factory=dict)

    def known(self, item: str) -> Mask:
        """Whether an item is answered."""
        if item not in self._known:
            self._known[item] = self.engine.known(self.answers[item])
        return self._known[item]

    def answered(self, items: Sequence[str]) -> Value:
        """How many of these items are answered; counts made before are used again."""
        key = tuple(items)
        if key not in self._counted:
            rest, parts = set(key), []
            for counted, value in self._counted.items():
                if rest.issuperset(counted):
                    parts.append(value)
                    rest.difference_update(counted)
            left = [self.known(item) for item in key if item in rest]
            parts += [self.engine.count(left)] if left else []
            self._counted[key] = added(parts)
        return self._counted[key]


def added(values: Sequence[Value]) -> Value:
    """The values added up, from the left."""
    return reduce(add, values)


def every(masks: Sequence[Mask]) -> Mask:
    """Whether all masks hold."""
    return reduce(and_, masks)


def some(masks: Sequence[Mask]) -> Mask:
    """Whether any mask holds."""
    return reduce(or_, masks)
