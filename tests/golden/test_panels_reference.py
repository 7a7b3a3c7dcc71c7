"""Panels against did, DRDID, fixest and bacondecomp, and against our own regressions in R.

Our own R values, with their table, are in panels.json, made by r/panels.R.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from evalkit.stats.panels.cell_models import Line, Propensity
from evalkit.stats.panels.cells import column_means
from evalkit.stats.panels.cross_sections import Sections, section_effect
from evalkit.stats.panels.event_regressions import event_study_regression
from evalkit.stats.panels.fixed_effects import two_way_fixed_effects
from evalkit.stats.panels.forbidden_comparisons import bacon_weights
from evalkit.stats.panels.group_time import group_time_effects
from evalkit.stats.panels.two_by_two import difference_in_differences

OWN = json.loads(Path(__file__).with_name("panels.json").read_text(encoding="utf-8"))
EXACT = {"rtol": 1e-9, "atol": 1e-12}
LOGIT = {"rtol": 5e-6, "atol": 1e-9}  # R's glm stops at a relative change in deviance of 1e-8
MPDTA = {
    "outcome": "lemp",
    "unit": "countyreal",
    "period": "year",
    "first_treated": "first.treat",
}
CALLS: dict[str, dict[str, Any]] = {
    "cs_mpdta_dr_nocov_never": {},
    "cs_mpdta_dr_lpop_never": {"covariates": "lpop"},
    "cs_mpdta_reg_lpop_notyet": {
        "covariates": "lpop",
        "method": "regression",
        "comparison": "not-yet",
    },
    "cs_mpdta_ipw_lpop_never": {"covariates": "lpop", "method": "weighting"},
    "cs_mpdta_universal_base": {"base": "universal"},
    "cs_mpdta_anticipation1": {"anticipation": 1, "comparison": "not-yet"},
    "cs_mpdta_repeated_cross_section": {"covariates": "lpop", "panel": False},
}
KEYS = {"dynamic": "relative", "group": "group", "calendar": "period"}


def same(found: Any, expected: Any, **tolerance: float) -> None:
    numbers = [np.array([np.nan if x is None else x for x in np.atleast_1d(y)], dtype=float)
               for y in (found, expected)]  # fmt: skip
    np.testing.assert_allclose(*numbers, **(tolerance or EXACT))


@pytest.mark.parametrize("name", list(CALLS))
def test_group_time_effects(reference: Any, name: str) -> None:
    """Every effect, error, summary and the test before the start; `group` overall errors below."""
    case = reference.case(name)
    v, close = case.values, LOGIT if "lpop" in name or "cross" in name else EXACT
    e = group_time_effects(case.frame, **MPDTA, **CALLS[name])
    frame, cells = e.to_frame(), v["att_gt"]
    assert list(frame["group"]) == cells["group"]
    assert list(frame["period"]) == cells["t"]
    same(frame["estimate"], cells["att"], **close)
    wrong = name == "cs_mpdta_repeated_cross_section"
    if not wrong:
        same(frame["std_error"], cells["se"], **close)
    for kind, expected in v["agg"].items():
        found = e.overall(kind)
        same(found.estimate, expected["overall_att"], **close)
        if not wrong and kind != "group":
            same(found.std_error, expected["overall_se"], **close)
        if "egt" in expected:
            parts = found.parts.to_frame()
            assert list(parts[KEYS[kind]]) == expected["egt"]
            same(parts["estimate"], expected["att_egt"], **close)
            if not wrong:
                same(parts["std_error"], expected["se_egt"], **close)
    before = e.pretrend_test(anticipation_window=True)
    assert before.p_value is not None
    if not wrong:
        same(before.statistic, v["wald_pretest"]["W"], **close)
        assert round(before.p_value, 5) == v["wald_pretest"]["p"]
    if name == "cs_mpdta_anticipation1":
        assert (before.df, e.pretrend.df) == (5, 3)
    elif not wrong:
        assert e.pretrend == before


@pytest.mark.parametrize(
    "name", ["cs_mpdta_dr_nocov_never", "cs_mpdta_ipw_lpop_never", "cs_mpdta_anticipation1"]
)
def test_overall_group_error_of_did_counts_one_group(reference: Any, name: str) -> None:
    """did 2.1.2 estimates the groups' shares with the first group's units for every group.

    With that mistake its value is met; ours is that of the units resampled (test below).
    """
    case = reference.case(name)
    e = group_time_effects(case.frame, **MPDTA, **CALLS[name])
    expected = case.values["agg"]["group"]["overall_se"]
    overall = e.overall("group")
    groups = [part.group for part in overall.parts]
    shares = np.array([e._shares.of(group) for group in groups])
    total, values = shares.sum(), np.array([part.estimate for part in overall.parts])
    inside = np.array([e._shares.starts == groups[0] for _ in groups]) - shares[:, None]
    weights = inside / total - np.outer(shares / total**2, inside.sum(axis=0))
    means = [
        e.influence[(e._cells.group == g) & (e._cells.relative >= 0)].mean(axis=0) for g in groups
    ]
    influence = shares / total @ np.array(means) + values @ weights
    same(np.sqrt(np.sum(influence**2)) / e.n_units, expected, **LOGIT)
    assert 0.0005 < abs(overall.std_error / expected - 1) < 0.01


@pytest.mark.parametrize("name", ["cs_mpdta_repeated_cross_section"])
def test_cross_section_errors_of_drdid_turn_a_sign(reference: Any, name: str) -> None:
    """DRDID 1.0.6 adds the part of the earlier period's outcome model where it is to be taken off.

    With that mistake its errors are met; ours are the derivatives in each row's weight (tested
    among the properties).
    """
    case = reference.case(name)
    e = group_time_effects(case.frame, **MPDTA, **CALLS[name])
    d, found = case.frame, []
    for effect in e.effects:
        starts, times = d["first.treat"], d["year"]
        x = d[starts.isin([0, effect.group]) & times.isin([effect.base, effect.period])]
        matrix = np.column_stack([np.ones(len(x)), x["lpop"]])
        treated = (x["first.treat"] == effect.group).to_numpy(float)
        after = (x["year"] == effect.period).to_numpy(float)
        rows = Sections(treated, after, x["lemp"].to_numpy(), np.ones(len(x)), matrix)
        line = Line(matrix, rows.others_at[0])
        odds = Propensity(matrix, treated, rows.weights).odds
        slope = column_means(rows.group_at[0], matrix)
        slope = slope - column_means(rows.others_at[0] * odds, matrix)
        own = section_effect(rows, "doubly-robust")[1]
        same(np.sqrt(own @ own) / len(x), effect.std_error)
        turned = own - 2 * line.effect(rows.outcome - line.solve(rows.outcome), slope)
        found.append(np.sqrt(turned @ turned) / len(x))
    same(found, case.values["att_gt"]["se"], rtol=1e-6)
    assert 1e-5 < np.abs(e.to_frame()["std_error"] / found - 1).max() < 2e-3


def test_published_values(reference: Any) -> None:
    """The vignette of did and the full-precision values of the statistics notes, for mpdta."""
    frame = reference.case("cs_mpdta_dr_nocov_never").frame
    e = group_time_effects(frame, **MPDTA, seed=1)
    same(e.overall("simple").std_error, 0.012034013, rtol=1e-7)
    same(e.overall("calendar").std_error, 0.015971852, rtol=1e-7)
    same(e.event_study(balance=1).overall.estimate, -0.0288, atol=5e-5)
    same(e.pretrend.statistic, 7.7912366, rtol=1e-8)
    same(e.pretrend.p_value, 0.16812, atol=5e-6)
    same(group_time_effects(frame, **MPDTA, comparison="not-yet").overall().estimate, -0.039763626,
         rtol=1e-7)  # fmt: skip
    study = e.event_study()
    assert 2.4 < study.critical_value < 2.75
    assert all(r.band_low < r.conf_low and r.band_high > r.conf_high for r in study.effects)


def test_cell_means_alone(reference: Any) -> None:
    """The group means of the statistics notes give the same effects."""
    means = {
        0: [5.65463002, 5.59200000, 5.60480843, 5.63889628, 5.66113254],
        2006: [6.57399363, 6.51788372, 6.52794133, 6.55743457, 6.54304097],
    }
    e = group_time_effects(reference.case("cs_mpdta_dr_nocov_never").frame, **MPDTA)
    found = {(r.group, r.period): r.estimate for r in e.effects}
    for now, base in ((1, 0), (2, 1), (3, 2), (4, 2)):
        by_hand = (means[2006][now] - means[2006][base]) - (means[0][now] - means[0][base])
        same(found[2006, 2003 + now], by_hand, atol=2e-8)


@pytest.mark.parametrize("name", ["drdid_nsw_panel"])
def test_two_periods_with_covariates(reference: Any, name: str) -> None:
    """DRDID divides by n - 1 where did divides by n."""
    case = reference.case(name)
    frame = case.frame[lambda d: d["year"].isin([1975, 1978])]
    frame = frame[frame.groupby("id")["year"].transform("size") == 2]
    assert len(frame) == case.values["n_rows"]
    frame = frame.assign(start=np.where(frame["treated"] == 1, 1978, 0))
    methods = {"improved": "drdid_imp", "doubly-robust": "drdid_trad", "regression": "ordid",
               "weighting": "ipwdid"}  # fmt: skip
    for method, key in methods.items():
        e = group_time_effects(
            frame, outcome="re", unit="id", period="year", first_treated="start", method=method,
            covariates=["age", "educ", "black", "married", "nodegree", "hisp", "re74"],
        )  # fmt: skip
        n = e.n_units
        assert e.n_treatment == case.values["n_treated_units"]
        same(e.effects[0].estimate, case.values[key]["att"], rtol=1e-8)
        same(e.effects[0].std_error * np.sqrt(n / (n - 1)), case.values[key]["se"], rtol=1e-7)


@pytest.mark.parametrize("name", ["twfe_mpdta"])
def test_two_way_fixed_effects(reference: Any, name: str) -> None:
    case = reference.case(name)
    d = case.frame
    d["D"] = ((d["first.treat"] > 0) & (d["year"] >= d["first.treat"])).astype(int)
    for kind, se in (("cluster", "auto"), ("iid", "classical"), ("hetero", "HC1")):
        v = case.values[kind]
        e = two_way_fixed_effects(
            d, outcome="lemp", treatment="D", unit="countyreal", period="year", se=se
        )
        same([e.estimate, e.std_error, e.statistic, e.p_value],
             [v[k]["D"] for k in ("Estimate", "Std. Error", "t value", "Pr(>|t|)")])  # fmt: skip
        same(
            [e.r_squared, e.r_squared_within, e.n_rows], [v["r2"]["r2"], v["r2"]["wr2"], v["nobs"]]
        )
        assert e.warning is not None and "5.4%" in e.warning
        same(e.bacon.estimate, e.estimate)  # type: ignore[union-attr]


def test_bacon(reference: Any) -> None:
    """bacondecomp on mpdta, as in the statistics notes."""
    b = bacon_weights(reference.case("twfe_mpdta").frame, **MPDTA)
    kinds = {k.kind: k for k in b.kinds}
    expected = {
        "treated vs never treated": (0.862774418, -0.04074),
        "earlier vs later treated": (0.083301354, -0.01978),
        "later vs earlier treated": (0.053924228, 0.00460),
    }
    assert set(kinds) == set(expected)
    for kind, (weight, estimate) in expected.items():
        same(kinds[kind].weight, weight, rtol=2e-8)
        same(kinds[kind].estimate, estimate, atol=5e-6)
    same(b.estimate, -0.036548937, rtol=2e-8)
    same(b.share_forbidden, 0.053924228, rtol=2e-8)


@pytest.mark.parametrize("name", ["eventstudy_sunab_mpdta", "eventstudy_i_mpdta"])
def test_event_study_regressions(reference: Any, name: str) -> None:
    case = reference.case(name)
    method = "interaction-weighted" if "sunab" in name else "two-way"
    e = event_study_regression(case.frame, **MPDTA, method=method)
    v = case.values.get("dynamic", case.values)
    frame = e.to_frame()
    assert [f"year::{k}" for k in frame["relative"]] == [
        k.replace("rel", "year") for k in v["Estimate"]
    ]
    for column, key in (("estimate", "Estimate"), ("std_error", "Std. Error"),
                        ("statistic", "t value"), ("p_value", "Pr(>|t|)")):  # fmt: skip
        same(frame[column], list(v[key].values()))
    assert e.n_rows == v["nobs"]
    if e.overall is not None:
        same([e.overall.estimate, e.overall.std_error, e.overall.statistic, e.overall.p_value],
             [v["ATT"] for v in case.values["att"].values()])  # fmt: skip


def test_families_before_and_after() -> None:
    """Ten families, by hand: fixed effects with CR2 by family."""
    pre, post = [20, 22, 19, 25, 24, 21, 20, 23, 22, 18], [14, 17, 12, 20, 16, 20, 18, 22, 23, 16]
    frame = pd.DataFrame({"family": [*range(10)] * 2, "t": [0] * 10 + [1] * 10,
                          "arm": ([1] * 5 + [0] * 5) * 2, "y": [*pre, *post]})  # fmt: skip
    e = difference_in_differences(frame, outcome="y", treatment="arm", unit="family", period="t")
    same([e.estimate, e.std_error, e.statistic, e.df], [-5.2, 0.8, -6.5, 8])
    same([m.mean for m in e.means], [22, 15.8, 20.8, 19.8])


# --- Our own values -------------------------------------------------------------------------------

FULL = pd.DataFrame(OWN["full"])
HOLES = FULL.iloc[OWN["kept"]]


@pytest.mark.parametrize("name", list(OWN["fixed"]))
def test_bias_reduced_errors_of_two_way_models(name: str) -> None:
    table, cluster = name.split("_")
    e = two_way_fixed_effects(
        FULL if table == "full" else HOLES, outcome="y", treatment="on", unit="id", period="t",
        covariates="load", cluster="area" if cluster == "area" else None, se="CR2",
    )  # fmt: skip
    for term in e.terms:
        v = OWN["fixed"][name][str(term.term)]
        same([term.estimate, term.std_error, term.df, term.p_value], list(v.values()), rtol=1e-7)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("plain", {}),
        ("adjusted_area", {"covariates": ["need", "load"], "cluster": "area"}),
        ("sections", {"covariates": "load", "repeated_cross_sections": True, "unit": None}),
        ("sections_area", {"covariates": "load", "repeated_cross_sections": True, "cluster": "area"}),
    ],
)  # fmt: skip
def test_two_by_two(name: str, options: dict[str, Any]) -> None:
    frame = FULL[FULL["t"].isin([2, 6]) & FULL["g"].isin([0, 3])]
    frame = frame.assign(arm=(frame["g"] == 3).astype(int))
    call = {"outcome": "y", "treatment": "arm", "unit": "id", "period": "t"} | options
    e = difference_in_differences(frame, **call)
    same([e.estimate, e.std_error, e.df, e.p_value], list(OWN["pairs"][name].values()), rtol=1e-7)


CELLS: dict[str, tuple[pd.DataFrame, dict[str, Any]]] = {
    "full_area": (FULL, {"cluster": "area"}),
    "pairs_notyet": (HOLES, {"cluster": "area", "holes": "pairs", "comparison": "not-yet"}),
    "sections_unit": (HOLES, {"holes": "cross-sections"}),
}


@pytest.mark.parametrize("name", list(CELLS))
def test_saturated_regressions(name: str) -> None:
    frame, options = CELLS[name]
    e = group_time_effects(
        frame, outcome="y", unit="id", period="t", first_treated="g", weights="w", **options
    )
    check_cells(e, OWN["effects"][name], ("estimate", "std_error"))


@pytest.mark.parametrize("method", ["doubly_robust", "regression", "weighting"])
@pytest.mark.parametrize("name", ["adjusted", "adjusted_sections"])
def test_models_of_outcome_and_propensity(name: str, method: str) -> None:
    sections = name == "adjusted_sections"
    e = group_time_effects(
        HOLES if sections else FULL, outcome="y", unit="id", period="t", first_treated="g",
        weights="w", covariates=["need", "load"], comparison="not-yet",
        holes="cross-sections" if sections else "balanced", method=method.replace("_", "-"),
    )  # fmt: skip
    check_cells(e, OWN["effects"][name], ("estimate",), (method,))


def check_cells(
    e: Any, expected: list[dict[str, float]], columns: tuple[str, ...], keys: Any = None
) -> None:
    frame = e.to_frame()
    assert [(c["group"], c["period"]) for c in expected] == [
        *zip(frame["group"], frame["period"], strict=True)
    ]
    for column, key in zip(columns, keys or columns, strict=True):
        same(frame[column], [cell[key] for cell in expected], rtol=1e-7, atol=1e-9)
