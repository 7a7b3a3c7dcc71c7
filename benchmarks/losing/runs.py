"""Simulating cells: every run from its own seed, so that workers do not change a digit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan, sqrt
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from benchmarks.losing.methods import METHODS, Method, intervals
from benchmarks.losing.trials import LOSSES, Loss, make

Floats = NDArray[np.float64]
BLOCK = 20  # runs handed to a worker at once
EFFECT = 0.4  # in SDs
PEOPLE = (100, 400)
FAR = 0.5  # SDs: a tipping point beyond it
LOW, HIGH = 0.935, 0.965  # the band of coverage
LITTLE = 0.02  # SDs of bias that are let pass


@dataclass(frozen=True, slots=True)
class Cell:
    """Trials of a number of people who are lost in one way, with one effect."""

    loss: Loss
    people: int
    effect: float

    @property
    def name(self) -> str:
        """Return what no other cell is called."""
        return f"{self.loss.name}; {self.people}; {self.effect:g}"

    def entropy(self, seed: int) -> list[int]:
        """Return what its random numbers start from: the seed and its own name, not its place."""
        return [seed, crc32(self.name.encode())]


@dataclass(frozen=True, slots=True)
class Found:
    """What one method showed in one cell; shares from 0 to 1, of the runs not refused.

    `bias` and `width` are in SDs, `spread` is the SD of the estimates over runs; `finds` is the share
    of intervals without 0.
    """

    runs: int
    refused: float
    bias: float
    spread: float
    coverage: float
    width: float
    finds: float

    @property
    def given(self) -> float:
        """Return the runs with an answer."""
        return self.runs * (1 - self.refused)

    def error(self, share: float) -> float:
        """Return the Monte-Carlo standard error of a share."""
        return sqrt(max(share * (1 - share), 0.0) / self.given) if self.given else nan

    @property
    def bias_error(self) -> float:
        """Return the Monte-Carlo standard error of the bias."""
        return self.spread / sqrt(self.given) if self.given else nan

    def biased(self) -> bool:
        """Return whether the bias is more than little, by two Monte-Carlo errors."""
        return abs(self.bias) - 2 * self.bias_error > LITTLE

    def narrow(self) -> bool:
        """Return whether intervals hold the truth too seldom, by two Monte-Carlo errors."""
        return self.coverage + 2 * self.error(0.95) < LOW

    def wide(self) -> bool:
        """Return whether intervals hold the truth too often, by two Monte-Carlo errors."""
        return self.coverage - 2 * self.error(0.95) > HIGH


@dataclass(frozen=True, slots=True)
class Tipped:
    """Tipping points of a cell: the share of runs with a finding in favour of the programme, with
    one that takes a shift of more than half an SD to undo, with one that the shift that was needed
    does not undo, the median point of the findings, and the mean shift that was needed, in SDs.
    """

    runs: int
    finds: float
    far: float
    stands: float
    median: float
    needed: float


CELLS = tuple(
    Cell(loss, people, effect) for loss in LOSSES for people in PEOPLE for effect in (EFFECT, 0.0)
)


def simulated(cell: Cell, seed: int, start: int, stop: int) -> Floats:
    """Return runs by methods (the tipping point last) by estimate and the interval's ends."""
    spawned = np.random.SeedSequence(cell.entropy(seed)).spawn(stop)[start:]
    return np.array([_run(cell, np.random.default_rng(one)) for one in spawned])


def _run(cell: Cell, rng: np.random.Generator) -> Floats:
    trial = make(rng, cell.loss, cell.people, cell.effect)
    found, tipping = intervals(trial, int(rng.integers(2**31)))
    return np.array([*found, tipping])


def summary(cell: Cell, method: Method, runs: Floats) -> Found:
    """Return what the runs of a cell show of a method, to the digits that are printed."""
    estimate, low, high = runs[:, METHODS.index(method)].T
    given = ~np.isnan(low)
    refused = _rounded(np.mean(~given))
    if not given.any():
        return Found(len(runs), refused, nan, nan, nan, nan, nan)
    truth = cell.loss.truth(cell.effect, seen=method.of_seen)
    estimate, low, high = estimate[given], low[given], high[given]
    return Found(
        len(runs), refused, _rounded(np.mean(estimate - truth)), float(np.std(estimate)),
        _rounded(np.mean((low <= truth) & (truth <= high))), _rounded(np.mean(high - low)),
        _rounded(np.mean((low > 0) | (high < 0))),
    )  # fmt: skip


def tipped(runs: Floats) -> Tipped | None:
    """Return what the tipping points show; None where nobody was lost.

    A finding in favour of the programme is undone by a shift downwards, one below zero.
    """
    point, needed, _ = runs[:, -1].T
    if np.isnan(needed).all():
        return None
    good = point < 0
    return Tipped(
        len(runs), _rounded(np.mean(good)), _rounded(np.mean(good & (point < -FAR))),
        _rounded(np.mean(good & (point < needed))),
        _rounded(np.median(point[good])) if good.any() else nan, _rounded(np.mean(needed)),
    )  # fmt: skip


def _rounded(value: np.floating) -> float:
    return round(float(value), 3)


def study(cells: Sequence[Cell], *, runs: int, seed: int, workers: int = 1) -> dict[Cell, Floats]:
    """Return the runs of each cell; the same for any number of workers.

    Parameters
    ----------
    cells : the cells to simulate
    runs : trials for each
    seed : a whole number; the first runs of a longer study are those of a shorter one
    workers : processes
    """
    from joblib import Parallel, delayed

    starts = range(0, runs, BLOCK)
    blocks = Parallel(n_jobs=workers)(
        delayed(simulated)(cell, seed, start, min(start + BLOCK, runs))
        for cell in cells
        for start in starts
    )
    count = len(starts)
    return {
        cell: np.concatenate(blocks[place * count : (place + 1) * count])
        for place, cell in enumerate(cells)
    }
