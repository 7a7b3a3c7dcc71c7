"""Which treatments of the lost a result is shown under: those of the plan, and those added."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalkit.flow import share_lost
from evalkit.sensitivity.records import Asked

if TYPE_CHECKING:
    import pandas as pd

    from evalkit.study import Study
    from evalkit.targets import Target

TOO_MANY = 0.05
"""The share lost above which those who answered are never the only answer."""
DIED = r"\b(?:deaths?|died|dies|deceased|dead|killed|homicide|passed away)\b"
CONSENT_GONE = (
    r"\b(?:withdr[ae]w\w*|revoked?|took back)\b.*\bconsent|consent\b.*\b(?:withdrawn|revoked)\b"
)
COMPLETE, IMPUTED, TIPPING = "complete-case", "multiple-imputation", "delta"


def asked(study: Study, target: Target, followed: pd.DataFrame) -> tuple[tuple[str, Asked], ...]:
    """Return each treatment with who asked for it, the primary one first.

    Where nobody was lost, or a single result could not be compared at all, there is none beside it.
    """
    plan = study.evaluation.declared.analysis.missing
    first: tuple[str, Asked] = (plan.primary, "primary")
    planned: list[tuple[str, Asked]] = [(name, "planned") for name in plan.sensitivity]
    lost = share_lost(followed)
    if study.evaluation.design.question == "level":
        return ()
    if not lost and plan.primary == COMPLETE:
        return ()
    names = {plan.primary, *plan.sensitivity}
    added: list[tuple[str, Asked]] = []
    if COMPLETE not in names:
        added.append((COMPLETE, "added"))
    if lost > TOO_MANY and names == {COMPLETE}:
        added.append((IMPUTED, "added"))
        if target.primary and study.evaluation.design.comparison_group and target.kind == "mean":
            added.append((TIPPING, "added"))
    found = (first, *planned, *added)
    return found if len(found) > 1 else ()


def fillable(followed: pd.DataFrame) -> pd.Series[bool]:
    """Return who was due, has no outcome, and could have had one and been analysed.

    Nothing is filled in for those who died or took back their consent, nor for those whom the plan
    would leave out for want of a first score had they answered.
    """
    from evalkit.people import AFTER_ALL

    never = followed["reason"].isin(AFTER_ALL.values())
    said = followed["reason"].fillna("").astype(str).str.lower()
    barred = said.str.contains(f"{DIED}|{CONSENT_GONE}", regex=True)
    return (followed["step"] == "due") & followed["covered"] & ~never & ~barred


def was_due(followed: pd.DataFrame) -> pd.Series[bool]:
    """Return those whom a treatment of the lost speaks of: analysed, or lost and fillable."""
    return (followed["step"] == "analysed") | fillable(followed)


def in_order(followed: pd.DataFrame) -> pd.DataFrame:
    """Return those whom a treatment of the lost speaks of, by name: chance must not see the rows."""
    return followed[was_due(followed)].sort_values("person", kind="stable")
