"""Time until an event: the ratio of hazards between arms, and the difference in mean time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.results import Estimate
from evalkit.stats.columns import as_names, check_frame, check_level, check_roles, invalid, numeric
from evalkit.stats.cox import cox_fit
from evalkit.stats.marginal import wald
from evalkit.stats.model_rows import FEW_EVENTS, Rows, adjusted_for, design_of, read_rows
from evalkit.stats.risk_study import yes_no

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class SurvivalEffect(Estimate):
    """An effect on the time until an event, with the events and the time it rests on.

    Of a hazard ratio `std_error` and `statistic` are on the scale of its natural logarithm.
    `time_treatment` and `time_comparison` are the total times at risk. Of a difference in
    restricted means `mean_treatment` and `mean_comparison` are the two means, `horizon` the time
    they are restricted to, and times at risk end there, as do events.
    """

    events_treatment: int
    events_comparison: int
    time_treatment: float
    time_comparison: float
    horizon: float | None = None


def hazard_ratio(
    data: Any,
    *,
    time: str,
    event: str,
    treatment: str,
    treated: Any = None,
    covariates: str | Sequence[str] = (),
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
    level : confidence level

    Returns
    -------
    SurvivalEffect
        exp of the treatment's coefficient; ties after Efron, standard error from the information,
        normal interval on the log scale. It takes the hazards as proportional and people as
        independent; with covariates it is the ratio at given covariates, not an average.

    Raises
    ------
    InvalidInput
        For a column that is missing or of the wrong kind, negative times, or events other than
        0 and 1.
    CannotEstimate
        When an arm has fewer than two people or no event, or the likelihood has no maximum.
    NotConverged
        When the fit does not settle.

    References
    ----------
    Cox (1972), JRSS B 34:187-220; Efron (1977), JASA 72:557-565.
    """
    names = as_names(covariates)
    study = _read(data, time, event, treatment, treated, names, level)
    treated_n, compared_n = study.events()
    if min(treated_n, compared_n) == 0:
        raise CannotEstimate(
            f"An arm has no events (treatment {treated_n}, comparison {compared_n}), so the "
            "hazard ratio has no finite estimate. Use restricted_mean_difference, or compare the "
            "risks with risk_difference."
        )
    design = design_of(study.data, study.rows, treatment, names)
    slope, error = cox_fit(
        design.matrix[:, 1:], study.time, study.seen, design.names[1:], treatment
    )
    return SurvivalEffect(
        **study.common(),
        **wald(slope, error, inf, level, ratio=True),
        events_treatment=treated_n,
        events_comparison=compared_n,
        adjusted_for=names,
        method=f"Cox regression of the time to {event} on {treatment}{adjusted_for(names)}; "
        "Efron's ties, normal interval on the log scale. Hazards are taken as proportional.",
        notes=(*design.notes, *study.few()),
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
    study = _read(data, time, event, treatment, treated, (), level)
    _check_horizon(study, horizon)
    study = study.until(horizon)
    arm = study.rows.arm == 1
    mean1, var1 = restricted_mean(study.time[arm], study.seen[arm], horizon)
    mean0, var0 = restricted_mean(study.time[~arm], study.seen[~arm], horizon)
    treated_n, compared_n = study.events()
    if var1 + var0 <= 0:
        raise CannotEstimate(
            f"There are {treated_n + compared_n} events before {horizon:g} and the mean times do "
            "not vary, so their difference has no standard error. Choose a later horizon."
        )
    return SurvivalEffect(
        **study.common(),
        **wald(mean1 - mean0, sqrt(var1 + var0), inf, level, ratio=False),
        mean_treatment=mean1,
        mean_comparison=mean0,
        events_treatment=treated_n,
        events_comparison=compared_n,
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


@dataclass(frozen=True, slots=True, eq=False)
class _Study:
    """The rows read: their times, whether the event was seen, and what the call named."""

    data: pd.DataFrame
    rows: Rows
    time: Floats
    seen: Bools
    event: str
    treatment: str
    level: float

    def until(self, horizon: float) -> _Study:
        """Return the study with observation ended at the horizon."""
        seen, time = self.seen & (self.time <= horizon), np.minimum(self.time, horizon)
        return _Study(self.data, self.rows, time, seen, self.event, self.treatment, self.level)

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

    def common(self) -> dict[str, Any]:
        """Return the fields that every effect has."""
        arm = self.rows.arm == 1
        return {
            "outcome": self.event,
            "term": self.treatment,
            "level": self.level,
            "time_treatment": float(self.time[arm].sum()),
            "time_comparison": float(self.time[~arm].sum()),
            **self.rows.counts(),
        }


def _read(
    data: Any,
    time: str,
    event: str,
    treatment: str,
    treated: Any,
    covariates: tuple[str, ...],
    level: float,
) -> _Study:
    check_level(level)
    check_roles(time=time, event=event, treatment=treatment, covariates=covariates)
    frame = check_frame(data, [time, event, treatment, *covariates])
    when, seen = numeric(frame, time), yes_no(frame, event)
    if np.any(when < 0):
        raise invalid("holds negative times.", column=time, allowed="zero or more")
    reasons = [("no time", np.isnan(when)), (f"no {event}", np.isnan(seen))]
    rows = read_rows(frame, treatment, treated, covariates, None, reasons)
    return _Study(frame, rows, when[rows.keep], seen[rows.keep] == 1, event, treatment, level)


def _check_horizon(study: _Study, horizon: float) -> None:
    number = isinstance(horizon, int | float) and not isinstance(horizon, bool)
    furthest = min(_furthest(study, value) for value in (1.0, 0.0))
    if not (number and 0 < horizon <= furthest):
        raise invalid(
            f"horizon={horizon!r}.",
            allowed=f"a time above 0 and at most {furthest:g}, as long as both arms are observed",
        )


def _furthest(study: _Study, arm: float) -> float:
    """Return how far the arm's curve is known: without end where it reaches zero."""
    time, seen = study.time[study.rows.arm == arm], study.seen[study.rows.arm == arm]
    last = float(time.max())
    return inf if bool(np.all(seen[time == last])) else last
