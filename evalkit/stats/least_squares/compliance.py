"""The effect of taking a programme up, for those who do so because they were assigned to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.results import Estimate
from evalkit.stats.least_squares.two_stage import TwoStage, anderson_rubin, fit_two_stage
from evalkit.stats.shared.analysed_rows import Analysed, analysed_rows, check_arm_groups
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
from evalkit.stats.sizes.effect_sizes import Scaling, accurate_mean, difference_scaling

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

WEAK = 10  # first-stage F below which the t interval is not to be trusted (Staiger and Stock 1997)
ESTIMAND = "complier average causal effect"


@dataclass(frozen=True, slots=True, kw_only=True)
class ComplierEffect(Estimate):
    """An effect on compliers by two-stage least squares.

    `n_treatment`, `n_comparison` and the means are by assignment; `received_treatment` and
    `received_comparison` are the shares of each arm that received the programme. `first_stage` is
    the (adjusted) difference in that share: the share of compliers. `f_statistic` is its F for
    equal variances, without clusters; `f_robust` its F by the HC2 or CR2 variance, the one to
    judge by; both are None where assignment and covariates fix receipt. `assignment_effect` and
    `assignment_p_value` are those of assignment itself (intention to treat).

    `ar_low` and `ar_high` are the ends of the Anderson-Rubin confidence set, infinite where it is
    unbounded; `ar_shape` is "interval", "ray", "two rays" or "everything". Of two rays the set
    leaves out the values between `ar_gap_low` and `ar_gap_high`. `ar_sentence` says it in words.
    """

    first_stage: float | None = None
    f_statistic: float | None = None
    f_robust: float | None = None
    received_treatment: float | None = None
    received_comparison: float | None = None
    assignment_effect: float | None = None
    assignment_p_value: float | None = None
    ar_shape: str = ""
    ar_low: float | None = None
    ar_high: float | None = None
    ar_gap_low: float | None = None
    ar_gap_high: float | None = None
    ar_sentence: str = ""


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
    words = _sentence(outcome, assigned, received, names, model, df)
    return ComplierEffect(
        outcome=outcome,
        term=received,
        estimand=ESTIMAND,
        level=level,
        notes=(*design.notes, *caveats(numbers["df"], scaling), *_cautions(model, assigned)),
        adjusted_for=names,
        method=words + scaled_by(scaling),
        **numbers,
        **_counts(rows, receipt, scaling),
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


def _counts(rows: Analysed, receipt: Floats, scaling: Scaling) -> dict[str, Any]:
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
        "received_treatment": float(receipt[treated].mean()),
        "received_comparison": float(receipt[compared].mean()),
    }


def stages(model: TwoStage) -> dict[str, Any]:
    """Return the first stage and the effect of assignment as fields."""
    from scipy.stats import t as student

    effect, error = model.effect_of_z[0], sqrt(float(model.vcov[0, 0]))
    p_value = float(2 * student.sf(abs(effect / error), model.df)) if error > 0 else None
    return {
        "first_stage": model.effect_of_z[1],
        "f_statistic": model.f_classical,
        "f_robust": model.f_robust,
        "assignment_effect": effect,
        "assignment_p_value": p_value,
    }


def anderson_rubin_set(model: TwoStage, level: float) -> dict[str, Any]:
    """Return the Anderson-Rubin confidence set as fields, with a sentence."""
    shape, low, high = anderson_rubin(model, level)
    rays = shape == "two rays"
    said = {
        "interval": f"from {low:.3g} to {high:.3g}",
        "ray": f"from {low:.3g} up" if high == inf else f"up to {high:.3g}",
        "two rays": f"up to {low:.3g}, and from {high:.3g} up",
        "everything": "every effect, of either sign and any size",
    }[shape]
    weak = "" if shape == "interval" else "; it is unbounded, as the first stage is too weak"
    return {
        "ar_shape": shape,
        "ar_low": -inf if rays else low,
        "ar_high": inf if rays else high,
        "ar_gap_low": low if rays else None,
        "ar_gap_high": high if rays else None,
        "ar_sentence": f"The {100 * level:g}% Anderson-Rubin confidence set is {said}{weak}.",
    }


def _cautions(model: TwoStage, assigned: str) -> list[str]:
    notes = []
    if model.f_robust is None:
        notes.append("Receipt follows from assignment and the covariates: everybody complied")
    elif model.f_robust < WEAK:
        notes.append(
            f"The first stage is weak (F {model.f_robust:.1f}, below {WEAK}): read the "
            "Anderson-Rubin set in place of the interval"
        )
    if model.effect_of_z[1] < 0:
        notes.append(f"Those assigned by '{assigned}' received the programme less often")
    return notes


def _sentence(
    outcome: str, assigned: str, received: str, names: Sequence[str], model: TwoStage, df: str
) -> str:
    fit, satterthwaite = model.structural, df == "satterthwaite"
    adjusted = f", adjusted for {', '.join(names)}" if names else ""
    where = "" if fit.n_clusters is None else f" for {fit.n_clusters} clusters"
    residual = "residual" if fit.n_clusters is None else "clusters less one"
    degrees = "Satterthwaite (Bell-McCaffrey)" if satterthwaite else residual
    return (
        f"Two-stage least squares of {outcome} on {received}, with {assigned} as the instrument"
        f"{adjusted}; {fit.se} standard error{where}, {degrees} degrees of freedom."
    )
