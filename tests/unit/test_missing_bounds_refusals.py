"""What bounds and weights under loss refuse, and what they say when they do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from evalkit.errors import CannotEstimate, EvalkitError, InvalidInput
from evalkit.stats.missing.attrition_bias import attrition_bias
from evalkit.stats.missing.attrition_weights import attrition_weights
from evalkit.stats.missing.bounds_interval import imbens_manski
from evalkit.stats.missing.lee import lee_bounds
from evalkit.stats.missing.returns_needed import returns_needed
from evalkit.stats.missing.weighted_returns import weighted_returns
from evalkit.stats.missing.worst_case import worst_case_bounds


@pytest.fixture
def study() -> pd.DataFrame:
    """80 people in 20 families, a quarter lost; `gone` is a level that only the lost have."""
    n = np.arange(80)
    frame = pd.DataFrame({"arm": n // 4 % 2, "family": n // 4, "age": 20 + n * 7 % 31})
    frame["y"] = np.where((n * 5 + n // 4) % 4 == 0, np.nan, n * 11 % 17 / 2)
    frame["seen"] = frame["y"].notna()
    frame["site"] = np.where(n % 5 < 2, "north", "south")
    frame["gone"] = np.where(frame["seen"] | (n % 3 > 0), "a", "b")
    return frame.assign(who="x", same=3.0)


def lee(data: Any, **options: Any) -> Any:
    return lee_bounds(data, **({"outcome": "y", "treatment": "arm"} | options))


def worst(data: Any, **options: Any) -> Any:
    call = {"outcome": "y", "treatment": "arm", "low": 0, "high": 10}
    return worst_case_bounds(data, **(call | options))


def weights(data: Any, **options: Any) -> Any:
    call = {"observed": "seen", "treatment": "arm", "covariates": ["age"]}
    return attrition_weights(data, **(call | options))


@pytest.mark.parametrize(
    ("call", "options", "said"),
    [
        (lee, {"outcome": "who"}, "Allowed: numbers"),
        (lee, {"outcome": "z"}, "no such column"),
        (lee, {"treatment": "age"}, "treated="),
        (lee, {"trim": "half"}, "Allowed: quantile, fractional"),
        (lee, {"se": "HC2"}, "Allowed: analytic, bootstrap"),
        (lee, {"se": "bootstrap"}, "seed"),
        (lee, {"se": "bootstrap", "seed": 1, "draws": 10}, "draws"),
        (lee, {"within": ["arm"]}, "both as treatment and as within"),
        (lee, {"level": 95}, "between 0 and 1"),
        (worst, {"low": 10, "high": 0}, "low below high"),
        (worst, {"low": None}, "low=None"),
        (worst, {"high": np.inf}, "a finite number"),
        (worst, {"low": True}, "low=True"),
        (worst, {"high": 5}, "outside the scale"),
        (weights, {"observed": "y"}, "whether the outcome was seen"),
        (weights, {"covariates": []}, "covariates is empty"),
        (weights, {"covariates": ["seen"]}, "both as observed and as covariates"),
        (weights, {"interactions": ["site"]}, "not a covariate. Allowed: age"),
        (weights, {"trim": (0.9, 0.1)}, "two quantiles"),
        (weights, {"trim": 0.01}, "two quantiles"),
        (weights, {"weights": "who"}, "Allowed: numbers"),
        (weights, {"covariates": ["nothing"]}, "no such column"),
    ],
)
def test_invalid_calls(study: pd.DataFrame, call: Any, options: Any, said: str) -> None:
    with pytest.raises(InvalidInput) as error:
        call(study, **options)
    assert said in str(error.value)


@pytest.mark.parametrize("call", [lee, worst])
def test_outcomes_that_carry_no_bounds(study: pd.DataFrame, call: Any) -> None:
    with pytest.raises(CannotEstimate, match="one value wherever it was observed"):
        call(study, outcome="same")
    study.loc[study["arm"] == 1, "y"] = np.nan
    with pytest.raises(
        CannotEstimate, match="observed for 0 of the 40 people of the treatment arm"
    ):
        call(study)
    with pytest.raises(CannotEstimate, match="The treatment arm has 0 rows"):
        call(study[study["arm"] == 0])


def test_a_cell_that_cannot_be_bounded(study: pd.DataFrame) -> None:
    inside = (study["site"] == "north") & (study["arm"] == 1)
    study.loc[study.index[inside][1:], "y"] = np.nan
    with pytest.raises(CannotEstimate, match=r"The cell site=north has \d outcome.* Merge it"):
        lee(study, within="site")
    with pytest.raises(CannotEstimate, match="The cell family=0 has 0 outcome"):
        lee(study, within="family")


def test_an_arm_of_one_cluster(study: pd.DataFrame) -> None:
    for call in (lee, worst):
        with pytest.raises(CannotEstimate, match="has one cluster"):
            call(study.assign(family=study["arm"]), cluster="family")


def test_few_clusters_are_said(study: pd.DataFrame) -> None:
    for call in (lee, worst):
        found = call(study, cluster="family")
        assert found.n_clusters == 20 and found.df < 20 and "20 clusters are few" in found.notes[-1]


def test_a_level_seen_only_among_the_lost(study: pd.DataFrame) -> None:
    for data in (weights, lambda d, **o: weighted_returns(d, outcome="y", treatment="arm", **o)):
        with pytest.raises(CannotEstimate, match=r"With .*'gone=b'.* Merge categories"):
            data(study, covariates=["age", "gone"], interactions=False)


def test_an_arm_nobody_of_which_was_seen(study: pd.DataFrame) -> None:
    study["seen"] &= study["arm"] == 0
    with pytest.raises(CannotEstimate, match="Nobody of the treatment arm was seen"):
        weights(study)


def test_weights_worth_nobody(study: pd.DataFrame) -> None:
    study["base"] = np.where(study.index == 5, 1.0, 1e-9)
    with pytest.raises(CannotEstimate, match=r"in the treatment arm are worth 1\.0 people"):
        weights(study.assign(seen=study["seen"] | (study.index == 5)), weights="base")


def test_unlikely_returns_are_said() -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=600)
    seen = rng.uniform(size=600) < 1 / (1 + np.exp(-3 * x))
    frame = pd.DataFrame({"arm": np.arange(600) % 2, "x": x, "seen": seen})
    found = weights(frame, covariates="x")
    assert "chance of being seen is below 5%" in found.notes[0]
    assert found.n_trimmed > 0 and "trimmed" in found.sentence


def test_constant_and_repeated_covariates_are_left_out_and_said(study: pd.DataFrame) -> None:
    study["months"] = study["age"] * 12
    found = weights(study, covariates=["age", "same", "months"])
    assert [name for name, _ in found.coefficients] == ["(intercept)", "arm", "age", "arm:age"]
    assert any("'same' has one value" in note for note in found.notes)
    assert any("'months' is fixed by the other columns" in note for note in found.notes)


def test_no_interval_without_spread() -> None:
    with pytest.raises(CannotEstimate, match="standard errors of the bounds are zero"):
        imbens_manski(0.0, 1.0, 0.0, 0.0, 0.95)


@pytest.mark.parametrize(
    ("counts", "options", "said"),
    [
        ((10, 11, 10, 5), {}, "no more observed"),
        ((10, -1, 10, 5), {}, "whole numbers from 0"),
        ((0, 0, 10, 5), {}, "Nobody was randomised"),
        ((10, 5, 10, 5), {"gone_t": 6}, "whole numbers from 0 to 5"),
        ((10, 5, 10, 5), {"gone_c": 1.5}, "given as gone"),
        ((10, 5, 10, 5), {"gone_c": None}, "given as gone"),
        ((10, 5, 10, 5), {"boundary": "low"}, "Allowed: cautious, optimistic"),
    ],
)
def test_returns_needed_refuses(counts: Any, options: Any, said: str) -> None:
    with pytest.raises(EvalkitError) as error:
        returns_needed(*counts, **options)
    assert said in str(error.value)


def test_returns_needed_in_words() -> None:
    assert "no further returns are needed" in returns_needed(20, 18, 20, 18).sentence
    assert (
        "cannot be reached, even with all 22"
        in returns_needed(100, 60, 100, 80, gone_t=38).sentence
    )
    found = returns_needed(100, 60, 100, 80)
    assert (found.needed_treatment, found.needed_comparison) == (15, 0)
    assert (
        "15 more returns (15 of treatment, 0 of comparison) would bring it inside" in found.sentence
    )
    assert "has no room at this loss" in returns_needed(100, 20, 100, 30).sentence


@pytest.mark.parametrize(
    ("overall", "differential", "said"),
    [
        (30, 0.04, "a share from 0 to 1"),
        (0.3, None, "a share from 0 to 1"),
        (0.3, float("nan"), "a share from 0 to 1"),
        (0.1, 0.3, "Allowed: 0 to 0.2"),
        (0.75, 0.5, "Everybody of an arm is lost"),
    ],
)
def test_bias_refuses(overall: Any, differential: Any, said: str) -> None:
    with pytest.raises(EvalkitError) as error:
        attrition_bias(overall, differential)
    assert said in str(error.value)


def test_sentences_say_what_was_found(study: pd.DataFrame) -> None:
    b, w = lee(study.iloc[1:]), worst(study)
    assert "lies between" in b.sentence and "would be seen in either arm" in b.sentence
    assert "on the scale from 0 to 10" in w.sentence
    assert "seen in the treatment arm" in weights(study).sentence


def test_any_frame_will_do(study: pd.DataFrame) -> None:
    pytest.importorskip("polars")
    import polars

    data = polars.from_pandas(study)
    assert lee(data).lower == lee(study).lower
    assert worst(data).upper == worst(study).upper
    np.testing.assert_array_equal(weights(data).weights, weights(study).weights)
