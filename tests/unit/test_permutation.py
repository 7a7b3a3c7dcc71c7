"""Randomisation tests and step-down p-values: what must hold, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from evalkit.errors import CannotEstimate, InvalidInput
from evalkit.stats import adjust_p, mean_difference
from evalkit.stats.redrawing import assignments as making
from evalkit.stats.redrawing.rerandomising import permutation_test
from evalkit.stats.redrawing.step_down import romano_wolf, westfall_young

TEST = {"outcome": "y", "treatment": "z", "seed": 7}
SEVERAL = {"outcomes": ["y", "y2"], "treatment": "z", "seed": 7}
KINDS = [
    {},
    {"statistic": "t"},
    {"statistic": "t", "covariates": "x"},
    {"strata": "block", "covariates": ["x", "town"]},
    {"cluster": "family", "statistic": "t", "covariates": "x"},
    {"cluster": "family", "strata": "block"},
]


@pytest.fixture
def study() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    family = np.repeat(np.arange(10), [1, 2, 3, 1, 2, 1, 2, 3, 2, 1])
    frame = pd.DataFrame({"family": family, "z": np.array([1, 0, 0, 1, 1, 0, 1, 0, 1, 0])[family]})
    frame["block"] = np.where(family < 5, "north", "south")
    frame["x"] = rng.normal(size=len(frame)).round(2)
    frame["town"] = rng.choice(["a", "b"], len(frame))
    frame["y"] = (frame["z"] + frame["x"] + rng.normal(size=len(frame))).round(2)
    frame["y2"] = (0.5 * frame["z"] + rng.normal(size=len(frame))).round(2)
    return frame


@pytest.fixture
def large() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({"z": rng.permutation(np.repeat([0, 1], 40)), "x": rng.normal(size=80)})
    frame["y"] = 0.4 * frame["z"] + rng.normal(size=80)
    frame["y2"] = frame["y"] + rng.normal(size=80)
    return frame


def both(frame: Any, **options: Any) -> list[float]:
    found = permutation_test(frame, **(TEST | options))
    return [found.estimate, found.statistic, found.p_value]


@pytest.mark.parametrize("kind", KINDS)
def test_rows_labels_and_units_of_measurement_mean_nothing(study: Any, kind: Any) -> None:
    found = permutation_test(study, **(TEST | kind))
    assert found.exact
    expected = pytest.approx([found.estimate, found.statistic, found.p_value], rel=1e-9)
    assert both(study.sample(frac=1, random_state=1), **kind) == expected
    relabelled = study.assign(
        family=study["family"].map(lambda g: f"f{(7 * g) % 10}"),
        block=study["block"].map({"north": 2, "south": 1}),
    )
    assert both(relabelled, **kind) == expected
    assert both(pl.from_pandas(study), **kind) == expected
    rescaled = permutation_test(study.assign(y=64 + 8 * study["y"]), **(TEST | kind))
    assert rescaled.p_value == found.p_value
    assert rescaled.estimate == pytest.approx(8 * found.estimate, rel=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_swapping_the_arms_flips_the_sign(study: Any, kind: Any) -> None:
    swapped = study.assign(z=1 - study["z"])
    for one, other in (("two-sided", "two-sided"), ("greater", "less"), ("less", "greater")):
        found = permutation_test(study, alternative=one, **(TEST | kind))
        turned = permutation_test(swapped, alternative=other, **(TEST | kind))
        assert turned.estimate == pytest.approx(-found.estimate, rel=1e-9)
        assert turned.p_value == found.p_value


@pytest.mark.parametrize("kind", KINDS)
def test_the_estimate_is_that_of_mean_difference(study: Any, kind: Any) -> None:
    options = {key: value for key, value in kind.items() if key != "statistic"}
    model = mean_difference(study, outcome="y", treatment="z", **options)
    found = permutation_test(study, **(TEST | kind | {"statistic": "t"}))
    assert found.estimate == pytest.approx(model.estimate, rel=1e-9)
    assert found.std_error == pytest.approx(model.std_error, rel=1e-9)
    assert found.n_clusters == model.n_clusters
    assert (found.n_treatment, found.n_comparison) == (model.n_treatment, model.n_comparison)


def test_singleton_clusters_are_no_clusters(study: Any) -> None:
    few = study.iloc[:12].assign(person=range(12))
    for statistic in ("difference", "t"):
        options = {"statistic": statistic, "covariates": "x"}
        assert both(few, cluster="person", **options) == both(few, **options)


def test_no_assignment_beats_the_best() -> None:
    frame = pd.DataFrame({"y": range(12), "z": [0] * 6 + [1] * 6})
    found = permutation_test(frame, **TEST)
    assert (found.as_extreme, found.assignments, found.p_error) == (2, 924, 0)
    assert permutation_test(frame, alternative="greater", **TEST).p_value == 1 / 924
    assert permutation_test(frame, alternative="less", **TEST).p_value == 1
    far = pd.DataFrame({"y": range(60), "z": [0] * 30 + [1] * 30})
    sampled = permutation_test(far, permutations=99, **TEST)
    assert (sampled.p_value, sampled.as_extreme, sampled.exact) == (1 / 100, 0, False)


def test_sampled_agrees_with_exact(study: Any, monkeypatch: Any) -> None:
    for kind in KINDS:
        exact = permutation_test(study, **(TEST | kind))
        with monkeypatch.context() as patch:
            patch.setattr(making, "EXACT", 0)
            sampled = permutation_test(study, permutations=4000, **(TEST | kind))
        assert not sampled.exact
        assert abs(sampled.p_value - exact.p_value) < 5 * sampled.p_error


def test_keys_that_tie_are_drawn_again(monkeypatch: Any) -> None:
    """With keys of 0 to 7 most sets tie, and each choice is as likely all the same."""
    from itertools import combinations

    real = making._keys
    monkeypatch.setattr(making, "_keys", lambda rng, count: real(rng, count) % 8)
    sampler = making._Sampler([(5, 2, np.arange(5))], 5, 20_000, np.random.default_rng(1))
    arms = sampler(20_000)
    assert np.all(arms.sum(axis=1) == 2)
    sets = [np.all(arms[:, pair] == 1, axis=1).sum() for pair in combinations(range(5), 2)]
    assert sum(sets) == 20_000 and np.ptp(sets) < 5 * np.sqrt(2 * 2000)


def test_a_seed_gives_one_answer(large: Any) -> None:
    weak = {**TEST, "outcome": "x"}
    once = permutation_test(large, **weak)
    assert permutation_test(large, **weak) == once
    assert permutation_test(large, **(weak | {"seed": 8})).as_extreme != once.as_extreme
    assert once.p_value == (once.as_extreme + 1) / (once.assignments + 1)


def test_the_size_of_a_block_does_not_decide(large: Any, study: Any, monkeypatch: Any) -> None:
    exact = permutation_test(study, **TEST, statistic="t", cluster="family")
    monkeypatch.setattr("evalkit.stats.redrawing.rerandomising.NUMBERS", 5_000)
    assert permutation_test(study, **TEST, statistic="t", cluster="family") == exact


def test_the_test_keeps_its_level() -> None:
    """400 studies without an effect: no more than 10% (and its chance) at or below .1."""
    rng = np.random.default_rng(11)
    z = np.repeat([1, 0], 4)
    below = 0
    for _ in range(400):
        frame = pd.DataFrame({"y": rng.exponential(size=8), "z": z})
        below += permutation_test(frame, **TEST).p_value <= 0.1
    assert below / 400 < 0.1 + 3 * np.sqrt(0.1 * 0.9 / 400)


def test_a_function_that_does_the_same_gives_the_same(study: Any) -> None:
    exact = permutation_test(study, **TEST)

    def again(frame: pd.DataFrame, rng: np.random.Generator) -> Any:
        return rng.permutation(frame["z"].to_numpy())

    found = permutation_test(study, reassign=again, permutations=2000, **TEST)
    assert not found.exact
    assert abs(found.p_value - exact.p_value) < 5 * found.p_error
    named = study.assign(z=study["z"].map({1: "group", 0: "usual"}))
    labelled = permutation_test(named, reassign=again, permutations=2000, treated="group", **TEST)
    assert labelled.p_value == found.p_value


def test_a_function_sees_everyone_with_an_arm(study: Any) -> None:
    holes = study.assign(y=study["y"].where(study.index > 2), z=study["z"].where(study.index != 5))
    seen = []

    def coins(frame: pd.DataFrame, rng: np.random.Generator) -> Any:
        seen.append(len(frame))
        frame["y"] = 0.0  # a copy: the study does not change
        return rng.random(len(frame)) < 0.5

    found = permutation_test(holes, reassign=coins, permutations=50, **TEST)
    assert set(seen) == {len(study) - 1}
    assert dict(found.dropped_why) == {"no outcome": 3, "no arm": 1}
    assert found.n_dropped + found.n_treatment + found.n_comparison == len(study)
    assert holes["y"].notna().sum() == len(study) - 3


def test_draws_with_nothing_to_compare_count_as_extreme(study: Any) -> None:
    found = permutation_test(
        study, reassign=lambda frame, rng: np.zeros(len(frame)), permutations=20, **TEST
    )
    assert (found.p_value, found.as_extreme) == (1, 20)
    assert "20 assignment(s) left nothing to compare" in found.notes[0]


def test_one_outcome_needs_no_adjustment(study: Any, large: Any) -> None:
    for frame, options in ((study, {"cluster": "family", "covariates": "x"}), (large, {})):
        alone = permutation_test(frame, statistic="t", **TEST, **options)
        record = westfall_young(frame, **(SEVERAL | {"outcomes": "y"}), **options)[0]
        assert record.p_value == record.p_adjusted == alone.p_value
        assert record.statistic == alone.statistic


@pytest.mark.parametrize("function", [westfall_young, romano_wolf])
def test_step_down_lies_between_alone_and_holm(function: Any, large: Any) -> None:
    large["y3"] = np.random.default_rng(1).normal(size=80)
    found = function(large, outcomes=["y3", "y", "y2"], treatment="z", seed=1).to_frame()
    assert (found["p_adjusted"] >= found["p_value"]).all()
    assert (found["p_adjusted"] <= adjust_p(found["p_value"]) + 0.02).all()
    ordered = found.sort_values("statistic", key=np.abs, ascending=False)["p_adjusted"]
    assert ordered.is_monotonic_increasing
    assert list(found["outcome"]) == ["y3", "y", "y2"]
    turned = function(large, outcomes=["y2", "y3", "y"], treatment="z", seed=1).to_frame()
    merged = found.merge(turned, on="outcome")
    assert list(merged["p_adjusted_x"]) == list(merged["p_adjusted_y"])


@pytest.mark.parametrize("function", [westfall_young, romano_wolf])
def test_an_outcome_twice_costs_nothing(function: Any, large: Any) -> None:
    large["same"] = 3 - 2 * large["y"]
    one, other = function(large, outcomes=["y", "same"], treatment="z", seed=1)
    assert one.p_adjusted == other.p_adjusted == one.p_value
    assert other.statistic == pytest.approx(-one.statistic, rel=1e-9)


def test_romano_wolf_is_like_the_t_test_in_a_large_sample() -> None:
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({"z": np.tile([0, 1], 200), "y": rng.normal(size=400)})
    frame["y"] += 0.15 * frame["z"]
    found = romano_wolf(frame, outcomes="y", treatment="z", permutations=4000, seed=1)[0]
    expected = mean_difference(frame, outcome="y", treatment="z").p_value
    assert found.p_value == pytest.approx(expected, abs=0.03)


def test_romano_wolf_takes_singletons_and_a_function(study: Any, large: Any) -> None:
    people = large.assign(person=range(80))
    options = {"outcomes": ["y", "y2"], "treatment": "z", "seed": 1, "permutations": 300}
    expected = romano_wolf(large, **options).to_frame()
    pd.testing.assert_frame_equal(
        romano_wolf(people, cluster="person", **options).to_frame(), expected
    )
    draw = {"reassign": lambda frame, rng: rng.permutation(frame["z"].to_numpy())}
    one = romano_wolf(large, **options, **draw).to_frame()
    other = westfall_young(large, **options, **draw).to_frame()
    assert list(one["p_adjusted"]) == list(other["p_adjusted"])
    clustered = romano_wolf(study, cluster="family", **options)
    assert clustered[0].n_clusters == 10


def test_rows_without_a_cluster_or_stratum_are_left_out(study: Any) -> None:
    holes = study.assign(
        family=study["family"].where(study.index != 4).astype("Int64"),
        block=study["block"].where(study.index != 9),
    )
    options = {"cluster": "family", "strata": "block", "statistic": "t"}
    found = permutation_test(holes, **TEST, **options)
    assert dict(found.dropped_why) == {"no block": 1, "no cluster": 1}
    expected = permutation_test(study.drop(index=[4, 9]), **TEST, **options)
    assert (found.p_value, found.statistic) == (expected.p_value, expected.statistic)


def test_each_outcome_keeps_its_own_rows(study: Any) -> None:
    holes = study.assign(y2=study["y2"].where(study.index > 3))
    one, other = westfall_young(holes, **SEVERAL)
    assert (one.n_dropped, other.n_dropped) == (0, 4)
    assert one.n_treatment + one.n_comparison == len(study)
    assert other.dropped_why == (("no outcome", 4),)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"outcome": "yy"}, "no such column"),
        ({"statistic": "median"}, "statistic='median'"),
        ({"alternative": "higher"}, "alternative='higher'"),
        ({"permutations": 0}, "permutations=0"),
        ({"permutations": 99.5}, "a whole number, 1 or more"),
        ({"seed": -1}, "seed=-1"),
        ({"seed": True}, "seed=True"),
        ({"cluster": "x2"}, "2 cluster(s) have rows in more than one arm"),
        ({"cluster": "family", "strata": "half"}, "more than one stratum"),
        ({"covariates": "y"}, "both as outcome and as covariates"),
        ({"cluster": "family", "strata": "family"}, "both as strata and as cluster"),
        ({"reassign": [1, 0]}, "reassign is a list"),
        ({"reassign": lambda frame, rng: [1, 0]}, "one arm for each of the 18 rows"),
        ({"reassign": lambda frame, rng: ["t"] * len(frame)}, "returned 't'"),
        ({"reassign": lambda frame, rng: [np.nan] * len(frame)}, "arms coded as 'z' is: 0, 1"),
        (
            {"cluster": "family", "reassign": lambda frame, rng: np.arange(len(frame)) % 2},
            "split a cluster",
        ),
    ],
)
def test_invalid_calls(study: Any, options: Any, said: str) -> None:
    frame = study.assign(x2=np.arange(len(study)) % 2, half=np.arange(len(study)) // 4)
    with pytest.raises(InvalidInput) as error:
        permutation_test(frame, **(TEST | options))
    assert said in str(error.value)


def test_what_cannot_be_tested(study: Any) -> None:
    def refuse(frame: Any, said: str, function: Any = permutation_test, **options: Any) -> None:
        with pytest.raises(CannotEstimate, match=said):
            function(frame, **({"treatment": "z", "seed": 7} | options))

    refuse(study.assign(y=1.0), "does not vary", outcome="y")
    refuse(study.assign(y=study["z"] * 1.0), "does not vary within", outcome="y", statistic="t")
    refuse(study.assign(z=1), "comparison arm has 0 of the rows", outcome="y")
    one = study.assign(z=(study["family"] == 3).astype(int))
    refuse(one, "1 of the clusters", outcome="y", cluster="family", statistic="t")
    refuse(study.assign(copy=study["z"]), "determined by", outcome="y", covariates="copy")
    paired = study.iloc[:8].assign(z=[1, 0] * 4, pair=[0, 0, 1, 1, 2, 2, 3, 3])
    refuse(paired, "Use westfall_young", romano_wolf, outcomes=["y", "y2"], strata="pair")
    with pytest.raises(InvalidInput, match="outcomes is empty"):
        westfall_young(study, outcomes=[], treatment="z", seed=1)
    with pytest.raises(InvalidInput, match="named twice in outcome"):
        romano_wolf(study, outcomes=["y", "y"], treatment="z", seed=1)


def test_only_one_assignment_is_refused() -> None:
    frame = pd.DataFrame({"y": [1.0, 2, 4, 3], "z": [1, 1, 0, 0], "s": [1, 1, 2, 2]})
    with pytest.raises(CannotEstimate):
        permutation_test(frame, strata="s", **TEST)


def test_a_stratum_in_one_arm_stays_as_it_is(study: Any) -> None:
    alone = study.iloc[:3].assign(z=1, block="east")
    more = pd.concat([study, alone], ignore_index=True)
    for statistic in ("difference", "t"):
        options = {**TEST, "strata": "block", "statistic": statistic}
        expected = permutation_test(study, **options)
        found = permutation_test(more, **options)
        assert (found.p_value, found.assignments) == (expected.p_value, expected.assignments)
        assert found.estimate == pytest.approx(expected.estimate, rel=1e-9)


def test_one_treated_cluster_is_ranked_among_all() -> None:
    frame = pd.DataFrame({"g": np.repeat(range(20), 2), "y": np.arange(40.0)})
    frame["z"] = (frame["g"] == 19).astype(int)
    found = permutation_test(frame, cluster="g", alternative="greater", **TEST)
    assert (found.p_value, found.assignments) == (1 / 20, 20)
