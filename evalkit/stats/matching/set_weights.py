"""Weights of matched units, scaled so that each arm's average 1 over its matched units."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from evalkit.stats.matching.nearest import Links

    Floats = NDArray[np.float64]
    Codes = NDArray[np.intp]


class EffectiveN(NamedTuple):
    """Effective sample size of each arm: (sum of weights)^2 / sum of squared weights (Kish 1965)."""

    treatment: float
    comparison: float


def effective_n(weights: Floats, treated: Floats) -> EffectiveN:
    """Return the effective size of each arm; 0 where nobody has weight."""
    sizes = []
    for value in (1.0, 0.0):
        w = weights[treated == value]
        squares = float(w @ w)
        sizes.append(float(w.sum()) ** 2 / squares if squares > 0 else 0.0)
    return EffectiveN(*sizes)


def weights_of_sets(sets: Codes, treated: Floats, estimand: str) -> Floats:
    """Return the weights of units in sets (0 is no set).

    ATT: a treated unit counts 1, a comparison unit the treated over the comparison units of its
    set; ATC the other way about; ATE: the units of its set over those of its own arm there. Each
    arm is then scaled to average 1.
    """
    n = int(sets.max(initial=0)) + 1
    counts = [np.bincount(sets[treated == arm], minlength=n).astype(float) for arm in (0, 1)]
    about = {"ATT": counts[1], "ATC": counts[0], "ATE": counts[0] + counts[1]}[estimand]
    weights = np.zeros(len(sets))
    for arm in (0, 1):
        mine = (treated == arm) & (sets > 0)
        weights[mine] = about[sets[mine]] / counts[arm][sets[mine]]
    return scaled(weights, treated)


def weights_of_links(found: Links, focal: Codes, pool: Codes, n: int) -> Floats:
    """Return weights of matches with replacement: each focal unit shares 1 among its partners."""
    weights = np.zeros(n)
    partners = np.bincount(found.focal, minlength=len(focal))
    weights[focal[partners > 0]] = 1.0
    share = 1.0 / partners[found.focal]
    drawn = np.bincount(found.partner, weights=share, minlength=len(pool))
    used = drawn > 0
    weights[pool] = np.where(used, drawn * used.sum() / max(drawn.sum(), 1e-300), 0.0)
    return weights


def scaled(weights: Floats, treated: Floats) -> Floats:
    """Return weights that average 1 over the weighted units of each arm."""
    result = weights.copy()
    for arm in (0.0, 1.0):
        mine = (treated == arm) & (weights > 0)
        if mine.any():
            result[mine] = weights[mine] / weights[mine].mean()
    return result


def sets_of_links(found: Links, focal: Codes, pool: Codes, n: int) -> Codes:
    """Return the set of each unit, from 1 by its first unit in the data; 0 is no set.

    Two units are in one set where links join them; without replacement and in full matching the
    sets are stars.
    """
    import pandas as pd
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    ends = focal[found.focal], pool[found.partner]
    used = np.zeros(n, dtype=bool)
    used[ends[0]] = used[ends[1]] = True
    place = np.cumsum(used) - 1
    size = int(used.sum())
    graph = coo_array((np.ones(len(ends[0])), (place[ends[0]], place[ends[1]])), shape=(size, size))
    part = connected_components(graph, directed=False)[1]
    sets = np.zeros(n, dtype=np.intp)
    sets[used] = pd.factorize(part)[0] + 1
    return sets
