"""Attrition weights: those who answered speak for those like them who did not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from evalkit.comparisons import doubly, weighted_sample
from evalkit.errors import CannotEstimate
from evalkit.results import Estimate
from evalkit.sampling import analysis_sample, arms, covariate_columns, described
from evalkit.sensitivity.asked import in_order

if TYPE_CHECKING:
    import pandas as pd

    from evalkit.stats.missing.attrition_weights import AttritionWeights
    from evalkit.study import Study
    from evalkit.targets import Target


SEEN = "was seen"
"""A column that no table of people has."""


def attrition_weighted(study: Study, target: Target, followed: pd.DataFrame) -> Estimate:
    """The adjusted difference with each person weighted by one over the chance of having answered.

    The chance is modelled by arm from the covariates of the plan and its auxiliary columns; weights
    of a match are kept, as factors, and those of a weighted comparison are worked out on top.
    """
    from evalkit import stats

    if target.kind == "ordinal":
        raise CannotEstimate("Weights are not offered for an outcome that is only ordered")
    plan = study.evaluation.declared.analysis
    rows = in_order(followed)
    names = dict.fromkeys([*plan.covariates, *plan.missing.auxiliary])
    _, columns, _ = covariate_columns(study, rows, names)
    if not columns:
        raise CannotEstimate("Nothing is known at the start from which to weight")
    rows[SEEN] = (rows["step"] == "analysed").astype(float)
    found = _weights(rows, columns)
    rows["weight"] = found.weights
    design = study.evaluation.declared.design
    weighted = design.weight is not None
    sample, how = (
        weighted_sample(study, target, followed) if weighted
        else (analysis_sample(study, target, followed), {})
    )  # fmt: skip
    sample.frame["weight"] = sample.frame["person"].map(rows.set_index("person")["weight"])
    fitted = (
        stats.weighted_effect(sample.frame, **doubly(sample), **how, base_weights="weight")
        if weighted else stats.mean_difference(sample.frame, **arms(sample), weights="weight")
    )  # fmt: skip
    made = described(target, sample, fitted)
    return replace(made, notes=(found.sentence.rstrip("."), *made.notes))


def _weights(rows: pd.DataFrame, columns: tuple[str, ...]) -> AttritionWeights:
    """Return the weights by a model for each arm or, where one cannot be fitted, by one for both."""
    from evalkit import stats

    common: dict[str, Any] = {
        "observed": SEEN, "treatment": "treated", "covariates": columns,
        "weights": "weight" if bool((rows["weight"] != 1).any()) else None,
    }  # fmt: skip
    try:
        return stats.attrition_weights(rows, **common)
    except CannotEstimate:
        return stats.attrition_weights(rows, **common, interactions=False)
