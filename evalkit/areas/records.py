"""What was found of one outcome that is shown by series of areas."""

from __future__ import annotations

from dataclasses import dataclass

from evalkit.results import Check, Level, Record

Counted = tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AreaSummary(Record):
    """The effects of a roll-out put together in one way: "simple", "group", "dynamic", "calendar"."""

    kind: str
    estimate: float
    std_error: float | None
    conf_low: float | None
    conf_high: float | None
    p_value: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectAt(Record):
    """The effect at one time since the start, of one group, in one period; bands hold for all at once.

    `by` is "since-start", "group", "period" or "group-and-period"; `at` numbers it (periods since the
    start, below zero before it), `name` says which.
    """

    by: str
    at: float
    name: str
    estimate: float
    conf_low: float | None
    conf_high: float | None
    band_low: float | None = None
    band_high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AreaPoint(Record):
    """One period: what was seen, what is expected without the programme, and its interval.

    `compared` is the comparison's own value, None without one; `count` and `compared_count` are the
    numbers behind the values, None where these are no counts.
    """

    period: str
    after: bool
    observed: float
    expected: float
    low: float | None = None
    high: float | None = None
    compared: float | None = None
    count: float | None = None
    compared_count: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AreaPlacebo(Record):
    """One unit as though it had the programme: its gaps after the start over those before."""

    unit: str
    treated: bool
    ratio: float | None
    rank: int
    mean_gap: float
    gaps: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelTerm(Record):
    """A coefficient of an interrupted series; the last two by an autoregression, as a check."""

    term: str
    estimate: float
    std_error: float
    conf_low: float
    conf_high: float
    p_value: float
    ar1_estimate: float | None
    ar1_std_error: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AreaEffect(Record):
    """One outcome shown by series of areas: its effect, what it rests on, its level.

    `estimate` is in `unit` (such as "per 1,000 people a month"), None where nothing could be
    estimated, with the reason first in `notes`; `conf_low` and `conf_high` at `confidence`.
    `check_low` and `check_high` are the interval by an autoregression: of an interrupted series a
    result is clear only where both leave out zero. `spread` is the standard deviation of values without the programme. `n_treated` and `n_comparison`
    count units, `n_before` and `n_after` periods; `n_rows` = `n_used` + `n_dropped`, and
    `dropped_why` says why. `smallest_total` is the least count in a group before or after the start
    and `smallest_value` the least of any unit in any period, None where values are no counts.
    """

    outcome: str
    indicator: str
    method: str
    estimand: str
    unit: str
    direction: str
    primary: bool = False
    estimate: float | None = None
    std_error: float | None = None
    df: float | None = None
    p_value: float | None = None
    p_adjusted: float | None = None
    conf_low: float | None = None
    conf_high: float | None = None
    check_low: float | None = None
    check_high: float | None = None
    confidence: float = 0.95
    spread: float | None = None
    n_treated: int = 0
    n_comparison: int | None = None
    n_before: int = 0
    n_after: int = 0
    n_rows: int = 0
    n_used: int = 0
    n_dropped: int = 0
    dropped_why: Counted = ()
    summaries: tuple[AreaSummary, ...] = ()
    effects: tuple[EffectAt, ...] = ()
    points: tuple[AreaPoint, ...] = ()
    placebos: tuple[AreaPlacebo, ...] = ()
    weights: tuple[tuple[str, float], ...] = ()
    terms: tuple[ModelTerm, ...] = ()
    pretrend_p: float | None = None
    pretrend: str = ""
    fit: float | None = None
    outside_range: int | None = None
    rank: int | None = None
    two_way: float | None = None
    two_way_forbidden: float | None = None
    two_way_says: str = ""
    smallest_total: float | None = None
    smallest_value: float | None = None
    notes: tuple[str, ...] = ()
    how: str = ""
    checks: tuple[Check, ...] = ()
    rated: Level | None = None
