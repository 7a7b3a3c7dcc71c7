"""Effects by time since the start: each with its interval, and a band that holds for all at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .chart import Sheet
from .palette import INK, MUTED, PAPER, PROGRAMME, PROGRAMME_SHADE
from .plane import KeyItem, draw_plane
from .svg import Named, placeholder

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, slots=True)
class EventPoint:
    """Periods since the start (below zero before it), the effect, its interval and its band."""

    at: float
    estimate: float
    low: float | None
    high: float | None
    band_low: float | None
    band_high: float | None


def draw_event_study(
    points: Sequence[EventPoint], *, title: str, description: str, x_label: str, y_label: str
) -> str:
    """Points with intervals on a shaded band; hollow before the start, where they should be zero."""
    named = Named("events", title, description)
    if len(points) < 2:
        return placeholder("There are too few periods to show.", named)
    ordered = sorted(points, key=lambda point: point.at)

    def paint(sheet: Sheet, axes: Axes, top: float, bottom: float) -> None:
        from matplotlib.ticker import MaxNLocator

        for side in ([p for p in ordered if p.at < 0], [p for p in ordered if p.at >= 0]):
            banded = [(p.at, *_or(p, p.band_low, p.band_high)) for p in side]
            if banded:
                x, least, most = zip(*_widened(banded), strict=True)
                axes.fill_between(x, least, most, color=PROGRAMME_SHADE, linewidth=0)
        axes.axhline(0, color=INK, linewidth=1.2)
        axes.axvline(-0.5, color=MUTED, linewidth=1.2, linestyle=(0, (3, 3)))
        for p in ordered:
            low, high = _or(p, p.low, p.high)
            axes.plot([p.at, p.at], [low, high], "_-", color=PROGRAMME, linewidth=1.4, markersize=7)
            axes.plot(
                [p.at], [p.estimate], "o", color=PROGRAMME, markersize=7, zorder=5,
                markerfacecolor=PAPER if p.at < 0 else PROGRAMME, markeredgewidth=1.6,
            )  # fmt: skip
        axes.set_xlim(ordered[0].at - 0.8, ordered[-1].at + 0.8)
        axes.xaxis.set_major_locator(MaxNLocator(nbins=12, integer=True))

    key = (
        KeyItem("before the start, where zero is wanted", PROGRAMME, "-", "o", PAPER),
        KeyItem("from the start on", PROGRAMME, "-", "o"),
    )
    return draw_plane(paint, named, x_label, y_label, key=key)


def _or(point: EventPoint, low: float | None, high: float | None) -> tuple[float, float]:
    """Return an interval, or the point itself where there is none."""
    if low is None or high is None:
        return point.estimate, point.estimate
    return low, high


def _widened(banded: list[tuple[float, float, float]]) -> list[tuple[float, float, float]]:
    """Return the band drawn half a period past its ends, so that a single point has one."""
    first, last = banded[0], banded[-1]
    return [(first[0] - 0.4, *first[1:]), *banded, (last[0] + 0.4, *last[1:])]
