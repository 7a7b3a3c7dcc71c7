"""Weights by the inverse of the chance of being seen: the numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.stats.missing.bound_rows import ARMS
from evalkit.stats.missing.response_model import ResponseFit, fit_response
from evalkit.stats.shared.columns import invalid, weight_column
from evalkit.stats.shared.model_rows import Rows, read_rows

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]

_ROUNDING = 1e-9  # weights that differ by less are one


@dataclass(frozen=True, slots=True, eq=False)
class Weighted:
    """The rows used, the fitted chances, and the weights of those rows (0 where lost)."""

    rows: Rows
    seen: Floats
    fit: ResponseFit
    weights: Floats
    trimmed: Bools


def weigh(
    frame: pd.DataFrame,
    seen: Floats,
    *,
    treatment: str,
    treated: Any,
    covariates: tuple[str, ...],
    crossed: tuple[str, ...],
    stabilise: bool,
    trim: tuple[float, float] | None,
    weights: str | None,
    cluster: str | None,
    reasons: Sequence[tuple[str, Bools]] = (),
) -> Weighted:
    """Return the rows used with their chances and weights; `seen` is 1, 0 or NaN in every row."""
    if not covariates:
        raise invalid(
            "covariates is empty.", allowed="one or more columns known before the outcome"
        )
    given = np.ones(len(frame)) if weights is None else weight_column(frame, weights)
    unusable = [("no weight", np.isnan(given)), ("a weight of zero", given == 0)]
    rows = read_rows(frame, treatment, treated, covariates, cluster, [*reasons, *unusable])
    here = seen[rows.keep]
    model = fit_response(frame, rows.keep, (treatment, rows.arm), here, covariates, crossed)
    weight, trimmed = inverse_weights(model.chance, here, rows.arm, stabilise, trim)
    found = Weighted(rows, here, model, weight * given[rows.keep], trimmed)
    for value, label in ARMS:
        worth = effective(found.weights[rows.arm == value])
        if worth < 2 - 1e-9:
            raise CannotEstimate(
                f"The weights of those seen in the {label} arm are worth {worth:.1f} people: too few "
                "to stand for the arm. Use fewer covariates."
            )
    return found


def inverse_weights(
    chance: Floats, seen: Floats, arm: Floats, stabilise: bool, trim: tuple[float, float] | None
) -> tuple[Floats, Bools]:
    """Return seen / chance, stabilised and trimmed as asked, and which weights were trimmed."""
    weight = seen / chance
    if stabilise:
        for value, _ in ARMS:
            weight[arm == value] *= seen[arm == value].mean()
    if trim is None:
        return weight, np.zeros(len(weight), dtype=bool)
    here = seen == 1
    low, high = np.quantile(weight[here], trim)
    cut = np.where(here, np.clip(weight, low, high), 0.0)
    return cut, here & (np.abs(cut - weight) > _ROUNDING * weight)


def effective(weights: Floats) -> float:
    """Return Kish's effective number, (sum w)^2 / sum w^2; 0 without weights."""
    squares = float(np.sum(weights**2))
    return float(np.sum(weights)) ** 2 / squares if squares > 0 else 0.0
