"""Tables of results: what was found, who was lost, how alike the arms were."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evalkit import units
from evalkit.reports.released import Released, lost_by_arm
from evalkit.reports.tables import NOT_SHOWN, Table, digits, label, spelt, target_of
from evalkit.reports.words import NONE, interval, number, p_value
from evalkit.targets import key_of
from evalkit.wording import say

if TYPE_CHECKING:
    from evalkit.analysis import Analysis
    from evalkit.evaluation import Evaluation
    from evalkit.likeness import BalanceRow
    from evalkit.results import Attrition, Estimate, Finding
    from evalkit.targets import Key, Target


RESULT = {
    "difference": "Difference", "change": "Change", "norm": "Distance from the norm",
    "level": "Mean",
}  # fmt: skip
"""What a result is called, by what the design asks."""
COLUMN = RESULT | {"difference": "Adjusted difference", "change": "Mean change"}


def attrition_table(released: Released, analysis: Analysis) -> Table:
    """Return the loss of each result against the boundary in force."""
    evaluation = released.study.evaluation
    in_force = evaluation.declared.analysis.attrition_boundary
    rows = []
    for loss in analysis.attrition:
        target = target_of(released.study, loss)
        verdict = loss.cautious if in_force == "cautious" else loss.optimistic
        bound = loss.bound_cautious if in_force == "cautious" else loss.bound_optimistic
        other = loss.optimistic if in_force == "cautious" else loss.cautious
        rates = loss_rates(released, target, loss)
        cells = (
            rates.cells(number(bound, 1) if bound is not None else "none") if rates else _no_rates()
        )
        rows.append((*label(evaluation, target), *cells, verdict, other))
    other_name = "optimistic" if in_force == "cautious" else "cautious"
    head = (
        "Outcome", "Wave", "Who answered",
        *(f"Lost, {name}" for name in arm_heads(evaluation)), "Lost overall",
        "Difference (points)", "Limit (points)", f"{in_force.capitalize()} boundary",
        f"{other_name.capitalize()} boundary",
    )  # fmt: skip
    notes: tuple[str, ...] = (
        "Lost: due at this wave and not analysed. The boundary in force is the "
        f"{in_force} one, fixed by the plan (What Works Clearinghouse, table II.1; between whole "
        "percents of overall loss the smaller limit counts).",
        "Inside the boundary does not mean that few were lost: read the overall loss beside it.",
    )
    if any(row[3] == NOT_SHOWN for row in rows):
        small = (
            f"Rates are not shown where an arm lost fewer than {released.rules.threshold} people or "
            "families, or where rounding would move them across a limit."
        )
        notes = (*notes, small)
    return Table("Loss of each result against the boundaries", head, tuple(rows), notes)


def arm_heads(evaluation: Evaluation) -> tuple[str, ...]:
    """Return the names that head the columns of the two arms compared."""
    several = len(evaluation.programmes) > 1
    return ("the first named", "the second") if several else evaluation.arm_names


@dataclass(frozen=True, slots=True)
class LossRates:
    """Loss in percent by arm and overall, and the difference, from the counts that are shown."""

    treatment: float
    comparison: float
    overall: float
    differential: float
    digits: int

    def cells(self, bound: str) -> tuple[str, ...]:
        """Return the rates as text with the limit."""
        shares = [
            f"{number(v, self.digits)}%" for v in (self.treatment, self.comparison, self.overall)
        ]
        return (*shares, number(self.differential, max(1, self.digits)), bound)


def _no_rates() -> tuple[str, ...]:
    return (NOT_SHOWN,) * 5


def loss_rates(released: Released, target: Target, loss: Attrition) -> LossRates | None:
    """Return the rates of loss, or None where an arm's loss is too small to show.

    Where rounding the counts would put a point on the other side of the boundary, it is not shown.
    """
    from evalkit.stats import attrition

    flow = released.flow(target)
    followed = next(frame for t, frame in released.study.trails if t.key == target.key)
    if not released.lost_is_shown(target, lost_by_arm(followed)):
        return None
    due = [arm.count("due").value or 0 for arm in flow.arms]
    seen = [arm.count("analysed").value or 0 for arm in flow.arms]
    shown = attrition(due[0], seen[0], due[1], seen[1])
    if (shown.cautious, shown.optimistic) != (loss.cautious, loss.optimistic):
        return None
    return LossRates(
        100 * shown.loss_treatment, 100 * shown.loss_comparison, 100 * shown.overall,
        100 * shown.differential, 1 if released.rules.open else 0,
    )  # fmt: skip


def glance_table(
    released: Released, analysis: Analysis, cards: Iterable[tuple[Finding, str]]
) -> Table:
    """Return every result in a line: what was found, the difference, the numbers, the level.

    `cards` give findings with their badges, in the order to show.
    """
    evaluation = released.study.evaluation
    rows = []
    estimates = {key_of(e): e for e in analysis.estimates}
    alike = _in_points(analysis)
    levels = {key_of(level): level.level for level in analysis.levels}
    for finding, badge in cards:
        estimate, level = estimates[key_of(finding)], levels[key_of(finding)]
        target = target_of(released.study, finding)
        counts = released.counts(estimate)
        value = spelt(released, target, estimate, named=not alike)
        shown = counts is not None and estimate.estimate is not None
        n = " and ".join(filter(None, counts)) if counts else NOT_SHOWN
        rows.append((
            *label(evaluation, target), badge, value if shown else NOT_SHOWN, n,
            str(level) if level else "not rated",
        ))  # fmt: skip
    what = RESULT[evaluation.design.question]
    what += " in points (95% interval)" if alike else " (interval)"
    head = (
        "Outcome",
        "Wave",
        "Who answered",
        "Finding",
        what,
        "People analysed",
        "Level",
    )
    return Table("At a glance", head, tuple(rows))


def _in_points(analysis: Analysis) -> bool:
    """Whether every result is in points with a 95% interval, so that a heading can say so."""
    found = [e for e in analysis.estimates if e.estimate is not None]
    return all(e.unit == "points" and e.level == 0.95 for e in found)


def estimates_table(released: Released, analysis: Analysis) -> Table:
    """Return every estimate with its interval and numbers."""
    study = released.study
    two = study.evaluation.design.comparison_group
    levels = {key_of(v): v.level for v in analysis.levels}
    rows = [_estimate_row(released, e, two, levels) for e in analysis.estimates]
    names = arm_heads(study.evaluation)
    kind = "95% interval" if _in_points(analysis) else "interval"
    head: tuple[str, ...] = ("Outcome", "Wave", "Who answered", f"n, {names[0]}")
    if two:
        head += (f"n, {names[1]}", f"Mean, {names[0]}", f"Mean, {names[1]}")
    head += (
        f"{COLUMN[study.evaluation.design.question]} ({kind})", "SE", "df", "p",
        "p, adjusted", f"Effect size in SD ({kind})", "Level",
    )  # fmt: skip
    notes: tuple[str, ...] = (
        "p, adjusted: allows for the number of secondary results; the primary result stands apart.",
    )
    if two:
        notes = (
            f"A difference below zero means lower {_first_arm(study.evaluation)}. Means are as observed; the "
            "adjusted difference allows for where people started, so the two need not agree. The "
            "effect size is the adjusted difference in standard deviations (Hedges' correction).",
            *notes,
        )
    staggered = study.evaluation.declared.design.wedge is not None
    if any(e.unit in ("share", "ratio") for e in analysis.estimates) and not staggered:
        notes = (
            *notes,
            "Of outcomes that are yes or no, or only ordered, the effect size comes from the odds ratio.",
        )
    return Table("Every result", head, tuple(rows), notes)


def _first_arm(evaluation: Evaluation) -> str:
    several = len(evaluation.programmes) > 1
    return "scores in the first named arm" if several else "scores on the programme"


def _estimate_row(
    released: Released, e: Estimate, two: bool, levels: dict[Key, int]
) -> tuple[str, ...]:
    key = key_of(e)
    target = target_of(released.study, e)
    places = digits(released.study, target, e)
    counts = released.counts(e)
    level = str(levels[key]) if levels[key] else "not rated"
    if counts is None or e.estimate is None:
        why = NOT_SHOWN if counts is None else "not estimated"
        return (*label(released.study.evaluation, target), why, *[NONE] * (9 if two else 6), level)
    means: tuple[str, ...] = ()
    if two:
        means = (counts[1], _mean(e, e.mean_treatment, places), _mean(e, e.mean_comparison, places))
    named = e.unit != "points"
    return (
        *label(released.study.evaluation, target), counts[0], *means,
        spelt(released, target, e, named=named), number(units.shown(e, e.std_error), places + 1), _df(released, e.df), p_value(e.p_value), p_value(e.p_adjusted),
        f"{number(e.effect_size, 2)} ({interval(e.effect_low, e.effect_high, 2)})", level,
    )  # fmt: skip


def _mean(e: Estimate, mean: float | None, places: int) -> str:
    if e.unit != "share" or mean is None:
        return number(mean, places)
    return f"{number(100 * mean, places)}%"


def balance_table(released: Released, rows: tuple[BalanceRow, ...], caption: str) -> Table:
    """Return the arms analysed side by side before the programme."""
    earlier = any(row.smd_before is not None for row in rows)
    head = (
        "At the first wave",
        *arm_heads(released.study.evaluation),
        *(("Difference before",) if earlier else ()),
        "Standardised difference",
        "Adjusted for",
    )
    hidden = hidden_covariates(released, rows)
    body = tuple(_balance_cells(released, row, hidden, earlier=earlier) for row in rows)
    scaled = rows[0].scaled_by if rows else ""
    notes: tuple[str, ...] = (
        f"Means (SD) or percentages of the people analysed. The standardised difference is divided by the {scaled}.",
    )
    if released.study.evaluation.design.randomised:
        notes += (
            "In a trial such differences are chance. They are allowed for where the plan adjusts for "
            "them, and lower the level only where loss has undone what chance achieved.",
        )
    if earlier:
        notes += (
            "Before: of everybody who could have been compared, in the same standard deviations.",
        )
    missing = [row for row in rows if row.n_missing]
    if missing and released.rules.open:
        notes += (
            f"Not recorded: {'; '.join(f'{row.covariate} {row.n_missing}' for row in missing)}.",
        )
    return Table(caption, head, body, notes)


def _root(row: BalanceRow) -> str:
    return row.covariate.partition("=")[0]


def hidden_covariates(released: Released, rows: tuple[BalanceRow, ...]) -> set[str]:
    """Return the covariates with a group too small to show; all their categories are hidden."""
    return {
        _root(row) for row in rows if released.rules.small(row.smallest_n, row.smallest_families)
    }


def _balance_cells(
    released: Released, row: BalanceRow, hidden: set[str], *, earlier: bool
) -> tuple[str, ...]:
    name = say(row.covariate.replace("_", " ").replace("=", ": "))
    adjusted = "yes" if row.adjusted else "no"
    if _root(row) in hidden:
        return (name, *[NOT_SHOWN] * (4 if earlier else 3), adjusted)
    arms = (
        (row.mean_treatment, row.sd_treatment, row.n_treatment),
        (row.mean_comparison, row.sd_comparison, row.n_comparison),
    )
    cells = [
        _share(released, mean, n) if row.share else f"{number(mean, 1)} ({number(sd, 1)})"
        for mean, sd, n in arms
    ]
    before = (number(row.smd_before, 2),) if earlier else ()
    return (name, *cells, *before, number(row.smd, 2), adjusted)


def _share(released: Released, mean: float | None, n: int) -> str:
    """Return a percentage, under the strict profile from rounded counts."""
    if mean is None or n == 0:
        return NONE
    if released.rules.open:
        return f"{100 * mean:.0f}%"
    rules = released.rules
    return f"{min(100.0, 100 * rules.rounded(round(mean * n)) / rules.rounded(n)):.0f}%"


def _df(released: Released, df: float | None) -> str:
    """Return degrees of freedom; under the strict profile rounded, for they give away exact n."""
    if released.rules.open or df is None:
        return number(df, 1)
    whole = round(df)
    return released.rules.count(whole, whole).text
