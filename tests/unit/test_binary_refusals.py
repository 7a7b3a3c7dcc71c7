"""What estimators of risks refuse, and what they say when they do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from evalkit.errors import CannotEstimate, InvalidInput, NotConverged
from evalkit.stats.categories.binary import odds_ratio, risk_difference, risk_ratio
from evalkit.stats.categories.separation import separating


@pytest.fixture
def study() -> pd.DataFrame:
    """120 people; `gate` decides the outcome for those above it, `who` is text."""
    n = np.arange(120)
    frame = pd.DataFrame({"arm": n % 2, "y": (n * 7 % 10 < 4 + n % 2) * 1, "age": 20 + n * 13 % 31})
    frame["gate"] = frame["y"] * (n % 3 == 0)
    frame["site"] = np.where(frame["arm"] == 1, 1 + n % 4, 0)
    return frame.assign(who="x", score=n)


def call(data: Any, effect: Any = risk_difference, **options: Any) -> Any:
    return effect(data, **({"outcome": "y", "treatment": "arm"} | options))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"outcome": "score"}, "Allowed: 0 and 1"),
        ({"outcome": "who"}, "Allowed: numbers"),
        ({"outcome": "z"}, "no such column"),
        ({"treatment": "age"}, "treated="),
        ({"covariates": ["y"]}, "both as outcome and as covariates"),
        ({"estimand": "ATC"}, "Allowed: ATE, ATT"),
        ({"level": 95}, "between 0 and 1"),
    ],
)
def test_invalid_calls(study: pd.DataFrame, options: Any, said: str) -> None:
    for effect in (risk_difference, risk_ratio, odds_ratio):
        with pytest.raises(InvalidInput) as error:
            call(study, effect, **options)
        assert said in str(error.value)


def test_separated_covariate_is_named(study: pd.DataFrame) -> None:
    for effect in (risk_difference, risk_ratio, odds_ratio):
        with pytest.raises(
            CannotEstimate, match=r"separated: with 'gate' .* Leave that column out"
        ):
            call(study, effect, covariates=["age", "gate"])


def test_complete_separation(study: pd.DataFrame) -> None:
    with pytest.raises(CannotEstimate, match="separated"):
        call(study.assign(x=study["y"] * 10 + study["age"] / 31), odds_ratio, covariates=["x"])


def test_no_separation_is_seen_where_there_is_none(study: pd.DataFrame) -> None:
    matrix = np.column_stack([np.ones(120), study["arm"], study["age"]])
    assert separating(matrix, study["y"].to_numpy(float)) is None
    far = study.assign(age=study["age"].where(study.index > 0, 4000))
    assert call(far, covariates=["age"]).std_error > 0  # an extreme value is not separation


def test_an_outcome_that_does_not_vary(study: pd.DataFrame) -> None:
    with pytest.raises(CannotEstimate, match="'y' is 0 in all 120 rows"):
        call(study.assign(y=0))


def test_one_arm_or_one_cluster(study: pd.DataFrame) -> None:
    with pytest.raises(CannotEstimate, match="comparison arm has 0 rows to analyse"):
        call(study.assign(arm=1))
    with pytest.raises(CannotEstimate, match="comparison arm has one cluster"):
        call(study, cluster="site")


def test_infinite_ratios(study: pd.DataFrame) -> None:
    none = study.assign(y=study["y"] * study["arm"])
    for effect, covariates in ((risk_ratio, ()), (odds_ratio, ()), (odds_ratio, ["age"])):
        with pytest.raises(CannotEstimate, match="Nobody in the comparison arm has"):
            call(none, effect, covariates=covariates)
    with pytest.raises(CannotEstimate, match="Everybody in the treatment arm"):
        call(study.assign(y=study["y"].where(study["arm"] == 0, 1)), odds_ratio)
    swapped = none.assign(arm=1 - none["arm"])
    e = call(swapped, risk_ratio)
    assert e.estimate == 0 and e.conf_low == 0 and 0 < e.conf_high < 1
    with pytest.raises(CannotEstimate, match="separated: with 'arm'"):
        call(swapped, risk_ratio, covariates=["age"])
    assert call(swapped, covariates=["age"]).estimate < 0


def test_few_events_are_said_or_refused(study: pd.DataFrame) -> None:
    few = study.assign(y=((study.index % 15) < 2) * 1)
    e = call(few, odds_ratio, covariates=["age"])
    assert "Fewer than 10 events" in e.notes[-1] and "not to be relied on" in e.notes[-1]
    with pytest.raises(CannotEstimate, match=r"treatment 8 with .* Leave out interact"):
        call(few, covariates=["age"], interact=True)


def test_a_fit_that_does_not_settle_is_refused(
    study: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evalkit.stats.categories.glm._STEPS", 2)
    with pytest.raises(NotConverged, match="did not settle in 2 steps"):
        call(study, risk_ratio, covariates=["age"])
