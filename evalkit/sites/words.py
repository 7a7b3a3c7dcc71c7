"""Whether it worked alike everywhere, in a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalkit.rounding import enough_digits, written

if TYPE_CHECKING:
    from evalkit.sites.records import SiteResults

FEW_SITES = 5
"""Below so many sites nobody can tell how much effects differ."""


def numbers(found: SiteResults, *values: float | None) -> tuple[str, ...]:
    """Return values as a reader sees them: points, or percentage points of a share."""
    times = 100 if found.unit == "share" else 1
    seen = [None if value is None else times * value for value in values]
    digits = enough_digits(seen, 1)
    return tuple("unknown" if value is None else written(value, digits) for value in seen)


def noun(found: SiteResults) -> str:
    """Return what the numbers count."""
    return "percentage points" if found.unit == "share" else "points"


def differ(found: SiteResults) -> str:
    """Say whether the sites' effects differ, as far as that can be told."""
    if found.k < FEW_SITES:
        return (
            f"With {found.k} sites nobody can tell how much effects differ between them: read each "
            "site's own effect"
        )
    if found.q_p is not None and found.q_p < 0.05:
        return "Effects differ between sites by more than chance would have them"
    return "Effects were not seen to differ by more than chance, which does not show that they are alike"


def sentence(found: SiteResults) -> str:
    """Say the average effect, whether sites differ, and what a new site may expect."""
    value, low, high = numbers(found, found.estimate, found.conf_low, found.conf_high)
    text = (
        f"Over {found.k} sites the effect is {value} {noun(found)} on average ({low} to {high}). "
        f"{differ(found)}."
    )
    if found.prediction_low is None or found.prediction_high is None:
        return text
    low, high = numbers(found, found.prediction_low, found.prediction_high)
    return f"{text} In a new site like these it would be expected between {low} and {high}."
