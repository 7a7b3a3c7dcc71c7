"""Every result on other scales of evidence, for information, and under the scale as first published."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalkit.reports.outcomes import loss_rates
from evalkit.reports.tables import Table, label, target_of
from evalkit.reports.words import sentence_case
from evalkit.targets import key_of

if TYPE_CHECKING:
    from evalkit.analysis import Analysis
    from evalkit.reports.released import Released
    from evalkit.results import Finding
    from evalkit.targets import Key

CHECKED = {"V1": "rule read in a source", "V2": "rule read in two sources", "mem": "from memory, not checked"}  # fmt: skip


def other_scales(
    released: Released, analysis: Analysis, worded: tuple[Finding, ...]
) -> Table | None:
    """Return the readings by what the page may tell: findings as worded on it, losses as shown."""
    rows = []
    for row in analysis.on_other_scales(_told(released, analysis), worded):
        target = target_of(released.study, row)
        rows.append((
            *label(released.study.evaluation, target), row.scale, row.reading,
            f"{sentence_case(row.because)}.", CHECKED[row.verification],
        ))  # fmt: skip
    if not rows:
        return None
    head = ("Outcome", "Wave", "Who answered", "Scale", "Reading", "Why", "Rule")
    sources = dict.fromkeys(f"{row.scale}: {row.source}." for row in analysis.crosswalks)
    notes = (
        "For information: none of these bodies has rated anything here, and most of them rate whole "
        "programmes over all their studies. What may be said follows the level above alone.",
        *sources,
    )
    return Table("The same results on other scales", head, tuple(rows), notes)


def original_note(analysis: Analysis) -> str:
    """Return what the design reaches under the scale as first published, and how far that is verified."""
    original = analysis.study.evaluation.design.original
    return (
        f"Under {original.convention} this design can reach level {original.level} "
        f"({CHECKED.get(original.verification, 'worked out')}; the wording here follows the convention above)."
    )


def _told(released: Released, analysis: Analysis) -> dict[Key, float]:
    """Return the overall loss of each result whose loss the page shows."""
    told: dict[Key, float] = {}
    for loss in analysis.attrition:
        target = target_of(released.study, loss)
        rates = loss_rates(released, target, loss)
        if rates is not None:
            told[key_of(loss)] = rates.overall / 100
    return told
