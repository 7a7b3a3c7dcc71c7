"""A linear model whose level and treatment effect vary over sites, by restricted likelihood.

The model is y = Xb + u_s + w_s t + e, with t the treatment, the pair (u_s, w_s) of covariance
within * M, and e of variance `within`. A site is one or two cells (comparison, treatment); people
within a cell differ by e alone, so the likelihood needs only the cells' sizes and means beside one
cross-product. It is maximised over M = LL' for every rank M can have (0, 1 and 2), from several
starts, and each maximum must satisfy its conditions: no slope, a positive curvature, and no
gain from a higher rank.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evalkit.errors import CannotEstimate, NotConverged
from evalkit.stats.clusters.site_likelihood import UNITS, CellSums, Point, cell_sums
from evalkit.stats.least_squares.linear import PERFECT, LinearFit
from evalkit.stats.shared.analysed_rows import orthonormal, project
from evalkit.stats.shared.columns import check_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Codes = NDArray[np.intp]

_SLOPE = 1e-6  # of the deviance, at a maximum
_SAME = 1e-7  # difference in deviance below which the lower rank is kept


@dataclass(frozen=True, slots=True, eq=False)
class SiteSlopes:
    """The fitted model: `linear` holds coefficients, standard errors and Satterthwaite df.

    `covariance` is that of a site's level and effect (2 by 2) in squared outcome units, `within`
    the variance within sites and arms, `rank` the covariance's rank (2 unless on a boundary).
    `total` is a person's variance, averaged over the arms as they are in the rows, and `total_df`
    are its degrees of freedom: 2 total^2 / var(total).
    """

    linear: LinearFit
    covariance: Floats
    within: float
    rank: int
    total: float
    total_df: float
    log_likelihood: float


def fit_site_slopes(
    matrix: Floats, outcome: Floats, names: Sequence[str], arm: Floats, codes: Codes
) -> SiteSlopes:
    """Fit outcome on the columns of `matrix`, level and effect of the arm varying over sites.

    Parameters
    ----------
    matrix : array, rows by columns, of full column rank, its first column ones
    outcome, arm : arrays, one value a row; arm is 1 or 0
    names : the columns' names
    codes : array of site numbers from 0, one a row, none left out

    Raises
    ------
    CannotEstimate
        When fewer than two sites hold both arms, no cell has two people, or the columns fit the
        outcome exactly.
    NotConverged
        When the likelihood has no maximum that can be found.

    Notes
    -----
    Degrees of freedom as in lmerTest (Kuznetsova, Brockhoff and Christensen 2017), with the
    Hessian in closed form. Where M is singular only its free parameters are uncertain; where it
    is zero the df are rows - columns.
    """
    check_rows(*matrix.shape)
    basis, back = orthonormal(matrix)
    level = float(outcome.mean())
    start, left = project(basis, outcome - level)
    if np.linalg.norm(left) <= PERFECT * np.linalg.norm(outcome - level):
        raise CannotEstimate(
            "The columns of the model fit the outcome exactly, so its uncertainty cannot be told."
        )
    scale = float(np.sqrt(np.mean(left**2)))
    sums = cell_sums(basis, left / scale, arm, codes)
    _check_told_apart(sums)
    root, at = _best(sums)
    beta = back @ (start + scale * at.gamma)
    beta[0] += level
    vcov = scale**2 * at.within * back @ at.inverse @ back.T
    linear = LinearFit(
        names=tuple(names),
        coefficients=beta,
        vcov=vcov,
        std_errors=np.sqrt(np.diag(vcov)),
        df=_degrees(at, root, back),
        residuals=outcome - level - basis @ (start + scale * at.gamma),
        n=len(outcome),
        n_clusters=len(sums.sizes),
        se="REML",
    )
    columns = 2 * np.linalg.slogdet(np.linalg.qr(matrix, mode="r"))[1]
    share = float(arm.mean())
    constant = sums.spare * (1 + np.log(2 * np.pi) + 2 * np.log(scale)) + columns
    return SiteSlopes(
        linear=linear,
        covariance=scale**2 * at.within * at.m,
        within=scale**2 * at.within,
        rank=root.shape[1],
        total=scale**2 * at.within * _ratio(at.m, share),
        total_df=_total_df(at, root, share),
        log_likelihood=float(-(at.deviance + constant) / 2),
    )


def _check_told_apart(sums: CellSums) -> None:
    """Refuse where sites or people leave nothing to tell the variances from."""
    both = int(np.sum(np.all(sums.sizes > 0, axis=1)))
    if both < 2:
        raise CannotEstimate(
            f"{both} site(s) hold both arms; the effect's variation over sites needs 2 or more. "
            "Where whole sites are in one arm use mixed_difference."
        )
    cells = int(np.sum(sums.sizes > 0))
    if sums.rows - cells < 1:
        raise CannotEstimate(
            "No site has two people in the same arm, so how people differ cannot be told apart "
            "from how effects differ over sites. Use mixed_difference."
        )
    least = np.linalg.lstsq(sums.root_x, sums.root_y, rcond=1e-8)[0]
    if np.linalg.norm(sums.root_y - sums.root_x @ least) <= 1e-8 * np.sqrt(sums.rows):
        raise CannotEstimate(
            "The outcome does not vary within sites and arms beyond what the covariates say, so "
            "its variance there is zero. Analyse one row a site and arm."
        )


def _root(theta: Floats) -> Floats:
    """Return L of M = LL': none, one column, or lower triangular, by the number of parameters."""
    if len(theta) == 0:
        return np.zeros((2, 0))
    if len(theta) == 2:
        return np.asarray(theta, dtype=np.float64)[:, None]
    return np.array([[theta[0], 0.0], [theta[1], theta[2]]])


_PLACES = {0: [], 2: [(0, 0), (1, 0)], 3: [(0, 0), (1, 0), (1, 1)]}
_STARTS: dict[int, list[tuple[float, ...]]] = {
    2: [(0.3, 0.3), (0.3, -0.3), (1.5, 0.2), (0.1, 1.0), (3.0, -3.0)],
    3: [(0.3, 0.1, 0.3), (0.3, -0.2, 0.1), (1.5, 0.1, 0.5), (3.0, -2.0, 2.0)],
}


def _best(sums: CellSums) -> tuple[Floats, Point]:
    """Return the root of M with the highest likelihood, and the point; lower ranks come first."""
    zero = Point.at(sums, np.zeros((2, 2)))
    theta, best = np.zeros(0), zero
    for size in (2, 3):
        for start in _STARTS[size]:
            found, point = _climb(sums, np.array(start))
            if point.deviance < best.deviance - _SAME:
                theta, best = found, point
    if len(theta):
        theta, best = _polished(sums, theta)
    _check_maximum(best, theta)
    return _root(theta), best


def _objective(sums: CellSums) -> Callable[[Floats], tuple[float, Floats]]:
    def value(theta: Floats) -> tuple[float, Floats]:
        root = _root(theta)
        point = Point.at(sums, root @ root.T)
        slope = 2 * point.gradient @ root
        return point.deviance, np.array([slope[place] for place in _PLACES[len(theta)]])

    return value


def _climb(sums: CellSums, start: Floats) -> tuple[Floats, Point]:
    from scipy.optimize import minimize

    with np.errstate(all="ignore"):
        found = minimize(
            _objective(sums), start, jac=True, method="BFGS", options={"gtol": 1e-7, "maxiter": 300}
        )
    root = _root(found.x)
    if not np.all(np.isfinite(root)) or np.max(np.abs(root)) > 1e5:
        raise NotConverged(
            "The restricted likelihood rises without end: nearly all the variance lies between "
            "sites. Analyse one row a site and arm."
        )
    return np.asarray(found.x, dtype=np.float64), Point.at(sums, root @ root.T)


def _profile_hessian(point: Point, theta: Floats) -> tuple[Floats, Floats]:
    """Return the Hessian by theta and `within` together, and the map from theta to M."""
    root, places = _root(theta), _PLACES[len(theta)]
    steps = []
    for row, column in places:
        unit = np.zeros_like(root)
        unit[row, column] = 1.0
        steps.append(unit)
    moves = [unit @ root.T + root @ unit.T for unit in steps]
    jacobian = np.array([[move[0, 0], move[0, 1], move[1, 1]] for move in moves])
    curve, rest = point.second()
    k = len(places)
    hessian = np.empty((k + 1, k + 1))
    hessian[:k, :k] = jacobian @ curve @ jacobian.T
    for i, one in enumerate(steps):
        for j, two in enumerate(steps):
            hessian[i, j] += 2 * float(np.sum(point.gradient * (one @ two.T)))
    hessian[:k, k] = hessian[k, :k] = jacobian @ rest[:3]
    hessian[k, k] = rest[3]
    return hessian, jacobian


def _polished(sums: CellSums, theta: Floats) -> tuple[Floats, Point]:
    """Return theta after Newton's steps, each kept only while the slope falls."""
    value = _objective(sums)
    slope = value(theta)[1]
    for _ in range(20):
        root = _root(theta)
        hessian, _ = _profile_hessian(Point.at(sums, root @ root.T), theta)
        profile = hessian[:-1, :-1] - np.outer(hessian[:-1, -1], hessian[-1, :-1]) / hessian[-1, -1]
        step = np.linalg.lstsq(profile, slope, rcond=1e-12)[0]
        new_slope = value(theta - step)[1]
        if not np.linalg.norm(new_slope) < np.linalg.norm(slope):
            break
        theta, slope = theta - step, new_slope
    root = _root(theta)
    return theta, Point.at(sums, root @ root.T)


def _check_maximum(point: Point, theta: Floats) -> None:
    """Refuse a point that is no maximum: it slopes, or a higher rank would gain."""
    root = _root(theta)
    size = 1 + abs(point.deviance)
    steep = float(np.max(np.abs(point.gradient @ root), initial=0.0)) > _SLOPE * size
    gain = len(theta) < 3 and float(np.linalg.eigvalsh(point.gradient)[0]) < -1e-4 * size
    if steep or gain:
        raise NotConverged(
            "No maximum of the restricted likelihood was found. More sites with people in both "
            "arms are needed, or use mixed_difference or mean_difference with strata."
        )


def _uncertainty(point: Point, root: Floats) -> tuple[Floats, Floats]:
    """Return the inverse Hessian by the free parameters and `within`, and their map to M."""
    if root.shape[1] == 0:
        return np.array([[point.within**2 / point.sums.spare]]), np.zeros((0, 3))
    theta = root[:, 0] if root.shape[1] == 1 else np.array([root[0, 0], root[1, 0], root[1, 1]])
    hessian, jacobian = _profile_hessian(point, theta)
    if not (np.all(np.isfinite(hessian)) and np.linalg.eigvalsh(hessian)[0] > 0):
        raise NotConverged(
            "The restricted likelihood is flat at its maximum, so the degrees of freedom cannot "
            "be told. More sites with people in both arms are needed, or use mixed_difference."
        )
    return np.asarray(np.linalg.inv(hessian), dtype=np.float64), jacobian


def _degrees(point: Point, root: Floats, back: Floats) -> Floats:
    """Return every coefficient's Satterthwaite degrees of freedom."""
    inverse, jacobian = _uncertainty(point, root)
    solved = np.einsum("ij,jk,ik->i", back, point.inverse, back)
    seen = np.einsum("sak,kl,il->isa", point.cross, point.inverse, back)
    by_m = np.array([np.einsum("isa,ab,isb->i", seen, u, seen) for u in UNITS])
    gradient = np.vstack([point.within * jacobian @ by_m, solved])
    spread = np.einsum("ij,ik,kj->j", gradient, inverse, gradient)
    return np.asarray((point.within * solved) ** 2 / spread)


def _ratio(m: Floats, share: float) -> float:
    """Return a person's variance over `within`, the arms weighted by their shares."""
    return float(1 + m[0, 0] + share * (m[1, 1] + 2 * m[0, 1]))


def _total_df(point: Point, root: Floats, share: float) -> float:
    inverse, jacobian = _uncertainty(point, root)
    ratio = _ratio(point.m, share)
    gradient = np.append(point.within * jacobian @ np.array([1.0, 2 * share, share]), ratio)
    return float((point.within * ratio) ** 2 / (gradient @ inverse @ gradient))
