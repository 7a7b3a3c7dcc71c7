"""A linear model with one random intercept, by restricted maximum likelihood.

The model is y = Xb + u_g + e with variances `between` (of u) and `within` (of e). With the ratio
L = between / within, everything else has a closed form given L, so the likelihood is profiled to
one dimension, and the sums of each group are all it needs (Lindstrom and Bates 1988).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evalkit.errors import CannotEstimate, NotConverged
from evalkit.stats.least_squares.linear import PERFECT, LinearFit
from evalkit.stats.redrawing.studentised import product
from evalkit.stats.shared.analysed_rows import orthonormal
from evalkit.stats.shared.columns import check_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Codes = NDArray[np.intp]

SMALL = 1e-8  # a direction of the unit basis that does not vary within groups
_LOWEST, _HIGHEST, _STEPS = -6, 10, 49  # powers of ten searched for L times the mean group size


@dataclass(frozen=True, slots=True, eq=False)
class RandomIntercept:
    """The fitted model: `linear` holds coefficients, standard errors and Satterthwaite df.

    `between` and `within` are variances in squared outcome units; `total_df` are the degrees of
    freedom of their sum, 2 sum^2 / var(sum) by the expected information (Pustejovsky, Hedges and
    Shadish 2014); `log_likelihood` is the restricted one.
    """

    linear: LinearFit
    between: float
    within: float
    total_df: float
    log_likelihood: float

    @property
    def total(self) -> float:
        """The sum of the two variances."""
        return self.between + self.within


@dataclass(frozen=True, slots=True, eq=False)
class _Sums:
    """What the likelihood needs: group sizes and means, and a square root of the within part."""

    sizes: Floats
    x: Floats  # groups by columns
    y: Floats
    root_x: Floats  # its cross-product is that of the columns within groups
    root_y: Floats
    rows: int

    @property
    def spare(self) -> int:
        return self.rows - int(self.x.shape[1])


def fit_random_intercept(
    matrix: Floats, outcome: Floats, names: Sequence[str], codes: Codes
) -> RandomIntercept:
    """Fit outcome on the columns of `matrix` with a random intercept for each group.

    Parameters
    ----------
    matrix : array, rows by columns, of full column rank, its first column ones
    outcome : array, one value a row
    names : the columns' names
    codes : array of group numbers from 0, one a row, none left out

    Raises
    ------
    CannotEstimate
        When the two variances cannot be told apart, or the columns fit the outcome exactly.
    NotConverged
        When the likelihood has no maximum that can be found.

    Notes
    -----
    Degrees of freedom as in lmerTest (Kuznetsova, Brockhoff and Christensen 2017): v^2 over g'Hg,
    with v the variance of the coefficient, g its gradient and H the inverse of the Hessian of the
    restricted deviance, here in closed form. Where `between` is 0 they are rows - columns.
    """
    check_rows(*matrix.shape)
    basis, back = orthonormal(matrix)
    level = float(outcome.mean())
    start, left = _project(basis, outcome - level)
    if np.sum(left**2) <= PERFECT**2 * np.sum((outcome - level) ** 2):
        raise CannotEstimate(
            "The columns of the model fit the outcome exactly, so its uncertainty cannot be told."
        )
    scale = float(np.sqrt(np.mean(left**2)))
    sums = _group_sums(basis, left / scale, codes)
    _check_separable(sums)
    at = _Point.at(sums, _best_ratio(sums))
    beta = back @ (start + scale * at.gamma)
    beta[0] += level
    vcov = scale**2 * at.within * back @ at.inverse @ back.T
    linear = LinearFit(
        names=tuple(names),
        coefficients=beta,
        vcov=vcov,
        std_errors=np.sqrt(np.diag(vcov)),
        df=at.degrees(back),
        residuals=outcome - level - basis @ (start + scale * at.gamma),
        n=len(outcome),
        n_clusters=len(sums.sizes),
        se="REML",
    )
    return RandomIntercept(
        linear=linear,
        between=scale**2 * at.ratio * at.within,
        within=scale**2 * at.within,
        total_df=at.total_df(),
        log_likelihood=_log_likelihood(at, matrix, scale),
    )


def _project(basis: Floats, values: Floats) -> tuple[Floats, Floats]:
    """Return coefficients and residuals as `project` does, in one thread (see `product`)."""
    first = np.einsum("ij,i->j", basis, values)
    left = values - np.einsum("ij,j->i", basis, first)
    second = np.einsum("ij,i->j", basis, left)
    return first + second, left - np.einsum("ij,j->i", basis, second)


def _group_sums(basis: Floats, y: Floats, codes: Codes) -> _Sums:
    order = np.argsort(codes, kind="stable")
    sizes = np.bincount(codes)
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    both = np.column_stack([basis, y])[order]
    means = np.add.reduceat(both, starts, axis=0) / sizes[:, None]
    within = both - np.repeat(means, sizes, axis=0)
    within -= np.repeat(np.add.reduceat(within, starts, axis=0) / sizes[:, None], sizes, axis=0)
    root: Floats = np.linalg.qr(within).R
    return _Sums(
        sizes.astype(float), means[:, :-1], means[:, -1], root[:, :-1], root[:, -1], len(y)
    )


def _check_separable(sums: _Sums) -> None:
    """Refuse where the groups, or the rows within them, leave nothing to estimate a variance."""
    groups, columns = sums.x.shape
    inside = int(np.sum(np.linalg.svd(sums.root_x, compute_uv=False) > SMALL))
    if groups + inside - columns < 1:
        raise CannotEstimate(
            f"There are {groups} groups for {columns - inside} parameters that are constant within "
            "groups; more groups than such parameters are needed. Use fewer covariates."
        )
    if sums.rows - groups - inside < 1:
        raise CannotEstimate(
            f"There are {sums.rows} rows in {groups} groups, with {inside} parameters within "
            "groups: the variance within groups cannot be told apart from that between them. "
            "More rows to a group are needed; where every row is its own group use "
            "mean_difference without cluster."
        )
    least = np.linalg.lstsq(sums.root_x, sums.root_y, rcond=SMALL)[0]
    if np.linalg.norm(sums.root_y - sums.root_x @ least) <= SMALL * np.sqrt(sums.rows):
        raise CannotEstimate(
            "The outcome does not vary within groups beyond what the covariates say, so the "
            "variance within groups is zero. Analyse one row a group with mean_difference."
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Point:
    """The profile at one ratio L; P is the matrix that takes y to its weighted residuals.

    `pull` is Z'Py, `cross` Z'W^-1 X, `trace` tr(PZZ') and `square` tr(PZZ'PZZ'), Z the groups'
    indicators and W = I + L ZZ' (the variance over `within`).
    """

    sums: _Sums
    ratio: float
    weights: Floats
    gamma: Floats
    inverse: Floats
    within: float
    pull: Floats
    cross: Floats
    trace: float
    square: float
    log_det: float

    @classmethod
    def at(cls, sums: _Sums, ratio: float) -> _Point:
        weights = sums.sizes / (1 + ratio * sums.sizes)
        cross = weights[:, None] * sums.x
        bread = sums.root_x.T @ sums.root_x + sums.x.T @ cross
        inverse: Floats = np.asarray(np.linalg.inv(bread), dtype=np.float64)
        gamma = inverse @ (sums.root_x.T @ sums.root_y + cross.T @ sums.y)
        apart = sums.y - sums.x @ gamma
        squares = float(np.sum((sums.root_y - sums.root_x @ gamma) ** 2) + weights @ apart**2)
        spread = np.einsum("ij,ij->i", cross @ inverse, cross)
        inner = inverse @ (cross.T @ cross)
        return cls(
            sums=sums,
            ratio=ratio,
            weights=weights,
            gamma=gamma,
            inverse=inverse,
            within=squares / sums.spare,
            pull=weights * apart,
            cross=cross,
            trace=float(weights.sum() - spread.sum()),
            square=float(weights @ weights - 2 * (weights @ spread) + np.trace(inner @ inner)),
            log_det=float(np.log1p(ratio * sums.sizes).sum() + np.linalg.slogdet(bread)[1]),
        )

    @property
    def slope(self) -> float:
        """The derivative of the deviance by the ratio."""
        return self.trace - float(self.pull @ self.pull) / self.within

    @property
    def deviance(self) -> float:
        """Minus twice the restricted log-likelihood, but for a constant."""
        return self.sums.spare * float(np.log(self.within)) + self.log_det

    def _inverse_hessian(self) -> Floats:
        """Return the inverse Hessian of the deviance by (ratio, within)."""
        seen = self.cross.T @ self.pull
        curve = float(self.pull @ (self.weights * self.pull) - seen @ self.inverse @ seen)
        mixed = float(self.pull @ self.pull) / self.within**2
        bend = -self.square + 2 * curve / self.within
        hessian = np.array([[bend, mixed], [mixed, self.sums.spare / self.within**2]])
        if not (bend > 0 and np.linalg.det(hessian) > 0):
            raise NotConverged(
                "The restricted likelihood is flat at its maximum, so the variance between groups "
                "and the degrees of freedom cannot be told. More groups are needed, or use "
                "mean_difference with cluster."
            )
        return np.linalg.inv(hessian)

    def degrees(self, back: Floats) -> Floats:
        """Return every coefficient's Satterthwaite degrees of freedom."""
        if self.ratio == 0:
            return np.full(len(back), float(self.sums.spare))
        inverse = self._inverse_hessian()
        diagonal = np.einsum("ij,jk,ik->i", back, self.inverse, back)
        drift = np.sum((self.cross @ self.inverse @ back.T) ** 2, axis=0)
        gradient = np.stack([self.within * drift, diagonal])
        spread: Floats = np.einsum("ij,ik,kj->j", gradient, inverse, gradient)
        return np.asarray((self.within * diagonal) ** 2 / spread)

    def total_df(self) -> float:
        """Return the degrees of freedom of the sum of the variances."""
        ratio = self.ratio
        mixed = self.trace - ratio * self.square
        inside = self.sums.spare - 2 * ratio * self.trace + ratio**2 * self.square
        spread = (inside - 2 * mixed + self.square) / (self.square * inside - mixed**2)
        return float((1 + ratio) ** 2 / spread)


def _best_ratio(sums: _Sums) -> float:
    """Return the ratio with the highest restricted likelihood: every minimum is compared.

    The slope is taken on a grid; each change from falling to rising brackets one minimum.
    """
    from scipy.optimize import brentq

    typical = sums.rows / len(sums.sizes)
    grid = [0.0, *(np.logspace(_LOWEST, _HIGHEST, _STEPS) / typical)]
    slopes = _slopes(sums, np.array(grid))
    if not np.all(np.isfinite(slopes)) or slopes[-1] < 0:
        raise NotConverged(
            "The restricted likelihood rises without end: nearly all the variance lies between "
            "groups. Analyse one row a group with mean_difference."
        )
    found = [0.0] if slopes[0] >= 0 else []
    for low, high, before, after in zip(grid, grid[1:], slopes, slopes[1:], strict=False):
        if before < 0 <= after:
            root = brentq(lambda r: _Point.at(sums, r).slope, low, high, xtol=1e-300, rtol=1e-14)
            found.append(float(root))
    return min(found, key=lambda ratio: _Point.at(sums, ratio).deviance)


def _slopes(sums: _Sums, ratios: Floats) -> Floats:
    """Return the derivative of the deviance at many ratios at once."""
    groups, columns = sums.x.shape
    weights = sums.sizes / (1 + ratios[:, None] * sums.sizes)
    both = np.column_stack([sums.x, sums.y])
    outer = (both[:, :, None] * both[:, None, :]).reshape(groups, -1)
    once = product(weights, outer).reshape(-1, columns + 1, columns + 1)
    twice = product(weights**2, outer[:, : -columns - 1]).reshape(-1, columns, columns + 1)
    bread = sums.root_x.T @ sums.root_x + once[:, :columns, :columns]
    right = sums.root_x.T @ sums.root_y + once[:, :columns, columns]
    inverse = np.linalg.inv(bread)
    gamma = (inverse @ right[:, :, None])[:, :, 0]
    apart = sums.y - gamma @ sums.x.T
    squares = np.sum((sums.root_y - gamma @ sums.root_x.T) ** 2, axis=1)
    within = (squares + np.sum(weights * apart**2, axis=1)) / sums.spare
    trace = weights.sum(axis=1) - np.einsum("rij,rji->r", inverse, twice[:, :, :columns])
    slope: Floats = trace - np.sum((weights * apart) ** 2, axis=1) / within
    return slope


def _log_likelihood(at: _Point, matrix: Floats, scale: float) -> float:
    """Return the restricted log-likelihood as lme4 and nlme count it (in the given columns)."""
    spare = at.sums.spare
    columns = 2 * np.linalg.slogdet(np.linalg.qr(matrix, mode="r"))[1]
    constant = spare * (1 + np.log(2 * np.pi) + 2 * np.log(scale)) + columns
    return float(-(at.deviance + constant) / 2)
