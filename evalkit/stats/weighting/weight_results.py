"""What weighting returns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


class ByArm(NamedTuple):
    """A number for each arm."""

    treatment: float
    comparison: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Weights:
    """Weights of the rows of a table, in their order, and what they cost.

    `weights` has one value a row of the data, 0 where the row was left out (`dropped_why`) or
    trimmed; `propensity` likewise, missing where left out and None for entropy balancing.
    `effective_n` is (sum w)^2 / sum w^2 by arm, `largest_share` the largest share of an arm's
    weight held by one row, `max_over_mean` its largest weight over the mean of its weights above
    0. `n_treatment`, `n_comparison`, `n_trimmed` and `n_dropped` add up to the rows of the data.
    `divergence` is sum w log(w / q) of entropy balancing, with w and the base weights q adding up
    to 1 in an arm (summed over the arms of an ATE).
    """

    treatment: str
    covariates: tuple[str, ...]
    method: str
    estimand: str
    link: str | None
    moments: int
    weights: Floats
    propensity: Floats | None
    effective_n: ByArm
    largest_share: ByArm
    max_over_mean: ByArm
    n_treatment: int
    n_comparison: int
    n_trimmed: int
    n_dropped: int
    dropped_why: tuple[tuple[str, int], ...]
    divergence: float | None
    notes: tuple[str, ...]
    sentence: str
    arm: Floats = field(repr=False)
    why: NDArray[np.object_] = field(repr=False)
    _covariates: pd.DataFrame = field(repr=False)

    def balance(self, *, squares: bool = False, interactions: bool = False) -> pd.DataFrame:
        """Return the balance, with the columns of `evalkit.stats.balance`.

        Figures are after weighting; the columns named "before" and the SDs are of all rows that
        could be weighted, each counting once.
        """
        from evalkit.stats.balancing import balance

        rows = np.array([reason is None for reason in self.why])
        frame = self._covariates.loc[rows].assign(**{self.treatment: self.arm[rows]})
        return balance(
            frame,
            treatment=self.treatment,
            covariates=self.covariates,
            weights=self.weights[rows],
            estimand=self.estimand,
            squares=squares,
            interactions=interactions,
        )

    def to_frame(self) -> pd.DataFrame:
        """Return a row for each row of the data: `arm, weight, propensity, reason`.

        `reason` says why a row has no weight.
        """
        import pandas as pd

        reason = self.why.copy()
        reason[(self.weights == 0) & (reason == None)] = "trimmed"  # noqa: E711
        return pd.DataFrame(
            {
                "arm": self.arm,
                "weight": self.weights,
                "propensity": np.nan if self.propensity is None else self.propensity,
                "reason": reason,
            }
        )

    def arms(self) -> pd.DataFrame:
        """Return one row an arm: `arm, n, effective_n, largest_share, max_over_mean`."""
        import pandas as pd

        columns: dict[str, Any] = {
            "arm": ["treatment", "comparison"],
            "n": [self.n_treatment, self.n_comparison],
            "effective_n": list(self.effective_n),
            "largest_share": list(self.largest_share),
            "max_over_mean": list(self.max_over_mean),
        }
        return pd.DataFrame(columns)


@dataclass(frozen=True, slots=True)
class Spread:
    """How unequal the weights above 0 are in each arm, and how many there are."""

    n: ByArm
    effective_n: ByArm
    largest_share: ByArm
    max_over_mean: ByArm


def spread(weights: Floats, arm: Floats) -> Spread:
    """Return counts, effective numbers and extremes of weights above 0 by arm."""
    sides = [weights[(arm == value) & (weights > 0)] for value in (1, 0)]
    return Spread(
        n=ByArm(*(len(w) for w in sides)),
        effective_n=ByArm(*(float(w.sum() ** 2 / (w @ w)) for w in sides)),
        largest_share=ByArm(*(float(w.max() / w.sum()) for w in sides)),
        max_over_mean=ByArm(*(float(w.max() / w.mean()) for w in sides)),
    )
