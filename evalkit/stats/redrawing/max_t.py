"""Step-down by the largest t: adjusted p-values from the joint draws of several outcomes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.stats.redrawing.studentised import at_least

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def step_down(t: Floats, draws: Iterable[Floats]) -> tuple[Any, Any, int]:
    """Count draws that reach each |t|: by the outcome alone, and by any not more extreme.

    Parameters
    ----------
    t : array, one an outcome
    draws : arrays, draws by outcomes; NaN where a draw cannot be formed, counted as reached

    Returns
    -------
    counts alone and jointly, in the order of `t`, and the number of draws with a NaN
    """
    size = np.abs(t)
    order = np.argsort(-size, kind="stable")
    alone, jointly, lost = np.zeros(len(t), int), np.zeros(len(t), int), 0
    for block in draws:
        missing = np.isnan(block)
        lost += int(missing.any(axis=1).sum())
        drawn = np.where(missing, np.inf, np.abs(block))
        alone += at_least(drawn, size, 1.0).sum(axis=0)
        largest = np.maximum.accumulate(drawn[:, order[::-1]], axis=1)[:, ::-1]
        jointly[order] += at_least(largest, size[order], 1.0).sum(axis=0)
    return alone, jointly, lost


def monotone(t: Floats, p: Floats) -> Floats:
    """Return p-values that do not fall as |t| falls: no outcome overtakes a stronger one."""
    order = np.argsort(-np.abs(t), kind="stable")
    adjusted = np.empty(len(p))
    adjusted[order] = np.maximum.accumulate(p[order])
    return adjusted
