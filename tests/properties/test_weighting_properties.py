"""What must hold of weights and of effects after weighting, whatever the data."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.results import Estimate
from evalkit.stats.weighting.augmented import augmented_effect
from evalkit.stats.weighting.weighted_effects import weighted_effect
from evalkit.stats.weighting.weights import weight

quick = settings(deadline=None, max_examples=10)
SEEDS = st.integers(0, 10_000)
MADE = st.sampled_from([
    {}, {"estimand": "ATE"}, {"estimand": "ATC"}, {"method": "overlap"}, {"method": "entropy"},
    {"method": "entropy", "estimand": "ATE"}, {"link": "probit"}, {"trim": 0.05},
    {"base_weights": "b"}, {"moments": 2}, {"exact": "side"},
])  # fmt: skip
CALL: dict[str, Any] = {"treatment": "a", "covariates": ["x", "kind"]}
EFFECT = CALL | {"outcome": "y"}
NUMBERS = ("estimate", "std_error", "df", "p_value", "conf_low", "conf_high", "effect_size")
TURNED = {"ATT": "ATC", "ATC": "ATT", "ATE": "ATE", "ATO": "ATO"}


def made(seed: int, n: int = 240, sharp: float = 0.7) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    family = np.arange(n) // 3
    x = rng.normal(size=n)
    arm = (rng.uniform(size=n) < 1 / (1 + np.exp(-sharp * x))).astype(int)
    y = 5 + arm + x + rng.normal(size=n // 3)[family] + rng.normal(size=n)
    return pd.DataFrame({
        "family": family, "a": arm, "x": x, "y": y, "b": rng.uniform(0.5, 2, size=n),
        "kind": rng.choice(["u", "v", "w"], n), "side": rng.choice(["l", "r"], n),
    })  # fmt: skip


def same(one: Estimate, other: Any, times: float = 1.0) -> None:
    for name in NUMBERS:
        factor = times if name in {"estimate", "std_error", "conf_low", "conf_high"} else 1
        found, expected = getattr(other, name), getattr(one, name)
        assert found == pytest.approx(expected * factor, rel=1e-6, abs=1e-9), name


@quick
@given(SEEDS, MADE)
def test_rows_units_and_levels_do_not_matter(seed: int, options: dict[str, Any]) -> None:
    frame = made(seed)
    one = weight(frame, **CALL, **options)
    order = np.random.default_rng(seed).permutation(len(frame))
    changed = frame.assign(
        x=100 - 40 * frame["x"], kind=frame["kind"].map({"u": 3, "v": 1, "w": 2}).astype(str)
    )
    other = weight(changed.iloc[order], **CALL, **options)
    np.testing.assert_allclose(other.weights, one.weights[order], rtol=1e-6, atol=1e-9)
    assert other.effective_n == pytest.approx(one.effective_n)


@quick
@given(SEEDS, MADE, st.sampled_from([None, "family"]))
def test_effects_under_changes_of_rows_and_units(
    seed: int, options: dict[str, Any], cluster: str | None
) -> None:
    frame = made(seed)
    one = weighted_effect(frame, **EFFECT, **options, cluster=cluster)
    moved = frame.sample(frac=1, random_state=seed).assign(
        y=lambda f: 10 * f["y"], family=lambda f: "f" + f["family"].astype(str)
    )
    same(one, weighted_effect(moved, **EFFECT, **options, cluster=cluster), 10)
    shifted = weighted_effect(
        frame.assign(y=frame["y"] + 1000), **EFFECT, **options, cluster=cluster
    )
    same(one, shifted)


@quick
@given(SEEDS, MADE, st.sampled_from([None, "family"]))
def test_swapped_arms_turn_the_sign(seed: int, options: dict[str, Any], cluster: Any) -> None:
    frame = made(seed)
    one = weighted_effect(frame, **EFFECT, **options, cluster=cluster)
    turned = options | {"estimand": TURNED[str(one.estimand)]}
    other = weighted_effect(frame.assign(a=1 - frame["a"]), **EFFECT, **turned, cluster=cluster)
    assert other.estimate == pytest.approx(-(one.estimate or 0), rel=1e-6, abs=1e-9)
    assert (other.std_error, other.df) == pytest.approx((one.std_error, one.df), rel=1e-6)
    if options.get("method") is None and "exact" not in options and "trim" not in options:
        call = EFFECT | {"cluster": cluster} | options
        forth = augmented_effect(frame, **call)
        back = augmented_effect(
            frame.assign(a=1 - frame["a"]), **call | {"estimand": turned["estimand"]}
        )
        assert back.estimate == pytest.approx(-(forth.estimate or 0), rel=1e-6, abs=1e-9)
        assert (back.std_error, back.df) == pytest.approx((forth.std_error, forth.df), rel=1e-6)


@quick
@given(
    SEEDS, st.sampled_from([{}, {"estimand": "ATE"}, {"method": "overlap"}, {"method": "entropy"}])
)
def test_a_person_entered_twice_counts_once(seed: int, options: dict[str, Any]) -> None:
    frame = made(seed).assign(person=lambda f: f.index)
    twice = pd.concat([frame, frame], ignore_index=True)
    one = weight(frame, **CALL, **options)
    np.testing.assert_allclose(
        weight(twice, **CALL, **options).weights, np.tile(one.weights, 2), rtol=1e-6
    )
    single = weighted_effect(frame, **EFFECT, **options, se="sandwich")
    double = weighted_effect(twice, **EFFECT, **options, se="sandwich", cluster="person")
    assert (double.estimate, double.std_error) == pytest.approx((single.estimate, single.std_error))


@quick
@given(SEEDS)
def test_exact_balance_where_promised(seed: int) -> None:
    frame = made(seed)
    for options in ({"method": "entropy"}, {"method": "overlap"}, {"method": "entropy", "moments": 3},
                    {"method": "entropy", "estimand": "ATE", "interactions": True},
                    {"method": "entropy", "base_weights": "b", "estimand": "ATC"}):  # fmt: skip
        found = weight(frame, **CALL, **options)
        w, a = found.weights, frame["a"].to_numpy()
        x = frame["x"].to_numpy()
        for power in range(1, options.get("moments", 1) + 1):
            means = [np.average(x[a == v] ** power, weights=w[a == v]) for v in (0, 1)]
            if "base_weights" in options:
                means[0] = np.average(x[a == 0], weights=frame["b"][a == 0])
            assert means[1] == pytest.approx(means[0], abs=1e-8)
        if "base_weights" not in options:
            plain = found.balance()[lambda t: ~t["covariate"].str.contains(r"\^")]
            assert plain["smd"].abs().max() < 1e-8
    within = weight(frame, treatment="a", covariates=["x"], exact="side", method="entropy")
    for side, rows in frame.assign(w=within.weights).groupby("side"):
        t, c = rows[rows["a"] == 1], rows[rows["a"] == 0]
        assert np.average(c["x"], weights=c["w"]) == pytest.approx(t["x"].mean(), abs=1e-8), side
    assert within.weights[frame["a"] == 0].sum() == pytest.approx((frame["a"] == 0).sum())


@quick
@given(SEEDS)
def test_entropy_with_regression_is_entropy(seed: int) -> None:
    """Where the means are equal a regression on them moves nothing (Zhao and Percival 2017)."""
    frame = made(seed)
    plain, adjusted = (
        weighted_effect(frame, **EFFECT, method="entropy", outcome_covariates=c, se="sandwich")
        for c in ((), None)
    )
    assert adjusted.estimate == pytest.approx(plain.estimate, abs=1e-8)
    assert adjusted.std_error == pytest.approx(plain.std_error, rel=1e-6)


@quick
@given(SEEDS)
def test_estimands_agree_on_weights(seed: int) -> None:
    """ATE weights are ATT plus ATC weights; overlap weights ATT times one less the propensity."""
    frame = made(seed)
    att, atc, ate = (weight(frame, **CALL, estimand=e) for e in ("ATT", "ATC", "ATE"))
    np.testing.assert_allclose(ate.weights, att.weights + atc.weights, rtol=1e-9)
    overlap = weight(frame, **CALL, estimand="ATO")
    np.testing.assert_allclose(overlap.weights, att.weights * (1 - att.propensity), rtol=1e-9)
    stable = weight(frame, **CALL, estimand="ATE", stabilise=True)
    share = np.where(frame["a"] == 1, frame["a"].mean(), 1 - frame["a"].mean())
    np.testing.assert_allclose(stable.weights, ate.weights * share, rtol=1e-9)
    assert stable.effective_n == pytest.approx(ate.effective_n)
    common = weight(frame, **CALL, trim="common")
    sides = [frame["a"] == v for v in (0, 1)]
    low = max(common.propensity[s].min() for s in sides)
    assert ((common.weights > 0) <= (common.propensity >= low)).all()


def test_propensity_from_nothing_is_the_plain_difference() -> None:
    """With a covariate unrelated to all the adjusted effect keeps its size; frames of any kind."""
    import polars as pl

    frame = made(5)
    same(
        weighted_effect(frame, **EFFECT),
        weighted_effect(pl.from_pandas(frame), **EFFECT),
    )
    named = frame.assign(a=np.where(frame["a"] == 1, "in", "out"))
    same(weighted_effect(frame, **EFFECT), weighted_effect(named, **EFFECT, treated="in"))


def coverage(runs: int, n: int) -> dict[tuple[str, str], tuple[float, float, float]]:
    """Return coverage, mean error and its Monte-Carlo error by case and estimator."""
    found: dict[tuple[str, str], list[tuple[bool, float]]] = {}
    for child in np.random.SeedSequence(17).spawn(runs):
        rng = np.random.default_rng(child)
        x, z = rng.normal(size=(2, n))
        bend = x**2 - 1
        for case, odd_arm, odd_outcome in (("both right", 0, 0), ("weights wrong", 0.5, 0),
                                           ("outcome wrong", 0, 0.8)):  # fmt: skip
            chance = 1 / (1 + np.exp(0.3 - 0.6 * x + 0.4 * z - odd_arm * bend))
            a = (rng.uniform(size=n) < chance).astype(int)
            y = 1 + a + x + z + odd_outcome * bend + rng.normal(size=n)
            frame = pd.DataFrame({"y": y, "a": a, "x": x, "z": z})
            call: dict[str, Any] = {"outcome": "y", "treatment": "a", "covariates": ["x", "z"]}
            for name, e in (
                ("plain", weighted_effect(frame, **call, outcome_covariates=())),
                ("ATT", weighted_effect(frame, **call)),
                ("ATE", weighted_effect(frame, **call, estimand="ATE")),
                ("entropy", weighted_effect(frame, **call, method="entropy")),
                ("augmented", augmented_effect(frame, **call)),
            ):
                inside = (e.conf_low or 0) <= 1 <= (e.conf_high or 0)
                found.setdefault((case, name), []).append((inside, (e.estimate or 0) - 1))
    tables = {key: np.array(rows) for key, rows in found.items()}
    return {
        key: (t[:, 0].mean(), t[:, 1].mean(), t[:, 1].std() / np.sqrt(runs))
        for key, t in tables.items()
    }


def check_coverage(runs: int, n: int, low: float, high: float = 1.0) -> None:
    for (case, name), (inside, error, noise) in coverage(runs, n).items():
        if name == "plain" and case == "weights wrong":
            assert error > 4 * noise  # weights alone are not right twice
            continue
        assert low <= inside <= high, (case, name)
        assert abs(error) < 4 * noise + 0.02, (case, name)


def test_doubly_robust_and_covered() -> None:
    check_coverage(50, 400, 0.86)


@pytest.mark.slow
def test_doubly_robust_and_covered_in_full() -> None:
    check_coverage(800, 400, 0.93, 0.98)
