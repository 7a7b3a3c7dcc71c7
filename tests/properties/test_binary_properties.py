"""What must hold of risks and odds whatever the data."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.errors import CannotEstimate
from evalkit.stats.categories.binary import odds_ratio, risk_difference, risk_ratio
from evalkit.stats.categories.families import LOGISTIC
from evalkit.stats.categories.glm import fit
from evalkit.stats.categories.risk_study import RiskEffect

quick = settings(deadline=None, max_examples=20)
EFFECTS = (risk_difference, risk_ratio, odds_ratio)
EVERY = st.sampled_from(EFFECTS)
NUMBERS = (
    *("estimate", "std_error", "df", "p_value", "conf_low", "conf_high"),
    *("risk_treatment", "risk_comparison", "mean_treatment", "mean_comparison"),
)
OPTIONS = st.sampled_from(
    [
        {},
        {"covariates": ["x"]},
        {"cluster": "family"},
        {"covariates": ["x", "kind"], "cluster": "family"},
        {"covariates": ["x"], "interact": True, "estimand": "ATT"},
    ]
)


@st.composite
def studies(draw: st.DrawFn) -> pd.DataFrame:
    """A study of 30 or 120 people, so that some have few events and some have not."""
    random = np.random.default_rng(draw(st.integers(0, 10**6)))
    n = draw(st.sampled_from([30, 120]))
    x, arm = random.normal(size=n), random.permutation([0, 1] * (n // 2))
    chance = 1 / (1 + np.exp(-(draw(st.sampled_from([-1.0, 0, 0.6])) + 0.5 * arm + 0.4 * x)))
    return pd.DataFrame({
        "y": (random.random(n) < chance) * 1.0, "x": x, "arm": arm,
        "family": random.integers(0, n // 3, n), "kind": random.choice(["a", "b"], n),
    })  # fmt: skip


def effect(kind: Any, frame: pd.DataFrame, **options: Any) -> RiskEffect | None:
    try:
        return kind(frame, outcome="y", treatment="arm", **options)
    except CannotEstimate:
        return None


def same(one: RiskEffect | None, other: RiskEffect | None, *, but: tuple[str, ...] = ()) -> None:
    if one is None or other is None:
        assert one is other
        return
    for name in set(NUMBERS) - set(but):
        expected = getattr(one, name)
        if expected is None:
            assert getattr(other, name) is None
        else:
            assert getattr(other, name) == pytest.approx(expected, rel=1e-6, abs=1e-9)


@quick
@given(studies(), EVERY, OPTIONS)
def test_swapping_the_arms(frame: pd.DataFrame, kind: Any, options: Any) -> None:
    options = {k: v for k, v in options.items() if k != "estimand"}
    one = effect(kind, frame, **options)
    other = effect(kind, frame.assign(arm=1 - frame["arm"]), **options)
    if one is None or other is None or not one.estimate or not other.estimate:
        return
    turn = (lambda x: -x) if kind is risk_difference else (lambda x: 1 / x)
    for here, there in (("estimate",) * 2, ("conf_low", "conf_high"), ("conf_high", "conf_low")):
        if getattr(other, there) not in (0, np.inf):
            assert getattr(one, here) == pytest.approx(
                turn(getattr(other, there)), rel=1e-6, abs=1e-9
            )
    assert one.p_value == pytest.approx(other.p_value, rel=1e-6)
    assert (one.events_treatment, one.n_treatment) == (other.events_comparison, other.n_comparison)


@quick
@given(studies(), EVERY, OPTIONS)
def test_the_event_and_its_opposite(frame: pd.DataFrame, kind: Any, options: Any) -> None:
    """Differences change sign and odds ratios invert; risk ratios need not."""
    if kind is risk_ratio:
        return
    one, other = (
        effect(kind, frame, **options),
        effect(kind, frame.assign(y=1 - frame["y"]), **options),
    )
    if one is None or other is None or not one.estimate or not other.estimate:
        return
    turned = -other.estimate if kind is risk_difference else 1 / other.estimate
    assert one.estimate == pytest.approx(turned, rel=1e-6, abs=1e-9)
    assert one.p_value == pytest.approx(other.p_value, rel=1e-6)


@quick
@given(studies(), EVERY, OPTIONS, st.randoms(use_true_random=False))
def test_order_of_rows(frame: pd.DataFrame, kind: Any, options: Any, random: Any) -> None:
    order = list(range(len(frame)))
    random.shuffle(order)
    same(effect(kind, frame, **options), effect(kind, frame.iloc[order], **options))


@quick
@given(studies(), EVERY, st.sampled_from([0.001, 3.0, 1e4]), st.integers(-1000, 1000))
def test_units_of_a_covariate(frame: pd.DataFrame, kind: Any, a: float, b: int) -> None:
    options = {"covariates": ["x"], "cluster": "family"}
    same(
        effect(kind, frame, **options), effect(kind, frame.assign(x=a * frame["x"] + b), **options)
    )


@quick
@given(studies(), EVERY)
def test_names_of_clusters(frame: pd.DataFrame, kind: Any) -> None:
    renamed = frame.assign(family="f" + ((frame["family"] * 7 + 3) % 101).astype(str))
    options = {"covariates": ["x"], "cluster": "family"}
    same(effect(kind, frame, **options), effect(kind, renamed, **options))


@quick
@given(studies(), EVERY, st.sampled_from([{}, {"covariates": ["x"]}]))
def test_singleton_clusters_are_no_clusters(frame: pd.DataFrame, kind: Any, options: Any) -> None:
    alone = frame.assign(family=range(len(frame)))
    one, other = effect(kind, frame, **options), effect(kind, alone, cluster="family", **options)
    same(one, other)
    if one is not None and other is not None:
        assert other.n_clusters is None and one.method == other.method


@quick
@given(studies())
def test_singleton_cr2_is_hc2(frame: pd.DataFrame) -> None:
    matrix = np.column_stack([np.ones(len(frame)), frame["arm"], frame["x"]])
    names, y = ["(intercept)", "arm", "x"], frame["y"].to_numpy()
    try:
        one = fit(matrix, y, names, family=LOGISTIC, se="HC2")
    except CannotEstimate:
        return
    other = fit(
        matrix, y, names, family=LOGISTIC, se="CR2", cluster=[f"p{k}" for k in range(len(y))]
    )
    np.testing.assert_allclose(one.vcov, other.vcov, rtol=1e-9)
    gradient = np.array([0.0, 1, 0.5])
    assert one.contrast(gradient) == pytest.approx(other.contrast(gradient))


@quick
@given(
    st.integers(1, 9),
    st.integers(10, 40),
    st.integers(1, 40),
    st.integers(1, 40),
    st.sampled_from([0.8, 0.95, 0.99]),
)
def test_small_tables_agree_with_their_p_value(
    a: int, b: int, c: int, d: int, level: float
) -> None:
    """An interval holds no effect exactly when p exceeds one less the level; risk measures agree."""
    arm, y = [1] * (a + b) + [0] * (c + d), [1] * a + [0] * b + [1] * c + [0] * d
    frame = pd.DataFrame({"y": y, "arm": arm})
    found = [kind(frame, outcome="y", treatment="arm", level=level) for kind in EFFECTS]
    for e, nothing in zip(found, (0, 1, 1), strict=True):
        assert e.conf_low - 1e-12 <= e.estimate <= e.conf_high + 1e-12
        if abs(e.p_value - (1 - level)) > 1e-9:
            assert (e.conf_low < nothing < e.conf_high) == (e.p_value > 1 - level)
    assert found[0].p_value == found[1].p_value


@quick
@given(studies(), EVERY, OPTIONS)
def test_used_and_left_out_are_the_rows_that_came_in(
    frame: pd.DataFrame, kind: Any, options: Any
) -> None:
    frame = frame.assign(
        y=frame["y"].mask(frame.index % 11 == 3), x=frame["x"].mask(frame.index == 5)
    )
    before = frame.copy(deep=True)
    e = effect(kind, frame, **options)
    pd.testing.assert_frame_equal(frame, before)
    if e is not None:
        assert (e.n_treatment or 0) + (e.n_comparison or 0) + e.n_dropped == len(frame)
        assert sum(count for _, count in e.dropped_why) == e.n_dropped
