"""What must hold of effects on ordered outcomes, and what is refused."""

from __future__ import annotations

from math import log
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.errors import CannotEstimate, InvalidInput
from evalkit.stats.categories.binary import odds_ratio
from evalkit.stats.categories.ordinal import ordinal_odds_ratio
from evalkit.stats.categories.proportional_odds import fit_proportional_odds
from evalkit.stats.categories.win_probability import probability_of_superiority

quick = settings(deadline=None, max_examples=15)
CALL: dict[str, Any] = {"outcome": "y", "treatment": "arm"}
KINDS = st.sampled_from(["odds", "adjusted", "logit", "delong", "newcombe"])
GROUPS = st.sampled_from([None, "family"])
NUMBERS = ("estimate", "std_error", "df", "p_value", "conf_low", "conf_high")


@st.composite
def studies(draw: st.DrawFn) -> pd.DataFrame:
    random = np.random.default_rng(draw(st.integers(0, 10**6)))
    n = draw(st.sampled_from([60, 150]))
    family = np.arange(n) // 3
    x, arm = random.normal(size=n), family % 2
    y = np.searchsorted([-1, 0.3, 1.5], 0.5 * arm + 0.4 * x + random.logistic(size=n))
    frame = pd.DataFrame({"y": y, "x": x, "arm": arm, "family": family})
    return frame.assign(kind=random.choice(["a", "b", "c"], n))


def effect(kind: str, frame: Any, **options: Any) -> Any:
    if kind in ("odds", "adjusted"):
        names = ["x", "kind"] if kind == "adjusted" else []
        return ordinal_odds_ratio(frame, covariates=names, **CALL, **options)
    if options.get("cluster") and kind == "newcombe":
        kind = "delong"
    return probability_of_superiority(frame, interval=kind, **CALL, **options)


def same(one: Any, other: Any) -> None:
    for name in NUMBERS:
        found, expected = getattr(other, name), getattr(one, name)
        assert (found is None) == (expected is None), name
        if expected is not None:
            assert found == pytest.approx(expected, rel=1e-6, abs=1e-9), name


def turned(kind: str, one: Any, other: Any) -> None:
    turn = (lambda v: 1 / v) if kind in ("odds", "adjusted") else (lambda v: 1 - v)
    for here, there in (("estimate",) * 2, ("conf_low", "conf_high"), ("conf_high", "conf_low")):
        assert getattr(one, here) == pytest.approx(turn(getattr(other, there)), rel=1e-6, abs=1e-9)
    assert one.p_value == pytest.approx(other.p_value, rel=1e-6, abs=1e-12)


@quick
@given(studies(), KINDS, GROUPS)
def test_swapping_the_arms_or_the_order(frame: pd.DataFrame, kind: str, cluster: Any) -> None:
    one = effect(kind, frame, cluster=cluster)
    turned(kind, one, effect(kind, frame.assign(arm=1 - frame["arm"]), cluster=cluster))
    backward = effect(kind, frame.assign(y=-frame["y"]), cluster=cluster)
    turned(kind, one, backward)
    if kind in ("odds", "adjusted") and one.proportional_p_value is not None:
        assert one.proportional_p_value == pytest.approx(backward.proportional_p_value, rel=1e-5)


@quick
@given(studies(), KINDS, GROUPS, st.integers(0, 99))
def test_order_of_rows_and_names_of_clusters(
    frame: pd.DataFrame, kind: str, cluster: Any, seed: int
) -> None:
    shuffled = frame.sample(frac=1, random_state=seed)
    shuffled["family"] = "f" + ((shuffled["family"] * 7 + 3) % 101).astype(str)
    same(effect(kind, frame, cluster=cluster), effect(kind, shuffled, cluster=cluster))


@quick
@given(studies(), KINDS)
def test_single_clusters_are_none(frame: pd.DataFrame, kind: str) -> None:
    alone = effect(
        kind, frame.assign(who=range(len(frame))), cluster="who" if kind != "newcombe" else None
    )
    same(effect(kind, frame), alone)
    assert alone.n_clusters is None


@quick
@given(studies(), KINDS, GROUPS)
def test_only_the_order_counts(frame: pd.DataFrame, kind: str, cluster: Any) -> None:
    one = effect(kind, frame, cluster=cluster)
    same(one, effect(kind, frame.assign(y=frame["y"] ** 3 * 10 - 4), cluster=cluster))
    words = ["none", "some", "more", "most"]
    named = pd.Categorical([words[k] for k in frame["y"]], [*words, "never used"], ordered=True)
    same(one, effect(kind, frame.assign(y=named), cluster=cluster))


@quick
@given(studies(), st.sampled_from([0.001, 50.0]), st.integers(-1000, 1000), GROUPS)
def test_units_of_a_covariate(frame: pd.DataFrame, a: float, b: int, cluster: Any) -> None:
    moved = frame.assign(x=a * frame["x"] + b)
    same(effect("adjusted", frame, cluster=cluster), effect("adjusted", moved, cluster=cluster))


@quick
@given(studies())
def test_the_gradient_is_zero_and_two_categories_are_logistic(frame: pd.DataFrame) -> None:
    codes = frame["y"].to_numpy(np.intp)
    model = fit_proportional_odds(codes, frame[["arm", "x"]].to_numpy(float), ["arm", "x"])
    assert np.abs(model.scores.sum(axis=0)).max() < 1e-9 * len(frame)
    np.testing.assert_allclose(model.inverse, model.inverse.T, rtol=1e-8, atol=1e-12)
    two = fit_proportional_odds(
        (codes > 1).astype(np.intp), frame[["arm"]].to_numpy(float), ["arm"]
    )
    known = odds_ratio(frame.assign(y=codes > 1), **CALL)
    assert two.coefficients[1] == pytest.approx(log(known.estimate or 0), rel=1e-8, abs=1e-10)


@pytest.fixture
def study() -> pd.DataFrame:
    n = np.arange(80)
    frame = pd.DataFrame({"arm": n % 2, "y": n * 7 % 11 % 4, "x": n % 7, "family": n // 4})
    return frame.assign(arm12=frame["arm"] + 1, word=frame["y"].map("v{}".format), same=1)


@pytest.mark.parametrize("function", [ordinal_odds_ratio, probability_of_superiority])
def test_invalid_calls(study: pd.DataFrame, function: Any) -> None:
    unordered = study.assign(y=pd.Categorical(study["word"]))
    for frame, options, said in [
        (study, {"outcome": "word"}, "ordered categorical"),
        (unordered, {}, "without an order"),
        (study, {"treatment": "arm12"}, "treated="),
        (study, {"outcome": "arm"}, "both as outcome and as treatment"),
        (study, {"level": 2}, "between 0 and 1"),
        (study, {"outcome": "Y"}, "Did you mean 'y'"),
    ]:
        with pytest.raises(InvalidInput) as error:
            function(frame, **(CALL | options))
        assert said in str(error.value)


@pytest.mark.parametrize("function", [ordinal_odds_ratio, probability_of_superiority])
def test_what_cannot_be_estimated(study: pd.DataFrame, function: Any) -> None:
    one = study[(study["arm"] == 0) | (study.index == 1)]
    grouped = study.assign(family=np.where(study["arm"] == 1, -1, study["family"]))
    for frame, options, said in [
        (one, {}, "The treatment arm has 1 row"),
        (grouped, {"cluster": "family"}, "has one cluster"),
        (study, {"outcome": "same"}, "does not vary"),
        (study.assign(y=study["y"].where(study["arm"] == 1)), {}, "40 with no outcome"),
    ]:
        with pytest.raises(CannotEstimate, match=said):
            function(frame, **(CALL | options))


def test_too_few_and_too_many_categories(study: pd.DataFrame) -> None:
    with pytest.raises(CannotEstimate, match="use odds_ratio"):
        ordinal_odds_ratio(study.assign(y=study["y"] > 1), **CALL)
    with pytest.raises(CannotEstimate, match="at most 50 categories"):
        ordinal_odds_ratio(study.assign(y=range(80)), **CALL)


def test_separation(study: pd.DataFrame) -> None:
    """Arms that do not overlap, or in one category only; a covariate that gives the category."""
    raised = np.where(study["arm"] == 1, study["y"] + 4, study["y"])
    touching = np.where(study["arm"] == 1, np.maximum(study["y"], 2), np.minimum(study["y"], 2))
    for y in (raised, touching):
        with pytest.raises(CannotEstimate, match=r"'arm' put.*probability_of_superiority"):
            ordinal_odds_ratio(study.assign(y=y), **CALL)
    with pytest.raises(CannotEstimate, match="'copy'"):
        ordinal_odds_ratio(study.assign(copy=study["y"] * 2.0), covariates="copy", **CALL)
    e = probability_of_superiority(study.assign(y=raised), **CALL)
    assert (e.estimate, e.conf_high, e.std_error, e.ties) == (1.0, 1.0, None, 0.0)
    assert 0.8 < (e.conf_low or 0) < 1 and "do not overlap" in e.notes[0]
    with pytest.raises(CannotEstimate, match="do not overlap"):
        probability_of_superiority(study.assign(y=raised), cluster="family", **CALL)
    with pytest.raises(InvalidInput, match="independent"):
        probability_of_superiority(study, cluster="family", interval="newcombe", **CALL)


def test_what_is_said(study: pd.DataFrame) -> None:
    hollow = study.assign(y=np.where((study["arm"] == 1) & (study["y"] == 0), 1, study["y"]))
    e = ordinal_odds_ratio(hollow, **CALL)
    assert e.notes[0] == "Nobody in the treatment arm is in category 0"
    assert e.counts_treatment[0] == 0 and e.categories == ("0", "1", "2", "3")
    assert sum(e.counts_treatment) == e.n_treatment
    missing = study.assign(y=study["y"].where(study.index > 4))
    assert ordinal_odds_ratio(missing, **CALL).dropped_why == (("no outcome", 5),)
    crossed = np.where(
        study["arm"] == 1, np.where(study.index % 4 == 1, 0, 3), 1 + study.index % 3 // 2
    )
    e = ordinal_odds_ratio(study.assign(y=crossed), **CALL)
    assert (e.proportional_p_value or 0) < 1e-6 and "do not look proportional" in e.notes[-1]
    e = ordinal_odds_ratio(study, cluster="family", **CALL)
    assert "clusters / (clusters - 1)" in e.method and e.n_clusters == 20
