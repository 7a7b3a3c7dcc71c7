"""`evalkit power` from the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from typer.testing import Result

from tests.cli.conftest import EVALUATION

Call = Callable[..., Result]
TEAM = ("--families", "120", "--people-per-family", "2", "--loss", "0.2", "--icc-family", "0.3")


def test_the_table(call: Call) -> None:
    result = call("power", *TEAM, "--measure", "sdq-parent-4-17", "--effect", "2 points")
    assert result.exit_code == 0
    assert result.stdout.startswith("Trial, whole families drawn: too small: an effect of 2 points")
    assert "not possible: it needs three sites" in result.stdout


def test_json_holds_one_row_a_design(call: Call) -> None:
    result = call("power", *TEAM, "--effect", "0.3sd", "--json")
    document = json.loads(result.stdout)
    assert document["chosen"] == "family" and len(document["rows"]) == 10
    assert 0 < document["rows"][0]["chance"] < 1 and "headline" in document


def test_pictures(call: Call, tmp_path: Path) -> None:
    for name, start in (("power.svg", "<svg"), ("power.html", "<!doctype html>")):
        target = tmp_path / name
        result = call("power", *TEAM, "--effect", "0.3", "--picture", target)
        assert result.exit_code == 0, result.output
        assert target.read_text(encoding="utf-8").startswith(start)
        assert call("power", *TEAM, "--effect", "0.3", "--picture", target).exit_code == 1
    result = call("power", *TEAM, "--effect", "0.3", "--picture", tmp_path / "power.png")
    assert result.exit_code == 1 and ".svg or .html" in result.output


def test_bad_input_is_told_all_at_once(call: Call) -> None:
    result = call("power", "--families", "0", "--loss", "1", "--icc", "1.5")
    assert result.exit_code == 1 and "Traceback" not in result.output
    for words in ("families", "Nobody would be left", "'icc'"):
        assert words in result.output
    document = json.loads(call("power", "--families", "0", "--json").stdout)
    assert document["ok"] is False


def test_from_an_evaluation_file(call: Call, tmp_path: Path) -> None:
    place = tmp_path / "evaluation.yaml"
    place.write_text(EVALUATION, encoding="utf-8")
    result = call("power", place, "--families", "120", "--sd", "4")
    assert result.exit_code == 0, result.output
    assert "Small trial" not in result.stdout and "an effect of 2 points" in result.stdout
    assert call("power", place, "--families", "9", "--measure", "phq-9").exit_code == 1
    place.write_text(
        EVALUATION.replace("      expected: {change: 2, source: planning}\n", ""), "utf-8"
    )
    result = call("power", place, "--families", "120", "--sd", "4")
    assert result.exit_code == 1 and "expected: {change" in result.output


def test_numbers_beyond_any_trial_are_refused(call: Call) -> None:
    for wrong in (
        ("--families", "1e300"), ("--cv", "1e300"), ("--sd", "1e300"), ("--sites", "9" * 30),
        ("--people-per-family", "1e300"),
    ):  # fmt: skip
        given = wrong if wrong[0] == "--families" else ("--families", "40", *wrong)
        result = call("power", *given)
        assert result.exit_code == 1 and "at most" in result.output, wrong
    for option in ("--share-treated", "--alpha"):
        result = call("power", "--families", "40", option, "1e-300")
        assert result.exit_code == 1 and "from 0.000001 to 0.999999" in result.output
    result = call("power", "--families-a-month", "1e7", "--months", "1e7")
    assert result.exit_code == 1 and "at most" in result.output


def test_an_arm_that_would_be_next_to_empty_is_not_possible(call: Call) -> None:
    for share in ("0.99", "0.01", "1e-5"):
        result = call("power", "--families", "40", "--sites", "4", "--share-treated", share)
        assert result.exit_code == 0
        assert "fewer than 2 families would be left in one of the two arms" in result.output
        assert "one of the two arms would have no site" in result.output
    assert "two arms" not in call("power", "--families", "10", "--share-treated", "0.8").output
