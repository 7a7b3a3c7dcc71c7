"""The two examples of areas: a known truth is found, and a published answer stands beside ours."""

from __future__ import annotations

import os
import runpy
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

import evalkit as ek
from evalkit.cli.demonstrating import copy_example
from evalkit.content import example_folder
from evalkit.reports.writing import report_text

ROOT = Path(__file__).resolve().parents[2]
ROLLED, BELTS = ROOT / "examples" / "growing-together-areas", ROOT / "examples" / "seatbelts"
REFERENCE = Path(os.environ.get("EVALKIT_REFERENCE", ROOT.parent / "shared" / "reference"))
TRUTH = yaml.safe_load((ROLLED / "truth.yaml").read_text(encoding="utf-8"))["effects"]


@pytest.fixture(scope="module")
def rolled() -> Any:
    return ek.load(ROLLED / "evaluation.yaml").study().analyse()


@pytest.fixture(scope="module")
def belts() -> Any:
    return ek.load(BELTS / "evaluation.yaml").study().analyse()


def readme(folder: Path) -> str:
    return " ".join((folder / "README.md").read_text(encoding="utf-8").split())


def test_the_committed_series_are_those_of_the_script() -> None:
    script = runpy.run_path(str(ROLLED / "make_data.py"))
    made = script["make_table"](script["SEED"]).to_csv(index=False, lineterminator="\n")
    assert made == (ROLLED / "monthly.csv").read_text(encoding="utf-8")
    assert script["truth_text"]() == (ROLLED / "truth.yaml").read_text(encoding="utf-8")


def test_the_truth_is_found_where_two_way_effects_fail(rolled: Any) -> None:
    for effect in rolled.areas:
        truth = TRUTH[effect.indicator]
        assert effect.conf_low < truth["seen_throughout"] < effect.conf_high
        missed = abs(effect.estimate - truth["seen_throughout"])
        assert missed < 0.5 * abs(effect.two_way - truth["seen_throughout"])
        assert abs(effect.two_way) < 0.75 * abs(truth["seen_throughout"])
        groups = {e.name[-7:]: e for e in effect.effects if e.by == "group"}
        for name, value in truth["groups"].items():
            assert groups[name].conf_low < value < groups[name].conf_high


def test_what_comes_out_is_what_the_readme_says(rolled: Any) -> None:
    said = readme(ROLLED)
    for effect in rolled.areas:
        shown = f"{effect.estimate:.2f} ({effect.conf_low:.2f} to {effect.conf_high:.2f})"
        assert shown in said and f"| {effect.two_way:.2f} |" in said
        assert f"{TRUTH[effect.indicator]['seen_throughout']:.2f}" in said


def test_the_area_that_drops_out_is_counted(rolled: Any) -> None:
    for effect in rolled.areas:
        assert (effect.n_rows, effect.n_used, effect.n_dropped) == (354, 324, 30)
        assert dict(effect.dropped_why) == {"a unit not seen in every period": 30}
        assert any("used wherever they are seen" in note for note in effect.notes)


def test_reports_are_not_judged_and_injuries_are(rolled: Any) -> None:
    by_outcome = {finding.outcome: finding for finding in rolled.findings}
    assert (by_outcome["fewer-hurt"].claim, by_outcome["fewer-hurt"].attributes) == (
        "improved",
        True,
    )
    assert rolled.level("fewer-hurt").level == 3
    assert not by_outcome["reports"].attributes
    assert "better" not in by_outcome["reports"].statement
    assert "SYNTHETIC" in report_text(rolled, ".html")


def test_casualties_are_the_published_ones() -> None:
    data = pd.read_csv(BELTS / "casualties.csv")
    assert len(data) == 384
    if (REFERENCE / "r" / "data").is_dir():
        published = pd.read_csv(REFERENCE / "r" / "data" / "seatbelts.csv")
        for seat in ("front", "rear"):
            mine = data[data["unit"] == f"{seat} seat"]
            assert mine["value"].to_list() == published[seat].to_list()


def test_seat_belts_are_described_beside_the_published_answer(belts: Any) -> None:
    (effect,), (finding,) = belts.areas, belts.findings
    assert effect.estimate == pytest.approx(-186.538, abs=0.01)
    expected = [point.expected for point in effect.points if point.after]
    assert 100 * effect.estimate * len(expected) / sum(expected) == pytest.approx(-24.6, abs=0.1)
    assert "-187 a month (-215 to -158), -25%" in readme(BELTS)
    assert belts.level("fewer-hurt").level == 2
    assert finding.claim == "described" and not finding.attributes
    assert "30 per cent fewer" in report_text(belts, ".html")


def test_the_examples_are_copied_without_the_script(tmp_path: Path) -> None:
    copy_example(example_folder() / "growing-together-areas", tmp_path / "made")
    assert {item.name for item in (tmp_path / "made").iterdir()} == {
        "README.md", "evaluation.yaml", "monthly.csv", "truth.yaml"
    }  # fmt: skip
