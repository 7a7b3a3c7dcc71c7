"""Time until an event: the ratio of hazards between arms, and the difference in mean time."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.stats.categories.marginal import low_df, wald
from evalkit.stats.events.cox import CoxFit, cox_fit
from evalkit.stats.events.survival_study import SurvivalEffect, Timed, TimedColumns, read_timed
from evalkit.stats.shared.arm_clusters import cluster_df, few_clusters
from evalkit.stats.shared.columns import as_names, invalid
from evalkit.stats.shared.model_rows import adjusted_for, design_of

__all__ = ["SurvivalEffect", "hazard_ratio", "restricted_mean", "restricted_mean_difference"]

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]

_DOUBT = 0.05  # p-value below which the hazards are said not to look proportional


def hazard_ratio(
    data: Any,
    *,
    time: str,
    event: str,
    treatment: str,
    treated: Any = None,
    covariates: str | Sequence[str] = (),
    cluster: str | None = None,
    strata: str | None = None,
    level: float = 0.95,
) -> SurvivalEffect:
    """Return the ratio of hazards, treated over comparison, by Cox regression.

    Parameters
    ----------
    data : any frame narwhals knows (pandas, polars, pyarrow), one row a person; never changed
    time : name of a column of times, zero or more, until the event or until observation ended
    event : name of a 0/1 or true/false column: whether the event was seen
    treatment : name of a 0/1 or true/false column, or of a two-valued column with `treated`
    treated : the value of `treatment` that names the treated arm
    covariates : names; text, categories and true/false become dummies, first sorted level dropped
    cluster : name of the column of clusters (the unit of assignment)
    strata : name of a column of strata, each with its own baseline hazard
    level : confidence level

    Returns
    -------
    SurvivalEffect
        exp of the treatment's coefficient; ties after Efron, standard error from the information,
        normal interval on the log scale. Clustered: the sandwich of the score residuals summed
        within clusters (R's coxph(cluster=), without a small-sample factor), with a t interval on
        Satterthwaite's degrees of freedom from the two arms' clusters (clusters - 1 where a
        cluster has people of both arms), where R takes the normal one. It takes the hazards as
        proportional; `proportional_p_value` tests that for the treatment (the score test of R's
        cox.zph against the Kaplan-Meier scale of time, which takes people as independent), and a
        note says so below 0.05. With covariates or strata it is the ratio at given covariates
        within a stratum, not an average.

    Raises
    ------
    InvalidInput
        For a column that is missing or of the wrong kind, negative times, or events other than
        0 and 1.
    CannotEstimate
        When an arm has fewer than two people (or, clustered, two clusters) or no event, no stratum
        has both arms at risk at an event, or the likelihood has no maximum.
    NotConverged
        When the fit does not settle.

    References
    ----------
    Cox (1972), JRSS B 34:187-220; Efron (1977), JASA 72:557-565; Lin and Wei (1989), JASA
    84:1074-1078; Grambsch and Therneau (1994), Biometrika 81:515-526.
    """
    names = as_names(covariates)
    columns = TimedColumns(time, event, treatment, names, cluster, strata)
    study = read_timed(data, columns, treated, level)
    _check_events(study)
    design = design_of(study.data, study.rows, treatment, names)
    model = cox_fit(
        design.matrix[:, 1:], study.time, study.seen, design.names[1:],
        strata=study.strata, cluster=study.clusters,
    )  # fmt: skip
    slope, error = model.effect(treatment)
    df = _df(study, model)
    statistic, p_value = model.proportionality(treatment)
    tested = not np.isnan(p_value)
    return SurvivalEffect(
        **study.common(),
        **wald(slope, error, df, level, ratio=True),
        proportional_statistic=statistic if tested else None,
        proportional_p_value=p_value if tested else None,
        adjusted_for=names,
        method=_sentence(study, model),
        notes=(
            *design.notes, *study.few(), *study.alone(), *low_df(df), *few_clusters(model.n_clusters),
            *_doubt(p_value),
        ),
    )  # fmt: skip


def _df(study: Timed, model: CoxFit) -> float:
    if model.influence is None or study.clusters is None:
        return inf
    influence = model.influence[:, model.place(study.names.treatment)]
    return cluster_df(influence, study.clusters, study.rows.arm)


def _check_events(study: Timed) -> None:
    treated, compared = study.events()
    if min(treated, compared) == 0:
        raise CannotEstimate(
            f"An arm has no events (treatment {treated}, comparison {compared}), so the "
            "hazard ratio has no finite estimate. Use restricted_mean_difference, or compare the "
            "risks with risk_difference."
        )


def _sentence(study: Timed, model: CoxFit) -> str:
    names = study.names
    text = f"Cox regression of the time to {names.event} on {names.treatment}"
    text += adjusted_for(names.covariates)
    text += f", stratified by {names.strata}" if names.strata else ""
    if model.n_clusters is None:
        text += "; Efron's ties, normal interval on the log scale."
    else:
        text += (
            f"; Efron's ties, sandwich standard error for {model.n_clusters} clusters without a "
            "small-sample factor, t interval on the log scale, degrees of freedom from the arms' "
            "clusters."
        )
    return f"{text} Hazards are taken as proportional."


def _doubt(p_value: float) -> tuple[str, ...]:
    if not p_value < _DOUBT:
        return ()
    return (
        f"The hazards do not look proportional (p = {p_value:.2g}): the ratio is an average over "
        "the times of the events; read restricted_mean_difference beside it",
    )


def restricted_mean_difference(
    data: Any,
    *,
    time: str,
    event: str,
    treatment: str,
    horizon: float,
    treated: Any = None,
    level: float = 0.95,
) -> SurvivalEffect:
    """Return the difference in mean time without the event up to a horizon, treated less comparison.

    Parameters
    ----------
    data, time, event, treatment, treated, level : as for `hazard_ratio`
    horizon : the time up to which the mean is taken, in the units of `time`; both arms must be
        observed that long

    Returns
    -------
    SurvivalEffect
        The difference in the areas under the two Kaplan-Meier curves up to the horizon, in the
        units of `time`, with Greenwood's variance and a normal interval. Nothing need be
        proportional.

    Raises
    ------
    InvalidInput
        As for `hazard_ratio`, and for a horizon beyond what both arms are observed for.
    CannotEstimate
        When an arm has fewer than two people, or neither has an event before the horizon.

    References
    ----------
    Royston and Parmar (2013), BMC Medical Research Methodology 13:152; Klein and Moeschberger
    (2003), Survival Analysis, section 4.5.
    """
    study = read_timed(data, TimedColumns(time, event, treatment), treated, level)
    _check_horizon(study, horizon)
    study = study.until(horizon)
    arm = study.rows.arm == 1
    mean1, var1 = restricted_mean(study.time[arm], study.seen[arm], horizon)
    mean0, var0 = restricted_mean(study.time[~arm], study.seen[~arm], horizon)
    if var1 + var0 <= 0:
        raise CannotEstimate(
            f"There are {sum(study.events())} events before {horizon:g} and the mean times do "
            "not vary, so their difference has no standard error. Choose a later horizon."
        )
    return SurvivalEffect(
        **study.common(),
        **wald(mean1 - mean0, sqrt(var1 + var0), inf, level, ratio=False),
        mean_treatment=mean1,
        mean_comparison=mean0,
        horizon=float(horizon),
        method=f"Difference in mean time without {event} up to {horizon:g}, from Kaplan-Meier "
        "curves; Greenwood's variance, normal interval.",
        notes=study.few(),
    )


def restricted_mean(time: Floats, seen: Bools, horizon: float) -> tuple[float, float]:
    """Return the area under the Kaplan-Meier curve up to a horizon, and its Greenwood variance."""
    at = np.unique(time[seen & (time <= horizon)])
    if not at.size:
        return float(horizon), 0.0
    risk = len(time) - np.searchsorted(np.sort(time), at)
    events = np.array([float((seen & (time == when)).sum()) for when in at])
    curve = np.cumprod(1 - events / risk)
    pieces = curve * np.diff(np.append(at, horizon))
    left = np.cumsum(pieces[::-1])[::-1]  # area from each event to the horizon
    alive = risk > events
    jump = np.where(alive, events / (risk * np.where(alive, risk - events, 1.0)), 0.0)
    return float(at[0] + pieces.sum()), float(np.sum(left**2 * jump))


def _check_horizon(study: Timed, horizon: float) -> None:
    number = isinstance(horizon, int | float) and not isinstance(horizon, bool)
    furthest = min(_furthest(study, value) for value in (1.0, 0.0))
    if not (number and 0 < horizon <= furthest):
        raise invalid(
            f"horizon={horizon!r}.",
            allowed=f"a time above 0 and at most {furthest:g}, as long as both arms are observed",
        )


def _furthest(study: Timed, arm: float) -> float:
    """Return how far the arm's curve is known: without end where it reaches zero."""
    time, seen = study.time[study.rows.arm == arm], study.seen[study.rows.arm == arm]
    last = float(time.max())
    return inf if bool(np.all(seen[time == last])) else last
