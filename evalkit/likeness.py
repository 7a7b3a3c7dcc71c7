"""How alike the arms are: the first score and every covariate, among those analysed and before."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evalkit.errors import CannotEstimate, InvalidInput, NotConverged
from evalkit.results import Record
from evalkit.sampling import row_weights

if TYPE_CHECKING:
    import pandas as pd

    from evalkit.checks import CheckContext
    from evalkit.study import Study


FAMILY = "code of the family"


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceRow(Record):
    """One covariate among the people analysed, by arm; `scaled_by` names the denominator of `smd`.

    `smallest_n` is the smallest group of people behind the row in an arm, `smallest_families` the
    fewest families: of a category those with and without it, of a number those away from its
    commonest value. `smd_before` is of everybody who could have been compared, before matching or
    weighting; `ecdf` the mean gap between the two distributions.
    """

    outcome: str
    wave: str
    informant: str
    covariate: str
    mean_treatment: float | None
    mean_comparison: float | None
    sd_treatment: float | None
    sd_comparison: float | None
    smd: float | None
    variance_ratio: float | None
    ks: float | None
    n_treatment: int
    n_comparison: int
    n_missing: int
    scaled_by: str
    adjusted: bool
    share: bool
    smallest_n: int
    smallest_families: int
    contrast: str | None = None
    smd_before: float | None = None
    ecdf: float | None = None


def balance_rows(context: CheckContext) -> tuple[BalanceRow, ...]:
    """Compare the arms analysed on the first score and every covariate of the plan and the match."""
    from evalkit import stats

    evaluation = context.study.evaluation
    declared = evaluation.declared.analysis.covariates
    plan = () if evaluation.estimator(context.target) == "discontinuity" else declared
    rows = context.analysed
    if rows["treated"].nunique() < 2:
        return ()
    names = list(dict.fromkeys(["baseline", *declared, *made_alike(context.study)]))
    frame = rows[["treated"]].copy()
    for name in names:
        values = (
            rows["baseline"]
            if name == "baseline"
            else rows["person"].map(context.study.intake.people[name])
        )
        frame[name] = values
    held = [name for name in names if frame[name].notna().any()]
    estimand = evaluation.design.standardised_by
    table = stats.balance(
        frame, treatment="treated", covariates=held, estimand=estimand, weights=_weights(context)
    )
    before = _before(context, held, estimand)
    frame[FAMILY] = rows["family"].factorize()[0]
    return tuple(
        _balance_row(context, row, estimand, plan, frame, before)
        for row in table.to_dict("records")
    )


def made_alike(study: Study) -> tuple[str, ...]:
    """Return the covariates that the groups are matched on or weighted by."""
    design = study.evaluation.declared.design
    chosen = design.match or design.weight
    return chosen.covariates if chosen else ()


def _weights(context: CheckContext) -> Any:
    """Return the weights of the people analysed; None where all count alike or none can be made."""
    try:
        return row_weights(context.study, context.analysed)
    except (CannotEstimate, InvalidInput, NotConverged):
        return None


def _before(context: CheckContext, names: list[str], estimand: str) -> dict[str, float | None]:
    """Return the standardised differences of everybody who could have been compared, unweighted.

    Empty where nothing was done to make the groups alike.
    """
    from evalkit import stats

    match = context.study.evaluation.declared.design.match
    if not made_alike(context.study) or (match and match.sets):
        return {}
    people, trail = context.study.intake.people, context.followed
    pool = trail[trail["treated"].notna() & ~trail["step"].isin(["came-in", "eligible"])]
    frame = pool[["treated"]].copy()
    for name in names:
        frame[name] = pool["baseline"] if name == "baseline" else pool["person"].map(people[name])
    held = [name for name in names if frame[name].notna().any()]
    table = stats.balance(frame, treatment="treated", covariates=held, estimand=estimand)
    return {str(row["covariate"]): _number(row["smd"]) for row in table.to_dict("records")}


def _smallest(frame: pd.DataFrame, covariate: str) -> tuple[int, int]:
    """Return the smallest group behind a row, in people and families.

    For a number the groups are those at the commonest value and those away from it: a mean among
    people who nearly all share a value gives the others away.
    """
    name, _, level = covariate.partition("=")
    values = frame[name] if name in frame else frame[covariate]
    having = values == (level if level else values.mode().iloc[0])
    arm, known, has = (x.to_numpy() for x in (frame["treated"], values.notna(), having))
    groups = [
        (arm == side) & known & (has == wanted) for side in (1, 0) for wanted in (True, False)
    ]
    if not level and values.nunique() > 2:
        groups = groups[1::2]
    family = frame[FAMILY].to_numpy()
    return (
        min(int(group.sum()) for group in groups),
        min(len(set(family[group].tolist())) for group in groups),
    )


def _balance_row(
    context: CheckContext, row: dict[Any, Any], estimand: str, plan: tuple[str, ...],
    frame: pd.DataFrame, before: dict[str, float | None],
) -> BalanceRow:  # fmt: skip
    name = str(row["covariate"])
    smallest = _smallest(frame, name)
    label = "first score" if name == "baseline" else name
    scaled = {"ATT": "SD of the programme arm", "ATE": "average SD of the two arms"}[estimand]
    numbers = {
        key: _number(row[key])
        for key in ("mean_treatment", "mean_comparison", "sd_treatment", "sd_comparison", "smd",
                    "variance_ratio", "ks")
    }  # fmt: skip
    return BalanceRow(
        outcome=context.target.outcome.id, wave=context.target.wave, informant=context.target.informant,
        covariate=label, scaled_by=scaled, adjusted=name.split("=")[0] in plan,
        n_treatment=int(row["n_treatment"]), n_comparison=int(row["n_comparison"]),
        n_missing=int(row["n_missing"]),
        share=name not in frame or set(frame[name].dropna()) <= {0, 1},
        smallest_n=smallest[0], smallest_families=smallest[1], contrast=context.target.key[3],
        smd_before=before.get(name), ecdf=_number(row["ecdf_mean"]), **numbers,
    )  # fmt: skip


def _number(value: object) -> float | None:
    number = float("nan") if value is None else float(str(value))
    return number if math.isfinite(number) else None
