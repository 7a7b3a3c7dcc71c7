"""Means of columns over the people of a cluster, and over the others of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]
    Codes = NDArray[np.intp]


class ClusterMeans:
    """Sums by cluster through one sparse matrix; `codes` is the cluster of each row, from 0."""

    def __init__(self, codes: Codes) -> None:
        from scipy.sparse import csr_array

        rows = len(codes)
        self.codes = codes
        self.n = int(codes.max()) + 1
        self.count = np.bincount(codes, minlength=self.n).astype(np.float64)
        self._totals = csr_array((np.ones(rows), (codes, np.arange(rows))), shape=(self.n, rows))

    def of(self, columns: Floats) -> Floats:
        """Return the mean of each row's cluster, rows by columns."""
        means = (self._totals @ columns) / self.count[:, None]
        return np.asarray(means[self.codes])

    def of_others(self, columns: Floats) -> Floats:
        """Return the mean over the others of each row's cluster; of a person alone, that of all."""
        totals = (self._totals @ columns)[self.codes] - columns
        others = self.count[self.codes] - 1
        found = totals / np.maximum(others, 1)[:, None]
        found[others == 0] = columns.mean(axis=0)
        return np.asarray(found)

    def turn(self, rows: Codes) -> Codes:
        """Return the place, from 0, of each of some rows among those of its cluster."""
        own = self.codes[rows]
        order = np.argsort(own, kind="stable")
        first = np.searchsorted(own[order], own)
        place = np.empty(len(rows), dtype=np.intp)
        place[order] = np.arange(len(rows))
        return np.asarray(place - first, dtype=np.intp)


def varies_within(values: Floats, codes: Codes) -> tuple[bool, int]:
    """Return whether known values differ within a cluster, and how many clusters could show it."""
    known = ~np.isnan(values)
    n = int(codes.max()) + 1
    count = np.bincount(codes[known], minlength=n)
    low, high = np.full(n, np.inf), np.full(n, -np.inf)
    np.minimum.at(low, codes[known], values[known])
    np.maximum.at(high, codes[known], values[known])
    several = count > 1
    return bool(np.any(high[several] > low[several])), int(several.sum())
