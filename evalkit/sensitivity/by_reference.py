"""Reference-based imputation: what if the programme's lost went on as the comparison does?"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from evalkit.errors import CannotEstimate
from evalkit.estimators import Estimator, estimate_target
from evalkit.results import Estimate
from evalkit.sensitivity.asked import fillable, in_order, was_due
from evalkit.sensitivity.completing import seed_of
from evalkit.sensitivity.imputed import FEWEST, pooled
from evalkit.sensitivity.records import Sensitivity

if TYPE_CHECKING:
    import pandas as pd

    from evalkit.study import Study
    from evalkit.targets import Target


EXPLAINED = "Treated people lost to follow-up: "
"""Heads a note that the words of the strategy say already."""


def by_reference(
    study: Study, target: Target, followed: pd.DataFrame, estimator: Estimator, empty: Sensitivity
) -> list[Sensitivity]:
    """Return one row a strategy of the plan: the plan's estimator on every completed trail, pooled.

    The outcome's waves up to this one are imputed together, the first score being the first of them.
    All strategies rest on the same draws, so that they differ by what they assume alone.
    """
    if target.kind != "mean":
        raise CannotEstimate("Reference-based imputation is for outcomes that are means")
    plan = study.evaluation.declared.analysis.missing
    rows = in_order(followed)
    first = study.evaluation.waves[0].id
    long = _long(study, target, rows, first, _waves(study, target))
    waves = [str(wave) for wave in long["wave"].drop_duplicates()]
    found = []
    for strategy in plan.strategies:
        trails, notes = _completed(study, target, followed, long, strategy, waves)
        each = [estimate_target(study, target, trail, estimator) for trail in trails]
        found.append(_row(replace(empty, variant=strategy), each, followed, notes))
    return found


def _row(
    empty: Sensitivity, each: list[Estimate], followed: pd.DataFrame, notes: tuple[str, ...]
) -> Sensitivity:
    refused = next((e for e in each if e.estimate is None), None)
    if refused is not None:
        raise CannotEstimate(refused.notes[0] if refused.notes else "Nothing could be estimated")
    e, fmi = pooled(each)
    used = (e.n_treatment or 0) + (e.n_comparison or 0)
    return replace(
        empty, estimate=e.estimate, std_error=e.std_error, df=e.df, p_value=e.p_value,
        conf_low=e.conf_low, conf_high=e.conf_high, level=e.level, effect_size=e.effect_size,
        unit=e.unit, fmi=fmi, imputations=len(each), n_filled=int(fillable(followed).sum()),
        n_used=used, n_dropped=len(followed) - used,
        notes=(*notes, *e.notes),
    )  # fmt: skip


def _waves(study: Study, target: Target) -> list[str]:
    """Return the outcome's waves after the first, up to this one, at which the arms are compared."""
    order = [wave.id for wave in study.evaluation.waves]
    last = order.index(target.wave)
    return [
        wave for wave in order[1 : last + 1]
        if wave in target.outcome.when and study.evaluation.compared(wave)
    ]  # fmt: skip


def _long(
    study: Study, target: Target, rows: pd.DataFrame, first: str, waves: list[str]
) -> pd.DataFrame:
    """Return one row a person and wave: person, treated, wave, score; waves that nobody answered not."""
    import pandas as pd

    people = rows[["person", "treated"]]
    mine = (target.outcome.id, target.informant, target.contrast)
    parts = [people.assign(wave=first, score=rows["baseline"])]
    for other, trail in study.trails:
        if (other.outcome.id, other.informant, other.contrast) == mine and other.wave in waves:
            points = trail.set_index("person")["points"]
            points = points.where((trail["step"] == "analysed").to_numpy())
            score = people["person"].map(points)
            if score.notna().groupby(people["treated"]).any().all() or other.key == target.key:
                parts.append(people.assign(wave=other.wave, score=score))
    return pd.concat(parts, ignore_index=True)


def _completed(
    study: Study, target: Target, followed: pd.DataFrame, long: pd.DataFrame, strategy: str,
    waves: list[str],
) -> tuple[list[pd.DataFrame], tuple[str, ...]]:  # fmt: skip
    """Return the trails as they would be under a strategy, and what to note of the draws."""
    from evalkit import stats

    m = study.evaluation.declared.analysis.missing.imputations or FEWEST
    found = stats.reference_based(
        long, outcome="score", treatment="treated", person="person", wave="wave",
        strategy=strategy, m=m, seed=seed_of(study, target, "reference"), waves=waves,
    )  # fmt: skip
    lost, due = fillable(followed), was_due(followed)
    trails = []
    for frame in found:
        at = {wave: part.set_index("person")["score"] for wave, part in frame.groupby("wave")}
        made = followed.copy()
        score = made["person"].map(at[target.wave])
        made.loc[lost, ["score", "points"]] = score[lost]
        made.loc[due, "baseline"] = made["person"].map(at[waves[0]])[due]
        made.loc[lost, "step"], made.loc[lost, "reason"] = "analysed", None
        trails.append(made)
    return trails, tuple(note for note in found.notes if not note.startswith(EXPLAINED))
