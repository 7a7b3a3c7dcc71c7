"""Loss and hidden confounding together: a difference as both grow, from completed data sets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.results import Record
from evalkit.stats.hidden_bias.confounding import Shaken

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Completion:
    """One completed data set: outcome, design (ones, treatment, others), who is shifted, groups.

    `shifted` is 1 for those whose outcomes were imputed and are shifted, else 0; `cluster` holds labels
    or is None, `weights` numbers above 0 or None.
    """

    outcome: Floats
    matrix: Floats
    shifted: Floats
    cluster: Any = None
    weights: Floats | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftedBias(Record):
    """A difference when imputed outcomes are shifted, and the confounding that then undoes it.

    `shift` is in outcome units; `to_nothing` and `to_unclear` are the shares (0 to 1) of both treatment
    and outcome that a hidden factor must explain for the estimate, and for the interval, to reach no
    difference.
    """

    shift: float
    estimate: float
    conf_low: float
    conf_high: float
    shaken: Shaken
    to_nothing: float
    to_unclear: float


def shifted_bias(
    completions: Sequence[Completion], shifts: Sequence[float], *, level: float = 0.95
) -> tuple[ShiftedBias, ...]:
    """Return the pooled difference at each shift of the imputed outcomes, with what undoes it.

    The first of `shifts` gives the direction of the difference: once a shift has turned it round there
    is nothing left to undo, and the shares are 0. Within each data set the estimate is linear in the
    shift and its variance and residual sum quadratic, so three fits a data set give all shifts. Standard
    errors are HC2, or CR2 with clusters; pooled by Rubin's rules with their smallest degrees of freedom.

    Raises
    ------
    CannotEstimate
        When no completed data set is given, or a model cannot be fitted.

    References
    ----------
    Cinelli and Hazlett (2020), JRSS B 82:39-67; Cro and others (2020), Statistics in Medicine
    39:2815-2842, for the shift.
    """
    if not completions or not shifts:
        raise CannotEstimate("There is no completed data set to shift.")
    lines = [_line(one, max(abs(s) for s in shifts) or 1.0) for one in completions]
    found, sign = [], 0.0
    for shift in shifts:
        made = _pooled(lines, float(shift), level)
        sign = sign or (1.0 if made.estimate >= 0 else -1.0)
        turned = made.estimate * sign <= 0
        found.append(replace(made, to_nothing=0.0, to_unclear=0.0) if turned else made)
    return tuple(found)


@dataclass(frozen=True, slots=True, eq=False)
class _Line:
    """Estimate, its variance and the squared spread as polynomials of the shift; two dfs."""

    estimate: Floats
    variance: Floats
    spread: Floats
    df: float
    rest: float


def _line(one: Completion, far: float) -> _Line:
    from evalkit.stats.least_squares.linear import fit

    names = ("ones", "treated", *(f"x{n}" for n in range(one.matrix.shape[1] - 2)))
    at = np.array([0.0, far / 2, far])
    moved = bool(one.shifted.any())
    fits = [
        fit(one.matrix, one.outcome + s * one.shifted, names, cluster=one.cluster,
            weights=one.weights, terms=("treated",))
        for s in (at if moved else at[:1])
    ]  # fmt: skip
    w = np.ones(len(one.outcome)) if one.weights is None else one.weights / one.weights.mean()
    room = _room(one.matrix, w)
    rows = [
        (f.coefficients[1], f.vcov[1, 1], float(w @ f.residuals**2) / room) for f in fits
    ]  # fmt: skip
    values = np.array(rows if moved else rows * 3).T
    fitted = [np.polyfit(at, value, 2) for value in values]
    rest = float(one.matrix.shape[0] - one.matrix.shape[1])
    return _Line(fitted[0], fitted[1], fitted[2], float(fits[0].df[1]), rest)


def _room(matrix: Floats, w: Floats) -> float:
    """Return the sum of squares that the other columns leave of the treatment."""
    root = np.sqrt(w)[:, None]
    basis = np.linalg.qr(np.delete(matrix, 1, axis=1) * root)[0]
    arm = matrix[:, 1] * root[:, 0]
    return float(np.sum((arm - basis @ (basis.T @ arm)) ** 2))


def _pooled(lines: Sequence[_Line], shift: float, level: float) -> ShiftedBias:
    from evalkit.stats.imputing.pooling import pool

    at = [[float(np.polyval(p, shift)) for p in (o.estimate, o.variance, o.spread)] for o in lines]
    estimates, errors = [row[0] for row in at], [max(row[1], 0.0) ** 0.5 for row in at]
    df = min(line.df for line in lines)
    if len(lines) > 1:
        made = pool(estimates, errors, df_complete=df, level=level)
        value, low, high = made.estimate, made.conf_low, made.conf_high
    else:
        from scipy.stats import t

        half = float(t.isf((1 - level) / 2, df)) * errors[0]
        value, low, high = estimates[0], estimates[0] - half, estimates[0] + half
    spread = float(np.mean([max(row[2], 0.0) for row in at])) ** 0.5
    shaken = Shaken(value, (high - low) / 2, spread, min(line.rest for line in lines))
    return ShiftedBias(
        shift=shift, estimate=value, conf_low=low, conf_high=high, shaken=shaken,
        to_nothing=shaken.to_nothing(), to_unclear=shaken.to_unclear(),
    )  # fmt: skip
