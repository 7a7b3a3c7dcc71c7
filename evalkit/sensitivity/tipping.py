"""The tipping point: how much worse the lost would have to have done for a finding to go."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from evalkit.errors import CannotEstimate
from evalkit.sampling import cluster_column, covariate_columns
from evalkit.sensitivity.asked import in_order
from evalkit.sensitivity.records import Sensitivity

if TYPE_CHECKING:
    import pandas as pd

    from evalkit.sensitivity.completing import Completed
    from evalkit.study import Study
    from evalkit.targets import Target


def tipping(
    study: Study, target: Target, followed: pd.DataFrame, completed: Completed, empty: Sensitivity
) -> Sensitivity:
    """Return the row of the tipping point, with the curve for its picture.

    The outcomes of the programme's lost are imputed from people like them and then shifted, all alike.
    """
    from evalkit import stats

    if target.kind != "mean":
        raise CannotEstimate("A shift in points is for outcomes that are means")
    plan = study.evaluation.declared.analysis
    rows = in_order(followed)
    rows["score"] = rows["score"].where(rows["step"] == "analysed")
    covariates, _, _ = covariate_columns(study, rows.copy(), plan.covariates)
    people = study.intake.people
    for name in covariates:
        if name != "baseline":
            rows[name] = rows["person"].map(people[name])
    expected = target.outcome.expected
    found = stats.tipping_point(
        rows, outcome="score", treatment="treated", covariates=covariates,
        cluster=cluster_column(study, rows), reliable_change=_reliable(study, target),
        minimal_change=abs(expected.change) if expected else None,
        imputations=[trail.loc[rows.index] for trail in completed.trails],
    )  # fmt: skip
    used = found.n_treatment + found.n_comparison
    columns = [found.curve[name] for name in ("delta", "estimate", "conf_low", "conf_high")]
    return replace(
        empty, estimate=found.estimate, std_error=found.std_error, df=found.df,
        p_value=found.p_value, conf_low=found.conf_low, conf_high=found.conf_high,
        level=found.level, unit="points", n_used=used,
        n_filled=found.imputed_treatment + found.imputed_comparison, n_dropped=len(followed) - used,
        imputations=found.m, tips_at=found.delta_interval, tips_at_sd=found.delta_interval_sd,
        tips_at_reliable=found.delta_interval_reliable,
        curve=tuple((float(a), float(b), float(c), float(d)) for a, b, c, d in zip(*columns, strict=True)),
        notes=found.notes,
    )  # fmt: skip


def _reliable(study: Study, target: Target) -> float | None:
    """Return the change of a person that is more than measurement error, in points."""
    for basis in study.change_basis():
        if (basis.outcome, basis.wave, basis.informant) == target.key[:3]:
            return None if basis.threshold is None else abs(basis.threshold)
    return None
