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
    shift and its variance and residual sum quadratic, so one fit a data set gives all shifts. Standard
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
    lines = [_line(one) for one in completions]
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


def _line(one: Completion) -> _Line:
    from evalkit.stats.least_squares.robust import adjusted_scores, satterthwaite

    rows = len(one.outcome)
    w = np.ones(rows) if one.weights is None else one.weights / one.weights.mean()
    q, upper = np.linalg.qr(one.matrix * np.sqrt(w)[:, None])
    basis, contrast = q / np.sqrt(w)[:, None], np.linalg.inv(upper)[1]
    codes, groups = _codes(one.cluster, rows)
    pieces = adjusted_scores(basis, w, codes, groups, "CR2", weighted=one.weights is not None)
    both = np.column_stack([one.outcome - one.outcome.mean(), one.shifted])
    on_basis = basis.T @ (both * w[:, None])
    left = both - basis @ on_basis
    seen = np.column_stack([pieces.sums(column) @ contrast for column in left.T])
    slopes, variance = contrast @ on_basis, seen.T @ seen
    sums = (left * w[:, None]).T @ left * float(contrast @ contrast)
    return _Line(
        np.array([slopes[1], slopes[0]]), _squares(variance), _squares(sums),
        satterthwaite(pieces, contrast), float(rows - one.matrix.shape[1]),
    )  # fmt: skip


def _squares(products: Floats) -> Floats:
    """Return the polynomial of the shift from products of the outcome's and the shifted's part."""
    return np.array([products[1, 1], 2 * products[0, 1], products[0, 0]])


def _codes(cluster: Any, rows: int) -> tuple[NDArray[np.intp], int]:
    if cluster is None:
        return np.arange(rows), rows
    import pandas as pd

    codes, found = pd.factorize(pd.Series(cluster))
    return np.asarray(codes, dtype=np.intp), len(found)


def _pooled(lines: Sequence[_Line], shift: float, level: float) -> ShiftedBias:
    from evalkit.stats.imputing.pooling import pool

    at = [[float(np.polyval(p, shift)) for p in (o.estimate, o.variance, o.spread)] for o in lines]
    estimates, errors = [row[0] for row in at], [max(row[1], 0.0) ** 0.5 for row in at]
    df = min(line.df for line in lines)
    if len(lines) > 1:
        made = pool(estimates, errors, df_complete=df, level=level)
        ends = (made.estimate, made.conf_low, made.conf_high)
        value, low, high = (float(end if end is not None else np.nan) for end in ends)
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
