"""Selection on unmeasured against selection on measured covariates: Oster's delta."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.results import Record
from evalkit.rounding import enough_digits, written
from evalkit.stats.shared.analysed_rows import orthonormal, project
from evalkit.stats.shared.columns import as_names, check_frame, check_roles, invalid, is_numeric
from evalkit.stats.shared.columns import numeric as numbers
from evalkit.stats.shared.design_matrix import covariate_columns, drop_aliased, drop_constant
from evalkit.stats.shared.regression_rows import regression_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

USUAL_FACTOR = 1.3  # of the controlled R squared, Oster's bound from randomised trials


@dataclass(frozen=True, slots=True, kw_only=True)
class OsterDelta(Record):
    """How much unmeasured selection must outweigh measured selection to explain an effect away.

    `estimate_uncontrolled` and `r2_uncontrolled` are of the outcome on the treatment alone;
    `estimate` and `r2` with the covariates; `r2_max` is what R squared is taken to reach with
    everything unmeasured too. `delta` brings the coefficient to `target`; `estimate_equal` is the
    coefficient when unmeasured selection equals measured (delta of 1).
    """

    outcome: str
    term: str
    estimate_uncontrolled: float
    r2_uncontrolled: float
    estimate: float
    r2: float
    r2_max: float
    target: float
    delta: float
    estimate_equal: float
    n_rows: int
    n_dropped: int
    dropped_why: tuple[tuple[str, int], ...]
    method: str
    sentence: str
    notes: tuple[str, ...] = ()


def oster_delta(
    data: Any,
    *,
    outcome: str,
    treatment: str,
    covariates: str | Sequence[str],
    r2_max: float | None = None,
    target: float = 0.0,
) -> OsterDelta:
    """Return the ratio of unmeasured to measured selection that brings an effect to a target.

    Parameters
    ----------
    data : any frame narwhals knows, one row a person; never changed
    outcome : name of a numeric column
    treatment : name of a numeric or 0/1 column
    covariates : names; text, categories and true/false become dummies
    r2_max : R squared with everything unmeasured in the model, above that with the covariates;
        None takes 1.3 times it, at most 1
    target : the value of the coefficient asked about

    Raises
    ------
    InvalidInput
        For a column that is missing or of the wrong kind, or an `r2_max` that is not possible.
    CannotEstimate
        When the outcome or treatment does not vary, there is no row to spare, the covariates fix
        the treatment, or no delta brings the coefficient to the target.

    References
    ----------
    Oster (2019), Journal of Business and Economic Statistics 37:187-204, propositions 2 and 3.
    """
    names = as_names(covariates)
    check_roles(outcome=outcome, treatment=treatment, covariates=names)
    if not names:
        raise invalid("no covariate is named.", allowed="one or more columns")
    data = check_frame(data, [outcome, treatment, *names])
    if not is_numeric(data[treatment]):
        numbers(data, treatment)
    rows = regression_rows(data, outcome, [treatment, *names])
    y, x = rows.outcome, numbers(data, treatment)[rows.keep]
    columns = [c for name in names for c in covariate_columns(data, name, rows.keep)]
    kept, constant = drop_constant(columns)
    kept, aliased = drop_aliased(kept)
    if len(y) <= len(kept) + 2:
        raise CannotEstimate(
            f"There are {len(y)} rows for {len(kept) + 2} parameters; more rows than parameters "
            "are needed. Use fewer covariates."
        )
    if np.ptp(x) == 0:
        raise CannotEstimate(f"'{treatment}' has one value in the rows analysed.")
    moments = _moments(y, x, [values for _, values in kept])
    top = _r2_max(r2_max, moments.r2)
    delta, equal = _delta(moments, top, float(target)), _equal(moments, top)
    return OsterDelta(
        outcome=outcome,
        term=treatment,
        estimate_uncontrolled=moments.b0,
        r2_uncontrolled=moments.r20,
        estimate=moments.b,
        r2=moments.r2,
        r2_max=top,
        target=float(target),
        delta=delta,
        estimate_equal=equal,
        n_rows=len(y),
        n_dropped=rows.n_dropped,
        dropped_why=rows.dropped,
        method="Proportional selection on unmeasured covariates (Oster 2019), least squares.",
        sentence=_sentence(delta, equal, float(target), top),
        notes=(*constant, *aliased, *_notes(moments, delta, r2_max)),
    )


@dataclass(frozen=True, slots=True)
class _Moments:
    """Short and long regressions; variances of y, of x, and of x given the covariates."""

    b0: float
    r20: float
    b: float
    r2: float
    vy: float
    vx: float
    tau: float


def _moments(y: Floats, x: Floats, covariates: list[Floats]) -> _Moments:
    y, x = y - y.mean(), x - x.mean()
    basis, _ = orthonormal(np.column_stack([np.ones(len(y)), *covariates]))
    y_left, x_left = project(basis, y)[1], project(basis, x)[1]
    if float(x_left @ x_left) <= 1e-18 * float(x @ x):
        raise CannotEstimate("The treatment follows from the covariates.")
    b0, b = float(x @ y / (x @ x)), float(x_left @ y_left / (x_left @ x_left))
    spread = float(y @ y)
    rest = y_left - b * x_left
    n = len(y) - 1
    return _Moments(
        b0=b0,
        r20=b0**2 * float(x @ x) / spread,
        b=b,
        r2=1 - float(rest @ rest) / spread,
        vy=spread / n,
        vx=float(x @ x) / n,
        tau=float(x_left @ x_left) / n,
    )


def _r2_max(given: float | None, controlled: float) -> float:
    if given is None:
        top = min(USUAL_FACTOR * controlled, 1.0)
    elif isinstance(given, int | float) and 0 < given <= 1:
        top = float(given)
    else:
        raise invalid(f"r2_max={given!r}.", allowed="a share above 0, at most 1")
    if not top > controlled + 1e-12:
        raise invalid(
            f"r2_max={top:.4f} is not above R squared with the covariates, {controlled:.4f}.",
            allowed="a larger r2_max, at most 1",
        )
    return top


def _delta(m: _Moments, top: float, target: float) -> float:
    gap, moved, room = m.b - target, m.b0 - m.b, top - m.r2
    cubic = gap**3 * (m.tau * m.vx - m.tau**2)
    above = (
        gap * (m.r2 - m.r20) * m.vy * m.tau
        + gap * m.vx * m.tau * moved**2
        + 2 * gap**2 * m.tau * moved * m.vx
        + cubic
    )
    below = (
        room * m.vy * moved * m.vx
        + gap * room * m.vy * (m.vx - m.tau)
        + gap**2 * m.tau * moved * m.vx
        + cubic
    )
    size = abs(room * m.vy * m.vx) * max(abs(gap), abs(moved))
    if not abs(below) > 1e-12 * size:
        raise CannotEstimate(
            "The covariates move neither the coefficient nor the treatment, so selection on them "
            "says nothing of selection on what was not measured."
        )
    return above / below


def _equal(m: _Moments, top: float) -> float:
    """Return the coefficient where unmeasured selection equals measured selection."""
    moved, room = m.b0 - m.b, top - m.r2
    theta = room * m.vy * (m.vx - m.tau) - (m.r2 - m.r20) * m.vy * m.tau - m.vx * m.tau * moved**2
    lead = -2 * m.tau * moved * m.vx
    if abs(moved) <= 1e-12 * max(abs(m.b), abs(m.b0), 1e-300):
        return m.b
    root = sqrt(theta**2 + 4 * room * m.vy * moved**2 * m.vx**2 * m.tau)
    found = sorted((m.b - (-theta + s * root) / lead for s in (1, -1)), key=lambda b: abs(b - m.b))
    along = [b for b in found if (b - m.b) * (m.b - m.b0) >= 0]
    return (along or found)[0]


def _sentence(delta: float, equal: float, target: float, top: float) -> str:
    start = f"If everything unmeasured too would bring R squared to {top:.2f}, "
    if delta < 0:
        text = (
            "unmeasured selection would have to run against measured selection, "
            f"{abs(delta):.2f} times as strongly, to bring the coefficient to {target:g}"
        )
    else:
        text = (
            f"selection on it would have to be {delta:.2f} times as strong as selection on the "
            f"covariates to bring the coefficient to {target:g}"
        )
    return (
        f"{start}{text}; at equal strength it would be {written(equal, enough_digits([equal], 1))}."
    )


def _notes(m: _Moments, delta: float, given: float | None) -> list[str]:
    notes = ["A delta of 1 or more is often called robust; that is a convention, not a proof"]
    if delta < 0 or abs(m.b) > abs(m.b0):
        notes.append("The covariates move the coefficient away from the target, not towards it")
    if given is None:
        notes.append("r2_max is 1.3 times R squared with the covariates (at most 1): a convention")
    return notes
