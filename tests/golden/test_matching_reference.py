"""Matching against MatchIt 4.7.1 and optmatch 0.10.8, and published figures.

The reference scores come from a logistic fit that stops at a relative change of deviance of 1e-8:
they are within 4e-9 of the maximum-likelihood ones. Optimal totals are compared twice, with the
scores fitted here (to that precision) and with the reference's own scores.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from evalkit.stats.matching.matched import Matched
from evalkit.stats.matching.matching import match

HERE = Path(__file__).parent
ALL = ["age", "educ", "race", "married", "nodegree", "re74", "re75"]
FEW = ["age", "educ", "re74", "re75"]
SAME_SCORES = {"rtol": 0, "atol": 1e-8}
MEASURES = ("mean_treatment", "mean_comparison", "smd", "variance_ratio", "ecdf_mean", "ks")


def lalonde() -> pd.DataFrame:
    return pd.read_csv(HERE / "data/lalonde.csv")


def matched(case: Any, covariates: list[str] = ALL, **options: Any) -> Matched:
    return match(case.frame, treatment="treat", covariates=covariates, **options)


def check_counts(found: Matched, values: dict[str, Any]) -> None:
    row = values["n"]["rows"].index("Matched")
    assert [found.n_comparison, found.n_treatment] == values["n"]["matrix"][row]
    assert found.n_treatment + found.n_comparison + found.n_dropped == len(found.weights)


def check_balance(found: Matched, table: dict[str, Any], suffix: str) -> None:
    mine = found.balance().set_index("covariate")
    for name, cells in zip(table["rows"], table["m"], strict=True):
        label = name.replace("race", "race=")
        row = mine.loc[label, [measure + suffix for measure in MEASURES]].to_numpy(float)
        expected = np.array([np.nan if x is None else x for x in cells[0][:6]], dtype=float)
        np.testing.assert_allclose(row, expected, rtol=2e-8, atol=2e-8, err_msg=label)


def check_estimate(found: Matched, frame: pd.DataFrame, values: dict[str, Any]) -> None:
    """The weighted difference in outcomes, which any error in the weights would move."""
    treated = frame["treat"].to_numpy() == 1
    means = [np.average(frame["re78"][s], weights=found.weights[s]) for s in (treated, ~treated)]
    np.testing.assert_allclose(means[0] - means[1], values["weighted_diff"], rtol=1e-9)
    ess = [values["ess_treated"], values["ess_control"]]
    np.testing.assert_allclose(found.effective_n, ess, rtol=1e-10)


OPTIONS: dict[str, dict[str, Any]] = {
    "nn_psm_default": {},
    "nn_psm_caliper02": {"caliper": 0.2, "caliper_scale": "score"},
    "nn_psm_replace_ratio2": {"replace": True, "ratio": 2},
    "nn_linear_logit_data_order": {"distance": "logit", "order": "data"},
    "nn_exact_race": {"exact": "race", "caliper": 0.25, "caliper_scale": "score"},
}


@pytest.mark.parametrize("name", list(OPTIONS))
def test_nearest(reference: Any, name: str) -> None:
    case = reference.case(name)
    v = case.values
    found = matched(case, **OPTIONS[name])
    check_counts(found, v)
    check_balance(found, v["balance_all"], "_before")
    wide = {"rtol": 0, "atol": 5e-8} if name == "nn_linear_logit_data_order" else SAME_SCORES
    np.testing.assert_allclose(found.distance, v["distance"], **wide)
    np.testing.assert_allclose(np.sort(found.pairs["distance"]), v["abs_distance_sorted"], **wide)
    np.testing.assert_allclose(found.total_distance, v["abs_distance_total"], rtol=1e-7)
    if v.get("caliper"):
        np.testing.assert_allclose(found.caliper_width, v["caliper"], rtol=1e-8)
        assert found.pairs["distance"].max() <= v["caliper"]
    if name == "nn_psm_replace_ratio2":  # tied partners are arbitrary: 4 of 370 differ
        assert found.effective_n.treatment == v["ess_treated"]
        assert abs(found.effective_n.comparison - v["ess_control"]) < 0.1
        assert found.weights[case.frame["treat"] == 0].sum() == pytest.approx(125)
    else:
        np.testing.assert_array_equal(found.weights, v["weights"])
        check_balance(found, v["balance_matched"], "")
        check_estimate(found, case.frame, v)
    if name == "nn_exact_race":
        race = case.frame["race"].to_numpy()
        pairs = found.pairs
        assert (race[pairs["treated"]] == race[pairs["comparison"]]).all()


@pytest.mark.parametrize("name", ["nn_mahalanobis"])
def test_nearest_mahalanobis(reference: Any, name: str) -> None:
    """Both this and the reference take the nearest left at each turn; 16 turns have ties."""
    case = reference.case(name)
    v, frame = case.values, case.frame
    found = matched(case, FEW, distance="mahalanobis")
    check_counts(found, v)
    check_balance(found, v["balance_all"], "_before")
    ids = {label: place for place, label in enumerate(frame["id"])}
    theirs = [
        (ids[unit], ids[v["match_matrix"][str(i + 1)][0]])
        for i, unit in enumerate(v["match_matrix_rows"])
    ]
    ours = list(zip(found.pairs["treated"], found.pairs["comparison"], strict=True))
    x, treated = frame[FEW].to_numpy(float), frame["treat"].to_numpy() == 1
    within = sum(np.cov(x[s], rowvar=False) * (s.sum() - 1) for s in (treated, ~treated))
    inverse = np.linalg.inv(within / (len(x) - 2))
    for pairs in (theirs, ours):
        assert [unit for unit, _ in pairs] == list(np.flatnonzero(treated))
        left = set(np.flatnonzero(~treated))
        for unit, partner in pairs:
            gaps = x[sorted(left)] - x[unit]
            squares = np.einsum("ij,jk,ik->i", gaps, inverse, gaps)
            own = squares[sorted(left).index(partner)]
            assert np.sqrt(own) <= np.sqrt(squares.min()) + 1e-7
            left.remove(partner)


@pytest.mark.parametrize(
    ("name", "method", "total"),
    [
        ("full_psm", "full", "total_abs_distance_within_sets"),
        ("optimal_pair", "optimal", "total_abs_ps_distance"),
    ],
    ids=["full_psm", "optimal_pair"],
)
def test_optimal(reference: Any, name: str, method: str, total: str) -> None:
    case = reference.case(name)
    v, frame = case.values, case.frame
    found = matched(case, method=method)
    check_counts(found, v)
    assert found.total_distance is not None
    assert found.total_distance <= v[total] * (1 + 1e-8)
    score = frame.assign(given=np.array(v["distance"]))
    given = match(score, treatment="treat", covariates=ALL, distance="given", method=method)
    assert given.total_distance is not None
    assert given.total_distance <= v[total] * (1 + 1e-14)
    check_balance(found, v["balance_all"], "_before")
    check_balance(found, v["balance_matched"], "")
    check_estimate(found, frame, v)
    if method == "full":
        assert found.n_sets == v["n_sets"]


STRATA: dict[str, tuple[list[str], dict[str, Any]]] = {
    "cem_default": (ALL, {"method": "coarsened-exact"}),
    "cem_cutpoints": (
        ["age", "educ", "race", "re74"],
        {
            "method": "coarsened-exact",
            "cutpoints": {
                "age": [20, 25, 30, 40],
                "educ": [8.5, 11.5, 12.5],
                "re74": [1, 5000, 10000],
            },
        },
    ),
    "subclass6_ATT": (ALL, {"method": "subclass", "subclasses": 6}),
}


@pytest.mark.parametrize("name", list(STRATA))
def test_strata(reference: Any, name: str) -> None:
    case = reference.case(name)
    v = case.values
    covariates, options = STRATA[name]
    found = matched(case, covariates, **options)
    check_counts(found, v)
    np.testing.assert_allclose(found.weights, v["weights"], rtol=1e-10, atol=1e-14)
    check_balance(found, v["balance_all"], "_before")
    if "balance_matched" in v:
        check_balance(found, v["balance_matched"], "")
    check_estimate(found, case.frame, v)
    sets = pd.Series(found.sets).astype(object).where(lambda s: s.notna(), None)
    theirs = pd.Series(v["subclass"], dtype=object)
    pairs = pd.DataFrame({"ours": sets, "theirs": theirs}).dropna().drop_duplicates()
    assert pairs["ours"].is_unique and pairs["theirs"].is_unique


def test_published_balance_before_matching() -> None:
    """The table of the MatchIt vignette: SMD, variance ratio, eCDF mean and maximum."""
    table = match(lalonde(), treatment="treat", covariates=ALL).balance().set_index("covariate")
    expected = {
        "distance": (1.7941, 0.9211, 0.3774, 0.6444),
        "age": (-0.3094, 0.4400, 0.0813, 0.1577),
        "educ": (0.0550, 0.4959, 0.0347, 0.1114),
        "re74": (-0.7211, 0.5181, 0.2248, 0.4470),
        "re75": (-0.2903, 0.9563, 0.1342, 0.2876),
    }
    columns = [f"{name}_before" for name in ("smd", "variance_ratio", "ecdf_mean", "ks")]
    np.testing.assert_allclose(
        table.loc[list(expected), columns].to_numpy(), list(expected.values()), atol=5.1e-5
    )
    binary = {"race=black": 1.7615, "race=hispan": -0.3498, "race=white": -1.8819,
              "married": -0.8263, "nodegree": 0.2450}  # fmt: skip
    np.testing.assert_allclose(
        table.loc[list(binary), "smd_before"], list(binary.values()), atol=5.1e-5
    )


def test_full_matching_by_probit() -> None:
    """The vignette's full matching stops within a tolerance of 1e-3 (distance .0045); the best is nearer."""
    found = match(lalonde(), treatment="treat", covariates=ALL, method="full", link="probit")
    table = found.balance().set_index("covariate")["smd"]
    assert 0 < table["distance"] < 0.0045
    assert table["race=black"] == pytest.approx(0.0119, abs=5.1e-5)
    assert (found.n_treatment, found.n_comparison) == (185, 429)
    # R 4.2.2: glm(..., family = binomial("probit"), control = glm.control(epsilon = 1e-15))
    expected = [-0.893431949942, 0.00864700517162, 0.0921263276444, -1.24771985119, -1.775344996,
                -0.475295662053, 0.382324717933, -4.23092994847e-05, 2.9791120263e-05]  # fmt: skip
    assert found.model is not None
    np.testing.assert_allclose(found.model.coefficients, expected, rtol=1e-8)


def test_logistic_coefficients() -> None:
    model = match(lalonde(), treatment="treat", covariates=ALL).model
    assert model is not None
    expected = {
        "(intercept)": -1.663281595, "age": 0.01577707099, "educ": 0.1613068770,
        "race=hispan": -2.081734119, "race=white": -3.065367729, "married": -0.8321132713,
        "nodegree": 0.7072968811, "re74": -7.177668568e-5, "re75": 5.344644639e-5,
    }  # fmt: skip
    assert model.terms == tuple(expected)
    np.testing.assert_allclose(model.coefficients, list(expected.values()), rtol=1e-7)


def test_coarsened_exact_by_given_cuts() -> None:
    frame = lalonde()
    cuts = {"age": [20.5, 25.5, 30.5, 35.5], "educ": [6.5, 8.5, 12.5]}
    found = match(frame, treatment="treat", covariates=["age", "educ"], method="coarsened-exact",
                  cutpoints=cuts)  # fmt: skip
    assert (found.n_comparison, found.n_treatment) == (417, 185)
    assert found.effective_n.comparison == pytest.approx(297.4328, abs=5e-5)
    treated = frame["treat"] == 1
    means = [np.average(frame["re78"][s], weights=found.weights[s]) for s in (treated, ~treated)]
    assert means[0] - means[1] == pytest.approx(-859.041, abs=5e-4)


def test_pooled_sd_of_the_log_odds() -> None:
    found = match(lalonde(), treatment="treat", covariates=ALL, caliper=0.2)
    assert found.caliper_width == pytest.approx(0.2692943, abs=5e-8)
    assert found.caliper_on == "log odds"
