"""The words of the treatments of the lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalkit.rounding import written

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
    "J2R": "the programme's lost moved to the comparison's course",
    "CR": "the programme's lost taken to be like the comparison throughout",
    "CIR": "the programme's lost keeping what they gained, then changing as the comparison does",
    "LMCF": "the lost staying where they last were",
}
READS = {
    "better": "clearly better",
    "worse": "clearly worse",
    "no-clear-change": "no clear difference",
    "not-enough-information": "not enough information",
    "not-estimated": "not estimated",
}
FEW = 3
"""So many treatments are named one by one in a caveat."""
ASKED = {"primary": "the plan's own", "planned": "planned", "added": "added, not in the plan"}


def name(row: Sensitivity) -> str:
    """Return the treatment of a row in words."""
    if row.variant in STRATEGIES:
        return STRATEGIES[row.variant]
    return METHODS[row.method]


def leaves_open(row: Sensitivity, first: Sensitivity) -> bool:
    """Whether a treatment contradicts nothing, but would not settle what the primary one settles.

    Bounds assume little, so that they seldom settle anything.
    """
    less = row.reading == "not-enough-information" != first.reading
    return less and bool(row.agrees or row.lower is not None)


def sentence(row: Sensitivity, first: Sensitivity) -> str:
    """Return what a treatment says beside the primary one, without a figure."""
    if row.agrees is None:
        return "It could not be worked out from these data."
    if leaves_open(row, first):
        return "It does not contradict the plan's own treatment, but leaves more open."
    if row.agrees:
        return "It says the same as the plan's own treatment."
    return f"It changes the conclusion: {READS[row.reading]}."


def tipping(row: Sensitivity, first: Sensitivity) -> str:
    """Return how much worse the lost would have to have done for the result not to be clear."""
    if row.tips_at is None:
        return "With the lost filled in from people like them the difference is not clear to begin with."
    ways = {"better": "worse", "worse": "better"}
    way = ways.get(first.reading, "higher" if row.tips_at > 0 else "lower")
    size = f"{written(abs(row.tips_at), 1)} points"
    if row.tips_at_sd is not None:
        size += f" ({written(abs(row.tips_at_sd), 1)} standard deviations)"
    text = (
        "The difference stays clear unless the programme's lost scored on average "
        f"{size} {way} than people like them who answered"
    )
    if row.tips_at_reliable is None:
        return f"{text}."
    times = written(abs(row.tips_at_reliable), 1)
    return (
        f"{text}; that is {times} times the change of a person that is more than measurement error."
    )


def together(rows: Iterable[Sensitivity]) -> tuple[str, ...]:
    """Return what all treatments of one result say together, for its finding.

    Nothing is said where there is only one.
    """
    listed = tuple(rows)
    others = [row for row in listed if row.asked != "primary"]
    if not others:
        return ()
    judged = [row for row in others if row.agrees is not None]
    tipped = [row.sentence for row in others if row.curve]
    if not judged and not tipped:
        return (
            "Nobody can say what the loss does to this: no other treatment could be worked out.",
        )
    first = next(row for row in listed if row.asked == "primary")
    wide = [row for row in judged if leaves_open(row, first)]
    turned = [row for row in judged if not row.agrees and row not in wide]
    same = [row for row in judged if row.agrees and row not in wide]
    said = []
    if turned:
        readings = dict.fromkeys(row.reading for row in turned)
        each = [
            (READS[word], ", or ".join(name(row) for row in turned if row.reading == word))
            for word in readings
        ]
        how = "; ".join(f"{what} with {names}" for what, names in each)
        said.append(f"How the lost are treated changes the conclusion: {how}.")
    if same:
        said.append(f"The conclusion is the same with {_names(same)}.")
    if wide:
        said.append(f"More is left open, and nothing contradicted, with {_names(wide)}.")
    return (*said, *tipped)


def _names(rows: Iterable[Sensitivity]) -> str:
    """Return treatments by name, or where there are many that they are the rest."""
    named = tuple(dict.fromkeys(name(row) for row in rows))
    return ", or ".join(named) if len(named) <= FEW else "the other treatments of the lost"
