"""What matching refuses, and the statements that limit what it answers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from evalkit.errors import CannotEstimate, InvalidInput
from evalkit.stats import balance
from evalkit.stats.matching.matching import match


@pytest.fixture
def study() -> pd.DataFrame:
    random = np.random.default_rng(6)
    n = 60
    x = random.normal(size=n)
    arm = (random.random(n) < 1 / (1 + np.exp(-x))).astype(int)
    return pd.DataFrame(
        {
            "arm": arm,
            "x": x,
            "z": random.normal(size=n),
            "kind": random.choice(["a", "b"], n),
            "family": [f"f{i // 2}" for i in range(n)],
            "same": 3,
            "copy": 2 * x + 1,
            "name": [f"n{i}" for i in range(n)],
        }
    )


def matched(data: Any, **options: Any) -> Any:
    return match(data, **({"treatment": "arm", "covariates": ["x", "z"]} | options))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"covariates": ["x", "zz"]}, "Did you mean 'z'?"),
        ({"covariates": []}, "at least one covariate"),
        ({"covariates": ["x", "x"]}, "twice in covariates"),
        ({"covariates": ["arm", "x"]}, "both as treatment and as covariates"),
        ({"treatment": "kind"}, "treated="),
        ({"method": "closest"}, "method='closest'"),
        ({"distance": "propensty"}, "Did you mean 'propensity'?"),
        ({"distance": "kind"}, "Allowed: numbers"),
        ({"ratio": 0}, "a whole number from 1"),
        ({"ratio": 1.5}, "a whole number from 1"),
        ({"ratio": 2, "method": "full"}, '"nearest" or "optimal"'),
        ({"replace": True, "method": "optimal"}, 'method="nearest"'),
        ({"caliper": -1}, "a number above 0"),
        ({"caliper": True}, "a number above 0"),
        ({"caliper": float("nan")}, "a number above 0"),
        ({"caliper": 0.2, "method": "subclass"}, '"nearest", "optimal" or "full"'),
        ({"caliper": 0.2, "distance": "z"}, 'caliper_scale="score"'),
        ({"caliper_scale": "sd"}, "caliper_scale='sd'"),
        ({"order": "random"}, "seed="),
        ({"order": "up"}, "order='up'"),
        ({"estimand": "ATE"}, "pairs are made for one arm"),
        ({"estimand": "LATE"}, "estimand='LATE'"),
        ({"link": "cloglog"}, "link='cloglog'"),
        ({"method": "subclass", "distance": "mahalanobis"}, "no score"),
        ({"subclasses": 1, "method": "subclass"}, "a whole number from 2"),
        ({"cutpoints": {"x": 3}}, 'method="coarsened-exact"'),
        ({"cutpoints": {"y": 3}, "method": "coarsened-exact"}, "named in cutpoints"),
        ({"cutpoints": {"x": 0}, "method": "coarsened-exact"}, "a list of cut points"),
        ({"cutpoints": {"x": ["a"]}, "method": "coarsened-exact"}, "a list of cut points"),
        ({"exact": "knd"}, "Did you mean 'kind'?"),
        ({"unit": "famly"}, "Did you mean 'family'?"),
    ],
)
def test_invalid(study: pd.DataFrame, options: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput) as error:
        matched(study, **options)
    assert said in str(error.value)


def test_families_split_between_arms_are_named(study: pd.DataFrame) -> None:
    split = study.groupby("family")["arm"].nunique()
    with pytest.raises(CannotEstimate) as error:
        matched(study, unit="family")
    said = str(error.value)
    assert f"{(split > 1).sum()} unit(s) have rows in both arms: " in said
    assert repr(next(f for f in study["family"] if split[f] > 1)) in said


def test_exact_columns_that_differ_within_a_unit(study: pd.DataFrame) -> None:
    study["arm"] = study.groupby("family")["arm"].transform("first")
    with pytest.raises(CannotEstimate, match="more than one value within"):
        matched(study, unit="family", exact="name")


def test_repeated_units_of_one_arm_are_one(study: pd.DataFrame) -> None:
    twice = pd.concat([study, study.iloc[:10]], ignore_index=True)
    found, once = matched(twice, unit="name"), matched(study, unit="name")
    assert any("70 rows make 60 units of 'name'" in note for note in found.notes)
    np.testing.assert_array_equal(found.weights[:60], once.weights)


@pytest.mark.parametrize("method", ["nearest", "optimal", "full", "subclass"])
def test_perfect_prediction(study: pd.DataFrame, method: str) -> None:
    with pytest.raises(CannotEstimate, match="predicted perfectly for some units by 'told'"):
        matched(study.assign(told=study["arm"] * 2 + study["z"] / 9), covariates=["told"],
                method=method)  # fmt: skip
    only = study.assign(told=(study["arm"] == 1) & (study["x"] > 1))
    with pytest.raises(CannotEstimate, match="'told'"):
        matched(only, covariates=["z", "told"], link="probit")


@pytest.mark.parametrize("treated", [0, 1])
def test_too_few_in_an_arm(study: pd.DataFrame, treated: int) -> None:
    study["arm"] = 0
    study.loc[study.index[:treated], "arm"] = 1
    with pytest.raises(CannotEstimate, match=f"treatment arm has {treated} row"):
        matched(study)


def test_nobody_at_all(study: pd.DataFrame) -> None:
    with pytest.raises(CannotEstimate, match="at least 2 are needed"):
        matched(study.iloc[:0])
    with pytest.raises(CannotEstimate, match="no unit to match"):
        matched(study.assign(family=None), unit="family")
    with pytest.raises(CannotEstimate, match="60 with no x"):
        matched(study.assign(x=np.nan))


@pytest.mark.parametrize("method", ["nearest", "optimal", "full"])
def test_a_caliper_that_drops_everyone(study: pd.DataFrame, method: str) -> None:
    with pytest.raises(CannotEstimate, match="leaves nobody to match"):
        matched(study, caliper=1e-12, method=method)
    with pytest.raises(CannotEstimate, match="share no value of the exact columns"):
        matched(study, exact="name", method=method)
    with pytest.raises(CannotEstimate, match="No stratum has units of both arms"):
        matched(study, method="exact")


def test_no_overlap_is_said(study: pd.DataFrame) -> None:
    apart = study.assign(risk=study["arm"] * 10 + study["x"])
    found = matched(apart, distance="risk")
    assert found.overlap == 0
    assert any(note.startswith("No overlap: ") for note in found.notes)
    assert matched(study, distance="z").overlap > 0.5


def test_constant_and_determined_covariates_are_left_out(study: pd.DataFrame) -> None:
    plain = matched(study)
    for distance in ("propensity", "mahalanobis"):
        found = matched(study, covariates=["x", "z", "same", "copy"], distance=distance)
        assert any("'same' has one value" in note for note in found.notes)
        assert any("'copy' is fixed by the other columns" in note for note in found.notes)
        if distance == "propensity":
            np.testing.assert_array_equal(found.weights, plain.weights)
        assert "same" in set(found.balance()["covariate"])
    with pytest.raises(CannotEstimate, match="nothing to match on"):
        matched(study, covariates="same")
    with pytest.raises(CannotEstimate, match="nothing to match on"):
        matched(study, distance="same")


def test_reasons_for_those_left_out(study: pd.DataFrame) -> None:
    study["arm"] = study["arm"].astype(float)
    study.loc[0, "arm"] = np.nan
    study.loc[1, "z"] = np.nan
    study.loc[2, "kind"] = None
    found = matched(study, caliper=0.1, exact="kind")
    reasons = dict(found.dropped_why)
    assert (reasons["no arm"], reasons["no z"], reasons["no kind"]) == (1, 1, 1)
    lost = sum((found.weights == 0) & (study["arm"] == 1)) - sum(study["arm"][[1, 2]] == 1)
    assert any(note.startswith(f"{lost} of ") and "no match" in note for note in found.notes)
    table = found.unmatched
    assert table.loc[table["unit"] == 0, "arm"].isna().all()
    assert {"nobody within the caliper", "not chosen as a match"} <= set(table["reason"])
    assert np.isnan(found.distance[[0, 1, 2]]).all()
    assert pd.isna(found.sets[0])


def test_matching_changes_nothing_of_the_data(study: pd.DataFrame) -> None:
    before = study.copy(deep=True)
    matched(study, unit="name", exact="kind").balance()
    pd.testing.assert_frame_equal(study, before)


def test_weights_of_balance(study: pd.DataFrame) -> None:
    found = matched(study)
    table = balance(study, treatment="arm", covariates="x", weights=found.weights)
    assert table.loc[0, "smd"] != table.loc[0, "smd_before"]
    with pytest.raises(InvalidInput, match="59 values for 60 rows"):
        balance(study, treatment="arm", covariates="x", weights=found.weights[1:])
    with pytest.raises(InvalidInput, match="negative"):
        balance(study, treatment="arm", covariates="x", weights=-found.weights)
    own = balance(study, treatment="arm", covariates="x", estimand="ATC")
    assert own.loc[0, "denominator"] == "SD of the comparison"


def test_a_column_of_names_is_no_covariate() -> None:
    frame = pd.DataFrame({"arm": [0, 1] * 600, "who": [f"p{i}" for i in range(1200)]})
    with pytest.raises(InvalidInput, match="has 1200 different values"):
        match(frame, treatment="arm", covariates="who")
