"""Interrupted series against sandwich, nlme and lmtest; synthetic control against quadprog.

Our own R values are in meta_series.json, made by r/meta_series.R.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from evalkit.stats.series.interrupted import interrupted_time_series
from evalkit.stats.series.series_results import InterruptedSeries
from evalkit.stats.series.synthetic import synthetic_control

HERE = Path(__file__).parent
CASES = {
    case["id"]: case["values"]
    for case in json.loads((HERE / "meta_series.json").read_text(encoding="utf-8"))
}
SMALL = [50, 52, 49, 51, 53, 54, 52, 55, 54, 56, 55, 57,
         48, 47, 46, 47, 45, 44, 45, 43, 42, 43, 41, 40]  # fmt: skip
BESIDE = [48, 49, 50, 49, 51, 50, 52, 51, 53, 52, 53, 54,
          54, 53, 55, 55, 54, 56, 57, 56, 58, 57, 58, 59]  # fmt: skip


def same(found: Any, expected: Any, rtol: float = 1e-8, atol: float = 1e-10) -> None:
    np.testing.assert_allclose(
        np.asarray(found, float), np.asarray(expected, float), rtol=rtol, atol=atol
    )


def names_of(theirs: dict[str, Any]) -> dict[str, str]:
    """Return our name of each of their coefficients."""
    plain = {
        "(Intercept)": "(intercept)",
        "t": "time",
        "step": "level",
        "ramp": "slope",
        "ramp0": "slope",
    }
    return {name: plain.get(name, name.replace("factor(month)", "season ")) for name in theirs}


def column(found: InterruptedSeries, theirs: dict[str, Any], field: str) -> list[float]:
    return [getattr(found.of(ours), field) for ours in names_of(theirs).values()]


@pytest.mark.parametrize("name", ["its_seatbelts_log_ksi", "its_seatbelts_front_nomonth"])
def test_seatbelts(reference: Any, name: str) -> None:
    case = reference.case(name)
    v, frame = case.values, case.frame.assign(place=np.arange(1, 193))
    call: dict[str, Any] = {"time": "place", "start": 170, "outcome": "front"}
    if name == "its_seatbelts_log_ksi":
        call |= {"outcome": "drivers", "log": True, "season": 12}
    for lags in (1, 3, 6):
        for correction, key in ((False, "se"), (True, "se_adjust")):
            found = interrupted_time_series(frame, **call, lags=lags, correction=correction)
            theirs = v["newey_west"][f"lag{lags}"][key]
            same(column(found, theirs, "std_error"), list(theirs.values()))
    for ours, theirs in (("estimate", "Estimate"), ("ols_std_error", "Std. Error")):
        same(column(found, v["ols"][theirs], ours), list(v["ols"][theirs].values()))
    assert (found.n_before, found.n_after, found.df) == (169, 23, 192 - len(v["ols"]["Estimate"]))
    same(found.durbin_watson, v["durbin_watson"])
    assert found.test_lags == 4
    same([found.breusch_godfrey, found.breusch_godfrey_p], list(v["breusch_godfrey4"].values()))
    rho = np.array(v["acf"][1:5])
    same(found.ljung_box, 192 * 194 * np.sum(rho**2 / (192 - np.arange(1, 5))))
    gls = v["gls_ar1_REML"]
    same(column(found, gls["coef"], "ar1_estimate"), list(gls["coef"].values()), 1e-4)
    same(column(found, gls["se"], "ar1_std_error"), list(gls["se"].values()), 1e-4)
    same([found.ar1_rho, found.ar1_log_likelihood], [gls["rho"], gls["logLik"]], 1e-5)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("its_nile", {}),
        ("its_small", {}),
        ("its_seatbelts_harmonics", {"season": 12, "harmonics": 2}),
        ("its_seatbelts_rate", {"breaks": [100]}),
    ],
)
def test_more_series(name: str, options: dict[str, Any]) -> None:
    v = CASES[name]
    frame = pd.DataFrame({"y": v["y"], "t": np.arange(1, len(v["y"]) + 1)})
    call: dict[str, Any] = {"outcome": "y", "time": "t", "start": v["start"]} | options
    waves = ["sine 1", "cosine 1", "sine 2", "cosine 2"]
    new = waves if "season" in options else ["break 100"] if "breaks" in options else []
    order = ["(intercept)", "time", "level", "slope", *new]
    for nw in v["nw"]:
        for correction, key in ((False, "se"), (True, "se_adjust")):
            found = interrupted_time_series(frame, **call, lags=nw["lag"], correction=correction)
            same([found.of(n).std_error for n in order], nw[key])
    same([found.of(n).estimate for n in order], v["coef"])
    same([found.of(n).ols_std_error for n in order], v["ols_se"])
    found = interrupted_time_series(frame, **call, lags=2, test_lags=4)
    same(found.effects.to_frame()["estimate"], v["effect"])
    same(found.effects.to_frame()["std_error"], v["effect_se"])
    same([found.estimate, found.std_error], [np.mean(v["effect"]), v["mean_se"]])
    same(found.cumulative, np.sum(v["effect"]))
    same(found.durbin_watson, v["dw"])
    same([found.ljung_box, found.ljung_box_p], list(v["ljung_box"]))
    same([found.breusch_godfrey, found.breusch_godfrey_p], list(v["bg"]))
    gls = v["gls"]
    same([found.of(n).ar1_estimate for n in order], gls["coef"], 1e-5)
    same([found.of(n).ar1_std_error for n in order], gls["se"], 1e-5)
    same([found.ar1_rho, found.ar1_log_likelihood], [gls["rho"], gls["logLik"]], 1e-5, 1e-6)


def both(first: Any, second: Any) -> pd.DataFrame:
    n = len(first)
    return pd.DataFrame({
        "y": [*first, *second], "t": [*range(1, n + 1)] * 2, "beside": [0] * n + [1] * n
    })  # fmt: skip


def test_two_series() -> None:
    v = CASES["its_seatbelts_front_rear"]
    found = interrupted_time_series(
        both(v["front"], v["rear"]), outcome="y", time="t", start=170, comparison="beside", lags=4
    )
    names = ["(intercept)", "time", "level", "slope"]
    same([found.of(n).estimate for n in names], v["diff"]["coef"])
    same([found.of(n).std_error for n in names], v["diff"]["se_adjust"])
    estimates, errors = v["stacked"].values()
    same([found.of(n).estimate for n in names], estimates)
    same([found.of(n).ols_std_error for n in names], errors)


def test_published_small() -> None:
    frame = pd.DataFrame({"y": SMALL, "t": range(1, 25)})
    names = ["(intercept)", "time", "level", "slope"]
    expected = {
        (1, False): [.598671283, .0617984098, .331415497, .073180783],
        (1, True): [.655811533, .0676967662, .363047488, .0801655313],
        (2, False): [.446296198, .050650434, .319648910, .0572427044],
    }  # fmt: skip
    for (lags, correction), errors in expected.items():
        found = interrupted_time_series(
            frame, outcome="y", time="t", start=13, lags=lags, correction=correction
        )
        ours = [found.of(n).std_error for n in names]
        first, second, third = (found.effects[j].std_error ** 2 for j in range(3))
        ours[2] = np.sqrt(3 * first - 3 * second + third)  # the level where the slope starts at 1
        same(ours, errors, 1e-7)
    # with the slope 0 at the first period after the start (1 there in the text, one slope less)
    same([found.of(n).estimate for n in names],
         [49.257575758, .601398601, -9.114219114, -1.276223776], 1e-9)  # fmt: skip
    same(found.effects[-1].estimate, -23.1526807, 1e-8)
    same(found.durbin_watson, 2.88367697, 1e-8)
    same(found.ar1_rho, -0.33322, 2e-5)
    same(found.of("level").ar1_estimate + -found.of("slope").ar1_estimate, -7.80700468, 1e-5)
    auto = interrupted_time_series(frame, outcome="y", time="t", start=13)
    assert auto.lags == 2 and "2 lags (automatic" in auto.method


def test_published_two_series() -> None:
    """In the text the level is with the slope 1 at the first period, so a slope less."""
    found = interrupted_time_series(
        both(SMALL, BESIDE), outcome="y", time="t", start=13, comparison="beside"
    )
    level, slope, time = (found.of(n) for n in ("level", "slope", "time"))
    same(level.estimate - slope.estimate, -7.09324009, 1e-8)
    same([slope.estimate, time.estimate], [-1.26923077, 0.11888112], 1e-8)
    same(slope.ols_std_error, 0.1434987, 1e-6)


# --- Synthetic control -----------------------------------------------------------------------------


def tiny() -> pd.DataFrame:
    table = {
        "a": [10, 11, 12, 13, 14], "b": [20, 22, 21, 24, 26], "c": [15, 15, 17, 18, 19],
        "t": [13, 14.3, 14.7, 16.3, 15],
    }  # fmt: skip
    return pd.DataFrame(
        [
            {"unit": u, "year": 2001 + i, "y": y}
            for u, row in table.items()
            for i, y in enumerate(row)
        ]
    )


def test_exact_mixture() -> None:
    found = synthetic_control(
        tiny(), outcome="y", unit="unit", period="year", treated="t", start=2005
    )
    weights = {w.donor: w.weight for w in found.weights}
    same([weights[u] for u in "abc"], [0.7, 0.3, 0], 1e-9)
    same([found.estimate, found.mspe_before], [-2.6, 0], 1e-9)
    assert found.ratio is None and (found.rank, found.p_value) == (1, 0.25)


def test_fatalities(reference: Any) -> None:
    """quadprog needs a ridge of 1e-10 for a matrix it can invert, so its loss is hardly larger."""
    v = CASES["synth_fatalities"]
    frame = pd.read_csv(reference.folder / "data" / "fatalities.csv")
    call: dict[str, Any] = {"outcome": "frate", "unit": "state", "period": "year", "start": 1987}
    few = synthetic_control(frame, **call, treated="oh", donors=v["few"][1:])
    weights = {w.donor: w.weight for w in few.weights}
    same([weights[u] for u in v["few"][1:]], v["weights"], 1e-6, 1e-7)
    same([p.gap for p in few.gaps], v["gap"], 1e-6)
    assert few.n_dropped == 336 - 6 * 7
    for state, theirs in v["all"].items():
        found = synthetic_control(frame, **call, treated=state)
        same(found.mspe_before, theirs["loss"], 1e-5, 1e-7)
        assert found.mspe_before <= theirs["loss"] + 1e-15
