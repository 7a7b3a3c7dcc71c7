"""One treatment coefficient, and its HC2 or CR2 error, under many assignments or resamples at once.

The outcome y is the residual on an orthonormal basis Q of intercept, covariates and strata. With
arms z, c = Q'z, v = z - Qc and D = v'v the coefficient is v'y / D (Frisch, Waugh and Lovell), and
the columns [Q, v / sqrt(D)] are orthonormal, so leverages come without refitting. With clusters
everything follows from cross-products summed within them; CR2 is as in `robust`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evalkit.stats.least_squares.robust import SINGULAR
from evalkit.stats.shared.design_matrix import standardised

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Codes = NDArray[np.intp]

SEPARABLE = 1e-9  # share of the treatment's length left after the other columns
PERFECT = 1e10  # a t beyond this is no variation within the arms, and rounding
TIE = 1e-9  # statistics closer than this share count as equal
NUMBERS = 2_000_000  # held at once
ONE_THREAD = 2**18  # multiplications that OpenBLAS leaves to one thread
ONE_SUM = 10_000  # and numbers in one sum


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """One outcome's analysed rows: the unit of each, y, Q, and their sums within the units."""

    unit: Codes
    y: Floats
    basis: Floats
    size: Floats  # units
    total: Floats  # units: sum of y
    sums: Floats  # units by columns: sum of Q
    gram: Floats  # units by columns by columns: Q'Q; empty where no unit has two rows
    cross: Floats  # units by columns: Q'y

    @property
    def shared(self) -> bool:
        """Whether a unit has more than one row."""
        return len(self.gram) > 0

    def width(self, *, refitted: bool) -> int:
        """Return the numbers held for each draw; more where each draw is fitted anew."""
        columns = int(self.basis.shape[1]) + 1
        if self.shared:
            return len(self.size) * columns**2
        return len(self.y) * (columns if refitted else 2)


def moments(matrix: Floats, outcome: Floats, unit: Codes, units: int) -> Moments:
    """Return the sums that every statistic is made of.

    `matrix` holds the columns beside the treatment, an intercept first; `unit` numbers the unit
    of each row, of `units` in all (some may have no row).
    """
    columns = [np.ones(len(outcome)), *(standardised(x) for x in matrix.T[1:])]
    basis = np.linalg.qr(np.column_stack(columns)).Q
    y = outcome - outcome.mean()
    for _ in range(2):
        y = y - basis @ (basis.T @ y)
    size = np.bincount(unit, minlength=units).astype(float)
    wide = basis.shape[1]
    gram = np.zeros((units if size.max() > 1 else 0, wide, wide))
    if len(gram):
        np.add.at(gram, unit, basis[:, :, None] * basis[:, None, :])
    return Moments(
        unit=unit,
        y=y,
        basis=basis,
        size=size,
        total=_by_unit(y[:, None], unit, units)[:, 0],
        sums=_by_unit(basis, unit, units),
        gram=gram,
        cross=_by_unit(basis * y[:, None], unit, units),
    )


def _by_unit(values: Floats, unit: Codes, units: int) -> Floats:
    return np.column_stack([np.bincount(unit, weights=x, minlength=units) for x in values.T])


def product(draws: Floats, columns: Floats) -> Floats:
    """Return draws @ columns, in pieces too small to be worth a second thread.

    Threads that wait for a busy processor would take several times as long. A few columns go one
    by one; more are multiplied fastest in fours.
    """
    length, kept = columns.shape
    if kept < 4 and length <= ONE_SUM:
        return np.column_stack([np.vecdot(draws, column) for column in columns.T.copy()])
    wide = np.zeros((length, kept + -kept % 4))
    wide[:, :kept] = columns
    columns = wide
    piece = ONE_THREAD // max(1, columns.size)
    if piece < 16:
        return np.asarray(draws @ columns)[:, :kept]
    found = np.empty((len(draws), columns.shape[1]))
    for start in range(0, len(draws), piece):
        np.matmul(draws[start : start + piece], columns, out=found[start : start + piece])
    return found[:, :kept]


def differences(rows: Moments, blocks: Iterable[Floats]) -> Floats:
    """Return the coefficient of each draw; NaN where the treatment follows from the columns.

    `blocks` are arms, draws by units.
    """
    columns = _columns(rows)
    _, left, total = _left(np.concatenate([product(arms, columns) for arms in blocks]))
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Floats = total / left
    return found


def _columns(rows: Moments) -> Floats:
    """Return what is summed over the treated units: rows, Q and y."""
    return np.column_stack([rows.size, rows.sums, rows.total])


def _left(sums: Floats) -> tuple[Floats, Floats, Floats]:
    """Return c = Q'z, D (NaN where next to nothing is left of the treatment) and z'y."""
    treated, c, total = sums[:, 0], sums[:, 1:-1], sums[:, -1]
    left = treated - np.einsum("ij,ij->i", c, c)
    return c, np.where(left > SEPARABLE * np.maximum(treated, 1), left, np.nan), total


def randomised(rows: Moments, arms: Floats) -> tuple[Floats, Floats]:
    """Return coefficient and error (HC2, or CR2 where units have several rows) of each draw.

    `arms` is draws by units. Both are NaN where a draw carries no comparison.
    """
    c, left, total = _left(product(arms, _columns(rows)))
    estimate = total / left
    if rows.shared:
        return estimate, _randomised_clusters(rows, arms, c, left, estimate)
    z = arms[:, rows.unit]
    v = z - c @ rows.basis.T
    residual = rows.y - estimate[:, None] * v
    leverage = np.einsum("ij,ij->i", rows.basis, rows.basis) + v**2 / left[:, None]
    square = (v * residual) ** 2 * _inverse(1 - leverage)
    return estimate, np.sqrt(square.sum(axis=1)) / left


def _randomised_clusters(
    rows: Moments, arms: Floats, c: Floats, left: Floats, estimate: Floats
) -> Floats:
    wide = rows.basis.shape[1]
    gram = np.empty((*arms.shape, wide + 1, wide + 1))
    gram[:, :, :wide, :wide] = rows.gram
    gram[:, :, :wide, wide] = gram[:, :, wide, :wide] = arms[:, :, None] * rows.sums
    gram[:, :, wide, wide] = arms * rows.size
    cross = np.empty((*arms.shape, wide + 1))
    cross[:, :, :wide] = rows.cross
    cross[:, :, wide] = arms * rows.total
    back = np.zeros((len(arms), wide + 1, wide + 1))
    back[:, np.arange(wide), np.arange(wide)] = 1.0
    root = np.sqrt(np.where(np.isnan(left), 1.0, left))
    back[:, :wide, wide] = -c / root[:, None]
    back[:, wide, wide] = 1 / root
    beta = estimate[:, None] * np.column_stack([-c, np.ones(len(c))])
    error = _clustered_error(gram, cross, back, beta, np.ones((1, 1)))
    return np.where(np.isnan(left), np.nan, error)


def _clustered_error(
    gram: Floats, cross: Floats, back: Floats, beta: Floats, weights: Floats
) -> Floats:
    """Return the CR2 error of the last coefficient of each draw.

    `gram` (draws or 1, units, p, p) and `cross` are X_g'X_g and X_g'y_g; `back` (draws, p, p) is
    L with LL' = (X'X)^-1; `weights` (draws or 1, units or 1) the times each unit was taken.
    """
    score = cross - np.einsum("dgij,dj->dgi", np.broadcast_to(gram, _full(gram, beta)), beta)
    inner = back.transpose(0, 2, 1)[:, None] @ gram @ back[:, None]
    values, vectors = np.linalg.eigh(inner)
    along = np.einsum("dgij,dgi->dgj", vectors, np.einsum("dij,dgi->dgj", back, score))
    lead = np.einsum("dgij,di->dgj", vectors, back[:, -1, :])
    parts = (lead * along * np.sqrt(_inverse(1 - values))).sum(axis=2)
    error: Floats = np.sqrt((weights * parts**2).sum(axis=1))
    return error


def _full(gram: Floats, beta: Floats) -> tuple[int, ...]:
    return (len(beta), *gram.shape[1:])


def _inverse(room: Floats) -> Floats:
    """Return 1 / room, 0 where the model explains all (Moore-Penrose)."""
    return np.where(room > SINGULAR, 1 / np.where(room > SINGULAR, room, 1.0), 0.0)


def resampled(rows: Moments, arm: Floats, taken: Floats) -> tuple[Floats, Floats]:
    """Return coefficient and error of each resample of units.

    `arm` has a value a unit; `taken` (draws by units) says how many times each was taken; copies
    of a unit count as units of their own. NaN where a resample carries no comparison.
    """
    x = np.column_stack([rows.basis, arm[rows.unit]])
    times = taken[:, rows.unit]
    wide = x.shape[1]
    whole = (times @ (x[:, :, None] * x[:, None, :]).reshape(len(x), -1)).reshape(-1, wide, wide)
    values, vectors = np.linalg.eigh(whole)
    usable = values[:, 0] > SEPARABLE * values[:, -1]
    back = vectors / np.sqrt(np.where(usable[:, None], values, 1.0))[:, None, :]
    beta = np.einsum("dij,dj->di", back @ back.transpose(0, 2, 1), times @ (x * rows.y[:, None]))
    if rows.shared:
        gram = _by_unit((x[:, :, None] * x[:, None, :]).reshape(len(x), -1), rows.unit, len(arm))
        cross = _by_unit(x * rows.y[:, None], rows.unit, len(arm))
        error = _clustered_error(gram.reshape(1, -1, wide, wide), cross[None], back, beta, taken)
    else:
        turned = x @ back  # draws, rows, columns
        room = 1 - np.einsum("dij,dij->di", turned, turned)
        lead = np.einsum("dij,dj->di", turned, back[:, -1, :])
        residual = rows.y - beta @ x.T
        error = np.sqrt((times * (lead * residual) ** 2 * _inverse(room)).sum(axis=1))
    return np.where(usable, beta[:, -1], np.nan), np.where(usable, error, np.nan)


def ratio(estimate: Floats, error: Floats) -> Floats:
    """Return t; infinite where nothing varies within the arms, NaN where both are nothing."""
    with np.errstate(divide="ignore", invalid="ignore"):
        t = estimate / error
    found: Floats = np.where(np.abs(t) > PERFECT, np.copysign(np.inf, estimate), t)
    return found


def at_least(draws: Floats, observed: Floats, scale: Floats | float) -> NDArray[np.bool_]:
    """Return which draws are as extreme as observed, or cannot be formed (counted against us)."""
    reached: NDArray[np.bool_] = draws >= observed - TIE * (np.abs(observed) + scale)
    return reached | np.isnan(draws)
