"""P-values adjusted for the number of tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.stats.shared.columns import choice, invalid, vector

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

METHODS = ("holm", "bh", "by")


def adjust_p(p_values: Any, method: str = "holm") -> Floats:
    """Return p-values adjusted for their number, in the order given.

    Parameters
    ----------
    p_values : array-like of numbers from 0 to 1; missing values (None, NaN) are not counted
    method : "holm" (family-wise error), "bh" (false discovery rate, Benjamini and Hochberg), or
        "by" (false discovery rate under any dependence, Benjamini and Yekutieli)

    Returns
    -------
    array of floats, as long as the input; NaN where the input was missing

    Raises
    ------
    InvalidInput
        For an unknown method or a value outside 0 to 1.

    References
    ----------
    Holm (1979), Scandinavian Journal of Statistics 6:65-70; Benjamini and Hochberg (1995), JRSS B
    57:289-300; Benjamini and Yekutieli (2001), Annals of Statistics 29:1165-1188.
    """
    choice(method, METHODS, argument="method")
    values = vector(p_values, "p_values")
    known = ~np.isnan(values)
    if np.any((values[known] < 0) | (values[known] > 1)):
        raise invalid("p_values holds a number outside its range.", allowed="0 to 1")
    adjusted = np.full(len(values), np.nan)
    if known.any():
        adjusted[known] = _adjusted(values[known], method)
    return adjusted


def _adjusted(p: Floats, method: str) -> Floats:
    """Return adjusted p-values; statsmodels' own call collects all garbage, 0.1 s each time."""
    count, order = len(p), np.argsort(p, kind="stable")
    place = np.arange(1, count + 1)
    if method == "holm":
        found = np.maximum.accumulate(p[order] * (count + 1 - place))
    else:
        times = count * (np.sum(1 / place) if method == "by" else 1.0)
        found = np.minimum.accumulate((p[order] * times / place)[::-1])[::-1]
    adjusted = np.empty(count)
    adjusted[order] = np.minimum(found, 1.0)
    return adjusted
