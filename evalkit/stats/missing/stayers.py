"""Baseline means of those who stayed and those who were lost, by arm, and of the arms' stayers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.results import Record, Records
from evalkit.stats.categories.risk_study import yes_no
from evalkit.stats.shared.columns import (
    as_names,
    check_arms,
    check_frame,
    check_roles,
    invalid,
    left_out,
    numeric,
    read_arm,
)
from evalkit.stats.shared.design_matrix import Column, indicator, is_categorical, levels

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]

DENOMINATOR = (
    "root of the mean of the two arms' variances, of everybody assigned whose value is known"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineGap(Record):
    """One baseline mean of two groups: `mean_first`, `mean_second` and their difference.

    `groups` says which: "stayers - leavers" `among` "treatment" or "comparison" (who is lost),
    and "treatment - comparison" `among` "everybody", "stayers" or "leavers" (whether the arms
    still compare). `difference` is first less second, `smd` it divided by `sd`: the root of the
    mean of the two arms' variances, of everybody assigned whose value is known, the same in every
    row of a covariate. What a group with nobody in it, or an sd of zero, leaves open is None.
    `n_missing` counts people of the two groups without the value.
    """

    covariate: str
    groups: str
    among: str
    mean_first: float | None
    mean_second: float | None
    difference: float | None
    sd: float
    smd: float | None
    n_first: int
    n_second: int
    n_missing: int
    n_dropped: int
    dropped_why: tuple[tuple[str, int], ...]
    denominator: str = DENOMINATOR


def stayers_and_leavers(
    data: Any,
    *,
    observed: str,
    treatment: str,
    treated: Any = None,
    covariates: str | Sequence[str],
) -> Records[BaselineGap]:
    """Return baseline means of stayers and leavers in each arm, and of the arms among each.

    Parameters
    ----------
    data : any frame narwhals knows, one row a person assigned; never changed
    observed : name of a 0/1 or true/false column: whether the outcome was observed
    treatment : name of a 0/1 or true/false column, or of a two-valued column with `treated`
    treated : the value of `treatment` that names the treated arm
    covariates : names of baseline columns; text and categories give one set of rows a level, named
        "covariate=level", and a 0/1 or true/false column one under its own name

    Returns
    -------
    Records of BaselineGap
        Five rows a covariate. The denominator is of everybody assigned, so that it is not moved
        by the loss it is to measure; for levels and 0/1 columns it is made of p(1 - p), as in
        `balance(estimand="ATE")`, whose SMD the rows among "everybody" equal.

    Raises
    ------
    InvalidInput
        For a column that is missing or of the wrong kind, no covariates, or one named twice.
    CannotEstimate
        When an arm has fewer than two people.
    """
    names = as_names(covariates)
    check_roles(observed=observed, treatment=treatment, covariates=names)
    if not names:
        raise invalid("covariates is empty.", allowed="the names of baseline columns")
    frame = check_frame(data, [observed, treatment, *names])
    seen, arm = yes_no(frame, observed), read_arm(frame, treatment, treated)
    keep, dropped = left_out(
        [(f"no {observed}", np.isnan(seen)), ("no arm", np.isnan(arm))], len(frame)
    )
    check_arms(arm[keep], dropped)
    stayed, in_arm = seen[keep] == 1, arm[keep] == 1
    found = []
    for name in names:
        for column in _columns(frame, name, keep):
            found += _gaps(column, stayed, in_arm, dropped)
    return Records(found)


def _columns(frame: pd.DataFrame, name: str, keep: Bools) -> list[Column]:
    """Return a covariate's columns in the rows kept, NaN where missing."""
    series = frame.loc[keep, name]
    if not is_categorical(series) or str(series.dtype) in {"bool", "boolean"}:
        return [(name, numeric(frame, name)[keep])]
    known = series.notna().to_numpy()
    return [
        (f"{name}={level}", np.where(known, indicator(series, level), np.nan))
        for level in levels(series)
    ]


def _gaps(
    column: Column, stayed: Bools, in_arm: Bools, dropped: tuple[tuple[str, int], ...]
) -> list[BaselineGap]:
    name, values = column
    sd = _spread(values, in_arm)
    everybody = np.ones(len(values), dtype=bool)
    wanted = [
        ("stayers - leavers", "treatment", stayed & in_arm, ~stayed & in_arm),
        ("stayers - leavers", "comparison", stayed & ~in_arm, ~stayed & ~in_arm),
    ] + [
        ("treatment - comparison", among, inside & in_arm, inside & ~in_arm)
        for among, inside in (("everybody", everybody), ("stayers", stayed), ("leavers", ~stayed))
    ]
    return [
        BaselineGap(
            covariate=name,
            groups=groups,
            among=among,
            sd=sd,
            n_dropped=sum(count for _, count in dropped),
            dropped_why=dropped,
            **_compare(values, first, second, sd),
        )
        for groups, among, first, second in wanted
    ]


def _compare(values: Floats, first: Bools, second: Bools, sd: float) -> dict[str, Any]:
    sides = [values[side & ~np.isnan(values)] for side in (first, second)]
    means = [_mean(side) for side in sides]
    gap = None if means[0] is None or means[1] is None else means[0] - means[1]
    return {
        "mean_first": means[0],
        "mean_second": means[1],
        "difference": gap,
        "smd": None if gap is None or not sd > 0 else gap / sd,
        "n_first": len(sides[0]),
        "n_second": len(sides[1]),
        "n_missing": int(np.isnan(values[first | second]).sum()),
    }


def _mean(values: Floats) -> float | None:
    return float(values[0] + np.mean(values - values[0])) if len(values) else None


def _spread(values: Floats, in_arm: Bools) -> float:
    """Return the SMD's denominator, zero where no arm has two people whose value is known."""
    known = ~np.isnan(values)
    sides = [values[known & in_arm], values[known & ~in_arm]]
    binary = bool(np.isin(values[known], (0.0, 1.0)).all())
    if binary and all(len(side) for side in sides):
        return sqrt(sum(float(side.mean() * (1 - side.mean())) for side in sides) / 2)
    if any(len(side) < 2 for side in sides):
        return 0.0
    return sqrt(sum(float(np.var(side - side[0], ddof=1)) for side in sides) / 2)
