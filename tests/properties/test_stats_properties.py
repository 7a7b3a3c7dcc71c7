"""What must hold of the statistics whatever the data."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from evalkit import stats
from evalkit.errors import CannotEstimate
from evalkit.results import Estimate

quick = settings(deadline=None, max_examples=50)
NUMBERS = (
    *("estimate", "std_error", "df", "p_value", "conf_low", "conf_high"),
    *("effect_size", "effect_low", "effect_high", "mean_treatment", "mean_comparison"),
)


@st.composite
def studies(draw: st.DrawFn, missing: bool = False) -> pd.DataFrame:
    """A study of 12 to 40 people with an outcome, a covariate, families, strata and weights."""
    n = draw(st.integers(12, 40))
    whole = st.integers(-40, 40)
    columns: dict[str, Any] = {
        "y": draw(st.lists(whole, min_size=n, max_size=n)),
        "x": draw(st.lists(whole, min_size=n, max_size=n)),
        "arm": draw(st.permutations([0, 1] * (n // 2) + [0] * (n % 2))),
        "family": draw(st.lists(st.integers(0, n // 2), min_size=n, max_size=n)),
        "kind": draw(st.lists(st.sampled_from(["a", "b", "c"]), min_size=n, max_size=n)),
        "w": draw(st.lists(st.integers(1, 9), min_size=n, max_size=n)),
    }
    frame = pd.DataFrame(columns).astype({"y": float, "x": float, "w": float})
    if missing:
        for column in ("y", "x", "arm", "family", "kind", "w"):
            rows = draw(st.lists(st.integers(0, n - 1), max_size=3))
            frame[column] = frame[column].mask(frame.index.isin(rows))
    return frame


OPTIONS = st.sampled_from(
    [
        {},
        {"covariates": ["x"]},
        {"covariates": ["x", "kind"], "weights": "w"},
        {"covariates": ["x"], "interact": True},
        {"strata": "kind"},
        {"cluster": "family", "covariates": ["x"]},
        {"cluster": "family", "covariates": ["x"], "weights": "w"},
        {"se": "HC3"},
        {"se": "classical", "df": "residual"},
    ]
)


def difference(frame: pd.DataFrame, **options: Any) -> Estimate:
    call = {"outcome": "y", "treatment": "arm"} | options
    try:
        return stats.mean_difference(frame, **call)
    except CannotEstimate:
        assume(False)
        raise


def same(one: Estimate, other: Estimate, names: tuple[str, ...] = NUMBERS) -> None:
    for name in names:
        expected = getattr(one, name)
        assert getattr(other, name) == pytest.approx(expected, rel=1e-7, abs=1e-7), name


@quick
@given(studies(), OPTIONS)
def test_swapping_the_arms_turns_the_sign(frame: pd.DataFrame, options: Any) -> None:
    one, other = difference(frame, **options), difference(frame, treated=0, **options)
    same(one, other, ("std_error", "df", "p_value", "sd_pooled"))
    for here, there in (
        ("estimate", "estimate"),
        ("conf_low", "conf_high"),
        ("effect_size", "effect_size"),
        ("effect_low", "effect_high"),
    ):
        assert getattr(one, here) == pytest.approx(-getattr(other, there), rel=1e-7, abs=1e-7)
    assert (one.n_treatment, one.n_comparison) == (other.n_comparison, other.n_treatment)


@quick
@given(studies(), OPTIONS, st.sampled_from([0.01, 0.5, 3.0, 1000.0]), st.integers(-1000, 1000))
def test_units_of_the_outcome(frame: pd.DataFrame, options: Any, a: float, b: int) -> None:
    one = difference(frame, **options)
    other = difference(frame.assign(y=a * frame["y"] + b), **options)
    same(one, other, ("df", "p_value", "effect_size", "effect_low", "effect_high"))
    for name in ("estimate", "std_error", "conf_low", "conf_high", "sd_pooled"):
        assert getattr(other, name) == pytest.approx(a * getattr(one, name), rel=1e-6, abs=1e-6 * a)


@quick
@given(studies(missing=True), OPTIONS, st.randoms(use_true_random=False))
def test_order_of_rows(frame: pd.DataFrame, options: Any, random: Any) -> None:
    order = list(range(len(frame)))
    random.shuffle(order)
    one, other = difference(frame, **options), difference(frame.iloc[order], **options)
    same(one, other)
    assert one.dropped_why == other.dropped_why


@quick
@given(studies())
def test_names_of_clusters(frame: pd.DataFrame) -> None:
    renamed = frame.assign(family="f" + ((frame["family"] * 7 + 3) % 101).astype(str))
    options = {"cluster": "family", "covariates": ["x"]}
    one, other = difference(frame, **options), difference(renamed, **options)
    same(one, other)
    assert one.n_clusters == other.n_clusters


@quick
@given(studies(), st.sampled_from([{}, {"covariates": ["x"]}, {"weights": "w"}]))
def test_singleton_clusters_are_no_clusters(frame: pd.DataFrame, options: Any) -> None:
    alone = frame.assign(family=range(len(frame)))
    one, other = difference(frame, **options), difference(alone, cluster="family", **options)
    same(one, other)
    assert other.n_clusters is None
    assert one.method == other.method


@quick
@given(studies(missing=True), OPTIONS)
def test_used_and_left_out_are_the_rows_that_came_in(frame: pd.DataFrame, options: Any) -> None:
    before = frame.copy(deep=True)
    e = difference(frame, **options)
    assert (e.n_treatment or 0) + (e.n_comparison or 0) + e.n_dropped == len(frame)
    assert sum(count for _, count in e.dropped_why) == e.n_dropped
    pd.testing.assert_frame_equal(frame, before)


@quick
@given(studies(), OPTIONS)
def test_interval_and_p_value_agree(frame: pd.DataFrame, options: Any) -> None:
    e = difference(frame, **options)
    assert e.conf_low is not None and e.conf_high is not None and e.p_value is not None
    assume(abs(e.p_value - 0.05) > 1e-9)
    assert (e.conf_low > 0 or e.conf_high < 0) == (e.p_value < 0.05)
    assert e.effect_size is not None and e.estimate is not None
    assert e.effect_size * e.estimate >= 0


@quick
@given(studies())
def test_equal_weights_are_no_weights(frame: pd.DataFrame) -> None:
    for options in ({"covariates": ["x"]}, {"covariates": ["x"], "cluster": "family"}):
        equal = difference(frame.assign(w=2.0), weights="w", **options)
        same(difference(frame, **options), equal)


VALUES = st.lists(st.integers(-50, 50), min_size=2, max_size=20).filter(lambda x: len(set(x)) > 1)


@quick
@given(VALUES, VALUES, st.sampled_from([-3.0, 0.1, 2.5]), st.integers(-100, 100))
def test_hedges_g(one: list[int], two: list[int], a: float, b: int) -> None:
    g, mirrored = stats.hedges_g(one, two), stats.hedges_g(two, one)
    assert mirrored.estimate == pytest.approx(-g.estimate, abs=1e-12)
    assert mirrored.conf_low == pytest.approx(-g.conf_high, abs=1e-8)
    scaled = stats.hedges_g(a * np.array(one) + b, a * np.array(two) + b)
    assert scaled.estimate == pytest.approx(np.sign(a) * g.estimate, rel=1e-9, abs=1e-12)
    assert g.conf_low < g.estimate / g.correction < g.conf_high


@quick
@given(st.integers(1, 60), st.integers(1, 60), st.data())
def test_attrition(n_t: int, n_c: int, data: st.DataObject) -> None:
    seen_t, seen_c = data.draw(st.integers(0, n_t)), data.draw(st.integers(0, n_c))
    one = stats.attrition(n_t, seen_t, n_c, seen_c)
    other = stats.attrition(n_c, seen_c, n_t, seen_t)
    assert (one.overall, one.differential) == (other.overall, other.differential)
    assert (one.cautious, one.optimistic) == (other.cautious, other.optimistic)
    assert not (one.cautious == "inside" and one.optimistic == "outside")


@quick
@given(st.lists(st.floats(0, 1), min_size=1, max_size=20), st.sampled_from(["holm", "bh", "by"]))
def test_adjusted_p_values(p: list[float], method: str) -> None:
    adjusted = stats.adjust_p(p, method)
    assert (adjusted >= np.array(p) - 1e-15).all() and (adjusted <= 1).all()
    order = np.argsort(p, kind="stable")
    assert (np.diff(adjusted[order]) >= -1e-15).all()


@quick
@given(studies(missing=True), st.sampled_from(["ATT", "ATE"]))
def test_balance_counts_every_row(frame: pd.DataFrame, estimand: str) -> None:
    found = stats.balance(frame, treatment="arm", covariates=["x", "kind"], estimand=estimand)
    counts = found[["n_treatment", "n_comparison", "n_missing"]].sum(axis=1)
    assert (counts == len(frame)).all()
    assert found["ks"].dropna().between(0, 1).all()
    levels = found[found["covariate"].str.startswith("kind=")]
    np.testing.assert_allclose(levels[["mean_treatment", "mean_comparison"]].sum(), 1)


@quick
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 9)), min_size=2, max_size=20))
def test_event_rate(units: list[tuple[int, int]]) -> None:
    events, exposure = zip(*units, strict=True)
    yearly, monthly = (stats.event_rate(events, exposure, per=per) for per in (1, 12))
    assert monthly.conf_high == pytest.approx(12 * yearly.conf_high)
    assert yearly.conf_low <= yearly.estimate <= yearly.conf_high
