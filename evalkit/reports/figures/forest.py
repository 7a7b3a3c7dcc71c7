"""The forest plot: every outcome's estimate with its interval, on one axis through no effect."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING, Final, TypeGuard

from .chart import LEADING, SIZE, WIDTH, Sheet, draw_chart, is_number, row_edges
from .palette import INK, MUTED, PAPER, PROGRAMME, RULE, SHADE
from .svg import Named, placeholder
from .text import wrap

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LABEL: Final = (12.0, 232.0)
_PLOT: Final = (252.0, 548.0)
_TEXT: Final = (562.0, 752.0)
_TOP: Final = 8.0
_FAR: Final = 3.0


@dataclass(frozen=True, slots=True)
class ForestRow:
    """One outcome: its estimate and interval, and the words shown to the right of it."""

    label: str
    estimate: float | None
    low: float | None
    high: float | None
    text: str
    emphasis: bool = False
    note: str = ""

    @property
    def drawn(self) -> bool:
        """Whether there is a point to draw."""
        return is_number(self.estimate)


@dataclass(frozen=True, slots=True)
class _Cells:
    """The wrapped text of a row and the height it needs."""

    row: ForestRow
    label: tuple[str, ...]
    text: tuple[str, ...]
    note: tuple[str, ...]

    @property
    def height(self) -> float:
        right = len(self.text) + (len(self.note) if self.row.drawn else 0)
        middle = 0 if self.row.drawn else len(self.note)
        return LEADING * max(1, len(self.label), right, middle) + 15


def draw_forest(
    rows: Sequence[ForestRow],
    *,
    title: str,
    description: str,
    x_label: str,
    favours: tuple[str, str] | None = None,
) -> str:
    """The estimates with their intervals; a row without an estimate shows its note instead."""
    named = Named("forest", title, description)
    if not rows:
        return placeholder("There are no estimates to show yet.", named)
    cells = [_cells(row) for row in rows]
    edges = row_edges((cell.height for cell in cells), top=_TOP)
    limits = _limits(rows, balanced=favours is not None)
    captions = _captions(favours, limits)
    below = 30 + LEADING * max(map(len, captions)) if favours else 24
    arrows = "; an arrow marks an interval that goes on" if _runs_off(rows, limits) else ""
    axis_words = wrap(x_label + arrows, WIDTH - 40, SIZE)
    height = edges[-1] + below + 8 + LEADING * len(axis_words) + 12

    def draw(sheet: Sheet) -> None:
        _draw_bands(sheet, edges)
        axes = _axes(sheet, edges, limits)
        for index, cell in enumerate(cells):
            middle = (edges[index] + edges[index + 1]) / 2
            _draw_words(sheet, cell, middle)
            if cell.row.drawn:
                _draw_interval(axes, cell.row, middle, limits)
            else:
                cover = PAPER if index % 2 else SHADE
                axes.axhspan(edges[index], edges[index + 1], color=cover, linewidth=0, zorder=4)
        _draw_captions(sheet, captions, edges[-1] + 42)
        centre = sum(_PLOT) / 2
        sheet.text(axis_words, x=centre, y=edges[-1] + below + 18, colour=MUTED, align="center")

    return draw_chart(draw, named, height=height)


def _cells(row: ForestRow) -> _Cells:
    room = _TEXT[1] - _TEXT[0] if row.drawn else _TEXT[1] - _PLOT[0]
    return _Cells(
        row,
        wrap(row.label, _LABEL[1] - _LABEL[0], SIZE, bold=row.emphasis),
        wrap(row.text, _TEXT[1] - _TEXT[0], SIZE, bold=row.emphasis) if row.drawn else (),
        wrap(row.note or ("" if row.drawn else row.text or "No estimate"), room, SIZE),
    )


def _limits(rows: Sequence[ForestRow], *, balanced: bool) -> tuple[float, float]:
    """An axis that holds zero and every point; an interval far wider than most runs off it."""
    points = [row.estimate for row in rows if is_number(row.estimate)]
    bounds = [
        bound for row in rows if row.drawn for bound in (row.low, row.high) if is_number(bound)
    ]
    if not points:
        return -1.0, 1.0
    most = _FAR * median(map(abs, bounds)) if bounds else 0.0
    most = max([most, *map(abs, points)]) * 1.05
    low = min([0.0, *points, *(max(bound, -most) for bound in bounds)])
    high = max([0.0, *points, *(min(bound, most) for bound in bounds)])
    span = (high - low) or 1.0
    low, high = low - 0.06 * span, high + 0.06 * span
    share = 0.7 if balanced else 0.12
    return min(low, -share * high), max(high, -share * low)


def _runs_off(rows: Sequence[ForestRow], limits: tuple[float, float]) -> bool:
    """Whether some interval ends beyond the axis."""
    return any(
        _known(row.low) and _known(row.high) and (row.low < limits[0] or row.high > limits[1])
        for row in rows
        if row.drawn
    )


def _captions(
    favours: tuple[str, str] | None, limits: tuple[float, float]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The words under each side of the zero line, wrapped to the room there is."""
    if favours is None:
        return (), ()
    zero = -limits[0] / (limits[1] - limits[0]) * (_PLOT[1] - _PLOT[0])
    left, right = zero + 60, _PLOT[1] - _PLOT[0] - zero + 60
    return (
        wrap(f"← {favours[0]}", left - 8, SIZE),
        wrap(f"{favours[1]} →", right - 8, SIZE),
    )


def _draw_bands(sheet: Sheet, edges: Sequence[float]) -> None:
    for top, bottom in list(pairwise(edges))[::2]:
        sheet.band(4, top, WIDTH - 4, bottom, SHADE)


def _axes(sheet: Sheet, edges: Sequence[float], limits: tuple[float, float]) -> Axes:
    """Axes whose vertical unit is the pixel, with the line of no effect."""
    from matplotlib.ticker import MaxNLocator

    axes = sheet.axes(_PLOT[0], edges[0], _PLOT[1], edges[-1])
    axes.set_xlim(*limits)
    axes.set_ylim(edges[-1], edges[0])
    axes.spines["left"].set_visible(False)
    axes.set_yticks([])
    axes.xaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 5, 10]))
    axes.grid(axis="x", color=RULE, linewidth=0.7)
    axes.axvline(0, color=INK, linewidth=1.4)
    return axes


def _draw_words(sheet: Sheet, cell: _Cells, middle: float) -> None:
    bold = cell.row.emphasis
    sheet.centred(cell.label, x=_LABEL[0], y=middle, bold=bold)
    if not cell.row.drawn:
        sheet.centred(cell.note, x=_PLOT[0] + 6, y=middle, colour=MUTED)
        return
    lines = len(cell.text) + len(cell.note)
    first = middle + 4.5 - (lines - 1) * LEADING / 2
    sheet.text(cell.text, x=_TEXT[0], y=first, bold=bold)
    sheet.text(cell.note, x=_TEXT[0], y=first + LEADING * len(cell.text), colour=MUTED)


def _known(bound: float | None) -> TypeGuard[float]:
    """Whether a bound was given; it may be infinite."""
    return bound is not None and not math.isnan(bound)


def _draw_interval(axes: Axes, row: ForestRow, middle: float, limits: tuple[float, float]) -> None:
    """The interval with its ends, an arrow where it runs off the axis, and the point."""
    colour = PROGRAMME if row.emphasis else INK
    width = 2.6 if row.emphasis else 1.6
    if _known(row.low) and _known(row.high):
        low, high = max(row.low, limits[0]), min(row.high, limits[1])
        axes.plot([low, high], [middle, middle], color=colour, linewidth=width)
        for bound, shown, arrow in ((row.low, low, "<"), (row.high, high, ">")):
            marker = "|" if bound == shown else arrow
            axes.plot([shown], [middle], marker, color=colour, markersize=9, clip_on=False)
    point = row.estimate if is_number(row.estimate) else float("nan")
    axes.plot(
        [point],
        [middle],
        "s",
        color=colour,
        markersize=12 if row.emphasis else 7.5,
        markeredgecolor="white",
        markeredgewidth=0.8,
        zorder=5,
    )


def _draw_captions(
    sheet: Sheet, captions: tuple[tuple[str, ...], tuple[str, ...]], y: float
) -> None:
    left, right = captions
    sheet.text(left, x=_PLOT[0] - 60, y=y, bold=True, size=12)
    sheet.text(right, x=_PLOT[1] + 60, y=y, bold=True, size=12, align="right")
