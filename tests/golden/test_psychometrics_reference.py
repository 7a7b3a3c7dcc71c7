"""Psychometrics against R: the shared cases, more of our own, and published numbers.

Our own R values are in psychometrics.json, made by r/psychometrics.R; the tables come from Debian
packages and stay in the shared folder. Keys of a shared case that nothing here returns are listed
in `NOT_OFFERED`, so a new key fails.
"""

from __future__ import annotations

import json
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from evalkit.errors import Where
from evalkit.instruments.spec import Measure, build_measure
from evalkit.scoring import score
from evalkit.stats.measuring.informants import agreement
from evalkit.stats.measuring.internal_consistency import reliability
from evalkit.stats.measuring.intraclass import cluster_icc, icc
from evalkit.stats.measuring.kappas import kappa, shares
from evalkit.stats.measuring.one_factor import one_factor
from evalkit.stats.measuring.stability import retest

TIGHT = {"rtol": 1e-9, "atol": 1e-12}
OPTIMISED = {"rtol": 1e-5, "atol": 1e-9}  # lavaan stops where its optimiser does
HERE = Path(__file__).parent
OWN = {
    case["id"]: case
    for case in json.loads((HERE / "psychometrics.json").read_text(encoding="utf-8"))
}
AGREE = ["A1", "A2", "A3", "A4", "A5"]
NOT_OFFERED = {
    "total": {"G6(smc)", "S/N", "ase", "mean", "sd", "median_r"},  # mean, sd of the item mean
    "item_stats": {"raw.r", "std.r", "r.cor"},
    "alpha_drop": {"G6.smc.", "S.N", "alpha.se"},
    "score": {"item_total_corrected", "scale_cor"},  # from pairwise covariances of the items
}


def same(found: Any, expected: Any, **tolerance: float) -> None:
    values = list(expected.values()) if isinstance(expected, dict) else expected
    np.testing.assert_allclose(
        np.asarray(found, float), np.asarray(values, float), **(tolerance or TIGHT)
    )


# --- shared cases: scoring ---------------------------------------------------------------------


def bfi_measure(scales: dict[str, tuple[list[str], list[str]]], method: str, least: int) -> Measure:
    """Return a measure of Big Five items, answered 1 to 6, prorated from so many answers."""
    size, names = (
        (1, 6) if method == "mean" else (5, 30),
        [x for s in scales.values() for x in s[0]],
    )
    seen = {"verification": "derived"}
    of_ones = {x: (5 + 5 * len(r)) / (5 if method == "mean" else 1) for x, (_, r) in scales.items()}
    data = {
        "id": "big-five", "title": "Big Five items", "short_title": "BFI", "version": "psych",
        "construct": "personality", "citation": "psych", "respondent": "self",
        "ages": {"low": 3, **seen}, "recall": {"value": "none", **seen},
        "time": {"value": "5 minutes", **seen},
        "licence": {"status": "free", "text_included": False, "holder": "public domain", "note": "IPIP", **seen},
        "sources": [{"id": "psych", "citation": "R package psych"}],
        "answers": {"codes": {n: str(n) for n in range(1, 7)}, **seen},
        "items": [{"id": name, "label": name} for name in names],
        "default_scale": next(iter(scales)),
        "scales": [
            {
                "id": name, "title": name, "method": method, "items": items, "reverse": reverse,
                "range": list(size), "step": None, "higher_is": "neither",
                "missing": {"rule": "prorate", "min_answered": least, **seen}, **seen,
            }
            for name, (items, reverse) in scales.items()
        ],
        "examples": [
            {"title": "low", "answers": [1] * len(names), "scores": of_ones, "flags": [], **seen}
        ],
    }  # fmt: skip
    return build_measure(data, lambda path: Where(key=".".join(map(str, path))))


def scored(frame: pd.DataFrame, measure: Measure) -> pd.DataFrame:
    columns = {item.id: item.id for item in measure.items}
    return score(frame[list(columns)], measure, items=columns)


@pytest.mark.parametrize("name", ["score_bfi_5scales_prorated_mean"])
def test_scores_that_are_the_mean_of_the_answered(reference: Any, name: str) -> None:
    case = reference.case(name)
    v = case.values
    assert set(v) - NOT_OFFERED["score"] == {
        "scale_mean", "scale_sd", "n_nonmissing", "scores_first_60", "alpha",
    }  # fmt: skip
    scales = {
        "agree": (AGREE, ["A1"]),
        "conscientious": ([f"C{n}" for n in range(1, 6)], ["C4", "C5"]),
        "extraversion": ([f"E{n}" for n in range(1, 6)], ["E1", "E2"]),
    }
    table = scored(case.frame, bfi_measure(scales, "mean", 1))
    table = table.rename(columns=lambda column: column.removeprefix("big_five__"))[list(scales)]
    same([table[x].mean() for x in scales], v["scale_mean"])
    same([table[x].std() for x in scales], v["scale_sd"])
    same([table[x].notna().sum() for x in scales], v["n_nonmissing"])
    for scale, (items, reverse) in scales.items():
        same(table[scale].head(60), v["scores_first_60"][scale])
        r = reliability(case.frame[items], reverse=reverse, low=1, high=6, missing="pairwise")
        same(r.alpha, v["alpha"][scale]["alpha"])


@pytest.mark.parametrize("name", ["prorate_min_items_bfi_A"])
def test_sums_prorated_from_so_many_answers(reference: Any, name: str) -> None:
    case = reference.case(name)
    v = case.values
    answered = case.frame[AGREE].notna().sum(axis=1).value_counts()
    assert {str(n): count for n, count in answered.items()} == v["n_answered_table"]
    for least in (3, 4, 5):
        measure = bfi_measure({"agree": (AGREE, ["A1"])}, "sum", least)
        total = scored(case.frame, measure)["big_five__agree"]
        expected = v[f"min{least}"]
        assert set(expected) == {"mean", "sd", "n", "sum"}
        found = [total.mean(), total.std(), total.notna().sum(), total.sum()]
        same(found, [expected[key] for key in ("mean", "sd", "n", "sum")])


# --- shared cases: alpha, omega, measurement error ---------------------------------------------


@pytest.mark.parametrize(
    ("name", "missing"),
    [
        ("alpha_bfi_agree", "pairwise"),
        ("alpha_bfi_agree_complete_cases", "complete"),
        ("alpha_holzinger_visual", "complete"),
    ],
    ids=["alpha_bfi_agree", "alpha_bfi_agree_complete_cases", "alpha_holzinger_visual"],
)
def test_alpha(reference: Any, name: str, missing: str) -> None:
    case = reference.case(name)
    v = case.values
    names, how = ["x1", "x2", "x3"], {"missing": missing, "omega": False}
    turned = {}
    if "bfi" in name:
        names, turned = AGREE, {"reverse": ["A1"], "low": 1, "high": 6}
    r = reliability(case.frame[names], **how, **turned)
    total, items, drop = v["total"], v["item_stats"], v["alpha_drop"]
    assert set(v) == {"total", "feldt_ci", "item_stats", "alpha_drop", "n_obs"}
    assert set(total) - NOT_OFFERED["total"] == {"raw_alpha", "std.alpha", "average_r"}
    same(
        [r.alpha, r.alpha_standardised, r.mean_correlation],
        [total["raw_alpha"], total["std.alpha"], total["average_r"]],
    )
    if missing == "complete":  # psych: of the mean of the answered items
        same([r.mean, r.sd], np.array([total["mean"], total["sd"]]) * len(names))
    same([r.alpha_low, r.alpha, r.alpha_high], v["feldt_ci"])
    assert r.n_used == v["n_obs"]
    assert set(items) - NOT_OFFERED["item_stats"] == {"n", "r.drop", "mean", "sd"}
    for ours, theirs in (
        ("n", "n"),
        ("rest_correlation", "r.drop"),
        ("mean", "mean"),
        ("sd", "sd"),
    ):
        same([getattr(item, ours) for item in r.items], items[theirs])
    assert set(drop) - NOT_OFFERED["alpha_drop"] == {
        "item", "raw_alpha", "std.alpha", "average_r",
    }  # fmt: skip
    assert [item.item for item in r.items] == drop["item"]
    same([item.alpha_if_dropped for item in r.items], drop["raw_alpha"])
    rest = [
        reliability(
            case.frame[[x for x in names if x != name]],
            **how,
            **(turned | {"reverse": [x for x in turned.get("reverse", []) if x != name]}),
        )
        for name in names
    ]
    if missing == "pairwise" or case.frame[names].notna().all(axis=None):
        same([x.alpha_standardised for x in rest], drop["std.alpha"])
        same([x.mean_correlation for x in rest], drop["average_r"])


@pytest.mark.parametrize("name", ["omega_cfa_bfi_agree"])
def test_omega(reference: Any, name: str) -> None:
    case = reference.case(name)
    v = case.values
    r = reliability(case.frame[AGREE], reverse=["A1"], low=1, high=6)
    assert set(v) == {"loadings", "residual_var", "omega", "chisq"}
    same([item.loading for item in r.items], v["loadings"], **OPTIMISED)
    same([item.residual for item in r.items], v["residual_var"], **OPTIMISED)
    same(r.omega, v["omega"], **OPTIMISED)
    fit = v["chisq"]
    assert set(fit) == {"chisq", "df", "pvalue", "cfi", "rmsea", "srmr"}
    same([r.chi2, r.df, r.cfi, r.rmsea, r.srmr],
         [fit[x] for x in ("chisq", "df", "cfi", "rmsea", "srmr")], **OPTIMISED)  # fmt: skip
    assert fit["pvalue"] == 0 and r.p_value is not None and r.p_value < 1e-15
    assert r.chi2 is not None and r.chi2 <= fit["chisq"] + 1e-9, "lavaan found a better fit"


@pytest.mark.parametrize("name", ["sem_and_ci_bfi_agree"])
def test_measurement_error(reference: Any, name: str) -> None:
    case = reference.case(name)
    v = case.values
    r = reliability(case.frame[AGREE], reverse=["A1"], low=1, high=6)
    assert set(v) == {"sd", "alpha", "sem", "se_diff", "mdc95"}
    same(
        [r.sd, r.alpha, r.sem, r.se_difference, r.smallest_change],
        [v[key] for key in ("sd", "alpha", "sem", "se_diff", "mdc95")],
    )


# --- shared cases: intraclass correlations -----------------------------------------------------


@pytest.mark.parametrize("name", ["icc_shrout_fleiss"])
def test_six_forms(reference: Any, name: str) -> None:
    case = reference.case(name)
    table = case.values["table"]
    forms = icc(case.frame)
    assert [x.shrout_fleiss for x in forms] == [
        f"ICC({t[3]},{t[4:] or '1'})" for t in table["type"]
    ]
    assert set(table) == {"type", "ICC", "F", "df1", "df2", "p", "lower", "upper"}
    ours = ("icc", "statistic", "df1", "df2", "p_value", "conf_low", "conf_high")
    for field, theirs in zip(ours, ("ICC", "F", "df1", "df2", "p", "lower", "upper"), strict=True):
        same([getattr(x, field) for x in forms], table[theirs])


@pytest.mark.parametrize("name", ["cluster_icc_bhr2000_HRS"])
def test_icc_of_clusters(reference: Any, name: str) -> None:
    case = reference.case(name)
    v = case.values
    one, mean = cluster_icc(case.frame["HRS"], case.frame["GRP"], size="mean")
    assert set(v) == {"ICC1", "ICC2", "ms"}
    same([one.icc, mean.icc, one.statistic], [v["ICC1"], v["ICC2"], v["ms"][0] / v["ms"][1]])


# --- our own R values --------------------------------------------------------------------------


def table_of(reference: Any, case: dict[str, Any]) -> pd.DataFrame:
    return pd.read_csv(reference.folder / "data" / case["input_csv"])


def ends(case: dict[str, Any]) -> dict[str, Any]:
    if not case["values"]["reverse"]:
        return {}
    return {"reverse": case["values"]["reverse"], "low": 1, "high": 6}


@pytest.mark.parametrize("name", [x for x in OWN if x.startswith("alpha")])
def test_alpha_of_more_scales(reference: Any, name: str) -> None:
    case, v = OWN[name], OWN[name]["values"]
    frame = table_of(reference, case)[v["items"]]
    r = reliability(frame, missing=name.split("_")[1], omega=False, **ends(case))
    same([r.alpha, r.alpha_standardised, r.mean_correlation],
         [v["raw_alpha"], v["std_alpha"], v["average_r"]])  # fmt: skip
    same([r.alpha_low, r.alpha_high], v["feldt"])
    for ours, theirs in (("n", "n"), ("mean", "mean"), ("sd", "sd"), ("rest_correlation", "r_drop"),
                         ("alpha_if_dropped", "alpha_drop")):  # fmt: skip
        same([getattr(item, ours) for item in r.items], v[theirs])


@pytest.mark.parametrize("name", [x for x in OWN if x.startswith("omega")])
def test_omega_of_more_scales(reference: Any, name: str) -> None:
    case, v = OWN[name], OWN[name]["values"]
    r = reliability(table_of(reference, case)[v["items"]], **ends(case))
    same([item.loading for item in r.items], v["loadings"], rtol=1e-4)
    same([item.residual for item in r.items], v["residual_var"], rtol=1e-4)
    same([r.omega, r.omega_std_error], [v["omega"], v["se"]], rtol=2e-5)
    same([r.omega_low, r.omega_high], 1 / (1 + np.exp(-np.array(v["logit_limits"]))), rtol=2e-5)
    assert r.n_complete == v["n"]
    fit = v["fit"]
    if fit["df"] == 0:
        assert (r.df, r.chi2, r.srmr) == (0, None, None)
    else:
        same([r.chi2, r.df, r.p_value, r.cfi, r.rmsea, r.srmr],
             [fit[x] for x in ("chisq", "df", "pvalue", "cfi", "rmsea", "srmr")],
             rtol=1e-5, atol=1e-6)  # fmt: skip
        assert r.chi2 is not None and r.chi2 <= fit["chisq"] + 1e-9


@pytest.mark.parametrize("name", [x for x in OWN if x.startswith("kappa")])
def test_weighted_kappas(name: str) -> None:
    v = OWN[name]["values"]
    found = agreement(v["a"], v["b"], kind="ordinal")
    for ours, theirs in (("kappa", "unweighted"), ("linear", "linear"), ("quadratic", "quadratic")):
        same(getattr(found, ours), v[theirs])
        same(getattr(found, f"{ours}_std_error"), delta_method(v["a"], v["b"], ours), rtol=1e-5)
    same(found.kappa_std_error**2, v["unweighted_var"])
    same([found.kappa_low, found.kappa_high], v["unweighted_ci"])


def delta_method(a: list[int], b: list[int], name: str) -> float:
    """Return the standard error of a kappa from its derivatives by the cells, taken numerically."""
    values, table = shares(np.array(a, float), np.array(b, float))
    weights = {"kappa": "none"}.get(name, name)

    def estimate(cells: np.ndarray) -> float:
        found = kappa(cells / cells.sum(), values, len(a), weights=weights, level=0.95)
        assert found is not None
        return found.estimate

    slope = np.zeros_like(table)
    for place in np.ndindex(table.shape):
        step = np.zeros_like(table)
        step[place] = 1e-6
        slope[place] = (estimate(table + step) - estimate(table)) / 1e-6
    mean = float(np.sum(table * slope))
    return sqrt(float(np.sum(table * (slope - mean) ** 2)) / len(a))


def answers(both: int, a_only: int, b_only: int, neither: int) -> tuple[list[int], list[int]]:
    counts = (both, a_only, b_only, neither)
    return tuple(np.repeat(x, counts).tolist() for x in ([1, 1, 0, 0], [1, 0, 1, 0]))  # type: ignore[return-value]


@pytest.mark.parametrize("name", [x for x in OWN if x.startswith("binary")])
def test_yes_and_no(name: str) -> None:
    v = OWN[name]["values"]
    found = agreement(*answers(*v["counts"]))
    same([found.kappa, found.kappa_std_error**2], [v["kappa"], v["var"]])
    same([found.kappa_low, found.kappa_high], v["ci"])
    same(found.pabak, v["pabak"])
    same(np.abs([found.bias_index, found.prevalence_index]), np.abs([v["bias"], v["prevalence"]]))
    same([found.mcnemar, found.mcnemar_p, found.exact_p],
         [v["mcnemar"], v["mcnemar_p"], v["exact_p"]])  # fmt: skip
    same(found.discordance_ratio, v["odds"])
    same([found.discordance_low, found.discordance_high], v["odds_ci"], rtol=1e-7)


@pytest.mark.parametrize("name", [x for x in OWN if x.startswith("pairs")])
def test_pairs_of_scores(name: str) -> None:
    v = OWN[name]["values"]
    found, again = agreement(v["a"], v["b"], kind="continuous"), retest(v["a"], v["b"])
    for record in (found, again):
        same([record.icc_agreement, record.icc_consistency], v["icc"][1:3])
        same([record.icc_agreement_low, record.icc_consistency_low], v["lower"][1:3])
        same([record.icc_agreement_high, record.icc_consistency_high], v["upper"][1:3])
    same([found.concordance, found.concordance_low, found.concordance_high], v["ccc"])
    same([found.pearson, found.pearson_low, found.pearson_high], v["pearson"])
    mean, low, high, error, p = v["difference"]
    same([found.mean_difference, found.conf_low, found.conf_high, found.std_error, found.p_value],
         [mean, low, high, error, p])  # fmt: skip
    same([again.mean_difference, again.conf_low, again.conf_high], [-mean, -high, -low])
    bias, sd, lower, upper = v["limits"]
    same([found.mean_difference, found.sd_difference, found.lower_limit, found.upper_limit],
         np.array([bias, sd, lower, upper]))  # fmt: skip


@pytest.mark.parametrize("name", ["icc_sleepstudy"])
def test_six_forms_of_ten_days(reference: Any, name: str) -> None:
    case, v = OWN[name], OWN[name]["values"]
    forms = icc(table_of(reference, case)["Reaction"].to_numpy().reshape(18, 10))
    for ours, theirs in (("icc", "icc"), ("statistic", "F"), ("df1", "df1"), ("df2", "df2"),
                         ("p_value", "p"), ("conf_low", "lower"), ("conf_high", "upper")):  # fmt: skip
        same([getattr(x, ours) for x in forms], v[theirs])


# --- published, and computed for the design of this library ------------------------------------


def test_both_sides_of_a_couple() -> None:
    """The worked example of the design, with R psych, and AC1 by irrCAC 1.0 gwet.ac1.table."""
    found = agreement(*answers(40, 25, 5, 30), names=("the victim", "the partner"))
    assert (found.both, found.a_only, found.b_only, found.neither) == (40, 25, 5, 30)
    same([found.observed, found.kappa, found.pabak, found.ac1, found.kappa_max,
          found.bias_index, found.prevalence_index, found.mcnemar, found.mcnemar_p, found.exact_p],
         [0.70, 0.4174757, 0.40, 0.4059406, 0.6116505, 0.20, 0.10, 13.3333, 0.00026073, 0.00032491],
         rtol=2e-5)  # fmt: skip
    same([found.kappa_low, found.kappa_high], [0.26, 0.58], atol=0.005)
    same([found.ac1, found.ac1_std_error], [0.405940594059406, 0.0920311621318971])
    same([found.ac1_low, found.ac1_high], [0.223, 0.589], atol=0.0005)
    same(found.reporting_ratio, 45 / 65)
    same([found.missed_by_b, found.missed_by_a], [25 / 65, 5 / 45])
    assert found.sentence == (
        "Of 100 pairs 70% agree (kappa 0.42, 95% interval 0.26 to 0.58); only the victim says yes "
        "in 25 and only the partner in 5; for each yes of the victim, the partner says 0.69 "
        "(95% interval 0.57 to 0.84; exact McNemar p below 0.001)."
    )


def test_ac1_of_a_small_table() -> None:
    """R irrCAC 1.0: gwet.ac1.table(matrix(c(3, 2, 0, 15), 2, byrow = TRUE))."""
    found = agreement(*answers(3, 2, 0, 15))
    same([found.ac1, found.ac1_std_error], [0.852941176470588, 0.106448845858099])
    assert (round(found.ac1_low, 2), found.ac1_high) == (0.63, 1)


def test_two_raters_of_anxiety() -> None:
    """R irr: kappa2(anxiety[, 1:2]), its estimates and z; standard errors by irrCAC kappa2.table."""
    v = OWN["kappa_ratings"]["values"]
    found = agreement(v["a"], v["b"], kind="ordinal")
    same([found.kappa, found.linear, found.quadratic],
         [0.119496855345912, 0.189189189189189, 0.29676511954993])  # fmt: skip
    from scipy.stats import norm

    z = [1.16376222865954, 1.41565884998826, 1.34049877333002]
    same([found.kappa_p, found.linear_p, found.quadratic_p], 2 * norm.sf(z))
    same([found.kappa_std_error, found.linear_std_error, found.quadratic_std_error],
         [0.119271297163, 0.131295012347, 0.157006460654])  # fmt: skip


def test_shrout_and_fleiss() -> None:
    ratings = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
    forms = icc(ratings)
    same([x.icc for x in forms], [0.166, 0.290, 0.715, 0.443, 0.620, 0.909], atol=0.0005)
    same([forms[1].conf_low, forms[1].conf_high], [0.019, 0.761], atol=0.0005)


def test_bland_and_altman() -> None:
    """Peak flow by two meters (Lancet 1986): published to one decimal, with limits at 2 SD."""
    v = OWN["pairs_pefr"]["values"]
    found = agreement(v["a"], v["b"], kind="continuous")
    same([found.mean_difference, found.sd_difference], [-2.1176, 38.7651], atol=5e-5)
    same([found.lower_limit, found.upper_limit], [-78.097, 73.862], atol=2e-3)
    same([found.std_error, found.limit_std_error], [9.4019, 16.395], atol=1e-3)
    two = np.array([-2, 2]) * found.sd_difference + found.mean_difference
    same(two, [-79.7, 75.5], atol=0.1)


def test_one_factor_that_fits_exactly() -> None:
    """A covariance made from known loadings gives them back, and omega by its definition."""
    n, loadings, residuals = 250, np.array([2.0, 0.5, -0.3, 1.0]), np.array([1.0, 0.2, 3.0, 0.5])
    covariance = (np.outer(loadings, loadings) + np.diag(residuals)) * n / (n - 1)
    found = one_factor(covariance, n, ("a", "b", "c", "d"))
    same(found.loadings, loadings, rtol=1e-7)
    same(found.residuals, residuals, rtol=1e-7)
    same(found.omega, 3.2**2 / (3.2**2 + 4.7), rtol=1e-8)
    same([found.chi2, found.srmr], [0, 0], atol=1e-8)
    assert sqrt(found.std_error) > 0
