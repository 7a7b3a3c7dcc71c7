"""Change over ordered periods for one or two groups, and shares as bars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from evalkit.errors import InvalidInput

from .chart import LEADING, SIZE, WIDTH, Sheet, draw_chart, is_number
from .palette import COMPARISON, EXTRA, INK, MUTED, PAPER, PROGRAMME
from .place import spread
from .svg import Named, placeholder
from .text import text_width, wrap

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LEFT: Final = 64.0
_RIGHT: Final = 590.0
_HEIGHT: Final = 280.0

# colour, marker, face of the marker, line
_STYLES: Final = (
    (PROGRAMME, "o", PROGRAMME, "-"),
    (COMPARISON, "s", PAPER, (0, (6, 3))),
    (EXTRA, "^", EXTRA, (0, (2, 2))),
    (INK, "D", PAPER, (0, (8, 3, 2, 3))),
)


@dataclass(frozen=True, slots=True)
class Series:
    """One group's values over the periods with their intervals; None where nothing may be shown."""

    name: str
    values: tuple[float | None, ...]
    low: tuple[float | None, ...] = ()
    high: tuple[float | None, ...] = ()


def draw_series(
    series: Sequence[Series],
    *,
    title: str,
    description: str,
    x_labels: Sequence[str],
    y_label: str,
) -> str:
    """Lines with intervals over ordered periods; a hidden value leaves a marked gap."""
    named = Named("series", title, description)
    if not series or not x_labels:
        return placeholder("There is nothing to show over time yet.", named)
    _refuse_uneven(series, len(x_labels))
    if not any(is_number(value) for one in series for value in one.values):
        return placeholder("Every figure in this chart is hidden or not available.", named)
    ticks = _ticks(x_labels)
    top = 16 + LEADING * len(wrap(y_label, 700, SIZE))
    bottom = top + _HEIGHT
    deepest = max(map(len, ticks))
    gaps = wrap(_gaps(series, x_labels), WIDTH - _LEFT - 12, 12)
    height = bottom + 14 + LEADING * deepest + (LEADING * len(gaps) + 12 if gaps else 8)

    def draw(sheet: Sheet) -> None:
        sheet.text(wrap(y_label, 700, SIZE), x=12, y=18, colour=MUTED)
        axes = _axes(sheet, series, top, bottom, len(x_labels))
        for index, one in enumerate(series):
            _draw_line(axes, one, index, len(series))
        _draw_names(sheet, axes, series, top, bottom)
        for index, lines in enumerate(ticks):
            x = _place(index, len(ticks))
            sheet.text(lines, x=x, y=bottom + 20, size=12, colour=MUTED, align="center")
        first = height - 10 - LEADING * (len(gaps) - 1)
        sheet.text(gaps, x=_LEFT, y=first, size=12, colour=MUTED)

    return draw_chart(draw, named, height=height)


def _gaps(series: Sequence[Series], x_labels: Sequence[str]) -> str:
    """In words, which group has no figure in which period."""
    missing = []
    for one in series:
        periods = [
            label for label, value in zip(x_labels, one.values, strict=True) if not is_number(value)
        ]
        if periods:
            missing.append(f"{one.name}: {', '.join(periods)}")
    return f"× no figure shown (hidden or not available). {'; '.join(missing)}" if missing else ""


def _refuse_uneven(series: Sequence[Series], periods: int) -> None:
    for one in series:
        for name, values in (("values", one.values), ("low", one.low), ("high", one.high)):
            if len(values) != periods and (values or name == "values"):
                raise InvalidInput(
                    f"'{one.name}' has {len(values)} {name} for {periods} periods. "
                    "Give one for each period, None where there is none."
                )


def _place(index: int, periods: int) -> float:
    """The x of a period in pixels."""
    return _LEFT + (_RIGHT - _LEFT) * (index + 0.5) / periods


def _ticks(labels: Sequence[str]) -> list[tuple[str, ...]]:
    """The periods' labels, wrapped; every second, third... one when they would run together."""
    room = (_RIGHT - _LEFT) / len(labels)
    for step in range(1, len(labels) + 1):
        width = room * step - 8
        longest = max(text_width(word, 12) for label in labels for word in label.split() or [""])
        if longest <= width or step == len(labels):
            break
    return [wrap(text, width, 12) if not i % step else () for i, text in enumerate(labels)]


def _axes(sheet: Sheet, series: Sequence[Series], top: float, bottom: float, periods: int) -> Axes:
    """Axes just tall enough for every value and interval."""
    shown = [
        value
        for one in series
        for values in (one.values, one.low, one.high)
        for value in values
        if is_number(value)
    ]
    span = (max(shown) - min(shown)) or abs(max(shown)) or 1.0
    axes = sheet.axes(_LEFT, top, _RIGHT, bottom)
    axes.set_xlim(-0.5, periods - 0.5)
    floor = min(shown) - 0.1 * span
    axes.set_ylim(0.0 if min(shown) >= 0 > floor else floor, max(shown) + 0.08 * span)
    axes.set_xticks(range(periods), labels=[""] * periods)
    axes.grid(axis="y")
    return axes


def _draw_line(axes: Axes, one: Series, index: int, groups: int) -> None:
    """The line, broken at gaps; intervals set a little apart; a cross where nothing is shown."""
    colour, marker, face, line = _STYLES[index % len(_STYLES)]
    shift = (index - (groups - 1) / 2) * 0.08
    x = [period + shift for period in range(len(one.values))]
    y = [value if is_number(value) else float("nan") for value in one.values]
    for place, low, high in zip(x, one.low, one.high, strict=False):
        if is_number(low) and is_number(high):
            axes.plot([place, place], [low, high], "_-", color=colour, linewidth=1.3, markersize=9)
    axes.plot(
        x,
        y,
        color=colour,
        linestyle=line,
        linewidth=2,
        marker=marker,
        markersize=8,
        markerfacecolor=face,
        markeredgewidth=1.6,
        zorder=5,
    )
    floor = axes.get_ylim()[0]
    hidden = [place for place, value in zip(x, y, strict=True) if value != value]
    axes.plot(
        hidden,
        [floor] * len(hidden),
        "x",
        color=colour,
        markersize=8,
        markeredgewidth=2,
        clip_on=False,
    )


def _draw_names(
    sheet: Sheet, axes: Axes, series: Sequence[Series], top: float, bottom: float
) -> None:
    """Each group's name, with its marker, at the right, level with its last value if it can be."""
    low, high = axes.get_ylim()
    lines = [wrap(one.name, WIDTH - _RIGHT - 46, SIZE, bold=True) for one in series]
    last = [next((v for v in reversed(one.values) if is_number(v)), None) for one in series]
    level = [low if value is None else value for value in last]
    wanted = [bottom - (value - low) / (high - low) * (bottom - top) for value in level]
    order = sorted(range(len(series)), key=wanted.__getitem__)
    heights = [LEADING * max(1, len(lines[index])) for index in order]
    places = spread([wanted[i] for i in order], heights, gap=8, low=top - 10, high=bottom + 10)
    key = sheet.axes(0, 0, sheet.width, sheet.height)
    key.set_xlim(0, sheet.width)
    key.set_ylim(sheet.height, 0)
    key.axis("off")
    for index, y in zip(order, places, strict=True):
        colour, marker, face, line = _STYLES[index % len(_STYLES)]
        key.plot([_RIGHT + 4, _RIGHT + 34], [y, y], color=colour, linestyle=line, linewidth=2)
        key.plot([_RIGHT + 19], [y], marker, color=colour, markerfacecolor=face, markersize=7)
        sheet.centred(lines[index], x=_RIGHT + 40, y=y, colour=colour, bold=True)
