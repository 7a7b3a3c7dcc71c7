"""How many assignments a design allows, and how probable treatment is under them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb, prod

import numpy as np

from evalkit.results import Record
from evalkit.stats.shared.columns import invalid


@dataclass(frozen=True, slots=True, kw_only=True)
class AllocationChances(Record):
    """Exact chances under a fixed number treated in each stratum.

    `probability` is that of treatment for a unit of each stratum, `assignments` how many
    assignments there are, all equally likely.
    """

    units: tuple[int, ...]
    treated: tuple[int, ...]
    probability: tuple[float, ...]
    assignments: int


def allocation_chances(units: Sequence[int], treated: Sequence[int]) -> AllocationChances:
    """Return each stratum's probability of treatment, and the number of assignments.

    Parameters
    ----------
    units, treated : units (people, or clusters) and how many of them are treated, a stratum each

    Raises
    ------
    InvalidInput
        For lengths that differ, or numbers that are not whole with 0 <= treated <= units.
    """
    sizes, chosen = tuple(units), tuple(treated)
    for n, k in zip(sizes, chosen, strict=False):
        if not all(isinstance(x, int | np.integer) and not isinstance(x, bool) for x in (n, k)):
            raise invalid(f"{n!r} units, {k!r} treated.", allowed="whole numbers")
        if n < 1 or not 0 <= k <= n:
            raise invalid(f"{k} treated of {n}.", allowed="1 unit or more, at most all treated")
    if len(sizes) != len(chosen) or not sizes:
        raise invalid(
            f"{len(sizes)} strata of units and {len(chosen)} of treated.", allowed="as many of both"
        )
    return AllocationChances(
        units=tuple(int(n) for n in sizes),
        treated=tuple(int(k) for k in chosen),
        probability=tuple(int(k) / int(n) for n, k in zip(sizes, chosen, strict=True)),
        assignments=prod(comb(int(n), int(k)) for n, k in zip(sizes, chosen, strict=True)),
    )
