"""Differences between arms after weighting, adjusted by regression."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.results import Estimate
from evalkit.stats.shared.columns import as_names, check_level, check_roles, choice, numeric
from evalkit.stats.shared.design_matrix import covariate_columns
from evalkit.stats.shared.model_rows import listed
from evalkit.stats.weighting.arm_regression import (
    ArmRegression,
    degrees,
    direct_part,
    estimated_part,
    pieces_of,
    regress,
)
from evalkit.stats.weighting.influences import Groups, effect_record, groups_of
from evalkit.stats.weighting.weight_columns import recipe, weight_rows
from evalkit.stats.weighting.weight_fits import WeightFit, fit_weights
from evalkit.stats.weighting.weights import described, weight_notes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

SE = ("auto", "sandwich", "known")


def weighted_effect(
    data: Any,
    *,
    outcome: str,
    treatment: str,
    covariates: str | Sequence[str],
    outcome_covariates: str | Sequence[str] | None = None,
    method: str = "propensity",
    estimand: str = "ATT",
    moments: int = 1,
    interactions: bool = False,
    link: str = "logit",
    trim: float | str | None = None,
    stabilise: bool = False,
    base_weights: str | None = None,
    exact: str | Sequence[str] = (),
    cluster: str | None = None,
    se: str = "auto",
    treated: Any = None,
    level: float = 0.95,
) -> Estimate:
    """Return the difference in mean outcome after weighting, adjusted by regression.

    A weighted regression of the outcome within each arm is taken to the people the effect is
    about, and the difference of the two means reported. It is right if the weights or the
    regressions are.

    Parameters
    ----------
    data : any frame narwhals knows (pandas, polars, pyarrow), one row a person; never changed
    outcome : name of a numeric column; people without it are left out before weighting
    treatment, covariates, method, estimand, moments, interactions, link, trim, stabilise,
    base_weights, exact, treated : as for `weight`
    outcome_covariates : names of the regressions' covariates; None for those of the weights,
        empty for the plain weighted difference
    cluster : name of the column of clusters (family, site)
    se : "auto" accounts for the weights and the means of the people the effect is about being
        estimated (stacked estimating equations), with each row's or cluster's score adjusted as
        by HC2 or CR2; "sandwich" is the same without that adjustment; "known" is HC2 or CR2 with
        the weights and means taken as given
    level : confidence level

    Returns
    -------
    Estimate
        `estimate` in outcome units, `estimand`, `effect_size` on the unconditional pooled SD, the
        t interval with Satterthwaite degrees of freedom (Bell and McCaffrey 2002) of the weighted
        regression; `method` names the standard error, `notes` carry what the weights cost.

    Raises
    ------
    InvalidInput
        For a column that is missing or of the wrong kind, or options that do not go together.
    CannotEstimate
        As `weight`; also when an arm has one cluster, or no row to spare for the regression.
    NotConverged
        When the steps of the weights do not settle.

    References
    ----------
    Lunceford and Davidian (2004), Statistics in Medicine 23:2937-2960; Stefanski and Boos (2002),
    American Statistician 56:29-38; Wooldridge (2007), Journal of Econometrics 141:1281-1301;
    Pustejovsky and Tipton (2018), JBES 36:672-683.
    """
    check_level(level)
    choice(se, SE, argument="se")
    made = recipe(
        treatment=treatment,
        treated=treated,
        covariates=covariates,
        method=method,
        estimand=estimand,
        link=link,
        moments=moments,
        interactions=interactions,
        trim=trim,
        stabilise=stabilise,
        base_weights=base_weights,
        exact=exact,
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
    model = regress(values, rows.arm, fit, columns, made.estimand)
    error, df = standard_error(model, fit, groups, se)
    notes = (*rows.notes, *model.notes, *weight_notes(rows, made, fit))
    words = {
        "method": f"{described(made)}. {_regression(adjusters)}; {_error_words(se, groups)}.",
        "notes": tuple(dict.fromkeys(notes)),
        "adjusted_for": adjusters,
    }
    numbers = (model.effect, error, df)
    return effect_record(rows, made, groups, (outcome, values), numbers, level, words)


def standard_error(
    model: ArmRegression, fit: WeightFit, groups: Groups, se: str
) -> tuple[float, float]:
    """Return the standard error of the effect and its degrees of freedom."""
    bias_reduced = pieces_of(model, groups, "CR2")
    plain = se == "sandwich"
    pieces = pieces_of(model, groups, "CR0") if plain else bias_reduced
    parts = direct_part(model, pieces)
    if se != "known":
        estimated = estimated_part(model, fit)
        by_group = groups.sums(estimated)
        order = pieces.order if not groups.shared else np.arange(groups.count)
        parts = parts + by_group[order]
    return float(np.sqrt(np.sum(parts**2))), degrees(model, bias_reduced)


def _regression(adjusters: Sequence[str]) -> str:
    if not adjusters:
        return "Weighted difference in means"
    return f"Weighted regression on {listed(adjusters)} within each arm, taken to those people"


def _error_words(se: str, groups: Groups) -> str:
    kind = "CR2" if groups.shared else "HC2"
    where = f" for {groups.count} clusters" if groups.shared else ""
    text = {
        "auto": f"standard error by stacked estimating equations{where}, which accounts for the "
        f"estimated weights, scores adjusted as by {kind}",
        "sandwich": f"standard error by stacked estimating equations{where}, which accounts for "
        "the estimated weights, without small-sample adjustment",
        "known": f"{kind} standard error{where}, the weights taken as known",
    }[se]
    return f"{text}, Satterthwaite (Bell-McCaffrey) degrees of freedom"
