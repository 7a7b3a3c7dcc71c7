"""Trials within sites, several arms and designs against lme4, emmeans, mvtnorm and estimatr.

Our own R values, with their tables, are in sites_arms.json, made by r/sites_arms.R.
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
from evalkit.stats.clusters.random_slope import fit_random_slope
from evalkit.stats.clusters.sites import WORDS, multisite_difference
from evalkit.stats.least_squares.block_means import difference_in_means
from evalkit.stats.least_squares.differences import mean_difference
from evalkit.stats.least_squares.several_arms import pairwise_differences
from evalkit.stats.sizes.clustered_sizes import cluster_g
from evalkit.stats.sizes.summary_sizes import standardised_difference

FILE = Path(__file__).with_name("sites_arms.json")
OWN = json.loads(FILE.read_text(encoding="utf-8"))
SITES = [(case, name) for case, both in OWN["sites"].items() for name in both["fits"]]
OPTIMISED = {"rtol": 1e-5, "atol": 3e-6}  # lme4 stops where its optimiser does
EXACT = {"rtol": 1e-10}


def same(found: Any, expected: Any, **tolerance: float) -> None:
    np.testing.assert_allclose(found, expected, **(tolerance or OPTIMISED))


# --- Sites ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("case", "name"), SITES)
def test_sites(case: str, name: str) -> None:
    frame, v = pd.DataFrame(OWN["sites"][case]["data"]), OWN["sites"][case]["fits"][name]
    covariates = ["x"] if name == "adjusted" else []
    e = multisite_difference(
        frame, outcome="y", treatment="arm", site="site", covariates=covariates
    )
    same([e.estimate, e.std_error], [v["estimates"]["arm"], v["std_errors"]["arm"]])
    same([e.df, e.p_value], [v["df"]["arm"], v["p_value"]])
    same([e.conf_low, e.conf_high], [v["conf_low"], v["conf_high"]])
    same(
        [e.variance_between, e.variance_effect, e.covariance, e.variance_within],
        [v["between"], v["effect"], v["covariance"], v["within"]],
    )
    same(e.log_likelihood, v["log_likelihood"], rtol=1e-9)
    assert e.log_likelihood >= v["log_likelihood"] - 1e-7
    gain = max(0.0, 2 * (v["log_likelihood"] - v["log_likelihood_same"]))
    same(e.heterogeneity_statistic, gain, rtol=1e-6, atol=1e-6)
    assert e.n_clusters == frame["site"].nunique()


def test_every_rank_is_met() -> None:
    """Inside, on a correlation of 1 or -1, and with neither levels nor effects varying."""
    found = {}
    for case in ("interior", "rank_one", "nothing"):
        frame = pd.DataFrame(OWN["sites"][case]["data"])
        e = multisite_difference(frame, outcome="y", treatment="arm", site="site")
        found[case] = (e.variance_between * e.variance_effect - e.covariance**2) / 16**2
        if case == "nothing":
            assert e.variance_between == e.variance_effect == 0 and e.df == len(frame) - 2
            assert e.heterogeneity_p == 1
    assert found["interior"] > 1 and abs(found["rank_one"]) < 1e-9 and found["nothing"] == 0


def multisite(reference: Any) -> Any:
    frame = reference.case("lmer_mst_ri").frame
    return frame, multisite_difference(
        frame, outcome="Posttest", treatment="Intervention", site="School", covariates="Prettest"
    )


def test_multisite_trial_of_eefanalytics(reference: Any) -> None:
    """lme4 on mstData, Posttest ~ Intervention + Prettest + (1 + Intervention | School)."""
    _, e = multisite(reference)
    found = [e.estimate, e.std_error, e.df]
    same(found, [3.6378614382, 1.30771910021, 84.80863279], rtol=3e-7)
    found = [e.variance_between, e.variance_effect, e.covariance, e.variance_within]
    same(found, [24.86148318, 14.75388160, 19.15211161, 73.41087686], rtol=1e-6)
    same(e.log_likelihood, -782.005100788, rtol=1e-10)
    total = 24.86148318 + 73.41087686 + 102 / 210 * (14.7538816 + 2 * 19.15211161)
    same([e.g_within, e.g_total], 3.6378614382 / np.sqrt([73.41087686, total]), rtol=1e-6)
    assert e.n_sites_both == 53 and any("boundary" in note for note in e.notes)


# --- The tables of eefAnalytics -------------------------------------------------------------------


@pytest.mark.parametrize("name", ["eef_srtFREQ_mst"])
def test_simple_trial_of_eefanalytics(reference: Any, name: str) -> None:
    """srtFREQ: conditional on the residual SD, unconditional on the SD of everyone."""
    case = reference.case(name)
    frame, v = case.frame, case.values
    e = mean_difference(
        frame,
        outcome="Posttest",
        treatment="Intervention",
        covariates="Prettest",
        se="classical",
    )
    assert [round(x, 2) for x in (e.estimate, e.conf_low, e.conf_high)] == [
        v["Beta"][key][1] for key in ("Estimate", "95% LB ", "95% UB")
    ]
    matrix = np.column_stack([np.ones(210), frame["Intervention"], frame["Prettest"]])
    left = frame["Posttest"] - matrix @ np.linalg.lstsq(matrix, frame["Posttest"], rcond=None)[0]
    everyone = float(frame["Posttest"].std())
    assert round(everyone**2, 2) == v["Unconditional"]["sigma2"]["Unconditional"]
    for sd, table in ((sqrt(left @ left / 207), v), (everyone, v["Unconditional"])):
        g = standardised_difference(
            e.estimate,
            sd=sd,
            n_treatment=102,
            n_comparison=108,
            variance="LS2",
            correction="approximate",
        )
        limits = [g.estimate - 1.96 * g.std_error, g.estimate + 1.96 * g.std_error]
        expected = table["ES"]["matrix"][0]
        assert [round(x, 2) + 0.0 for x in (g.estimate, *limits)] == expected


def test_cluster_trial_of_eefanalytics(reference: Any) -> None:
    """crtFREQ: its intervals are Hedges' (2007), its totals corrected for clusters twice."""
    case = reference.case("eef_crtFREQ")
    frame, v = case.frame, case.values
    e = mixed_difference(
        frame,
        outcome="Posttest",
        treatment="Intervention",
        group="School",
        covariates="Prettest",
    )
    u = v["Unconditional"]["covParm"]
    empty = [e.empty_between, e.empty_within, e.empty_between + e.empty_within, e.empty_icc]
    assert [round(x, 2) for x in empty] == [u[k] for k in ("Schools", "Pupils", "Total", "ICC")]
    sizes = {
        name: list(frame[frame["Intervention"] == arm].groupby("School").size())
        for name, arm in (("sizes_treatment", 1), ("sizes_comparison", 0))
    }
    for g, icc, es in (
        ((e.g_within, e.g_total), e.icc, v["ES"]["Intervention1"]),
        (
            (e.g_within_empty, e.g_total_empty),
            e.empty_icc,
            v["Unconditional"]["ES"]["Intervention1"],
        ),
    ):
        for place, denominator in enumerate(("within", "sample")):  # "sample": corrected again
            c = cluster_g(g[place], icc=icc, denominator=denominator, **sizes)
            limits = (c.estimate - 1.96 * c.std_error, c.estimate + 1.96 * c.std_error)
            expected = [es[key][place] for key in ("Estimate", "95% LB", "95% UB")]
            assert [round(x, 2) for x in (c.estimate, *limits)] == expected
        once = cluster_g(g[1], icc=icc, denominator="model", **sizes).estimate
        assert once == g[1] > es["Estimate"][1]
    assert [round(e.g_total, 2), round(e.g_total_empty, 2)] == [0.69, 0.61]


def test_intervals_of_the_sizes_are_the_estimates(reference: Any) -> None:
    _, e = multisite(reference)
    for name in ("g_within", "g_total", "g_within_empty", "g_total_empty"):
        ratio = getattr(e, name) / e.estimate
        assert getattr(e, f"{name}_low") == pytest.approx(ratio * e.conf_low)
        assert getattr(e, f"{name}_high") == pytest.approx(ratio * e.conf_high)


# --- Several arms --------------------------------------------------------------------------------

ARMS = pd.DataFrame(OWN["arms"]["data"])
ADJUSTED: dict[str, list[str]] = {"alone": [], "adjusted": ["x"], "clustered": ["x"]}


@pytest.mark.parametrize("name", ["alone", "adjusted"])
@pytest.mark.parametrize("adjust", ["tukey", "holm"])
def test_each_two_arms(name: str, adjust: str) -> None:
    v = OWN["arms"]["classical"][name][adjust]
    found = pairwise_differences(
        ARMS, outcome="y", arm="arm", covariates=ADJUSTED[name], se="classical", adjust=adjust
    )
    assert [e.term for e in found] == v["contrast"]
    close = EXACT if adjust == "holm" else {"rtol": 2e-7}
    for field, key in (
        ("estimate", "estimate"),
        ("std_error", "SE"),
        ("df", "df"),
        ("statistic", "t.ratio"),
    ):
        same([getattr(e, field) for e in found], v[key], **EXACT)
    for field, key in (("p_adjusted", "p.value"), ("conf_low", "lower.CL")):
        same([getattr(e, field) for e in found], v[key], **close)


@pytest.mark.parametrize("name", ["alone", "adjusted"])
def test_arms_against_a_control(name: str) -> None:
    """Dunnett by mvtnorm at an absolute error of 1e-7."""
    v = OWN["arms"]["classical"][name]["dunnett"]
    found = pairwise_differences(
        ARMS,
        outcome="y",
        arm="arm",
        covariates=ADJUSTED[name],
        se="classical",
        adjust="dunnett",
        control="a",
    )
    assert [e.term for e in found] == ["b - a", "c - a", "d - a"]
    same([e.estimate for e in found], v["estimate"], **EXACT)
    p = v["p"] if isinstance(v["p"], list) else list(v["p"].values())
    same([e.p_adjusted for e in found], p, rtol=0, atol=5e-6)
    half = [(e.conf_high - e.estimate) / e.std_error for e in found]
    same(half, [v["crit"]] * 3, rtol=1e-5)


@pytest.mark.parametrize("name", ["alone", "adjusted", "clustered"])
def test_arms_that_vary_differently(name: str) -> None:
    """HC2 and CR2 with Satterthwaite df of every contrast, by clubSandwich."""
    v = OWN["arms"]["robust"][name]
    found = pairwise_differences(
        ARMS,
        outcome="y",
        arm="arm",
        covariates=ADJUSTED[name],
        cluster="cluster" if name == "clustered" else None,
    )
    assert len(found) == len(v["term"]) == 6
    for e in found:
        i = v["term"].index(e.term)
        same([e.estimate, e.std_error], [v["estimate"][i], v["se"][i]], **EXACT)
        same([e.df, e.p_value], [v["df"][i], v["p"][i]], **EXACT)


@pytest.mark.parametrize("name", ["dunnett_tukey_anorexia_like_mst"])
def test_three_arms_of_the_reference(reference: Any, name: str) -> None:
    case = reference.case(name)
    call = {"outcome": "Posttest", "arm": "Intervention2", "covariates": "Prettest"}
    for adjust in ("tukey", "holm"):
        v = case.values[adjust]
        found = pairwise_differences(case.frame, se="classical", adjust=adjust, **call)
        assert [f"arm{e.term.replace(' - ', ' - arm')}" for e in found] == v["contrast"]
        same([e.estimate for e in found], v["estimate"], **EXACT)
        same([e.std_error for e in found], v["SE"], **EXACT)
        same([e.p_adjusted for e in found], v["p.value"], rtol=1e-6)
    v = case.values["dunnett"]
    found = pairwise_differences(case.frame, se="classical", adjust="dunnett", control=0, **call)
    assert [e.term for e in found] == list(v["est"])
    same([e.estimate for e in found], list(v["est"].values()), **EXACT)
    same([e.p_adjusted for e in found], v["p"], rtol=1e-3)


# --- Designs -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", list(OWN["designs"]))
def test_designs(name: str) -> None:
    v = OWN["designs"][name]
    e = difference_in_means(
        pd.DataFrame(v["data"]),
        outcome="y",
        treatment="arm",
        blocks=None if name == "clustered" else "block",
        cluster="cluster" if "clustered" in name else None,
    )
    assert e.design == v["design"]
    found = [e.estimate, e.std_error, e.df, e.p_value, e.conf_low, e.conf_high]
    keys = ("estimate", "std_error", "df", "p_value", "conf_low", "conf_high")
    same(found, [v[key] for key in keys], **EXACT)
    assert bool(e.notes) == (name == "mixed")


@pytest.mark.parametrize("name", ["difference_in_means_mst_blocked"])
def test_designs_of_the_reference(reference: Any, name: str) -> None:
    case = reference.case(name)
    frame = case.frame
    table = frame.groupby(["School", "Intervention"]).size().unstack(fill_value=0)
    whole = table.index[(table[0] == 2) & (table[1] == 2)]
    call = {"outcome": "Posttest", "treatment": "Intervention"}
    blocked = difference_in_means(frame[frame["School"].isin(whole)], blocks="School", **call)
    for e, v in (
        (blocked, case.values["blocked"]),
        (difference_in_means(frame, **call), case.values["simple"]),
    ):
        found = [e.estimate, e.std_error, e.df, e.p_value, e.conf_low, e.conf_high]
        keys = ("coefficients", "std.error", "df", "p.value")
        expected = [v[key]["Intervention"] for key in keys] + [v["conf.low"], v["conf.high"]]
        same(found, expected, **EXACT)
        assert e.design == v["design"]


def test_every_coefficient_of_the_site_model() -> None:
    case = OWN["sites"]["interior"]
    frame, v = pd.DataFrame(case["data"]), case["fits"]["adjusted"]
    arm = frame["arm"].to_numpy(float)
    matrix = np.column_stack([np.ones(len(frame)), arm, frame["x"]])
    codes = pd.factorize(frame["site"])[0]
    model = fit_random_slope(
        matrix, frame["y"].to_numpy(float), ["i", "arm", "x"], arm, codes, WORDS
    )
    same(model.linear.coefficients, list(v["estimates"].values()))
    same(model.linear.std_errors, list(v["std_errors"].values()))
    same(model.linear.df, list(v["df"].values()))
