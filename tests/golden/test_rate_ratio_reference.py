"""Ratios of rates: R's results."""

from __future__ import annotations

import json
from math import exp, log
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import gammaln

from evalkit.stats.categories.families import POISSON
from evalkit.stats.categories.glm import fit
from evalkit.stats.events.counts import rate_ratio
from evalkit.stats.events.overdispersed import fit_negative_binomial
from evalkit.stats.shared.design_matrix import covariate_columns

OURS = json.loads(Path(__file__).with_name("binary.json").read_text(encoding="utf-8"))["cases"]


def close(found: Any, expected: Any, rtol: float = 1e-9) -> None:
    found, expected = (np.asarray(x, dtype=float) for x in (found, expected))
    np.testing.assert_allclose(found, expected, rtol=rtol, atol=1e-12)


COUNTS: dict[str, tuple[str, str, str, list[str]]] = {
    "count_epil": ("y", "trt", "progabide", ["lbase", "lage", "V4"]),
    "count_quine": ("Days", "Eth", "N", ["Sex", "Age", "Lrn"]),
}


def design(frame: pd.DataFrame, arm: str, treated: str, covariates: list[str]) -> Any:
    """Return the columns in R's order, which for these names is the order given."""
    keep = np.ones(len(frame), dtype=bool)
    columns = [(arm, (frame[arm] == treated).to_numpy(float))]
    for name in covariates:
        columns += covariate_columns(frame, name, keep)
    matrix = np.column_stack([np.ones(len(frame)), *(x for _, x in columns)])
    return matrix, ["(intercept)", *(name for name, _ in columns)]


@pytest.mark.parametrize("name", COUNTS)
def test_models(reference: Any, name: str) -> None:
    """Every coefficient of both models, theta, likelihoods, and four kinds of standard error."""
    outcome, arm, treated, covariates = COUNTS[name]
    case = reference.case(name)
    v, y = case.values, case.frame[outcome].to_numpy(float)
    matrix, names = design(case.frame, arm, treated, covariates)
    for se, expected in (
        ("model", v["poisson"]["Std. Error"]),
        ("HC0", v["poisson_HC0_se"]),
        ("HC1", v["poisson_HC1_sandwich_se"]),
    ):
        model = fit(matrix, y, names, family=POISSON, se=se)
        close(model.coefficients, list(v["poisson"]["Estimate"].values()))
        close(model.std_errors, list(expected.values()), rtol=2e-7)
    close(model.log_likelihood - gammaln(y + 1).sum(), v["poisson_loglik"])
    close(
        ((y - model.fitted) ** 2 / model.fitted).sum() / (len(y) - len(names)),
        v["pearson_dispersion"],
    )
    close(np.exp(model.coefficients), list(v["irr"].values()))
    model, theta = fit_negative_binomial(matrix, y, names)
    close(theta, v["theta"], rtol=1e-7)
    close(model.coefficients, list(v["negbin"]["Estimate"].values()), rtol=1e-7)
    close(model.std_errors, list(v["negbin"]["Std. Error"].values()), rtol=1e-7)
    constant = gammaln(y + theta) - gammaln(theta) - gammaln(y + 1) + theta * log(theta)
    close(model.log_likelihood + constant.sum(), v["negbin_loglik"])


@pytest.mark.parametrize("name", COUNTS)
def test_rate_ratio(reference: Any, name: str) -> None:
    outcome, arm, treated, covariates = COUNTS[name]
    case = reference.case(name)
    given: dict[str, Any] = {"events": outcome, "treatment": arm, "treated": treated}
    e = rate_ratio(case.frame, covariates=covariates, **given)
    row = 1
    table = case.values["negbin"]
    found = [log(e.estimate or 0), e.std_error, e.statistic, e.p_value]
    close(found, [list(column.values())[row] for column in table.values()], rtol=1e-6)
    close(e.dispersion, 1 / case.values["theta"], rtol=1e-7)
    e = rate_ratio(case.frame, covariates=covariates, family="poisson", se="model", **given)
    close([e.conf_low, e.conf_high], case.values["irr_ci_wald"]["matrix"][row], rtol=1e-7)
    robust = rate_ratio(case.frame, covariates=covariates, family="poisson", **given)
    assert "HC2" in robust.method and robust.std_error > 2 * e.std_error


@pytest.mark.parametrize("family", ["poisson", "negative-binomial"])
@pytest.mark.parametrize("kind", ["cr2", "hc2"])
def test_robust_as_club_sandwich(reference: Any, family: str, kind: str) -> None:
    frame = pd.read_csv(reference.folder / "data" / "epil.csv")
    expected = OURS["epil_negbin" if family == "negative-binomial" else "epil_poisson"]
    e = rate_ratio(
        frame, events="y", treatment="trt", treated="progabide", exposure="base",
        covariates=["lage", "V4"], cluster="subject" if kind == "cr2" else None,
        family=family, se="robust",
    )  # fmt: skip
    close(log(e.estimate or 0), expected["coef"])
    close([e.std_error, e.df], list(expected[kind].values()))
    assert e.n_clusters == (59 if kind == "cr2" else None)


@pytest.mark.parametrize("name", ["rate_ratio_exact_seizure"])
def test_exact(reference: Any, name: str) -> None:
    case = reference.case(name)
    v, weeks = case.values, case.frame[["y1", "y2", "y3", "y4"]].sum(axis=1)
    frame = case.frame.assign(y=weeks, weeks=8)
    given: dict[str, Any] = {"events": "y", "treatment": "trt", "exposure": "weeks"}
    e = rate_ratio(frame, family="poisson", se="exact", **given)
    close([e.estimate, e.p_value], [v["rate_ratio"], v["exact_p"]])
    close([e.conf_low, e.conf_high], v["exact_ci"])
    assert [e.events_treatment, e.events_comparison] == v["events"]
    close([e.exposure_treatment, e.exposure_comparison], v["person_weeks"])
    close((e.rate_treatment or 0) - e.rate_comparison, v["IRD"]["yi"])
    plain = rate_ratio(frame, family="poisson", se="model", **given)
    close([log(plain.estimate or 0), (plain.std_error or 0) ** 2], [v["IRR"]["yi"], v["IRR"]["vi"]])
    overdispersed = rate_ratio(frame, **given)
    assert overdispersed.std_error > 3 * plain.std_error


def test_counts_that_vary_less_than_poisson_counts() -> None:
    frame = pd.DataFrame({"y": [2, 3, 2, 3, 2, 3, 4, 4, 5, 4, 5, 4], "arm": [0] * 6 + [1] * 6})
    e = rate_ratio(frame, events="y", treatment="arm")
    close([e.estimate, e.dispersion], [26 / 15, 0])
    assert "a Poisson model was used" in e.notes[0]
    close(e.conf_high, 26 / 15 * exp(1.959963984540054 * (1 / 26 + 1 / 15) ** 0.5))


def test_counts_next_to_poisson() -> None:
    """MASS::glm.nb(c ~ t): theta 1384.92, where its score is nearly lost in rounding.

    m <- glm.nb(c ~ t, d, control = glm.control(maxit = 200, epsilon = 1e-14))
    c(m$theta, exp(coef(m)["t"]), sqrt(diag(vcov(m)))["t"])
    """
    often = {0: (13, 9, 4, 7, 0), 1: (12, 19, 10, 3, 2)}
    counts = np.concatenate([np.repeat(np.arange(5), n) for n in often.values()])
    arm = np.repeat([0, 1], [sum(n) for n in often.values()])
    found = rate_ratio(pd.DataFrame({"c": counts, "t": arm}), events="c", treatment="t")
    close(1 / found.dispersion, 1384.9199378416, rtol=3e-6)
    close([found.estimate, found.std_error], [1.0572082380, 0.2102629547])
