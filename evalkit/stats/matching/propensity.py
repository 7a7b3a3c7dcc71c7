"""The chance of being in the treatment arm given the covariates, by logistic or probit regression."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evalkit.errors import CannotEstimate, NotConverged
from evalkit.results import Record
from evalkit.stats.categories.separation import separating
from evalkit.stats.shared.columns import check_rows, choice
from evalkit.stats.shared.design_matrix import Column, drop_aliased, drop_constant
from evalkit.stats.shared.model_rows import quoted

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LINKS = ("logit", "probit")
_BLOCK = 8192  # rows that stay in cache
_STEPS = 60
_SETTLED = {"logit": 1e-7, "probit": 1e-11}  # after a step of Newton the error is its square
_CLEAR = 1e-5  # smallest eigenvalue of the correlations at which nothing can be aliased
_SMALL = 1e-7


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ScoreModel(Record):
    """The model of the arm: terms and coefficients on the covariates' own scale, and its link."""

    terms: tuple[str, ...]
    coefficients: tuple[float, ...]
    link: str
    n: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Propensity:
    """Fitted chance of treatment and its log odds, one a row, and the model they come from."""

    chance: Floats
    log_odds: Floats
    model: ScoreModel


def propensity(columns: Sequence[Column], treated: Floats, *, link: str = "logit") -> Propensity:
    """Fit the chance of treatment by maximum likelihood (Fisher's scoring).

    Parameters
    ----------
    columns : name and values (one a row, none missing) of each column; constants and columns the
        others determine are left out with a note
    treated : 1 for the treatment arm, 0 for the other
    link : "logit" or "probit"

    Raises
    ------
    CannotEstimate
        When covariates predict the arm perfectly, or no row is to spare.
    NotConverged
        When the steps do not settle.

    References
    ----------
    Rosenbaum and Rubin (1983), Biometrika 70:41-55.
    """
    choice(link, LINKS, argument="link")
    kept, notes = usable_columns(columns)
    check_rows(len(treated), len(kept) + 1)
    centre = np.array([values.mean() for _, values in kept])
    scale = np.array([values.std() for _, values in kept])
    matrix = np.ones((len(kept) + 1, len(treated)))  # a row for each term
    for place, (_, values) in enumerate(kept):
        matrix[place + 1] = (values - centre[place]) / scale[place]
    names = [name for name, _ in kept]
    found = _scoring(matrix, treated, link, names)
    linear = _linear(matrix, found)
    slopes = found[1:] / scale
    model = ScoreModel(
        terms=("(intercept)", *names),
        coefficients=(float(found[0] - slopes @ centre), *(float(b) for b in slopes)),
        link=link,
        n=len(treated),
        notes=notes,
    )
    return Propensity(*_chances(linear, link), model)


def usable_columns(columns: Sequence[Column]) -> tuple[list[Column], tuple[str, ...]]:
    """Leave out constant columns and those the others determine, with a note for each."""
    kept, constant = drop_constant(columns)
    if not kept:
        raise CannotEstimate(
            "No covariate varies among the units to match: there is nothing to match on."
        )
    if _clearly_independent(kept):
        return kept, tuple(constant)
    kept, aliased = drop_aliased(kept)
    return kept, (*constant, *aliased)


def _clearly_independent(columns: Sequence[Column]) -> bool:
    """Return whether the correlations alone show that no column follows from the others."""
    matrix = np.stack([values for _, values in columns])
    matrix -= matrix.mean(axis=1)[:, None]
    matrix /= np.sqrt(np.einsum("ij,ij->i", matrix, matrix))[:, None]
    return bool(np.linalg.eigvalsh(matrix @ matrix.T)[0] > _CLEAR)


def _scoring(matrix: Floats, treated: Floats, link: str, names: Sequence[str]) -> Floats:
    share = treated.mean()
    beta = np.zeros(len(matrix))
    beta[0] = _link_of(share, link)
    for _ in range(_STEPS):
        gradient, information = _pieces(matrix, treated, beta, link)
        try:
            step = np.linalg.solve(information, gradient)
        except np.linalg.LinAlgError:
            break
        size = float(np.abs(step).sum())
        if not np.isfinite(size) or np.abs(beta).max() > 1e4:
            break
        beta = beta + step * min(1.0, 20.0 / max(size, 1e-300))
        if size < _SETTLED[link]:
            return beta
    _refuse(matrix, treated, names)
    raise NotConverged(
        "The model of who is in the treatment arm did not settle. Use fewer covariates, or "
        "rescale those with a few very large values."
    )


def _link_of(share: float, link: str) -> float:
    from scipy.special import logit, ndtri

    return float(logit(share) if link == "logit" else ndtri(share))


def _pieces(matrix: Floats, treated: Floats, beta: Floats, link: str) -> tuple[Floats, Floats]:
    """Return the gradient and the expected information, summed over blocks of rows."""
    terms = len(matrix)
    gradient, information = np.zeros(terms), np.zeros((terms, terms))
    for start in range(0, len(treated), _BLOCK):
        x, y = matrix[:, start : start + _BLOCK], treated[start : start + _BLOCK]
        residual, weight = _working(beta @ x, y, link)
        gradient += x @ residual
        information += (x * weight) @ x.T
    return gradient, information


def _working(eta: Floats, y: Floats, link: str) -> tuple[Floats, Floats]:
    """Return the derivative of the log likelihood by the predictor, and its expected square."""
    if link == "logit":
        with np.errstate(over="ignore"):
            chance = 1 / (1 + np.exp(-eta))
        return y - chance, chance * (1 - chance)
    from scipy.special import log_ndtr

    density = -0.5 * eta**2 - 0.5 * np.log(2 * np.pi)
    upper, lower = np.exp(density - log_ndtr(eta)), np.exp(density - log_ndtr(-eta))
    return y * upper - (1 - y) * lower, upper * lower


def _linear(matrix: Floats, beta: Floats) -> Floats:
    """Return the predictor added term by term: equal units get equal values to the last bit."""
    total = np.full(matrix.shape[1], beta[0])
    for place in range(1, len(beta)):
        total += matrix[place] * beta[place]
    return total


def _chances(linear: Floats, link: str) -> tuple[Floats, Floats]:
    if link == "logit":
        with np.errstate(over="ignore"):
            return 1 / (1 + np.exp(-linear)), linear
    from scipy.special import log_ndtr, ndtr

    return np.asarray(ndtr(linear)), np.asarray(log_ndtr(linear) - log_ndtr(-linear))


def _refuse(matrix: Floats, treated: Floats, names: Sequence[str]) -> None:
    """Raise where columns separate the arms, naming them."""
    direction = separating(np.ascontiguousarray(matrix.T), treated)
    if direction is None:
        return
    guilty = [n for n, b in zip(names, direction[1:], strict=True) if abs(b) > _SMALL]
    raise CannotEstimate(
        f"The arm is predicted perfectly for some units by {quoted(guilty)}: there "
        "the arms have nobody alike, so no comparison can be made. Allowed: covariates at "
        "whose values both arms are found. Leave out the column that says who was in which arm, "
        "merge its categories, or restrict the data to where both arms are found."
    )
