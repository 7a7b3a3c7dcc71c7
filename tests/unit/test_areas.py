"""Series of areas end to end: designs, indicators, effects, levels, wording, pages, bad input."""

from __future__ import annotations

import datetime
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from typer.testing import CliRunner

import evalkit as ek
from evalkit.cli.commands import app
from evalkit.errors import InvalidData, InvalidEvaluation
from evalkit.stats.panels.forbidden_comparisons import bacon_weights
from evalkit.stats.panels.group_time import group_time_effects
from evalkit.stats.series.interrupted import interrupted_time_series
from evalkit.stats.series.synthetic import synthetic_control
from tests.conftest import declare, evaluate

DID, ROLL_OUT = "difference-in-differences", "staggered-rollout"
ITS, CITS = "interrupted-time-series", "comparative-interrupted-time-series"
MIXTURE = "synthetic-control"
START = datetime.date(2023, 1, 1)
FIRST = pd.Timestamp(2022, 1, 1)
POPULATION = 20_000
AREAS: dict[str, Any] = {
    "evalkit": 1,
    "programme": {"name": "A made programme"},
    "data": {"series": {"file": "monthly.csv"}},
    "roles": ["resident"],
    "indicators": [
        {"id": "burglary", "from": "series", "unit": "area", "direction": "lower",
         "per": {"count": 1000, "of": "population"}},
    ],
    "logic_model": {
        "outcomes": [
            {"id": "safer", "name": "Fewer burglaries", "role": "resident", "indicator": "burglary"},
        ],
    },
    "design": {"type": DID, "because": "areas of the same force, alike in need",
               "series": {"period": "month", "start": START, "treated": ["a01", "a02", "a03"]}},
    "disclosure": {"profile": "open", "because": "made data"},
}  # fmt: skip


def month(k: float) -> datetime.date:
    """Return the first day of the k-th month."""
    day: datetime.date = (FIRST + pd.DateOffset(months=int(k))).date()
    return day


def series(
    starts: list[int | None], *, effect: Any = -12, periods: int = 24, seed: int = 1,
    base: float = 60, noise: float = 4,
) -> pd.DataFrame:  # fmt: skip
    """Return monthly counts of areas that had the programme from `starts` on."""
    rng = np.random.default_rng(seed)
    rows = []
    for i, start in enumerate(starts):
        for t in range(periods):
            on = start is not None and t >= start
            change = (effect(i, t, start) if callable(effect) else effect) if on else 0
            value = base + 2 * i + 0.4 * t + rng.normal(0, noise) + change
            rows.append((f"a{i + 1:02d}", str(month(t)), "burglary", round(value), POPULATION + i))
    columns = ["unit", "period", "indicator", "value", "denominator"]
    return pd.DataFrame(rows, columns=columns)


TOGETHER: list[int | None] = [12, 12, 12, None, None, None, None, None]


def study(made: dict[str, Any], frame: pd.DataFrame) -> ek.Study:
    return evaluate(made).study(tables={"monthly.csv": frame})


def analysed(made: dict[str, Any], frame: pd.DataFrame) -> ek.Analysis:
    return study(made, frame).analyse()


def rolled(starts: list[int | None], **changes: Any) -> dict[str, Any]:
    """Return the declaration of a roll-out with these starts."""
    listed = {f"a{i + 1:02d}": None if s is None else month(s) for i, s in enumerate(starts)}
    made = declare(AREAS, design={
        "type": ROLL_OUT, "because": "alike in need", "series": {"period": "month"},
        "rollout": {"starts": listed, "comparison": "not-yet"},
    })  # fmt: skip
    return declare(made, **changes)


def of_type(name: str, **changes: Any) -> dict[str, Any]:
    made = declare(AREAS, design__type=name)
    if name == MIXTURE:
        made["design"]["series"] |= {"treated": ["a01"]}
    return declare(made, **changes)


def as_panel(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame as the statistics take it: months numbered, rates."""
    days = pd.to_datetime(frame["period"])
    at = 12 * days.dt.year + days.dt.month - 1
    rate = frame["value"] * (1000 / frame["denominator"])
    return frame.assign(at=at, rate=rate, first=float("nan"))


def test_a_difference_in_differences_is_the_difference_in_mean_changes() -> None:
    frame = series(TOGETHER)
    found = analysed(of_type(DID), frame)
    panel = as_panel(frame)
    late, mine = panel["period"] >= "2023", panel["unit"].isin(["a01", "a02", "a03"])
    means = panel.groupby([mine, late])["rate"].mean()
    by_hand = (means[True, True] - means[True, False]) - (means[False, True] - means[False, False])
    effect = found.areas[0]
    assert effect.estimate == pytest.approx(by_hand, rel=1e-10)
    assert effect.estimate == pytest.approx(-0.6, abs=0.12)
    assert (effect.n_treated, effect.n_comparison) == (3, 5)
    assert (effect.n_before, effect.n_after, effect.n_rows, effect.n_used) == (12, 12, 192, 192)
    assert effect.unit == "per 1,000 people a month"
    level, finding = found.level("safer"), found.findings[0]
    assert (level.level, level.ceiling) == (3, 3)
    assert (finding.claim, finding.attributes) == ("improved", True)
    assert "is likely to have made things better; this is evidence at level 3" in finding.statement
    assert "does not show that trends were parallel" in " ".join(finding.caveats)
    assert len([e for e in effect.effects if e.by == "since-start"]) == 24
    assert all(e.band_low is not None for e in effect.effects if e.at not in (-1,))


def test_a_roll_out_recovers_effects_that_differ_by_group_where_two_way_effects_fail() -> None:
    starts: list[int | None] = [*[6] * 6, *[14] * 6, *[None] * 4]

    def effect(_: int, t: int, start: int) -> float:
        return -3.0 * (t - start + 1) if start == 6 else 6.0

    frame = series(starts, effect=effect, noise=1, base=150)
    found = analysed(rolled(starts), frame).areas[0]
    truth = {
        group: 1000 / POPULATION * float(np.mean([effect(0, t, group) for t in range(group, 24)]))
        for group in (6, 14)
    }
    whole = (truth[6] + truth[14]) / 2
    assert found.estimate == pytest.approx(whole, abs=0.06)
    assert abs((found.two_way or 0.0) - whole) > 0.5
    assert (found.two_way_forbidden or 0.0) > 0.05
    by_group = {e.name: e for e in found.effects if e.by == "group"}
    for group, name in ((6, "2022-07"), (14, "2023-03")):
        one = by_group[f"started in {name}"]
        assert (one.conf_low or 0) - 0.05 < truth[group] < (one.conf_high or 0) + 0.05
    assert [s.kind for s in found.summaries] == ["simple", "group", "dynamic", "calendar"]


def test_a_roll_out_is_the_library_s_and_its_weights_are_said() -> None:
    starts: list[int | None] = [8, 8, 8, 14, 14, 14, None, None, None]
    frame = series(starts)
    found = analysed(rolled(starts, seed=7), frame).areas[0]
    panel = as_panel(frame)
    panel["first"] = panel["unit"].map(
        {f"a{i + 1:02d}": None if s is None else 12 * 2022 + s for i, s in enumerate(starts)}
    )
    named = {"outcome": "rate", "unit": "unit", "period": "at", "first_treated": "first"}
    direct = group_time_effects(panel, **named, comparison="not-yet", base="universal", seed=7)
    for summary in found.summaries:
        one = direct.overall(summary.kind)
        assert summary.estimate == pytest.approx(one.estimate, rel=1e-10)
        assert summary.conf_low == pytest.approx(one.conf_low, rel=1e-10)
    events = [e for e in found.effects if e.by == "since-start"]
    for mine, other in zip(events, direct.event_study().effects, strict=True):
        assert mine.estimate == pytest.approx(other.estimate, abs=1e-12)
        if other.band_low is not None:
            assert mine.band_low == pytest.approx(other.band_low, rel=1e-9)
    assert found.two_way == pytest.approx(bacon_weights(panel, **named).estimate, rel=1e-9)


def test_the_trend_before_the_start_is_a_line_through_the_effects_before_it() -> None:
    starts: list[int | None] = [10, 10, 10, None, None, None, None]
    panel = as_panel(series(starts, noise=1, effect=0))
    panel["first"] = panel["unit"].map({"a01": 24274.0, "a02": 24274.0, "a03": 24274.0})
    drift = panel["unit"].isin(["a01", "a02", "a03"]) * 0.2 * panel["at"]
    drifting = panel.assign(rate=panel["rate"] + drift)
    found = group_time_effects(
        drifting, outcome="rate", unit="unit", period="at", first_treated="first", base="universal"
    ).trend_before()
    assert found.estimate == pytest.approx(0.2, abs=0.01)
    assert (found.p_value or 1) < 0.001


def test_areas_that_drift_apart_before_the_start_are_not_credited() -> None:
    frame = series(TOGETHER, noise=1, effect=-40)
    mine = frame["unit"].isin(["a01", "a02", "a03"])
    days = pd.to_datetime(frame["period"])
    drift = (2 * (12 * (days.dt.year - 2022) + days.dt.month)).where(mine, 0)
    found = analysed(of_type(DID), frame.assign(value=frame["value"] - drift + 60 * mine))
    effect = found.areas[0]
    assert (effect.pretrend_p or 1) < 0.001
    assert found.level("safer").level == 2
    assert found.findings[0].claim == "described" and not found.findings[0].attributes
    assert "cannot be read as an effect" in " ".join(found.findings[0].caveats)


def test_a_panel_with_holes_says_how_many_rows_are_lost_and_what_they_would_change() -> None:
    starts: list[int | None] = [8, 8, 8, 14, 14, 14, None, None, None]
    frame = series(starts)
    gone = (frame["unit"] == "a02") & (frame["period"] >= "2023-03")
    frame = frame[~gone]
    frame.loc[frame.index[(frame["unit"] == "a08")][5], "value"] = None
    found = analysed(rolled(starts), frame).areas[0]
    assert found.n_rows == 9 * 24 - 10
    assert dict(found.dropped_why) == {"no value": 1, "a unit not seen in every period": 14 + 23}
    assert found.n_used + found.n_dropped == found.n_rows
    said = " ".join(found.notes)
    assert "2 of 9 units are not seen in every one of the 24 periods" in said
    assert "used wherever they are seen, the effect would be" in said


def test_an_interrupted_series_adds_up_its_units_and_is_never_credited() -> None:
    frame = series(TOGETHER, effect=-15)
    seasonal = {"season": 12, "harmonics": 1}
    made = of_type(ITS, indicators__0=AREAS["indicators"][0] | seasonal, design__because=None)
    found = analysed(made, frame)
    effect = found.areas[0]
    treated = frame[frame["unit"].isin(["a01", "a02", "a03"])]
    whole = treated.groupby("period", as_index=False)[["value", "denominator"]].sum()
    whole["rate"] = 1000 * whole["value"] / whole["denominator"]
    whole["at"] = range(24)
    direct = interrupted_time_series(whole, outcome="rate", time="at", start=12, **seasonal)
    assert effect.estimate == pytest.approx(direct.estimate, rel=1e-6)
    by_name = {term.term: term for term in effect.terms}
    assert by_name["level"].estimate == pytest.approx(direct.level_change, rel=1e-6)
    assert by_name["slope"].conf_low == pytest.approx(direct.of("slope").conf_low, rel=1e-6)
    assert [e.name for e in effect.effects][:2] == ["2023-01", "2023-02"]
    assert dict(effect.dropped_why) == {"a unit neither treated nor compared with": 120}
    finding = found.findings[0]
    assert found.level("safer").level == 2 and finding.claim == "described"
    assert "may not be credited to the programme" in finding.statement


def test_a_compared_series_takes_off_what_befell_both() -> None:
    frame = series(TOGETHER, effect=-12, noise=2)
    shock = (frame["period"] >= "2023-01-01") * 20
    alone = analysed(of_type(ITS), frame.assign(value=frame["value"] + shock)).areas[0]
    beside = analysed(of_type(CITS), frame.assign(value=frame["value"] + shock)).areas[0]
    assert (alone.estimate or 0) > 0
    assert beside.estimate == pytest.approx(-0.6, abs=0.15)
    assert (beside.check_low or 0) < (beside.estimate or 0) < (beside.check_high or -1)
    assert beside.pretrend and beside.rated is not None and beside.rated.ceiling == 3


def test_a_mixture_is_ranked_among_placebos() -> None:
    starts: list[int | None] = [12 if i == 9 else None for i in range(21)]
    frame = series(starts, effect=-25, noise=1, base=80)
    seasons = (10 * np.sin(np.arange(24) * np.pi / 6)).round().astype(int)
    frame["value"] += np.tile(seasons, 21)
    made = of_type(MIXTURE)
    made["design"]["series"]["treated"] = ["a10"]
    found = analysed(made, frame)
    effect = found.areas[0]
    panel = as_panel(frame)
    direct = synthetic_control(
        panel, outcome="rate", unit="unit", period="at", treated="a10", start=12 * 2023
    )
    assert effect.estimate == pytest.approx(direct.estimate, rel=1e-8)
    assert (effect.rank, effect.n_comparison) == (1, 20)
    assert effect.p_value == pytest.approx(1 / 21)
    assert sum(weight for _, weight in effect.weights) == pytest.approx(1)
    assert found.findings[0].claim == "improved"
    assert "rank 1 of 21" in found.findings[0].statement


def test_an_ambiguous_indicator_is_never_better_or_worse() -> None:
    indicator = AREAS["indicators"][0] | {"direction": "ambiguous"}
    frame = series(TOGETHER, effect=15)
    found = analysed(of_type(DID, indicators__0=indicator), frame)
    finding = found.findings[0]
    assert found.level("safer").level == 3
    assert (finding.claim, finding.attributes) == ("described", False)
    said = finding.statement.replace("neither better nor worse is read into it", "")
    assert "higher" in said and not re.search("better|worse|gain|loss", said)
    assert "more trust" in said


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"design__because": None}, "does not say why the comparison is fair"),
        ({"design__faults": ["measurement"]}, "measured differently"),
        ({"design__series": {"start": START, "treated": ["a01", "a02", "a03"],
                             "comparison": ["a04"]}}, ""),
    ],
)  # fmt: skip
def test_what_lowers_a_level_is_said(change: dict[str, Any], reason: str) -> None:
    found = analysed(of_type(DID, **change), series(TOGETHER))
    level = found.level("safer")
    assert level.level in (0, 2)
    assert reason in " ".join(level.reasons)
    if level.level == 0:
        assert found.areas[0].estimate is None
        assert "Use synthetic-control for one unit" in found.findings[0].statement
        assert found.findings[0].claim == "not-enough-information"


def test_one_unit_in_a_group_is_level_two_at_most() -> None:
    made = of_type(CITS)
    made["design"]["series"] |= {"treated": ["a01"], "comparison": ["a04", "a05"]}
    found = analysed(made, series(TOGETHER))
    assert found.level("safer").level == 2
    assert "one cluster makes up a whole arm" in " ".join(found.level("safer").reasons)


def test_a_single_period_before_the_start_is_level_two() -> None:
    frame = series([1, 1, 1, None, None, None, None], periods=2, noise=2)
    made = of_type(DID)
    made["design"]["series"]["start"] = month(1)
    found = analysed(made, frame)
    assert found.areas[0].n_before == 1 and found.areas[0].estimate is not None
    assert found.level("safer").level == 2
    assert "single period" in " ".join(found.level("safer").reasons)
    assert "rests on argument alone" in " ".join(found.findings[0].caveats)


def test_two_outcomes_are_adjusted_together_and_the_primary_stands_apart() -> None:
    frame = series(TOGETHER)
    other = series(TOGETHER, seed=5).assign(indicator="theft")
    made = of_type(DID)
    made["indicators"].append(AREAS["indicators"][0] | {"id": "theft"})
    made["logic_model"]["outcomes"].append(
        {"id": "theft-falls", "name": "Fewer thefts", "role": "resident", "indicator": "theft"}
    )
    both = pd.concat([frame, other])
    found = analysed(made, both).areas
    raw = [e.p_value for e in found]
    adjusted = [e.p_adjusted for e in found]
    assert adjusted == pytest.approx(list(ek.stats.adjust_p(raw, method="holm")))
    made["analysis"] = {"primary": {"outcome": "safer"}}
    first = analysed(made, both)
    assert [e.primary for e in first.areas] == [True, False]
    assert [f.primary for f in first.findings] == [True, False]


def test_breaks_seasons_windows_and_a_start_inside_a_month_are_said() -> None:
    changed = {"breaks": [{"on": datetime.date(2022, 6, 1), "why": "new crime codes"}]}
    made = of_type(ITS, indicators__0=AREAS["indicators"][0] | changed)
    made["design"]["series"] |= {"start": datetime.date(2023, 1, 16), "anticipation": 2}
    found = analysed(made, series(TOGETHER)).areas[0]
    said = " ".join(found.notes)
    assert "new crime codes): a step there is allowed for" in said
    assert "break 2022-06" in [term.term for term in found.terms]
    assert "started inside a month" in said
    assert dict(found.dropped_why)["a period in which units may have changed before the start"] == 6
    clash = {"breaks": [{"on": START, "why": "a new system"}]}
    none = analysed(of_type(ITS, indicators__0=AREAS["indicators"][0] | clash), series(TOGETHER))
    assert none.areas[0].estimate is None and none.level("safer").level == 0


def test_numbered_periods_quarters_and_rates_by_person_time() -> None:
    frame = series(TOGETHER)
    numbered = frame.assign(period=frame.groupby("unit").cumcount() + 1)
    made = of_type(DID)
    made["design"]["series"] |= {"period": "number", "start": 13}
    made["indicators"][0]["per"] = {"count": 100, "of": "person-years"}
    found = analysed(made, numbered).areas[0]
    assert found.unit == "per 100 person-years"
    usual = analysed(of_type(DID), frame).areas[0]
    assert found.estimate == pytest.approx((usual.estimate or 0) / 10, rel=1e-9)
    assert analysed(of_type(DID), frame.assign(period=frame["period"].str[:7])).areas[
        0
    ].estimate == (pytest.approx(usual.estimate))


@pytest.mark.parametrize("name", [DID, ITS, CITS, MIXTURE, ROLL_OUT])
def test_pages_and_findings_hold_every_design(name: str, tmp_path: Path) -> None:
    starts = [8, 8, 12, 12, 12, None, None, None] if name == ROLL_OUT else TOGETHER
    made = rolled(starts) if name == ROLL_OUT else of_type(name)
    whole = study(made, series(starts))
    found = whole.analyse()
    ek.report(found, tmp_path / "page.html")
    ek.report(found, tmp_path / "findings.json")
    ek.report(whole, tmp_path / "formative.html", kind="formative")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "What the series show" in page and "What must hold" in page and "<svg" in page
    assert "nan" not in re.sub(r"<[^>]*>", " ", page).lower().split()
    written = json.loads((tmp_path / "findings.json").read_text(encoding="utf-8"))
    effect = written["areas"][0]
    assert effect["n_used"] + effect["n_dropped"] == effect["n_rows"] == 192
    assert [level["outcome"] for level in written["levels"]] == ["safer"]
    assert {check["check"] for check in written["checks"]} == {
        check.check for check in ek.design(name).checks
    }


def test_small_counts_stay_off_shareable_pages(tmp_path: Path) -> None:
    made = of_type(DID, disclosure={"profile": "strict"})
    few = series(TOGETHER, base=6, noise=1, effect=-1)
    few["value"] = few["value"].clip(lower=0)
    ek.report(analysed(made, few), tmp_path / "few.html")
    page = (tmp_path / "few.html").read_text(encoding="utf-8")
    assert "Single periods are not drawn" in page and "What was seen, and what" not in page
    tiny = few.assign(value=(few.groupby("unit").cumcount() % 12 == 0).astype(int))
    ek.report(analysed(made, tiny), tmp_path / "tiny.html")
    page = (tmp_path / "tiny.html").read_text(encoding="utf-8")
    assert "too small for a result that can be shown" in page
    ek.report(analysed(made, series(TOGETHER)), tmp_path / "many.html")
    assert "What was seen, and what" in (tmp_path / "many.html").read_text(encoding="utf-8")


WRONG_TABLES: dict[str, tuple[Any, str]] = {
    "the same month twice": (
        lambda f: pd.concat([f, f.iloc[[3]]]), "'a01' has 2 values of burglary in 2022-04 (rows 5, 194)"),
    "a negative denominator": (
        lambda f: f.assign(denominator=f["denominator"].where(f.index != 4, -5)),
        "found '-5'. Allowed: a number above 0"),
    "a value without a denominator": (
        lambda f: f.assign(denominator=f["denominator"].astype(object).where(f.index != 4, None)),
        "a value without a denominator"),
    "a count below zero": (
        lambda f: f.assign(value=f["value"].where(f.index != 4, -1)), "found below 0"),
    "an unknown indicator": (
        lambda f: f.assign(indicator=f["indicator"].where(f.index != 4, "burglery")),
        "Did you mean 'burglary'"),
    "no date": (
        lambda f: f.assign(period=f["period"].where(f.index != 4, "spring")), "found 'spring'"),
    "an area that is not there": (
        lambda f: f[f["unit"] != "a02"], "'a02' is no unit of monthly.csv"),
    "a start outside": (lambda f: f[f["period"] < "2022-12"], "lies outside the series"),
    "no rows": (lambda f: f.iloc[:0], "no rows"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG_TABLES)
def test_a_wrong_table_is_refused_with_the_place(name: str) -> None:
    spoil, said = WRONG_TABLES[name]
    with pytest.raises(InvalidData) as caught:
        study(of_type(DID), spoil(series(TOGETHER)))
    assert said in str(caught.value)


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no series": ({"data__series": None}, "needs `data.series`"),
    "no start": ({"design__series": {"treated": ["a01"]}}, "the key 'start' is missing"),
    "a number for a month": (
        {"design__series": {"treated": ["a01"], "start": 12}}, "periods are declared to be months"),
    "treated and compared with": (
        {"design__series": {"treated": ["a01"], "start": START, "comparison": ["a01"]}},
        "cannot be treated and compared with"),
    "two units in a mixture": ({"design__type": MIXTURE}, "made for one unit"),
    "a comparison beside a series on its own": (
        {"design__type": ITS, "design__series": {"treated": ["a01"], "start": START,
                                                 "comparison": ["a02"]}}, "compared with nothing"),
    "people in a design of areas": (
        {"logic_model__outcomes__0": {"id": "mood", "name": "Mood", "role": "resident",
                                      "measure": {"id": "bdi-ii"}, "direction": "lower",
                                      "when": ["end"]}}, "analyses no scores of people"),
    "a series without an area": (
        {"indicators__0": {"id": "burglary", "from": "series"}}, "is not of a family"),
    "a window of a series": (
        {"indicators__0": AREAS["indicators"][0] | {"window": "12 months"}}, "has no `window`"),
    "two directions": (
        {"logic_model__outcomes__0__direction": "higher"}, "of the indicator 'burglary' it is"),
    "an arm": (
        {"design__arm": {"column": "arm", "treated": "a", "comparison": "b"}}, "has no `arm`"),
    "people of a trial": ({"design__type": "rct-individual"}, "the key 'people' is missing"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_declaration_is_refused_before_data_are_read(name: str) -> None:
    changes, said = WRONG[name]
    with pytest.raises(InvalidEvaluation) as caught:
        evaluate(declare(AREAS, **changes))
    assert said in str(caught.value)


def told(made: dict[str, Any], frame: pd.DataFrame, folder: Path) -> tuple[str, str]:
    """Return what `check` and `run` say on the command line, with no traceback."""
    (folder / "evaluation.yaml").write_text(yaml.safe_dump(made), encoding="utf-8")
    frame.to_csv(folder / "monthly.csv", index=False)
    said = []
    for command in (["check"], ["run", "--out", str(folder / "out")]):
        result = CliRunner().invoke(
            app, [command[0], str(folder / "evaluation.yaml"), *command[1:]]
        )
        assert result.exit_code in (0, 1), result.output
        assert "Traceback" not in result.output
        said.append(" ".join(result.output.split()))
    return said[0], said[1]


ODD: dict[str, tuple[Any, list[int | None], str]] = {
    "never switches on": (lambda f: f, [None] * 6, "starts in no area inside the series"),
    "starts after the end": (lambda f: f, [*[40] * 3, *[None] * 3], "starts in no area inside"),
    "no never-treated group": (lambda f: f, [6, 6, 6, 12, 12, 12], "none is left that never does"),
    "one area a start": (
        lambda f: f, [6, 8, 10, 12, None, None], "A single unit starts in 2022-07, 2022-09"),
    "a single period before": (
        lambda f: f[f["period"] >= month(5).isoformat()], [6, 6, 6, None, None, None],
        "single period before the start"),
    "gaps": (
        lambda f: f[~((f["unit"] == "a01") & (f["period"] == "2022-10-01"))],
        [8, 8, 8, None, None, None], "not seen in every one of the 24 periods"),
}  # fmt: skip


@pytest.mark.parametrize("name", ODD)
def test_an_odd_roll_out_is_refused_or_answered_on_the_command_line(
    name: str, tmp_path: Path
) -> None:
    spoil, starts, said = ODD[name]
    made = rolled(starts)
    if name == "no never-treated group":
        made["design"]["rollout"]["comparison"] = "never"
    frame = spoil(series([s if s and s < 24 else None for s in starts]))
    checked, ran = told(made, frame, tmp_path)
    page = tmp_path / "out" / "summative.html"
    assert said in checked + ran + (page.read_text(encoding="utf-8") if page.exists() else "")


def test_a_programme_that_stops_is_no_roll_out(tmp_path: Path) -> None:
    starts: list[int | None] = [8, 8, 8, None, None, None]
    frame = series(starts)
    first = frame["unit"].map({"a01": "2022-09-01", "a02": "2022-09-01", "a03": "2022-09-01"})
    frame["running"] = np.where(frame["period"] >= first.fillna("9999"), "yes", "no")
    made = rolled(starts)
    made["design"]["rollout"] = {"running": "running"}
    by_column = analysed(made, frame).areas[0]
    assert by_column.estimate == pytest.approx(analysed(rolled(starts), frame).areas[0].estimate)
    frame.loc[(frame["unit"] == "a02") & (frame["period"] >= "2023-06"), "running"] = "no"
    checked, _ = told(made, frame, tmp_path)
    assert "the programme runs in 'a02' and in 2023-06 no longer does" in checked


def test_gaps_in_one_series_are_counted_and_in_a_mixture_leave_a_donor_out(tmp_path: Path) -> None:
    frame = series(TOGETHER)
    holed = frame[~((frame["unit"] == "a01") & frame["period"].isin(["2022-05-01"]))]
    made = of_type(ITS)
    made["design"]["series"]["treated"] = ["a01"]
    _, ran = told(made, holed, tmp_path)
    assert "1 month inside the series has no value and was left out" in (
        (tmp_path / "out" / "summative.html").read_text(encoding="utf-8") + ran
    )
    donor = frame[~((frame["unit"] == "a05") & frame["period"].isin(["2022-05-01"]))]
    mixed = analysed(of_type(MIXTURE), donor).areas[0]
    assert dict(mixed.dropped_why)["a unit not seen in every period"] == 23
    assert "a05" not in dict(mixed.weights)


def test_starts_may_stand_in_a_column_once_an_area(tmp_path: Path) -> None:
    starts: list[int | None] = [8, 8, 8, None, None, None]
    frame = series(starts)
    frame["since"] = frame["unit"].map(
        {f"a{i + 1:02d}": "" if s is None else str(month(s)) for i, s in enumerate(starts)}
    )
    made = rolled(starts)
    made["design"]["rollout"] = {"starts": "since"}
    one = analysed(made, frame).areas[0]
    assert one.estimate == pytest.approx(analysed(rolled(starts), frame).areas[0].estimate)
    frame.loc[7, "since"] = "2022-11-01"
    with pytest.raises(InvalidData, match="'a01' has more than one start"):
        study(made, frame)


@pytest.mark.slow
@pytest.mark.parametrize("name", [DID, ROLL_OUT, CITS, ITS])
def test_where_nothing_changed_little_is_said_to_have(name: str) -> None:
    starts = [8, 8, 8, 14, 14, 14, None, None, None, None] if name == ROLL_OUT else TOGETHER
    made = rolled(starts) if name == ROLL_OUT else of_type(name)
    clear, inside, runs = 0, 0, 200
    for seed in range(runs):
        found = analysed(made, series(starts, effect=0, seed=1000 + seed))
        clear += found.findings[0].claim in ("improved", "worsened", "described")
        effect = found.areas[0]
        low, high = effect.conf_low or 0.0, effect.conf_high or 0.0
        if effect.check_low is not None:
            low, high = min(low, effect.check_low), max(high, effect.check_high or high)
        inside += low <= 0 <= high
    assert clear / runs <= 0.10
    assert inside / runs >= 0.90
