"""What must hold of allocations and of assigning again, and what they refuse."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.errors import CannotEstimate, InvalidInput
from evalkit.stats.planning.allocation_counts import allocation_chances
from evalkit.stats.planning.constrained import constrained_schemes
from evalkit.stats.planning.minimising import minimised
from evalkit.stats.planning.randomising import ADDED, randomise
from evalkit.stats.redrawing.reassigning import minimisation, within_blocks
from evalkit.stats.redrawing.rerandomising import permutation_test

quick = settings(deadline=None, max_examples=30)
SEEDS = st.one_of(st.integers(0, 10**9), st.text("abc-é 1", min_size=1).filter(str.strip))


def people(n: int = 60, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"site": rng.choice(["a", "b", "c|/%"], n), "risk": rng.integers(0, 2, n)})
    return frame.assign(family=np.arange(n) // 2, joined=rng.permutation(n), y=rng.normal(size=n))


@quick
@given(seed=SEEDS, ratio=st.sampled_from([(1, 1), (2, 1), (3, 2)]), size=st.sampled_from([1, 2, 4]))
def test_complete_blocks_keep_the_ratio(seed: Any, ratio: tuple[int, int], size: int) -> None:
    frame = people()
    block = sum(ratio) * size
    found = randomise(frame, strata=["site", "risk"], ratio=ratio, block=block, seed=seed)
    pd.testing.assert_frame_equal(found[frame.columns], frame)
    assert list(found.columns) == [*frame.columns, *ADDED]
    assert found["allocation_key"].is_unique
    for _, rows in found.groupby("allocation_block"):
        treated = int((rows["arm"] == "treatment").sum())
        assert list(rows["allocation_place"]) == list(range(1, len(rows) + 1))
        assert len(rows) <= block and treated <= ratio[0] * size
        if len(rows) == block:
            assert treated == ratio[0] * size


@quick
@given(
    seed=SEEDS, method=st.sampled_from(["blocks", "simple", "minimise"]), extra=st.integers(0, 30)
)
def test_those_to_come_change_nothing(seed: Any, method: str, extra: int) -> None:
    frame = people(30 + extra)
    call: dict[str, Any] = {"strata": ["site", "risk"], "method": method, "seed": seed}
    whole, part = randomise(frame, **call), randomise(frame.head(30), **call)
    pd.testing.assert_frame_equal(whole.head(30), part)
    other = randomise(frame.assign(site=frame["site"].str.upper()), **call)["arm"]
    if method == "minimise":  # what the levels are called does not matter
        assert list(other) == list(whole["arm"])


def test_default_blocks_are_of_both_sizes_and_fair() -> None:
    """Each place of a block is treated half of the time, over 4,000 blocks."""
    first, sizes = [], []
    for seed in range(200):
        found = randomise(list(range(100)), seed=seed)
        blocks = found.groupby("allocation_block")
        sizes += blocks.size().to_list()[:-1]
        first += list(blocks["arm"].first() == "treatment")
    assert set(sizes) <= {1, 2, 3, 4, 5, 6} and {4, 6} <= set(sizes)
    assert np.mean(first) == pytest.approx(0.5, abs=4 * 0.5 / len(first) ** 0.5)
    simple = [
        (
            randomise(list(range(50)), method="simple", ratio=(3, 1), seed=s)["arm"] == "treatment"
        ).mean()
        for s in range(100)
    ]
    assert np.mean(simple) == pytest.approx(0.75, abs=4 * (0.75 * 0.25 / 5000) ** 0.5)


@quick
@given(seed=SEEDS, block=st.sampled_from([4, 6, None]))
def test_no_stratum_is_ever_out_by_more_than_half_a_block(seed: Any, block: Any) -> None:
    found = randomise(people(), strata="site", block=block, seed=seed)
    signs = (found["arm"] == "treatment") * 2 - 1
    assert signs.groupby(found["site"]).cumsum().abs().max() <= (block or 6) / 2


def test_clusters_are_allocated_whole() -> None:
    frame = people().assign(site="x")
    found = randomise(frame, cluster="family", strata="site", seed=3)
    assert (found.groupby("family")["arm"].nunique() == 1).all()
    alone = randomise(frame.drop_duplicates("family"), strata="site", seed=3)
    assert list(found.drop_duplicates("family")["arm"]) == list(alone["arm"])
    unit = frame.assign(alone=range(len(frame)))
    single = randomise(unit, cluster="alone", strata="site", seed=3)["arm"]
    assert list(single) == list(randomise(frame, strata="site", seed=3)["arm"])


def test_minimisation_balances_its_factors() -> None:
    frame = people(120, 4)
    gaps: dict[str, list[float]] = {"minimise": [], "simple": []}
    for method, found in gaps.items():
        for seed in range(20):
            arm = randomise(frame, strata=["site", "risk"], method=method, seed=seed)["arm"]
            treated = (arm == "treatment") * 2.0 - 1
            found += [
                abs(treated[frame[f] == v].sum())
                for f in ("site", "risk")
                for v in frame[f].unique()
            ]
    assert np.mean(gaps["minimise"]) < 2.5 < 4 < np.mean(gaps["simple"])
    certain = minimised(
        np.zeros((40, 1), dtype=int),
        np.random.default_rng(1).random((50, 40)),
        ratio=(3, 1),
        probability=1.0,
        imbalance="range",
    )
    assert ((certain == 0).sum(axis=1) == 30).all()  # one factor, probability 1: the ratio exactly


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"strata": "nowhere"}, "no such column"),
        ({"ratio": (1, 0)}, "ratio"),
        ({"ratio": (1, 1, 1)}, "ratio"),
        ({"arms": ("a", "a")}, "arms"),
        ({"arms": "ab"}, "arms"),
        ({"block": 3}, "multiples of 2"),
        ({"block": []}, "block"),
        ({"block": 4, "method": "simple"}, "block"),
        ({"method": "coin"}, "method"),
        ({"method": "minimise"}, "strata"),
        ({"method": "minimise", "strata": "site", "probability": 0.4}, "probability"),
        ({"method": "minimise", "strata": "site", "imbalance": "mean"}, "imbalance"),
        ({"seed": "a|b"}, "seed"),
        ({"seed": 1.5}, "seed"),
        ({"seed": " "}, "seed"),
        ({"cluster": "family", "strata": "site"}, "cluster"),
    ],
)
def test_randomise_refuses(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        randomise(people(), **({"seed": 1} | options))


def test_randomise_refuses_units() -> None:
    frame = people()
    for units, message in (
        ([1, 2, 2], "repeated"),
        ([1, None], "missing"),
        ([], "no units"),
        (frame.assign(arm=1), "already"),
        (frame.assign(site=None), "missing"),
    ):
        with pytest.raises(InvalidInput, match=message):
            randomise(
                units, strata="site" if message == "missing" and len(units) > 2 else (), seed=1
            )


def test_strata_are_not_confused() -> None:
    frame = pd.DataFrame({"a": ["x/y", "x", "", "all"], "b": ["z", "y/z", "", ""]})
    found = randomise(frame, strata=["a", "b"], seed=1)["allocation_stratum"]
    assert list(found) == ["x%2Fy/z", "x/y%2Fz", "/", "all/"]


@quick
@given(seed=st.integers(0, 1000), probability=st.sampled_from([0.7, 0.9, 1.0]))
def test_minimising_again_keeps_order_and_clusters(seed: int, probability: float) -> None:
    """Rows in any order, enrolled by `joined`: the arms follow the people, not the rows."""
    frame = people().assign(t=0)
    call: dict[str, Any] = {"factors": ["site", "risk"], "probability": probability}
    draw = minimisation(**call, order="joined")
    by_row = minimisation(**call)
    there = frame.sort_values("joined")
    one = by_row(there, np.random.default_rng(seed))
    two = draw(frame, np.random.default_rng(seed))
    assert list(two[np.argsort(frame["joined"])]) == list(one)
    whole = frame.assign(site=frame["family"] % 3, risk=frame["family"] % 2)
    again = minimisation(**call, cluster="family")
    arms = pd.Series(again(whole, np.random.default_rng(seed)))
    assert (arms.groupby(whole["family"]).nunique() == 1).all()
    heads = whole.drop_duplicates("family")
    assert list(arms[heads.index]) == list(by_row(heads, np.random.default_rng(seed)))
    assert abs(2 * arms[heads.index].sum() - len(heads)) <= 14


def test_minimising_again_is_the_same_rule_as_randomise() -> None:
    """The chances at each step: by 512 re-runs and by 512 seeds, the same mean treated."""
    frame = people(20, 2)
    draw, rng = minimisation(factors=["site", "risk"], ratio=(2, 1)), np.random.default_rng(1)
    again = np.array([draw(frame, rng) for _ in range(512)], dtype=float)
    strata = ["site", "risk"]
    first = np.array(
        [
            randomise(frame, strata=strata, ratio=(2, 1), method="minimise", seed=s)["arm"]
            == "treatment"
            for s in range(512)
        ],
        dtype=float,
    )
    error = np.sqrt(2 * 0.25 / 512)
    np.testing.assert_allclose(again.mean(axis=0), first.mean(axis=0), atol=4 * error)
    assert again.sum(axis=1).mean() == pytest.approx(first.sum(axis=1).mean(), abs=0.3)


@pytest.mark.parametrize("runs", [50, pytest.param(600, marks=pytest.mark.slow)])
@pytest.mark.parametrize("method", ["minimise", "blocks"])
def test_type_one_error(method: str, runs: int) -> None:
    """Outcomes that hang on the factors and drift in time, no effect: 5% reject, give or take."""
    rejected = 0
    for run in range(runs):
        rng = np.random.default_rng(run)
        frame = pd.DataFrame({"site": rng.integers(0, 3, 40), "risk": rng.integers(0, 2, 40)})
        found = randomise(frame, strata=["site", "risk"], method=method, seed=run)
        found["t"] = (found["arm"] == "treatment").astype(int)
        found["y"] = 2 * found["site"] + found["risk"] + np.arange(40) / 20 + rng.normal(size=40)
        again = (
            minimisation(factors=["site", "risk"])
            if method == "minimise"
            else within_blocks(treatment="t", blocks="allocation_block")
        )
        test = permutation_test(
            found, outcome="y", treatment="t", reassign=again, permutations=59, seed=run
        )
        rejected += test.p_value <= 0.05 + 1e-9
    assert rejected / runs == pytest.approx(0.05, abs=3 * (0.05 * 0.95 / runs) ** 0.5)


def test_within_blocks_keeps_the_totals() -> None:
    frame = randomise(people(), strata="site", seed=5)
    draw = within_blocks(treatment="arm", blocks="allocation_block")
    rng = np.random.default_rng(1)
    totals = frame.groupby("allocation_block")["arm"].value_counts().sort_index()
    seen = set()
    for _ in range(20):
        arms = frame.assign(arm=draw(frame, rng))
        again = arms.groupby("allocation_block")["arm"].value_counts().sort_index()
        pd.testing.assert_series_equal(totals, again)
        seen.add(tuple(arms["arm"]))
    assert len(seen) == 20
    call: dict[str, Any] = {"outcome": "y", "treatment": "arm", "treated": "treatment", "seed": 1}
    by_strata = permutation_test(frame, **call, strata="allocation_block")
    own = permutation_test(frame, **call, reassign=draw, permutations=500)
    assert abs(by_strata.p_value - own.p_value) < 0.25
    families = randomise(people(), cluster="family", block=4, seed=6)
    whole = within_blocks(treatment="arm", blocks="allocation_block", cluster="family")
    arms = pd.Series(whole(families, rng))
    assert (arms.groupby(families["family"]).nunique() == 1).all()


def test_within_blocks_reaches_every_assignment_alike() -> None:
    frame = pd.DataFrame({"t": [1, 1, 0, 0, 1, 0], "b": [1, 1, 1, 1, 2, 2]})
    draw, rng = within_blocks(treatment="t", blocks="b"), np.random.default_rng(2)
    counts: dict[Any, int] = {}
    for _ in range(2400):
        arms = tuple(draw(frame, rng))
        counts[arms] = counts.get(arms, 0) + 1
    assert len(counts) == 12
    assert min(counts.values()) > 140 and max(counts.values()) < 260


def test_assigning_again_refuses() -> None:
    frame = people().assign(t=0)
    rng = np.random.default_rng(1)
    with pytest.raises(InvalidInput, match="factors"):
        minimisation(factors=[])
    with pytest.raises(InvalidInput, match="weights"):
        minimisation(factors="site", weights=[1, 2])
    with pytest.raises(InvalidInput, match="no such column"):
        minimisation(factors="nowhere")(frame, rng)
    with pytest.raises(InvalidInput, match="missing"):
        minimisation(factors="site")(frame.assign(site=None), rng)
    with pytest.raises(InvalidInput, match="tie"):
        minimisation(factors="site", order="risk")(frame, rng)
    with pytest.raises(InvalidInput, match="varies within"):
        minimisation(factors="joined", cluster="family")(frame, rng)
    with pytest.raises(InvalidInput, match="two arms or blocks"):
        within_blocks(treatment="t", blocks="joined", cluster="family")(frame, rng)
    with pytest.raises(InvalidInput, match="missing"):
        within_blocks(treatment="t", blocks="site")(frame.assign(site=None), rng)


def test_constrained_schemes_and_their_test() -> None:
    rng = np.random.default_rng(3)
    sites = pd.DataFrame({"c": range(10), "x": rng.normal(size=10), "w": rng.normal(size=10)})
    found = constrained_schemes(sites, cluster="c", covariates=["x", "w"], best=0.25, seed=1)
    assert (found.schemes.sum(axis=1) == 5).all() and found.gone_through == 252
    assert len(found.schemes) >= 63 and found.scores.max() <= found.limit + 1e-8
    shuffled = constrained_schemes(
        sites.assign(x=5 - 3 * sites["x"]), cluster="c", covariates=["w", "x"], best=0.25, seed=1
    )
    np.testing.assert_array_equal(shuffled.schemes, found.schemes)  # units do not matter
    frame = sites.loc[sites.index.repeat(4)].reset_index(drop=True)
    frame["t"] = frame["c"].map(found.arms()).astype(int)
    frame["y"] = rng.normal(size=40)
    test = permutation_test(
        frame,
        outcome="y",
        treatment="t",
        cluster="c",
        reassign=found.reassign("c"),
        permutations=200,
        seed=1,
    )
    assert 0 < test.p_value <= 1
    big = pd.DataFrame({"c": range(24), "x": rng.normal(size=24)})
    sampled = constrained_schemes(big, cluster="c", covariates="x", seed=1)
    assert not sampled.exact and 49_000 < sampled.gone_through <= 50_000
    with pytest.raises(CannotEstimate, match="nothing is left to chance"):
        constrained_schemes(
            sites, cluster="c", covariates=["x", "w"], treated=3, best=0.005, seed=1
        )
    for options, message in (
        ({"covariates": "c"}, "named both"),
        ({"covariates": []}, "repeated"),
        ({"treated": 10}, "fewer than all"),
        ({"best": 0}, "best"),
    ):
        with pytest.raises(InvalidInput, match=message):
            constrained_schemes(sites, **({"cluster": "c", "covariates": "x", "seed": 1} | options))
    with pytest.raises(InvalidInput, match="does not vary"):
        constrained_schemes(sites.assign(x=1), cluster="c", covariates="x", seed=1)


def test_chances_refuse() -> None:
    for units, treated in (([3], [4]), ([3, 3], [1]), ([], []), ([2.5], [1]), ([0], [0])):
        with pytest.raises(InvalidInput):
            allocation_chances(units, treated)  # type: ignore[arg-type]
    assert allocation_chances([6, 6], [3, 3]).assignments == 400
