"""Change within one group."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.results import Estimate
from evalkit.stats.least_squares.linear import fit
from evalkit.stats.shared.columns import (
    check_frame,
    check_level,
    check_roles,
    left_out,
    numeric,
    optional_name,
)
from evalkit.stats.shared.intervals import caveats, coefficient_interval
from evalkit.stats.sizes.effect_sizes import Scaling, accurate_mean, small_sample_factor

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def mean_change(
    data: Any,
    *,
    baseline: str,
    outcome: str,
    cluster: str | None = None,
    level: float = 0.95,
) -> Estimate:
    """Return the mean change of one group, outcome minus baseline, with a t interval.

    Parameters
    ----------
    data : any frame narwhals knows (pandas, polars, pyarrow), one row a person; never changed
    baseline, outcome : names of numeric columns, in the same units
    cluster : name of the column of clusters; the standard error is then CR2
    level : confidence level

    Returns
    -------
    Estimate
        `estimate` is the mean change in outcome units, `term` "change". `effect_size` is
        J(n - 1) times the change over the SD at baseline, its interval the change's interval
        scaled the same way. `mean_treatment` is the mean of the outcome, `mean_comparison` None.
        There is no comparison: `n_comparison` is None.

    Raises
    ------
    InvalidInput
        For a column that is missing or of the wrong kind.
    CannotEstimate
        With fewer than two complete pairs, changes that do not vary, or one cluster.

    References
    ----------
    Becker (1988), British Journal of Mathematical and Statistical Psychology 41:257-278.
    """
    check_level(level)
    check_roles(baseline=baseline, outcome=outcome)
    data = check_frame(data, [baseline, outcome, *optional_name(cluster)])
    before, after = numeric(data, baseline), numeric(data, outcome)
    reasons = [("no outcome", np.isnan(after)), (f"no {baseline}", np.isnan(before))]
    if cluster is not None:
        reasons.append(("no cluster", data[cluster].isna().to_numpy()))
    keep, dropped = left_out(reasons, len(data))
    groups = None if cluster is None else data.loc[keep, cluster].to_numpy()
    return _change(before[keep], after[keep], groups, dropped, (baseline, outcome), level)


def _change(
    before: Floats,
    after: Floats,
    cluster: Any,
    dropped: tuple[tuple[str, int], ...],
    names: tuple[str, str],
    level: float,
) -> Estimate:
    change = after - before
    shared = cluster is not None and len(set(cluster)) < len(cluster)
    _check_change(change, cluster if shared else None)
    model = fit(np.ones((len(change), 1)), change, ("change",), cluster=cluster if shared else None)
    scaling = _baseline_scaling(before)
    numbers = coefficient_interval(model, 0, scaling.factor, level)
    kind = f"CR2 standard error for {model.n_clusters} clusters" if shared else "standard error"
    return Estimate(
        outcome=names[1],
        term="change",
        level=level,
        n_treatment=len(change),
        n_clusters=model.n_clusters if shared else None,
        n_dropped=sum(count for _, count in dropped),
        method=f"Mean of {names[1]} minus {names[0]} in one group; {kind}, t interval.",
        dropped_why=dropped,
        mean_treatment=accurate_mean(after),
        sd_pooled=scaling.sd,
        notes=tuple(caveats(numbers["df"], scaling)),
        **numbers,
    )


def _check_change(change: Floats, cluster: Any) -> None:
    if len(change) < 2:
        raise CannotEstimate(
            f"{len(change)} row(s) have both a baseline and an outcome; at least 2 are needed."
        )
    if np.ptp(change) == 0:
        raise CannotEstimate("Everyone changed by the same amount: the change does not vary.")
    if cluster is not None and len(set(cluster)) < 2:
        raise CannotEstimate("There is one cluster; at least 2 are needed.")


def _baseline_scaling(before: Floats) -> Scaling:
    sd = float(np.std(before - before[0], ddof=1)) if np.ptp(before) > 0 else 0.0
    df = float(len(before) - 1)
    factor = small_sample_factor(df) / sd if sd > 0 and df > 1 else None
    return Scaling(factor=factor, sd=sd, df=df)
