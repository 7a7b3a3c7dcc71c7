"""Who may be matched with whom: sorted scores, strata and calipers as windows on one line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Codes = NDArray[np.intp]

TIE = 1e-11  # of the scores' SD: distances this close are equal
NEAR = 1e-9  # Mahalanobis distances this close are equal


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """One arm: `key` sorts it, `score` (rising with key) gives distances, `gauge` the caliper.

    `points` are whitened covariates (units by columns) where the distance is Mahalanobis.
    """

    stratum: Codes
    key: Floats
    score: Floats
    gauge: Floats
    points: Floats | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """The pool sorted by stratum, key and row, and the part of it open to each focal unit.

    `order` holds the pool's places, `key`, `score` and `points` its values in that order. Unit i
    may have places `low[i]` to `high[i]` (exclusive), those below `place[i]` having smaller keys;
    its stratum is `stratum_low[i]` to `stratum_high[i]`. `tie` is the difference of distances
    that counts as none.
    """

    order: Codes
    key: Floats
    score: Floats
    points: Floats | None
    low: Codes
    place: Codes
    high: Codes
    stratum_low: Codes
    stratum_high: Codes
    tie: float
    starts: Codes


def windows(focal: Side, pool: Side, width: float | None) -> Windows:
    """Return the sorted pool and each focal unit's window; `width` is the caliper on the gauge."""
    order = _sorted_pool(pool)
    stratum, key = pool.stratum[order], pool.key[order]
    gauge = np.array(pool.gauge[order])
    starts = np.flatnonzero(np.concatenate([[True], stratum[1:] != stratum[:-1]]))
    ends = np.append(starts[1:], len(order))
    low, place, high = (np.zeros(len(focal.key), dtype=np.intp) for _ in range(3))
    stratum_low, stratum_high = low.copy(), low.copy()
    where = dict(zip(stratum[starts].tolist(), zip(starts, ends, strict=True), strict=True))
    for code, mine in _by_stratum(focal.stratum):
        if code not in where:
            continue
        a, b = where[code]
        stratum_low[mine], stratum_high[mine] = a, b
        place[mine] = a + np.searchsorted(key[a:b], focal.key[mine])
        if width is None:
            low[mine], high[mine] = a, b
            continue
        ruler = np.maximum.accumulate(gauge[a:b])
        low[mine] = a + np.searchsorted(ruler, focal.gauge[mine] - width, side="left")
        high[mine] = a + np.searchsorted(ruler, focal.gauge[mine] + width, side="right")
    score = pool.score[order]
    spread = float(np.std(np.concatenate([score, focal.score])))
    return Windows(
        order=order,
        key=key,
        score=score,
        points=None if pool.points is None else pool.points[order],
        low=low,
        place=np.clip(place, low, high),
        high=high,
        stratum_low=stratum_low,
        stratum_high=stratum_high,
        tie=TIE * spread,
        starts=starts,
    )


def _sorted_pool(pool: Side) -> Codes:
    """Return the pool's places by stratum, then key, then row."""
    order = np.argsort(pool.key)
    key = pool.key[order]
    equal = key[1:] == key[:-1]
    if equal.any():
        tied = np.flatnonzero(np.append(equal, False) | np.insert(equal, 0, False))
        rows = order[tied]
        order[tied] = rows[np.lexsort((rows, key[tied]))]
    if np.any(pool.stratum != pool.stratum[0]):
        order = order[np.argsort(pool.stratum[order], kind="stable")]
    return order


def _by_stratum(stratum: Codes) -> list[tuple[int, Codes]]:
    order = np.argsort(stratum, kind="stable")
    codes = stratum[order]
    cuts = np.flatnonzero(codes[1:] != codes[:-1]) + 1
    return [(int(stratum[part[0]]), part) for part in np.split(order, cuts) if part.size]


def ranges(start: Codes, counts: Codes) -> Codes:
    """Return start[i], start[i] + 1, ..., counts[i] numbers for each i, in one array."""
    offsets = np.concatenate([[0], np.cumsum(counts)])
    found: Codes = np.arange(offsets[-1]) + np.repeat(start - offsets[:-1], counts)
    return found


def exact_distances(points: Floats, centre: Floats) -> Floats:
    """Return Euclidean distances summed column by column, so that equal points are equally far."""
    total = np.zeros(len(points))
    for column in range(points.shape[1]):
        total += (points[:, column] - centre[..., column]) ** 2
    distances: Floats = np.sqrt(total)
    return distances


def whitened(matrix: Floats, treated: Floats) -> Floats:
    """Return columns in which the Mahalanobis distance is the plain one.

    The covariance is pooled within the arms (divisor n - 2). Rubin (1980), Biometrics 36:293-298.
    """
    centred = matrix - matrix.mean(axis=0)
    within = centred.copy()
    for value in (0.0, 1.0):
        within[treated == value] -= within[treated == value].mean(axis=0)
    covariance = within.T @ within / (len(matrix) - 2)
    root = np.linalg.cholesky(np.linalg.inv(covariance))
    result: Floats = np.zeros_like(centred)
    for column in range(root.shape[1]):
        for part in range(root.shape[0]):
            if root[part, column]:
                result[:, column] += centred[:, part] * root[part, column]
    return result
