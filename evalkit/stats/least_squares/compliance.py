"""The effect of taking a programme up, for those who do so because they were assigned to it."""

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
from evalkit.stats.least_squares.two_stage import fit_two_stage
from evalkit.stats.shared.analysed_rows import analysed_rows, check_arm_groups
from evalkit.stats.shared.columns import (
    as_names,
    check_frame,
    check_level,
    check_roles,
    choice,
    invalid,
    optional_name,
    read_arm,
)
from evalkit.stats.shared.design_matrix import treatment_design
from evalkit.stats.shared.intervals import caveats, coefficient_interval, scaled_by
from evalkit.stats.sizes.effect_sizes import difference_scaling

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

FOLLOWS = "Receipt follows from assignment and the covariates: everybody complied"
LESS = "received the programme less often"
ESTIMAND = "complier average causal effect"


@dataclass(frozen=True, slots=True, kw_only=True)
class ComplierEffect(InstrumentedEffect):
    """An effect on compliers by two-stage least squares.

    `received_treatment` and `received_comparison` are the shares of each arm that received the
    programme; `first_stage` is the (adjusted) difference in that share: the share of compliers.
    """

    received_treatment: float | None = None
    received_comparison: float | None = None


def complier_effect(
    data: Any,
    *,
    outcome: str,
    assigned: str,
    received: str,
    covariates: str | Sequence[str] = (),
    cluster: str | None = None,
    treated: Any = None,
    df: str = "satterthwaite",
    level: float = 0.95,
) -> ComplierEffect:
    """Return the effect of receiving a programme on those who do because they were assigned to it.

    Two-stage least squares of the outcome on receipt and the covariates, with assignment as the
    instrument for receipt. It estimates the effect on compliers where assignment was random, works
    through receipt alone, and keeps nobody from the programme who would else have had it.

    Parameters
    ----------
    data : any frame narwhals knows, one row a person (or another unit); never changed
    outcome : name of a numeric column
    assigned : name of a 0/1 or true/false column of the arm assigned, or of a two-valued column
        with `treated`
    received : name of a 0/1 or true/false column of who received the programme
    covariates : names, in both stages; text, categories and true/false become dummies, first
        sorted level dropped
    cluster : name of the column of clusters (the unit of assignment)
    treated : the value of `assigned` that names the treated arm
    df : "satterthwaite" (Bell and McCaffrey, on the fitted second stage), or "residual": rows -
        parameters, and clusters - 1 where clustered
    level : confidence level

    Returns
    -------
    ComplierEffect
        `estimate` is in outcome units, with an HC2 standard error, or CR2 with clusters.
        `effect_size` is J / S times it, S the pooled SD of the arms as assigned (with clusters the
        total-SD form of Hedges 2007). The Anderson-Rubin set is valid however weak the first
        stage; with one instrument it always holds the estimate, so is never empty, and it is
        unbounded exactly where the first stage is not significant at 1 - `level`.

    Raises
    ------
    InvalidInput
        For a column that is missing, of the wrong kind or in two parts, or an unknown option.
    CannotEstimate
        When an arm has fewer than two people (or, clustered, is one cluster), the outcome or
        receipt does not vary, assignment does not move receipt, there are no more rows than
        parameters, or assignment follows from the covariates.

    Notes
    -----
    R 4.2: estimatr's iv_robust gives the same HC2 (with rows - parameters degrees of freedom) and
    CR2 (with Satterthwaite's); clubSandwich gives the same CR2 and df for an AER fit, and, each
    row its own cluster, the same HC2 and df. AER's summary has the classical standard error;
    sandwich's HC2 of an AER fit takes other leverages and differs.

    References
    ----------
    Angrist, Imbens and Rubin (1996), JASA 91:444-455; Anderson and Rubin (1949), Annals of
    Mathematical Statistics 20:46-63; Staiger and Stock (1997), Econometrica 65:557-586;
    Pustejovsky and Tipton (2018), JBES 36:672-683.
    """
    check_level(level)
    choice(df, ("satterthwaite", "residual"), argument="df")
    names = as_names(covariates)
    check_roles(outcome=outcome, assigned=assigned, received=received, covariates=names)
    data = check_frame(data, [outcome, assigned, received, *names, *optional_name(cluster)])
    arm, receipt = read_arm(data, assigned, treated), _received(data, received)
    rows = analysed_rows(
        data,
        outcome,
        arm,
        names,
        group=None if cluster is None else (cluster, "no cluster"),
        also=[(f"no {received}", np.isnan(receipt))],
    )
    receipt = receipt[rows.keep]
    _check_receipt(receipt, received)
    check_arm_groups(rows, alone=False)
    design = treatment_design((assigned, rows.arm), rows.covariates)
    terms = ("(intercept)", received, *design.names[2:])
    codes = rows.codes if rows.shared else None
    model = fit_two_stage(
        rows.outcome, receipt, design.matrix, terms, codes, residual_df=df == "residual"
    )
    scaling = difference_scaling(rows.outcome, rows.arm, codes)
    numbers = coefficient_interval(model.structural, 1, scaling.factor, level)
    return ComplierEffect(
        outcome=outcome,
        term=received,
        estimand=ESTIMAND,
        level=level,
        notes=(
            *design.notes,
            *caveats(numbers["df"], scaling),
            *cautions(model, FOLLOWS, f"Those assigned by '{assigned}' {LESS}"),
        ),
        adjusted_for=names,
        method=sentence(outcome, received, assigned, names, model, df) + scaled_by(scaling),
        **numbers,
        **counts(rows, scaling),
        received_treatment=float(receipt[rows.arm == 1].mean()),
        received_comparison=float(receipt[rows.arm == 0].mean()),
        **stages(model),
        **anderson_rubin_set(model, level),
    )


def _received(data: pd.DataFrame, name: str) -> Floats:
    found = list(data[name].dropna().unique())
    if any(value not in (0, 1) for value in found):
        raise invalid(
            f"holds values such as {', '.join(repr(str(value)) for value in found[:3])}.",
            column=name,
            allowed="0 and 1, or true and false: who received the programme",
            next_step="Make such a column, for instance of who attended at least half.",
        )
    return read_arm(data, name)


def _check_receipt(receipt: Floats, name: str) -> None:
    if np.ptp(receipt) == 0:
        who = "Everybody" if receipt[0] == 1 else "Nobody"
        raise CannotEstimate(
            f"{who} among the rows analysed received the programme ('{name}'), so there is no "
            "complier effect to estimate."
        )
