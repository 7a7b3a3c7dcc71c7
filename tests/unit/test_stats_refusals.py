"""What the statistics refuse, and what they say when they do."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pandas as pd
import pytest

from evalkit import stats
from evalkit.errors import CannotEstimate, InvalidInput
from evalkit.stats.least_squares.linear import fit

NOTHING: Any = None


@pytest.fixture
def study() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "score": [3.0, 5, 4, 8, 6, 7, 2, 9, 5, 4],
            "arm": [1, 1, 1, 1, 1, 0, 0, 0, 0, 0],
            "name": ["a"] * 5 + ["b"] * 5,
            "age": [30.0, 41, 35, 28, 39, 33, 45, 29, 31, 38],
            "site": [1, 1, 2, 2, 3, 4, 4, 5, 5, 6],
            "weight": [1.0] * 10,
        }
    )


def difference(data: Any, **options: Any) -> Any:
    return stats.mean_difference(data, **({"outcome": "score", "treatment": "arm"} | options))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"outcome": "scor"}, "Did you mean 'score'?"),
        ({"outcome": "scor"}, "Allowed: score, arm, name"),
        ({"outcome": "name"}, "Allowed: numbers"),
        ({"treatment": "name"}, "treated="),
        ({"treatment": "name", "treated": "c"}, "Allowed: 'a', 'b'"),
        ({"treatment": "site", "treated": 1}, "6 different values"),
        ({"covariates": ["score"]}, "both as outcome and as covariates"),
        ({"covariates": ["age", "age"]}, "named twice in covariates"),
        ({"covariates": [5]}, "names as text"),
        ({"outcome": None}, "names as text"),
        ({"strata": ["site", "name"]}, "the name of one column"),
        ({"cluster": ["site"]}, "the name of one column"),
        ({"se": "HC9"}, "se='HC9'"),
        ({"se": "HC1", "cluster": "site"}, "ignores the clusters"),
        ({"se": "CR2"}, "needs cluster="),
        ({"df": "welch"}, "df='welch'"),
        ({"level": 95}, "between 0 and 1"),
        ({"level": "high"}, "between 0 and 1"),
    ],
)
def test_invalid_calls(study: pd.DataFrame, options: Any, said: str) -> None:
    with pytest.raises(InvalidInput) as error:
        difference(study, **options)
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda f: stats.difference_in_means(f, outcome=NOTHING, treatment="arm"), "names as text"),
        (
            lambda f: stats.wild_cluster_bootstrap(
                f, outcome="score", treatment="arm", cluster=NOTHING, seed=1
            ),
            "column of clusters",
        ),
        (lambda f: stats.randomise(["a", "b"], arms=NOTHING, seed=1), "two or more different arms"),
    ],
    ids=["outcome", "cluster", "arms"],
)
def test_none_where_something_is_needed(study: pd.DataFrame, call: Any, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        call(study)


def test_columns_numbered_by_pandas_go_by_text(study: pd.DataFrame) -> None:
    numbered = study[["score", "arm"]].set_axis([0, 1], axis=1)
    found = stats.mean_difference(numbered, outcome="0", treatment="1")
    assert found.estimate == difference(study).estimate


def test_invalid_values(study: pd.DataFrame) -> None:
    with pytest.raises(InvalidInput, match=r"infinite value.*row 2"):
        difference(study.assign(score=study["score"].where(study.index != 1, np.inf)))
    with pytest.raises(InvalidInput, match="infinite"):
        difference(study.assign(age=-np.inf), covariates="age")
    with pytest.raises(InvalidInput, match="negative weights"):
        difference(study.assign(weight=-1.0), weights="weight")
    with pytest.raises(InvalidInput, match="datetime64"):
        difference(study.assign(age=pd.Timestamp("2024-04-01")), covariates="age")
    with pytest.raises(InvalidInput, match="more than once"):
        difference(pd.concat([study, study[["score"]]], axis=1))
    with pytest.raises(InvalidInput, match="pandas DataFrame"):
        difference({"score": [1, 2], "arm": [0, 1]})


def changed(study: pd.DataFrame, **columns: Any) -> pd.DataFrame:
    return study.assign(**columns)


@pytest.mark.parametrize(
    ("columns", "options", "said"),
    [
        ({"arm": 1}, {}, "comparison arm has 0"),
        ({"arm": [1] * 9 + [0]}, {}, "comparison arm has 1"),
        ({"arm": [1] + [0] * 9}, {}, "treatment arm has 1"),
        ({"age": np.nan}, {"covariates": "age"}, "10 with no age"),
        ({"score": 4.0}, {}, "does not vary"),
        ({"score": [1.0] * 5 + [2.0] * 5}, {}, "exactly"),
        ({"age": [2.0] * 5 + [3.0] * 5}, {"covariates": "age"}, "determined by the covariates"),
        ({}, {"strata": "site"}, "determined by the covariates or strata"),
        ({}, {"covariates": ["name"]}, "determined by the covariates"),
        ({"age": [str(x) for x in range(10)]}, {"covariates": "age"}, "more rows than parameters"),
        ({"site": [1, 1, 1, 1, 1, 2, 2, 3, 3, 3]}, {"cluster": "site"}, "has one cluster"),
        ({"weight": 0.0}, {"weights": "weight"}, "10 with a weight of zero"),
    ],
)
def test_what_cannot_be_estimated(
    study: pd.DataFrame, columns: Any, options: Any, said: str
) -> None:
    with pytest.raises(CannotEstimate) as error:
        difference(changed(study, **columns), **options)
    assert said in str(error.value)


def test_rows_left_out_are_counted_once_by_the_first_reason(study: pd.DataFrame) -> None:
    d = study.astype({"arm": float, "site": float})
    d.loc[0, ["score", "arm", "age"]] = np.nan
    d.loc[1, ["arm", "age"]] = np.nan
    d.loc[2, ["age", "site"]] = np.nan
    d.loc[9, ["site", "weight"]] = np.nan
    d.loc[8, "weight"] = np.nan
    d.loc[7, "weight"] = 0
    d = pd.concat([d, study.assign(site=[7, 7, 8, 8, 8, 9, 9, 9, 10, 10])], ignore_index=True)
    e = difference(d, covariates=["age"], cluster="site", weights="weight")
    assert e.dropped_why == (
        ("no outcome", 1),
        ("no arm", 1),
        ("no age", 1),
        ("no cluster", 1),
        ("no weight", 1),
        ("a weight of zero", 1),
    )
    assert e.n_dropped == 6
    assert e.n_treatment + e.n_comparison == 14


def test_columns_left_out_are_named(study: pd.DataFrame) -> None:
    d = study.assign(country="UK", months=study["age"] * 12)
    e = difference(d, covariates=["age", "country", "months"])
    plain = difference(d, covariates=["age"])
    assert e.std_error == pytest.approx(plain.std_error)
    assert any("'months' is fixed by the other columns" in note for note in e.notes)
    one_site = difference(d.assign(flag=1), covariates=["age", "flag"])
    assert any("'flag' has one value" in note for note in one_site.notes)


def test_few_degrees_of_freedom_are_said(study: pd.DataFrame) -> None:
    e = difference(study, cluster="site")
    assert e.df < 4
    assert "below 4" in e.notes[0]


@pytest.mark.parametrize(
    "arm",
    [
        [True] * 5 + [False] * 5,
        pd.array([True] * 5 + [False] * 5, dtype="boolean"),
        pd.array([1] * 5 + [0] * 5, dtype="Int64"),
        pd.Categorical([1] * 5 + [0] * 5),
        np.array([True] * 5 + [False] * 5, dtype=object),
    ],
    ids=["bool", "boolean", "Int64", "category", "object"],
)
def test_kinds_of_arm(study: pd.DataFrame, arm: Any) -> None:
    assert difference(study.assign(arm=arm)).estimate == difference(study).estimate


def test_missing_values_of_every_kind(study: pd.DataFrame) -> None:
    arm = pd.array([1, None] + [1] * 3 + [0] * 5, dtype="Int64")
    kind = pd.Series(["x", "y"] * 4 + ["x", None], dtype="str")
    score = pd.array([None, *study["score"][1:]], dtype="Float64")
    e = difference(study.assign(arm=arm, kind=kind, score=score), covariates=["kind"])
    assert e.dropped_why == (("no outcome", 1), ("no arm", 1), ("no kind", 1))


def test_true_false_and_categories_become_dummies(study: pd.DataFrame) -> None:
    flag = [True, False] * 5
    e = difference(study.assign(flag=flag), covariates="flag")
    other = difference(study.assign(flag=["yes" if x else "no" for x in flag]), covariates="flag")
    number = difference(study.assign(flag=[int(x) for x in flag]), covariates="flag")
    assert e.estimate == pytest.approx(other.estimate) == pytest.approx(number.estimate)


def test_hedges_g_refusals() -> None:
    with pytest.raises(CannotEstimate, match="comparison arm has 1"):
        stats.hedges_g([1, 2, 3], [4, None])
    with pytest.raises(CannotEstimate, match="does not vary"):
        stats.hedges_g([0.1, 0.1, 0.1], [0.3, 0.3])
    with pytest.raises(InvalidInput, match="infinite"):
        stats.hedges_g([1, 2, float("inf")], [4, 5])
    with pytest.raises(InvalidInput, match="numbers"):
        stats.hedges_g(["low", "high"], [4, 5])
    with pytest.raises(InvalidInput, match="level"):
        stats.hedges_g([1, 2], [4, 6], level=0)
    g = stats.hedges_g([1, 2, None], [4, 6, float("nan")])
    assert g.n_dropped == 2 and g.dropped_why == (("no value", 2),)


def test_mean_change_refusals(study: pd.DataFrame) -> None:
    d = study.assign(after=study["score"] + study["age"])
    call = {"baseline": "score", "outcome": "after"}
    with pytest.raises(CannotEstimate, match="1 row"):
        stats.mean_change(d.iloc[:1], **call)
    with pytest.raises(CannotEstimate, match="same amount"):
        stats.mean_change(d.assign(after=d["score"] + 1), **call)
    with pytest.raises(CannotEstimate, match="one cluster"):
        stats.mean_change(d.assign(site=1), **call, cluster="site")
    with pytest.raises(InvalidInput, match="both as baseline and as outcome"):
        stats.mean_change(d, baseline="score", outcome="score")
    two = stats.mean_change(d.iloc[:2], **call)
    assert two.effect_size is None and any("No effect size" in note for note in two.notes)


@pytest.mark.parametrize(
    ("counts", "error", "said"),
    [
        ((0, 0, 10, 5), CannotEstimate, "treatment"),
        ((10, 5, 0, 0), CannotEstimate, "comparison"),
        ((10, 11, 10, 5), InvalidInput, "11 were observed"),
        ((10, -1, 10, 5), InvalidInput, "whole numbers"),
        ((10, 5.5, 10, 5), InvalidInput, "whole numbers"),
        ((10, None, 10, 5), InvalidInput, "whole numbers"),
        ((10, float("nan"), 10, 5), InvalidInput, "whole numbers"),
    ],
)
def test_attrition_refusals(counts: Any, error: type[Exception], said: str) -> None:
    with pytest.raises(error) as raised:
        stats.attrition(*counts)
    assert said in str(raised.value)


def test_balance_refusals(study: pd.DataFrame) -> None:
    with pytest.raises(InvalidInput, match="estimand='LATE'"):
        stats.balance(study, treatment="arm", covariates=["age"], estimand="LATE")
    with pytest.raises(InvalidInput, match="Did you mean 'age'"):
        stats.balance(study, treatment="arm", covariates=["agee"])
    with pytest.raises(CannotEstimate, match="treatment arm has nobody"):
        stats.balance(study.assign(arm=0), treatment="arm", covariates=["age"])
    odd = stats.balance(study.assign(x=[1] * 5 + [0] * 5), treatment="arm", covariates=["x"])
    assert odd.loc[0, "smd"] == np.inf
    empty = stats.balance(
        study.assign(age=study["age"].where(study["arm"] == 1)), treatment="arm", covariates="age"
    )
    assert np.isnan(empty.loc[0, "smd"]) and empty.loc[0, "n_missing"] == 5


def test_adjust_p_refusals() -> None:
    with pytest.raises(InvalidInput, match="Did you mean 'holm'"):
        stats.adjust_p([0.1], method="holmes")
    with pytest.raises(InvalidInput, match="0 to 1"):
        stats.adjust_p([0.1, 1.2])


def test_event_rate_refusals() -> None:
    with pytest.raises(CannotEstimate, match="no exposure"):
        stats.event_rate([0, 0], [0, 0])
    with pytest.raises(CannotEstimate, match="no exposure"):
        stats.event_rate([], [])
    with pytest.raises(CannotEstimate, match="One unit"):
        stats.event_rate([3], [10])
    with pytest.raises(InvalidInput, match="no time at risk"):
        stats.event_rate([1, 2], [0, 5])
    with pytest.raises(InvalidInput, match="negative"):
        stats.event_rate([-1, 2], [1, 5])
    with pytest.raises(InvalidInput, match="one length"):
        stats.event_rate([1, 2], [1, 5, 6])
    with pytest.raises(InvalidInput, match="per=0"):
        stats.event_rate([1, 2], [1, 5], per=0)
    e = stats.event_rate([1, None, 2, 0, 3], [4, 5, None, 0, 2])
    assert e.dropped_why == (("no count of events", 1), ("no exposure", 1), ("no time at risk", 1))


def test_fit_refuses_a_perfect_fit() -> None:
    x = np.arange(6.0)
    with pytest.raises(CannotEstimate, match="exactly"):
        fit(np.column_stack([np.ones(6), x]), 3 * x + 1e6, ["(intercept)", "x"])


def test_every_public_name_is_callable_and_import_is_light() -> None:
    import importlib
    import pkgutil

    for module in pkgutil.iter_modules(stats.__path__):
        importlib.import_module(f"evalkit.stats.{module.name}")
    assert all(callable(getattr(stats, name)) for name in stats.__all__)
    heavy = "{'numpy', 'pandas', 'scipy', 'statsmodels'}"
    code = f"import sys, evalkit.stats; print({heavy} & {{*sys.modules}})"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"
