"""Scoring as tables that a psychologist can read and correct: tests/spec/<measure id>.md."""

from pathlib import Path

import pandas as pd
import pytest

from evalkit.content import shipped_registry
from evalkit.scoring import score

TABLES = sorted(Path(__file__).parent.glob("*.md"))


def read_table(text):
    rows = [line.strip().strip("|") for line in text.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in row.split("|")] for row in rows]
    return [dict(zip(cells[0], row, strict=True)) for row in cells[1:]]


def value(cell):
    return None if cell == "-" else float(cell)


def shown(cell):
    if pd.isna(cell):
        return "-"
    return cell if isinstance(cell, str) else float(cell)


CASES = [
    pytest.param(path.stem, row, id=f"{path.stem}: {row['case']}")
    for path in TABLES
    for row in read_table(path.read_text(encoding="utf-8"))
    if shipped_registry().measures().count(path.stem)
]


@pytest.mark.parametrize(("measure_id", "row"), CASES)
def test_table(measure_id, row):
    measure = shipped_registry().measure(measure_id)
    answers = [value(cell) for cell in row["answers"].split()]
    columns = [f"{measure.column}_{item.id}" for item in measure.asked]
    scored = score(pd.DataFrame([answers], columns=columns, dtype="float64"), measure).iloc[0]
    for name in [name for name in row if name not in ("case", "answers")]:
        cell = row[name]
        expected = cell if name.endswith(("band", "flags")) or cell == "-" else float(cell)
        assert shown(scored[f"{measure.column}__{name}"]) == expected, name


def test_there_is_a_table_for_every_measure_with_items_here():
    assert {"sdq-parent-4-17", "sdq-self-11-17", "swemwbs"} <= {path.stem for path in TABLES}
