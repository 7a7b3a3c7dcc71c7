"""Spans of time as people write them: "10 weeks", "2 months"."""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass

_PATTERN = re.compile(r"([0-9]{1,6})\s*(day|week|month|year)s?$")
_LONGEST = 100 * 366  # a longer span is a slip of the pen, and runs past the calendar
_DAYS = {"day": 1.0, "week": 7.0, "month": 365.25 / 12, "year": 365.25}


@dataclass(frozen=True, slots=True)
class Duration:
    """A whole number of days, weeks, months or years."""

    number: int
    unit: str

    @classmethod
    def parse(cls, text: str) -> Duration:
        """Read "10 weeks". Raises ValueError on anything else."""
        match = _PATTERN.match(text.strip())
        if match is None:
            raise ValueError(text)
        span = cls(int(match[1]), match[2])
        if span.days > _LONGEST:
            raise ValueError(text)
        return span

    @property
    def days(self) -> float:
        """The length in days, a month being a twelfth of 365.25."""
        return self.number * _DAYS[self.unit]

    def after(self, day: datetime.date) -> datetime.date:
        """Return the day this long after `day`; a missing day of a month becomes its last."""
        if self.unit in ("day", "week"):
            return day + datetime.timedelta(days=self.number * int(_DAYS[self.unit]))
        months = day.month - 1 + self.number * (12 if self.unit == "year" else 1)
        year, month = day.year + months // 12, months % 12 + 1
        following = datetime.date(year + month // 12, month % 12 + 1, 1)
        last = (following - datetime.timedelta(days=1)).day
        return datetime.date(year, month, min(day.day, last))

    def __str__(self) -> str:
        return f"{self.number} {self.unit}{'' if self.number == 1 else 's'}"
