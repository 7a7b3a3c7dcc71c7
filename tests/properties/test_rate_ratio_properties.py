"""What must hold of ratios of rates whatever the data, and what is refused."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import nbinom

from evalkit.errors import CannotEstimate, InvalidInput
from evalkit.stats.events.counts import RateEffect, rate_ratio
from evalkit.stats.events.overdispersed import fit_negative_binomial

quick = settings(deadline=None, max_examples=20)
NUMBERS = (
    *("estimate", "std_error", "df", "p_value", "conf_low", "conf_high", "dispersion"),
    *("events_treatment", "exposure_comparison", "rate_treatment", "rate_comparison"),
)
OPTIONS = st.sampled_from(
    [
        {},
        {"exposure": "days"},
        {"exposure": "days", "covariates": ["x"], "cluster": "family"},
        {"family": "poisson", "covariates": ["x", "kind"]},
        {"family": "poisson", "exposure": "days", "cluster": "family"},
        {"family": "poisson", "exposure": "days", "se": "exact"},
    ]
)


@st.composite
def studies(draw: st.DrawFn) -> pd.DataFrame:
    random = np.random.default_rng(draw(st.integers(0, 10**6)))
    n = draw(st.sampled_from([40, 90]))
    x, arm, days = (
        random.normal(size=n),
        random.permutation([0, 1] * (n // 2)),
        random.integers(30, 365, n),
    )
    mean = days / 100 * np.exp(0.3 * x - 0.3 * arm) * random.gamma(2, 0.5, n)
    return pd.DataFrame({
        "y": random.poisson(mean), "x": x, "arm": arm, "days": days,
        "family": random.integers(0, n // 3, n), "kind": random.choice(["a", "b"], n),
    })  # fmt: skip


def ratio(frame: pd.DataFrame, **options: Any) -> RateEffect:
    return rate_ratio(frame, events="y", treatment="arm", **options)


def same(one: RateEffect, other: RateEffect, but: tuple[str, ...] = ()) -> None:
    for name in set(NUMBERS) - set(but):
        expected = getattr(one, name)
        if expected is None:
            assert getattr(other, name) is None
        else:
            assert getattr(other, name) == pytest.approx(expected, rel=1e-6, abs=1e-9)


@quick
@given(studies(), OPTIONS)
def test_swapping_the_arms(frame: pd.DataFrame, options: Any) -> None:
    one, other = ratio(frame, **options), ratio(frame.assign(arm=1 - frame["arm"]), **options)
    for here, there in (("estimate",) * 2, ("conf_low", "conf_high"), ("conf_high", "conf_low")):
        assert getattr(one, here) == pytest.approx(1 / getattr(other, there), rel=1e-6)
    assert one.p_value == pytest.approx(other.p_value, rel=1e-6)


@quick
@given(studies(), OPTIONS, st.sampled_from([1 / 365.25, 7.0, 1440.0]))
def test_units_of_exposure(frame: pd.DataFrame, options: Any, per: float) -> None:
    one, other = ratio(frame, **options), ratio(frame.assign(days=frame["days"] * per), **options)
    same(one, other, ("exposure_comparison", "rate_treatment", "rate_comparison"))


@quick
@given(studies(), OPTIONS, st.randoms(use_true_random=False))
def test_order_of_rows(frame: pd.DataFrame, options: Any, random: Any) -> None:
    order = list(range(len(frame)))
    random.shuffle(order)
    same(ratio(frame, **options), ratio(frame.iloc[order], **options))


@quick
@given(studies(), st.sampled_from(["poisson", "negative-binomial"]))
def test_clusters(frame: pd.DataFrame, family: str) -> None:
    """Labels mean nothing; singletons are no clusters."""
    options = {"family": family, "covariates": ["x"], "exposure": "days"}
    renamed = frame.assign(family="f" + ((frame["family"] * 7 + 3) % 101).astype(str))
    one = ratio(frame, cluster="family", **options)
    same(one, ratio(renamed, cluster="family", **options))
    alone = ratio(frame.assign(family=range(len(frame))), cluster="family", **options)
    same(ratio(frame, **options), alone)
    assert alone.n_clusters is None


@quick
@given(studies(), OPTIONS)
def test_used_and_left_out_are_the_rows_that_came_in(frame: pd.DataFrame, options: Any) -> None:
    frame = frame.assign(
        y=frame["y"].mask(frame.index % 11 == 3), x=frame["x"].mask(frame.index == 5)
    )
    e = ratio(frame, **options)
    assert (e.n_treatment or 0) + (e.n_comparison or 0) + e.n_dropped == len(frame)
    assert sum(count for _, count in e.dropped_why) == e.n_dropped


@pytest.fixture
def study() -> pd.DataFrame:
    n = np.arange(60)
    frame = pd.DataFrame({"arm": n % 2, "y": n * 7 % 5, "days": 100 + n, "x": n * 13 % 31})
    return frame.assign(never=(n % 5 == 0) * 1.0, site=n % 2, half=frame["y"] / 2, who="x")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"events": "half"}, "whole numbers from 0"),
        ({"events": "who"}, "Allowed: numbers"),
        ({"exposure": "days", "covariates": ["days"]}, "both as exposure and as covariates"),
        ({"exposure": "minus"}, "numbers from 0"),
        ({"exposure": "nothing"}, "have events but no time at risk"),
        ({"family": "gamma"}, "negative-binomial, poisson"),
        ({"se": "HC3"}, "auto, model, robust, exact"),
        ({"se": "exact"}, "Poisson counts alone"),
        ({"se": "model", "cluster": "pairs"}, "ignores the clusters"),
    ],
)
def test_invalid_calls(study: pd.DataFrame, options: Any, said: str) -> None:
    study = study.assign(minus=-1.0, nothing=0.0, pairs=study.index // 2)
    with pytest.raises(InvalidInput) as error:
        rate_ratio(study, **({"events": "y", "treatment": "arm"} | options))
    assert said in str(error.value)


def test_no_time_at_risk_is_counted(study: pd.DataFrame) -> None:
    e = ratio(study.assign(days=study["days"].where(study["y"] > 0, 0)), exposure="days")
    assert e.dropped_why == (("no time at risk", 12),)


def test_what_cannot_be_estimated(study: pd.DataFrame) -> None:
    none = study.assign(y=study["y"] * study["arm"])
    with pytest.raises(CannotEstimate, match=r"no events \(treatment 60, comparison 0\)"):
        ratio(none)
    with pytest.raises(CannotEstimate, match="no events"):
        ratio(none, family="poisson", se="exact")
    swapped = none.assign(arm=1 - none["arm"])
    with pytest.raises(CannotEstimate, match="se='exact'"):
        ratio(swapped)
    e = ratio(swapped, family="poisson", se="exact")
    assert (e.estimate, e.conf_low) == (0, 0) and 0 < e.conf_high < 0.1
    for family in ("poisson", "negative-binomial"):
        with pytest.raises(CannotEstimate, match="With 'never' some rows have no events at all"):
            ratio(study, covariates=["x", "never"], family=family)
    with pytest.raises(CannotEstimate, match="one cluster"):
        ratio(study, cluster="site")


def test_few_events_are_said(study: pd.DataFrame) -> None:
    e = ratio(study.assign(y=(study.index % 9 == 0) * 1))
    assert "Fewer than 10 events in an arm (treatment 3, comparison 4)" in e.notes[0]


@pytest.mark.parametrize("theta", [0.05, 0.3, 2, 1000])
@pytest.mark.parametrize("mean", [0.5, 200])
def test_the_fit_is_the_maximum(theta: float, mean: float) -> None:
    """Counts so uneven that R's glm.nb may not settle: any step away lowers the likelihood."""
    random = np.random.default_rng(7)
    x, arm = random.normal(size=80), np.arange(80) % 2
    y = random.poisson(mean * np.exp(0.3 * x) * random.gamma(theta, 1 / theta, 80)).astype(float)
    matrix = np.column_stack([np.ones(80), arm, x])
    model, found = fit_negative_binomial(matrix, y, ["(intercept)", "arm", "x"])

    def likelihood(beta: Any, size: float) -> float:
        rate = size / (size + np.exp(matrix @ beta))
        return float(nbinom.logpmf(y, size, rate).sum())

    if np.isinf(found):
        assert theta == 1000
        return
    best = likelihood(model.coefficients, found)
    for k, sign in product(range(3), (-1, 1)):
        step = np.zeros(3)
        step[k] = sign * 1e-3
        assert likelihood(model.coefficients + step, found) < best
        assert likelihood(model.coefficients, found * (1 + sign * 1e-2)) < best
