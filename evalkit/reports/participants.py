"""The participant flow of a result as a diagram; of a trial in the form of CONSORT 2025."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalkit.people import NEVER, NO_CONSENT, NOT_ELIGIBLE
from evalkit.reports.figures import FlowArm, FlowBox, FlowDiagram, draw_flow
from evalkit.reports.page import Picture, drawing
from evalkit.reports.tables import label
from evalkit.reports.words import sentence_case
from evalkit.wording import say

if TYPE_CHECKING:
    from evalkit.disclosure import Count
    from evalkit.reports.figures import FlowStep
    from evalkit.reports.released import Released, ShownArm, ShownFlow, ShownStep

BEFORE = {
    NOT_ELIGIBLE: "Did not meet the criteria",
    NO_CONSENT: "Declined to take part",
    NEVER: "Never allocated",
}
CONSORT = {
    "due": "Followed up: due at {wave}",
    "returned": "Returned and scored at {wave}",
    "analysed": "Analysed",
}


def flow_picture(released: Released, flow: ShownFlow) -> Picture:
    """Draw who got how far for one result, from the trails that the estimate rests on."""
    evaluation = released.study.evaluation
    outcome, wave, informant = label(evaluation, flow.target)
    title = f"Who got how far: {outcome}, {wave}"
    description = "; ".join(
        f"{arm.name}: {arm.count('allocated')} allocated, {arm.count('analysed')} analysed"
        for arm in flow.arms
    )
    trial = evaluation.design.randomised
    arms = tuple(FlowArm(arm.name, _arm_steps(arm, wave, trial=trial)) for arm in flow.arms)
    diagram = FlowDiagram(_top(flow, trial=trial), arms)
    svg = draw_flow(diagram, title=title, description=description)
    adds = "Every box is the next box plus those left out beside it"
    adds += "" if released.rules.open else ", but for rounding"
    form = " In the form of CONSORT 2025." if trial else ""
    return Picture(drawing(svg), f"{title} ({informant}). {adds}.{form}")


def _top(flow: ShownFlow, *, trial: bool) -> tuple[FlowStep, ...]:
    """Return the boxes before the arms part."""
    role = say(flow.target.outcome.role)
    if not trial:
        box = FlowBox(f"People in the role: {role}", (f"n = {flow.total}",))
        return ((box, _side("Not allocated", flow.before)),)
    assessed = FlowBox(f"Assessed for eligibility: {role}", (f"n = {flow.total}",))
    before = tuple((BEFORE.get(reason, reason), count) for reason, count in flow.before)
    randomised = FlowBox("Randomised", _numbers(flow.allocated, flow.clusters))
    return ((assessed, _side("Excluded", before)), (randomised, None))


def _arm_steps(arm: ShownArm, wave: str, *, trial: bool) -> tuple[FlowStep, ...]:
    return tuple(
        (_box(step, arm.name, wave, trial=trial), _side(_left(step, trial=trial), step.left_out))
        for step in arm.steps
    )


def _box(step: ShownStep, arm: str, wave: str, *, trial: bool) -> FlowBox:
    name = CONSORT.get(step.step, step.label).format(wave=wave) if trial else step.label
    name = f"Allocated to {arm}" if trial and step.step == "allocated" else name
    told = tuple(f"{sentence_case(text)}: {count}" for text, count in step.beside)
    return FlowBox(name, (*_numbers(step.count, step.clusters), *told))


def _numbers(count: Count, clusters: str) -> tuple[str, ...]:
    return (f"n = {count}", f"in {clusters}") if clusters else (f"n = {count}",)


def _left(step: ShownStep, *, trial: bool) -> str:
    if not trial:
        return "Left out"
    heads = {"due": "Lost to follow-up", "returned": "Excluded from the analysis"}
    return heads.get(step.step, "Not followed up")


def _side(name: str, left: tuple[tuple[str, Count], ...]) -> FlowBox | None:
    """Return the box of those left out: how many where every reason is shown, then the reasons."""
    if not left:
        return None
    return FlowBox(name, tuple(f"{sentence_case(reason)}: {count}" for reason, count in left))
