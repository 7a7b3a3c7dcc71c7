"""What weighting refuses or limits, and what it says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from evalkit.errors import CannotEstimate, InvalidInput
from evalkit.stats.weighting.augmented import augmented_effect
from evalkit.stats.weighting.weighted_effects import weighted_effect
from evalkit.stats.weighting.weights import weight

CALL: dict[str, Any] = {"treatment": "a", "covariates": ["x", "kind"]}


@pytest.fixture
def study() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    n = 80
    x = rng.normal(size=n)
    arm = (rng.uniform(size=n) < 1 / (1 + np.exp(-x))).astype(int)
    return pd.DataFrame(
        {
            "x": x,
            "kind": np.array(["u", "v"])[np.arange(n) % 2],
            "a": arm,
            "name": np.where(arm == 1, "in", "out"),
            "y": x + arm + rng.normal(size=n),
            "site": np.arange(n) // 4,
            "same": 1.0,
            "base": 1.0,
        }
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"covariates": ["X1"]}, "no such column"),
        ({"covariates": []}, "covariates is empty"),
        ({"covariates": ["x", "x"]}, "named twice in covariates"),
        ({"covariates": ["x", "a"]}, "both as treatment and as covariates"),
        ({"treatment": "name"}, "treated="),
        ({"method": "entropi"}, "Did you mean 'entropy'?"),
        ({"estimand": "LATE"}, "estimand='LATE'"),
        ({"link": "cloglog"}, "link='cloglog'"),
        ({"moments": 4}, "Allowed: 1, 2 or 3"),
        ({"moments": True}, "Allowed: 1, 2 or 3"),
        ({"method": "overlap", "estimand": "ATE"}, "Allowed: ATO"),
        ({"method": "entropy", "estimand": "ATO"}, "Allowed: ATT, ATE, ATC"),
        ({"stabilise": True}, "Allowed: method='propensity' with estimand='ATE'"),
        ({"trim": 0.5}, "between 0 and 0.5"),
        ({"trim": "some"}, "'common', or None"),
        ({"trim": 0.1, "method": "entropy"}, "has no propensity"),
        ({"base_weights": "name"}, "Allowed: numbers"),
        ({"base_weights": ["base"]}, "the name of one column"),
    ],
)
def test_options(study: pd.DataFrame, options: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput, match=said.replace("?", r"\?").replace("(", r"\(")):
        weight(study, **(CALL | options))


def test_odd_values(study: pd.DataFrame) -> None:
    with pytest.raises(InvalidInput, match="infinite"):
        weight(study.assign(x=np.inf), **CALL)
    with pytest.raises(InvalidInput, match="negative weights"):
        weight(study.assign(base=-1.0), **CALL, base_weights="base")
    with pytest.raises(CannotEstimate, match="No covariate varies"):
        weight(study, treatment="a", covariates=["same"])
    with pytest.raises(InvalidInput, match="data frame"):
        weight([1, 2], **CALL)


@pytest.mark.parametrize("treated", [0, 1])
def test_one_treated(study: pd.DataFrame, treated: int) -> None:
    with pytest.raises(CannotEstimate, match=f"treatment arm has {treated} row"):
        weight(study.assign(a=(study.index < treated).astype(int)), **CALL)


def test_perfect_prediction(study: pd.DataFrame) -> None:
    for wrong in (study.assign(x=study["a"] * 5 + study["x"] / 100),
                  study.assign(kind=np.where((study["a"] == 1) & (study["x"] > 0), "w", study["kind"]))):  # fmt: skip
        for options in ({}, {"link": "probit"}, {"method": "overlap"}):
            with pytest.raises(
                CannotEstimate, match=r"no overlap: who is treated follows from '(x|kind=w)'"
            ):
                weight(wrong, **CALL, **options)


def test_means_out_of_reach(study: pd.DataFrame) -> None:
    far = study.assign(x=study["x"] + 10 * study["a"])
    with pytest.raises(CannotEstimate, match="target mean of 'x': it lies outside"):
        weight(far, **CALL, method="entropy")
    corner = pd.DataFrame(
        {"a": [1, 1, 0, 0, 0, 0], "p": [0.9, 0.9, 0, 1, 0, 1.0], "q": [0.9, 0.9, 0, 0, 1, 0]}
    )  # within each range, outside the triangle
    with pytest.raises(CannotEstimate, match="no overlap"):
        weight(corner, treatment="a", covariates=["p", "q"], method="entropy")
    tied = pd.DataFrame(
        {"a": [1, 1, 1, 0, 0, 0, 0], "p": [1, 0, 1, 1, 0, 1, 0], "q": [1, 1, 0, 1, 0, 1, 0]}
    )
    with pytest.raises(CannotEstimate, match="no overlap"):  # p and q are one column there
        weight(tied.assign(q=[1, 1, 1, 1, 0, 1, 0]), treatment="a", covariates=["p", "q"],
               method="entropy")  # fmt: skip


def test_what_is_left_out_is_counted(study: pd.DataFrame) -> None:
    holes = study.copy()
    holes.loc[[0, 1], "x"] = np.nan
    holes.loc[[1, 2], "kind"] = None
    holes["a"] = holes["a"].astype(float)
    holes.loc[3, "a"] = np.nan
    holes.loc[4, "base"] = 0
    found = weight(holes, **CALL, base_weights="base", trim=0.2)
    assert found.dropped_why == (
        ("no arm", 1),
        ("no x", 2),
        ("no kind", 1),
        ("a base weight of zero", 1),
    )
    assert found.n_treatment + found.n_comparison + found.n_trimmed + found.n_dropped == len(holes)
    assert found.n_trimmed > 0 and any("trimmed" in note for note in found.notes)
    table = found.to_frame()
    assert len(table) == len(holes) and list(table["reason"][:4]) == [
        "no x",
        "no x",
        "no kind",
        "no arm",
    ]
    assert (table["reason"] == "trimmed").sum() == found.n_trimmed
    assert (table.loc[table["reason"].notna(), "weight"] == 0).all()
    assert ((table["propensity"] < 0.2) | (table["propensity"] > 0.8))[
        table["reason"] == "trimmed"
    ].all()


def test_constant_and_repeated_covariates_are_said(study: pd.DataFrame) -> None:
    plain = weight(study, **CALL)
    more = weight(study.assign(twice=2 * study["x"]), treatment="a",
                  covariates=["x", "kind", "same", "twice"])  # fmt: skip
    np.testing.assert_allclose(more.weights, plain.weights, rtol=1e-9)
    assert [note.split()[0] for note in more.notes[:2]] == ["'same'", "'twice'"]


def test_few_and_heavy_people_are_said(study: pd.DataFrame) -> None:
    found = weight(study.assign(x=study["x"] + 2 * study["a"]), **CALL)
    said = " ".join(found.notes)
    assert "rests on few of them" in said and "of the weight of the comparison arm" in said
    assert "nobody in the other arm has as high a propensity" in said


def test_exact_strata_with_one_arm(study: pd.DataFrame) -> None:
    held = study.assign(kind=np.where((study["a"] == 0) & (study.index < 30), "w", study["kind"]))
    found = weight(held, treatment="a", covariates="x", exact="kind", method="entropy")
    assert found.dropped_why[0][0] == "nobody of the other arm with the same kind"


def test_trimming_everybody(study: pd.DataFrame) -> None:
    with pytest.raises(CannotEstimate, match="Trimming leaves"):
        weight(study.assign(x=study["x"] + 1.9 * study["a"]), **CALL, trim=0.4999)


@pytest.mark.parametrize("function", [weighted_effect, augmented_effect])
def test_effects(study: pd.DataFrame, function: Any) -> None:
    call = CALL | {"outcome": "y"}
    for options, said in (
        ({"se": "HC9"}, "se='HC9'"),
        ({"level": 95}, "between 0 and 1"),
        ({"covariates": ["x", "y"]}, "both as outcome and as covariates"),
        ({"outcome_covariates": ["y"]}, "both as outcome and as outcome_covariates"),
        ({"outcome": "name"}, "Allowed: numbers"),
        ({"cluster": "sit"}, "Did you mean 'site'"),
        ({"outcome_covariates": "X1"}, "no such column"),
    ):
        with pytest.raises(InvalidInput, match=said):
            function(study, **(call | options))
    with pytest.raises(CannotEstimate, match="does not vary"):
        function(study.assign(y=1.0), **call)
    with pytest.raises(CannotEstimate, match="treatment arm has one cluster"):
        function(
            study.assign(site=np.where(study["a"] == 1, 0, study["site"])), **call, cluster="site"
        )
    missing = study.assign(y=study["y"].mask(study.index < 5))
    assert function(missing, **call).dropped_why == (("no outcome", 5),)
    few = study.iloc[:9].assign(
        a=[1, 1, 0, 0, 0, 0, 0, 1, 0], x=[1, 2, 1.5, 2, 1, 3, 0, 0, 2.0], z=range(9)
    )
    with pytest.raises(CannotEstimate, match="rows for"):
        function(few, **call | {"covariates": ["x"], "outcome_covariates": ["x", "z", "kind"],
                                "estimand": "ATE"})  # fmt: skip


def test_augmented_has_no_overlap_estimand(study: pd.DataFrame) -> None:
    with pytest.raises(InvalidInput, match="Allowed: ATT, ATE, ATC"):
        augmented_effect(study, **CALL, outcome="y", estimand="ATO")
