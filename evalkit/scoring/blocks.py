"""Scoring of pandas frames through numpy, in blocks of rows that stay in the processor's cache."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from numbers import Real
from typing import Any

import narwhals as nw
import numpy as np

from evalkit.errors import InvalidData, InvalidInput, Problem
from evalkit.instruments.parts import Item
from evalkit.instruments.scale import Scale
from evalkit.instruments.spec import Measure
from evalkit.scoring.cleaning import NUMBER, SPACES, TEXT
from evalkit.scoring.engines import Arrays, Given
from evalkit.scoring.methods import SEXES, after_skips, score_of
from evalkit.scoring.plan import SEX_WORDS, Plan
from evalkit.scoring.refusals import MAX_LISTED, STEP, contradictions, refuse_truth, worded

ROWS = 16384
ENGINE = Arrays()


def scored_in_blocks(table: nw.DataFrame[Any], plan: Plan) -> nw.DataFrame[Any]:
    """Return a pandas frame with the columns of the plan added."""
    frame = table.to_native()
    asked = [item for item in plan.measure.items if item.id in plan.columns]
    read = [_numbers(frame[plan.columns[item.id]], item) for item in asked]
    who = {
        "sex": None if plan.sex is None else _sexes(frame[plan.sex]),
        "grade": None if plan.grade is None else _years(frame[plan.grade], "grade"),
        "age": None if plan.age is None else _years(frame[plan.age], "age"),
    }
    out = _Output(plan, len(frame))

    def block(low: int) -> tuple[int, Any] | None:
        rows = slice(low, min(low + ROWS, len(frame)))
        stacked, wrong = _answers(read, asked, rows)
        out.write(rows, _given(plan, asked, stacked, who, rows), wrong)
        return (low, wrong) if wrong.any() else None

    bad = [found for found in map(block, range(0, len(frame), ROWS)) if found is not None]
    if not plan.counts_invalid:
        problems = _refusals(frame, plan.measure, plan.columns, asked, bad) if bad else []
        problems += [problem for scale in plan.scales for problem in out.contradictions(scale)]
        if problems:
            raise InvalidData(problems)
    return nw.from_native(out.added_to(frame), eager_only=True)


def _answers(
    read: Sequence[tuple[Any, Any]], asked: Sequence[Item], rows: slice
) -> tuple[Any, Any]:
    """Return a block of answers, an item a row, and which were refused and made missing."""
    stacked = np.stack([values[rows] for values, _ in read])
    wrong = _not_allowed(stacked, asked)
    for n, (_, unread) in enumerate(read):
        if unread is not None:
            wrong[n] |= unread[rows]
    if wrong.any():
        stacked[wrong] = np.nan
    return stacked, wrong


def _not_allowed(stacked: Any, items: Sequence[Item]) -> Any:
    """Return which answers are no codes of their item; False where there is none."""
    bad = np.zeros(stacked.shape, dtype=bool)
    first = 0
    while first < len(items):
        last = first + 1
        while last < len(items) and _same(items[first], items[last]):
            last += 1
        bad[first:last] = _odd(stacked[first:last], items[first])
        first = last
    return bad


def _same(one: Item, other: Item) -> bool:
    return (one.codes, one.range, one.step) == (other.codes, other.range, other.step)


def _odd(values: Any, item: Item) -> Any:
    if item.range is None:
        good = values != values
        for code, _ in item.codes:
            good |= values == code
        return ~good
    odd = (values < item.low) | (values > item.high) | np.isinf(values)
    if item.step is not None:
        steps = (values - item.low) / item.step
        odd |= (steps != np.floor(steps)) & (values == values)
    return odd


def _numbers(column: Any, item: Item) -> tuple[Any, Any]:
    """Return a pandas column as floats, NaN where null or unreadable, and where it is unreadable.

    The second is None where every cell could be read.
    """
    dtype = column.dtype
    if dtype == np.float64:
        return column.to_numpy(), None
    kind = nw.from_native(column, series_only=True).dtype
    if kind.is_numeric():
        return column.to_numpy(dtype=float, na_value=np.nan), None
    if kind == nw.Boolean:
        refuse_truth(str(column.name), item)
        return column.to_numpy(dtype=float, na_value=np.nan), None
    if _is_null(column, kind):
        return np.full(len(column), np.nan), None
    if kind not in TEXT:
        held = column.dtype if kind == nw.Unknown else kind
        raise InvalidInput(f"The column '{column.name}' holds {held}, not answer codes.")
    return _cells(column, item)


def _is_null(column: Any, kind: Any) -> bool:
    """Whether a column is of a type that has nothing but nulls."""
    return kind == nw.Unknown and bool(column.isna().all())


def _cells(column: Any, item: Item) -> tuple[Any, Any]:
    """Return a column of text, categories or objects, read cell by cell, as `_numbers` does."""
    from pandas.api.types import infer_dtype

    cells = column.to_numpy(dtype=object)
    if infer_dtype(cells, skipna=True) == "boolean":
        refuse_truth(str(column.name), item)
        return column.astype(object).to_numpy(dtype=float, na_value=np.nan), None
    missing = column.isna().to_numpy()
    plain = ["" if gone else _plain(cell) for cell, gone in zip(cells, missing, strict=True)]
    known = {cell: _read(cell) for cell in set(plain)}
    read = [known[cell] for cell in plain]
    unreadable = np.array([value is None for value in read], dtype=bool)
    values = np.array([np.nan if value is None else value for value in read], dtype=float)
    return values, unreadable if unreadable.any() else None


def _plain(cell: Any) -> str | float:
    """Return a cell that is not null as a number where it is one, otherwise as text."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool) or not isinstance(cell, Real | Decimal):
        return str(cell)
    try:
        return float(cell)
    except OverflowError:
        return math.inf


def _read(cell: str | float) -> float | None:
    """Return the number that a cell holds, NaN where it is blank, None where it is none."""
    if isinstance(cell, float):
        return cell
    text = cell.strip(SPACES)
    if not text:
        return math.nan
    return float(text) if re.match(NUMBER, text) else None


def _refusals(
    frame: Any, measure: Measure, columns: Mapping[str, str], items: Sequence[Item],
    bad: Sequence[tuple[int, Any]],
) -> list[Problem]:  # fmt: skip
    """Word the answers of a pandas frame that are not allowed: `bad` is by block, items by rows."""
    problems = []
    for n, item in enumerate(items):
        name = columns[item.id]
        at = [low + int(row) for low, wrong in bad for row in wrong[n].nonzero()[0]]
        shown = [(row, frame[name].iloc[row]) for row in at[:MAX_LISTED]]
        problems += worded(name, shown, len(at), item.allowed, "answer", STEP)
    return problems


def _given(
    plan: Plan, asked: Sequence[Item], stacked: Any, who: Mapping[str, Any], rows: slice
) -> Given:
    found = {item.id: stacked[n] for n, item in enumerate(asked)}
    if len(found) < len(plan.measure.items):
        null = np.full(stacked.shape[1], np.nan)
        found = {item.id: found.get(item.id, null) for item in plan.measure.items}
    mine = {name: None if values is None else values[rows] for name, values in who.items()}
    return Given(ENGINE, found, {}, mine["sex"], mine["grade"], absent=plan.absent, age=mine["age"])


def _sexes(column: Any) -> Any:
    """Return 0 for male, 1 for female, NaN for anything else."""
    kind = nw.from_native(column, series_only=True).dtype
    if kind not in TEXT and not _is_null(column, kind):
        raise InvalidInput(f"The sex column '{column.name}' holds {column.dtype}, not words.")
    words = [cell if isinstance(cell, str) else "" for cell in column.to_numpy(dtype=object)]
    known = {
        word: float(SEXES[SEX_WORDS[word.strip(SPACES).lower()]])
        for word in set(words)
        if word.strip(SPACES).lower() in SEX_WORDS
    }
    return np.array([known.get(word, np.nan) for word in words], dtype=float)


def _years(column: Any, noun: str) -> Any:
    if column.dtype == bool or not nw.from_native(column, series_only=True).dtype.is_numeric():
        raise InvalidInput(f"The {noun} column '{column.name}' holds {column.dtype}, not numbers.")
    return column.to_numpy(dtype=float, na_value=np.nan)


class _Output:
    """The columns that are written, filled block by block."""

    def __init__(self, plan: Plan, n: int) -> None:
        self.plan = plan
        self.scores = {scale.id: np.empty(n) for scale in plan.scales}
        self.bands = {scale: np.zeros(n, dtype=np.int8) for scale in plan.bands}
        self.labels: dict[str, list[str]] = {}
        self.answered = np.empty(n, dtype=np.int64)
        self.invalid = np.empty(n, dtype=np.int64)
        self.flags = np.zeros(n, dtype=np.int64)
        self.words: list[str] = []
        self.odd: dict[str, list[int]] = {}

    def write(self, rows: slice, given: Given, wrong: Any) -> None:
        """Score one block of rows."""
        plan, measure = self.plan, self.plan.measure
        self.invalid[rows] = wrong.sum(axis=0)
        after = after_skips(measure, given)
        with np.errstate(divide="ignore", invalid="ignore"):
            for scale in plan.scales:
                made = score_of(scale, measure, after)
                after.scores[scale.id] = made
                odd = plan.impossible(scale, after)
                if odd is not None and odd.any():
                    self.odd.setdefault(scale.id, []).extend(
                        (rows.start + odd.nonzero()[0]).tolist()
                    )
                    after.scores[scale.id] = made = np.where(odd, np.nan, made)
                    self.invalid[rows] += odd
                self.scores[scale.id][rows] = made
        self.answered[rows] = given.answered([item.id for item in measure.asked])
        for scale in plan.scales:
            if scale.id in plan.bands:
                self._band(scale, rows, after)
        found = plan.flags(replace(given, scores=after.scores))
        self.words = [text for text, _ in found]
        for n, (_, mask) in enumerate(found):
            self.flags[rows] |= mask.astype(np.int64) << n

    def contradictions(self, scale: Scale) -> list[Problem]:
        """Return the rows in which counts contradict each other, worded."""
        rows = sorted(self.odd.get(scale.id, []))
        return contradictions(self.plan.measure, self.plan.columns, scale, rows, len(rows))

    def _band(self, scale: Scale, rows: slice, given: Given) -> None:
        found = self.plan.bands_of(scale, given)
        self.labels[scale.id] = [label for label, _ in found]
        codes = self.bands[scale.id][rows]
        for n, (_, reached) in enumerate(found, start=1):
            np.maximum(codes, reached.view(np.int8) * np.int8(n), out=codes)

    def added_to(self, frame: Any) -> Any:
        """Return the frame with the columns beside it."""
        import pandas as pd

        plan = self.plan
        columns: dict[str, Any] = {}
        for scale in plan.scales:
            columns[plan.measure.score_column(scale.id)] = self.scores[scale.id]
            if scale.id in plan.bands:
                columns[plan.band_column(scale.id)] = self._band_texts(scale.id)
        columns[plan.column("n_answered")] = self.answered
        if plan.counts_invalid:
            columns[plan.column("n_invalid")] = self.invalid
        columns[plan.column("flags")] = self._flag_texts()
        added = pd.DataFrame(columns, index=frame.index, copy=False)
        return pd.concat([frame, added], axis=1).__finalize__(frame)

    def _band_texts(self, scale: str) -> Any:
        return _texts([None, *self.labels.get(scale, [])], self.bands[scale])

    def _flag_texts(self) -> Any:
        """Return the flags of each row joined by semicolons, None where it has none."""
        kinds, codes = _distinct(self.flags)
        texts = [
            ";".join(word for n, word in enumerate(self.words) if kind >> n & 1) or None
            for kind in kinds
        ]
        return _texts(texts, codes)


def _distinct(values: Any) -> tuple[list[int], Any]:
    """Return the distinct whole numbers and the position of each value among them."""
    if values.size and values.max() < 1 << 16:
        kinds = np.flatnonzero(np.bincount(values))
        position = np.zeros(1 << 16, dtype=np.int32)
        position[kinds] = np.arange(len(kinds))
        return kinds.tolist(), position[values]
    kinds, codes = np.unique(values, return_inverse=True)
    return kinds.tolist(), codes


def _texts(labels: Sequence[str | None], codes: Any) -> Any:
    """Return a column of text from its distinct values and the position of each row's."""
    import pandas as pd

    return pd.array(labels, dtype="str").take(codes)
