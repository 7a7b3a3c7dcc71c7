"""Rounding as people do it on paper, in one place for sentences, tables and pictures."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal

MINUS = "−"
MOST_DIGITS = 4


def half_up(value: float, digits: int = 0) -> Decimal:
    """Round halves away from zero: 6.25 to 6.3, where Python would say 6.2."""
    return Decimal(repr(float(value))).quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP)


def written(value: float, digits: int) -> str:
    """Return a number with so many decimals, thousands marked, and a true minus sign."""
    text = f"{half_up(value, digits):,.{digits}f}"
    if float(text.replace(",", "")) == 0:
        text = text.removeprefix("-")
    return text.replace("-", MINUS)


def enough_digits(values: Iterable[float | None], least: int) -> int:
    """Return the fewest decimals, from `least` up, at which no value but zero is written as zero."""
    known = [value for value in values if value is not None and value == value]
    digits = least
    while digits < MOST_DIGITS and any(v and not half_up(v, digits) for v in known):
        digits += 1
    return digits
