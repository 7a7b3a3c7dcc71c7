"""A linear model whose level and slope vary over groups, by restricted maximum likelihood.

The model is y = Xb + u_g + w_g t + e, with t a column (the arm of people in sites, the time of a
person's rows), the pair (u_g, w_g) of covariance within * M, and e of variance `within`. Within a
group the rows enter by what they say along 1 and t, so the likelihood needs two numbers a group and
column beside one cross-product. It is maximised over M = LL' for every rank M can have (0, 1 and
2), from several starts, and each maximum must satisfy its conditions: no slope, a positive
curvature, and no gain from a higher rank. In the search t has mean 0 and SD 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evalkit.errors import CannotEstimate, NotConverged
from evalkit.stats.clusters.slope_likelihood import UNITS, Point, SlopeSums, slope_sums
from evalkit.stats.least_squares.linear import PERFECT, LinearFit
from evalkit.stats.shared.analysed_rows import orthonormal, project
from evalkit.stats.shared.columns import check_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Codes = NDArray[np.intp]

_SLOPE = 1e-6  # of the deviance, at a maximum
_SAME = 1e-7  # difference in deviance below which the lower rank is kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What refusals say: where `few` groups have a slope (given their number), no row is to
    `spare` in them, the outcome is `flat` there, it has `no_end`, or `more` data are needed."""

    few: str
    spare: str
    flat: str
    no_end: str
    more: str


@dataclass(frozen=True, slots=True, eq=False)
class RandomSlope:
    """The fitted model: `linear` holds coefficients, standard errors and Satterthwaite df.

    `covariance` is that of a group's level (where the slope's column is 0) and slope, 2 by 2,
    `within` the variance of what is left, `rank` the covariance's rank (2 unless on a boundary).
    `total` is a row's variance, averaged over the rows, and `total_df` are its degrees of freedom:
    2 total^2 / var(total).
    """

    linear: LinearFit
    covariance: Floats
    within: float
    rank: int
    total: float
    total_df: float
    log_likelihood: float


def fit_random_slope(
    matrix: Floats,
    outcome: Floats,
    names: Sequence[str],
    slope: Floats,
    codes: Codes,
    words: Words,
) -> RandomSlope:
    """Fit outcome on the columns of `matrix`, level and slope varying over groups.

    Parameters
    ----------
    matrix : array, rows by columns, of full column rank, its first column ones
    outcome, slope : arrays, one value a row
    names : the columns' names
    codes : array of group numbers from 0, one a row, none left out
    words : what refusals say

    Raises
    ------
    CannotEstimate
        When the slope's column varies within fewer than two groups, no row is to spare within
        groups, or the columns fit the outcome exactly.
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
    centre, spread = float(slope.mean()), float(slope.std())
    if np.ptp(slope) == 0:
        raise CannotEstimate(words.few.format(0))
    sums = slope_sums(basis, left / scale, (slope - centre) / spread, codes)
    _check_told_apart(sums, words)
    root, at = _best(sums, words)
    beta = back @ (start + scale * at.gamma)
    beta[0] += level
    vcov = scale**2 * at.within * back @ at.inverse @ back.T
    inverse, jacobian = _uncertainty(at, root, words)
    linear = LinearFit(
        names=tuple(names),
        coefficients=beta,
        vcov=vcov,
        std_errors=np.sqrt(np.diag(vcov)),
        df=_degrees(at, inverse, jacobian, back),
        residuals=outcome - level - basis @ (start + scale * at.gamma),
        n=len(outcome),
        n_clusters=len(sums.z),
        se="REML",
    )
    columns = 2 * np.linalg.slogdet(np.linalg.qr(matrix, mode="r"))[1]
    constant = sums.spare * (1 + np.log(2 * np.pi) + 2 * np.log(scale)) + columns
    turn = np.array([[1.0, -centre / spread], [0.0, 1 / spread]])
    ratio = 1 + float(np.trace(at.m))
    return RandomSlope(
        linear=linear,
        covariance=scale**2 * at.within * turn @ at.m @ turn.T,
        within=scale**2 * at.within,
        rank=root.shape[1],
        total=scale**2 * at.within * ratio,
        total_df=_total_df(at, ratio, inverse, jacobian),
        log_likelihood=float(-(at.deviance + constant) / 2),
    )


def _check_told_apart(sums: SlopeSums, words: Words) -> None:
    """Refuse where groups or rows leave nothing to tell the variances from."""
    sloped = int(np.count_nonzero(sums.z[:, 1, 1]))
    if sloped < 2:
        raise CannotEstimate(words.few.format(sloped))
    if sums.rows - len(sums.z) - sloped < 1:
        raise CannotEstimate(words.spare)
    least = np.linalg.lstsq(sums.root_x, sums.root_y, rcond=1e-8)[0]
    if np.linalg.norm(sums.root_y - sums.root_x @ least) <= 1e-8 * np.sqrt(sums.rows):
        raise CannotEstimate(words.flat)


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


def _best(sums: SlopeSums, words: Words) -> tuple[Floats, Point]:
    """Return the root of M with the highest likelihood, and the point; lower ranks come first."""
    zero = Point.at(sums, np.zeros((2, 2)))
    theta, best = np.zeros(0), zero
    for size in (2, 3):
        for start in _STARTS[size]:
            found, point = _climb(sums, np.array(start), words)
            if point.deviance < best.deviance - _SAME:
                theta, best = found, point
    if len(theta):
        theta, best = _polished(sums, theta)
    _check_maximum(best, theta, words)
    return _root(theta), best


def _objective(sums: SlopeSums) -> Callable[[Floats], tuple[float, Floats]]:
    def value(theta: Floats) -> tuple[float, Floats]:
        root = _root(theta)
        point = Point.at(sums, root @ root.T)
        slope = 2 * point.gradient @ root
        return point.deviance, np.array([slope[place] for place in _PLACES[len(theta)]])

    return value


def _climb(sums: SlopeSums, start: Floats, words: Words) -> tuple[Floats, Point]:
    from scipy.optimize import minimize

    with np.errstate(all="ignore"):
        found = minimize(
            _objective(sums), start, jac=True, method="BFGS", options={"gtol": 1e-7, "maxiter": 300}
        )
    root = _root(found.x)
    if not np.all(np.isfinite(root)) or np.max(np.abs(root)) > 1e5:
        raise NotConverged(f"The restricted likelihood rises without end: {words.no_end}")
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


def _polished(sums: SlopeSums, theta: Floats) -> tuple[Floats, Point]:
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


def _check_maximum(point: Point, theta: Floats, words: Words) -> None:
    """Refuse a point that is no maximum: it slopes, or a higher rank would gain."""
    root = _root(theta)
    size = 1 + abs(point.deviance)
    steep = float(np.max(np.abs(point.gradient @ root), initial=0.0)) > _SLOPE * size
    gain = len(theta) < 3 and float(np.linalg.eigvalsh(point.gradient)[0]) < -1e-4 * size
    if steep or gain:
        raise NotConverged(f"No maximum of the restricted likelihood was found. {words.more}")


def _uncertainty(point: Point, root: Floats, words: Words) -> tuple[Floats, Floats]:
    """Return the inverse Hessian by the free parameters and `within`, and their map to M."""
    if root.shape[1] == 0:
        return np.array([[point.within**2 / point.sums.spare]]), np.zeros((0, 3))
    theta = root[:, 0] if root.shape[1] == 1 else np.array([root[0, 0], root[1, 0], root[1, 1]])
    hessian, jacobian = _profile_hessian(point, theta)
    if not (np.all(np.isfinite(hessian)) and np.linalg.eigvalsh(hessian)[0] > 0):
        raise NotConverged(
            "The restricted likelihood is flat at its maximum, so the degrees of freedom cannot "
            f"be told. {words.more}"
        )
    return np.asarray(np.linalg.inv(hessian), dtype=np.float64), jacobian


def _degrees(point: Point, inverse: Floats, jacobian: Floats, back: Floats) -> Floats:
    """Return every coefficient's Satterthwaite degrees of freedom."""
    solved = np.einsum("ij,jk,ik->i", back, point.inverse, back)
    seen = np.einsum("sak,kl,il->isa", point.cross, point.inverse, back)
    by_m = np.array([np.einsum("isa,ab,isb->i", seen, u, seen) for u in UNITS])
    gradient = np.vstack([point.within * jacobian @ by_m, solved])
    spread = np.einsum("ij,ik,kj->j", gradient, inverse, gradient)
    return np.asarray((point.within * solved) ** 2 / spread)


def _total_df(point: Point, ratio: float, inverse: Floats, jacobian: Floats) -> float:
    gradient = np.append(point.within * jacobian @ np.array([1.0, 0.0, 1.0]), ratio)
    return float((point.within * ratio) ** 2 / (gradient @ inverse @ gradient))
