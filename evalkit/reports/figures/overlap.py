"""Overlap: how the chance of being on the programme lies in the two groups, one above the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from .chart import LEADING, SIZE, WIDTH, Sheet, draw_chart
from .palette import COMPARISON, INK, MUTED, PROGRAMME, RULE
from .svg import Named, placeholder
from .text import wrap

_LEFT: Final = 70.0
_RIGHT: Final = 736.0
_HEIGHT: Final = 260.0


@dataclass(frozen=True, slots=True)
class OverlapBin:
    """A stretch of the chance, and each group's share in it in percent; None where not shown."""

    low: float
    high: float
    programme: float | None
    comparison: float | None


def draw_overlap(
    bins: Sequence[OverlapBin], *, names: tuple[str, str], title: str, description: str
) -> str:
    """The programme's shares above the line and the comparison's below it, bin by bin."""
    named = Named("overlap", title, description)
    most = max([b or 0.0 for item in bins for b in (item.programme, item.comparison)], default=0.0)
    if most <= 0:
        return placeholder("The groups are too small to draw.", named)
    top = 30.0 + LEADING
    bottom = top + _HEIGHT
    words = wrap("Chance of being on the programme, from what was known before", WIDTH, SIZE)

    def draw(sheet: Sheet) -> None:
        sheet.text([f"{names[0]} (above the line)"], x=12, y=18, colour=PROGRAMME, bold=True)
        sheet.text([f"{names[1]} (below the line)"], x=330, y=18, colour=COMPARISON, bold=True)
        axes = sheet.axes(_LEFT, top, _RIGHT, bottom)
        axes.set_xlim(bins[0].low, bins[-1].high)
        axes.set_ylim(-1.1 * most, 1.1 * most)
        axes.set_yticks([-most, -most / 2, 0, most / 2, most])
        axes.set_yticklabels([f"{abs(v):.0f}%" for v in (-most, -most / 2, 0, most / 2, most)])
        axes.grid(axis="y", color=RULE, linewidth=0.7)
        for item in bins:
            width = item.high - item.low
            for share, sign, colour in (
                (item.programme, 1, PROGRAMME), (item.comparison, -1, COMPARISON)
            ):  # fmt: skip
                if share:
                    axes.bar(item.low, sign * share, width=0.92 * width, align="edge", color=colour)
        axes.axhline(0, color=INK, linewidth=1.2)
        sheet.text(words, x=(_LEFT + _RIGHT) / 2, y=bottom + 44, colour=MUTED, align="center")

    return draw_chart(draw, named, height=bottom + 40 + LEADING * len(words))
