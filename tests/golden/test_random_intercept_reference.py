"""Differences with a random intercept against lme4 and lmerTest.

Our own R values, with their tables, are in random_intercept.json, made by r/random_intercept.R.
"""

from __future__ import annotations

import json
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from evalkit.stats.clusters.mixed_models import mixed_difference
from evalkit.stats.clusters.random_intercept import RandomIntercept, fit_random_intercept
from evalkit.stats.sizes.effect_sizes import small_sample_factor

FILE = Path(__file__).with_name("random_intercept.json")
OWN = json.loads(FILE.read_text(encoding="utf-8"))["cases"]
FITS = {"alone": [], "adjusted": ["x"], "kinds": ["x", "kind"]}
OPTIMISED = {"rtol": 2e-6, "atol": 1e-9}  # lme4 stops where its optimiser does
NOT_OFFERED = {"fits": {"ML", "ranef_first6"}, "REML": {"fixef_kenward_roger", "sigma"}}
CASES = [(case, name) for case, both in OWN.items() for name in both["fits"]]


def same(found: Any, expected: Any, **tolerance: float) -> None:
    np.testing.assert_allclose(found, expected, **(tolerance or OPTIMISED))


def frame_of(case: str) -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(values) for name, values in OWN[case]["data"].items()})


def fitted(frame: pd.DataFrame, outcome: str, columns: list[str], group: str) -> RandomIntercept:
    matrix = np.column_stack([np.ones(len(frame)), *(frame[c].to_numpy(float) for c in columns)])
    codes = pd.factorize(frame[group])[0]
    return fit_random_intercept(
        matrix, frame[outcome].to_numpy(float), ["(intercept)", *columns], codes
    )


@pytest.mark.parametrize(("case", "name"), CASES)
def test_difference(case: str, name: str) -> None:
    v = OWN[case]["fits"][name]
    frame = frame_of(case)
    e = mixed_difference(frame, outcome="y", treatment="arm", group="group", covariates=FITS[name])
    same([e.estimate, e.std_error], [v["estimates"]["arm"], v["std_errors"]["arm"]])
    same([e.df, e.p_value], [v["df"]["arm"], v["p_value"]])
    same([e.conf_low, e.conf_high], [v["conf_low"], v["conf_high"]])
    found = [e.variance_between, e.variance_within]
    np.testing.assert_allclose(found, [v["between"], v["within"]], rtol=1e-6, atol=1e-9)
    assert e.n_treatment + e.n_comparison == v["n"] == len(frame) - e.n_dropped
    assert e.n_clusters == frame["group"].nunique()


@pytest.mark.parametrize("case", [case for case in OWN if case != "missing"])
def test_every_coefficient(case: str) -> None:
    """Every coefficient, and a likelihood no lower than lme4's."""
    v = OWN[case]["fits"]["adjusted"]
    model = fitted(frame_of(case), "y", ["arm", "x"], "group")
    for found, key in (
        (model.linear.coefficients, "estimates"),
        (model.linear.std_errors, "std_errors"),
        (model.linear.df, "df"),
    ):
        same(found, list(v[key].values()))
    assert model.log_likelihood >= v["log_likelihood"] - 1e-9
    same(model.log_likelihood, v["log_likelihood"], rtol=1e-8)


def test_no_variance_between_is_said() -> None:
    frame = frame_of("no_variance_between")
    e = mixed_difference(frame, outcome="y", treatment="arm", group="group")
    assert e.variance_between == 0 and e.icc == 0
    assert any("estimated as 0" in note for note in e.notes)
    assert e.df == len(frame) - 2


@pytest.mark.parametrize("name", ["lmer_crt_ri", "lmer_mst_ri"])
def test_schools(reference: Any, name: str) -> None:
    case = reference.case(name)
    v = case.values["REML"]
    e = mixed_difference(
        case.frame,
        outcome="Posttest",
        treatment="Intervention",
        group="School",
        covariates=["Prettest"],
    )
    satterthwaite = {k: x["Intervention"] for k, x in v["fixef_satterthwaite"].items()}
    same(
        [e.estimate, e.std_error, e.df, e.statistic, e.p_value],
        [satterthwaite[k] for k in ("Estimate", "Std. Error", "df", "t value", "Pr(>|t|)")],
    )
    same([e.variance_between, e.variance_within], v["varcomp"]["vcov"])
    same(e.icc, v["icc"])
    assert set(case.values) - {"REML"} == NOT_OFFERED["fits"]
    assert set(v) - {"varcomp", "icc", "fixef_satterthwaite", "logLik"} == NOT_OFFERED["REML"]


@pytest.mark.parametrize("name", ["lmer_crt_null_icc"])
def test_model_without_columns(reference: Any, name: str) -> None:
    case = reference.case(name)
    v = case.values["REML"]
    model = fitted(case.frame, "Posttest", [], "School")
    same([model.between, model.within], v["varcomp"]["vcov"])
    same(model.between / model.total, v["icc"])
    same(model.log_likelihood, v["logLik"])
    same(
        [model.linear.coefficients[0], model.linear.std_errors[0], model.linear.df[0]],
        [v["fixef_satterthwaite"][k]["(Intercept)"] for k in ("Estimate", "Std. Error", "df")],
    )


@pytest.mark.parametrize("name", ["eef_crtFREQ"])
def test_effect_sizes_are_corrected_once(reference: Any, name: str) -> None:
    """Within equals eefAnalytics; its total is corrected for clusters a second time (.67)."""
    case = reference.case(name)
    es, conditional = case.values["ES"]["Intervention1"], case.values["covParm"]
    e = mixed_difference(
        case.frame,
        outcome="Posttest",
        treatment="Intervention",
        group="School",
        covariates="Prettest",
    )
    assert es["row"] == ["Within", "Total"]
    assert round(e.g_within, 2) == es["Estimate"][0] == 0.81
    assert round(e.g_total, 2) == 0.69 and es["Estimate"][1] == 0.67
    assert round(e.variance_between, 2) == conditional["Schools"]
    assert round(e.variance_within, 2) == conditional["Pupils"]
    assert round(e.icc, 2) == conditional["ICC"]


@pytest.mark.parametrize("name", ["lmeInfo_g_mlm_crt"])
def test_small_sample_correction_of_the_total(reference: Any, name: str) -> None:
    case = reference.case(name)
    model = fitted(case.frame, "Posttest", ["Prettest", "Intervention"], "School")
    same(model.total_df, case.values["nu"])
    g = model.linear.coefficients[2] / sqrt(model.total)
    same(small_sample_factor(model.total_df) * g, case.values["g"], rtol=1e-5)  # nlme stops early


def test_effect_size_without_covariates_is_g_total_with_its_correction() -> None:
    e = mixed_difference(frame_of("assigned_groups"), outcome="y", treatment="arm", group="group")
    assert e.effect_size / e.g_total == pytest.approx(
        e.effect_low / (e.conf_low * e.g_total / e.estimate)
    )
    assert 0.9 < e.effect_size / e.g_total < 1
    assert e.unconditional_icc == e.icc
