"""What must hold of effects on time until an event, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.errors import CannotEstimate, EvalkitError, InvalidInput, NotConverged
from evalkit.stats.events.survival import SurvivalEffect, hazard_ratio, restricted_mean_difference

quick = settings(deadline=None, max_examples=20)
NUMBERS = ("estimate", "std_error", "p_value", "conf_low", "conf_high", "events_treatment")
NAMES: dict[str, Any] = {"time": "time", "event": "event", "treatment": "arm"}
KINDS = st.sampled_from(["plain", "adjusted", "mean"])


@st.composite
def studies(draw: st.DrawFn) -> pd.DataFrame:
    random = np.random.default_rng(draw(st.integers(0, 10**6)))
    n = draw(st.sampled_from([40, 90]))
    x, arm = random.normal(size=n), random.permutation([0, 1] * (n // 2))
    until, end = random.exponential(np.exp(0.4 * arm + 0.3 * x)), random.uniform(0.5, 3, n)
    time = np.minimum(until, end)
    if draw(st.booleans()):
        time = np.ceil(time * 5)
    return pd.DataFrame({"time": time, "event": until <= end, "x": x, "arm": arm})


def effect(kind: str, frame: pd.DataFrame, per: float = 1.0) -> SurvivalEffect:
    if kind == "mean":
        top = frame.groupby("arm")["time"].max().min()
        return restricted_mean_difference(frame, horizon=float(top) * 0.8, **NAMES)
    return hazard_ratio(frame, covariates=["x"] if kind == "adjusted" else [], **NAMES)


def same(one: SurvivalEffect, other: SurvivalEffect) -> None:
    for name in NUMBERS:
        assert getattr(other, name) == pytest.approx(getattr(one, name), rel=1e-6, abs=1e-9)


@quick
@given(studies(), KINDS)
def test_swapping_the_arms(frame: pd.DataFrame, kind: str) -> None:
    one, other = effect(kind, frame), effect(kind, frame.assign(arm=1 - frame["arm"]))
    turn = (lambda x: -x) if kind == "mean" else (lambda x: 1 / x)
    for here, there in (("estimate",) * 2, ("conf_low", "conf_high"), ("conf_high", "conf_low")):
        assert getattr(one, here) == pytest.approx(turn(getattr(other, there)), rel=1e-6, abs=1e-9)
    assert one.p_value == pytest.approx(other.p_value, rel=1e-6)


@quick
@given(studies(), KINDS, st.randoms(use_true_random=False))
def test_order_of_rows(frame: pd.DataFrame, kind: str, random: Any) -> None:
    order = list(range(len(frame)))
    random.shuffle(order)
    same(effect(kind, frame), effect(kind, frame.iloc[order]))


@quick
@given(studies(), KINDS, st.sampled_from([1 / 7, 30.4, 365.25]))
def test_units_of_time(frame: pd.DataFrame, kind: str, per: float) -> None:
    """Ratios do not change; differences in mean time are in the new unit."""
    one, other = effect(kind, frame), effect(kind, frame.assign(time=frame["time"] * per))
    factor = per if kind == "mean" else 1
    assert other.estimate == pytest.approx(factor * (one.estimate or 0), rel=1e-6)
    assert other.std_error == pytest.approx(factor * (one.std_error or 0), rel=1e-6)
    assert other.p_value == pytest.approx(one.p_value, rel=1e-6)


@quick
@given(studies(), st.sampled_from([0.001, 50.0]), st.integers(-1000, 1000))
def test_units_of_a_covariate(frame: pd.DataFrame, a: float, b: int) -> None:
    same(effect("adjusted", frame), effect("adjusted", frame.assign(x=a * frame["x"] + b)))


@quick
@given(studies(), KINDS)
def test_used_and_left_out_are_the_rows_that_came_in(frame: pd.DataFrame, kind: str) -> None:
    frame = frame.assign(time=frame["time"].mask(frame.index % 11 == 3))
    e = effect(kind, frame)
    assert (e.n_treatment or 0) + (e.n_comparison or 0) + e.n_dropped == len(frame)
    assert e.dropped_why == (("no time", e.n_dropped),)


@pytest.fixture
def study() -> pd.DataFrame:
    n = np.arange(60)
    frame = pd.DataFrame(
        {"arm": n % 2, "time": 1 + n * 7 % 31, "event": (n % 5 < 3) * 1, "x": n % 7}
    )
    return frame.assign(never=(frame["event"] == 0) * 1, who="x", minus=-1)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"time": "who"}, "Allowed: numbers"),
        ({"time": "minus"}, "zero or more"),
        ({"event": "time"}, "both as time and as event"),
        ({"event": "x"}, "Allowed: 0 and 1"),
        ({"covariates": ["arm"]}, "both as treatment and as covariates"),
        ({"level": 2}, "between 0 and 1"),
    ],
)
def test_invalid_calls(study: pd.DataFrame, options: Any, said: str) -> None:
    with pytest.raises(InvalidInput) as error:
        hazard_ratio(study, **(NAMES | options))
    assert said in str(error.value)


@pytest.mark.parametrize("horizon", [0, -1, 31.5, "a year", True, float("nan")])
def test_horizons(study: pd.DataFrame, horizon: Any) -> None:
    late = study.assign(event=study["event"].where(study["time"] < 29, 0))
    with pytest.raises(InvalidInput, match="a time above 0 and at most 31, as long as both arms"):
        restricted_mean_difference(late, horizon=horizon, **NAMES)


def test_what_cannot_be_estimated(study: pd.DataFrame) -> None:
    for arm in (0, 1):
        one = study.assign(event=study["event"].where(study["arm"] == arm, 0))
        with pytest.raises(CannotEstimate, match="restricted_mean_difference"):
            hazard_ratio(one, **NAMES)
        assert restricted_mean_difference(one, horizon=20, **NAMES).std_error
    with pytest.raises((NotConverged, CannotEstimate), match="Leave"):
        hazard_ratio(study, covariates=["never"], **NAMES)
    with pytest.raises(CannotEstimate, match="later horizon"):
        restricted_mean_difference(study, horizon=0.5, **NAMES)
    with pytest.raises(EvalkitError, match="determined by the covariates"):
        hazard_ratio(study.assign(copy=study["arm"]), covariates=["copy"], **NAMES)


def test_arms_that_never_overlap(study: pd.DataFrame) -> None:
    """Every event of one arm comes after the other arm has gone: no finite ratio."""
    apart = study.assign(time=study["time"] + 100 * study["arm"], event=1)
    with pytest.raises((NotConverged, CannotEstimate)):
        hazard_ratio(apart, **NAMES)


def test_few_events_are_said(study: pd.DataFrame) -> None:
    e = hazard_ratio(study.assign(event=(study.index % 9 == 0) * 1), **NAMES)
    assert "Fewer than 10 events in an arm (treatment 3, comparison 4)" in e.notes[0]
