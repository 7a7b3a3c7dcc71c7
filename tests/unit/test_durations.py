"""Spans of time: what is read, and where the calendar is uneven."""

from __future__ import annotations

import datetime
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.durations import Duration

DAY = datetime.date


@pytest.mark.parametrize(
    ("start", "span", "end"),
    [
        (DAY(2024, 1, 31), "1 month", DAY(2024, 2, 29)),
        (DAY(2023, 1, 31), "1 month", DAY(2023, 2, 28)),
        (DAY(2024, 2, 29), "1 year", DAY(2025, 2, 28)),
        (DAY(2024, 2, 29), "4 years", DAY(2028, 2, 29)),
        (DAY(2024, 8, 31), "6 months", DAY(2025, 2, 28)),
        (DAY(2024, 12, 31), "2 months", DAY(2025, 2, 28)),
        (DAY(2024, 11, 30), "1 month", DAY(2024, 12, 30)),
        (DAY(2024, 12, 1), "1 month", DAY(2025, 1, 1)),
        (DAY(2024, 3, 31), "12 months", DAY(2025, 3, 31)),
        (DAY(2024, 2, 28), "1 day", DAY(2024, 2, 29)),
        (DAY(2024, 2, 22), "1 week", DAY(2024, 2, 29)),
        (DAY(2024, 5, 5), "0 weeks", DAY(2024, 5, 5)),
    ],
)
def test_the_day_after_a_span(start: DAY, span: str, end: DAY) -> None:
    assert Duration.parse(span).after(start) == end


@pytest.mark.parametrize(
    "text", ["10", "weeks", "ten weeks", "-1 week", "1.5 months", "10 wk", "10 weeks ago", ""]
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(text) or "^$"):
        Duration.parse(text)


def test_a_span_past_the_calendar_is_refused() -> None:
    with pytest.raises(ValueError, match="99999 years"):
        Duration.parse("99999 years")
    assert Duration.parse("100 years").after(DAY(2024, 2, 29)) == DAY(2124, 2, 29)


def test_lengths_and_words() -> None:
    assert Duration.parse(" 12 months ").days == pytest.approx(365.25)
    assert Duration.parse("10weeks") == Duration(10, "week")
    assert [str(Duration(n, "week")) for n in (0, 1, 2)] == ["0 weeks", "1 week", "2 weeks"]


@settings(deadline=None, max_examples=150)
@given(st.dates(DAY(1990, 1, 1), DAY(2060, 1, 1)), st.integers(0, 60))
def test_months_never_run_over_into_the_next(start: DAY, months: int) -> None:
    end = Duration(months, "month").after(start)
    assert (end.year - start.year) * 12 + end.month - start.month == months
    assert end.day <= start.day
    assert end.day == start.day or (end + datetime.timedelta(days=1)).day == 1
