"""What patterns, Little's test, response models and flags refuse, and what they say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from evalkit.errors import CannotEstimate, EvalkitError, InvalidInput
from evalkit.stats.missing.answering import fast_answers, straight_lining
from evalkit.stats.missing.little import little_mcar
from evalkit.stats.missing.patterns import missing_patterns
from evalkit.stats.missing.response import response_model
from evalkit.stats.missing.stayers import stayers_and_leavers
from evalkit.stats.missing.wave_patterns import wave_patterns

N = 80


def trial(**columns: Any) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"arm": np.arange(N) % 2, "age": rng.normal(30, 5, N)})
    frame["seen"] = (rng.random(N) < 0.6).astype(int)
    frame["site"] = np.arange(N) // 8
    return frame.assign(**columns)


def respond(frame: pd.DataFrame, **options: Any) -> Any:
    call = {"observed": "seen", "treatment": "arm", "covariates": "age"}
    return response_model(frame, **(call | options))


def stay(frame: pd.DataFrame, **options: Any) -> Any:
    call = {"observed": "seen", "treatment": "arm", "covariates": "age"}
    return stayers_and_leavers(frame, **(call | options))


def numbers(**columns: Any) -> pd.DataFrame:
    rng = np.random.default_rng(2)
    frame = pd.DataFrame(rng.normal(size=(30, 3)), columns=list("abc"))
    frame.loc[:8, "a"] = np.nan
    return frame.assign(**columns)


@pytest.mark.parametrize("call", [respond, stay])
@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"observed": "sen"}, "Did you mean 'seen'?"),
        ({"covariates": ()}, "covariates is empty"),
        ({"covariates": ["age", "age"]}, "twice in covariates"),
        ({"covariates": "seen"}, "both as observed and as covariates"),
        ({"observed": "age", "covariates": "site"}, "0 and 1"),
        ({"treatment": "age", "covariates": "site"}, "0 and 1, or true and false"),
        ({"treatment": "age", "covariates": "site", "treated": 3}, "different values"),
    ],
)
def test_columns_that_do_not_fit(call: Any, options: Any, said: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        call(trial(), **options)
    assert said in str(caught.value)


ARM = np.arange(N) % 2
SEEN = trial()["seen"].to_numpy()


@pytest.mark.parametrize(
    ("columns", "options", "said"),
    [
        ({"seen": np.where(ARM == 1, 1, SEEN)}, {}, "Everybody in the treatment arm was observed"),
        ({"seen": np.where(ARM == 0, 0, SEEN)}, {}, "Nobody in the comparison arm was observed"),
        ({"arm": 1}, {}, "comparison arm has 0 rows"),
        # a level only among the lost
        (
            {"where": np.where((SEEN == 0) & (np.arange(N) < 30), "hostel", "home")},
            {"covariates": ["age", "where"]},
            "'where=hostel' decide(s)",
        ),
        # a level in one arm only
        (
            {"where": np.where((ARM == 1) & (np.arange(N) < 40), "b", "a")},
            {"covariates": ["age", "where"]},
            "'where=b' has one value in the comparison arm",
        ),
        ({"where": np.where(ARM == 1, "b", "a")}, {"covariates": "where"}, "is determined by"),
        ({"site": ARM}, {"cluster": "site"}, "has one cluster"),
        ({"age": np.nan}, {}, "80 with no age"),
    ],
)
def test_response_that_cannot_be_modelled(columns: Any, options: Any, said: str) -> None:
    with pytest.raises(CannotEstimate) as caught:
        respond(trial(**columns), **options)
    assert said in str(caught.value)


def test_two_covariates_that_are_one_are_said() -> None:
    found = respond(trial(months=trial()["age"] * 12), covariates=["age", "months"])
    assert any("'months' is fixed by the other columns" in note for note in found.notes)
    assert set(found.to_frame()["term"]) == {"arm", "age"}


def test_too_few_clusters_for_a_joint_test_are_said() -> None:
    rng = np.random.default_rng(3)
    more = {name: rng.normal(size=N) for name in "wxyz"}
    found = respond(trial(site=np.arange(N) % 6, **more), covariates=list("wxyz"), cluster="site")
    assert found.by_covariates is None
    assert any("No test 'by_covariates'" in note for note in found.notes)


def test_few_lost_are_said() -> None:
    found = respond(trial(seen=np.where(np.isin(np.arange(N), [1, 4, 9, 30]), 0, 1)))
    assert sum("are few for 1 covariate" in note for note in found.notes) == 2


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (numbers(a=np.nan), "'a' has no values"),
        (numbers(b=1.0), "'b' has one value only"),
        (numbers().dropna(), "Nothing is missing"),
        (numbers(b=np.where(np.arange(30) < 9, 1.0 * np.arange(30), np.nan)), "together in 0 row"),
        (numbers(d=numbers()["b"] + numbers()["c"]), "determine one another"),
        (numbers().iloc[:0], "no rows"),
        (numbers().iloc[[0, 1, 10, 11]], "4 rows for 4 parameters"),
    ],
)
def test_little_cannot(frame: pd.DataFrame, said: str) -> None:
    with pytest.raises(CannotEstimate) as caught:
        little_mcar(frame)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    "call",
    [
        lambda: little_mcar(numbers(b="x")),
        lambda: little_mcar(numbers(), ["a", "a"]),
        lambda: little_mcar([1, 2]),
        lambda: missing_patterns(numbers(), "z"),
        lambda: missing_patterns(numbers(), []),
        lambda: missing_patterns(numbers().iloc[:0]),
        lambda: wave_patterns(numbers(), waves=["a"]),
        lambda: wave_patterns(numbers(), waves=["a", "a"]),
        lambda: wave_patterns(numbers(), waves=["a", "b"], treatment="c"),
        lambda: straight_lining(numbers(), reverse=[]),
        lambda: straight_lining(numbers(), reverse=["a", "b", "c"]),
        lambda: straight_lining(numbers(), reverse=["c"], columns=["a", "b"]),
        lambda: straight_lining(numbers(b="x"), reverse=["a"]),
        lambda: fast_answers([1, 0], 5),
        lambda: fast_answers([1, 2], [5]),
        lambda: fast_answers([1, 2], -5),
        lambda: fast_answers([1, 2], 5, per_item=0),
        lambda: fast_answers(["slow"], 5),
    ],
)
def test_what_is_refused_is_said(call: Any) -> None:
    with pytest.raises(EvalkitError) as caught:
        call()
    assert "Allowed" in str(caught.value) or isinstance(
        caught.value, (CannotEstimate, InvalidInput)
    )
