"""What reference-based imputation and tipping points refuse, and what they say when they do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from evalkit.errors import CannotEstimate, InvalidInput
from evalkit.stats.imputing.reference_based import reference_based
from evalkit.stats.imputing.reference_differences import reference_based_difference
from evalkit.stats.imputing.strategies import reference_conditional, strategy_profile
from evalkit.stats.imputing.tipping import tipping_point, tipping_surface
from evalkit.stats.imputing.tipping_curve import tipping_delta


@pytest.fixture
def waves() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"person": np.repeat(np.arange(40), 3), "wave": np.tile([1.0, 2, 3], 40)})
    frame["arm"] = frame["person"] % 2
    frame["age"] = np.repeat(rng.normal(30, 5, 40), 3)
    frame["y"] = rng.normal(10, 2, 120) + np.repeat(rng.normal(0, 2, 40), 3)
    frame.loc[frame["person"].isin([4, 5, 6, 7]) & (frame["wave"] > 1), "y"] = np.nan
    frame["word"] = frame["wave"].map({1: "one", 2: "two", 3: "three"})
    return frame


def based(frame: pd.DataFrame, **options: Any) -> Any:
    call = {"outcome": "y", "treatment": "arm", "person": "person", "wave": "wave"}
    return reference_based(frame, **({**call, "seed": 1, "m": 2} | options))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"strategy": "BOCF"}, "MAR, J2R, CR, CIR, LMCF"),
        ({"outcome": "z"}, "no such column"),
        ({"outcome": "word"}, "Allowed: numbers"),
        ({"treatment": "word"}, "treated="),
        ({"wave": "word"}, "Name the waves in order with waves="),
        ({"waves": [1, 2, 4]}, "4, which is not there"),
        ({"waves": [1, 2, 2]}, "2 twice"),
        ({"baseline": 9}, "neither a column nor a value"),
        ({"covariates": "y"}, "both as outcome and as covariates"),
        ({"person": "arm"}, "both as treatment and as person"),
        ({"delta": "much"}, "delta='much'"),
        ({"delta": {9: 1.0}}, "delta has 9"),
        ({"seed": -1}, "seed=-1"),
        ({"m": 0}, "m=0"),
        ({"covariance": "none"}, "common, by-arm"),
        ({"treatment": "word", "treated": "one"}, "3 different values"),
    ],
)
def test_arguments(waves: pd.DataFrame, options: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        based(waves, **options)
    assert said in str(refused.value)


def test_people(waves: pd.DataFrame) -> None:
    with pytest.raises(InvalidInput, match="repeat a person"):
        based(pd.concat([waves, waves.head(1)]))
    waves.loc[0, "arm"] = 1
    with pytest.raises(InvalidInput, match="more than one value"):
        based(waves)
    waves.loc[0, "arm"] = 0
    with pytest.raises(InvalidInput, match="one value a person"):
        based(waves.assign(changing=waves["wave"] * 2), covariates="changing")
    with pytest.raises(InvalidInput, match="taken by a column"):
        based(waves.rename(columns={"age": "imputed"}), covariates="imputed")


def test_waves_that_tell_nothing(waves: pd.DataFrame) -> None:
    def at(which: Any, wave: int) -> pd.DataFrame:
        return waves.assign(y=waves["y"].mask(which & (waves["wave"] == wave)))

    everybody = waves["person"] >= 0
    for options in ({"waves": [3]}, {"waves": [1, 2], "baseline": 1}):
        with pytest.raises(CannotEstimate, match="at least 2 are needed"):
            based(waves, **options)
    with pytest.raises(CannotEstimate, match="Nobody has 'y' at wave '2'"):
        based(at(everybody, 2))
    with pytest.raises(CannotEstimate, match="Nobody in the treatment arm has 'y' at wave '3'"):
        based(at(waves["arm"] == 1, 3))
    with pytest.raises(CannotEstimate, match="nothing to impute"):
        based(waves[~waves["person"].isin([4, 5, 6, 7])])
    with pytest.raises(CannotEstimate, match="Two of the waves were seen together in 4 people"):
        based(at(waves["person"] > 3, 2))
    few = waves["y"].mask((waves["arm"] == 1) & (waves["person"] > 9) & (waves["wave"] == 3))
    with pytest.raises(CannotEstimate, match="In the treatment arm two of the waves"):
        based(waves.assign(y=few), covariance="by-arm")
    with pytest.raises(CannotEstimate, match="does not vary"):
        based(waves.assign(y=waves["y"].mask(waves["wave"] == 1, 5.0)))
    double = waves.assign(y=waves["y"].where(waves["wave"] != 3, waves["y"].shift(1)))
    with pytest.raises(CannotEstimate, match="determine one another"):
        based(double)
    with pytest.raises(CannotEstimate, match="One imputation"):
        based(waves, m=1)
    with pytest.raises(CannotEstimate, match="treatment arm has 0 rows"):
        based(waves[waves["arm"] == 0])
    with pytest.raises(CannotEstimate, match="determined by the covariates"):
        based(waves.assign(copy=waves["arm"]), covariates="copy")
    lone = waves.assign(kind=((waves["arm"] == 1) & (waves["person"] < 20)).astype(int))
    with pytest.raises(CannotEstimate, match='covariance="common"'):
        based(lone, covariates="kind", covariance="by-arm")


def test_the_table_of_strategies(waves: pd.DataFrame) -> None:
    call = {"outcome": "y", "treatment": "arm", "person": "person", "wave": "wave", "seed": 1}
    with pytest.raises(InvalidInput, match="is no wave"):
        reference_based_difference(waves, **call, at=7)
    with pytest.raises(InvalidInput, match="each once"):
        reference_based_difference(waves, **call, strategies=["CR", "CR"])
    with pytest.raises(InvalidInput, match="between 0 and 1"):
        reference_based_difference(waves, **call, level=95)


def test_pure_functions() -> None:
    means = {"mean_treatment": [1, 2], "mean_reference": [1, 3]}
    with pytest.raises(InvalidInput, match="before the last one seen"):
        reference_conditional([np.nan, 1], **means, covariance=np.eye(2))
    with pytest.raises(InvalidInput, match="2 means an arm"):
        reference_conditional([1, np.nan], **means, covariance=np.eye(3))
    with pytest.raises(CannotEstimate, match="positive definite"):
        reference_conditional([1, np.nan], **means, covariance=np.ones((2, 2)))
    with pytest.raises(InvalidInput, match="strategy='BOCF'"):
        strategy_profile("BOCF", **means, covariance_treatment=1, covariance_reference=1, last=0)
    for bad in ((1.0, 0.0, 0.2), (1.0, 1.0, 0.0), (1.0, 1.0, 1.5), (np.nan, 1.0, 0.2)):
        with pytest.raises(InvalidInput):
            tipping_delta(*bad)


@pytest.fixture
def scores() -> pd.DataFrame:
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({"arm": np.arange(40) % 2, "x": rng.normal(size=40)})
    frame["y"] = rng.normal(10, 2, 40) + frame["x"]
    frame.loc[[1, 3, 5, 6], "y"] = np.nan
    return frame


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"arm": "all"}, "treatment, comparison, both"),
        ({"sd": 0}, "sd=0"),
        ({"reliable_change": -2}, "reliable_change=-2"),
        ({"minimal_change": "3"}, "minimal_change='3'"),
        ({"deltas": []}, "deltas=[]"),
        ({"seed": None}, "seed= is not given"),
        ({"method": "pmm"}, "no column to match people by"),
        ({"auxiliary": "y"}, "both as outcome and as auxiliary"),
        ({"level": 0}, "between 0 and 1"),
        ({"imputations": [pd.DataFrame({"y": [1.0], "arm": [1]})] * 2}, "has 1 rows"),
    ],
)
def test_tipping_arguments(scores: pd.DataFrame, options: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        tipping_point(scores, **({"outcome": "y", "treatment": "arm", "seed": 1, "m": 3} | options))
    assert said in str(refused.value)


def test_nothing_to_shift(scores: pd.DataFrame) -> None:
    call: dict[str, Any] = {"outcome": "y", "treatment": "arm", "seed": 1, "m": 3}
    treated = scores["arm"] == 1
    whole = scores.assign(y=scores["y"].where(scores["y"].notna() | ~treated, 9.0))
    with pytest.raises(CannotEstimate, match="missing for nobody in the treatment arm"):
        tipping_point(whole, **call)
    with pytest.raises(CannotEstimate, match="missing for nobody in the treatment arm"):
        tipping_surface(whole, **call, deltas_treatment=[0], deltas_comparison=[0])
    with pytest.raises(CannotEstimate, match="missing for everybody in the comparison arm"):
        tipping_point(scores.assign(y=scores["y"].where(treated)), **call)
    with pytest.raises(CannotEstimate, match="2 are needed"):
        tipping_point(scores, **(call | {"m": 1}))
    lost = scores.assign(gone=(scores["y"].isna() & treated).astype(float))
    filled = [lost.assign(y=lost["y"].fillna(v)) for v in (9.0, 11.0)]
    with pytest.raises(CannotEstimate, match="explain which"):
        tipping_point(lost, **call, covariates="gone", imputations=filled)
    filled[0].loc[0, "y"] += 1
    with pytest.raises(InvalidInput, match="changes observed ones"):
        tipping_point(lost, **call, imputations=filled)
    filled[0].loc[0, "y"] -= 1
    filled[1].loc[0, "x"] = np.nan
    with pytest.raises(InvalidInput, match="covariates without gaps"):
        tipping_point(lost, **call, covariates="x", imputations=filled)
