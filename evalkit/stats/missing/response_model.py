"""Each person's chance of being seen again, by logistic regression on what was known before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate, NotConverged
from evalkit.stats.categories.families import LOGISTIC
from evalkit.stats.categories.glm import fit
from evalkit.stats.categories.separation import separating
from evalkit.stats.shared.columns import as_names, invalid
from evalkit.stats.shared.design_matrix import (
    Column,
    covariate_columns,
    drop_aliased,
    drop_constant,
)

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]

_SMALL = 1e-7


@dataclass(frozen=True, slots=True, eq=False)
class ResponseFit:
    """Chances of being seen, one a row; the model's columns in the rows it was fitted to.

    `fitted` marks those rows: an arm of which nobody was lost is not among them, its chances are 1.
    """

    chance: Floats
    fitted: Bools
    names: tuple[str, ...]
    matrix: Floats
    coefficients: Floats
    notes: tuple[str, ...]


def crossed_names(interactions: Any, covariates: Sequence[str]) -> tuple[str, ...]:
    """Return the covariates that act differently in each arm: all, none, or those named."""
    if isinstance(interactions, bool):
        return tuple(covariates) if interactions else ()
    names = as_names(interactions)
    for name in names:
        if name not in covariates:
            raise invalid(
                f"interactions names '{name}', which is not a covariate.",
                allowed=", ".join(covariates),
            )
    return names


def fit_response(
    frame: pd.DataFrame,
    keep: Bools,
    arm: Column,
    seen: Floats,
    covariates: Sequence[str],
    crossed: Sequence[str],
) -> ResponseFit:
    """Return the chances in the rows kept; `arm` (a name and values) and `seen` are of those rows.

    Raises CannotEstimate where nobody of an arm was seen, or the columns separate seen from lost.
    """
    label, treated = arm
    shares = {value: float(seen[treated == value].mean()) for value in (1.0, 0.0)}
    words = {1.0: "treatment", 0.0: "comparison"}
    for value, share in shares.items():
        if share == 0:
            raise CannotEstimate(
                f"Nobody of the {words[value]} arm was seen: no weights can stand for them."
            )
    whole = [value for value, share in shares.items() if share == 1]
    notes = [f"Nobody of the {words[value]} arm was lost: their chance is 1" for value in whole]
    inside = ~np.isin(treated, whole)
    chance = np.ones(len(seen))
    if not inside.any():
        return ResponseFit(chance, inside, (), np.empty((0, 0)), np.empty(0), tuple(notes))
    rows = keep.copy()
    rows[np.flatnonzero(keep)[~inside]] = False
    columns, more = _columns(frame, rows, (label, treated[inside]), covariates, crossed)
    names = ("(intercept)", *(name for name, _ in columns))
    matrix = np.column_stack([np.ones(int(inside.sum())), *(values for _, values in columns)])
    coefficients, chance[inside] = _fitted(matrix, seen[inside], names)
    return ResponseFit(chance, inside, names, matrix, coefficients, (*notes, *more))


def _columns(
    frame: pd.DataFrame,
    rows: Bools,
    arm: Column,
    covariates: Sequence[str],
    crossed: Sequence[str],
) -> tuple[list[Column], list[str]]:
    """Return the model's columns after the intercept, and notes on those left out."""
    by_name = {name: covariate_columns(frame, name, rows) for name in covariates}
    plain = [column for name in covariates for column in by_name[name]]
    kept, constant = drop_constant([arm, *plain] if np.ptp(arm[1]) > 0 else plain)
    found = {name for name, _ in kept}
    products: list[Column] = []
    if np.ptp(arm[1]) > 0:
        products = [
            (f"{arm[0]}:{label}", arm[1] * values)
            for name in crossed
            for label, values in by_name[name]
            if label in found
        ]
    columns, aliased = drop_aliased(drop_constant([*kept, *products])[0])
    return columns, [*constant, *aliased]


def _fitted(matrix: Floats, seen: Floats, names: Sequence[str]) -> tuple[Floats, Floats]:
    try:
        model = fit(matrix, seen, names, family=LOGISTIC)
    except NotConverged:
        raise
    except CannotEstimate:
        direction = separating(matrix, seen)
        if direction is None:
            raise
        raise CannotEstimate(_separated(names, direction)) from None
    return model.coefficients, model.fitted


def _separated(names: Sequence[str], direction: Floats) -> str:
    columns = ", ".join(
        repr(name)
        for name, value in zip(names, direction, strict=True)
        if abs(value) > _SMALL and name != "(intercept)"
    )
    return (
        f"With {columns} some people are all seen or all lost, so their chance of being seen has "
        "no finite estimate. Allowed: people seen and people lost at "
        "every value. Merge categories, leave that column out, or name fewer interactions."
    )
