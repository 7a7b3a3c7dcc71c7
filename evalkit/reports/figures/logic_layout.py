"""Where the boxes of a logic model go: columns given, order and heights found.

A link that jumps over columns gets a narrow slot in each column it crosses, so that it passes
between boxes and not under them. The order within columns comes from barycentre sweeps.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, TypeAlias

from .place import spread

Key: TypeAlias = tuple[Hashable, ...]
Order: TypeAlias = list[list[Key]]

_SWEEPS: Final = 12
_SETTLINGS: Final = 8
_PASSAGE: Final = 8.0


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of a link between two neighbouring columns, or within one."""

    start: Key
    end: Key
    kind: str


@dataclass(frozen=True, slots=True)
class Layout:
    """The centre height of every slot, the pieces of link between them, and the height in all."""

    centres: Mapping[Key, float]
    segments: tuple[Segment, ...]
    height: float


def layered(
    columns: Sequence[Mapping[Key, float]], links: Sequence[tuple[Key, Key, str]], *, gap: float
) -> Layout:
    """Lay out columns of boxes (key to height) joined by links (start, end, kind)."""
    column_of = {key: index for index, column in enumerate(columns) for key in column}
    sizes = [dict(column) for column in columns]
    segments: dict[Segment, None] = {}
    for start, end, kind in links:
        segments.update(dict.fromkeys(_cut(start, end, kind, column_of, sizes)))
    forward = [piece for piece in segments if _columns_apart(piece, sizes) == 1]
    order = _ordered([list(column) for column in sizes], forward)
    centres, height = _settled(order, sizes, forward, gap)
    return Layout(centres, tuple(segments), height)


def _cut(
    start: Key,
    end: Key,
    kind: str,
    column_of: Mapping[Key, int],
    sizes: list[dict[Key, float]],
) -> list[Segment]:
    """The link in pieces; links of one kind from one box share their passages."""
    stops = [start]
    for column in range(column_of[start] + 1, column_of[end]):
        passage = ("passage", start, kind, column)
        sizes[column].setdefault(passage, _PASSAGE)
        stops.append(passage)
    stops.append(end)
    return [Segment(a, b, kind) for a, b in pairwise(stops)]


def _columns_apart(piece: Segment, sizes: Sequence[Mapping[Key, float]]) -> int:
    place = {key: index for index, column in enumerate(sizes) for key in column}
    return place[piece.end] - place[piece.start]


def _neighbours(pieces: Sequence[Segment], *, before: bool) -> dict[Key, list[Key]]:
    found: dict[Key, list[Key]] = {}
    for piece in pieces:
        here, there = (piece.end, piece.start) if before else (piece.start, piece.end)
        found.setdefault(here, []).append(there)
    return found


def _ordered(order: Order, pieces: Sequence[Segment]) -> Order:
    """The order with the fewest crossings met in some sweeps to the right and to the left."""
    best, fewest = order, crossings(order, pieces)
    for sweep in range(_SWEEPS):
        if not fewest:
            break
        rightward = sweep % 2 == 0
        order = _swept(order, _neighbours(pieces, before=rightward), rightward=rightward)
        count = crossings(order, pieces)
        if count < fewest:
            best, fewest = order, count
    return best


def _swept(order: Order, neighbours: Mapping[Key, list[Key]], *, rightward: bool) -> Order:
    """Each column sorted by the mean place of its neighbours, one column after the other."""
    new = [list(column) for column in order]
    indices = range(len(new)) if rightward else range(len(new) - 1, -1, -1)
    place: dict[Key, float] = {}
    for index in indices:
        column = new[index]
        own = {key: (rank + 0.5) / len(column) for rank, key in enumerate(column)}
        mean = {key: _mean(neighbours.get(key, []), place, own[key]) for key in column}
        column.sort(key=mean.__getitem__)
        place |= {key: (rank + 0.5) / len(column) for rank, key in enumerate(column)}
    return new


def _mean(keys: Sequence[Key], place: Mapping[Key, float], otherwise: float) -> float:
    known = [place[key] for key in keys if key in place]
    return sum(known) / len(known) if known else otherwise


def crossings(order: Order, pieces: Sequence[Segment]) -> int:
    """How many pairs of pieces between neighbouring columns cross."""
    rank = {key: (index, row) for index, col in enumerate(order) for row, key in enumerate(col)}
    gaps: dict[int, list[tuple[int, int]]] = {}
    for piece in pieces:
        column, row = rank[piece.start]
        gaps.setdefault(column, []).append((row, rank[piece.end][1]))
    total = 0
    for pairs in gaps.values():
        seen: list[int] = []
        for _, end in sorted(pairs):
            total += len(seen) - bisect_right(seen, end)
            insort(seen, end)
    return total


def _settled(
    order: Order, sizes: Sequence[Mapping[Key, float]], pieces: Sequence[Segment], gap: float
) -> tuple[dict[Key, float], float]:
    """Heights that bring linked boxes level, within the height of the fullest column."""
    full = [sum(column.values()) + gap * (len(column) - 1) for column in sizes]
    height = max(full)
    centres: dict[Key, float] = {}

    def place(index: int, wanted: Callable[[Key], float]) -> None:
        column = order[index]
        heights = [sizes[index][key] for key in column]
        wants = [wanted(key) for key in column]
        found = spread(wants, heights, gap=gap, low=0, high=height)
        centres.update(zip(column, found, strict=True))

    for index in range(len(order)):
        place(index, lambda _: height / 2)
    before, after = _neighbours(pieces, before=True), _neighbours(pieces, before=False)
    for _ in range(_SETTLINGS):
        for index in range(len(order)):
            place(
                index,
                lambda key: _mean(
                    [*before.get(key, []), *after.get(key, [])], centres, centres[key]
                ),
            )
    return centres, height
