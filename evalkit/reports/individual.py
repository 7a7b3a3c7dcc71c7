"""Who changed by more than measurement error, as it may be shown: counts of people, no effect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evalkit.change import IMPROVED, NO_FIRST, NO_SECOND, SAME, STATUSES, WORSE
from evalkit.change import individual_changes as changes_of
from evalkit.disclosure import HIDDEN, Count
from evalkit.reports import tables
from evalkit.reports.figures.bars import Bar, draw_bars
from evalkit.reports.page import drawing
from evalkit.reports.pictures import Picture, short
from evalkit.reports.released import Released, part_of
from evalkit.reports.words import number, percent, who
from evalkit.wording import say

if TYPE_CHECKING:
    import pandas as pd

    from evalkit.change import IndividualChange

EVERYONE = "everyone together"
HEADS = {IMPROVED: "Improved", SAME: "No reliable change", WORSE: "Got worse",
         NO_SECOND: "No second score", NO_FIRST: "No first score"}  # fmt: skip


def individual_section(released: Released, *, by_arm: bool) -> dict[str, Any]:
    """Return the table, its basis and a picture; without arms nothing can be read of an effect."""
    found = [item for item in changes_of(released.study) if item.basis.threshold is not None]
    groups = [
        (item, name, people) for item in found for name, people in _groups(item, by_arm=by_arm)
    ]
    rows = [_row(released, item, name, people) for item, name, people in groups]
    head = ("Outcome", "Wave", "Answered by", "Group", *(HEADS[status] for status in STATUSES))
    basis = tuple(
        dict.fromkeys([*(_basis(released, item) for item in found), *_harms(found, released)])
    )
    table = tables.Table("People by how their own score changed", head, tuple(rows), basis)
    missing = tuple(dict.fromkeys(_no_basis(released, x) for x in changes_of(released.study)
                                  if x.basis.threshold is None))  # fmt: skip
    return {"table": table if rows else None, "missing": missing,
            "picture": _picture(released, groups) if rows else None}  # fmt: skip


def _harms(found: list[IndividualChange], released: Released) -> list[str]:
    """What those who harm say of themselves is no sign that they stopped."""
    harms = released.study.evaluation.harms
    if not any(harms(x.target.outcome.role) and x.target.informant == "self" for x in found):
        return []
    return ["What those who harm say of themselves does not show that anybody is safer."]


def _groups(item: IndividualChange, *, by_arm: bool) -> list[tuple[str, pd.DataFrame]]:
    if not by_arm:
        return [(EVERYONE, item.frame)]
    return [(str(arm), people) for arm, people in item.frame.groupby("arm", sort=False)]


def _counted(released: Released, people: pd.DataFrame) -> dict[str, Count]:
    return {
        status: released.rules.of(part_of(status, people[people["status"] == status]))
        for status in STATUSES
    }


def _row(
    released: Released, item: IndividualChange, name: str, people: pd.DataFrame
) -> tuple[str, ...]:
    evaluation = released.study.evaluation
    counts = _counted(released, people)
    seen = released.rules.of(
        part_of("seen", people[people["status"].isin([IMPROVED, SAME, WORSE])])
    )
    cells = []
    for status, count in counts.items():
        share = f" ({percent(count, seen)})" if status in (IMPROVED, SAME, WORSE) else ""
        cells.append(count.text if count.hidden or seen.hidden else f"{count.text}{share}")
    outcome, wave, informant = tables.label(evaluation, item.target)
    # The names of outcomes read like claims, and a page without arms makes none.
    said = short(item.target) if name == EVERYONE else outcome
    return (said, wave, informant, name, *cells)


def _basis(released: Released, item: IndividualChange) -> str:
    basis, evaluation = item.basis, released.study.evaluation
    measure = evaluation.measure(item.target.measure)
    small = released.rules.small(*_first_scores(item))
    if basis.reliability is None or basis.threshold is None or small:
        return f"{measure.name}: too few people for the amount that counts to be shown."
    recovered = ""
    if basis.cutoff is not None:
        recovered = f" {_recovered(released, item)}"
    return (
        f"{measure.name} ({who(item.target.informant)}, {say(item.target.outcome.role)}): a change counts from "
        f"{number(basis.threshold)} points on (Jacobson and Truax; reliability {basis.reliability:.2f}, "
        f"{basis.source}). Shares are of those with both scores.{recovered}"
    )


def _recovered(released: Released, item: IndividualChange) -> str:
    """Say how many of those who began in the clinical range left it, both arms together."""
    people = item.frame[item.frame["status"].isin([IMPROVED, SAME, WORSE])]
    could = people[people["began"] == "clinical"]
    done = could[could["crossed"] & (could["status"] == IMPROVED)]
    counts = [released.rules.of(part_of("x", rows)) for rows in (done, could)]
    said = f"{counts[0]} of {counts[1]}" if counts[1].value else HIDDEN
    edge = number(item.basis.cutoff)
    return (
        f"Recovered (improved, and past the cut-off of {edge} between {item.basis.cutoff_source}): "
        f"{said} who began on its clinical side, everyone together."
    )


def _first_scores(item: IndividualChange) -> tuple[int, int]:
    people = item.frame[item.frame["status"] != NO_FIRST]
    return len(people), int(people["family"].nunique())


def _no_basis(released: Released, item: IndividualChange) -> str:
    measure = released.study.evaluation.measure(item.target.measure)
    return f"{measure.name}: not judged person by person, since {item.basis.source}."


def _picture(
    released: Released, groups: list[tuple[IndividualChange, str, pd.DataFrame]]
) -> Picture | None:
    """Return bars of the shares that improved and that got worse, those that may be shown."""
    bars = []
    for item, name, people in groups:
        counts = _counted(released, people)
        seen = released.rules.of(
            part_of("seen", people[people["status"].isin([IMPROVED, SAME, WORSE])])
        )
        outcome, wave, _ = tables.label(released.study.evaluation, item.target)
        for status in (IMPROVED, WORSE):
            bars.append(
                _bar(f"{outcome}, {wave}, {name}: {HEADS[status].lower()}", counts[status], seen)
            )
    shown = [bar for bar in bars if bar.share is not None]
    if not shown:
        return None
    svg = draw_bars(
        shown, title="Share of people who improved and who got worse",
        description="By outcome, wave and group, among people with both scores.",
        x_label="Share of people with both scores whose change is larger than measurement error",
    )  # fmt: skip
    return Picture(
        drawing(svg),
        "People change without any programme too: these are no effects. Counts that are hidden have no bar.",
    )


def _bar(label: str, count: Count, seen: Count) -> Bar:
    if count.value is None or not seen.value:
        return Bar(label, None, "", count.text if count.value is None else "not shown")
    share = min(count.value / seen.value, 1.0)
    return Bar(label, share, f"{count} of {seen} ({percent(count, seen)})")
