"""Cox regression: statsmodels' fit, with convergence and a finite maximum made sure of."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate, NotConverged

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]

_EXTREME = 15.0  # range of log hazards that only a likelihood without a maximum reaches
_SETTLED = 1e-12  # what is left to gain of the log likelihood


def cox_fit(
    matrix: Floats, time: Floats, seen: Bools, names: Sequence[str], term: str
) -> tuple[float, float]:
    """Return one coefficient and its standard error (Efron's ties, observed information).

    `matrix` has no intercept; columns are centred and scaled first, so that the fit does not
    depend on their units. Raises NotConverged or CannotEstimate where there is no maximum.
    """
    scale = matrix.std(axis=0)
    columns = (matrix - matrix.mean(axis=0)) / scale
    model, params, covariance = _fit(columns, time, seen)
    score = np.asarray(model.score(params))
    _check_finite(columns * params, params / np.sqrt(np.diag(covariance)), names)
    if not float(score @ covariance @ score) <= _SETTLED * (1 + len(time)):
        raise NotConverged(
            "The Cox regression did not settle, so it has no estimate. Use fewer covariates."
        )
    place = list(names).index(term)
    return params[place] / scale[place], float(np.sqrt(covariance[place, place])) / scale[place]


def _fit(columns: Floats, time: Floats, seen: Bools) -> tuple[Any, Floats, Floats]:
    """Fit with every warning taken for a failure."""
    from statsmodels.duration.hazard_regression import PHReg

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            model = PHReg(time, columns, status=seen.astype(int), ties="efron")
            found = model.fit(disp=0, maxiter=100)
            return model, np.asarray(found.params), np.asarray(found.cov_params())
        except (Warning, np.linalg.LinAlgError, ValueError) as error:
            raise NotConverged(
                f"The Cox regression did not settle ({error}), so it has no estimate. Leave out a "
                "covariate, such as one with a value at which nobody has the event; if it happens "
                "without any, the arms' events do not overlap in time: use "
                "restricted_mean_difference."
            ) from error


def _check_finite(parts: Floats, z: Floats, names: Sequence[str]) -> None:
    """Refuse coefficients that run away: far out, and with next to no information left."""
    away = (np.ptp(parts, axis=0) >= _EXTREME) & (np.abs(z) < 1)
    far = [name for name, gone in zip(names, away, strict=True) if gone]
    if far:
        raise CannotEstimate(
            f"The likelihood keeps rising with {', '.join(map(repr, far))}: at some value nobody "
            "has the event while others are at risk, so there is no finite estimate. Leave that "
            "column out or merge its categories; between arms use restricted_mean_difference."
        )
