"""The (adjusted) difference and Hedges' g of many resamples at once, from sums over units.

A resample only weights the units, so every statistic is a function of weighted sums: one matrix
product gives the sums of all resamples. The difference follows by sweeping the other columns out
of the cross-products of [columns, arm, outcome] (Goodnight 1979).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evalkit.stats.redrawing.studentised import SEPARABLE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from evalkit.stats.redrawing.bootstrap_draws import Units

    Floats = NDArray[np.float64]
    Codes = NDArray[np.intp]

ALIASED = 1e-10  # share of a column's squares left: it follows from the columns before it
FLAT = 1e-12  # share of the squares left within arms that is rounding only


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """Rows in order of unit: an orthonormal basis of the columns beside the arm, arm, outcome.

    `left` is the outcome's residual on the basis; `clustered` whether units have several rows.
    """

    basis: Floats
    arm: Floats
    outcome: Floats
    left: Floats
    units: Units
    clustered: bool


@dataclass(frozen=True, slots=True, eq=False)
class Sums:
    """Each unit's sums (units by sums) and where they stand; see `unit_sums`."""

    values: Floats
    columns: int
    scaled: bool
    clustered: bool

    def __call__(self, totals: Floats) -> Floats:
        """Return the statistic of totals (draws by sums); NaN where it cannot be formed."""
        parts = np.ascontiguousarray(totals.T)
        places = cross_places(self.columns)
        first = self.columns * (self.columns + 1) // 2
        found = _difference(parts[:first][places])
        if not self.scaled:
            return found
        arms = parts[first : first + 6]
        groups = parts[first + 6 :] if self.clustered else None
        return found * effect_factor(arms, groups)


def cross_places(columns: int) -> Codes:
    """Return, for each pair of columns, the place of its product among the sums."""
    rows, others = np.triu_indices(columns)
    places = np.empty((columns, columns), dtype=np.intp)
    places[rows, others] = places[others, rows] = np.arange(len(rows))
    return places


def unit_sums(model: Model, *, scaled: bool) -> Sums:
    """Return the sums that the difference (with `scaled`, g) of a resample is made of."""
    every = np.column_stack([model.basis, model.arm, model.left])
    rows, others = np.triu_indices(every.shape[1])
    parts = [model.units.sums(every[:, rows] * every[:, others])]
    if scaled:
        parts.append(model.units.sums(arm_columns(model)))
        if model.clustered:
            parts.append(_group_sums(model))
    return Sums(np.column_stack(parts), every.shape[1], scaled, model.clustered)


def centred_by_arm(model: Model) -> Floats:
    """Return the outcome less its arm's mean: what is summed then costs no digits."""
    start: Floats = model.outcome - model.outcome.mean()
    for value in (0.0, 1.0):
        own = model.arm == value
        start[own] -= start[own].mean()
    return start


def arm_columns(model: Model) -> Floats:
    """Return, for each row, rows, outcome and its square in either arm: six columns."""
    y = centred_by_arm(model)
    inside = np.column_stack([1 - model.arm, model.arm])
    found: Floats = np.hstack([inside, inside * y[:, None], inside * y[:, None] ** 2])
    return found


def _group_sums(model: Model) -> Floats:
    """Return, for each unit and either arm: groups, squared sizes, n mean^2; and squares within.

    The group is the unit's rows in one arm. Means are of the outcome centred on its overall mean.
    """
    y = model.outcome - model.outcome.mean()
    inside = np.column_stack([1 - model.arm, model.arm])
    size = model.units.sums(inside)
    total = model.units.sums(inside * y[:, None])
    between = total**2 / np.maximum(size, 1)
    means = (total / np.maximum(size, 1))[model.units.unit, model.arm.astype(int)]
    within = model.units.sums(((y - means) ** 2)[:, None])
    found: Floats = np.hstack([size > 0, size**2, total, between, within])
    return found


def _difference(cross: Floats) -> Floats:
    """Return the arm's coefficient from cross-products, columns by columns by draws.

    A column that the resample leaves without variation of its own is passed over, as lm does.
    """
    start = cross.diagonal().T.copy()
    last = len(cross) - 1
    for k in range(last - 1):
        pivot = cross[k, k]
        usable = pivot > ALIASED * start[k]
        share = cross[k, k + 1 :] * np.where(usable, 1 / np.where(usable, pivot, 1.0), 0.0)
        cross[k + 1 :, k + 1 :] -= share[:, None] * cross[k, None, k + 1 :]
    room = cross[last - 1, last - 1]
    usable = room > SEPARABLE * np.maximum(start[last - 1], 1.0)
    found: Floats = np.where(usable, cross[last - 1, last] / np.where(usable, room, 1.0), np.nan)
    return found


def effect_factor(arms: Floats, groups: Floats | None) -> Floats:
    """Return J / S (with groups J(h) gamma / S) of each draw, as `difference_scaling` does."""
    n, total, square = arms[:2], arms[2:4], arms[4:6]
    rows = n.sum(axis=0)
    inside = (square - total**2 / np.maximum(n, 1)).sum(axis=0)
    inside = np.where(inside > FLAT * square.sum(axis=0), inside, np.nan)
    sd = np.sqrt(inside / np.maximum(rows - 2, 1))
    if groups is None:
        return np.asarray(_small_sample(rows - 2) / sd)
    count = groups[:2].sum(axis=0)
    icc, size = _correlation(n, groups), rows / count
    room = (rows - 2) - 2 * (size - 1) * icc
    spread = (
        (rows - 2) * (1 - icc) ** 2
        + size * (rows - 2 * size) * icc**2
        + 2 * (rows - 2 * size) * icc * (1 - icc)
    )
    factor: Floats = _small_sample(room**2 / spread) * np.sqrt(room / (rows - 2)) / sd
    return factor


def _small_sample(df: Floats) -> Floats:
    """Return Hedges' exact J; NaN at one degree of freedom or none."""
    from scipy.special import gammaln

    safe = np.where(df > 1, df, np.nan)
    return np.asarray(np.exp(gammaln(safe / 2) - gammaln((safe - 1) / 2) - np.log(safe / 2) / 2))


def _correlation(n: Floats, groups: Floats) -> Floats:
    """Return the analysis-of-variance ICC of each draw, kept in 0 to 1; each copy is a group."""
    count, squared, total, between, within = (
        groups[:2].sum(axis=0), groups[2:4], groups[4:6], groups[6:8], groups[8],
    )  # fmt: skip
    rows, held = n.sum(axis=0), np.maximum(n, 1)
    spare, apart = np.maximum(rows - count, 1), np.maximum(count - 2, 1)
    inside = within / spare
    outside = (between - total**2 / held).sum(axis=0) / apart
    typical = (rows - (squared / held).sum(axis=0)) / apart
    whole = outside + (typical - 1) * inside
    usable = (whole > 0) & (count > 2) & (rows > count)
    share = (outside - inside) / np.where(usable, whole, 1.0)
    return np.where(usable, np.clip(share, 0.0, 1.0), 0.0)
