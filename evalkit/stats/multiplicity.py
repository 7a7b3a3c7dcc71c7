"""P-values adjusted for the number of tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.stats.shared.columns import choice, invalid, vector

if TYPE_CHECKING:
    from numpy.typing import NDArray

METHODS = {"holm": "holm", "bh": "fdr_bh", "by": "fdr_by"}


def adjust_p(p_values: Any, method: str = "holm") -> NDArray[np.float64]:
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
        from statsmodels.stats.multitest import multipletests

        adjusted[known] = multipletests(values[known], method=METHODS[method])[1]
    return adjusted
