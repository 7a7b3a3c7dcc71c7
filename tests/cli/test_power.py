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
