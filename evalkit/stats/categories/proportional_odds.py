"""The proportional-odds model (cumulative logits) by maximum likelihood, and a test of it.

log P(Y <= k) / P(Y > k) = threshold_k - x'b (McCullagh 1980, JRSS B 42:109-142), so exp(b) is the
ratio of the odds of a higher category. The log likelihood is concave (Pratt 1981, JASA 76:103-106).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evalkit.errors import CannotEstimate, NotConverged
from evalkit.stats.categories.separation import separating
from evalkit.stats.shared.columns import check_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Codes = NDArray[np.intp]

_STEPS = 100
_SETTLED = 1e-14  # what is left to gain of the log likelihood, a row
_EXTREME = 12.0  # range of the linear predictor at which separation is looked for


@dataclass(frozen=True, slots=True, eq=False)
class OrdinalFit:
    """A fitted model; coefficients are the thresholds, then one a column.

    `inverse` is that of the observed information and `scores` (rows by coefficients) are the
    derivatives of each row's log likelihood.
    """

    coefficients: Floats
    inverse: Floats
    scores: Floats
    log_likelihood: float
    codes: Codes
    matrix: Floats

    @property
    def thresholds(self) -> int:
        """The number of thresholds: categories less one."""
        return len(self.coefficients) - int(self.matrix.shape[1])


@dataclass(frozen=True, slots=True, eq=False)
class _Sides:
    """Upper and lower cumulative logits of each row's category: their columns and densities."""

    upper: Floats  # rows by coefficients; zero in the last category
    lower: Floats  # zero in the first category
    chance: Floats
    f_upper: Floats
    f_lower: Floats
    bend_upper: Floats
    bend_lower: Floats

    def scores(self) -> Floats:
        """Return the derivative of each row's log chance."""
        found: Floats = (self.f_upper / self.chance)[:, None] * self.upper
        found -= (self.f_lower / self.chance)[:, None] * self.lower
        return found

    def information(self) -> Floats:
        """Return minus the second derivative of the log likelihood."""
        scores = self.scores()
        curved = self.upper.T @ (self.upper * (self.bend_upper / self.chance)[:, None])
        curved -= self.lower.T @ (self.lower * (self.bend_lower / self.chance)[:, None])
        found: Floats = scores.T @ scores - curved
        return found


def _columns(codes: Codes, matrix: Floats, thresholds: int) -> tuple[Floats, Floats]:
    """Return the derivatives of the logits above and below each row's category."""
    rows = np.arange(len(codes))
    both = []
    for shift in (0, 1):
        place = codes - shift
        inside = (place >= 0) & (place < thresholds)
        part = np.zeros((len(codes), thresholds + matrix.shape[1]))
        part[rows[inside], place[inside]] = 1.0
        part[inside, thresholds:] = -matrix[inside]
        both.append(part)
    return both[0], both[1]


def _sides(codes: Codes, beta: Floats, upper: Floats, lower: Floats, thresholds: int) -> _Sides:
    from scipy.special import expit

    above, below = upper @ beta, lower @ beta
    top, bottom = codes == thresholds, codes == 0
    f_upper = np.where(top, 0.0, expit(above) * expit(-above))
    f_lower = np.where(bottom, 0.0, expit(below) * expit(-below))
    # the difference of two logistic functions, without cancellation
    gap = np.where(top | bottom, 1.0, -np.expm1(np.minimum(below - above, 0.0)))
    chance = np.where(top, 1.0, expit(above)) * np.where(bottom, 1.0, expit(-below)) * gap
    return _Sides(
        upper, lower, chance, f_upper, f_lower,
        f_upper * (1 - 2 * expit(above)), f_lower * (1 - 2 * expit(below)),
    )  # fmt: skip


def fit_proportional_odds(codes: Codes, matrix: Floats, names: Sequence[str]) -> OrdinalFit:
    """Fit by Newton's steps.

    Parameters
    ----------
    codes : categories from 0, each of them found
    matrix : array, rows by columns, of full column rank, without an intercept
    names : the columns' names

    Raises
    ------
    CannotEstimate
        When there are no more rows than coefficients, or the columns separate the categories.
    NotConverged
        When the steps do not settle.
    """
    thresholds = int(codes.max())
    check_rows(len(codes), thresholds + matrix.shape[1])
    centre, scale = matrix.mean(axis=0), matrix.std(axis=0)
    columns = (matrix - centre) / scale
    upper, lower = _columns(codes, columns, thresholds)
    below = np.cumsum(np.bincount(codes))[:-1] / len(codes)
    start = np.concatenate([np.log(below / (1 - below)), np.zeros(matrix.shape[1])])
    beta = _solve(codes, start, upper, lower, thresholds, names)
    sides = _sides(codes, beta, upper, lower, thresholds)
    back = np.eye(len(beta))  # from scaled columns to the columns as they came
    back[thresholds:, thresholds:] = np.diag(1 / scale)
    back[:thresholds, thresholds:] = centre / scale
    own = np.linalg.inv(back)
    return OrdinalFit(
        coefficients=back @ beta,
        inverse=back @ np.linalg.inv(sides.information()) @ back.T,
        scores=sides.scores() @ own,
        log_likelihood=float(np.log(sides.chance).sum()),
        codes=codes,
        matrix=matrix,
    )


def _solve(
    codes: Codes, beta: Floats, upper: Floats, lower: Floats, thresholds: int, names: Sequence[str]
) -> Floats:
    looked = False
    for _ in range(_STEPS):
        sides = _sides(codes, beta, upper, lower, thresholds)
        gradient = sides.scores().sum(axis=0)
        if not looked and _spread(beta, upper, lower, thresholds) > _EXTREME:
            _check_separation(codes, upper, lower, thresholds, names)
            looked = True
        try:
            step = np.linalg.solve(sides.information(), gradient)
        except np.linalg.LinAlgError:
            break
        if float(gradient @ step) <= _SETTLED * (1 + len(codes)):
            found: Floats = beta + step  # what is left is squared once more
            return found
        beta = _climb(codes, beta, step, upper, lower, thresholds, sides)
    _check_separation(codes, upper, lower, thresholds, names)
    raise NotConverged(
        f"The proportional-odds model did not settle in {_STEPS} steps, so it has no estimate. Use "
        "fewer covariates, or merge categories that few people are in."
    )


def _spread(beta: Floats, upper: Floats, lower: Floats, thresholds: int) -> float:
    part = slice(thresholds, None)
    both = np.concatenate([upper[:, part] @ beta[part], lower[:, part] @ beta[part]])
    return float(np.ptp(both))


def _climb(
    codes: Codes, beta: Floats, step: Floats, upper: Floats, lower: Floats, thresholds: int,
    sides: _Sides,
) -> Floats:  # fmt: skip
    """Take Newton's step, halved until the likelihood no longer falls."""
    now, size = float(np.log(sides.chance).sum()), 1.0
    while size > 1e-9:
        later = beta + size * step
        chance = np.zeros(1)
        if np.all(np.diff(later[:thresholds]) > 0):
            chance = _sides(codes, later, upper, lower, thresholds).chance
        if np.all(chance > 0) and np.log(chance).sum() >= now - 1e-12 * (1 + abs(now)):
            return later
        size /= 2
    return beta + size * step


def _check_separation(
    codes: Codes, upper: Floats, lower: Floats, thresholds: int, names: Sequence[str]
) -> None:
    """Refuse columns along which every row's category only grows more likely."""
    not_top, not_bottom = codes < thresholds, codes > 0
    rising = np.concatenate([upper[not_top], lower[not_bottom]])
    wanted = np.concatenate([np.ones(int(not_top.sum())), np.zeros(int(not_bottom.sum()))])
    direction = separating(rising, wanted)
    if direction is None:
        return
    far = [n for n, x in zip(names, direction[thresholds:], strict=True) if abs(x) > 1e-7]
    raise CannotEstimate(
        f"The categories are separated: {', '.join(map(repr, far)) or 'the columns'} put(s) people "
        "in higher or lower ones without overlap, so the odds ratio has no finite estimate. Leave "
        "such a covariate out; between arms use probability_of_superiority."
    )


def proportionality(
    fit: OrdinalFit, place: int, clusters: Codes | None
) -> tuple[float | None, int, float | None]:
    """Return the score test that one column acts alike at every threshold: chi2, df and p.

    Expected information (Peterson and Harrell 1990, Applied Statistics 39:205-217); with clusters
    the generalised score test, whose variance is the sum of squares of the clusters' scores. None
    where the test cannot be formed.
    """
    from scipy.stats import chi2

    extra = fit.thresholds - 1
    upper, lower = _extended(fit, place, fit.codes)
    beta = np.concatenate([fit.coefficients, np.zeros(extra)])
    scores = _sides(fit.codes, beta, upper, lower, fit.thresholds).scores()
    inside = _expected(fit, place, beta)
    cut = len(fit.coefficients)
    try:
        shift = np.linalg.solve(inside[:cut, :cut], inside[:cut, cut:])
        gained = scores[:, cut:] - scores[:, :cut] @ shift
        if clusters is None:
            variance = inside[cut:, cut:] - inside[cut:, :cut] @ shift
        else:
            sums = np.zeros((int(clusters.max()) + 1, extra))
            np.add.at(sums, clusters, gained)
            variance = sums.T @ sums
        if np.linalg.cond(variance) > 1e10:
            return None, extra, None
        total = gained.sum(axis=0)
        statistic = float(total @ np.linalg.solve(variance, total))
    except np.linalg.LinAlgError:
        return None, extra, None
    return statistic, extra, float(chi2.sf(statistic, extra))


def _extended(fit: OrdinalFit, place: int, codes: Codes) -> tuple[Floats, Floats]:
    """Return the columns of a model in which one column has its own effect at each threshold."""
    upper, lower = _columns(codes, fit.matrix, fit.thresholds)
    return tuple(  # type: ignore[return-value]
        np.hstack([part, -part[:, 1 : fit.thresholds] * fit.matrix[:, [place]]])
        for part in (upper, lower)
    )


def _expected(fit: OrdinalFit, place: int, beta: Floats) -> Floats:
    total = np.zeros((len(beta), len(beta)))
    for category in range(fit.thresholds + 1):
        codes = np.full(len(fit.codes), category, dtype=np.intp)
        sides = _sides(codes, beta, *_extended(fit, place, codes), fit.thresholds)
        scores = sides.scores()
        total += scores.T @ (scores * sides.chance[:, None])
    return total
