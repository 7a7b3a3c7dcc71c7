"""Loss after assignment against the boundaries of the What Works Clearinghouse."""

from __future__ import annotations

from math import floor
from typing import Any

from evalkit.errors import CannotEstimate
from evalkit.results import Attrition
from evalkit.stats.shared.columns import invalid

# Largest differential loss, in percentage points, at each whole percent of overall loss from 0:
# What Works Clearinghouse, Standards Handbook versions 4.0 and 4.1, table II.1.
CAUTIOUS = (
    *(5.7, 5.8, 5.9, 5.9, 6.0, 6.1, 6.2, 6.3, 6.3, 6.3, 6.3, 6.2, 6.2, 6.1, 6.0, 5.9, 5.9, 5.8),
    *(5.7, 5.5, 5.4, 5.3, 5.2, 5.1, 4.9, 4.8, 4.7, 4.5, 4.4, 4.3, 4.1, 4.0, 3.8, 3.6, 3.5, 3.3),
    *(3.2, 3.1, 2.9, 2.8, 2.6, 2.5, 2.3, 2.1, 2.0, 1.8, 1.6, 1.5, 1.3, 1.2, 1.0, 0.9, 0.7, 0.6),
    *(0.4, 0.3, 0.2, 0.0),
)
OPTIMISTIC = (
    *(10.0, 10.1, 10.2, 10.3, 10.4, 10.5, 10.7, 10.8, 10.9, 10.9, 10.9, 10.9, 10.9, 10.8, 10.8),
    *(10.7, 10.6, 10.5, 10.3, 10.2, 10.0, 9.9, 9.7, 9.5, 9.4, 9.2, 9.0, 8.8, 8.6, 8.4, 8.2, 8.0),
    *(7.8, 7.6, 7.4, 7.2, 7.0, 6.7, 6.5, 6.3, 6.0, 5.8, 5.6, 5.3, 5.1, 4.9, 4.6, 4.4, 4.2, 3.9),
    *(3.7, 3.5, 3.2, 3.0, 2.8, 2.6, 2.3, 2.1, 1.9, 1.6, 1.4, 1.1, 0.9, 0.7, 0.5, 0.3),
)
_TOLERANCE = 1e-8  # rounding of a share times 100


def attrition(randomised_t: int, observed_t: int, randomised_c: int, observed_c: int) -> Attrition:
    """Return overall and differential loss, and the verdict of both boundaries.

    Parameters
    ----------
    randomised_t, randomised_c : people (or clusters) assigned to treatment and to comparison
    observed_t, observed_c : those of them whose outcome was observed

    Returns
    -------
    Attrition
        `overall` and `differential` are shares from 0 to 1; `bound_cautious` and
        `bound_optimistic` are in percentage points. Between two whole percents of overall loss
        the smaller of the two neighbouring bounds counts; beyond the table the bound is None and
        the verdict "outside".

    Raises
    ------
    InvalidInput
        For counts that are negative, not whole, or larger than the number randomised.
    CannotEstimate
        When nobody was randomised to an arm.

    References
    ----------
    What Works Clearinghouse, Standards Handbook, versions 4.0 and 4.1, table II.1.
    """
    n_t, seen_t = _counts(randomised_t, observed_t, "treatment")
    n_c, seen_c = _counts(randomised_c, observed_c, "comparison")
    loss_t, loss_c = 1 - seen_t / n_t, 1 - seen_c / n_c
    overall = 1 - (seen_t + seen_c) / (n_t + n_c)
    differential = abs(seen_t / n_t - seen_c / n_c)
    cautious, optimistic = boundary(overall, CAUTIOUS), boundary(overall, OPTIMISTIC)
    return Attrition(
        randomised_treatment=n_t,
        observed_treatment=seen_t,
        randomised_comparison=n_c,
        observed_comparison=seen_c,
        loss_treatment=loss_t,
        loss_comparison=loss_c,
        overall=overall,
        differential=differential,
        bound_cautious=cautious,
        bound_optimistic=optimistic,
        cautious=_verdict(differential, cautious),
        optimistic=_verdict(differential, optimistic),
    )


def boundary(overall: float, table: tuple[float, ...]) -> float | None:
    """Return the bound in percentage points at an overall loss (a share); None past the table."""
    percent = overall * 100
    below = floor(percent + _TOLERANCE)
    above = below if percent - below <= _TOLERANCE else below + 1
    return None if above >= len(table) else min(table[below], table[above])


def _verdict(differential: float, bound: float | None) -> str:
    inside = bound is not None and differential * 100 <= bound + _TOLERANCE
    return "inside" if inside else "outside"


def _counts(randomised: Any, observed: Any, arm: str) -> tuple[int, int]:
    for number in (randomised, observed):
        if not _is_count(number):
            raise invalid(f"{number!r} is not a number of people.", allowed="whole numbers from 0")
    if observed > randomised:
        raise invalid(
            f"{observed} were observed in the {arm} arm but {randomised} randomised.",
            allowed="no more observed than randomised",
        )
    if randomised == 0:
        raise CannotEstimate(f"Nobody was randomised to the {arm} arm, so it has no loss.")
    return int(randomised), int(observed)


def _is_count(number: Any) -> bool:
    try:
        return bool(int(number) == number and number >= 0)
    except (TypeError, ValueError, OverflowError):
        return False
