"""LaLonde's data as an evaluation: near the answer of the trial, and not credited to the programme."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import evalkit as ek
from evalkit.cli.demonstrating import copy_example
from evalkit.content import example_folder
from evalkit.reports.writing import report_text

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "examples" / "lalonde"
REFERENCE = Path(os.environ.get("EVALKIT_REFERENCE", ROOT.parent / "shared" / "reference"))


@pytest.fixture(scope="module")
def analysis() -> Any:
    return ek.load(FOLDER / "evaluation.yaml").study().analyse(sensitivity=False)


def test_the_data_are_the_published_ones() -> None:
    data = pd.read_csv(FOLDER / "lalonde.csv")
    assert data["arm"].value_counts().to_dict() == {"comparison": 429, "programme": 185}
    means = data.groupby("arm")["re78"].mean()
    assert means["programme"] - means["comparison"] == pytest.approx(-635.0262, abs=1e-3)
    if (REFERENCE / "data").is_dir():
        published = pd.read_csv(REFERENCE / "data" / "lalonde.csv")
        columns = ["age", "educ", "race", "married", "nodegree", "re74", "re75", "re78"]
        pd.testing.assert_frame_equal(data[columns], published[columns])
        assert (data["person"] == published["id"]).all()
        assert ((data["arm"] == "programme") == (published["treat"] == 1)).all()


def test_the_answer_of_the_trial_is_the_one_that_is_told() -> None:
    if (REFERENCE / "r" / "data").is_dir():
        trial = pd.read_csv(REFERENCE / "r" / "data" / "nsw_long_exp.csv")
        men = trial[(trial["dwincl"] == 1) & (trial["year"] == 1978)]
        means = men.groupby("treated")["re"].mean()
        assert means[1] - means[0] == pytest.approx(1794.34, abs=0.01)
    for name in ("README.md", "evaluation.yaml"):
        assert "1,794" in (FOLDER / name).read_text(encoding="utf-8")


def test_it_is_rated_by_what_is_alike_after_matching(analysis: Any) -> None:
    (found,), (level,), (finding,) = analysis.estimates, analysis.levels, analysis.findings
    assert found.estimate == pytest.approx(1837.938, abs=0.01)
    assert found.conf_low < 1794.34 < found.conf_high
    assert (found.n_treatment, found.n_comparison, found.n_clusters) == (115, 115, 115)
    (balance,) = [check for check in analysis.checks if check.check == "balance"]
    assert balance.passed is False and balance.value == pytest.approx(0.2524, abs=1e-4)
    assert (level.level, level.ceiling) == (2, 3)
    assert any("married" in reason for reason in level.reasons)
    assert finding.claim == "described" and not finding.attributes


def test_its_page_tells_the_answer_of_the_trial_and_why_nothing_is_hidden(analysis: Any) -> None:
    page = report_text(analysis, ".html")
    assert "earned 1,794 dollars more" in page and "published data" in page
    assert "may not be credited to the programme" in page


def test_an_example_is_copied_with_its_own_measures(tmp_path: Path) -> None:
    copy_example(example_folder() / "lalonde", tmp_path / "made")
    assert (tmp_path / "made" / "measures" / "annual-earnings.yaml").is_file()
    assert len(ek.load(tmp_path / "made" / "evaluation.yaml").study().people) == 614
