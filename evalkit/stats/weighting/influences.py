"""What each person or cluster adds to an effect, as its standard error and interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.results import Estimate
from evalkit.stats.shared.intervals import few_df_note
from evalkit.stats.sizes.effect_sizes import accurate_mean, difference_scaling

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from evalkit.stats.weighting.weight_columns import Recipe, WeightRows

    Floats = NDArray[np.float64]
    Codes = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Groups:
    """Who stands alone: codes from 0 by cluster, or by row where nobody shares one."""

    codes: Codes
    count: int
    shared: bool

    def sums(self, values: Floats) -> Floats:
        """Return sums of one value a row within groups, in the order of the codes."""
        if not self.shared:
            return values
        total = np.bincount(self.codes, weights=values, minlength=self.count)
        return np.asarray(total, dtype=np.float64)


def groups_of(rows: WeightRows, cluster: str | None) -> Groups:
    """Return the clusters of the rows; raises CannotEstimate where an arm is one cluster."""
    import pandas as pd

    count = len(rows.arm)
    if cluster is None:
        return Groups(np.arange(count), count, False)
    codes, found = pd.factorize(rows.data.loc[rows.keep, cluster])
    if len(found) == count:
        return Groups(np.arange(count), count, False)
    for value, label in ((1, "treatment"), (0, "comparison")):
        if np.ptp(codes[rows.arm == value]) == 0:
            raise CannotEstimate(
                f"The {label} arm has one cluster: the effect cannot be told apart from that "
                "cluster's own difference."
            )
    return Groups(np.asarray(codes, dtype=np.intp), len(found), True)


def effect_record(
    rows: WeightRows,
    made: Recipe,
    groups: Groups,
    outcome: tuple[str, Floats],
    numbers: tuple[float, float, float],
    level: float,
    words: dict[str, Any],
) -> Estimate:
    """Return the estimate with the t interval of (estimate, standard error, df).

    `outcome` is its name and values; `words` holds method, notes and adjusted_for.
    """
    from scipy.stats import t as student

    estimate, error, df = numbers
    if not (error > 0 and np.isfinite(error) and df > 0):
        raise CannotEstimate(
            "The standard error is zero or cannot be computed: too few rows or clusters carry "
            "information about this difference."
        )
    half = float(student.ppf(0.5 + level / 2, df)) * error
    name, values = outcome
    scaling = difference_scaling(values, rows.arm, groups.codes if groups.shared else None)
    factor = scaling.factor
    scaled = [None if factor is None else factor * x for x in (0.0, -half, half)]
    shift = None if factor is None else factor * estimate
    effect = [None if x is None or shift is None else shift + x for x in scaled]
    treated, compared = values[rows.arm == 1], values[rows.arm == 0]
    return Estimate(
        outcome=name,
        term=made.treatment,
        estimand=made.estimand,
        estimate=estimate,
        std_error=error,
        statistic=estimate / error,
        df=df,
        p_value=float(2 * student.sf(abs(estimate / error), df)),
        conf_low=estimate - half,
        conf_high=estimate + half,
        level=level,
        effect_size=effect[0],
        effect_low=effect[1],
        effect_high=effect[2],
        n_treatment=len(treated),
        n_comparison=len(compared),
        n_clusters=groups.count if groups.shared else None,
        n_dropped=sum(count for _, count in rows.dropped),
        method=words["method"],
        dropped_why=rows.dropped,
        mean_treatment=accurate_mean(treated),
        mean_comparison=accurate_mean(compared),
        sd_pooled=scaling.sd,
        notes=(*words["notes"], *few_df_note(df)),
        adjusted_for=words["adjusted_for"],
    )
