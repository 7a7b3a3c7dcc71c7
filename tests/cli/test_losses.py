"""`check` foresees the loss without looking at an outcome; `run` shows results under every treatment."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from typer.testing import Result

from .conftest import Small, answers, person

Call = Callable[..., Result]
MISSING = "  missing: {sensitivity: [multiple-imputation, delta, worst-case], imputations: 3}\n"


@pytest.fixture
def lossy(small: Small) -> Small:
    """The small trial with 40 people, 6 of the course not back, and what the plan asks of that."""
    small.tables["people.csv"] = [person(n) | {"left": ""} for n in range(1, 41)]
    back = [n for n in range(1, 41) if n not in (1, 3, 5, 7, 9, 11)]
    small.tables["answers.csv"] = [answers(n, "baseline") for n in range(1, 41)]
    small.tables["answers.csv"] += [answers(n, "end") for n in back]
    small.change("  covariates: [baseline]\n", "  covariates: [baseline]\n" + MISSING)
    small.change("flow: {allocated_on: allocated_on}",
                 "flow: {allocated_on: allocated_on, left_reason: left}")  # fmt: skip
    return small


def test_check_says_where_the_loss_is_heading(lossy: Small, call: Call) -> None:
    shown = call("check", lossy.write())
    assert shown.exit_code == 0, shown.output
    assert "Where the loss is heading (no outcome was looked at)" in shown.stdout
    assert "14 of 20 (course) and 20 of 20 (usual) of those due can be analysed" in shown.stdout
    assert re.search(r"outside the cautious boundary\. \d+ more than so far", shown.stdout)
    found = json.loads(call("check", lossy.write(), "--json").stdout)["returns"]
    assert [(row["verdict"], row["needed_comparison"]) for row in found] == [("outside", 0)]


def test_check_says_the_same_whatever_the_outcomes_are(lossy: Small, call: Call) -> None:
    first = call("check", lossy.write()).stdout
    for row in lossy.tables["answers.csv"]:
        if row["wave"] == "end":
            row |= {f"q{k}": "5" for k in range(1, 8)}
    assert call("check", lossy.write()).stdout == first


def test_run_shows_every_treatment_in_page_and_findings(lossy: Small, call: Call) -> None:
    out = lossy.folder / "reports"
    shown = call("run", lossy.write(), "--out", out)
    assert shown.exit_code == 0, shown.output
    found: dict[str, Any] = json.loads((out / "findings.json").read_text("utf-8"))
    rows = found["sensitivity"]
    assert [row["method"] for row in rows] == [
        "complete-case", "multiple-imputation", "delta", "worst-case",
    ]  # fmt: skip
    assert all(row["n_used"] + row["n_dropped"] == 40 for row in rows)
    (page,) = out.glob("*summative*.html")
    words = page.read_text("utf-8")
    assert "How far do the results survive the loss?" in words
    assert "6 of 20" not in words and "30.0%" not in words


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        ("{imputations: 1}", "2 or more"),
        ("{primary: lee-bounds}", "attrition-weights"),
        ("{auxiliary: [arm]}", "column of the arms"),
        ("{auxiliary: [left]}", "known only after the start"),
        ("{not_due: refused}", "list"),
        ("{secondary: [delta]}", "secondary"),
    ],
)
def test_a_plan_that_cannot_be(lossy: Small, call: Call, plan: str, said: str) -> None:
    lossy.change(MISSING, f"  missing: {plan}\n")
    shown = call("check", lossy.write())
    assert shown.exit_code == 1 and "Traceback" not in shown.output
    assert said in shown.stdout and "analysis.missing" in shown.stdout


def test_seconds_must_be_numbers(lossy: Small, call: Call) -> None:
    lossy.change("measure: swemwbs}", "measure: swemwbs, seconds: took}")
    for n, row in enumerate(lossy.tables["answers.csv"]):
        row["took"] = "" if n % 3 else "40"
    assert call("check", lossy.write()).exit_code == 0
    lossy.tables["answers.csv"][0]["took"] = "a while"
    shown = call("check", lossy.write())
    assert shown.exit_code == 1 and "a number of seconds" in shown.stdout
