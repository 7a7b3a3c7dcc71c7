"""What is assumed of treated people after they are last seen: profiles and conditional draws."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.stats.shared.columns import choice, invalid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

STRATEGIES = ("MAR", "J2R", "CR", "CIR", "LMCF")

MEANING = {
    "MAR": "after they are last seen they go on as people of their own arm with the same answers",
    "J2R": "jump to reference: after they are last seen they are as the comparison arm",
    "CR": "copy reference: they are taken as of the comparison arm from the start",
    "CIR": "copy increments in reference: from where they are last seen they change as the "
    "comparison arm does",
    "LMCF": "last mean carried forward: they stay at their arm's mean where they are last seen",
}


@dataclass(frozen=True, slots=True, eq=False)
class Conditional:
    """The missing waves of one person given those seen: their places from 0, mean and variance.

    `mean` and `covariance` are in outcome units (squared) and follow `missing`; `coefficients`
    (missing by observed) are those of the regression on the observed waves.
    """

    missing: tuple[int, ...]
    mean: Floats
    covariance: Floats
    coefficients: Floats


def strategy_profile(
    strategy: str,
    *,
    mean_treatment: Any,
    mean_reference: Any,
    covariance_treatment: Any,
    covariance_reference: Any,
    last: int | None,
) -> tuple[Floats, Floats]:
    """Return the mean and covariance of the waves of a treated person under a strategy.

    Parameters
    ----------
    strategy : "MAR", "J2R", "CR", "CIR" or "LMCF"
    mean_treatment, mean_reference : arrays, ... by waves in outcome units
    covariance_treatment, covariance_reference : arrays, ... by waves by waves
    last : place, from 0, of the wave at which the person is last seen; None where never, and then
        every strategy but MAR takes the comparison arm's

    Notes
    -----
    With 1 for waves up to `last` and 2 for those after it, T and R for the arms, J2R and CIR have
    Sigma_11 = T_11, Sigma_21 = R_21 R_11^-1 T_11 and
    Sigma_22 = R_22 - R_21 R_11^-1 (R_11 - T_11) R_11^-1 R_12
    (Carpenter, Roger and Kenward 2013, Journal of Biopharmaceutical Statistics 23:1352-1371).
    """
    choice(strategy, STRATEGIES, argument="strategy")
    treated, reference = (np.asarray(x, dtype=np.float64) for x in (mean_treatment, mean_reference))
    own = np.asarray(covariance_treatment, dtype=np.float64)
    theirs = np.asarray(covariance_reference, dtype=np.float64)
    if strategy == "MAR":
        return treated, own
    if strategy == "CR" or last is None:
        return reference, theirs
    after = np.arange(treated.shape[-1]) > last
    if strategy == "LMCF":
        return np.where(after, treated[..., last, None], treated), own
    if strategy == "CIR":
        step = (treated - reference)[..., last, None]
        return np.where(after, reference + step, treated), _joined(own, theirs, last + 1)
    return np.where(after, reference, treated), _joined(own, theirs, last + 1)


def _joined(own: Floats, theirs: Floats, seen: int) -> Floats:
    """Return the covariance with the treated arm's up to `seen` and the reference's regression."""
    first, later = slice(0, seen), slice(seen, None)
    slopes = np.linalg.solve(theirs[..., first, first], theirs[..., first, later])
    joined = np.array(theirs)
    joined[..., first, first] = own[..., first, first]
    across = own[..., first, first] @ slopes
    joined[..., first, later] = across
    joined[..., later, first] = np.swapaxes(across, -1, -2)
    gap = theirs[..., first, first] - own[..., first, first]
    joined[..., later, later] -= np.swapaxes(slopes, -1, -2) @ gap @ slopes
    return joined


def conditional_parts(covariance: Floats, seen: Any, missing: Any) -> tuple[Floats, Floats]:
    """Return regression coefficients (missing by seen) and the variance left, for any batch."""
    left = covariance[..., missing[:, None], missing]
    if not len(seen):
        return np.zeros((*covariance.shape[:-2], len(missing), 0)), left
    across = covariance[..., seen[:, None], missing]
    slopes = np.swapaxes(np.linalg.solve(covariance[..., seen[:, None], seen], across), -1, -2)
    return slopes, left - slopes @ across


def reference_conditional(
    outcomes: Any,
    *,
    mean_treatment: Any,
    mean_reference: Any,
    covariance: Any,
    covariance_reference: Any = None,
    strategy: str = "J2R",
) -> Conditional:
    """Return the distribution of a treated person's missing waves given those seen.

    Parameters
    ----------
    outcomes : one value a wave in outcome units, NaN where missing, missing only at the end
    mean_treatment, mean_reference : the two arms' means for such a person, one a wave
    covariance : waves by waves, of the treatment arm
    covariance_reference : that of the comparison arm; the same where not given
    strategy : "MAR", "J2R", "CR", "CIR" or "LMCF"

    Raises
    ------
    InvalidInput
        For lengths that differ, a gap before the last wave seen or an unknown strategy.
    CannotEstimate
        Where a covariance is not positive definite.
    """
    values = np.asarray(outcomes, dtype=np.float64)
    waves = len(values)
    reference = covariance if covariance_reference is None else covariance_reference
    means = [np.asarray(x, dtype=np.float64) for x in (mean_treatment, mean_reference)]
    squares = [np.asarray(x, dtype=np.float64) for x in (covariance, reference)]
    if any(m.shape != (waves,) for m in means) or any(s.shape != (waves, waves) for s in squares):
        raise invalid(
            "Means and covariances do not go with the outcomes.",
            allowed=f"{waves} means an arm and {waves} by {waves} covariances",
        )
    seen = np.flatnonzero(~np.isnan(values))
    missing = np.flatnonzero(np.isnan(values))
    if len(seen) and len(missing) and seen[-1] > missing[0]:
        raise invalid(
            "A wave is missing before the last one seen.",
            allowed="values missing only at the end",
            next_step="Fill such gaps first: reference_based imputes them under MAR.",
        )
    for square in squares:
        _check_positive(square)
    mean, joint = strategy_profile(
        strategy,
        mean_treatment=means[0],
        mean_reference=means[1],
        covariance_treatment=squares[0],
        covariance_reference=squares[1],
        last=int(seen[-1]) if len(seen) else None,
    )
    slopes, left = conditional_parts(joint, seen, missing)
    centre = mean[missing] + slopes @ (values[seen] - mean[seen])
    return Conditional(tuple(missing.tolist()), centre, left, slopes)


def _check_positive(square: Floats) -> None:
    if not np.allclose(square, square.T) or np.linalg.eigvalsh(square)[0] <= 0:
        raise CannotEstimate("A covariance is not symmetric and positive definite.")
