"""The jump of two local polynomials where they meet, with its robust bias-corrected error."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.stats.thresholds.bandwidths import best_widths
from evalkit.stats.thresholds.local_polynomial import (
    Side,
    kernel_weights,
    noise,
    smoother,
    variance,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Jump:
    """A jump at a cut-off: as estimated, corrected for the curve's bias, and both errors."""

    estimate: float
    corrected: float
    error: float
    error_robust: float
    width: float
    bias_width: float
    n_below: int
    n_above: int
    values_below: int
    values_above: int

    @property
    def p_value(self) -> float:
        """The p-value of the corrected jump with its robust error."""
        from scipy.stats import norm

        return float(2 * norm.sf(abs(self.corrected / self.error_robust)))

    def interval(self, level: float, *, robust: bool = True) -> tuple[float, float]:
        """Return the robust bias-corrected interval, or the conventional one."""
        from scipy.stats import norm

        half = float(norm.ppf(0.5 + level / 2)) * (self.error_robust if robust else self.error)
        middle = self.corrected if robust else self.estimate
        return middle - half, middle + half


@dataclass(frozen=True, slots=True, eq=False)
class _Edge:
    """A side's value at the cut-off, as estimated and corrected, with each row's scores."""

    value: float
    corrected: float
    scores: Floats
    scores_robust: Floats
    side: Side
    inside: int
    values: int


def jump_at(
    below: Side, above: Side, kernel: str, order: int, widths: tuple[float, float] | None
) -> Jump:
    """Return the jump; `widths` of the effect and of its bias, None to choose them.

    The bias is estimated by a polynomial of one order more (Calonico, Cattaneo and Titiunik 2014,
    Econometrica 82:2295-2326); the robust error is that of estimate less bias.
    """
    width, bias_width = best_widths(below, above, kernel, order) if widths is None else widths
    low, high = (_edge(side, width, bias_width, kernel, order) for side in (below, above))
    error, robust = (
        sqrt(_together(low, high, one, other))
        for one, other in ((low.scores, high.scores), (low.scores_robust, high.scores_robust))
    )
    if not (error > 0 and robust > 0):
        raise CannotEstimate(
            "The outcome does not vary around its curve near the cut-off, so the uncertainty of "
            "the jump is not known."
        )
    return Jump(
        estimate=high.value - low.value,
        corrected=high.corrected - low.corrected,
        error=error,
        error_robust=robust,
        width=width,
        bias_width=bias_width,
        n_below=low.inside,
        n_above=high.inside,
        values_below=low.values,
        values_above=high.values,
    )


def _edge(side: Side, width: float, bias_width: float, kernel: str, order: int) -> _Edge:
    near = side.near(max(width, bias_width), kernel)
    rows = smoother(near.x, width, kernel, order)
    bias_rows = smoother(near.x, bias_width, kernel, order + 1)
    drift = float(rows[0] @ near.x ** (order + 1))
    corrected = rows[0] - drift * bias_rows[order + 1]
    inside = kernel_weights(near.x, width, kernel) > 0
    return _Edge(
        value=float(rows[0] @ near.y),
        corrected=float(corrected @ near.y),
        scores=rows[0] * noise(near, rows @ near.y),
        scores_robust=corrected * noise(near, bias_rows @ near.y),
        side=near,
        inside=int(inside.sum()),
        values=len(np.unique(near.x[inside])),
    )


def _together(low: _Edge, high: _Edge, one: Floats, other: Floats) -> float:
    """Return the variance of the jump; clusters on both sides count once."""
    if low.side.codes is None or high.side.codes is None:
        return variance(one, None) + variance(other, None)
    codes = np.concatenate([low.side.codes, high.side.codes])
    return variance(np.concatenate([-one, other]), codes)
