"""How many more people must be reached for loss to lie inside a boundary."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from evalkit.results import Attrition, Record
from evalkit.rounding import written
from evalkit.stats.loss import CAUTIOUS, OPTIMISTIC, attrition, boundary
from evalkit.stats.missing.bounds_interval import percent
from evalkit.stats.shared.columns import choice, invalid

_TABLES = {"cautious": CAUTIOUS, "optimistic": OPTIMISTIC}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnsNeeded(Record):
    """The fewest further returns that bring a study inside a boundary.

    `verdict`, `overall`, `differential` and `bound` are as things stand, those with `_then` after
    the `needed` returns, `needed_treatment` and `needed_comparison` of each arm. `only_treatment` and
    `only_comparison` are the fewest when only that arm is followed up. What cannot be reached, and
    all that would follow from it, is None. Overall and differential are shares, bounds percentage
    points.
    """

    boundary: str
    verdict: str
    randomised_treatment: int
    observed_treatment: int
    randomised_comparison: int
    observed_comparison: int
    overall: float
    differential: float
    bound: float | None
    reachable: bool
    needed: int | None
    needed_treatment: int | None
    needed_comparison: int | None
    overall_then: float | None
    differential_then: float | None
    bound_then: float | None
    only_treatment: int | None
    only_comparison: int | None
    sentence: str


@dataclass(frozen=True, slots=True)
class _Search:
    """Counts assigned, seen and still to be had, by arm, and the boundary's table."""

    n: tuple[int, int]
    seen: tuple[int, int]
    spare: tuple[int, int]
    table: tuple[float, ...]

    def inside(self, more_t: int, more_c: int) -> bool:
        """Return whether so many more returns leave the study inside."""
        bound = boundary(self._overall(more_t + more_c), self.table)
        return bound is not None and self._points(more_t, more_c) <= bound + 1e-8

    def _overall(self, more: int) -> float:
        return 1 - (sum(self.seen) + more) / sum(self.n)

    def _points(self, more_t: int, more_c: int) -> float:
        return 100 * abs(self.lead(more_t, more_c)) / (self.n[0] * self.n[1])

    def lead(self, more_t: int, more_c: int) -> int:
        """Return the lead of the treatment arm's response rate, times both arms' numbers."""
        return (self.seen[0] + more_t) * self.n[1] - (self.seen[1] + more_c) * self.n[0]

    def best(self, total: int) -> tuple[int, int]:
        """Return how to share a total between the arms for the least differential.

        The lead rises by the same step with each return moved to the treatment arm, so it is
        nearest to zero at one of two whole numbers; of two alike, the arm now behind gets one more.
        """
        least, most = max(0, total - self.spare[1]), min(total, self.spare[0])
        root = -self.lead(0, total) // sum(self.n)
        choices = {min(max(place, least), most) for place in (root, root + 1)}
        behind = self.lead(0, 0) < 0 or (self.lead(0, 0) == 0 and self.n[0] >= self.n[1])
        more_t = min(choices, key=lambda t: (abs(self.lead(t, total - t)), -t if behind else t))
        return more_t, total - more_t

    def fewest(self) -> tuple[int, int] | None:
        """Return the smallest total, shared for the least differential; every total is tried."""
        for total in range(sum(self.spare) + 1):
            shared = self.best(total)
            if self.inside(*shared):
                return shared
        return None

    def alone(self, arm: int) -> int | None:
        """Return the fewest returns of one arm alone (0 the treatment)."""
        for more in range(self.spare[arm] + 1):
            if self.inside(*((more, 0) if arm == 0 else (0, more))):
                return more
        return None


def returns_needed(
    randomised_t: int,
    observed_t: int,
    randomised_c: int,
    observed_c: int,
    *,
    gone_t: int = 0,
    gone_c: int = 0,
    boundary: str = "cautious",
) -> ReturnsNeeded:
    """Return the fewest further returns, and from which arm, that bring loss inside a boundary.

    Parameters
    ----------
    randomised_t, randomised_c : people (or clusters) assigned to treatment and to comparison
    observed_t, observed_c : those of them whose outcome has been observed so far
    gone_t, gone_c : those who can no longer be observed (withdrew, died)
    boundary : "cautious" or "optimistic", as the plan fixed it

    Returns
    -------
    ReturnsNeeded
        Exact: every total is tried, each shared between the arms for the least differential (of two
        ways alike, more from the arm with fewer returns). The work grows with the number of people.

    Raises
    ------
    InvalidInput
        For counts that are negative, not whole, or add up to more than were randomised.
    CannotEstimate
        When nobody was randomised to an arm.

    References
    ----------
    What Works Clearinghouse, Standards Handbook, versions 4.0 and 4.1, table II.1.
    """
    choice(boundary, _TABLES, argument="boundary")
    now = attrition(randomised_t, observed_t, randomised_c, observed_c)
    n = (now.randomised_treatment, now.randomised_comparison)
    seen = (now.observed_treatment, now.observed_comparison)
    gone = [_gone(g, n[a] - seen[a], a) for a, g in enumerate((gone_t, gone_c))]
    spare = (n[0] - seen[0] - gone[0], n[1] - seen[1] - gone[1])
    search = _Search(n, seen, spare, _TABLES[boundary])
    found = search.fewest()
    then = None if found is None else attrition(n[0], seen[0] + found[0], n[1], seen[1] + found[1])
    alone = (search.alone(0), search.alone(1))
    return ReturnsNeeded(
        boundary=boundary,
        verdict=getattr(now, boundary),
        randomised_treatment=n[0],
        observed_treatment=seen[0],
        randomised_comparison=n[1],
        observed_comparison=seen[1],
        overall=now.overall,
        differential=now.differential,
        bound=getattr(now, f"bound_{boundary}"),
        reachable=found is not None,
        needed=None if found is None else sum(found),
        needed_treatment=None if found is None else found[0],
        needed_comparison=None if found is None else found[1],
        overall_then=None if then is None else then.overall,
        differential_then=None if then is None else then.differential,
        bound_then=None if then is None else getattr(then, f"bound_{boundary}"),
        only_treatment=alone[0],
        only_comparison=alone[1],
        sentence=_sentence(now, boundary, found, then, spare),
    )


def _gone(count: Any, lost: int, arm: int) -> int:
    label = ("treatment", "comparison")[arm]
    try:
        whole = int(count) == count and count >= 0
    except (TypeError, ValueError, OverflowError):
        whole = False
    if not whole or count > lost:
        raise invalid(
            f"{count!r} of the {label} arm are given as gone, where {lost} have not been observed.",
            allowed=f"whole numbers from 0 to {lost}",
        )
    return int(count)


def _sentence(
    now: Attrition,
    kind: str,
    found: tuple[int, int] | None,
    then: Attrition | None,
    spare: tuple[int, int],
) -> str:
    bound = getattr(now, f"bound_{kind}")
    text = (
        f"{percent(now.overall)} are lost so far and the arms differ by {_points(now)} points, "
        f"{getattr(now, kind)} the {kind} boundary "
    )
    text += f"({bound:.1f} points)" if bound is not None else "(which has no room at this loss)"
    if found is None or then is None:
        return (
            f"{text}; it cannot be reached, even with all {sum(spare)} returns still to be had "
            f"({spare[0]} of treatment, {spare[1]} of comparison)."
        )
    if found == (0, 0):
        return f"{text}; no further returns are needed for it, though later ones can change this."
    return (
        f"{text}; {sum(found)} more {'return' if sum(found) == 1 else 'returns'} ({found[0]} of "
        f"treatment, {found[1]} of comparison) would bring it inside, with {percent(then.overall)} "
        f"lost and a difference of {_points(then)} points."
    )


def _points(loss: Attrition) -> str:
    return written(100 * loss.differential, 1)
