"""Chained equations against R's mice: what is drawn on average, and how much it varies.

The values of mice and its tables are in imputing.json, made by r/imputing.R with 400 imputations.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from evalkit.stats.imputing.chained import impute

OWN = json.loads(Path(__file__).with_name("imputing.json").read_text(encoding="utf-8"))
M = 150
ERRORS = 4.0  # Monte-Carlo errors of both sides together
SPREAD = 1.3  # ratio of the SDs over imputations, at most


def said(frame: pd.DataFrame, gone: pd.DataFrame, key: str) -> float:
    kind, first, *rest = key.split(".")
    if kind == "cor":
        return float(frame[first].corr(frame[rest[0]]))
    values = frame.loc[gone[first], first]
    return float(values.mean() if kind == "mean" else values.std())


def compare(found: pd.DataFrame, case: dict[str, Any], spread: float = SPREAD) -> None:
    for key, mean in case["mean"].items():
        sd, own = case["sd"][key], float(found[key].std())
        error = np.sqrt(sd**2 / OWN["m"] + own**2 / len(found))
        assert abs(found[key].mean() - mean) < ERRORS * error, key
        assert 1 / spread < own / sd < spread, key


@pytest.mark.parametrize("name", ["boys_pmm", "nhanes_pmm", "nhanes_norm"])
def test_numbers(name: str) -> None:
    case = OWN[name]
    frame = pd.DataFrame(case["data"]).astype(float)
    made = impute(
        frame, m=M, iterations=case["iterations"], method=name.split("_")[1], seed=20240401
    )
    compare(pd.DataFrame([{k: said(f, frame.isna(), k) for k in case["mean"]} for f in made]), case)


def test_categories() -> None:
    """Shares of each category among those imputed, and mean x of those drawn into the last.

    mice keeps the fitted coefficients of "polyreg" and "polr" as they are; here they are drawn, so
    that these vary more over imputations (by 15 to 30%).
    """
    case = OWN["categories"]
    frame = pd.DataFrame(case["data"])
    frame["grade"] = pd.Categorical(frame["grade"], ["g1", "g2", "g3", "g4"], ordered=True)
    made = impute(frame, m=M, iterations=case["iterations"], seed=20240402)
    assert made.methods == case["methods"]
    last = {"yes": "yes", "kind": "c", "grade": "g4"}
    rows = []
    for full in made:
        row = {}
        for name, top in last.items():
            gone = frame[name].isna()
            shares = full.loc[gone, name].value_counts(normalize=True)
            row |= {f"{name}.{level}": shares[level] for level in shares.index}
            row[f"{name}.slope"] = full.loc[gone & (full[name] == top), "x"].mean()
        rows.append(row)
    compare(pd.DataFrame(rows).fillna(0.0), case, spread=1.6)
