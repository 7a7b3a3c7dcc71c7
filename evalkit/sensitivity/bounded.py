"""Bounds: what the lost could make of a result, under little or nothing assumed of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from evalkit.errors import CannotEstimate
from evalkit.sampling import analysis_sample, cluster_column
from evalkit.sensitivity.asked import in_order
from evalkit.sensitivity.records import Sensitivity

if TYPE_CHECKING:
    import pandas as pd

    from evalkit.study import Study
    from evalkit.targets import Target


OUTCOME = "the outcome"
"""What the sentence of a bound calls what is bounded."""


def bounded(
    study: Study, target: Target, followed: pd.DataFrame, empty: Sensitivity
) -> Sensitivity:
    """Return the row of a pair of bounds on the difference in means.

    Lee's bounds are of what the covariates of the plan leave of the outcome, as chance alone decided who
    has which, and within strata, where there are some with people enough in each. The
    worst case is of the outcome as it is.
    """
    if target.kind == "ordinal":
        raise CannotEstimate("Bounds of a mean say nothing of an outcome that is only ordered")
    rows = in_order(followed)
    rows[OUTCOME] = rows["score"].where(rows["step"] == "analysed")
    found = (
        _lee(study, target, followed, rows)
        if empty.method == "lee-bounds"
        else _worst(study, target, rows)
    )
    used = found.n_treatment + found.n_comparison
    return replace(
        empty, lower=found.lower, upper=found.upper, conf_low=found.conf_low,
        conf_high=found.conf_high, df=found.df, level=found.level,
        unit="share" if target.kind == "yes-no" else "points",
        n_used=used, n_dropped=len(followed) - used,
        notes=(found.sentence.rstrip("."), *found.notes),
    )  # fmt: skip


def _lee(study: Study, target: Target, followed: pd.DataFrame, rows: pd.DataFrame) -> Any:
    from evalkit.stats import lee_bounds

    rows[OUTCOME] -= rows["person"].map(_foreseen(study, target, followed))
    common: dict[str, Any] = {
        "outcome": OUTCOME, "treatment": "treated", "cluster": cluster_column(study, rows),
    }  # fmt: skip
    if study.evaluation.strata:
        try:
            return lee_bounds(rows, **common, within="stratum")
        except CannotEstimate:
            pass
    return lee_bounds(rows, **common)


def _foreseen(study: Study, target: Target, followed: pd.DataFrame) -> pd.Series[float]:
    """Return by person the part of the outcome that covariates foretell within arms, centred."""
    import numpy as np
    import pandas as pd

    sample = analysis_sample(study, target, followed)
    columns = pd.get_dummies(sample.frame[list(sample.columns)], drop_first=True).astype(float)
    outcome = sample.frame["score"].to_numpy(dtype=float)
    arm = sample.frame["treated"].to_numpy(dtype=float)
    centred = columns.to_numpy() - columns.to_numpy().mean(axis=0)
    design = np.column_stack([np.ones(len(arm)), arm, centred])
    slopes = np.linalg.lstsq(design, outcome, rcond=None)[0][2:]
    return pd.Series(centred @ slopes, index=sample.frame["person"].to_numpy())


def _worst(study: Study, target: Target, rows: pd.DataFrame) -> Any:
    from evalkit.stats import worst_case_bounds

    low, high = (0.0, 1.0) if target.kind == "yes-no" else study.evaluation.scale(target).range
    return worst_case_bounds(
        rows, outcome=OUTCOME, treatment="treated", low=low, high=high,
        cluster=cluster_column(study, rows),
    )  # fmt: skip
