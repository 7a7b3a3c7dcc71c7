"""The words of the treatments of the lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from evalkit.sensitivity.records import Sensitivity

PRIMARY = "The plan's own treatment of those lost; the finding rests on it."
METHODS = {
    "complete-case": "those who answered, alone",
    "multiple-imputation": "the lost filled in from people like them",
    "attrition-weights": "those who answered weighted to stand for all",
    "reference-based": "the lost taken to do as the comparison does",
    "delta": "the lost taken to do worse, step by step",
    "lee-bounds": "bounds that trim the arm that lost fewer",
    "worst-case": "bounds for the worst and best that the lost could be",
}
STRATEGIES = {
    "MAR": "the lost taken to go on as those of their arm",
    "J2R": "the programme's lost jump to the comparison's course",
    "CR": "the programme's lost taken to be like the comparison throughout",
    "CIR": "the programme's lost keep what they gained, then change as the comparison does",
    "LMCF": "the lost stay at their last mean",
}
READS = {
    "better": "better with the programme",
    "worse": "worse with the programme",
    "no-clear-change": "no clear difference",
    "not-enough-information": "not enough information",
    "not-estimated": "not estimated",
}
ASKED = {"primary": "the plan's", "planned": "planned", "added": "added, as many were lost"}


def name(row: Sensitivity) -> str:
    """Return the treatment of a row in words."""
    if row.variant in STRATEGIES:
        return STRATEGIES[row.variant]
    return METHODS[row.method]


def sentence(row: Sensitivity) -> str:
    """Return what a treatment says beside the primary one, without a figure."""
    if row.agrees is None:
        return "It could not be worked out from these data."
    if row.agrees and row.reading == "not-enough-information":
        return "It does not contradict the plan's own treatment, and leaves more open."
    if row.agrees:
        return "It says the same as the plan's own treatment."
    return f"It changes the conclusion: {READS[row.reading]}."


def together(rows: Iterable[Sensitivity]) -> tuple[str, ...]:
    """Return what all treatments of one result say together, for its finding, without a figure.

    Nothing is said where there is only one.
    """
    others = [row for row in rows if row.asked != "primary"]
    judged = [row for row in others if row.agrees is not None]
    said = []
    if judged:
        turned = [row for row in judged if not row.agrees]
        if turned:
            listed = "; ".join(f"with {name(row)}: {READS[row.reading]}" for row in turned)
            said.append(f"How the lost are treated changes the conclusion: {listed}.")
        else:
            listed = "; ".join(dict.fromkeys(name(row) for row in judged))
            said.append(f"The conclusion is the same with {listed}.")
    elif others and all(row.method != "delta" for row in others):
        said.append(
            "Nobody can say what the loss does to this: no other treatment could be worked out."
        )
    said += [row.sentence for row in others if row.method == "delta" and row.tips_at is not None]
    return tuple(said)
