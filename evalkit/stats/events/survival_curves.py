"""Kaplan-Meier curves: the share still without the event, by arm, with pointwise intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.results import Record, Records, by_name
from evalkit.stats.categories.risk_study import yes_no
from evalkit.stats.events.survival_study import read_times
from evalkit.stats.shared.columns import (
    check_frame,
    check_level,
    check_roles,
    choice,
    left_out,
    optional_name,
    read_arm,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]

INTERVALS = ("log-log", "log")


@dataclass(frozen=True, slots=True, kw_only=True)
class CurvePoint(Record):
    """One time of one arm's curve; `arm` is "treatment", "comparison", or "all" without arms.

    `n_at_risk` counts those observed just before `time`, `survival` is the share without the
    event just after it, and `std_error` its Greenwood standard error (0 before the first event,
    None once the curve is at 0, where there is no interval either).
    """

    arm: str
    time: float
    n_at_risk: int
    n_events: int
    n_censored: int
    survival: float
    std_error: float | None
    conf_low: float | None
    conf_high: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveSummary(Record):
    """One arm's people, events and median time; what the curve does not reach is None."""

    arm: str
    n: int
    n_events: int
    median: float | None
    median_low: float | None
    median_high: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KaplanMeier:
    """Curves of the share without the event, arms one after the other.

    `points` has one record for each time at which somebody has the event or leaves observation;
    `medians` one for each arm. `n_dropped` rows were left out, `dropped_why` says why.
    """

    points: Records[CurvePoint]
    medians: Records[CurveSummary]
    event: str
    level: float
    method: str
    n_dropped: int = 0
    dropped_why: tuple[tuple[str, int], ...] = ()
    notes: tuple[str, ...] = ()

    def to_frame(self) -> Any:
        """Return the points as a pandas frame, one row an arm and time."""
        return self.points.to_frame()


def kaplan_meier(
    data: Any,
    *,
    time: str,
    event: str,
    treatment: str | None = None,
    treated: Any = None,
    interval: str = "log-log",
    level: float = 0.95,
) -> KaplanMeier:
    """Return the share of people still without the event over time, by arm.

    Parameters
    ----------
    data : any frame narwhals knows, one row a person; never changed
    time : name of a column of times, zero or more, until the event or until observation ended
    event : name of a 0/1 or true/false column: whether the event was seen
    treatment : name of a 0/1 or true/false column, or of a two-valued column with `treated`; None
        for one curve of everybody
    treated : the value of `treatment` that names the treated arm
    interval : "log-log" (of the logarithm of minus the logarithm of the share: within 0 and 1, and
        nearer its level with few people), or "log" (R's default, cut at 1)
    level : confidence level of each point's interval

    Returns
    -------
    KaplanMeier
        Intervals hold at each time by itself, with Greenwood's variance, for independent people.
        The median is the first time at which the curve is at 0.5 or below (where it is at 0.5
        over a stretch, the middle of it), its limits where the points' limits reach 0.5.

    Raises
    ------
    InvalidInput
        For a column that is missing or of the wrong kind, negative times, events other than 0 and
        1, or an unknown option.
    CannotEstimate
        When an arm has nobody to analyse.

    References
    ----------
    Kaplan and Meier (1958), JASA 53:457-481; Kalbfleisch and Prentice (2002), The Statistical
    Analysis of Failure Time Data, section 1.4; Brookmeyer and Crowley (1982), Biometrics 38:29-41.
    """
    check_level(level)
    choice(interval, INTERVALS, argument="interval")
    check_roles(time=time, event=event, treatment=treatment)
    frame = check_frame(data, [time, event, *optional_name(treatment)])
    when, seen = read_times(frame, time), yes_no(frame, event)
    arm = np.zeros(len(frame)) if treatment is None else read_arm(frame, treatment, treated)
    reasons = [("no time", np.isnan(when)), (f"no {event}", np.isnan(seen))]
    keep, dropped = left_out([*reasons, ("no arm", np.isnan(arm))], len(frame))
    parts = {"all": keep}
    if treatment is not None:
        parts = {"treatment": keep & (arm == 1), "comparison": keep & (arm == 0)}
    _check_parts(parts, dropped)
    points: list[CurvePoint] = []
    medians: list[CurveSummary] = []
    for label, rows in parts.items():
        curve = _curve(label, when[rows], seen[rows] == 1, interval, level)
        points += curve
        medians.append(_summary(label, int(rows.sum()), curve))
    return KaplanMeier(
        points=Records(points),
        medians=Records(medians),
        event=event,
        level=float(level),
        method=f"Kaplan-Meier estimate of the share without {event}; Greenwood's variance, "
        f"{interval} interval at each time.",
        n_dropped=sum(count for _, count in dropped),
        dropped_why=by_name(dict(dropped)),
        notes=_notes(medians),
    )


def _check_parts(parts: dict[str, Bools], dropped: tuple[tuple[str, int], ...]) -> None:
    for label, rows in parts.items():
        if not rows.any():
            left = "; ".join(f"{count} with {reason}" for reason, count in dropped)
            who = "Nobody" if label == "all" else f"Nobody in the {label} arm"
            raise CannotEstimate(
                f"{who} has a time and an arm to analyse; at least one person is needed."
                + (f" Left out: {left}." if left else "")
            )


def _curve(label: str, time: Floats, seen: Bools, interval: str, level: float) -> list[CurvePoint]:
    at, counts = np.unique(time, return_counts=True)
    risk = len(time) - np.append(0, np.cumsum(counts))[:-1]
    events = np.bincount(np.searchsorted(at, time[seen]), minlength=len(at))
    share = np.cumprod(1 - events / risk)
    left = np.where(risk > events, risk - events, np.nan)  # nobody: no error, no interval
    spread = np.sqrt(np.cumsum(events / (risk * left)))
    low, high = _limits(share, spread, interval, level)
    error = share * spread
    return [
        CurvePoint(
            arm=label, time=float(when), n_at_risk=int(risk[k]), n_events=int(events[k]),
            n_censored=int(counts[k] - events[k]), survival=float(share[k]),
            std_error=_known(error[k]), conf_low=_known(low[k]), conf_high=_known(high[k]),
        )
        for k, when in enumerate(at)
    ]  # fmt: skip


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _limits(share: Floats, spread: Floats, interval: str, level: float) -> tuple[Floats, Floats]:
    """Return the limits, NaN where the share is 0; `spread` are errors of the share's logarithm."""
    from scipy.stats import norm

    z = float(norm.ppf(0.5 + level / 2))
    inside = np.where((share > 0) & (share < 1), share, 0.5)
    wide = np.where((share > 0) & (share < 1), spread, 0.0)
    if interval == "log":
        low, high = inside * np.exp(-z * wide), np.minimum(inside * np.exp(z * wide), 1.0)
    else:
        power = np.exp(z * wide / -np.log(inside))
        low, high = inside**power, inside ** (1 / power)
    ends = np.where(share <= 0, np.nan, 1.0)
    middle = (share > 0) & (share < 1)
    return np.where(middle, low, ends), np.where(middle, high, ends)


def _summary(label: str, n: int, curve: list[CurvePoint]) -> CurveSummary:
    def reach(name: str) -> float | None:
        return _half([p.time for p in curve], [getattr(p, name) for p in curve])

    return CurveSummary(
        arm=label,
        n=n,
        n_events=sum(point.n_events for point in curve),
        median=reach("survival"),
        median_low=reach("conf_low"),
        median_high=reach("conf_high"),
    )


def _half(times: list[float], shares: list[float | None]) -> float | None:
    """Return the first time at which the shares are at a half or below, None if they never are."""
    for k, share in enumerate(shares):
        if share is None:
            continue
        if abs(share - 0.5) < 1e-12:
            later = [
                t
                for t, s in zip(times[k:], shares[k:], strict=True)
                if s is not None and s < 0.5 - 1e-12
            ]
            return (times[k] + later[0]) / 2 if later else times[k]
        if share < 0.5:
            return times[k]
    return None


def _notes(medians: list[CurveSummary]) -> tuple[str, ...]:
    return tuple(
        f"Nobody had the event in '{part.arm}': the curve stays at 1 and has no interval"
        for part in medians
        if part.n_events == 0
    )
