"""Effects by outcome regression and propensity together (augmented weighting)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.results import Estimate
from evalkit.stats.shared.arm_clusters import cluster_df, few_clusters
from evalkit.stats.shared.columns import (
    as_names,
    check_level,
    check_roles,
    check_rows,
    choice,
    numeric,
)
from evalkit.stats.shared.design_matrix import Column, covariate_columns, standardised
from evalkit.stats.shared.model_rows import listed
from evalkit.stats.weighting.arm_regression import usable_columns
from evalkit.stats.weighting.influences import Groups, effect_record, groups_of
from evalkit.stats.weighting.weight_columns import recipe, weight_rows
from evalkit.stats.weighting.weight_fits import WeightFit, fit_weights
from evalkit.stats.weighting.weights import described, weight_notes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def augmented_effect(
    data: Any,
    *,
    outcome: str,
    treatment: str,
    covariates: str | Sequence[str],
    outcome_covariates: str | Sequence[str] | None = None,
    estimand: str = "ATT",
    moments: int = 1,
    interactions: bool = False,
    link: str = "logit",
    base_weights: str | None = None,
    cluster: str | None = None,
    se: str = "auto",
    treated: Any = None,
    level: float = 0.95,
) -> Estimate:
    """Return the effect by regression in each arm, corrected by propensity-weighted residuals.

    It is right if the model of treatment or the models of the outcome are (doubly robust).

    Parameters
    ----------
    data : any frame narwhals knows (pandas, polars, pyarrow), one row a person; never changed
    outcome : name of a numeric column; people without it are left out
    treatment, covariates, moments, interactions, link, base_weights, treated : as for `weight`
    outcome_covariates : names of the regressions' covariates; None for those of the propensity
    estimand : "ATT", "ATE" or "ATC"
    cluster : name of the column of clusters (family, site)
    se : "auto" is the influence function with every estimated part in it (stacked estimating
        equations: valid where one of the models is wrong); "influence" the efficient influence
        function alone, valid where both are right; each times n / (n - 1) for rows or clusters
    level : confidence level

    Returns
    -------
    Estimate
        As `weighted_effect`; degrees of freedom as in Welch's test where every row or cluster is
        in one arm, else clusters - 1.

    Raises
    ------
    InvalidInput, CannotEstimate, NotConverged
        As `weighted_effect`.

    References
    ----------
    Robins, Rotnitzky and Zhao (1994), JASA 89:846-866; Lunceford and Davidian (2004), Statistics
    in Medicine 23:2937-2960; Mercatanti and Li (2014), Annals of Applied Statistics 8:2485-2508,
    for the ATT.
    """
    check_level(level)
    choice(se, ("auto", "influence"), argument="se")
    choice(estimand, ("ATT", "ATE", "ATC"), argument="estimand")
    made = recipe(
        treatment=treatment,
        treated=treated,
        covariates=covariates,
        method="propensity",
        estimand=estimand,
        link=link,
        moments=moments,
        interactions=interactions,
        trim=None,
        stabilise=False,
        base_weights=base_weights,
        exact=(),
    )
    adjusters = made.covariates if outcome_covariates is None else as_names(outcome_covariates)
    check_roles(outcome=outcome, treatment=treatment, covariates=made.covariates)
    check_roles(outcome=outcome, treatment=treatment, outcome_covariates=adjusters)
    rows = weight_rows(data, made, outcome=outcome, also=adjusters, cluster=cluster)
    groups = groups_of(rows, cluster)
    values = numeric(rows.data, outcome)[rows.keep]
    if np.ptp(values) == 0:
        raise CannotEstimate(f"'{outcome}' has one value in the rows analysed: it does not vary.")
    fit = fit_weights(rows, made)
    columns = [c for name in adjusters for c in covariate_columns(rows.data, name, rows.keep)]
    effect, influence, notes = _augmented(values, rows.arm, rows.base, fit, columns, se)
    error, df = _error(influence, groups, rows.arm)
    words = {
        "method": f"{described(made)}. Regression on {listed(adjusters) or 'nothing'} within each "
        f"arm, corrected by weighted residuals (augmented weighting); {_words(se, groups)}.",
        "notes": tuple(dict.fromkeys((*rows.notes, *notes, *weight_notes(rows, made, fit),
                                      *few_clusters(groups.count if groups.shared else None)))),
        "adjusted_for": adjusters,
    }  # fmt: skip
    return effect_record(rows, made, groups, (outcome, values), (effect, error, df), level, words)


@dataclass(frozen=True, slots=True, eq=False)
class _Arm:
    """A regression in one arm: residuals and predictions of every row, and its influence."""

    predicted: Floats
    residuals: Floats
    inside: NDArray[np.bool_]
    solved: Floats

    def through(self, by_row: Floats, design: Floats, base: Floats) -> Floats:
        """Return what each row adds through the coefficients to a sum of by_row x predictions."""
        direction = self.solved @ (by_row @ design)
        return np.where(self.inside, base * self.residuals, 0.0) * (design @ direction)


def _arm_fit(design: Floats, outcome: Floats, inside: NDArray[np.bool_], base: Floats) -> _Arm:
    check_rows(int(inside.sum()), design.shape[1])
    root = np.sqrt(base[inside])
    q, upper = np.linalg.qr(design[inside] * root[:, None])
    beta = np.linalg.solve(upper, q.T @ (root * outcome[inside]))
    back = np.linalg.inv(upper)
    predicted = design @ beta
    return _Arm(predicted, outcome - predicted, inside, back @ back.T)


def _augmented(
    outcome: Floats,
    arm: Floats,
    base: Floats,
    fit: WeightFit,
    columns: Sequence[Column],
    se: str,
) -> tuple[float, Floats, tuple[str, ...]]:
    """Return the effect, each row's influence on it, and notes."""
    sides = [arm == value for value in (0, 1)]
    kept, notes = usable_columns(columns, sides)
    level = float(outcome.mean())
    design = np.column_stack([np.ones(len(arm)), *(standardised(x) for _, x in kept)])
    zero, one = (_arm_fit(design, outcome - level, side, base) for side in sides)
    total = fit.target.sum()
    signed = np.where(sides[1], fit.weights, -fit.weights)
    residuals = np.where(sides[1], one.residuals, zero.residuals)
    gap = one.predicted - zero.predicted
    effect = float((fit.target @ gap + signed @ residuals) / total)
    influence = (fit.target * (gap - effect) + signed * residuals) / total
    if se == "auto":
        sign = np.where(sides[1], 1.0, -1.0)
        influence = influence + fit.influence @ ((sign * residuals) @ fit.slopes) / total
        for own, s in ((one, 1.0), (zero, -1.0)):
            by_row = s * (fit.target - np.where(own.inside, fit.weights, 0.0)) / total
            influence = influence + own.through(by_row, design, base)
    return effect, influence, notes


def _error(influence: Floats, groups: Groups, arm: Floats) -> tuple[float, float]:
    sums = groups.sums(influence)
    variance = float(np.sum(sums**2)) * groups.count / (groups.count - 1)
    return float(np.sqrt(variance)), cluster_df(sums, groups.codes, arm)


def _words(se: str, groups: Groups) -> str:
    where = f" by {groups.count} clusters" if groups.shared else ""
    parts = {
        "auto": "with every estimated part (stacked estimating equations)",
        "influence": "as if both models were known",
    }[se]
    return f"standard error from the influence function{where}, {parts}"
