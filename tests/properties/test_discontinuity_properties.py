"""What must hold of regression discontinuity, what it refuses, and whether its interval covers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.errors import CannotEstimate, InvalidInput
from evalkit.stats.thresholds.discontinuity import covariate_continuity, regression_discontinuity
from evalkit.stats.thresholds.discontinuity_results import Discontinuity

quick = settings(deadline=None, max_examples=15)
SEEDS = st.integers(0, 10_000)
CALL: dict[str, Any] = {"outcome": "y", "score": "x", "cutoff": 1.0}
OPTIONS = st.sampled_from(
    [{}, {"order": 2}, {"kernel": "uniform"}, {"bandwidth": 2.0}, {"cluster": "family"}]
)
NUMBERS = ("estimate", "estimate_corrected", "std_error", "std_error_conventional", "p_value",
           "conf_low", "conf_high", "bandwidth", "bias_bandwidth", "effect_size")  # fmt: skip


def made(seed: int, n: int = 400) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x = rng.normal(1, 2, size=n)
    y = 10 + x + 0.1 * x**2 - 2 * (x >= 1) + rng.normal(size=n)
    return pd.DataFrame(
        {"x": x, "y": y, "family": np.arange(n) // 4, "age": 3 * x + rng.normal(size=n)}
    )


def same(one: Discontinuity, other: Discontinuity, **times: float) -> None:
    for name in NUMBERS:
        expected = getattr(one, name) * times.get(name, 1.0)
        assert getattr(other, name) == pytest.approx(expected, rel=1e-6, abs=1e-9), name


@quick
@given(SEEDS, OPTIONS)
def test_rows_units_and_direction(seed: int, options: dict[str, Any]) -> None:
    frame, call = made(seed), CALL | options
    one = regression_discontinuity(frame, **call)
    same(one, regression_discontinuity(frame.sample(frac=1, random_state=seed), **call))
    wide = call | ({"bandwidth": 8.0} if "bandwidth" in options else {})
    moved = frame.assign(x=4 * frame["x"] - 64)
    widths = {"bandwidth": 4.0, "bias_bandwidth": 4.0}
    same(one, regression_discontinuity(moved, **wide | {"cutoff": -60}), **widths)
    turned = call | {"cutoff": -1, "treated_above": False}
    same(one, regression_discontinuity(frame.assign(x=-frame["x"]), **turned))
    outcome = dict.fromkeys(NUMBERS[:4] + NUMBERS[5:7], 3.0)
    same(one, regression_discontinuity(frame.assign(y=3 * frame["y"]), **call), **outcome)


@quick
@given(SEEDS, OPTIONS)
def test_a_trend_moves_nothing_and_a_step_everything(seed: int, options: dict[str, Any]) -> None:
    frame, call = made(seed), CALL | options | {"bandwidth": 2.0}
    one = regression_discontinuity(frame, **call)
    tilted = regression_discontinuity(frame.assign(y=frame["y"] + 7 - 5 * frame["x"]), **call)
    assert tilted.estimate == pytest.approx(one.estimate or 0, abs=1e-8)
    stepped = regression_discontinuity(frame.assign(y=frame["y"] + 4 * (frame["x"] >= 1)), **call)
    for name in ("estimate", "estimate_corrected", "conf_low", "conf_high"):
        assert getattr(stepped, name) == pytest.approx(getattr(one, name) + 4, abs=1e-8)
    assert stepped.std_error == pytest.approx(one.std_error or 0)


@quick
@given(SEEDS)
def test_everybody_twice_with_clusters(seed: int) -> None:
    """Rows beyond the bandwidth do not matter, and a family on both sides counts once."""
    frame, call = made(seed), CALL | {"bandwidth": 1.5}
    near = frame[(frame["x"] - 1).abs() < 1.5]
    one, other = (regression_discontinuity(f, **call) for f in (frame, near))
    assert other.std_error == pytest.approx(one.std_error or 0)
    assert (other.n_within_treatment, other.n_within_comparison) == (
        one.n_within_treatment, one.n_within_comparison)  # fmt: skip
    mixed = frame.assign(family=np.arange(len(frame)) % 80)
    below, above = (mixed["x"] < 1), mixed["x"] >= 1
    parted = mixed.assign(family=mixed["family"] + 1000 * above)
    apart = regression_discontinuity(parted, **call, cluster="family")
    together = regression_discontinuity(mixed, **call, cluster="family")
    assert together.estimate == apart.estimate and together.std_error != apart.std_error
    assert below.any()


def test_looks_around_the_cutoff() -> None:
    frame = made(4)
    found = regression_discontinuity(frame, **CALL)
    assert found.conf_low is not None and found.conf_low < -2 < (found.conf_high or 0) < 0
    placebos = found.placebo_cutoffs()
    assert len(placebos) == 6 and (placebos["conf_low"] < 0).sum() >= 5
    assert list(found.placebo_cutoffs([0.0, 2.5])["cutoff"]) == [0.0, 2.5]
    with pytest.raises(InvalidInput, match="real cut-off"):
        found.placebo_cutoffs([1.0])
    widths = found.sensitivity()
    assert list(widths["bandwidth"] / found.bandwidth) == pytest.approx(
        [0.5, 0.75, 1, 1.25, 1.5, 2]
    )
    row = widths.iloc[2]
    assert (row["estimate"], row["conf_low"]) == pytest.approx((found.estimate, found.conf_low))
    tiny = found.sensitivity([0.001])
    assert np.isnan(tiny["estimate"][0]) and "wider bandwidth" in tiny["why"][0]
    ages = covariate_continuity(frame, covariates=["age"], score="x", cutoff=1.0)
    assert ages[0].outcome == "age" and ages[0].p_value is not None and ages[0].p_value > 0.01
    assert ages.to_frame()["density_passed"][0]
    low = regression_discontinuity(
        frame.assign(x=-frame["x"]), outcome="y", score="x", cutoff=-1, treated_above=False
    )
    assert list(low.placebo_cutoffs([0.0])["cutoff"]) == [0.0]
    assert low.placebo_cutoffs()["cutoff"].to_numpy() == pytest.approx(
        -placebos["cutoff"].to_numpy()
    )


def test_the_treatment_column_is_checked() -> None:
    frame = made(1).assign(got=lambda f: np.where(f["x"] >= 1, "yes", "no"))
    plain = regression_discontinuity(frame, **CALL)
    same(plain, regression_discontinuity(frame, **CALL, treatment="got", treated="yes"))
    frame.loc[[0, 1], "got"] = np.where(frame.loc[[0, 1], "got"] == "yes", "no", "yes")
    with pytest.raises(CannotEstimate, match=r"for 2 of 400 people.*complier_effect"):
        regression_discontinuity(frame, **CALL, treatment="got", treated="yes")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"score": "z"}, "no such column"),
        ({"outcome": "x"}, "both as outcome and as score"),
        ({"cutoff": "1"}, "Allowed: a finite number"),
        ({"cutoff": np.nan}, "Allowed: a finite number"),
        ({"bandwidth": 0}, "a number above 0"),
        ({"bandwidth": "wide"}, "a number above 0"),
        ({"bias_bandwidth": 3}, "Give both"),
        ({"kernel": "gaussian"}, "Allowed: triangular"),
        ({"order": 3}, "Allowed: 1 or 2"),
        ({"level": 95}, "between 0 and 1"),
        ({"cluster": ["family"]}, "the name of one column"),
    ],
)
def test_options(options: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        regression_discontinuity(made(1), **(CALL | options))


def test_what_cannot_be_answered() -> None:
    frame = made(1)
    for cutoff in (-50, 50):
        with pytest.raises(CannotEstimate, match="outside the range of the scores"):
            regression_discontinuity(frame, **CALL | {"cutoff": cutoff})
    lone = frame[(frame["x"] < 1) | (frame.index == frame["x"].idxmax())]
    with pytest.raises(CannotEstimate, match="treated side of the cut-off has 1 row"):
        regression_discontinuity(lone, **CALL)
    with pytest.raises(CannotEstimate, match="does not vary"):
        regression_discontinuity(frame.assign(y=1.0), **CALL)
    coarse = frame.assign(x=np.where(frame["x"] >= 1, 1.0, 0.0))
    with pytest.raises(CannotEstimate, match="values of the score; a bandwidth can be chosen"):
        regression_discontinuity(coarse, **CALL)
    with pytest.raises(CannotEstimate, match="polynomial of order 1 needs 2"):
        regression_discontinuity(coarse, **CALL, bandwidth=3)
    exact = frame.assign(y=frame["x"] + (frame["x"] >= 1))
    exact_y = exact.assign(y=np.where(frame["x"] >= 1, 1.0, 0.0))
    with pytest.raises(CannotEstimate, match="does not vary around its curve"):
        regression_discontinuity(exact_y, **CALL)
    one_family = frame.assign(family=np.where(frame["x"] >= 1, -1, frame["family"]))
    with pytest.raises(CannotEstimate, match=r"1 cluster"):
        regression_discontinuity(one_family, **CALL, cluster="family")


def test_what_is_said_beside_the_estimate() -> None:
    frame = made(2)
    holes = frame.assign(y=frame["y"].mask(frame.index < 3), x=frame["x"].mask(frame.index == 5))
    found = regression_discontinuity(holes, **CALL)
    assert found.dropped_why == (("no outcome", 3), ("no score", 1))
    assert (found.n_treatment or 0) + (found.n_comparison or 0) + found.n_dropped == len(frame)
    rough = regression_discontinuity(frame.assign(x=(2 * frame["x"]).round() / 2), **CALL)
    assert any("score is discrete" in note for note in rough.notes)
    crowd = pd.concat([frame, made(3, 4000).query("1 <= x < 1.4").head(60)])
    crowded = regression_discontinuity(crowd, **CALL)
    assert not crowded.density.passed and any("crowd on one side" in n for n in crowded.notes)
    assert any("people at the cut-off" in note for note in found.notes)


def coverage(runs: int, n: int) -> tuple[float, float]:
    """Return the shares of robust intervals that hold the effect and of density tests below .05."""
    inside, jumps = [], []
    for child in np.random.SeedSequence(23).spawn(runs):
        rng = np.random.default_rng(child)
        x = 2 * rng.beta(2, 4, size=n) - 1
        y = 0.5 + 0.8 * x + 2 * x**2 - 1.5 * x**3 - 2 * (x >= -0.2) + rng.normal(0, 0.5, size=n)
        e = regression_discontinuity(
            pd.DataFrame({"x": x, "y": y}), outcome="y", score="x", cutoff=-0.2
        )
        inside.append((e.conf_low or 0) <= -2 <= (e.conf_high or 0))
        jumps.append(not e.density.passed)
    return float(np.mean(inside)), float(np.mean(jumps))


def test_interval_covers() -> None:
    inside, jumps = coverage(120, 600)
    assert 0.88 <= inside <= 0.99 and jumps <= 0.12


@pytest.mark.slow
def test_interval_covers_in_full() -> None:
    inside, jumps = coverage(1500, 800)
    assert 0.925 <= inside <= 0.965 and jumps <= 0.08
