"""What a subgroup analysis returns: effects, their difference, and who they rest on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.results import Estimate, Record, Records
from evalkit.stats.least_squares.joint_tests import JointTest, few_df, wald_test
from evalkit.stats.least_squares.linear import LinearFit
from evalkit.stats.least_squares.subgroup_members import Asked, arms_of
from evalkit.stats.shared.intervals import caveats, coefficient_interval, scaled_by
from evalkit.stats.shared.model_rows import listed
from evalkit.stats.sizes.effect_sizes import Scaling, accurate_mean, difference_scaling

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class SubgroupEffects(Record):
    """Effects by subgroup, or along a number, and the test of whether they differ.

    `effects` has one Estimate a subgroup, `term` naming it ("sex=f"); along a number, the effect
    at its mean and one standard deviation either side ("age=31.2"). `interaction` is the test that
    they are the same: between two groups `estimate` is the second's effect less the first's, along
    a number the change of the effect per `unit` of it, and the test is a t test (`statistic` is t,
    `df_numerator` 1); with more groups it is the HTZ F test and `estimate` is None.

    `n_dropped` counts all rows left out: those of a known subgroup are also in its own Estimate.
    `groups` names the subgroups (of a number it is empty), `merged` those put together.
    """

    outcome: str
    treatment: str
    by: str
    effects: Records[Estimate]
    interaction: JointTest
    groups: tuple[str, ...] = ()
    merged: tuple[str, ...] = ()
    n_treatment: int
    n_comparison: int
    n_clusters: int | None
    n_dropped: int
    dropped_why: tuple[tuple[str, int], ...]
    method: str
    notes: tuple[str, ...] = ()

    def to_frame(self) -> pd.DataFrame:
        """Return a pandas frame with one row a subgroup, and the interaction as the last."""
        import pandas as pd

        frame = self.effects.to_frame()
        last = {k: v for k, v in self.interaction.to_dict().items() if k in frame.columns}
        rows = [*frame.to_dict("records"), last]
        return pd.DataFrame(rows, columns=list(frame.columns))


def scaling_of(asked: Asked) -> Scaling:
    """Return what turns differences into effect sizes: one factor for all subgroups."""
    return difference_scaling(asked.rows.outcome, asked.arm, asked.rows.groups)


def estimate_of(
    asked: Asked,
    model: LinearFit,
    place: int,
    name: str,
    members: Bools,
    scaling: Scaling,
    *,
    of_all: bool = False,
) -> Estimate:
    """Return one coefficient as the effect among `members`, marked among all rows."""
    numbers = coefficient_interval(model, place, scaling.factor, asked.level)
    treated, compared = arms_of(asked, members)
    used = treated | compared
    y, rows = asked.rows.outcome, asked.rows
    dropped = rows.dropped if of_all else rows.dropped_among(members)
    return Estimate(
        outcome=asked.outcome,
        term=name,
        level=asked.level,
        n_treatment=int(treated.sum()),
        n_comparison=int(compared.sum()),
        n_clusters=len(set(rows.cluster[used])) if rows.shared else None,
        n_dropped=sum(count for _, count in dropped),
        dropped_why=dropped,
        mean_treatment=accurate_mean(y[treated]),
        mean_comparison=accurate_mean(y[compared]),
        sd_pooled=scaling.sd,
        adjusted_for=asked.covariates,
        method=f"The effect of {asked.treatment} on {asked.outcome} at {name}, from one model for "
        f"all {asked.by}; {model.se} standard error, Satterthwaite degrees of freedom.",
        notes=tuple(caveats(numbers["df"], scaling)),
        **numbers,
    )


def interaction_of(
    asked: Asked,
    model: LinearFit,
    contrasts: Floats,
    labels: Sequence[str],
    scaling: Scaling,
    what: str = "",
) -> JointTest:
    """Return the test that the contrasts of effects are zero: t for one, HTZ for more."""
    rows, count = asked.rows, len(contrasts)
    numbers = (
        wald_test(model, contrasts, "htz")
        if count > 1
        else _single(asked, model, contrasts[0], scaling)
    )
    differences = contrasts @ model.coefficients
    how = f"HTZ F test of {count} differences"
    if count == 1:
        how = "t test, Satterthwaite degrees of freedom"
        what = what or f"{labels[1]} less {labels[0]}"
    return JointTest(
        outcome=asked.outcome,
        term=f"{asked.treatment}:{asked.by}",
        level=asked.level,
        n_treatment=int((asked.arm == 1).sum()),
        n_comparison=int((asked.arm == 0).sum()),
        n_clusters=len(set(rows.cluster)) if rows.shared else None,
        n_dropped=rows.n_dropped,
        dropped_why=rows.dropped,
        n_rows=len(rows.outcome),
        adjusted_for=asked.covariates,
        terms=tuple(labels if count == 1 else [f"{x} less {labels[0]}" for x in labels[1:]]),
        coefficients=tuple(float(x) for x in differences),
        method=f"Difference of effects{f', {what}' if what else ''}; {how} on the {model.se} "
        "variance.",
        notes=tuple(few_df(numbers["df"])),
        **numbers,
    )


def _single(asked: Asked, model: LinearFit, contrast: Floats, scaling: Scaling) -> dict[str, Any]:
    """Return one contrast with its t interval: its degrees of freedom are those of `joint`."""
    place = np.flatnonzero(contrast)
    df = float(model.df[place[0]]) if len(place) == 1 else model.joint_df
    error = float(np.sqrt(contrast @ model.vcov @ contrast))
    alone = LinearFit(
        names=("contrast",),
        coefficients=np.array([contrast @ model.coefficients]),
        vcov=np.array([[error**2]]),
        std_errors=np.array([error]),
        df=np.array([np.nan if df is None else df]),
        residuals=model.residuals,
        n=model.n,
        n_clusters=model.n_clusters,
        se=model.se,
    )
    return {**coefficient_interval(alone, 0, scaling.factor, asked.level), "df_numerator": 1}


def result_of(
    asked: Asked,
    estimates: Sequence[Estimate],
    interaction: JointTest,
    scaling: Scaling,
    notes: Sequence[str],
    *,
    groups: tuple[str, ...] = (),
    merged: tuple[str, ...] = (),
) -> SubgroupEffects:
    """Return the whole result; `groups` and `merged` name the subgroups."""
    adjusted = [*asked.covariates, *([f"{asked.strata} (strata)"] if asked.strata else [])]
    kind = "CR2" if asked.rows.shared else "HC2"
    return SubgroupEffects(
        outcome=asked.outcome,
        treatment=asked.treatment,
        by=asked.by,
        effects=Records(estimates),
        interaction=interaction,
        groups=groups,
        merged=merged,
        n_treatment=interaction.n_treatment or 0,
        n_comparison=interaction.n_comparison or 0,
        n_clusters=interaction.n_clusters,
        n_dropped=asked.rows.n_dropped,
        dropped_why=asked.rows.dropped,
        method=f"Least squares of {asked.outcome} on {asked.treatment} within {asked.by}"
        + (f", adjusted for {listed(adjusted)}" if adjusted else "")
        + f", one model; {kind} standard errors, Satterthwaite degrees of freedom."
        + scaled_by(scaling),
        notes=tuple(notes),
    )
