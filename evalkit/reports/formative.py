"""The formative report: who is reached, who is lost, what is delivered. It says nothing of effect.

It is made from a Study, which holds no estimates, and describes the arms' delivery and returns but
never compares their outcomes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from evalkit.areas.described import series_lines
from evalkit.disclosure import sentence
from evalkit.reports import delivery, pictures, tables
from evalkit.reports.common import header, provenance
from evalkit.reports.individual import individual_section
from evalkit.reports.page import lay_out
from evalkit.reports.released import Released, release
from evalkit.reports.words import number, sentence_case
from evalkit.returns import NOT_ANSWERED
from evalkit.wording import say

if TYPE_CHECKING:
    from evalkit.study import Study


def formative_page(study: Study) -> str:
    """Return the formative report as one HTML page."""
    evaluation = study.evaluation
    released = release(study)
    return lay_out(
        "formative.html",
        **header(evaluation, "Formative report"),
        disclosure=sentence(released.rules, evaluation.declared.disclosure.because),
        next_steps=next_steps(released),
        followed=evaluation.declared.data.people is not None,
        series=series_lines(study),
        reach=delivery.reach_table(released),
        lost=delivery.lost_table(released),
        returns=pictures.return_picture(released) if released.flows else None,
        stayers=delivery.stayers_table(released),
        dose=delivery.dose_table(released),
        completeness=delivery.completeness_table(released),
        individual=individual_section(released, blind=True),
        coverage=tables.coverage_table(released),
        indicators=_indicators(released),
        needs=tables.needs_table(released),
        gaps=_gaps(study),
        notes=study.problems,
        provenance=provenance(study),
    )


GAPS = {
    "outcome-without-measure": "An outcome without an adequate measure",
    "measure-without-outcome": "A measure that no outcome uses",
    "activity-leads-nowhere": "An activity that leads nowhere",
    "outcome-from-nothing": "An outcome that nothing leads to",
    "link-without-because": "A link without a reason",
    "mechanism-missing": "A mechanism that no link names",
    "role-without-outcome": "A role that no outcome is about",
    "level-left-out": "A level that no outcome is at",
    "no-expected-change": "An outcome without an expected change",
    "expected-too-large": "An expected change larger than the scale",
    "design-cannot-show": "An expected change that the design cannot show",
    "not-an-outcome-measure": "An outcome shown by a measure not made for outcomes",
    "recall-overlaps": "A measure that asks about a time before the programme",
    "domain-not-covered": "A domain of a framework that no outcome covers",
    "domain-not-measured": "A domain of a framework that nothing measures",
}


def _gaps(study: Study) -> list[tuple[str, str]]:
    """Name the gaps by their ids: the names of outcomes read like claims, and none is made here."""
    return [
        (f"{GAPS[gap.rule]}: {say(gap.node)}", gap.next_step) for gap in study.evaluation.audit()
    ]


def _indicators(released: Released) -> dict[str, Any]:
    """Return the indicators of the programme's own families over time."""
    study = released.study
    rates = study.indicators()
    name = study.evaluation.arm_names[0]
    drawn = []
    for indicator in study.evaluation.declared.counted:
        mine = [r for r in rates if r.indicator == indicator.id and r.period > 0 and r.arm == name]
        title = indicator.name or sentence_case(say(indicator.id))
        drawn.append(pictures.rate_picture(released, mine, title, indicator.unit))
    ambiguous = any(i.direction == "ambiguous" for i in study.evaluation.declared.counted)
    table = tables.rates_table(released, rates, (name,)) if rates else None
    return {"table": table, "pictures": drawn, "ambiguous": ambiguous}


def next_steps(released: Released) -> list[tuple[str, str]]:
    """Return what to look at next and why, most people first."""
    if released.study.evaluation.declared.data.people is None:
        return [
            ("No people are followed in this design", "Keep the series coming, period by period.")
        ]
    found = [*_largest_losses(released), *_needier_lost(released), *_unheard(released)]
    return found or [("Nothing stands out.", "Keep asking at every wave.")]


def _largest_losses(released: Released) -> Iterable[tuple[str, str]]:
    lost = []
    for flow in released.whole():
        for arm in flow.arms:
            due, back = arm.count("due"), arm.count("returned")
            if not due.value or back.value is None or back.value >= due.value:
                continue
            gone = due.value - back.value
            if not released.rules.small(gone, gone):
                lost.append((1 - back.value / due.value, gone, flow, arm))
    for share, gone, flow, arm in sorted(lost, key=lambda item: -item[0])[:3]:
        reasons = [
            pair
            for item in arm.steps
            if item.step == "due"
            for pair in item.left_out
            if pair[1].value
        ]
        most = max(reasons, key=lambda pair: pair[1].value or 0)[0] if reasons else NOT_ANSWERED
        why = (
            "for most no reason is recorded"
            if most == NOT_ANSWERED
            else f"the reason given most often: {most}"
        )
        what = (
            f"{pictures.short(flow.target)} at {say(flow.target.wave)} in {arm.name}: "
            f"{100 * share:.0f}% of those due did not return it"
        )
        yield sentence_case(what), f"{gone} people; {why}."


def _needier_lost(released: Released) -> Iterable[tuple[str, str]]:
    """Where those lost started with greater need, say so: what is left looks better than it is."""
    study = released.study
    seen: dict[str, tuple[str, str]] = {}
    for target, followed in study.everyone:
        due = followed[
            followed["step"].isin(["due", "returned", "analysed"]) & followed["baseline"].notna()
        ]
        back, gone = due[due["score"].notna()], due[due["score"].isna()]
        if any(
            released.rules.small(len(g), int(g["family"].nunique())) or len(g) < 2
            for g in (back, gone)
        ):
            continue
        gap = float(gone["baseline"].mean() - back["baseline"].mean())
        worse = -gap if study.evaluation.scale(target).higher_is_better else gap
        spread = float(due["baseline"].std(ddof=1))
        if spread > 0 and worse / spread > 0.1:
            what = f"Those lost to {pictures.short(target)} at {say(target.wave)} started with greater need"
            why = f"Their first scores were {number(abs(gap))} points worse on average: scores of those left do not stand for everyone."
            seen.setdefault(pictures.short(target), (what, why))
    yield from seen.values()


def _unheard(released: Released) -> Iterable[tuple[str, str]]:
    """Roles that nobody asks, and roles of whom only others speak."""
    rows = released.study.coverage()
    for role in released.study.evaluation.roles:
        mine = [row for row in rows if row.role == role.id]
        name = role.name or say(role.id)
        if not any(row.n_measured for row in mine):
            yield f"Nobody in the role '{name}' is measured", "Their side is not heard at any wave."
        elif not any(row.own_voice and row.n_measured for row in mine):
            yield (
                f"The role '{name}' does not speak for itself",
                "Every score about them comes from somebody else.",
            )
