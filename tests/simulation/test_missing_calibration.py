"""Losing people biases what it should and nothing else; docs/missing-calibration.md is the record.

The full form (every kind of trial) is marked slow; a small form of key rows runs always, with bands
of three to four Monte-Carlo errors.
"""

from __future__ import annotations

import re
from dataclasses import replace
from math import nan, sqrt
from typing import Any

import numpy as np
import pytest

from benchmarks.losing import methods as by
from benchmarks.losing import runs
from benchmarks.losing.methods import METHODS, Method
from benchmarks.losing.page import cells, page, row, tipping_row
from benchmarks.losing.readings import READINGS, reading
from benchmarks.losing.runs import CELLS, EFFECT, PEOPLE, Cell, Found, simulated, study, summary
from benchmarks.losing.runs import tipped as tipped_of
from benchmarks.losing.trials import LOSSES, SHARE, Loss, make, scores
from benchmarks.missing import options
from tests.conftest import ROOT

SEED, RUNS = 1, 200
PAGE = (ROOT / "docs" / "missing-calibration.md").read_text(encoding="utf-8")
AGAIN = "run python benchmarks/missing.py --write docs/missing-calibration.md"
NOBODY, CHANCE, BASELINE, MIDDLE, OUTCOME, ONE_ARM, BENEFIT = LOSSES
J2R = by.REFERENCE[by.STRATEGIES.index("J2R")]
MAR = by.REFERENCE[by.STRATEGIES.index("MAR")]


def directly(cell: Cell, count: int, seed: int, *chosen: Method) -> np.ndarray[Any, Any]:
    """Return runs in which only methods that impute nothing were used."""
    found = np.full((count, len(METHODS) + 1, 3), nan)
    spawned = np.random.SeedSequence(cell.entropy(seed)).spawn(count)
    for number, one in enumerate(spawned):
        trial = make(np.random.default_rng(one), cell.loss, cell.people, cell.effect)
        for method in chosen:
            found[number, METHODS.index(method)] = by.direct(method, trial)
    return found


def in_band(found: Found, *, errors: float = 3.5) -> bool:
    """Return whether neither bias nor coverage are further off than chance makes them."""
    slack = errors * sqrt(0.95 * 0.05 / found.given)
    straight = np.isnan(found.bias) or abs(found.bias) < errors * found.bias_error
    return bool(straight and found.coverage >= 0.95 - slack)


# --- The trials -------------------------------------------------------------------------------


def test_scores_are_as_stated() -> None:
    plain = scores(np.random.default_rng(1), 200_000)
    table = np.array([plain.baseline, plain.middle, plain.last])
    np.testing.assert_allclose(table.std(axis=1), 1, atol=0.01)
    np.testing.assert_allclose(np.corrcoef(table)[[0, 0, 1], [1, 2, 2]], [0.6, 0.5, 0.7], atol=0.01)
    assert plain.treated.sum() == 100_000


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.name)
def test_losses_are_as_stated(loss: Loss) -> None:
    trial = make(np.random.default_rng(2), loss, 100_000, EFFECT)
    frame, treated = trial.frame, trial.frame["arm"] == 1
    lost = 1 - frame["seen"]
    assert lost[treated].mean() == pytest.approx(loss.share, abs=0.01)
    assert lost[~treated].mean() == pytest.approx(loss.share if loss.both else 0, abs=0.01)
    assert (frame["score"].isna() == (lost == 1)).all()
    early = frame["middle"].isna()
    assert early.mean() == pytest.approx(lost.mean() / 3 if loss.early else 0, abs=0.01)
    assert not (early & (lost == 0)).any()
    truth = trial.whole[treated].mean() - trial.whole[~treated].mean()
    assert truth == pytest.approx(loss.truth(EFFECT), abs=0.02)
    assert loss.truth(0.0) == 0.0
    assert loss.truth(EFFECT, seen=True) == EFFECT


def test_the_outcome_alone_decides_under_mnar() -> None:
    trial = make(np.random.default_rng(3), OUTCOME, 100_000, 0.0)
    frame = trial.frame.assign(whole=trial.whole)
    gap = frame.groupby(["arm", "seen"])["whole"].mean().unstack()
    assert gap.loc[1, 0] < gap.loc[1, 1] - 0.5
    assert gap.loc[0, 0] == pytest.approx(gap.loc[0, 1], abs=0.03)


# --- The methods in short ---------------------------------------------------------------------


def test_methods_that_impute_nothing_in_short() -> None:
    chosen = (by.ADJUSTED, by.WEIGHTED_HELPED, by.LEE, by.WORST)
    middle = directly(Cell(MIDDLE, 400, EFFECT), 60, 7, *chosen)
    one_arm = directly(Cell(ONE_ARM, 400, EFFECT), 60, 7, *chosen)
    seen = {
        (loss.name, method): summary(Cell(loss, 400, EFFECT), method, rows)
        for loss, rows in ((MIDDLE, middle), (ONE_ARM, one_arm))
        for method in chosen
    }
    assert (
        abs(seen[MIDDLE.name, by.WEIGHTED_HELPED].bias) < 0.1 < seen[MIDDLE.name, by.ADJUSTED].bias
    )
    assert seen[MIDDLE.name, by.LEE].coverage < 0.7
    assert seen[ONE_ARM.name, by.ADJUSTED].bias > 0.17
    assert seen[ONE_ARM.name, by.WEIGHTED_HELPED].bias > 0.12
    assert in_band(seen[ONE_ARM.name, by.LEE])
    assert seen[ONE_ARM.name, by.WORST].coverage == 1.0


def test_imputing_in_short() -> None:
    cell = Cell(MIDDLE, 400, EFFECT)
    found = simulated(cell, 20260, 0, 16)
    for method in (by.NORMAL, MAR):
        assert in_band(summary(cell, method, found), errors=4), method
    matched, blind = (summary(cell, method, found).bias for method in (by.HELPED, by.IMPUTED))
    assert abs(matched) < 0.15 < blind
    assert summary(cell, J2R, found).bias < -0.04
    shifts = tipped_of(found)
    assert shifts is not None and shifts.finds > 0.7 and shifts.median < -0.3


def test_nothing_lost_changes_nothing() -> None:
    cell = Cell(NOBODY, 100, EFFECT)
    found = simulated(cell, 5, 0, 2)
    same = [METHODS.index(m) for m in (by.IMPUTED, by.HELPED, by.WEIGHTED, by.WEIGHTED_HELPED)]
    expected = found[:, METHODS.index(by.ADJUSTED)]
    for place in same:
        np.testing.assert_allclose(found[:, place, 0], expected[:, 0], rtol=1e-9)
        np.testing.assert_allclose(found[:, place, 1:], expected[:, 1:], atol=0.02)
    assert summary(cell, J2R, found).refused == 1.0
    assert tipped_of(found) is None


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_the_same_for_any_blocks_and_workers(workers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = [Cell(CHANCE, 100, EFFECT), Cell(OUTCOME, 100, 0.0)]
    alone = study(chosen, runs=2, seed=3)
    monkeypatch.setattr(runs, "BLOCK", 1)
    spread = study(chosen[::-1], runs=2, seed=3, workers=workers)
    for cell in chosen:
        assert alone[cell].tobytes() == spread[cell].tobytes()
        assert simulated(cell, 3, 0, 1).tobytes() == alone[cell][:1].tobytes()
    assert np.any(simulated(chosen[0], 4, 0, 1)[0, 0] != alone[chosen[0]][0, 0])


# --- The page ---------------------------------------------------------------------------------


def lines(loss: Loss) -> dict[tuple[str, int], list[str]]:
    """Return the rows of a section of the page by method and people."""
    (text,) = (part for part in PAGE.split("\n## ") if part.startswith(f"{loss.name}\n"))
    found = {}
    for line in re.findall(r"^\| .* \| \d+ \|$", text, flags=re.MULTILINE):
        cells_of = [part.strip() for part in line.strip("|").split("|")]
        found[cells_of[0].split(" (")[0], int(cells_of[1])] = cells_of
    return found


def printed(cells_of: list[str]) -> Found:
    """Return what a row says with an effect, as far as its digits go."""
    numbers = [text.split(" ± ") for text in cells_of[2:6]]
    bias, error = map(float, numbers[0]) if len(numbers[0]) == 2 else (nan, nan)
    coverage, width = float(numbers[1][0]) / 100, float(numbers[2][0])
    spread = error * sqrt(RUNS)
    return Found(RUNS, 0.0, bias, spread, coverage, width, float(numbers[3][0]) / 100)


def test_the_page_says_how_it_was_made() -> None:
    assert f"--runs {RUNS} --seed {SEED} --write docs/missing-calibration.md" in PAGE
    assert re.search(
        r"Python [\d.]+, evalkit [\d.]+, numpy [\d.]+, scipy [\d.]+, pandas [\d.]+", PAGE
    )
    for loss in LOSSES:
        assert f"## {loss.name}\n\n{loss.simulated}\n" in PAGE, AGAIN


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.name)
def test_the_page_has_every_row_and_its_reading(loss: Loss) -> None:
    found = lines(loss)
    assert list(found) == [(m.words, people) for m in METHODS for people in PEOPLE], AGAIN
    section = PAGE.split(f"## {loss.name}\n")[1].split("\n## ")[0]
    for method in METHODS:
        for people in PEOPLE:
            number = found[method.words, people][-1]
            assert f"\n{number}. {reading(loss, method).text}\n" in section, AGAIN


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.name)
def test_readings_agree_with_the_numbers(loss: Loss) -> None:
    found = lines(loss)
    for method in METHODS:
        said = reading(loss, method)
        if said.right or said.wrong:
            one = printed(found[method.words, PEOPLE[-1]])
            off = one.biased() or one.narrow()
            assert off == said.wrong, (method.words, one, said.text)


def test_every_reading_is_of_some_row() -> None:
    used = {reading(loss, method).text for loss in LOSSES for method in METHODS}
    assert used == {one.text for one in READINGS}
    assert not any(one.right and one.wrong for one in READINGS)


@pytest.mark.parametrize(
    ("loss", "method"), [(BASELINE, by.WEIGHTED), (ONE_ARM, by.LEE)], ids=lambda x: str(x)[:30]
)
def test_a_row_of_the_page_comes_out_again(loss: Loss, method: Method) -> None:
    found = [summary(cell, method, directly(cell, RUNS, SEED, method)) for cell in cells(loss, 100)]
    number = lines(loss)[method.words, 100][-1]
    assert row(method, 100, found[0], found[1], int(number)) in PAGE, AGAIN


def test_a_page_of_few_runs() -> None:
    draw = np.random.default_rng(1)
    made = {cell: draw.normal(size=(4, len(METHODS) + 1, 3)) for cell in CELLS}
    made[CELLS[0]][:] = nan
    text = page(made, runs=4, seed=7)
    assert "--runs 4 --seed 7" in text
    assert "| complete cases, baseline (100.0% refused) | 100 | – | – | – | – |" in text
    assert "nan" not in text


def test_marks() -> None:
    fine = Found(400, 0.0, 0.0, 0.2, 0.95, 0.8, 0.9)
    assert not (fine.biased() or fine.narrow() or fine.wide())
    assert replace(fine, bias=-0.05).biased()
    assert not replace(fine, bias=0.03).biased()
    assert replace(fine, coverage=0.90).narrow() and replace(fine, coverage=0.995).wide()
    assert not replace(fine, coverage=0.925).narrow()
    nothing = replace(fine, refused=1.0, bias=nan, coverage=nan)
    assert not (nothing.biased() or nothing.narrow())
    assert pytest.approx(0.3) == SHARE


@pytest.mark.parametrize(
    "wrong", [["--runs", "0"], ["--seed", "x"], ["--write", "no/such/page.md"]]
)
def test_wrong_options_are_refused(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        options(wrong)
    assert stopped.value.code == 2
    assert wrong[0] in capsys.readouterr().err


# --- In full ----------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.name)
def test_every_row_in_full(loss: Loss) -> None:
    cell = Cell(loss, 400, EFFECT)
    found = simulated(cell, 20260, 0, 100)
    for method in METHODS:
        said, one = reading(loss, method), summary(cell, method, found)
        if said.right:
            assert in_band(one), (method.words, one)
        if said.wrong:
            assert one.biased() or one.narrow(), (method.words, one)


@pytest.mark.slow
def test_rows_that_impute_come_out_again() -> None:
    both = cells(CHANCE, 100)
    found = {cell: simulated(cell, SEED, 0, RUNS) for cell in both}
    for method in METHODS:
        number = int(lines(CHANCE)[method.words, 100][-1])
        with_effect, without = (summary(cell, method, found[cell]) for cell in both)
        assert row(method, 100, with_effect, without, number) in PAGE, AGAIN
    for cell in both:
        shifts = tipped_of(found[cell])
        assert shifts is not None and tipping_row(cell, shifts) in PAGE, AGAIN
