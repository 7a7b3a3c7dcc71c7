"""Whether units moved alike before the start, and what a difference unseen would look like."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evalkit.areas.calendar import many
from evalkit.errors import CannotEstimate
from evalkit.rounding import written

if TYPE_CHECKING:
    from evalkit.areas.rows import AreaRows
    from evalkit.stats.panels.group_time_results import GroupTimeEffects

UNITS_AN_EFFECT = 10
"""Fewer units for each effect tested, and the joint test rejects too often; see `Pretrend.notes`."""
ALPHA = 0.05


def p_words(p: float) -> str:
    """Return a p value in words, never as zero."""
    return "p < 0.001" if p < 0.001 else f"p = {written(p, 3)}"


def trend_before(
    study: GroupTimeEffects, rows: AreaRows, reach: float | None = None
) -> dict[str, Any]:
    """Return the p value of the test before the start, and what it can and cannot show.

    `reach` is how many periods lie on average between what the result compares; left out, that of
    the effects by group and period.

    All effects before the start are tested together where there are units enough, else the one
    steady difference in trend.
    """
    joint = study.pretrend
    if joint.p_value is not None and study.n_units >= UNITS_AN_EFFECT * joint.df:
        return {"pretrend_p": joint.p_value, "pretrend": joint.sentence}
    try:
        slope = study.trend_before()
    except CannotEstimate:
        return {"pretrend_p": None, "pretrend": joint.sentence}
    assert slope.estimate is not None
    if slope.conf_low is None or slope.conf_high is None or slope.p_value is None:
        return {"pretrend_p": None, "pretrend": joint.sentence}
    if reach is None:
        ahead = [e for e in study.effects if (e.relative or 0) >= 0 and e.estimate is not None]
        reach = sum((e.period or 0) - (e.base or 0) for e in ahead) / max(1, len(ahead))
    worst = max(abs(slope.conf_low), abs(slope.conf_high))
    each = "period" if rows.series.period == "number" else rows.series.period
    p = p_words(slope.p_value)
    if slope.p_value < ALPHA:
        said = (
            f"Before the start the units with the programme moved {slope.estimate:.2g} a {each} away "
            f"from the others ({p}): what followed cannot be read as an effect without an argument "
            "why that stopped"
        )
    else:
        said = (
            f"No steady difference in trend before the start was found ({p}). That does not show that "
            f"trends were parallel: one of up to {worst:.2g} a {each} is not ruled out, which carried "
            f"on for {many(max(1, round(reach)), each)} would look like an effect of {worst * reach:.2g}"
        )
    return {"pretrend_p": slope.p_value, "pretrend": f"{said}."}
