"""Weights of donors that add up to one, by least squares."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evalkit.errors import NotConverged

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

SMALLEST = 1e-9  # weights below this are rounding
_TRIES = 400  # steps a predictor that the search for their importance may take


def nearest_mixture(target: Floats, donors: Floats) -> Floats:
    """Return weights, none negative and adding up to one, whose mixture is nearest the target.

    `donors` has a column a donor. The nearest point of a hull to the target is found exactly, as
    non-negative least squares of (donors - target; ones) on (zeros; one), rescaled.
    """
    from scipy.optimize import nnls

    gaps = donors - target[:, None]
    scale = float(np.sqrt(np.mean(gaps**2)))
    if scale == 0:
        return np.full(donors.shape[1], 1 / donors.shape[1])
    system = np.vstack([gaps / scale, np.ones(donors.shape[1])])
    try:
        found, _ = nnls(system, np.append(np.zeros(len(gaps)), 1.0))
    except RuntimeError:
        raise NotConverged("The weights of the donors were not found.") from None
    weights = found / found.sum()
    weights[weights < SMALLEST] = 0.0
    result: Floats = weights / weights.sum()
    return result


def weigh(
    before: Floats, donors_before: Floats, traits: Floats | None, donor_traits: Floats | None
) -> tuple[Floats, Floats | None]:
    """Return the donors' weights, and the predictors' importance (None by outcomes alone).

    With predictors (standardised rows of `traits`) the weights are nearest on them, each counted
    by its importance, and the importances are those under which the outcome before is nearest.
    """
    if traits is None or donor_traits is None:
        return nearest_mixture(before, donors_before), None
    count = len(traits)
    starts = [np.zeros(count), _by_regression(before, donors_before, traits, donor_traits)]
    found = min(
        (_search(start, before, donors_before, traits, donor_traits) for start in starts),
        key=lambda pair: pair[0],
    )
    return _under(found[1], traits, donor_traits), _shares(found[1])


def _search(
    start: Floats, before: Floats, donors: Floats, traits: Floats, donor_traits: Floats
) -> tuple[float, Floats]:
    from scipy.optimize import minimize

    def loss(logs: Floats) -> float:
        return float(np.mean((before - donors @ _under(logs, traits, donor_traits)) ** 2))

    scale = float(np.var(before)) or 1.0
    found = minimize(
        loss, start, method="Nelder-Mead",
        options={"maxfev": _TRIES * len(start), "xatol": 1e-4, "fatol": 1e-10 * scale},
    )  # fmt: skip
    return float(found.fun), np.asarray(found.x, dtype=np.float64)


def _shares(logs: Floats) -> Floats:
    raised = np.exp(np.clip(logs - logs.max(), -40, 0))
    shares: Floats = raised / raised.sum()
    return shares


def _under(logs: Floats, traits: Floats, donor_traits: Floats) -> Floats:
    root = np.sqrt(_shares(logs))
    return nearest_mixture(root * traits, root[:, None] * donor_traits)


def _by_regression(before: Floats, donors: Floats, traits: Floats, donor_traits: Floats) -> Floats:
    """Return a start: the squared coefficients of outcomes on predictors over all areas."""
    outcomes = np.column_stack([before, donors]).T
    design = np.column_stack([traits, donor_traits]).T
    centred = design - design.mean(axis=0)
    slopes = np.linalg.lstsq(centred, outcomes - outcomes.mean(axis=0), rcond=None)[0]
    importance = np.sum(slopes**2, axis=1)
    top = float(importance.max())
    return np.log(np.maximum(importance / top, 1e-8)) if top > 0 else np.zeros(len(traits))
