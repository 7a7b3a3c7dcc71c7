"""What a synthetic control shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from evalkit.results import Record, Records


@dataclass(frozen=True, slots=True, kw_only=True)
class DonorWeight(Record):
    """The share of a donor in the mixture."""

    donor: Any
    weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SyntheticPoint(Record):
    """One period: the treated unit, its mixture of donors, and the gap between them."""

    period: Any
    after: bool
    observed: float
    synthetic: float
    gap: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Placebo(Record):
    """A unit as though it were treated: how its gaps after the start compare with those before.

    `ratio` is of root mean squared gaps, after over before; None where those before are nothing
    (it then ranks first). `rank` 1 is the largest; ties take the worse rank.
    """

    unit: Any
    treated: bool
    rmspe_before: float
    rmspe_after: float
    ratio: float | None
    rank: int
    mean_gap: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceboGap(Record):
    """The gap of one unit, as though it were treated, in one period."""

    unit: Any
    treated: bool
    period: Any
    after: bool
    gap: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WithoutDonor(Record):
    """The result without one of the donors that had weight."""

    donor: Any
    weight: float
    estimate: float
    rmspe_before: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SyntheticControl(Record):
    """A treated unit against a weighted mixture of donors.

    `estimate` is the mean gap over the periods from the start on, in units of the outcome;
    `estimate_low` and `estimate_high` are its least and most without one donor. `p_value` is
    `rank` / (`n_donors` + 1), the treated unit's place among all units by the ratio of root mean
    squared gaps after to before; it can be no smaller than 1 / (`n_donors` + 1). `mspe_before` is
    the mean squared gap before. `outside_range` counts the periods before in which the treated
    unit lies outside the donors' range, where no mixture can follow it. There is no standard error.
    """

    outcome: str
    term: Any
    estimand: str
    estimate: float
    p_value: float
    rank: int
    estimate_low: float
    estimate_high: float
    mspe_before: float
    rmspe_before: float
    rmspe_after: float
    ratio: float | None
    fit_r2: float | None
    outside_range: int
    n_donors: int
    n_before: int
    n_after: int
    n_dropped: int
    dropped_why: tuple[tuple[str, int], ...]
    weights: Records[DonorWeight]
    predictor_weights: tuple[tuple[str, float], ...]
    gaps: Records[SyntheticPoint]
    placebos: Records[Placebo]
    placebo_gaps: Records[PlaceboGap]
    without_donor: Records[WithoutDonor]
    method: str
    sentence: str
    notes: tuple[str, ...] = ()
