"""The pictures of the reports, each drawn from released numbers and given words of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalkit.reports.figures import BalanceRow as BalancePoint
from evalkit.reports.figures import (
    Bar,
    BoundaryPoint,
    ForestRow,
    Series,
    draw_balance,
    draw_bars,
    draw_boundary,
    draw_forest,
    draw_series,
)
from evalkit.reports.outcomes import RESULT, loss_rates
from evalkit.reports.page import Picture, drawing
from evalkit.reports.released import Released
from evalkit.reports.tables import NOT_SHOWN, label, spelt, target_of
from evalkit.reports.words import percent, who
from evalkit.wording import say

if TYPE_CHECKING:
    from evalkit.analysis import Analysis
    from evalkit.indicators import Rate
    from evalkit.likeness import BalanceRow
    from evalkit.targets import Target


def forest_picture(released: Released, analysis: Analysis) -> Picture:
    """Draw every effect size, turned so that right is better."""
    rows = []
    study = released.study
    for e in analysis.estimates:
        target = target_of(study, e)
        outcome, wave, informant = label(study.evaluation, target)
        name = f"{outcome}, {wave} ({informant})"
        if released.counts(e) is None or e.effect_size is None:
            why = NOT_SHOWN if released.counts(e) is None else "not enough information"
            rows.append(ForestRow(name, None, None, None, "", target.primary, why))
            continue
        sign = 1 if study.evaluation.higher_is_better(target) else -1
        assert e.effect_low is not None and e.effect_high is not None
        ends = sorted((sign * e.effect_low, sign * e.effect_high))
        text = spelt(released, target, e)
        point, low, high = (round(value, 2) for value in (sign * e.effect_size, *ends))
        rows.append(ForestRow(name, point, low, high, text, target.primary))
    two = study.evaluation.design.comparison_group
    what = RESULT[study.evaluation.design.question]
    where = "first named arm" if len(study.evaluation.programmes) > 1 else "programme group"
    favours = (
        ("Worse", "Better")
        if not two
        else (f"Scores worse in the {where}", f"Scores better in the {where}")
    )
    svg = draw_forest(
        rows, title=f"{what} for every result", description="The numbers stand in the table of results.",
        x_label=f"{what} in standard deviations, turned so that right is better", favours=favours,
    )  # fmt: skip
    primary = " The primary result is emphasised." if any(row.emphasis for row in rows) else ""
    caption = f"{what} in standard deviations with its interval, and in its own units.{primary}"
    return Picture(drawing(svg), caption)


def boundary_picture(released: Released, analysis: Analysis) -> Picture:
    """Draw each result's loss against the boundary, where its rates may be shown."""
    from evalkit.stats.loss import CAUTIOUS, OPTIMISTIC

    in_force = released.study.evaluation.declared.analysis.attrition_boundary
    points, hidden = [], 0
    several = len({loss.outcome for loss in analysis.attrition}) > 1
    for loss in analysis.attrition:
        target = target_of(released.study, loss)
        rates = loss_rates(released, target, loss)
        if rates is None:
            hidden += 1
            continue
        verdict = loss.cautious if in_force == "cautious" else loss.optimistic
        name = f"{say(target.outcome.id)}, {say(target.wave)}" if several else say(target.wave)
        points.append(BoundaryPoint(name, rates.overall, rates.differential, verdict == "inside"))
    svg = draw_boundary(
        points, cautious=list(enumerate(CAUTIOUS)), optimistic=list(enumerate(OPTIMISTIC)),
        in_force=in_force, title="Loss against the boundary",
        description="The numbers and verdicts stand in the table of loss.",
    )  # fmt: skip
    caption = "Overall loss and the difference between the arms, against the boundaries of the What Works Clearinghouse."
    if hidden:
        caption += f" {hidden} of {len(analysis.attrition)} results are not drawn, because their rates may not be shown."
    return Picture(drawing(svg), caption)


def balance_picture(rows: tuple[BalanceRow, ...], hidden: set[str]) -> Picture:
    """Draw how far the arms analysed differ before the programme."""
    points = [
        BalancePoint(
            say(row.covariate.replace("_", " ").replace("=", ": ")), _two(row.smd),
            _two(row.smd_before),
        )
        for row in rows if row.covariate.partition("=")[0] not in hidden
    ]  # fmt: skip
    svg = draw_balance(points, title="Likeness before the programme",
                       description="The numbers stand in the table beside it.")  # fmt: skip
    return Picture(
        drawing(svg), "Standardised differences at the first wave among the people analysed."
    )


def _two(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


def return_picture(released: Released) -> Picture:
    """Draw the share of those due who returned, by result and arm."""
    bars = []
    for flow in released.whole():
        _, wave, _ = label(released.study.evaluation, flow.target)
        for arm in flow.arms:
            due, back = arm.count("due"), arm.count("returned")
            name = f"{short(flow.target)}, {wave}, {arm.name}"
            share = back.value / due.value if back.value is not None and due.value else None
            text = f"{percent(back, due)} ({back} of {due})" if share is not None else ""
            bars.append(
                Bar(
                    name,
                    min(share, 1.0) if share is not None else None,
                    text,
                    "" if share is not None else NOT_SHOWN,
                )
            )
    svg = draw_bars(bars, title="Who comes back", description="The share of people due at each wave whose answers could be scored.",
                    x_label="Share of people due who returned answers that could be scored")  # fmt: skip
    return Picture(
        drawing(svg),
        "Of the people who were due at each wave, how many returned answers that could be scored.",
    )


def short(target: Target) -> str:
    """Return whom and what a result is about in a few words."""
    return f"{say(target.outcome.role)}, {target.measure} ({who(target.informant)})"


def rate_picture(released: Released, rates: list[Rate], name: str, unit: str) -> Picture:
    """Draw an indicator by quarter since the start, one line a group."""
    arms = list(dict.fromkeys(rate.arm for rate in rates))
    periods = sorted({rate.period for rate in rates})
    series = []
    for arm in arms:
        mine = {rate.period: rate for rate in rates if rate.arm == arm}
        shown = _shown_rates(released, mine)
        ends = [
            tuple(_drawn(released, getattr(shown[p], end)) if p in shown else None for p in periods)
            for end in ("rate", "conf_low", "conf_high")
        ]
        series.append(Series(arm, ends[0], ends[1], ends[2]))
    labels = [f"months {3 * p - 2} to {3 * p}" for p in periods]
    plural = {"family": "families", "person": "people"}[unit]
    svg = draw_series(series, title=f"{name} over time", description="Rates by quarter since the start, with 95% intervals.",
                      x_labels=labels, y_label=f"For every 100 {plural} a year")  # fmt: skip
    caption = f"{name}: events for every 100 {plural} a year, by quarter since each family's start, with 95% intervals."
    return Picture(drawing(svg), caption)


def _shown_rates(released: Released, rates: dict[int, Rate]) -> dict[int, Rate]:
    """Return the quarters that may be shown; where one is hidden the next smallest is hidden too.

    Otherwise the hidden quarter could be worked out from the whole year.
    """
    shown = {p: rate for p, rate in rates.items() if not rate_is_small(released, rate)}
    if len(rates) - len(shown) == 1 and shown:
        shown.pop(min(shown, key=lambda p: shown[p].events))
    return shown


def _drawn(released: Released, value: float | None) -> float | None:
    """Return a rate as it may be drawn: a drawing keeps every decimal it is given."""
    return value if released.rules.open or value is None else float(round(value))


def rate_is_small(released: Released, rate: Rate) -> bool:
    """Whether an indicator's rate may not be shown."""
    rules = released.rules
    few = rules.small(rate.n_units, rate.families)
    return few or rules.small(rate.events, rate.families_with_events)


def shown_units(released: Released, rate: Rate) -> str | None:
    """Return the number of families or people a rate rests on, or None where it may not be shown."""
    if rate_is_small(released, rate):
        return None
    return released.rules.count(rate.n_units, rate.families).text
