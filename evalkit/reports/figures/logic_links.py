"""The links of a logic model: their routes, arrow heads and the legend of their kinds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from .logic_layout import Key, Layout, Segment
from .palette import EXTRA, GOOD, MUTED, PROGRAMME, WARNING
from .svg import Element, add, add_text, number
from .text import text_width

# kind: words, colour, dash pattern, width
KINDS: Final = {
    "change-in-those-who-harm": ("Change in those who harm", WARNING, "", 1.9),
    "safety": ("Safety", PROGRAMME, "9 4", 1.9),
    "wellbeing": ("Wellbeing", GOOD, "2.5 3.5", 2.1),
    "sustainment": ("Keeping the change going", EXTRA, "10 3 2 3", 1.9),
    "other": ("Other link", MUTED, "", 1.0),
}

MARGIN: Final = 12.0
DETAIL: Final = 12.0


@dataclass(frozen=True, slots=True)
class Frame:
    """The measures all boxes share: their width, the gap between columns, the first row's top."""

    box: float
    gap: float
    top: float

    def left(self, column: int) -> float:
        return MARGIN + column * (self.box + self.gap)


def draw_links(
    body: Element, layout: Layout, frame: Frame, columns: Sequence[dict[Key, float]]
) -> None:
    """Every piece of every link, the plain ones first so that the named kinds lie on top."""
    column_of = {key: index for index, column in enumerate(columns) for key in column}
    ports = _ports(layout, columns)
    for piece in sorted(layout.segments, key=lambda piece: piece.kind != "other"):
        y = (frame.top + ports[piece, "start"], frame.top + ports[piece, "end"])
        path, tip, points_right = _route(piece, column_of, frame, y)
        _draw_stroke(body, path, piece.kind)
        if piece.end in column_of:
            back = tip - 8 if points_right else tip + 8
            corners = [(tip, y[1]), (back, y[1] - 4.5), (back, y[1] + 4.5)]
            points = " ".join(f"{number(a)},{number(b)}" for a, b in corners)
            add(body, "polygon", points=points, fill=KINDS[piece.kind][1])


def _route(
    piece: Segment, column_of: dict[Key, int], frame: Frame, y: tuple[float, float]
) -> tuple[str, float, bool]:
    """The path of a piece, the x of its tip, and whether the tip points to the right."""
    start = column_of.get(piece.start, piece.start[-1])
    end = column_of.get(piece.end, piece.end[-1])
    assert isinstance(start, int) and isinstance(end, int)
    first, tip = frame.left(start) + frame.box, frame.left(end)
    if start == end:
        bulge = min(frame.gap - 10 if frame.gap else 24.0, 22 + abs(y[1] - y[0]) * 0.08)
        return _curve((first, y[0]), (first + 6, y[1]), bulge, bulge), first, False
    if start > end:
        tip = frame.left(end) + frame.box
        first = frame.left(start)
        return _curve((first, y[0]), (tip + 6, y[1]), -frame.gap, frame.gap), tip, False
    stop = tip - 6 if piece.end in column_of else tip
    reach = (stop - first) / 2
    path = _curve((first, y[0]), (stop, y[1]), reach, -reach)
    if piece.start not in column_of:
        crossing = f"M {number(frame.left(start))} {number(y[0])} L "
        path = crossing + path.removeprefix("M ")
    return path, tip, True


def _curve(
    start: tuple[float, float], end: tuple[float, float], leave: float, arrive: float
) -> str:
    """A curve that leaves and arrives level, its handles this far from the ends."""
    (x1, y1), (x2, y2) = start, end
    places = (x1, y1, x1 + leave, y1, x2 + arrive, y2, x2, y2)
    a, b, c, d, e, f, g, h = map(number, places)
    return f"M {a} {b} C {c} {d} {e} {f} {g} {h}"


def _draw_stroke(body: Element, path: str, kind: str) -> None:
    _, colour, dashes, width = KINDS[kind]
    stroke = add(body, "path", d=path, fill="none", stroke=colour, stroke_width=width)
    if dashes:
        stroke.set("stroke-dasharray", dashes)


def _ports(layout: Layout, columns: Sequence[dict[Key, float]]) -> dict[tuple[Segment, str], float]:
    """The height at which each piece leaves or meets its box: apart, in the order they fan."""
    sizes = {key: height for column in columns for key, height in column.items()}
    ports: dict[tuple[Segment, str], float] = {}
    for side in ("start", "end"):
        sharing: dict[Key, list[Segment]] = {}
        for piece in layout.segments:
            sharing.setdefault(getattr(piece, side), []).append(piece)
        for key, pieces in sharing.items():
            pieces.sort(key=lambda piece: layout.centres[_far_end(piece, key)])
            step = min(13.0, (sizes.get(key, 0.0) - 14) / len(pieces)) if key in sizes else 0.0
            for rank, piece in enumerate(pieces):
                shift = (rank - (len(pieces) - 1) / 2) * step
                ports[piece, side] = layout.centres[key] + shift
    return ports


def _far_end(piece: Segment, key: Key) -> Key:
    return piece.end if piece.start == key else piece.start


def draw_legend(body: Element, kinds: set[str], top: float, width: float) -> float:
    """What each kind of line means, when there is more than the plain one; the height so far."""
    if kinds <= {"other"}:
        return top
    x, y = MARGIN, top + 14.0
    for kind in [kind for kind in KINDS if kind in kinds]:
        words, colour, *_ = KINDS[kind]
        length = 58 + text_width(words, DETAIL)
        if x > MARGIN and x + length > width - MARGIN:
            x, y = MARGIN, y + 22
        _draw_stroke(body, f"M {number(x)} {number(y)} h 34", kind)
        tip = f"{number(x + 42)},{number(y)}"
        add(
            body,
            "polygon",
            points=f"{tip} {_tail(x + 34, y, -4.5)} {_tail(x + 34, y, 4.5)}",
            fill=colour,
        )
        add_text(body, [words], x=x + 50, y=y + 4, size=DETAIL)
        x += length + 22
    return y + 18


def _tail(x: float, y: float, shift: float) -> str:
    return f"{number(x)},{number(y + shift)}"
