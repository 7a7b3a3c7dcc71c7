"""What must hold of complier effects, and what they refuse."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from scipy.stats import t as student

from evalkit.errors import CannotEstimate, InvalidInput
from evalkit.stats.least_squares.compliance import ComplierEffect, complier_effect
from evalkit.stats.least_squares.differences import mean_difference
from evalkit.stats.least_squares.two_stage import TwoStage, anderson_rubin, fit_two_stage

quick = settings(deadline=None, max_examples=40)
SEEDS = st.integers(0, 10_000)
PULLS = st.sampled_from([0.2, 1.0, 3.0])
COVARIATES = st.sampled_from([[], ["x"], ["x", "kind"]])
CLUSTER = st.sampled_from([None, "family"])
NUMBERS = (
    *("estimate", "std_error", "df", "p_value", "conf_low", "conf_high", "effect_size"),
    *("first_stage", "f_statistic", "f_robust", "assignment_effect", "ar_low", "ar_high"),
)


def made(seed: int, *, n: int = 48, pull: float = 2.0) -> pd.DataFrame:
    """Return people in families assigned whole, some of whom do not comply; a fixed draw."""
    rng = np.random.default_rng(seed)
    family = np.repeat(np.arange(n // 2), rng.permutation([1, 3] * (n // 4)))[:n]
    z, hidden = family % 2, rng.normal(size=n)
    frame = pd.DataFrame({"family": family, "z": z, "x": rng.normal(size=n)})
    frame["kind"] = rng.choice(["a", "b", "c"], n)
    frame["d"] = (pull * z + hidden > pull / 2).astype(int)
    frame["y"] = 5 + 2 * frame["d"] + frame["x"] + hidden + rng.normal(size=n)
    return frame


def effect(frame: Any, **options: Any) -> ComplierEffect:
    call = {"outcome": "y", "assigned": "z", "received": "d"} | options
    try:
        return complier_effect(frame, **call)
    except CannotEstimate as error:
        assume("first stage is zero" not in str(error))
        raise


def same(one: Any, other: Any, names: tuple[str, ...] = NUMBERS) -> None:
    for name in names:
        found, expected = getattr(other, name), getattr(one, name)
        if expected is None or found is None:
            assert found is expected, name
            continue
        assert found == pytest.approx(expected, rel=1e-6, abs=1e-8), name


@quick
@given(SEEDS, PULLS, COVARIATES, CLUSTER)
def test_swapping_both_names_changes_nothing(
    seed: int, pull: float, covariates: list[str], cluster: str | None
) -> None:
    """The other arm with not receiving for receiving: the sign turns twice at each stage."""
    frame, options = made(seed, pull=pull), {"covariates": covariates, "cluster": cluster}
    one = effect(frame, **options)
    same(one, effect(frame.assign(z=1 - frame["z"]), **options), ("estimate", "std_error", "df"))
    other = effect(frame.assign(d=1 - frame["d"]), **options)
    same(one, other, ("std_error", "df", "p_value", "f_robust"))
    assert other.estimate == pytest.approx(-one.estimate, rel=1e-6, abs=1e-8)
    assert other.ar_low == pytest.approx(-one.ar_high, rel=1e-6, abs=1e-8)


@quick
@given(SEEDS, PULLS, COVARIATES, CLUSTER)
def test_order_and_labels_mean_nothing(
    seed: int, pull: float, covariates: list[str], cluster: str | None
) -> None:
    frame, options = made(seed, pull=pull), {"covariates": covariates, "cluster": cluster}
    mixed = frame.sample(frac=1, random_state=seed)
    mixed["family"] = [f"family {(g * 7 + 3) % 101}" for g in mixed["family"]]
    same(effect(frame, **options), effect(mixed, **options))


@quick
@given(SEEDS, CLUSTER, st.sampled_from([0.01, 1e5]), st.sampled_from([0.0, 1e6]))
def test_scale_and_level(seed: int, cluster: str | None, factor: float, shift: float) -> None:
    frame = made(seed)
    one = effect(frame, cluster=cluster)
    other = effect(frame.assign(y=frame["y"] * factor + shift * factor), cluster=cluster)
    same(one, other, ("df", "p_value", "first_stage", "f_robust", "effect_size"))
    for name in ("estimate", "std_error", "conf_low", "ar_low", "ar_high"):
        expected = getattr(one, name) * factor
        assert getattr(other, name) == pytest.approx(expected, rel=1e-6), name


@quick
@given(SEEDS, COVARIATES)
def test_clusters_of_one_are_no_clusters(seed: int, covariates: list[str]) -> None:
    frame = made(seed)
    frame["alone"] = np.arange(len(frame))[::-1]
    one = effect(frame, covariates=covariates)
    other = effect(frame, covariates=covariates, cluster="alone")
    same(one, other)
    assert other.n_clusters is None and one.method == other.method


@quick
@given(SEEDS, COVARIATES, CLUSTER)
def test_full_compliance_is_the_mean_difference(
    seed: int, covariates: list[str], cluster: str | None
) -> None:
    frame = made(seed).assign(d=lambda f: f["z"])
    e = effect(frame, covariates=covariates, cluster=cluster)
    plain = mean_difference(
        frame, outcome="y", treatment="z", covariates=covariates, cluster=cluster
    )
    same(plain, e, (*NUMBERS[:7], "effect_low", "n_clusters", "mean_treatment"))
    assert e.first_stage == pytest.approx(1) and e.f_robust is None and e.f_statistic is None
    assert (e.ar_low, e.ar_high) == pytest.approx((e.conf_low, e.conf_high))
    assert any("everybody complied" in note for note in e.notes)


@quick
@given(SEEDS, PULLS, COVARIATES, CLUSTER)
@example(81, 3.0, [], None)
def test_effect_is_the_ratio_and_lies_in_its_set(
    seed: int, pull: float, covariates: list[str], cluster: str | None
) -> None:
    frame = made(seed, pull=pull)
    e = effect(frame, covariates=covariates, cluster=cluster)
    assert e.estimate == pytest.approx(e.assignment_effect / e.first_stage)
    assert e.ar_low <= e.estimate <= e.ar_high
    if e.ar_gap_low is not None:
        assert not e.ar_gap_low < e.estimate < e.ar_gap_high
    itt = mean_difference(frame, outcome="y", treatment="z", covariates=covariates, cluster=cluster)
    assert e.assignment_effect == pytest.approx(itt.estimate)
    assert e.assignment_p_value == pytest.approx(itt.p_value)
    holds_zero = e.ar_low <= 0 <= e.ar_high and not (
        e.ar_gap_low is not None and e.ar_gap_low < 0 < e.ar_gap_high
    )
    assert holds_zero == (itt.p_value > 0.05)
    if e.f_robust is None:  # assignment fixes receipt
        assert e.ar_shape == "interval"
        return
    first = mean_difference(
        frame, outcome="d", treatment="z", covariates=covariates, cluster=cluster
    )
    assert (e.ar_shape == "interval") == (first.p_value < 0.05)


def two_stage(frame: pd.DataFrame) -> TwoStage:
    matrix = np.column_stack([np.ones(len(frame)), frame["z"]]).astype(float)
    y, d = frame["y"].to_numpy(float), frame["d"].to_numpy(float)
    return fit_two_stage(y, d, matrix, ["(intercept)", "d"], None)


def test_a_ray_where_the_quadratic_vanishes() -> None:
    """The one case data hardly ever give: the first stage's F exactly at the limit."""
    limit = float(student.ppf(0.975, 10.0)) ** 2
    on_d = next(x for x in map(float, range(1, 99)) if x**2 - limit * (x**2 / limit) == 0)
    for on_y in (3.0, -3.0):
        model = replace(
            two_stage(made(1)),
            effect_of_z=(on_y, on_d),
            vcov=np.array([[1.0, 0.0], [0.0, on_d**2 / limit]]),
            df=10.0,
        )
        shape, low, high = anderson_rubin(model, 0.95)
        end = (on_y**2 - limit) / (2 * on_y * on_d)
        assert shape == "ray"
        assert (low, high) == pytest.approx((end, inf) if on_y > 0 else (-inf, end))


def test_a_weak_first_stage_is_said() -> None:
    e = effect(made(3, pull=0.2))
    assert e.f_robust < 10 and any("first stage is weak" in note for note in e.notes)
    assert e.ar_high == inf and "unbounded" in e.ar_sentence


def test_turned_receipt_is_said() -> None:
    e = effect(made(3).assign(d=lambda f: 1 - f["d"]))
    assert e.first_stage < 0 and any("less often" in note for note in e.notes)


def test_rows_left_out_are_counted() -> None:
    frame = made(1).astype({"d": float, "z": float})
    frame.loc[[0, 5], "y"] = np.nan
    frame.loc[[5, 6], "d"] = np.nan
    frame.loc[7, "x"] = np.nan
    e = effect(frame, covariates="x")
    assert e.dropped_why == (("no outcome", 2), ("no d", 1), ("no x", 1))
    assert e.n_treatment + e.n_comparison + e.n_dropped == len(frame)


def test_other_frames_and_a_named_arm() -> None:
    import polars as pl

    frame = made(2)
    named = frame.assign(z=np.where(frame["z"] == 1, "programme", "usual"), d=frame["d"] == 1)
    same(effect(frame), effect(pl.from_pandas(named), treated="programme"))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"received": "dd"}, "Did you mean 'd'?"),
        ({"received": "z"}, "both as assigned and as received"),
        ({"received": "x"}, "attended at least half"),
        ({"received": "kind"}, "Allowed: 0 and 1"),
        ({"assigned": "kind"}, "treated="),
        ({"outcome": "kind"}, "Allowed: numbers"),
        ({"covariates": ["d"]}, "both as received and as covariates"),
        ({"df": "welch"}, "df='welch'"),
        ({"level": 95}, "between 0 and 1"),
        ({"cluster": "famly"}, "Did you mean 'family'?"),
    ],
)
def test_invalid_calls(options: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput) as error:
        effect(made(3), **options)
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("change", "options", "said"),
    [
        ({"y": 1.0}, {}, "does not vary"),
        ({"z": 1}, {}, "comparison arm has 0 row"),
        ({"d": 1}, {}, "Everybody among the rows analysed received"),
        ({"d": 0}, {}, "Nobody among the rows analysed received"),
        ({"d": "balanced"}, {}, "first stage is zero"),
        ({"x": "z"}, {"covariates": ["x"]}, "determined by the covariates"),
        ({"x": "d"}, {"covariates": ["x"]}, "first stage is zero"),
        ({"y": "exact"}, {}, "fit the outcome exactly"),
        ({"family": "two"}, {"cluster": "family"}, "arm has one cluster"),
    ],
)
def test_what_cannot_be_estimated(
    change: dict[str, Any], options: dict[str, Any], said: str
) -> None:
    frame = made(4).iloc[:48]
    frame = frame.assign(z=np.arange(48) % 2)
    special = {
        "balanced": np.arange(48) // 2 % 2,
        "z": frame["z"] * 2.0,
        "d": frame["d"] * 3.0,
        "exact": frame["d"] * 2.0 + 1,
        "two": frame["z"],
    }
    frame = frame.assign(**{k: special[v] if isinstance(v, str) else v for k, v in change.items()})
    with pytest.raises(CannotEstimate) as error:
        complier_effect(frame, outcome="y", assigned="z", received="d", **options)
    assert said in str(error.value)


def test_no_row_to_spare() -> None:
    frame = made(5).iloc[:6].assign(z=[0, 1] * 3, d=[0, 1, 0, 1, 1, 1])
    rng = np.random.default_rng(1)
    more = {f"x{i}": rng.normal(size=6) for i in range(4)}
    with pytest.raises(CannotEstimate, match="more rows than parameters"):
        complier_effect(
            frame.assign(**more), outcome="y", assigned="z", received="d", covariates=list(more)
        )


@pytest.mark.slow
@pytest.mark.parametrize("pull", [0.3, 2.0])
def test_anderson_rubin_covers_the_truth(pull: float) -> None:
    """However weak the first stage, the set holds the truth some 95 times in 100."""
    held = runs = 0
    for seed in range(500):
        frame = made(seed + 10**6, pull=pull)
        if frame.groupby("z")["d"].mean().diff().iloc[1] == 0:
            continue  # refused: the first stage is exactly zero
        e = complier_effect(frame, outcome="y", assigned="z", received="d")
        gap = e.ar_gap_low is not None and e.ar_gap_low < 2 < e.ar_gap_high
        held, runs = held + (e.ar_low <= 2 <= e.ar_high and not gap), runs + 1
    assert runs > 400 and 0.92 <= held / runs <= 0.98
