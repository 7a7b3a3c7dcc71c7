"""From a study and a target to an estimate: one short function each, and the table of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from evalkit.errors import CannotEstimate
from evalkit.results import Estimate

if TYPE_CHECKING:
    import pandas as pd

    from evalkit.evaluation import Target
    from evalkit.study import Study

Estimator = Callable[["Study", "Target", "pd.DataFrame"], Estimate]


def mean_difference(study: Study, target: Target, followed: pd.DataFrame) -> Estimate:
    """Adjusted difference in means between the arms (ANCOVA on the outcome's own first score)."""
    from evalkit import stats

    frame, covariates, notes = analysis_frame(study, target, followed)
    clusters = cluster_column(study, frame)
    found = stats.mean_difference(
        frame, outcome="score", treatment="treated", covariates=covariates, cluster=clusters
    )
    return replace(found, notes=(*found.notes, *notes))


def mean_change(study: Study, target: Target, followed: pd.DataFrame) -> Estimate:
    """Mean change from the first wave among those measured at both."""
    from evalkit import stats

    frame, _, _ = analysis_frame(study, target, followed)
    return stats.mean_change(
        frame, baseline="baseline", outcome="score", cluster=cluster_column(study, frame)
    )


ESTIMATORS: dict[str, Estimator] = {
    "mean_difference": mean_difference,
    "mean_change": mean_change,
}


def analysis_frame(
    study: Study, target: Target, followed: pd.DataFrame
) -> tuple[pd.DataFrame, list[str], tuple[str, ...]]:
    """Return the rows analysed, the columns to adjust for, and notes on what was filled in.

    In a randomised design a missing first score or covariate is set to the mean of those known and
    an indicator is added (White and Thompson 2005, Statistics in Medicine 24:993-1007).
    """
    people = study.intake.people
    rows = followed[followed["step"] == "analysed"].copy()
    names: list[str] = []
    notes: list[str] = []
    for covariate in study.evaluation.declared.analysis.covariates:
        values = (
            rows["baseline"] if covariate == "baseline" else rows["person"].map(people[covariate])
        )
        rows[covariate] = values
        names.append(covariate)
        if values.isna().any():
            notes.append(_fill(rows, names, covariate))
    return rows, names, tuple(notes)


def _fill(rows: pd.DataFrame, names: list[str], covariate: str) -> str:
    missing = rows[covariate].isna()
    label = "first score" if covariate == "baseline" else covariate
    if rows[covariate].dtype == float:
        rows[covariate] = rows[covariate].fillna(
            rows[covariate].mean() if not missing.all() else 0.0
        )
        indicator = f"{covariate} missing"
        rows[indicator] = missing.astype(float)
        names.append(indicator)
        return f"people with no {label} were kept: mean and indicator used"
    rows[covariate] = rows[covariate].fillna("not recorded")
    return f"people with no {label} were kept as a group of their own"


def cluster_column(study: Study, rows: pd.DataFrame) -> str | None:
    """Return the column of the unit of assignment, or None where nobody shares one."""
    design = study.evaluation.declared.design
    if design.match and design.match.sets:
        return "set"
    if design.assigned_by == "site":
        return "site"
    return "family" if rows["family"].duplicated().any() else None


def estimate_target(
    study: Study, target: Target, followed: pd.DataFrame, estimator: Estimator
) -> Estimate:
    """Estimate one target; what cannot be estimated is returned empty, with the reason in `notes`."""
    try:
        found = estimator(study, target, followed)
    except CannotEstimate as refusal:
        found = Estimate(method="not estimated", notes=(str(refusal),), **_counts(study, followed))
    return replace(found, **_labels(study, target), **_dropped(followed))


def _counts(study: Study, followed: pd.DataFrame) -> dict[str, Any]:
    used = followed[followed["step"] == "analysed"]
    treated = int((used["treated"] == 1).sum())
    two = study.evaluation.design.comparison_group
    return {
        "n_treatment": treated,
        "n_comparison": int((used["treated"] == 0).sum()) if two else None,
    }


def _labels(study: Study, target: Target) -> dict[str, Any]:
    design = study.evaluation.design
    return {
        "outcome": target.outcome.id,
        "measure": target.measure,
        "scale": target.scale,
        "role": target.outcome.role,
        "informant": target.informant,
        "wave": target.wave,
        "term": "treatment" if design.comparison_group else "change",
        "estimand": design.estimand,
    }


def _dropped(followed: pd.DataFrame) -> dict[str, Any]:
    reasons = followed.loc[followed["reason"].notna(), "reason"].value_counts().sort_index()
    why = tuple((str(reason), int(n)) for reason, n in reasons.items())
    return {"n_dropped": sum(n for _, n in why), "dropped_why": why}
