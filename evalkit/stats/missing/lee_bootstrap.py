"""Standard errors of Lee's bounds by redrawing people or clusters within arms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.stats.missing.bound_rows import BoundRows
from evalkit.stats.missing.lee_trimming import Side, averaged, bound_cell
from evalkit.stats.redrawing.bootstrap_draws import Units, drawn, times, units_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_BLOCK = 2_000_000  # counts held at once


def bootstrap_errors(
    rows: BoundRows, pairs: Sequence[tuple[Side, Side]], trim: str, draws: int, seed: int
) -> list[float]:
    """Return the standard deviations of the lower and the upper bound over the draws.

    Each draw takes as many people (clusters) from an arm as it has; where clusters hold both arms
    they are drawn together. A cell that a draw leaves with nobody seen in an arm has no weight there.
    """
    units = _units(rows)
    found: list[tuple[float, float]] = []
    place = np.empty(len(units.order), dtype=np.intp)
    place[units.order] = units.unit
    for taken in drawn(units.cell, draws, seed, max(1, _BLOCK // units.count)):
        for often in times(taken):
            found.append(_once(pairs, often[place], trim))
    spread = np.std(np.array(found), axis=0, ddof=1)
    return [float(value) for value in spread]


def _units(rows: BoundRows) -> Units:
    content = np.column_stack([rows.arm, rows.cell, rows.seen, np.nan_to_num(rows.outcome)])
    cell = rows.arm.astype(np.intp)
    if rows.clusters is not None:
        size = np.bincount(rows.clusters)
        share = np.bincount(rows.clusters, weights=rows.arm) / size
        if np.any((share > 0) & (share < 1)):
            cell = np.zeros_like(cell)
    return units_of(content.astype(np.float64), rows.clusters, cell)


def _once(pairs: Sequence[tuple[Side, Side]], counts: Floats, trim: str) -> tuple[float, float]:
    cells = [cell for pair in pairs if (cell := bound_cell(pair, counts, trim)) is not None]
    if not cells:
        raise CannotEstimate(
            "A bootstrap draw had nobody seen in an arm: too few people or clusters. "
            'Use se="analytic".'
        )
    return averaged(cells)
