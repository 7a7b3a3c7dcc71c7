"""`evalkit diagnose` on the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.conftest import ROOT

BLUES = str(ROOT / "examples" / "beating-the-blues" / "evaluation.yaml")
SMALL = ("--n", "30", "--runs", "2")


def test_words_say_what_the_plan_could_show(call: Callable[..., Any]) -> None:
    result = call("diagnose", BLUES, *SMALL, "--effect", "0.3", "--seed", "4")
    assert result.exit_code == 0
    assert "2 trials were made and analysed as planned, 1 without effect" in result.stdout
    assert "Taken for granted" in result.stdout and "With 30 people" in result.stdout
    assert result.stderr == ""


def test_json_is_one_document(call: Callable[..., Any]) -> None:
    found = json.loads(call("diagnose", BLUES, *SMALL, "--attrition", "0", "--json").stdout)
    assert found["ok"] and found["runs"] == 2 and found["null_runs"] == 1
    assert found["results"][0]["primary"] and found["given"]["n"] == 30
    assert {row["effect"] for row in found["claims"]} == {True, False}


def test_what_cannot_be_is_1_without_a_traceback(call: Callable[..., Any]) -> None:
    for wrong in (("--n", "1"), ("--runs", "0"), ("--attrition", "-1"), ("--workers", "0")):
        result = call("diagnose", BLUES, *wrong)
        assert result.exit_code == 1 and "Allowed" in result.stderr
        assert "Traceback" not in result.stderr
    assert call("diagnose", BLUES, "--n", "many").exit_code == 2


def test_numbers_beyond_any_trial_are_refused(call: Callable[..., Any]) -> None:
    for wrong in (("--n", "999999999999999"), ("--runs", "999999999999999999999")):
        result = call("diagnose", BLUES, *wrong)
        assert result.exit_code == 1 and "Allowed: at most 1,000,000" in result.stderr


def test_few_runs_and_no_loss_are_said_plainly(call: Callable[..., Any]) -> None:
    result = call("diagnose", BLUES, *SMALL, "--attrition", "0")
    assert "nobody is lost after the first wave\n" in result.stdout
    assert "2 run(s) are too few to rely on" in result.stdout
