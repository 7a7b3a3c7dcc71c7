"""Who changed by more than measurement error, as it may be shown: counts of people, no effect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evalkit.change import IMPROVED, NO_FIRST, NO_SECOND, NOT_ALLOCATED, SAME, STATUSES, WORSE
from evalkit.change import individual_changes as changes_of
from evalkit.disclosure import HIDDEN, Count
from evalkit.reports import tables
from evalkit.reports.figures.bars import Bar, draw_bars
from evalkit.reports.page import Picture, drawing
from evalkit.reports.pictures import short
from evalkit.reports.released import Released, part_of
from evalkit.reports.words import number, percent, who
from evalkit.wording import say

if TYPE_CHECKING:
    import pandas as pd

    from evalkit.change import IndividualChange

EVERYONE = "everyone together"
UNSEEN = (
    f"“{HIDDEN.capitalize()}” is a count that is hidden: it does not say that nobody got worse."
)
TOGETHER = "Groups are counted together: counts by group beside these would give hidden ones away."
HEADS = {IMPROVED: "Improved", SAME: "No reliable change", WORSE: "Got worse",
         NO_SECOND: "No second score", NO_FIRST: "No first score"}  # fmt: skip


ENOUGH = 30
"""First scores below which a threshold in points would tell too much of any one of them."""


def individual_section(released: Released, *, blind: bool) -> dict[str, Any]:
    """Return the table, its basis and a picture, of a page that is blind to the arms or is not.

    A blind page names no arm and no outcome, whose names read like claims, and draws nothing.
    Where small numbers are hidden the pages count everyone together: counts by arm on one page and
    together on another would let most hidden counts be worked out to within one or two people.
    """
    found = [item for item in changes_of(released.study) if item.basis.threshold is not None]
    groups = [
        (item, name, people)
        for item in found
        for name, people in _groups(item, by_arm=released.rules.open and not blind)
    ]
    rows = [_row(released, item, name, people, blind=blind) for item, name, people in groups]
    head = ("Outcome", "Wave", "Answered by", "Group", *(HEADS[status] for status in STATUSES))
    hidden = [] if released.rules.open else [UNSEEN, TOGETHER]
    said = [*hidden, *(_basis(released, item) for item in found), *_harms(found, released)]
    basis = tuple(dict.fromkeys(said))
    table = tables.Table("People by how their own score changed", head, tuple(rows), basis)
    missing = tuple(dict.fromkeys(_no_basis(released, x) for x in changes_of(released.study)
                                  if x.basis.threshold is None))  # fmt: skip
    return {"table": table if rows else None, "missing": missing,
            "picture": _picture(released, groups) if rows and not blind else None}  # fmt: skip


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
    released: Released, item: IndividualChange, name: str, people: pd.DataFrame, *, blind: bool
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
    return (short(item.target) if blind else outcome, wave, informant, name, *cells)


def _basis(released: Released, item: IndividualChange) -> str:
    basis, evaluation = item.basis, released.study.evaluation
    measure = evaluation.measure(item.target.measure)
    n, families = _first_scores(released, item)
    few = not released.rules.open and n < ENOUGH
    small = few or released.rules.small(n, families)
    if basis.reliability is None or basis.threshold is None or small:
        return f"{measure.name}: too few people for the amount that counts to be shown."
    recovered = ""
    if basis.cutoff is not None:
        recovered = f" {_recovered(released, item)}"
    return (
        f"{measure.name} ({who(item.target.informant)}, {say(item.target.outcome.role)}): a change counts where "
        f"it is larger than {number(basis.threshold)} points (Jacobson and Truax; reliability {basis.reliability:.2f}, "
        f"{basis.source}). Shares are of those with both scores.{recovered}"
    )


def _recovered(released: Released, item: IndividualChange) -> str:
    """Say how many of those who began in the clinical range left it, both arms together."""
    people = item.frame[item.frame["status"].isin([IMPROVED, SAME, WORSE])]
    could = people[people["began"] == "clinical"]
    done = could[could["crossed"] & (could["status"] == IMPROVED)]
    counts = [released.rules.of(part_of("x", rows)) for rows in (done, could)]
    said = HIDDEN if counts[1].hidden else f"{counts[0]} of the {counts[1]} who"
    edge = number(item.basis.cutoff)
    return (
        f"Recovered (improved, and past the cut-off of {edge} between {item.basis.cutoff_source}): "
        f"{said} began on its clinical side, everyone together."
    )


def _first_scores(released: Released, item: IndividualChange) -> tuple[int, int]:
    """Return how many people, from how many families, the SD behind the threshold rests on."""
    t = item.target
    followed = released.study.trail(t.outcome.id, t.wave, t.informant)
    people = followed[followed["baseline"].notna() & ~followed["step"].isin(NOT_ALLOCATED)]
    return len(people), int(people["family"].nunique())


def _no_basis(released: Released, item: IndividualChange) -> str:
    measure = released.study.evaluation.measure(item.target.measure)
    return f"{measure.name}: not judged person by person, since {item.basis.source}."


def _picture(
    released: Released, groups: list[tuple[IndividualChange, str, pd.DataFrame]]
) -> Picture | None:
    """Return bars of the shares that improved and that got worse, of results with none hidden.

    To draw what may be shown alone would show gains and hide harm, since fewer get worse, and one
    arm without the other. What those who harm say of themselves is not drawn.
    """
    evaluation, bars = released.study.evaluation, dict[Any, list[Bar]]()
    for item, name, people in groups:
        if evaluation.harms(item.target.outcome.role) and item.target.informant == "self":
            continue
        counts = _counted(released, people)
        seen = released.rules.of(
            part_of("seen", people[people["status"].isin([IMPROVED, SAME, WORSE])])
        )
        outcome, wave, _ = tables.label(evaluation, item.target)
        whose = outcome if name == EVERYONE else f"{outcome}, {name}"
        for status in (IMPROVED, WORSE):
            bars.setdefault(item, []).append(
                _bar(f"{whose}, {wave}: {HEADS[status].lower()}", counts[status], seen)
            )
    whole = [mine for mine in bars.values() if all(bar.share is not None for bar in mine)]
    shown = [bar for mine in whole for bar in mine]
    if not shown:
        return None
    svg = draw_bars(
        shown, title="Share of people who improved and who got worse",
        description="By outcome, wave and group, among people with both scores.",
        x_label="Share of people with both scores whose change is larger than measurement error",
    )  # fmt: skip
    return Picture(
        drawing(svg),
        "People change without any programme too: these are no effects. Results with a hidden count are not drawn.",
    )


def _bar(label: str, count: Count, seen: Count) -> Bar:
    if count.value is None or not seen.value:
        return Bar(label, None, "", count.text if count.value is None else "not shown")
    share = min(count.value / seen.value, 1.0)
    return Bar(label, share, f"{count} of {seen} ({percent(count, seen)})")
