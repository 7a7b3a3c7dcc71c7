"""Attrition against the What Works Clearinghouse boundaries: how much was lost, how unevenly."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from evalkit.errors import InvalidInput

from .chart import LEADING, SIZE, Sheet, draw_chart, is_number
from .labels import Rect, Wanted, around, place_labels
from .palette import GOOD, GOOD_SHADE, INK, MUTED, RULE, WARNING
from .place import spread
from .svg import Named, placeholder
from .text import text_width, wrap

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Line = Sequence[tuple[float, float]]

_TOP: Final = 64.0
_LEFT: Final = 62.0
_RIGHT: Final = 744.0
_MARGIN_RIGHT: Final = 540.0
_TALL: Final = 400.0
_LABEL_WIDTH: Final = 230.0
_MARGIN_WIDTH: Final = 180.0
_IN_FORCE: Final = " (in force)"


@dataclass(frozen=True, slots=True)
class BoundaryPoint:
    """Loss of one analysis: overall in %, between arms in points, and whether it is acceptable."""

    label: str
    overall: float
    differential: float
    inside: bool


@dataclass(frozen=True, slots=True)
class _Scale:
    """From loss to pixels, for axes that start at nought."""

    area: Rect
    most_overall: float
    most_differential: float

    def x(self, overall: float) -> float:
        return self.area.left + overall / self.most_overall * (self.area.right - self.area.left)

    def y(self, differential: float) -> float:
        share = differential / self.most_differential
        return self.area.bottom - share * (self.area.bottom - self.area.top)

    def along(self, line: Line) -> list[tuple[float, float]]:
        """Pixels close together along a line."""
        places = []
        for (a, b), (c, d) in pairwise(line):
            for step in range(12):
                k = step / 12
                places.append((self.x(a + (c - a) * k), self.y(b + (d - b) * k)))
        return places


@dataclass(frozen=True, slots=True)
class _Label:
    """Words placed: their lines, their rectangle and the point they belong to."""

    lines: tuple[str, ...]
    place: Rect
    x: float
    y: float


def draw_boundary(
    points: Sequence[BoundaryPoint],
    *,
    cautious: Line,
    optimistic: Line,
    in_force: str,
    title: str,
    description: str,
) -> str:
    """Overall and differential loss as labelled points against the two boundaries."""
    named = Named("boundary", title, description)
    if in_force not in ("cautious", "optimistic"):
        raise InvalidInput(
            f"The boundary in force is '{in_force}'. Allowed: 'cautious', 'optimistic'."
        )
    shown = [p for p in points if is_number(p.overall) and is_number(p.differential)]
    if not shown:
        return placeholder("Nobody has been lost from a comparison of arms yet.", named)
    lines = {
        "cautious": sorted((float(a), float(b)) for a, b in cautious),
        "optimistic": sorted((float(a), float(b)) for a, b in optimistic),
    }
    scale, names, labels = _placed(shown, lines, in_force)
    bottom = scale.area.bottom

    def draw(sheet: Sheet) -> None:
        axes = _axes(sheet, scale)
        _draw_lines(axes, lines, in_force)
        over = sheet.axes(0, 0, sheet.width, sheet.height)
        over.set_xlim(0, sheet.width)
        over.set_ylim(sheet.height, 0)
        over.axis("off")
        _draw_key(sheet, over)
        for name, label in zip(lines, names, strict=True):
            bold = name == in_force
            _draw_label(sheet, over, label, colour=INK if bold else MUTED, bold=bold)
        for point, label in zip(shown, labels, strict=True):
            _draw_label(sheet, over, label, colour=INK)
            _draw_mark(over, label.x, label.y, inside=point.inside)
        words = ("Overall loss (% of those due at the wave)",)
        centre = (scale.area.left + scale.area.right) / 2
        sheet.text(words, x=centre, y=bottom + 44, colour=MUTED, align="center")

    return draw_chart(draw, named, height=bottom + 58)


def _placed(
    points: Sequence[BoundaryPoint], lines: dict[str, list[tuple[float, float]]], in_force: str
) -> tuple[_Scale, list[_Label], list[_Label]]:
    """The scale, the boundaries' names and the points' labels: beside the points if they fit."""
    scale = _scale(points, lines, _RIGHT, _TALL)
    marks = [(scale.x(p.overall), scale.y(p.differential)) for p in points]
    taken = [around(x, y, 8) for x, y in marks]
    drawn = [place for line in lines.values() for place in scale.along(line)]
    names = _boundary_names(scale, lines, taken, in_force)
    words = [wrap(p.label, _LABEL_WIDTH, SIZE) or ("",) for p in points]
    wanted = [Wanted(x, y, *_size(text)) for text, (x, y) in zip(words, marks, strict=True)]
    clear = [*taken, *(label.place for label in names)]
    places = place_labels(wanted, area=scale.area, taken=clear, lines=drawn)
    if places is not None:
        labels = [
            _Label(text, place, x, y)
            for text, place, (x, y) in zip(words, places, marks, strict=True)
        ]
        return scale, names, labels
    return _in_margin(points, lines, in_force)


def _in_margin(
    points: Sequence[BoundaryPoint],
    lines: dict[str, list[tuple[float, float]]],
    in_force: str,
) -> tuple[_Scale, list[_Label], list[_Label]]:
    """All labels in a column to the right of the axes, for points too many or too close."""
    words = [wrap(p.label, _MARGIN_WIDTH, SIZE) or ("",) for p in points]
    heights = [_size(text)[1] for text in words]
    scale = _scale(points, lines, _MARGIN_RIGHT, max(_TALL, sum(heights) + 6 * len(heights)))
    marks = [(scale.x(p.overall), scale.y(p.differential)) for p in points]
    names = _boundary_names(scale, lines, [around(x, y, 8) for x, y in marks], in_force)
    order = sorted(range(len(points)), key=lambda i: (marks[i][1], -marks[i][0]))
    centres = spread(
        [marks[i][1] for i in order],
        [heights[i] for i in order],
        gap=6,
        low=scale.area.top,
        high=scale.area.bottom,
    )
    labels: dict[int, _Label] = {}
    for index, centre in zip(order, centres, strict=True):
        width, height = _size(words[index])
        left = _MARGIN_RIGHT + 26
        rect = Rect(left, centre - height / 2, left + width, centre + height / 2)
        labels[index] = _Label(words[index], rect, *marks[index])
    return scale, names, [labels[index] for index in range(len(points))]


def _scale(
    points: Sequence[BoundaryPoint],
    lines: dict[str, list[tuple[float, float]]],
    right: float,
    tall: float,
) -> _Scale:
    places = [place for line in lines.values() for place in line]
    overall = max([20.0, *(p.overall for p in points), *(place[0] for place in places)])
    differential = max([8.0, *(p.differential for p in points), *(place[1] for place in places)])
    area = Rect(_LEFT, _TOP, right, _TOP + tall)
    return _Scale(area, min(overall * 1.06, max(100.0, overall)), differential * 1.18)


def _size(lines: Sequence[str]) -> tuple[float, float]:
    return max(text_width(line, SIZE) for line in lines) + 4, LEADING * len(lines)


def _boundary_names(
    scale: _Scale,
    lines: dict[str, list[tuple[float, float]]],
    taken: Sequence[Rect],
    in_force: str,
) -> list[_Label]:
    """The names of both boundaries, each along its own line, clear of points and of the other."""
    labels: list[_Label] = []
    for name, line in lines.items():
        words = f"{name.capitalize()} boundary{_IN_FORCE if name == in_force else ''}"
        other = [place for key in lines if key != name for place in scale.along(lines[key])]
        busy = [*taken, *(label.place for label in labels)]
        place = _along_line(
            scale, scale.along(line), text_width(words, SIZE, bold=True), busy, other
        )
        labels.append(_Label((words,), place, *place.nearest(place.left, place.top)))
    return labels


def _along_line(
    scale: _Scale,
    along: list[tuple[float, float]],
    width: float,
    busy: Sequence[Rect],
    other: list[tuple[float, float]],
) -> Rect:
    """The flattest free stretch above or below a line where words of this width fit."""
    area = scale.area
    best = (math.inf, Rect(area.left + 8, area.top, area.left + 8 + width, area.top + LEADING))
    for x, _ in along:
        under = [b for a, b in along if x - 4 <= a <= x + width + 4]
        for top in (min(under) - LEADING - 5, max(under) + 5):
            place = Rect(x + 4, top, x + 4 + width, top + LEADING)
            if not place.within(area):
                continue
            cost = 100.0 * sum(place.meets(rect) for rect in busy)
            cost += 12.0 * sum(place.meets(rect, margin=22) for rect in busy)
            cost += max(under) - min(under) + 0.05 * (x - area.left)
            if cost >= best[0]:
                continue
            cost += 40.0 * any(place.holds(*spot) for spot in other)
            best = min(best, (cost, place), key=lambda option: option[0])
    return best[1]


def _axes(sheet: Sheet, scale: _Scale) -> Axes:
    area = scale.area
    axes = sheet.axes(area.left, area.top, area.right, area.bottom)
    axes.set_xlim(0, scale.most_overall)
    axes.set_ylim(0, scale.most_differential)
    axes.grid(color=RULE, linewidth=0.5)
    words = ("Difference in loss between the arms (percentage points)",)
    sheet.text(words, x=12, y=_TOP - 14, colour=MUTED)
    return axes


def _draw_lines(axes: Axes, lines: dict[str, list[tuple[float, float]]], in_force: str) -> None:
    """Both boundaries, the one in force bold with the acceptable region under it shaded."""
    for name, line in lines.items():
        across, up = [place[0] for place in line], [place[1] for place in line]
        if name == in_force:
            axes.fill_between(across, up, 0, color=GOOD_SHADE, linewidth=0, zorder=-2)
            axes.plot(across, up, color=INK, linewidth=2.8)
        else:
            axes.plot(across, up, color=MUTED, linewidth=1.3, dashes=(5, 3))


def _draw_label(
    sheet: Sheet, over: Axes, label: _Label, *, colour: str, bold: bool = False
) -> None:
    """The words in their place and a leader line to their point when they stand apart."""
    x, y = label.place.nearest(label.x, label.y)
    if abs(x - label.x) + abs(y - label.y) > 4:
        over.plot([label.x, x], [label.y, y], color=MUTED, linewidth=0.9)
    align, at = "left", label.place.left + 2
    if x == label.place.right:
        align, at = "right", label.place.right - 2
    elif x != label.place.left:
        align, at = "center", (label.place.left + label.place.right) / 2
    sheet.text(label.lines, x=at, y=label.place.top + 13, colour=colour, bold=bold, align=align)


def _draw_mark(over: Axes, x: float, y: float, *, inside: bool) -> None:
    """A full circle inside the boundary in force, a hollow diamond outside it."""
    over.plot(
        [x],
        [y],
        "o" if inside else "D",
        color=GOOD if inside else WARNING,
        markerfacecolor=GOOD if inside else "white",
        markeredgewidth=2,
        markersize=8,
        zorder=6,
    )


def _draw_key(sheet: Sheet, over: Axes) -> None:
    for x, inside, words in (
        (20, True, "within the boundary in force"),
        (270, False, "outside it: loss may bias the finding"),
    ):
        _draw_mark(over, x, 16, inside=inside)
        sheet.text((words,), x=x + 12, y=20.5, size=12)
