"""Pooling over imputations against mice and mitml.

Our own R values are in pooling.json, made by r/pooling.R.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evalkit.stats.imputing.pooled_tests import pool_joint, pool_likelihoods, pool_statistics
from evalkit.stats.imputing.pooling import pool, replicable
from evalkit.stats.imputing.pooling_scales import pool_correlation, pool_proportion, pool_ratio

OWN = json.loads(Path(__file__).with_name("pooling.json").read_text(encoding="utf-8"))
TIGHT = {"rtol": 1e-9, "atol": 1e-13}
LIMITS = ("estimate", "std_error", "df", "fmi", "conf_low", "conf_high")
POOLED = (
    *("estimate", "std_error", "statistic", "df", "p_value", "conf_low", "conf_high"),
    *("within", "between", "total", "riv", "share_missing", "fmi"),
)


def same(found: Any, expected: Any, **tolerance: float) -> None:
    np.testing.assert_allclose(found, expected, **(tolerance or TIGHT))


def floored(e: Any) -> dict[str, float]:
    """Return the tolerance: mice takes a share of missing below 1e-4 for 1e-4, we as it is."""
    return TIGHT if e.share_missing >= 1e-4 else {"rtol": 2e-4}


def least_squares(frame: Any, columns: list[str], outcome: str) -> tuple[Any, Any, Any]:
    """Return coefficients, covariance and the maximum-likelihood variance of one imputation."""
    x = np.column_stack([np.ones(len(frame)), *(frame[name] for name in columns)])
    y = frame[outcome].to_numpy(float)
    beta = np.linalg.lstsq(x, y, rcond=None)[0]
    left = float(np.sum((y - x @ beta) ** 2))
    return beta, left / (len(y) - x.shape[1]) * np.linalg.inv(x.T @ x), left / len(y)


def log_likelihood(frame: Any, columns: list[str], beta: Any, variance: float) -> float:
    x = np.column_stack([np.ones(len(frame)), *(frame[name] for name in columns)])
    left = frame["chl"].to_numpy(float) - x @ beta
    return float(-len(frame) / 2 * np.log(2 * np.pi * variance) - left @ left / 2 / variance)


# --- Reference cases ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["pool_nhanes_lm", "pool_nhanes_logit"])
def test_pool_of_fitted_models(reference: Any, name: str) -> None:
    v = reference.case(name).values
    for place, term in enumerate(v["mice_pool"]["term"]):
        one = v["terms"][term]
        e = pool(one["qhat"], np.sqrt(one["u"]), df_complete=v["dfcom"])
        names = ("qbar", "ubar", "b", "t", "se", "df_barnard_rubin", "riv", "fmi", "lambda", "p")
        found = [e.estimate, e.within, e.between, e.total, e.std_error, e.df, e.riv, e.fmi]
        same([*found, e.share_missing, e.p_value], [one[key] for key in names])
        same([e.conf_low, e.conf_high], one["ci"])
        same(e.statistic, v["mice_pool"]["statistic"][place])
        large = pool(one["qhat"], np.sqrt(one["u"]))
        same([large.df, large.fmi], [one["df_rubin1987"], one["fmi_inf"]])


def test_pool_from_the_imputed_tables(reference: Any) -> None:
    """From the table itself: least squares in each imputation, then pooled."""
    case = reference.case("pool_nhanes_lm")
    fits = [least_squares(d, ["age", "bmi"], "chl") for _, d in case.frame.groupby(".imp")]
    for place, term in enumerate(["(Intercept)", "age", "bmi"]):
        errors = [np.sqrt(cov[place, place]) for _, cov, _ in fits]
        e = pool([beta[place] for beta, _, _ in fits], errors, df_complete=22)
        one = case.values["terms"][term]
        same([e.estimate, e.std_error, e.df], [one["qbar"], one["se"], one["df_barnard_rubin"]])


def test_pool_scalar(reference: Any) -> None:
    v = reference.case("pool_scalar_fixed_vectors").values
    q, errors = [2.13, 1.87, 2.4, 2.05, 1.95], np.sqrt([0.21, 0.19, 0.25, 0.2, 0.22])
    for key, df in (("n100_k3", 97), ("ninf", None)):
        e = pool(q, errors, df_complete=df)
        found = [e.estimate, e.within, e.between, e.total, e.df, e.riv, e.fmi]
        same(found, [v[key][name] for name in ("qbar", "ubar", "b", "t", "df", "r", "fmi")])


def test_tests_of_several_parameters(reference: Any) -> None:
    """D1, D1 with the degrees of freedom of the complete data, D2 and D3 of mitml."""
    case = reference.case("mitml_D1_D2_D3_nhanes")
    full, null, tables = ["age", "bmi", "hyp"], ["age"], list(case.frame.groupby(".imp"))
    fits = [least_squares(d, full, "chl") for _, d in tables]
    less = [least_squares(d, null, "chl") for _, d in tables]
    q = np.array([beta[2:] for beta, _, _ in fits])
    u = np.array([cov[2:, 2:] for _, cov, _ in fits])
    walds = [b @ np.linalg.solve(c, b) for b, c in zip(q, u, strict=True)]
    centres = [
        (np.mean([f[0] for f in m], axis=0), np.mean([f[2] for f in m])) for m in (fits, less)
    ]

    def ratios(at: Any) -> list[float]:
        pairs = [(full, fits, 0), (null, less, 1)]
        logs = [
            [log_likelihood(d, names, *at(models[i], which)) for i, (_, d) in enumerate(tables)]
            for names, models, which in pairs
        ]
        return list(2 * (np.array(logs[0]) - np.array(logs[1])))

    own = ratios(lambda model, _: (model[0], model[2]))
    found = {
        "D1": pool_joint(q, u),
        "D1_dfcom": pool_joint(q, u, df_complete=21),
        "D2": pool_statistics(walds, parameters=2),
        "D3": pool_likelihoods(own, ratios(lambda _, w: centres[w]), parameters=2),
    }
    for key, e in found.items():
        expected = case.values[key]
        numbers = [expected[name] for name in ("F.value", "df1", "df2", "P(>F)", "RIV")]
        same([e.statistic, e.df_numerator, e.df, e.p_value, e.riv], numbers, rtol=1e-8)
    for place in range(4):
        errors = [np.sqrt(cov[place, place]) for _, cov, _ in fits]
        for key, df in (("testEstimates", None), ("testEstimates_dfcom", 21)):
            e = pool([beta[place] for beta, _, _ in fits], errors, df_complete=df)
            names = ("Estimate", "Std.Error", "df", "P(>|t|)", "RIV", "FMI")
            numbers = [case.values[key][name][place] for name in names]
            same([e.estimate, e.std_error, e.df, e.p_value, e.riv, e.fmi], numbers, rtol=1e-8)


# --- The check values of the design ---------------------------------------------------------------


def test_check_values() -> None:
    errors = [0.25, 0.27, 0.24, 0.26, 0.25]
    e = pool([2.10, 2.45, 1.98, 2.33, 2.20], errors, df_complete=117)
    same(
        [e.estimate, e.within, e.between, e.total], [2.212, 0.06462, 0.03427, 0.105744], rtol=1e-12
    )
    same([e.share_missing, e.riv, e.df], [0.3889015, 0.6363974, 19.218036], rtol=1e-7)
    same([e.fmi, e.conf_low, e.conf_high], [0.44391072, 1.5319064, 2.8920936], rtol=3e-8)
    large = pool([2.10, 2.45, 1.98, 2.33, 2.20], errors)
    same([large.df, large.fmi], [26.447265, 0.4304061], rtol=1e-7)
    assert (e.m, e.m_advised) == (5, 45)


def test_numbers_of_imputations() -> None:
    """The rule by hand: fmi 0.5 from 20 imputations, whose logit has standard error 0.316."""
    upper = 1 / (1 + np.exp(-1.959963984540054 * np.sqrt(0.1)))
    assert replicable(0.5, 20) == int(np.ceil(1 + (upper / 0.05) ** 2 / 2)) == 86
    assert replicable(0.0, 20) == 2


# --- Other imputed tables -------------------------------------------------------------------------


@pytest.mark.parametrize("name", list(OWN["fits"]))
def test_pool_every_coefficient(name: str) -> None:
    v = OWN["fits"][name]
    coefficients, covariances = np.array(v["coef"]), np.array(v["vcov"])
    for place in range(len(v["term"])):
        errors = np.sqrt(covariances[:, place, place])
        e = pool(coefficients[:, place], errors, df_complete=v["dfcom"])
        mice = [v["pool"][key][place] for key in POOLED]
        same([getattr(e, key) for key in POOLED], mice, **floored(e))
        e = pool(coefficients[:, place], errors)
        names = ("Estimate", "Std.Error", "df", "P(>|t|)", "RIV", "FMI")
        numbers = [v["large"][key][place] for key in names]
        found = [e.estimate, e.std_error, e.df, e.p_value, e.riv, e.fmi]
        same(found, numbers, rtol=1e-8, atol=1e-13)


@pytest.mark.parametrize("name", list(OWN["fits"]))
def test_pool_several_at_once(name: str) -> None:
    v = OWN["fits"][name]
    chosen = np.atleast_1d(v["tested"])
    q = np.array(v["coef"])[:, chosen]
    u = np.array(v["vcov"])[:, chosen][:, :, chosen]
    walds = [b @ np.linalg.solve(c, b) for b, c in zip(q, u, strict=True)]
    own, shared = v["lr"]["own"], v["lr"]["at_average"]
    k = len(chosen)
    found = {
        "D1": pool_joint(q, u),
        "D1_dfcom": pool_joint(q, u, df_complete=v["dfcom"]),
        "D2_wald": pool_statistics(walds, parameters=k),
        "D2_lr": pool_statistics(own, parameters=k),
        "D3": pool_likelihoods(own, shared, parameters=k),
    }
    for key, e in found.items():
        expected = v[key]
        numbers = [expected[name] for name in ("F.value", "df1", "df2", "RIV")]
        same([e.statistic, e.df_numerator, e.df, e.riv], numbers, rtol=2e-8)
        if "P(>F)" in expected:
            same(e.p_value, expected["P(>F)"], rtol=1e-7, atol=1e-300)


@pytest.mark.parametrize("name", ["hyp", "late"])
def test_pool_proportions(name: str) -> None:
    v = OWN["scales"][name]
    for method in ("wilson", "logit"):
        e = pool_proportion(v["p"], v["n"], method=method, df_complete=v["dfcom"])
        same([getattr(e, key) for key in LIMITS], [v[method][key] for key in LIMITS])
        assert (e.statistic, e.p_value, e.unit) == (None, None, "share")


def test_pool_correlations_and_ratios() -> None:
    v = OWN["scales"]["correlation"]
    e = pool_correlation(v["r"], v["n"], df_complete=v["dfcom"])
    same([getattr(e, key) for key in LIMITS], [v[key] for key in LIMITS], **floored(e))
    v = OWN["scales"]["ratio"]
    e = pool_ratio(v["ratio"], v["se"], df_complete=v["dfcom"])
    same([getattr(e, key) for key in LIMITS], [v[key] for key in LIMITS], **floored(e))
