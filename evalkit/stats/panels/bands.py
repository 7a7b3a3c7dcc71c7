"""Critical values of bands that hold for every estimate at once.

A multiplier bootstrap of the influences, at the cluster (Callaway and Sant'Anna 2021, algorithm
1), or Sidak's inequality (1967), which needs no draws and is never too narrow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evalkit.stats.shared.columns import choice, invalid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Codes = NDArray[np.intp]

MULTIPLIERS = ("mammen", "rademacher")
_BLOCK = 4_000_000  # multipliers held at once
_ROOT = 5**0.5


def cluster_sums(influence: Floats, clusters: Codes | None) -> Floats:
    """Return influences (estimates by units) summed within clusters; by unit without."""
    if clusters is None:
        return influence
    size = int(clusters.max()) + 1
    return np.vstack([np.bincount(clusters, row, size) for row in np.atleast_2d(influence)])


def covariance(sums: Floats, units: int) -> Floats:
    """Return the covariance matrix of estimates from their influences by cluster."""
    rows = np.atleast_2d(sums)
    return np.asarray(rows @ rows.T / units**2, dtype=np.float64)


def check_draws(draws: int, multipliers: str, seed: int | None) -> None:
    """Refuse options of the bootstrap that cannot be."""
    choice(multipliers, MULTIPLIERS, argument="multipliers")
    for name, value in (("bootstrap", draws), ("seed", 0 if seed is None else seed)):
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 0:
            raise invalid(f"{name}={value!r}.", allowed="a whole number from 0")
    if 0 < draws < 100:
        raise invalid(f"bootstrap={draws!r}.", allowed="0, or 100 draws or more")


def critical_value(
    sums: Floats, *, draws: int, multipliers: str, seed: int | None, level: float
) -> float:
    """Return the critical value of simultaneous bands for estimates with these influences.

    `sums` is estimates by clusters, no row all zero. The value is never below the normal one of
    a single interval.
    """
    from scipy.stats import norm

    single = float(norm.ppf(0.5 + level / 2))
    if len(sums) == 1:
        return single
    if seed is None or draws == 0:
        return float(norm.ppf(0.5 + level ** (1 / len(sums)) / 2))
    scaled = sums / np.sqrt(np.sum(sums**2, axis=1))[:, None]
    largest = np.concatenate(_largest(scaled, draws, multipliers, seed))
    return max(single, float(np.quantile(largest, level, method="inverted_cdf")))


def _largest(scaled: Floats, draws: int, multipliers: str, seed: int) -> list[Floats]:
    """Return the largest absolute statistic of each draw; a two-point variable is a + (b - a)B."""
    if multipliers == "mammen":
        low, high, chance = (1 - _ROOT) / 2, (1 + _ROOT) / 2, (_ROOT + 1) / (2 * _ROOT)
    else:
        low, high, chance = -1.0, 1.0, 0.5
    clusters = scaled.shape[1]
    size = max(1, _BLOCK // clusters)
    starts = range(0, draws, size)
    total, turned = low * scaled.sum(axis=1), (high - low) * scaled.T
    found = []
    for start, child in zip(starts, np.random.SeedSequence(seed).spawn(len(starts)), strict=True):
        rng = np.random.default_rng(child)
        count = min(size, draws - start)
        ups = rng.random((count, clusters), dtype=np.float32) >= chance
        found.append(np.max(np.abs(ups.astype(np.float64) @ turned + total), axis=1))
    return found
