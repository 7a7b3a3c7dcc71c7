"""The effect of each unit of a programme received, with assignment as the instrument for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.stats.least_squares.instrumented import (
    InstrumentedEffect,
    anderson_rubin_set,
    cautions,
    counts,
    sentence,
    stages,
)
from evalkit.stats.least_squares.two_stage import NO_FIRST_STAGE, fit_two_stage
from evalkit.stats.shared.analysed_rows import (
    analysed_rows,
    check_arm_groups,
    orthonormal,
    project,
)
from evalkit.stats.shared.columns import (
    as_names,
    check_frame,
    check_level,
    check_roles,
    choice,
    invalid,
    numeric,
    optional_name,
    read_arm,
)
from evalkit.stats.shared.design_matrix import treatment_design
from evalkit.stats.shared.intervals import caveats, coefficient_interval, scaled_by
from evalkit.stats.sizes.effect_sizes import accurate_mean, difference_scaling

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

FOLLOWS = "The dose follows from assignment and the covariates"
LESS = "received a smaller dose"
PER_UNIT = "; effect per unit of dose, taken as the same for each unit"
ESTIMAND = "average causal response per unit of dose"


@dataclass(frozen=True, slots=True, kw_only=True)
class DoseEffect(InstrumentedEffect):
    """An effect per unit of dose by two-stage least squares.

    `dose_treatment` and `dose_comparison` are the mean doses of the arms; `first_stage` is the
    (adjusted) difference in mean dose.
    """

    dose_treatment: float | None = None
    dose_comparison: float | None = None


def dose_effect(
    data: Any,
    *,
    outcome: str,
    assigned: str,
    dose: str,
    covariates: str | Sequence[str] = (),
    cluster: str | None = None,
    treated: Any = None,
    df: str = "satterthwaite",
    level: float = 0.95,
) -> DoseEffect:
    """Return the effect of one more unit of a programme on those whose dose assignment moved.

    Two-stage least squares of the outcome on the dose received and the covariates, with assignment
    as the instrument for the dose. It takes assignment as random and as working through the dose
    alone, and nobody's dose as lowered by being assigned; where the effect is not the same for
    each unit it is an average over units and people, weighted by how far assignment moved them.

    Parameters
    ----------
    data : any frame narwhals knows, one row a person (or another unit); never changed
    outcome : name of a numeric column
    assigned : name of a 0/1 or true/false column of the arm assigned, or of a two-valued column
        with `treated`
    dose : name of a numeric column, zero or more: sessions, hours or weeks received
    covariates : names, in both stages; text, categories and true/false become dummies, first
        sorted level dropped
    cluster : name of the column of clusters (the unit of assignment)
    treated : the value of `assigned` that names the treated arm
    df : "satterthwaite" (Bell and McCaffrey, on the fitted second stage), or "residual": rows -
        parameters, and clusters - 1 where clustered
    level : confidence level

    Returns
    -------
    DoseEffect
        `estimate` is in outcome units per unit of dose, with an HC2 standard error, or CR2 with
        clusters; `effect_size` is J / S times it, as for `complier_effect`. The Anderson-Rubin set
        is valid however weak the first stage.

    Raises
    ------
    InvalidInput
        For a column that is missing, of the wrong kind or in two parts, a negative dose, or an
        unknown option.
    CannotEstimate
        When an arm has fewer than two people (or, clustered, is one cluster), the outcome or the
        dose does not vary, the (adjusted) mean dose is the same in both arms, there are no more
        rows than parameters, or assignment follows from the covariates.

    References
    ----------
    Angrist and Imbens (1995), JASA 90:431-442; Anderson and Rubin (1949), Annals of Mathematical
    Statistics 20:46-63; Pustejovsky and Tipton (2018), JBES 36:672-683.
    """
    check_level(level)
    choice(df, ("satterthwaite", "residual"), argument="df")
    names = as_names(covariates)
    check_roles(outcome=outcome, assigned=assigned, dose=dose, covariates=names)
    data = check_frame(data, [outcome, assigned, dose, *names, *optional_name(cluster)])
    arm, amount = read_arm(data, assigned, treated), _doses(data, dose)
    rows = analysed_rows(
        data, outcome, arm, names, group=None if cluster is None else (cluster, "no cluster"),
        also=[(f"no {dose}", np.isnan(amount))],
    )  # fmt: skip
    amount = amount[rows.keep]
    check_arm_groups(rows, alone=False)
    design = treatment_design((assigned, rows.arm), rows.covariates)
    _check_moved(amount, design.matrix, dose)
    terms = ("(intercept)", dose, *design.names[2:])
    codes = rows.codes if rows.shared else None
    model = fit_two_stage(
        rows.outcome, amount, design.matrix, terms, codes, residual_df=df == "residual"
    )
    scaling = difference_scaling(rows.outcome, rows.arm, codes)
    numbers = coefficient_interval(model.structural, 1, scaling.factor, level)
    return DoseEffect(
        outcome=outcome,
        term=dose,
        estimand=ESTIMAND,
        level=float(level),
        notes=(
            *design.notes,
            *caveats(numbers["df"], scaling),
            *cautions(model, FOLLOWS, f"Those assigned by '{assigned}' {LESS}"),
        ),
        adjusted_for=names,
        method=sentence(outcome, dose, assigned, names, model, df, PER_UNIT) + scaled_by(scaling),
        **numbers,
        **counts(rows, scaling),
        dose_treatment=accurate_mean(amount[rows.arm == 1]),
        dose_comparison=accurate_mean(amount[rows.arm == 0]),
        **stages(model),
        **anderson_rubin_set(model, level),
    )


def _doses(data: pd.DataFrame, name: str) -> Floats:
    amount = numeric(data, name)
    low = amount[amount < 0]
    if low.size:
        raise invalid(
            f"holds {low.size} negative dose(s) such as {low[0]:g}.",
            column=name,
            allowed="zero or more: what each person received",
        )
    return amount


def _check_moved(amount: Floats, instruments: Floats, name: str) -> None:
    """Refuse a dose that does not vary, or whose adjusted mean is the same in both arms."""
    if np.ptp(amount) == 0:
        raise CannotEstimate(
            f"Everybody analysed has the same '{name}' ({amount[0]:g}), so its effect cannot be "
            "estimated."
        )
    basis, _ = orthonormal(instruments)
    others, _ = orthonormal(np.delete(instruments, 1, axis=1))
    fitted = amount - amount.mean() - project(basis, amount - amount.mean())[1]
    if np.linalg.norm(project(others, fitted)[1]) <= NO_FIRST_STAGE * np.linalg.norm(
        amount - amount.mean()
    ):
        raise CannotEstimate(
            f"The mean '{name}' is the same in both arms, so assignment says nothing of the effect "
            "of a dose. Report the effect of assignment with mean_difference."
        )
