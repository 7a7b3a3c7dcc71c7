"""What chained equations refuse, and what they say when they answer all the same."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest

from evalkit.errors import CannotEstimate, InvalidInput
from evalkit.stats.imputing.chained import Imputations, impute


@pytest.fixture
def study() -> pd.DataFrame:
    draw = np.random.default_rng(5)
    n = 80
    age = draw.integers(20, 60, n).astype(float)
    score = np.round(10 + 0.1 * age + draw.normal(0, 2, n))
    frame = pd.DataFrame(
        {
            "arm": np.tile([1, 0], n // 2),
            "age": age,
            "score": score,
            "calm": score + draw.normal(0, 1, n),
            "site": draw.choice(["north", "south", "west"], n),
            "family": np.repeat(np.arange(n // 2), 2),
        }
    )
    frame.loc[draw.random(n) < 0.3, "score"] = np.nan
    return frame


def done(data: Any, **options: Any) -> Imputations:
    return impute(data, **({"m": 2, "iterations": 2, "seed": 1, "ignore": "family"} | options))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"m": 0}, "m=0"),
        ({"iterations": 0}, "iterations=0"),
        ({"seed": -1}, "seed=-1"),
        ({"workers": 0}, "workers=0"),
        ({"method": "logreg"}, "Allowed: pmm, norm, auto"),
        ({"methods": {"score": "mean"}}, "Allowed: pmm, norm, logreg"),
        ({"methods": {"score": "polyreg"}}, "does not suit numbers"),
        ({"methods": {"site": "pmm"}}, "does not suit categories"),
        ({"methods": {"scores": "pmm"}}, "Did you mean 'score'?"),
        ({"methods": {"family": "pmm"}}, "not imputed"),
        ({"bounds": {"score": (5, 5)}}, "the lowest and the highest"),
        ({"bounds": {"score": (16, 40)}}, "lie outside the bounds"),
        ({"bounds": {"site": (0, 1)}}, "no column of numbers"),
        ({"by": "age", "ignore": "age"}, "both as by and as ignore"),
        ({"predictors": "best"}, "a number of columns"),
        ({"predictors": 0}, "a number of columns"),
        ({"predictors": {"score": ["agee"]}}, "'agee'"),
        ({"predictors": {"score": ["score"]}}, "its own predictor"),
    ],
)
def test_invalid_calls(study: pd.DataFrame, options: Any, said: str) -> None:
    with pytest.raises(InvalidInput) as error:
        done(study, **options)
    assert said in str(error.value)


@pytest.mark.parametrize("part", ["by", "treatment", "cluster"])
def test_an_arm_or_cluster_is_never_imputed(study: pd.DataFrame, part: str) -> None:
    gaps = study.assign(arm=study["arm"].astype(float).where(study.index != 3))
    with pytest.raises(InvalidInput, match="never imputed"):
        done(gaps, **{part: "arm"})


def test_missing_in_one_arm(study: pd.DataFrame) -> None:
    study.loc[study["arm"] == 1, "score"] = np.nan
    with pytest.raises(CannotEstimate, match="'score' is missing for everyone in arm 1"):
        done(study, by="arm")


def test_a_wave_with_nobody(study: pd.DataFrame) -> None:
    with pytest.raises(CannotEstimate, match="'later' is missing for everyone,"):
        done(study.assign(later=np.nan))


def test_a_total_beside_its_parts(study: pd.DataFrame) -> None:
    study["total"] = study["score"] + study["calm"]
    with pytest.raises(CannotEstimate, match=r"'score' is fixed exactly by .*'total'"):
        done(study)
    with pytest.raises(CannotEstimate, match="'score' is fixed exactly by 'twice'"):
        done(study.assign(total=0.0, twice=2 * study["score"] - 1))


def test_too_many_predictors(study: pd.DataFrame) -> None:
    draw = np.random.default_rng(1)
    more = pd.DataFrame(draw.normal(size=(80, 60)), columns=[f"q{n}" for n in range(60)])
    wide = pd.concat([study, more], axis=1)
    with pytest.raises(CannotEstimate, match='predictors="auto"'):
        done(wide)
    assert "strongest by correlation" in " ".join(done(wide, predictors="auto").notes)
    assert "from 3 to 3 of" in " ".join(done(wide, predictors=3).notes)


def test_dates_and_names(study: pd.DataFrame) -> None:
    days = pd.date_range("2024-01-01", periods=80)
    found = done(study.assign(seen=days, name=[f"p{n}" for n in range(80)]))
    assert any("'seen'" in note for note in found.notes)
    assert any("'name' holds 80 different values" in note for note in found.notes)
    with pytest.raises(InvalidInput, match="some missing"):
        done(study.assign(seen=days.where(days.day != 3)))


def test_a_column_of_the_cluster(study: pd.DataFrame) -> None:
    income = np.repeat(np.random.default_rng(1).normal(size=40), 2)
    income[:3] = np.nan
    with pytest.raises(CannotEstimate, match="belongs to the cluster"):
        done(study.assign(income=income), cluster="family", ignore=())
    with pytest.raises(CannotEstimate, match="fewer than 3"):
        done(study, cluster="arm")


def test_one_imputation_says_so(study: pd.DataFrame) -> None:
    found = done(study, m=1)
    assert len(found) == 1
    assert "between imputations cannot be estimated" in found.notes[0]


def test_a_level_seen_only_among_the_lost(study: pd.DataFrame) -> None:
    lost = study["score"].isna()
    study.loc[lost, "site"] = "west"
    study.loc[~lost, "site"] = np.where(study.loc[~lost, "age"] > 40, "north", "south")
    found = done(study)
    assert (
        "'site=west' was left out as a predictor of 'score': among those with a value"
        in " ".join(found.notes)
    )
    kinds = pd.Categorical(study["site"].where(study.index > 5), ["east", "north", "south", "west"])
    assert "nobody observed has east" in " ".join(done(study.assign(site=kinds)).notes)


def test_collinear_and_constant_predictors_are_named(study: pd.DataFrame) -> None:
    found = " ".join(done(study.assign(months=study["age"] * 12, one=1.0)).notes)
    assert "'months' was left out as a predictor of 'score': the other predictors fix it" in found
    assert "'one' was left out as a predictor of 'score': it has one value" in found
    same = done(study.assign(flat=np.where(study.index < 9, np.nan, 4.0)))
    assert all((frame["flat"] == 4.0).all() for frame in same)
    assert any("'flat' has one value" in note for note in same.notes)


def test_nothing_missing_and_no_rows(study: pd.DataFrame) -> None:
    whole = study.dropna()
    found = done(whole)
    assert "No value is missing" in found.notes[0]
    assert all(frame.equals(whole) for frame in found)
    with pytest.raises(InvalidInput, match="no rows"):
        done(study.iloc[:0])


def test_the_result_carries_its_record(study: pd.DataFrame) -> None:
    found = done(study, by="arm", method="norm", bounds={"score": (0, 30)})
    assert isinstance(found, list)
    assert found.counts == {"score": int(study["score"].isna().sum())}
    assert found.methods == {"score": "norm"}
    assert list(found.trace.columns) == ["column", "arm", "chain", "iteration", "mean", "sd"]
    assert len(found.trace) == 2 * 2 * 2
    assert any("cut off at the bounds" in note for note in found.notes)
    assert found.to_frame()["n_imputed"].tolist() == list(found.counts.values())
    again = pickle.loads(pickle.dumps(found))
    assert again.notes == found.notes
    assert again[0].equals(found[0])
    last = found.trace.query("arm == 1 and chain == 2 and iteration == 2")["mean"].item()
    drawn = found[1].loc[study["score"].isna() & (study["arm"] == 1), "score"]
    assert last == pytest.approx(drawn.mean())
