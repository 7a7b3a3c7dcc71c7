"""Optimal pair matching: the smallest total distance there is, with the proof that it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evalkit.stats.matching.candidates import Windows, exact_distances, ranges
from evalkit.stats.matching.nearest import Links, points_of
from evalkit.stats.matching.optimal_line import optimal_on_line

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Codes = NDArray[np.intp]

_FIRST, _WIDER = 12, 4
_CELLS = 2_000_000


@dataclass(frozen=True, slots=True, eq=False)
class _Edges:
    """Edges listed for the focal units, by unit: pool places, distances, and the unlisted bound.

    Unit i has edges `start[i]` to `start[i + 1]`; no edge that is not listed is shorter than
    `bound[i]`, infinite where all are listed.
    """

    start: Codes
    place: Codes
    distance: Floats
    bound: Floats


def optimal_pairs(open_to: Windows, score: Floats, points: Floats | None, ratio: int) -> Links:
    """Match as many as can be, `ratio` to a unit, at the smallest total distance.

    On one score without a caliper a sweep solves it outright (`optimal_line.py`). Otherwise only
    the nearest candidates of each unit are listed at first. The solution's prices prove it
    best of all where no unit would pay more than its nearest candidate not listed (linear
    programming duality); the lists of the others are widened until that holds.

    References
    ----------
    Rosenbaum (1989), Journal of the American Statistical Association 84:1024-1032.
    """
    whole = np.array_equal(open_to.low, open_to.stratum_low)
    whole &= np.array_equal(open_to.high, open_to.stratum_high)
    if points is None and whole:
        return optimal_on_line(open_to, score, ratio)
    every = np.arange(len(score))
    most = int((open_to.high - open_to.low).max(initial=0))
    sizes = np.full(len(score), max(_FIRST, 2 * ratio))
    while True:
        edges = _listed(open_to, score, points, sizes)
        matched, paid = _solve(edges, ratio)
        short = paid > edges.bound * (1 + 1e-12)
        if not short.any():
            break
        sizes[short] = np.minimum(sizes[short] * _WIDER, most + 1)
    owner = np.repeat(every, ratio)
    real = matched >= 0
    places = edges.place[matched[real]]
    return Links(owner[real], open_to.order[places], edges.distance[matched[real]])


def _listed(open_to: Windows, score: Floats, points: Floats | None, sizes: Codes) -> _Edges:
    if points is not None:
        return _listed_in_space(open_to, points, sizes)
    low = np.maximum(open_to.low, open_to.place - sizes)
    high = np.minimum(open_to.high, open_to.place + sizes)
    counts = high - low
    start = np.concatenate([[0], np.cumsum(counts)])
    place = np.arange(start[-1]) - np.repeat(start[:-1] - low, counts)
    distance = np.abs(open_to.score[place] - np.repeat(score, counts))
    last = len(open_to.score) - 1
    left = np.abs(score - open_to.score[np.clip(low - 1, 0, last)])
    right = np.abs(open_to.score[np.clip(high, 0, last)] - score)
    left[low <= open_to.low] = np.inf
    right[high >= open_to.high] = np.inf
    return _Edges(start, place, distance, np.minimum(left, right))


def _listed_in_space(open_to: Windows, points: Floats, sizes: Codes) -> _Edges:
    pool = points_of(open_to)
    norms = np.einsum("ij,ij->i", pool, pool)
    slack = 1e-10 * (1 + float(norms.max()))
    places, distances, bound = [], [], np.full(len(points), np.inf)
    step = max(1, _CELLS // len(pool))
    for first in range(0, len(points), step):
        products = points[first : first + step] @ pool.T
        for i in range(first, min(first + step, len(points))):
            low, high = int(open_to.low[i]), int(open_to.high[i])
            near = np.arange(high - low)
            if sizes[i] < high - low:
                squares = norms[low:high] - 2 * products[i - first, low:high]
                split = np.argpartition(squares, sizes[i])
                near = np.sort(split[: sizes[i]])
                reach = squares[split[sizes[i]]] + float(points[i] @ points[i]) - slack
                bound[i] = np.sqrt(max(reach, 0.0))
            places.append(low + near)
            distances.append(exact_distances(pool[low + near], points[i]))
    start = np.concatenate([[0], np.cumsum([len(p) for p in places])])
    return _Edges(start, np.concatenate(places), np.concatenate(distances), bound)


def _solve(edges: _Edges, ratio: int) -> tuple[Codes, Floats]:
    """Return the edge of each copy of each unit (-1 unmatched), and the most each unit pays.

    A copy may stay alone at a cost above any saving that could tempt it.
    """
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import min_weight_full_bipartite_matching

    counts = np.repeat(np.diff(edges.start), ratio)
    copies = len(counts)
    which = ranges(np.repeat(edges.start[:-1], ratio), counts)
    columns, column = np.unique(edges.place[which], return_inverse=True)
    scale = float(edges.distance.max(initial=0.0)) or 1.0
    alone = 2.0 * (copies + 1) * scale
    start = np.concatenate([[0], np.cumsum(counts + 1)])
    indices = np.insert(column, np.cumsum(counts), len(columns) + np.arange(copies))
    costs = np.insert(edges.distance[which], np.cumsum(counts), alone)
    shape = (copies, len(columns) + copies)
    graph = csr_array((costs + scale, indices, start), shape=shape)  # no cost may be 0
    graph.sort_indices()
    _, chosen = min_weight_full_bipartite_matching(graph)
    row = np.repeat(np.arange(copies), np.diff(start))
    hit = np.flatnonzero(indices == chosen[row])
    paid = _paid(start, indices, costs, hit, chosen, shape[1], scale)
    numbers = np.insert(which, np.cumsum(counts), -1)
    return numbers[hit], paid.reshape(-1, ratio).max(axis=1)


def _paid(
    start: Codes, indices: Codes, costs: Floats, hit: Codes, chosen: Codes, n: int, scale: float
) -> Floats:
    """Return distance plus price for each copy at its cheapest: the dual values.

    A partner nobody wants is free; the price of a taken one is what its owner would pay more
    elsewhere. Prices only fall from one pass to the next (Bellman and Ford).
    """
    price = np.zeros(n)
    price[chosen] = np.inf
    own = costs[hit]
    for _ in range(len(chosen) + 1):
        cheapest = np.minimum.reduceat(_without(costs + price[indices], hit), start[:-1])
        fallen = np.minimum(price[chosen], cheapest - own)
        if np.all(fallen >= price[chosen] - 1e-13 * scale):
            break
        price[chosen] = fallen
    return own + price[chosen]


def _without(totals: Floats, hit: Codes) -> Floats:
    totals[hit] = np.inf
    return totals
