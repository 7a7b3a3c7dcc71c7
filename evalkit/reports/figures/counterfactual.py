"""A series with a programme: what was seen, and what is expected had there been none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from .chart import LEADING, Sheet, is_number
from .palette import COMPARISON, COMPARISON_SHADE, EXTRA, INK, MUTED, PROGRAMME
from .plane import LEFT, RIGHT, KeyItem, draw_plane, thinned
from .svg import Named, placeholder

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_DASH: Final = (0, (6, 3))
_DOTS: Final = (0, (1, 2))


@dataclass(frozen=True, slots=True)
class CoursePoint:
    """One period: seen, expected without the programme with its interval, and the comparison's."""

    label: str
    after: bool
    observed: float | None
    expected: float
    low: float | None = None
    high: float | None = None
    compared: float | None = None


def draw_counterfactual(
    points: Sequence[CoursePoint], *, title: str, description: str, y_label: str, expected: str,
    compared: str = "", breaks: Sequence[str] = (),
) -> str:  # fmt: skip
    """What was seen as dots, what is expected as a dashed line with its band, the start drawn down.

    `expected` and `compared` name the lines; `breaks` are labels at which recording changed.
    """
    named = Named("course", title, description)
    if len(points) < 2:
        return placeholder("There are too few periods to show.", named)
    labels = [point.label for point in points]
    with_other = any(point.compared is not None for point in points) and bool(compared)
    start = next((n for n, point in enumerate(points) if point.after), len(points))

    def paint(sheet: Sheet, axes: Axes, top: float, bottom: float) -> None:
        x = range(len(points))
        banded = [(n, p.low, p.high) for n, p in enumerate(points) if is_number(p.low) and p.after]
        if banded:
            place, low, high = zip(*banded, strict=True)
            axes.fill_between(place, low, high, color=COMPARISON_SHADE, linewidth=0)
        if with_other:
            axes.plot(
                x, [_drawn(p.compared) for p in points], color=EXTRA, linestyle=_DOTS, linewidth=1.8
            )
        axes.plot(x, [p.expected for p in points], color=COMPARISON, linestyle=_DASH, linewidth=2)
        seen = [_drawn(p.observed) for p in points]
        axes.plot(x, seen, "o-", color=PROGRAMME, linewidth=1.1, markersize=5)
        axes.set_xlim(-0.6, len(points) - 0.4)
        axes.axvline(start - 0.5, color=INK, linewidth=1.4)
        for label in breaks:
            if label in labels:
                axes.axvline(
                    labels.index(label) - 0.5, color=MUTED, linewidth=1, linestyle=(0, (3, 3))
                )
        ticks = thinned(labels)
        axes.set_xticks(ticks, labels=[""] * len(ticks))
        for n in ticks:
            at = LEFT + (n + 0.6) / len(points) * (RIGHT - LEFT)
            sheet.text([labels[n]], x=at, y=bottom + 20, size=12, colour=MUTED, align="center")
        _name_start(sheet, start, len(points), top)

    key = [
        KeyItem("seen", PROGRAMME, "-", "o"),
        KeyItem(expected, COMPARISON, _DASH),
        *([KeyItem(compared, EXTRA, _DOTS)] if with_other else []),
    ]
    words = "The upright line is the start of the programme"
    words += "; thin ones are changes of recording" if breaks else ""
    return draw_plane(paint, named, words, y_label, rows=1, key=key)


def _drawn(value: float | None) -> float:
    return value if is_number(value) else float("nan")


def _name_start(sheet: Sheet, start: int, count: int, top: float) -> None:
    at = LEFT + (start + 0.1) / count * (RIGHT - LEFT)
    align = "right" if at > (LEFT + RIGHT) / 2 else "left"
    sheet.text(["start"], x=at, y=top - LEADING + 9, size=12, colour=INK, align=align)
