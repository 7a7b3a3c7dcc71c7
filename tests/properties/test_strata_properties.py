"""What must hold of risks compared within strata, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.errors import CannotEstimate, InvalidInput
from evalkit.stats.categories.binary import odds_ratio, risk_difference, risk_ratio
from evalkit.stats.least_squares.differences import mean_difference

quick = settings(deadline=None, max_examples=20)
CALL: dict[str, Any] = {"outcome": "y", "treatment": "arm"}
EFFECTS = st.sampled_from([risk_difference, risk_ratio, odds_ratio])
STRATA = st.sampled_from(["site", "trio"])
OPTIONS = st.sampled_from([{}, {"covariates": ["x"]}, {"cluster": "family"}])
NUMBERS = ("estimate", "std_error", "df", "p_value", "conf_low", "conf_high", "risk_treatment")


@st.composite
def studies(draw: st.DrawFn) -> pd.DataFrame:
    random = np.random.default_rng(draw(st.integers(0, 10**6)))
    n = 120
    x, arm, site = random.normal(size=n), random.permutation(n) % 2, np.arange(n) // 40
    chance = 1 / (1 + np.exp(-(0.5 * arm + 0.4 * x + 0.3 * site - 0.5)))
    frame = pd.DataFrame({"y": (random.random(n) < chance) * 1, "x": x, "arm": arm, "site": site})
    return frame.assign(trio=np.arange(n) // 3, family=random.permutation(n) // 2)


def called(function: Any, frame: pd.DataFrame, **options: Any) -> Any:
    """Return the effect, or None where the logistic model has no finite estimate."""
    try:
        return function(frame, **CALL, **options)
    except CannotEstimate as error:
        assert "separated" in str(error)
        return None


def same(one: Any, other: Any) -> None:
    assert (one is None) == (other is None)
    for name in NUMBERS if one is not None else ():
        found, expected = getattr(other, name), getattr(one, name)
        assert (found is None) == (expected is None), name
        if expected is not None:
            assert found == pytest.approx(expected, rel=1e-6, abs=1e-9), name


@quick
@given(studies(), EFFECTS, STRATA, OPTIONS, st.integers(0, 99))
def test_order_of_rows_and_names_of_strata(
    frame: pd.DataFrame, function: Any, strata: str, options: Any, seed: int
) -> None:
    other = frame.sample(frac=1, random_state=seed)
    other[strata] = "s" + ((other[strata] * 7 + 3) % 101).astype(str)
    one = called(function, frame, strata=strata, **options)
    same(one, called(function, other, strata=strata, **options))


@quick
@given(studies(), EFFECTS, STRATA, OPTIONS)
def test_swapping_the_arms(frame: pd.DataFrame, function: Any, strata: str, options: Any) -> None:
    one = called(function, frame, strata=strata, **options)
    other = called(function, frame.assign(arm=1 - frame["arm"]), strata=strata, **options)
    if one is None:
        assert other is None
        return
    turn = (lambda v: -v) if function is risk_difference else (lambda v: 1 / v)
    for here, there in (("estimate",) * 2, ("conf_low", "conf_high")):
        found = turn(getattr(other, there))
        assert getattr(one, here) == pytest.approx(found, rel=1e-6, abs=1e-9)
    assert one.p_value == pytest.approx(other.p_value, rel=1e-6)


@quick
@given(studies(), EFFECTS)
def test_strata_are_a_covariate_of_categories(frame: pd.DataFrame, function: Any) -> None:
    text = frame.assign(text="s" + frame["site"].astype(str))
    for covariates in ([], ["x"]):
        one = called(function, frame, strata="site", covariates=covariates)
        other = called(function, text, covariates=[*covariates, "text"])
        if one is not None and not one.method.startswith(("Mantel", "Risk")):
            same(one, other)
    one = called(function, frame, strata="site", covariates=["x"], interact=True)
    assert one is None or "interacted" in one.method


@quick
@given(studies(), EFFECTS, OPTIONS)
def test_one_stratum_is_none(frame: pd.DataFrame, function: Any, options: Any) -> None:
    one = called(function, frame, **options)
    other = called(function, frame.assign(all="x"), strata="all", **options)
    same(one, other)
    assert other is None or any("one stratum" in note for note in other.notes)


@quick
@given(studies())
def test_mantel_haenszel_is_least_squares_with_fixed_effects(frame: pd.DataFrame) -> None:
    """The differences are one; Sato's error is near HC2 (both hold with many small strata)."""
    e = risk_difference(frame, strata="trio", **CALL)
    known = mean_difference(frame, outcome="y", treatment="arm", strata="trio")
    assert e.method.startswith("Mantel-Haenszel") and e.estimand == "common to strata"
    assert e.estimate == pytest.approx(known.estimate, abs=1e-9)
    assert e.std_error == pytest.approx(known.std_error, rel=0.35)
    assert (e.risk_treatment - e.risk_comparison) == pytest.approx(e.estimate, abs=1e-9)


@pytest.fixture
def study() -> pd.DataFrame:
    n = np.arange(120)
    frame = pd.DataFrame({"arm": n % 2, "y": n * 7 % 11 % 2, "x": n % 7, "site": n // 30})
    return frame.assign(pair=n // 2, own=n, copy=n % 2, family=n // 4)


@pytest.mark.parametrize("function", [risk_difference, risk_ratio, odds_ratio])
def test_refusals(study: pd.DataFrame, function: Any) -> None:
    with pytest.raises(CannotEstimate, match="No stratum has people of both arms"):
        function(study, strata="own", **CALL)
    with pytest.raises(CannotEstimate, match="determined by the covariates or strata"):
        function(study, strata="copy", **CALL)
    with pytest.raises(InvalidInput, match="both as outcome and as strata"):
        function(study, strata="y", **CALL)
    with pytest.raises(CannotEstimate, match="Leave out interact"):
        function(study, strata="pair", covariates=["x"], interact=True, **CALL)
    never = study.assign(y=study["y"] * (study["site"] > 0))
    if function is risk_difference:
        e = function(never, strata="site", covariates=["x"], **CALL)
        assert "by least squares" in e.notes[0] and "HC2" in e.method
    else:
        with pytest.raises(CannotEstimate, match="separated"):
            function(never, strata="site", covariates=["x"], **CALL)
        nobody = study.assign(y=study["y"] * (study["arm"] == 0))
        with pytest.raises(CannotEstimate, match="zero or infinite"):
            function(nobody, strata="site", **CALL)


def test_what_is_said(study: pd.DataFrame) -> None:
    e = risk_difference(
        study.assign(site=study["site"].where(study["site"] > 0)), strata="site", **CALL
    )
    assert e.dropped_why == (("no site", 30),) and "site (strata)" in e.method
    lone = study.assign(site=np.where(study.index % 10 == 0, 9, study["site"]))
    e = risk_difference(lone, strata="site", **CALL)
    assert e.notes[-1].startswith("1 strata of 'site' hold one arm only: their 12 rows")
    e = risk_difference(study, strata="pair", cluster="family", **CALL)
    assert "CR2" in e.method and e.notes[0].startswith("Too few events or non-events in strata")
    e = odds_ratio(study, strata="pair", **CALL)
    assert "60 strata of pair" in e.method
