"""Boundaries for interim looks: how much of the error rate may be spent by when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import e, log, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.results import Record
from evalkit.stats.planning.group_sequential import REACH, Going, boundary, follow
from evalkit.stats.planning.power_solving import check_sides, is_number, share
from evalkit.stats.shared.columns import choice, invalid, vector

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

SPENDING = ("obrien-fleming", "pocock")
CLOSEST = 0.001  # two looks nearer than this share of the information are one
SAME = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendingBounds(Record):
    """Boundaries of a trial looked at several times; one value a look in each tuple.

    `fraction` is information over planned information; `z` the boundary of the test statistic
    (two-sided: the trial ends where |Z| reaches it), infinite where next to nothing may be spent;
    `p_nominal` the p-value that it stands for, one- or two-sided as the test; `alpha_spent` the
    error rate spent up to and including the look, `alpha_at_look` at this look alone.
    """

    fraction: tuple[float, ...]
    z: tuple[float, ...]
    p_nominal: tuple[float, ...]
    alpha_spent: tuple[float, ...]
    alpha_at_look: tuple[float, ...]
    alpha: float
    spending: str
    sides: int
    sentence: str

    @property
    def looks(self) -> int:
        """The number of looks."""
        return len(self.z)

    def to_frame(self) -> pd.DataFrame:
        """Return a pandas frame with one row a look."""
        import pandas as pd

        return pd.DataFrame({"look": range(1, self.looks + 1)} | self.to_dict())


def spending_bounds(
    information: Sequence[float],
    *,
    alpha: float = 0.05,
    spending: str = "obrien-fleming",
    sides: int = 2,
    planned: float | None = None,
    final: bool = False,
) -> SpendingBounds:
    """Return the boundaries of interim looks by a Lan-DeMets spending function.

    Parameters
    ----------
    information : information at each look, rising: the fraction of what is planned (0 to 1), or
        with `planned` any measure of it (people, events, 1 / variance of the estimate). Looks
        need be neither equally spaced nor planned: give those that have been, and the boundaries
        of the earlier ones do not change when one is added.
    alpha : error rate of all looks together
    spending : "obrien-fleming", by fraction t of each side's rate a 2 - 2 Phi(z(1 - a / 2) /
        sqrt(t)), strict early; or "pocock", a log(1 + (e - 1) t), about the same at each look
    sides : 2, symmetric, half of alpha on each side; or 1, upper
    planned : the information at which all of alpha is spent, in the unit of `information`
    final : whether the last look is the trial's last, so that all that is left is spent there
        though less information came than planned

    Returns
    -------
    SpendingBounds

    Raises
    ------
    InvalidInput
        For information that does not rise, or looks nearer than a thousandth of each other; a
        fraction above 1 without `planned`; a look after all is spent; an unknown spending.

    Notes
    -----
    When to look may follow a calendar or the count of people, never the results so far. A last
    look with more information than planned spends what is left, with the correlation that
    it has. The recursive integration is good to some 1e-9 in probability.

    References
    ----------
    Lan and DeMets (1983), Biometrika 70:659-663; Armitage, McPherson and Rowe (1969), JRSS A
    132:235-244; Jennison and Turnbull (2000), chapters 7 and 19.
    """
    share(alpha, "alpha")
    check_sides(sides)
    choice(spending, SPENDING, argument="spending")
    fractions = read_fractions(information, planned)
    limits, spent = bounds(fractions, alpha / sides, spending, symmetric=sides == 2, final=final)
    return described(fractions, limits, sides * spent, alpha, spending, sides)


def described(
    fractions: Floats, limits: Floats, spent: Floats, alpha: float, spending: str, sides: int
) -> SpendingBounds:
    """Return boundaries and what they spend as a record."""
    from scipy.stats import norm

    z = ", ".join(f"{limit:.3f}" for limit in limits)
    return SpendingBounds(
        fraction=_numbers(fractions),
        z=_numbers(limits),
        p_nominal=_numbers(sides * norm.sf(limits)),
        alpha_spent=_numbers(spent),
        alpha_at_look=_numbers(np.diff(spent, prepend=0.0)),
        alpha=alpha,
        spending=spending,
        sides=sides,
        sentence=f"{len(limits)} look(s), {spending} spending of alpha {alpha:g} "
        f"({'two' if sides == 2 else 'one'}-sided): the boundaries of z are {z}; "
        f"{spent[-1]:.4f} of alpha is spent by the last.",
    )


def _numbers(values: Any) -> tuple[float, ...]:
    return tuple(float(value) for value in values)


def read_fractions(information: Any, planned: float | None) -> Floats:
    """Return the information of each look as fractions of the plan."""
    values = vector(information, "information")
    if not values.size or np.isnan(values).any() or not np.all(values > 0):
        raise invalid("information is empty, missing or not positive.", allowed="positive numbers")
    if planned is not None and (not is_number(planned) or planned <= 0):
        raise invalid(f"planned={planned!r}.", allowed="a positive number")
    fractions = values / (planned or 1.0)
    gaps = np.diff(fractions)
    if np.any(gaps < CLOSEST * fractions[1:]):
        found = ", ".join(f"{value:g}" for value in values)
        raise invalid(
            f"information is {found}.",
            allowed="numbers that rise by a thousandth or more from look to look",
            next_step="Count looks at the same information as one look.",
        )
    if planned is None and fractions[-1] > 1 + SAME:
        raise invalid(
            f"information reaches {fractions[-1]:g}.",
            allowed="fractions up to 1",
            next_step="Name what was planned as planned=.",
        )
    if np.any(fractions[:-1] >= 1 - SAME):
        raise invalid(
            "a look follows one at which all of alpha was spent.",
            allowed="one look at or beyond the planned information, the last",
        )
    return fractions


def spent_by(fraction: float, rate: float, spending: str) -> float:
    """Return how much of a one-sided rate may have been spent by this fraction."""
    from scipy.stats import norm

    if fraction >= 1 - SAME:
        return rate
    if spending == "pocock":
        return rate * log(1 + (e - 1) * fraction)
    return 2 * float(norm.sf(norm.isf(rate / 2) / sqrt(fraction)))


def bounds(
    fractions: Floats, rate: float, spending: str, *, symmetric: bool, final: bool
) -> tuple[Floats, Floats]:
    """Return the upper boundary at each look, and the one-sided rate spent up to it.

    Symmetric boundaries also end the trial below; a rate too small for a boundary is kept and
    spent later.
    """
    limits, spent = np.empty(len(fractions)), np.empty(len(fractions))
    before: Going | None = None
    so_far = 0.0
    for look, fraction in enumerate(fractions):
        last = look + 1 == len(fractions)
        target = rate if last and final else spent_by(float(fraction), rate, spending)
        limits[look] = boundary(before, float(fraction), target - so_far)
        so_far = target if np.isfinite(limits[look]) else so_far
        spent[look] = so_far
        if not last:
            following = float(fractions[look + 1])
            low = -limits[look] if symmetric else -REACH
            before = follow(before, float(fraction), low, limits[look], following)
    return limits, spent
