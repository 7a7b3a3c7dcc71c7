"""What is wrong in rival explanations, and in how first scores are said to have decided who came in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evalkit.declared_theory import Outcome, Rival
    from evalkit.faults import Faults
    from evalkit.instruments.spec import Measure

Path = tuple[Any, ...]


def rivals_of(faults: Faults, path: Path, rivals: tuple[Rival, ...]) -> None:
    """A rival is named once, and is not judged before it was looked into."""
    faults._once(path, (rival.name for rival in rivals), "rival explanation")
    for n, rival in enumerate(rivals):
        if rival.judged != "open" and not rival.considered:
            what = (
                f"'{rival.name}' is judged {rival.judged}, and nothing says how it was looked into."
            )
            step = "Say so in `considered`, or write judged: open."
            faults._say((*path, n, "judged"), what, "open", step)


def recruited(faults: Faults, path: Path, outcome: Outcome, measure: Measure) -> None:
    """The cut-off and the mean lie on the scale, and the mean says where it is from."""
    declared = outcome.recruited
    name = (outcome.measure.scale if outcome.measure else None) or measure.default_scale
    scale = next((item for item in measure.scales if item.id == name), None)
    if declared is None or scale is None:
        return
    if outcome.measure is not None and outcome.measure.cut:
        what = "the change that comes by itself is worked out for scores, not for yes or no."
        faults._say(path, what, "", "Remove `recruited`, or at_least and at_most of the measure.")
    if declared.at_least is not None and declared.at_most is not None:
        faults._say(path, "people came in from one side of a line: one of at_least and at_most.")
    low, high = scale.range
    for key in ("at_least", "at_most", "mean"):
        value = getattr(declared, key)
        if value is not None and not low <= value <= high:
            what, step = (
                f"{key}: {value:g} is not on the scale.",
                "Write it in points of the scale.",
            )
            faults._say((*path, key), what, f"within {low:g} to {high:g}", step)
    for key in ("mean", "reliability"):
        if getattr(declared, key) is not None and not declared.source:
            step = "Add `source`: who they are and where it is published."
            faults._say((*path, key), f"the {key} needs its source.", "", step)
    if declared.sd is not None and declared.mean is None:
        faults._say((*path, "sd"), "sd stands without a mean.", "", "Add `mean`, or remove it.")
    if declared.source and declared.mean is None and declared.reliability is None:
        faults._say((*path, "source"), "a source stands without a mean.", "", "Add `mean`.")
