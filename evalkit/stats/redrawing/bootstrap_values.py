"""The statistic of every draw: rows or clusters drawn again, residuals drawn again, any function."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate, EvalkitError
from evalkit.stats.redrawing.bootstrap_draws import Units, times
from evalkit.stats.redrawing.bootstrap_study import Resampled
from evalkit.stats.redrawing.bootstrap_sums import Model, Sums, effect_factor, unit_sums
from evalkit.stats.redrawing.studentised import Moments, product, resampled
from evalkit.stats.shared.columns import invalid

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Codes = NDArray[np.intp]

CACHED = 250_000  # numbers in a block: what is worked on at once stays near the processor
LOOSE = 1e-10  # 1 - leverage below which the model passes through the row
FAILURES = (EvalkitError, ArithmeticError, np.linalg.LinAlgError)


@dataclass(frozen=True, slots=True, eq=False)
class Values:
    """The statistic as found, of every draw, and (on call) without each unit in turn.

    `error` is the standard error as found and `errors` those of the draws, where asked for.
    """

    estimate: float
    draws: Floats
    without: Callable[[], Floats]
    error: float | None = None
    errors: Floats | None = None


def weighted(found: Resampled, quantity: str, blocks: Iterator[Codes]) -> Values:
    """Return the difference, or g, of units drawn again; a block is draws by units."""
    sums, total, estimate = _as_found(found.model, quantity)
    draws = [sums(product(times(taken), sums.values)) for taken in blocks]
    return Values(estimate, np.concatenate(draws), lambda: sums(total - sums.values))


def with_errors(found: Resampled, rows: Moments, blocks: Iterator[Codes]) -> Values:
    """Return the difference of units drawn again, each with its HC2 (clustered: CR2) error."""
    sums, total, estimate = _as_found(found.model, "difference")
    units = found.model.units
    arm = found.model.arm[units.starts]
    _, error = resampled(rows, arm, np.ones((1, units.count)))
    pairs = [resampled(rows, arm, times(taken)) for taken in blocks]
    draws, errors = (np.concatenate(part) for part in zip(*pairs, strict=True))
    draws = np.where(errors > 0, draws, np.nan)
    return Values(estimate, draws, lambda: sums(total - sums.values), float(error[0]), errors)


def refitted(found: Resampled, quantity: str, blocks: Iterator[Codes]) -> Values:
    """Return the difference, or g, of the model's fitted values with residuals drawn again."""
    sums, total, estimate = _as_found(found.model, quantity)
    fitted, residuals, lead = modelled(found.model)
    sides = np.column_stack([1 - found.model.arm, found.model.arm])
    sizes = sides.sum(axis=0)[:, None]
    draws = []
    for taken in blocks:
        y = fitted + residuals[taken]
        value = y @ lead
        if quantity == "g":
            rows = np.repeat(sizes, len(y), axis=1)
            value = value * effect_factor(np.vstack([rows, (y @ sides).T, (y**2 @ sides).T]), None)
        draws.append(value)
    return Values(estimate, np.concatenate(draws), lambda: sums(total - sums.values))


def _as_found(model: Model, quantity: str) -> tuple[Sums, Floats, float]:
    sums = unit_sums(model, scaled=quantity == "g")
    total = sums.values.sum(axis=0)
    estimate = float(sums(total[None, :])[0])
    if not np.isfinite(estimate):
        raise CannotEstimate(
            "The standard deviation within the arms is zero or cannot be corrected for its few "
            'degrees of freedom, so there is no g. Use statistic="difference".'
        )
    return sums, total, estimate


def modelled(model: Model) -> tuple[Floats, Floats, Floats]:
    """Return fitted values less the outcome's mean, residuals, and what gives the coefficient.

    The residuals are raised to the errors' variance, e / sqrt(1 - leverage), and centred in each
    arm (Davison and Hinkley 1997, equation 6.9).
    """
    v = model.arm - model.basis @ (model.basis.T @ model.arm)
    lead = v / float(v @ v)
    left = model.left - float(lead @ model.left) * v
    free = 1 - np.einsum("ij,ij->i", model.basis, model.basis) - v * lead
    raised = np.where(free > LOOSE, left / np.sqrt(np.maximum(free, LOOSE)), 0.0)
    for value in (0.0, 1.0):
        own = model.arm == value
        raised[own] -= raised[own].mean()
    return model.outcome - model.outcome.mean() - left, raised, lead


def called(
    found: Resampled,
    statistic: Callable[[Any], float],
    blocks: Iterator[Codes],
    *,
    cluster: str | None,
    outcome: str | None,
) -> Values:
    """Return a caller's function of every frame drawn; `outcome` names it for new residuals.

    A draw on which the function raises an error of evalkit or of arithmetic counts as failed.
    """
    frames = Frames(found, cluster if found.model.clustered else None, outcome)
    units = found.model.units
    estimate = number(statistic(found.frame.copy()))
    if not np.isfinite(estimate):
        raise CannotEstimate(f"statistic returned {estimate} for the rows as they are.")
    draws = np.array(
        [_attempt(statistic, frames.drawn(places)) for taken in blocks for places in taken]
    )

    def without() -> Floats:
        every = np.arange(units.count)
        return np.array([_attempt(statistic, frames.rows(every[every != k])) for k in every])

    return Values(estimate, draws, without)


def _attempt(statistic: Callable[[Any], float], frame: pd.DataFrame) -> float:
    try:
        return number(statistic(frame))
    except FAILURES:
        return float("nan")


def number(value: Any) -> float:
    """Return what a caller's function gave as a number, NaN for None."""
    if value is None:
        return float("nan")
    if isinstance(value, str | bytes) or np.ndim(value) != 0:
        raise invalid(f"statistic returned a {type(value).__name__}.", allowed="one number")
    try:
        return float(value)
    except (TypeError, ValueError):
        kind = type(value).__name__
        raise invalid(f"statistic returned a {kind}.", allowed="one number") from None


class Frames:
    """Frames for a caller's function; each copy of a cluster is a cluster of its own, numbered."""

    def __init__(self, found: Resampled, cluster: str | None, outcome: str | None) -> None:
        self.frame, self.cluster, self.outcome = found.frame, cluster, outcome
        self.units: Units = found.model.units
        self.ends = np.append(self.units.starts, len(self.units.unit))
        if outcome is not None:
            self.fitted, self.residuals, _ = modelled(found.model)
            self.fitted = self.fitted + found.model.outcome.mean()

    def drawn(self, taken: Codes) -> pd.DataFrame:
        """Return the frame of one draw."""
        if self.outcome is None:
            return self.rows(taken)
        return self.frame.assign(**{self.outcome: self.fitted + self.residuals[taken]})

    def rows(self, taken: Codes) -> pd.DataFrame:
        """Return the rows of the units taken."""
        size = self.ends[taken + 1] - self.ends[taken]
        first = np.repeat(self.ends[taken] - np.cumsum(size) + size, size)
        frame = self.frame.iloc[first + np.arange(len(first))].reset_index(drop=True)
        if self.cluster is None:
            return frame
        return frame.assign(**{self.cluster: np.repeat(np.arange(len(taken)), size)})
