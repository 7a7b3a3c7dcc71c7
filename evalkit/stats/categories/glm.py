"""Logistic, Poisson and negative-binomial regression, with model-based and robust variances."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import NotConverged
from evalkit.stats.categories.diagonal_roots import SINGULAR, scaled_inverse_root
from evalkit.stats.categories.families import LOGISTIC, Family
from evalkit.stats.categories.separation import check_separation
from evalkit.stats.least_squares.robust import Pieces, hotelling_df, satterthwaite, scale_factor
from evalkit.stats.shared.columns import check_rows, choice

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

KINDS = ("model", "HC0", "HC1", "HC2", "CR0", "CR1", "CR2")
_STEPS = 200
_SETTLED = 1e-10  # change of the linear predictor
_EXTREME = 15.0  # log odds, or range of log rates, at which separation is looked for


@dataclass(frozen=True, slots=True, eq=False)
class GlmFit:
    """A fitted generalised linear model; `vcov` is names by names, of the kind `se`."""

    names: tuple[str, ...]
    coefficients: Floats
    vcov: Floats
    fitted: Floats
    log_likelihood: float
    n: int
    n_clusters: int | None
    se: str
    family: Family
    _back: Floats = field(repr=False)
    _white: Floats = field(repr=False)
    _pieces: Pieces | None = field(repr=False)

    @property
    def std_errors(self) -> Floats:
        """Return the standard errors, in the order of `names`."""
        return np.sqrt(np.diag(self.vcov))

    def contrast(self, gradient: Floats) -> tuple[float, float]:
        """Return the standard error of a linear combination, and its degrees of freedom.

        Satterthwaite (Bell-McCaffrey) for HC2 and CR2, clusters - 1 for CR0 and CR1, else
        infinite (normal).
        """
        direction = gradient @ self._back  # orthonormal columns: no cancellation
        error = sqrt(max(float(direction @ self._white @ direction), 0.0))
        if self._pieces is not None:
            return error, satterthwaite(self._pieces, direction)
        return error, inf if self.n_clusters is None else self.n_clusters - 1.0

    def joint_df(self, contrasts: Floats) -> float | None:
        """Return the degrees of freedom of several contrasts (rows) together, of HC2 and CR2.

        NaN where a combination rests on one cluster; None for the other kinds.
        """
        if self._pieces is None:
            return None
        return hotelling_df(self._pieces, contrasts @ self._back)


def fit(
    matrix: Floats,
    outcome: Floats,
    names: Sequence[str],
    *,
    family: Family,
    offset: Floats | None = None,
    cluster: Any = None,
    se: str = "model",
    start: Floats | None = None,
) -> GlmFit:
    """Fit by maximum likelihood (Newton's steps).

    Parameters
    ----------
    matrix : array, rows by columns, of full column rank
    outcome : array, one value a row
    names : the columns' names
    offset : array added to the linear predictor, one value a row
    cluster : array of labels, one a row, for CR0, CR1 and CR2
    se : "model" (expected information), "HC0" to "HC2", or with clusters "CR0", "CR1", "CR2":
        the bias-reduced linearisation of Pustejovsky and Tipton (2018) on the working variance,
        as clubSandwich computes it; HC2 is CR2 with every row its own cluster
    start : coefficients to start from

    Raises
    ------
    CannotEstimate
        When there are no more rows than columns, or the columns separate the outcome.
    NotConverged
        When the steps do not settle.
    """
    choice(se, KINDS, argument="se")
    check_rows(*matrix.shape)
    basis, back = _orthonormal(matrix)
    shift = np.zeros(len(outcome)) if offset is None else offset
    first = None if start is None else basis.T @ (matrix @ start)
    with np.errstate(over="ignore", invalid="ignore"):  # looked at in every step
        gamma = _solve(matrix, basis, outcome, shift, family, names, first)
    eta = basis @ gamma + shift
    working = _Working(basis, outcome, family, eta)
    codes, clusters = _codes(cluster, len(outcome))
    white, pieces = working.variance(codes, clusters, se)
    map_back = back @ working.unwhiten
    return GlmFit(
        names=tuple(names),
        coefficients=back @ gamma,
        vcov=map_back @ white @ map_back.T,
        fitted=family.mean(eta),
        log_likelihood=family.log_likelihood(outcome, eta),
        n=len(outcome),
        n_clusters=None if cluster is None else clusters,
        se=se,
        family=family,
        _back=map_back,
        _white=white,
        _pieces=pieces if se in ("HC2", "CR2") else None,
    )


def _orthonormal(matrix: Floats) -> tuple[Floats, Floats]:
    """Return orthonormal columns and the map back; centred first after a leading intercept."""
    columns = matrix.shape[1]
    centre = np.zeros(columns)
    if np.all(matrix[:, 0] == 1.0):
        centre[1:] = matrix[:, 1:].mean(axis=0)
    basis, upper = np.linalg.qr(matrix - centre)
    unshift = np.eye(columns)
    unshift[0, 1:] = -centre[1:]
    return basis, unshift @ np.linalg.inv(upper)


def _solve(
    matrix: Floats,
    basis: Floats,
    y: Floats,
    shift: Floats,
    family: Family,
    names: Sequence[str],
    first: Floats | None,
) -> Floats:
    """Return the coefficients of the orthonormal columns: by Newton steps."""
    gamma = _start(basis, y, shift, family) if first is None else first
    looked, yes_no = False, family is LOGISTIC
    for _ in range(_STEPS):
        step = _step(basis, y, shift + basis @ gamma, family)
        gamma = gamma + step
        eta = shift + basis @ gamma
        far = np.max(np.abs(eta)) if yes_no else np.ptp(eta - shift)
        if not looked and far > _EXTREME:
            check_separation(matrix, y, names, counts=not yes_no)
            looked = True
        if np.max(np.abs(basis @ step)) <= _SETTLED * (1 + np.max(np.abs(eta))):
            return gamma
    raise NotConverged(
        f"The {family.name} regression did not settle in {_STEPS} steps, so it has no estimate. "
        "Use fewer covariates, or look for a column that nearly decides the outcome."
    )


def _start(basis: Floats, y: Floats, shift: Floats, family: Family) -> Floats:
    """Return the coefficients of a first guess at the linear predictor."""
    if family is LOGISTIC:
        guess = np.log((y + 0.5) / (1.5 - y))
    else:
        exposure = np.exp(shift)
        rate = y.sum() / exposure.sum()
        guess = np.log((y + rate * exposure + 1e-12) / (2 * exposure))
    found: Floats = basis.T @ guess
    return found


def _step(basis: Floats, y: Floats, eta: Floats, family: Family) -> Floats:
    """Return Newton's step, halved until the likelihood no longer falls."""
    slope, bend = family.slope(eta), family.curvature(y, eta)
    spread = family.variance(eta)
    if not (np.all(np.isfinite(spread)) and np.all(spread > 0) and np.all(bend > 0)):
        raise NotConverged(
            f"The {family.name} regression ran to impossible values, so it has no estimate. "
            "Use fewer covariates, or look for a column that nearly decides the outcome."
        )
    root = np.sqrt(bend)
    pull = (y - family.mean(eta)) * slope / spread
    step: Any = np.linalg.lstsq(basis * root[:, None], pull / root, rcond=None)[0]
    now, size = family.log_likelihood(y, eta), 1.0
    while size > 1e-6:
        later = family.log_likelihood(y, eta + basis @ (size * step))
        if later >= now - 1e-10 * (1 + abs(now)):
            break
        size /= 2
    found: Floats = size * step
    return found


class _Working:
    """The fit whitened: Z orthonormal, e Pearson residuals, v the outcome's variance."""

    def __init__(self, basis: Floats, y: Floats, family: Family, eta: Floats) -> None:
        mu = family.mean(eta)
        self.v = family.variance(eta)
        root = np.sqrt(self.v)
        self.e = (y - mu) / root
        self.z, upper = np.linalg.qr(basis * (family.slope(eta) / root)[:, None])
        self.unwhiten: Floats = np.linalg.inv(upper)

    def variance(self, codes: Any, clusters: int, kind: str) -> tuple[Floats, Pieces | None]:
        """Return the variance of the coefficients of Z, and the pieces it is made of."""
        rows, columns = self.z.shape
        if kind == "model":
            return np.eye(columns), None
        order = np.argsort(codes, kind="stable")
        starts = np.searchsorted(codes[order], np.arange(clusters))
        z, v = self.z[order], self.v[order]
        adjusted = _bias_reduced(z, v, starts) if kind in ("HC2", "CR2") else z
        pieces = Pieces(order, starts, z, np.ones(rows), adjusted)
        sums = pieces.sums(self.e)
        return sums.T @ sums * scale_factor(kind, clusters, rows, columns), pieces


def _bias_reduced(z: Floats, v: Floats, starts: Any) -> Floats:
    """Return V_g B_g^(-1/2) Z_g, B_g = V_g (I - Z_g Z_g') V_g, V_g diagonal.

    clubSandwich takes the symmetric root after scaling by the working variance, so B_g is not
    the identity plus a matrix of low rank; `scaled_inverse_root` says how its root is found.
    """
    if len(starts) == len(z):
        room = 1 - np.einsum("ij,ij->i", z, z)
        usable = room > SINGULAR
        return z * np.where(usable, 1 / np.sqrt(np.where(usable, room, 1.0)), 0.0)[:, None]
    adjusted = np.empty_like(z)
    for a, b in zip(starts, [*starts[1:], len(z)], strict=True):
        adjusted[a:b] = scaled_inverse_root(z[a:b], v[a:b])
    return adjusted


def _codes(cluster: Any, rows: int) -> tuple[Any, int]:
    if cluster is None:
        return np.arange(rows), rows
    import pandas as pd

    codes, found = pd.factorize(pd.Series(cluster))
    return np.asarray(codes, dtype=np.intp), len(found)
