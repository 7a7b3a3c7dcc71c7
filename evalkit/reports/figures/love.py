"""The balance plot: how far apart the two groups were at the start, against the usual limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from .chart import LEADING, SIZE, WIDTH, Sheet, draw_chart, is_number, row_edges
from .palette import COMPARISON, GOOD, INK, MUTED, RULE, SHADE, WARNING
from .svg import Named, placeholder
from .text import wrap

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LABEL: Final = (12.0, 250.0)
_PLOT: Final = (270.0, 676.0)
_VALUE: Final = 748.0
_TOP: Final = 68.0
_CLOSE: Final = 0.05
_FAR: Final = 0.25

# marker, colour, size and words for a difference up to each limit
_KINDS: Final = (
    (_CLOSE, "o", GOOD, 8.0, "up to 0.05: alike"),
    (_FAR, "^", COMPARISON, 9.0, "0.05 to 0.25: adjust for it"),
    (float("inf"), "D", WARNING, 8.5, "over 0.25: far apart"),
)


@dataclass(frozen=True, slots=True)
class BalanceRow:
    """One characteristic and its standardised difference between the groups (None: not known).

    `before` is the difference before the groups were made alike.
    """

    label: str
    smd: float | None
    before: float | None = None


def draw_balance(rows: Sequence[BalanceRow], *, title: str, description: str) -> str:
    """Standardised differences as marks, with the limits of 0.05 and 0.25."""
    named = Named("balance", title, description)
    if not rows:
        return placeholder("There are no baseline characteristics to compare yet.", named)
    labels = [wrap(row.label, _LABEL[1] - _LABEL[0], SIZE) for row in rows]
    edges = row_edges((LEADING * max(1, len(label)) + 11 for label in labels), top=_TOP)
    sizes = [abs(v) for row in rows for v in (row.smd, row.before) if is_number(v)]
    most = max([0.32, *(size * 1.12 for size in sizes)])
    earlier = any(is_number(row.before) for row in rows)

    def draw(sheet: Sheet) -> None:
        for top, bottom in list(pairwise(edges))[::2]:
            sheet.band(4, top, WIDTH - 4, bottom, SHADE)
        _draw_key(sheet, earlier=earlier)
        axes = _axes(sheet, edges, most)
        for index, (row, label) in enumerate(zip(rows, labels, strict=True)):
            middle = (edges[index] + edges[index + 1]) / 2
            sheet.centred(label, x=_LABEL[0], y=middle)
            _draw_row(sheet, axes, row, middle)
        words = wrap("Standardised difference, programme minus comparison", 420, SIZE)
        sheet.text(words, x=sum(_PLOT) / 2, y=edges[-1] + 42, colour=MUTED, align="center")

    return draw_chart(draw, named, height=edges[-1] + 58)


def _axes(sheet: Sheet, edges: Sequence[float], most: float) -> Axes:
    """Axes with the four limits drawn and named above the first row."""
    axes = sheet.axes(_PLOT[0], edges[0], _PLOT[1], edges[-1])
    axes.set_xlim(-most, most)
    axes.set_ylim(edges[-1], edges[0])
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.axvline(0, color=INK, linewidth=1.3)
    for limit, dashes in ((_CLOSE, (2, 2)), (_FAR, (7, 3))):
        for sign in (-1, 1):
            axes.axvline(sign * limit, color=MUTED, linewidth=1.2, dashes=dashes)
            x = sum(_PLOT) / 2 + sign * limit / most * (_PLOT[1] - _PLOT[0]) / 2
            # The inner pair stands close together when one difference is very large.
            if limit == _FAR or most < 0.45:
                text = f"{'−' if sign < 0 else ''}{limit}"
                sheet.text([text], x=x, y=_TOP - 8, size=12, colour=MUTED, align="center")
    axes.grid(axis="x", color=RULE, linewidth=0.5)
    return axes


def _draw_row(sheet: Sheet, axes: Axes, row: BalanceRow, middle: float) -> None:
    if not is_number(row.smd):
        sheet.centred(("not available",), x=_VALUE, y=middle, colour=MUTED, align="right")
        return
    _, marker, colour, size, _ = _kind(row.smd)
    if is_number(row.before):
        axes.plot([row.before, row.smd], [middle, middle], color=MUTED, linewidth=1.0, zorder=3)
        axes.plot(
            [row.before], [middle], "s", markersize=7, markerfacecolor="white",
            markeredgecolor=INK, zorder=4,
        )  # fmt: skip
    axes.plot(
        [row.smd],
        [middle],
        marker,
        color=colour,
        markersize=size,
        markeredgecolor="white",
        markeredgewidth=0.8,
        zorder=5,
    )
    sheet.centred((_value(row.smd),), x=_VALUE, y=middle, align="right")


def _kind(smd: float) -> tuple[float, str, str, float, str]:
    return next(kind for kind in _KINDS if abs(smd) <= kind[0])


def _value(smd: float) -> str:
    """The number with two decimals, or three where two would show it on a limit's other side."""
    places = 2 if _kind(round(smd, 2)) == _kind(smd) else 3
    text = f"{smd:.{places}f}"
    return (text if float(text) else text.lstrip("-")).replace("-", "−")


def _draw_key(sheet: Sheet, *, earlier: bool) -> None:
    """The markers and what they mean, along the top."""
    axes = sheet.axes(0, 0, WIDTH, 40)
    axes.set_xlim(0, WIDTH)
    axes.set_ylim(40, 0)
    axes.axis("off")
    step = 186 if earlier else 240
    for index, (_, marker, colour, size, words) in enumerate(_KINDS):
        x = 20.0 + index * step
        axes.plot([x], [18], marker, color=colour, markersize=size)
        sheet.text([words], x=x + 12, y=22.5, size=12)
    if earlier:
        x = 20.0 + 3 * step
        axes.plot([x], [18], "s", markersize=7, markerfacecolor="white", markeredgecolor=INK)
        sheet.text(["before, not yet made alike"], x=x + 12, y=22.5, size=12)
