"""Lines over a plane: how far a result holds as something unseen grows, and whether chains settle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from .chart import LEADING, Sheet, is_number
from .palette import COMPARISON, EXTRA, INK, MUTED, PROGRAMME, PROGRAMME_SHADE, WARNING
from .plane import LEFT, RIGHT, draw_plane
from .svg import Named, placeholder

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLOURS: Final = (PROGRAMME, COMPARISON, EXTRA, MUTED)


@dataclass(frozen=True, slots=True)
class BandPoint:
    """What is added or assumed, the estimate then, and the ends of its interval."""

    at: float
    estimate: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Mark:
    """A value across the plane that matters, and its name."""

    at: float
    name: str
    strong: bool = False


def draw_band(
    points: Sequence[BandPoint], *, title: str, description: str, x_label: str, y_label: str,
    marks: Sequence[Mark] = (),
) -> str:  # fmt: skip
    """One line with its interval as a band, no difference drawn across, and marks drawn down."""
    named = Named("band", title, description)
    if len(points) < 2:
        return placeholder("There is nothing to show for this result.", named)
    ordered = sorted(points, key=lambda point: point.at)

    def paint(sheet: Sheet, axes: Axes, top: float, bottom: float) -> None:
        x = [point.at for point in ordered]
        axes.fill_between(
            x, [p.low for p in ordered], [p.high for p in ordered], color=PROGRAMME_SHADE
        )
        axes.plot(x, [p.estimate for p in ordered], color=PROGRAMME, linewidth=2.6)
        axes.axhline(0, color=INK, linewidth=1.2)
        axes.set_xlim(x[0], x[-1])
        _mark(sheet, axes, marks, top)

    return draw_plane(paint, named, x_label, y_label, rows=len(marks))


def draw_chains(
    chains: Sequence[Sequence[float]], *, title: str, description: str, x_label: str, y_label: str
) -> str:
    """One thin line a chain: settled chains cross and run level."""
    named = Named("chains", title, description)
    shown = [chain for chain in chains if len(chain) > 1 and all(map(is_number, chain))]
    if not shown:
        return placeholder("There are no chains to show.", named)

    def paint(sheet: Sheet, axes: Axes, top: float, bottom: float) -> None:
        for n, chain in enumerate(shown):
            axes.plot(
                range(1, len(chain) + 1), chain, color=_COLOURS[n % len(_COLOURS)], linewidth=1.0
            )
        axes.set_xlim(1, max(len(chain) for chain in shown))

    return draw_plane(paint, named, x_label, y_label)


def _mark(sheet: Sheet, axes: Axes, marks: Sequence[Mark], top: float) -> None:
    """Draw each mark down the plane, its name on a line of its own above it."""
    low, high = axes.get_xlim()
    for n, mark in enumerate(marks):
        if not low <= mark.at <= high:
            continue
        colour = WARNING if mark.strong else INK
        axes.axvline(
            mark.at, color=colour, linewidth=1.6 if mark.strong else 1.0,
            linestyle="-" if mark.strong else (0, (3, 3)),
        )  # fmt: skip
        x = LEFT + (mark.at - low) / (high - low) * (RIGHT - LEFT)
        align = "right" if x > (LEFT + RIGHT) / 2 else "left"
        y = top - 8 - LEADING * (len(marks) - 1 - n)
        sheet.text([mark.name], x=x, y=y, size=12, colour=colour, align=align)
