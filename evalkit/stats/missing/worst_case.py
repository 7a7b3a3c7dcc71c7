"""Bounds on an effect with everybody lost at one end of the scale or the other."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isfinite
from typing import Any

import numpy as np

from evalkit.results import Record
from evalkit.stats.least_squares.differences import mean_difference
from evalkit.stats.missing.bound_rows import ARMS, BoundRows, read_bound_rows
from evalkit.stats.missing.bounds_interval import figures, imbens_manski, percent
from evalkit.stats.shared.columns import check_level, invalid


@dataclass(frozen=True, slots=True, kw_only=True)
class WorstCaseBounds(Record):
    """The least and the largest effect the lost could make true, outcomes lying from low to high.

    `estimate` is the difference of the complete cases, `width` is upper less lower, `low` and
    `high` the ends of the scale. `critical` is Imbens and Manski's c.
    """

    outcome: str
    term: str
    estimand: str
    estimate: float
    lower: float
    upper: float
    width: float
    se_lower: float
    se_upper: float
    conf_low: float
    conf_high: float
    critical: float
    df: float | None
    level: float
    low: float
    high: float
    randomised_treatment: int
    observed_treatment: int
    randomised_comparison: int
    observed_comparison: int
    response_treatment: float
    response_comparison: float
    n_treatment: int
    n_comparison: int
    n_clusters: int | None
    n_dropped: int
    dropped_why: tuple[tuple[str, int], ...]
    method: str
    notes: tuple[str, ...]
    sentence: str


def worst_case_bounds(
    data: Any,
    *,
    outcome: str,
    treatment: str,
    low: float,
    high: float,
    treated: Any = None,
    cluster: str | None = None,
    level: float = 0.95,
) -> WorstCaseBounds:
    """Return the effects when all those lost are at one end of the scale, and at the other.

    Nothing is assumed of who is lost. For the lower bound everybody lost from the treatment arm has
    the outcome `low` and everybody lost from the comparison `high`; for the upper the other way.

    Parameters
    ----------
    data : any frame narwhals knows (pandas, polars, pyarrow), one row a person assigned, seen or
        lost; never changed
    outcome : name of a numeric column, missing where the person was lost
    treatment : name of a 0/1 or true/false column, or of a two-valued column with `treated`
    low, high : the ends of the scale, in outcome units
    treated : the value of `treatment` that names the treated arm
    cluster : name of the column of clusters (the unit of assignment)
    level : confidence level

    Returns
    -------
    WorstCaseBounds
        Bounds in outcome units; HC2 standard errors of the filled outcomes, with clusters CR2. The
        interval is Imbens and Manski's, for the effect itself, with the normal distribution, or with
        clusters Student's (`df`, the smaller Satterthwaite of the two bounds). People assigned and
        `n_dropped` add up to the rows that came in.

    Raises
    ------
    InvalidInput
        For a column that is missing or of the wrong kind, ends that are not two numbers in order, or
        outcomes beyond them.
    CannotEstimate
        When an arm has fewer than two outcomes (or, clustered, two clusters), or the outcome does
        not vary.

    References
    ----------
    Horowitz and Manski (2000), Journal of the American Statistical Association 95:77-84; Imbens and
    Manski (2004), Econometrica 72:1845-1857.
    """
    check_level(level)
    ends = _ends(low, high)
    rows = read_bound_rows(data, outcome, treatment, treated, (), cluster)
    _check_range(rows, outcome, ends)
    least, most = (_filled(rows, fill, level) for fill in (ends, ends[::-1]))
    clustered = rows.clusters is not None
    df = min(least.df, most.df) if clustered else inf
    interval = imbens_manski(
        least.estimate, most.estimate, least.std_error, most.std_error, level, df
    )
    counts = rows.counts()
    lost = 2 - counts["response_treatment"] - counts["response_comparison"]
    return WorstCaseBounds(
        outcome=outcome,
        term=treatment,
        estimand="effect among everybody assigned",
        lower=least.estimate,
        upper=most.estimate,
        width=(ends[1] - ends[0]) * lost,
        se_lower=least.std_error,
        se_upper=most.std_error,
        df=df if clustered else None,
        level=level,
        low=ends[0],
        high=ends[1],
        **interval,
        **counts,
        method=_method(outcome, treatment, ends, clustered),
        notes=rows.notes(),
        sentence=_sentence(outcome, counts, (least.estimate, most.estimate), interval, ends, level),
    )


def _method(outcome: str, treatment: str, ends: tuple[float, float], clustered: bool) -> str:
    return (
        f"Worst-case bounds on the difference in {outcome} by {treatment}, the lost at either end of "
        f"the scale from {ends[0]:g} to {ends[1]:g}; {'CR2' if clustered else 'HC2'} standard errors; "
        f"Imbens and Manski's interval{' with Student' if clustered else ''}"
        + ("'s t." if clustered else ".")
    )


def _ends(low: Any, high: Any) -> tuple[float, float]:
    for name, value in (("low", low), ("high", high)):
        if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
            raise invalid(f"{name}={value!r}.", allowed="a finite number: an end of the scale")
    if not low < high:
        raise invalid(f"low={low!r} and high={high!r}.", allowed="low below high")
    return float(low), float(high)


def _check_range(rows: BoundRows, outcome: str, ends: tuple[float, float]) -> None:
    seen = rows.outcome[rows.seen]
    beyond = int(np.sum((seen < ends[0]) | (seen > ends[1])))
    if beyond:
        raise invalid(
            f"{beyond} outcome(s) lie outside the scale given.",
            column=outcome,
            allowed=f"values from low={ends[0]:g} to high={ends[1]:g}",
            next_step="Give the least and the largest value the measure can take.",
        )


def _filled(rows: BoundRows, fill: tuple[float, float], level: float) -> Any:
    """Return the difference with the lost of treatment and of comparison at these values."""
    import pandas as pd

    lost = np.where(rows.arm == 1, fill[0], fill[1])
    frame = pd.DataFrame({"outcome": np.where(rows.seen, rows.outcome, lost), "arm": rows.arm})
    if rows.clusters is None:
        return mean_difference(frame, outcome="outcome", treatment="arm", level=level)
    frame["cluster"] = rows.clusters
    return mean_difference(
        frame, outcome="outcome", treatment="arm", cluster="cluster", level=level
    )


def _sentence(
    outcome: str,
    counts: dict[str, Any],
    bounds: tuple[float, float],
    interval: dict[str, Any],
    ends: tuple[float, float],
    level: float,
) -> str:
    lower, upper, low, high, plain = figures(
        *bounds, interval["conf_low"], interval["conf_high"], counts["estimate"]
    )
    lost = [percent(1 - counts[f"response_{arm}"]) for _, arm in ARMS]
    return (
        f"{outcome} was lost for {lost[0]} of the treatment arm and {lost[1]} of the comparison; "
        f"whatever their outcomes on the scale from {ends[0]:g} to {ends[1]:g}, the difference lies "
        f"between {lower} and {upper} ({level:.0%} interval {low} to {high}), where those seen alone "
        f"give {plain}."
    )
