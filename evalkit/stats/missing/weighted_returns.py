"""The difference of means weighted for loss, with an error that knows the weights are estimated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.results import Estimate
from evalkit.stats.least_squares.differences import mean_difference
from evalkit.stats.missing.inverse_weights import Weighted, weigh
from evalkit.stats.missing.response_model import crossed_names
from evalkit.stats.shared.columns import (
    as_names,
    check_frame,
    check_level,
    check_roles,
    numeric,
    optional_name,
)
from evalkit.stats.shared.model_rows import listed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def weighted_returns(
    data: Any,
    *,
    outcome: str,
    treatment: str,
    treated: Any = None,
    covariates: str | Sequence[str],
    interactions: bool | str | Sequence[str] = True,
    weights: str | None = None,
    cluster: str | None = None,
    level: float = 0.95,
) -> Estimate:
    """Return the difference in mean outcome, those seen weighted to stand for everybody assigned.

    The estimate is that of `mean_difference` with the weights of `attrition_weights`, untrimmed
    (stabilising by arm changes nothing here). The standard error is that of HC2 (with clusters CR2)
    times the ratio of two errors from stacked estimating equations, with the model of loss estimated
    and with it known; weights taken as known usually give too large an error.

    Parameters are those of `mean_difference` and `attrition_weights`; `outcome` is missing for the
    lost, `covariates` are those of the model of loss, and the difference is not adjusted for them.

    Returns
    -------
    Estimate
        `n_treatment` and `n_comparison` are those seen; `n_dropped` counts the lost ("no outcome")
        and the rows the model could not use. A note gives the error with the weights taken as known.

    Raises
    ------
    InvalidInput, CannotEstimate, NotConverged
        As `attrition_weights` and `mean_difference`.

    References
    ----------
    Robins, Rotnitzky and Zhao (1995), Journal of the American Statistical Association 90:106-121;
    Stefanski and Boos (2002), American Statistician 56:29-38.
    """
    check_level(level)
    names = as_names(covariates)
    crossed = crossed_names(interactions, names)
    check_roles(outcome=outcome, treatment=treatment, covariates=names, weights=weights)
    frame = check_frame(
        data, [outcome, treatment, *names, *optional_name(weights), *optional_name(cluster)]
    )
    values = numeric(frame, outcome)
    found = weigh(
        frame, (~np.isnan(values)).astype(np.float64), treatment=treatment, treated=treated,
        covariates=names, crossed=crossed, stabilise=False, trim=None, weights=weights,
        cluster=cluster,
    )  # fmt: skip
    plain = _difference(found, values[found.rows.keep], outcome, level)
    ratio = _error_ratio(found, values[found.rows.keep])
    lost = int((found.seen == 0).sum())
    why = (*found.rows.dropped, *((("no outcome", lost),) if lost else ()))
    return _with_error(
        replace(
            plain,
            term=treatment,
            n_dropped=sum(count for _, count in why),
            dropped_why=why,
            method=f"Difference in {outcome} by {treatment}, weighted by the inverse of the chance of "
            f"being seen (logistic regression on arm and {listed(names)}); {_kind(found)} standard "
            "error corrected for estimated weights by stacked estimating equations.",
            notes=(*found.fit.notes, *plain.notes),
        ),
        ratio,
        level,
        _kind(found),
    )


def _kind(found: Weighted) -> str:
    return "CR2" if found.rows.shared else "HC2"


def _difference(found: Weighted, values: Floats, outcome: str, level: float) -> Estimate:
    import pandas as pd

    seen = found.seen == 1
    frame = pd.DataFrame(
        {outcome: values[seen], "_arm": found.rows.arm[seen], "_weight": found.weights[seen]}
    )
    cluster = None
    if found.rows.shared:
        frame["_cluster"], cluster = found.rows.cluster[seen], "_cluster"
    return mean_difference(
        frame, outcome=outcome, treatment="_arm", weights="_weight", cluster=cluster, level=level
    )


def _error_ratio(found: Weighted, values: Floats) -> float:
    """Return the error with the model of loss estimated over that with it known."""
    known = _known(found, values)
    stacked = known + _of_model(found, known)
    if found.rows.shared:
        import pandas as pd

        codes, _ = pd.factorize(pd.Series(found.rows.cluster))
        known, stacked = (
            np.bincount(codes, weights=x).astype(np.float64) for x in (known, stacked)
        )
    below = float(np.sum(known**2))
    if not below > 0:
        raise CannotEstimate("The outcomes seen do not vary within the arms.")
    return sqrt(float(np.sum(stacked**2)) / below)


def _known(found: Weighted, values: Floats) -> Floats:
    """Return each row's influence on the weighted difference, weights taken as known."""
    influence = np.zeros(len(values))
    for arm, sign in ((1.0, 1.0), (0.0, -1.0)):
        inside = (found.rows.arm == arm) & (found.seen == 1)
        weight, y = found.weights[inside], values[inside] - values[inside][0]
        mean = weight @ y / weight.sum()
        influence[inside] = sign * weight * (y - mean) / weight.sum()
    return influence


def _of_model(found: Weighted, known: Floats) -> Floats:
    """Return each row's influence through the coefficients of the model of loss."""
    model, influence = found.fit, np.zeros(len(known))
    if not model.fitted.any():
        return influence
    chance = model.chance[model.fitted]
    basis, _ = np.linalg.qr(model.matrix * np.sqrt(chance * (1 - chance))[:, None])
    slope = -known[model.fitted] * np.sqrt((1 - chance) / chance)  # of the weights, whitened
    residual = (found.seen[model.fitted] - chance) / np.sqrt(chance * (1 - chance))
    influence[model.fitted] = (basis @ (basis.T @ slope)) * residual
    return influence


def _with_error(plain: Estimate, ratio: float, level: float, kind: str) -> Estimate:
    """Return the estimate with its error multiplied, and everything that follows from it."""
    from scipy.stats import t as student

    assert plain.estimate is not None and plain.std_error is not None and plain.df is not None
    error = plain.std_error * ratio
    half = float(student.ppf(0.5 + level / 2, plain.df)) * error
    ends = (plain.estimate - half, plain.estimate + half)
    factor = _factor(plain)
    statistic = plain.estimate / error
    return replace(
        plain,
        std_error=error,
        statistic=statistic,
        p_value=float(2 * student.sf(abs(statistic), plain.df)),
        conf_low=ends[0],
        conf_high=ends[1],
        effect_low=None if factor is None else factor * ends[0],
        effect_high=None if factor is None else factor * ends[1],
        notes=(
            *plain.notes,
            f"With the weights taken as known the {kind} standard error is {plain.std_error:.4g}, "
            f"with them estimated {error:.4g}",
        ),
    )


def _factor(plain: Estimate) -> float | None:
    """Return what turns the outcome's units into those of the effect size."""
    ends = (plain.effect_low, plain.effect_high, plain.conf_low, plain.conf_high)
    if any(end is None for end in ends):
        return None
    low, high, conf_low, conf_high = (float(end) for end in ends if end is not None)
    return (high - low) / (conf_high - conf_low)
