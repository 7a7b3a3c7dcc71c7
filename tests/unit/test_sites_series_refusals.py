"""What meta-analysis, series and hidden bias refuse, and what they say when they do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from evalkit.errors import CannotEstimate, EvalkitError, InvalidInput
from evalkit.stats.combining.asymmetry import egger_test
from evalkit.stats.combining.dependent import dependent_meta_analysis
from evalkit.stats.combining.meta import meta_analysis
from evalkit.stats.combining.pooled_tables import pooled_tables
from evalkit.stats.hidden_bias.benchmarks import confounder_bounds
from evalkit.stats.hidden_bias.e_values import bias_factor, e_value
from evalkit.stats.hidden_bias.omitted_variables import adjust_for_confounder, robustness_value
from evalkit.stats.hidden_bias.pair_bounds import rosenbaum_bounds
from evalkit.stats.hidden_bias.proportional import oster_delta
from evalkit.stats.series.interrupted import interrupted_time_series
from evalkit.stats.series.synthetic import synthetic_control

NOTHING: Any = None
NOTHING: Any = None
Y, V = [0.1, 0.4, 0.2, 0.6], [0.02, 0.03, 0.05, 0.01]


@pytest.mark.parametrize(
    ("error", "call", "options", "said"),
    [
        (InvalidInput, (Y, V[:3]), {}, "4 effects and 3 variances"),
        (InvalidInput, (Y, [0, *V[1:]]), {}, "1 variance(s) of 0 or less"),
        (InvalidInput, (Y, V), {"method": "REM"}, "Did you mean 'REML'?"),
        (InvalidInput, (Y, V), {"hartung_knapp": "yes"}, "Allowed: True, False or 'modified'"),
        (InvalidInput, (Y, V), {"prediction": "none"}, "Allowed: t, z, hartung-knapp"),
        (InvalidInput, (Y, V), {"level": 95}, "level=95"),
        (InvalidInput, (Y, V), {"labels": ["a"]}, "labels has 1 rows"),
        (InvalidInput, (Y, V), {"moderators": {"x": [1, 2]}}, "moderators has 2 rows"),
        (InvalidInput, (Y, V), {"moderators": {"x": 1}}, "Allowed: one value a site"),
        (InvalidInput, (Y, V), {"labels": "abcd"}, "labels='abcd'"),
        (InvalidInput, (["a", "b"], [1, 1]), {}, "Allowed: numbers"),
        (CannotEstimate, ([0.1], [0.02]), {}, "nothing to put together"),
        (CannotEstimate, ([0.1, np.nan], [0.02, 0.1]), {}, "1 site(s)"),
        (CannotEstimate, (Y, V), {"moderators": {"x": list("abcd")}}, "4 sites for 4 coefficients"),
        (CannotEstimate, ([0.2] * 4, V), {}, "hartung_knapp='modified'"),
    ],
)
def test_meta(error: type[EvalkitError], call: Any, options: dict[str, Any], said: str) -> None:
    with pytest.raises(error) as caught:
        meta_analysis(*call, **options)
    assert said in str(caught.value)


def test_more_of_sites() -> None:
    with pytest.raises(CannotEstimate, match="at least 10"):
        egger_test(Y, V)
    with pytest.raises(CannotEstimate, match="same standard error"):
        egger_test(np.arange(12.0), np.full(12, 0.1))
    with pytest.raises(CannotEstimate, match="three sites or more"):
        meta_analysis(Y[:2], V[:2]).leave_one_out()
    with pytest.raises(InvalidInput, match="more events than people"):
        pooled_tables([5], [4], [1], [9])
    with pytest.raises(InvalidInput, match="not whole"):
        pooled_tables([1.5], [4], [1], [9])
    with pytest.raises(CannotEstimate, match="zero or infinite"):
        pooled_tables([0, 0], [9, 9], [3, 1], [9, 9])


def test_dependent_effects() -> None:
    with pytest.raises(InvalidInput, match="from 0 to below 1"):
        dependent_meta_analysis(Y, V, cluster=[1, 1, 2, 2], correlation=1)
    with pytest.raises(InvalidInput, match="cluster has 3 rows"):
        dependent_meta_analysis(Y, V, cluster=[1, 1, 2])
    with pytest.raises(InvalidInput, match="a site for every effect"):
        dependent_meta_analysis(Y, V, cluster=[1, 1, 2, None])
    with pytest.raises(CannotEstimate, match="one site"):
        dependent_meta_analysis(Y, V, cluster=[1, 1, 1, 1])
    with pytest.raises(CannotEstimate, match="No site has two effects"):
        dependent_meta_analysis(Y, V, cluster=[1, 2, 3, 4])


def series(n: int = 24) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    return pd.DataFrame({
        "y": rng.normal(20, 2, n), "t": np.arange(n), "word": "a", "beside": 0, "people": 0,
        "date": pd.date_range("2020-01-01", periods=n, freq="MS"),
    })  # fmt: skip


@pytest.mark.parametrize(
    ("error", "change", "options", "said"),
    [
        (InvalidInput, {}, {"outcome": "z"}, "no such column"),
        (InvalidInput, {}, {"outcome": "word"}, "Allowed: numbers"),
        (InvalidInput, {}, {"time": "word"}, "neither numbers nor dates"),
        (
            InvalidInput,
            {},
            {"start": 24},
            "start=24 is outside the series. Allowed: after 0, at most 23",
        ),
        (InvalidInput, {}, {"start": 0}, "outside the series"),
        (InvalidInput, {}, {"start": "2021-01-01"}, "Allowed: a number"),
        (InvalidInput, {}, {"time": "date", "start": "2031-01-01"}, "at most 2021-12-01"),
        (InvalidInput, {}, {"time": "date", "start": 12}, "Allowed: a date"),
        (InvalidInput, {"t": [*range(22), 22, 22]}, {}, "more than one row of a series: 22"),
        (InvalidInput, {"t": [*range(20), 21, 22, 23, 24]}, {}, "1 gap(s): 20"),
        (InvalidInput, {"y": [np.nan if i == 5 else i**1.5 for i in range(24)]}, {}, "gap(s): 5"),
        (InvalidInput, {"t": [*range(22), 22.3, 24]}, {}, "not equally spaced"),
        (InvalidInput, {}, {"population": "people"}, "denominators of 0 or less"),
        (InvalidInput, {"y": [0, *range(1, 24)]}, {"log": True}, "1 value(s) of 0 or less"),
        (InvalidInput, {}, {"lags": 24}, "lags=24"),
        (InvalidInput, {}, {"season": 1}, "season=1"),
        (InvalidInput, {}, {"harmonics": 2}, "harmonics=2 with season=None"),
        (InvalidInput, {}, {"breaks": [40]}, "breaks holds 40"),
        (InvalidInput, {}, {"gaps": "skip"}, "Allowed: refuse, count"),
        (InvalidInput, {}, {"log": "yes"}, "log='yes'"),
        (CannotEstimate, {}, {"breaks": [12]}, "falls on the start"),
        (CannotEstimate, {}, {"start": 2}, "2 period(s) before the start and 22"),
        (CannotEstimate, {}, {"season": 22}, "24 periods for 25 parameters"),
        (CannotEstimate, {"y": range(24)}, {}, "fits the series exactly"),
        (CannotEstimate, {}, {"comparison": "beside"}, "No period has a value"),
    ],
)
def test_series(
    error: type[EvalkitError], change: dict[str, Any], options: dict[str, Any], said: str
) -> None:
    call = {"outcome": "y", "time": "t", "start": 12} | options
    with pytest.raises(error) as caught:
        interrupted_time_series(series().assign(**change), **call)
    assert said in str(caught.value)


def test_a_short_series_says_so() -> None:
    found = interrupted_time_series(series(12), outcome="y", time="t", start=6)
    assert any("6 periods before the start and 6 from it on are too few" in n for n in found.notes)
    assert any("Whatever else changed" in n for n in found.notes)
    with pytest.raises(InvalidInput, match="No term 'jump'"):
        found.of("jump")


def panel() -> pd.DataFrame:
    rng = np.random.default_rng(2)
    rows = [(u, t, rng.normal(), 1.0) for u in "abcde" for t in range(2000, 2010)]
    return pd.DataFrame(rows, columns=["unit", "year", "y", "flat"])


@pytest.mark.parametrize(
    ("error", "rows", "options", "said"),
    [
        (InvalidInput, None, {"treated": "z"}, "Allowed: 'a', 'b'"),
        (InvalidInput, None, {"start": 2010}, "outside the series"),
        (InvalidInput, None, {"start": 2000}, "outside the series"),
        (InvalidInput, None, {"donors": ["a", "b", "c"]}, "is among the donors"),
        (InvalidInput, None, {"donors": ["b", "q"]}, "'q', not among its values"),
        (InvalidInput, slice(1, None), {}, "1 cell(s) without a value: 'a' in 2000"),
        (InvalidInput, "twice", {}, "more than one row"),
        (InvalidInput, None, {"predictors": "flat"}, "the same for every unit"),
        (InvalidInput, None, {"predictors": {"x": ("y", 2001)}}, "(column, first period, last"),
        (CannotEstimate, None, {"start": 2001}, "one period before the start"),
        (CannotEstimate, None, {"donors": ["b"]}, "1 donor(s)"),
    ],
)
def test_synthetic(
    error: type[EvalkitError], rows: Any, options: dict[str, Any], said: str
) -> None:
    data = panel()
    if rows == "twice":
        data = pd.concat([data, data[:1]])
    elif rows is not None:
        data = data[rows]
    call = {
        "outcome": "y",
        "unit": "unit",
        "period": "year",
        "treated": "a",
        "start": 2006,
    } | options
    with pytest.raises(error) as caught:
        synthetic_control(data, **call)
    assert said in str(caught.value)


def test_outside_the_donors_range_is_said() -> None:
    data = panel().assign(y=lambda d: d["y"] + 50 * (d["unit"] == "a"))
    found = synthetic_control(
        data, outcome="y", unit="unit", period="year", treated="a", start=2006
    )
    assert found.outside_range == 6
    assert any("no mixture can follow it" in n for n in found.notes)
    assert any("poorly" in n for n in found.notes)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: e_value(-1), "a ratio above 0"),
        (lambda: e_value(2, 3, 4), "limits on either side"),
        (lambda: e_value(2, scale="d"), "Allowed: rr, or, hr, smd"),
        (lambda: e_value(2, std_error=1), "with scale='smd'"),
        (lambda: e_value(float("nan")), "a finite number"),
        (lambda: bias_factor(0.5, 2), "1 or more"),
        (lambda: robustness_value(2, 1), "a number above 1"),
        (lambda: robustness_value(2, 10, q=0), "a share above 0"),
        (lambda: robustness_value(2, 10, alpha=5), "between 0 and 1"),
        (lambda: adjust_for_confounder(1, 1, 9, r2_treatment=1, r2_outcome=0), "below 1"),
        (lambda: rosenbaum_bounds([1, 2], [0, 3], gamma=NOTHING), "one or more numbers"),
        (lambda: rosenbaum_bounds([1, 2], [0], gamma=1), "treated has 2 values"),
        (lambda: rosenbaum_bounds([1, 2], [0, 3], gamma=0.5), "of 1 (no hidden bias) or more"),
        (
            lambda: rosenbaum_bounds([1, 2], [0, 3], gamma=1, kind="binary"),
            "other values than 0 and 1",
        ),
        (lambda: rosenbaum_bounds([1, 2], [0, 3], gamma=1, alternative="both"), "greater, less"),
    ],
)
def test_hidden_bias(call: Any, said: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        call()
    assert said in str(caught.value)


def test_more_of_hidden_bias() -> None:
    with pytest.raises(CannotEstimate, match="No pair differs"):
        rosenbaum_bounds([1, 0], [1, 0], gamma=2)
    rng = np.random.default_rng(1)
    data = pd.DataFrame({"arm": [0, 1] * 20, "x": rng.normal(size=40), "y": rng.normal(size=40)})
    call: dict[str, Any] = {"outcome": "y", "treatment": "arm", "covariates": ["x"]}
    with pytest.raises(InvalidInput, match="is a benchmark, but no covariate"):
        confounder_bounds(data, **call, benchmarks="y")
    with pytest.raises(InvalidInput, match="numbers above 0"):
        confounder_bounds(data, **call, benchmarks="x", strengths=[0])
    close = data.assign(x=data["arm"] + 0.1 * data["x"])
    with pytest.raises(CannotEstimate, match="Nothing can be 1 times as strong"):
        confounder_bounds(close, **call, benchmarks="x")
    with pytest.raises(CannotEstimate):
        confounder_bounds(data.assign(x=data["arm"]), **call, benchmarks="x")
    with pytest.raises(InvalidInput, match="r2_max="):
        oster_delta(data, **call, r2_max=1.2)
    with pytest.raises(InvalidInput, match="not above R squared"):
        oster_delta(data, **call, r2_max=1e-9)
    with pytest.raises(CannotEstimate, match="one value"):
        oster_delta(data.assign(arm=1), **call)
