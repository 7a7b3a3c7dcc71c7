"""Entropy balancing: the weights nearest to equal that give an arm chosen means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evalkit.errors import CannotEstimate, NotConverged
from evalkit.stats.shared.model_rows import quoted

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]

_STEPS = 100
_SETTLED = 1e-11  # largest gap between means, in standard deviations
_ALIKE = 1e-8  # ... of columns the arm's other columns determine
_RANK = 1e-10


@dataclass(frozen=True, slots=True, eq=False)
class Balanced:
    """Weights of an arm's rows, which add up to 1, and what they rest on.

    `centred` (rows by columns) are the columns less the targets; only those not determined by
    others within the arm are in it: `used` marks them.
    """

    weights: Floats
    centred: Floats
    used: Bools
    divergence: float


def entropy_balance(
    columns: Floats, targets: Floats, base: Floats, names: Sequence[str], arm: str
) -> Balanced:
    """Return w minimising sum w log(w / q) with means at the targets, q the base weights.

    Hainmueller (2012), Political Analysis 20:25-46: the dual, log sum q exp(l'(c - target)), is
    minimised by Newton's steps with a line search; w is then proportional to q exp(l'(c -
    target)). Raises CannotEstimate where no weights can reach the targets, NotConverged where
    the steps do not settle.
    """
    gaps = columns - targets
    _check_ranges(gaps, targets, names, arm)
    used = _independent(columns, base)
    centred = gaps[:, used]
    start = base / base.sum()
    weights = _solve(centred, start)
    if weights is None:
        _refuse(centred, arm)
    assert weights is not None
    if np.max(np.abs(weights @ gaps), initial=0.0) > _ALIKE:
        raise _unreachable(arm)
    some = weights > 0
    divergence = float(weights[some] @ np.log(weights[some] / start[some]))
    return Balanced(weights, centred, used, divergence)


def _independent(columns: Floats, base: Floats) -> Bools:
    """Return which columns, with an intercept, are not determined by those before within the arm."""
    from scipy.linalg import qr

    share = base / base.sum()
    centred = (columns - share @ columns) * np.sqrt(share)[:, None]
    length = np.sqrt(np.sum(centred**2, axis=0))
    scaled = centred / np.where(length > 0, length, 1.0)
    _, upper, order = qr(scaled, mode="economic", pivoting=True)
    size = np.abs(np.diag(upper))
    used = np.zeros(columns.shape[1], dtype=bool)
    used[order[: len(size)]] = size > _RANK
    used[length <= _RANK] = False
    return used


def _check_ranges(gaps: Floats, targets: Floats, names: Sequence[str], arm: str) -> None:
    """Refuse a target that lies beyond every value of the arm."""
    beyond = (gaps.min(axis=0) > _ALIKE) | (gaps.max(axis=0) < -_ALIKE)
    if np.any(beyond):
        raise _unreachable(arm, [name for name, out in zip(names, beyond, strict=True) if out])


def _unreachable(arm: str, names: Sequence[str] = ()) -> CannotEstimate:
    what = f" of {quoted(names)}" if names else ""
    return CannotEstimate(
        f"No weights on the {arm} arm reach the target mean{what}: it lies outside what its people "
        "span, so there is no overlap. Use fewer moments or covariates, take method='overlap', or "
        "leave out the people who have no counterpart."
    )


def _solve(centred: Floats, start: Floats) -> Floats | None:
    """Return the weights, or None where the steps do not settle."""
    place = np.zeros(centred.shape[1])
    weights, value = start, 0.0
    for _ in range(_STEPS):
        slope = weights @ centred
        if np.max(np.abs(slope), initial=0.0) <= _SETTLED:
            return weights
        bend = (centred * weights[:, None]).T @ centred - np.outer(slope, slope)
        try:
            step: Floats = np.asarray(-np.linalg.solve(bend, slope), dtype=np.float64)
        except np.linalg.LinAlgError:
            return None
        found = _search(centred, start, place, step, value, float(slope @ step))
        if found is None:
            tight = np.max(np.abs(slope)) <= _ALIKE / 100
            return weights if tight else None
        place, weights, value = found
    return None


def _search(
    centred: Floats, start: Floats, place: Floats, step: Floats, value: float, fall: float
) -> tuple[Floats, Floats, float] | None:
    """Return the first point along the step, halved, that lowers the dual enough."""
    if not np.all(np.isfinite(step)) or fall > 0:
        return None
    predictor, along, size = centred @ place, centred @ step, 1.0
    while size > 1e-10:
        eta = predictor + size * along
        top = eta.max()
        raw = start * np.exp(eta - top)
        total = raw.sum()
        later = float(top + np.log(total))
        if later <= value + 1e-4 * size * fall + 1e-14:
            return place + size * step, raw / total, later
        size /= 2
    return None


def _refuse(centred: Floats, arm: str) -> None:
    """Raise for targets outside the convex hull of the arm, else for the steps."""
    from scipy.optimize import linprog

    rows = len(centred)
    found = linprog(
        np.zeros(rows),
        A_eq=np.vstack([centred.T, np.ones(rows)]),
        b_eq=np.append(np.zeros(centred.shape[1]), 1.0),
        bounds=(0, None),
    )
    if found.status == 2:
        raise _unreachable(arm)
    raise NotConverged(
        f"Entropy balancing of the {arm} arm did not settle in {_STEPS} steps: the targets are at "
        "the edge of what its people span. Use fewer moments or covariates, or method='overlap'."
    )
