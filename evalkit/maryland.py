"""A level for each outcome, wave and informant: the design's ceiling, lowered by how it went.

The rule is evalkit's own reading of the Maryland Scientific Methods Scale, in the two steps of the
What Works Centre for Local Economic Growth: the method sets the most a result can reach, and the
way it was carried out lowers it. Every level names its convention, and beside it what the design
reaches under the scale as first published.

Where the arms did not get what was planned (the comparison got the programme, or the programme was
not given as planned) a result is one level below its design's ceiling. Of trials in which the
comparison got it the scoring guide says so; for the rest this is the project's own rule: both make
the arms more alike than planned, and below chance allocation nothing is left to make up for it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from evalkit.design_spec import Design, DesignCheck
from evalkit.results import Check, Level

CONVENTION = (
    "evalkit machine rule, after the Maryland Scientific Methods Scale as the What Works Centre for "
    "Local Economic Growth scores it"
)
ATTRIBUTES_FROM = 3
NOT_RATED = 0
COSTS = ("another analysis", "more answers", "another round", "another comparison", "another study")
"""What it takes to lift a cap, the cheapest first."""


@dataclass(frozen=True, slots=True)
class Cap:
    """A reason why a level is no higher than this, what would lift it, and what that takes."""

    level: int
    reason: str
    lift: str
    cost: str


def rate(
    design: Design, checks: Iterable[Check], faults: tuple[str, ...], *,
    outcome: str, wave: str | None, informant: str | None, estimated: bool, contrast: str | None = None,
) -> Level:  # fmt: skip
    """Rate one result. A check on which the level rests counts as failed where it cannot be told."""
    found = {check.check: check for check in checks}
    caps = list(_caps(design, found, faults)) if estimated else [NOTHING]
    level = min([design.ceiling, *(cap.level for cap in caps)])
    top = f"the most this design can reach is level {design.ceiling}: {design.ceiling_reason}"
    further = _next_design(design)
    return Level(
        outcome=outcome, wave=wave, informant=informant, convention=CONVENTION, level=level,
        ceiling=design.ceiling, reasons=(top, *(cap.reason for cap in caps)),
        to_reach_next=_cheapest_first(cap for cap in caps if cap.level == level) or further,
        met=tuple(check.sentence.rstrip(".") for check in found.values() if check.passed),
        beside=(*_beside(design, found), *_other_faults(design, faults)), contrast=contrast,
        raised_by=(" ".join(further), *(cap.lift for cap in caps)),
        original_convention=design.original.convention, original_level=design.original.level,
    )  # fmt: skip


NOTHING = Cap(
    NOT_RATED,
    "nothing could be estimated, so there is nothing to rate",
    "The finding says why; where too few answered, collect it from more people.",
    "more answers",
)


def _cheapest_first(caps: Iterable[Cap]) -> tuple[str, ...]:
    ordered = sorted(caps, key=lambda cap: COSTS.index(cap.cost))
    return tuple(dict.fromkeys(cap.lift for cap in ordered))


FAULTS = {
    "allocation": "people were not placed as planned (declared)",
    "contamination": "people outside the programme got it too (declared)",
    "implementation": "the programme was not given as planned (declared)",
    "measurement": "the outcome was not measured alike throughout (declared)",
}
"""Every fault that may be declared, as said where it does not lower the level."""


NOT_LOOKED_AT = Check(check="", sentence="It was not looked at.")


def _other_faults(design: Design, faults: tuple[str, ...]) -> tuple[str, ...]:
    """Faults that were declared and do not lower this design's level are said beside it."""
    compared = design.comparison_group
    lowering = {
        "allocation": compared, "contamination": compared, "implementation": compared,
        "measurement": design.ceiling > 2,
    }  # fmt: skip
    return tuple(FAULTS[fault] for fault in faults if not lowering[fault])


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
        yield from _comparison_caps(design, checks, faults)
    if "clusters" in checks and checks["clusters"].passed is not True:
        yield Cap(
            2, "one cluster makes up a whole arm", "Include at least two clusters in each arm.",
            "another comparison",
        )  # fmt: skip
    for settings in design.checks:
        yield from _further_caps(settings, checks)
    if "measurement" in faults and design.ceiling > 2:
        reason = "the outcome was measured differently by arm (declared)"
        yield Cap(2, reason, "Measure alike in both arms.", "another round")
    if design.comparison_group:
        yield from _delivery_caps(design.ceiling - 1, faults)


def _further_caps(settings: DesignCheck, checks: dict[str, Check]) -> Iterable[Cap]:
    """Yield what a check lowers the level to where its design says so."""
    check = checks.get(settings.check, NOT_LOOKED_AT)
    if settings.lowers_to is None or check.passed is True:
        return
    reason = _said(settings.check.replace("-", " "), check)
    lift = settings.lift or f"Show what this rests on: {settings.why}."
    yield Cap(settings.lowers_to, reason, lift, "another round")


def _delivery_caps(level: int, faults: tuple[str, ...]) -> Iterable[Cap]:
    """Yield what follows where the arms did not get what was planned."""
    if "contamination" in faults:
        reason = "people in the comparison arm got the programme (declared)"
        yield Cap(level, reason, "Keep the arms apart.", "another study")
    if "implementation" in faults:
        reason = "the programme was not given as planned (declared)"
        yield Cap(level, reason, "Give the programme as planned, and measure again.", "another study")  # fmt: skip


def _trial_caps(checks: dict[str, Check], faults: tuple[str, ...]) -> Iterable[Cap]:
    lost = checks["attrition"]
    bent = "allocation" in faults
    if lost.passed is True and not bent:
        return
    alike = checks["equivalence"]
    said = [] if lost.passed is True else [_said("loss after randomisation", lost)]
    said += ["the allocation was compromised (declared)"] if bent else []
    lift, cost = (
        ("Allocate afresh.", "another study") if bent
        else ("Follow up more people, evenly in both arms.", "more answers")
    )  # fmt: skip
    why = "; ".join(said)
    if alike.passed is True:
        yield Cap(3, f"{why}; but the people left were alike enough at the start", lift, cost)
    else:
        reason = f"{why}; and {_small(_said('likeness at the start', alike))}"
        yield Cap(2, reason, lift, cost)


LIKENESS = {
    "pre-test": ("a first score in both groups", "Measure both groups before the start.",
                 "another round"),
    "equivalence": ("likeness at the start",
                    "Find comparison families with first scores nearer to the programme's.",
                    "another comparison"),
    "balance": ("likeness on what was matched on", "Match again, or adjust for it.",
                "another analysis"),
}  # fmt: skip
"""Checks on which a comparison without chance rests: what each shows, what would lift it, the cost."""


def _comparison_caps(
    design: Design, checks: dict[str, Check], faults: tuple[str, ...]
) -> Iterable[Cap]:
    failed = [
        name for name in LIKENESS
        if design.check(name) and (name not in checks or checks[name].passed is not True)
    ]  # fmt: skip
    for name in failed:
        what, lift, cost = LIKENESS[name]
        if name != "equivalence" or "pre-test" not in failed:
            yield Cap(2, _said(what, checks.get(name, NOT_LOOKED_AT)), lift, cost)
    if "allocation" in faults:
        reason = "the comparison was not chosen as planned (declared)"
        yield Cap(2, reason, "Choose the comparison by the plan.", "another comparison")


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
