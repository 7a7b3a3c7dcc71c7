"""The odds of a higher category, between arms: an outcome in ordered categories."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.results import Estimate
from evalkit.stats.categories.marginal import low_df, wald
from evalkit.stats.categories.ordered_outcomes import Ordered, read_ordered
from evalkit.stats.categories.proportional_odds import (
    OrdinalFit,
    fit_proportional_odds,
    proportionality,
)
from evalkit.stats.shared.arm_clusters import cluster_df, few_clusters
from evalkit.stats.shared.columns import as_names
from evalkit.stats.shared.model_rows import adjusted_for, design_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

MANY = 50  # categories beyond which an outcome is a score rather than an order
_DOUBT = 0.05  # p-value below which the odds are said not to look proportional
_FEW = 10  # people outside the fullest category of an arm, below which the model is not relied on


@dataclass(frozen=True, slots=True, kw_only=True)
class OrdinalEffect(Estimate):
    """A ratio of the odds of a higher category, with how the arms fill the categories.

    `std_error` and `statistic` are on the scale of the ratio's natural logarithm. `categories` are
    those found, lowest first, and `counts_treatment` and `counts_comparison` how many of each arm
    are in them. `proportional_statistic` (chi-squared on `proportional_df`) and
    `proportional_p_value` test that the ratio is the same at every cut between categories.
    """

    categories: tuple[str, ...]
    counts_treatment: tuple[int, ...]
    counts_comparison: tuple[int, ...]
    proportional_statistic: float | None = None
    proportional_df: int | None = None
    proportional_p_value: float | None = None


def ordinal_odds_ratio(
    data: Any,
    *,
    outcome: str,
    treatment: str,
    treated: Any = None,
    covariates: str | Sequence[str] = (),
    cluster: str | None = None,
    level: float = 0.95,
) -> OrdinalEffect:
    """Return the ratio of the odds of a higher category, treated over comparison.

    Parameters
    ----------
    data : any frame narwhals knows (pandas, polars, pyarrow), one row a person; never changed
    outcome : name of a column of numbers in the order of the categories (only their order counts),
        or of an ordered categorical
    treatment : name of a 0/1 or true/false column, or of a two-valued column with `treated`
    treated : the value of `treatment` that names the treated arm
    covariates : names; text, categories and true/false become dummies, first sorted level dropped
    cluster : name of the column of clusters (the unit of assignment)
    level : confidence level

    Returns
    -------
    OrdinalEffect
        exp of the treatment's coefficient in a proportional-odds model: above 1 where the treated
        are in higher categories. Standard error from the observed information, normal interval on
        the log scale. Clustered: the sandwich of the scores summed within clusters, its variance
        multiplied by clusters / (clusters - 1), with a t interval on Satterthwaite's degrees of
        freedom from the two arms' clusters (clusters - 1 where a cluster has people of both arms).
        With covariates it is the ratio at given covariates, not an average. Proportional odds are
        taken as given; the score test beside it and a note below 0.05 say when they do not look so.

    Raises
    ------
    InvalidInput
        For a column that is missing or of the wrong kind, or categories without an order.
    CannotEstimate
        When there are fewer than 3 categories (use odds_ratio) or more than 50, an arm has fewer
        than two people (or, clustered, two clusters), or the arms or covariates separate the
        categories.
    NotConverged
        When the fit does not settle.

    Notes
    -----
    R 4.2: ordinal's clm gives the same coefficient and standard error (MASS's polr to 5 digits),
    sandwich's vcovCL of it the same clustered one; rms's robcov leaves out the factor.

    References
    ----------
    McCullagh (1980), JRSS B 42:109-142; Peterson and Harrell (1990), Applied Statistics
    39:205-217 (the score test).
    """
    names = as_names(covariates)
    study = read_ordered(
        data, outcome=outcome, treatment=treatment, treated=treated, covariates=names,
        cluster=cluster, level=level,
    )  # fmt: skip
    _check_categories(study, outcome)
    design = design_of(study.data, study.rows, treatment, names)
    model = fit_proportional_odds(study.codes, design.matrix[:, 1:], design.names[1:])
    place = design.names.index(treatment) - 1
    error, df = _spread(model, place, study)
    statistic, cuts, p_value = proportionality(model, place, study.clusters)
    slope = float(model.coefficients[model.thresholds + place])
    return OrdinalEffect(
        outcome=outcome,
        term=treatment,
        level=float(level),
        **wald(slope, error, df, level, ratio=True),
        **study.rows.counts(),
        **_filled(study),
        proportional_statistic=statistic,
        proportional_df=cuts,
        proportional_p_value=p_value,
        adjusted_for=names,
        method=_sentence(study, outcome, treatment, names),
        notes=(*design.notes, *_notes(study, p_value), *low_df(df)),
    )


def _check_categories(study: Ordered, outcome: str) -> None:
    count = len(study.labels)
    if count < 3:
        found = ", ".join(map(repr, study.labels))
        what = "it does not vary" if count == 1 else "use odds_ratio"
        raise CannotEstimate(
            f"'{outcome}' has {count} categor{'y' if count == 1 else 'ies'} in the rows analysed "
            f"({found}); at least 3 are needed: {what}."
        )
    if count > MANY:
        raise CannotEstimate(
            f"'{outcome}' has {count} different values in the rows analysed; at most {MANY} "
            "categories are allowed. Use probability_of_superiority or mean_difference, or merge "
            "values into bands."
        )


def _spread(model: OrdinalFit, place: int, study: Ordered) -> tuple[float, float]:
    """Return the standard error of a column's coefficient, and its degrees of freedom."""
    row = model.inverse[model.thresholds + place]
    if study.clusters is None:
        return sqrt(float(row[model.thresholds + place])), inf
    influence = np.bincount(study.clusters, weights=model.scores @ row).astype(np.float64)
    count = len(influence)
    error = sqrt(float(influence @ influence) * count / (count - 1))
    return error, cluster_df(influence, study.clusters, study.rows.arm)


def _filled(study: Ordered) -> dict[str, Any]:
    return {
        "categories": study.labels,
        "counts_treatment": tuple(int(n) for n in study.counts(1.0)),
        "counts_comparison": tuple(int(n) for n in study.counts(0.0)),
    }


def _notes(study: Ordered, p_value: float | None) -> list[str]:
    notes = []
    sides = {"treatment": study.counts(1.0), "comparison": study.counts(0.0)}
    for label, counts in sides.items():
        empty = [name for name, n in zip(study.labels, counts, strict=True) if n == 0]
        if empty:
            notes.append(f"Nobody in the {label} arm is in category {', '.join(empty)}")
    if min(int(counts.sum() - counts.max()) for counts in sides.values()) < _FEW:
        notes.append(
            f"In an arm fewer than {_FEW} people are outside its fullest category: the interval "
            "and p-value are not to be relied on"
        )
    if p_value is not None and p_value < _DOUBT:
        notes.append(
            f"The odds do not look proportional (p = {p_value:.2g}): one ratio does not describe "
            "every cut between categories; read probability_of_superiority beside it"
        )
    clusters = None if study.clusters is None else int(study.clusters.max()) + 1
    return [*notes, *few_clusters(clusters)]


def _sentence(study: Ordered, outcome: str, treatment: str, names: Sequence[str]) -> str:
    text = (
        f"Odds ratio of a higher category of {outcome} by {treatment}, from a proportional-odds "
        f"model of {len(study.labels)} categories{adjusted_for(names)}"
    )
    if study.clusters is None:
        return f"{text}; maximum likelihood, normal interval on the log scale."
    count = int(study.clusters.max()) + 1
    return (
        f"{text}; maximum likelihood, sandwich standard error for {count} clusters with the factor "
        "clusters / (clusters - 1), t interval on the log scale, degrees of freedom from the arms' "
        "clusters."
    )
