"""Missing values against mice, a direct search of the likelihood, glm and clubSandwich.

Our own R values, with their tables, are in missing.json, made by r/missing.R.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from evalkit.stats.missing.little import little_mcar
from evalkit.stats.missing.patterns import MissingPatterns, missing_patterns
from evalkit.stats.missing.response import response_model
from evalkit.stats.missing.stayers import stayers_and_leavers

OWN = json.loads(Path(__file__).with_name("missing.json").read_text(encoding="utf-8"))
TIGHT = {"rtol": 1e-9, "atol": 1e-12}
CALL = {"observed": "observed", "treatment": "arm", "covariates": ["age", "area"]}


def same(found: Any, expected: Any, **tolerance: float) -> None:
    np.testing.assert_allclose(found, expected, **(tolerance or TIGHT))


def table(columns: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(values) for name, values in columns.items()})


def check_flux(found: MissingPatterns, flux: dict[str, Any]) -> None:
    """Shares of nothing are NaN here and 0 in mice."""
    columns = found.by_column
    same(1 - columns["share_missing"], flux["pobs"])
    for name, theirs in (
        ("influx", "influx"), ("outflux", "outflux"), ("average_inbound", "ainb"),
        ("average_outbound", "aout"), ("incomplete_among_observed", "fico"),
    ):  # fmt: skip
        same(columns[name].fillna(0.0), flux[theirs])


# --- Patterns -------------------------------------------------------------------------------------


def test_patterns_of_nhanes(reference: Any) -> None:
    case = reference.case("md_pattern_nhanes")
    v = case.values
    found = missing_patterns(case.frame, v["cols"][:4])
    body = v["pattern"]["matrix"][:-1]
    expected = [
        ("".join(map(str, row[:4])), int(n), row[4])
        for row, n in zip(body, v["rows"], strict=False)
    ]
    rows = found.patterns[["pattern", "n", "n_missing"]].itertuples(index=False, name=None)
    assert sorted(rows) == sorted(expected)
    assert list(found.by_column["n_missing"]) == v["pattern"]["matrix"][-1][:4]
    assert (found.n_rows, found.n_complete, found.n_empty, found.monotone) == (25, 13, 0, False)
    found = missing_patterns(case.frame)
    check_flux(found, v["flux"])
    for name, theirs in (
        ("both", "rr"), ("first_only", "rm"), ("second_only", "mr"), ("neither", "mm"),
    ):  # fmt: skip
        square = np.array(v["md_pairs"][theirs]["matrix"])
        assert list(found.pairs[name]) == list(square[np.triu_indices(4, k=1)])


@pytest.mark.parametrize("name", list(OWN["tables"]))
def test_patterns(name: str) -> None:
    v = OWN["tables"][name]["patterns"]
    found = missing_patterns(table(OWN["tables"][name]["data"]))
    rows = zip(found.patterns["pattern"], found.patterns["n"], strict=True)
    assert sorted(rows) == sorted(zip(v["pattern"], v["n"], strict=True))
    check_flux(found, v["flux"])
    for key in ("both", "first_only", "second_only", "neither"):
        assert list(found.pairs[key]) == v[key]


# --- Little's test --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", list(OWN["tables"]))
def test_little(name: str) -> None:
    """The peer is a numeric search, whose digits end at about the sixth."""
    v = OWN["tables"][name]["little"]
    found = little_mcar(table(OWN["tables"][name]["data"]))
    assert (found.df, found.n_patterns) == (v["df"], v["patterns"])
    same([found.statistic, found.p_value], [v["statistic"], v["p_value"]], rtol=1e-5)
    same(found.means, v["means"], rtol=1e-6, atol=1e-6)


def test_little_as_published_for_air_quality() -> None:
    """naniar prints 35.1 on 14 degrees of freedom, p = 0.00142, of four patterns."""
    found = little_mcar(table(OWN["tables"]["airquality"]["data"]))
    assert (round(found.statistic, 1), found.df, found.n_patterns) == (35.1, 14, 4)
    assert round(found.p_value, 5) == 0.00142


# --- Response by arm ------------------------------------------------------------------------------


def test_response_of_lalonde(reference: Any) -> None:
    """The R model is of dropping out, ours of staying: logarithms turn their sign."""
    case = reference.case("attrition_lalonde")
    v, covariates = case.values, ["age", "educ", "re75"]
    found = response_model(
        case.frame, observed="observed", treatment="treat", covariates=covariates
    )
    by = {(e.term, e.contrast): e for e in found.odds_ratios}
    for name in covariates:
        for contrast, key in (("comparison", name), ("treatment / comparison", f"treat:{name}")):
            e = by[name, contrast]
            same(np.log(e.estimate), -v["selective_coef"][key], rtol=1e-6)
            same(e.std_error, v["selective_se"][key], rtol=1e-6)
    test = found.by_arm
    assert test is not None
    expected = [v["lr_chisq"], v["lr_df"], v["lr_p"]]
    same([test.statistic, test.df_numerator, test.p_value], expected, rtol=1e-6)
    stayed = [found.observed_treatment / found.n_treatment]
    stayed.append(found.observed_comparison / found.n_comparison)
    same(1 - np.array(stayed), [v["treated"], v["control"]])


def test_response_model() -> None:
    v = OWN["response"]
    found = response_model(table(v["data"]), **CALL)
    by = {(e.term, e.contrast): e for e in found.odds_ratios}
    for name, key in (("age", "age"), ("area=rural", "arearural"), ("area=town", "areatown")):
        for contrast, theirs in (("comparison", key), ("treatment / comparison", f"arm:{key}")):
            e = by[name, contrast]
            same([np.log(e.estimate), e.std_error], [v["coef"][theirs], v["se"][theirs]])
            limits = np.exp(v["coef"][theirs] + np.array([-1, 1]) * 1.959963984540054 * e.std_error)
            same([e.conf_low, e.conf_high], limits)
    e = by["age", "treatment"]
    same([np.log(e.estimate), e.std_error], v["treated_age"])
    for name, expected in v["lr"].items():
        test = getattr(found, name)
        same([test.statistic, test.df_numerator], list(expected.values()), rtol=1e-8)


def test_response_model_with_clusters() -> None:
    v = OWN["response"]
    found = response_model(table(v["data"]), cluster="site", **CALL)
    by = {(e.term, e.contrast): e for e in found.odds_ratios}
    ours = [
        (name, contrast)
        for name in ("age", "area=town")
        for contrast in ("comparison", "treatment", "treatment / comparison")
    ]
    for place, key in enumerate(ours):
        e, theirs = by[key], {name: v["cr2"][name][place] for name in v["cr2"]}
        same([np.log(e.estimate), e.std_error, e.df], [theirs[n] for n in ("Est", "SE", "df")])
        same(np.log([e.conf_low, e.conf_high]), [theirs["CI_L"], theirs["CI_U"]])
    for name, expected in v["htz"].items():
        test = getattr(found, name)
        numbers = [test.statistic, test.df_numerator, test.df, test.p_value]
        same(numbers, list(expected.values()), rtol=1e-7)
    assert found.n_clusters == 40


# --- Stayers and leavers --------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "label"), [("score", "score"), ("town", "area=town")])
def test_stayers_and_leavers(name: str, label: str) -> None:
    call = CALL | {"covariates": ["score", "area"]}
    every = stayers_and_leavers(table(OWN["response"]["data"]), **call)
    found = [gap for gap in every if gap.covariate == label]
    expected = OWN["stayers"][name]
    same([gap.sd for gap in found], [expected["sd"]] * 5)
    numbers = [[g.mean_first, g.mean_second, g.smd, g.n_first, g.n_second] for g in found]
    same(np.array(numbers, dtype=float), expected["rows"])
