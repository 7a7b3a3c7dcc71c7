"""The participant flow diagram: who was eligible, who took part, who was left out and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

from .palette import (
    COMPARISON,
    COMPARISON_SHADE,
    EXTRA,
    INK,
    MUTED,
    PAPER,
    PROGRAMME,
    PROGRAMME_SHADE,
    SHADE,
)
from .svg import Element, Named, add, add_text, finish, placeholder
from .text import wrap

# widths of main and side boxes; narrower when three or more arms stand side by side
_ROOMY: Final = (220.0, 200.0)
_TIGHT: Final = (184.0, 168.0)
_BETWEEN: Final = 26.0
_ARMS_APART: Final = 36.0
_MARGIN: Final = 12.0
_DROP: Final = 34.0
_PADDING: Final = 11.0
_SIZE: Final = 13.0
_LEADING: Final = 17.0
_ARM_COLOURS: Final = (
    (PROGRAMME, PROGRAMME_SHADE),
    (COMPARISON, COMPARISON_SHADE),
    (EXTRA, SHADE),
)


@dataclass(frozen=True, slots=True)
class FlowBox:
    """A box: what it is, then its counts and reasons, one line each, already formatted."""

    label: str
    lines: tuple[str, ...] = ()


FlowStep: TypeAlias = tuple[FlowBox, FlowBox | None]


@dataclass(frozen=True, slots=True)
class FlowArm:
    """One arm from allocation to analysis: each step with, beside it, those left out."""

    name: str
    steps: tuple[FlowStep, ...] = ()


@dataclass(frozen=True, slots=True)
class FlowDiagram:
    """The steps everybody went through, then those of each arm."""

    top: tuple[FlowStep, ...] = ()
    arms: tuple[FlowArm, ...] = ()


@dataclass(frozen=True, slots=True)
class _Column:
    """Where one arm stands: its main boxes, and its side boxes when it has any."""

    main: float
    side: float
    main_width: float
    side_width: float

    @property
    def centre(self) -> float:
        return self.main + self.main_width / 2


def draw_flow(flow: FlowDiagram, *, title: str, description: str = "") -> str:
    """The flow of participants as boxes downwards, one column per arm."""
    named = Named("flow", title, description)
    if not flow.top and not flow.arms:
        return placeholder("Nobody has been followed through the study yet.", named)
    body = Element("g")
    columns, right = _columns(flow.arms)
    trunk = _trunk(columns)
    if any(side for _, side in flow.top):
        right = max(right, trunk.side + trunk.side_width)
    bottom = _draw_column(body, flow.top, trunk, _row_tops([flow.top], trunk, _MARGIN))
    bottom = _draw_arms(body, flow, columns, trunk, bottom)
    width = max(right, trunk.main + trunk.main_width) + _MARGIN
    return finish(body, named, width=width, height=bottom + _MARGIN)


def _columns(arms: tuple[FlowArm, ...]) -> tuple[list[_Column], float]:
    """The arms side by side and the right edge; of two arms the first has its side boxes left."""
    wide, narrow = _ROOMY if len(arms) < 3 else _TIGHT
    columns, cursor = [], _MARGIN
    for index, arm in enumerate(arms):
        has_side = any(side for _, side in arm.steps)
        if has_side and index == 0 and len(arms) == 2:
            column = _Column(cursor + narrow + _BETWEEN, cursor, wide, narrow)
            cursor = column.main + wide
        else:
            column = _Column(cursor, cursor + wide + _BETWEEN, wide, narrow)
            cursor = column.side + narrow if has_side else cursor + wide
        columns.append(column)
        cursor += _ARMS_APART
    return columns, cursor - _ARMS_APART if columns else _MARGIN


def _trunk(columns: list[_Column]) -> _Column:
    """Where the boxes before the split stand: midway between the outer arms."""
    if not columns:
        return _Column(_MARGIN, _MARGIN + _ROOMY[0] + _BETWEEN, *_ROOMY)
    wide, narrow = columns[0].main_width, columns[0].side_width
    left = (columns[0].main + columns[-1].main) / 2
    return _Column(left, left + wide + _BETWEEN, wide, narrow)


def _height(box: FlowBox, width: float) -> float:
    labels, details = _wrapped(box, width)
    return 2 * _PADDING + _LEADING * (len(labels) + len(details))


def _wrapped(box: FlowBox, width: float) -> tuple[list[str], list[str]]:
    room = width - 2 * _PADDING
    details = [piece for line in box.lines for piece in wrap(line, room, _SIZE)]
    return list(wrap(box.label, room, _SIZE, bold=True)), details


def _row_tops(columns: list[tuple[FlowStep, ...]], like: _Column, top: float) -> list[float]:
    """The top of every row, shared by all the arms so that they can be read across."""
    tops = [top]
    for row in range(max(map(len, columns), default=0)):
        steps = [column[row] for column in columns if row < len(column)]
        tallest = max(
            max(
                _height(main, like.main_width),
                _height(side, like.side_width) if side else 0,
            )
            for main, side in steps
        )
        tops.append(tops[-1] + tallest + _DROP)
    return tops


def _draw_box(body: Element, box: FlowBox, x: float, y: float, width: float, fill: str) -> float:
    """Draw one box and return its height."""
    labels, details = _wrapped(box, width)
    height = _height(box, width)
    frame = add(body, "rect", x=x, y=y, width=width, height=height, rx=3, fill=fill)
    frame.attrib.update({"stroke": MUTED, "stroke-width": "1.2", "class": "box"})
    left, line = x + _PADDING, y + _PADDING + 13
    add_text(body, labels, x=left, y=line, size=_SIZE, leading=_LEADING, bold=True)
    below = line + _LEADING * len(labels)
    add_text(body, details, x=left, y=below, size=_SIZE, leading=_LEADING)
    return height


def _draw_line(body: Element, *points: tuple[float, float], head: str = "") -> None:
    """A line through points, with an arrow head pointing `head` (down, left or right)."""
    path = " ".join(f"{x:g},{y:g}" for x, y in points)
    add(body, "polyline", points=path, fill="none", stroke=INK, stroke_width=1.4)
    x, y = points[-1]
    tips = {"down": (-4.5, -8, 4.5, -8), "left": (8, -4.5, 8, 4.5), "right": (-8, -4.5, -8, 4.5)}
    if head:
        a, b, c, d = tips[head]
        corners = f"{x:g},{y:g} {x + a:g},{y + b:g} {x + c:g},{y + d:g}"
        add(body, "polygon", points=corners, fill=INK)


def _draw_column(
    body: Element, steps: tuple[FlowStep, ...], column: _Column, tops: list[float]
) -> float:
    """Draw one column of boxes with their side boxes; return the bottom of the last main box."""
    bottom, lowest = tops[0], tops[0]
    for index, (main, side) in enumerate(steps):
        y = tops[index]
        if index:
            _draw_line(body, (column.centre, bottom), (column.centre, y), head="down")
        bottom = y + _draw_box(body, main, column.main, y, column.main_width, PAPER)
        lowest = max(lowest, bottom)
        if side:
            lowest = max(lowest, _draw_side(body, side, column, y, bottom))
    return max(lowest, bottom)


def _draw_side(body: Element, side: FlowBox, column: _Column, top: float, bottom: float) -> float:
    """Draw those left out beside their step; return the bottom of the box."""
    height = _draw_box(body, side, column.side, top, column.side_width, SHADE)
    y = top + min(bottom - top, height) / 2
    if column.side > column.main:
        _draw_line(body, (column.main + column.main_width, y), (column.side, y), head="right")
    else:
        _draw_line(body, (column.main, y), (column.side + column.side_width, y), head="left")
    return top + height


def _draw_arms(
    body: Element, flow: FlowDiagram, columns: list[_Column], trunk: _Column, bottom: float
) -> float:
    """Split the trunk into the arms and draw each; return the bottom of the lowest box."""
    if not columns:
        return bottom
    start = _MARGIN
    if flow.top:
        last = _row_tops([flow.top], trunk, _MARGIN)[len(flow.top) - 1]
        start = bottom + _DROP + 8
        split = start - _DROP / 2 - 4
        leave = (trunk.centre, last + _height(flow.top[-1][0], trunk.main_width))
        for column in columns:
            corners = ((trunk.centre, split), (column.centre, split))
            _draw_line(body, leave, *corners, (column.centre, start), head="down")
    headed = start + _draw_headings(body, flow.arms, columns, start)
    tops = _row_tops([arm.steps for arm in flow.arms], trunk, headed)
    return max(
        _draw_column(body, arm.steps, column, tops)
        for arm, column in zip(flow.arms, columns, strict=True)
    )


def _draw_headings(
    body: Element, arms: tuple[FlowArm, ...], columns: list[_Column], top: float
) -> float:
    """Draw the arms' names over their columns; return the height they take."""
    width = columns[0].main_width
    names = [wrap(arm.name, width - 2 * _PADDING, _SIZE, bold=True) for arm in arms]
    lines = max(map(len, names))
    height = _LEADING * lines + 14 if lines else 0
    for index, (name, column) in enumerate(zip(names, columns, strict=True)):
        if not name:
            continue
        colour, shade = _ARM_COLOURS[min(index, len(_ARM_COLOURS) - 1)]
        frame = add(body, "rect", x=column.main, y=top, width=width, height=height, fill=shade)
        frame.attrib.update({"stroke": colour, "stroke-width": "1.4"})
        middle = top + 7 + 13 + (lines - len(name)) * _LEADING / 2
        add_text(
            body,
            name,
            x=column.centre,
            y=middle,
            size=_SIZE,
            leading=_LEADING,
            fill=colour,
            bold=True,
            anchor="middle",
        )
    return height
