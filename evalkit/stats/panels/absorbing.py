"""Take unit and period effects out of columns, exactly.

In a balanced panel one sweep does it: less the unit's mean and the period's, plus the overall one.
Otherwise unit effects are eliminated and the period effects solved for, a system as large as the
smaller of the two; nothing is iterated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Codes = NDArray[np.intp]

_LARGEST = 5000  # equations solved for at once
_RANK = 1e-10


@dataclass(frozen=True, slots=True, eq=False)
class Effects:
    """Rows by unit and period (codes from 0), and how many of each there are.

    `order` puts the rows of a balanced panel in order of unit and period, None where they are;
    `balanced` says that each unit has one row in each period. `parameters` counts the effects
    that can be told apart.
    """

    unit: Codes
    period: Codes
    n_units: int
    n_periods: int
    balanced: bool
    order: Codes | None

    @property
    def wide(self) -> tuple[int, int]:
        """Units by periods."""
        return self.n_units, self.n_periods

    def arranged(self, values: Floats) -> Floats:
        """Return one value a row as units by periods; for balanced panels only."""
        return (values if self.order is None else values[self.order]).reshape(self.wide)

    def rows(self, wide: Floats) -> Floats:
        """Return units by periods as one value a row."""
        flat = wide.reshape(-1)
        if self.order is None:
            return flat
        found = np.empty_like(flat)
        found[self.order] = flat
        return found


def effects(unit: Codes, n_units: int, period: Codes, n_periods: int) -> Effects:
    """Return how rows are laid out; each unit has at most one row in each period."""
    balanced = len(unit) == n_units * n_periods
    order = None
    if balanced:
        place = unit * n_periods + period
        if not np.array_equal(place, np.arange(len(place))):
            order = np.empty(len(place), dtype=np.intp)
            order[place] = np.arange(len(place))
    return Effects(unit, period, n_units, n_periods, balanced, order)


class Absorbed:
    """Takes the effects out of one column after another."""

    def __init__(self, layout: Effects) -> None:
        self.layout = layout
        self.parameters = layout.n_units + layout.n_periods - 1
        if not layout.balanced:
            self._prepare()

    def _prepare(self) -> None:
        from scipy.sparse import csr_array

        lay = self.layout
        swap = lay.n_periods > lay.n_units
        self._many, self._few = (lay.period, lay.unit) if swap else (lay.unit, lay.period)
        many, few = (lay.n_periods, lay.n_units) if swap else (lay.n_units, lay.n_periods)
        if few > _LARGEST:
            raise CannotEstimate(
                f"An unbalanced panel of {lay.n_units} units and {lay.n_periods} periods is too "
                f"large: at most {_LARGEST} of one of them. Use a balanced panel."
            )
        self._sizes = np.bincount(self._many, minlength=many)
        self._n_few = few
        counts: Any = csr_array(
            (np.ones(len(self._many)), (self._many, self._few)), shape=(many, few)
        )
        shared = (counts.T @ (counts / self._sizes[:, None])).toarray()
        square = np.diag(np.bincount(self._few, minlength=few).astype(np.float64)) - shared
        values, vectors = np.linalg.eigh(square)
        kept = values > _RANK * values[-1]
        self.parameters = many + int(kept.sum())
        self._solver = (vectors[:, kept] / values[kept]) @ vectors[:, kept].T

    def residuals(self, values: Floats) -> Floats:
        """Return a column (one value a row) without the effects."""
        if self.layout.balanced:
            return self.layout.rows(without_means(self.layout.arranged(values)))
        return self._step(self._step(values - values.mean()))

    def _step(self, values: Floats) -> Floats:
        left = self._centred(values)
        sums = np.bincount(self._few, left, self._n_few)
        return self._centred(left - (self._solver @ sums)[self._few])

    def _centred(self, values: Floats) -> Floats:
        means = np.bincount(self._many, values, len(self._sizes)) / self._sizes
        return np.asarray(values - means[self._many], dtype=np.float64)


def without_means(wide: Floats) -> Floats:
    """Return units by periods less the means of rows and columns, plus the overall mean."""
    units, periods = wide.shape
    left = wide - (wide @ np.full(periods, 1 / periods))[:, None]
    left -= np.full(units, 1 / units) @ left
    return np.asarray(left, dtype=np.float64)
