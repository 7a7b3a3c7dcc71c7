"""Optimal full matching: sets of one unit and one or more of the other arm, everybody in a set."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evalkit.stats.matching.candidates import Windows, exact_distances, ranges
from evalkit.stats.matching.nearest import Links, nearest_in_space, nearest_on_line, points_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Codes = NDArray[np.intp]

    Edges = tuple[Codes, Codes, Floats]  # focal place, pool place (sorted), distance

_CELLS = 2_000_000


def full_matching(open_to: Windows, back: Windows, score: Floats, points: Floats | None) -> Links:
    """Put every unit that may have a partner in a set, at the smallest total distance.

    `open_to` are the windows of the focal units on the pool, `back` those of the pool on the
    focal units. Sets with one unit of one arm and any number of the other that cover everybody
    are a minimum-weight edge cover: its weight is that of everybody going to the nearest, less
    the savings of a matching in which u and v share an edge instead, m(u) + m(v) - d(u, v).
    Edges without a saving play no part, so the graph stays small and nothing is approximated.

    References
    ----------
    Rosenbaum (1991), Journal of the Royal Statistical Society B 53:597-610; Hansen and Klopfer
    (2006), Journal of Computational and Graphical Statistics 15:609-627; Schrijver (2003),
    Combinatorial Optimization, section 19.3, for the reduction.
    """
    inverse = np.empty(len(open_to.order), dtype=np.intp)
    inverse[open_to.order] = np.arange(len(open_to.order))
    if points is None:
        near_f = _nearest_on_line(open_to, score)
        near_p = _nearest_on_line(back, open_to.score[inverse])
        edges = _saving_on_line(open_to, score, near_f[1], near_p[1][open_to.order])
    else:
        near_f = _nearest_in_space(open_to, points)
        near_p = _nearest_in_space(back, points_of(open_to)[inverse])
        edges = _saving_in_space(open_to, points, near_f[1], near_p[1][open_to.order])
    focal, partner, distance = edges
    edges = (focal, open_to.order[partner], distance)
    return _stars(_cover(edges, near_f, near_p))


def _nearest_on_line(open_to: Windows, score: Floats) -> tuple[Codes, Floats]:
    """Return each unit's nearest (first place of those equally near) and its distance."""
    found = nearest_on_line(open_to, score, 1)
    place, distance = np.full(len(score), -1, dtype=np.intp), np.full(len(score), np.inf)
    place[found.focal], distance[found.focal] = found.partner, found.distance
    return place, distance


def _nearest_in_space(open_to: Windows, points: Floats) -> tuple[Codes, Floats]:
    turns = np.flatnonzero(open_to.high > open_to.low)
    place, distance = np.full(len(points), -1, dtype=np.intp), np.full(len(points), np.inf)
    if turns.size:
        found = nearest_in_space(open_to, points, turns, 1, replace=True)
        place[found.focal], distance[found.focal] = found.partner, found.distance
    return place, distance


def _saving_on_line(open_to: Windows, score: Floats, near_f: Floats, near_p: Floats) -> Edges:
    """Return the edges whose distance is below the sum of both ends' nearest distances."""
    low, high = open_to.low.copy(), open_to.high.copy()
    reach = np.where(np.isfinite(near_p), near_p, 0.0)
    for a, b in _segments(open_to):
        mine = np.flatnonzero((open_to.stratum_low == a) & (open_to.high > open_to.low))
        at = open_to.score[a:b]
        right = np.maximum.accumulate(at + reach[a:b])
        left = np.minimum.accumulate((at - reach[a:b])[::-1])[::-1]
        low[mine] = np.maximum(
            low[mine], a + np.searchsorted(right, score[mine] - near_f[mine], side="right")
        )
        high[mine] = np.minimum(
            high[mine], a + np.searchsorted(left, score[mine] + near_f[mine], side="left")
        )
    counts = np.maximum(high - low, 0)
    focal = np.repeat(np.arange(len(score)), counts)
    place = ranges(low, counts)
    distance = np.abs(open_to.score[place] - score[focal])
    keep = distance < near_f[focal] + near_p[place]
    return focal[keep], place[keep], distance[keep]


def _segments(open_to: Windows) -> list[tuple[int, int]]:
    ends = np.append(open_to.starts[1:], len(open_to.order))
    return list(zip(open_to.starts.tolist(), ends.tolist(), strict=True))


def _saving_in_space(open_to: Windows, points: Floats, near_f: Floats, near_p: Floats) -> Edges:
    pool = points_of(open_to)
    norms = np.einsum("ij,ij->i", pool, pool)
    slack = 1e-10 * (1 + float(norms.max()))
    found: list[Edges] = []
    step = max(1, _CELLS // len(pool))
    for first in range(0, len(points), step):
        products = points[first : first + step] @ pool.T
        for i in range(first, min(first + step, len(points))):
            low, high = int(open_to.low[i]), int(open_to.high[i])
            squares = norms[low:high] - 2 * products[i - first, low:high] + points[i] @ points[i]
            limit = near_f[i] + near_p[low:high]
            near = low + np.flatnonzero(squares < limit**2 + slack)
            distance = exact_distances(pool[near], points[i])
            keep = distance < near_f[i] + near_p[near]
            near = near[keep]
            found.append((np.full(len(near), i), near, distance[keep]))
    focal, place, distance = (np.concatenate(part) for part in zip(*found, strict=True))
    return focal, place, distance


def _cover(edges: Edges, near_f: tuple[Codes, Floats], near_p: tuple[Codes, Floats]) -> Edges:
    """Return the cover: edges of the most saving matching, and the nearest of everybody else."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import min_weight_full_bipartite_matching

    focal, partner, distance = edges
    n, m = len(near_f[0]), len(near_p[0])
    cost = distance - near_f[1][focal] - near_p[1][partner]
    shift = 1.0 - float(cost.min(initial=0.0))  # no cost may be 0
    rows = np.concatenate([focal, np.arange(n)])
    columns = np.concatenate([partner, m + np.arange(n)])
    costs = np.concatenate([cost, np.zeros(n)]) + shift
    graph = csr_array((costs, (rows, columns)), shape=(n, m + n))
    _, chosen = min_weight_full_bipartite_matching(graph)
    taken = np.flatnonzero(partner == chosen[focal])
    alone_f = (near_f[0] >= 0) & (chosen >= m)
    alone_p = near_p[0] >= 0
    alone_p[partner[taken]] = False
    f, p = np.flatnonzero(alone_f), np.flatnonzero(alone_p)
    ends_f = np.concatenate([focal[taken], f, near_p[0][p]])
    ends_p = np.concatenate([partner[taken], near_f[0][f], p])
    lengths = np.concatenate([distance[taken], near_f[1][f], near_p[1][p]])
    once = np.unique(ends_f * m + ends_p, return_index=True)[1]
    return ends_f[once], ends_p[once], lengths[once]


def _stars(cover: Edges) -> Links:
    """Leave out edges both of whose ends have another (in a best cover their distance is 0)."""
    focal, partner, distance = cover
    degree_f, degree_p = np.bincount(focal), np.bincount(partner)
    keep = np.ones(len(focal), dtype=bool)
    for edge in np.flatnonzero((degree_f[focal] > 1) & (degree_p[partner] > 1)):
        f, p = focal[edge], partner[edge]
        if degree_f[f] > 1 and degree_p[p] > 1:
            degree_f[f] -= 1
            degree_p[p] -= 1
            keep[edge] = False
    return Links(focal[keep], partner[keep], distance[keep])
