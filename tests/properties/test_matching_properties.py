"""What must hold of matching whatever the data; optimal solutions against brute force."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, linear_sum_assignment, milp

from evalkit.errors import CannotEstimate
from evalkit.stats import balance, mean_difference
from evalkit.stats.matching.matched import Matched
from evalkit.stats.matching.matching import match

quick = settings(deadline=None, max_examples=25)
SEEDS = st.integers(0, 10**6)
OPTIONS: list[dict[str, Any]] = [
    {},
    {"caliper": 0.4},
    {"ratio": 2},
    {"replace": True, "ratio": 3},
    {"exact": "kind", "order": "data"},
    {"distance": "mahalanobis"},
    {"distance": "mahalanobis", "caliper": 0.5, "exact": "kind"},
    {"method": "optimal", "distance": "logit"},
    {"method": "optimal", "caliper": 0.3},
    {"method": "full"},
    {"method": "full", "estimand": "ATE", "exact": "kind"},
    {"method": "subclass", "subclasses": 4},
    {"method": "coarsened-exact", "cutpoints": {"x": 4, "z": [0.0]}},
    {"estimand": "ATC"},
]


def study(seed: int, n: int = 80) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    x, z = random.normal(size=n), random.normal(size=n)
    kind = random.choice(["a", "b"], n)
    chance = 1 / (1 + np.exp(0.6 - 0.7 * x + 0.3 * z))
    arm = (random.random(n) < chance).astype(int)
    arm[:4] = [0, 0, 1, 1]
    return pd.DataFrame({"arm": arm, "x": x, "z": z, "kind": kind, "family": np.arange(n) // 2})


def matched(frame: pd.DataFrame, **options: Any) -> Matched:
    return match(frame, treatment="arm", covariates=["x", "z"], **options)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@settings(deadline=None, max_examples=4)
@given(seed=SEEDS)
def test_everybody_is_accounted_for(options: dict[str, Any], seed: int) -> None:
    frame = study(seed)
    frame.loc[5, "x"] = np.nan
    found = matched(frame, **options)
    used, arm = found.weights > 0, frame["arm"].to_numpy()
    assert (found.n_treatment, found.n_comparison) == (
        sum(used & (arm == 1)),
        sum(used & (arm == 0)),
    )
    assert found.n_treatment + found.n_comparison + found.n_dropped == len(frame)
    assert sum(count for _, count in found.dropped_why) == found.n_dropped == len(found.unmatched)
    assert dict(found.dropped_why)["no x"] == 1
    assert sorted(found.unmatched["unit"]) == sorted(np.flatnonzero(~used))
    for value in (0, 1):
        assert found.weights[used & (arm == value)].mean() == pytest.approx(1)
    table = found.to_frame()
    assert len(table) == len(frame) and (table["reason"].isna() == used).all()
    pairs = found.pairs
    assert (arm[pairs["treated"].astype(int)] == 1).all()
    assert (arm[pairs["comparison"].astype(int)] == 0).all()
    if "exact" in options:
        kind = frame["kind"].to_numpy()
        assert (kind[pairs["treated"]] == kind[pairs["comparison"]]).all()
    if options.get("caliper") and found.caliper_on == "log odds" and found.model is not None:
        b = np.array(found.model.coefficients)
        gauge = b[0] + frame[["x", "z"]].to_numpy() @ b[1:]
        gaps = np.abs(gauge[pairs["treated"]] - gauge[pairs["comparison"]])
        assert gaps.max() <= found.caliper_width + 1e-9
    same = balance(frame.dropna(), treatment="arm", covariates=["x", "z"],
                   weights=found.weights[frame["x"].notna()], estimand=found.estimand)  # fmt: skip
    mine = found.balance().set_index("covariate").loc[["x", "z"], "smd"]
    np.testing.assert_allclose(mine, same["smd"], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@settings(deadline=None, max_examples=3)
@given(seed=SEEDS)
def test_rows_and_scales_do_not_matter(options: dict[str, Any], seed: int) -> None:
    frame = study(seed)
    order = np.random.default_rng(seed).permutation(len(frame))
    first = matched(frame, **options)
    again = matched(frame.iloc[order], **options)
    if options.get("method") in ("optimal", "full"):  # several may be best: see the next test
        moved = matched(frame.assign(x=frame["x"] * 250 + 4000, z=-frame["z"]), **options)
        for found in (again, moved):
            assert found.total_distance == pytest.approx(first.total_distance, rel=1e-9)
        return
    if options.get("order") != "data" and options.get("distance") != "mahalanobis":
        np.testing.assert_allclose(again.weights, first.weights[order], rtol=1e-9)
        np.testing.assert_allclose(
            np.sort(again.pairs["distance"]), np.sort(first.pairs["distance"]), atol=1e-9
        )
    if "cutpoints" not in options:
        moved = frame.assign(x=frame["x"] * 250 + 4000, z=-frame["z"])
        np.testing.assert_allclose(matched(moved, **options).weights, first.weights, rtol=1e-9)


@pytest.mark.parametrize("method", ["optimal", "full"])
@quick
@given(seed=SEEDS, caliper=st.sampled_from([None, 0.3]))
def test_best_of_equals_is_not_chosen_by_row(method: str, seed: int, caliper: float | None) -> None:
    frame = study(seed)
    order = np.random.default_rng(seed).permutation(len(frame))
    ask = {"distance": "x", "method": method, "caliper": caliper, "caliper_scale": "raw"}
    first, again = matched(frame, **ask), matched(frame.iloc[order], **ask)
    np.testing.assert_allclose(again.weights, first.weights[order], rtol=1e-14)
    one, other = first.pairs, again.pairs
    other = set(zip(order[other["treated"]], order[other["comparison"]], strict=True))
    assert other == set(zip(one["treated"], one["comparison"], strict=True))


@quick
@given(seed=SEEDS, ratio=st.sampled_from([1, 2]))
def test_greedy_equals_a_search_through_everybody(seed: int, ratio: int) -> None:
    frame = study(seed)
    frame["s"] = np.round(frame["x"], 1)
    found = matched(frame, distance="s", ratio=ratio)
    s, arm = frame["s"].to_numpy(), frame["arm"].to_numpy()
    left, pairs = list(np.flatnonzero(arm == 0)), []
    treated = np.flatnonzero(arm == 1)
    for _ in range(ratio):
        for i in treated[np.argsort(-s[treated], kind="stable")]:
            if left:
                best = min(left, key=lambda j: (round(abs(s[j] - s[i]), 9), j))
                left.remove(best)
                pairs.append((i, best))
    ours = zip(found.pairs["treated"], found.pairs["comparison"], strict=True)
    assert sorted(ours) == sorted(pairs)


def best_pairs(table: np.ndarray, ratio: int, caliper: float) -> tuple[int, float]:
    """Most pairs, then smallest total, by the assignment of every copy to everybody or nobody."""
    rows = np.repeat(table, ratio, axis=0)
    n, m = rows.shape
    costs = np.full((n, m + n), 1e8)
    costs[:, :m] = np.where(rows <= caliper, rows, 1e8)
    costs[np.arange(n), m + np.arange(n)] = 1e4
    i, j = linear_sum_assignment(costs)
    real = j < m
    return int(real.sum()), float(costs[i, j][real].sum())


def best_cover(table: np.ndarray) -> float:
    """Smallest total of links that reach everybody, by integer programming."""
    n, m = table.shape
    rows = [(np.arange(n * m) // m == i) * 1.0 for i in range(n)]
    rows += [(np.arange(n * m) % m == j) * 1.0 for j in range(m)]
    found = milp(table.ravel(), constraints=LinearConstraint(np.array(rows), 1, np.inf),
                 bounds=Bounds(0, 1), integrality=np.ones(n * m))  # fmt: skip
    return float(found.fun)


@st.composite
def scored(draw: st.DrawFn) -> pd.DataFrame:
    """Few units, the scores spread out, tied, or scarce among the comparison."""
    random = np.random.default_rng(draw(SEEDS))
    t, c = draw(st.integers(2, 12)), draw(st.integers(2, 20))
    kind = draw(st.sampled_from(["spread", "tied", "scarce"]))
    s = random.normal(size=t + c) if kind != "tied" else random.integers(0, 6, t + c) * 1.0
    s[:t] += 1.5 * (kind == "scarce")
    s[0] += 0.25
    arm = np.arange(t + c) < t
    return pd.DataFrame({"arm": arm, "s": s, "x": random.normal(size=t + c)})


@quick
@given(frame=scored(), ratio=st.sampled_from([1, 2]), wide=st.sampled_from([np.inf, 0.5]))
def test_optimal_pairs_are_best(frame: pd.DataFrame, ratio: int, wide: float) -> None:
    t, s = int(frame["arm"].sum()), frame["s"].to_numpy()
    table = np.abs(s[:t, None] - s[None, t:])
    caliper = {} if wide == np.inf else {"caliper": wide, "caliper_scale": "raw"}
    try:
        found = match(frame, treatment="arm", covariates="s", distance="s", method="optimal",
                      ratio=ratio, **caliper)  # fmt: skip
    except CannotEstimate:
        assert table.min() > wide
        return
    number, total = best_pairs(table, ratio, wide)
    assert len(found.pairs) == number
    assert found.total_distance == pytest.approx(total, abs=1e-9)
    assert found.pairs["comparison"].is_unique


@quick
@given(frame=scored())
def test_full_matching_is_best_and_made_of_stars(frame: pd.DataFrame) -> None:
    t, s = int(frame["arm"].sum()), frame["s"].to_numpy()
    found = match(frame, treatment="arm", covariates="s", distance="s", method="full")
    assert found.total_distance == pytest.approx(best_cover(np.abs(s[:t, None] - s[None, t:])))
    assert found.n_dropped == 0
    for _, links in found.pairs.groupby("set"):
        assert 1 in (links["treated"].nunique(), links["comparison"].nunique())


@quick
@given(frame=scored())
def test_mahalanobis_optima_are_best(frame: pd.DataFrame) -> None:
    if len(frame) < 8:
        return
    t, x = int(frame["arm"].sum()), frame[["s", "x"]].to_numpy()
    within = (t - 1) * np.cov(x[:t], rowvar=False) + (len(x) - t - 1) * np.cov(x[t:], rowvar=False)
    gaps = x[:t, None] - x[None, t:]
    inverse = np.linalg.inv(within / (len(x) - 2))
    table = np.sqrt(np.einsum("abi,ij,abj->ab", gaps, inverse, gaps))
    ask = {"treatment": "arm", "covariates": ["s", "x"], "distance": "mahalanobis"}
    assert match(frame, method="full", **ask).total_distance == pytest.approx(best_cover(table))
    pairs = match(frame, method="optimal", **ask)
    assert pairs.total_distance == pytest.approx(best_pairs(table, 1, np.inf)[1])


@pytest.mark.parametrize("distance", ["s", "mahalanobis"])
def test_short_lists_are_widened_until_proved(distance: str) -> None:
    """Many want the same few: the nearest listed at first are far from enough."""
    random = np.random.default_rng(5)
    s = np.concatenate([random.normal(3, 1, 150), random.normal(0, 1, 600)])
    frame = pd.DataFrame({"arm": np.arange(750) < 150, "s": s})
    table = np.abs(s[:150, None] - s[None, 150:])
    wide = {"caliper": 2.5, "caliper_scale": "raw"} if distance == "s" else {}
    found = match(frame, treatment="arm", covariates="s", distance=distance, method="optimal",
                  **wide)  # fmt: skip
    number, total = best_pairs(table, 1, 2.5 if wide else np.inf)
    lengths = np.abs(s[found.pairs["treated"]] - s[found.pairs["comparison"]])
    assert len(found.pairs) == number and lengths.sum() == pytest.approx(total)


def test_units_are_matched_once() -> None:
    frame = study(3)
    frame["arm"] = frame.groupby("family")["arm"].transform("first")
    found = matched(frame, unit="family")
    by_hand = frame.groupby("family", as_index=False)[["arm", "x", "z"]].mean()
    alone = matched(by_hand)
    np.testing.assert_allclose(found.weights, np.repeat(alone.weights, 2))
    assert found.n_units_treatment * 2 == found.n_treatment
    assert (found.pairs["treated"] == by_hand["family"][alone.pairs["treated"]].to_numpy()).all()
    assert any("rows make 40 units" in note for note in found.notes)
    assert pd.Series(found.sets).groupby(frame["family"]).nunique(dropna=False).eq(1).all()


def test_swapping_arms_turns_att_into_atc() -> None:
    frame = study(8)
    one = matched(frame, distance="x", method="full", estimand="ATT")
    other = matched(frame.assign(arm=1 - frame["arm"]), distance="x", method="full", estimand="ATC")
    np.testing.assert_allclose(one.weights, other.weights)


def test_any_frame_and_a_seeded_order() -> None:
    polars = pytest.importorskip("polars")
    frame = study(2)
    ask = {"order": "random", "seed": 7}
    first = matched(frame, **ask).pairs
    pd.testing.assert_frame_equal(first, matched(polars.from_pandas(frame), **ask).pairs)
    assert not first.equals(matched(frame, order="random", seed=8).pairs)


def test_squares_and_interactions() -> None:
    frame = study(4)
    found = matched(frame).balance(squares=True, interactions=True)
    assert list(found["covariate"]) == ["distance", "x", "z", "x^2", "z^2", "x:z"]
    by_hand = balance(frame.assign(q=frame["x"] ** 2), treatment="arm", covariates="q")
    assert found.loc[3, "smd_before"] == pytest.approx(by_hand.loc[0, "smd"])
    assert set(found["denominator"]) == {"SD of the treated"}


def gain(seed: int, n: int) -> float:
    """Error of the estimate after matching, where the truth is 1 and the arms start unlike."""
    random = np.random.default_rng(seed)
    x = random.normal(size=n)
    arm = (random.random(n) < 1 / (1 + np.exp(1.2 - 0.8 * x))).astype(int)
    frame = pd.DataFrame({"arm": arm, "x": x, "y": arm + x + random.normal(size=n)})
    found = match(frame, treatment="arm", covariates="x", caliper=0.2)
    frame = frame.assign(w=found.weights, set=found.sets)
    fit = mean_difference(frame[found.weights > 0], outcome="y", treatment="arm", cluster="set")
    assert fit.estimate is not None
    return fit.estimate - 1


def test_matching_takes_the_bias_away() -> None:
    errors = [gain(seed, 400) for seed in range(40)]
    assert abs(np.mean(errors)) < 0.08  # unmatched: 0.8


@pytest.mark.slow
def test_a_million_rows() -> None:
    random = np.random.default_rng(1)
    arm = np.arange(1_005_000) < 5000
    frame = pd.DataFrame({"arm": arm, "x": random.normal(size=len(arm)) + 0.3 * arm})
    for name in "zuvw":
        frame[name] = random.normal(size=len(arm))
    found = match(frame, treatment="arm", covariates=list("xzuvw"), caliper=0.2)
    assert found.n_treatment == 5000
    assert found.balance()["smd"].abs().max() < 0.05
