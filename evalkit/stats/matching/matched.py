"""The result of matching: weights, sets and pairs, who was left out and why, and the balance."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.stats.matching.match_units import Units
from evalkit.stats.matching.propensity import ScoreModel
from evalkit.stats.matching.set_weights import EffectiveN
from evalkit.stats.shared.balance_rows import balance_rows, with_products
from evalkit.stats.shared.level_columns import Covariate

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Codes = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class UnitMatches:
    """The matches by unit: weight, set (0 is none), score, linked places, and why left out."""

    units: Units
    weights: Floats
    sets: Codes
    score: Floats | None
    treated_unit: Codes
    comparison_unit: Codes
    length: Floats
    why: Codes
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Matched:
    """Matched units; `weights`, `sets` and `distance` have one value for each row of the data.

    `weights` average 1 over the matched units of each arm and are 0 elsewhere; `sets` number the
    matched sets from 1 (missing without one, and throughout after matching with replacement);
    `distance` is the score matched on (the fitted chance, its log odds, or the column given; None
    without a score), missing where a row was left out. `effective_n` is of units, by arm.
    `n_treatment` and `n_comparison` count rows with weight, `n_units_...` the units they make, and
    with `n_dropped` they add up to the rows of the data; `dropped_why` says why as (reason, count).
    `total_distance` adds up the distances of `pairs`. `overlap` is the share of the units the
    estimand is about whose score lies within the range of the other arm's. `caliper_width` is in
    the units of the score named by `caliper_on`.
    """

    treatment: str
    covariates: tuple[str, ...]
    unit: str | None
    estimand: str
    method: str
    matched_on: str
    weights: Floats
    sets: Any
    distance: Floats | None
    effective_n: EffectiveN
    n_treatment: int
    n_comparison: int
    n_units_treatment: int
    n_units_comparison: int
    n_sets: int | None
    n_dropped: int
    dropped_why: tuple[tuple[str, int], ...]
    total_distance: float | None
    overlap: float | None
    caliper_width: float | None
    caliper_on: str | None
    model: ScoreModel | None
    notes: tuple[str, ...]
    sentence: str
    by_unit: UnitMatches = field(repr=False)

    @property
    def pairs(self) -> pd.DataFrame:
        """The links: `treated` and `comparison` (unit, or place of the row from 0), `distance`, `set`.

        Empty for matching in strata, where nobody has a partner of their own.
        """
        import pandas as pd

        found, labels = self.by_unit, self.by_unit.units.labels
        sets = found.sets[found.treated_unit]
        return pd.DataFrame(
            {
                "treated": labels[found.treated_unit],
                "comparison": labels[found.comparison_unit],
                "distance": found.length,
                "set": pd.arrays.IntegerArray(sets.astype(np.int64), sets == 0),
            }
        )

    @property
    def unmatched(self) -> pd.DataFrame:
        """Everybody without weight: `unit` (or place of the row from 0), `arm`, `reason`.

        `arm` is "treatment", "comparison" or missing. Rows left out before matching stand each by
        itself, under their unit where they have one.
        """
        import pandas as pd

        units, arms = self.by_unit.units, np.array(["comparison", "treatment"], dtype=object)
        rows = np.flatnonzero(units.why >= 0)
        known = ~np.isnan(units.row_arm[rows])
        early = np.full(len(rows), None, dtype=object)
        early[known] = arms[units.row_arm[rows][known].astype(int)]
        left = np.flatnonzero(self.by_unit.why >= 0)
        reasons = [units.reasons[i] for i in units.why[rows]]
        reasons += [self.by_unit.reasons[i] for i in self.by_unit.why[left]]
        return pd.DataFrame(
            {
                "unit": [*units.row_labels[rows], *units.labels[left]],
                "arm": [*early, *arms[units.treated[left].astype(int)]],
                "reason": reasons,
            }
        )

    def balance(self, *, squares: bool = False, interactions: bool = False) -> pd.DataFrame:
        """Return the balance of the units, with the columns of `evalkit.stats.balance`.

        Figures are after matching; the columns named "before" are of all units that could have
        been matched, and so are the SDs. A first row, "distance", shows the score where there is one.
        """
        found = self.by_unit
        rows = with_products(found.units.covariates, squares=squares, interactions=interactions)
        if found.score is not None:
            rows.insert(0, Covariate("distance", "distance", found.score))
        return balance_rows(rows, found.units.treated, found.weights, estimand=self.estimand)

    def to_frame(self) -> pd.DataFrame:
        """Return a row for each row of the data: `unit, arm, weight, set, distance, reason`."""
        import pandas as pd

        units = self.by_unit.units
        reason = np.full(len(self.weights), None, dtype=object)
        for i, text in enumerate(units.reasons):
            reason[units.why == i] = text
        kept = units.of_row >= 0
        why = np.where(kept, self.by_unit.why[units.of_row], -1)
        for i, text in enumerate(self.by_unit.reasons):
            reason[why == i] = text
        return pd.DataFrame(
            {
                "unit": units.row_labels,
                "arm": units.row_arm,
                "weight": self.weights,
                "set": self.sets,
                "distance": np.nan if self.distance is None else self.distance,
                "reason": reason,
            }
        )
