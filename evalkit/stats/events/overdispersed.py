"""Negative-binomial regression: the coefficients and the overdispersion, by maximum likelihood."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, inf, log
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import NotConverged
from evalkit.stats.categories.families import POISSON, negative_binomial
from evalkit.stats.categories.glm import GlmFit, fit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_ROUNDS = 200
_COUNTED = 1_000_000  # counts up to which digamma's rise is a sum, without cancellation
_LARGEST = 1e5  # times the mean: beyond this theta the distribution is the Poisson


def fit_negative_binomial(
    matrix: Floats,
    outcome: Floats,
    names: Sequence[str],
    *,
    offset: Floats | None = None,
    cluster: Any = None,
    se: str = "model",
) -> tuple[GlmFit, float]:
    """Return the fit and theta, where the variance is mu + mu^2 / theta.

    The two are fitted in turn until theta settles, or is known as well as it can be and no
    longer moves the coefficients, as in MASS::glm.nb (Venables and Ripley 2002);
    the model-based variance takes theta as known, which costs nothing in large samples because
    the two are uncorrelated. Where the counts vary no more than Poisson counts, theta is infinite
    and the fit is the Poisson's. Raises as `glm.fit`, and NotConverged where theta does not settle.
    """
    model = fit(matrix, outcome, names, family=POISSON, offset=offset)
    theta, moved = 0.0, inf
    for _ in range(_ROUNDS):
        before, theta = theta, _theta(outcome, model.fitted)
        if theta == inf:
            return fit(
                matrix, outcome, names, family=POISSON, offset=offset, cluster=cluster, se=se
            ), inf
        change = abs(log(theta / before)) if before else inf
        settled = change < 1e-11 or (change < 1e-6 and moved < 1e-11)
        old = model.coefficients
        model = fit(
            matrix,
            outcome,
            names,
            family=negative_binomial(theta),
            offset=offset,
            cluster=cluster if settled else None,
            se=se if settled else "model",
            start=model.coefficients,
        )
        if settled:
            return model, theta
        moved = float(np.max(np.abs(model.coefficients - old)))
    raise NotConverged(
        f"The overdispersion did not settle in {_ROUNDS} rounds, so the negative-binomial model "
        "has no estimate. Use fewer covariates, or family='poisson', whose standard error allows "
        "for overdispersion."
    )


def _theta(y: Floats, mu: Floats) -> float:
    """Return the theta of greatest likelihood for these means; infinite if there is none."""
    from scipy.optimize import brentq

    high = log(_LARGEST * max(1.0, float(mu.mean())))
    if np.sum((y - mu) ** 2 - y) <= 0 or _score(high, y, mu) >= 0:
        return inf
    low = -1.0
    while _score(low, y, mu) <= 0:
        low -= 2
        if low < -40:
            raise NotConverged("The overdispersion grows without end: too few counts above 0.")
    return exp(brentq(_score, low, high, args=(y, mu), xtol=1e-14, rtol=1e-14))


def _score(log_theta: float, y: Floats, mu: Floats) -> float:
    """Return the derivative of the log likelihood in theta."""
    theta = exp(log_theta)
    each = _digamma_rise(y, theta) - np.log1p(mu / theta) + (mu - y) / (mu + theta)
    return float(each.sum())


def _digamma_rise(y: Floats, theta: float) -> Floats:
    """Return digamma(y + theta) - digamma(theta) for whole y, exact where theta is large."""
    highest = int(y.max())
    if highest > _COUNTED:
        from scipy.special import digamma

        rise: Floats = digamma(y + theta) - digamma(theta)
        return rise
    sums = np.concatenate([[0.0], np.cumsum(1 / (theta + np.arange(highest)))])
    return np.asarray(sums[y.astype(np.intp)])
