"""Bounds and weights under loss, against R: reference cases, published checks and our own script.

Our own R values are in missing_bounds.json, made by r/missing_bounds.R: standard errors there come
from moving the weight of each row a little, not from the formulas of the library.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from evalkit.stats.least_squares.differences import mean_difference
from evalkit.stats.least_squares.linear import fit
from evalkit.stats.missing.attrition_bias import attrition_bias
from evalkit.stats.missing.attrition_weights import attrition_weights
from evalkit.stats.missing.bounds_interval import critical_value
from evalkit.stats.missing.lee import lee_bounds
from evalkit.stats.missing.weighted_returns import weighted_returns
from evalkit.stats.missing.worst_case import worst_case_bounds

FILE = Path(__file__).with_name("missing_bounds.json")
OWN = json.loads(FILE.read_text(encoding="utf-8"))
TIGHT = {"rtol": 1e-10, "atol": 1e-12}
MOVED = {"rtol": 1e-6, "atol": 0}  # numerical derivatives
SEEN_T, SEEN_C = [1, 3, 4, 6, 7, 8, 10, 12], [2, 3, 5, 5, 7, 8]


def same(found: Any, expected: Any, **tolerance: float) -> None:
    np.testing.assert_allclose(found, expected, **(tolerance or TIGHT))


def table(reference: Any, name: str) -> pd.DataFrame:
    """Return a table of the reference folder with its arm, and its outcome where it was seen."""
    frame = pd.read_csv(reference.folder / "data" / f"{name}_attrition.csv")
    names = {"lalonde": ("treat", "re78"), "star": ("small", "read3")}[name]
    return frame.assign(arm=frame[names[0]], y=frame[names[1]].where(frame["observed"] == 1))


def small() -> pd.DataFrame:
    """The check of section 7: ten assigned to each arm, eight and six of them seen."""
    lost = [np.nan] * 2, [np.nan] * 4
    return pd.DataFrame({"arm": [1] * 10 + [0] * 10, "y": [*SEEN_T, *lost[0], *SEEN_C, *lost[1]]})


@pytest.mark.parametrize("name", ["lee_bounds_nsw_employed"])
def test_lee_reference(reference: Any, name: str) -> None:
    case = reference.case(name)
    v, frame = case.values, case.frame
    frame["y"] = frame["re78"].where(frame["re78"] > 0)
    b = lee_bounds(frame, outcome="y", treatment="treat")
    lee = v["lee"]
    same([b.lower, b.upper], [lee["lower_bound"], lee["upper_bound"]])
    same(
        [b.response_treatment, b.response_comparison],
        [v["response_treated"], v["response_control"]],
    )
    same([b.response_comparison, b.response_treatment], [lee["s0"], lee["s1"]])
    same([1 - b.trimmed_share, b.estimate], [lee["p0"], v["naive"]])
    same(
        [b.lower, b.upper],
        np.array([lee["trimmed_mean_lower"], lee["trimmed_mean_upper"]]) - lee["mean_no_trim"],
    )
    seen = frame.loc[frame["treat"] == 1, "y"].dropna()
    assert b.n_trimmed_lower == (seen > lee["yp0"]).sum()
    assert b.n_trimmed_upper == (seen < lee["y1p0"]).sum()
    ends = (float(frame["y"].min()), float(frame["y"].max()))
    w = worst_case_bounds(frame, outcome="y", treatment="treat", low=ends[0], high=ends[1])
    same([w.lower, w.upper], [v["manski_observed_range"][k] for k in ("lower", "upper")])


def test_lee_check() -> None:
    b = lee_bounds(small(), outcome="y", treatment="arm")
    same([b.lower, b.upper], [-1 / 6, 17 / 6])
    same([b.estimate, b.trimmed_share, b.n_trimmed_lower, b.n_trimmed_upper], [1.375, 0.25, 2, 2])
    assert (b.trimmed_arm, b.trim, b.n_treatment, b.n_comparison) == ("treatment", "quantile", 8, 6)
    f = lee_bounds(small(), outcome="y", treatment="arm", trim="fractional")
    same([f.lower, f.upper], [-1 / 6, 17 / 6])  # a whole number of people to trim


def test_fractions_of_a_person() -> None:
    """Six seen of eight against two of three: 8/9 of the six are kept, five whole and a third."""
    seen = {"a": [1] * 8 + [0] * 3, "y": [1, 2, 3, 4, 5, 6, None, None, 0, 4, None]}
    b = lee_bounds(pd.DataFrame(seen), outcome="y", treatment="a", trim="fractional")
    same([b.lower, b.upper], [17 / (16 / 3) - 2, (6 + 5 + 4 + 3 + 2 + 1 / 3) / (16 / 3) - 2])
    same([b.trimmed_share, b.n_trimmed_lower, b.n_trimmed_upper], [1 / 9, 2 / 3, 2 / 3])


def test_worst_case_check() -> None:
    w = worst_case_bounds(small(), outcome="y", treatment="arm", low=0, high=15)
    same([w.lower, w.upper, w.width, w.upper - w.lower], [-3.9, 5.1, 9.0, 9.0])


@pytest.mark.parametrize(
    ("width", "critical"),
    [(0, 1.959964), (0.25, 1.850183), (0.5, 1.769713), (1, 1.681477), (2.5, 1.645018)],
)
def test_imbens_manski(width: float, critical: float) -> None:
    same(critical_value(width, 0.95), critical, rtol=0, atol=5e-7)
    same(critical_value(width, 0.95), OWN["critical"][f"{width:g}"], rtol=1e-10)


@pytest.mark.parametrize("name", list(OWN["lee"]))
def test_lee_against_r(reference: Any, name: str) -> None:
    v = OWN["lee"][name]
    call = {"outcome": "y", "treatment": "arm", "within": v["within"], "cluster": v["cluster"]}
    b = lee_bounds(table(reference, v["table"]), **call, trim="fractional")
    q = lee_bounds(table(reference, v["table"]), **call, trim="quantile")
    same([b.lower, b.upper], v["fractional"])
    same([q.lower, q.upper], v["quantile"])
    same([b.se_lower, b.se_upper], v["se"], **MOVED)
    same([q.se_lower, q.se_upper], v["se"], **MOVED)
    assert b.randomised_treatment + b.randomised_comparison == v["n"]
    if v["cluster"] is None:
        same([b.critical, b.conf_low, b.conf_high], [v["critical"], *v["interval"]], **MOVED)


def test_lee_closed_form(reference: Any) -> None:
    """Proposition 3 as printed, with sample variances: the influences agree but for 1 in n."""
    b = lee_bounds(table(reference, "star"), outcome="y", treatment="arm")
    same([b.se_lower, b.se_upper], OWN["closed_form"]["star"], rtol=0.01)


def test_ties_at_both_ends(reference: Any) -> None:
    """Earnings pile up at nothing and at the top code: the quantile rule trims nobody."""
    frame, v = table(reference, "lalonde"), OWN["lee"]["lalonde"]
    b = lee_bounds(frame, outcome="y", treatment="arm")
    assert b.trim == "fractional" and "trimmed by the exact share" in b.notes[0]
    same([b.lower, b.upper], v["fractional"])
    q = lee_bounds(frame, outcome="y", treatment="arm", trim="quantile")
    same([q.lower, q.upper], [q.estimate] * 2)
    assert 'with trim="fractional" they are' in q.notes[0]


@pytest.mark.parametrize("name", list(OWN["worst"]))
def test_worst_case_against_r(reference: Any, name: str) -> None:
    v = OWN["worst"][name]
    w = worst_case_bounds(
        table(reference, v["table"]), outcome="y", treatment="arm", low=v["low"], high=v["high"],
        cluster=v["cluster"],
    )  # fmt: skip
    same([w.lower, w.upper], v["ends"])
    same([w.se_lower, w.se_upper], v["se"], rtol=1e-8)


@pytest.mark.parametrize("name", ["ipw_attrition_lalonde"])
def test_weights_reference(reference: Any, name: str) -> None:
    """HC2 of the reference takes weights for inverse variances; ours does not (clubSandwich's)."""
    case = reference.case(name)
    v, frame = case.values, case.frame
    w = attrition_weights(
        frame, observed="observed", treatment="treat", covariates=["age", "educ", "re75"],
        stabilise=False, trim=None,
    )  # fmt: skip
    seen = w.weights[frame["observed"] == 1]
    assert np.all(w.weights[frame["observed"] == 0] == 0)
    summary = v["weights_summary"]
    same([seen.mean(), seen.min(), seen.max()], [summary[k] for k in ("mean", "min", "max")])
    same(w.effective_n, v["ess"])
    names = ["treat", "age", "educ", "re75"]
    frame["w"] = w.weights
    used = frame[frame["w"] > 0]
    matrix = np.column_stack([np.ones(len(used)), used[names].to_numpy(float)])
    model = fit(
        matrix, used["re78"].to_numpy(float), ["(intercept)", *names],
        weights=used["w"].to_numpy(), se="HC0",
    )  # fmt: skip
    same(model.coefficients, list(v["coef"].values()), rtol=1e-8)
    same(model.std_errors, list(v["se_HC0"].values()), rtol=1e-8)
    e = mean_difference(frame, outcome="re78", treatment="treat", covariates=names[1:], weights="w")
    same(e.estimate, v["coef"]["treat"], rtol=1e-8)
    same(e.std_error, v["se_HC2"]["treat"], rtol=2e-4)


def test_weights_check() -> None:
    """Strata of 4 and 6 people with 3 seen of each: mean 6.4 weighted, 6.0 of those seen."""
    stratum, y = list("aaaabbbbbb"), [3, 5, 4, None, 8, 9, 7, None, None, None]
    frame = pd.DataFrame({"arm": [1] * 10 + [0] * 10, "stratum": stratum * 2, "y": y * 2})
    frame["seen"] = frame["y"].notna()
    for stabilise in (True, False):
        w = attrition_weights(
            frame, observed="seen", treatment="arm", covariates="stratum", stabilise=stabilise
        )
        for arm in (1, 0):
            here = ((frame["arm"] == arm) & frame["seen"]).to_numpy()
            same(np.average(frame["y"][here], weights=w.weights[here]), 6.4)
            same(frame["y"][here].mean(), 6.0)
    e = weighted_returns(frame, outcome="y", treatment="arm", covariates="stratum")
    same(e.estimate, 0.0, atol=1e-12)


@pytest.mark.parametrize("name", list(OWN["weights"]))
def test_weights_against_r(reference: Any, name: str) -> None:
    v = OWN["weights"][name]
    frame = table(reference, v["table"])
    w = attrition_weights(frame, observed="observed", treatment="arm", covariates=v["covariates"])
    used = ~np.isnan(w.weights)
    assert used.sum() == v["n"] and w.n_dropped == len(frame) - v["n"]
    chances, seen = w.chances[used], w.weights[used & (frame["observed"] == 1).to_numpy()]
    same([chances.sum(), (chances**2).sum()], [v["sum_chance"], v["sum_chance2"]], rtol=1e-8)
    same([w.effective_n, *(arm.effective_n for arm in w.arms)], v["effective"], rtol=1e-8)
    same([seen.min(), seen.max()], v["range"], rtol=1e-8)
    same([arm.mean_weight for arm in w.arms], v["mean"], rtol=1e-8)
    assert w.n_trimmed == v["trimmed"]


def test_stacked_error_against_r(reference: Any) -> None:
    v = OWN["stacked"]["lalonde"]
    frame = table(reference, "lalonde")
    e = weighted_returns(frame, outcome="y", treatment="arm", covariates=v["covariates"])
    w = attrition_weights(
        frame, observed="observed", treatment="arm", covariates=v["covariates"], trim=None
    )
    plain = mean_difference(frame.assign(w=w.weights), outcome="y", treatment="arm", weights="w")
    same([e.estimate, plain.estimate], [v["estimate"]] * 2, rtol=1e-8)
    same([e.std_error / plain.std_error], v["ratio"], rtol=1e-5)


@pytest.mark.parametrize(
    ("overall", "differential", "assumption", "bias"),
    [
        (0.30, 0.041, "cautious", 0.05472),
        (0.20, 0.054, "cautious", 0.05454),
        (0.20, 0.100, "optimistic", 0.05470),
        (0.30, 0.082, "optimistic", 0.05475),
        (0.40, 0.060, "optimistic", 0.05471),
        (0.20, 0.102, "optimistic", 0.05545),
        (0.30, 0.084, "optimistic", 0.05548),
    ],
)
def test_bias_calculator(overall: float, differential: float, assumption: str, bias: float) -> None:
    found = attrition_bias(overall, differential, assumption=assumption)
    same(found.bias, bias, rtol=0, atol=5.1e-6)
    assert found.approximate and "approximate" in found.sentence
