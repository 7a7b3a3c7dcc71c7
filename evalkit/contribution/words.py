"""The words of what is described: none of them credits the programme, and none holds a figure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evalkit.contribution.records import ByItself, Contribution

AGREES = {
    "as-expected": "What was seen moved the way expected, by as much or more.",
    "less-than-expected": "What was seen moved the way expected, by less than was expected.",
    "expected-way": "What was seen moved the way expected; the plan states no size.",
    "no-clear-change": "No clear change was seen.",
    "other-way": "What was seen moved the other way than expected.",
    "own-report-only": "Those in this role say so of themselves, and nothing is read from their word alone.",
    "counted": "It is counted from records, and no change is read into it.",
    "described": "The design describes how people score at one time, so no change is shown.",
    "not-measured": "It was not measured, so this step rests on its reasons alone.",
    "not-an-outcome": "It is no outcome, so nothing was measured at its end.",
    "not-known": "What was seen does not allow anything to be said of it.",
}
CLOSING = "This describes what was seen and does not say why."
NO_RIVALS = "No rival explanation is on record, so every one stays open."
JUDGED = (
    ("ruled-out", "Looked into and ruled out"),
    ("weakens", "Looked into, and some of it may be explained so"),
    ("open", "Open"),
)
READS = {
    "more": "More change for the better was seen than comes by itself in people with such first scores; "
    "other explanations stay open.",
    "no-more": "What was seen is not clearly more than comes by itself in people with such first scores.",
    "less": "Less change for the better was seen than comes by itself in people with such first scores.",
    "not-known": "How much comes by itself in people with such first scores is not known.",
}
AS_COMPARED = {
    "more": "More change for the better was seen than in the comparison group; other explanations stay "
    "open.",
    "no-more": "What was seen is not clearly more than in the comparison group.",
    "less": "Less change for the better was seen than in the comparison group.",
    "not-known": "What was seen could not be set beside the change in the comparison group.",
}


def sentence(row: Contribution, by_itself: str = "") -> str:
    """Return what may be said of a link: agreement, the change that comes by itself, rivals, and no more."""
    said = [AGREES[row.agreement], by_itself, rivals(row), CLOSING]
    return " ".join(part for part in said if part)


def rivals(row: Contribution) -> str:
    """Return the rival explanations by how they were judged, and the threats that none of them names."""
    parts = []
    for judged, words in JUDGED:
        names = [name for name, _, state in row.rivals if state == judged]
        if names:
            parts.append(f"{words}: {'; '.join(names)}.")
    if not row.rivals:
        parts.append(NO_RIVALS)
    if row.unconsidered:
        parts.append(
            f"Threats of this design that none of them names: {'; '.join(row.unconsidered)}."
        )
    return " ".join(parts)


def by_itself(row: ByItself) -> str:
    """Return what the change that comes by itself says of the change seen."""
    if row.basis == "comparison":
        return AS_COMPARED[row.reading]
    return f"Regression to the mean: {READS[row.reading][0].lower()}{READS[row.reading][1:]}"
