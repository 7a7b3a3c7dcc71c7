"""What meta-analysis must keep whatever the numbers, and how often its intervals hold the truth."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

from evalkit.stats.combining.asymmetry import egger_test
from evalkit.stats.combining.dependent import dependent_meta_analysis
from evalkit.stats.combining.heterogeneity import METHODS
from evalkit.stats.combining.meta import meta_analysis
from evalkit.stats.combining.pooled_tables import pooled_tables

SEEDS, METHOD = st.integers(0, 2**32 - 1), st.sampled_from(METHODS)
quick = settings(max_examples=25, deadline=None)
SCALED = ("estimate", "std_error", "conf_low", "conf_high")


def made(seed: int, k: int = 9, tau: float = 0.3) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    v = rng.uniform(0.01, 0.2, k)
    return rng.normal(0.2, tau, k) + rng.normal(size=k) * np.sqrt(v), v


@quick
@given(SEEDS, METHOD)
def test_order_scale_and_sign(seed: int, method: str) -> None:
    y, v = made(seed)
    one = meta_analysis(y, v, method=method)
    order = np.random.default_rng(seed).permutation(len(y))
    mixed = meta_analysis(y[order], v[order], method=method)
    scaled = meta_analysis(7 * y, 49 * v, method=method)
    turned = meta_analysis(-y, v, method=method)
    shifted = meta_analysis(y + 5, v, method=method)
    for name in SCALED:
        value = getattr(one, name)
        assert getattr(mixed, name) == pytest.approx(value, rel=1e-7, abs=1e-9)
        assert getattr(scaled, name) == pytest.approx(7 * value, rel=1e-7, abs=1e-8)
    assert turned.estimate == pytest.approx(-one.estimate, rel=1e-7, abs=1e-9)
    assert turned.conf_low == pytest.approx(-one.conf_high, rel=1e-7, abs=1e-9)
    assert shifted.estimate == pytest.approx(one.estimate + 5, rel=1e-7)
    assert scaled.tau2 == pytest.approx(49 * one.tau2, rel=1e-6, abs=1e-9)
    assert sum(one.weights) == pytest.approx(1) and one.tau2 >= 0
    assert one.i2 == pytest.approx(scaled.i2, rel=1e-6, abs=1e-6)


@quick
@given(SEEDS, st.sampled_from(["REML", "ML"]), st.sampled_from([0.0, 0.1, 1.0]))
def test_likelihood_is_at_its_highest(seed: int, method: str, tau: float) -> None:
    y, v = made(seed, 6, tau)

    def minus(tau2: float) -> float:
        w = 1 / (v + tau2)
        mean = w @ y / w.sum()
        value = np.log(w).sum() - w @ (y - mean) ** 2
        return float(-(value - np.log(w.sum()) * (method == "REML")))

    found = meta_analysis(y, v, method=method).tau2
    grid = np.r_[0, np.geomspace(1e-6, 20, 300)]
    best = min(minus(t) for t in grid)
    assert minus(found) <= best + 1e-10
    if found > 1e-6:
        assert abs(optimize.approx_fprime([found], lambda t: minus(t[0]), 1e-7)[0]) < 1e-3


@settings(max_examples=8, deadline=None)
@given(SEEDS)
def test_parts_agree(seed: int) -> None:
    y, v = made(seed, 12)
    one = meta_analysis(y, v, hartung_knapp="modified")
    plain = meta_analysis(y, v, hartung_knapp=False)
    assert one.std_error >= plain.std_error - 1e-12
    assert one.tau2_low <= one.tau2_high and one.prediction_low <= one.prediction_high
    assert np.average(y, weights=one.weights) == pytest.approx(one.estimate)
    none = meta_analysis(y, v, moderators={"one": np.arange(12) % 3}, hartung_knapp=False)
    total = sum(
        c.estimate * x for c, x in zip(none.coefficients, none.sites[0].moderators, strict=True)
    )
    assert none.funnel()["centre"][0] == pytest.approx(total)
    low, high = sorted((one.estimate, y[0]))
    assert low - 1e-12 <= one.sites[0].shrunken <= high + 1e-12
    labelled = meta_analysis(y, v, labels=[f"s{i}" for i in range(12)])
    assert [s.label for s in labelled.sites] == [f"s{i}" for i in range(12)]
    assert labelled.leave_one_out()["left_out"][3] == "s3"
    assert len(labelled.to_frame()) == 1


def test_sites_alike_and_few() -> None:
    two = meta_analysis([0.1, 0.5], [0.04, 0.05])
    assert two.df == 1 and two.prediction_low is None
    assert any("too few" in n for n in two.notes) and any("prediction" in n for n in two.notes)
    same = meta_analysis([0.2] * 6, [0.02, 0.03, 0.05, 0.01, 0.2, 0.1], hartung_knapp="modified")
    assert same.tau2 == 0 and same.q == pytest.approx(0) and same.estimate == pytest.approx(0.2)
    assert any("does not show that sites are alike" in n for n in same.notes)
    assert any("less than chance" in n for n in same.notes)
    assert (same.tau2_low, same.tau2_high) == (0, 0)


def test_missing_sites_are_counted() -> None:
    y, v = made(3, 8)
    y[1], v[4] = np.nan, np.nan
    one = meta_analysis(y, v, labels=list("abcdefgh"))
    assert one.k == 6 and dict(one.dropped_why) == {"no effect": 1, "no variance": 1}
    assert [s.label for s in one.sites] == list("acdfgh")
    whole = meta_analysis(np.delete(y, [1, 4]), np.delete(v, [1, 4]))
    assert one.estimate == whole.estimate
    frame = pd.DataFrame({"kind": ["x", "y", None, "x", "y", "x", "y", "x"]})
    assert meta_analysis(y, v, moderators=frame).n_dropped == 3


@quick
@given(SEEDS)
def test_tables_keep_their_measure(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n1, n0 = rng.integers(20, 90, (2, 5))
    a, c = rng.binomial(n1, 0.4), rng.binomial(n0, 0.3)
    for measure in ("odds ratio", "peto", "risk difference"):
        one = pooled_tables(a, n1, c, n0, measure=measure)
        other = pooled_tables(c, n0, a, n1, measure=measure)
        turned = -one.estimate if measure == "risk difference" else 1 / one.estimate
        assert other.estimate == pytest.approx(turned, rel=1e-9)
    single = pooled_tables(a[:1], n1[:1], c[:1], n0[:1])
    crude = a[0] * (n0[0] - c[0]) / (c[0] * (n1[0] - a[0]))
    assert single.estimate == pytest.approx(crude) and single.q == pytest.approx(0, abs=1e-12)


@quick
@given(SEEDS)
def test_egger_is_a_regression(seed: int) -> None:
    y, v = made(seed, 11)
    e = egger_test(y, v)
    z, precision = y / np.sqrt(v), 1 / np.sqrt(v)
    slope, intercept = np.polyfit(precision, z, 1)  # Egger's own form of it
    assert [e.estimate, e.limit] == pytest.approx([intercept, slope], rel=1e-6, abs=1e-9)


def coverage(k: int, tau: float, draws: int, seed: int) -> tuple[float, float]:
    rng = np.random.default_rng(seed)
    held = predicted = 0
    for _ in range(draws):
        v = rng.uniform(0.02, 0.1, k)
        y = rng.normal(0.3, tau, k) + rng.normal(size=k) * np.sqrt(v)
        m = meta_analysis(y, v, hartung_knapp="modified", method="REML")
        held += m.conf_low <= 0.3 <= m.conf_high
        predicted += m.prediction_low <= rng.normal(0.3, tau) <= m.prediction_high
    return held / draws, predicted / draws


def test_coverage() -> None:
    held, predicted = coverage(8, 0.25, 300, 4)
    assert held > 0.92 and predicted > 0.89


@pytest.mark.slow
@pytest.mark.parametrize(("k", "tau"), [(4, 0.25), (8, 0.25), (20, 0.25), (10, 0.0)])
def test_coverage_in_full(k: int, tau: float) -> None:
    held, predicted = coverage(k, tau, 3000, 11)
    print(k, tau, held, predicted)
    assert 0.935 <= held <= 0.995 and predicted > (0.85 if k == 4 else 0.87)


@quick
@given(SEEDS, st.booleans())
def test_dependent_effects(seed: int, within: bool) -> None:
    rng = np.random.default_rng(seed)
    y, v = made(seed, 24)
    y, site = y + np.repeat(rng.normal(size=8), 3), np.repeat(list("hgfedcba"), 3)
    call: dict[str, Any] = {"correlation": 0.5, "within": within}
    one = dependent_meta_analysis(y, v, cluster=site, **call)
    order = rng.permutation(24)
    mixed = dependent_meta_analysis(y[order], v[order], cluster=site[order], **call)
    scaled = dependent_meta_analysis(5 * y, 25 * v, cluster=[f"x{s}" for s in site], **call)
    numbers = [one.estimate, one.std_error, one.df]
    assert [mixed.estimate, mixed.std_error, mixed.df] == pytest.approx(numbers, rel=1e-6)
    assert scaled.estimate == pytest.approx(5 * one.estimate, rel=1e-6, abs=1e-9)
    assert scaled.variance_between == pytest.approx(25 * one.variance_between, rel=1e-5, abs=1e-7)


@quick
@given(SEEDS)
def test_one_effect_a_site_is_the_plain_model(seed: int) -> None:
    y, v = made(seed)
    one = dependent_meta_analysis(y, v, cluster=range(9), within=False)
    plain = meta_analysis(y, v, hartung_knapp=False)
    assert one.variance_between == pytest.approx(plain.tau2, rel=1e-6, abs=1e-8)
    assert [one.estimate, one.model_error] == pytest.approx(
        [plain.estimate, plain.std_error], rel=1e-6
    )
