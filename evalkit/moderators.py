"""Whether the effect differs between groups of people, by one test of interaction a group.

Subgroups are those the plan names, and are judged by the interaction, never by one p value a group.
A difference between subgroups describes and credits nothing: exploratory ones are labelled so, and
with several tests the p values are adjusted together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from evalkit.errors import CannotEstimate, InvalidInput
from evalkit.results import Estimate, Record
from evalkit.sampling import analysis_sample

if TYPE_CHECKING:
    import pandas as pd

    from evalkit.declared_plan import Subgroup
    from evalkit.study import Study
    from evalkit.targets import Target

WITHOUT = "not recorded"
ORDERED = "Subgroups of outcomes that are only ordered are not estimated in this version"
ALONG = ("one SD below the mean", "the mean", "one SD above the mean")


@dataclass(frozen=True, slots=True, kw_only=True)
class Moderation(Record):
    """Whether the effect on one result differs by a column of the people table.

    `effects` has one Estimate a subgroup, `term` naming it, or for a number the effect at its mean
    and one SD either side. `difference` is the change of the effect between two groups or for one
    SD of a number, None between several groups. `p_value` is that of the interaction, `p_adjusted`
    the same with the other interactions allowed for. `smallest_n` and `smallest_families` are the
    fewest people and families of a group in an arm. `notes` says why nothing could be estimated.
    """

    outcome: str
    wave: str
    informant: str
    contrast: str | None
    by: str
    because: str
    exploratory: bool
    effects: tuple[Estimate, ...]
    difference: float | None = None
    conf_low: float | None = None
    conf_high: float | None = None
    p_value: float | None = None
    p_adjusted: float | None = None
    smallest_n: int = 0
    smallest_families: int = 0
    method: str = ""
    notes: tuple[str, ...] = ()


def moderations(study: Study) -> tuple[Moderation, ...]:
    """Return every declared moderator of the primary result, or of all results without one."""
    from evalkit.stats import adjust_p

    plan = study.evaluation.declared.analysis
    trails = [pair for pair in study.trails if study.evaluation.compared(pair[0].wave)]
    chosen = [pair for pair in trails if pair[0].primary] or trails
    found = [_moderation(study, *pair, subgroup) for pair in chosen for subgroup in plan.subgroups]
    method = plan.multiplicity.method
    stepwise = method if method in ("holm", "bh", "by") else "holm"
    if not found:
        return ()
    adjusted = adjust_p([row.p_value for row in found], method=stepwise)
    return tuple(
        replace(row, p_adjusted=None if row.p_value is None else float(p))
        for row, p in zip(found, adjusted, strict=True)
    )


def _moderation(
    study: Study, target: Target, followed: pd.DataFrame, subgroup: Subgroup
) -> Moderation:
    from evalkit import stats

    row = Moderation(
        outcome=target.outcome.id, wave=target.wave, informant=target.informant,
        contrast=target.key[3], by=subgroup.by, because=subgroup.because,
        exploratory=subgroup.exploratory, effects=(),
    )  # fmt: skip
    if target.kind == "ordinal":
        return replace(row, notes=(ORDERED,))
    sample = analysis_sample(study, target, followed)
    by = _groups(sample.frame["person"].map(study.intake.people[subgroup.by]))
    try:
        made = stats.subgroup_effects(
            sample.frame.assign(moderator=by), outcome="score", treatment="treated",
            by="moderator", covariates=[c for c in sample.columns if c != subgroup.by],
            cluster=sample.cluster, strata=sample.strata, unit="sd", small="merge",
        )  # fmt: skip
    except (CannotEstimate, InvalidInput) as refusal:
        return replace(row, notes=(str(refusal),))
    test = made.interaction
    groups = ["treated"] if not made.groups else ["treated", "moderator"]
    known = sample.frame.assign(moderator=by).dropna(subset=["moderator"])
    sizes = known.groupby(groups)[["person", "family"]].nunique()
    unit = "share" if target.kind == "yes-no" else "points"
    return replace(
        row, effects=_named(made.effects, subgroup.by, unit, number=not made.groups),
        difference=test.estimate,
        conf_low=test.conf_low, conf_high=test.conf_high, p_value=test.p_value,
        smallest_n=int(sizes["person"].min()), smallest_families=int(sizes["family"].min()),
        method=made.method, notes=(*made.notes, *sample.notes),
    )  # fmt: skip


def _groups(values: pd.Series[Any]) -> pd.Series[Any]:
    """Return words with those not recorded as a group, two numbers as words, others as they are."""
    if values.dtype != float:
        return values.astype(object).where(values.notna(), WITHOUT)
    if values.nunique() == 2:
        return values.map(lambda value: f"{value:g}", na_action="ignore").astype(object)
    return values


def _named(
    effects: Sequence[Estimate], by: str, unit: str, *, number: bool
) -> tuple[Estimate, ...]:
    """Name each effect in words; along a number, by its mean and one SD either side."""
    name = by.replace("_", " ")
    named = []
    for place, effect in enumerate(effects):
        value = (effect.term or "").removeprefix("moderator=")
        if number:
            value = f"{float(value):.3g} ({ALONG[place]})"
        named.append(replace(effect, term=f"{name}: {value}", unit=unit))
    return tuple(named)
