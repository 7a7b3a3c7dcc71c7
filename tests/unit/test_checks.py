"""Checks tell how a study went, with the number they rest on."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
import pytest

from evalkit.errors import InvalidInput
from tests.conftest import arms, before_after, declare, matched, split, study_of


def analysed(data: dict[str, Any], frame: pd.DataFrame) -> Any:
    return study_of(data, *split(frame)).analyse(sensitivity=False)


def check(found: Any, name: str) -> Any:
    return next(c for c in found.checks if c.check == name)


def test_equivalence_is_hedges_g_of_the_people_analysed() -> None:
    frame = arms(40, gap=1.0)
    sd = math.sqrt((frame["pre"][::2].var() + frame["pre"][1::2].var()) / 2)
    by_hand = (1 - 3 / (4 * 38 - 1)) * 1.0 / sd
    found = check(analysed(declare(), frame), "equivalence")
    assert found.value == pytest.approx(by_hand, rel=1e-4)
    assert found.passed is False and found.threshold == 0.25


@pytest.mark.parametrize(
    ("raised", "covariates", "passed", "threshold"),
    [
        (0, ["baseline"], True, 0.05),
        (10, ["baseline"], True, 0.25),
        (10, ["tier"], False, 0.05),
        (20, ["baseline"], False, 0.25),
    ],
)
def test_equivalence_limits(
    raised: int, covariates: list[str], passed: bool, threshold: float
) -> None:
    frame = arms(40)
    frame.loc[frame.index[::2][:raised], "pre"] += 1
    found = check(analysed(declare(analysis__covariates=covariates), frame), "equivalence")
    assert (found.passed, found.threshold) == (passed, threshold)


def test_without_first_scores_every_covariate_must_be_alike() -> None:
    frame = arms(40).assign(pre="")
    found = check(analysed(declare(analysis__covariates=["tier"]), frame), "equivalence")
    assert found.passed is True and "tier" in found.sentence
    frame["tier"] += (frame["arm"] == "programme") * 2
    found = check(analysed(declare(analysis__covariates=["tier"]), frame), "equivalence")
    assert found.passed is False
    found = check(analysed(declare(analysis__covariates=[]), frame), "equivalence")
    assert found.passed is None


def test_first_scores_of_one_person_cannot_be_compared() -> None:
    frame = arms(40).astype(object)
    frame.loc[2:, "pre"] = ""
    found = check(analysed(declare(), frame), "equivalence")
    assert found.passed is None and "Too few" in found.sentence


def test_loss_is_compared_in_percentage_points() -> None:
    frame = arms(40).astype(object)
    frame.loc[[0, 2, 4, 6], "post"] = ""
    found = check(analysed(declare(), frame), "attrition")
    assert found.value == pytest.approx(20.0)
    assert found.threshold == 6.3  # 10% lost overall
    assert found.passed is False
    found = check(analysed(declare(analysis__attrition_boundary="optimistic"), frame), "attrition")
    assert found.threshold == 10.9 and found.passed is False


def test_nobody_due_in_an_arm_means_loss_cannot_be_told() -> None:
    frame = arms(20).assign(arm="programme")
    found = analysed(declare(), frame)
    assert check(found, "attrition").passed is None
    assert found.levels[0].level == 0
    assert found.estimates[0].estimate is None


def test_a_difference_without_spread_is_no_number_that_json_lacks() -> None:
    frame = arms(40)
    frame["tier"] = [4 if i % 2 == 0 else 1 + i % 4 for i in range(40)]
    found = analysed(matched(), frame)
    row = next(r for r in found.balance if r.covariate == "tier")
    assert row.sd_treatment == 0 and row.smd is None
    assert check(found, "balance").passed is None


def test_balance_rows_add_up() -> None:
    frame = arms(40).astype(object)
    frame.loc[[0, 1, 2], "tier"] = ""
    found = analysed(matched(), frame)
    for row in found.balance:
        assert row.n_treatment + row.n_comparison + row.n_missing == 40
        assert row.scaled_by == "SD of the programme arm"
    trial = analysed(declare(), arms(40))
    assert {row.scaled_by for row in trial.balance} == {"average SD of the two arms"}


def test_declared_faults_are_named() -> None:
    found = check(analysed(declare(design__faults=["contamination"]), arms(20)), "faults")
    assert found.passed is False and "contamination" in found.sentence
    assert check(analysed(before_after(), arms(20)), "faults").passed is True


def test_every_check_of_the_design_has_its_citation(analysis: Any) -> None:
    design = analysis.study.evaluation.design
    assert len(analysis.checks) == len(design.checks) * len(analysis.estimates)
    assert all(c.citation and c.sentence.endswith(".") for c in analysis.checks)


def test_a_check_that_is_not_given_is_named() -> None:
    study = study_of(declare(), *split(arms(20)))
    with pytest.raises(InvalidInput, match="check 'attrition'"):
        study.analyse(checks={"faults": lambda context: context.result(True, "")})
