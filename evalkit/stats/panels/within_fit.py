"""Least squares with unit and period effects taken out, and its robust variances."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.stats.least_squares.linear import fit
from evalkit.stats.panels.absorbing import Absorbed, Effects

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Codes = NDArray[np.intp]

_GONE = 1e-9  # share of a column's length left once the effects are out
_ILL = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class WithinFit:
    """Coefficients of columns once unit and period effects are out.

    `columns` (rows by coefficients) and `residuals` are without the effects; `inverse` inverts
    the columns' cross-products. `lost` names columns that the effects or other columns determine.
    """

    names: tuple[str, ...]
    coefficients: Floats
    columns: Floats
    residuals: Floats
    inverse: Floats
    within: Floats
    layout: Effects
    absorbed: int
    lost: tuple[str, ...]

    @property
    def n(self) -> int:
        """The number of rows."""
        return len(self.residuals)

    def shares_explained(self, outcome: Floats) -> tuple[float, float]:
        """Return R squared, and that of the outcome once the effects are out."""
        left = float(self.residuals @ self.residuals)
        centred = outcome - outcome.mean()
        return 1 - left / float(centred @ centred), 1 - left / float(self.within @ self.within)


def within_fit(
    layout: Effects, outcome: Floats, columns: Sequence[tuple[str, Floats]], needed: str | None
) -> WithinFit:
    """Fit the outcome on columns and unit and period effects.

    Raises CannotEstimate where the column `needed` follows from the others and the effects, the
    fit is exact, or no row is to spare.
    """
    absorber = Absorbed(layout)
    kept, lost = _absorbed(absorber, columns)
    if needed in lost:
        raise CannotEstimate(
            f"'{needed}' follows from unit, period and the covariates, so its effect cannot be "
            "told apart from theirs: it must change within units, and not for all at once."
        )
    matrix = np.array([values for _, values in kept]).T
    values = absorber.residuals(outcome)
    gram = matrix.T @ matrix
    scale = np.sqrt(np.diag(gram))
    inverse = np.linalg.inv(gram / np.outer(scale, scale)) / np.outer(scale, scale)
    beta = inverse @ (matrix.T @ values)
    left = values - matrix @ beta
    beta = beta + inverse @ (matrix.T @ left)
    left = values - matrix @ beta
    spare = len(left) - matrix.shape[1] - absorber.parameters
    if spare <= 0:
        raise CannotEstimate(
            f"{len(left)} rows for {matrix.shape[1] + absorber.parameters} parameters: no row is "
            "to spare."
        )
    if left @ left <= _ILL**2 * max(float(values @ values), 1e-300) or not values @ values > 0:
        raise CannotEstimate("Unit and period effects fit the outcome exactly: nothing is left.")
    return WithinFit(
        tuple(name for name, _ in kept), beta, matrix, left, inverse, values, layout,
        absorber.parameters, tuple(lost),
    )  # fmt: skip


def _absorbed(
    absorber: Absorbed, columns: Sequence[tuple[str, Floats]]
) -> tuple[list[tuple[str, Floats]], list[str]]:
    """Return the columns without the effects; those that others determine only by name."""
    kept: list[tuple[str, Floats]] = []
    basis: list[Floats] = []
    lost = []
    for name, values in columns:
        centred = values - values.mean()
        length = float(np.sqrt(centred @ centred))
        own = absorber.residuals(centred)
        left = own
        for _ in range(2 if basis else 0):
            for direction in basis:
                left = left - direction * float(direction @ left)
        size = float(np.sqrt(left @ left))
        if not size > _GONE * length:
            lost.append(name)
            continue
        kept.append((name, own))
        if len(columns) > 1:
            basis.append(left / size)
    return kept, lost


def clustered(model: WithinFit, clusters: Codes, count: int, *, nested: bool) -> Floats:
    """Return the CR1S variance: G/(G - 1) times (n - 1)/(n - K), unit effects not in K if nested.

    The small-sample factor of fixest and reghdfe.
    """
    lay = model.layout
    by_unit = nested and clusters is lay.unit
    if by_unit and lay.balanced:
        every = np.ones(lay.n_periods)
        products = (lay.arranged(column * model.residuals) for column in model.columns.T)
        sums = np.column_stack([wide @ every for wide in products])
    else:
        sums = np.column_stack(
            [np.bincount(clusters, c * model.residuals, count) for c in model.columns.T]
        )
    parameters = len(model.names) + model.absorbed - (lay.n_units - 1 if nested else 0)
    factor = count / (count - 1) * (model.n - 1) / (model.n - parameters)
    turned = sums @ model.inverse
    return np.asarray(factor * (turned.T @ turned), dtype=np.float64)


def by_row(model: WithinFit, kind: str) -> Floats:
    """Return the classical or the HC1 variance, with n - K, all effects counted."""
    spare = model.n - len(model.names) - model.absorbed
    if kind == "classical":
        return np.asarray(model.inverse * float(model.residuals @ model.residuals) / spare)
    turned = (model.columns * model.residuals[:, None]) @ model.inverse
    return np.asarray(turned.T @ turned * model.n / spare, dtype=np.float64)


def bias_reduced(model: WithinFit, clusters: Codes) -> tuple[Floats, Floats]:
    """Return the CR2 variance and Satterthwaite degrees of freedom; clusters hold whole units.

    The columns and dummies of the periods, less their unit means, are the design: unit effects
    lie within clusters and do not change the adjustment (Pustejovsky and Tipton 2018).
    """
    lay = model.layout
    dummies = np.zeros((model.n, lay.n_periods))
    dummies[np.arange(model.n), lay.period] = 1.0
    sizes = np.bincount(lay.unit, minlength=lay.n_units)
    means = np.column_stack([np.bincount(lay.unit, d, lay.n_units) / sizes for d in dummies.T])
    vectors, values, _ = np.linalg.svd(dummies - means[lay.unit], full_matrices=False)
    rank = model.absorbed - lay.n_units
    design = vectors[:, :rank] * values[:rank]
    matrix = np.hstack([model.columns, design])
    outcome = model.residuals + model.columns @ model.coefficients
    names = (*model.names, *(f"period {k}" for k in range(design.shape[1])))
    fitted = fit(matrix, outcome, names, cluster=clusters, se="CR2", terms=model.names)
    count = len(model.names)
    return fitted.vcov[:count, :count], fitted.df[:count]
