"""Several results: which p values are adjusted together, and how, as the plan says.

The primary result stands apart. With several programmes it has one p value a programme, and those
are adjusted among themselves. The others are adjusted all together, or apart by domain.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from evalkit.errors import CannotEstimate
from evalkit.results import Estimate, Records
from evalkit.sampling import (
    BALANCED,
    analysis_sample,
    assigned_unit,
    balanced,
    cluster_column,
    reassigned,
)

if TYPE_CHECKING:
    import pandas as pd

    from evalkit.study import Study
    from evalkit.targets import Target

Result = tuple["Target", "pd.DataFrame", Estimate]
JOINT = ("westfall-young", "romano-wolf")


def adjusted(study: Study, results: Sequence[Result]) -> Records[Estimate]:
    """Return the estimates with `p_adjusted` filled in by families."""
    found = [estimate for _, _, estimate in results]
    for family in families(study, [target for target, _, _ in results]):
        members = [results[place] for place in family]
        for place, estimate in zip(family, _together(study, members), strict=True):
            found[place] = estimate
    return Records(found)


def families(study: Study, targets: Sequence[Target]) -> list[list[int]]:
    """Return the positions of the results that are adjusted together, family by family."""
    plan = study.evaluation.declared.analysis.multiplicity
    primary = [n for n, target in enumerate(targets) if target.primary]
    rest = [n for n, target in enumerate(targets) if not target.primary]
    found = [primary] if len(primary) > 1 else []
    if plan.across == "none":
        return found
    if plan.within == "all":
        return [*found, rest] if rest else found
    by_domain: dict[str, list[int]] = {}
    for place in rest:
        domain = study.evaluation.domain(targets[place].outcome)
        by_domain.setdefault(domain, []).append(place)
    return [*found, *by_domain.values()]


def _together(study: Study, members: Sequence[Result]) -> list[Estimate]:
    """Return a family's estimates with their adjusted p values."""
    method = study.evaluation.declared.analysis.multiplicity.method
    estimates = [estimate for _, _, estimate in members]
    said: tuple[str, ...] = ()
    if method in JOINT:
        try:
            return _with(estimates, _jointly(study, members, method))
        except CannotEstimate as refusal:
            name = method.replace("-", " ").title()
            said = (f"{name} could not be worked out, so Holm's method is used ({refusal})",)
            method = "holm"
    return _with(estimates, _stepwise(estimates, method), said)


def _with(
    estimates: Sequence[Estimate], p_values: Sequence[float | None], said: tuple[str, ...] = ()
) -> list[Estimate]:
    pairs = zip(estimates, p_values, strict=True)
    return [replace(e, p_adjusted=p, notes=(*e.notes, *said)) for e, p in pairs]


def _stepwise(estimates: Sequence[Estimate], method: str) -> list[float | None]:
    from evalkit.stats import adjust_p

    found = adjust_p([estimate.p_value for estimate in estimates], method=method)
    return [None if p is None or p != p else float(p) for p in found]


def _jointly(study: Study, members: Sequence[Result], method: str) -> list[float | None]:
    """Adjust by re-randomising or resampling all the outcomes of a family at once.

    Each outcome is first freed of its own covariates, as its own first score differs from the
    others'; under no effect on anybody the residuals are as they would be in any assignment
    (Rosenbaum 2002, Statistical Science 17:286-327).
    """
    from evalkit import stats

    usable = [n for n, (_, _, e) in enumerate(members) if e.estimate is not None]
    if not usable:
        return [None] * len(members)
    frame = _wide(study, [members[n] for n in usable])
    joint = {"westfall-young": stats.westfall_young, "romano-wolf": stats.romano_wolf}[method]
    again: dict[str, Any] = {"reassign": reassigned(study)} if method == "westfall-young" else {}
    found = joint(
        frame, outcomes=[str(n) for n in range(len(usable))], treatment="treated",
        strata="stratum" if study.evaluation.strata else None,
        cluster=_unit(study, frame, method), seed=study.evaluation.declared.seed, **again,
    )  # fmt: skip
    p_of = dict(zip(usable, (row.p_adjusted for row in found), strict=True))
    return [p_of.get(n) for n in range(len(members))]


def _unit(study: Study, frame: pd.DataFrame, method: str) -> str | None:
    """Return what is re-randomised, or the clusters that are resampled."""
    if method == "westfall-young" or study.evaluation.strata:
        return assigned_unit(study)
    return cluster_column(study, frame)


def _wide(study: Study, members: Sequence[Result]) -> pd.DataFrame:
    """Return one row for everybody assigned, each outcome's residual under its place's number."""
    import pandas as pd

    columns = [
        residuals(study, target, followed).rename(str(n))
        for n, (target, followed, _) in enumerate(members)
    ]
    people = study.intake.people
    kept = people.loc[
        people["entry"].isna() & people["treated"].notna(),
        ["family", "site", "stratum", "set", "treated"],
    ].copy()
    for name in balanced(study):
        kept[f"{BALANCED} {name}"] = people[name]
    return kept.join(pd.concat(columns, axis=1)).reset_index(drop=True)


def residuals(study: Study, target: Target, followed: pd.DataFrame) -> pd.Series[float]:
    """Return by person what an outcome's covariates leave unexplained, the arm left out."""
    import numpy as np
    import pandas as pd

    from evalkit.stats.shared.design_matrix import covariate_columns

    sample = analysis_sample(study, target, followed)
    keep = np.ones(len(sample.frame), dtype=bool)
    columns = [x for name in sample.columns for _, x in covariate_columns(sample.frame, name, keep)]
    matrix = np.column_stack([np.ones(len(sample.frame)), *columns])
    score = sample.frame["score"].to_numpy(float)
    fitted = matrix @ np.linalg.lstsq(matrix, score, rcond=None)[0]
    return pd.Series(score - fitted, index=pd.Index(sample.frame["person"], name="person"))
