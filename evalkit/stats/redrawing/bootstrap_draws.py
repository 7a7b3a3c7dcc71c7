"""What a bootstrap draws from: units (rows or clusters) in cells, and how often each was taken.

Rows, units and cells are put in an order given by what they hold, not by where they stand or what
they are called, so that a seed gives the same answer whatever the order of the rows, the labels of
clusters and the names of the arms.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Codes = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Units:
    """The units drawn: `order` puts the rows in order of unit, `unit` numbers those rows' units.

    `cell` numbers the cell of each unit: a draw takes as many units from a cell as it holds.
    """

    order: Codes
    unit: Codes
    cell: Codes

    @property
    def count(self) -> int:
        """The number of units."""
        return len(self.cell)

    @property
    def starts(self) -> Codes:
        """The first row of each unit, among the rows in order."""
        return np.searchsorted(self.unit, np.arange(self.count))

    def sums(self, values: Floats) -> Floats:
        """Return sums over the rows (in order) of each unit."""
        if self.count == len(self.unit):
            return values
        total: Floats = np.add.reduceat(values, self.starts, axis=0)
        return total


def units_of(content: Floats, codes: Codes | None, cell: Codes) -> Units:
    """Return the units in order of cell, within it in an order given by `content`.

    `content` is rows by columns; `codes` numbers the unit of each row (None: every row its own),
    `cell` the cell of each row.
    """
    order = np.lexsort(content.T[::-1])
    if codes is None:
        cell = _by_content(content[order], cell[order])
        ranked = np.argsort(cell, kind="stable")
        return Units(order[ranked], np.arange(len(order)), cell[ranked])
    codes, ordered = codes[order], content[order]
    by_code = np.argsort(codes, kind="stable")
    starts = np.searchsorted(codes[by_code], np.arange(int(codes.max()) + 1))
    held = np.column_stack([ordered, np.ones(len(order)), ordered**2])[by_code]
    size = np.diff(starts, append=len(order))[:, None]
    means = np.add.reduceat(held, starts, axis=0) / size
    means[:, content.shape[1]] = size[:, 0]
    first = np.lexsort(means.T[::-1])
    cell = _by_content(means[first], cell[order][by_code][starts][first])
    ranked = np.argsort(cell, kind="stable")
    rank = np.empty(len(ranked), dtype=np.intp)
    rank[first[ranked]] = np.arange(len(ranked))
    rows = np.argsort(rank[codes], kind="stable")
    return Units(order[rows], rank[codes][rows], cell[ranked])


def _by_content(content: Floats, cell: Codes) -> Codes:
    """Return the cells numbered by size and then by what their units hold."""
    _, cell = np.unique(cell, return_inverse=True)
    size = np.bincount(cell)
    held = np.hstack([content, content**2])
    means = [np.bincount(cell, weights=column) / size for column in held.T]
    ranked = np.lexsort([*means[::-1], size])
    rank = np.empty(len(ranked), dtype=np.intp)
    rank[ranked] = np.arange(len(ranked))
    return rank[cell]


def drawn(cell: Codes, draws: int, seed: int, size: int) -> Iterator[Codes]:
    """Give draws in blocks of at most `size`: draws by units, the unit taken in each place.

    `cell` is in order; place and unit taken are of one cell.
    """
    rng = np.random.default_rng(seed)
    ends = np.cumsum(np.bincount(cell)).tolist()
    for start in range(0, draws, size):
        count = min(size, draws - start)
        taken = np.empty((count, len(cell)), dtype=np.intp)
        for low, high in zip([0, *ends], ends, strict=False):
            taken[:, low:high] = rng.integers(low, high, size=(count, high - low))
        yield taken


def times(taken: Codes) -> Floats:
    """Return how often each unit was taken, draws by units."""
    count, units = taken.shape
    flat = taken + units * np.arange(count)[:, None]
    found = np.bincount(flat.ravel(), minlength=count * units)
    return found.reshape(count, units).astype(np.float64)
