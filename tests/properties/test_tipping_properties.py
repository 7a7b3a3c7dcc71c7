"""What must hold of tipping points."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from evalkit.stats.imputing.chained import impute
from evalkit.stats.imputing.pooling import pool
from evalkit.stats.imputing.tipping import TippingPoint, tipping_point, tipping_surface
from evalkit.stats.imputing.tipping_curve import tipping_delta
from evalkit.stats.least_squares.differences import mean_difference

CALL: dict[str, Any] = {"outcome": "y", "treatment": "arm"}


def study(seed: int = 0, *, people: int = 90, effect: float = 4.0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    arm, x = np.arange(people) % 2, rng.normal(size=people)
    frame = pd.DataFrame({"x": x, "arm": arm, "family": np.arange(people) // 4 * 2 + arm})
    frame["y"] = 20 + 2 * x - effect * arm + rng.normal(0, 3, people)
    frame.loc[rng.random(people) < 0.2, "y"] = np.nan
    return frame


def tipped(frame: Any, **options: Any) -> TippingPoint:
    return tipping_point(frame, **({**CALL, "seed": 1, "m": 5} | options))


@pytest.mark.parametrize("arm", ["treatment", "comparison"])
def test_without_covariates_the_estimate_moves_by_the_share_imputed(arm: str) -> None:
    frame = study()
    found = tipped(frame, arm=arm)
    sign = 1 if arm == "treatment" else -1
    share = frame.loc[frame["arm"] == (arm == "treatment"), "y"].isna().mean()
    assert found.slope == pytest.approx(sign * share)
    moved = found.estimate + found.slope * found.curve["delta"]
    np.testing.assert_allclose(found.curve["estimate"], moved)
    assert found.delta_zero == pytest.approx(-found.estimate / (sign * share))


@pytest.mark.parametrize(
    "options",
    [{}, {"covariates": "x"}, {"cluster": "family"}, {"covariates": "x", "cluster": "family"}],
)
def test_the_curve_is_that_of_every_completed_data_set_analysed_again(
    options: dict[str, Any],
) -> None:
    frame = study(2)
    completed = impute(frame, m=5, method="norm", seed=3, by="arm")
    found = tipping_point(
        frame, **CALL, imputations=completed, deltas=[-1.0, 0, 7.5], arm="both", **options
    )
    lost = frame["y"].isna() * np.where(frame["arm"] == 1, 1, -1)
    for _, row in found.curve.iterrows():
        each = [
            mean_difference(one.assign(y=one["y"] + row["delta"] * lost), **CALL, **options)
            for one in completed
        ]
        again = pool(
            [e.estimate for e in each],
            [e.std_error for e in each],
            df_complete=[e.df for e in each],
        )
        for name in ("estimate", "std_error", "df", "conf_low", "conf_high", "p_value"):
            assert row[name] == pytest.approx(getattr(again, name), rel=1e-7)


@pytest.mark.parametrize("arm", ["treatment", "comparison", "both"])
def test_the_interval_reaches_zero_at_the_tipping_point_and_not_before(arm: str) -> None:
    frame = study(3)
    tip = tipped(frame, arm=arm, covariates="x")
    assert tip.delta_interval is not None
    at = tipped(frame, arm=arm, covariates="x", deltas=np.linspace(0, tip.delta_interval, 12))
    curve = at.curve.sort_values("delta", key=abs)
    assert curve["conf_high"].iloc[-1] == pytest.approx(0, abs=1e-7)
    assert (curve["conf_high"].iloc[:-1] < 0).all()
    assert 0 < tip.delta_interval / tip.delta_zero < 1
    if arm == "treatment":
        assert tip.delta_interval > 0


def test_units_and_rows_do_not_matter() -> None:
    frame = study(4)
    known = tipped(frame, covariates="x", reliable_change=6.0, minimal_change=2.0)
    turned = frame.sample(frac=1, random_state=2)
    same = tipped(turned, covariates="x")
    assert same.delta_interval == pytest.approx(known.delta_interval, rel=1e-8)
    scaled = tipped(frame.assign(y=frame["y"] * 10), covariates="x")
    assert scaled.delta_interval == pytest.approx(10 * known.delta_interval, rel=1e-6)
    assert scaled.delta_interval_sd == pytest.approx(known.delta_interval_sd, rel=1e-6)
    assert known.delta_interval_reliable == pytest.approx(known.delta_interval / 6)
    assert known.delta_zero_minimal == pytest.approx(known.delta_zero / 2)
    assert "times the reliable change of 6" in known.sentence


def test_swapping_the_arms_turns_signs() -> None:
    frame = study(5)
    completed = impute(frame, m=5, method="norm", seed=3, by="arm")
    one = tipping_point(frame, **CALL, imputations=completed)
    other = tipping_point(frame, **CALL, imputations=completed, treated=0, arm="comparison")
    assert other.estimate == pytest.approx(-one.estimate)
    assert other.delta_interval == pytest.approx(one.delta_interval)
    assert other.delta_zero == pytest.approx(one.delta_zero)


def test_an_interval_that_includes_zero_needs_no_shift() -> None:
    found = tipped(study(6, effect=0.3))
    assert found.conf_low < 0 < found.conf_high
    assert (found.delta_interval, found.delta_interval_sd) == (None, None)
    assert "without any shift" in found.sentence
    assert "curve" not in found.to_frame().columns
    assert tipping_delta(-1.0, 1.0, 0.2).delta_interval is None


def test_the_surface_holds_both_curves() -> None:
    frame = study(7)
    options = {"covariates": "x", "seed": 1, "m": 5}
    surface = tipping_surface(
        frame, **CALL, **options, deltas_treatment=[0, 2, 4], deltas_comparison=[0, -2, -4]
    )
    assert len(surface) == 9
    both = tipping_point(frame, **CALL, **options, arm="both", deltas=[0, 2, 4]).curve
    line = surface[surface["delta_treatment"] == -surface["delta_comparison"]]
    for name in ("estimate", "std_error", "p_value"):
        np.testing.assert_allclose(line[name], both[name], rtol=1e-7)
    includes = (surface["conf_low"] <= 0) & (surface["conf_high"] >= 0)
    assert (surface["includes_zero"] == includes).all()
