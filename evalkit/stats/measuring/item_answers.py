"""The answers to the items of one scale, read from a frame: checked, reversed, counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.stats.shared.columns import as_pandas, invalid, numeric

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LEAST_ROWS = 3


@dataclass(frozen=True, slots=True)
class Answers:
    """Items as numbers, reversed where asked: one row a person, one column an item."""

    values: Floats
    names: tuple[str, ...]
    reversed: tuple[bool, ...]
    low: Floats
    high: Floats

    @property
    def missing(self) -> NDArray[np.bool_]:
        """Where nothing was answered."""
        return np.isnan(self.values)

    @property
    def complete(self) -> Answers:
        """The rows in which every item was answered."""
        return self.only(~self.missing.any(axis=1))

    def only(self, keep: Any) -> Answers:
        """Return some of the rows."""
        return Answers(self.values[keep], self.names, self.reversed, self.low, self.high)


def read_answers(items: Any, reverse: tuple[str, ...], low: Any, high: Any) -> Answers:
    """Return the items as numbers, the named ones reversed, or refuse them."""
    frame = _frame(items)
    names = tuple(str(column) for column in frame.columns)
    _check_shape(names, len(frame))
    frame.columns = list(names)
    values = np.column_stack([numeric(frame, name) for name in names])
    lows, highs = _ends(low, "low", names), _ends(high, "high", names)
    _check_range(values, names, lows, highs)
    turn = np.array([name in reverse for name in names])
    for name in reverse:
        if name not in names:
            raise invalid(f"reverse names no item '{name}'.", allowed=", ".join(names))
    if turn.any() and bool(np.isnan(lows).any() or np.isnan(highs).any()):
        raise invalid("reverse needs the lowest and highest answer.", allowed="low= and high=")
    values = np.where(turn, lows + highs - values, values)
    return Answers(values, names, tuple(bool(x) for x in turn), lows, highs)


def _frame(items: Any) -> Any:
    import pandas as pd

    if isinstance(items, np.ndarray | list | tuple):
        array = np.asarray(items)
        if array.ndim != 2:
            raise invalid(f"items has {array.ndim} dimension(s).", allowed="rows by items")
        return pd.DataFrame(array)
    return as_pandas(items).copy(deep=False)


def _check_shape(names: tuple[str, ...], rows: int) -> None:
    if len(names) < 2:
        raise invalid(f"{len(names)} item(s).", allowed="at least 2 items, one a column")
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise invalid("this item is in the data more than once.", column=twice)
    if rows < LEAST_ROWS:
        raise invalid(f"{rows} row(s).", allowed=f"at least {LEAST_ROWS} rows, one a person")


def _ends(end: Any, argument: str, names: tuple[str, ...]) -> Floats:
    """Return one end of the answers for each item, NaN where it is not known."""
    values = np.full(len(names), np.nan) if end is None else np.asarray(end, dtype=float)
    if values.ndim > 1 or (values.ndim == 1 and len(values) != len(names)):
        raise invalid(f"{argument} has {values.size} values.", allowed=f"1, or {len(names)}")
    ends: Floats = np.broadcast_to(values, (len(names),)).astype(float)
    return ends


def _check_range(values: Floats, names: tuple[str, ...], low: Floats, high: Floats) -> None:
    if np.any(low >= high):
        raise invalid("low is not below high.", allowed="low below high")
    beyond = ((values < low) | (values > high)).sum(axis=0)
    for place in np.flatnonzero(beyond)[:1]:
        raise invalid(
            f"{beyond[place]} answer(s) are beyond the lowest or highest possible.",
            column=names[place],
            allowed=f"{low[place]:g} to {high[place]:g}",
        )


def left_out_for(answers: Answers, missing: str) -> list[tuple[str, NDArray[np.bool_]]]:
    """Return why rows are not used, as (reason, rows)."""
    answered = (~answers.missing).sum(axis=1)
    none = ("no item answered", answered == 0)
    if missing == "complete":
        return [none, ("some items not answered", answered < len(answers.names))]
    return [none]


def check_variance(used: Answers) -> None:
    """Refuse too few rows, and an item that nobody answered or everyone answered alike."""
    if len(used.values) < LEAST_ROWS:
        raise invalid(
            f"{len(used.values)} row(s) can be used.",
            allowed=f"at least {LEAST_ROWS} rows with enough answers",
        )
    for place, name in enumerate(used.names):
        answered = used.values[~used.missing[:, place], place]
        if len(answered) == 0:
            raise invalid("nobody answered this item.", column=name)
        if np.ptp(answered) == 0:
            raise invalid("everyone gave the same answer: no variance.", column=name)


def covariances(used: Answers) -> Floats:
    """Return covariances (divisor n - 1), each from the rows that hold both items."""
    centred = used.values - np.nanmedian(used.values, axis=0)
    if not used.missing.any():
        return np.asarray(np.cov(centred, rowvar=False), dtype=float)
    count = len(used.names)
    covariance = np.empty((count, count))
    for i in range(count):
        for j in range(i, count):
            covariance[i, j] = covariance[j, i] = _pair(centred[:, i], centred[:, j])
    if np.isnan(covariance).any():
        raise CannotEstimate("Two items were answered together by fewer than 2 people.")
    return covariance


def _pair(one: Floats, other: Floats) -> float:
    both = ~(np.isnan(one) | np.isnan(other))
    return float(np.cov(one[both], other[both])[0, 1]) if both.sum() > 1 else float("nan")
