"""The effect of each unit of a programme received, with assignment as the instrument for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.results import Estimate
from evalkit.stats.least_squares.compliance import WEAK, anderson_rubin_set, stages
from evalkit.stats.least_squares.two_stage import NO_FIRST_STAGE, TwoStage, fit_two_stage
from evalkit.stats.shared.analysed_rows import (
    Analysed,
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
from evalkit.stats.shared.model_rows import adjusted_for
from evalkit.stats.sizes.effect_sizes import Scaling, accurate_mean, difference_scaling

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

ESTIMAND = "average causal response per unit of dose"


@dataclass(frozen=True, slots=True, kw_only=True)
class DoseEffect(Estimate):
    """An effect per unit of dose by two-stage least squares.

    `n_treatment`, `n_comparison` and the means are by assignment; `dose_treatment` and
    `dose_comparison` are the mean doses of the arms. `first_stage` is the (adjusted) difference in
    mean dose, `f_statistic` its F for equal variances, without clusters, `f_robust` its F by the
    HC2 or CR2 variance, the one to judge by; both are None where assignment and covariates fix the
    dose. `assignment_effect` and `assignment_p_value` are those of assignment itself (intention to
    treat). The `ar_` fields are the Anderson-Rubin confidence set, as of a ComplierEffect.
    """

    first_stage: float | None = None
    f_statistic: float | None = None
    f_robust: float | None = None
    dose_treatment: float | None = None
    dose_comparison: float | None = None
    assignment_effect: float | None = None
    assignment_p_value: float | None = None
    ar_shape: str = ""
    ar_low: float | None = None
    ar_high: float | None = None
    ar_gap_low: float | None = None
    ar_gap_high: float | None = None
    ar_sentence: str = ""


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
        notes=(*design.notes, *caveats(numbers["df"], scaling), *_cautions(model, assigned)),
        adjusted_for=names,
        method=_sentence(outcome, assigned, dose, names, model, df) + scaled_by(scaling),
        **numbers,
        **_counts(rows, amount, scaling),
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


def _counts(rows: Analysed, amount: Floats, scaling: Scaling) -> dict[str, Any]:
    treated, compared = rows.arm == 1, rows.arm == 0
    return {
        "n_treatment": int(treated.sum()),
        "n_comparison": int(compared.sum()),
        "n_clusters": rows.n_groups if rows.shared else None,
        "n_dropped": rows.n_dropped,
        "dropped_why": rows.dropped,
        "mean_treatment": accurate_mean(rows.outcome[treated]),
        "mean_comparison": accurate_mean(rows.outcome[compared]),
        "sd_pooled": scaling.sd,
        "dose_treatment": accurate_mean(amount[treated]),
        "dose_comparison": accurate_mean(amount[compared]),
    }


def _cautions(model: TwoStage, assigned: str) -> list[str]:
    notes = []
    if model.f_robust is None:
        notes.append("The dose follows from assignment and the covariates")
    elif model.f_robust < WEAK:
        notes.append(
            f"The first stage is weak (F {model.f_robust:.1f}, below {WEAK}): read the "
            "Anderson-Rubin set in place of the interval"
        )
    if model.effect_of_z[1] < 0:
        notes.append(f"Those assigned by '{assigned}' received a smaller dose")
    return notes


def _sentence(
    outcome: str, assigned: str, dose: str, names: Sequence[str], model: TwoStage, df: str
) -> str:
    fit = model.structural
    where = "" if fit.n_clusters is None else f" for {fit.n_clusters} clusters"
    residual = "residual" if fit.n_clusters is None else "clusters less one"
    degrees = "Satterthwaite (Bell-McCaffrey)" if df == "satterthwaite" else residual
    return (
        f"Two-stage least squares of {outcome} on {dose}, with {assigned} as the instrument"
        f"{adjusted_for(names)}; effect per unit of dose, taken as the same for each unit; {fit.se} "
        f"standard error{where}, {degrees} degrees of freedom."
    )
