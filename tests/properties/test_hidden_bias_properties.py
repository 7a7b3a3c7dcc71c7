"""What measures of hidden bias must keep whatever the numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.stats.hidden_bias.benchmarks import confounder_bounds
from evalkit.stats.hidden_bias.e_values import bias_factor, e_value
from evalkit.stats.hidden_bias.omitted_variables import adjust_for_confounder, robustness_value
from evalkit.stats.hidden_bias.pair_bounds import rosenbaum_bounds
from evalkit.stats.hidden_bias.proportional import oster_delta
from evalkit.stats.hidden_bias.walsh import walsh_shift

SEEDS = st.integers(0, 2**32 - 1)
quick = settings(max_examples=40, deadline=None)


@quick
@given(st.floats(1.001, 50))
def test_a_confounder_of_the_e_value_explains_it_away(ratio: float) -> None:
    e = e_value(ratio)
    assert bias_factor(e.e_value, e.e_value) == pytest.approx(ratio, rel=1e-9)
    assert e_value(1 / ratio).e_value == pytest.approx(e.e_value, rel=1e-9)
    assert e_value(1.0).e_value == 1 and e_value(ratio, 0.9).e_value_limit == 1


@quick
@given(st.floats(0.3, 12), st.floats(3, 2000), st.sampled_from([1, 0.5]))
def test_the_robustness_value_takes_the_estimate_away(t: float, df: float, q: float) -> None:
    found = robustness_value(t, df, q=q, alpha=0.05)
    r = found.robustness_value
    left = adjust_for_confounder(t, 1.0, df, r2_treatment=r, r2_outcome=r)
    assert left.estimate == pytest.approx((1 - q) * t, abs=1e-6)
    strict = found.robustness_value_alpha
    assert strict is not None and 0 <= strict <= r
    if q == 1 and strict > 0:  # no confounder within it keeps more, and one there just loses it
        grid = np.linspace(0, 1, 201)[1:-1]
        worst = min(
            adjust_for_confounder(t, 1.0, df, r2_treatment=strict, r2_outcome=y * strict).conf_low
            for y in [*grid, 1.0]
        )
        assert worst == pytest.approx(0, abs=0.02 * t)


def people(seed: int, n: int = 80) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x, z = rng.normal(size=(2, n))
    arm = (x + z + rng.normal(size=n) > 0) * 1
    kind = rng.choice(["a", "b", "c"], n)
    return pd.DataFrame({"arm": arm, "x": x, "z": z, "kind": kind,
                         "y": arm + x + 0.5 * z + (kind == "b") + rng.normal(size=n)})  # fmt: skip


def bounds(frame: pd.DataFrame, **options: Any) -> Any:
    call: dict[str, Any] = {"outcome": "y", "treatment": "arm", "covariates": ["x", "z", "kind"]}
    return confounder_bounds(
        frame, **(call | {"benchmarks": ["x", "kind"], "strengths": [0.5]} | options)
    )


@quick
@given(SEEDS)
def test_bounds_keep(seed: int) -> None:
    frame = people(seed)
    one = bounds(frame)
    scaled = bounds(
        frame.assign(y=4 * frame["y"] + 1, x=-9 * frame["x"]).sample(frac=1, random_state=1)
    )
    turned = bounds(frame.assign(arm=1 - frame["arm"]))
    assert scaled.estimate == pytest.approx(4 * one.estimate)
    assert turned.estimate == pytest.approx(-one.estimate)
    for a, b, c in zip(one.bounds, scaled.bounds, turned.bounds, strict=True):
        assert [b.r2_treatment, b.r2_outcome] == pytest.approx([a.r2_treatment, a.r2_outcome])
        assert b.estimate == pytest.approx(4 * a.estimate) and c.estimate == pytest.approx(
            -a.estimate
        )
    assert [b.benchmark for b in one.bounds] == [
        "x",
        "kind",
    ] and one.n_treatment + one.n_comparison == 80


@quick
@given(SEEDS, st.integers(2, 30), st.sampled_from([0.5, 1 / 3, 0.9]))
def test_walsh(seed: int, n: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=n) if seed % 2 else rng.integers(-5, 6, n) / 4
    i, j = np.triu_indices(n)
    averages = np.sort((values[i] + values[j]) / 2)[::-1]
    place = share * len(averages)
    whole = round(place)
    if abs(place - whole) < 1e-9:
        expected = (averages[whole - 1] + averages[whole]) / 2
    else:
        expected = averages[int(np.ceil(place)) - 1]
    assert walsh_shift(values, share) == expected


@settings(max_examples=15, deadline=None)
@given(SEEDS)
def test_hidden_bias_in_pairs_widens(seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = rng.normal(0.6, 1, 40), rng.normal(size=40)
    found = rosenbaum_bounds(a, b, gamma=[1, 1.5, 2, 4])
    frame = found.to_frame()
    assert frame["p_high"].is_monotonic_increasing and frame["p_low"].is_monotonic_decreasing
    assert (
        frame["estimate_low"].is_monotonic_decreasing
        and frame["estimate_high"].is_monotonic_increasing
    )
    assert frame["p_low"][0] == frame["p_high"][0] == found.p_value
    other = rosenbaum_bounds(b, a, gamma=[1, 1.5, 2, 4], alternative="less")
    np.testing.assert_allclose(other.to_frame()["p_high"], frame["p_high"])
    np.testing.assert_allclose(other.to_frame()["estimate_low"], -frame["estimate_high"])
    if found.gamma_critical:
        at = rosenbaum_bounds(a, b, gamma=found.gamma_critical).bounds[0]
        assert at.p_high == pytest.approx(0.05, abs=1e-9)
    yes = rosenbaum_bounds(a > 0.5, b > 0.5, gamma=2)
    assert yes.kind == "binary" and yes.n_pairs == 40


@quick
@given(SEEDS)
def test_oster_at_its_own_delta(seed: int) -> None:
    """At the coefficient of equal selection delta is 1; at the target of delta it is delta."""
    frame = people(seed)
    call: dict[str, Any] = {"outcome": "y", "treatment": "arm", "covariates": ["x", "kind"]}
    one = oster_delta(frame, **call)
    again = oster_delta(frame, **call, target=one.estimate_equal)
    assert again.delta == pytest.approx(1, rel=1e-6)
    scaled = oster_delta(frame.assign(y=5 * frame["y"]), **call)
    assert [scaled.delta, scaled.estimate_equal] == pytest.approx(
        [one.delta, 5 * one.estimate_equal]
    )
