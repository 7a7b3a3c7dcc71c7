"""Differences between arms in a linear model with a random intercept for each group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import EvalkitError
from evalkit.results import Estimate
from evalkit.stats.clusters.random_intercept import RandomIntercept, fit_random_intercept
from evalkit.stats.shared.analysed_rows import Analysed, analysed_rows, check_arm_groups
from evalkit.stats.shared.columns import as_names, check_frame, check_level, check_roles, read_arm
from evalkit.stats.shared.design_matrix import treatment_design
from evalkit.stats.shared.intervals import caveats, coefficient_interval
from evalkit.stats.sizes.effect_sizes import Scaling, accurate_mean, pooled_sd, small_sample_factor

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class SizedByVariance(Estimate):
    """A difference with effect sizes from the variances of a mixed model.

    `variance_between` and `variance_within` are those of groups and of people within them, in
    squared outcome units. `g_within` and `g_total` are the estimate over the roots of the variance
    within and of the total: a model's total already holds the part between groups, so no further
    cluster correction is made. `empty_*` are from the model with neither arm nor covariates (None
    where it cannot be fitted), and `g_within_empty`, `g_total_empty` the estimate over their roots:
    what eefAnalytics calls unconditional. Each g's `_low` and `_high` are the estimate's interval
    over the same root.
    """

    variance_between: float | None = None
    variance_within: float | None = None
    icc: float | None = None
    g_within: float | None = None
    g_within_low: float | None = None
    g_within_high: float | None = None
    g_total: float | None = None
    g_total_low: float | None = None
    g_total_high: float | None = None
    empty_between: float | None = None
    empty_within: float | None = None
    empty_icc: float | None = None
    g_within_empty: float | None = None
    g_within_empty_low: float | None = None
    g_within_empty_high: float | None = None
    g_total_empty: float | None = None
    g_total_empty_low: float | None = None
    g_total_empty_high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MixedDifference(SizedByVariance):
    """A difference between arms from a model with a random intercept.

    `icc` is the variance between over the sum of the two. `unconditional_between`,
    `unconditional_within` and `unconditional_icc` are the same with the arm alone in the model, no
    covariates: `effect_size` is on the root of their sum.
    """

    unconditional_between: float | None = None
    unconditional_within: float | None = None
    unconditional_icc: float | None = None


def mixed_difference(
    data: Any,
    *,
    outcome: str,
    treatment: str,
    group: str,
    covariates: str | Sequence[str] = (),
    treated: Any = None,
    level: float = 0.95,
) -> MixedDifference:
    """Return the difference between two arms, with a random intercept for each group.

    Parameters
    ----------
    data : any frame narwhals knows, one row a person (or another unit); never changed
    outcome : name of a numeric column
    treatment : name of a 0/1 or true/false column, or of a two-valued column with `treated`; it
        may vary between groups (they were assigned) or within them (blocks, sites)
    group : name of the column of groups, such as sites, schools or families
    covariates : names; text, categories and true/false become dummies, first sorted level dropped
    treated : the value of `treatment` that names the treated arm
    level : confidence level

    Returns
    -------
    MixedDifference
        `estimate` is in outcome units, by restricted maximum likelihood (REML); `df` are
        Satterthwaite's as in lmerTest. `effect_size` is J / S times the estimate and its interval
        the estimate's interval times the same: S is the root of the total variance of the model
        without covariates (the arm stays in), J Hedges' correction for the df of S squared.
        `g_within` and `g_total` are without J. `sd_pooled` is the plain SD pooled over arms,
        `n_clusters` the number of groups. Rows used and `n_dropped` add up to those that came in.

    Raises
    ------
    InvalidInput
        For a column that is missing, of the wrong kind or in two parts, or an unknown option.
    CannotEstimate
        When an arm has fewer than two people or is one group; the outcome does not vary, or not
        within groups; every row is its own group; there are too few groups for what is constant
        within them; or the treatment follows from the covariates.
    NotConverged
        When the likelihood has no maximum that can be found.

    Notes
    -----
    Where the variance between groups is estimated as 0 the interval is that of unclustered least
    squares, as in lme4 and lmerTest, and a note says so.

    References
    ----------
    Bates, Maechler, Bolker and Walker (2015), Journal of Statistical Software 67(1); Kuznetsova,
    Brockhoff and Christensen (2017), JSS 82(13); Hedges (2007), Journal of Educational and
    Behavioral Statistics 32:341-370; Pustejovsky, Hedges and Shadish (2014), JEBS 39:368-393.
    """
    check_level(level)
    names = as_names(covariates)
    check_roles(outcome=outcome, treatment=treatment, group=group, covariates=names)
    data = check_frame(data, [outcome, treatment, group, *names])
    arm = read_arm(data, treatment, treated)
    rows = analysed_rows(data, outcome, arm, names, group=(group, "no group"))
    check_arm_groups(rows)
    adjusted = treatment_design((treatment, rows.arm), rows.covariates)
    model = _fit(rows, adjusted.matrix, adjusted.names)
    plain = model
    if adjusted.matrix.shape[1] > 2:
        bare = treatment_design((treatment, rows.arm), [])
        plain = _fit(rows, bare.matrix, bare.names)
    scaling = _scaling(plain)
    numbers = coefficient_interval(
        model.linear, model.linear.place(treatment), scaling.factor, level
    )
    notes = (*adjusted.notes, *caveats(numbers["df"], scaling), *_boundary(model, group))
    return MixedDifference(
        outcome=outcome,
        term=treatment,
        level=level,
        notes=notes,
        adjusted_for=names,
        method=_sentence(outcome, treatment, group, names),
        **numbers,
        **arm_counts(rows),
        **_variances(model, plain),
        **sizes_on("g_within", numbers, model.within),
        **sizes_on("g_total", numbers, model.total),
        **empty_sizes(rows, numbers),
    )


def _fit(rows: Analysed, matrix: Floats, names: Sequence[str]) -> RandomIntercept:
    assert rows.codes is not None
    return fit_random_intercept(matrix, rows.outcome, names, rows.codes)


def _scaling(plain: RandomIntercept) -> Scaling:
    """Return J / S: no cluster correction, as S already holds the variance between groups."""
    sd, df = sqrt(plain.total), plain.total_df
    factor = small_sample_factor(df) / sd if df > 1 else None
    return Scaling(factor=factor, sd=sd, df=df, icc=plain.between / plain.total)


def _variances(model: RandomIntercept, plain: RandomIntercept) -> dict[str, Any]:
    return {
        "variance_between": model.between,
        "variance_within": model.within,
        "icc": model.between / model.total,
        "unconditional_between": plain.between,
        "unconditional_within": plain.within,
        "unconditional_icc": plain.between / plain.total,
    }


def sizes_on(name: str, numbers: dict[str, Any], variance: float) -> dict[str, Any]:
    """Return the estimate and its interval over the root of a variance."""
    keys = {"": "estimate", "_low": "conf_low", "_high": "conf_high"}
    return {name + end: numbers[key] / sqrt(variance) for end, key in keys.items()}


def empty_sizes(rows: Analysed, numbers: dict[str, Any]) -> dict[str, Any]:
    """Return the variances of the model with neither arm nor covariates, and sizes on them."""
    try:
        empty = _fit(rows, np.ones((len(rows.outcome), 1)), ("(intercept)",))
    except EvalkitError:
        return {}
    return {
        "empty_between": empty.between,
        "empty_within": empty.within,
        "empty_icc": empty.between / empty.total,
        **sizes_on("g_within_empty", numbers, empty.within),
        **sizes_on("g_total_empty", numbers, empty.total),
    }


def arm_counts(rows: Analysed) -> dict[str, Any]:
    """Return the fields that count and describe the arms."""
    treated, compared = rows.outcome[rows.arm == 1], rows.outcome[rows.arm == 0]
    return {
        "n_treatment": len(treated),
        "n_comparison": len(compared),
        "n_clusters": rows.n_groups,
        "n_dropped": rows.n_dropped,
        "dropped_why": rows.dropped,
        "mean_treatment": accurate_mean(treated),
        "mean_comparison": accurate_mean(compared),
        "sd_pooled": pooled_sd(treated, compared),
    }


def _boundary(model: RandomIntercept, group: str) -> list[str]:
    if model.between > 0:
        return []
    return [
        f"The variance between values of '{group}' is estimated as 0, so the interval takes no "
        "account of them; compare mean_difference with cluster"
    ]


def _sentence(outcome: str, treatment: str, group: str, covariates: Sequence[str]) -> str:
    adjusted = f", adjusted for {', '.join(covariates)}" if covariates else ""
    return (
        f"Linear mixed model of {outcome} on {treatment}{adjusted}, with a random intercept for "
        f"each {group}, by restricted maximum likelihood; Satterthwaite degrees of freedom. The "
        "effect size is on the root of the total variance of the model without covariates, "
        "corrected once, for small samples."
    )
