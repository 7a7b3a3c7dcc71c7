"""Reference-based imputation against its definition, own draws in R and nlme's gls.

The R values are in reference_based.json, made by r/reference_based.R with another algorithm: with
dropout only, the posterior is drawn wave by wave without iterating.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from evalkit.stats.imputing.asked_waves import AskedWaves
from evalkit.stats.imputing.reference_based import prepared
from evalkit.stats.imputing.reference_differences import reference_based_difference
from evalkit.stats.imputing.strategies import STRATEGIES, reference_conditional, strategy_profile
from evalkit.stats.imputing.tipping_curve import tipping_delta

OWN = json.loads(Path(__file__).with_name("reference_based.json").read_text(encoding="utf-8"))
PUBLISHED = {
    "MAR": 12.4117647,
    "J2R": 17.9117647,
    "CR": 15.6764706,
    "CIR": 14.9117647,
    "LMCF": 15.4117647,
}
SIGMA = np.array([[25, 17.5, 15], [17.5, 25, 20], [15, 20, 25]])
DRAWS = 200


def long(wide: Any) -> pd.DataFrame:
    values = np.array(wide, dtype=float)
    people, waves = values.shape
    columns = {name: np.repeat(OWN[name], waves) for name in ("arm", "sex", "base")}
    at = {
        "person": np.repeat(np.arange(people), waves),
        "wave": np.tile(np.arange(1, waves + 1), people),
    }
    return pd.DataFrame({**at, **columns, "y": values.ravel()})


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_conditional_means_of_a_treated_person(strategy: str) -> None:
    found = reference_conditional(
        [22, 15, np.nan],
        mean_treatment=[20, 16, 13],
        mean_reference=[20, 19, 18.5],
        covariance=SIGMA,
        strategy=strategy,
    )
    assert found.mean[0] == pytest.approx(PUBLISHED[strategy], abs=5e-8)
    assert found.covariance[0, 0] == pytest.approx(8.9215686, abs=5e-8)
    np.testing.assert_allclose(found.coefficients[0], [0.07843137, 0.74509804], atol=5e-9)
    assert found.missing == (2,)


def test_the_joined_covariance_is_the_written_one() -> None:
    own = np.array([[20, 9, 8], [9, 30, 12], [8, 12, 28.0]])
    _, joint = strategy_profile(
        "J2R",
        mean_treatment=np.zeros(3),
        mean_reference=np.ones(3),
        covariance_treatment=own,
        covariance_reference=SIGMA,
        last=1,
    )
    t, r11, r21 = own[:2, :2], SIGMA[:2, :2], SIGMA[2:, :2]
    slopes = r21 @ np.linalg.inv(r11)
    np.testing.assert_allclose(joint[:2, :2], t)
    np.testing.assert_allclose(joint[2:, :2], slopes @ t)
    np.testing.assert_allclose(joint[2:, 2:], SIGMA[2:, 2:] - slopes @ (r11 - t) @ slopes.T)
    np.testing.assert_allclose(joint, joint.T)


def estimates(frame: pd.DataFrame, covariance: str) -> dict[str, np.ndarray[Any, Any]]:
    """Return the adjusted difference at the last wave of every draw, by strategy."""
    asked = AskedWaves("y", "arm", None, "person", "wave", "base", ("sex",), None, None)
    draws = prepared(frame, asked, m=DRAWS, seed=11, covariance=covariance)
    hat = np.linalg.pinv(draws.people.matrix)[1]
    return {s: draws.outcomes(s, np.zeros(4))[:, :, -1] @ hat for s in STRATEGIES}


@pytest.mark.parametrize("covariance", ["common", "by-arm"])
def test_draws_agree_with_another_algorithm(covariance: str) -> None:
    found = estimates(long(OWN["dropout"]), covariance)
    for strategy, expected in OWN[covariance.replace("-", "_")].items():
        error = np.sqrt(expected["between"] * (1 / DRAWS + 1 / OWN["draws"]))
        assert found[strategy].mean() == pytest.approx(expected["mean"], abs=3.5 * error)
        ratio = found[strategy].var(ddof=1) / expected["between"]
        assert ratio == pytest.approx(1, abs=3.5 * np.sqrt(2 / DRAWS))


@pytest.mark.parametrize("missing", ["dropout", "gaps"])
def test_mar_is_the_mixed_model_for_repeated_measures(missing: str) -> None:
    found, model = estimates(long(OWN[missing]), "common")["MAR"], OWN[f"mmrm_{missing}"]
    error = found.std(ddof=1) / np.sqrt(DRAWS)
    assert found.mean() == pytest.approx(model["estimate"], abs=3.5 * error)


def test_pooled_differences_are_those_of_the_draws() -> None:
    found = reference_based_difference(
        long(OWN["dropout"]), outcome="y", treatment="arm", person="person", wave="wave",
        baseline="base", covariates="sex", m=40, seed=5,
    )  # fmt: skip
    assert [row.strategy for row in found] == list(STRATEGIES)
    for row in found:
        expected = OWN["common"][row.strategy]
        assert row.estimate == pytest.approx(expected["mean"], abs=3.5 * row.monte_carlo_error)
        assert row.within == pytest.approx(expected["within"], rel=0.06)
        assert row.total == pytest.approx(row.within + (1 + 1 / 40) * row.between)
        assert row.df_complete == pytest.approx(146, abs=2)
    assert found[0].std_error == pytest.approx(OWN["mmrm_dropout"]["std_error"], rel=0.1)


def test_tipping_point_of_a_fixed_standard_error() -> None:
    found = tipping_delta(-3.0, 1.0, 0.20)
    assert found.delta_interval == pytest.approx(5.2, abs=0.001)
    assert found.delta_zero == pytest.approx(15.0)
    assert tipping_delta(-3.0, 1.0, 0.20, critical=1.96).delta_interval == pytest.approx(5.2)
