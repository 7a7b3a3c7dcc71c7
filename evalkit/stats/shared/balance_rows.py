"""How alike two arms are in one covariate after the next: the numbers of a balance table."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.stats.shared.level_columns import Covariate

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]

ESTIMANDS = ("ATT", "ATE", "ATC", "ATO")
DENOMINATORS = {
    "ATT": "SD of the treated",
    "ATC": "SD of the comparison",
    "ATE": "root of the mean of both variances",
    "ATO": "root of the mean of both variances",
}
COLUMNS = (
    *("covariate", "mean_treatment", "mean_comparison", "smd", "variance_ratio", "ks"),
    *("sd_treatment", "sd_comparison", "n_treatment", "n_comparison", "n_missing"),
    *("ecdf_mean", "denominator", "mean_treatment_before", "mean_comparison_before"),
    *("smd_before", "variance_ratio_before", "ks_before", "ecdf_mean_before"),
)
NAN = float("nan")

Sides = tuple["Floats", "Floats"]


def with_products(
    covariates: Sequence[Covariate], *, squares: bool = False, interactions: bool = False
) -> list[Covariate]:
    """Return the covariates, then squares of numbers and products of pairs as asked.

    Levels of one covariate are not crossed with each other.
    """
    found = list(covariates)
    if squares:
        numbers = [c for c in covariates if not c.binary]
        found += [Covariate(f"{c.label}^2", f"{c.label}^2", c.values**2) for c in numbers]
    if interactions:
        for a, b in combinations(covariates, 2):
            if a.name != b.name:
                label = f"{a.label}:{b.label}"
                found.append(Covariate(label, label, a.values * b.values))
    return found


def balance_rows(
    covariates: Sequence[Covariate], arm: Floats, weight: Floats, *, estimand: str
) -> pd.DataFrame:
    """Return one row a covariate; rows with no arm or weight (NaN) or no value are left out.

    Columns are those of `evalkit.stats.balance`.
    """
    import pandas as pd

    usable = ~np.isnan(arm) & ~np.isnan(weight)
    rows = [_row(covariate, arm, weight, usable, estimand) for covariate in covariates]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _row(
    covariate: Covariate, arm: Floats, weight: Floats, usable: Bools, estimand: str
) -> dict[str, Any]:
    values, binary = covariate.values, covariate.binary
    keep = usable & ~np.isnan(values)
    missing = int(len(keep) - np.count_nonzero(keep))
    treated, compared = np.flatnonzero(keep & (arm == 1)), np.flatnonzero(keep & (arm == 0))
    x = (values[treated], values[compared])
    w = (weight[treated], weight[compared])
    ones = (np.ones(len(treated)), np.ones(len(compared)))
    sds = (_sd(x[0], binary), _sd(x[1], binary))
    under = _denominator(sds, estimand)
    before, after = _figures(x, ones, binary, under), _figures(x, w, binary, under)
    gaps = (_gaps if not binary else _binary_gaps)(x, (ones, w), (before, after))
    for figures, (largest, mean) in zip((before, after), gaps, strict=True):
        figures["ks"], figures["ecdf_mean"] = largest, mean
    return {
        "covariate": covariate.label,
        **after,
        "sd_treatment": sds[0],
        "sd_comparison": sds[1],
        "n_treatment": len(treated),
        "n_comparison": len(compared),
        "n_missing": missing,
        "denominator": DENOMINATORS[estimand],
        **{f"{name}_before": value for name, value in before.items()},
    }


def _denominator(sds: tuple[float, float], estimand: str) -> float:
    if estimand in ("ATT", "ATC"):
        return sds[estimand == "ATC"]
    return float(np.sqrt((sds[0] ** 2 + sds[1] ** 2) / 2))


def _figures(x: Sides, w: Sides, binary: bool, under: float) -> dict[str, float]:
    means = [_mean(values, weight) for values, weight in zip(x, w, strict=True)]
    return {
        "mean_treatment": means[0],
        "mean_comparison": means[1],
        "smd": _standardise(means[0] - means[1], under),
        "variance_ratio": NAN if binary else _variance_ratio(x, w),
    }


def _mean(values: Floats, weight: Floats) -> float:
    total = weight.sum()
    if not total > 0:
        return NAN
    origin = values[0]
    return float(origin + (values - origin) @ weight / total)


def _sd(values: Floats, binary: bool) -> float:
    if binary and len(values):
        share = float(values.mean())
        return float(np.sqrt(share * (1 - share)))
    if len(values) < 2:
        return NAN
    return float(np.std(values - values[0], ddof=1))


def _standardise(gap: float, denominator: float) -> float:
    if denominator > 0 or np.isnan(gap) or np.isnan(denominator):
        return gap / denominator
    return 0.0 if gap == 0 else float(np.copysign(np.inf, gap))


def _variance_ratio(x: Sides, w: Sides) -> float:
    treated, compared = (_variance(a, b) for a, b in zip(x, w, strict=True))
    return treated / compared if compared > 0 else NAN


def _variance(values: Floats, weight: Floats) -> float:
    """Return the weighted variance whose divisor is n - 1 when the weights are equal."""
    total = weight.sum()
    room = total**2 - weight @ weight
    if not room > 0:
        return NAN
    centred = values - _mean(values, weight)
    return float(total / room * (weight @ centred**2))


def _binary_gaps(
    x: Sides, weights: Sequence[Sides], figures: Sequence[dict[str, float]]
) -> list[tuple[float, float]]:
    gaps = [abs(f["mean_treatment"] - f["mean_comparison"]) for f in figures]
    return [(gap, gap) for gap in gaps]


def _gaps(
    x: Sides, weights: Sequence[Sides], figures: Sequence[dict[str, float]]
) -> list[tuple[float, float]]:
    """Return the largest and the mean gap between the arms' distributions, for each weighting.

    The mean is over the distinct values of all rows, with weight or without; the largest is Kolmogorov and Smirnov's.
    """
    values = np.concatenate(x)
    order = np.argsort(values)
    ranked = values[order]
    last = np.append(ranked[1:] != ranked[:-1], True)
    found = []
    for w in weights:
        totals = [side.sum() for side in w]
        if not all(total > 0 for total in totals):
            found.append((NAN, NAN))
            continue
        steps = np.concatenate([w[0] / totals[0], -w[1] / totals[1]])[order]
        gaps = np.abs(np.cumsum(steps)[last])
        found.append((float(gaps.max()), float(gaps.mean())))
    return found
