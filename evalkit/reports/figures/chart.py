"""The sheet that charts are drawn on: matplotlib, in pixels from the top left, no global state."""

from __future__ import annotations

import io
import math
import threading
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeGuard

from .palette import INK, MUTED, PAPER, RULE
from .svg import Named, finish, from_matplotlib

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH: Final = 760.0
SIZE: Final = 12.5
LEADING: Final = 17.0

# matplotlib's settings belong to the process, so two threads must not draw at once.
_ONE_AT_A_TIME: Final = threading.RLock()

_SETTINGS: Final[dict[str, Any]] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "evalkit",
    "svg.id": None,
    "text.parse_math": False,
    "text.color": INK,
    "font.size": SIZE,
    "axes.edgecolor": MUTED,
    "axes.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.formatter.useoffset": False,
    "axes.axisbelow": True,
    "figure.facecolor": PAPER,
    "grid.color": RULE,
    "grid.linewidth": 0.8,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelsize": 12,
    "ytick.labelsize": 12,
    "hatch.linewidth": 0.8,
}


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """A figure of a given size, addressed in pixels from its top left corner."""

    figure: Figure
    width: float
    height: float

    def axes(self, left: float, top: float, right: float, bottom: float) -> Axes:
        """Axes that fill the rectangle between two corners."""
        across, down = self.width, self.height
        place = (left / across, 1 - bottom / down, (right - left) / across, (bottom - top) / down)
        return self.figure.add_axes(place)

    def text(
        self,
        lines: Iterable[str],
        *,
        x: float,
        y: float,
        size: float = SIZE,
        colour: str = INK,
        bold: bool = False,
        align: str = "left",
    ) -> None:
        """Lines of text, the baseline of the first at `y`."""
        for index, line in enumerate(lines):
            self.figure.text(
                x / self.width,
                1 - (y + index * LEADING) / self.height,
                line,
                size=size,
                color=colour,
                weight="bold" if bold else "normal",
                ha=align,
                va="baseline",
            )

    def centred(self, lines: tuple[str, ...], *, x: float, y: float, **options: Any) -> None:
        """Lines of text whose block is centred on `y`."""
        self.text(lines, x=x, y=y + 4.5 - (len(lines) - 1) * LEADING / 2, **options)

    def band(self, left: float, top: float, right: float, bottom: float, colour: str) -> None:
        """A plain background rectangle behind everything else."""
        from matplotlib.patches import Rectangle

        place = (left / self.width, 1 - bottom / self.height)
        across, down = (right - left) / self.width, (bottom - top) / self.height
        patch = Rectangle(place, across, down, facecolor=colour, edgecolor="none", zorder=-5)
        patch.set_transform(self.figure.transFigure)
        self.figure.add_artist(patch)


def _document(figure: Figure) -> str:
    target = io.StringIO()
    nobody = {"Date": None, "Creator": None, "Format": None, "Type": None}
    with warnings.catch_warnings():
        # The reader's fonts draw the text, so a glyph missing here is no concern.
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        figure.savefig(target, format="svg", metadata=nobody)
    return target.getvalue()


def draw_chart(
    draw: Callable[[Sheet], None],
    named: Named,
    *,
    height: float,
    width: float = WIDTH,
) -> str:
    """Run `draw` on a fresh sheet under fixed settings and return the finished SVG."""
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with _ONE_AT_A_TIME, matplotlib.rc_context():
        matplotlib.rcdefaults()
        settings: Any = matplotlib.rcParams
        settings.update(_SETTINGS)
        figure = Figure(figsize=(width / 72, height / 72), dpi=72)
        FigureCanvasSVG(figure)
        draw(Sheet(figure, width, height))
        document = _document(figure)
    return finish(from_matplotlib(document), named, width=width, height=height)


def is_number(value: float | None) -> TypeGuard[float]:
    """Whether there is a finite number to draw."""
    return value is not None and math.isfinite(value)


def row_edges(heights: Iterable[float], *, top: float) -> list[float]:
    """The top of every row and the bottom of the last, from `top` downwards."""
    edges = [top]
    for height in heights:
        edges.append(edges[-1] + height)
    return edges
