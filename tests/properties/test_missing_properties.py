"""What must hold of patterns, Little's test, response models and flags, whatever the data."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from evalkit.stats.balancing import balance
from evalkit.stats.missing.answering import fast_answers, straight_lining
from evalkit.stats.missing.little import little_mcar
from evalkit.stats.missing.patterns import missing_patterns
from evalkit.stats.missing.response import response_model
from evalkit.stats.missing.stayers import stayers_and_leavers
from evalkit.stats.missing.wave_patterns import wave_patterns

CALL = {"observed": "seen", "treatment": "arm", "covariates": ["age", "area"]}


def scores(seed: int, n: int = 80) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(rng.normal(size=(n, 4)) @ rng.normal(size=(4, 4)), columns=list("abcd"))
    return frame.mask(rng.random((n, 4)) < 0.15)


def trial(seed: int, n: int = 300) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"arm": rng.integers(0, 2, n), "age": rng.normal(35, 8, n)})
    frame["area"] = rng.choice(["city", "town"], n)
    frame["family"] = rng.integers(0, 60, n)
    chance = 1 / (1 + np.exp(-0.8 - 0.05 * (frame["age"] - 35)))
    frame["seen"] = (rng.random(n) < chance).astype(int)
    return frame


def close(found: Any, expected: Any, rtol: float = 1e-6) -> None:
    np.testing.assert_allclose(found, expected, rtol=rtol, atol=1e-9)


# --- Patterns -------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [1, 2])
def test_patterns_add_up(seed: int) -> None:
    frame = scores(seed)
    before = frame.copy()
    found = missing_patterns(frame)
    table = found.to_frame()
    assert table["n"].sum() == len(frame) == found.n_rows
    assert (table["n"] * table["n_missing"]).sum() == frame.isna().sum().sum()
    assert list(table["n_missing"]) == sorted(table["n_missing"])
    parts = found.pairs[["both", "first_only", "second_only", "neither"]].sum(axis=1)
    assert set(parts) == {len(frame)}
    shuffled = missing_patterns(frame.sample(frac=1, random_state=3))
    pd.testing.assert_frame_equal(shuffled.to_frame(), table)
    pd.testing.assert_frame_equal(frame, before)


def test_monotone_is_seen_whatever_the_order_of_columns() -> None:
    frame = pd.DataFrame({"late": [1, None, None], "early": [1, 2, None], "first": [1, 2, 3]})
    assert missing_patterns(frame).monotone
    frame.loc[2, "late"] = 5
    assert not missing_patterns(frame).monotone
    assert missing_patterns(pl.DataFrame({"a": [1, None], "b": ["x", None]})).n_empty == 1
    assert missing_patterns(frame, "first").to_frame()["pattern"].tolist() == ["1"]


def test_waves_of_each_kind() -> None:
    frame = pd.DataFrame(
        {
            "w1": [1, 1, None, 1, None, 1],
            "w2": [1, None, 2, None, None, 2],
            "w3": [1, None, 3, 3, None, None],
            "arm": [1, 1, 1, 0, 0, None],
        }
    )
    found = wave_patterns(frame, waves=["w1", "w2", "w3"], treatment="arm")
    kinds = ["complete", "monotone", "intermittent", "intermittent", "never", "monotone"]
    assert list(found.people["kind"]) == kinds
    assert list(found.people["last_wave"]) == ["w3", "w1", "w3", "w3", None, "w2"]
    assert list(found.people["pattern"]) == ["111", "100", "011", "101", "000", "110"]
    table = found.to_frame().set_index(["arm", "kind"])["n"]
    assert dict(table["all"]) == {"complete": 1, "monotone": 2, "intermittent": 2, "never": 1}
    assert dict(table["comparison"]) == {
        "complete": 0,
        "monotone": 0,
        "intermittent": 1,
        "never": 1,
    }
    assert (found.monotone, found.n_no_arm) == (False, 1)
    by_wave = found.by_wave.set_index(["arm", "wave"])["n_present"]
    assert list(by_wave["all"]) == [4, 3, 3] and list(by_wave["treatment"]) == [2, 2, 2]
    assert wave_patterns(frame.iloc[[0, 1, 4]], waves=["w1", "w2", "w3"]).monotone


# --- Little's test --------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [1, 2])
def test_little_does_not_move_with_units_order_or_rows(seed: int) -> None:
    frame = scores(seed)
    e = little_mcar(frame)
    other = (frame * [1, -100, 0.01, 7] + [0, 1e4, 3, -2])[["c", "a", "d", "b"]]
    found = little_mcar(other.sample(frac=1, random_state=1))
    close([found.statistic, found.p_value], [e.statistic, e.p_value])
    assert found.df == e.df
    empty = pd.concat([frame, frame.iloc[:2] * np.nan])
    again = little_mcar(empty)
    close(again.statistic, e.statistic)
    assert again.n_dropped == 2 + e.n_dropped and again.dropped_why[0][0] == "no value at all"


def test_little_with_two_columns_by_hand() -> None:
    """One column complete: its mean and variance are plain, and so is the test."""
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=50), rng.normal(size=50)
    gone = rng.random(50) < 0.3
    found = little_mcar(pd.DataFrame({"x": x, "y": np.where(gone, np.nan, y)}))
    slope = np.cov(x[~gone], y[~gone])[0, 1] / np.var(x[~gone], ddof=1)
    by_hand = gone.sum() * (x[gone].mean() - x.mean()) ** 2 / x.var()
    by_hand += (~gone).sum() * (x[~gone].mean() - x.mean()) ** 2 / x.var()
    close(found.means, [x.mean(), y[~gone].mean() + slope * (x.mean() - x[~gone].mean())])
    close([found.statistic, found.df], [by_hand, 1])


def _rejections(runs: int, n: int, seed: int, pull: float) -> float:
    rng = np.random.default_rng(seed)
    found = 0
    for _ in range(runs):
        x = rng.normal(size=(n, 3))
        x[:, 1] += x[:, 0]
        gone = rng.random((n, 2)) < 1 / (1 + np.exp(1.2 - pull * x[:, :1]))
        x[:, 1:][gone] = np.nan
        found += little_mcar(pd.DataFrame(x, columns=list("abc"))).p_value < 0.05
    return found / runs


def test_little_holds_its_level_and_finds_what_depends() -> None:
    assert _rejections(80, 100, seed=1, pull=0.0) < 0.11
    assert _rejections(25, 100, seed=2, pull=1.2) > 0.8


@pytest.mark.slow
def test_little_holds_its_level_in_full() -> None:
    assert 0.035 < _rejections(3000, 200, seed=3, pull=0.0) < 0.065


# --- Response and stayers -------------------------------------------------------------------------


@pytest.mark.parametrize("cluster", [None, "family"])
def test_swapping_arms_and_outcome_turns_the_odds(cluster: Any) -> None:
    frame = trial(1)
    e = response_model(frame, cluster=cluster, **CALL)
    swapped = response_model(frame.assign(arm=1 - frame["arm"]), cluster=cluster, **CALL)
    lost = response_model(frame.assign(seen=1 - frame["seen"]), cluster=cluster, **CALL)
    key = ["term", "contrast"]
    one, two, three = (r.to_frame().set_index(key) for r in (e, swapped, lost))
    other = {"treatment": "comparison", "comparison": "treatment"}
    for term, contrast in one.index:
        row, turned = one.loc[(term, contrast)], two.loc[(term, other.get(contrast, contrast))]
        inverse = three.loc[(term, contrast)]
        flip = -1 if contrast not in other else 1
        close(np.log(turned["estimate"]), flip * np.log(row["estimate"]))
        close([turned["std_error"], turned["p_value"]], [row["std_error"], row["p_value"]])
        close(
            [inverse["estimate"], inverse["conf_low"]], [1 / row["estimate"], 1 / row["conf_high"]]
        )
    for name in ("differential", "by_covariates", "by_arm"):
        tests = [getattr(r, name) for r in (e, swapped, lost)]
        close([t.p_value for t in tests], [tests[0].p_value] * 3)


def test_each_arm_alone_gives_the_same_odds() -> None:
    """Every covariate by arm: the two arms' own regressions."""
    import statsmodels.api as sm

    frame = trial(2)
    found = response_model(frame, **CALL).to_frame().set_index(["term", "contrast"])
    for value, label in ((1, "treatment"), (0, "comparison")):
        own = frame[frame["arm"] == value]
        x = np.column_stack([np.ones(len(own)), own["age"], own["area"] == "town"]).astype(float)
        model = sm.Logit(own["seen"], x).fit(disp=0, tol=1e-12)
        row = found.loc[("age", label)]
        close(
            [np.log(row["estimate"]), row["std_error"]], [model.params.iloc[1], model.bse.iloc[1]]
        )
    assert set(found["n_treatment"] + found["n_comparison"]) == {len(frame)}


def test_response_counts_who_is_left_out() -> None:
    frame = trial(3)
    frame.loc[:3, "age"] = np.nan
    frame.loc[4, "area"] = None
    found = response_model(pl.from_pandas(frame), **CALL)
    assert found.dropped_why == (("no age", 4), ("no area", 1))
    assert found.n_treatment + found.n_comparison + found.n_dropped == len(frame)


@pytest.mark.slow
def test_the_differential_test_holds_its_level() -> None:
    found = []
    for seed in range(600):
        result = response_model(trial(seed), **CALL).differential
        assert result is not None
        found.append(result.p_value or 0)
    assert 0.03 < np.mean(np.array(found) < 0.05) < 0.075


def test_stayers_compare_like_balance_and_turn_with_the_arms() -> None:
    frame = trial(4)
    names = ["age", "area"]
    table = stayers_and_leavers(frame, **CALL).to_frame()
    everybody = table[table["among"] == "everybody"]
    expected = balance(frame, treatment="arm", covariates=names, estimand="ATE")
    close(everybody["smd"], expected["smd"])
    swapped = stayers_and_leavers(frame.assign(arm=1 - frame["arm"]), **CALL).to_frame()
    among = swapped["among"].replace({"treatment": "comparison", "comparison": "treatment"})
    key = ["covariate", "groups", "among"]
    both = table.merge(swapped.assign(among=among), on=key)
    sign = np.where(both["groups"] == "treatment - comparison", -1, 1)
    close(both["smd_x"], sign * both["smd_y"])
    scaled = stayers_and_leavers(frame.assign(age=frame["age"] * 12 + 5), **CALL).to_frame()
    close(scaled["smd"], table["smd"])


def test_stayers_when_nobody_left() -> None:
    found = stayers_and_leavers(trial(5).assign(seen=True), **CALL).to_frame()
    left = found[(found["among"] == "leavers") | (found["groups"] == "stayers - leavers")]
    assert left["smd"].isna().all() and left["difference"].isna().all()
    assert found["smd"].notna().sum() == 6
    same = stayers_and_leavers(trial(5).assign(age=3.0), **CALL)
    assert same[0].sd == 0 and same[0].smd is None and same[0].difference == 0


# --- Flags ----------------------------------------------------------------------------------------


def test_straight_lines() -> None:
    items = pd.DataFrame(
        [
            [2, 2, 2, 2, 2, 2],
            [2, 2, 2, 3, 2, 2],
            [0, 1, 2, 0, 1, 2],
            [1, None, 1, 1, None, 1],
            [1, None, None, 1, None, 1],
            [None] * 6,
        ],
        columns=[f"q{i}" for i in range(6)],
        dtype=float,
    )
    found = straight_lining(items, reverse=["q1", "q3", "q5"])
    people = found.to_frame()
    assert list(people["longest_run"]) == [6, 3, 1, 4, 3, 0]
    assert list(people["flagged"]) == [True, False, False, True, None, None]
    assert list(people["n_answered"]) == [6, 6, 6, 4, 3, 0]
    close(people["share_same"], [1, 5 / 6, 1 / 3, 1, 1, np.nan])
    close(people["sd"][:5], items.std(axis=1)[:5])
    assert np.isnan(people["sd"][5])
    assert (found.n_rows, found.n_judged, found.n_flagged) == (6, 4, 2)
    turned = straight_lining(4 - items, reverse=["q0", "q2", "q4"]).to_frame()
    pd.testing.assert_frame_equal(turned, people)


def test_fast_answers() -> None:
    found = fast_answers([49.9, 50, None, 10], [25, 25, 25, 0])
    assert list(found.to_frame()["flagged"]) == [True, False, None, None]
    assert (found.n_judged, found.n_flagged, found.share_flagged) == (2, 1, 0.5)
    assert fast_answers([49.9, 50], 25, per_item=1).n_flagged == 0
    assert fast_answers([None, None], 5).share_flagged is None
