"""Distributions of outcomes for regression: logistic, Poisson and negative binomial."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Family:
    """A distribution with its link; all but the likelihood are functions of the linear predictor.

    `mean`, its derivative `slope`, the outcome's `variance`; of an outcome and a linear predictor
    the log likelihood up to a constant, and its `curvature`: minus the second derivative, positive
    in all three, so that Newton's steps climb to the one maximum.
    """

    name: str
    mean: Callable[[Floats], Floats]
    slope: Callable[[Floats], Floats]
    variance: Callable[[Floats], Floats]
    log_likelihood: Callable[[Floats, Floats], float]
    curvature: Callable[[Floats, Floats], Floats]


def _expit(eta: Floats) -> Floats:
    from scipy.special import expit

    return np.asarray(expit(eta), dtype=np.float64)


def _logistic_likelihood(y: Floats, eta: Floats) -> float:
    return float(np.sum(y * eta - np.logaddexp(0, eta)))


def _poisson_likelihood(y: Floats, eta: Floats) -> float:
    return float(np.sum(y * eta - np.exp(eta)))


LOGISTIC = Family(
    "logistic",
    mean=_expit,
    slope=lambda eta: _expit(eta) * _expit(-eta),
    variance=lambda eta: _expit(eta) * _expit(-eta),
    log_likelihood=_logistic_likelihood,
    curvature=lambda y, eta: _expit(eta) * _expit(-eta),
)
POISSON = Family(
    "Poisson",
    mean=np.exp,
    slope=np.exp,
    variance=np.exp,
    log_likelihood=_poisson_likelihood,
    curvature=lambda y, eta: np.exp(eta),
)


def negative_binomial(theta: float) -> Family:
    """Return the family with variance mu + mu^2 / theta and a log link (theta known)."""

    def likelihood(y: Floats, eta: Floats) -> float:
        return float(np.sum(y * eta - (y + theta) * np.logaddexp(np.log(theta), eta)))

    def curvature(y: Floats, eta: Floats) -> Floats:
        share = _expit(eta - np.log(theta))  # mu / (mu + theta)
        return (y + theta) * share * (1 - share)

    return Family(
        "negative-binomial",
        mean=np.exp,
        slope=np.exp,
        variance=lambda eta: np.exp(eta) + np.exp(2 * eta) / theta,
        log_likelihood=likelihood,
        curvature=curvature,
    )
