"""Who was lost: how they differed at the start, what foretold it, whole families, and when."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from evalkit.days import start_days
from evalkit.errors import CannotEstimate, InvalidInput, NotConverged
from evalkit.flow import TO_FOLLOW
from evalkit.results import Record
from evalkit.sampling import cluster_column, covariate_columns

if TYPE_CHECKING:
    import pandas as pd

    from evalkit.stats.events.survival_curves import KaplanMeier
    from evalkit.study import Study
    from evalkit.targets import Target


ANSWERED = "has answered"
"""A column that no table of people has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LostGap(Record):
    """One trait at the start, of two groups of one result: who was lost, and whether arms still compare.

    `groups` is "stayers - leavers" `among` "treatment" or "comparison", or "treatment - comparison"
    `among` "everybody", "stayers" or "leavers"; see `evalkit.stats.stayers_and_leavers`.
    """

    outcome: str
    wave: str
    informant: str
    contrast: str | None
    covariate: str
    groups: str
    among: str
    mean_first: float | None
    mean_second: float | None
    smd: float | None
    n_first: int
    n_second: int
    n_missing: int
    denominator: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Foretold(Record):
    """Whether what was known at the start foretold who would answer, for one result.

    `differential_p` tests whether it foretold it differently by arm, `covariates_p` whether it did at
    all, `arm_p` whether the arms differ in who answers. None where a test cannot be made: `notes`.
    """

    outcome: str
    wave: str
    informant: str
    contrast: str | None
    differential_p: float | None
    covariates_p: float | None
    arm_p: float | None
    n_answered: int
    n_due: int
    n_dropped: int
    sentence: str
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FamiliesLost(Record):
    """Families of an arm with somebody due at a wave, and those of whom nobody answered anything."""

    wave: str
    arm: str
    families: int
    all_lost: int
    some_lost: int


def gaps(study: Study) -> tuple[LostGap, ...]:
    """Return how stayers and leavers of each result differed at the start, by arm."""
    from evalkit import stats

    names = {item.name for item in fields(LostGap)}
    rows: list[LostGap] = []
    for target, followed in study.trails:
        frame, columns = _at_the_start(study, target, followed)
        if not columns or frame[ANSWERED].nunique() < 2 or frame["treated"].nunique() < 2:
            continue
        found = stats.stayers_and_leavers(
            frame, observed=ANSWERED, treatment="treated", covariates=columns
        )
        rows += [LostGap(**_key(target), **_kept(gap, names)) for gap in found]
    return tuple(rows)


def foretold(study: Study) -> tuple[Foretold, ...]:
    """Return for each result whether the start foretold who would answer."""
    from evalkit import stats

    rows: list[Foretold] = []
    for target, followed in study.trails:
        frame, _ = _at_the_start(study, target, followed)
        _, columns, _ = covariate_columns(study, frame, _names(study))
        if frame[ANSWERED].nunique() < 2 or frame["treated"].nunique() < 2 or not columns:
            continue
        try:
            found = stats.response_model(
                frame, observed=ANSWERED, treatment="treated", covariates=columns,
                cluster=cluster_column(study, frame),
            )  # fmt: skip
        except (CannotEstimate, InvalidInput, NotConverged) as refusal:
            rows.append(_untold(target, frame, str(refusal)))
            continue
        tests = (found.differential, found.by_covariates, found.by_arm)
        p_values = [None if test is None else test.p_value for test in tests]
        rows.append(Foretold(
            **_key(target), differential_p=p_values[0], covariates_p=p_values[1], arm_p=p_values[2],
            n_answered=found.observed_treatment + found.observed_comparison,
            n_due=found.n_treatment + found.n_comparison, n_dropped=found.n_dropped,
            sentence=_foretold_words(p_values[0], p_values[1]), notes=found.notes,
        ))  # fmt: skip
    return tuple(rows)


def _foretold_words(differential: float | None, covariates: float | None) -> str:
    if differential is not None and differential < 0.05:
        return (
            "What was known at the start foretold who answered, and differently in the two arms: those "
            "who answered are not alike to begin with."
        )
    if covariates is not None and covariates < 0.05:
        return (
            "What was known at the start foretold who answered, much alike in both arms: treatments "
            "of the lost that use it help."
        )
    if differential is None and covariates is None:
        return "Nobody can say whether the start foretold who answered."
    return (
        "Nothing known at the start is seen to foretell who answered; that is no proof that the lost "
        "are like the others."
    )


def _untold(target: Target, frame: pd.DataFrame, why: str) -> Foretold:
    return Foretold(
        **_key(target), differential_p=None, covariates_p=None, arm_p=None,
        n_answered=int(frame[ANSWERED].sum()), n_due=len(frame), n_dropped=0,
        sentence=_foretold_words(None, None), notes=(why,),
    )  # fmt: skip


def _key(target: Target) -> dict[str, Any]:
    return {
        "outcome": target.outcome.id, "wave": target.wave, "informant": target.informant,
        "contrast": target.key[3],
    }  # fmt: skip


def _kept(record: Record, names: set[str]) -> dict[str, Any]:
    return {name: value for name, value in record.to_dict().items() if name in names}


def _names(study: Study) -> tuple[str, ...]:
    plan = study.evaluation.declared.analysis
    return tuple(dict.fromkeys(["baseline", *plan.covariates, *plan.missing.auxiliary]))


def _at_the_start(
    study: Study, target: Target, followed: pd.DataFrame
) -> tuple[pd.DataFrame, list[str]]:
    """Return those due with what was known of them at the start, and the columns known of anybody."""
    frame = followed[followed["step"].isin(TO_FOLLOW) & followed["treated"].notna()].copy()
    frame[ANSWERED] = (frame["step"] != "due").astype(float)
    people, columns = study.intake.people, []
    for name in _names(study):
        if name != "baseline":
            frame[name] = frame["person"].map(people[name])
        if frame[name].nunique() > 1:
            columns.append(name)
    return frame, columns


def families_lost(study: Study) -> tuple[FamiliesLost, ...]:
    """Return by wave and arm the families of whom nobody due answered any outcome, and some did not."""
    import pandas as pd

    rows: list[FamiliesLost] = []
    for wave in study.evaluation.waves[1:]:
        parts = [
            trail.loc[trail["step"].isin(TO_FOLLOW), ["family", "arm", "score"]]
            for target, trail in study.everyone if target.wave == wave.id
        ]  # fmt: skip
        due = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
        if due.empty:
            continue
        seen = due.assign(seen=due["score"].notna()).groupby(["arm", "family"])["seen"]
        counts = pd.DataFrame({"any": seen.any(), "all": seen.all()})
        for arm, group in counts.groupby(level="arm", sort=False):
            rows.append(FamiliesLost(
                wave=wave.id, arm=str(arm), families=len(group),
                all_lost=int((~group["any"]).sum()),
                some_lost=int((group["any"] & ~group["all"]).sum()),
            ))  # fmt: skip
    return tuple(rows)


def leaving(study: Study) -> pd.DataFrame | None:
    """Return days followed, whether they left, arm and family of everyone allocated, from day 0.

    Those who never left are followed to the end of the data. None without days of leaving.
    """
    import pandas as pd

    end = study.evaluation.declared.data.as_of
    people = study.intake.people
    mine = people[people["entry"].isna() & people["treated"].notna()]
    if end is None or not mine["left_on"].notna().any() or mine["treated"].nunique() < 2:
        return None
    start, last = start_days(study.evaluation, mine), pd.Timestamp(end)
    left = mine["left_on"].notna() & (mine["left_on"] <= last)
    days = (mine["left_on"].where(left, last) - start).dt.days
    frame = pd.DataFrame({
        "days": days, "left": left.astype(float), "treated": mine["treated"],
        "family": mine["family"],
    })  # fmt: skip
    return frame[frame["days"] >= 0]


def time_to_leaving(study: Study) -> KaplanMeier | None:
    """Return the share of people still there by days since allocation, by arm; None without days."""
    from evalkit import stats

    frame = leaving(study)
    if frame is None:
        return None
    try:
        return stats.kaplan_meier(frame, time="days", event="left", treatment="treated")
    except (CannotEstimate, InvalidInput):
        return None
