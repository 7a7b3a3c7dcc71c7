"""Optimal pair matching on one score, without a caliper: the exact solution from one pass."""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING

import numpy as np

from evalkit.stats.matching.candidates import Windows
from evalkit.stats.matching.nearest import Links

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Codes = NDArray[np.intp]

    Option = tuple[int, float, int]  # units left alone, cost beside the position, whose state turns


def optimal_on_line(open_to: Windows, score: Floats, ratio: int) -> Links:
    """Match as many as can be, `ratio` to a unit, at the smallest total difference of scores.

    A sweep from the smallest score to the largest keeps the best matching of what has been seen,
    and in two heaps what a later unit could change: options to take a partner left of it, and
    options of matched units to move to a partner right of them. Each step takes the cheapest
    change (successive shortest paths of the flow along the line). It fixes who is matched; in
    order of their scores they are then matched one by one, which on a line is best. The cost is
    n log n.

    References
    ----------
    Ahuja, Magnanti and Orlin (1993), Network Flows, section 9.7, for successive shortest paths.
    """
    focal, partner = [], []
    for low, high in zip(open_to.starts.tolist(), _ends(open_to), strict=True):
        mine = np.flatnonzero((open_to.stratum_low == low) & (open_to.stratum_high == high))
        if not mine.size:
            continue
        mine = np.repeat(mine[np.argsort(score[mine], kind="stable")], ratio)
        alone, used = _swept(score[mine], open_to.score[low:high])
        focal.append(mine[~alone])
        partner.append(low + np.flatnonzero(used))
    owner, place = np.concatenate(focal), np.concatenate(partner)
    distance = np.abs(open_to.score[place] - score[owner])
    order = np.argsort(owner, kind="stable")
    return Links(owner[order], open_to.order[place][order], distance[order])


def _ends(open_to: Windows) -> list[int]:
    return [*open_to.starts[1:].tolist(), len(open_to.order)]


def _swept(focal: Floats, pool: Floats) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which focal units stay alone, and which of the pool are used; both come sorted.

    An option's last number says whose state turns with it: a pool unit by its place, a focal
    unit as -1 minus its place.
    """
    alone, used = np.zeros(len(focal), dtype=bool), np.zeros(len(pool), dtype=bool)
    state = {True: used, False: alone}
    to_take: list[Option] = []
    to_move: list[Option] = []
    positions = np.concatenate([pool, focal])
    sweep = np.argsort(positions, kind="stable").tolist()
    where = positions.tolist()
    for event in sweep:
        x = where[event]
        if event >= len(pool):
            i = event - len(pool)
            best: Option = (1, -x, -1 - i)
            if to_take and to_take[0] < best:
                best = heappop(to_take)
            left, cost, whose = best
            state[whose >= 0][whose if whose >= 0 else -1 - whose] = True
            heappush(to_move, (-left, -cost - 2 * x, whose))
        elif to_move and to_move[0][:2] < (0, -x):
            left, cost, whose = heappop(to_move)
            state[whose >= 0][whose if whose >= 0 else -1 - whose] = False
            used[event] = True
            heappush(to_take, (-left, -cost - 2 * x, whose))
            heappush(to_move, (0, -x, event))
        else:
            heappush(to_take, (0, -x, event))
    return alone, used
