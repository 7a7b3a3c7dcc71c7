"""Polynomials fitted near a threshold, on one side of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evalkit.errors import CannotEstimate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]
    Codes = NDArray[np.intp]

KERNELS = ("triangular", "epanechnikov", "uniform")
MATCHES = 3  # nearest neighbours whose mean stands for a row's expected outcome


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """One side of the threshold: score less threshold (in order), outcome, cluster codes or None.

    `score` is the score itself: neighbours are told by it, so that subtracting makes no ties.
    """

    x: Floats
    y: Floats
    codes: Codes | None
    score: Floats

    def near(self, width: float, kernel: str) -> Side:
        """Return the rows to which the kernel gives weight."""
        inside = kernel_weights(self.x, width, kernel) > 0
        codes = None if self.codes is None else self.codes[inside]
        return Side(self.x[inside], self.y[inside], codes, self.score[inside])


def kernel_weights(x: Floats, width: float, kernel: str) -> Floats:
    """Return the kernel's weights at distances x, zero beyond the width."""
    u = np.abs(x / width)
    height = {
        "triangular": 1 - u,
        "epanechnikov": 0.75 * (1 - u**2),
        "uniform": np.full_like(u, 0.5),
    }[kernel]
    return np.where(u <= 1, height, 0.0)


def smoother(x: Floats, width: float, kernel: str, order: int) -> Floats:
    """Return the weights on outcomes that give the coefficients of 1, x, x^2 and so on, as rows.

    Raises CannotEstimate where too few values of the score lie within the width.
    """
    weight = kernel_weights(x, width, kernel)
    values = len(np.unique(x[weight > 0]))
    if values <= order:
        raise CannotEstimate(
            f"Within {width:.4g} of the cut-off one side has {values} values of the score; a "
            f"polynomial of order {order} needs {order + 1}. Take a wider bandwidth=."
        )
    powers = np.vander(x / width, order + 1, increasing=True)
    root = np.sqrt(weight)
    q, upper = np.linalg.qr(powers * root[:, None])
    scaled = np.linalg.solve(upper, (q * root[:, None]).T)
    found: Floats = scaled / width ** np.arange(order + 1)[:, None]
    return found


def noise(side: Side, beta: Floats) -> Floats:
    """Return each row's residual whose square stands for its variance.

    Without clusters the gap to the mean of the nearest neighbours on that side (Abadie and Imbens
    2006, Econometrica 74:235-267); with them the residual of the polynomial with coefficients
    `beta`, times the root of g(n - 1) / ((g - 1)(n - k)).
    """
    if side.codes is None:
        return _from_neighbours(side)
    rows, k = len(side.x), len(beta)
    groups = len(np.unique(side.codes))
    if groups < 2 or rows <= k:
        raise CannotEstimate(
            f"Within the bandwidth one side of the cut-off has {groups} cluster(s) and {rows} rows: "
            "too few. Take a wider bandwidth=."
        )
    factor = groups * (rows - 1) / ((groups - 1) * (rows - k))
    fitted = np.vander(side.x, k, increasing=True) @ beta
    return np.asarray(np.sqrt(factor) * (side.y - fitted), dtype=np.float64)


def _from_neighbours(side: Side) -> Floats:
    """Return the gaps, with all rows at the distance of the last neighbour counted."""
    rows = len(side.x)
    values, code, sizes = np.unique(side.score, return_inverse=True, return_counts=True)
    totals = np.concatenate([[0.0], np.cumsum(np.bincount(code, weights=side.y - side.y.mean()))])
    ends = np.concatenate([[0], np.cumsum(sizes)])
    last = len(values) - 1
    low = np.arange(len(values))
    high = low.copy()
    for _ in range(MATCHES):
        short = ends[high + 1] - ends[low] - 1 < min(MATCHES, rows - 1)
        below = np.where(low > 0, values - values[np.maximum(low - 1, 0)], np.inf)
        above = np.where(high < last, values[np.minimum(high + 1, last)] - values, np.inf)
        low = low - (short & (below <= above) & (low > 0))
        high = high + (short & (above <= below) & (high < last))
    others = (ends[high + 1] - ends[low] - 1)[code]
    total = (totals[high + 1] - totals[low])[code]
    own = side.y - side.y.mean()
    gap = own - (total - own) / others
    return np.asarray(np.sqrt(others / (others + 1)) * gap, dtype=np.float64)


def variance(scores: Floats, codes: Codes | None) -> float:
    """Return the sum of squares of scores, by cluster where there are clusters."""
    if codes is None:
        return float(scores @ scores)
    return float(np.sum(np.bincount(codes, weights=scores) ** 2))
