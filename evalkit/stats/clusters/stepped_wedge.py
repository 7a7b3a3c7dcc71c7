"""Stepped-wedge trials: clusters cross from comparison to programme at different periods."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.results import Estimate
from evalkit.stats.clusters.random_intercept import RandomIntercept, fit_random_intercept
from evalkit.stats.clusters.robust_mixed import robust_random_intercept
from evalkit.stats.clusters.wedge_rollout import read_rollout
from evalkit.stats.least_squares.linear import LinearFit
from evalkit.stats.shared.analysed_rows import Analysed, analysed_rows
from evalkit.stats.shared.columns import (
    as_names,
    check_frame,
    check_level,
    check_roles,
    choice,
    optional_name,
    read_arm,
)
from evalkit.stats.shared.design_matrix import covariate_columns, treatment_design
from evalkit.stats.shared.intervals import caveats, coefficient_interval
from evalkit.stats.shared.model_rows import adjusted_for
from evalkit.stats.sizes.effect_sizes import Scaling, accurate_mean, pooled_sd, small_sample_factor

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


MUCH = 1.25  # times the model's standard error at which the robust one is pointed to


@dataclass(frozen=True, slots=True, kw_only=True)
class SteppedWedgeDifference(Estimate):
    """The effect in a stepped-wedge trial, with the model's and the robust uncertainty.

    The fields of every Estimate are by `se`, "model" or "CR2"; both are here under their own
    names. `variance_between` and `variance_within` are the model's, in squared outcome units,
    `icc` the first over their sum. `n_treatment` and `n_comparison` count rows under each
    condition. `n_steps` is the number of periods at which clusters cross, `never` and `always`
    name clusters seen in one condition only. `n_persons` is None without `person`.
    """

    se: str = "model"
    model_std_error: float | None = None
    model_df: float | None = None
    model_p_value: float | None = None
    model_low: float | None = None
    model_high: float | None = None
    robust_std_error: float | None = None
    robust_df: float | None = None
    robust_p_value: float | None = None
    robust_low: float | None = None
    robust_high: float | None = None
    variance_between: float | None = None
    variance_within: float | None = None
    icc: float | None = None
    n_periods: int = 0
    n_steps: int = 0
    n_persons: int | None = None
    never: tuple[str, ...] = ()
    always: tuple[str, ...] = ()


def stepped_wedge_difference(
    data: Any,
    *,
    outcome: str,
    treatment: str,
    cluster: str,
    period: str,
    person: str | None = None,
    treated: Any = None,
    covariates: str | Sequence[str] = (),
    se: str = "auto",
    level: float = 0.95,
) -> SteppedWedgeDifference:
    """Return the effect of a programme that clusters enter one after another.

    Parameters
    ----------
    data : any frame narwhals knows, one row a person and period (or a cluster and period)
    outcome : name of a numeric column
    treatment : name of a 0/1 or true/false column, or of a two-valued column with `treated`: 1 from
        the period in which the row's cluster has the programme
    cluster : name of the column of clusters that cross over
    period : name of a column of numbers or dates; each period has its own level
    person : name of a column of people, where the same people are asked more than once
    treated : the value of `treatment` that names the programme
    covariates : names; text, categories and true/false become dummies, first sorted level dropped
    se : "model" believes in one random intercept a cluster; "CR2" only takes it for a working
        model, and clusters for independent; "auto" is "CR2", since the model's interval holds the
        truth 82 to 84 times in 100 where clusters drift apart from period to period
    level : confidence level

    Returns
    -------
    SteppedWedgeDifference
        `estimate` is in outcome units: one constant effect of being in the programme, by REML with
        period fixed effects and a random cluster intercept (Hussey and Hughes 2007), Satterthwaite
        df. `effect_size` is J / S times it, S the root of the total variance of that model without
        covariates. Rows used and `n_dropped` add up to those that came in.

    Raises
    ------
    InvalidInput
        For a programme that ends again or varies within a cluster and period, a person twice in a
        period, text periods, or a column that is missing, of the wrong kind or in two parts.
    CannotEstimate
        When all clusters cross at once or there are fewer than two steps, and as
        `mixed_difference`.
    NotConverged
        When the likelihood has no maximum that can be found.

    Notes
    -----
    The model takes the effect as the same from the first period on and the correlation within a
    cluster as the same at any distance in time; where it is not, "CR2" stands, "model" does not.

    References
    ----------
    Hussey and Hughes (2007), Contemporary Clinical Trials 28:182-191; Kuznetsova, Brockhoff and
    Christensen (2017), JSS 82(13); Pustejovsky and Tipton (2018), JBES 36:672-683; Thompson and
    others (2021), Statistics in Medicine 40:5007-5028.
    """
    check_level(level)
    choice(se, ("auto", "model", "CR2"), argument="se")
    names = as_names(covariates)
    parts = {"outcome": outcome, "treatment": treatment, "cluster": cluster, "period": period}
    check_roles(**parts, person=person, covariates=names)
    frame = check_frame(data, [*parts.values(), *names, *optional_name(person)])
    arm = read_arm(frame, treatment, treated)
    also = [("no period", frame[period].isna().to_numpy())]
    if person is not None:
        also.append(("no person", frame[person].isna().to_numpy()))
    rows = analysed_rows(frame, outcome, arm, names, group=(cluster, "no cluster"), also=also)
    rollout = read_rollout(frame[rows.keep], rows.arm, cluster, period, person)
    periods = covariate_columns(frame, period, rows.keep, as_factor=True)
    design = treatment_design((treatment, rows.arm), [*periods, *rows.covariates])
    assert rows.codes is not None
    model = fit_random_intercept(design.matrix, rows.outcome, design.names, rows.codes)
    bare, plain = treatment_design((treatment, rows.arm), periods), model
    if names:
        plain = fit_random_intercept(bare.matrix, rows.outcome, bare.names, rows.codes)
    robust = robust_random_intercept(
        design.matrix, model.linear, design.names, rows.codes, model.between / model.within
    )
    kind = "CR2" if se == "auto" else se
    scaling = _scaling(plain)
    by_model = coefficient_interval(
        model.linear, model.linear.place(treatment), scaling.factor, level
    )
    by_clusters = _robust_interval(robust, treatment, scaling.factor, level, needed=kind == "CR2")
    numbers = by_clusters if kind == "CR2" else by_model
    return SteppedWedgeDifference(
        outcome=outcome,
        term=treatment,
        level=level,
        se=kind,
        adjusted_for=names,
        method=_sentence(outcome, treatment, cluster, period, names, kind),
        notes=(
            *design.notes,
            *caveats(numbers["df"], scaling),
            *rollout.notes(),
            *_boundary(model, cluster, kind),
            *_wider(by_model, by_clusters, kind),
        ),
        **numbers,
        **_named("model", by_model),
        **_named("robust", by_clusters),
        **_counts(rows),
        variance_between=model.between,
        variance_within=model.within,
        icc=model.between / model.total,
        n_periods=rollout.n_periods,
        n_steps=len(rollout.steps),
        n_persons=rollout.n_persons,
        never=rollout.never,
        always=rollout.always,
    )


def _robust_interval(
    robust: LinearFit, treatment: str, factor: float | None, level: float, *, needed: bool
) -> dict[str, Any]:
    """Return the robust interval; empty where it cannot be formed and is not the one asked for."""
    try:
        return coefficient_interval(robust, robust.place(treatment), factor, level)
    except CannotEstimate:
        if needed:
            raise
        return {}


def _wider(by_model: dict[str, Any], by_clusters: dict[str, Any], kind: str) -> list[str]:
    if kind != "model" or not by_clusters:
        return []
    times = by_clusters["std_error"] / by_model["std_error"]
    if times < MUCH:
        return []
    return [
        f"The CR2 standard error is {times:.2f} times the model's: the correlation within clusters "
        "may differ between periods, so rely on se='CR2'"
    ]


def _named(prefix: str, numbers: dict[str, Any]) -> dict[str, Any]:
    names = {"std_error": "std_error", "df": "df", "p_value": "p_value"}
    names |= {"conf_low": "low", "conf_high": "high"}
    return {f"{prefix}_{short}": numbers.get(name) for name, short in names.items()}


def _scaling(plain: RandomIntercept) -> Scaling:
    sd, df = sqrt(plain.total), plain.total_df
    factor = small_sample_factor(df) / sd if df > 1 else None
    return Scaling(factor=factor, sd=sd, df=df, icc=plain.between / plain.total)


def _counts(rows: Analysed) -> dict[str, Any]:
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


def _boundary(model: RandomIntercept, cluster: str, kind: str) -> list[str]:
    if model.between > 0 or kind != "model":
        return []
    return [
        f"The variance between values of '{cluster}' is estimated as 0, so the interval takes no "
        "account of them; compare se='CR2'"
    ]


def _sentence(
    outcome: str, treatment: str, cluster: str, period: str, covariates: Sequence[str], kind: str
) -> str:
    error = (
        "Satterthwaite degrees of freedom"
        if kind == "model"
        else "CR2 standard error with that as the working model, Satterthwaite degrees of freedom"
    )
    return (
        f"Linear mixed model of {outcome} on {treatment} and {period} as a factor"
        f"{adjusted_for(covariates)}, with a random intercept for each {cluster}, by restricted "
        f"maximum likelihood (Hussey and Hughes); {error}. The effect is taken as constant from "
        "the period in which a cluster crosses over. The effect size is on the root of the total "
        "variance of the model without covariates."
    )
