"""How many were lost: by arm, site and unit of assignment, with reasons, and against the boundary."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from evalkit.flow import DECLARED_NOT_DUE, TO_FOLLOW, target_arms
from evalkit.results import Attrition, Record, by_name

if TYPE_CHECKING:
    import pandas as pd

    from evalkit.study import Study
    from evalkit.targets import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss(Record):
    """How many of one arm were due for one result, how many are analysed, and why the others are not.

    `site` is None where all sites are counted together. `due` and `analysed` count people, `families`
    the families of those lost. `set_aside` were not to be asked for a reason that the plan declares, and
    are not among those due. `reasons` are (reason, people) pairs that add up to `lost`.
    """

    outcome: str
    measure: str
    role: str
    informant: str
    wave: str
    arm: str
    site: str | None
    due: int
    analysed: int
    lost: int
    share: float | None
    families: int
    set_aside: int
    reasons: tuple[tuple[str, int], ...]


def losses(study: Study) -> tuple[Loss, ...]:
    """Return the loss of every result, by arm, first over all sites and then site by site."""
    rows: list[Loss] = []
    for target, followed in study.everyone:
        for arm in target_arms(study.evaluation, target):
            mine = followed[followed["arm"] == arm]
            rows.append(_loss(target, arm, None, mine))
            rows += [
                _loss(target, arm, str(site), group)
                for site, group in mine.groupby("site", sort=True)
            ]
    return tuple(rows)


def _loss(target: Target, arm: str, site: str | None, rows: pd.DataFrame) -> Loss:
    due = rows[rows["step"].isin(TO_FOLLOW)]
    lost = due[due["step"] != "analysed"]
    aside = rows["reason"].fillna("").astype(str).str.startswith(DECLARED_NOT_DUE)
    counts = lost["reason"].value_counts().sort_index()
    return Loss(
        outcome=target.outcome.id, measure=target.measure, role=target.outcome.role,
        informant=target.informant, wave=target.wave, arm=arm, site=site, due=len(due),
        analysed=len(due) - len(lost), lost=len(lost),
        share=len(lost) / len(due) if len(due) else None,
        families=int(lost["family"].nunique()), set_aside=int(aside.sum()),
        reasons=by_name({str(why): int(n) for why, n in counts.items()}),
    )  # fmt: skip


def attrition_of_people(
    study: Study, *, by_site: bool = False, set_aside_lost: bool = False
) -> tuple[Attrition, ...]:
    """Return the loss of people after assignment for every result with two arms.

    Assigned: everyone allocated (and matched, where families are) for whom the wave was due and
    the measure meant. Observed: everyone analysed. With `set_aside_lost` those not to be asked for
    a reason that the plan declares count as lost.
    """
    rows: list[Attrition] = []
    for target, followed in study.trails:
        due = followed["step"].isin(TO_FOLLOW)
        if set_aside_lost:
            due |= followed["reason"].fillna("").astype(str).str.startswith(DECLARED_NOT_DUE)
        seen = followed["step"] == "analysed"
        rows += _rows(target, followed, due, seen, site=None)
        if by_site:
            for site, group in followed.groupby("site", sort=True):
                rows += _rows(target, group, due[group.index], seen[group.index], site=str(site))
    return tuple(rows)


def attrition_of_units(study: Study) -> tuple[Attrition, ...]:
    """Return for every result the loss of whole families or sites, and that of people within the rest.

    Only where families or sites were what was assigned. A unit is lost when nobody
    of it is analysed; the people of the units that are left are counted apart from it, as the What
    Works Clearinghouse does (Standards Handbook 4.1, cluster-level and individual-level attrition).
    """
    unit = study.evaluation.declared.design.assigned_by
    if unit == "person" or not study.evaluation.design.comparison_group:
        return ()
    rows: list[Attrition] = []
    for target, followed in study.trails:
        due = followed[followed["step"].isin(TO_FOLLOW) & followed[unit].notna()]
        seen = due["step"] == "analysed"
        units = due.assign(seen=seen).groupby(["treated", unit], as_index=False)["seen"].any()
        rows += _rows(target, units, units["seen"].notna(), units["seen"], unit=unit)
        stayed = seen.groupby([due["treated"], due[unit]]).transform("any")
        rows += _rows(target, due, stayed, seen, unit=f"person in the {_plural(unit)} that stayed")
    return tuple(rows)


def _plural(unit: str) -> str:
    return {"family": "families", "site": "sites"}[unit]


def _rows(
    target: Target, rows: pd.DataFrame, due: pd.Series[bool], seen: pd.Series[bool], *,
    site: str | None = None, unit: str = "person",
) -> Iterable[Attrition]:  # fmt: skip
    """Yield the loss among some rows, where both arms have somebody who was due."""
    from evalkit.stats import attrition

    arms = [(rows["treated"] == value) for value in (1.0, 0.0)]
    counts = [(int((arm & due).sum()), int((arm & due & seen).sum())) for arm in arms]
    if all(assigned > 0 for assigned, _ in counts):
        found = attrition(*counts[0], *counts[1])
        yield replace(
            found, outcome=target.outcome.id, role=target.outcome.role, informant=target.informant,
            wave=target.wave, contrast=target.key[3], site=site, unit=unit,
        )  # fmt: skip
