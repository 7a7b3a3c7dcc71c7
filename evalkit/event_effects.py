"""Events compared between the arms of a trial: how many, and how soon the first.

Each indicator gives a ratio of rates over its window (negative binomial, time at risk as exposure),
a ratio of hazards of the first event (Cox) and the difference in days without one. Whoever was
assigned together is a cluster. Records are kept of everybody, so nobody is lost but those without
time at risk, who are counted; a higher rate may mean more harm or more trust, so none of these is
said to be better or worse.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import fields, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from evalkit.errors import CannotEstimate, InvalidInput, NotConverged
from evalkit.indicators import YEAR, event_days, units_at_risk
from evalkit.people import taking_part
from evalkit.results import Estimate
from evalkit.sampling import assigned_unit

if TYPE_CHECKING:
    import pandas as pd

    from evalkit.declaration import Indicator
    from evalkit.study import Study
    from evalkit.targets import Contrast

NO_TIME = "no time at risk"
RATE, HAZARD, DAYS = "rate ratio", "hazard ratio of the first event", "days without an event"


def event_effects(study: Study) -> tuple[Estimate, ...]:
    """Return three estimates for each indicator and pair of arms; `outcome` is the indicator.

    Designs without randomised arms, and those whose arms follow the calendar, have none.
    """
    evaluation = study.evaluation
    if not evaluation.design.randomised or evaluation.declared.design.wedge:
        return ()
    return tuple(
        estimate
        for indicator in evaluation.declared.counted
        for pair in evaluation.contrasts()
        for estimate in _of(study, indicator, pair)
    )


def _of(study: Study, indicator: Indicator, pair: Contrast | None) -> Iterable[Estimate]:
    frame = followed_units(study, indicator, pair)
    at_risk = frame[frame["years"] > 0]
    left = len(frame) - len(at_risk)
    cluster = "cluster" if at_risk["cluster"].duplicated().any() else None
    strata = "stratum" if study.evaluation.strata else None
    for term, unit, way in _ways(at_risk, indicator, cluster, strata):
        yield replace(
            _or_why(way), outcome=indicator.id, term=term, unit=unit, n_dropped=left,
            dropped_why=((NO_TIME, left),) if left else (), contrast=str(pair) if pair else None,
        )  # fmt: skip


def _ways(
    rows: pd.DataFrame, indicator: Indicator, cluster: str | None, strata: str | None
) -> Iterable[tuple[str, str, Callable[[], Estimate]]]:
    """Yield (what is compared, its unit, how), the last for units assigned one by one only."""
    from evalkit import stats

    yield RATE, "ratio", partial(
        stats.rate_ratio, rows, events="events", treatment="treated", exposure="years",
        covariates=() if strata is None else (strata,), cluster=cluster, se="robust",
    )  # fmt: skip
    timed: dict[str, Any] = {"time": "days", "event": "any", "treatment": "treated"}
    yield (
        HAZARD,
        "ratio",
        partial(stats.hazard_ratio, rows, **timed, cluster=cluster, strata=strata),
    )
    if cluster is None:
        horizon = _horizon(rows, indicator)
        yield (
            DAYS,
            "days",
            partial(stats.restricted_mean_difference, rows, **timed, horizon=horizon),
        )


def followed_units(study: Study, indicator: Indicator, pair: Contrast | None) -> pd.DataFrame:
    """Return one row a family or person of two arms: treated, cluster, stratum, events, years at
    risk within the window, days until the first event or the end, and whether there was any."""
    units = units_at_risk(study, indicator)
    days = event_days(study, indicator, units)
    horizon = float(indicator.window.days)
    names = (pair.treated, pair.comparison) if pair else study.evaluation.arm_names
    units = units[units["arm"].isin(names) & units["at_risk"].notna()].copy()
    units["treated"] = (units["arm"] == names[0]).astype(float)
    units["observed"] = units["at_risk"].clip(upper=horizon)
    inside = days[days["at_risk"] & (days["day"] < horizon)]
    units["events"] = inside.groupby("unit").size().reindex(units.index, fill_value=0).astype(float)
    first = inside.groupby("unit")["day"].min().reindex(units.index)
    units["any"] = first.notna().astype(float)
    units["days"] = first.fillna(units["observed"]).astype(float)
    units["years"] = units["observed"] / YEAR
    people = taking_part(study.intake.people).reset_index(drop=True)
    by = people.groupby(indicator.unit, sort=False)
    units["stratum"] = by["stratum"].first().reindex(units.index)
    unit = assigned_unit(study) or "family"
    units["cluster"] = by[unit].first().reindex(units.index)
    return units.reset_index(names="unit")


def _horizon(units: pd.DataFrame, indicator: Indicator) -> float:
    """Return the longest time for which both arms have a curve, at most the window.

    An arm's curve ends with its last first event or the last unit still observed without one.
    """
    seen = units.groupby("treated")["days"].max()
    return float(min(seen.min(), indicator.window.days))


def _or_why(way: Callable[[], Estimate]) -> Estimate:
    """Return the fields every result has, or an empty estimate with the reason."""
    try:
        found = way()
    except (CannotEstimate, InvalidInput, NotConverged) as refusal:
        return Estimate(method="not estimated", notes=(str(refusal),))
    return Estimate(**{field.name: getattr(found, field.name) for field in fields(Estimate)})
