"""A study of time until an event: the rows read, with their arms, strata and clusters."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.results import Estimate
from evalkit.stats.categories.risk_study import yes_no
from evalkit.stats.shared.columns import (
    check_frame,
    check_level,
    check_roles,
    invalid,
    numeric,
    optional_name,
)
from evalkit.stats.shared.model_rows import FEW_EVENTS, Rows, read_rows

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]
    Codes = NDArray[np.intp]

_ROUNDING = 1e-8  # difference of two times, as a share of the mean, that is rounding only


@dataclass(frozen=True, slots=True, kw_only=True)
class SurvivalEffect(Estimate):
    """An effect on the time until an event, with the events and the time it rests on.

    Of a hazard ratio `std_error` and `statistic` are on the scale of its natural logarithm, and
    `proportional_statistic` and `proportional_p_value` test that it does not change with time.
    `time_treatment` and `time_comparison` are the total times at risk. Of a difference in
    restricted means `mean_treatment` and `mean_comparison` are the two means, `horizon` the time
    they are restricted to, and times at risk end there, as do events. Of a log-rank test
    `expected_treatment` and `expected_comparison` are the events to be expected with equal
    hazards, and there is no `estimate`.
    """

    events_treatment: int
    events_comparison: int
    time_treatment: float
    time_comparison: float
    horizon: float | None = None
    proportional_statistic: float | None = None
    proportional_p_value: float | None = None
    expected_treatment: float | None = None
    expected_comparison: float | None = None


@dataclass(frozen=True, slots=True)
class TimedColumns:
    """The columns a call named."""

    time: str
    event: str
    treatment: str
    covariates: tuple[str, ...] = ()
    cluster: str | None = None
    strata: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Timed:
    """The rows read: their times, whether the event was seen, and what the call named."""

    data: pd.DataFrame
    rows: Rows
    time: Floats
    seen: Bools
    names: TimedColumns
    level: float
    strata: Codes | None
    clusters: Codes | None

    def until(self, horizon: float) -> Timed:
        """Return the study with observation ended at the horizon."""
        seen, time = self.seen & (self.time <= horizon), np.minimum(self.time, horizon)
        return replace(self, time=time, seen=seen)

    def events(self) -> tuple[int, int]:
        """Return the events of the two arms, treated first."""
        arm = self.rows.arm == 1
        return int(self.seen[arm].sum()), int(self.seen[~arm].sum())

    def few(self) -> tuple[str, ...]:
        """Return the note on fewer than 10 events in an arm."""
        treated, compared = self.events()
        if min(treated, compared) >= FEW_EVENTS:
            return ()
        return (
            f"Fewer than {FEW_EVENTS} events in an arm (treatment {treated}, comparison "
            f"{compared}): the interval and p-value are not to be relied on",
        )

    def alone(self) -> tuple[str, ...]:
        """Return the note on strata that hold one arm only."""
        if self.strata is None:
            return ()
        arm = self.rows.arm == 1
        both = np.isin(self.strata, self.strata[arm]) & np.isin(self.strata, self.strata[~arm])
        if both.all():
            return ()
        return (
            f"{len(set(self.strata[~both]))} strata of '{self.names.strata}' hold one arm only: "
            f"their {int((~both).sum())} rows say nothing of the difference between arms",
        )

    def common(self) -> dict[str, Any]:
        """Return the fields that every effect has."""
        arm = self.rows.arm == 1
        treated, compared = self.events()
        return {
            "outcome": self.names.event,
            "term": self.names.treatment,
            "level": self.level,
            "events_treatment": treated,
            "events_comparison": compared,
            "time_treatment": float(self.time[arm].sum()),
            "time_comparison": float(self.time[~arm].sum()),
            **self.rows.counts(),
        }


def read_timed(data: Any, names: TimedColumns, treated: Any, level: float) -> Timed:
    """Return the study, once its options, columns and arms have been checked."""
    check_level(level)
    check_roles(
        time=names.time, event=names.event, treatment=names.treatment,
        covariates=names.covariates, strata=names.strata,
    )  # fmt: skip
    used = [names.time, names.event, names.treatment, *names.covariates]
    frame = check_frame(data, [*used, *optional_name(names.strata), *optional_name(names.cluster)])
    when, seen = read_times(frame, names.time), yes_no(frame, names.event)
    reasons = [("no time", np.isnan(when)), (f"no {names.event}", np.isnan(seen))]
    if names.strata is not None:
        reasons.append((f"no {names.strata}", frame[names.strata].isna().to_numpy()))
    rows = read_rows(frame, names.treatment, treated, names.covariates, names.cluster, reasons)
    strata = None if names.strata is None else codes_of(frame.loc[rows.keep, names.strata])
    clusters = codes_of(rows.cluster) if rows.shared else None
    return Timed(
        frame, rows, when[rows.keep], seen[rows.keep] == 1, names, float(level), strata, clusters
    )


def read_times(frame: pd.DataFrame, name: str) -> Floats:
    """Return a column of times, zero or more, missing as NaN."""
    when = numeric(frame, name)
    if np.any(when < 0):
        raise invalid("holds negative times.", column=name, allowed="zero or more")
    return _tied(when)


def _tied(when: Floats) -> Floats:
    """Return times with those that differ by rounding only made equal (0.1 + 0.2 and 0.3)."""
    known = ~np.isnan(when)
    found = np.unique(when[known])
    apart = np.diff(found) > _ROUNDING * found.mean() if found.size else np.empty(0, dtype=bool)
    if apart.all():
        return when
    starts = found[np.append(True, apart)]
    same = when.copy()
    same[known] = starts[np.searchsorted(starts, when[known], side="right") - 1]
    return same


def codes_of(labels: Any) -> Codes:
    """Return codes from 0 in order of appearance."""
    import pandas as pd

    return np.asarray(pd.factorize(pd.Series(labels).astype(object))[0], dtype=np.intp)
