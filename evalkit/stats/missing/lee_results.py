"""The results of Lee's bounds, and what is read off the cells for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from evalkit.results import Record
from evalkit.stats.missing.bound_rows import BoundRows
from evalkit.stats.missing.lee_trimming import CellBounds


@dataclass(frozen=True, slots=True, kw_only=True)
class LeeCell(Record):
    """The bounds within one cell of covariates; `share` is its weight in the average."""

    cell: str
    randomised_treatment: int
    observed_treatment: int
    randomised_comparison: int
    observed_comparison: int
    trimmed_arm: str
    trimmed_share: float
    lower: float
    upper: float
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LeeBounds(Record):
    """The least and the largest effect among those who would be seen in either arm.

    `estimate` is the difference of the complete cases. `trimmed_arm` is "treatment", "comparison",
    "none" (equal rates) or "by cell"; `trimmed_share` is the share of its seen outcomes left out (by
    cell: of all seen in the trimmed arms). `trim` is the rule used, `n_trimmed_lower` and
    `n_trimmed_upper` the people it left out for each bound (fractions of a person with
    "fractional"). `critical` is Imbens and Manski's c.
    """

    outcome: str
    term: str
    estimand: str
    estimate: float
    lower: float
    upper: float
    se_lower: float
    se_upper: float
    conf_low: float
    conf_high: float
    critical: float
    df: float | None
    level: float
    trimmed_arm: str
    trimmed_share: float
    n_trimmed_lower: float
    n_trimmed_upper: float
    trim: str
    randomised_treatment: int
    observed_treatment: int
    randomised_comparison: int
    observed_comparison: int
    response_treatment: float
    response_comparison: float
    n_treatment: int
    n_comparison: int
    n_clusters: int | None
    n_dropped: int
    dropped_why: tuple[tuple[str, int], ...]
    cells: tuple[LeeCell, ...]
    method: str
    notes: tuple[str, ...]
    sentence: str


def arm_name(cell: CellBounds) -> str:
    return "none" if cell.trimmed is None else "treatment" if cell.trimmed else "comparison"


def trimmed_shares(cells: Sequence[CellBounds]) -> dict[str, Any]:
    """Return who was trimmed, by how much, and how many people went for each bound."""
    arms = {arm_name(cell) for cell in cells} - {"none"} or {"none"}
    gone = [0.0, 0.0]
    for cell in cells:
        for place, kept in enumerate(cell.sides):
            gone[1 - place if cell.trimmed == 0 else place] += kept.of - kept.kept
    touched = [cell for cell in cells if cell.trimmed is not None]
    seen = sum(cell.sides[0].of for cell in touched)
    over = sum((1 - cell.keep) * cell.sides[0].of for cell in touched)
    return {
        "trimmed_arm": arms.pop() if len(arms) == 1 else "by cell",
        "trimmed_share": over / seen if seen else 0.0,
        "n_trimmed_lower": gone[0],
        "n_trimmed_upper": gone[1],
    }


def cell_records(rows: BoundRows, cells: Sequence[CellBounds]) -> tuple[LeeCell, ...]:
    total = sum(cell.weight for cell in cells)
    return tuple(
        LeeCell(
            cell=label,
            randomised_treatment=int(cell.assigned[0]),
            observed_treatment=int(cell.seen[0]),
            randomised_comparison=int(cell.assigned[1]),
            observed_comparison=int(cell.seen[1]),
            trimmed_arm=arm_name(cell),
            trimmed_share=1 - cell.keep,
            lower=cell.lower,
            upper=cell.upper,
            share=cell.weight / total,
        )
        for label, cell in zip(rows.cells, cells, strict=True)
    )
