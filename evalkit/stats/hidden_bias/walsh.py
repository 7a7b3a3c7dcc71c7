"""Order statistics of the averages of pairs, without forming them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def walsh_shift(values: Floats, share: float) -> float:
    """Return the shift above which lie a share of the averages of all pairs of values.

    The averages (each value with itself counted) number M = n (n + 1) / 2. Where `share` times M
    is no whole number the shift is the average at that place from the top, else the middle of the
    two around it. O(n log n) a step, with no more steps than a float has bits.
    """
    ordered = np.sort(values)
    place = share * len(values) * (len(values) + 1) / 2
    whole = round(place)
    if abs(place - whole) > 1e-9 * max(place, 1.0):
        return _from_top(ordered, int(np.ceil(place)))
    return (_from_top(ordered, whole) + _from_top(ordered, whole + 1)) / 2


def _from_top(ordered: Floats, place: int) -> float:
    """Return the average that is so many-th from the top, by bisection on counts."""
    low, high = float(ordered[0]), float(ordered[-1])
    if _at_least(ordered, high) >= place:
        return high
    while True:
        middle = low + (high - low) / 2
        if not low < middle < high:
            return _nearest(ordered, low)
        if _at_least(ordered, middle) >= place:
            low = middle
        else:
            high = middle


def _at_least(ordered: Floats, shift: float) -> int:
    """Return how many averages of two values, or of one with itself, are at least the shift."""
    partners = len(ordered) - np.searchsorted(ordered, 2 * shift - ordered, side="left")
    with_itself = int(np.sum(ordered >= shift))
    return int((partners.sum() + with_itself) // 2)


def _nearest(ordered: Floats, shift: float) -> float:
    """Return the average itself that lies within rounding of the shift."""
    places = np.searchsorted(ordered, 2 * shift - ordered)
    best = shift
    gap = np.inf
    for offset in (-1, 0, 1):
        partner = ordered[np.clip(places + offset, 0, len(ordered) - 1)]
        averages = (ordered + partner) / 2
        found = int(np.argmin(np.abs(averages - shift)))
        if abs(averages[found] - shift) < gap:
            best, gap = float(averages[found]), abs(float(averages[found]) - shift)
    return best
