"""Two things that could undo a result, against each other: the line on which it no longer stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from .chart import LEADING, SIZE, WIDTH, Sheet, draw_chart, is_number
from .palette import GOOD, GOOD_SHADE, INK, MUTED, RULE, WARNING, WARNING_SHADE
from .svg import Named, placeholder
from .text import wrap

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LEFT: Final = 70.0
_RIGHT: Final = 736.0
_HEIGHT: Final = 280.0


@dataclass(frozen=True, slots=True)
class FrontierPoint:
    """How much of the first there is, and how much of the second is then enough."""

    at: float
    enough: float


def draw_frontier(
    points: Sequence[FrontierPoint], *, title: str, description: str, x_label: str, y_label: str,
    stands: str, gone: str,
) -> str:  # fmt: skip
    """The frontier, with the names of what lies below it (the result stands) and above."""
    named = Named("frontier", title, description)
    shown = [p for p in points if is_number(p.at) and is_number(p.enough)]
    if len(shown) < 2:
        return placeholder("There is nothing to show for this result.", named)
    ordered = sorted(shown, key=lambda point: abs(point.at))
    top = 28.0 + LEADING
    bottom = top + _HEIGHT
    below = wrap(x_label, _RIGHT - _LEFT, SIZE)

    def draw(sheet: Sheet) -> None:
        sheet.text(wrap(y_label, WIDTH - 30, SIZE), x=12, y=18, colour=MUTED)
        _paint(sheet.axes(_LEFT, top, _RIGHT, bottom), ordered)
        sheet.text(wrap(gone, 300, SIZE), x=_RIGHT - 12, y=top + 24, colour=WARNING, align="right")
        sheet.text(wrap(stands, 300, SIZE), x=_LEFT + 12, y=bottom - 14, colour=GOOD)
        centre = (_LEFT + _RIGHT) / 2
        sheet.text(below, x=centre, y=bottom + 44, colour=MUTED, align="center")

    return draw_chart(draw, named, height=bottom + 40 + LEADING * len(below))


def _paint(axes: Axes, points: Sequence[FrontierPoint]) -> None:
    """Shade both sides of the frontier and draw it."""
    x, y = [abs(p.at) for p in points], [p.enough for p in points]
    most = 1.5 * max(y) or 0.1
    axes.fill_between(x, y, most, color=WARNING_SHADE)
    axes.fill_between(x, 0, y, color=GOOD_SHADE)
    axes.plot(x, y, color=INK, linewidth=2.6)
    axes.grid(axis="y", color=RULE, linewidth=0.7)
    axes.set_xlim(x[0], x[-1])
    axes.set_ylim(0, most)
