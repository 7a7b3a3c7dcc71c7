"""Regression to the mean against R: integrals of the normal density, t tests and clubSandwich."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evalkit.stats.measuring.regression_to_mean import regression_to_mean

CASES = json.loads(Path(__file__).with_name("regression_to_mean.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES["cutoffs"], ids=lambda case: f"{case['mu']}-{case['at']}")
def test_people_who_came_in_on_one_side_of_a_line(case: dict[str, Any]) -> None:
    side = {"at_least" if case["above"] else "at_most": case["at"]}
    found = regression_to_mean(
        [1.0, 2.0], population_mean=case["mu"], population_sd=case["sigma"],
        reliability=case["r"], **side,
    )  # fmt: skip
    assert found.expected_baseline == pytest.approx(case["first"], rel=1e-9)
    assert found.expected_by_cutoff == pytest.approx(case["change"], rel=1e-8)


@pytest.mark.parametrize("case", CASES["groups"], ids=("t", "chosen low", "CR2", "CR2 uneven"))
def test_a_group_measured_twice(case: dict[str, Any]) -> None:
    found = regression_to_mean(
        case["pre"], case["post"], population_mean=case["mu"], reliability=case["r"],
        cluster=case.get("cluster") or None,
    )  # fmt: skip
    ours = [
        found.expected_change, found.observed_change, found.beyond, found.std_error, found.df,
        found.conf_low, found.conf_high, found.p_value, found.expected_low, found.expected_high,
    ]  # fmt: skip
    names = (
        "expected", "observed", "beyond", "se", "df", "low", "high", "p", "expected_low",
        "expected_high",
    )  # fmt: skip
    np.testing.assert_allclose(ours, [case[name] for name in names], rtol=1e-9)


def test_the_formula_of_barnett_and_others() -> None:
    # (1 - r) sigma C(z) = s_w^2 / sqrt(s_w^2 + s_b^2) x phi(z) / (1 - Phi(z)), by hand at the mean:
    # C(0) = 2 phi(0) = 0.7978846; s_w = 6, s_b = 8, so sigma = 10, r = 0.64 and the fall is 3.6 C(0)
    found = regression_to_mean(
        [50.0, 60.0], population_mean=50, population_sd=10, reliability=0.64, at_least=50
    )
    assert found.expected_by_cutoff == pytest.approx(-3.6 * 0.7978845608028654, rel=1e-12)
