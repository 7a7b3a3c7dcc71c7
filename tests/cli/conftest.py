"""A small evaluation to break in many ways: a trial of 12 people, answers and events."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from evalkit.cli.commands import app

EVALUATION = """\
evalkit: 1
programme: {name: Small trial, start: 2025-01-01}
data:
  as_of: 2025-12-31
  people: {file: people.csv}
  responses:
    - {file: answers.csv, measure: swemwbs}
  events: {file: events.csv}
  flow: {allocated_on: allocated_on}
roles: [adult]
waves:
  - {id: baseline, due: 0 weeks}
  - {id: end, due: 10 weeks, window: 3 weeks}
logic_model:
  activities:
    - {id: course, name: A course, for: [adult]}
  outcomes:
    - id: wellbeing
      name: Wellbeing rises
      role: adult
      measure: {id: swemwbs, scale: metric, informants: [self]}
      direction: higher
      expected: {change: 2, source: planning}
      when: [end]
  links:
    - {from: course, to: wellbeing, because: People learn.}
design:
  type: rct-individual
  arm: {column: arm, treated: course, comparison: usual}
  assigned_by: person
  because: Places were drawn by lot.
analysis:
  primary: {outcome: wellbeing, wave: end}
  covariates: [baseline]
seed: 1
"""
Row = dict[str, str]


@dataclass
class Small:
    """A folder with the evaluation, tables to change, and ways to run commands on it."""

    folder: Path
    tables: dict[str, list[Row]]
    yaml: str = EVALUATION

    def write(self) -> Path:
        """Write everything and return the evaluation file."""
        for name, rows in self.tables.items():
            self.put(name, rows)
        return self.put_yaml(self.yaml)

    def put(self, name: str, rows: list[Row]) -> None:
        """Write one table as csv."""
        with (self.folder / name).open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)

    def put_yaml(self, text: str) -> Path:
        """Write the evaluation file."""
        place = self.folder / "evaluation.yaml"
        place.write_text(text, encoding="utf-8", newline="\n")
        return place

    def change(self, old: str, new: str) -> None:
        """Change the evaluation's text."""
        assert old in self.yaml
        self.yaml = self.yaml.replace(old, new)


def person(n: int) -> Row:
    """Return one row of people."""
    arm = "course" if n % 2 else "usual"
    return {"person": f"{n:03d}", "arm": arm, "allocated_on": "2025-01-15", "note": "None"}


def answers(n: int, wave: str) -> Row:
    """Return one row of answers; they differ between people and waves."""
    codes = {f"q{k}": str(1 + (n * k + (2 * n if wave == "end" else 0)) % 5) for k in range(1, 8)}
    return {"person": f"{n:03d}", "wave": wave, "informant": "self", "date": "", **codes}


@pytest.fixture
def small(tmp_path: Path) -> Small:
    """The small evaluation, not yet written."""
    people = range(1, 13)
    return Small(
        tmp_path,
        {
            "people.csv": [person(n) for n in people],
            "answers.csv": [answers(n, wave) for n in people for wave in ("baseline", "end")],
            "events.csv": [{"person": "001", "date": "2025-02-01", "kind": "call", "value": "1"}],
        },
    )


@pytest.fixture
def call() -> Callable[..., Result]:
    """Run a command in this process and return its result."""

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(app, [str(item) for item in arguments])

    return run
