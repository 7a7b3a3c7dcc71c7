"""Ordered outcomes, grouped survival, doses and stratified risks against R.

Our own R values, with their table, are in ordinal_hazards_dose.json, made by
r/ordinal_hazards_dose.R; lung, veteran and jobs are tables of the shared folder.
"""

from __future__ import annotations

import json
from math import log
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import brunnermunzel, norm

from evalkit.stats.categories.binary import odds_ratio, risk_difference, risk_ratio
from evalkit.stats.categories.ordinal import ordinal_odds_ratio
from evalkit.stats.categories.win_probability import newcombe_limits, probability_of_superiority
from evalkit.stats.events.log_rank import log_rank_test
from evalkit.stats.events.survival import hazard_ratio
from evalkit.stats.events.survival_curves import kaplan_meier
from evalkit.stats.least_squares.dosage import dose_effect

FILE = Path(__file__).with_name("ordinal_hazards_dose.json")
R = json.loads(FILE.read_text(encoding="utf-8"))
OWN = pd.DataFrame(R["data"])


def close(found: Any, expected: Any, rtol: float = 1e-10) -> None:
    found, expected = (np.asarray(x, dtype=float) for x in (found, expected))
    np.testing.assert_allclose(found, expected, rtol=rtol, atol=1e-13)


def shared(reference: Any, name: str) -> pd.DataFrame:
    if name == "own":
        return OWN
    return pd.read_csv(reference.folder / "data" / f"{name}.csv")


ODDS: dict[str, tuple[str, str, str, str, list[str]]] = {
    "plain": ("own", "y", "arm", "g", []),
    "adjusted": ("own", "y", "arm", "g", ["x", "kind"]),
    "jobs": ("jobs", "job_disc", "treat", "occp", ["econ_hard", "age"]),
}


@pytest.mark.parametrize("name", ODDS)
def test_proportional_odds(reference: Any, name: str) -> None:
    """ordinal's clm; MASS's polr to its own convergence; sandwich's vcovCL; rms without factor.

    The score tests are hand-computed in R by numerical derivatives (8 digits).
    """
    file, outcome, arm, cluster, covariates = ODDS[name]
    frame, v = shared(reference, file), R["ordinal"][name]
    call: dict[str, Any] = {"outcome": outcome, "treatment": arm, "covariates": covariates}
    e = ordinal_odds_ratio(frame, **call)
    close([log(e.estimate or 0), e.std_error], [v["coef"], v["se"]])
    close([log(e.estimate or 0), e.std_error], v["polr"], rtol=5e-5)
    half = norm.ppf(0.975) * v["se"]
    close(np.log([e.conf_low or 0, e.conf_high or 0]), [v["coef"] - half, v["coef"] + half])
    tested = v["proportional"]
    close([e.proportional_statistic, e.proportional_p_value], [tested["stat"], tested["p"]], 1e-8)
    assert e.proportional_df == tested["df"]
    e = ordinal_odds_ratio(frame, cluster=cluster, **call)
    groups = frame[cluster].nunique()
    close([log(e.estimate or 0), e.std_error], [v["coef"], v["sandwich"]])
    close((e.std_error or 0) * np.sqrt((groups - 1) / groups), v["sandwich_plain"])
    close((e.std_error or 0) * np.sqrt((groups - 1) / groups), v["rms"], rtol=1e-9)
    close(e.proportional_statistic, tested["robust"], rtol=1e-8)


@pytest.mark.parametrize(
    ("name", "file", "outcome", "arm"),
    [
        ("own", "own", "y", "arm"),
        ("jobs", "jobs", "job_disc", "treat"),
        ("continuous", "own", "score", "arm"),
    ],
)
def test_superiority(reference: Any, name: str, file: str, outcome: str, arm: str) -> None:
    """pROC's area, DeLong error and interval; wilcox.test's W; scipy's Brunner-Munzel."""
    frame, v = shared(reference, file), R["superior"][name]
    e = probability_of_superiority(frame, outcome=outcome, treatment=arm, interval="delong")
    close([e.estimate, e.std_error, e.conf_low, e.conf_high], [v["estimate"], v["se"], *v["ci"]])
    close((e.estimate or 0) * (e.n_treatment or 0) * (e.n_comparison or 0), v["W"])
    logit = probability_of_superiority(frame, outcome=outcome, treatment=arm)
    one, other = (frame.loc[frame[arm] == k, outcome] for k in (0, 1))
    known = brunnermunzel(one, other)
    close(((e.estimate or 0) - 0.5) / (e.std_error or 1), known.statistic)
    shown = brunnermunzel(one, other, distribution="normal")
    close(e.p_value, shown.pvalue)
    spread = v["se"] / (v["estimate"] * (1 - v["estimate"]))
    close(logit.statistic, log(v["estimate"] / (1 - v["estimate"])) / spread)


def test_superiority_in_clusters() -> None:
    """Obuchowski (1997), by hand in R."""
    v = R["superior"]["clustered"]
    e = probability_of_superiority(OWN, outcome="y", treatment="arm", cluster="g")
    close([e.estimate, e.std_error, e.df], [v["estimate"], v["se"], v["df"]])


def test_newcombe_method_5() -> None:
    """By its definition: each limit is z of its own Hanley-McNeil errors from the estimate."""
    for estimate, n, m in ((0.8, 12, 20), (0.5, 7, 7), (0.97, 30, 9)):
        for limit in newcombe_limits(estimate, n, m, 1.96):
            star = (n + m) / 2 - 1
            q1, q2 = limit / (2 - limit), 2 * limit**2 / (1 + limit)
            hanley = limit * (1 - limit) + star * (q1 - limit**2) + star * (q2 - limit**2)
            close(abs(estimate - limit), 1.96 * np.sqrt(hanley / (n * m)), rtol=1e-9)
    low, high = newcombe_limits(1.0, 8, 8, 1.96)
    close(newcombe_limits(1 - 1e-12, 8, 8, 1.96)[0], low, rtol=1e-9)
    assert 0.5 < low < high == 1.0 and newcombe_limits(0.0, 8, 8, 1.96) == (0.0, 1 - low)


def survival(reference: Any, name: str) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return a table and the names of its columns."""
    if name.startswith("own"):
        return OWN, {"time": "time", "event": "seen", "treatment": "arm"}
    if name.startswith("veteran"):
        call = {"time": "time", "event": "status", "treatment": "trt", "treated": 2}
        return shared(reference, "veteran"), call
    frame = shared(reference, "lung").dropna(subset=["inst"])
    frame = frame.assign(dead=frame["status"] == 2)
    if name == "months" or name.endswith("_months"):
        frame["time"] = np.ceil(frame["time"] / 30)
    return frame, {"time": "time", "event": "dead", "treatment": "sex", "treated": 2}


COX: dict[str, dict[str, Any]] = {
    "lung_inst": {"covariates": "age", "cluster": "inst"},
    "lung_months": {"covariates": "age", "cluster": "inst"},
    "lung_strata": {"covariates": "age", "strata": "inst"},
    "veteran_strata": {"covariates": "karno", "strata": "celltype"},
    "veteran_plain": {},
    "own_cluster": {"covariates": "x", "cluster": "g"},
    "own_both": {"covariates": "x", "cluster": "g", "strata": "site"},
}


@pytest.mark.parametrize("name", COX)
def test_cox_with_clusters_and_strata(reference: Any, name: str) -> None:
    """coxph(cluster=, strata()) and cox.zph(transform="km"); with clusters our interval is t."""
    frame, call = survival(reference, name)
    e, v = hazard_ratio(frame, **call, **COX[name]), R["cox"][name]
    close([log(e.estimate or 0), e.std_error], [v["coef"], v["se"]], rtol=1e-9)
    zph = v["zph"]
    close([e.proportional_statistic, e.proportional_p_value], [zph["chisq"], zph["p"]], rtol=1e-9)
    close(2 * norm.sf(abs(e.statistic or 0)), v["p"], rtol=1e-8)
    assert (e.df is None) == ("cluster" not in COX[name])


@pytest.mark.parametrize("name", R["log_rank"])
def test_log_rank(reference: Any, name: str) -> None:
    frame, call = survival(reference, name)
    strata = {"veteran_strata": "celltype", "own_strata": "site"}.get(name)
    e, v = log_rank_test(frame, strata=strata, **call), R["log_rank"][name]
    close([(e.statistic or 0) ** 2, e.p_value], [v["chisq"], v["p"]])
    close([e.events_comparison, e.events_treatment], v["obs"])
    close([e.expected_comparison, e.expected_treatment], v["exp"])


@pytest.mark.parametrize("name", R["log_rank_clustered"])
def test_log_rank_in_clusters(name: str) -> None:
    """The robust score test of coxph(cluster=, ties = "breslow")."""
    strata = "site" if name == "own_strata" else None
    e = log_rank_test(OWN, time="time", event="seen", treatment="arm", cluster="g", strata=strata)
    v = R["log_rank_clustered"][name]
    close([(e.statistic or 0) ** 2, e.p_value], [v["chisq"][0][0], v["p"][0][0]])


@pytest.mark.parametrize(
    ("name", "interval", "level"),
    [("log_log", "log-log", 0.95), ("log", "log", 0.95), ("log_log_90", "log-log", 0.9)],
)
def test_kaplan_meier(name: str, interval: str, level: float) -> None:
    """survfit: every point of both arms and the medians; where the curve is 0 R has no interval."""
    v = R["curves"][name]
    curves = kaplan_meier(
        OWN, time="time", event="seen", treatment="arm", interval=interval, level=level
    )
    frame = curves.to_frame().sort_values("arm", kind="stable")  # comparison first, as R has it
    fields = ("time", "n_at_risk", "n_events", "survival", "std_error", "conf_low", "conf_high")
    for field, key in zip(fields, ("time", "n", "d", "surv", "se", "low", "high"), strict=True):
        expected = [np.nan if x == "NA" or x is None else x for x in v[key]]
        close(frame[field].to_numpy(dtype=float), expected)
    for part, k in zip(curves.medians, (1, 0), strict=True):
        found = [part.median, part.median_low, part.median_high]
        close(found, [v[key][k] for key in ("median", "median_low", "median_high")])


@pytest.mark.parametrize(("name", "covariates"), [("alone", []), ("adjusted", ["x", "kind"])])
def test_dose(name: str, covariates: list[str]) -> None:
    """iv_robust's HC2 and CR2, AER's first-stage F; Anderson-Rubin by inverting CR2 tests."""
    v = R["dose"][name]
    call: dict[str, Any] = {"outcome": "score", "assigned": "arm", "dose": "dose"}
    e = dose_effect(OWN, covariates=covariates, df="residual", **call)
    close([getattr(e, key) for key in v["HC2"]], list(v["HC2"].values()))
    close(e.f_statistic, v["f_classical"])
    e = dose_effect(OWN, covariates=covariates, cluster="g", **call)
    close([getattr(e, key) for key in v["CR2"]], list(v["CR2"].values()))
    close([e.ar_low, e.ar_high], v["rubin"], rtol=1e-9)


EFFECTS = {"rd": risk_difference, "rr": risk_ratio, "or": odds_ratio}


@pytest.mark.parametrize("name", ["plain", "adjusted"])
@pytest.mark.parametrize("key", EFFECTS)
def test_strata_of_risks(name: str, key: str) -> None:
    """glm with factor(strata), averaged, delta method; clubSandwich's CR2 (R's glm: 7 digits)."""
    v = R["strata"][name][key]
    call: dict[str, Any] = {"outcome": "yes", "treatment": "inside", "strata": "site"}
    call["covariates"] = ["x"] if name == "adjusted" else []
    e, c = EFFECTS[key](OWN, **call), EFFECTS[key](OWN, cluster="g", **call)
    assert e.estimate is not None
    close(e.estimate if key == "rd" else log(e.estimate), v["est"])
    close([e.std_error, c.std_error, c.df], [v["se"], v["cr2"], v["df"]], rtol=2e-7)


@pytest.mark.parametrize("name", ["site", "group"])
@pytest.mark.parametrize("key", EFFECTS)
def test_mantel_haenszel(key: str, name: str) -> None:
    """metafor's rma.mh: Sato, Greenland-Robins, and Robins-Breslow-Greenland variances.

    Three strata of which an arm has few without the outcome, and 24 groups of 3 to 8 people.
    """
    frame, strata = (OWN.query("g <= 14"), "site") if name == "site" else (OWN, "g")
    e = EFFECTS[key](frame, outcome="yes", treatment="inside", strata=strata)
    assert e.estimate is not None and e.method.startswith("Mantel-Haenszel")
    found = [e.estimate if key == "rd" else log(e.estimate), e.std_error, e.p_value]
    close(found, list(R["mantel"][name][key].values()))
