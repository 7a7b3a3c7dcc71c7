"""Least squares with robust variances: `fit` returns every coefficient, for comparison with R."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.stats.least_squares.robust import (
    SEEN,
    SINGULAR,
    Pieces,
    adjusted_scores,
    hotelling_df,
    satterthwaite,
    scale_factor,
)
from evalkit.stats.shared.columns import check_rows, choice, invalid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

UNCLUSTERED = ("HC0", "HC1", "HC2", "HC3", "classical")
CLUSTERED = ("CR0", "CR1", "CR1S", "CR2", "CR3")
ILL_CONDITIONED = 1e10  # condition number of the scaled columns beyond which digits are gone
DELICATE = 100.0  # ... beyond which coefficients are refined
PERFECT = 1e-12  # residual length, as a share of the outcome's, that is rounding only


@dataclass(frozen=True, slots=True, eq=False)
class LinearFit:
    """A linear model fitted by least squares.

    `coefficients`, `std_errors` and `df` follow `names`; `vcov` is names by names. `df` is NaN
    for coefficients whose degrees of freedom were not asked for. `n_clusters` is None without
    clusters. `joint_df` are the degrees of freedom eta of the contrasts in `joint`, None without.
    """

    names: tuple[str, ...]
    coefficients: Floats
    vcov: Floats
    std_errors: Floats
    df: Floats
    residuals: Floats
    n: int
    n_clusters: int | None
    se: str
    joint_df: float | None = None

    def place(self, name: str) -> int:
        """Return the position of a coefficient."""
        return self.names.index(name)


def fit(
    matrix: Floats,
    outcome: Floats,
    names: Sequence[str],
    *,
    cluster: Any = None,
    weights: Floats | None = None,
    se: str = "auto",
    df: str = "satterthwaite",
    terms: Sequence[str] | None = None,
    joint: Floats | None = None,
) -> LinearFit:
    """Fit outcome on the columns of `matrix` and return coefficients with a robust variance.

    Parameters
    ----------
    matrix : array, rows by columns, of full column rank
    outcome : array, one value a row
    names : the columns' names
    cluster : array of labels, one a row, or None
    weights : array of positive numbers, one a row, or None. The working covariance is the
        identity: weights are not taken for inverse variances.
    se : "auto" (HC2, or CR2 with clusters), "HC0" to "HC3", "classical"; with clusters "CR0",
        "CR1", "CR1S", "CR2", "CR3"
    df : "satterthwaite" (Bell and McCaffrey 2002; the classical variance always has n - p), or
        "residual": n - p, and clusters - 1 where clustered
    terms : names whose degrees of freedom are wanted; all by default
    joint : contrasts by columns: linear combinations of the coefficients to be tested together

    Raises
    ------
    InvalidInput
        For an unknown `se` or `df`, or an `se` that does not go with the clusters.
    CannotEstimate
        When there are no more rows than columns, the columns fit the outcome exactly, or they
        nearly determine one another.

    Notes
    -----
    CR2 after Bell and McCaffrey (2002) and Pustejovsky and Tipton (2018). Everything is computed
    in the basis in which the columns are orthonormal, so no rows-by-rows matrix is built.
    """
    kind = resolve_se(se, clustered=cluster is not None)
    choice(df, ("satterthwaite", "residual"), argument="df")
    rows, columns = matrix.shape
    check_rows(rows, columns)
    w = np.ones(rows) if weights is None else weights / weights.mean()
    basis, back, condition = _orthonormal(matrix, None if weights is None else np.sqrt(w))
    level = float(outcome.mean()) if _has_intercept(matrix) else 0.0
    beta, residuals = _solve(basis, back, outcome - level, w)
    beta[0] += level
    if condition > DELICATE:
        beta = _refined(beta, matrix, outcome, back @ (basis * w[:, None]).T)
    codes, clusters = _codes(cluster, rows)
    spare = rows - columns if cluster is None else clusters - 1
    together = None
    if kind == "classical":
        vcov = back @ back.T * float(w @ residuals**2) / spare
        degrees = np.full(columns, float(spare))
    else:
        pieces = adjusted_scores(basis, w, codes, clusters, kind, weighted=weights is not None)
        scores = pieces.sums(residuals) @ back.T
        vcov = scores.T @ scores * scale_factor(kind, clusters, rows, columns)
        wanted = names if terms is None else terms
        degrees = _df(pieces, back, [n in wanted for n in names], spare, df == "residual")
        least = SEEN if kind.endswith("2") else SINGULAR
        together = None if joint is None else hotelling_df(pieces, joint @ back, least)
    return LinearFit(
        names=tuple(names),
        coefficients=beta,
        vcov=vcov,
        std_errors=np.sqrt(np.diag(vcov)),
        df=degrees,
        residuals=residuals,
        n=rows,
        n_clusters=None if cluster is None else clusters,
        se=kind,
        joint_df=together,
    )


def resolve_se(se: str, *, clustered: bool) -> str:
    """Return the kind of standard error, refusing one that does not go with the clusters."""
    choice(se, ("auto", *UNCLUSTERED, *CLUSTERED), argument="se")
    if se == "auto":
        return "CR2" if clustered else "HC2"
    if clustered and se in UNCLUSTERED:
        raise invalid(f"se={se!r} ignores the clusters.", allowed=", ".join(("auto", *CLUSTERED)))
    if not clustered and se in CLUSTERED:
        raise invalid(f"se={se!r} needs cluster=.", allowed=", ".join(("auto", *UNCLUSTERED)))
    return se


def _orthonormal(matrix: Floats, root: Floats | None) -> tuple[Floats, Floats, float]:
    """Return orthonormal columns (under the weights), the map back, and the condition number."""
    scaled, unscale = _standardise(matrix)
    orthonormal, upper = np.linalg.qr(scaled if root is None else scaled * root[:, None])
    condition = float(np.linalg.cond(upper))
    if condition > ILL_CONDITIONED:
        raise CannotEstimate(
            "The columns of the model nearly determine one another (condition number above 1e10), "
            "so their coefficients cannot be computed. Leave one of them out."
        )
    back = unscale @ np.linalg.inv(upper)
    return (orthonormal if root is None else orthonormal / root[:, None]), back, condition


def _refined(beta: Floats, matrix: Floats, outcome: Floats, solver: Floats) -> Floats:
    """Return the coefficients improved once by the residuals taken in extended precision."""
    wide = outcome.astype(np.longdouble) - matrix.astype(np.longdouble) @ beta
    return np.asarray(beta + solver @ wide.astype(np.float64), dtype=np.float64)


def _has_intercept(matrix: Floats) -> bool:
    return bool(np.all(matrix[:, 0] == 1.0))


def _standardise(matrix: Floats) -> tuple[Floats, Floats]:
    """Centre and scale the columns after a leading intercept; return also coefficients' map."""
    columns = matrix.shape[1]
    intercept = _has_intercept(matrix)
    centre = matrix.mean(axis=0) if intercept else np.zeros(columns)
    if intercept:
        centre[0] = 0.0
    centred = matrix - centre
    scale = np.sqrt(np.mean(centred**2, axis=0))
    unscale = np.diag(1 / scale)
    if intercept:
        unscale[0, 1:] = -centre[1:] / scale[1:]
    return centred / scale, unscale


def _solve(basis: Floats, back: Floats, centred: Floats, w: Floats) -> tuple[Floats, Floats]:
    """Return coefficients and residuals; a second pass on the residuals removes rounding."""
    first = basis.T @ (w * centred)
    residuals = centred - basis @ first
    second = basis.T @ (w * residuals)
    residuals = residuals - basis @ second
    if np.sum(residuals**2) <= PERFECT**2 * np.sum(centred**2):
        raise CannotEstimate(
            "The columns of the model fit the outcome exactly, so its uncertainty cannot be told."
        )
    return back @ (first + second), residuals


def _codes(cluster: Any, rows: int) -> tuple[NDArray[np.intp], int]:
    if cluster is None:
        return np.arange(rows), rows
    import pandas as pd

    codes, found = pd.factorize(pd.Series(cluster))
    return np.asarray(codes, dtype=np.intp), len(found)


def _df(pieces: Pieces, back: Floats, wanted: Sequence[bool], spare: int, residual: bool) -> Floats:
    """Return each coefficient's degrees of freedom; NaN where they were not asked for."""
    degrees = np.full(len(back), float(spare) if residual else np.nan)
    if not residual:
        for place in np.flatnonzero(wanted):
            degrees[place] = satterthwaite(pieces, back[place])
    return degrees
