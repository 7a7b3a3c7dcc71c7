"""Two-stage least squares with one instrument, its robust variance, and Anderson-Rubin sets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, sqrt
from typing import TYPE_CHECKING

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.stats.least_squares.linear import PERFECT, LinearFit
from evalkit.stats.least_squares.robust import Pieces, adjusted_scores, satterthwaite
from evalkit.stats.shared.analysed_rows import orthonormal, project
from evalkit.stats.shared.columns import check_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Codes = NDArray[np.intp]

NO_FIRST_STAGE = 1e-9  # a share of the received column that is rounding only


@dataclass(frozen=True, slots=True, eq=False)
class TwoStage:
    """Two-stage least squares of y on d and x, with z the instrument for d.

    `structural` is the fit of y on d and x. `effect_of_z` holds the coefficients of z in the
    regressions of y and of d on z and x, `vcov` their joint robust variance (2 by 2) and `df`
    their Satterthwaite degrees of freedom (which depend on z and x only). `f_classical` is the
    first stage's F for equal variances, None where z and x fit d exactly.
    """

    structural: LinearFit
    effect_of_z: tuple[float, float]
    vcov: Floats
    df: float
    f_classical: float | None

    @property
    def f_robust(self) -> float | None:
        """The first stage's F by its robust variance, None where z and x fit d exactly."""
        variance = float(self.vcov[1, 1])
        return self.effect_of_z[1] ** 2 / variance if variance > 0 else None


def fit_two_stage(
    outcome: Floats,
    received: Floats,
    instruments: Floats,
    names: Sequence[str],
    codes: Codes | None,
    *,
    residual_df: bool = False,
) -> TwoStage:
    """Fit y on d and x with z for d, and the two regressions on z and x that it is made of.

    Parameters
    ----------
    outcome, received : arrays, one value a row
    instruments : array of full column rank: ones, z, and the covariates
    names : names of the structural coefficients: intercept, d, and the covariates
    codes : cluster numbers from 0, one a row, or None
    residual_df : rows - columns, or clusters - 1, in place of Satterthwaite

    Raises
    ------
    CannotEstimate
        When z does not move d, there are no more rows than columns, or a fit is exact.

    Notes
    -----
    The variance is the sandwich of the fitted second stage (z's prediction in place of d) with
    the residuals from d itself: HC2 and CR2 take their leverage from the fitted second stage, as
    estimatr's iv_robust and clubSandwich do. AER's hatvalues, and so sandwich's HC2 of an ivreg
    fit, come from the oblique projection and differ.
    """
    rows, columns = instruments.shape
    check_rows(rows, columns)
    basis, back = orthonormal(instruments)
    on_y, left_y = project(basis, outcome - outcome.mean())
    on_d, left_d = project(basis, received - received.mean())
    effect_of_z = float(back[1] @ on_y), float(back[1] @ on_d)
    fitted = received - left_d
    _check_first_stage(fitted, instruments)
    reduced = _pieces(basis, codes)
    scores = [
        reduced.sums(_zeroed(left, of)) @ back[1]
        for left, of in ((left_y, outcome), (left_d, received))
    ]
    stacked = np.stack(scores)
    spare = rows - columns if codes is None else int(codes.max())
    squares = float(np.sum(_zeroed(left_d, received) ** 2)) / (rows - columns)
    return TwoStage(
        structural=_structural(outcome, received, fitted, instruments, names, codes, residual_df),
        effect_of_z=effect_of_z,
        vcov=stacked @ stacked.T,
        df=float(spare) if residual_df else satterthwaite(reduced, back[1]),
        f_classical=effect_of_z[1] ** 2 / (squares * float(back[1] @ back[1])) if squares else None,
    )


def _zeroed(residuals: Floats, values: Floats) -> Floats:
    """Return the residuals, or zeros where they are rounding only."""
    exact = np.linalg.norm(residuals) <= PERFECT * np.linalg.norm(values - values.mean())
    return np.zeros_like(residuals) if exact else residuals


def _check_first_stage(fitted: Floats, instruments: Floats) -> None:
    """Refuse a prediction of d that the covariates give as well without z."""
    others = np.delete(instruments, 1, axis=1)
    basis, _ = orthonormal(others)
    left = project(basis, fitted - fitted.mean())[1]
    if np.linalg.norm(left) <= NO_FIRST_STAGE * sqrt(len(fitted)):
        raise CannotEstimate(
            "Assignment does not move what was received (the first stage is zero), so there is no "
            "complier effect to estimate. Report the effect of assignment with mean_difference."
        )


def _pieces(basis: Floats, codes: Codes | None) -> Pieces:
    rows = len(basis)
    order = np.arange(rows) if codes is None else codes
    count = rows if codes is None else int(codes.max()) + 1
    kind = "HC2" if codes is None else "CR2"
    return adjusted_scores(basis, np.ones(rows), order, count, kind, weighted=False)


def _structural(
    outcome: Floats,
    received: Floats,
    fitted: Floats,
    instruments: Floats,
    names: Sequence[str],
    codes: Codes | None,
    residual_df: bool,
) -> LinearFit:
    second, actual = instruments.copy(), instruments.copy()
    second[:, 1], actual[:, 1] = fitted, received
    basis, back = orthonormal(second)
    level = float(outcome.mean())
    beta = back @ project(basis, outcome - level)[0]
    residuals = outcome - level - actual @ beta
    if np.linalg.norm(residuals) <= PERFECT * np.linalg.norm(outcome - level):
        raise CannotEstimate(
            "The columns of the model fit the outcome exactly, so its uncertainty cannot be told."
        )
    beta[0] += level
    pieces = _pieces(basis, codes)
    scores = pieces.sums(residuals) @ back.T
    vcov = scores.T @ scores
    spare = len(outcome) - len(beta) if codes is None else int(codes.max())
    degrees = [float(spare) if residual_df else satterthwaite(pieces, row) for row in back]
    return LinearFit(
        names=tuple(names),
        coefficients=beta,
        vcov=vcov,
        std_errors=np.sqrt(np.diag(vcov)),
        df=np.array(degrees),
        residuals=residuals,
        n=len(outcome),
        n_clusters=None if codes is None else int(codes.max()) + 1,
        se="HC2" if codes is None else "CR2",
    )


def anderson_rubin(model: TwoStage, level: float) -> tuple[str, float, float]:
    """Return the set of effects not rejected by the Anderson-Rubin test: its shape and ends.

    An effect e is kept where z has no significant effect on y - e d, which is a quadratic
    inequality in e. The shape is "interval" (low to high), "two rays" (everything up to low, and
    everything from high), "ray" (low to high, one of them infinite) or "everything" (minus to
    plus infinity). With one instrument the set always holds the estimate, so is never empty.
    """
    from scipy.stats import t as student

    limit = float(student.ppf(0.5 + level / 2, model.df)) ** 2
    (on_y, on_d), v = model.effect_of_z, model.vcov
    square = on_d**2 - limit * float(v[1, 1])
    half = on_y * on_d - limit * float(v[0, 1])
    constant = on_y**2 - limit * float(v[0, 0])
    room = half**2 - square * constant
    if square == 0:
        return _ray(half, constant)
    if square < 0 and room <= 0:
        return "everything", -inf, inf
    # the root away from cancellation, and the other from the product of the two
    far = half + (1 if half >= 0 else -1) * sqrt(max(room, 0.0))
    ends = sorted((far / square, constant / far)) if far else [0.0, 0.0]
    return ("interval" if square > 0 else "two rays"), ends[0], ends[1]


def _ray(half: float, constant: float) -> tuple[str, float, float]:
    """Return the set where the quadratic term vanishes: -2 half e + constant <= 0."""
    if half == 0:
        return "everything", -inf, inf
    end = constant / (2 * half)
    return ("ray", end, inf) if half > 0 else ("ray", -inf, end)
