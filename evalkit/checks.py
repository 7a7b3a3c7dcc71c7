"""How the study went: each check gives passed True, False or None (cannot be told), and a sentence."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evalkit.errors import CannotEstimate
from evalkit.results import Attrition, Check, Record
from evalkit.targets import key_of

if TYPE_CHECKING:
    import pandas as pd

    from evalkit.design_spec import DesignCheck
    from evalkit.study import Study
    from evalkit.targets import Target


@dataclass(frozen=True, slots=True, eq=False)
class CheckContext:
    """What a check may look at: the study, one target, its trail, and the design's thresholds."""

    study: Study
    target: Target
    followed: pd.DataFrame
    attrition: Attrition | None
    settings: DesignCheck

    @property
    def analysed(self) -> pd.DataFrame:
        """The rows of the trail that are analysed."""
        return self.followed[self.followed["step"] == "analysed"]

    def result(
        self, passed: bool | None, sentence: str, value: float | None = None,
        threshold: float | None = None, shareable: str = "",
    ) -> Check:  # fmt: skip
        """Return a check of this target; without a sentence to share, its own is one."""
        return Check(
            check=self.settings.check, outcome=self.target.outcome.id, wave=self.target.wave,
            informant=self.target.informant, passed=passed, value=value, threshold=threshold,
            sentence=sentence, shareable=shareable or sentence, citation=self.settings.citation,
            contrast=self.target.key[3],
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceRow(Record):
    """One covariate among the people analysed, by arm; `scaled_by` names the denominator of `smd`.

    `smallest_n` is the smallest group of people behind the row in an arm, `smallest_families` the
    fewest families: of a category those with and without it, of a number those away from its
    commonest value.
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


CheckFunction = Callable[[CheckContext], Check]


def attrition(context: CheckContext) -> Check:
    """Whether the loss after assignment is inside the boundary that the plan names.

    It must be so as well where those whom the plan declares not to be asked are counted as lost.
    """
    found = context.attrition
    boundary = context.study.evaluation.declared.analysis.attrition_boundary
    if found is None:
        return context.result(None, "Loss cannot be worked out: an arm has nobody who was due.")
    strict = _with_those_set_aside(context)
    hidden = strict is not None and getattr(found, boundary) == "inside"
    used = strict if strict and hidden and getattr(strict, boundary) == "outside" else found
    verdict, bound = getattr(used, boundary), getattr(used, f"bound_{boundary}")
    sentence = f"Loss is {verdict} the {boundary} boundary of the What Works Clearinghouse"
    if used is not found:
        sentence += ", once those whom the plan declares not to be asked are counted as lost"
    return context.result(verdict == "inside", f"{sentence}.", 100 * used.differential, bound)


def _with_those_set_aside(context: CheckContext) -> Attrition | None:
    """Return the loss with those not to be asked counted as lost; None where there are none."""
    from evalkit.losses.rates import attrition_of_people

    if not context.study.evaluation.declared.analysis.missing.not_due:
        return None
    rows = attrition_of_people(context.study, set_aside_lost=True)
    return next((row for row in rows if key_of(row) == context.target.key), None)


def equivalence(context: CheckContext) -> Check:
    """Whether the arms analysed start alike on the outcome's own first score.

    The statistic is Hedges' g with the pooled standard deviation, on the people analysed, most of
    whom must have a first score; without any first score every declared covariate must be alike.
    """
    from evalkit.stats import hedges_g

    rows = context.analysed
    limits = context.settings.thresholds
    known = rows[rows["baseline"].notna()]
    adjusts = "baseline" in context.study.evaluation.declared.analysis.covariates
    if known["treated"].nunique() < 2:
        return _equivalent_covariates(context)
    share = known.groupby("treated").size() / rows.groupby("treated").size()
    if share.min() < limits["known"]:
        said = (
            "Too few of the people analysed have a first score to say that the arms started alike."
        )
        return context.result(None, said, float(share.min()), limits["known"])
    arms = [known.loc[known["treated"] == value, "baseline"].to_numpy(float) for value in (1, 0)]
    try:
        size = abs(hedges_g(*arms).estimate or 0.0)
    except CannotEstimate as refusal:
        said = "First scores cannot be compared."
        return context.result(None, f"{said} {refusal}", shareable=said)
    return _verdict(context, size, adjusts, "The first scores of the people analysed", "", limits)


def _equivalent_covariates(context: CheckContext) -> Check:
    rows = [row for row in balance_rows(context) if row.covariate != "first score"]
    sizes = [(abs(row.smd), row) for row in rows if row.smd is not None]
    if not sizes or len(sizes) < len(rows):
        return context.result(
            None, "Nobody can say whether the arms started alike: no first scores."
        )
    size, worst = max(sizes, key=lambda pair: pair[0])
    what = "There are no first scores; the covariates of the people analysed"
    return _verdict(
        context, size, worst.adjusted, what, worst.covariate, context.settings.thresholds
    )


def _verdict(
    context: CheckContext, size: float, adjusts: bool, what: str, worst: str,
    limits: dict[str, float],
) -> Check:  # fmt: skip
    """Hold a difference to the limits; the covariate and its figure are named in `sentence` only."""
    alike, with_adjustment = limits["satisfied"], limits["adjusted"]
    if size <= alike:
        passed, limit, verdict = True, alike, "are alike"
    elif size > with_adjustment:
        passed, limit, verdict = False, with_adjustment, "are not alike"
    elif adjusts:
        passed, limit, verdict = (
            True,
            with_adjustment,
            "are alike enough once adjusted for, as is done",
        )
    else:
        passed, limit = False, alike
        verdict = "need adjustment, and the plan does not adjust for them"
    most = f" at most, {worst}" if worst else ""
    sentence = f"{what} {verdict} ({size:.2f} standard deviations{most}; limit {limit:g})."
    return context.result(passed, sentence, size, limit, f"{what} {verdict}.")


def pre_test(context: CheckContext) -> Check:
    """Whether the outcome was measured before the programme in both arms."""
    rows = context.analysed
    known = rows["baseline"].notna()
    arms = rows[known]["treated"].nunique()
    if arms == 2 and known.all():
        return context.result(True, "The outcome was measured at the first wave in both groups.")
    if arms == 2:
        return context.result(
            False, "The outcome was not measured at the first wave for everybody analysed."
        )
    return context.result(False, "The outcome was not measured at the first wave in both groups.")


def balance(context: CheckContext) -> Check:
    """Whether the covariates matched on are alike among the people analysed."""
    match = context.study.evaluation.declared.design.match
    names = match.covariates if match else ()
    rows = [row for row in balance_rows(context) if row.covariate.split("=")[0] in names]
    limits = context.settings.thresholds
    known = [row for row in rows if row.smd is not None]
    compared = {row.covariate.split("=")[0] for row in known}
    if not known or len(known) < len(rows) or not compared.issuperset(names):
        return context.result(
            None, "The covariates matched on cannot be compared among those analysed."
        )
    needing = [row for row in known if abs(row.smd or 0) > limits["satisfied"] and not row.adjusted]
    worst = max(needing or known, key=lambda row: abs(row.smd or 0))
    size = abs(worst.smd or 0)
    what = "The covariates matched on"
    return _verdict(context, size, worst.adjusted, what, worst.covariate, limits)


def clusters(context: CheckContext) -> Check:
    """Whether each arm has at least two clusters; with one, the cluster and the arm are the same."""
    from evalkit.sampling import cluster_column

    rows = context.analysed
    column = cluster_column(context.study, rows) if len(rows) else None
    if column is None:
        return context.result(True, "None of the people analysed share a family.")
    counts = rows.groupby("treated")[column].nunique()
    least = int(counts.min()) if len(counts) == 2 else 0
    minimum = context.settings.thresholds["minimum"]
    sentence = (
        f"Each arm has {int(minimum)} or more clusters ({column})." if least >= minimum
        else f"An arm has fewer than {int(minimum)} clusters ({column}): it cannot be told from its arm."
    )  # fmt: skip
    return context.result(least >= minimum, sentence, float(least), minimum)


def faults(context: CheckContext) -> Check:
    """Whether the evaluators declared a fault that no data can show."""
    declared = context.study.evaluation.declared.design.faults
    if not declared:
        return context.result(
            True, "No fault of allocation, contamination or measurement is declared."
        )
    return context.result(
        False, f"Declared by the evaluators: {', '.join(declared)}.", float(len(declared))
    )


CHECKS: dict[str, CheckFunction] = {
    "attrition": attrition,
    "equivalence": equivalence,
    "pre-test": pre_test,
    "balance": balance,
    "clusters": clusters,
    "faults": faults,
}


def balance_rows(context: CheckContext) -> tuple[BalanceRow, ...]:
    """Compare the arms analysed on the first score and every covariate of the plan and the match."""
    from evalkit import stats

    evaluation = context.study.evaluation
    plan, match = evaluation.declared.analysis.covariates, evaluation.declared.design.match
    rows = context.analysed
    if rows["treated"].nunique() < 2:
        return ()
    names = list(dict.fromkeys(["baseline", *plan, *(match.covariates if match else ())]))
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
    table = stats.balance(frame, treatment="treated", covariates=held, estimand=estimand)
    frame["family_code"] = rows["family"].factorize()[0]
    return tuple(
        _balance_row(context, row, estimand, plan, frame) for row in table.to_dict("records")
    )


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
    family = frame["family_code"].to_numpy()
    return (
        min(int(group.sum()) for group in groups),
        min(len(set(family[group].tolist())) for group in groups),
    )


def _balance_row(
    context: CheckContext, row: dict[Any, Any], estimand: str, plan: tuple[str, ...],
    frame: pd.DataFrame,
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
        **numbers,
    )  # fmt: skip


def _number(value: object) -> float | None:
    number = float("nan") if value is None else float(str(value))
    return number if math.isfinite(number) else None
