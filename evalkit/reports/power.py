"""The page of what could be shown: the answer, the curve, and a table of designs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import evalkit
from evalkit.errors import InvalidInput
from evalkit.prospects import words
from evalkit.prospects.designs import PLANS
from evalkit.prospects.facts import points
from evalkit.reports.figures import PowerLine, draw_power
from evalkit.reports.page import Picture, drawing, lay_out

if TYPE_CHECKING:
    from evalkit.prospects.rows import Evaluability, Prospect

KIND = "What could be shown, worked out before any data"


def power_picture(found: Evaluability) -> str:
    """Return the curve as SVG; raises InvalidInput where no effect is declared."""
    if found.effect is None:
        raise InvalidInput("A picture shows the chance of one effect. Add --effect.")
    effect = points(found.yardstick, found.effect)
    return draw_power(
        [PowerLine(_name(found, plan), line) for plan, line in found.curves().items()],
        title=f"Chance to find an effect of {effect}",
        description=_described(found),
        x_label="Families recruited in all",
        target=found.means.power,
        planned=found.means.families,
    )


def _name(found: Evaluability, plan: str) -> str:
    row, sites = found.row(plan), plan in ("site", "stepped-wedge")
    icc = f", icc {found.means.assumed('icc'):g}" if sites else ""
    return f"{row.name}{icc}"


def _described(found: Evaluability) -> str:
    """Return the picture in words: what each design's chance is with the families planned."""
    rows = [found.row(plan) for plan in found.curves()]
    said = [
        f"{_name(found, row.design)}: "
        + ("not possible" if row.chance is None else words.in_hundred(row.chance))
        for row in rows
    ]
    return (
        f"In how many studies an effect of {points(found.yardstick, found.effect or 0)} would be "
        f"found, with the {found.means.families:,.0f} families planned. {'; '.join(said)}. The "
        f"dotted line marks the {words.in_hundred(found.means.power)} wanted."
    )


def power_page(found: Evaluability) -> str:
    """Return the page; the picture is left out where no effect is declared."""
    picture = None
    if found.effect is not None:
        caption = f"{_described(found)} A steeper line needs fewer families."
        picture = Picture(drawing(power_picture(found)), caption)
    return lay_out(
        "power.html",
        kind=KIND,
        programme=found.title or "What could we show?",
        synthetic="",
        headline=words.headline(found),
        picture=picture,
        starts=words.means_words(found),
        levers=[words.lever_words(item, found.means) for item in found.levers],
        warnings=found.warnings,
        rows=[_row(found, row) for row in found.rows],
        impossible=[
            (row.name, row.why_not) for row in found.rows if row.why_not and row.people is None
        ],
        provenance=[
            ("evalkit", evalkit.__version__),
            ("Data", "none: nothing was read or measured"),
        ],
        disclosure="No data about anybody were used.",
    )


def _row(found: Evaluability, row: Prospect) -> dict[str, Any]:
    plan = next(plan for plan in PLANS if plan.id == row.design)
    return {
        "name": row.name,
        "note": "" if row.later else plan.note,
        "chosen": row.design == found.chosen,
        "possible": not row.why_not,
        "people": row.people,
        "smallest": words.smallest_words(found, row),
        "range": words.range_words(row),
        "means": words.size_words(row.smallest) if row.smallest is not None else "",
        "claim": words.claim_words(row),
        "verdict": words.verdict(found, row),
    }
