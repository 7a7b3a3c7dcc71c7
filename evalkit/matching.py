"""Matching once, by the unit of assignment, on what was known before the programme."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from evalkit.errors import CannotEstimate, InvalidInput

if TYPE_CHECKING:
    import pandas as pd

    from evalkit.declared_plan import Match
    from evalkit.evaluation import Evaluation
    from evalkit.stats.matching.matched import Matched

NO_MATCH = "no match was found"
ONE_SET = ("nearest", "optimal", "full")
"""Ways of matching whose sets are the clusters, unless a unit may be a partner again."""


@dataclass(frozen=True, slots=True, eq=False)
class Matching:
    """The matching that evalkit did: its result, and who stood in the rows it was given."""

    found: Matched
    persons: tuple[str, ...]


def matched(evaluation: Evaluation, people: pd.DataFrame) -> tuple[pd.DataFrame, Matching | None]:
    """Return people with `set`, `weight` and `unmatched` (why nobody was set beside them).

    Where sets come with the data, or nothing is matched, everybody in a set, or everybody, weighs 1.
    Ties go by the ids of people, so that the order of the rows changes nothing.
    Raises InvalidInput, CannotEstimate or NotConverged where a match cannot be made.
    """
    import numpy as np

    declared = evaluation.declared.design.match
    if declared is None or declared.sets:
        alone = people["set"].isna() if declared else people["person"].isna()
        why = np.where(alone, np.array(NO_MATCH, dtype=object), np.array(None, dtype=object))
        return people.assign(weight=np.where(alone, 0.0, 1.0), unmatched=why), None
    pool = people[people["entry"].isna() & people["treated"].notna()]
    pool = pool.iloc[pool["person"].to_numpy(dtype=str).argsort(kind="stable")]
    try:
        found = _match(declared, pool, evaluation.declared.seed)
    except (CannotEstimate, InvalidInput) as refusal:
        raise type(refusal)(f"key 'design.match': {refusal}") from refusal
    return _told(people, pool, found, declared), Matching(found, tuple(pool["person"]))


def _match(declared: Match, pool: pd.DataFrame, seed: int) -> Matched:
    from evalkit import stats

    names = dict.fromkeys(["family", "treated", *declared.covariates, *declared.exact])
    return stats.match(
        pool[list(names)].reset_index(drop=True), treatment="treated",
        covariates=declared.covariates, unit="family" if declared.unit == "family" else None,
        method=declared.method or "nearest", distance=declared.distance, ratio=declared.ratio,
        caliper=declared.caliper, exact=declared.exact, replace=declared.replace,
        order=declared.order, estimand=declared.estimand, subclasses=declared.subclasses,
        seed=seed if declared.order == "random" else None,
    )  # fmt: skip


def _told(
    people: pd.DataFrame, pool: pd.DataFrame, found: Matched, declared: Match
) -> pd.DataFrame:
    """Add to everyone the set, the weight and the reason for none."""
    import pandas as pd

    weight = pd.Series(found.weights, index=pool.index)
    sets = pd.Series(pd.array(found.sets), index=pool.index).astype(object)
    made = people.copy()
    made["weight"] = weight.reindex(people.index).fillna(0.0)
    named = sets.where(sets.notna() & (weight > 0), None)
    made["set"] = named.map(lambda one: None if one is None else f"set {one}").reindex(people.index)
    made["set"] = made["set"].where(made["set"].notna(), None)
    reason = dict(zip(found.unmatched["unit"], found.unmatched["reason"], strict=True))
    units = pool["family"] if declared.unit == "family" else pd.Series(range(len(pool)), pool.index)
    why = units.map(lambda unit: reason.get(unit, NO_MATCH)).astype(object).reindex(people.index)
    made["unmatched"] = why.where(made["weight"] == 0, None)
    made["unmatched"] = made["unmatched"].where(made["unmatched"].notna(), None)
    return made


def sets_are_clusters(declared: Match | None) -> bool:
    """Whether the matched sets are what people are clustered in (Abadie and Spiess 2022)."""
    if declared is None:
        return False
    return bool(declared.sets) or (
        (declared.method or "nearest") in ONE_SET and not declared.replace
    )
