"""Generalised estimating equations: regression of answers that go together within a subject.

With R a subject's working correlation and A its variances, everything is whitened by the Cholesky
factor of A^(1/2) R A^(1/2). In that basis the equations are least squares, so the sandwich of
Kauermann and Carroll is CR2 there, that of Mancl and DeRouen CR3, and `robust` gives both with
their Satterthwaite degrees of freedom, for clusters that may hold several subjects.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate, NotConverged
from evalkit.stats.categories import glm
from evalkit.stats.categories.families import Family
from evalkit.stats.least_squares.linear import PERFECT
from evalkit.stats.least_squares.robust import Pieces, adjusted_scores, satterthwaite
from evalkit.stats.over_time.working_correlation import Working, find_patterns
from evalkit.stats.shared.analysed_rows import orthonormal, project
from evalkit.stats.shared.columns import check_rows, choice

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Codes = NDArray[np.intp]

SANDWICHES = {"KC": "CR2", "MD": "CR3", "robust": "CR0"}
_STEPS = 200
_SETTLED = 1e-10

GAUSSIAN = Family(
    "gaussian",
    mean=lambda eta: eta,
    slope=np.ones_like,
    variance=np.ones_like,
    log_likelihood=lambda y, eta: float(-np.sum((y - eta) ** 2) / 2),
    curvature=lambda y, eta: np.ones_like(eta),
)


@dataclass(frozen=True, slots=True, eq=False)
class GeeFit:
    """Fitted estimating equations.

    `vcov` is names by names, the sandwich of the kind `se`; `model_vcov` the inverse information
    times `scale`, right only where the working correlation is. `alpha` are the parameters of the
    working correlation (one; for "unstructured" the upper triangle by rows; none for
    "independence"), `scale` the mean squared Pearson residual.
    """

    names: tuple[str, ...]
    coefficients: Floats
    vcov: Floats
    model_vcov: Floats
    alpha: tuple[float, ...]
    scale: float
    correlation: str
    n: int
    n_subjects: int
    n_clusters: int
    se: str
    _back: Floats = field(repr=False)
    _white: Floats = field(repr=False)
    _pieces: Pieces = field(repr=False)

    @property
    def std_errors(self) -> Floats:
        """Return the standard errors, in the order of `names`."""
        return np.sqrt(np.diag(self.vcov))

    def contrast(self, gradient: Floats) -> tuple[float, float]:
        """Return the standard error of a linear combination, and its Satterthwaite df."""
        direction = gradient @ self._back  # orthonormal columns: no cancellation
        error = float(np.sqrt(max(float(direction @ self._white @ direction), 0.0)))
        return error, satterthwaite(self._pieces, direction)

    def joint_test(self, gradients: Floats, values: Floats) -> tuple[float, int, float]:
        """Return F, its numerator and denominator df, of the hypothesis that `values` are 0.

        `gradients` (tests by names) are those of `values` in the coefficients. The approximate
        Hotelling test of Tipton and Pustejovsky (2015); the denominator is NaN, and F too, where
        there are too few clusters for so many tests.
        """
        return hotelling(self._pieces, self._white, gradients @ self._back, values)


def fit_gee(
    matrix: Floats,
    outcome: Floats,
    names: Sequence[str],
    *,
    subject: Codes,
    position: Codes,
    family: Family = GAUSSIAN,
    correlation: str = "exchangeable",
    alpha: float | None = None,
    cluster: Codes | None = None,
    se: str = "KC",
) -> GeeFit:
    """Fit estimating equations with one working correlation for every subject.

    Parameters
    ----------
    matrix : array, rows by columns, of full column rank, its first column ones
    outcome : array, one value a row
    names : the columns' names
    subject : codes from 0, none left out: the rows whose answers go together
    position : each row's place in its subject (0, 1, 2 ...), the same place meaning the same
        occasion: "ar1" and "unstructured" use it; places may be missing
    family : GAUSSIAN (identity link), or LOGISTIC or POISSON of `families`
    correlation : "independence", "exchangeable", "ar1" (alpha to the power of the distance
        between places) or "unstructured"
    alpha : the parameter of "exchangeable" or "ar1" where it is known, else it is estimated
    cluster : codes of the outermost clusters, in which whole subjects lie; by default the subjects
    se : "KC" (Kauermann and Carroll 2001), "MD" (Mancl and DeRouen 2001), both corrected for few
        clusters, or "robust" (Liang and Zeger 1986), which is not

    Raises
    ------
    CannotEstimate
        When there are no more rows than columns, the columns fit or separate the outcome, or two
        places are never seen in one subject ("unstructured").
    NotConverged
        When the steps do not settle or the working correlation is no correlation.

    Notes
    -----
    Moments as in geepack, without a correction for the number of columns: `scale` is the mean of
    the squared Pearson residuals, alpha the least-squares fit to the products of all pairs within
    subjects. Liang and Zeger (1986), Biometrika 73:13-22; Kauermann and Carroll (2001), JASA
    96:1387-1396; Mancl and DeRouen (2001), Biometrics 57:126-134.
    """
    choice(se, SANDWICHES, argument="se")
    check_rows(*matrix.shape)
    basis, back = orthonormal(matrix)
    patterns = find_patterns(subject, position, by_place=correlation in ("ar1", "unstructured"))
    working = Working(correlation, patterns, alpha)
    level, spread, start, y = _centred(basis, outcome, family)
    gamma = _solve(matrix, basis, y, names, family, working)
    white, errors = _whitened(basis, y, basis @ gamma, family, working)
    z, upper = np.linalg.qr(white)
    codes = subject if cluster is None else cluster
    pieces = adjusted_scores(
        z, np.ones(len(z)), codes, int(codes.max()) + 1, SANDWICHES[se], weighted=False
    )
    sums = pieces.sums(errors)
    map_back = spread * back @ np.linalg.inv(upper)
    beta = back @ (start + spread * gamma)
    beta[0] += level
    return GeeFit(
        names=tuple(names),
        coefficients=beta,
        vcov=map_back @ (sums.T @ sums) @ map_back.T,
        model_vcov=working.scale * map_back @ map_back.T,
        alpha=working.parameters,
        scale=working.scale * spread**2,
        correlation=correlation,
        n=len(y),
        n_subjects=int(subject.max()) + 1,
        n_clusters=int(codes.max()) + 1,
        se=se,
        _back=map_back,
        _white=sums.T @ sums,
        _pieces=pieces,
    )


def _centred(basis: Floats, outcome: Floats, family: Family) -> tuple[float, float, Floats, Floats]:
    """Return level, spread, least-squares start and what is left of a gaussian outcome."""
    nothing = np.zeros(basis.shape[1])
    if family is not GAUSSIAN:
        return 0.0, 1.0, nothing, outcome
    level = float(outcome.mean())
    start, left = project(basis, outcome - level)
    if np.linalg.norm(left) <= PERFECT * np.linalg.norm(outcome - level):
        raise CannotEstimate(
            "The columns of the model fit the outcome exactly, so its uncertainty cannot be told."
        )
    spread = float(np.sqrt(np.mean(left**2)))
    return level, spread, start, left / spread


def _solve(
    matrix: Floats,
    basis: Floats,
    y: Floats,
    names: Sequence[str],
    family: Family,
    working: Working,
) -> Floats:
    """Return the coefficients of the orthonormal columns: Fisher's steps and moments in turn."""
    gamma = _start(matrix, basis, y, names, family)
    working.update(_pearson(y, basis @ gamma, family))
    for _ in range(_STEPS):
        white, errors = _whitened(basis, y, basis @ gamma, family, working)
        step: Any = np.linalg.lstsq(white, errors, rcond=None)[0]
        gamma = np.asarray(gamma + step, dtype=np.float64)
        eta = basis @ gamma
        moved = working.update(_pearson(y, eta, family))
        small = np.max(np.abs(basis @ step)) <= _SETTLED * (1 + np.max(np.abs(eta)))
        if small and moved <= _SETTLED:
            return gamma
    raise NotConverged(
        f"The estimating equations did not settle in {_STEPS} steps, so they have no estimate. "
        "Use fewer covariates, or correlation='independence'."
    )


def _start(
    matrix: Floats, basis: Floats, y: Floats, names: Sequence[str], family: Family
) -> Floats:
    """Return the estimate for independent rows, which finds out about separation too."""
    if family is GAUSSIAN:
        return np.zeros(basis.shape[1])
    start: Floats = basis.T @ (matrix @ glm.fit(matrix, y, names, family=family).coefficients)
    return start


def _pearson(y: Floats, eta: Floats, family: Family) -> Floats:
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        found: Floats = (y - family.mean(eta)) / np.sqrt(family.variance(eta))
    if not np.all(np.isfinite(found)):
        raise NotConverged(
            f"The {family.name} equations ran to impossible values, so they have no estimate. "
            "Use fewer covariates, or look for a column that nearly decides the outcome."
        )
    return found


def _whitened(
    basis: Floats, y: Floats, eta: Floats, family: Family, working: Working
) -> tuple[Floats, Floats]:
    """Return the columns and the residuals whitened by the working covariance."""
    columns = basis * (family.slope(eta) / np.sqrt(family.variance(eta)))[:, None]
    both = working.whiten(np.column_stack([columns, _pearson(y, eta, family)]))
    return both[:, :-1], both[:, -1]


def hotelling(
    pieces: Pieces, white: Floats, directions: Floats, values: Floats
) -> tuple[float, int, float]:
    """Return F and its df for several linear combinations at once (HTZ).

    The sandwich of the combinations, scaled by what it is expected to be under the working model,
    is taken for a Wishart matrix whose df match its total variance: Tipton and Pustejovsky (2015),
    Journal of Educational and Behavioral Statistics 40:604-634.
    """
    tests = len(directions)
    values_of, vectors = np.linalg.eigh(_expected(pieces, directions))
    if values_of[0] <= 1e-12 * values_of[-1]:
        return float("nan"), tests, float("nan")
    unit = (vectors / np.sqrt(values_of)).T @ directions
    total = _total_variance(pieces, unit)
    df = tests * (tests + 1) / total - tests + 1
    spread = directions @ white @ directions.T
    if df <= 0 or np.linalg.cond(spread) > 1e12:
        return float("nan"), tests, float("nan")
    wald = float(values @ np.linalg.solve(spread, values))
    return df / (df + tests - 1) * wald / tests, tests, float(df)


def _parts(pieces: Pieces, directions: Floats) -> tuple[list[Floats], list[Floats]]:
    """Return for each direction t_g (rows) and Z_g't_g (clusters by columns)."""
    rows = [pieces.adjusted @ direction for direction in directions]
    return rows, [pieces.by_cluster(pieces.basis * t[:, None]) for t in rows]


def _expected(pieces: Pieces, directions: Floats) -> Floats:
    rows, sums = _parts(pieces, directions)
    both = [[float(a @ b) for b in rows] for a in rows]
    less = [[float(np.sum(a * b)) for b in sums] for a in sums]
    found: Floats = np.array(both) - np.array(less)
    return found


def _total_variance(pieces: Pieces, directions: Floats) -> float:
    """Return the sum over entries (s, t) of the variance of the scaled sandwich.

    With P_st[i, j] = [i = j] t_si't_ti - (Z_i't_si)'(Z_j't_tj) the variance of entry (s, t) is
    the sum over clusters i, j of P_ss[i, j] P_tt[i, j] + P_st[i, j] P_st[j, i].
    """
    rows, sums = _parts(pieces, directions)
    places = range(len(rows))

    def products(a: int, b: int, c: int, d: int) -> float:
        one = pieces.by_cluster((rows[a] * rows[b])[:, None])[:, 0]
        two = pieces.by_cluster((rows[c] * rows[d])[:, None])[:, 0]
        near, far = np.sum(sums[a] * sums[b], axis=1), np.sum(sums[c] * sums[d], axis=1)
        whole = np.sum((sums[a].T @ sums[c]) * (sums[b].T @ sums[d]))
        return float(one @ two - one @ far - two @ near + whole)

    return sum(products(s, s, t, t) + products(s, t, t, s) for s in places for t in places)
