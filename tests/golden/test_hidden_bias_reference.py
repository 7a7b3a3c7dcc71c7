"""Hidden bias: E-values, robustness values, bounds of matched pairs and Oster's delta.

Against EValue, sensemakr and rbounds (shared cases), and robomit (values of mtcars, typed in).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from evalkit.stats.hidden_bias.benchmarks import confounder_bounds
from evalkit.stats.hidden_bias.e_values import bias_factor, e_value
from evalkit.stats.hidden_bias.omitted_variables import adjust_for_confounder, robustness_value
from evalkit.stats.hidden_bias.pair_bounds import rosenbaum_bounds
from evalkit.stats.hidden_bias.proportional import oster_delta

DARFUR = ["age", "farmer_dar", "herder_dar", "pastvoted", "hhsize_darfur", "female"]
TREATED = [38, 23, 41, 18, 37, 36, 23, 62, 31, 34, 24, 14, 21, 17, 16, 20, 15, 10, 45, 39, 22, 35,
           49, 48, 44, 35, 43, 39, 34, 13, 73, 25, 27]  # fmt: skip
COMPARED = [16, 18, 18, 24, 19, 11, 10, 15, 16, 18, 18, 13, 19, 10, 16, 16, 24, 13, 9, 14, 21, 19,
            7, 18, 19, 12, 11, 22, 25, 16, 13, 11, 13]  # fmt: skip
MTCARS = pd.DataFrame({
    "mpg": [21, 21, 22.8, 21.4, 18.7, 18.1, 14.3, 24.4, 22.8, 19.2, 17.8, 16.4, 17.3, 15.2, 10.4,
            10.4, 14.7, 32.4, 30.4, 33.9, 21.5, 15.5, 15.2, 13.3, 19.2, 27.3, 26, 30.4, 15.8, 19.7,
            15, 21.4],
    "wt": [2.62, 2.875, 2.32, 3.215, 3.44, 3.46, 3.57, 3.19, 3.15, 3.44, 3.44, 4.07, 3.73, 3.78,
           5.25, 5.424, 5.345, 2.2, 1.615, 1.835, 2.465, 3.52, 3.435, 3.84, 3.845, 1.935, 2.14,
           1.513, 3.17, 2.77, 3.57, 2.78],
    "hp": [110, 110, 93, 110, 175, 105, 245, 62, 95, 123, 123, 180, 180, 180, 205, 215, 230, 66,
           52, 65, 97, 150, 150, 245, 175, 66, 91, 113, 264, 175, 335, 109],
    "qsec": [16.46, 17.02, 18.61, 19.44, 17.02, 20.22, 15.84, 20, 22.9, 18.3, 18.9, 17.4, 17.6, 18,
             17.98, 17.82, 17.42, 19.47, 18.52, 19.9, 20.01, 16.87, 17.3, 15.41, 17.05, 18.9, 16.7,
             16.9, 14.5, 15.5, 14.6, 18.6],
})  # fmt: skip


def same(found: Any, expected: Any, rtol: float = 1e-9, atol: float = 0) -> None:
    np.testing.assert_allclose(
        np.asarray(found, float), np.asarray(expected, float), rtol=rtol, atol=atol
    )


@pytest.mark.parametrize("name", ["evalues"])
def test_e_values(reference: Any, name: str) -> None:
    calls = {
        "RR": e_value(3.9, 1.8, 8.7),
        "RR_below1": e_value(0.8, 0.71, 0.91),
        "OR_rare": e_value(1.6, 1.1, 2.4, scale="or", rare=True),
        "OR_common": e_value(0.86, 0.75, 0.99, scale="or"),
        "HR_common": e_value(0.56, 0.46, 0.69, scale="hr"),
        "MD": e_value(-0.42, std_error=0.14, scale="smd"),
        "OLS": e_value(0.293 / 1.4, std_error=0.1 / 1.4, scale="smd"),
    }
    values = reference.case(name).values
    assert set(values) == set(calls)
    for key, e in calls.items():
        (ratio, low, high), (point, at_low, at_high) = values[key]["matrix"]
        same([e.risk_ratio, e.risk_ratio_low, e.risk_ratio_high], [ratio, low, high])
        same([e.e_value, e.e_value_limit], [point, at_low if at_high is None else at_high])


@pytest.mark.parametrize(
    ("call", "ratio", "value", "limit"),
    [
        ({"estimate": 3.9, "low": 1.8, "high": 8.7}, 3.9, 7.263034, 3.0),
        ({"estimate": 0.8, "low": 0.71, "high": 0.91}, 0.8, 1.809017, 1.428571),
        ({"estimate": 0.56, "low": 0.46, "high": 0.69, "scale": "hr", "rare": True},
         0.56, 2.970223, 2.256198),
        ({"estimate": 0.86, "low": 0.75, "high": 0.99, "scale": "or"}, 0.927362, 1.368953, 1.076194),
        ({"estimate": 0.5, "std_error": 0.25, "scale": "smd"}, 1.576173, 2.529142, 1.110803),
        ({"estimate": 1.2, "low": 0.9, "high": 1.6}, 1.2, 1.689898, 1.0),
    ],
)  # fmt: skip
def test_published_e_values(call: dict[str, Any], ratio: float, value: float, limit: float) -> None:
    e = e_value(**call)
    same([e.risk_ratio, e.e_value, e.e_value_limit], [ratio, value, limit], rtol=5e-7)
    assert bias_factor(2, 3) == 1.5


@pytest.mark.parametrize("name", ["sensemakr_darfur", "sensemakr_darfur_novillage"])
def test_darfur(reference: Any, name: str) -> None:
    case = reference.case(name)
    data, v = case.frame, case.values
    data["village"] = data["village"].fillna("blank")
    found = confounder_bounds(
        data, outcome="peacefactor", treatment="directlyharmed", covariates=DARFUR,
        benchmarks="female", strata="village" if name == "sensemakr_darfur" else None,
    )  # fmt: skip
    s, b = v["stats"], v["bounds"]
    ours = [found.estimate, found.std_error, found.statistic, found.partial_r2, found.df]
    same(ours, [s[k] for k in ("estimate", "se", "t_statistic", "r2yd.x", "dof")], 1e-8)
    same([found.robustness_value, found.robustness_value_alpha], [s["rv_q"], s["rv_qa"]], 1e-8)
    rv = robustness_value(found.statistic, found.df, q=0.5)
    same([rv.robustness_value, rv.partial_f2], [v["rv_q05"], s["f2yd.x"]], 1e-8)
    same([rv.partial_r2, rv.partial_f2], [v["partial_r2"], v["partial_f2"]], 1e-8)
    columns = {
        "r2_treatment": "r2dz.x", "r2_outcome": "r2yz.dx", "estimate": "adjusted_estimate",
        "std_error": "adjusted_se", "statistic": "adjusted_t", "conf_low": "adjusted_lower_CI",
        "conf_high": "adjusted_upper_CI",
    }  # fmt: skip
    frame = found.bounds.to_frame()
    for ours_, theirs in columns.items():
        df_less_one = ours_.startswith("conf")  # the package's limits keep the df without Z
        same(frame[ours_], b[theirs], 1e-8, atol=1e-7 if df_less_one else 0)
    given = adjust_for_confounder(
        found.estimate, found.std_error, found.df, r2_treatment=0.1, r2_outcome=0.2
    )
    same(
        [given.estimate, given.statistic, given.std_error],
        [v["adj_est_r2_01_02"], v["adj_t_01_02"], v["adj_se_01_02"]],
        1e-6,
    )


@pytest.mark.parametrize("name", ["rosenbaum_bounds_lead"])
def test_lead(reference: Any, name: str) -> None:
    """The package steps from a pseudomedian that drops equal pairs; exact estimates are near."""
    case = reference.case(name)
    data, v = case.frame, case.values
    found = rosenbaum_bounds(data["treated"], data["control"], gamma=v["psens"]["Gamma"])
    frame = found.to_frame()
    same(frame["p_low"], v["psens"]["Lower bound"], atol=5.1e-5)
    same(frame["p_high"], v["psens"]["Upper bound"], atol=5.1e-5)
    same(frame["estimate_low"], v["hlsens"]["Lower bound"], atol=0.51)
    same(frame["estimate_high"], v["hlsens"]["Upper bound"], atol=0.51)


def test_lead_published() -> None:
    gammas = [1, 2, 3, 4, 4.25, 4.35, 5, 6]
    found = rosenbaum_bounds(TREATED, COMPARED, gamma=gammas)
    upper = [0.00001, 0.00177, 0.01306, 0.03666, 0.04414, 0.04728, 0.06937, 0.10734]
    same(found.to_frame()["p_high"], upper, atol=5.1e-6)
    assert (found.n_pairs, found.n_informative, found.statistic) == (33, 32, 499)
    assert found.gamma_critical == pytest.approx(4.43, abs=0.05)


@pytest.mark.parametrize("gamma", [1, 1.5, 2, 3, 4.25, 5])
def test_estimates_of_lead_solve_the_test(gamma: float) -> None:
    """The estimate at a share l is where the signed-rank statistic falls past its mean.

    (15 to 15 without hidden bias and 10.25 to 19.5 at 2; rbounds steps, and gives 15.5, 10.5, 20.)
    """
    found = rosenbaum_bounds(TREATED, COMPARED, gamma=gamma).bounds[0]
    gaps = np.array(TREATED, float) - COMPARED
    mean = len(gaps) * (len(gaps) + 1) / 2
    steps = np.arange(-200, 300) / 4 + 0.125  # between the averages of pairs
    statistic = np.array([stats.rankdata(abs(gaps - s))[gaps > s].sum() for s in steps])
    for share, estimate in ((gamma, found.estimate_low), (1, found.estimate_high)):
        expected = mean * share / (1 + gamma)
        above, below = (
            steps[statistic > expected + 1e-9].max(),
            steps[statistic < expected - 1e-9].min(),
        )
        assert estimate == (above + below) / 2


def pairs(both: int, treated: int, compared: int) -> tuple[list[int], list[int]]:
    return [1] * (both + treated) + [0] * compared, [1] * both + [0] * treated + [1] * compared


@pytest.mark.parametrize("name", ["rosenbaum_binary"])
def test_yes_or_no_pairs(reference: Any, name: str) -> None:
    """The package takes P(X > T), and so T one higher; the exact test takes P(X >= T)."""
    v = reference.case(name).values
    found = rosenbaum_bounds(*pairs(5, 14, 2), gamma=v["Gamma"])
    assert found.kind == "binary" and found.estimate is None
    same(found.bounds[0].p_high, 137 / 2**16)
    shifted = rosenbaum_bounds(*pairs(5, 15, 1), gamma=v["Gamma"]).to_frame()
    same(shifted["p_high"], v["Upper bound"], atol=5.1e-6)
    same(shifted["p_low"], v["Lower bound"], atol=5.1e-6)
    assert np.all(found.to_frame()["p_high"].to_numpy() > np.array(v["Upper bound"]))


def test_mcnemar() -> None:
    found = rosenbaum_bounds(*pairs(0, 16, 2), gamma=[1, 2, 3])
    same(found.to_frame()["p_high"], [0.000656, 0.032648, 0.135305], atol=5.1e-7)


def test_oster() -> None:
    found = oster_delta(
        MTCARS, outcome="mpg", treatment="wt", covariates=["hp", "qsec"], r2_max=0.9
    )
    same(
        [found.estimate_uncontrolled, found.r2_uncontrolled, found.estimate, found.r2],
        [-5.3444716, 0.7528328, -4.3587972, 0.8347678],
        rtol=1e-7,
    )
    same([found.delta, found.estimate_equal], [1.151136, -2.000185], rtol=5e-7)
