"""Sites' effects against how precisely each is known, within the funnel that chance alone would give."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .chart import Sheet
from .palette import INK, MUTED, PROGRAMME, PROGRAMME_SHADE
from .plane import draw_plane
from .svg import Named, placeholder

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDE = 1.959964
"""Standard errors either side that hold 95 of 100 effects if sites do not differ."""


@dataclass(frozen=True, slots=True)
class FunnelPoint:
    """One site: its effect and the standard error of it."""

    effect: float
    error: float


def draw_funnel(
    points: Sequence[FunnelPoint], *, centre: float, title: str, description: str, x_label: str,
    y_label: str,
) -> str:  # fmt: skip
    """A dot a site, the most precise at the top; the shaded funnel holds 95 of 100 if sites agree."""
    named = Named("funnel", title, description)
    if len(points) < 3:
        return placeholder("There are too few sites to show.", named)
    deepest = 1.12 * max(point.error for point in points)

    def paint(sheet: Sheet, axes: Axes, top: float, bottom: float) -> None:
        reach = WIDE * deepest
        axes.fill_betweenx(
            [0, deepest], [centre, centre - reach], [centre, centre + reach],
            color=PROGRAMME_SHADE, linewidth=0,
        )  # fmt: skip
        axes.axvline(centre, color=PROGRAMME, linewidth=2)
        axes.axvline(0, color=INK, linewidth=1.2, linestyle=(0, (3, 3)))
        axes.plot(
            [p.effect for p in points], [p.error for p in points], "o", color=INK, markersize=7,
            markeredgecolor=MUTED,
        )  # fmt: skip
        axes.set_ylim(deepest, 0)

    return draw_plane(paint, named, x_label, y_label)
