"""Change over time against lme4 and lmerTest, shares of variance against effectsize.

Our own R values, with their tables, are in growth.json, made by r/growth.R.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from evalkit.stats.clusters.random_slope import fit_random_slope
from evalkit.stats.over_time.growth import WORDS, growth_difference
from evalkit.stats.sizes.variance_shares import one_way_effects, shares

OWN = json.loads(Path(__file__).with_name("growth.json").read_text(encoding="utf-8"))
OPTIMISED = {"rtol": 1e-5, "atol": 3e-6}  # lme4 stops where its optimiser does
EXACT = {"rtol": 1e-10}
INVERTED = {"rtol": 2e-6, "atol": 1e-12}  # effectsize's limits are those of an optimiser


def same(found: Any, expected: Any, **tolerance: float) -> None:
    np.testing.assert_allclose(found, expected, **(tolerance or OPTIMISED))


# --- Change over time -----------------------------------------------------------------------------


def test_sleepstudy(reference: Any) -> None:
    """lmer(Reaction ~ Days + (Days | Subject)): variances, coefficients, df and likelihood."""
    case = reference.case("lmer_sleepstudy_slope")
    frame, v = case.frame, case.values["REML"]
    days, codes = frame["Days"].to_numpy(float), pd.factorize(frame["Subject"])[0]
    matrix = np.column_stack([np.ones(len(frame)), days])
    outcome = frame["Reaction"].to_numpy(float)
    model = fit_random_slope(matrix, outcome, ["i", "t"], days, codes, WORDS)
    level, slope, both, within = v["varcomp"]["vcov"]
    found = [*np.diag(model.covariance), model.covariance[0, 1], model.within]
    same(found, [level, slope, both, within], rtol=2e-6)
    fixed = v["fixef_satterthwaite"]
    same(model.linear.coefficients, list(fixed["Estimate"].values()), rtol=1e-9)
    same(model.linear.std_errors, list(fixed["Std. Error"].values()), rtol=1e-6)
    same(model.linear.df, list(fixed["df"].values()), rtol=1e-6)
    same(model.log_likelihood, v["logLik"], rtol=1e-11)
    assert model.log_likelihood >= v["logLik"]


@pytest.mark.parametrize("name", ["alone", "adjusted"])
@pytest.mark.parametrize("case", list(OWN["growth"]))
def test_growth(case: str, name: str) -> None:
    frame, v = pd.DataFrame(OWN["growth"][case]["data"]), OWN["growth"][case][name]
    covariates = ["age"] if name == "adjusted" else []
    e = growth_difference(
        frame, outcome="y", treatment="arm", person="id", time="t", covariates=covariates
    )
    same([e.estimate, e.std_error], [v["estimate"], v["std_error"]])
    same([e.df, e.p_value], [v["df"], v["p_value"]])
    same([e.conf_low, e.conf_high], [v["conf_low"], v["conf_high"]])
    same([e.change_comparison, e.variance_within], [v["change_comparison"], v["within"]])
    same(
        [e.variance_intercept, e.variance_slope, e.covariance],
        [v["intercept"], v["slope"], v["covariance"]],
        rtol=3e-5, atol=1e-6,
    )  # fmt: skip
    same(e.log_likelihood, v["log_likelihood"], rtol=1e-9)
    assert e.log_likelihood >= v["log_likelihood"] - 1e-7
    if v["slope"] > 1e-9:
        same(e.correlation, v["correlation"], rtol=1e-5)
    else:
        assert e.correlation is None and e.variance_slope == 0


def test_every_boundary_is_met() -> None:
    """Inside, on a correlation of -1, and with neither levels nor changes varying."""
    notes = {}
    for case in ("interior", "boundary", "nothing"):
        frame = pd.DataFrame(OWN["growth"][case]["data"])
        e = growth_difference(frame, outcome="y", treatment="arm", person="id", time="t")
        notes[case] = (" ".join(e.notes), e.correlation, e.df - len(frame) + 4)
    assert "boundary" not in notes["interior"][0] and abs(notes["interior"][1]) < 1
    assert "boundary" in notes["boundary"][0] and notes["boundary"][1] == pytest.approx(-1)
    assert "Neither levels" in notes["nothing"][0] and notes["nothing"][1] is None
    assert notes["nothing"][2] == pytest.approx(0, abs=1e-9)


# --- Shares of variance ---------------------------------------------------------------------------


def test_anorexia(reference: Any) -> None:
    """aov(Postwt ~ Prewt + Treat): effectsize's lower limits at 0.95 are one-sided."""
    case = reference.case("anova_effects_anorexia")
    e = one_way_effects(case.frame, outcome="Postwt", arm="Treat", covariates="Prewt", level=0.90)
    tables = case.values
    values = [tables["eta2_partial"]["Eta2_partial"], tables["omega2"]["Omega2_partial"]]
    values.append(tables["epsilon2"]["Epsilon2_partial"])
    same([e.estimate, e.omega_squared, e.epsilon_squared], [v[1] for v in values], **EXACT)
    low = [tables[key]["CI_low"][1] for key in ("eta2_partial", "omega2", "epsilon2")]
    same([e.conf_low, e.omega_low, e.epsilon_low], low, rtol=5e-7)
    before, after = case.frame["Prewt"], case.frame["Postwt"]  # the first row: Prewt, before Treat
    squares = len(after) * float(np.var(after)) * float(np.corrcoef(before, after)[0, 1]) ** 2
    left = _left(case.frame)
    first = shares(68 * squares / left, 1, 68, 72, 0.90)
    found = [first["estimate"], first["omega_squared"], first["epsilon_squared"]]
    same(found, [v[0] for v in values], **EXACT)
    low = [tables[key]["CI_low"][0] for key in ("eta2_partial", "omega2", "epsilon2")]
    same([first["conf_low"], first["omega_low"], first["epsilon_low"]], low, rtol=5e-7)


def _left(frame: pd.DataFrame) -> float:
    """Return the residual sum of squares of Postwt on Prewt and Treat."""
    dummies = pd.get_dummies(frame["Treat"]).to_numpy(float)
    matrix = np.column_stack([dummies, frame["Prewt"]])
    outcome = frame["Postwt"].to_numpy(float)
    away = outcome - matrix @ np.linalg.lstsq(matrix, outcome, rcond=None)[0]
    return float(away @ away)


@pytest.mark.parametrize(("key", "level"), [("at95", 0.95), ("at90", 0.90)])
@pytest.mark.parametrize("case", list(OWN["oneway"]))
def test_one_way(case: str, key: str, level: float) -> None:
    frame, v = pd.DataFrame(OWN["oneway"][case]["data"]), OWN["oneway"][case][key]
    e = one_way_effects(frame, outcome="y", arm="arm", level=level)
    same([e.statistic, e.df_numerator, e.df], [v["f"], v["df1"], v["df2"]], **EXACT)
    welch = [e.welch_statistic, e.welch_df_numerator, e.welch_df, e.welch_p]
    same(welch, [v["welch"][name] for name in ("f", "df1", "df2", "p")], rtol=1e-9)
    same(e.p_value, v["p"], rtol=1e-9)
    values = [e.estimate, e.omega_squared, e.epsilon_squared]
    same(values, [v[name]["value"] for name in ("eta", "omega", "epsilon")], **EXACT)
    low = [e.conf_low, e.omega_low, e.epsilon_low]
    same(low, [v[name]["low"] for name in ("eta", "omega", "epsilon")], **INVERTED)
    high = [e.conf_high, e.omega_high, e.epsilon_high]
    same(high, [v[name]["high"] for name in ("eta", "omega", "epsilon")], **INVERTED)


def test_one_sided_limits_are_those_of_the_wider_interval() -> None:
    for case in OWN["oneway"].values():
        e = one_way_effects(pd.DataFrame(case["data"]), outcome="y", arm="arm", level=0.90)
        expected = [case["at95"][f"{name}_lower"]["low"] for name in ("eta", "omega", "epsilon")]
        same([e.conf_low, e.omega_low, e.epsilon_low], expected, **INVERTED)
