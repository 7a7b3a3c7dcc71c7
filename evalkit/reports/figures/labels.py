"""Labels beside points in a chart, with leader lines, that never lie on one another."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

_RADII: Final = (15.0, 26.0, 40.0, 58.0, 80.0, 106.0, 136.0, 170.0)
_ANGLES: Final = 24
_ON_LINE: Final = 60.0
_LEADER_OVER_LABEL: Final = 90.0
_TOO_COSTLY: Final = 45.0


@dataclass(frozen=True, slots=True)
class Rect:
    """A rectangle in pixels, from its top left to its bottom right corner."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Rect, *, margin: float = 3.0) -> bool:
        """Whether the two overlap or come closer than the margin."""
        across = self.left < other.right + margin and other.left < self.right + margin
        return across and self.top < other.bottom + margin and other.top < self.bottom + margin

    def within(self, other: Rect) -> bool:
        """Whether all of it lies inside the other."""
        across = other.left <= self.left and self.right <= other.right
        return across and other.top <= self.top and self.bottom <= other.bottom

    def holds(self, x: float, y: float, *, margin: float = 2.0) -> bool:
        """Whether a point lies in it or close by."""
        across = self.left - margin < x < self.right + margin
        return across and self.top - margin < y < self.bottom + margin

    def nearest(self, x: float, y: float) -> tuple[float, float]:
        """The place on or in it that is nearest to a point."""
        return min(max(x, self.left), self.right), min(max(y, self.top), self.bottom)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A label to place: the point it belongs to and its size."""

    x: float
    y: float
    width: float
    height: float


def around(x: float, y: float, size: float) -> Rect:
    """The square of a given half size around a point."""
    return Rect(x - size, y - size, x + size, y + size)


def place_labels(
    wanted: Sequence[Wanted],
    *,
    area: Rect,
    taken: Sequence[Rect],
    lines: Sequence[tuple[float, float]],
) -> list[Rect] | None:
    """A rectangle for each label inside the area, clear of what is taken; None without good room.

    Places close to the point are preferred, off the drawn `lines` (given as points along them).
    Several orders are tried, because the first label placed has the most freedom.
    """
    indices = range(len(wanted))
    orders = (
        sorted(indices, key=lambda i: (wanted[i].x, i)),
        sorted(indices, key=lambda i: (-wanted[i].x, i)),
        sorted(indices, key=lambda i: (wanted[i].y, i)),
        sorted(indices, key=lambda i: (-wanted[i].y, i)),
    )
    best: tuple[float, list[Rect]] | None = None
    for order in orders:
        found = _greedy(wanted, order, area, taken, lines)
        if found and (best is None or found[0] < best[0]):
            best = found
    return best[1] if best and best[0] <= _TOO_COSTLY * len(wanted) else None


def _greedy(
    wanted: Sequence[Wanted],
    order: Sequence[int],
    area: Rect,
    taken: Sequence[Rect],
    lines: Sequence[tuple[float, float]],
) -> tuple[float, list[Rect]] | None:
    """The labels placed one after the other, each in its cheapest free place, and their cost.

    A place costs its distance and more, so places farther than the cheapest so far are passed over.
    """
    placed: dict[int, Rect] = {}
    leaders: list[tuple[float, float]] = []
    total = 0.0
    for index in order:
        best: tuple[float, Rect, list[tuple[float, float]]] | None = None
        for distance, rect in _candidates(wanted[index]):
            if best is not None and distance >= best[0]:
                continue
            if not rect.within(area) or any(map(rect.meets, (*taken, *placed.values()))):
                continue
            path = _leader(wanted[index], rect)
            cost = distance + _ON_LINE * any(rect.holds(x, y) for x, y in lines)
            cost += _LEADER_OVER_LABEL * any(rect.holds(x, y) for x, y in leaders)
            cost += _LEADER_OVER_LABEL * any(
                other.holds(x, y) for other in placed.values() for x, y in path
            )
            if best is None or cost < best[0]:
                best = cost, rect, path
        if best is None:
            return None
        cost, placed[index], path = best
        leaders.extend(path)
        total += cost
    return total, [placed[index] for index in range(len(wanted))]


def _candidates(label: Wanted) -> Iterator[tuple[float, Rect]]:
    """Places round the point, nearest first, those level with it before those above and below."""
    for radius in _RADII:
        for step in range(_ANGLES):
            angle = 2 * math.pi * step / _ANGLES
            across, down = math.cos(angle), math.sin(angle)
            x = label.x + across * (radius + label.width / 2)
            y = label.y + down * (radius + label.height / 2)
            half_width, half_height = label.width / 2, label.height / 2
            rect = Rect(x - half_width, y - half_height, x + half_width, y + half_height)
            near_x, near_y = rect.nearest(label.x, label.y)
            yield math.hypot(near_x - label.x, near_y - label.y) + 3 * abs(down), rect


def _leader(label: Wanted, rect: Rect) -> list[tuple[float, float]]:
    """Points along the leader line from the point to its label."""
    x, y = rect.nearest(label.x, label.y)
    return [(label.x + (x - label.x) * k / 8, label.y + (y - label.y) * k / 8) for k in range(9)]
