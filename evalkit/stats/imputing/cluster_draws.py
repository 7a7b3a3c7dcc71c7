"""Draws for a numeric column of people in families or other clusters, with a random intercept.

y = x'b + u + e, u normal with variance t2 a cluster and e normal with variance s2 a person. Priors: b
flat, s2 as 1 / s2, the intraclass correlation r = t2 / (t2 + s2) uniform from 0 to 1. Under these the
posterior of r is known up to its scale in closed form (b and s2 integrated out), so that r is drawn on
a fine grid, and then s2, b, u and e from their own distributions: independent draws, no chain.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evalkit.stats.imputing.linear_draws import drawn_model
from evalkit.stats.imputing.steady_algebra import own_products, root_diagonals, times, upper_root

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Codes = NDArray[np.intp]

_GRID = 33
_HIGHEST = 0.9999
_NEGLIGIBLE = 14.0  # of the log density below its peak


@dataclass(frozen=True, slots=True, eq=False)
class _Sums:
    """What the likelihood needs: cross-products, and those of cluster totals by cluster size."""

    gram: Floats
    by_size: Floats  # sizes by columns by columns
    sizes: Floats
    clusters: Floats  # clusters of each size
    n: int

    def weighted(self, odds: Floats) -> Floats:
        """Return the cross-products weighted by the inverse variance, for each t2 / s2."""
        share = odds[:, None] / (1 + odds[:, None] * self.sizes)
        return np.asarray(self.gram - np.einsum("gs,sjk->gjk", share, self.by_size))


def _sums(columns: Floats, codes: Codes, n_clusters: int) -> tuple[_Sums, Floats, Floats]:
    """Return the sums, the cluster totals of each column and the cluster sizes."""
    count = np.bincount(codes, minlength=n_clusters).astype(np.float64)
    totals: Floats = np.column_stack(
        [np.bincount(codes, column, minlength=n_clusters).astype(float) for column in columns.T]
    )
    sizes = np.unique(count[count > 0])
    parts = [totals[count == size] for size in sizes]
    by_size = np.stack([own_products(part) for part in parts])
    number = np.array([float(len(part)) for part in parts])
    return _Sums(own_products(columns), by_size, sizes, number, len(codes)), totals, count


def _log_density(sums: _Sums, shares: Floats) -> Floats:
    """Return the log posterior density of the intraclass correlation, up to a constant."""
    odds = shares / (1 - shares)
    p = sums.gram.shape[0] - 1
    diagonal = root_diagonals(sums.weighted(odds))
    spread = times(np.log1p(odds[:, None] * sums.sizes), sums.clusters)
    fixed = 2 * np.log(diagonal[:, :p]).sum(axis=1)
    found: Floats = -0.5 * (spread + fixed) - (sums.n - p) * np.log(diagonal[:, p])
    return found


def drawn_share(rng: np.random.Generator, sums: _Sums) -> float:
    """Draw the intraclass correlation: a coarse grid finds where it lies, a fine one draws it."""
    grid = np.linspace(0.0, _HIGHEST, _GRID)
    for _ in range(3):
        density = _log_density(sums, grid)
        inside = np.flatnonzero(density > density.max() - _NEGLIGIBLE)
        low, high = max(inside[0] - 1, 0), min(inside[-1] + 1, _GRID - 1)
        grid = np.linspace(grid[low], grid[high], _GRID)
    density = np.exp(_log_density(sums, grid) - density.max())
    steps = np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) / 2)])
    return float(np.interp(rng.random() * steps[-1], steps, grid))


def cluster_model(
    rng: np.random.Generator, matrix: Floats, outcome: Floats, codes: Codes, n_clusters: int
) -> tuple[Floats, Floats, Floats, float]:
    """Draw the model.

    Parameters
    ----------
    rng : where the random numbers come from
    matrix : array, rows with an outcome by columns, the first of ones, of full column rank
    outcome : their outcomes
    codes : the cluster of each row, from 0
    n_clusters : clusters in all, also those where nobody has an outcome

    Returns
    -------
    tuple
        Generalised least squares coefficients, drawn coefficients, drawn intercepts of all
        clusters, drawn deviation of a person.
    """
    p = matrix.shape[1]
    sums, totals, count = _sums(np.column_stack([matrix, outcome]), codes, n_clusters)
    share = drawn_share(rng, sums)
    odds = np.array([share / (1 - share)])
    upper = upper_root(sums.weighted(odds)[0])[0]
    fitted, drawn, sigma = drawn_model(rng, upper, sums.n - p)
    weight = odds[0] / (1 + count * odds[0])
    mean = weight * (totals[:, p] - times(totals[:, :p], drawn))
    intercepts = mean + sigma * np.sqrt(weight) * rng.standard_normal(n_clusters)
    return fitted, drawn, intercepts, sigma
