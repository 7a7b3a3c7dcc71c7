"""Weights, weighted and augmented effects against WeightIt, ebal, cobalt and R scripts.

Our own R values, with their table, are in weighting.json, made by r/weighting.R.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from evalkit.stats.least_squares.differences import mean_difference
from evalkit.stats.weighting.augmented import augmented_effect
from evalkit.stats.weighting.weighted_effects import weighted_effect
from evalkit.stats.weighting.weights import weight

R = json.loads(Path(__file__).with_name("weighting.json").read_text(encoding="utf-8"))
FRAME = pd.DataFrame(R["data"])
LALONDE = pd.read_csv(Path(__file__).parent / "data/lalonde.csv")
COVARIATES = ["age", "educ", "race", "married", "nodegree", "re74", "re75"]
CALL: dict[str, Any] = {"outcome": "y", "treatment": "a", "covariates": ["x", "z", "kind"]}
ON_LALONDE: dict[str, Any] = {"treatment": "treat", "covariates": COVARIATES}
FITTED = 2e-7  # WeightIt's glm stops at a relative change of the deviance of 1e-8


def close(found: Any, expected: Any, rtol: float = 1e-8, atol: float = 0.0) -> None:
    found, expected = (np.asarray(x, dtype=float) for x in (found, expected))
    np.testing.assert_allclose(found, expected, rtol=rtol, atol=atol)


WEIGHTIT: dict[str, dict[str, str]] = {
    "ipw_ATT": {},
    "ipw_ATE": {"estimand": "ATE"},
    "overlap_ATO": {"method": "overlap"},
    "ebal_ATT_weightit": {"method": "entropy"},
}


@pytest.mark.parametrize("name", WEIGHTIT)
def test_weights_and_balance(reference: Any, name: str) -> None:
    case = reference.case(name)
    frame, v = case.frame, case.values
    found = weight(frame, **ON_LALONDE, **WEIGHTIT[name])
    assert found.estimand == v["estimand"]
    close(found.weights, v["weights"], FITTED)
    if "ps" in v:
        close(found.propensity, v["ps"], FITTED)
    close(found.effective_n, [v["ess_treated"], v["ess_control"]], FITTED)
    plain = mean_difference(
        frame.assign(w=found.weights), outcome="re78", treatment="treat", weights="w", se="HC0"
    )
    close([plain.estimate, plain.std_error], [v["diff"], v["HC0_se"]], FITTED)
    adjusted = weighted_effect(
        frame, outcome="re78", outcome_covariates=(), **ON_LALONDE, **WEIGHTIT[name]
    )
    close(adjusted.estimate, v["diff"], FITTED)
    table = found.balance().set_index("covariate")
    b = pd.DataFrame(v["balance"]).assign(variable=lambda f: f["variable"].str.replace("_", "="))
    b = b[b["variable"] != "prop.score"].set_index("variable").loc[table.index]
    for ours, theirs in (("smd", "Diff.Adj"), ("ks", "KS.Adj"), ("variance_ratio", "V.Ratio.Adj"),
                         ("smd_before", "Diff.Un"), ("ks_before", "KS.Un")):  # fmt: skip
        known = b[theirs].notna().to_numpy()
        close(table[ours][known], b[theirs][known].astype(float), 1e-6, atol=5e-8)


def test_entropy_balancing_of_ebal(reference: Any) -> None:
    case = reference.case("ebal_ATT_ebal_package")
    frame, v = case.frame, case.values
    found = weight(frame, **ON_LALONDE, method="entropy")
    own = found.weights[frame["treat"] == 0]
    close(own * v["sum"] / own.sum(), v["control_weights"], 1e-10)


def test_augmented_on_lalonde(reference: Any) -> None:
    case = reference.case("aipw_components_lalonde")
    frame, v = case.frame, case.values
    call = ON_LALONDE | {"outcome": "re78", "estimand": "ATE"}
    found = augmented_effect(frame, **call, se="influence")
    close([found.estimate, found.std_error], [v["aipw_ate"], v["se"]], 1e-9)
    plain = weighted_effect(frame, **call, outcome_covariates=())
    close(plain.estimate, v["ipw_hajek"], 1e-9)


def test_published_figures_of_lalonde() -> None:
    """Hainmueller's data as weighted in the texts; Kullback-Leibler distance 1.1014999."""
    for options, effect in (
        ({}, 1214.071),
        ({"estimand": "ATE"}, 224.6763),
        ({"method": "overlap"}, 1242.201),
        ({"method": "entropy"}, 1273.261814),
    ):
        found = weighted_effect(
            LALONDE, outcome="re78", outcome_covariates=(), **ON_LALONDE, **options
        )
        assert found.estimate == pytest.approx(effect, rel=5e-7)
    overlap = weight(LALONDE, **ON_LALONDE, method="overlap")
    assert overlap.effective_n == pytest.approx((145.6359, 166.1014), rel=1e-6)
    assert weight(LALONDE, **ON_LALONDE).effective_n.comparison == pytest.approx(99.81539)
    entropy = weight(LALONDE, **ON_LALONDE, method="entropy")
    assert entropy.effective_n.comparison == pytest.approx(98.457834, rel=1e-8)
    assert entropy.divergence == pytest.approx(1.1014999, rel=2e-8)


@pytest.mark.parametrize("name", R["effects"])
def test_stacked_estimating_equations(name: str) -> None:
    """The sandwich of all equations, by numerical derivatives in R; known weights, clubSandwich."""
    v = R["effects"][name]
    call = CALL | {
        "method": "overlap" if v["estimand"] == "ATO" else v["method"],
        "link": v["link"],
        "estimand": v["estimand"],
        "base_weights": "b" if v["base"] else None,
        "outcome_covariates": None if v["adjust"] else (),
    }
    for cluster, end in ((None, ""), ("family", "_cluster")):
        stacked = weighted_effect(FRAME, **call, cluster=cluster, se="sandwich")
        close([stacked.estimate, stacked.std_error], [v["estimate"], v[f"se{end}"]])
        known = weighted_effect(FRAME, **call, cluster=cluster, se="known")
        close([known.std_error, known.df], v[f"known{end}"], 5e-8)
        usual = weighted_effect(FRAME, **call, cluster=cluster)
        assert usual.df == known.df and 1 < usual.std_error / (stacked.std_error or 0) < 1.2
    found = weight(FRAME, **{k: x for k, x in call.items() if not k.startswith("outcome")})
    close(found.effective_n, v["ess"])


@pytest.mark.parametrize("name", R["augmented"])
def test_augmented_weighting(name: str) -> None:
    v = R["augmented"][name]
    call = CALL | {
        "link": v["link"],
        "estimand": v["estimand"],
        "base_weights": "b" if v["base"] else None,
        "outcome_covariates": None if v["adjust"] else ["x"],
    }
    for se in ("auto", "influence"):
        for cluster, end in ((None, ""), ("family", "_cluster")):
            found = augmented_effect(FRAME, **call, se=se, cluster=cluster)
            close([found.estimate, found.std_error], [v["estimate"], v[f"{se}{end}"]])
