"""What must hold of a bootstrap: order, labels and units mean nothing; and what it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.errors import CannotEstimate, InvalidInput
from evalkit.stats.least_squares.differences import mean_difference
from evalkit.stats.redrawing.bootstrap_intervals import quantiles
from evalkit.stats.redrawing.resampling import Bootstrap, bootstrap
from evalkit.stats.sizes.effect_sizes import hedges_g

quick = settings(deadline=None, max_examples=20)
SEEDS = st.integers(0, 10_000)
NUMBERS = ("estimate", "std_error", "bias", "conf_low", "conf_high")
WAYS = [
    {},
    {"covariates": ["x", "sex"], "statistic": "g"},
    {"strata": "block", "method": "basic"},
    {"cluster": "site", "statistic": "g"},
    {"cluster": "site", "covariates": "x", "method": "percentile"},
    {"resample": "residual", "covariates": "x", "statistic": "g"},
    {"method": "studentised", "covariates": "x"},
    {"method": "studentised", "cluster": "site"},
    {"cluster": "family"},
]


def trial(seed: int = 1, sites: int = 12) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    site = np.repeat(np.arange(sites), rng.integers(4, 8, sites))
    frame = pd.DataFrame({"site": site, "arm": site % 2, "x": rng.normal(size=len(site))})
    frame["sex"] = rng.choice(["f", "m"], len(site))
    frame["block"] = np.where(site < sites // 2, "a", "b")
    frame["family"] = np.arange(len(site)) // 3
    frame["y"] = frame["arm"] + frame["x"] + 0.5 * rng.normal(size=sites)[site]
    frame["y"] += rng.normal(size=len(site))
    return frame


def run(frame: Any, **options: Any) -> Bootstrap:
    return bootstrap(
        frame, **({"outcome": "y", "treatment": "arm", "draws": 99, "seed": 3} | options)
    )


def numbers(found: Bootstrap) -> list[float]:
    return [getattr(found, name) for name in NUMBERS]


@quick
@given(SEEDS, st.sampled_from(WAYS))
def test_order_and_labels_mean_nothing(seed: int, way: Any) -> None:
    frame = trial(seed)
    expected = pytest.approx(numbers(run(frame, **way)), rel=1e-9, abs=1e-12)
    assert numbers(run(frame.sample(frac=1, random_state=seed), **way)) == expected
    renamed = frame.assign(site=(5 * frame["site"] + 3) % 12, block=frame["block"] < "b")
    assert numbers(run(renamed, **way)) == expected


@quick
@given(SEEDS, st.sampled_from(WAYS))
def test_swapping_arms_mirrors(seed: int, way: Any) -> None:
    frame = trial(seed)
    one, other = run(frame, **way), run(frame, treated=0, **way)
    mirrored = [-one.estimate, one.std_error, -one.bias, -one.conf_high, -one.conf_low]
    assert numbers(other) == pytest.approx(mirrored, rel=1e-7, abs=1e-9)


@quick
@given(SEEDS, st.sampled_from(WAYS))
def test_units_of_the_outcome(seed: int, way: Any) -> None:
    frame = trial(seed)
    one, other = run(frame, **way), run(frame.assign(y=500 + 10 * frame["y"]), **way)
    factor = 1 if way.get("statistic") == "g" else 10
    assert numbers(other) == pytest.approx([factor * n for n in numbers(one)], rel=1e-7, abs=1e-9)


@quick
@given(SEEDS, st.sampled_from(["difference", "g"]))
def test_clusters_of_one_are_rows(seed: int, statistic: str) -> None:
    frame = trial(seed).assign(person=lambda d: [f"p{i}" for i in range(len(d))])
    one = run(frame, statistic=statistic, covariates="x")
    other = run(frame, statistic=statistic, covariates="x", cluster="person")
    assert numbers(other) == pytest.approx(numbers(one), rel=1e-12)
    assert other.n_clusters is None


@pytest.mark.parametrize("way", WAYS)
def test_the_estimate_is_that_of_mean_difference(way: Any) -> None:
    frame, found = trial(), run(trial(), **way)
    shared = {k: v for k, v in way.items() if k in ("covariates", "strata", "cluster")}
    plain = mean_difference(frame, outcome="y", treatment="arm", **shared)
    expected = plain.effect_size if way.get("statistic") == "g" else plain.estimate
    assert found.estimate == pytest.approx(expected, rel=1e-10)
    assert (found.n_treatment, found.n_clusters) == (plain.n_treatment, plain.n_clusters)
    assert found.conf_low < found.estimate < found.conf_high


@pytest.mark.parametrize("way", [{}, {"strata": "block"}, {"cluster": "site"}, {"cluster": "family"}, {"resample": "residual"}])  # fmt: skip
@pytest.mark.parametrize("method", ["bca", "percentile"])
def test_a_function_gives_what_the_fast_way_gives(way: Any, method: str) -> None:
    def gap(frame: Any) -> float:
        if "strata" in way:
            return float(mean_difference(frame, outcome="y", treatment="arm", **way).estimate)
        return float(frame.loc[frame.arm == 1, "y"].mean() - frame.loc[frame.arm == 0, "y"].mean())

    frame = trial()
    fast, slow = run(frame, method=method, **way), run(frame, method=method, statistic=gap, **way)
    assert numbers(slow) == pytest.approx(numbers(fast), rel=1e-9)
    assert slow.quantity == "gap"

    def own(frame: Any) -> float:
        arms = [frame.loc[frame.arm == value, "y"] for value in (1, 0)]
        return float(hedges_g(*arms).estimate)

    if way == {}:
        assert numbers(run(frame, statistic=own)) == pytest.approx(
            numbers(run(frame, statistic="g")), rel=1e-9
        )


def test_copies_of_a_cluster_are_clusters_of_their_own() -> None:
    seen = []

    def count(frame: Any) -> float:
        seen.append(frame["site"].nunique())
        return float(frame["y"].mean())

    run(trial(), statistic=count, cluster="site", method="percentile")
    assert set(seen[1:]) == {12}


@pytest.mark.parametrize("method", ["bca", "percentile", "basic", "studentised"])
def test_near_the_interval_of_least_squares(method: str) -> None:
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({"arm": np.arange(600) % 2, "y": rng.normal(size=600)})
    found = run(frame, method=method, draws=4_000)
    plain = mean_difference(frame, outcome="y", treatment="arm")
    assert found.std_error == pytest.approx(plain.std_error, rel=0.05)
    ends = [found.conf_low, found.conf_high]
    assert ends == pytest.approx([plain.conf_low, plain.conf_high], abs=0.25 * plain.std_error)


def test_coverage_of_bca_with_skewed_unequal_arms() -> None:
    rng = np.random.default_rng(11)
    arm = np.repeat([1, 0], [25, 60])
    inside = 0
    for seed in range(300):
        frame = pd.DataFrame({"arm": arm, "y": arm + rng.exponential(size=85)})
        found = run(frame, seed=seed, draws=499, level=0.9)
        inside += found.conf_low <= 1 <= found.conf_high
    assert abs(inside / 300 - 0.9) < 0.06


def test_rows_left_out_and_failed_draws_are_counted() -> None:
    frame = trial()
    frame.loc[[0, 1], "y"] = np.nan
    frame.loc[2, "sex"] = None
    found = run(frame, covariates="sex")
    assert dict(found.dropped_why) == {"no outcome": 2, "no sex": 1}
    assert found.n_dropped + found.n_treatment + found.n_comparison == len(frame)

    calls = iter(range(10_000))

    def now_and_then(frame: Any) -> float | None:
        return None if next(calls) % 20 == 7 else float(frame["y"].mean())

    some = run(frame, statistic=now_and_then, method="percentile", draws=100)
    assert some.failed == 5
    assert "5 draw(s)" in some.notes[0]


def test_ties_count_half() -> None:
    """Yes or no in few people: many draws equal the estimate, and BCa must not lean to one side."""
    frame = pd.DataFrame({"arm": np.repeat([0, 1], 12), "y": [0, 1] * 12})
    found = run(frame, draws=3_999)
    assert found.conf_low == pytest.approx(-found.conf_high, abs=1 / 11)
    assert found.acceleration == pytest.approx(0, abs=1e-12)


def test_quantiles_between_and_beyond_the_draws() -> None:
    draws = np.arange(1.0, 100.0)
    (low, high), extreme = quantiles(draws, np.array([0.25, 0.75]))
    assert (low, high, extreme) == (25.0, 75.0, False)
    (low, high), extreme = quantiles(draws, np.array([0.001, 0.9999]))
    assert (low, high, extreme) == (1.0, 99.0, True)


def test_few_clusters_are_said() -> None:
    assert "only 6" in run(trial(), cluster="site").notes[0]
    assert run(trial(), cluster="family").notes == ()
    assert "within arm" not in run(trial(), cluster="family").method


@pytest.mark.parametrize(
    "options",
    [
        {"statistic": "median"}, {"method": "normal"}, {"resample": "wild"}, {"draws": 10},
        {"draws": 99.0}, {"seed": -1}, {"level": 1}, {"resample": "cluster"}, {"treated": 3},
        {"cluster": "site", "resample": "case"}, {"cluster": "site", "resample": "residual"},
        {"method": "studentised", "statistic": "g"}, {"method": "studentised", "resample": "residual"},
        {"method": "studentised", "cluster": "family"}, {"statistic": lambda frame: "a"},
        {"statistic": lambda frame: frame["y"]}, {"cluster": "site", "strata": "sex"},
        {"outcome": "sex"}, {"covariates": "nothing"},
    ],
)  # fmt: skip
def test_refusals(options: Any) -> None:
    with pytest.raises(InvalidInput):
        run(trial(), **options)


def test_treatment_coded_one_and_two_needs_treated() -> None:
    frame = trial()
    coded = frame.assign(arm=frame["arm"] + 1)
    with pytest.raises(InvalidInput, match="treated="):
        run(coded)
    assert numbers(run(coded, treated=2)) == numbers(run(frame))


@pytest.mark.parametrize(
    ("change", "options"),
    [
        (lambda d: d.assign(y=1.0), {}),
        (lambda d: d.assign(y=d["arm"] * 1.0), {}),
        (lambda d: d.assign(y=d["arm"] * 1.0), {"statistic": "g"}),
        (lambda d: d[(d["arm"] == 0) | (d.index == d.index[d["arm"] == 1][0])], {}),
        (lambda d: d[(d["arm"] == 0) | (d["site"] == 1)], {"cluster": "site"}),
        (lambda d: d.assign(pair=[i // 2 for i in range(len(d))], arm=d.index % 2), {"strata": "pair"}),
        (lambda d: d, {"statistic": lambda frame: float("nan")}),
        (lambda d: d, {"statistic": lambda frame: 1.0}),
        (lambda d: d.iloc[:8].assign(arm=[0, 1] * 4, y=[0, 0, 0, 0, 0, 0, 0, 1]), {"statistic": "g"}),
    ],
)  # fmt: skip
def test_what_cannot_be_estimated(change: Any, options: Any) -> None:
    with pytest.raises(CannotEstimate):
        run(change(trial()), **options)


def test_any_frame_and_no_change() -> None:
    pl = pytest.importorskip("polars")
    frame = trial()
    before = frame.copy()
    assert numbers(run(pl.from_pandas(frame), cluster="site")) == numbers(
        run(frame, cluster="site")
    )
    pd.testing.assert_frame_equal(frame, before)
