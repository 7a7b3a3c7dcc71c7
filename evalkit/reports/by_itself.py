"""The change seen beside the change that comes without any programme, as a table and a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalkit.reports.figures import ForestRow, draw_forest
from evalkit.reports.page import Picture, drawing
from evalkit.reports.tables import NOT_SHOWN, Table, digits, label, target_of
from evalkit.reports.words import NONE, interval, number, sentence_case
from evalkit.targets import key_of
from evalkit.wording import number_free

if TYPE_CHECKING:
    from evalkit.analysis import Analysis
    from evalkit.contribution.records import ByItself
    from evalkit.reports.released import Released
    from evalkit.targets import Key

DRAWN = 8
"""Results that a picture holds at most, the primary first."""


def may_show(released: Released, n: int, families: int, no_first: int) -> bool:
    """Whether a mean of people with both scores may be shown, and those without a first score not told."""
    rules = released.rules
    left = no_first == 0 or not rules.small(no_first, no_first)
    return rules.open or (not rules.small(n, families) and left)


def _shown(released: Released, analysis: Analysis, row: ByItself) -> bool:
    estimate = next(e for e in analysis.estimates if key_of(e) == key_of(row))
    visible = may_show(released, row.n or 0, row.n_families or 0, row.n_no_first or 0)
    return visible and released.counts(estimate) is not None


def by_itself_table(released: Released, analysis: Analysis) -> Table:
    """Return for each result and population the change seen, the one that comes by itself, and the rest."""
    rows, notes = [], dict[str, None]()
    for row in analysis.by_itself:
        target = target_of(released.study, row)
        named = label(released.study.evaluation, target)
        said = [note for note in row.notes if released.rules.open or number_free(note)]
        notes |= {f"{named[0]}, {named[1]}: {note.rstrip('.')}.": None for note in said}
        shown = _shown(released, analysis, row)
        cells = _cells(released, analysis, row) if shown else (NOT_SHOWN, *[NONE] * 3)
        rows.append((*named, row.population or NONE, *cells, row.sentence if shown else NONE))
        notes |= {f"{_basis(row)}": None} if row.reliability is not None else {}
    head = (
        "Outcome", "Wave", "Who answered", "Set beside", "Change seen (interval)",
        "Comes by itself (interval)", "By the cut-off alone", "Seen less what comes by itself (interval)",
        "What it says",
    )  # fmt: skip
    first = (
        "Scores far from a mean are nearer to it the next time, whatever is done (regression to the "
        "mean). How much comes by itself is (1 - reliability) times the distance from the mean of "
        "those from whom people came, if their first score is why they came; with the mean and the "
        "reliability taken as known. Where people came for other reasons, less comes by itself (Barnett, van der "
        "Pols and Dobson 2005; James 1973).",
    )
    return Table("Change seen, and change that comes by itself", head, tuple(rows), (*first, *notes))  # fmt: skip


def _basis(row: ByItself) -> str:
    source = row.reliability_source.rstrip(".")
    alpha = "alpha" in source
    short = (
        "; agreement of items is not steadiness over time, so more may come by itself" if alpha else ""
    )  # fmt: skip
    return (
        f"{sentence_case(row.population)}: mean {number(row.population_mean, 2)}; reliability "
        f"{number(row.reliability, 2)} ({source}{short})."
    )


def _cells(released: Released, analysis: Analysis, row: ByItself) -> tuple[str, ...]:
    estimate = next(e for e in analysis.estimates if key_of(e) == key_of(row))
    places = digits(released.study, target_of(released.study, row), estimate)

    def cell(value: float | None, low: float | None, high: float | None) -> str:
        ends = f" ({interval(low, high, places)})" if low is not None else ""
        return number(value, places) + ends

    return (
        cell(row.observed_change, row.observed_low, row.observed_high),
        cell(row.expected_change, row.expected_low, row.expected_high),
        number(row.expected_by_cutoff, places), cell(row.beyond, row.beyond_low, row.beyond_high),
    )  # fmt: skip


def by_itself_picture(released: Released, analysis: Analysis) -> Picture | None:
    """Draw both changes in SDs of the first scores, turned so that right is better."""
    known = [
        row for row in analysis.by_itself
        if row.expected_change is not None and row.sd and _shown(released, analysis, row)
    ]  # fmt: skip
    primary = {target.key: target.primary for target, _ in released.study.trails}
    keys = sorted(dict.fromkeys(key_of(row) for row in known), key=lambda key: not primary[key])
    if not keys:
        return None
    points = [point for key in keys[:DRAWN] for point in _points(released, known, key)]
    svg = draw_forest(
        points, title="Change seen, and change that comes by itself",
        description="The numbers stand in the table beside it.",
        x_label="Change in standard deviations of the first scores, turned so that right is better",
        favours=("Worse", "Better"),
    )  # fmt: skip
    left = f" {len(keys) - DRAWN} further results stand in the table alone." if len(keys) > DRAWN else ""  # fmt: skip
    caption = f"The change seen (emphasised) and, under it, the change that comes without any programme.{left}"
    return Picture(drawing(svg), caption)


def _points(released: Released, known: list[ByItself], key: Key) -> list[ForestRow]:
    mine = [row for row in known if key_of(row) == key]
    target = target_of(released.study, mine[0])
    outcome, wave, informant = label(released.study.evaluation, target)
    sign = 1 if released.study.evaluation.higher_is_better(target) else -1
    first = mine[0]

    def drawn(name: str, row: ByItself, values: tuple[float | None, ...], *, seen: bool) -> ForestRow:  # fmt: skip
        turned = [None if v is None else round(sign * v / float(row.sd or 1.0), 2) for v in values]
        middle, low, high = turned if sign > 0 else (turned[0], turned[2], turned[1])
        return ForestRow(name, middle, low, high, "seen" if seen else "by itself", seen)

    seen = (first.observed_change, first.observed_low, first.observed_high)
    rows = [drawn(f"{outcome}, {wave} ({informant})", first, seen, seen=True)]
    for row in mine:
        expected = (row.expected_change, row.expected_low, row.expected_high)
        rows.append(drawn(sentence_case(row.population), row, expected, seen=False))
    return rows
