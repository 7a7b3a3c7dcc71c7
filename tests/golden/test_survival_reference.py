"""Hazard ratios and restricted means: R's results."""

from __future__ import annotations

import json
from math import log, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from evalkit.stats.events.cox import cox_fit
from evalkit.stats.events.log_rank import log_rank_test
from evalkit.stats.events.risk_sets import moments
from evalkit.stats.events.survival import hazard_ratio, restricted_mean_difference
from evalkit.stats.events.survival_curves import kaplan_meier

OURS = json.loads(Path(__file__).with_name("binary.json").read_text(encoding="utf-8"))["cases"]
SEX: dict[str, Any] = {"time": "time", "event": "dead", "treatment": "sex", "treated": 2}


def close(found: Any, expected: Any, rtol: float = 1e-9) -> None:
    found, expected = (np.asarray(x, dtype=float) for x in (found, expected))
    np.testing.assert_allclose(found, expected, rtol=rtol, atol=1e-12)


def lung(reference: Any) -> pd.DataFrame:
    case = reference.case("survival_lung_sex")
    frame: pd.DataFrame = case.frame
    return frame.assign(dead=frame["status"] == 2)


@pytest.mark.parametrize("name", ["survival_lung_sex"])
def test_cox(reference: Any, name: str) -> None:
    """Efron's ties; the coefficients' robust errors of single people are an internal."""
    v = reference.case(name).values["cox_efron"]
    e = hazard_ratio(lung(reference), covariates=["age", "ph.ecog"], **SEX)
    found = [log(e.estimate or 0), e.estimate, e.std_error, e.statistic, e.p_value]
    close(found, [column["sex"] for column in v.values()], rtol=1e-7)
    assert e.n_dropped == 1 and e.dropped_why == (("no ph.ecog", 1),)
    median = reference.case(name).values["median"]
    plain = hazard_ratio(lung(reference), **SEX)
    assert [plain.events_comparison, plain.events_treatment] == median["events"]
    close(
        [log(plain.estimate or 0), plain.std_error, plain.p_value],
        list(OURS["lung_plain"].values()),
    )


@pytest.mark.parametrize("name", ["survival_lung_sex"])
def test_the_rest_of_the_case(reference: Any, name: str) -> None:
    """Medians with log limits, log-rank, Breslow's ties, robust errors, log likelihoods."""
    v = reference.case(name).values
    curves = kaplan_meier(lung(reference), interval="log", **SEX)
    treated, compared = curves.medians
    for key, field in [("median", "median"), ("0.95LCL", "median_low"), ("0.95UCL", "median_high")]:
        close([getattr(compared, field), getattr(treated, field)], v["median"][key])
    assert [compared.n, treated.n] == v["median"]["records"]
    close((log_rank_test(lung(reference), **SEX).statistic or 0) ** 2, v["logrank_chisq"])
    frame = lung(reference).dropna(subset=["ph.ecog"])
    names = ["sex", "age", "ph.ecog"]
    given: Any = (
        frame[names].to_numpy(float), frame["time"].to_numpy(float), frame["dead"].to_numpy(), names,
    )  # fmt: skip
    breslow = cox_fit(*given, ties="breslow")
    close(breslow.coefficients, [v["cox_breslow_coef"][n] for n in names], rtol=1e-7)
    robust = cox_fit(*given, cluster=np.arange(len(frame)))
    close(np.sqrt(np.diag(robust.vcov)), [v["cox_robust_se"][n] for n in names], rtol=1e-7)
    null = moments(robust.at.sets, robust.at.matrix, np.zeros(3)).log_likelihood
    close([null, robust.log_likelihood], v["loglik"])
    close(concordance(given[0] @ robust.coefficients, given[1], given[2]), v["concordance"])


def concordance(risk: Any, time: Any, seen: Any) -> float:
    """Return the share of usable pairs in which who had the event first had the higher risk."""
    first = seen[:, None] & ((time[:, None] < time) | ((time[:, None] == time) & ~seen))
    higher = (risk[:, None] > risk) + 0.5 * (risk[:, None] == risk)
    return float((first * higher).sum() / first.sum())


def test_many_ties_and_categories(reference: Any) -> None:
    frame = lung(reference).query("`ph.ecog` < 3")
    frame = frame.assign(
        time=np.ceil(frame["time"] / 30), ecog=frame["ph.ecog"].map("level {}".format)
    )
    e = hazard_ratio(frame, covariates=["age", "ecog"], **SEX)
    close([log(e.estimate or 0), e.std_error, e.p_value], list(OURS["lung_months"].values()))


@pytest.mark.parametrize("k", range(3))
def test_restricted_means(reference: Any, k: int) -> None:
    v = OURS["lung_rmean"][k]
    e = restricted_mean_difference(lung(reference), horizon=v["horizon"], **SEX)
    close([e.mean_comparison, e.mean_treatment], v["mean"])
    close(e.estimate, v["mean"][1] - v["mean"][0])
    close(e.std_error, sqrt(v["se"][0] ** 2 + v["se"][1] ** 2))


def test_restricted_mean_without_censoring_is_a_mean() -> None:
    """Without censoring it is the mean of min(T, horizon), its variance that mean's (over n)."""
    random = np.random.default_rng(1)
    time, arm = random.exponential(10, 60), np.arange(60) % 2
    frame = pd.DataFrame({"time": time, "dead": 1, "sex": arm + 1})
    e = restricted_mean_difference(frame, horizon=8, **SEX)
    cut = np.minimum(time, 8)
    close([e.mean_treatment, e.mean_comparison], [cut[arm == 1].mean(), cut[arm == 0].mean()])
    close(e.std_error, sqrt(cut[arm == 1].var() / 30 + cut[arm == 0].var() / 30))
