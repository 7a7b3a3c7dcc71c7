"""NIST Statistical Reference Datasets: digits reached, or a refusal; never none in silence.

The regression sets are in data/nist_strd.json; the others are built as published: NumAcc and SmLs
after Simon and Lesage (1989), Computational Statistics and Data Analysis 8:325-332.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from evalkit.errors import CannotEstimate
from evalkit.stats.least_squares.differences import mean_difference
from evalkit.stats.least_squares.joint_tests import joint_test
from evalkit.stats.least_squares.linear import fit
from evalkit.stats.sizes.effect_sizes import accurate_mean, hedges_g, pooled_sd

FILE = Path(__file__).parent / "data" / "nist_strd.json"
SETS = json.loads(FILE.read_text(encoding="utf-8"))["sets"]


def digits(found: Any, certified: Any) -> float:
    """Return the least number of correct digits (the log relative error), 15 at most."""
    found, certified = np.atleast_1d(found), np.atleast_1d(certified)
    errors = np.abs(found - certified) / np.where(certified == 0, 1, np.abs(certified))
    return float(min(15.0, -np.log10(max(errors.max(), 1e-15))))


def num_acc(which: int) -> tuple[np.ndarray, float, float]:
    """Return values, mean and standard deviation of NumAcc 1 to 4."""
    if which == 1:
        return np.array([10000001.0, 10000003.0, 10000002.0]), 10000002.0, 1.0
    level = {2: 1.2, 3: 1000000.2, 4: 10000000.2}[which]
    pair = [round(level - 0.1, 1), round(level + 0.1, 1)]
    return np.array([level, *(pair * 500)]), level, 0.1


@pytest.mark.parametrize(("which", "least"), [(1, 15), (2, 14), (3, 9), (4, 8)])
def test_univariate(which: int, least: float) -> None:
    values, mean, sd = num_acc(which)
    assert digits(accurate_mean(values), mean) >= 14
    both = pooled_sd(values, values)
    assert digits(both, sd) >= least
    assert hedges_g(values, values).sd_pooled == both


def small_stat(which: int) -> tuple[pd.DataFrame, int]:
    """Return SmLs 01 to 09 (nine treatments) and the certified F."""
    level = [1.0, 1e6, 1e12][(which - 1) // 3]
    replicates = [21, 201, 2001][(which - 1) % 3]
    tenths = [4, 3, 5, 3, 5, 3, 5, 3, 5]
    swing = np.array([0, *([-1, 1] * (replicates // 2))])
    values = np.concatenate([(level * 10 + t + swing) / 10 for t in tenths])
    arm = np.repeat([str(i) for i in range(1, 10)], replicates)
    return pd.DataFrame({"y": values, "treatment": arm}), replicates


@pytest.mark.parametrize("which", range(1, 10))
def test_analysis_of_variance(which: int) -> None:
    """F is 21, 201 or 2001, on 8 and 180, 1800 or 18000 degrees of freedom."""
    frame, certified = small_stat(which)
    found = joint_test(frame, outcome="y", terms="treatment", se="classical", test="naive-f")
    assert (found.df_numerator, found.df) == (8, 9 * (certified - 1))
    assert digits(found.statistic, certified) >= [12, 9.5, 4.0][(which - 1) // 3]


@pytest.mark.parametrize("which", [1, 4, 7])
def test_two_treatments(which: int) -> None:
    """The first two treatments: a difference of .1, within variance .01."""
    frame, replicates = small_stat(which)
    pair = frame[frame["treatment"].isin(["1", "2"])]
    e = mean_difference(pair, outcome="y", treatment="treatment", treated="1", se="classical")
    least = {1: 12, 4: 8, 7: 3}[which]  # .1 itself has no more digits beside such a level
    assert digits([e.estimate, e.std_error], [0.1, np.sqrt(0.02 / replicates)]) >= least


BARS = {  # least digits of the estimates and of their standard errors
    "Norris": (11.5, 12),
    "Pontius": (12, 12),
    "NoInt1": (14, 14),
    "NoInt2": (14, 14),
    "Longley": (12, 12),
    "Wampler3": (9, 12),
    "Wampler4": (7.5, 12),
    "Wampler5": (5.5, 12),
    "Filip": (7, 7),
}


def columns_of(name: str) -> np.ndarray:
    case = SETS[name]
    if "columns" in case:
        return np.column_stack([np.ones(len(case["y"])), *case["columns"]])
    return np.column_stack([np.array(case["x"]) ** power for power in case["powers"]])


@pytest.mark.parametrize("name", SETS)
def test_regression(name: str) -> None:
    """Wampler1 and 2 have no residual, and so no standard error: they are refused."""
    case, matrix = SETS[name], columns_of(name)
    y, names = np.array(case["y"]), [str(i) for i in range(matrix.shape[1])]
    if name in ("Wampler1", "Wampler2"):
        with pytest.raises(CannotEstimate, match="fit the outcome exactly"):
            fit(matrix, y, names, se="classical")
        return
    model = fit(matrix, y, names, se="classical")
    assert digits(model.coefficients, np.array(case["estimate"])) >= BARS[name][0]
    assert digits(model.std_errors, np.array(case["std_error"])) >= BARS[name][1]


@pytest.mark.parametrize("far", [15, 20])
def test_hopeless_columns_are_refused(far: int) -> None:
    """Filip's powers taken further: no digits would be left."""
    x = np.array(SETS["Filip"]["x"])
    matrix = np.column_stack([x**power for power in range(far)])
    with pytest.raises(CannotEstimate, match="nearly determine one another"):
        fit(matrix, np.array(SETS["Filip"]["y"]), [str(i) for i in range(far)])
