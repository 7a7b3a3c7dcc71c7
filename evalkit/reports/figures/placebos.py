"""Each unit treated in turn: how far it left its mixture after the start, against before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .chart import SIZE, Sheet, is_number
from .palette import INK, PROGRAMME, RULE
from .plane import draw_plane
from .svg import Named, placeholder
from .text import wrap

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_ROW = 22.0
_NAMES = 170.0


@dataclass(frozen=True, slots=True)
class PlaceboRow:
    """One unit and its ratio, None where the mixture followed it without any gap."""

    name: str
    ratio: float | None
    treated: bool = False


def draw_placebos(rows: Sequence[PlaceboRow], *, title: str, description: str, x_label: str) -> str:
    """A dot a unit, the largest ratio at the top, the unit with the programme emphasised."""
    named = Named("placebos", title, description)
    known = [row.ratio for row in rows if is_number(row.ratio)]
    if len(rows) < 2 or not known:
        return placeholder("There are no ranks to show.", named)
    most = max(known)

    def paint(sheet: Sheet, axes: Axes, top: float, bottom: float) -> None:
        axes.grid(visible=False)
        axes.set_xlim(0, most * 1.08 or 1)
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.set_yticks([])
        axes.set_position((
            _NAMES / sheet.width, axes.get_position().y0,
            (sheet.width - _NAMES - 24) / sheet.width, axes.get_position().height,
        ))  # fmt: skip
        for n, row in enumerate(rows):
            colour = PROGRAMME if row.treated else INK
            value = row.ratio if is_number(row.ratio) else most * 1.05
            axes.axhline(n, color=RULE, linewidth=0.6, zorder=0)
            axes.plot(
                [value], [n], "s" if row.treated else "o", color=colour,
                markersize=10 if row.treated else 6,
            )  # fmt: skip
            y = top + (n + 0.6) / len(rows) * (bottom - top)
            name = wrap(row.name, _NAMES - 20, SIZE)[:1]
            sheet.centred(name, x=12, y=y, colour=colour, bold=row.treated)

    return draw_plane(paint, named, x_label, "", height=max(120.0, _ROW * len(rows)))
