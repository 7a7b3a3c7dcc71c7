"""What must hold of a difference with a random intercept, and what it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.errors import CannotEstimate, InvalidInput, NotConverged
from evalkit.stats.clusters.mixed_models import MixedDifference, mixed_difference
from evalkit.stats.clusters.random_intercept import fit_random_intercept
from evalkit.stats.least_squares.differences import mean_difference

quick = settings(deadline=None, max_examples=40)
SIGNED = ("estimate", "statistic", "effect_size", "g_within", "g_total")
SHAPE = ("df", "p_value", "icc", "unconditional_icc", "effect_size", "g_within", "g_total")
NUMBERS = ("estimate", "std_error", "conf_low", "conf_high", "variance_between", *SHAPE)


def made(seed: int, *, groups: int = 10, size: int = 6, between: float = 2.0) -> pd.DataFrame:
    """Return people in groups of unequal size, groups assigned whole; a fixed draw."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(2, size + 3, groups)
    group = np.repeat(np.arange(groups), sizes)
    frame = pd.DataFrame({"group": group, "arm": group % 2, "x": rng.normal(size=len(group))})
    level = rng.normal(0, between, groups)[group]
    frame["y"] = 10 + frame["arm"] + frame["x"] + level + rng.normal(size=len(group))
    frame["within"] = np.arange(len(group)) % 2
    return frame


def difference(frame: Any, **options: Any) -> MixedDifference:
    call = {"outcome": "y", "treatment": "arm", "group": "group", "covariates": ["x"]} | options
    return mixed_difference(frame, **call)


def same(one: Any, other: Any, names: tuple[str, ...] = NUMBERS) -> None:
    for name in names:
        found, expected = getattr(other, name), getattr(one, name)
        assert found == pytest.approx(expected, rel=1e-6, abs=1e-8), name


SEEDS = st.integers(0, 10_000)
ARMS = st.sampled_from(["arm", "within"])
BETWEEN = st.sampled_from([0.0, 0.5, 3.0])


@quick
@given(SEEDS, ARMS, BETWEEN)
def test_swapping_the_arms_turns_the_sign(seed: int, arm: str, between: float) -> None:
    frame = made(seed, between=between)
    one, other = difference(frame, treatment=arm), difference(frame, treatment=arm, treated=0)
    same(one, other, ("std_error", "df", "p_value", "icc", "variance_between", "variance_within"))
    for name in SIGNED:
        assert getattr(other, name) == pytest.approx(-getattr(one, name), rel=1e-6, abs=1e-8)
    assert other.conf_low == pytest.approx(-one.conf_high, rel=1e-6, abs=1e-8)


@quick
@given(SEEDS, ARMS, BETWEEN)
def test_order_and_labels_mean_nothing(seed: int, arm: str, between: float) -> None:
    frame = made(seed, between=between)
    mixed = frame.sample(frac=1, random_state=seed)
    mixed["group"] = [f"site {(g * 7 + 3) % 101}" for g in mixed["group"]]
    same(difference(frame, treatment=arm), difference(mixed, treatment=arm))


@quick
@given(SEEDS, st.sampled_from([0.001, 7.0, 1e5]), st.sampled_from([0.0, -50.0, 1e6]))
def test_scale_and_level_of_the_outcome(seed: int, factor: float, shift: float) -> None:
    frame = made(seed)
    one, other = difference(frame), difference(frame.assign(y=frame["y"] * factor + shift * factor))
    same(one, other, SHAPE)
    assert other.estimate == pytest.approx(one.estimate * factor, rel=1e-6)
    assert other.std_error == pytest.approx(one.std_error * factor, rel=1e-6)
    assert other.variance_within == pytest.approx(one.variance_within * factor**2, rel=1e-6)


@quick
@given(SEEDS)
def test_scale_and_level_of_a_covariate(seed: int) -> None:
    frame = made(seed)
    same(difference(frame), difference(frame.assign(x=frame["x"] * 1e-4 + 2000)))


@quick
@given(SEEDS, BETWEEN)
def test_the_likelihood_is_highest_where_it_stops(seed: int, between: float) -> None:
    """The REML likelihood, written out with full matrices, is nowhere higher near by."""
    frame = made(seed, groups=6, size=3, between=between)
    matrix = np.column_stack([np.ones(len(frame)), frame["arm"], frame["x"]])
    y, codes = frame["y"].to_numpy(), frame["group"].to_numpy()
    model = fit_random_intercept(matrix, y, ["(intercept)", "arm", "x"], codes)

    def likelihood(b: float, w: float) -> float:
        v = b * (codes[:, None] == codes) + w * np.eye(len(y))
        inverse = np.linalg.inv(v)
        bread = matrix.T @ inverse @ matrix
        left = y - matrix @ np.linalg.solve(bread, matrix.T @ inverse @ y)
        dets = np.linalg.slogdet(v)[1] + np.linalg.slogdet(bread)[1]
        spare = len(y) - matrix.shape[1]
        return float(-(dets + left @ inverse @ left + spare * np.log(2 * np.pi)) / 2)

    top = likelihood(model.between, model.within)
    assert model.log_likelihood == pytest.approx(top, rel=1e-9)
    for b in (0.0, *(model.between * np.array([0.05, 0.9, 0.999, 1.001, 1.1, 20])), 0.01):
        for w in model.within * np.array([0.999, 1.0, 1.001]):
            assert likelihood(b, w) <= top + 1e-9


def test_no_variance_between_is_least_squares() -> None:
    frame = next(f for f in map(made_flat, range(20)) if difference(f).variance_between == 0)
    one = difference(frame)
    other = mean_difference(
        frame, outcome="y", treatment="arm", covariates=["x"], se="classical", df="residual"
    )
    same(other, one, ("estimate", "std_error", "df", "p_value", "conf_low", "conf_high"))


def made_flat(seed: int) -> pd.DataFrame:
    return made(seed, between=0.0)


def test_rows_left_out_are_counted() -> None:
    frame = made(1)
    frame.loc[[0, 5], "y"] = np.nan
    frame.loc[[5, 6], "x"] = np.nan
    frame["group"] = frame["group"].astype(float)
    frame.loc[7, "group"] = np.nan
    e = difference(frame)
    assert e.dropped_why == (("no outcome", 2), ("no x", 1), ("no group", 1))
    assert e.n_treatment + e.n_comparison + e.n_dropped == len(frame)


def test_other_frames_and_a_named_arm() -> None:
    import polars as pl

    frame = made(2)
    named = frame.assign(arm=np.where(frame["arm"] == 1, "programme", "usual"))
    same(difference(frame), difference(pl.from_pandas(named), treated="programme"))
    assert list(difference(frame).to_frame().columns[:3]) == ["outcome", "measure", "scale"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"group": "grup"}, "Did you mean 'group'?"),
        ({"group": "x"}, "both as group and as covariates"),
        ({"group": "arm"}, "both as treatment and as group"),
        ({"outcome": "word"}, "Allowed: numbers"),
        ({"treatment": "x", "covariates": []}, "treated="),
        ({"level": 95}, "between 0 and 1"),
    ],
)
def test_invalid_calls(options: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput) as error:
        difference(made(3).assign(word="a"), **options)
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"y": 1.0}, "does not vary"),
        ({"arm": 1}, "comparison arm has 0 row"),
        ({"arm": "first"}, "has one cluster"),
        ({"group": "rows"}, "mean_difference without cluster"),
        ({"y": "level"}, "does not vary within groups"),
        ({"y": "exact"}, "fit the outcome exactly"),
        ({"x": "arm"}, "determined by the covariates"),
        ({"x": "labels"}, "Use fewer covariates"),
    ],
)
def test_what_cannot_be_estimated(change: dict[str, Any], said: str) -> None:
    frame = made(4, between=5.0)
    special = {
        "first": (frame["group"] == 0).astype(int),
        "rows": np.arange(len(frame)),
        "level": frame["group"] ** 2.0,
        "exact": frame["arm"] * 2 + frame["x"],
        "arm": frame["arm"] * 3,
        "labels": [f"g{min(g, 9)}" if g > 1 else "g0" for g in frame["group"]],
    }
    frame = frame.assign(**{k: special[v] if isinstance(v, str) else v for k, v in change.items()})
    with pytest.raises(CannotEstimate) as error:
        difference(frame)
    assert said in str(error.value)


def test_no_end_is_not_converged() -> None:
    frame = made(5).assign(x=0.0)
    frame["y"] = frame["group"] ** 2 * 1e5 + np.arange(len(frame)) % 3
    with pytest.raises(NotConverged) as error:
        difference(frame, covariates=[])
    assert "one row a group" in str(error.value)


@pytest.mark.slow
def test_interval_covers_the_truth() -> None:
    """In 400 made trials of ten groups the 95% interval holds the truth 93 to 98.5 times in 100."""
    held = 0
    for seed in range(400):
        e = difference(made(seed + 10**6, between=1.0))
        held += e.conf_low <= 1 <= e.conf_high
    assert 0.93 <= held / 400 <= 0.985
