"""Risk differences, risk ratios and odds ratios: R's results and published tables."""

from __future__ import annotations

import json
from math import exp, log, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from evalkit.stats.categories.binary import odds_ratio, risk_difference, risk_ratio
from evalkit.stats.categories.families import LOGISTIC, POISSON
from evalkit.stats.categories.glm import fit
from evalkit.stats.categories.small_tables import Table, newcombe_difference

OURS = json.loads(Path(__file__).with_name("binary.json").read_text(encoding="utf-8"))["cases"]
EFFECTS = {"rd": risk_difference, "rr": risk_ratio, "or": odds_ratio}
BACKGROUND = ["age", "educ", "race", "married", "nodegree", "re74", "re75"]


def close(found: Any, expected: Any, rtol: float = 1e-9) -> None:
    found, expected = (np.asarray(x, dtype=float) for x in (found, expected))
    np.testing.assert_allclose(found, expected, rtol=rtol, atol=1e-14)


def table(a: int, b: int, c: int, d: int) -> pd.DataFrame:
    """Return rows of a table: treated with and without, comparison with and without."""
    arm = [1] * (a + b) + [0] * (c + d)
    return pd.DataFrame({"t": arm, "y": [1] * a + [0] * b + [1] * c + [0] * d})


def lalonde(reference: Any, name: str) -> tuple[pd.DataFrame, dict[str, Any]]:
    case = reference.case(name)
    return case.frame.assign(y=lambda d: (d["re78"] > 0) * 1, t=lambda d: d["treat"]), case.values


def test_model_without_clusters(reference: Any) -> None:
    frame, _ = lalonde(reference, "gcomp_lalonde_employed")
    expected = OURS["lalonde"]
    for name, effect in EFFECTS.items():
        e = effect(frame, outcome="y", treatment="t", covariates=BACKGROUND)
        close([e.estimate, e.risk_treatment], [expected["est"][name], expected["p1"]])
        close(e.std_error, expected["model_se"][name], rtol=1e-7)  # R stops at its own tolerance


CLUSTERED: dict[str, tuple[str, str, str, str, list[str]]] = {
    "ohio_clustered": ("ohio.csv", "resp", "smoke", "id", ["age"]),
    "crt_clustered": ("crtData.csv", "y", "Intervention", "School", ["Prettest"]),
    "crt_clustered_plain": ("crtData.csv", "y", "Intervention", "School", []),
}


@pytest.mark.parametrize("name", CLUSTERED)
def test_clustered_as_club_sandwich(reference: Any, name: str) -> None:
    """CR2 on the working weights with Satterthwaite degrees of freedom, to 8 digits."""
    file, outcome, arm, cluster, covariates = CLUSTERED[name]
    frame = pd.read_csv(reference.folder / "data" / file)
    if outcome == "y":
        frame["y"] = (frame["Posttest"] >= 20) * 1
    expected = OURS[name]
    for key, effect in EFFECTS.items():
        e = effect(frame, outcome=outcome, treatment=arm, covariates=covariates, cluster=cluster)
        close([e.estimate, e.risk_comparison], [expected["est"][key], expected["p0"]])
        close([e.std_error, e.df], list(expected["cr2"][key].values()), rtol=1e-8)


@pytest.mark.parametrize("name", ["gcomp_lalonde_employed"])
def test_marginal_effects_where_r_scaled_earnings_twice(reference: Any, name: str) -> None:
    """R's model and average risks agree; its averages were taken over earnings / 1000 / 1000.

    Averages over such earnings repeat marginaleffects 0.10.0 (.0743, where its own average risks
    differ by .0623); I(re74 / 1000) in the formula is what sets the case apart from the next.
    """
    frame, v = lalonde(reference, name)
    e = risk_difference(frame, outcome="y", treatment="t", covariates=BACKGROUND)
    close([e.risk_treatment, e.risk_comparison], [v["p1"], v["p0"]])
    close(e.estimate, v["p1"] - v["p0"])
    treated = risk_difference(
        frame, outcome="y", treatment="t", covariates=BACKGROUND, estimand="ATT"
    )
    close(treated.estimate, v["ATT_RD"])
    assert abs(v["RD"]["estimate"] / (v["p1"] - v["p0"]) - 1.194) < 1e-3
    model, matrix = thousands(frame)
    close(model.coefficients, list(v["coef"].values()))
    close(model.std_errors, list(v["se"].values()), rtol=1e-6)
    matrix[:, -2:] /= 1000
    for key, (effect, gradient) in repeated(model.coefficients, matrix).items():
        close(effect, v[key]["estimate"])
        close(model.contrast(gradient)[0], v[key]["std.error"], rtol=1e-6)


def thousands(frame: pd.DataFrame) -> tuple[Any, Any]:
    races = [(frame["race"] == race) * 1.0 for race in ("hispan", "white")]
    plain = [frame[name] for name in ("t", "age", "educ")]
    rest = [frame["married"], frame["nodegree"], frame["re74"] / 1000, frame["re75"] / 1000]
    matrix = np.column_stack([np.ones(len(frame)), *plain, *races, *rest])
    names = [str(k) for k in range(matrix.shape[1])]
    return fit(matrix, frame["y"].to_numpy(float), names, family=LOGISTIC), matrix


def repeated(beta: Any, matrix: Any) -> dict[str, tuple[float, Any]]:
    sides = []
    for value in (1.0, 0.0):
        x = matrix.copy()
        x[:, 1] = value
        eta = x @ beta
        sides.append((LOGISTIC.mean(eta).mean(), (LOGISTIC.slope(eta)[:, None] * x).mean(axis=0)))
    (p, g), (q, h) = sides
    odds = log(p / (1 - p) * (1 - q) / q)
    return {
        "RD": (p - q, g - h),
        "lnRR": (log(p / q), g / p - h / q),
        "lnOR": (odds, g / (p * (1 - p)) - h / (q * (1 - q))),
    }


@pytest.mark.parametrize("name", ["gcomp_lalonde_interaction_ATT"])
def test_interactions_over_the_treated(reference: Any, name: str) -> None:
    frame, v = lalonde(reference, name)
    e = risk_difference(
        frame, outcome="y", treatment="t", covariates=["age", "educ", "married"],
        interact=True, estimand="ATT",
    )  # fmt: skip
    close(e.estimate, v["ATT"])
    close([e.std_error, e.p_value], [v["se"], v["p"]], rtol=1e-6)


def three(frame: pd.DataFrame) -> Any:
    columns = [np.ones(len(frame)), *(frame[name] for name in ("t", "age", "educ"))]
    return np.column_stack(columns), ["(Intercept)", "treat", "age", "educ"]


@pytest.mark.parametrize("name", ["logit_profile_ci_lalonde"])
def test_logistic_coefficients(reference: Any, name: str) -> None:
    """The conditional model; its profile intervals are not offered."""
    frame, v = lalonde(reference, name)
    matrix, names = three(frame)
    model = fit(matrix, frame["y"].to_numpy(float), names, family=LOGISTIC)
    coef = v["coef"]
    close(model.coefficients, [coef["Estimate"][n] for n in names])
    close(model.std_errors, [coef["Std. Error"][n] for n in names], rtol=1e-6)
    half = 1.959963984540054 * model.std_errors
    wald = np.exp(np.column_stack([model.coefficients - half, model.coefficients + half]))
    close(wald, v["or_ci_wald"]["matrix"], rtol=1e-6)
    close(-2 * model.log_likelihood, v["deviance"])


@pytest.mark.parametrize("name", ["modified_poisson_lalonde"])
def test_poisson_with_a_robust_variance(reference: Any, name: str) -> None:
    frame, v = lalonde(reference, name)
    matrix, names = three(frame)
    for kind in ("HC0", "HC1"):
        model = fit(matrix, frame["y"].to_numpy(float), names, family=POISSON, se=kind)
        close(np.exp(model.coefficients), [v["rr"][n] for n in names])
        close(model.std_errors, [v[f"se_{kind}"][n] for n in names], rtol=1e-7)


@pytest.mark.parametrize("name", ["binary_bcg_trial4", "binary_mst_pass"])
def test_two_by_two(reference: Any, name: str) -> None:
    v = reference.case(name).values
    a, b, c, d = v["table"]
    for key, effect in EFFECTS.items():
        e = effect(table(a, b, c, d), outcome="y", treatment="t")
        shown = e.estimate if key == "rd" else log(e.estimate or 0)
        close([shown, (e.std_error or 0) ** 2], [v[key.upper()]["yi"], v[key.upper()]["vi"]])
        assert (e.events_treatment, e.events_comparison) == (a, c)
    found = newcombe_difference(Table(a, a + b, c, c + d), 0.95)
    close([found["conf_low"], found["conf_high"]], v["newcombe_rd"])


@pytest.mark.parametrize("name", ["escalc_bcg_all_measures"])
def test_thirteen_trials(reference: Any, name: str) -> None:
    """Estimates of all; variances where no arm has fewer than 10 events."""
    case = reference.case(name)
    counts = case.frame[["tpos", "tneg", "cpos", "cneg"]].to_numpy()
    small = 0
    for key, effect in EFFECTS.items():
        for k, cells in enumerate(counts):
            e = effect(table(*cells), outcome="y", treatment="t")
            shown = e.estimate if key == "rd" else log(e.estimate or 0)
            close(shown, case.values[key.upper()]["yi"][k])
            assert (e.std_error is None) == (min(cells) < 10)
            small += e.std_error is None
            if e.std_error is not None:
                close(e.std_error**2, case.values[key.upper()]["vi"][k])
    assert small == 3 * 5


# --- Printed results in the tests of the R package contingencytables, which accompanies
# --- Fagerland, Lydersen and Laake (2017), Statistical Analysis of Contingency Tables, ch. 4

PUBLISHED = [
    (risk_difference, (7, 27, 1, 33), 0.1765, (0.0189, 0.3404)),  # Perondi et al. 2004
    (risk_ratio, (7, 27, 1, 33), 7.0, (1.1537, 41.9763)),
    (odds_ratio, (9, 4, 4, 10), 5.625, (1.1414, 21.7873)),  # Lampasona et al. 2013
]


@pytest.mark.parametrize(("effect", "cells", "estimate", "limits"), PUBLISHED)
def test_small_tables_as_published(
    effect: Any, cells: Any, estimate: float, limits: tuple[float, float]
) -> None:
    e = effect(table(*cells), outcome="y", treatment="t")
    np.testing.assert_allclose(
        [e.estimate, e.conf_low, e.conf_high], [estimate, *limits], atol=5.1e-5
    )
    assert e.std_error is None and e.notes[0].startswith("Fewer than 10 events or non-events")


def test_an_empty_cell() -> None:
    """Ritland et al. 2007, 0 of 16 against 15 of 72: contingencytables prints .006 to 1.817.

    The lower limit is 0 here, since the estimate is 0.
    """
    e = odds_ratio(table(0, 16, 15, 57), outcome="y", treatment="t")
    assert (e.estimate, e.conf_low) == (0.0, 0.0)
    np.testing.assert_allclose(e.conf_high or 0, 1.817, atol=5.1e-4)


def test_newcombe_1998() -> None:
    """Newcombe's example 56/70 and 48/80: .0524 to .3339."""
    found = newcombe_difference(Table(56, 70, 48, 80), 0.95)
    np.testing.assert_allclose([found["conf_low"], found["conf_high"]], [0.0524, 0.3339], atol=5e-5)


def test_few_events_with_a_covariate_are_by_least_squares() -> None:
    """The textbook HC2 of a 0/1 outcome: the variance within each arm over n - 1."""
    frame = table(5, 15, 9, 11).assign(family=[0] * 2 + list(range(1, 39)))
    e = risk_difference(frame.assign(x=[0, 1] * 20), outcome="y", treatment="t", covariates=["x"])
    assert e.df is not None and "HC2" in e.method and "logistic model" in e.notes[0]
    e = risk_difference(
        frame.assign(family=range(40)), outcome="y", treatment="t", cluster="family"
    )
    assert e.std_error is None and "Newcombe" in e.method
    e = risk_difference(frame, outcome="y", treatment="t", cluster="family")
    assert "CR2" in e.method and e.n_clusters == 39
    close(e.estimate, -0.2)
    close([e.risk_treatment, e.risk_comparison], [0.25, 0.45])


def test_conditional_and_marginal_odds_agree_without_covariates() -> None:
    e = odds_ratio(table(30, 72, 17, 91), outcome="y", treatment="t")
    half = 1.959963984540054 * sqrt(1 / 30 + 1 / 72 + 1 / 17 + 1 / 91)
    centre = log(30 * 91 / (72 * 17))
    close([e.conf_low, e.conf_high], [exp(centre - half), exp(centre + half)])
