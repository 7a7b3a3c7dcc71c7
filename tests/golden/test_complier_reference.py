"""Complier effects against AER, estimatr and clubSandwich.

Our own R values, with their tables, are in complier.json, made by r/complier.R.
"""

from __future__ import annotations

import json
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from evalkit.stats.least_squares.compliance import ComplierEffect, complier_effect

FILE = Path(__file__).with_name("complier.json")
OWN = json.loads(FILE.read_text(encoding="utf-8"))["cases"]
FITS = {"alone": [], "adjusted": ["x"], "kinds": ["x", "kind"]}
TIGHT = {"rtol": 1e-8, "atol": 1e-12}
CASES = [(case, name) for case in OWN for name in FITS]
INTERVAL = ("estimate", "std_error", "df", "p_value", "conf_low", "conf_high")


def same(found: Any, expected: Any, **tolerance: float) -> None:
    np.testing.assert_allclose(found, expected, **(tolerance or TIGHT))


def fitted(case: str, name: str, **options: Any) -> tuple[ComplierEffect, dict[str, Any]]:
    entry = OWN[case]
    frame = pd.DataFrame({key: pd.Series(values) for key, values in entry["data"].items()})
    options |= {"cluster": "group"} if entry["clustered"] else {}
    e = complier_effect(
        frame, outcome="y", assigned="z", received="d", covariates=FITS[name], **options
    )
    return e, entry["fits"][name]


@pytest.mark.parametrize(("case", "name"), CASES)
def test_effect(case: str, name: str) -> None:
    """iv_robust's CR2 (each row its own cluster where there are none) and clubSandwich's."""
    e, v = fitted(case, name)
    same([getattr(e, key) for key in INTERVAL], [v["iv_robust_CR2"][key] for key in INTERVAL])
    few = INTERVAL[:4]
    same([getattr(e, key) for key in few], [v["clubSandwich"][key] for key in few])
    assert e.n_treatment + e.n_comparison == v["n"]


@pytest.mark.parametrize(("case", "name"), [c for c in CASES if not OWN[c[0]]["clustered"]])
def test_residual_degrees_of_freedom(case: str, name: str) -> None:
    e, v = fitted(case, name, df="residual")
    same([getattr(e, key) for key in INTERVAL], [v["iv_robust_HC2"][key] for key in INTERVAL])
    same(e.f_robust, v["f_iv_robust_HC2"])


@pytest.mark.parametrize(("case", "name"), CASES)
def test_first_stage_and_assignment(case: str, name: str) -> None:
    e, v = fitted(case, name)
    same(
        [e.first_stage, e.f_statistic, e.f_robust, e.f_robust],
        [v["first_stage"], v["weak_instruments"], v["f_robust"], v["f_iv_robust"]],
    )
    same([e.assignment_effect, e.assignment_p_value], [v["assignment_effect"], v["assignment_p"]])


@pytest.mark.parametrize(("case", "name"), CASES)
def test_anderson_rubin(case: str, name: str) -> None:
    """The ends R finds by searching for effects whose test has p = .05."""
    e, v = fitted(case, name)
    ends, far = v["anderson_rubin"]["ends"], v["anderson_rubin"]["far_low"]
    assert far == v["anderson_rubin"]["far_high"]
    if not far:
        assert e.ar_shape == "interval" and e.ar_gap_low is None
        same([e.ar_low, e.ar_high], ends, rtol=1e-7)
        return
    assert (e.ar_low, e.ar_high) == (-inf, inf) and "unbounded" in e.ar_sentence
    assert e.ar_shape == ("two rays" if ends else "everything")
    if ends:
        same([e.ar_gap_low, e.ar_gap_high], ends, rtol=1e-7)


def test_every_shape_is_there() -> None:
    shapes = {fitted(case, name)[0].ar_shape for case, name in CASES}
    assert shapes == {"interval", "two rays", "everything"}


@pytest.mark.parametrize("name", ["iv_cace_mst"])
def test_attendance(reference: Any, name: str) -> None:
    """Attendance of half or more; AER's classical standard errors are not offered."""
    case = reference.case(name)
    frame, v = case.frame, case.values
    frame["high"] = (frame["Percentage_Attendance"] >= 50) & (frame["Intervention"] == 1)
    call = {"outcome": "Posttest", "assigned": "Intervention", "received": "high"}
    e = complier_effect(frame, **call, covariates=["Prettest"], df="residual")
    theirs = {key: values["high"] for key, values in v["iv_robust_HC2"].items()}
    same(
        [e.estimate, e.std_error, e.statistic, e.p_value, e.conf_low, e.conf_high, e.df],
        list(theirs.values()),
    )
    same(e.estimate, v["ivreg"]["Estimate"]["high"])
    table = dict(zip(v["diagnostics"]["rows"], v["diagnostics"]["matrix"], strict=True))
    same(e.f_statistic, table["Weak instruments"][2])
    assert e.received_comparison == 0
