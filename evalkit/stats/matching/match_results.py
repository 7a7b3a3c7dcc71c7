"""Put the matches of units together into the result: a value for each row, counts and a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.results import by_name
from evalkit.stats.matching.match_methods import Choices
from evalkit.stats.matching.match_units import Units
from evalkit.stats.matching.matched import Matched, UnitMatches
from evalkit.stats.matching.scores import Scores, overlap, overlap_notes
from evalkit.stats.matching.set_weights import effective_n

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TITLES = {
    "nearest": "Nearest-neighbour matching",
    "optimal": "Optimal pair matching",
    "full": "Optimal full matching",
    "exact": "Exact matching",
    "coarsened-exact": "Coarsened exact matching",
    "subclass": "Subclassification",
}


_GROUNDS = {
    "propensity": "the propensity score",
    "logit": "the log odds of the propensity score",
    "mahalanobis": "the Mahalanobis distance",
    "exact values": "exact values",
    "coarsened values": "coarsened values",
}


def result(
    matches: UnitMatches,
    found: Scores | None,
    asked: Choices,
    notes: tuple[str, ...],
    treatment: str,
    names: tuple[str, ...],
    unit: str | None,
    on: str,
) -> Matched:
    units = matches.units
    weights, sets = _by_row(matches.weights, units, 0.0), _by_row(matches.sets, units, 0)
    treated = units.treated == 1
    used = matches.weights > 0
    share = None
    if found is not None and found.shown is not None:
        share = overlap(found.shown, units.treated, asked.estimand)
    focal = {"ATT": "the treated", "ATC": "the comparison", "ATE": "all"}[asked.estimand]
    every = [*(found.notes if found else ()), *units.notes, *notes]
    every += [] if share is None else overlap_notes(share, focal)
    every += _left_out(matches, asked.estimand)
    why = dropped_why(matches)
    total = float(matches.length.sum()) if asked.method in ("nearest", "optimal", "full") else None
    return Matched(
        treatment=treatment,
        covariates=names,
        unit=unit,
        estimand=asked.estimand,
        method=asked.method,
        matched_on=on,
        weights=weights,
        sets=_nullable(sets),
        distance=None if matches.score is None else _by_row(matches.score, units, float("nan")),
        effective_n=effective_n(matches.weights, units.treated),
        n_treatment=int(np.sum((weights > 0) & (units.row_arm == 1))),
        n_comparison=int(np.sum((weights > 0) & (units.row_arm == 0))),
        n_units_treatment=int(np.sum(used & treated)),
        n_units_comparison=int(np.sum(used & ~treated)),
        n_sets=None if asked.replace else len(np.unique(matches.sets[matches.sets > 0])),
        n_dropped=sum(count for _, count in why),
        dropped_why=why,
        total_distance=total,
        overlap=share,
        caliper_width=found.width if found else None,
        caliper_on=found.on if found else None,
        model=found.model if found else None,
        notes=tuple(every),
        sentence=_sentence(matches, asked, on),
        by_unit=matches,
    )


def _left_out(matches: UnitMatches, estimand: str) -> list[str]:
    """Return the statement of whom the result is about where not everybody meant has a match."""
    treated = matches.units.treated == 1
    arms = {"ATT": (True,), "ATC": (False,), "ATE": (True, False)}[estimand]
    notes = []
    for arm in arms:
        meant = treated == arm
        lost = int(np.sum(meant & (matches.weights == 0)))
        if lost:
            name = "treatment" if arm else "comparison"
            notes.append(
                f"{lost} of {int(meant.sum())} {name} units have no match: the result is about "
                "those that have one."
            )
    return notes


def _by_row(values: NDArray[Any], units: Units, missing: Any) -> NDArray[Any]:
    return np.where(units.of_row >= 0, values[units.of_row], missing)


def _nullable(sets: NDArray[np.intp]) -> Any:
    import pandas as pd

    return pd.arrays.IntegerArray(sets.astype(np.int64), sets == 0)


def dropped_why(matches: UnitMatches) -> tuple[tuple[str, int], ...]:
    """Return how many rows have no weight, by reason."""
    units = matches.units
    early = np.bincount(units.why[units.why >= 0], minlength=len(units.reasons))
    rows = units.of_row[units.of_row >= 0]
    late = np.bincount(matches.why[rows][matches.why[rows] >= 0], minlength=len(matches.reasons))
    return by_name(dict(zip([*units.reasons, *matches.reasons], [*early, *late], strict=True)))


def _sentence(matches: UnitMatches, asked: Choices, on: str) -> str:
    treated, used = matches.units.treated == 1, matches.weights > 0
    counts = [
        f"{int(np.sum(used & arm))} of {int(arm.sum())} {label}"
        for arm, label in ((treated, "treatment"), (~treated, "comparison"))
    ]
    how = f"{_TITLES[asked.method]} on {_GROUNDS.get(on, repr(on))}"
    if asked.method in ("nearest", "optimal"):
        again = "with" if asked.replace else "without"
        how += f", {asked.ratio} to 1, {again} replacement"
    sizes = effective_n(matches.weights, matches.units.treated)
    return (
        f"{how}: {counts[0]} units matched with {counts[1]} units (effective sizes "
        f"{sizes.treatment:.1f} and {sizes.comparison:.1f})."
    )
