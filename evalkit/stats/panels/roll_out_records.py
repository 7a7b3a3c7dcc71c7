"""What a call on a roll-out names, and the rows it comes down to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Codes = NDArray[np.intp]

HOLES = ("balanced", "pairs", "cross-sections")


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """The columns a call names, and the options that decide which rows are used."""

    outcome: str
    period: str
    unit: str | None
    first_treated: str | None
    treatment: str | None
    covariates: tuple[str, ...]
    cluster: str | None
    weights: str | None
    comparison: str
    anticipation: float
    panel: bool
    holes: str


@dataclass(frozen=True, slots=True, eq=False)
class RollOut:
    """The rows analysed, sorted by unit and period, and the units they belong to.

    `owner` and `when` number each row's unit and period; `starts`, `weights` (mean one) and
    `clusters` have one value a unit. Of repeated cross-sections every row is its own unit.
    `matrix` has a column of ones and the covariates, or is None without.
    """

    times: Floats
    owner: Codes
    when: Codes
    outcome: Floats
    matrix: Floats | None
    starts: Floats
    weights: Floats
    clusters: Codes | None
    groups: tuple[float, ...]
    dropped: tuple[tuple[str, int], ...]
    notes: tuple[str, ...]

    @property
    def n_units(self) -> int:
        """The number of units; of repeated cross-sections the number of rows."""
        return len(self.starts)

    @property
    def balanced(self) -> bool:
        """Whether every unit has a row in every period."""
        return len(self.owner) == self.n_units * len(self.times)
