"""What must hold of effects by wave, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.errors import CannotEstimate, InvalidInput, NotConverged
from evalkit.stats.clusters.mixed_models import mixed_difference
from evalkit.stats.least_squares.differences import mean_difference
from evalkit.stats.over_time.estimating_equations import fit_gee
from evalkit.stats.over_time.waves import RepeatedMeasures, repeated_measures

quick = settings(deadline=None, max_examples=12)
SHAPE = ("df", "p_value", "effect_size", "effect_low", "effect_high")
NUMBERS = ("estimate", "std_error", "conf_low", "conf_high", *SHAPE)
SEEDS = st.integers(0, 10_000)
OPTIONS = st.sampled_from(
    [
        {},
        {"cluster": "family"},
        {"correlation": "ar1", "covariates": ["kind"]},
        {"correlation": "unstructured", "baseline_by_wave": False},
        {"correlation": "independence", "cluster": "family", "se": "MD"},
        {"method": "mixed"},
        {"method": "mixed", "cluster": "family"},
    ]
)


def made(seed: int, *, people: int = 36, waves: int = 3) -> pd.DataFrame:
    """Return people of families in two arms, seen at three waves, some rows lost."""
    rng = np.random.default_rng(seed)
    person, wave = np.repeat(np.arange(people), waves), np.tile(np.arange(1, waves + 1), people)
    frame = pd.DataFrame({"person": person, "wave": wave, "family": person // 2})
    frame["arm"] = frame["family"] % 2
    frame["kind"] = np.array(["a", "b", "c"])[rng.integers(0, 3, people)][person]
    frame["base"] = rng.normal(10, 3, people)[person]
    level = rng.normal(0, 1.5, people)[person] + rng.normal(0, 1, people)[person // 2]
    frame["y"] = 3 + 0.4 * frame["base"] + frame["arm"] * wave / 2 + level
    frame["y"] += rng.normal(0, 1.5, len(frame))
    frame["yes"] = (frame["y"] > frame["y"].median()).astype(int)
    return frame.drop(frame.sample(frac=0.1, random_state=seed).index)


def effects(frame: Any, **options: Any) -> RepeatedMeasures:
    call = {"outcome": "y", "treatment": "arm", "person": "person", "wave": "wave"}
    return repeated_measures(frame, **(call | {"baseline": "base"} | options))


def every(found: RepeatedMeasures, name: str) -> list[float]:
    values = [getattr(row, name) for row in (*found, found.average)]
    return [np.nan if value is None else value for value in values]


def same(one: RepeatedMeasures, other: RepeatedMeasures, names: Any = NUMBERS) -> None:
    for name in names:
        np.testing.assert_allclose(every(other, name), every(one, name), rtol=1e-6, atol=1e-8)
    assert (one.interaction is None) == (other.interaction is None)
    if one.interaction and other.interaction:
        assert other.interaction.statistic == pytest.approx(one.interaction.statistic, rel=1e-6)
        assert other.interaction.df == pytest.approx(one.interaction.df, rel=1e-6)


@quick
@given(SEEDS, OPTIONS)
def test_swapping_the_arms_turns_the_sign(seed: int, options: dict[str, Any]) -> None:
    frame = made(seed)
    one, other = effects(frame, **options), effects(frame, treated=0, **options)
    same(one, other, ("std_error", "df", "p_value"))
    for name in ("estimate", "effect_size", "statistic"):
        np.testing.assert_allclose(every(other, name), -np.array(every(one, name)), rtol=1e-6)


@quick
@given(SEEDS, OPTIONS)
def test_order_and_labels_mean_nothing(seed: int, options: dict[str, Any]) -> None:
    frame = made(seed)
    mixed = frame.sample(frac=1, random_state=seed)
    mixed["person"] = [f"p{(p * 7 + 3) % 101}" for p in mixed["person"]]
    mixed["family"] = [f"f{(f * 5 + 1) % 37}" for f in mixed["family"]]
    same(effects(frame, **options), effects(mixed, **options))


@quick
@given(SEEDS, OPTIONS, st.sampled_from([1e-3, 7.0, 1e5]), st.sampled_from([0.0, 1e5]))
def test_scale_and_level(seed: int, options: dict[str, Any], factor: float, shift: float) -> None:
    frame = made(seed)
    one = effects(frame, **options)
    scaled = frame.assign(y=(frame["y"] + shift) * factor, base=frame["base"] * 100 - 5)
    other = effects(scaled, **options)
    same(one, other, SHAPE)
    for name in ("estimate", "std_error"):
        np.testing.assert_allclose(
            every(other, name), factor * np.array(every(one, name)), rtol=1e-6
        )


@quick
@given(SEEDS)
def test_odds_ratios_invert_when_the_arms_swap(seed: int) -> None:
    frame = made(seed, people=60)
    call = {"outcome": "yes", "family": "binomial", "cluster": "family"}
    one, other = effects(frame, **call), effects(frame, treated=0, **call)
    np.testing.assert_allclose(every(other, "estimate"), 1 / np.array(every(one, "estimate")))
    np.testing.assert_allclose(every(other, "conf_low"), 1 / np.array(every(one, "conf_high")))
    same(one, other, ("std_error", "df", "p_value"))


@quick
@given(SEEDS, st.sampled_from(["independence", "exchangeable", "ar1"]))
def test_the_equations_hold(seed: int, kind: str) -> None:
    """At the estimate the sums of D'V^-1(y - mu) are zero, with full matrices written out."""
    frame = made(seed)
    matrix = np.column_stack([np.ones(len(frame)), frame["arm"], frame["base"]])
    y, who = frame["y"].to_numpy(), frame["person"].to_numpy()
    place = frame["wave"].to_numpy() - 1
    fitted = fit_gee(
        matrix, y, ["(intercept)", "arm", "base"], subject=pd.factorize(who)[0],
        position=place, correlation=kind,
    )  # fmt: skip
    away = np.abs(place[:, None] - place)
    alpha = fitted.alpha[0] if fitted.alpha else 0.0
    power = away if kind == "ar1" else (away > 0)
    v = np.where(who[:, None] == who, alpha**power, 0.0) if alpha else np.eye(len(y))
    left = matrix.T @ np.linalg.solve(v, y - matrix @ fitted.coefficients)
    assert np.max(np.abs(left)) < 1e-6


@pytest.mark.parametrize("method", ["gee", "mixed"])
def test_clusters_of_one_are_no_clusters(method: str) -> None:
    frame = made(1)
    same(effects(frame, method=method), effects(frame, method=method, cluster="person"))
    assert effects(frame, cluster="person")[0].n_clusters is None


def test_one_wave_is_mean_difference() -> None:
    frame = made(2).query("wave == 2")
    for cluster in (None, "family"):
        found = effects(frame, covariates="kind", cluster=cluster)
        other = mean_difference(
            frame, outcome="y", treatment="arm", covariates=["base", "kind"], cluster=cluster
        )
        assert found.interaction is None and len(found) == 1
        for name in NUMBERS:
            assert getattr(found[0], name) == pytest.approx(getattr(other, name), rel=1e-9)


def test_average_of_a_full_table_is_the_mixed_difference() -> None:
    """Everybody seen at every wave: the average over waves is the plain random intercept's."""
    rng = np.random.default_rng(3)
    frame = made(3).drop(columns="y")
    frame = frame.merge(pd.DataFrame({"wave": [1, 2, 3]}), how="cross", suffixes=("", "_full"))
    frame = frame.drop(columns="wave").rename(columns={"wave_full": "wave"})
    frame = frame.drop_duplicates(["person", "wave"])
    frame["y"] = rng.normal(0, 1, 40)[frame["person"]] + rng.normal(0, 1, len(frame))
    found = effects(frame, method="mixed", baseline=None).average
    other = mixed_difference(
        frame.assign(w=frame["wave"].astype(str)), outcome="y", treatment="arm",
        group="person", covariates="w",
    )  # fmt: skip
    assert found.estimate == pytest.approx(other.estimate, rel=1e-6)
    assert found.df == pytest.approx(34, rel=1e-3)


def test_rows_left_out_are_counted() -> None:
    frame = made(4).reset_index(drop=True)
    frame["kind"] = frame["kind"].astype(object)
    frame.loc[[0, 1, 50], "y"] = np.nan
    frame.loc[7, "kind"] = None
    found = effects(frame, covariates="kind")
    assert found.average.dropped_why == (("no outcome", 3), ("no kind", 1))
    assert sum(row.n_dropped for row in found) == found.average.n_dropped == 4
    for row in found:
        rows = int((frame["wave"].astype(str) == row.wave).sum())
        assert row.n_treatment + row.n_comparison + row.n_dropped == rows
    people = frame.dropna()["person"].nunique()
    assert found.average.n_treatment + found.average.n_comparison == people


def test_the_baseline_may_be_a_wave() -> None:
    frame = made(5)
    first = frame.drop_duplicates("person").assign(wave=0, y=lambda x: x["base"])
    both = pd.concat([first, frame])
    found = effects(both, baseline=0)
    same(effects(frame), found)
    assert found.average.dropped_why == (("used as the baseline", 36),)
    text = both.assign(wave=both["wave"].map({0: "start", 1: "a", 2: "b", 3: "c"}))
    same(found, effects(text, baseline="start"))
    with pytest.raises(InvalidInput, match="is a column and also a value"):
        effects(text.rename(columns={"base": "start"}), baseline="start")


def test_waves_keep_the_order_of_their_categories() -> None:
    frame = made(6)
    names = pd.Categorical.from_codes(frame["wave"] - 1, ["start", "end", "after"], ordered=True)
    found = effects(frame.assign(wave=names), correlation="ar1")
    assert [row.wave for row in found] == ["start", "end", "after"]
    same(effects(frame, correlation="ar1"), found)
    assert list(found.to_frame()["wave"]) == ["start", "end", "after"]
    assert len(found.to_frame(average=True)) == 4


def test_other_frames_and_a_named_arm() -> None:
    import polars as pl

    frame = made(7)
    named = frame.assign(arm=np.where(frame["arm"] == 1, "programme", "usual"))
    same(effects(frame), effects(pl.from_pandas(named), treated="programme"))


def test_a_wave_nobody_answered_is_said() -> None:
    frame = made(8)
    frame.loc[frame["wave"] == 2, "y"] = np.nan
    found = effects(frame)
    assert [row.wave for row in found] == ["1", "3"]
    assert "No row of wave '2' can be used" in found[0].notes[0]


def test_few_events_and_changing_covariates_are_said() -> None:
    frame = made(9)
    found = effects(frame.assign(moving=frame["y"] ** 2 % 7), covariates="moving")
    assert any("changes within people" in note for note in found[0].notes)
    rare = effects(frame, outcome="yes", family="binomial")
    assert any("fewer than 10" in note for note in rare[0].notes)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"person": "persn"}, "Did you mean 'person'?"),
        ({"wave": "person"}, "both as person and as wave"),
        ({"baseline": "bse"}, "neither a column nor a value"),
        ({"baseline": "y"}, "both as outcome and as baseline"),
        ({"treatment": "coded"}, "treated="),
        ({"treatment": "moves"}, "one arm a person"),
        ({"cluster": "wave"}, "each person in one cluster"),
        ({"baseline": "moves"}, "one baseline a person"),
        ({"outcome": "y", "family": "binomial"}, "Allowed: 0 and 1"),
        ({"outcome": "kind"}, "Allowed: numbers"),
        ({"correlation": "toeplitz"}, "unstructured"),
        ({"method": "mixed", "correlation": "ar1"}, "does not go with method='mixed'"),
        ({"method": "mixed", "family": "binomial"}, "Use method='gee'"),
        ({"wave": "word", "correlation": "ar1"}, "ordered category"),
        ({"level": 95}, "between 0 and 1"),
        ({"se": "CR9"}, "KC"),
    ],
)
def test_invalid_calls(options: dict[str, Any], said: str) -> None:
    frame = made(10)
    frame = frame.assign(
        coded=frame["arm"] + 1, moves=frame["wave"] % 2, word=frame["wave"].astype(str)
    )
    with pytest.raises(InvalidInput) as error:
        effects(frame, **options)
    assert said in str(error.value)


def test_a_person_twice_at_a_wave() -> None:
    frame = made(11)
    with pytest.raises(InvalidInput, match="repeat a person"):
        effects(pd.concat([frame, frame.head(2)]))


@pytest.mark.parametrize(
    ("change", "options", "said"),
    [
        ({"y": "constant"}, {}, "does not vary within the arms"),
        ({"y": "flat wave"}, {}, "at wave '2'"),
        ({"y": "exact"}, {}, "fit the outcome exactly"),
        ({"arm": "all"}, {}, "comparison arm has 0 row"),
        ({"arm": "one"}, {}, "treatment arm has 1 person(s)"),
        ({"y": "no comparison at 3"}, {}, "At wave '3' the comparison arm has 0 person(s)"),
        ({"family": "arm"}, {"cluster": "family"}, "has one cluster"),
        ({"base": "arm"}, {}, "determined by"),
        ({"yes": "none treated"}, {"outcome": "yes", "family": "binomial"}, "for everybody in"),
        ({"base": "outcome"}, {"outcome": "yes", "family": "binomial"}, "separated"),
    ],
)
def test_what_cannot_be_estimated(change: Any, options: dict[str, Any], said: str) -> None:
    frame = made(12)
    late, yes = frame["wave"] == 3, (frame["person"] % 3 == 0).astype(int)
    special = {
        "constant": pd.Series(1.0, frame.index),
        "flat wave": frame["y"].where(frame["wave"] != 2, frame["arm"] * 2.0),
        "exact": frame["arm"] * frame["wave"] + frame["base"],
        "all": pd.Series(1, frame.index),
        "one": (frame["person"] == 2).astype(int),
        "no comparison at 3": frame["y"].mask(late & (frame["arm"] == 0)),
        "arm": frame["arm"] * 3.0,
        "none treated": frame["yes"].where((frame["arm"] == 0) | late, 0),
        "outcome": yes * 2.0 + frame["person"] / 100,
    }
    column, kind = next(iter(change.items()))
    frame[column] = special[kind]
    if kind == "outcome":
        frame["yes"] = yes
    with pytest.raises(CannotEstimate) as error:
        effects(frame, **options)
    assert said in str(error.value)


def test_a_correlation_that_cannot_be_is_not_converged() -> None:
    """Answers that swing against one another between waves, with people of one wave beside."""
    rng = np.random.default_rng(13)
    frame = made(13, waves=6)
    sign = np.where(frame["wave"] <= 3, 1, -1)
    frame["y"] = sign * rng.normal(0, 9, 40)[frame["person"]] + rng.normal(0, 0.1, len(frame))
    frame = frame[(frame["person"] % 6 != 0) | (frame["wave"] % 3 == 0)]
    thin = frame[(frame["person"] + frame["wave"]) % 4 != 0]
    with pytest.raises((NotConverged, CannotEstimate)) as error:
        effects(thin, correlation="unstructured", baseline=None)
    assert "Use correlation=" in str(error.value)


def test_waves_never_seen_together() -> None:
    frame = made(14)
    frame = frame[(frame["wave"] == 2) | ((frame["person"] % 2 == 0) == (frame["wave"] == 1))]
    with pytest.raises(CannotEstimate, match="Nobody was seen at both wave number 1 and 3"):
        effects(frame, correlation="unstructured")


def test_one_row_a_person_is_a_repeated_cross_section() -> None:
    frame = made(15, people=90).drop_duplicates("person", keep="first")
    frame["wave"] = frame["person"] % 3
    one, other = effects(frame), effects(frame, correlation="independence")
    same(one, other)
    assert one.alpha == (0.0,)


def test_a_random_intercept_needs_people_seen_twice() -> None:
    with pytest.raises(CannotEstimate, match="More rows to a group"):
        effects(made(16).query("wave == 1"), method="mixed")


def test_answers_that_never_change_have_no_working_correlation() -> None:
    frame = made(17)
    frame["y"] = frame["person"] ** 2.0
    with pytest.raises(NotConverged, match="independence"):
        effects(frame, baseline=None)
    assert effects(frame, baseline=None, correlation="independence").average.std_error > 0


def test_nullable_columns_and_whole_numbers_as_floats() -> None:
    frame = made(18)
    other = frame.assign(
        wave=frame["wave"].astype("Float64"), arm=frame["arm"].astype("boolean"),
        y=frame["y"].astype("Float64"), person=frame["person"].astype("string"),
    )  # fmt: skip
    extra = other.tail(2).assign(wave=pd.NA, person=["new", pd.NA])
    found = effects(pd.concat([other, extra]))
    same(effects(frame), found)
    assert [row.wave for row in found] == ["1", "2", "3"]
    assert found.average.n_dropped == 2
