"""Marginal effects on a risk by g-computation: a logistic model, averaged over people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, inf, log
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.stats.categories.families import LOGISTIC
from evalkit.stats.categories.glm import GlmFit, fit
from evalkit.stats.shared.design_matrix import Design, covariate_columns, treatment_design
from evalkit.stats.shared.intervals import FEW_DF
from evalkit.stats.shared.model_rows import Rows, design_of

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Marginal:
    """A marginal effect: its numbers as fields of an Estimate, and the two average risks."""

    numbers: dict[str, Any]
    risk_treatment: float
    risk_comparison: float
    clusters: int | None
    notes: tuple[str, ...]


def marginal_effect(
    data: pd.DataFrame,
    rows: Rows,
    outcome: Floats,
    treatment: str,
    covariates: Sequence[str],
    measure: str,
    *,
    interact: bool,
    treated_only: bool,
    level: float,
    strata: str | None = None,
) -> Marginal:
    """Return the risk difference, risk ratio or odds ratio of the average risks.

    Every row's chance is predicted in each arm; `treated_only` averages over the treated. The
    delta method takes the covariates as fixed. `strata` is a column of fixed effects, which are
    not interacted.
    """
    design = _design(data, rows, treatment, covariates, interact, strata)
    model = fit(
        design.matrix,
        outcome,
        design.names,
        family=LOGISTIC,
        cluster=rows.groups,
        se="CR2" if rows.shared else "model",
    )
    over = rows.arm == 1 if treated_only else np.ones(len(rows.arm), dtype=bool)
    sides = [
        _average(model, _in_arm(design.matrix, design.names, treatment, value)[over])
        for value in (1.0, 0.0)
    ]
    (p1, g1), (p0, g0) = sides
    effect, gradient = _effect(measure, p1, g1, p0, g0)
    error, df = model.contrast(gradient)
    numbers = wald(effect, error, df, level, ratio=measure != "risk difference")
    return Marginal(numbers, p1, p0, model.n_clusters, (*design.notes, *low_df(df)))


def _design(
    data: pd.DataFrame,
    rows: Rows,
    treatment: str,
    covariates: Sequence[str],
    interact: bool,
    strata: str | None,
) -> Design:
    """Return intercept, treatment, covariates and a dummy for every stratum but the first."""
    if strata is None:
        return design_of(data, rows, treatment, covariates, interact=interact)
    columns = [column for name in covariates for column in covariate_columns(data, name, rows.keep)]
    blocks = covariate_columns(data, strata, rows.keep, as_factor=True)
    if not interact:
        return treatment_design((treatment, rows.arm), [*columns, *blocks])
    centred = [(name, values - values.mean()) for name, values in columns]
    return treatment_design((treatment, rows.arm), blocks, centre=centred)


def _in_arm(matrix: Floats, names: Sequence[str], treatment: str, value: float) -> Floats:
    """Return the design with everybody in one arm, products included."""
    changed = matrix.copy()
    products = {f"{treatment}:{name}": name for name in names}
    for k, name in enumerate(names):
        if name == treatment:
            changed[:, k] = value
        elif name in products:
            changed[:, k] = value * matrix[:, names.index(products[name])]
    return changed


def _average(model: GlmFit, matrix: Floats) -> tuple[float, Floats]:
    """Return the average chance and its gradient in the coefficients."""
    eta = matrix @ model.coefficients
    return float(LOGISTIC.mean(eta).mean()), (LOGISTIC.slope(eta)[:, None] * matrix).mean(axis=0)


def _effect(measure: str, p1: float, g1: Floats, p0: float, g0: Floats) -> tuple[float, Floats]:
    if measure == "risk difference":
        return p1 - p0, g1 - g0
    if measure == "risk ratio":
        return log(p1 / p0), g1 / p1 - g0 / p0
    odds = log(p1 / (1 - p1)) - log(p0 / (1 - p0))
    return odds, g1 / (p1 * (1 - p1)) - g0 / (p0 * (1 - p0))


def wald(effect: float, error: float, df: float, level: float, *, ratio: bool) -> dict[str, Any]:
    """Return a Wald interval as fields of an Estimate; of a ratio `effect` is the logarithm.

    Infinite `df` is the normal distribution, reported as None.
    """
    from scipy.stats import norm
    from scipy.stats import t as student

    if not (error > 0 and np.isfinite(error) and df > 0):
        raise CannotEstimate(
            "The standard error is zero or cannot be computed: too few rows or clusters carry "
            "information about this difference."
        )
    law = norm() if df == inf else student(df)
    half, shape = float(law.ppf(0.5 + level / 2)) * error, _exp if ratio else float
    return {
        "estimate": shape(effect),
        "std_error": error,
        "statistic": effect / error,
        "df": None if df == inf else df,
        "p_value": float(2 * law.sf(abs(effect / error))),
        "conf_low": shape(effect - half),
        "conf_high": shape(effect + half),
    }


def _exp(value: float) -> float:
    """Return exp, infinite where it is beyond what a float holds."""
    return exp(value) if value < 709 else inf


def low_df(df: float) -> tuple[str, ...]:
    """Return the caveat of an interval on too few degrees of freedom."""
    if df >= FEW_DF - 1e-6:
        return ()
    return (
        f"The degrees of freedom ({df:.1f}) are below {FEW_DF}: the interval and p-value are "
        "not to be relied on",
    )
