"""The plane that curves and points are drawn on: an axis with its words, and a key above it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from .chart import LEADING, SIZE, WIDTH, Sheet, draw_chart
from .palette import MUTED, RULE
from .text import text_width, wrap

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .svg import Named

LEFT: Final = 70.0
RIGHT: Final = 736.0
HEIGHT: Final = 280.0
_SAMPLE: Final = 34.0

Paint = Callable[[Sheet, "Axes", float, float], None]


@dataclass(frozen=True, slots=True)
class KeyItem:
    """One line of the key: how it is drawn, and what it is."""

    text: str
    colour: str
    line: Any = "-"
    marker: str = ""
    face: str | None = None


def draw_plane(
    paint: Paint, named: Named, x_label: str, y_label: str, *, rows: int = 0,
    key: Sequence[KeyItem] = (), height: float = HEIGHT,
) -> str:  # fmt: skip
    """Lay out an axis with its words above and below, and let `paint` fill it.

    `rows` are lines of text that `paint` writes above the axis.
    """
    lines = _key_lines(key)
    top = 28.0 + LEADING * (1 + rows + len(lines))
    bottom = top + height
    below = wrap(x_label, RIGHT - LEFT, SIZE)

    def draw(sheet: Sheet) -> None:
        sheet.text(wrap(y_label, WIDTH - 30, SIZE), x=12, y=18, colour=MUTED)
        for n, line in enumerate(lines):
            _draw_key(sheet, line, 18 + LEADING * (n + 1.2))
        axes = sheet.axes(LEFT, top, RIGHT, bottom)
        axes.grid(axis="y", color=RULE, linewidth=0.7)
        paint(sheet, axes, top, bottom)
        sheet.text(below, x=(LEFT + RIGHT) / 2, y=bottom + 44, colour=MUTED, align="center")

    return draw_chart(draw, named, height=bottom + 40 + LEADING * len(below))


def _key_lines(key: Sequence[KeyItem]) -> list[list[KeyItem]]:
    """Return the items of the key in lines that fit the width."""
    lines: list[list[KeyItem]] = []
    room = 0.0
    for item in key:
        width = _SAMPLE + 8 + text_width(item.text, 12) + 22
        if not lines or width > room:
            lines.append([])
            room = WIDTH - 24
        lines[-1].append(item)
        room -= width
    return lines


def _draw_key(sheet: Sheet, items: Sequence[KeyItem], y: float) -> None:
    plane = sheet.axes(0, 0, sheet.width, sheet.height)
    plane.set_xlim(0, sheet.width)
    plane.set_ylim(sheet.height, 0)
    plane.axis("off")
    x = 12.0
    for item in items:
        plane.plot(
            [x, x + _SAMPLE / 2, x + _SAMPLE], [y - 4] * 3, color=item.colour, linestyle=item.line,
            marker=item.marker, markevery=[1], markersize=6, linewidth=2,
            markerfacecolor=item.face or item.colour,
        )  # fmt: skip
        sheet.text([item.text], x=x + _SAMPLE + 8, y=y, size=12, colour=item.colour)
        x += _SAMPLE + 8 + text_width(item.text, 12) + 22


def thinned(labels: Sequence[str], most: int = 9) -> list[int]:
    """Return the places of the labels to write, so that they do not run together."""
    longest = max((text_width(label, 12) for label in labels), default=0.0)
    fits = max(2, min(most, int((RIGHT - LEFT) / (longest + 14))))
    step = max(1, -(-len(labels) // fits))
    return list(range(0, len(labels), step))
