"""Balance of covariates between arms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.stats.shared.columns import (
    as_names,
    check_frame,
    check_roles,
    choice,
    numeric,
    optional_name,
    read_arm,
    weight_column,
)
from evalkit.stats.shared.design_matrix import indicator, is_categorical, levels

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

COLUMNS = (
    *("covariate", "mean_treatment", "mean_comparison", "smd", "variance_ratio", "ks"),
    *("sd_treatment", "sd_comparison", "n_treatment", "n_comparison", "n_missing"),
)


def balance(
    data: Any,
    *,
    treatment: str,
    treated: Any = None,
    covariates: str | Sequence[str],
    weights: str | None = None,
    estimand: str = "ATT",
) -> pd.DataFrame:
    """Return how alike the arms are, one row a covariate or level of a covariate.

    Parameters
    ----------
    data : any frame narwhals knows (pandas, polars, pyarrow), one row a person; never changed
    treatment : name of a 0/1 or true/false column, or of a two-valued column with `treated`
    treated : the value of `treatment` that names the treated arm
    covariates : names; text and categories give one row a level, named "covariate=level", and a
        0/1 or true/false column one row under its own name
    weights : name of a column of weights, zero or more
    estimand : "ATT" divides by the SD of the treated, "ATE" by the root of the mean of the two
        arms' variances; always of the unweighted sample

    Returns
    -------
    pandas frame
        `covariate, mean_treatment, mean_comparison, smd, variance_ratio, ks, sd_treatment,
        sd_comparison, n_treatment, n_comparison, n_missing`. Means, variance ratio and ks (the
        largest gap between the two distributions) are weighted, SDs are not. For levels and 0/1
        columns the SD is the root of p(1 - p) and the variance ratio NaN. `smd` is infinite where
        means differ and the denominator is 0, NaN where an arm has no value. The last three
        columns add up to the rows of `data`.

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
    import pandas as pd

    choice(estimand, ("ATT", "ATE"), argument="estimand")
    names = as_names(covariates)
    check_roles(treatment=treatment, covariates=names, weights=weights)
    data = check_frame(data, [treatment, *names, *optional_name(weights)])
    arm = read_arm(data, treatment, treated)
    weight = np.ones(len(data)) if weights is None else weight_column(data, weights)
    for value, label in ((1.0, "treatment"), (0.0, "comparison")):
        if not np.any((arm == value) & (weight > 0)):
            raise CannotEstimate(f"The {label} arm has nobody in it.")
    usable = ~np.isnan(arm) & ~np.isnan(weight)
    rows = [row for name in names for row in _rows(data, name, arm, weight, usable, estimand)]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _rows(
    data: pd.DataFrame,
    name: str,
    arm: Floats,
    weight: Floats,
    usable: NDArray[np.bool_],
    estimand: str,
) -> list[dict[str, Any]]:
    """Return a covariate's rows, in the rows of data where value, arm and weight are known."""
    series = data[name]
    keep = usable & series.notna().to_numpy()
    if is_categorical(series) and str(series.dtype) not in {"bool", "boolean"}:
        columns = [(f"{name}={level}", indicator(series, level), True) for level in levels(series)]
    else:
        values = numeric(data, name)
        columns = [(name, values, bool(np.isin(values[keep], (0.0, 1.0)).all()))]
    return [
        {
            "covariate": label,
            **_compare(values[keep], arm[keep], weight[keep], binary, estimand),
            "n_missing": int((~keep).sum()),
        }
        for label, values, binary in columns
    ]


def _compare(
    values: Floats, arm: Floats, weight: Floats, binary: bool, estimand: str
) -> dict[str, Any]:
    t, c = arm == 1, arm == 0
    sides = [(values[side], weight[side]) for side in (t, c)]
    means = [_mean(x, w) for x, w in sides]
    sds = [_sd(x, binary) for x, _ in sides]
    denominator = sds[0] if estimand == "ATT" else float(np.sqrt((sds[0] ** 2 + sds[1] ** 2) / 2))
    return {
        "mean_treatment": means[0],
        "mean_comparison": means[1],
        "smd": _standardise(means[0] - means[1], denominator),
        "variance_ratio": float("nan") if binary else _variance_ratio(sides),
        "ks": _largest_gap(sides),
        "sd_treatment": sds[0],
        "sd_comparison": sds[1],
        "n_treatment": int(t.sum()),
        "n_comparison": int(c.sum()),
    }


def _mean(values: Floats, weight: Floats) -> float:
    if not weight.sum() > 0:
        return float("nan")
    origin = values[0]
    return float(origin + np.average(values - origin, weights=weight))


def _sd(values: Floats, binary: bool) -> float:
    if binary and len(values):
        share = float(values.mean())
        return float(np.sqrt(share * (1 - share)))
    if len(values) < 2:
        return float("nan")
    return float(np.std(values - values[0], ddof=1))


def _standardise(gap: float, denominator: float) -> float:
    if denominator > 0 or np.isnan(gap) or np.isnan(denominator):
        return gap / denominator
    return 0.0 if gap == 0 else float(np.copysign(np.inf, gap))


def _variance_ratio(sides: Sequence[tuple[Floats, Floats]]) -> float:
    treated, compared = (_variance(x, w) for x, w in sides)
    return treated / compared if compared > 0 else float("nan")


def _variance(values: Floats, weight: Floats) -> float:
    """Return the weighted variance whose divisor is n - 1 when the weights are equal."""
    total = weight.sum()
    room = total**2 - np.sum(weight**2)
    if not room > 0:
        return float("nan")
    centred = values - _mean(values, weight)
    return float(total / room * np.sum(weight * centred**2))


def _largest_gap(sides: Sequence[tuple[Floats, Floats]]) -> float:
    """Return the Kolmogorov-Smirnov distance between the two weighted distributions."""
    if any(not w.sum() > 0 for _, w in sides):
        return float("nan")
    points = np.unique(np.concatenate([x for x, _ in sides]))
    below = []
    for x, w in sides:
        order = np.argsort(x)
        running = np.concatenate([[0.0], np.cumsum(w[order])]) / w.sum()
        below.append(running[np.searchsorted(x[order], points, side="right")])
    return float(np.max(np.abs(below[0] - below[1])))
