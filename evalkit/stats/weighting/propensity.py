"""The chance of treatment given covariates: a logit or probit model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evalkit.errors import CannotEstimate, NotConverged
from evalkit.stats.categories.separation import separating
from evalkit.stats.shared.columns import check_rows
from evalkit.stats.shared.model_rows import quoted

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_STEPS = 40  # under perfect prediction the steps never shrink
_SETTLED = 1e-11


@dataclass(frozen=True, slots=True, eq=False)
class Propensity:
    """A fitted chance of treatment: `score` (e) and `slope` (its derivative by the predictor).

    `basis` (rows by columns) spans the model's columns; `influence` is what each row adds to the
    coefficients of the basis: those less their limits are its column sums, to first order.
    """

    predictor: Floats
    score: Floats
    slope: Floats
    basis: Floats
    influence: Floats


def fit_propensity(
    matrix: Floats, arm: Floats, base: Floats, names: Sequence[str], link: str
) -> Propensity:
    """Fit the chance of arm 1 by maximum likelihood, rows weighted by `base`.

    Raises CannotEstimate where the columns tell the arms apart perfectly or rows are too few, and
    NotConverged where Newton's steps do not settle.
    """
    check_rows(*matrix.shape)
    root = np.sqrt(base / base.mean())
    basis, _ = np.linalg.qr(matrix * root[:, None])
    basis /= root[:, None]
    weight = root**2
    gamma = _solve(matrix, basis, arm, weight, names, link)
    eta = basis @ gamma
    score, slope = _chance(eta, link)
    pull, bend = _likelihood(eta, arm, link)
    information = basis.T @ (basis * (weight * bend)[:, None])
    influence = (basis * (weight * pull)[:, None]) @ np.linalg.inv(information)
    return Propensity(eta, score, slope, basis, influence)


def _solve(
    matrix: Floats, basis: Floats, arm: Floats, weight: Floats, names: Sequence[str], link: str
) -> Floats:
    gamma = np.zeros(basis.shape[1])
    now = _log_likelihood(basis @ gamma, arm, weight, link)
    for _ in range(_STEPS):
        pull, bend = _likelihood(basis @ gamma, arm, link)
        information = basis.T @ (basis * (weight * bend)[:, None])
        try:
            step = np.linalg.solve(information, basis.T @ (weight * pull))
        except np.linalg.LinAlgError:
            break
        size = 1.0
        while size > 1e-6:
            later = _log_likelihood(basis @ (gamma + size * step), arm, weight, link)
            if later >= now - 1e-10 * (1 + abs(now)):
                break
            size /= 2
        gamma, now = gamma + size * step, later
        eta = basis @ gamma
        if np.max(np.abs(basis @ step)) <= _SETTLED * (1 + np.max(np.abs(eta))):
            return gamma
    _check_overlap(matrix, arm, names)
    raise NotConverged(
        f"The {link} model of treatment did not settle in {_STEPS} steps. Use fewer covariates or "
        "moments, or look for a column that nearly decides who is treated."
    )


def _check_overlap(matrix: Floats, arm: Floats, names: Sequence[str]) -> None:
    found = _dividing(matrix, arm, names)
    if not found:
        direction = separating(matrix, arm)
        if direction is None:
            return
        found = [n for n, x in zip(names, direction, strict=True) if abs(x) > 1e-7]
    columns = quoted([name for name in found if "(intercept)" not in name])
    raise CannotEstimate(
        f"There is no overlap: who is treated follows from {columns} for some or all people, so "
        "nobody in the other arm is like them. Leave out the covariate that decides treatment, "
        "merge its categories, or leave out the people it decides for."
    )


def _dividing(matrix: Floats, arm: Floats, names: Sequence[str]) -> list[str]:
    """Return the columns that each by itself tell some or all of the arms apart."""
    treated, compared = matrix[arm == 1], matrix[arm == 0]
    above = treated.min(axis=0) >= compared.max(axis=0)
    below = treated.max(axis=0) <= compared.min(axis=0)
    varies = np.ptp(matrix, axis=0) > 0
    return [n for n, out in zip(names, (above | below) & varies, strict=True) if out]


def _chance(eta: Floats, link: str) -> tuple[Floats, Floats]:
    """Return the chance and its derivative."""
    from scipy.special import expit, ndtr

    if link == "logit":
        score = expit(eta)
        return score, score * expit(-eta)
    return ndtr(eta), np.exp(-(eta**2) / 2) / np.sqrt(2 * np.pi)


def _likelihood(eta: Floats, arm: Floats, link: str) -> tuple[Floats, Floats]:
    """Return the log likelihood's first derivative by the predictor and minus its second."""
    if link == "logit":
        score, slope = _chance(eta, link)
        return arm - score, slope
    from scipy.special import log_ndtr

    sign = 2 * arm - 1
    towards = sign * eta
    mills = np.exp(-(eta**2) / 2 - log_ndtr(towards)) / np.sqrt(2 * np.pi)
    return sign * mills, mills * (mills + towards)


def _log_likelihood(eta: Floats, arm: Floats, weight: Floats, link: str) -> float:
    from scipy.special import log_expit, log_ndtr

    towards = (2 * arm - 1) * eta
    return float(weight @ (log_expit(towards) if link == "logit" else log_ndtr(towards)))
