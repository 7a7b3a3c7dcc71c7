"""Days and numbers as the periods of a series: numbered in equal steps, and named."""

from __future__ import annotations

import datetime
import re

from evalkit.tables import read_date

KINDS = ("day", "week", "month", "quarter", "year", "number")
ALLOWED = {
    "month": "a day of the month, as 2024-04-01 or 01/04/2024, or 2024-04",
    "quarter": "a day of the quarter, as 2024-04-01 or 01/04/2024, or 2024-04",
    "year": "the year, as 2024, or a day in it",
    "number": "a whole number",
}
DAY = "a day, as 2024-04-01 or 01/04/2024"
_MONTH = re.compile(r"(\d{4})-(\d{2})$", re.ASCII)
_WHOLE = re.compile(r"[-+]?\d{1,9}(\.0+)?$", re.ASCII)


def allowed(kind: str) -> str:
    """Return how a period of a kind is written."""
    return ALLOWED.get(kind, DAY)


def read_place(text: str, kind: str) -> int | None:
    """Return the number of the period that a text names, or None where it names none."""
    if kind == "number":
        return int(float(text)) if _WHOLE.match(text) else None
    if kind == "year" and re.fullmatch(r"\d{4}", text, re.ASCII):
        return int(text)
    if kind in ("month", "quarter") and (found := _MONTH.match(text)):
        return place_of(_first(int(found[1]), int(found[2])), kind)
    return place_of(read_date(text), kind)


def _first(year: int, month: int) -> datetime.date | None:
    return datetime.date(year, month, 1) if 1 <= month <= 12 and year > 0 else None


def place_of(when: datetime.date | int | None, kind: str) -> int | None:
    """Return the number of the period that holds a day; a number is its own."""
    if when is None or isinstance(when, int):
        return when if kind == "number" else None
    return {
        "day": when.toordinal(), "week": (when.toordinal() - 1) // 7,
        "month": 12 * when.year + when.month - 1,
        "quarter": 4 * when.year + (when.month - 1) // 3, "year": when.year,
    }.get(kind)  # fmt: skip


def starts_within(when: datetime.date | int | None, kind: str) -> bool:
    """Whether a day lies inside its period, after the first day of it."""
    if when is None or isinstance(when, int) or kind in ("day", "number"):
        return False
    return place_of(when - datetime.timedelta(days=1), kind) == place_of(when, kind)


def name_of(place: int, kind: str) -> str:
    """Return a period in words: 2024-04 for a month, 2024 Q2, the Monday of a week."""
    if kind == "month":
        return f"{place // 12}-{place % 12 + 1:02d}"
    if kind == "quarter":
        return f"{place // 4} Q{place % 4 + 1}"
    if kind == "week":
        return datetime.date.fromordinal(7 * place + 1).isoformat()
    return datetime.date.fromordinal(place).isoformat() if kind == "day" else str(place)


def many(count: int, kind: str) -> str:
    """Return so many periods in words."""
    noun = "period" if kind == "number" else kind
    return f"{count} {noun}{'' if count == 1 else 's'}"
