"""What an estimate counts in, and how it is read against no difference and written.

"points" are points of the measure, "share" a difference of two shares (written in percentage
points), "ratio" one odds, rate or hazard divided by another (1 is no difference).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from evalkit.rounding import enough_digits, written

if TYPE_CHECKING:
    from evalkit.results import Estimate

SMALL_EFFECT = 0.2
"""A difference worth noticing where none is declared, in SDs: a small effect in Cohen (1988)."""
SMALL_ODDS = SMALL_EFFECT * math.pi / math.sqrt(3)
"""The same as a log odds ratio, by the logistic distribution's standard deviation."""


def centred(estimate: Estimate, value: float) -> float:
    """Return a value on the scale on which zero is no difference."""
    return math.log(value) if estimate.unit == "ratio" and value > 0 else value


def small(estimate: Estimate) -> float:
    """Return what is worth noticing where the plan states nothing, on the centred scale."""
    if estimate.unit == "ratio":
        return SMALL_ODDS
    if estimate.unit == "share":
        treated, compared = estimate.n_treatment or 0, estimate.n_comparison or 0
        total = max(1, treated + compared)
        share = (
            treated * (estimate.mean_treatment or 0.0)
            + compared * (estimate.mean_comparison or 0.0)
        ) / total
        return SMALL_EFFECT * math.sqrt(max(0.0, share * (1 - share)))
    return SMALL_EFFECT * (estimate.sd_pooled or 0.0)


def declared(estimate: Estimate, change: float) -> float | None:
    """Return the change a plan expects, on the centred scale; None where the two differ in kind."""
    if estimate.unit == "ratio":
        return None
    return abs(change) / 100 if estimate.unit == "share" else abs(change)


def shown(estimate: Estimate, value: float | None) -> float | None:
    """Return a value as a reader sees it: shares in percentage points."""
    return value if value is None or estimate.unit != "share" else 100 * value


def places(estimate: Estimate, span: float, *, exact: bool = True) -> int:
    """Return the decimals that suit an estimate of a scale so many points long.

    A share with decimals gives its counts away, so it has none unless pages are `exact`.
    """
    if estimate.unit == "ratio":
        return 2
    if estimate.unit == "share" and not exact:
        return 0
    ends = tuple(
        shown(estimate, v) for v in (estimate.estimate, estimate.conf_low, estimate.conf_high)
    )
    least = 1 if span >= 20 or estimate.unit == "share" else 2
    return enough_digits(ends, least)


def text(estimate: Estimate, value: float | None, digits: int) -> str:
    """Return a value of the estimate as text, without its unit."""
    seen = shown(estimate, value)
    return "unknown" if seen is None else written(seen, digits)


def noun(estimate: Estimate) -> str:
    """Return what the numbers count."""
    return {"share": "percentage points", "ratio": "times", "days": "days"}.get(
        estimate.unit or "", "points"
    )
