"""A level for each outcome, wave and informant: the design's ceiling, lowered by how it went.

The rule is evalkit's own reading of the Maryland Scientific Methods Scale, in the two steps of the
What Works Centre for Local Economic Growth: the method sets the most a result can reach, and the
way it was carried out lowers it. Every level names its convention.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from evalkit.design_spec import Design
from evalkit.results import Check, Level

CONVENTION = "evalkit machine rule, after the Maryland Scientific Methods Scale"
ATTRIBUTES_FROM = 3
NOT_RATED = 0


@dataclass(frozen=True, slots=True)
class Cap:
    """A reason why a level is no higher than this, and what would lift it."""

    level: int
    reason: str
    lift: str


def rate(
    design: Design, checks: Iterable[Check], faults: tuple[str, ...], *,
    outcome: str, wave: str, informant: str, estimated: bool, contrast: str | None = None,
) -> Level:  # fmt: skip
    """Rate one result. A check on which the level rests counts as failed where it cannot be told."""
    found = {check.check: check for check in checks}
    if not estimated:
        caps = [
            Cap(
                NOT_RATED,
                "nothing could be estimated, so there is nothing to rate",
                "The finding says why; where too few answered, collect it from more people.",
            )
        ]
    else:
        caps = list(_caps(design, found, faults))
    level = min([design.ceiling, *(cap.level for cap in caps)])
    top = f"the most this design can reach is level {design.ceiling}: {design.ceiling_reason}"
    lifts = [cap.lift for cap in caps if cap.level == level]
    return Level(
        outcome=outcome, wave=wave, informant=informant, convention=CONVENTION, level=level,
        ceiling=design.ceiling, reasons=(top, *(cap.reason for cap in caps)),
        to_reach_next=tuple(lifts) or _next_design(design),
        met=tuple(check.sentence.rstrip(".") for check in found.values() if check.passed),
        beside=(*_beside(design, found), *_other_faults(design, faults)), contrast=contrast,
    )  # fmt: skip


def _other_faults(design: Design, faults: tuple[str, ...]) -> tuple[str, ...]:
    """Faults that were declared and do not lower this design's level are said beside it."""
    said = {
        "contamination": "people outside the programme got it too (declared)",
        "measurement": "the outcome was not measured alike throughout (declared)",
        "allocation": "people were not placed as planned (declared)",
    }
    lowering = {
        "contamination": design.randomised,
        "measurement": design.ceiling > 2,
        "allocation": design.comparison_group,
    }
    return tuple(said[fault] for fault in faults if not lowering[fault])


def _beside(design: Design, checks: dict[str, Check]) -> tuple[str, ...]:
    """Loss is rated in trials only; elsewhere it is said, because those lost may differ."""
    lost = checks.get("attrition")
    if design.randomised or lost is None or lost.passed is True:
        return ()
    return (f"{lost.sentence.rstrip('.')}: those who answered may differ from those who did not",)


def _caps(design: Design, checks: dict[str, Check], faults: tuple[str, ...]) -> Iterable[Cap]:
    if design.randomised:
        yield from _trial_caps(checks, faults)
    elif design.comparison_group:
        yield from _comparison_caps(checks, faults)
    if "clusters" in checks and checks["clusters"].passed is not True:
        yield Cap(
            2, "one cluster makes up a whole arm", "Include at least two clusters in each arm."
        )
    if "measurement" in faults and design.ceiling > 2:
        yield Cap(
            2,
            "the outcome was measured differently by arm (declared)",
            "Measure alike in both arms.",
        )


def _trial_caps(checks: dict[str, Check], faults: tuple[str, ...]) -> Iterable[Cap]:
    lost = checks["attrition"]
    bent = "allocation" in faults
    if lost.passed is not True or bent:
        alike = checks["equivalence"]
        why = _said("loss after randomisation", lost) if lost.passed is not True else ""
        why = "; ".join(
            filter(None, [why, "the allocation was compromised (declared)" if bent else ""])
        )
        lift = "Follow up more people, evenly in both arms." if not bent else "Allocate afresh."
        if alike.passed is True:
            yield Cap(3, f"{why}; but the people left were alike enough at the start", lift)
        else:
            yield Cap(2, f"{why}; and {_small(_said('likeness at the start', alike))}", lift)
    if "contamination" in faults:
        yield Cap(
            4, "people in the comparison arm got the programme (declared)", "Keep the arms apart."
        )


def _comparison_caps(checks: dict[str, Check], faults: tuple[str, ...]) -> Iterable[Cap]:
    if checks["pre-test"].passed is not True:
        yield Cap(
            2,
            _said("a first score in both groups", checks["pre-test"]),
            "Measure both groups before the start.",
        )
    elif checks["equivalence"].passed is not True:
        yield Cap(
            2,
            _said("likeness at the start", checks["equivalence"]),
            "Find comparison families with first scores nearer to the programme's.",
        )
    if checks["balance"].passed is not True:
        yield Cap(
            2,
            _said("likeness on what was matched on", checks["balance"]),
            "Match again, or adjust for it.",
        )
    if "allocation" in faults:
        yield Cap(
            2,
            "the comparison was not chosen as planned (declared)",
            "Choose the comparison by the plan.",
        )


def _small(text: str) -> str:
    return text[:1].lower() + text[1:]


def _said(what: str, check: Check) -> str:
    """Return the check's own sentence, or that it was not shown."""
    if check.passed is None:
        return f"{what} is not shown ({check.sentence.rstrip('.')})"
    return check.sentence.rstrip(".")


def _next_design(design: Design) -> tuple[str, ...]:
    if design.ceiling >= 5:
        return ()
    if not design.comparison_group:
        return ("Measure a comparison group before and after as well.",)
    return ("Let chance decide who is offered the programme first.",)
