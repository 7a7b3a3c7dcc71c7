"""Series of areas: rows kept, breaks on the start, wandering series, small counts, invariances."""

from __future__ import annotations

import copy
import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import evalkit as ek
from evalkit.stats.series.interrupted import interrupted_time_series
from tests.conftest import declare
from tests.unit.test_areas import (
    CITS,
    DID,
    ITS,
    MIXTURE,
    POPULATION,
    ROLL_OUT,
    START,
    TOGETHER,
    analysed,
    month,
    of_type,
    rolled,
    series,
)
from tests.unit.test_site_effects import PLAN, section_of, trial
from tests.unit.test_site_effects import analysed as with_sites

WAVES: list[int | None] = [8, 8, 12, 12, None, None, None, None]
ALL = (DID, ROLL_OUT, ITS, CITS, MIXTURE)
OF_PERIODS = "a period in which not every unit of the series has a value"


def made_for(name: str, **changes: Any) -> tuple[dict[str, Any], list[int | None]]:
    """Return a declaration and the starts of its units."""
    if name == ROLL_OUT:
        return rolled(WAVES, **changes), WAVES
    return of_type(name, **changes), ([12, *[None] * 7] if name == MIXTURE else TOGETHER)


def uneven(starts: list[int | None], **changes: Any) -> pd.DataFrame:
    """Return series with denominators that change and three holes."""
    frame = series(starts, effect=-8, seed=11, **changes)
    people = np.random.default_rng(5).uniform(0.8, 1.2, len(frame))
    frame["denominator"] = (frame["denominator"] * people).round().astype(int)
    return frame.drop(frame.index[[7, 60, 150]])


def numbers(made: dict[str, Any], frame: pd.DataFrame) -> np.ndarray[Any, Any]:
    found = analysed(made, frame).areas[0]
    assert found.n_used + sum(n for _, n in found.dropped_why) == found.n_rows == len(frame)
    shown = (
        found.estimate,
        found.std_error,
        found.p_value,
        found.conf_low,
        found.conf_high,
        found.fit,
    )
    return np.array([np.nan if x is None else x for x in shown])


@pytest.mark.parametrize("name", ALL)
def test_order_names_and_years_change_nothing_and_denominators_scale(name: str) -> None:
    made, starts = made_for(name)
    frame = uneven(starts)
    first = numbers(made, frame)
    assert not np.isnan(first[0])
    shuffled = frame.sample(frac=1, random_state=3).reset_index(drop=True)
    np.testing.assert_allclose(numbers(made, shuffled), first, rtol=1e-9)
    tenth = numbers(made, frame.assign(denominator=frame["denominator"] * 10))
    np.testing.assert_allclose(tenth[[0, 1, 3, 4]], first[[0, 1, 3, 4]] / 10, rtol=1e-9)
    np.testing.assert_allclose(tenth[[2, 5]], first[[2, 5]], rtol=1e-7)
    other = copy.deepcopy(made)
    called = {f"a{i:02d}": f"Z{99 - i}" for i in range(1, 9)}
    design = other["design"]
    if name == ROLL_OUT:
        given = design["rollout"]["starts"]
        design["rollout"]["starts"] = {
            called[unit]: at and at.replace(year=at.year + 1) for unit, at in given.items()
        }
    else:
        design["series"]["treated"] = [called[unit] for unit in design["series"]["treated"]]
        design["series"]["start"] = START.replace(year=START.year + 1)
    later = frame.assign(
        unit=frame["unit"].map(called),
        period=[f"{int(text[:4]) + 1}{text[4:]}" for text in frame["period"]],
    )
    np.testing.assert_allclose(numbers(other, later), first, rtol=1e-9)


@pytest.mark.parametrize("name", [DID, CITS])
def test_swapping_the_groups_turns_the_sign(name: str) -> None:
    made, _ = made_for(name)
    frame = uneven(TOGETHER)
    one = analysed(made, frame).areas[0]
    made["design"]["series"]["treated"] = [f"a{i:02d}" for i in range(4, 9)]
    other = analysed(made, frame).areas[0]
    assert (one.estimate or 0) == pytest.approx(-(other.estimate or 0), rel=1e-9)
    assert one.std_error == pytest.approx(other.std_error, rel=1e-9)


def test_units_count_alike_where_compared_and_by_size_where_added_up() -> None:
    frame = series(TOGETHER, noise=3)
    frame["denominator"] = np.where(frame["unit"] == "a01", 10 * POPULATION, POPULATION)
    mine = frame[frame["unit"].isin(["a01", "a02", "a03"])].copy()
    late = frame["period"] >= str(START)
    rate = 1000 * frame["value"] / frame["denominator"]
    by_unit = rate.groupby([frame["unit"], late]).mean().unstack()
    change = by_unit[True] - by_unit[False]
    expected = change[:3].mean() - change[3:].mean()
    assert analysed(of_type(DID), frame).areas[0].estimate == pytest.approx(expected, rel=1e-9)
    total = mine.groupby("period", as_index=False)[["value", "denominator"]].sum()
    total = total.assign(rate=1000 * total["value"] / total["denominator"], at=range(24))
    alone = interrupted_time_series(total, outcome="rate", time="at", start=12)
    assert analysed(of_type(ITS), frame).areas[0].estimate == pytest.approx(
        alone.estimate, rel=1e-9
    )


@pytest.mark.parametrize("name", [DID, ROLL_OUT])
def test_one_longer_series_does_not_leave_every_other_out(name: str) -> None:
    made, starts = made_for(name)
    frame = series(starts)
    longer = pd.concat([frame, frame.iloc[[23]].assign(period=str(month(24)))])
    found = analysed(made, longer).areas[0]
    assert dict(found.dropped_why) == {"a period in which most units have no value": 1}
    assert found.estimate == pytest.approx(analysed(made, frame).areas[0].estimate, rel=1e-12)


@pytest.mark.parametrize("name", [DID, ROLL_OUT])
def test_a_few_holes_cost_the_fewest_rows_and_are_counted(name: str) -> None:
    made, starts = made_for(name)
    found = analysed(made, uneven(starts)).areas[0]
    assert dict(found.dropped_why) == {OF_PERIODS: 21}
    assert (found.n_treated, found.n_used) == (len([s for s in starts if s]), 168)
    assert found.n_before + found.n_after == 21
    if name == ROLL_OUT:
        assert "3 of 8 units are not seen in every one of the 24 periods" in " ".join(found.notes)


def with_break(name: str, on: datetime.date, **changes: Any) -> ek.Analysis:
    made, starts = made_for(name, **changes)
    made["indicators"][0]["breaks"] = [{"on": on, "why": "a new system"}]
    return analysed(made, series(starts))


@pytest.mark.parametrize("lead", [0, 2])
def test_a_break_on_the_start_is_refused_alone_and_said_with_a_comparison(lead: int) -> None:
    on = datetime.date(2022, 12, 5) if lead else START
    alone = with_break(ITS, on, design__series__anticipation=lead)
    assert alone.areas[0].estimate is None
    assert "the two cannot be told apart" in alone.findings[0].statement
    compared = with_break(CITS, on, design__series__anticipation=lead)
    assert compared.areas[0].estimate is not None
    assert "if it did so alike everywhere it drops out" in " ".join(compared.findings[0].caveats)


def test_a_break_is_said_as_it_was_dealt_with() -> None:
    def said(name: str, on: datetime.date) -> str:
        return " ".join(with_break(name, on).findings[0].caveats)

    assert "a step there is allowed for" in said(ITS, datetime.date(2023, 6, 1))
    assert "the series lie on one side of it" in said(ITS, datetime.date(2020, 6, 1))
    assert "drops out of the comparison" in said(DID, datetime.date(2023, 6, 1))


def test_seasons_that_fix_the_course_are_refused_with_a_way_out() -> None:
    made, starts = made_for(ITS)
    made["indicators"][0]["season"] = 12
    found = analysed(made, series(starts)).findings[0]
    assert "Seasons need about two years on one side of the start" in found.statement


@pytest.mark.parametrize("name", [ITS, CITS])
def test_series_that_wander_off_are_never_clear(name: str) -> None:
    made, _ = made_for(name)
    made["design"]["series"] |= {"treated": ["a01", "a02"], "start": month(20)}
    unchecked = 0
    for seed in range(16):
        rng = np.random.default_rng(seed)
        walks = 200 + np.cumsum(rng.normal(0, 6, (40, 4)), axis=0)
        frame = pd.DataFrame(
            [
                (f"a{i + 1:02d}", str(month(t)), "burglary", round(walks[t, i]), POPULATION)
                for i in range(4) for t in range(40)
            ],
            columns=["unit", "period", "indicator", "value", "denominator"],
        )  # fmt: skip
        found = analysed(made, frame)
        if found.areas[0].check_low is None:
            unchecked += 1
            assert found.findings[0].claim in ("no-clear-change", "not-enough-information")
    assert unchecked > 3


@pytest.mark.parametrize("name", [DID, CITS])
def test_a_comparison_with_few_cases_after_the_start_is_not_shown(
    name: str, tmp_path: Path
) -> None:
    made, _ = made_for(name, disclosure={"profile": "strict"})
    frame = series(TOGETHER, base=30, effect=0)
    after = (frame["period"] >= str(START)) & (frame["unit"] > "a03")
    frame.loc[after, "value"] = 0
    frame.loc[frame.index[after][3], "value"] = 3
    found = analysed(made, frame)
    assert found.areas[0].smallest_total == 3
    ek.report(found, tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "too small for a result that can be shown" in page


def test_small_counts_are_those_of_the_rows_used() -> None:
    frame = series(TOGETHER).assign(value=0)
    large = frame["unit"].isin(["a01", "a08"])
    frame.loc[large, "value"] = 50
    frame = frame[~(large & (frame["period"] > "2022-08"))]
    for unit, before, after in (("a02", 1, 3), ("a03", 2, 1), ("a04", 4, 4), ("a05", 5, 7)):
        mine = frame["unit"] == unit
        frame.loc[mine & (frame["period"] == "2022-03-01"), "value"] = before
        frame.loc[mine & (frame["period"] == "2023-03-01"), "value"] = after
    found = analysed(of_type(DID), frame).areas[0]
    assert dict(found.dropped_why) == {"a unit not seen in every period": 14}
    assert (found.smallest_total, found.smallest_value) == (3, 0)


def test_figures_before_the_start_and_of_short_models_stay_off_shareable_pages(
    tmp_path: Path,
) -> None:
    made, _ = made_for(CITS, disclosure={"profile": "strict"})
    frame = series(TOGETHER, base=9, noise=2, effect=0, periods=18)
    frame["value"] = frame["value"].clip(lower=0)
    short = frame[frame["period"] >= "2022-09"]
    for name, rows, parts in (("long", frame, True), ("short", short, False)):
        ek.report(analysed(made, rows), tmp_path / f"{name}.html")
        page = (tmp_path / f"{name}.html").read_text(encoding="utf-8")
        assert "Single periods are not drawn" in page
        assert ("Change of slope from the start on" in page) is parts


def test_of_the_sites_averaged_none_is_hidden_alone(tmp_path: Path) -> None:
    people, scores = trial([120, 120, 120, 120, 120, 36, 2])
    found = with_sites(declare(PLAN, disclosure={"profile": "strict"}), people, scores)
    assert [site.site for site in found.sites[0].sites if site.why_not] == ["site 7"]
    ek.report(found, tmp_path / "page.html")
    section = section_of((tmp_path / "page.html").read_text(encoding="utf-8"))
    rows = section.split('<tr><th scope="row">site ')[1:]
    assert [row[0] for row in rows if ">not shown<" in row] == ["1", "6", "7"]
