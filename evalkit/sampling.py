"""The rows an estimator works on: who is analysed, what is adjusted for, who was assigned together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from evalkit.looks import interval_level
from evalkit.matching import sets_are_clusters
from evalkit.results import Estimate

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from evalkit.declared_plan import Weight
    from evalkit.stats.redrawing.assignments import Reassign
    from evalkit.study import Study
    from evalkit.targets import Target

    Floats = NDArray[np.float64]


BALANCED = "balanced"
"""Heads the columns that hold what was minimised over."""


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """The rows analysed: covariates of the plan that can be used, their columns, what to note.

    `strata`, `cluster` and `weights` name the columns of the strata, of the units assigned and of the
    weights of a match, None without; `level` is that of the interval.
    """

    frame: pd.DataFrame
    covariates: tuple[str, ...]
    columns: tuple[str, ...]
    strata: str | None
    cluster: str | None
    level: float
    notes: tuple[str, ...]
    weights: str | None = None


def analysis_sample(study: Study, target: Target, followed: pd.DataFrame) -> Sample:
    """Return the rows analysed with the covariates of the plan.

    In a randomised design a missing first score or covariate is set to the mean of those known and
    an indicator is added (White and Thompson 2005, Statistics in Medicine 24:993-1007). What is the
    same for everyone, or known in one arm only, cannot be adjusted for and is left out, with a note.
    The first category of an outcome that is only ordered is taken as a group.
    """
    rows = followed[followed["step"] == "analysed"].copy()
    if target.kind == "ordinal":
        rows["baseline"] = _as_words(rows["baseline"])
    plan = study.evaluation.declared.analysis.covariates
    used, columns, notes = covariate_columns(study, rows, plan)
    notes = (*notes, *_split_families(study, rows))
    strata = "stratum" if study.evaluation.strata and rows["stratum"].nunique() > 1 else None
    cluster = cluster_column(study, rows)
    level = interval_level(study, target)
    weights = "weight" if bool((rows["weight"] != 1).any()) else None
    return Sample(rows, used, columns, strata, cluster, level, notes, weights)


def _split_families(study: Study, rows: pd.DataFrame) -> tuple[str, ...]:
    """Return a note where chance did not choose and families have people on both sides."""
    design = study.evaluation.design
    if design.randomised or not design.comparison_group or not rows["family"].duplicated().any():
        return ()
    sides = rows.groupby("family")["treated"].agg(["min", "max"])
    said = "some families have people in both groups, so what the programme gave one may have reached the other"
    return (said,) if bool((sides["min"] != sides["max"]).any()) else ()


def arms(sample: Sample) -> dict[str, Any]:
    """Return the columns that most estimators take alike."""
    return {
        "outcome": "score", "treatment": "treated", "covariates": sample.columns,
        "cluster": sample.cluster, "strata": sample.strata, "level": sample.level,
    }  # fmt: skip


def with_strata(sample: Sample) -> tuple[str, ...]:
    """Return the covariates with the strata among them, for estimators that take no strata."""
    return (*sample.columns, *((sample.strata,) if sample.strata else ()))


def described(target: Target, sample: Sample, found: Estimate, unit: str | None = None) -> Estimate:
    """Return the fields every result has, with what was adjusted for and what to note."""
    common = {field.name: getattr(found, field.name) for field in fields(Estimate)}
    kept = Estimate(**common)
    counted = unit or ("share" if target.kind == "yes-no" else "points")
    notes = (*found.notes, *sample.notes)
    return replace(kept, notes=notes, adjusted_for=sample.covariates, unit=counted)


def row_weights(study: Study, rows: pd.DataFrame) -> Floats | None:
    """Return the weights that make rows comparable, of the match or the design; None if all are 1.

    Weights of a weighted comparison are those of these very rows, so that what is analysed is balanced.
    """
    from evalkit.stats import weight

    declared = study.evaluation.declared.design.weight
    if declared is None:
        weights = rows["weight"].to_numpy(dtype=float)
        return None if (weights == 1).all() else weights
    frame = rows[["treated"]].copy()
    for name in declared.covariates:
        frame[name] = rows[name] if name in rows else rows["person"].map(study.intake.people[name])
    found = weight(frame, treatment="treated", **how_weighted(declared))
    return found.weights


def how_weighted(declared: Weight) -> dict[str, Any]:
    """Return what the functions of weights take, from what is declared."""
    return {
        "covariates": declared.covariates, "method": declared.method, "moments": declared.moments,
        "estimand": "ATO" if declared.method == "overlap" else declared.estimand,
        "trim": declared.trim,
    }  # fmt: skip


def covariate_columns(
    study: Study, rows: pd.DataFrame, names: Iterable[str]
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Add covariates to rows; return those that can be used, their columns, and what to note.

    Rows that hold a covariate already, as imputed ones do, keep it.
    """
    people = study.intake.people
    used: list[str] = []
    columns: list[str] = []
    notes: list[str] = []
    for name in names:
        values = rows[name] if name in rows else rows["person"].map(people[name])
        label = "the first score" if name == "baseline" else name
        if values.groupby(rows["treated"]).count().min() == 0 or len(rows) == 0:
            notes.append(f"{label} is not known in every arm, so the result is not adjusted for it")
        elif values.nunique(dropna=False) == 1:
            notes.append(f"{label} is the same for everyone, so the result is not adjusted for it")
        else:
            rows[name] = values
            used.append(name)
            columns += _filled(rows, name, label, notes)
    return tuple(used), tuple(columns), tuple(notes)


def _as_words(categories: pd.Series[float]) -> pd.Series[str]:
    """Return ordered categories as words: each has a level of its own, and none is averaged."""
    return categories.map(lambda value: f"{value:g}").where(categories.notna()).astype(object)


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


def assigned_rows(study: Study, followed: pd.DataFrame, sample: Sample) -> pd.DataFrame:
    """Return everybody assigned to an arm, with outcome and covariates of those analysed.

    To re-randomise as was randomised takes those who were lost as well.
    """
    people = study.intake.people
    kept = ["person", "treated", "stratum", "family", "site", "set"]
    rows = followed.loc[
        followed["treated"].notna() & ~followed["step"].isin(["came-in", "eligible"]), kept
    ]
    analysed = sample.frame.set_index("person")[["score", *sample.columns]]
    rows = rows.join(analysed, on="person")
    for name in balanced(study):
        rows[f"{BALANCED} {name}"] = rows["person"].map(people[name])
    return rows.reset_index(drop=True)


def balanced(study: Study) -> tuple[str, ...]:
    """Return the columns that minimising again needs: what was balanced, and the order."""
    rule = study.evaluation.declared.design.minimise
    return (*rule.by, *((rule.order,) if rule.order else ())) if rule else ()


def reassigned(study: Study) -> Reassign | None:
    """Return how to minimise again where people were minimised, else None."""
    from evalkit.stats import minimisation

    rule = study.evaluation.declared.design.minimise
    if rule is None:
        return None
    return minimisation(
        factors=[f"{BALANCED} {name}" for name in rule.by], probability=rule.probability,
        order=f"{BALANCED} {rule.order}" if rule.order else None, cluster=assigned_unit(study),
    )  # fmt: skip


def assigned_unit(study: Study) -> str | None:
    """Return the column of what chance was applied to; None where people were drawn one by one."""
    design = study.evaluation.declared.design
    if sets_are_clusters(design.match):
        return "set"
    return None if design.assigned_by == "person" else design.assigned_by


def cluster_column(study: Study, rows: pd.DataFrame) -> str | None:
    """Return the column of the unit of assignment, or None where nobody shares one."""
    design = study.evaluation.declared.design
    if sets_are_clusters(design.match):
        return "set"
    if design.groups:
        return "group_id"
    if design.assigned_by == "site":
        return "site"
    return "family" if rows["family"].duplicated().any() else None
