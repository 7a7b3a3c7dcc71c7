"""What panels and roll-outs refuse, and what they say beside an answer that is limited."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from evalkit.errors import CannotEstimate, InvalidInput
from evalkit.stats.panels.event_regressions import event_study_regression
from evalkit.stats.panels.fixed_effects import two_way_fixed_effects
from evalkit.stats.panels.forbidden_comparisons import bacon_weights
from evalkit.stats.panels.group_time import group_time_effects
from evalkit.stats.panels.two_by_two import difference_in_differences

NOTHING: Any = None


@pytest.fixture
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    starts = np.repeat([0, 3, 4], 10)
    table = pd.DataFrame({"id": np.repeat(np.arange(30), 5), "t": np.tile(np.arange(1, 6), 30)})
    table["g"] = starts[table["id"]]
    table["on"] = ((table["g"] > 0) & (table["t"] >= table["g"])).astype(int)
    table["x"] = rng.normal(size=30)[table["id"]]
    table["text"], table["late"] = "a", table["t"] + 1
    table["area"] = table["id"] // 10
    table["y"] = rng.normal(size=len(table))
    return table


def effects(data: Any, **options: Any) -> Any:
    call = {"outcome": "y", "unit": "id", "period": "t", "first_treated": "g"}
    return group_time_effects(data, **call | options)


def fixed(data: Any, **options: Any) -> Any:
    call = {"outcome": "y", "unit": "id", "period": "t", "treatment": "on"}
    return two_way_fixed_effects(data, **call | options)


def pair(data: Any, **options: Any) -> Any:
    call = {"outcome": "y", "unit": "id", "period": "t", "treatment": "arm"}
    return difference_in_differences(data, **call | options)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"outcome": "yy"}, "Did you mean 'y'?"),
        ({"outcome": "text"}, "Allowed: numbers"),
        ({"period": "text"}, "Allowed: numbers"),
        ({"first_treated": "text"}, "Allowed: numbers"),
        ({"first_treated": None}, "first_treated= (the period a unit starts in)"),
        ({"treatment": "on"}, "both given"),
        ({"unit": None}, "None with panel=False"),
        ({"comparison": "later"}, "Allowed: never, not-yet"),
        ({"method": "dr"}, "Allowed: doubly-robust, regression"),
        ({"method": "improved", "panel": False}, "Allowed: doubly-robust, regression, weighting."),
        ({"base": "fixed"}, "Allowed: varying, universal"),
        ({"holes": "drop"}, "Allowed: balanced, pairs, cross-sections"),
        ({"anticipation": -1}, "a number from 0"),
        ({"bootstrap": 5}, "0, or 100 draws or more"),
        ({"seed": -1}, "seed=-1"),
        ({"multipliers": "normal"}, "mammen, rademacher"),
        ({"level": 95}, "between 0 and 1"),
        ({"covariates": ["y"]}, "both as outcome and as covariates"),
        ({"first_treated": "late"}, "more than one value within 30 unit(s)"),
        ({"weights": "late"}, "one value a unit"),
        ({"cluster": "t"}, "clusters that hold whole units"),
    ],
)
def test_group_time_calls_refused(frame: pd.DataFrame, options: Any, said: str) -> None:
    with pytest.raises(InvalidInput) as error:
        effects(frame, **options)
    assert said in str(error.value)


def change(frame: pd.DataFrame, what: str) -> pd.DataFrame:
    """Return the frame with something in it that cannot be analysed."""
    d = frame.copy()
    if what == "all early":
        d["g"] = d["g"].map({0: 1, 3: 1, 4: 1})
    if what == "a 0/1 column":
        d["g"] = 1
    if what == "nobody":
        d["g"] = 0
    if what == "never on":
        d["g"] = d["g"].map({0: 0, 3: 9, 4: 7})
    if what == "no never":
        d = d[d["g"] > 0]
    if what == "one start":
        d = d[d["g"] == 3]
    if what == "one unit":
        d = d[(d["g"] != 4) | (d["id"] == 25)]
    if what == "one control":
        d = d[(d["g"] != 0) | (d["id"] == 2)]
    if what == "determined":
        d["x"] = (d["g"] == 3) * 5.0 + d["id"] / 100
    if what == "constant":
        d["y"] = 1.0
    if what == "all holes":
        d = d[(d["id"] + d["t"]) % 5 != 0]
    if what == "nothing":
        d["y"] = np.nan
    return d


@pytest.mark.parametrize(
    ("what", "options", "said"),
    [
        ("all early", {}, "in or before its first usable period"),
        ("a 0/1 column", {}, "goes to treatment="),
        ("nobody", {}, "Nobody's treatment starts"),
        ("never on", {}, "Nobody's treatment starts"),
        ("no never", {}, "comparison='not-yet'"),
        ("one start", {"comparison": "not-yet"}, "Every unit starts in the same period"),
        ("one unit", {}, "Group 4, period 2: the group has 1 unit here"),
        ("one control", {}, "the comparison has 1 unit here"),
        ("determined", {"covariates": "x"}, "nobody comparable is left"),
        ("constant", {}, "'y' does not vary"),
        ("all holes", {}, "holes='pairs'"),
        ("nothing", {}, "150 with no outcome"),
        ("", {"cluster": "area"}, "the group has 1 cluster here"),
        ("", {"anticipation": 4}, "100 with no period before the unit anticipates"),
    ],
)
def test_roll_outs_refused(frame: pd.DataFrame, what: str, options: Any, said: str) -> None:
    with pytest.raises(CannotEstimate) as error:
        effects(change(frame, what), **options)
    assert said in str(error.value)


def test_rows_that_contradict_each_other(frame: pd.DataFrame) -> None:
    twice = pd.concat([frame, frame.iloc[:3]])
    with pytest.raises(InvalidInput, match=r"3 unit\(s\) by period have more than one row"):
        effects(twice)
    back = frame.assign(on=frame["on"].where(frame["t"] != 5, 0))
    with pytest.raises(InvalidInput, match=r"20 unit\(s\) are treated and later untreated"):
        effects(back, first_treated=None, treatment="on")
    with pytest.raises(CannotEstimate, match="never switches on"):
        effects(frame.assign(on=0), first_treated=None, treatment="on")
    with pytest.raises(InvalidInput, match="0, which means never treated"):
        effects(frame.assign(t=frame["t"] - 3))
    some = frame.assign(g=frame["g"].astype(float))
    some.loc[4, "g"] = np.nan
    some.loc[some.index[60], "g"] = 2
    with pytest.raises(InvalidInput, match=r"more than one value within 1 unit\(s\)"):
        effects(some)


def test_no_message_holds_a_value_of_the_data(frame: pd.DataFrame) -> None:
    named = frame.assign(id=frame["id"].map("CANARY{}".format))
    for options in ({"first_treated": "late"}, {"cluster": "late"}, {"weights": "late"}):
        with pytest.raises(InvalidInput) as error:
            effects(named, **options)
        assert "CANARY" not in str(error.value)


def test_summaries_refused(frame: pd.DataFrame) -> None:
    e = effects(frame)
    with pytest.raises(InvalidInput, match="simple, group, dynamic, calendar"):
        e.overall("mean")
    for balance in (-1, True, "two"):
        with pytest.raises(InvalidInput, match="balance="):
            e.event_study(balance=balance)
    with pytest.raises(InvalidInput, match="no group is seen that long"):
        e.event_study(balance=3)


def test_what_limits_an_answer_is_said(frame: pd.DataFrame) -> None:
    late = frame[frame["t"] > 1].assign(g=frame["g"].replace(4, 3))
    e = effects(late)
    assert e.pretrend.statistic is None
    assert "single period before the start" in e.pretrend.sentence
    assert any("single period before the start" in note for note in e.notes)
    assert any("30 units are few" in note for note in e.notes)
    small = effects(frame[(frame["g"] != 4) | (frame["id"] < 23)])
    assert "Groups with fewer than 5 units: 4 (3)" in small.notes
    early = effects(frame.assign(g=frame["g"].replace(4, 1)))
    assert "10 unit(s) left out: a unit treated in or before the first period" in early.notes
    assert dict(early.dropped_why) == {"a unit treated in or before the first period": 50}
    holes = effects(frame[(frame["g"] != 4) | (frame["t"] != 2)])
    assert "No unit of the group first treated in 4 is left" in holes.notes
    parallel = effects(frame).pretrend
    assert "does not show that trends were parallel" in parallel.sentence
    few = effects(frame.assign(area=frame["id"] % 3), cluster="area")
    assert "too few to test" in few.pretrend.sentence or few.pretrend.notes
    tilted = frame.assign(y=frame["y"] + 5 * frame["t"] * (frame["g"] > 0))
    assert "did not move in parallel" in effects(tilted).pretrend.sentence


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"se": "HC3"}, "Allowed: auto, CR1S, CR2"),
        ({"treatment": "x"}, "0 and 1, or true and false"),
        ({"cluster": "t", "se": "CR2"}, "clusters that hold whole units"),
        ({"unit": "area"}, "more than one row"),
    ],
)
def test_fixed_effects_calls_refused(frame: pd.DataFrame, options: Any, said: str) -> None:
    with pytest.raises(InvalidInput) as error:
        fixed(frame, **options)
    assert said in str(error.value)


def test_fixed_effects_that_cannot_be_told(frame: pd.DataFrame) -> None:
    for status in (0, (frame["g"] > 0).astype(int), (frame["t"] > 2).astype(int)):
        with pytest.raises(CannotEstimate, match="must change within units"):
            fixed(frame.assign(on=status))
    with pytest.raises(CannotEstimate, match="one cluster"):
        fixed(frame.assign(area=1), cluster="area")
    with pytest.raises(CannotEstimate, match="one value"):
        fixed(frame.assign(y=2))
    with pytest.raises(CannotEstimate, match="more than one period"):
        fixed(frame[frame["t"] == 2])
    back = fixed(frame.assign(on=frame["on"].where(frame["t"] != 5, 0)))
    assert "treated and later untreated" in str(back.warning)
    holes = fixed(frame.drop(index=frame.index[[3, 61]]))
    assert "units have holes" in str(holes.warning)


def test_comparisons_refused(frame: pd.DataFrame) -> None:
    call = {"outcome": "y", "unit": "id", "period": "t", "treatment": "on"}
    gap = frame.drop(index=frame.index[[3, 61]])
    with pytest.raises(
        InvalidInput, match=r"2 unit\(s\) are not seen in every one of the 5 periods"
    ):
        bacon_weights(gap, **call)
    fewer = bacon_weights(gap, **call, holes="balanced")
    assert fewer.dropped_why == (("a unit not seen in every period", 8),)
    with pytest.raises(InvalidInput, match="one of them"):
        bacon_weights(frame, **call, first_treated="g")
    with pytest.raises(InvalidInput, match="later untreated"):
        bacon_weights(frame.assign(on=frame["on"].where(frame["t"] != 5, 0)), **call)
    with pytest.raises(CannotEstimate, match="never switches on"):
        bacon_weights(frame.assign(on=0), **call)
    with pytest.raises(CannotEstimate, match="start treatment together"):
        bacon_weights(frame.assign(on=(frame["t"] > 2).astype(int)), **call)


def test_event_studies_refused(frame: pd.DataFrame) -> None:
    call = {"outcome": "y", "unit": "id", "period": "t", "first_treated": "g"}
    with pytest.raises(CannotEstimate, match="comparison='not-yet'"):
        event_study_regression(frame[frame["g"] > 0], **call)
    with pytest.raises(InvalidInput, match="base=9"):
        event_study_regression(frame, **call, base=9)
    with pytest.raises(InvalidInput, match="interaction-weighted, two-way"):
        event_study_regression(frame, **call, method="sunab")
    with pytest.raises(CannotEstimate, match="No unit starts"):
        event_study_regression(frame.assign(g=0), **call)


@pytest.fixture
def two(frame: pd.DataFrame) -> pd.DataFrame:
    d = frame[frame["t"].isin([1, 5])].reset_index(drop=True)
    return d.assign(arm=(d["g"] > 0).astype(int), when=np.where(d["t"] == 5, "spring", "autumn"))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"unit": None}, "repeated_cross_sections=True"),
        ({"period": "when"}, "Name the later period with after="),
        ({"period": "when", "after": "summer"}, "Allowed: 'autumn' or 'spring'"),
        ({"period": "g"}, "use group_time_effects for more"),
        ({"treatment": "x"}, "0 and 1, or true and false"),
        ({"df": "welch"}, "df='welch'"),
        ({"repeated_cross_sections": "yes"}, "True or False"),
        ({"cluster": "t"}, "clusters that hold whole units"),
    ],
)
def test_two_by_two_calls_refused(two: pd.DataFrame, options: Any, said: str) -> None:
    with pytest.raises(InvalidInput) as error:
        pair(two, **options)
    assert said in str(error.value)


def test_two_groups_that_cannot_be_compared(two: pd.DataFrame) -> None:
    assert pair(two, period="when", after="spring").estimate == pair(two).estimate
    with pytest.raises(InvalidInput, match="more than one row"):
        pair(pd.concat([two, two.iloc[:1]]))
    with pytest.raises(InvalidInput, match="later untreated"):
        pair(two.assign(arm=two["arm"] * (two["t"] == 1)))
    with pytest.raises(CannotEstimate, match="at least 2 are needed"):
        pair(two[(two["arm"] == 0) | (two["id"] == 15)])
    with pytest.raises(CannotEstimate, match="seen in both periods"):
        pair(two[(two["t"] == 5) == (two["id"] % 2 == 0)])
    with pytest.raises(CannotEstimate, match="one value"):
        pair(two.assign(y=0))
    with pytest.raises(CannotEstimate, match="changed by the same amount"):
        pair(two.assign(y=two["t"]))
    with pytest.raises(CannotEstimate, match="comparison group has one cluster"):
        pair(two, cluster="area")
    partly = two.assign(arm=two["arm"] * ((two["t"] == 5) | (two["id"] == 29)))
    e = pair(partly)
    assert dict(e.dropped_why) == {"a unit already treated before": 2}
    assert any("changes within units" in note for note in e.notes)
    assert any("rests on argument alone" in note for note in e.notes)
