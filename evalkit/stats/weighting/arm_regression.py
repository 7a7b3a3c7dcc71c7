"""Least squares within each arm, weighted, taken to the people the effect is about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.stats.least_squares.robust import Pieces, adjusted_scores, satterthwaite
from evalkit.stats.shared.columns import check_rows
from evalkit.stats.shared.design_matrix import Column, drop_aliased, drop_constant, standardised

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from evalkit.stats.weighting.influences import Groups
    from evalkit.stats.weighting.weight_fits import WeightFit

    Floats = NDArray[np.float64]

EXACT = 1e-12  # residual length, as a share of the outcome's, that is rounding only


@dataclass(frozen=True, slots=True, eq=False)
class ArmRegression:
    """A weighted regression in each arm, with the columns centred on the target's means.

    `design` is intercept, arm, then the columns times comparison and, unless the treated are the
    target, times treated (and the reverse); the effect is the coefficient of arm. `slopes` are
    how the effect changes with the target's means of `columns`.
    """

    columns: Floats
    design: Floats
    basis: Floats
    back: Floats
    weights: Floats
    residuals: Floats
    effect: float
    slopes: Floats
    notes: tuple[str, ...]


def usable_columns(
    columns: Sequence[Column], arms: Sequence[NDArray[np.bool_]]
) -> tuple[list[Column], tuple[str, ...]]:
    """Leave out columns that do not vary, or are fixed by others, among the rows of an arm."""
    kept, notes = drop_constant(columns)
    for inside in arms:
        own, constant = drop_constant([(name, x[inside]) for name, x in kept])
        own, aliased = drop_aliased(own)
        names = {name for name, _ in own}
        kept = [column for column in kept if column[0] in names]
        notes += [*constant, *aliased]
    return kept, tuple(dict.fromkeys(notes))


def regress(
    outcome: Floats, arm: Floats, fit: WeightFit, columns: Sequence[Column], estimand: str
) -> ArmRegression:
    """Return the regressions of an outcome in the two arms, weighted.

    In the arm that is the target (the treated of an ATT) only the mean is needed. Raises
    CannotEstimate where an arm has no row to spare or the outcome is fitted exactly.
    """
    positive = fit.weights > 0
    modelled = [v for v in (0, 1) if estimand != {0: "ATC", 1: "ATT"}[v]]
    inside = [positive & (arm == value) for value in modelled]
    kept, notes = usable_columns(columns, inside)
    for rows in inside:
        check_rows(int(rows.sum()), len(kept) + 1)
    matrix = (
        np.column_stack([standardised(x) for _, x in kept]) if kept else np.empty((len(arm), 0))
    )
    matrix = matrix - fit.target @ matrix / fit.target.sum()
    crossed = [matrix * (arm == value)[:, None] for value in modelled]
    design = np.column_stack([np.ones(len(arm)), arm, *crossed])
    root = np.sqrt(fit.weights / fit.weights[positive].mean())
    q, upper = np.linalg.qr(design * root[:, None])
    basis = np.divide(q, root[:, None], out=np.zeros_like(q), where=positive[:, None])
    back = np.linalg.inv(upper)
    level = float(np.average(outcome, weights=fit.weights))
    beta = q.T @ (root * (outcome - level))
    residuals = np.where(positive, outcome - level - basis @ beta, 0.0)
    if np.linalg.norm(residuals) <= EXACT * np.linalg.norm(outcome - level):
        raise CannotEstimate("The model fits the outcome exactly, so its uncertainty is not known.")
    coefficients = back @ beta
    slopes = np.zeros(matrix.shape[1])
    width = matrix.shape[1]
    for place, value in enumerate(modelled):
        own = coefficients[2 + place * width : 2 + (place + 1) * width]
        slopes = slopes + (own if value else -own)
    return ArmRegression(matrix, design, basis, back, root**2, residuals,
                         float(coefficients[1]), slopes, notes)  # fmt: skip


def estimated_part(model: ArmRegression, fit: WeightFit) -> Floats:
    """Return what each row adds to the effect through the weights and the target's means."""
    scale = fit.weights[model.weights > 0].sum() / model.weights[model.weights > 0].sum()
    direction = (model.basis @ model.back[1]) * model.residuals / scale
    by_parameter = direction @ fit.slopes
    total = fit.target.sum()
    means = (model.columns * fit.target[:, None]) @ model.slopes / total
    if fit.target_slopes is not None:
        by_parameter = by_parameter + (model.columns @ model.slopes) @ fit.target_slopes / total
    return np.asarray(fit.influence @ by_parameter + means, dtype=np.float64)


def pieces_of(model: ArmRegression, groups: Groups, kind: str) -> Pieces:
    """Return the scores by row or cluster, adjusted as the kind of variance asks."""
    return adjusted_scores(
        model.basis, model.weights, groups.codes, groups.count, kind, weighted=True
    )


def direct_part(model: ArmRegression, pieces: Pieces) -> Floats:
    """Return what each group adds to the effect for the weights as given."""
    return np.asarray(pieces.sums(model.residuals) @ model.back[1], dtype=np.float64)


def degrees(model: ArmRegression, pieces: Pieces) -> float:
    """Return the Satterthwaite degrees of freedom of the effect, the weights as given."""
    return satterthwaite(pieces, model.back[1])
