"""The chance to find an effect, against how many are recruited: a line a design, and the target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from .chart import LEADING, SIZE, WIDTH, Sheet, draw_chart, is_number
from .palette import COMPARISON, EXTRA, INK, MUTED, PROGRAMME, RULE
from .place import spread
from .svg import Named, placeholder
from .text import wrap

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LEFT: Final = 64.0
_RIGHT: Final = 560.0
_HEIGHT: Final = 300.0
_STYLES: Final = (
    (PROGRAMME, "-", 2.8),
    (COMPARISON, (0, (6, 3)), 2.0),
    (EXTRA, (0, (2, 2)), 2.0),
    (INK, (0, (8, 3, 2, 3)), 2.0),
)


@dataclass(frozen=True, slots=True)
class PowerLine:
    """One design: its name, and (how many, chance from 0 to 1) with the numbers rising."""

    name: str
    points: tuple[tuple[float, float], ...]


def draw_power(
    lines: Sequence[PowerLine],
    *,
    title: str,
    description: str,
    x_label: str,
    target: float,
    planned: float | None = None,
) -> str:
    """Up to four lines of chance; the first, thicker, is the planned design.

    `target` is the chance wanted, drawn across; `planned` how many are planned, drawn down.
    """
    named = Named("power", title, description)
    shown = [line for line in lines[: len(_STYLES)] if line.points]
    if not shown:
        return placeholder("There is nothing to show for these designs.", named)
    top = 20 + LEADING
    bottom = top + _HEIGHT
    words = wrap(x_label, _RIGHT - _LEFT, SIZE)
    height = bottom + 34 + LEADING * len(words)

    def draw(sheet: Sheet) -> None:
        y_label = wrap("Chance to find the effect, in 100 such studies", 700, SIZE)
        sheet.text(y_label, x=12, y=18, colour=MUTED)
        axes = _axes(sheet, shown, top, bottom)
        _draw_marks(axes, target, planned)
        for line, (colour, dash, width) in zip(shown, _STYLES, strict=False):
            x, y = zip(*line.points, strict=True)
            axes.plot(x, [100 * v for v in y], color=colour, linestyle=dash, linewidth=width)
        _draw_names(sheet, shown, top, bottom)
        _draw_mark_names(sheet, axes, target, planned, top, bottom)
        centre = (_LEFT + _RIGHT) / 2
        sheet.text(words, x=centre, y=bottom + 44, colour=MUTED, align="center")

    return draw_chart(draw, named, height=height)


def _axes(sheet: Sheet, lines: Sequence[PowerLine], top: float, bottom: float) -> Axes:
    axes = sheet.axes(_LEFT, top, _RIGHT, bottom)
    axes.set_xlim(0, max(n for line in lines for n, _ in line.points))
    axes.set_ylim(0, 102)
    axes.set_yticks([0, 20, 40, 60, 80, 100])
    axes.grid(axis="y", color=RULE, linewidth=0.7)
    return axes


def _draw_marks(axes: Axes, target: float, planned: float | None) -> None:
    axes.axhline(100 * target, color=INK, linewidth=1.2, linestyle=(0, (1, 2)))
    if is_number(planned):
        axes.axvline(planned, color=INK, linewidth=1.2)


def _draw_mark_names(
    sheet: Sheet, axes: Axes, target: float, planned: float | None, top: float, bottom: float
) -> None:
    low, high = axes.get_xlim()
    y = bottom - 100 * target / 102 * (bottom - top)
    sheet.text([f"wanted: {100 * target:.0f}"], x=_LEFT + 6, y=y - 6, size=12)
    if is_number(planned):
        x = _LEFT + (planned - low) / (high - low) * (_RIGHT - _LEFT)
        align = "right" if x > (_LEFT + _RIGHT) / 2 else "left"
        shift = -6 if align == "right" else 6
        sheet.text([f"planned: {planned:,.0f}"], x=x + shift, y=bottom - 8, size=12, align=align)


def _draw_names(sheet: Sheet, lines: Sequence[PowerLine], top: float, bottom: float) -> None:
    """Each design's name with a piece of its line, level with its end if it can be."""
    names = [
        wrap(line.name, WIDTH - _RIGHT - 50, SIZE, bold=i == 0) for i, line in enumerate(lines)
    ]
    wanted = [bottom - 100 * line.points[-1][1] / 102 * (bottom - top) for line in lines]
    order = sorted(range(len(lines)), key=wanted.__getitem__)
    heights = [LEADING * len(names[i]) for i in order]
    places = spread([wanted[i] for i in order], heights, gap=8, low=top - 10, high=bottom + 10)
    key = sheet.axes(0, 0, sheet.width, sheet.height)
    key.set_xlim(0, sheet.width)
    key.set_ylim(sheet.height, 0)
    key.axis("off")
    for index, y in zip(order, places, strict=True):
        colour, dash, width = _STYLES[index]
        across = [_RIGHT + 6, _RIGHT + 36]
        key.plot(across, [y, y], color=colour, linestyle=dash, linewidth=width)
        sheet.centred(names[index], x=_RIGHT + 42, y=y, colour=colour, bold=index == 0)
