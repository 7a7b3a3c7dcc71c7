"""From a study and a target to an estimate: one short function each, and the table of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
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

    sample = analysis_sample(study, followed)
    found = stats.mean_difference(
        sample.frame, outcome="score", treatment="treated", covariates=sample.columns,
        cluster=cluster_column(study, sample.frame),
    )  # fmt: skip
    return replace(found, notes=(*found.notes, *sample.notes), adjusted_for=sample.covariates)


def mean_change(study: Study, target: Target, followed: pd.DataFrame) -> Estimate:
    """Mean change from the first wave among those measured at both."""
    from evalkit import stats

    frame = followed[followed["step"] == "analysed"]
    return stats.mean_change(
        frame, baseline="baseline", outcome="score", cluster=cluster_column(study, frame)
    )


ESTIMATORS: dict[str, Estimator] = {
    "mean_difference": mean_difference,
    "mean_change": mean_change,
}


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """The rows analysed: covariates of the plan that can be used, their columns, what to note."""

    frame: pd.DataFrame
    covariates: tuple[str, ...]
    columns: tuple[str, ...]
    notes: tuple[str, ...]


def analysis_sample(study: Study, followed: pd.DataFrame) -> Sample:
    """Return the rows analysed with the covariates of the plan.

    In a randomised design a missing first score or covariate is set to the mean of those known and
    an indicator is added (White and Thompson 2005, Statistics in Medicine 24:993-1007). What is the
    same for everyone, or known in one arm only, cannot be adjusted for and is left out, with a note.
    """
    people = study.intake.people
    rows = followed[followed["step"] == "analysed"].copy()
    used: list[str] = []
    columns: list[str] = []
    notes: list[str] = []
    for name in study.evaluation.declared.analysis.covariates:
        values = rows["baseline"] if name == "baseline" else rows["person"].map(people[name])
        label = "the first score" if name == "baseline" else name
        if values.groupby(rows["treated"]).count().min() == 0 or len(rows) == 0:
            notes.append(f"{label} is not known in every arm, so the result is not adjusted for it")
        elif values.nunique(dropna=False) == 1:
            notes.append(f"{label} is the same for everyone, so the result is not adjusted for it")
        else:
            rows[name] = values
            used.append(name)
            columns += _filled(rows, name, label, notes)
    return Sample(rows, tuple(used), tuple(columns), tuple(notes))


def _filled(rows: pd.DataFrame, name: str, label: str, notes: list[str]) -> list[str]:
    """Fill a covariate where it is missing; return the columns that stand for it."""
    missing = rows[name].isna()
    if not missing.any():
        return [name]
    if rows[name].dtype != float:
        rows[name] = rows[name].fillna("not recorded")
        notes.append(f"people without {label} were kept as a group of their own")
        return [name]
    rows[name] = rows[name].fillna(rows[name].mean())
    rows[f"{name} missing"] = missing.astype(float)
    notes.append(f"people without {label} were kept: mean and indicator used")
    return [name, f"{name} missing"]


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
