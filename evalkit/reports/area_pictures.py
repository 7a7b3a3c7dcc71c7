"""The pictures of outcomes shown by series of areas, each with what it can and cannot show."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from evalkit.areas.calendar import name_of, place_of
from evalkit.reports.figures import (
    CoursePoint,
    EventPoint,
    PlaceboRow,
    draw_counterfactual,
    draw_event_study,
    draw_placebos,
)
from evalkit.reports.page import Picture, drawing
from evalkit.reports.words import sentence_case

if TYPE_CHECKING:
    from evalkit.areas.records import AreaEffect, AreaPoint, EffectAt
    from evalkit.evaluation import Evaluation
    from evalkit.reports.released import Released

EXPECTED = {
    "difference_in_differences": "expected, had they moved as the others did",
    "interrupted_time_series": "expected by the course before",
    "comparative_time_series": "expected by the course before and the comparison",
    "synthetic_control": "the mixture of others",
}


def pictures_of(released: Released, effect: AreaEffect, name: str) -> Iterable[Picture]:
    """Yield the pictures of one outcome whose single periods may be shown."""
    if effect.points:
        yield _course(released, effect, name)
    since = [point for point in effect.effects if point.by == "since-start"]
    if len(since) > 2:
        yield _events(released, effect, name, since)
    if effect.placebos:
        yield _ranks(effect, name)


def _y_label(effect: AreaEffect, name: str) -> str:
    return f"{name}{f', {effect.unit}' if effect.unit else ''}"


def _course(released: Released, effect: AreaEffect, name: str) -> Picture:
    points = [_drawn(released, point) for point in effect.points]
    svg = draw_counterfactual(
        points, title="What was seen, and what was expected without the programme",
        description="The mean difference stands in the table beside it.",
        y_label=_y_label(effect, name), expected=EXPECTED[effect.method],
        compared="" if effect.method == "synthetic_control" else "the comparison",
        breaks=_breaks(released.study.evaluation, effect),
    )  # fmt: skip
    shaded = (
        "The shaded band is the interval of what was expected. "
        if points[-1].low is not None
        else ""
    )
    can = {
        "interrupted_time_series": "It shows a change from the course the series was on, and not what caused it.",
        "difference_in_differences": "It shows whether the two parted at the start; that they would have stayed side by side is an assumption.",
        "comparative_time_series": "It shows whether the two parted at the start; that their gap would have gone on is an assumption.",
        "synthetic_control": "A close fit before the start supports the mixture and does not prove it; a poor one rules it out.",
    }[effect.method]  # fmt: skip
    return Picture(
        drawing(svg), f"{name}: the gap from the start on is what the result reports. {shaded}{can}"
    )


def _drawn(released: Released, point: AreaPoint) -> CoursePoint:
    """Return a point as it may be drawn: on pages that round counts, by its rounded counts."""
    observed, compared = point.observed, point.compared
    if not released.rules.open:
        observed = _rounded(released, observed, point.count)
        compared = None if compared is None else _rounded(released, compared, point.compared_count)
    return CoursePoint(
        point.period, point.after, observed, point.expected, point.low, point.high, compared
    )


def _rounded(released: Released, value: float, count: float | None) -> float:
    return value if not count else value * released.rules.rounded(round(count)) / count


def _breaks(evaluation: Evaluation, effect: AreaEffect) -> list[str]:
    series = evaluation.declared.design.series
    indicator = next(i for i in evaluation.declared.traced if i.id == effect.indicator)
    kind = series.period if series else "month"
    places = (place_of(item.on, kind) for item in indicator.breaks)
    return [name_of(place, kind) for place in places if place is not None]


def _events(released: Released, effect: AreaEffect, name: str, since: list[EffectAt]) -> Picture:
    series = released.study.evaluation.declared.design.series
    kind = series.period if series and series.period != "number" else "period"
    points = [
        EventPoint(e.at, e.estimate, e.conf_low, e.conf_high, e.band_low, e.band_high)
        for e in since
    ]
    svg = draw_event_study(
        points, title="The effect by time since the start",
        description="Each point has its own interval; the shaded band holds for all points at once.",
        x_label=f"{sentence_case(kind)}s since the start (0: the {kind} of the start)",
        y_label=f"Difference from the others: {_y_label(effect, name)}",
    )  # fmt: skip
    return Picture(
        drawing(svg),
        f"{name}: the thin lines are intervals of single points, and the shaded band holds for all at "
        "once. Points before the start should lie about zero; that they do does not show that the "
        "areas would have gone on alike.",
    )


def _ranks(effect: AreaEffect, name: str) -> Picture:
    rows = [PlaceboRow(p.unit, p.ratio, p.treated) for p in effect.placebos]
    svg = draw_placebos(
        rows, title="Each unit treated in turn",
        description="How far each left its mixture after the start, over how far before it.",
        x_label="Gap after the start over gap before it (1: no larger than before)",
    )  # fmt: skip
    return Picture(
        drawing(svg),
        f"{name}: had the programme done nothing, the emphasised unit would stand anywhere in this list. "
        "With few units even the first place may be chance.",
    )
