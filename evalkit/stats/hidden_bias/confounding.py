"""What a hidden factor could do to any adjusted difference, with the difference's own uncertainty.

As `benchmarks.py`, after Cinelli and Hazlett (2020), for an estimate whose standard error is robust or
clustered: the bias rests on the spreads of treatment and outcome that the covariates leave, the width
of the interval on the estimate's own standard error. With the classical standard error the two agree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import atanh, inf, isfinite, sqrt, tanh
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.results import Record
from evalkit.stats.shared.columns import as_names, check_frame, invalid, optional_name, read_arm
from evalkit.stats.shared.design_matrix import treatment_design
from evalkit.stats.shared.regression_rows import model_columns, regression_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

MOST_TIMES = 100.0
"""Multiples of a benchmark beyond which none is searched for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tie(Record):
    """How closely a covariate is tied to the treatment and to the outcome, beside the others.

    Shares (0 to 1) of what the other covariates leave of the treatment, and of what these and the
    treatment leave of the outcome.
    """

    covariate: str
    r2_treatment: float
    r2_outcome: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Ties(Record):
    """What a linear model leaves unexplained, and each covariate's part in it.

    `spread` is the SD that the model leaves of the outcome over the SD that the covariates leave of
    the treatment: the classical standard error times the root of `df`. `left` is the estimate with
    each covariate left out of the model, in the order of `ties`.
    """

    estimate: float
    spread: float
    df: float
    ties: tuple[Tie, ...]
    left: tuple[float, ...]


def ties(
    data: Any,
    *,
    outcome: str,
    treatment: str,
    covariates: str | Sequence[str] = (),
    strata: str | None = None,
    weights: str | None = None,
) -> Ties:
    """Return how closely each covariate is tied to treatment and outcome in a linear model.

    Parameters
    ----------
    data : any frame narwhals knows, one row a person; never changed
    outcome : name of a numeric column
    treatment : name of a 0/1 or true/false column
    covariates : names; text and categories become dummies, which count as one covariate
    strata : name of a column whose values all become fixed effects
    weights : name of a column of weights above 0

    Raises
    ------
    CannotEstimate
        When the outcome does not vary, there is no row to spare, or the treatment follows from the
        covariates.
    """
    names = as_names(covariates)
    data = check_frame(
        data, [outcome, treatment, *names, *optional_name(strata), *optional_name(weights)]
    )
    arm = read_arm(data, treatment, None)
    rows = regression_rows(
        data, outcome, [*names, *optional_name(strata)], also=[("no arm", np.isnan(arm))]
    )
    design = treatment_design(
        (treatment, arm[rows.keep]), model_columns(data, rows.keep, names, strata)
    )
    root = np.ones(len(rows.outcome))
    if weights is not None:
        root = np.sqrt(data.loc[rows.keep, weights].to_numpy(dtype=float))
    scaled = design.matrix * root[:, None]
    y = (rows.outcome - rows.outcome.mean()) * root
    return _ties(scaled, y, design.names, names)


def _ties(matrix: Floats, y: Floats, columns: tuple[str, ...], names: Sequence[str]) -> Ties:
    arm, others = matrix[:, 1], np.delete(matrix, 1, axis=1)
    whole = _left(others, np.column_stack([arm, y]))
    estimate, rest = _slope(whole)
    df = float(len(y) - matrix.shape[1])
    if not (df > 1 and rest > 1e-24 * float(y @ y)):
        raise CannotEstimate("The columns of the model leave nothing of the outcome to explain.")
    found, left = [], []
    for name in names:
        own = np.array([c == name or c.startswith(f"{name}=") for c in columns])
        own[:2] = False
        if not own.any():
            continue
        few = _left(np.delete(matrix, 1, axis=1)[:, ~np.delete(own, 1)], np.column_stack([arm, y]))
        without, more = _slope(few)
        found.append(Tie(
            covariate=name, r2_treatment=_share(whole[:, 0], few[:, 0]),
            r2_outcome=max(1 - rest / more, 0.0),
        ))  # fmt: skip
        left.append(without)
    spread = sqrt(rest / float(whole[:, 0] @ whole[:, 0]))
    return Ties(estimate=estimate, spread=spread, df=df, ties=tuple(found), left=tuple(left))


def _left(columns: Floats, values: Floats) -> Floats:
    """Return what columns leave of values; twice, to remove rounding."""
    basis = np.linalg.qr(columns / np.sqrt(np.mean(columns**2, axis=0)))[0]
    once = values - basis @ (basis.T @ values)
    return np.asarray(once - basis @ (basis.T @ once))


def _slope(left: Floats) -> tuple[float, float]:
    arm, y = left.T
    slope = float(arm @ y / (arm @ arm))
    return slope, float(np.sum((y - slope * arm) ** 2))


def _share(many: Floats, few: Floats) -> float:
    return max(1 - float(many @ many) / float(few @ few), 0.0)


@dataclass(frozen=True, slots=True)
class Confounded:
    """An estimate under a hidden factor at its worst, with its interval.

    `low` and `high` are those of the strength, up to the one asked, that does most to the interval;
    `overturned` says whether they no longer lie on the side where the estimate was.
    """

    estimate: float
    low: float
    high: float
    overturned: bool


@dataclass(frozen=True, slots=True)
class Shaken:
    """An estimate that a hidden factor may bias: its half interval, and the spread of its model.

    `estimate` and `half` (half the width of its interval) are in outcome units; see `Ties` for
    `spread` and `df`.
    """

    estimate: float
    half: float
    spread: float
    df: float

    def under(self, r2_treatment: float, r2_outcome: float) -> Confounded:
        """Return the estimate under a hidden factor of this strength; all shares 0 to below 1."""
        if not (0 <= r2_treatment < 1 and 0 <= r2_outcome <= 1):
            raise invalid(
                f"r2_treatment={r2_treatment!r}, r2_outcome={r2_outcome!r}.",
                allowed="shares: r2_treatment from 0 to below 1, r2_outcome from 0 to 1",
            )
        pull = self.spread * sqrt(r2_treatment / (1 - r2_treatment))
        half = self.half / sqrt(1 - r2_treatment) * sqrt(self.df / (self.df - 1))
        if r2_treatment == 0 and r2_outcome == 0:
            half = self.half
        most = pull**2 / (pull**2 + half**2) if pull or half else 0.0
        at = min(r2_outcome, most)
        size, sign = abs(self.estimate), 1 if self.estimate >= 0 else -1
        middle, room = size - pull * sqrt(at), half * sqrt(1 - at)
        ends = sorted((sign * (middle - room), sign * (middle + room)))
        least = sign * (size - pull * sqrt(r2_outcome))
        return Confounded(least, ends[0], ends[1], middle <= room)

    def to_nothing(self) -> float:
        """Return the share of both treatment and outcome that brings the estimate to nothing."""
        return _value(abs(self.estimate) / self.spread)

    def to_unclear(self) -> float:
        """Return the share of both at which the interval reaches no difference; 0 if it holds it."""
        f = abs(self.estimate) / self.spread
        critical = self.half / self.spread * sqrt(self.df / (self.df - 1))
        if f <= critical:
            return 0.0
        if f * critical > 1:
            return (f**2 - critical**2) / (1 + f**2)
        return _value(f - critical)

    def times(self, tie: Tie, k: float) -> Confounded | None:
        """Return the estimate under a factor k times as strong; None where none can be so strong."""
        shares = multiplied(tie, k)
        return None if shares is None else self.under(*shares)

    def overturning(self, tie: Tie) -> float:
        """Return how many times as strong as a covariate a factor must be to overturn this.

        The least multiple at which the interval reaches no difference; infinite above 100.
        """

        def gone(k: float) -> bool:
            found = self.times(tie, k)
            return found is None or found.overturned

        if abs(self.estimate) <= self.half:
            return 0.0
        if not gone(MOST_TIMES):
            return inf
        low, high = 0.0, MOST_TIMES
        for _ in range(50):
            middle = (low + high) / 2
            low, high = (low, middle) if gone(middle) else (middle, high)
        return high


def as_close_as_may_be(tie: Tie, df: float, *, level: float = 0.95) -> Tie:
    """Return a tie at the one-sided upper limits of its two partial correlations (Fisher 1921)."""
    from scipy.stats import norm

    step = float(norm.ppf(level)) / sqrt(max(df - 1, 1.0))
    shares = [
        tanh(atanh(min(sqrt(r2), 1 - 1e-12)) + step) ** 2
        for r2 in (tie.r2_treatment, tie.r2_outcome)
    ]
    return replace(tie, r2_treatment=shares[0], r2_outcome=shares[1])


def multiplied(tie: Tie, k: float) -> tuple[float, float] | None:
    """Return the shares of a factor k times as strong as a covariate (section 4.4 of the source).

    The share of the outcome is at most 1; None where the factor would leave nothing of the treatment.
    """
    r2 = tie.r2_treatment
    of_treatment = k * r2 / (1 - r2) if r2 < 1 else inf
    if not (of_treatment < 1 and k * r2 < 1):
        return None
    shared = k * r2**2 / ((1 - k * r2) * (1 - r2))
    if not shared < 1:
        return None
    slack = (sqrt(k) + sqrt(shared)) / sqrt(1 - shared)
    odds = tie.r2_outcome / (1 - tie.r2_outcome) if tie.r2_outcome < 1 else inf
    of_outcome = slack**2 * odds
    return of_treatment, min(of_outcome, 1.0) if isfinite(of_outcome) else 1.0


def _value(f: float) -> float:
    return (sqrt(f**4 + 4 * f**2) - f**2) / 2 if f < 1e3 else 2 / (1 + sqrt(1 + 4 / f**2))
