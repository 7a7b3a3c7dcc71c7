"""How near the threshold to look: the bandwidth with the least mean squared error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.stats.thresholds.local_polynomial import Side, noise, smoother, variance

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

PILOT = {"triangular": 2.576, "epanechnikov": 2.34, "uniform": 1.843}  # of a density, by kernel
REPEATED = 0.2  # share of rows that repeat a score, from which a width must hold VALUES of them
VALUES = 10
PENALTY = 3.0  # on the noise of an estimated bias


@dataclass(frozen=True, slots=True, eq=False)
class _Parts:
    """A side's variance, bias and noise of the bias, freed of their rates in the bandwidth."""

    variance: float
    bias: float
    noise: float


def best_widths(left: Side, right: Side, kernel: str, order: int) -> tuple[float, float]:
    """Return the bandwidths of the effect and of its bias, the same on both sides.

    Plug-in with three steps, each least mean squared error for the next, and a penalty where the
    bias is hardly known (Calonico, Cattaneo and Titiunik 2014, Econometrica 82:2295-2326, with
    the direct form of Calonico, Cattaneo and Farrell 2020, Econometrics Journal 23:192-210).
    Where a fifth of the rows on a side repeat a score the widths hold ten values at least. Raises
    CannotEstimate where a side has too few values of the score.
    """
    sides = (left, right)
    values = [np.unique(np.abs(side.x)) for side in sides]
    for found in values:
        if len(found) < order + 5:
            raise CannotEstimate(
                f"One side of the cut-off has {len(found)} values of the score; a bandwidth can be "
                f"chosen from {order + 5} or more. Name one with bandwidth=."
            )
    reach = [float(found[-1]) for found in values]
    least, widest = _least(sides, values), max(reach)
    pilot = max(min(_pilot(sides, values, kernel), widest), least)
    high = [_parts(s, kernel, order + 2, order + 2, order + 3, pilot, r, False)
            for s, r in zip(sides, reach, strict=True)]  # fmt: skip
    first = max(min(_best(high, order + 2), widest), least)
    middle = [_parts(s, kernel, order + 1, order + 1, order + 2, pilot, first, True) for s in sides]
    bias_width = min(_best(middle, order + 1), widest)
    low = [_parts(s, kernel, order, 0, order + 1, pilot, bias_width, True) for s in sides]
    return min(_best(low, order), widest), bias_width


def _pilot(sides: Sequence[Side], values: Sequence[Floats], kernel: str) -> float:
    x = np.concatenate([side.x for side in sides])
    lower, upper = np.quantile(x, [0.25, 0.75], method="averaged_inverted_cdf")
    spread = min(float(np.std(x, ddof=1)), float(upper - lower) / 1.349)
    if not spread > 0:
        raise CannotEstimate(
            "Half of the scores or more are one value, so no bandwidth can be chosen. Name one "
            "with bandwidth=."
        )
    return float(PILOT[kernel] * spread * sum(len(v) for v in values) ** -0.2)


def _least(sides: Sequence[Side], values: Sequence[Floats]) -> float:
    """Return the least width: none, or where scores repeat that of the tenth value."""
    shares = [1 - len(v) / len(side.x) for v, side in zip(values, sides, strict=True)]
    if max(shares) < REPEATED:
        return 0.0
    return max(float(v[min(VALUES, len(v)) - 1]) for v in values) + 1e-8


def _parts(
    side: Side,
    kernel: str,
    order: int,
    derivative: int,
    bias_order: int,
    width: float,
    bias_width: float,
    penalised: bool,
) -> _Parts:
    near = side.near(width, kernel)
    rows = smoother(near.x, width, kernel, order)
    scores = rows[derivative] * noise(near, rows @ near.y)
    drift = float(rows[derivative] @ near.x ** (order + 1)) / width ** (order + 1 - derivative)
    wide = side.near(bias_width, kernel)
    bias_rows = smoother(wide.x, bias_width, kernel, bias_order)
    beta = bias_rows @ wide.y
    rate = 2 * (order + 1 - derivative)
    doubt = 0.0
    if penalised:
        spread = variance(bias_rows[order + 1] * noise(wide, beta), wide.codes)
        doubt = rate * PENALTY * drift**2 * spread
    return _Parts(
        variance=(2 * derivative + 1)
        * width ** (2 * derivative + 1)
        * variance(scores, near.codes),
        bias=float(np.sqrt(rate) * drift * beta[order + 1]),
        noise=doubt,
    )


def _best(parts: Sequence[_Parts], order: int) -> float:
    left, right = parts
    below = (right.bias - left.bias) ** 2 + left.noise + right.noise
    above = left.variance + right.variance
    if not (below > 0 and above > 0):
        raise CannotEstimate(
            "The outcome does not vary around its curve near the cut-off, so no bandwidth can be "
            "chosen. Name one with bandwidth=."
        )
    return float((above / below) ** (1 / (2 * order + 3)))
