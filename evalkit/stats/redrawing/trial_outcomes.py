"""The rows of a trial's outcome that randomisation tests and resampling work on, made ready."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.stats.redrawing.assignments import Assigned
from evalkit.stats.redrawing.studentised import Moments, moments, randomised, ratio
from evalkit.stats.shared.columns import (
    check_frame,
    check_roles,
    is_numeric,
    left_out,
    numeric,
    optional_name,
    read_arm,
)
from evalkit.stats.shared.design_matrix import covariate_columns, treatment_design
from evalkit.stats.sizes.effect_sizes import accurate_mean

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Bools = NDArray[np.bool_]
    Codes = NDArray[np.intp]
    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """What a call names: columns, and who is treated."""

    treatment: str
    treated: Any
    covariates: tuple[str, ...]
    strata: str | None
    cluster: str | None


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """One outcome's analysed rows, made ready, and what was found as the units were assigned."""

    name: str
    rows: Moments
    values: Floats
    arm: Floats
    dropped: tuple[tuple[str, int], ...]
    notes: tuple[str, ...]


def read_frame(data: Any, study: Study, outcomes: tuple[str, ...]) -> pd.DataFrame:
    """Return the frame once every column named is there, in parts that go together."""
    check_roles(
        outcome=outcomes,
        treatment=study.treatment,
        covariates=study.covariates,
        strata=study.strata,
        cluster=study.cluster,
    )
    groups = (*optional_name(study.cluster), *optional_name(study.strata))
    return check_frame(data, [*outcomes, study.treatment, *study.covariates, *groups])


def read_outcome(
    data: pd.DataFrame, outcome: str, study: Study, rows: Bools, unit: Codes, *, least: int
) -> Outcome:
    """Return an outcome's analysed rows; each arm must have `least` units or more.

    `rows` marks the rows with an arm (and stratum and cluster), `unit` numbers the unit of each.
    """
    values, arm = numeric(data, outcome), read_arm(data, study.treatment, study.treated)
    reasons = [("no outcome", np.isnan(values)), ("no arm", np.isnan(arm))]
    for name in study.covariates:
        if is_numeric(data[name]):
            numeric(data, name)
        reasons.append((f"no {name}", data[name].isna().to_numpy()))
    for column, reason in ((study.strata, f"no {study.strata}"), (study.cluster, "no cluster")):
        if column is not None:
            reasons.append((reason, data[column].isna().to_numpy()))
    keep, dropped = left_out(reasons, len(data))
    used = unit[keep[rows]]
    _check_outcome(outcome, values[keep], arm[keep], used, study, least)
    columns = [x for name in study.covariates for x in covariate_columns(data, name, keep)]
    if study.strata is not None:
        columns += covariate_columns(data, study.strata, keep, as_factor=True)
    design = treatment_design((study.treatment, arm[keep]), columns)
    beside = np.delete(design.matrix, design.names.index(study.treatment), axis=1)
    sums = moments(beside, values[keep], used, int(unit.max()) + 1)
    return Outcome(outcome, sums, values[keep], arm[keep], dropped, design.notes)


def _check_outcome(
    outcome: str, values: Floats, arm: Floats, unit: Any, study: Study, least: int
) -> None:
    what = "clusters" if study.cluster else "rows"
    for value, label in ((1.0, "treatment"), (0.0, "comparison")):
        found = len(set(unit[arm == value].tolist()))
        if found < least:
            raise CannotEstimate(
                f"'{outcome}': the {label} arm has {found} of the {what} to analyse; at least "
                f"{least} are needed."
            )
    if np.ptp(values) == 0:
        raise CannotEstimate(f"'{outcome}' has one value in the rows analysed: it does not vary.")


def observed(found: Outcome, assigned: Assigned) -> tuple[float, float]:
    """Return the coefficient and its error under the assignment that happened."""
    estimate, error = randomised(found.rows, assigned.arm[None, :])
    return float(estimate[0]), float(error[0])


def studentised(estimate: float, error: float, outcome: str) -> float:
    """Return t, refusing an outcome that does not vary within the arms."""
    t = float(ratio(np.array([estimate]), np.array([error]))[0])
    if not np.isfinite(t):
        raise CannotEstimate(
            f"'{outcome}' does not vary within the arms once the model is fitted, so there is no "
            'standard error. Use permutation_test with statistic="difference".'
        )
    return t


def described(found: Outcome, study: Study) -> dict[str, Any]:
    """Return the fields that say what was analysed."""
    treated, compared = found.values[found.arm == 1], found.values[found.arm == 0]
    return {
        "outcome": found.name,
        "term": study.treatment,
        "n_treatment": len(treated),
        "n_comparison": len(compared),
        "n_clusters": len(set(found.rows.unit.tolist())) if found.rows.shared else None,
        "n_dropped": sum(count for _, count in found.dropped),
        "dropped_why": found.dropped,
        "mean_treatment": accurate_mean(treated),
        "mean_comparison": accurate_mean(compared),
        "adjusted_for": study.covariates,
    }


def lost_note(lost: int) -> tuple[str, ...]:
    """Return what must be said where draws carried no comparison."""
    if not lost:
        return ()
    return (f"{lost:,} assignment(s) left nothing to compare and were counted as extreme",)


def adjustment(study: Study) -> str:
    """Return what the difference is adjusted for."""
    names = [*study.covariates, *([f"{study.strata} (strata)"] if study.strata else [])]
    return f", adjusted for {', '.join(names)}" if names else ""


def error_kind(found: Outcome) -> str:
    """Return the name of the standard error that a t has."""
    return "CR2" if found.rows.shared else "HC2"
