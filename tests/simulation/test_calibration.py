"""Default intervals hold the truth as often as they say; docs/calibration.md is the record of it.

The full form (every row of the page with 400 runs) is marked slow; a smaller form of key rows runs
always, its band widened by three Monte-Carlo errors.
"""

from __future__ import annotations

import re
from dataclasses import replace
from math import nan, sqrt

import numpy as np
import pytest

from benchmarks.calibrating import methods as by
from benchmarks.calibrating import runs
from benchmarks.calibrating.cells import Cell, families, people, sites
from benchmarks.calibrating.page import P_VALUES, is_off, page, row
from benchmarks.calibrating.reasons import UNEXPLAINED, reason
from benchmarks.calibrating.runs import ERRS, HIGH, LOW, Found, simulated, study, summary
from benchmarks.calibrating.tables import CELLS, TABLES
from benchmarks.calibration import options
from tests.conftest import ROOT

SEED, RUNS = 1, 2000
PAGE = (ROOT / "docs" / "calibration.md").read_text(encoding="utf-8")
ROWS = [
    [part.strip() for part in line.strip("|").split("|")]
    for line in PAGE.splitlines()
    if re.match(r"\| [a-z_]+_[a-z]+", line)
]
AGAIN = "run python benchmarks/calibration.py --write docs/calibration.md"


def chosen(method: by.Method, structure: str, size: str) -> Cell:
    """Return the one cell that is so called."""
    (found,) = (
        cell
        for cell in CELLS
        if (cell.method, cell.structure, cell.size) == (method, structure, size)
    )
    return found


KEY = [
    chosen(by.ADJUSTED, "equal spread", people(6, 6)[0]),
    chosen(by.ADJUSTED, "treated twice as spread", people(20, 40)[0]),
    chosen(by.CLUSTERED, "ICC 0.05", sites(8)[0]),
    chosen(by.CLUSTERED_ADJUSTED, "ICC 0.3", families(12)[0]),
    chosen(by.MIXED, "ICC 0.05", sites(10)[0]),
    chosen(by.RISK_ADJUSTED, "40 in 100", people(30, 30)[0]),
    chosen(by.RISK_CLUSTERED, "5 in 100", sites(8)[0]),
    chosen(by.RATE, "gamma, variance 0.5", people(30, 30)[0]),
    chosen(by.CHANGE, "people alone", "12 people"),
    chosen(by.RAW_SIZE, "true size 0.5", people(6, 6)[0]),
]


def check(cell: Cell, found: Found) -> None:
    """Fail where coverage or type I error leave their bands by three Monte-Carlo errors."""
    given = found.runs * (1 - found.refused)
    slack = 3 * sqrt(0.95 * 0.05 / given)
    assert found.type_one <= ERRS + slack, (cell.name, found)
    if cell.method.interval:
        assert LOW - slack <= found.coverage <= HIGH + slack, (cell.name, found)


@pytest.mark.parametrize("cell", KEY, ids=lambda cell: cell.name)
def test_key_rows_in_short(cell: Cell) -> None:
    check(cell, summary(cell, simulated(cell, 20260, 0, 150)))


def test_weak_spots_are_shown_as_such() -> None:
    """The study is able to find an interval that is too narrow."""
    cell = chosen(by.RATE, "lognormal, variance 3", people(30, 30)[0])
    assert summary(cell, simulated(cell, SEED, 0, 150)).off()


@pytest.mark.slow
@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.name)
def test_every_row_in_full(cell: Cell) -> None:
    found = summary(cell, simulated(cell, 20260, 0, 400))
    if reason(cell, found) == UNEXPLAINED:
        check(cell, found)


def test_the_same_for_any_number_of_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "BLOCK", 7)
    cells = [cell for cell in CELLS if cell.method == by.CHANGE][:2]
    alone = study(cells, runs=20, seed=3)
    assert study(cells, runs=20, seed=3, workers=2) == alone
    assert study(cells[::-1], runs=20, seed=3) == alone
    short, long = (simulated(cells[0], 3, 0, stop) for stop in (5, 20))
    np.testing.assert_array_equal(short, long[:5])
    assert np.any(simulated(cells[0], 4, 0, 5) != short)


def test_the_page_has_the_rows_of_the_table() -> None:
    listed = [[*cells[:3], cells[3].split(" ")[0]] for cells in ROWS]
    expected = [
        [cell.method.words, cell.structure, cell.size, f"{table.runs(RUNS):,}"]
        for table in TABLES
        for cell in table.cells
    ]
    assert listed == expected, AGAIN
    assert len({cell.name for cell in CELLS}) == len(CELLS)


def test_the_page_says_how_it_was_made() -> None:
    assert f"--runs {RUNS} --seed {SEED} --write docs/calibration.md" in PAGE
    assert re.search(
        r"Python [\d.]+, evalkit [\d.]+, numpy [\d.]+, scipy [\d.]+, pandas [\d.]+", PAGE
    )
    for table in TABLES:
        assert f"## {table.title}\n\n{table.simulated}\n" in PAGE, AGAIN


def test_marked_rows_are_those_off_and_each_mark_has_its_sentence() -> None:
    sections = PAGE.split("\n## ")[1:]
    for text in sections:
        marks = set(re.findall(r"\*\*(\d+)\*\* \|$", text, flags=re.MULTILINE))
        assert marks == set(re.findall(r"^(\d+)\. \w", text, flags=re.MULTILINE))
    assert UNEXPLAINED not in PAGE
    for cell, cells in zip(CELLS, ROWS, strict=True):
        assert bool(cells[-1]) == is_off(cell, printed(cell, cells)), cells


def printed(cell: Cell, cells: list[str]) -> Found:
    """Return what a row of the page says, as far as its digits go."""
    count, _, refused = cells[3].partition(" (")
    lost = float(refused.split("%")[0]) / 100 if refused else 0.0
    shares = [float(text.split(" ±")[0]) / 100 for text in cells[4:-1] if "±" in text]
    if not cell.method.interval:
        return Found(int(count.replace(",", "")), lost, nan, shares[1], nan, tuple(shares))
    return Found(int(count.replace(",", "")), lost, shares[0], shares[1], nan, ())


@pytest.mark.parametrize(
    "cell",
    [
        chosen(by.PERMUTED, "skewed", people(6, 6)[0]),
        pytest.param(chosen(by.CHANGE, "people alone", "6 people"), marks=pytest.mark.slow),
        pytest.param(chosen(by.RATE_ROBUST, "Poisson", people(10, 10)[0]), marks=pytest.mark.slow),
    ],
    ids=lambda cell: cell.name,
)
def test_a_row_of_the_page_comes_out_again(cell: Cell) -> None:
    (table,) = (table for table in TABLES if cell in table.cells)
    found = summary(cell, simulated(cell, SEED, 0, table.runs(RUNS)))
    assert row(cell, found, "") in PAGE, AGAIN


def test_marks_and_reasons() -> None:
    fine = Found(2000, 0.0, 0.95, 0.05, 1.0, (0.01, 0.05, 0.1, 0.5))
    assert not fine.off()
    assert not replace(fine, coverage=0.931).off()  # within its Monte-Carlo error
    assert replace(fine, coverage=0.925).off()
    assert replace(fine, coverage=0.975).off()
    assert replace(fine, type_one=0.07).off()
    found = {cell.name: fine for cell in CELLS}
    found[CELLS[0].name] = replace(fine, coverage=0.80, refused=0.25)
    text = page(found, runs=10, seed=7)
    assert "| 2,000 (25.0% refused) | 80.0 ± 1.0 | 5.0 ± 0.6 | 1 | **1** |" in text
    assert f"1. {UNEXPLAINED}" in text
    assert P_VALUES[0] in text and "--runs 10 --seed 7" in text


@pytest.mark.parametrize(
    "wrong", [["--runs", "0"], ["--seed", "x"], ["--write", "no/such/page.md"]]
)
def test_wrong_options_are_refused(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        options(wrong)
    assert stopped.value.code == 2
    assert wrong[0] in capsys.readouterr().err
