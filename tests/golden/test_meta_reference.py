"""Meta-analysis against metafor: the shared cases, and more of our own in meta_series.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from evalkit.stats.combining.asymmetry import egger_test
from evalkit.stats.combining.dependent import DependentMeta, dependent_meta_analysis
from evalkit.stats.combining.meta import meta_analysis
from evalkit.stats.combining.meta_results import MetaAnalysis
from evalkit.stats.combining.pooled_tables import pooled_tables

HERE = Path(__file__).parent
CASES = {
    case["id"]: case["values"]
    for case in json.loads((HERE / "meta_series.json").read_text(encoding="utf-8"))
}
OWN = ["meta_raudenbush", "meta_normand", "meta_gibson", "meta_alike", "meta_three"]
NOT_OFFERED = {"HS", "begg", "trimfill_DL_L0", "fail_safe_rosenthal"}
Y = [-.889311334, -1.585388657, -1.348073148, -1.441551190, -.217547322, -.786115586, -1.620898224,
     .011952334, -.469417649, -1.371344803, -.339358828, .445913401, -.017313948]  # fmt: skip
V = [.325584765, .1945811214, .4153679654, .0200100319, .0512101722, .0069056185, .2230172476,
     .0039615793, .0564342105, .0730247936, .0124122140, .5325058452, .0714046597]  # fmt: skip
LATITUDE = [44, 55, 42, 52, 13, 44, 19, 13, 27, 42, 18, 33, 33]


def same(found: Any, expected: Any, rtol: float = 1e-8, atol: float = 1e-10) -> None:
    np.testing.assert_allclose(
        np.asarray(found, float), np.asarray(expected, float), rtol=rtol, atol=atol
    )


def pooled(m: MetaAnalysis, v: dict[str, Any], keys: dict[str, str], rtol: float) -> None:
    for ours, theirs in keys.items():
        if v[theirs] is not None:
            same(getattr(m, ours), v[theirs], rtol)


SHARED = {
    "estimate": "b", "std_error": "se", "statistic": "stat", "p_value": "p", "conf_low": "ci_lb",
    "conf_high": "ci_ub", "tau2": "tau2", "tau2_se": "se_tau2", "i2": "I2", "h2": "H2", "q": "QE",
    "q_p": "QEp", "k": "k",
}  # fmt: skip


@pytest.mark.parametrize("name", ["meta_bcg_logRR", "meta_bcg_logOR"])
def test_bcg(reference: Any, name: str) -> None:
    """ "PM" of the case stops at a tolerance of 1e-5; empirical Bayes solves the same equation."""
    v = reference.case(name).values
    y, var = v["yi"], v["vi"]
    methods = {key: key for key in ("REML", "DL", "ML", "HE", "SJ")} | {"FE": "EE", "EB": "PM"}
    extra = {
        "tau2_ci_Qprofile",
        "egger_lm",
        "leave1out_DL",
        "blup",
        "REML_KH",
        "DL_KH",
        "PM",
        "yi",
        "vi",
    }
    assert set(v) == set(methods) | extra | NOT_OFFERED
    for theirs, ours in methods.items():
        m = meta_analysis(y, var, method=ours, hartung_knapp=False, prediction="z")
        pooled(m, v[theirs], SHARED, 1e-6)
        if ours != "EE":
            same([m.prediction_low, m.prediction_high], [v[theirs]["pi_lb"], v[theirs]["pi_ub"]])
    for theirs in ("REML_KH", "DL_KH"):
        m = meta_analysis(y, var, method=theirs[:-3], prediction="hartung-knapp")
        pooled(m, v[theirs], SHARED, 1e-7)
        same([m.prediction_low, m.prediction_high], [v[theirs]["pi_lb"], v[theirs]["pi_ub"]])
    same(meta_analysis(y, var, method="PM").tau2, v["PM"]["tau2"], 2e-4)
    m = meta_analysis(y, var, hartung_knapp=False)
    low, high = v["tau2_ci_Qprofile"]["matrix"][0]
    same([m.tau2_low, m.tau2_high], [low, high], 1e-3)  # confint stops at a tolerance
    same([m.egger_statistic, m.egger_p, m.egger_df], list(v["egger_lm"].values()))
    left = meta_analysis(y, var, method="DL", hartung_knapp=False).leave_one_out()
    for column, theirs in {"estimate": "estimate", "std_error": "se", "tau2": "tau2"}.items():
        same(left[column], v["leave1out_DL"][theirs])
    sites = m.sites.to_frame()
    same(sites["shrunken"], v["blup"]["pred"], 1e-6)
    same(sites["shrunken_error"], v["blup"]["se"], 1e-6)


@pytest.mark.parametrize("name", ["metareg_bcg_ablat_year"])
def test_moderators(reference: Any, name: str) -> None:
    """The case stops at metafor's default tolerance; our own of the same table does not."""
    case = reference.case(name)
    d, v = case.frame, case.values
    y, var = log_risk_ratios(d)
    for key, columns, knapp in (
        ("z", ["ablat", "year"], False), ("kh", ["ablat", "year"], True), ("alloc", ["alloc"], False)
    ):  # fmt: skip
        m = meta_analysis(y, var, moderators=d[columns], hartung_knapp=knapp)
        frame = m.coefficients.to_frame()
        names = ("b", "se", "stat", "p", "ci_lb", "ci_ub")
        ours = ("estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high")
        for column, theirs in zip(ours, names, strict=True):
            same(frame[column], v[key][theirs], 1e-4)
        same(
            [m.tau2, m.tau2_se, m.i2, m.h2, m.q],
            [v[key][k] for k in ("tau2", "se_tau2", "I2", "H2", "QE")],
            1e-4,
        )
        same([m.q_p, m.qm, m.qm_p, m.r2], [v[key][k] for k in ("QEp", "QM", "QMp", "R2")], 3e-4)
        assert m.estimate is None and m.prediction_low is None
    tight = CASES["metareg_bcg_tight"]
    m = meta_analysis(y, var, moderators=d[["ablat", "year"]], hartung_knapp=False)
    same([c.estimate for c in m.coefficients], tight["b"], 1e-7)
    same([c.std_error for c in m.coefficients], tight["se"], 1e-7)
    same([m.tau2, m.qm, m.r2], [tight["tau2"], tight["QM"], tight["R2"]], 1e-7)


def log_risk_ratios(d: pd.DataFrame) -> tuple[Any, Any]:
    n1, n0 = d["tpos"] + d["tneg"], d["cpos"] + d["cneg"]
    y = np.log(d["tpos"] / n1) - np.log(d["cpos"] / n0)
    return y, 1 / d["tpos"] - 1 / n1 + 1 / d["cpos"] - 1 / n0


@pytest.mark.parametrize("name", ["meta_mh_peto_bcg"])
def test_tables(reference: Any, name: str) -> None:
    """The continuity-corrected Mantel-Haenszel test of the case ("MH") is not offered."""
    case = reference.case(name)
    d, v = case.frame, case.values
    counts = (d["tpos"], d["tpos"] + d["tneg"], d["cpos"], d["cpos"] + d["cneg"])
    for key, measure in {"OR": "odds ratio", "RR": "risk ratio", "RD": "risk difference"}.items():
        m = pooled_tables(*counts, measure=measure)
        effect = m.estimate if key == "RD" else np.log(m.estimate)
        same([effect, m.std_error, m.q], [v[key]["b"], v[key]["se"], v[key]["QE"]])
        same(m.p_value, v[key]["p"], 1e-6)
    m = pooled_tables(*counts, measure="peto")
    same([np.log(m.estimate), m.std_error], [v["peto"]["b"], v["peto"]["se"]])


KEYS = {
    "estimate": "b", "std_error": "se", "statistic": "stat", "p_value": "p", "conf_low": "lb",
    "conf_high": "ub", "tau2": "tau2", "tau2_se": "se_tau2", "i2": "I2", "h2": "H2", "q": "Q",
    "q_p": "Qp",
}  # fmt: skip


@pytest.mark.parametrize("method", ["REML", "DL", "ML", "PM", "SJ", "HE", "EE"])
@pytest.mark.parametrize("name", OWN)
def test_methods(name: str, method: str) -> None:
    v = CASES[name]
    z = meta_analysis(v["yi"], v["vi"], method=method, hartung_knapp=False, prediction="z")
    theirs = v[f"{method}_z"]
    pooled(z, theirs, KEYS, 1e-6)
    if method == "EE":
        return
    same([z.prediction_low, z.prediction_high], theirs["pi"], 1e-6)
    t = meta_analysis(v["yi"], v["vi"], method=method, prediction="hartung-knapp")
    pooled(t, v[f"{method}_knha"], KEYS, 1e-6)
    same([t.prediction_low, t.prediction_high], v[f"{method}_knha"]["pi"], 1e-6)
    same(z.sites.to_frame()["shrunken"], theirs["blup"], 1e-6, 1e-7)
    same(z.sites.to_frame()["shrunken_error"], theirs["blup_se"], 1e-5, 1e-7)
    left = z.leave_one_out()
    known = pd.Series(theirs["loo_tau2"], dtype=float).notna()  # it gives up on some
    assert known.sum() > len(known) / 2
    same(left["estimate"][known], pd.Series(theirs["loo"], dtype=float)[known], 1e-4)
    same(left["tau2"][known], pd.Series(theirs["loo_tau2"], dtype=float)[known], 1e-3, 1e-5)
    if method in ("REML", "DL"):
        same([z.tau2_low, z.tau2_high], theirs["tau2_ci"], 1e-6, 1e-9)
    if method == "REML":
        same(list(vars_of_egger(v)), v["egger"])


def vars_of_egger(v: dict[str, Any]) -> tuple[float, float, float]:
    e = egger_test(v["yi"], v["vi"], minimum=3)
    return e.statistic, e.df, e.p_value


@pytest.mark.parametrize("method", ["REML", "DL", "ML", "PM", "SJ", "HE", "EE"])
def test_weeks(method: str) -> None:
    v = CASES["metareg_raudenbush_weeks"]
    for test, knapp in (("z", False), ("knha", True)):
        if (method, test) == ("EE", "knha"):
            continue
        m = meta_analysis(
            v["yi"], v["vi"], method=method, hartung_knapp=knapp, moderators={"weeks": v["weeks"]}
        )
        theirs, frame = v[f"{method}_{test}"], m.coefficients.to_frame()
        for column, key in (("estimate", "b"), ("std_error", "se"), ("p_value", "p")):
            same(frame[column], theirs[key], 1e-5, 1e-7)
        same([m.tau2, m.qm, m.qm_p], [theirs["tau2"], theirs["QM"], theirs["QMp"]], 1e-5, 1e-8)
        if method != "EE":
            same([m.tau2_se, m.i2, m.r2], [theirs[k] for k in ("se_tau2", "I2", "R2")], 1e-4, 1e-6)
            if test == "z":
                same(m.sites.to_frame()["shrunken"], theirs["blup"], 1e-5, 1e-6)


def test_published_bcg() -> None:
    m = meta_analysis(Y, V, hartung_knapp=False)
    same(
        [m.tau2, m.estimate, m.std_error, m.statistic],
        [0.3132433, -0.7145323, 0.1797815, -3.974448],
        2e-6,
    )
    same(
        [m.conf_low, m.conf_high, m.q, m.i2, m.h2],
        [-1.066898, -0.362167, 152.2330, 92.22, 12.86],
        4e-4,
    )
    same([m.tau2_se, m.tau2_low, m.tau2_high], [0.1664, 0.1197, 1.1115], 5e-4)
    for knapp in (True, False, "modified"):
        t = meta_analysis(Y, V, hartung_knapp=knapp)
        same(
            [t.prediction_low, t.prediction_high, t.prediction_df], [-2.008376, 0.579311, 11], 2e-6
        )
    hk = meta_analysis(Y, V)
    same([hk.std_error, hk.scale_factor, hk.statistic, hk.p_value, hk.conf_low, hk.conf_high],
         [.1807918, 1.0112698, -3.952240, .001920, -1.108444, -.320621], 5e-5)  # fmt: skip
    for method, tau2, mu in (("DL", 0.3087603, -0.7141172), ("EE", 0, -0.4302852)):
        one = meta_analysis(Y, V, method=method)
        same([one.tau2, one.estimate], [tau2, mu], 2e-6)
    for method, tau2 in (
        ("PM", 0.3180685),
        ("ML", 0.2800282),
        ("SJ", 0.3455157),
        ("HE", 0.3285639),
    ):
        same(meta_analysis(Y, V, method=method).tau2, tau2, 1e-6)
    r = meta_analysis(Y, V, hartung_knapp=False, moderators={"latitude": LATITUDE})
    same([c.estimate for c in r.coefficients], [0.2514643, -0.0291017], 2e-5)
    same([r.coefficients[1].std_error, r.tau2, r.r2], [0.0071956, 0.0763547, 75.62], 2e-4)


# --- Several effects of each site ------------------------------------------------------------------


def robust(m: DependentMeta, place: int = 0) -> list[float | None]:
    c = m.coefficients[place]
    return [c.estimate, c.std_error, c.df, c.p_value]


@pytest.mark.parametrize("name", ["meta_3level_konstantopoulos"])
def test_three_levels(reference: Any, name: str) -> None:
    case = reference.case(name)
    d, v = case.frame, case.values
    m = dependent_meta_analysis(d["yi"], d["vi"], cluster=d["district"])
    same([m.estimate, m.model_error], [v["b"], v["se_model"]], 1e-6)
    same([m.variance_between, m.variance_within], v["sigma2"], 1e-6)
    same(m.log_likelihood, v["logLik"])
    same(robust(m)[1:], [v["CR2_se"], v["CR2_df"], v["CR2_p"]], 1e-6)


@pytest.mark.parametrize("name", ["meta_mv_satcoaching_rve"])
def test_dependent_effects(reference: Any, name: str) -> None:
    """The case's call takes the data's column V, not its matrix: sampling errors uncorrelated.

    "dependent" below has the same table with the correlation of 0.6 that the case's note names.
    """
    case = reference.case(name)
    d, v = case.frame, case.values
    call: dict[str, Any] = {"cluster": d["study"], "within": False}
    m, o = dependent_meta_analysis(d["d"], d["V"], **call), v["overall"]
    same([m.estimate, m.model_error, m.log_likelihood], [o["b"], o["se_model"], o["logLik"]], 1e-7)
    same(robust(m)[1:], [o["CR2_se"], o["CR2_df"], o["CR2_p"]], 1e-7)
    same(m.variance_between, o["sigma2"])
    for place, first in enumerate(("Math", "Verbal")):
        own = {"test": (d["test"] != first) * 1}
        m = dependent_meta_analysis(d["d"], d["V"], **call, moderators=own)
        theirs = v["by_test"]["CR2"]
        same(robust(m), [theirs[k][place] for k in ("beta", "SE", "df_Satt", "p_Satt")], 1e-7)
        same([m.variance_between], v["by_test"]["tau2"][place])


def test_more_dependent_effects(reference: Any) -> None:
    folder = reference.folder / "data"
    s = pd.read_csv(folder / "SATcoaching.csv")
    k = pd.read_csv(folder / "dat_konstantopoulos2011.csv")
    sat: dict[str, Any] = {"cluster": s["study"], "correlation": 0.6, "within": False}
    by_test = {"moderators": s[["test"]]}
    call = dependent_meta_analysis
    found = {
        "sat": call(s["d"], s["V"], **sat),
        "sat_test": call(s["d"], s["V"], **sat, **by_test),
        "spread": call((3 * s["d"]).round(4), s["V"], **sat, **by_test),
        "spread_within": call((3 * s["d"]).round(4), s["V"], **(sat | {"within": True})),
        "schools": call(k["yi"], k["vi"], cluster=k["district"], moderators={"early": k["year"] < 1990}),
    }  # fmt: skip
    assert set(found) == set(CASES["dependent"])
    for name, m in found.items():
        v = CASES["dependent"][name]
        same([c.estimate for c in m.coefficients], v["b"], 1e-5)
        same([c.std_error for c in m.coefficients], v["CR2"], 1e-5)
        same([c.df for c in m.coefficients], v["df"], 1e-5)
        same(m.log_likelihood, v["logLik"], 1e-8)
        both = [m.variance_between, *([] if m.variance_within is None else [m.variance_within])]
        same(both, v["sigma2"], 1e-4, 1e-6)
