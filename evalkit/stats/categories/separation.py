"""Find out whether columns separate a yes-or-no outcome, so that no finite estimate exists."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from evalkit.errors import CannotEstimate, NotConverged

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_SMALL = 1e-7


def separating(matrix: Floats, outcome: Floats, *, counts: bool = False) -> Floats | None:
    """Return a direction along which the likelihood never stops rising, or None.

    Of yes and no: b with (2y - 1) x'b >= 0 in every row and > 0 in some (Albert and Anderson
    1984, Biometrika 71:1-10). Of counts with a log link: b with x'b = 0 wherever y > 0, <= 0
    wherever y = 0, and < 0 somewhere (Santos Silva and Tenreyro 2010, Economics Letters
    107:310-312). Found by linear programming (Konis 2007, thesis, Oxford).
    """
    from scipy.optimize import linprog

    scaled = matrix / np.abs(matrix).max(axis=0)
    some = outcome > 0
    rising = -scaled[~some] if counts else (2 * outcome - 1)[:, None] * scaled
    level = {"A_eq": scaled[some], "b_eq": np.zeros(int(some.sum()))} if counts else {}
    found = linprog(
        -rising.sum(axis=0), A_ub=-rising, b_ub=np.zeros(len(rising)), bounds=(-1, 1), **level
    )
    if found.status != 0:
        raise NotConverged(f"The search for separation did not finish: {found.message}")
    if -found.fun <= _SMALL * max(1.0, float(np.abs(scaled).sum(axis=1).max())):
        return None
    direction: Floats = np.asarray(found.x, dtype=np.float64)
    return direction


def check_separation(
    matrix: Floats, outcome: Floats, names: Sequence[str], *, counts: bool = False
) -> None:
    """Raise CannotEstimate naming the columns that separate the outcome."""
    direction = separating(matrix, outcome, counts=counts)
    if direction is None:
        return
    columns = ", ".join(
        repr(name)
        for name, x in zip(names, direction, strict=True)
        if abs(x) > _SMALL and name != "(intercept)"
    )
    if counts:
        raise CannotEstimate(
            f"With {columns} some rows have no events at all, so the rate model has no finite "
            "estimate. Allowed: events at every value. Leave that column out or merge its "
            "categories."
        )
    raise CannotEstimate(
        f"The outcome is separated: with {columns} some rows are all yes or all no, so the "
        "logistic model has no finite estimate. Allowed: an outcome that goes both ways at every "
        "value. Leave that column out or merge its categories, or ask for risk_difference without "
        "covariates."
    )
