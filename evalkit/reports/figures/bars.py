"""Shares as horizontal bars, with the figures written at their ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from evalkit.errors import InvalidInput

from .chart import LEADING, SIZE, WIDTH, Sheet, draw_chart, is_number, row_edges
from .palette import MUTED, PROGRAMME, SHADE
from .svg import Named, placeholder
from .text import wrap

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LABEL: Final = (12.0, 236.0)
_PLOT: Final = (250.0, 540.0)
_TOP: Final = 8.0
_THICK: Final = 18.0


@dataclass(frozen=True, slots=True)
class Bar:
    """A share between 0 and 1 and its words; None when it may not be shown, with the reason."""

    label: str
    share: float | None
    text: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class _Row:
    """The wrapped words of one bar; those at its end start right of what is drawn."""

    bar: Bar
    label: tuple[str, ...]
    text: tuple[str, ...]
    note: tuple[str, ...]
    x: float

    @property
    def height(self) -> float:
        return LEADING * max(1, len(self.label), len(self.text) + len(self.note)) + 13


def draw_bars(bars: Sequence[Bar], *, title: str, description: str, x_label: str) -> str:
    """Shares as bars from 0 to 100%; a share that may not be shown is an empty hatched bar."""
    named = Named("bars", title, description)
    if not bars:
        return placeholder("There are no shares to show yet.", named)
    rows = [_row(bar) for bar in bars]
    edges = row_edges((row.height for row in rows), top=_TOP)
    words = wrap(x_label, WIDTH - 40, SIZE)
    height = edges[-1] + 34 + LEADING * len(words) + 4

    def draw(sheet: Sheet) -> None:
        axes = _axes(sheet, edges)
        for index, row in enumerate(rows):
            middle = (edges[index] + edges[index + 1]) / 2
            _draw_bar(axes, row.bar, middle)
            sheet.centred(row.label, x=_LABEL[1], y=middle, align="right")
            first = middle + 4.5 - (len(row.text) + len(row.note) - 1) * LEADING / 2
            sheet.text(row.text, x=row.x, y=first)
            below = first + LEADING * len(row.text)
            sheet.text(row.note, x=row.x, y=below, colour=MUTED)
        sheet.text(words, x=sum(_PLOT) / 2, y=edges[-1] + 42, colour=MUTED, align="center")

    return draw_chart(draw, named, height=height)


def _row(bar: Bar) -> _Row:
    if is_number(bar.share) and not 0 <= bar.share <= 1:
        raise InvalidInput(f"The share of '{bar.label}' is {bar.share}. Allowed: 0 to 1.")
    shown = is_number(bar.share)
    share = bar.share if is_number(bar.share) else 1.0
    x = _PLOT[0] + share * (_PLOT[1] - _PLOT[0]) + 9
    note = bar.note or ("" if shown or bar.text else "Not shown")
    return _Row(
        bar,
        wrap(bar.label, _LABEL[1] - _LABEL[0], SIZE),
        wrap(bar.text, WIDTH - 8 - x, SIZE),
        wrap(note, WIDTH - 8 - x, SIZE),
        x,
    )


def _axes(sheet: Sheet, edges: Sequence[float]) -> Axes:
    axes = sheet.axes(_PLOT[0], edges[0], _PLOT[1], edges[-1])
    axes.set_xlim(0, 1)
    axes.set_ylim(edges[-1], edges[0])
    axes.set_yticks([])
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], labels=["0%", "25%", "50%", "75%", "100%"])
    axes.spines["left"].set_color(MUTED)
    axes.spines["bottom"].set_visible(False)
    axes.tick_params(axis="x", length=0)
    return axes


def _draw_bar(axes: Axes, bar: Bar, middle: float) -> None:
    if not is_number(bar.share):
        axes.barh(
            [middle], [1], _THICK, facecolor=SHADE, edgecolor=MUTED, hatch="////", linewidth=0.6
        )
        return
    axes.barh([middle], [bar.share], _THICK, facecolor=PROGRAMME, edgecolor="none")
