"""Numbers and ids as a reader of the report sees them."""

from __future__ import annotations

from evalkit.disclosure import Count
from evalkit.rounding import written
from evalkit.wording import say

NONE = "–"


def number(value: float | None, digits: int = 1) -> str:
    """Return a number with so many decimals and a true minus sign; a dash where there is none."""
    return NONE if value is None or value != value else written(value, digits)


def interval(low: float | None, high: float | None, digits: int = 1) -> str:
    """Return an interval as "low to high"."""
    return f"{number(low, digits)} to {number(high, digits)}" if low is not None else NONE


def p_value(value: float | None) -> str:
    """Return a p value to three decimals, never as zero."""
    if value is None or value != value:
        return NONE
    return "<0.001" if value < 0.001 else f"{value:.3f}"


def percent(part: Count, whole: Count) -> str:
    """Return a percentage worked out from counts as they are shown."""
    if part.value is None or not whole.value:
        return NONE
    return f"{written(100 * part.value / whole.value, 0)}%"


def who(informant: str) -> str:
    """Return who answered in words."""
    return "own report" if informant == "self" else f"reported by {say(informant)}"


def sentence_case(text: str) -> str:
    """Return the text with its first letter a capital."""
    return text[:1].upper() + text[1:]
