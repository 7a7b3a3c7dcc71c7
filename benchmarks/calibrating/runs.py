"""Simulating cells: every run from its own seed, so that workers do not change a digit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, sqrt

import numpy as np
from numpy.typing import NDArray

from benchmarks.calibrating.cells import Cell
from evalkit.errors import CannotEstimate

Floats = NDArray[np.float64]
BLOCK = 250  # runs handed to a worker at once
LOW, HIGH, ERRS = 0.935, 0.965, 0.06  # the band of coverage, and the most type I error
REFUSED = (np.nan, np.nan, np.nan)


@dataclass(frozen=True, slots=True)
class Found:
    """What one cell showed; shares from 0 to 1, of the runs that were not refused.

    `width` is the mean width, for a ratio the geometric mean of upper over lower end. `below` are
    the shares of null p-values at or below 0.01, 0.05, 0.10 and 0.50.
    """

    runs: int
    refused: float
    coverage: float
    type_one: float
    width: float
    below: tuple[float, ...]

    def error(self, share: float) -> float:
        """Return the Monte-Carlo standard error of a share."""
        return sqrt(max(share * (1 - share), 0.0) / (self.runs * (1 - self.refused)))

    def off(self, *, interval: bool = True) -> bool:
        """Return whether coverage or type I error leave their bands by more than that error."""
        errs = self.type_one - self.error(self.type_one) > ERRS
        if not interval:
            return errs
        slack = self.error(self.coverage)
        return errs or self.coverage + slack < LOW or self.coverage - slack > HIGH


def simulated(cell: Cell, seed: int, start: int, stop: int) -> Floats:
    """Return, a row a run, the interval under the effect and the p-value without one."""
    spawned = np.random.SeedSequence(cell.entropy(seed)).spawn(stop)[start:]
    return np.array([_run(cell, np.random.default_rng(one)) for one in spawned])


def _run(cell: Cell, rng: np.random.Generator) -> tuple[float, float, float]:
    low, high, _ = _read(cell, rng, cell.effect) if cell.method.interval else REFUSED
    _, _, p_value = _read(cell, rng, 0.0)
    return low, high, p_value


def _read(cell: Cell, rng: np.random.Generator, effect: float) -> tuple[float, float, float]:
    try:
        return cell.method.read(cell.make(rng, effect))
    except CannotEstimate:
        return REFUSED


def summary(cell: Cell, rows: Floats) -> Found:
    """Return what the runs of a cell show, shares to a tenth of a percent, as they are printed."""
    low, high, p_value = rows.T
    tested = p_value[~np.isnan(p_value)]
    below = tuple(_share(tested <= limit + 1e-12) for limit in (0.01, 0.05, 0.10, 0.50))
    if not cell.method.interval:
        return Found(len(rows), _share(np.isnan(p_value)), np.nan, below[1], np.nan, below)
    given = ~np.isnan(low)
    low, high = low[given], high[given]
    wide = exp(np.mean(np.log(high / low))) if cell.method.ratio else float(np.mean(high - low))
    holds = _share((low <= cell.truth) & (cell.truth <= high))
    return Found(len(rows), _share(~given), holds, below[1], wide, below)


def _share(which: NDArray[np.bool_]) -> float:
    return round(float(np.mean(which)), 3)


def study(
    cells: Sequence[Cell],
    *,
    runs: int,
    seed: int,
    workers: int = 1,
) -> dict[str, Found]:
    """Return what each cell showed, by name; the same for any number of workers.

    Parameters
    ----------
    cells : the cells to simulate
    runs : trials with the effect, and as many without, for each
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
    found = {}
    for place, cell in enumerate(cells):
        rows = np.concatenate(blocks[place * len(starts) : (place + 1) * len(starts)])
        found[cell.name] = summary(cell, rows)
    return found
