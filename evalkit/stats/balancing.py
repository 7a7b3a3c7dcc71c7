"""Balance of covariates between arms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.stats.shared.balance_rows import ESTIMANDS, balance_rows, with_products
from evalkit.stats.shared.columns import (
    as_names,
    check_frame,
    check_roles,
    choice,
    invalid,
    optional_name,
    read_arm,
    vector,
    weight_column,
)
from evalkit.stats.shared.level_columns import covariate_levels

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def balance(
    data: Any,
    *,
    treatment: str,
    treated: Any = None,
    covariates: str | Sequence[str],
    weights: Any = None,
    estimand: str = "ATT",
    squares: bool = False,
    interactions: bool = False,
) -> pd.DataFrame:
    """Return how alike the arms are, one row a covariate or level of a covariate.

    Parameters
    ----------
    data : any frame narwhals knows (pandas, polars, pyarrow), one row a person; never changed
    treatment : name of a 0/1 or true/false column, or of a two-valued column with `treated`
    treated : the value of `treatment` that names the treated arm
    covariates : names; text and categories give one row a level, named "covariate=level", and a
        0/1 or true/false column one row under its own name
    weights : name of a column of weights, zero or more, or an array with one a row
    estimand : "ATT" divides by the SD of the treated, "ATC" by that of the comparison, "ATE" and
        "ATO" by the root of the mean of the two arms' variances; always of the unweighted sample
    squares, interactions : also the squares of numbers ("age^2") and the products of pairs of
        rows ("age:educ"; levels of one covariate are not crossed)

    Returns
    -------
    pandas frame
        `covariate, mean_treatment, mean_comparison, smd, variance_ratio, ks, sd_treatment,
        sd_comparison, n_treatment, n_comparison, n_missing, ecdf_mean, denominator`, then
        `mean_treatment_before, mean_comparison_before, smd_before, variance_ratio_before,
        ks_before, ecdf_mean_before`. Means, variance ratio, ks and ecdf_mean (the largest gap
        between the two distributions, and the mean gap over the distinct values of all rows)
        are weighted, SDs are not; `denominator` says which SD is under `smd`; the columns
        named "before" are unweighted. For levels and 0/1 columns the SD is the root of p(1 - p),
        the variance ratio NaN and both gaps the difference of the shares. `smd` is infinite where
        means differ and the denominator is 0, NaN where an arm has no value. `n_treatment`,
        `n_comparison` and `n_missing` add up to the rows of `data`.

    Raises
    ------
    InvalidInput
        For a column that is missing or of the wrong kind, or an unknown estimand.
    CannotEstimate
        When an arm is empty.

    References
    ----------
    Austin (2009), Statistics in Medicine 28:3083-3107; Stuart (2010), Statistical Science 25:1-21.
    """
    choice(estimand, ESTIMANDS, argument="estimand")
    names = as_names(covariates)
    named = weights if isinstance(weights, str) else None
    check_roles(treatment=treatment, covariates=names, weights=named)
    data = check_frame(data, [treatment, *names, *optional_name(named)])
    arm = read_arm(data, treatment, treated)
    weight = _weights(data, weights)
    for value, label in ((1.0, "treatment"), (0.0, "comparison")):
        if not np.any((arm == value) & (weight > 0)):
            raise CannotEstimate(f"The {label} arm has nobody in it.")
    columns = [column for name in names for column in covariate_levels(data, name)]
    every = with_products(columns, squares=squares, interactions=interactions)
    return balance_rows(every, arm, weight, estimand=estimand)


def _weights(data: pd.DataFrame, weights: Any) -> Floats:
    if weights is None:
        return np.ones(len(data))
    if isinstance(weights, str):
        return weight_column(data, weights)
    values = vector(weights, "weights")
    if len(values) != len(data):
        raise invalid(
            f"weights has {len(values)} values for {len(data)} rows.", allowed="one weight a row"
        )
    if np.any(values < 0):
        raise invalid("weights holds negative values.", allowed="zero or more")
    return values
