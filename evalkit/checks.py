"""How the study went: each check gives passed True, False or None (cannot be told), and a sentence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evalkit.comparison_checks import continuity, density, effective_size, relevance
from evalkit.errors import CannotEstimate, InvalidInput, NotConverged
from evalkit.likeness import balance_rows, made_alike
from evalkit.results import Attrition, Check
from evalkit.sampling import row_weights
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
    try:
        size = abs(_gap(context, known))
    except (CannotEstimate, InvalidInput, NotConverged) as refusal:
        said = "First scores cannot be compared."
        return context.result(None, f"{said} {refusal}", shareable=said)
    return _verdict(context, size, adjusts, "The first scores of the people analysed", "", limits)


def _gap(context: CheckContext, known: pd.DataFrame) -> float:
    """Return Hedges' g of the first scores; with weights of their weighted means, the SD unweighted."""
    import numpy as np

    from evalkit.stats import hedges_g

    arms = [known.loc[known["treated"] == value, "baseline"].to_numpy(float) for value in (1, 0)]
    weights = row_weights(context.study, known)
    if weights is None:
        return hedges_g(*arms).estimate or 0.0
    sides = [weights[(known["treated"] == value).to_numpy()] for value in (1, 0)]
    if any(side.sum() == 0 for side in sides):
        raise CannotEstimate("An arm has no weight.")
    moved = [a - a.mean() + np.average(a, weights=w) for a, w in zip(arms, sides, strict=True)]
    return hedges_g(*moved).estimate or 0.0


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
    places = 2 if round(size, 2) != limit else 3
    sentence = f"{what} {verdict} ({size:.{places}f} standard deviations{most}; limit {limit:g})."
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
    names = made_alike(context.study)
    rows = [row for row in balance_rows(context) if row.covariate.split("=")[0] in names]
    limits = context.settings.thresholds
    how = "weighted by" if context.study.evaluation.declared.design.weight else "matched on"
    known = [row for row in rows if row.smd is not None]
    compared = {row.covariate.split("=")[0] for row in known}
    if not known or len(known) < len(rows) or not compared.issuperset(names):
        return context.result(
            None, f"The covariates {how} cannot be compared among those analysed."
        )
    needing = [row for row in known if abs(row.smd or 0) > limits["satisfied"] and not row.adjusted]
    worst = max(needing or known, key=lambda row: abs(row.smd or 0))
    size = abs(worst.smd or 0)
    what = f"The covariates {how}"
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
            True,
            "No fault of allocation, contamination, implementation or measurement is declared.",
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
    "effective-size": effective_size,
    "density": density,
    "continuity": continuity,
    "relevance": relevance,
}
