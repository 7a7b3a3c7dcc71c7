"""What must hold of bounds and weights under loss, and how often they hold the truth."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.special import expit, ndtri

from evalkit.errors import CannotEstimate
from evalkit.stats.least_squares.differences import mean_difference
from evalkit.stats.loss import attrition
from evalkit.stats.missing.attrition_bias import attrition_bias
from evalkit.stats.missing.attrition_weights import attrition_weights
from evalkit.stats.missing.lee import lee_bounds
from evalkit.stats.missing.returns_needed import returns_needed
from evalkit.stats.missing.weighted_returns import weighted_returns
from evalkit.stats.missing.worst_case import worst_case_bounds

quick = settings(deadline=None, max_examples=25)
few = settings(deadline=None, max_examples=8)
SEEDS = st.integers(0, 10_000)
TRIMS = st.sampled_from(["quantile", "fractional"])
CALLS = st.sampled_from([{}, {"cluster": "family"}, {"within": "site"}])
ENDS = ("lower", "upper", "se_lower", "se_upper", "conf_low", "conf_high")


def made(seed: int, *, n: int = 120, lost: float = 0.25) -> pd.DataFrame:
    """Return people in families assigned whole, more lost where x is low; a fixed draw."""
    rng = np.random.default_rng(seed)
    family = np.arange(n) // 2
    frame = pd.DataFrame({"family": family, "arm": family % 2, "x": rng.normal(size=n)})
    frame["site"] = np.where(rng.permutation(n // 2)[family] % 4 < 2, "north", "south")
    frame["y"] = 5 + frame["arm"] + frame["x"] + rng.normal(size=n)
    gone = rng.uniform(size=n) < lost * expit(-frame["x"] * (1 + frame["arm"])) * 2
    frame.loc[gone, "y"] = np.nan
    return frame.assign(seen=frame["y"].notna())


def bounds(frame: Any, **options: Any) -> Any:
    return lee_bounds(frame, **({"outcome": "y", "treatment": "arm"} | options))


def worst(frame: Any, **options: Any) -> Any:
    ends = {"outcome": "y", "treatment": "arm", "low": -30.0, "high": 40.0}
    return worst_case_bounds(frame, **(ends | options))


def weights(frame: Any, **options: Any) -> Any:
    call = {"observed": "seen", "treatment": "arm", "covariates": ["x", "site"]}
    return attrition_weights(frame, **(call | options))


def numbers(found: Any) -> list[float]:
    return [getattr(found, name) for name in ENDS]


def turned(found: Any) -> list[float]:
    """Return the numbers of the same bounds with the sign of the effect turned."""
    return [
        -found.upper, -found.lower, found.se_upper, found.se_lower, -found.conf_high, -found.conf_low
    ]  # fmt: skip


def close(one: Any, other: Any) -> None:
    np.testing.assert_allclose(one, other, rtol=1e-7, atol=1e-9)


@quick
@given(SEEDS, TRIMS, CALLS)
def test_lee_symmetries(seed: int, trim: str, call: Any) -> None:
    frame = made(seed)
    b = bounds(frame, trim=trim, **call)
    assert b.lower <= b.upper and b.conf_low < b.lower and b.upper < b.conf_high
    close(turned(bounds(frame.assign(arm=1 - frame["arm"]), trim=trim, **call)), numbers(b))
    close(turned(bounds(frame.assign(y=-frame["y"]), trim=trim, **call)), numbers(b))
    scaled = bounds(frame.assign(y=3 * frame["y"] + 7), trim=trim, **call)
    close(numbers(scaled), 3 * np.array(numbers(b)))
    close(numbers(bounds(frame.sample(frac=1, random_state=seed), trim=trim, **call)), numbers(b))
    assert b.randomised_treatment + b.randomised_comparison + b.n_dropped == len(frame)


@quick
@given(SEEDS, CALLS)
def test_duplicates_and_singletons(seed: int, call: Any) -> None:
    frame = made(seed)
    b = bounds(frame, trim="fractional", **call)
    twice = pd.concat([frame, frame.assign(family=frame["family"] + 1000)])
    d = bounds(twice, trim="fractional", **call)
    close([d.lower, d.upper], [b.lower, b.upper])
    np.testing.assert_allclose(d.se_lower * np.sqrt(2), b.se_lower, rtol=0.03)
    alone = bounds(frame.assign(row=range(len(frame))), cluster="row")
    close(numbers(alone), numbers(bounds(frame)))


@few
@given(SEEDS)
def test_bounds_are_nested(seed: int) -> None:
    """Lee's bounds hold the complete cases; the worst case holds both, and its width is known."""
    frame = made(seed)
    b, w = bounds(frame, trim="fractional"), worst(frame)
    assert b.lower - 1e-9 <= b.estimate <= b.upper + 1e-9
    assert w.lower <= w.estimate <= w.upper
    close(w.upper - w.lower, w.width)
    close(turned(worst(frame.assign(arm=1 - frame["arm"]))), numbers(w))
    negative = worst(frame.assign(y=-frame["y"]), low=-40.0, high=30.0)
    close(turned(negative), numbers(w))


@quick
@given(SEEDS)
def test_one_cell_is_no_cells(seed: int) -> None:
    frame = made(seed).assign(one="x")
    b, c = bounds(frame), bounds(frame, within="one")
    close(numbers(b), numbers(c))
    assert b.cells == () and len(c.cells) == 1 and c.cells[0].share == 1


def test_nobody_lost_is_the_plain_difference() -> None:
    frame = made(1, lost=0)
    plain = mean_difference(frame, outcome="y", treatment="arm")
    for b in (bounds(frame), worst(frame)):
        close([b.lower, b.upper, b.estimate], [plain.estimate] * 3)
        close([b.se_lower, b.se_upper], [plain.std_error] * 2)
    assert "Nobody was lost" in bounds(frame).notes[0]


def test_equal_rates_are_a_point() -> None:
    frame = made(2, lost=0)
    for arm in (0, 1):
        frame.loc[frame.index[frame["arm"] == arm][:10], "y"] = np.nan
    b = bounds(frame)
    plain = mean_difference(frame, outcome="y", treatment="arm")
    close([b.lower, b.upper, b.critical], [plain.estimate, plain.estimate, 1.959963984540054])
    close([b.se_lower, b.se_upper], [plain.std_error] * 2)
    assert (b.trimmed_arm, b.trimmed_share, b.n_trimmed_lower) == ("none", 0, 0)
    assert "response rates are equal" in b.notes[0] and "nobody is left out" in b.sentence


def test_yes_or_no_outcomes_are_trimmed_exactly() -> None:
    """70 of 100 seen, 40 yes; 60 of 100 seen, 30 yes: a seventh of 70 goes, ten people."""
    frame = pd.DataFrame({"arm": [1] * 100 + [0] * 100})
    frame["y"] = [1] * 40 + [0] * 30 + [None] * 30 + [1] * 30 + [0] * 30 + [None] * 40
    b = bounds(frame)
    close([b.lower, b.upper], [30 / 60 - 0.5, 40 / 60 - 0.5])
    assert b.trim == "fractional" and "share the value at the cut" in b.notes[0]


def test_each_cell_trims_its_own_arm() -> None:
    frame = made(5, n=400, lost=0.15)
    north = frame["site"] == "north"
    for site, arm in ((north, 1), (~north, 0)):
        more = frame.index[site & (frame["arm"] == arm) & frame["y"].notna()][:20]
        frame.loc[more, "y"] = np.nan
    b = bounds(frame, within="site")
    assert [cell.trimmed_arm for cell in b.cells] == ["comparison", "treatment"]
    assert b.trimmed_arm == "by cell" and any("within cells only" in note for note in b.notes)
    shares = np.array([cell.share for cell in b.cells])
    close([shares.sum(), shares @ [cell.lower for cell in b.cells]], [1, b.lower])
    for cell in b.cells:
        alone = bounds(frame[frame["site"] == cell.cell.removeprefix("site=")])
        close([cell.lower, cell.upper], [alone.lower, alone.upper])
    assert list(b.to_frame().columns)[:3] == ["outcome", "term", "estimand"]


def test_bootstrap_is_seeded_and_near_the_formula() -> None:
    frame = made(3, n=600, lost=0.3)
    for call in ({}, {"cluster": "family"}, {"within": "site"}):
        a = bounds(frame, trim="fractional", **call)
        b = bounds(frame, trim="fractional", se="bootstrap", seed=4, draws=400, **call)
        shuffled = frame.sample(frac=1, random_state=1)
        c = bounds(shuffled, trim="fractional", se="bootstrap", seed=4, draws=400, **call)
        close(numbers(b), numbers(c))
        np.testing.assert_allclose([b.se_lower, b.se_upper], [a.se_lower, a.se_upper], rtol=0.2)
        assert (b.lower, b.upper) == (a.lower, a.upper)


@quick
@given(SEEDS, st.booleans(), st.sampled_from([(0.01, 0.99), None]))
def test_weights(seed: int, stabilise: bool, trim: Any) -> None:
    frame = made(seed, n=160)
    w = weights(frame, stabilise=stabilise, trim=trim)
    seen = frame["seen"].to_numpy()
    assert np.all(w.weights[~seen] == 0) and np.all(w.weights[seen] > 0)
    assert 0 < w.effective_n <= seen.sum() + 1e-9
    assert w.n_treatment + w.n_comparison == seen.sum()
    close(sum(arm.n_trimmed for arm in w.arms), w.n_trimmed)
    if trim is None:  # the score of a model with the arm in it: seen and assigned add up
        for arm in (0, 1):
            inside = (frame["arm"] == arm).to_numpy()
            close(w.chances[inside].sum(), seen[inside].sum())
    back = weights(frame.assign(arm=1 - frame["arm"]), stabilise=stabilise, trim=trim)
    np.testing.assert_allclose(back.weights, w.weights, rtol=1e-6)
    order = np.random.default_rng(seed).permutation(len(frame))
    again = weights(frame.iloc[order], stabilise=stabilise, trim=trim)
    np.testing.assert_allclose(again.weights, w.weights[order], rtol=1e-6)


def test_a_model_for_each_arm() -> None:
    frame = made(7, n=200)
    whole = weights(frame, trim=None).chances
    for arm in (0, 1):
        one = frame[frame["arm"] == arm]
        both = pd.concat([one, one.assign(arm=1 - arm)])
        close(weights(both, trim=None).chances[: len(one)], whole[(frame["arm"] == arm)])
    common = weights(frame, interactions=False)
    named = weights(frame, interactions="x")
    assert [name for name, _ in common.coefficients] == ["(intercept)", "arm", "x", "site=south"]
    assert [name for name, _ in named.coefficients][-1] == "arm:x"


def test_handed_weights_and_rows_left_out() -> None:
    frame = made(8, n=200).assign(base=lambda d: 1 + d["family"] % 3)
    plain = weights(frame)
    both = weights(frame, weights="base")
    close(both.weights, plain.weights * frame["base"])
    frame.loc[[3, 4], "x"] = np.nan
    frame.loc[5, "base"] = 0
    frame.loc[6, "arm"] = np.nan
    w = weights(frame, weights="base", cluster="family")
    assert np.flatnonzero(np.isnan(w.weights)).tolist() == [3, 4, 5, 6]
    assert dict(w.dropped_why) == {"a weight of zero": 1, "no arm": 1, "no x": 2}
    assert w.n_dropped == 4 and w.n_clusters == 98 + 2 - 1
    assert all(0 < (arm.effective_clusters or 0) <= 50 for arm in w.arms)
    assert "times base" in w.method and w.to_frame()["arm"].tolist() == ["treatment", "comparison"]


def test_an_arm_without_loss_has_weights_of_one() -> None:
    frame = made(9)
    frame.loc[frame["arm"] == 1, "seen"] = True
    w = weights(frame, trim=None)
    assert np.all(w.weights[frame["arm"] == 1] == 1)
    assert "Nobody of the treatment arm was lost" in w.notes[0]
    whole = weights(frame.assign(seen=True))
    assert np.all(whole.weights == 1) and whole.coefficients == ()


@few
@given(SEEDS, st.sampled_from([None, "family"]))
def test_weighted_returns(seed: int, cluster: Any) -> None:
    frame = made(seed, n=160)
    call = {"outcome": "y", "treatment": "arm", "covariates": ["x", "site"], "cluster": cluster}
    e = weighted_returns(frame, **call)
    w = attrition_weights(
        frame, observed="seen", treatment="arm", covariates=["x", "site"], trim=None
    )
    plain = mean_difference(
        frame.assign(w=w.weights), outcome="y", treatment="arm", weights="w", cluster=cluster
    )
    close([e.estimate, e.df], [plain.estimate, plain.df])
    assert e.n_treatment + e.n_comparison + e.n_dropped == len(frame)
    swapped = weighted_returns(frame.assign(arm=1 - frame["arm"]), **call)
    close([-swapped.estimate, swapped.std_error], [e.estimate, e.std_error])
    scaled = weighted_returns(frame.assign(y=2 * frame["y"] - 9), **call)
    close([scaled.estimate, scaled.std_error], [2 * e.estimate, 2 * e.std_error])
    close([scaled.effect_size, scaled.effect_low], [e.effect_size, e.effect_low])


COUNTS = st.tuples(st.integers(1, 40), st.integers(0, 40), st.integers(1, 40), st.integers(0, 40))


@quick
@given(COUNTS, st.integers(0, 8), st.integers(0, 8), st.sampled_from(["cautious", "optimistic"]))
def test_returns_needed_is_exact(counts: Any, gone_t: int, gone_c: int, boundary: str) -> None:
    """Against every pair of further returns, each judged by `attrition` itself."""
    n_t, seen_t, n_c, seen_c = counts
    assume(seen_t + gone_t <= n_t and seen_c + gone_c <= n_c)
    r = returns_needed(*counts, gone_t=gone_t, gone_c=gone_c, boundary=boundary)
    spare = (n_t - seen_t - gone_t, n_c - seen_c - gone_c)

    def judged(t: int, c: int) -> Any:
        return attrition(n_t, seen_t + t, n_c, seen_c + c)

    ways = product(range(spare[0] + 1), range(spare[1] + 1))
    found = [(t + c, judged(t, c).differential, t, c) for t, c in ways
             if getattr(judged(t, c), boundary) == "inside"]  # fmt: skip
    assert r.reachable == bool(found) and r.verdict == getattr(judged(0, 0), boundary)
    if not found:
        assert r.needed is None and "cannot be reached" in r.sentence
        return
    least = min(found)
    assert r.needed == least[0] and r.differential_then == pytest.approx(least[1], abs=1e-12)
    assert getattr(judged(r.needed_treatment, r.needed_comparison), boundary) == "inside"
    assert r.only_treatment == min((t for _, _, t, c in found if c == 0), default=None)
    assert r.only_comparison == min((c for _, _, t, c in found if t == 0), default=None)


def test_returns_needed_of_a_hundred_thousand() -> None:
    r = returns_needed(50_000, 20_000, 50_000, 32_000)
    then = attrition(50_000, 20_000 + r.needed_treatment, 50_000, 32_000 + r.needed_comparison)
    before = attrition(50_000, 20_000 + r.needed_treatment - 1, 50_000, 32_000)
    assert (then.cautious, before.cautious, r.needed_comparison) == ("inside", "outside", 0)
    swapped = returns_needed(50_000, 32_000, 50_000, 20_000)
    assert (swapped.needed_comparison, swapped.needed_treatment) == (r.needed_treatment, 0)


@quick
@given(st.floats(0.02, 0.9), st.floats(0, 1), st.sampled_from(["cautious", "optimistic"]))
def test_bias_rises_with_the_differential(overall: float, part: float, assumption: str) -> None:
    most = 1.9 * min(overall, 1 - overall)
    less = attrition_bias(overall, most * part, assumption=assumption)
    more = attrition_bias(overall, most, assumption=assumption)
    assert 0 <= less.bias <= more.bias + 1e-12
    assert attrition_bias(overall, 0.0, assumption="optimistic").bias < more.bias + 1e-9


def monotone(rng: np.random.Generator, n: int, rates: tuple[float, float]) -> pd.DataFrame:
    """Return a trial without effect whose lost are the least willing, and do worse."""
    arm, willing = np.arange(n) % 2, rng.uniform(size=n)
    y = 0.5 * ndtri(willing) + 0.8 * rng.normal(size=n)
    seen = willing > 1 - np.where(arm == 1, *rates)
    return pd.DataFrame({"arm": arm, "y": np.where(seen, y, np.nan)})


def true_ends(rates: tuple[float, float]) -> tuple[float, float]:
    """Return the bounds in the whole population, by a fine grid; treatment is trimmed."""
    from scipy.stats import norm

    willing = (np.arange(20_000) + 0.5) / 20_000
    noise = 0.8 * ndtri((np.arange(401) + 0.5) / 401)
    y = 0.5 * norm.ppf(willing)[:, None] + noise
    kept = np.sort(y[willing > 1 - rates[0]].ravel())
    mean, count = y[willing > 1 - rates[1]].mean(), int(len(kept) * rates[1] / rates[0])
    return float(kept[:count].mean() - mean), float(kept[-count:].mean() - mean)


def lee_coverage(reps: int, n: int, rates: tuple[float, float]) -> tuple[float, float, float]:
    """Return how often the interval holds the lower end, the upper end and the effect (0)."""
    lower, upper = true_ends(rates)
    rng = np.random.default_rng(20)
    found = [bounds(monotone(rng, n, rates)) for _ in range(reps)]
    low, high = np.array([(b.conf_low, b.conf_high) for b in found]).T
    held = [np.mean((low <= value) & (value <= high)) for value in (lower, upper, 0.0)]
    return float(held[0]), float(held[1]), float(held[2])


def test_lee_covers() -> None:
    lower, upper, effect = lee_coverage(200, 200, (0.8, 0.65))
    assert min(lower, upper) > 0.91 and effect > 0.93


@pytest.mark.slow
@pytest.mark.parametrize(("n", "rates"), [(200, (0.8, 0.7)), (80, (0.8, 0.6)), (400, (0.75, 0.75))])
def test_lee_coverage_in_full(n: int, rates: tuple[float, float]) -> None:
    lower, upper, effect = lee_coverage(2000, n, rates)
    assert min(lower, upper) > 0.93 and effect > 0.945


def dropout(rng: np.random.Generator, n: int, clusters: int | None) -> pd.DataFrame:
    """Return a trial with effect 0.5, loss by arm on the baseline, and y strongly related to it."""
    group = np.arange(n) if clusters is None else np.arange(n) % clusters
    arm = group % 2
    shared = 0.0 if clusters is None else 0.4 * rng.normal(size=clusters)[group]
    x = rng.normal(size=n) + shared
    y = 0.5 * arm + x + rng.normal(size=n) + shared
    chance = expit(0.8 + np.where(arm == 1, 0.9, -0.9) * x)
    seen = rng.uniform(size=n) < chance
    frame = pd.DataFrame({"group": group, "arm": arm, "x": x, "y": np.where(seen, y, np.nan)})
    return frame.assign(seen=seen)


def weight_coverage(reps: int, n: int, clusters: int | None) -> dict[str, tuple[float, float]]:
    """Return bias and coverage: complete cases, weights taken as known, and as estimated."""
    rng = np.random.default_rng(77)
    cluster = None if clusters is None else "group"
    found: dict[str, list[Any]] = {"complete": [], "known": [], "stacked": []}
    for _ in range(reps):
        frame = dropout(rng, n, clusters)
        call = {"outcome": "y", "treatment": "arm", "cluster": cluster}
        try:
            w = attrition_weights(
                frame, observed="seen", treatment="arm", covariates="x", trim=None
            )
        except CannotEstimate:
            continue
        frame["w"] = w.weights
        found["complete"].append(mean_difference(frame, **call))
        found["known"].append(mean_difference(frame, weights="w", **call))
        found["stacked"].append(weighted_returns(frame, covariates="x", **call))
    return {
        name: (
            float(np.mean([e.estimate for e in list_])) - 0.5,
            float(np.mean([e.conf_low <= 0.5 <= e.conf_high for e in list_])),
        )
        for name, list_ in found.items()
    }


@pytest.mark.parametrize("clusters", [None, 20])
def test_weights_mend_dropout_on_the_baseline(clusters: int | None) -> None:
    found = weight_coverage(40, 240, clusters)
    assert found["complete"][0] > 0.4 and found["complete"][1] < 0.8
    assert abs(found["known"][0]) < 0.12
    assert found["known"][1] > 0.88 and found["stacked"][1] > 0.85


@pytest.mark.slow
@pytest.mark.parametrize(("n", "clusters"), [(300, None), (400, 40)])
def test_weight_coverage_in_full(n: int, clusters: int | None) -> None:
    found = weight_coverage(1500, n, clusters)
    assert abs(found["known"][0]) < 0.04
    assert found["known"][1] > 0.93 and found["stacked"][1] > 0.925
