"""Rates: events over time at risk, nothing counted twice and nothing lost in silence."""

from __future__ import annotations

import datetime
from typing import Any

import pandas as pd
import pytest

from evalkit.errors import InvalidData
from tests.conftest import arms, declare, split, study_of


def rates(**changes: Any) -> dict[str, Any]:
    made = declare(
        programme={"name": "P", "start": datetime.date(2024, 1, 1)},
        data__as_of=datetime.date(2025, 6, 1),
        data__events={"file": "events.csv"},
        indicators=[{"id": "calls", "kind": "call", "unit": "family", "window": "12 months"}],
    )
    return declare(made, **changes)


def test_rates_count_events_within_the_window_once() -> None:
    events = pd.DataFrame(
        {
            "family": ["f000", "f000", "f000", "f000", "f001", "f000"],
            "date": ["2023-12-31", "2024-01-01", "2024-12-30", "2025-01-02", "30/06/2024", "2024-02-02"],
            "kind": ["call", "call", "call", "call", "call", "visit"],
        }
    )  # fmt: skip
    found = study_of(rates(), *split(arms(20)), events=events).indicators()
    whole = {r.arm: r for r in found if r.period == 0}
    assert (whole["programme"].events, whole["usual"].events) == (2, 1)
    assert whole["programme"].n_units == 10
    assert abs(whole["programme"].years_at_risk - 10) < 1e-9
    for arm in ("programme", "usual"):
        quarters = [r for r in found if r.arm == arm and r.period > 0]
        assert len(quarters) == 4
        assert sum(r.events for r in quarters) == whole[arm].events
        assert abs(sum(r.years_at_risk for r in quarters) - whole[arm].years_at_risk) < 1e-9


def test_events_of_people_count_for_their_family() -> None:
    events = pd.DataFrame({"person": ["p000", "p002"], "date": "2024-05-01", "kind": "call"})
    whole = study_of(rates(), *split(arms(20)), events=events).indicators()[0]
    assert (whole.arm, whole.events, whole.rate) == ("programme", 2, 20.0)


def test_events_of_a_family_that_is_not_there_are_refused() -> None:
    events = pd.DataFrame({"family": ["f999"], "date": "2024-05-01", "kind": "call"})
    with pytest.raises(InvalidData, match="found 'f999'"):
        study_of(rates(), *split(arms(20)), events=events)


def test_time_at_risk_ends_when_the_last_of_a_family_left() -> None:
    frame = arms(20, left="").astype(object)
    frame.loc[[0, 2], "family"] = "f000"
    frame.loc[0, "left"] = "2024-04-01"
    events = pd.DataFrame({"family": ["f000"], "date": "2024-06-01", "kind": "call"})
    made = rates(data__flow={"left_on": "left"})
    assert study_of(made, *split(frame), events=events).indicators()[0].events == 1
    frame.loc[2, "left"] = "2024-05-01"
    gone = study_of(made, *split(frame), events=events).indicators()[0]
    assert gone.events == 0
    assert gone.years_at_risk == pytest.approx(8 + 121 / 365.25)


def test_a_unit_without_a_start_is_left_out_and_counted() -> None:
    frame = arms(20, day="2024-01-01").astype(object)
    frame.loc[0, "day"] = ""
    events = pd.DataFrame({"family": ["f000"], "date": "2024-06-01", "kind": "call"})
    made = rates(data__flow={"allocated_on": "day"}, programme={"name": "P"})
    found = study_of(made, *split(frame), events=events).indicators()[0]
    assert (found.n_units, found.n_left_out, found.events) == (9, 1, 0)


def test_a_kind_that_no_event_has_is_said() -> None:
    events = pd.DataFrame({"family": ["f000"], "date": "2024-06-01", "kind": "calls"})
    study = study_of(rates(), *split(arms(20)), events=events)
    assert study.indicators()[0].events == 0
    assert any("no event is of the kind 'call'" in note for note in study.problems)
