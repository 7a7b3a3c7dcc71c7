"""Nearest-neighbour matching: each unit in turn takes the closest that is left."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.stats.matching.candidates import NEAR, Windows, exact_distances

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Codes = NDArray[np.intp]

_CELLS = 2_000_000  # of a block of products


@dataclass(frozen=True, slots=True, eq=False)
class Links:
    """Matches: places of the focal unit and of its partner in their arms, and the distance."""

    focal: Codes
    partner: Codes
    distance: Floats


def links(found: Sequence[tuple[int, int, float]]) -> Links:
    """Return matches sorted by focal unit, in the order found within it."""
    focal = np.array([f for f, _, _ in found], dtype=np.intp)
    order = np.argsort(focal, kind="stable")
    partner = np.array([p for _, p, _ in found], dtype=np.intp)
    distance = np.array([d for _, _, d in found], dtype=np.float64)
    return Links(focal[order], partner[order], distance[order])


def greedy_on_line(open_to: Windows, score: Floats, turns: Codes, ratio: int) -> Links:
    """Match without replacement by the difference of scores.

    In each of `ratio` rounds every focal unit, in the order of `turns`, takes the closest unit
    left in its window; of equally close ones the first by row. Free places are found by
    following links past taken ones, shortened on the way (Tarjan 1975, Journal of the ACM
    22:215-225), so a match costs almost nothing however large the pool.
    """
    keys: Any = memoryview(open_to.key.data)  # plain numbers at each place, without a copy
    scores: Any = memoryview(open_to.score.data)
    rows: Any = memoryview(open_to.order.data)
    low, place, high = open_to.low.tolist(), open_to.place.tolist(), open_to.high.tolist()
    mine, tie = score.tolist(), open_to.tie
    above: dict[int, int] = {}
    below: dict[int, int] = {}
    found: list[tuple[int, int, float]] = []
    for _ in range(ratio):
        for i in turns.tolist():
            right = _free(above, place[i])
            left = _free(below, place[i] - 1)
            to_right = scores[right] - mine[i] if right < high[i] else np.inf
            to_left = mine[i] - scores[left] if left >= low[i] else np.inf
            if to_right == to_left == np.inf:
                continue
            if to_left < np.inf and left > low[i] and keys[left - 1] == keys[left]:
                left = _free(above, bisect_left(keys, keys[left], low[i], left))
            if abs(to_left - to_right) <= tie:
                take_left = rows[left] < rows[right]
            else:
                take_left = to_left < to_right
            taken = left if take_left else right
            above[taken], below[taken] = taken + 1, taken - 1
            found.append((i, rows[taken], abs(to_left if take_left else to_right)))
    return links(found)


def _free(taken: dict[int, int], place: int) -> int:
    """Return the first free place from here on, shortening the way for the next search."""
    end = place
    while end in taken:
        end = taken[end]
    while place != end:
        taken[place], place = end, taken[place]
    return end


def nearest_on_line(open_to: Windows, score: Floats, ratio: int) -> Links:
    """Match with replacement: each focal unit takes the `ratio` closest in its window."""
    first, last = _tie_bounds(open_to)
    steps = np.arange(ratio)
    right = open_to.place[:, None] + steps
    left = open_to.place[:, None] - 1 - steps
    fits = np.hstack([left >= open_to.low[:, None], right < open_to.high[:, None]])
    left = np.clip(left, 0, None)
    left = first[left] + last[left] - left  # of equal keys the first row comes first
    places = np.hstack([left, np.clip(right, None, len(open_to.order) - 1)])
    distance = np.where(fits, np.abs(open_to.score[places] - score[:, None]), np.inf)
    rows = open_to.order[places]
    rounded = np.rint(distance / open_to.tie) if open_to.tie > 0 else distance
    best = np.lexsort((rows, rounded), axis=-1)[:, :ratio]
    distance, rows = (np.take_along_axis(x, best, axis=1) for x in (distance, rows))
    focal = np.broadcast_to(np.arange(len(score))[:, None], rows.shape)
    real = np.isfinite(distance)
    return Links(focal[real], rows[real], distance[real])


def _tie_bounds(open_to: Windows) -> tuple[Codes, Codes]:
    """Return the first and the last place with the same key and stratum, for each place."""
    n = len(open_to.key)
    new = np.concatenate([[True], open_to.key[1:] != open_to.key[:-1]])
    new[open_to.starts] = True
    first = np.maximum.accumulate(np.where(new, np.arange(n), 0))
    ends = np.append(np.flatnonzero(new)[1:], n) - 1
    return first, ends[np.cumsum(new) - 1]


def nearest_in_space(
    open_to: Windows, points: Floats, turns: Codes, ratio: int, *, replace: bool
) -> Links:
    """Match by the distance between points, without or with replacement; ties go by row.

    Squared distances come from products of whole blocks; those near the smallest are computed
    again from the differences.
    """
    found: list[tuple[int, int, float]] = []
    pool = points_of(open_to)
    norms = np.einsum("ij,ij->i", pool, pool)
    slack = 1e-10 * (1 + float(norms.max()))
    count = ratio if replace else 1
    for _ in range(1 if replace else ratio):
        for i, low, high, products in _products(open_to, pool, points, turns):
            squares = norms[low:high] + products
            for place, distance in _closest(squares, pool[low:high], points[i], slack, count,
                                            open_to.order[low:high]):  # fmt: skip
                found.append((i, int(open_to.order[low + place]), distance))
                if not replace:
                    norms[low + place] = np.inf
    return links(found)


def points_of(open_to: Windows) -> Floats:
    """Return the pool's points in its sorted order."""
    assert open_to.points is not None
    return open_to.points


def _products(
    open_to: Windows, pool: Floats, points: Floats, turns: Codes
) -> Iterator[tuple[int, int, int, Floats]]:
    """Yield each focal unit, its window, and -2 times the products of its point with those there."""
    low, high = open_to.low[turns], open_to.high[turns]
    shared = bool(np.all(low == low[0]) and np.all(high == high[0]))
    size = max(1, _CELLS // max(1, len(pool))) if shared else 1
    for start in range(0, len(turns), size):
        part = turns[start : start + size]
        a, b = int(low[start]), int(high[start])
        if a == b:
            continue
        block = (-2 * points[part]) @ pool[a:b].T
        for row, i in enumerate(part.tolist()):
            yield i, a, b, block[row]


def _closest(
    squares: Floats, pool: Floats, point: Floats, slack: float, count: int, rows: Codes
) -> list[tuple[int, float]]:
    """Return places and distances of the `count` closest that are left."""
    limit = squares[np.argmin(squares)]
    if 1 < count < len(squares):
        limit = np.partition(squares, count - 1)[count - 1]
    elif count >= len(squares):
        limit = float(squares.max())
    if not np.isfinite(limit):
        return []
    near = np.flatnonzero(squares <= limit + slack)
    distance = exact_distances(pool[near], point)
    best = np.lexsort((rows[near], np.rint(distance / NEAR)))[:count]
    return [(int(near[b]), float(distance[b])) for b in best]
