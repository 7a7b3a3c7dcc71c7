"""Where labels and boxes go when several want the same place."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise


def _pooled(values: Sequence[float]) -> list[float]:
    """The closest non-decreasing sequence in least squares (pool adjacent violators)."""
    pools: list[tuple[float, int]] = []
    for value in values:
        total, count = value, 1
        while pools and pools[-1][0] / pools[-1][1] > total / count:
            before, members = pools.pop()
            total, count = total + before, count + members
        pools.append((total, count))
    return [total / count for total, count in pools for _ in range(count)]


def spread(
    wanted: Sequence[float],
    sizes: Sequence[float],
    *,
    gap: float,
    low: float,
    high: float,
) -> list[float]:
    """Centres as near as can be to those wanted, in the order given, a gap apart.

    They stay between `low` and `high` when there is room, and start at `low` when there is not.
    """
    if not wanted:
        return []
    offsets = [0.0]
    for before, after in pairwise(sizes):
        offsets.append(offsets[-1] + (before + after) / 2 + gap)
    free = _pooled([want - offset for want, offset in zip(wanted, offsets, strict=True)])
    first = low + sizes[0] / 2
    last = max(first, high - sizes[-1] / 2 - offsets[-1])
    return [
        min(max(value, first), last) + offset for value, offset in zip(free, offsets, strict=True)
    ]
