"""The logic model as a diagram: what goes in, what is done, what should change, what did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from evalkit.errors import InvalidInput

from .logic_layout import Key, layered
from .logic_links import DETAIL, KINDS, MARGIN, Frame, draw_legend, draw_links
from .palette import (
    COMPARISON,
    COMPARISON_SHADE,
    GOOD,
    GOOD_SHADE,
    INK,
    MUTED,
    PAPER,
    PROGRAMME,
    PROGRAMME_SHADE,
    SHADE,
    SHADE_STRONG,
    WARNING,
    WARNING_SHADE,
)
from .svg import Element, Named, add, add_text, finish, placeholder
from .text import text_width, wrap

COLUMNS: Final = {
    "inputs": "Inputs",
    "activities": "Activities",
    "outputs": "Outputs",
    "outcomes": "Outcomes",
    "impacts": "Impacts",
}

# state: words, edge and badge colour, badge shade
STATES: Final = {
    "measured": ("Measured", PROGRAMME, PROGRAMME_SHADE),
    "not-measured": ("Not measured", MUTED, PAPER),
    "improved": ("Improved", GOOD, GOOD_SHADE),
    "worsened": ("Got worse", WARNING, WARNING_SHADE),
    "no-clear-change": ("No clear change", INK, SHADE_STRONG),
    "not-enough-information": ("Not enough information", COMPARISON, COMPARISON_SHADE),
    "described": ("Described, not tested", PROGRAMME, PROGRAMME_SHADE),
    "own-report-only": ("Own report only", COMPARISON, COMPARISON_SHADE),
}

_WIDTH: Final = 1160.0
_BOX_MOST: Final = 250.0
_GAP_LEAST: Final = 62.0
_GAP_MOST: Final = 120.0
_ROW_GAP: Final = 14.0
_HEADING: Final = 30.0
_PADDING: Final = 10.0
_EDGE: Final = 7.0
_NAME: Final = 13.0
_LEADING: Final = 16.0
_BADGE: Final = 22.0


@dataclass(frozen=True, slots=True)
class DiagramNode:
    """A box: its column, its name, a line of detail, and for an outcome what became of it."""

    id: str
    column: str
    name: str
    detail: str = ""
    state: str = ""
    badge: str = ""


@dataclass(frozen=True, slots=True)
class DiagramLink:
    """An expected step from one box to another, by one kind of mechanism."""

    start: str
    end: str
    kind: str = ""


@dataclass(frozen=True, slots=True)
class _Box:
    """The wrapped text of a node and the height it needs."""

    node: DiagramNode
    name: tuple[str, ...]
    detail: tuple[str, ...]
    badge: tuple[str, ...]

    @property
    def height(self) -> float:
        text = _LEADING * (len(self.name) + len(self.detail))
        badge = _BADGE + _LEADING * (len(self.badge) - 1) + 6 if self.badge else 0
        return 2 * _PADDING + text + badge


def draw_logic_model(
    nodes: Sequence[DiagramNode],
    links: Sequence[DiagramLink],
    *,
    title: str,
    description: str = "",
) -> str:
    """The logic model, left to right, with the state of each outcome on its box."""
    named = Named("logic-model", title, description)
    if not nodes:
        return placeholder("The logic model has no parts yet.", named)
    _refuse_unknown(nodes, links)
    shown = [name for name in COLUMNS if any(node.column == name for node in nodes)]
    frame = _frame(len(shown))
    boxes = {node.id: _box(node, frame.box) for node in nodes}
    columns: list[dict[Key, float]] = [
        {(node.id,): boxes[node.id].height for node in nodes if node.column == name}
        for name in shown
    ]
    wanted = [((link.start,), (link.end,), _kind(link)) for link in links]
    layout = layered(columns, wanted, gap=_ROW_GAP)
    width = frame.left(len(shown) - 1) + frame.box + MARGIN
    body = Element("g")
    bottom = frame.top + layout.height + 12
    _draw_headings(body, shown, frame, bottom)
    draw_links(body, layout, frame, columns)
    for index, column in enumerate(columns):
        for key, height in column.items():
            y = frame.top + layout.centres[key] - height / 2
            _draw_box(body, boxes[str(key[0])], frame.left(index), y, frame.box)
    height = draw_legend(body, {kind for *_, kind in wanted}, bottom + 10, width)
    return finish(body, named, width=width, height=height)


def _refuse_unknown(nodes: Sequence[DiagramNode], links: Sequence[DiagramLink]) -> None:
    ids = [node.id for node in nodes]
    for node in nodes:
        if node.column not in COLUMNS:
            raise InvalidInput(
                f"Box '{node.id}' is in column '{node.column}'. Allowed: {', '.join(COLUMNS)}."
            )
        if ids.count(node.id) > 1:
            raise InvalidInput(f"Two boxes share the id '{node.id}'. Give each its own.")
    for link in links:
        for end in (link.start, link.end):
            if end not in ids:
                raise InvalidInput(
                    f"The link from '{link.start}' to '{link.end}' names a box that is not there: "
                    f"'{end}'."
                )


def _kind(link: DiagramLink) -> str:
    return link.kind if link.kind in KINDS else "other"


def _frame(columns: int) -> Frame:
    room = _WIDTH - 2 * MARGIN
    box = min(_BOX_MOST, (room - _GAP_LEAST * (columns - 1)) / columns)
    gap = (room - box * columns) / (columns - 1) if columns > 1 else 0
    return Frame(box, min(gap, _GAP_MOST), MARGIN + _HEADING + 14)


def _state(node: DiagramNode) -> tuple[str, str, str]:
    """The words, colour and shade of a node's state; an unknown state is shown plainly."""
    words = node.state.replace("-", " ").replace("_", " ").strip().capitalize()
    return STATES.get(node.state, (words, INK, SHADE_STRONG))


def _box(node: DiagramNode, width: float) -> _Box:
    room = width - _EDGE - 2 * _PADDING
    badge = node.badge or (_state(node)[0] if node.state else "")
    return _Box(
        node,
        wrap(node.name or node.id, room, _NAME, bold=True),
        wrap(node.detail, room, DETAIL),
        wrap(badge, room - 16, DETAIL, bold=True),
    )


def _draw_headings(body: Element, shown: Sequence[str], frame: Frame, bottom: float) -> None:
    for index, name in enumerate(shown):
        left = frame.left(index)
        across = {"x": left - 6, "width": frame.box + 12}
        add(body, "rect", y=MARGIN, height=bottom - MARGIN, rx=6, fill=SHADE, **across)
        add(body, "rect", y=MARGIN, height=_HEADING, rx=6, fill=SHADE_STRONG, **across)
        middle = left + frame.box / 2
        add_text(
            body, [COLUMNS[name]], x=middle, y=MARGIN + 20, size=14, bold=True, anchor="middle"
        )


def _draw_box(body: Element, box: _Box, x: float, y: float, width: float) -> None:
    """One box: frame, coloured edge when it has a state, name, detail and badge."""
    words, colour, shade = _state(box.node)
    group = add(body, "g")
    frame = add(group, "rect", x=x, y=y, width=width, height=box.height, rx=4, fill=PAPER)
    frame.attrib.update({"stroke": colour if words else MUTED, "class": "box"})
    if box.node.state == "not-measured":
        frame.set("stroke-dasharray", "5 3")
    if words:
        add(group, "rect", x=x, y=y, width=_EDGE, height=box.height, rx=2, fill=colour)
    left, line = x + _EDGE + _PADDING, y + _PADDING + 12
    add_text(group, box.name, x=left, y=line, size=_NAME, leading=_LEADING, bold=True)
    line += _LEADING * len(box.name)
    add_text(group, box.detail, x=left, y=line, size=DETAIL, leading=_LEADING, fill=MUTED)
    if box.badge:
        _draw_badge(group, box.badge, left, y + box.height, (colour, shade))


def _draw_badge(
    group: Element, lines: tuple[str, ...], left: float, bottom: float, colours: tuple[str, str]
) -> None:
    colour, shade = colours
    width = max(text_width(line, DETAIL, bold=True) for line in lines) + 14
    height = _BADGE + _LEADING * (len(lines) - 1)
    top = bottom - _PADDING - height
    pill = add(group, "rect", x=left, y=top, width=width, height=height, rx=4, fill=shade)
    pill.attrib.update({"stroke": colour, "class": "badge"})
    add_text(
        group,
        lines,
        x=left + 7,
        y=top + 15.5,
        size=DETAIL,
        leading=_LEADING,
        fill=colour,
        bold=True,
    )
