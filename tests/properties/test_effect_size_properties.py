"""What must hold of effect sizes, sites, several arms and designs, and what they refuse."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_t

from evalkit.errors import CannotEstimate, EvalkitError, InvalidInput
from evalkit.stats.clusters.sites import multisite_difference
from evalkit.stats.least_squares.block_means import difference_in_means
from evalkit.stats.least_squares.differences import mean_difference
from evalkit.stats.least_squares.several_arms import pairwise_differences
from evalkit.stats.least_squares.simultaneous import inside_all
from evalkit.stats.sizes.clustered_sizes import cluster_g
from evalkit.stats.sizes.effect_sizes import hedges_g
from evalkit.stats.sizes.logit_sizes import cox_index, odds_ratio_to_d
from evalkit.stats.sizes.standardised_change import pre_post_control_g, standardised_mean_change
from evalkit.stats.sizes.summary_sizes import (
    glass_delta,
    improvement_index,
    standardised_difference,
)

quick = settings(deadline=None, max_examples=8)
few = settings(deadline=None, max_examples=3)
SEEDS = st.integers(0, 10_000)
SHARED = ("std_error", "df", "p_value")
SIGNED = ("estimate", "statistic", "effect_size")


def made(seed: int, sites: int = 8) -> pd.DataFrame:
    """Return people in sites, both arms in each, in pairs of small clusters and three arms."""
    rng = np.random.default_rng(seed)
    site = np.repeat(np.arange(sites), rng.integers(4, 9, sites) * 2)
    n = len(site)
    frame = pd.DataFrame({"site": site, "arm": np.arange(n) % 2, "x": rng.normal(size=n)})
    effect = rng.normal(1, 1, sites)[site]
    frame["y"] = rng.normal(0, 2, sites)[site] + effect * frame["arm"] + rng.normal(size=n)
    frame["y"] += frame["x"]
    frame["three"] = rng.choice(["a", "b", "c"], n)
    frame["cluster"] = site * 10 + frame["arm"] * 5 + rng.integers(0, 2, n)
    frame["alone"] = np.arange(n)
    return frame


def sites(frame: Any, **options: Any) -> Any:
    call = {"outcome": "y", "treatment": "arm", "site": "site", "covariates": ["x"]} | options
    return multisite_difference(frame, **call)


def blocks(frame: Any, **options: Any) -> Any:
    return difference_in_means(
        frame, **({"outcome": "y", "treatment": "arm", "blocks": "site"} | options)
    )


def arms(frame: Any, **options: Any) -> Any:
    return pairwise_differences(frame, **({"outcome": "y", "arm": "three"} | options))


def same(one: Any, other: Any, names: tuple[str, ...]) -> None:
    for name in names:
        found, expected = getattr(other, name), getattr(one, name)
        assert found == pytest.approx(expected, rel=1e-5, abs=1e-7), name


CALLS = [sites, blocks]
NUMBERS = (*SHARED, *SIGNED, "conf_low", "conf_high")
VARIANCES = ("variance_between", "variance_effect", "variance_total", "heterogeneity_p")


# --- Sites and designs ---------------------------------------------------------------------------


@pytest.mark.parametrize("call", CALLS)
@quick
@given(SEEDS)
def test_swapping_the_arms_turns_the_sign(call: Any, seed: int) -> None:
    frame = made(seed)
    one, other = call(frame), call(frame, treated=0)
    same(one, other, SHARED)
    for name in SIGNED:
        assert getattr(other, name) == pytest.approx(-getattr(one, name), rel=1e-5, abs=1e-7)
    assert other.conf_low == pytest.approx(-one.conf_high, rel=1e-5, abs=1e-7)
    if call is sites:
        same(one, other, ("variance_effect", "variance_total", "variance_within", "icc"))


@pytest.mark.parametrize("call", CALLS)
@quick
@given(SEEDS)
def test_order_and_labels_mean_nothing(call: Any, seed: int) -> None:
    frame = made(seed)
    mixed = frame.sample(frac=1, random_state=seed)
    mixed["site"] = [f"site {(g * 7 + 3) % 101}" for g in mixed["site"]]
    same(call(frame), call(mixed), NUMBERS)


@few
@given(SEEDS, st.sampled_from([0.001, 1e4]), st.sampled_from([0.0, 1e5]))
def test_scale_and_level_of_the_outcome(seed: int, factor: float, shift: float) -> None:
    frame = made(seed)
    moved = frame.assign(y=(frame["y"] + shift) * factor)
    for call in CALLS:
        one, other = call(frame), call(moved)
        same(one, other, ("df", "p_value", "effect_size", "effect_low"))
        assert other.estimate == pytest.approx(one.estimate * factor, rel=1e-5)
    one, other = sites(frame), sites(moved)
    same(one, other, ("icc", "g_within", "g_total", "heterogeneity_p", "g_total_empty"))


@quick
@given(SEEDS)
def test_clusters_of_one_are_people(seed: int) -> None:
    frame = made(seed)
    for options in ({"blocks": None}, {}):
        same(blocks(frame, **options), blocks(frame, cluster="alone", **options), NUMBERS)
    for one, other in zip(arms(frame), arms(frame, cluster="alone"), strict=True):
        same(one, other, NUMBERS)


@quick
@given(SEEDS)
def test_equal_blocks_give_the_average_of_their_differences(seed: int) -> None:
    frame = made(seed).groupby("site").head(8)
    gaps = frame.groupby(["site", "arm"])["y"].mean().unstack()
    assert blocks(frame).estimate == pytest.approx(float((gaps[1] - gaps[0]).mean()))


@quick
@given(SEEDS)
def test_pairs_are_the_paired_t_test(seed: int) -> None:
    frame = made(seed).groupby("site").head(2)
    gaps = frame[frame["arm"] == 1]["y"].to_numpy() - frame[frame["arm"] == 0]["y"].to_numpy()
    e = blocks(frame)
    assert e.design == "Matched-pair" and e.df == len(gaps) - 1
    assert e.std_error == pytest.approx(gaps.std(ddof=1) / np.sqrt(len(gaps)))


def test_rows_are_counted() -> None:
    frame = made(1)
    frame.loc[[2, 5], "y"] = np.nan
    frame["site"] = frame["site"].astype(object)
    frame.loc[[5, 7, 9], "site"] = None
    for call in CALLS:
        e = call(frame)
        assert e.n_dropped == 4 and sum(count for _, count in e.dropped_why) == 4
        assert e.n_treatment + e.n_comparison + e.n_dropped == len(frame)


def test_effects_that_vary_widen_the_interval() -> None:
    frame = made(4, sites=20)
    frame["y"] += frame["arm"] * np.random.default_rng(1).normal(0, 4, 20)[frame["site"]]
    e = sites(frame)
    assert e.heterogeneity_p < 0.001
    assert (
        e.std_error
        > 1.5
        * mean_difference(
            frame, outcome="y", treatment="arm", covariates=["x"], strata="site"
        ).std_error
    )
    assert e.prediction_low < e.conf_low and e.prediction_high > e.conf_high


REFUSED = [
    ("arms one site each", lambda f: f.assign(site=f["arm"]), sites, "0 site"),
    ("a constant outcome", lambda f: f.assign(y=3.0), sites, "does not vary"),
    ("one person a cell", lambda f: f.groupby("site").head(2), sites, "two people in the same arm"),
    ("an arm of one", lambda f: f[(f["arm"] == 0) | (f.index == 1)], sites, "treatment arm has 1"),
    ("codes 1 and 2", lambda f: f.assign(arm=f["arm"] + 1), sites, "treated="),
    ("codes 1 and 2", lambda f: f.assign(arm=f["arm"] + 1), blocks, "treated="),
    (
        "a block with one arm",
        lambda f: f[(f["site"] != 2) | (f["arm"] == 1)],
        blocks,
        "lack one of the arms",
    ),
    ("one treated in a block", lambda f: f[(f["arm"] == 0) | (f["site"].diff() != 0).shift(1, fill_value=False)],
     blocks, "one of their people"),
    ("arms determined", lambda f: f.assign(x=f["arm"] * 2.0), sites, "determined"),
    ("an outcome constant within arms", lambda f: f.assign(y=f["arm"] * 2.0), blocks, "standard error is zero"),
    ("a fit without error", lambda f: f.assign(y=f["x"] + f["arm"]), sites, "exactly"),
    ("text", lambda f: f.assign(y="high"), blocks, "numbers"),
]  # fmt: skip


@pytest.mark.parametrize(("what", "change", "call", "says"), REFUSED)
def test_refusals(what: str, change: Any, call: Any, says: str) -> None:
    with pytest.raises(EvalkitError, match=says):
        call(change(made(3)))


def test_clusters_in_both_arms_or_two_blocks_are_refused() -> None:
    frame = made(3)
    with pytest.raises(InvalidInput, match="in both arms"):
        blocks(frame, blocks=None, cluster="site")
    with pytest.raises(InvalidInput, match="more than one block"):
        blocks(frame.assign(half=frame["arm"]), cluster="half")
    with pytest.raises(CannotEstimate, match="one cluster"):
        blocks(frame.assign(half=frame["arm"]), blocks=None, cluster="half")


# --- Several arms --------------------------------------------------------------------------------


@quick
@given(SEEDS, st.sampled_from(["holm", "bonferroni", "none"]))
def test_arms_by_any_order(seed: int, adjust: str) -> None:
    frame = made(seed)
    one = arms(frame, adjust=adjust, covariates="x")
    other = arms(frame.sample(frac=1, random_state=1), adjust=adjust, covariates="x")
    assert [e.term for e in one] == ["a - b", "a - c", "b - c"]
    for first, second in zip(one, other, strict=True):
        same(first, second, NUMBERS)
        assert first.p_adjusted == pytest.approx(second.p_adjusted)


@quick
@given(SEEDS)
def test_two_arms_are_mean_difference(seed: int) -> None:
    frame = made(seed)
    for adjust in ("holm", "dunnett", "none"):
        (e,) = pairwise_differences(
            frame, outcome="y", arm="arm", control=0, covariates="x", adjust=adjust
        )
        m = mean_difference(frame, outcome="y", treatment="arm", covariates="x")
        same(m, e, NUMBERS)
        assert e.term == "1 - 0" and e.p_adjusted in (None, pytest.approx(e.p_value))


@few
@given(SEEDS, st.sampled_from([None, "cluster"]))
def test_joint_intervals_are_wider_and_agree_with_their_p(seed: int, cluster: Any) -> None:
    frame = made(seed)
    for control, adjust in ((None, "tukey"), ("b", "dunnett"), ("b", "bonferroni")):
        call = {"control": control, "cluster": cluster}
        alone = arms(frame, adjust="none", **call)
        for e, single in zip(arms(frame, adjust=adjust, **call), alone, strict=True):
            assert e.p_adjusted >= e.p_value - 1e-9
            assert e.conf_low <= single.conf_low and e.conf_high >= single.conf_high
            assert (e.p_adjusted < 0.05) == (e.conf_low > 0 or e.conf_high < 0)


def test_the_double_integral_agrees_with_scipy() -> None:
    loads = np.array([0.7, 0.6, 0.8, 0.75])
    correlation = np.outer(loads, loads)
    np.fill_diagonal(correlation, 1)
    for df in (3, 20, 400):
        other = multivariate_t.cdf(
            np.full(4, 2.4),
            shape=correlation,
            df=df,
            lower_limit=np.full(4, -2.4),
            random_state=1,
        )
        assert inside_all(2.4, correlation, df) == pytest.approx(other, abs=3e-4)


def test_arms_whose_correlations_have_no_single_factor() -> None:
    correlation = np.array([[1, 0.5, 0.4, 0.3], [0.5, 1, 0.45, 0.2], [0.4, 0.45, 1, 0.5], [0.3, 0.2, 0.5, 1]])  # fmt: skip
    draws = multivariate_t.rvs(shape=correlation, df=12, size=200_000, random_state=1)
    share = float(np.mean(np.all(np.abs(draws) < 2.5, axis=1)))
    assert inside_all(2.5, correlation, 12) == pytest.approx(share, abs=2e-3)


def test_arms_refused() -> None:
    frame = made(2)
    for options, says in (
        ({"adjust": "dunnett"}, "without control"),
        ({"adjust": "tukey", "control": "a"}, "with control"),
        ({"control": "z"}, "not one of its values"),
        ({"adjust": "scheffe"}, "not known"),
        ({"cluster": "cluster", "se": "HC2"}, "ignores the clusters"),
    ):
        with pytest.raises(InvalidInput, match=says):
            arms(frame, **options)
    thin = frame[(frame["three"] != "c") | (frame.index == frame.index[frame["three"] == "c"][0])]
    one = frame.assign(cluster=np.where(frame["three"] == "c", 999, frame["cluster"]))
    coded = frame.assign(code=frame["three"].map({"a": 0.0, "b": 1.0, "c": 2.0}))
    for table, options, says in (
        (thin, {}, "arm 'c' has 1 row"),
        (one, {"cluster": "cluster"}, "arm 'c' has one cluster"),
        (frame.assign(y=1.0), {}, "does not vary"),
        (frame.assign(three="a"), {}, "1 value"),
        (coded, {"covariates": ["code", "x"]}, "determined"),
        (frame.assign(copy=frame["three"]), {"covariates": "copy"}, "determined"),
    ):
        with pytest.raises(CannotEstimate, match=says):
            arms(table, **options)


# --- Effect sizes from numbers -------------------------------------------------------------------


@quick
@given(SEEDS)
def test_change_turns_and_does_not_scale(seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores = [rng.normal(10, 2, 12) for _ in range(4)]
    for word in ("pre", "change"):
        one = standardised_mean_change(scores[0], scores[1], denominator=word)
        other = standardised_mean_change(7 - 3 * scores[0], 7 - 3 * scores[1], denominator=word)
        assert other.estimate == pytest.approx(-one.estimate)
        assert other.conf_low == pytest.approx(-one.conf_high)
        assert other.std_error == pytest.approx(one.std_error)
    one = pre_post_control_g(*scores)
    other = pre_post_control_g(*(1e6 + 5 * scores[i] for i in (2, 3, 0, 1)))
    assert other.estimate == pytest.approx(-one.estimate)
    assert other.std_error == pytest.approx(one.std_error)


@quick
@given(SEEDS)
def test_summaries_give_what_the_samples_give(seed: int) -> None:
    rng = np.random.default_rng(seed)
    one, two = rng.normal(1, 2, 9), rng.normal(0, 3, 14)
    g = hedges_g(one, two)
    s = standardised_difference(
        float(one.mean() - two.mean()),
        sd=(float(one.std(ddof=1)), float(two.std(ddof=1))),
        n_treatment=9,
        n_comparison=14,
    )
    same(g, s, NUMBERS)
    same(glass_delta(one, two), glass_delta(one * 4 + 3, two * 4 + 3), NUMBERS)


@quick
@given(st.lists(st.integers(1, 9), min_size=2, max_size=8), st.floats(0, 0.9))
def test_clusters_of_one_or_alike_change_nothing(sizes: list[int], icc: float) -> None:
    call = {"sizes_treatment": sizes, "sizes_comparison": [*sizes, 3]}
    none = cluster_g(0.4, icc=0, **call)
    assert (none.estimate, none.gamma, none.design_effect) == (0.4, 1, 1)
    assert none.df == pytest.approx(2 * sum(sizes) + 1)
    ones = {"sizes_treatment": [1] * 12, "sizes_comparison": [1] * 15}
    alone = cluster_g(0.4, icc=icc, **ones)
    assert (alone.estimate, alone.design_effect) == (pytest.approx(0.4), 1)
    assert alone.df == pytest.approx(25)
    some = cluster_g(0.4, icc=icc, **call)
    turned = cluster_g(-0.4, icc=icc, **call)
    assert turned.conf_low == pytest.approx(-some.conf_high)
    assert some.estimate <= 0.4 + 1e-12 and some.std_error >= none.std_error - 1e-3


def test_cox_index_turns_with_the_arms_and_with_the_outcome() -> None:
    one = cox_index(12, 40, 20, 50)
    for other in (cox_index(20, 50, 12, 40), cox_index(28, 40, 30, 50)):
        assert other.estimate == pytest.approx(-one.estimate)
        assert other.std_error == pytest.approx(one.std_error)
    assert improvement_index(0.3) == pytest.approx(-improvement_index(-0.3))


NUMBERS_REFUSED: list[tuple[Any, type[EvalkitError], str]] = [
    (lambda: cox_index(0, 40, 20, 50), CannotEstimate, "0 of 40"),
    (lambda: cox_index(12, 40, 50, 50), CannotEstimate, "50 of 50"),
    (lambda: cox_index(41, 40, 20, 50), InvalidInput, "between 0"),
    (lambda: odds_ratio_to_d(0), InvalidInput, "above 0"),
    (lambda: improvement_index(float("nan")), InvalidInput, "finite"),
    (lambda: glass_delta([1, 2, 3], [4, 4, 4]), CannotEstimate, "does not vary"),
    (lambda: glass_delta([1, 2, 3], [4, 5]), CannotEstimate, "at least 3"),
    (lambda: glass_delta([1, None], [4, 5, 7]), CannotEstimate, "1 with no value"),
    (
        lambda: standardised_difference(1, sd=0, n_treatment=5, n_comparison=5),
        InvalidInput,
        "above 0",
    ),
    (
        lambda: standardised_difference(1, sd=1, n_treatment=1, n_comparison=5),
        InvalidInput,
        "2 or more",
    ),
    (lambda: standardised_mean_change([1, 2, 3], [2, 3]), InvalidInput, "same people"),
    (lambda: standardised_mean_change([1, 2, 3], [2, 3, 4]), CannotEstimate, "same"),
    (lambda: standardised_mean_change([1, 2, 3], [2, None, 4]), CannotEstimate, "2 people"),
    (lambda: standardised_mean_change([1, 1, 1], [2, 3, 5]), CannotEstimate, "do not vary"),
    (
        lambda: pre_post_control_g([1, 1, 1], [2, 3, 4], [1, 1, 1], [2, 3, 5]),
        CannotEstimate,
        "do not vary",
    ),
    (
        lambda: cluster_g(0.4, sizes_treatment=[5], sizes_comparison=[5, 5], icc=0.1),
        CannotEstimate,
        "one cluster",
    ),
    (
        lambda: cluster_g(0.4, sizes_treatment=[5, 0], sizes_comparison=[5, 5], icc=0.1),
        InvalidInput,
        "1 or more",
    ),
    (
        lambda: cluster_g(0.4, sizes_treatment=[5, 4], sizes_comparison=[5, 5], icc=1),
        InvalidInput,
        "below 1",
    ),
]


@pytest.mark.parametrize(("call", "kind", "says"), NUMBERS_REFUSED)
def test_numbers_refused(call: Any, kind: type[EvalkitError], says: str) -> None:
    with pytest.raises(kind, match=says):
        call()
