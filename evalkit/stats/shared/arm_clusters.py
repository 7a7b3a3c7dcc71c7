"""Degrees of freedom of a sandwich variance from few clusters, counted by arm."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Codes = NDArray[np.intp]

FEW_CLUSTERS = 40  # with fewer a sandwich variance is too small on average


def cluster_df(influence: Floats, clusters: Codes, arm: Floats) -> float:
    """Return the degrees of freedom of a sum of squares of clusters' influences on an effect.

    `influence` has one value a cluster, `clusters` codes from 0 and `arm` 1 or 0, one a row. Where
    every cluster lies in one arm they are Satterthwaite's, of the two arms' sums of squares with
    clusters - 1 each, as in Welch's test (never more than clusters - 2); else clusters - 1.
    """
    count = len(influence)
    share = np.bincount(clusters, weights=arm, minlength=count) / np.bincount(clusters)
    if np.any((share > 0) & (share < 1)):
        return count - 1.0
    parts, spare = [], []
    for inside in (share == 1, share == 0):
        parts.append(float(np.sum(influence[inside] ** 2)))
        spare.append(int(inside.sum()) - 1)
    below = sum(part**2 / n for part, n in zip(parts, spare, strict=True) if n)
    return sum(parts) ** 2 / below if below > 0 and min(spare) > 0 else float(min(spare))


def few_clusters(count: int | None) -> tuple[str, ...]:
    """Return the note on a sandwich variance from few clusters."""
    if count is None or count >= FEW_CLUSTERS:
        return ()
    return (
        f"{count} clusters are few (below {FEW_CLUSTERS}) for a sandwich variance: the interval "
        "may be too narrow",
    )
