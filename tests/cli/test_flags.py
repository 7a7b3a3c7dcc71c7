"""What must reach a person is counted on the screen and listed apart, for the owner alone."""

from __future__ import annotations

import csv
import json
import os
import stat

import pytest


def phq(rows):
    return [
        {"person": person, "wave": "baseline"}
        | {f"phq9_{n}": "0" for n in range(1, 9)}
        | {"phq9_9": last}
        for person, last in rows
    ]


@pytest.fixture
def flagged(small):
    small.change(
        "    - {file: answers.csv, measure: swemwbs}\n",
        "    - {file: answers.csv, measure: swemwbs}\n    - {file: phq.csv, measure: phq-9}\n",
    )
    small.tables["phq.csv"] = phq([("001", "2"), ("002", "0"), ("003", "1")])
    return small


def rows_of(path):
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_run_counts_lists_apart_and_reports_nothing(flagged, call):
    done = call("run", flagged.write())
    assert done.exit_code == 0, done.output
    assert "2 answer sets of 2 people must be seen by a responsible person" in done.stdout
    listed = flagged.folder / "evalkit-reports.safeguarding.csv"
    assert [(row["person"], row["flag"]) for row in rows_of(listed)] == [
        ("001", "self-harm"), ("003", "self-harm"),
    ]  # fmt: skip
    if os.name == "posix":
        assert stat.S_IMODE(listed.stat().st_mode) == 0o600
    inside = list((flagged.folder / "evalkit-reports").iterdir())
    assert {path.name for path in inside} == {"summative.html", "formative.html", "findings.json"}
    for path in inside:
        text = path.read_text(encoding="utf-8")
        assert "self-harm" not in text and "safeguarding" not in text.lower()


def test_an_earlier_list_is_replaced_once_nothing_is_flagged(flagged, call):
    call("run", flagged.write())
    flagged.tables["phq.csv"] = phq([("001", "0")])
    done = call("run", flagged.write())
    assert "answer set" not in done.stdout
    assert rows_of(flagged.folder / "evalkit-reports.safeguarding.csv") == []


def test_run_gives_the_counts_as_json(flagged, call):
    found = json.loads(call("run", flagged.write(), "--json").stdout)["safeguarding"]
    assert (found["answers"], found["people"]) == (2, 2)


def test_score_lists_flags_beside_the_scores(flagged, call):
    flagged.write()
    done = call("score", flagged.folder / "phq.csv", "--measure", "phq-9")
    assert done.exit_code == 0 and "2 answer sets of 2 people" in done.stdout
    assert len(rows_of(flagged.folder / "phq.scored.safeguarding.csv")) == 2


def test_a_file_that_is_no_list_is_never_written_over(flagged, call):
    flagged.write()
    other = flagged.folder / "phq.scored.safeguarding.csv"
    other.write_text("my notes\n", encoding="utf-8")
    done = call("score", flagged.folder / "phq.csv", "--measure", "phq-9")
    assert done.exit_code == 1 and other.read_text(encoding="utf-8") == "my notes\n"


def test_measures_are_listed_by_kind(call):
    listed = json.loads(call("measures", "list", "--kind", "framework", "--json").stdout)[
        "measures"
    ]
    assert {row["id"] for row in listed} >= {"mirabal-six", "da-core-outcome-set"}
    assert {row["kind"] for row in listed} == {"framework"}
    text = call("measures", "list").stdout
    assert "Instruments scored from item answers" in text and "phq-9" in text
