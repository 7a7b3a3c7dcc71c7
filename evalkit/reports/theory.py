"""The theory of change as a picture, each outcome saying whether it is measured and its result."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from evalkit.logic_model import COLUMNS
from evalkit.reports.figures import DiagramLink, DiagramNode, draw_logic_model

if TYPE_CHECKING:
    from evalkit.declared_theory import Outcome
    from evalkit.logic_model import LogicModel

NOT_MEASURED = ("not-measured", "not measured")


def draw_theory(model: LogicModel, states: Mapping[str, tuple[str, str]]) -> str:
    """Return the SVG. `states` maps outcome ids to (state, short result)."""
    outcomes = {outcome.id: outcome for outcome in model.outcomes}
    nodes = [
        _node(key, name, column, outcomes.get(key), states)
        for column in COLUMNS
        for key, name in model.columns()[column]
    ]
    kinds = {(link.start, link.end): link.kind or "other" for link in model.links}
    links = [
        DiagramLink(start, end, kinds.get((start, end), "other")) for start, end in model.edges()
    ]
    counts = ", ".join(
        f"{len(items)} {column}" for column, items in model.columns().items() if items
    )
    description = f"A diagram of {counts}, joined by {len(links)} links. The same in words follows."
    return draw_logic_model(nodes, links, title="Theory of change", description=description)


def _node(
    key: str, name: str, column: str, outcome: Outcome | None, states: Mapping[str, tuple[str, str]]
) -> DiagramNode:
    if outcome is None:
        return DiagramNode(key, column, name)
    state, badge = states.get(key, _unanalysed(outcome))
    return DiagramNode(key, column, name, _detail(outcome), state, badge)


def _detail(outcome: Outcome) -> str:
    if outcome.indicator:
        return f"counted: {outcome.indicator}"
    if outcome.measure is None or outcome.measure.id == "none":
        return ""
    return outcome.measure.id


def _unanalysed(outcome: Outcome) -> tuple[str, str]:
    if outcome.indicator:
        return "measured", "counted"
    if outcome.measure is None or outcome.measure.id == "none":
        return NOT_MEASURED
    return "measured", "measured"
