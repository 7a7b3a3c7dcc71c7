"""A programme given in groups against people on their own: clusters in one arm only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.results import Estimate
from evalkit.stats.least_squares.linear import fit
from evalkit.stats.shared.analysed_rows import Analysed, analysed_rows
from evalkit.stats.shared.columns import (
    as_names,
    check_frame,
    check_level,
    check_roles,
    choice,
    invalid,
    read_arm,
)
from evalkit.stats.shared.design_matrix import treatment_design
from evalkit.stats.shared.intervals import caveats, coefficient_interval
from evalkit.stats.shared.model_rows import adjusted_for
from evalkit.stats.sizes.effect_sizes import Scaling, accurate_mean, pooled_sd, small_sample_factor

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]
    Codes = NDArray[np.intp]


ENOUGH = 0.7  # share of Satterthwaite's degrees of freedom below which Welch's are pointed to


@dataclass(frozen=True, slots=True, kw_only=True)
class PartiallyClusteredDifference(Estimate):
    """A difference between a programme given in groups and a comparison arm without groups.

    `icc` is the intracluster correlation of the outcome in the programme's groups, without
    covariates, kept in 0 to 1. `n_groups` and `group_size` are their number and mean size,
    `n_ungrouped` the treated people in no group. `n_clusters` counts each person without a group
    as one. `df_welch` are the degrees of freedom of df="welch".
    """

    icc: float | None = None
    n_groups: int = 0
    group_size: float = 0.0
    n_ungrouped: int = 0
    df_welch: float | None = None


def partially_clustered_difference(
    data: Any,
    *,
    outcome: str,
    treatment: str,
    group: str,
    treated: Any = None,
    covariates: str | Sequence[str] = (),
    ungrouped: str = "single",
    df: str = "satterthwaite",
    level: float = 0.95,
) -> PartiallyClusteredDifference:
    """Return the difference between a programme given in groups and people without groups.

    Parameters
    ----------
    data : any frame narwhals knows, one row a person; never changed
    outcome : name of a numeric column
    treatment : name of a 0/1 or true/false column, or of a two-valued column with `treated`
    group : name of the column of programme groups, empty for the comparison arm
    treated : the value of `treatment` that names the treated arm
    covariates : names; text, categories and true/false become dummies, first sorted level dropped
    ungrouped : treated people without a group (assigned, but in none) are each on their own
        ("single", which keeps everybody assigned), or left out and counted ("leave-out")
    df : "satterthwaite" (Bell and McCaffrey: as if people in a group were independent), or "welch":
        no more than those of the two arms' variances as found, the groups' on one less than their
        effective number, which holds better with few groups that are much alike inside
    level : confidence level

    Returns
    -------
    PartiallyClusteredDifference
        `estimate` is in outcome units by least squares; `std_error` is CR2 with the groups as
        clusters and everybody else alone, `df` Satterthwaite's, so the arms' variances need not be
        equal. `effect_size` is J(h) gamma / S times it and its interval the estimate's interval
        times the same, after Hedges and Citkowicz (2015), S the pooled SD: in units of the
        programme arm's total standard deviation.

    Raises
    ------
    InvalidInput
        For a comparison person in a group, or a column that is missing, of the wrong kind or in
        two parts.
    CannotEstimate
        When the programme arm has fewer than two groups or nobody shares one, an arm has fewer
        than two people, the outcome does not vary, or the treatment follows from the covariates.

    References
    ----------
    Hedges and Citkowicz (2015), Journal of Educational and Behavioral Statistics 40:1-29; Roberts
    and Roberts (2005), Clinical Trials 2:152-162; Pustejovsky and Tipton (2018), JBES 36:672-683.
    """
    check_level(level)
    choice(ungrouped, ("single", "leave-out"), argument="ungrouped")
    choice(df, ("satterthwaite", "welch"), argument="df")
    names = as_names(covariates)
    check_roles(outcome=outcome, treatment=treatment, group=group, covariates=names)
    frame = check_frame(data, [outcome, treatment, group, *names])
    arm = read_arm(frame, treatment, treated)
    alone = frame[group].isna().to_numpy()
    _check_comparison(frame, group, ~alone & (arm == 0))
    gone = (arm == 1) & alone & (ungrouped == "leave-out")
    rows = analysed_rows(frame, outcome, arm, names, also=[("no group in the programme arm", gone)])
    codes, count = _codes(frame[group][rows.keep])
    inside = ~alone[rows.keep]
    _check_groups(rows, inside, count)
    design = treatment_design((treatment, rows.arm), rows.covariates)
    model = fit(
        design.matrix, rows.outcome, design.names, cluster=codes, se="CR2", terms=(treatment,)
    )
    scaling = _scaling(rows, inside, codes)
    plain = float(model.df[model.place(treatment)])
    lower = min(plain, _welch_df(model.residuals, inside, codes))
    if df == "welch":
        model = replace(model, df=np.full(len(model.names), lower))
    numbers = coefficient_interval(model, model.place(treatment), scaling.factor, level)
    single = int(((rows.arm == 1) & ~inside).sum())
    return PartiallyClusteredDifference(
        outcome=outcome,
        term=treatment,
        level=level,
        n_clusters=model.n_clusters,
        icc=scaling.icc,
        n_groups=count,
        group_size=float(inside.sum() / count),
        n_ungrouped=single,
        adjusted_for=names,
        df_welch=lower,
        method=_sentence(outcome, treatment, group, names, scaling, df),
        notes=(
            *design.notes,
            *caveats(numbers["df"], scaling),
            *_fewer(plain, lower, df),
            *_alone(single, group),
        ),
        **numbers,
        **_counts(rows),
    )


def _check_comparison(frame: pd.DataFrame, group: str, wrong: Bools) -> None:
    if wrong.any():
        example = frame.loc[wrong, group].iloc[0]
        raise invalid(
            f"{int(wrong.sum())} comparison row(s) are in a group, such as {example!r}.",
            column=group,
            allowed="empty for the comparison arm",
            next_step="Where both arms have groups use mean_difference with cluster.",
        )


def _codes(labels: pd.Series[Any]) -> tuple[Codes, int]:
    """Return cluster numbers, people without a group each their own, and the number of groups."""
    import pandas as pd

    codes, found = pd.factorize(labels.astype(object))
    codes = np.asarray(codes, dtype=np.intp)
    alone = codes < 0
    codes[alone] = len(found) + np.arange(alone.sum())
    return codes, len(found)


def _check_groups(rows: Analysed, inside: Bools, count: int) -> None:
    if count < 2:
        raise CannotEstimate(
            f"The programme arm has {count} group(s): the effect cannot be told apart from that "
            "group's own difference. At least 2 are needed."
        )
    if inside.sum() == count:
        raise CannotEstimate(
            "Nobody shares a group, so nothing is clustered. Use mean_difference without cluster."
        )
    if np.ptp(rows.outcome[inside]) == 0:
        raise CannotEstimate("The outcome does not vary within the programme's groups.")


def _welch_df(residuals: Floats, inside: Bools, codes: Codes) -> float:
    """Return Welch's degrees of freedom from the groups' sums and the other people's residuals."""
    sizes = np.bincount(codes[inside]).astype(float)
    count, members, others = len(sizes), float(sizes.sum()), int((~inside).sum())
    sums = np.bincount(codes[inside], weights=residuals[inside])
    grouped = float(np.sum(sums**2)) / members**2 * count / (count - 1)
    alone = float(np.sum(residuals[~inside] ** 2)) / others**2
    share = grouped / (grouped + alone)
    effective = members**2 / float(np.sum(sizes**2)) - 1
    return 1 / (share**2 / effective + (1 - share) ** 2 / (others - 1))


def _fewer(plain: float, lower: float, df: str) -> list[str]:
    if df == "welch" or lower > ENOUGH * plain:
        return []
    return [
        f"The programme's few groups carry most of the uncertainty: by the variances as found there "
        f"are {lower:.1f} degrees of freedom, not {plain:.1f}, and the interval may be too narrow; "
        "compare df='welch'"
    ]


def _scaling(rows: Analysed, inside: Bools, codes: Codes) -> Scaling:
    """Return J(h) gamma / S; treated people without a group count with the comparison arm."""
    sd = pooled_sd(rows.outcome[rows.arm == 1], rows.outcome[rows.arm == 0])
    sizes = np.bincount(codes[inside])
    icc = _one_way_icc(rows.outcome[inside], codes[inside])
    members = int(sizes.sum())
    gamma, df = one_arm_factors(len(codes), members, members / len(sizes), icc)
    usable = sd > 0 and df > 1
    factor = small_sample_factor(df) * gamma / sd if usable else None
    return Scaling(factor=factor, sd=sd, df=df, icc=icc)


def _one_way_icc(outcome: Floats, codes: Codes) -> float:
    """Return the analysis-of-variance intracluster correlation, kept in 0 to 1."""
    sizes = np.bincount(codes).astype(float)
    total, count = len(outcome), len(sizes)
    centred = outcome - outcome.mean()
    means = np.bincount(codes, weights=centred) / sizes
    between = float(np.sum(sizes * means**2)) / (count - 1)
    within = float(np.sum((centred - means[codes]) ** 2)) / (total - count)
    typical = (total - float(np.sum(sizes**2)) / total) / (count - 1)
    whole = between + (typical - 1) * within
    return float(np.clip((between - within) / whole, 0, 1)) if whole > 0 else 0.0


def one_arm_factors(total: int, members: int, size: float, icc: float) -> tuple[float, float]:
    """Return gamma and the degrees of freedom h where one arm has groups (Hedges, Citkowicz 2015).

    `members` are the people in groups of mean `size`, among `total` in both arms.
    """
    alone, spare = total - members, members - size
    room = (total - 2) * (1 - icc) + spare * icc
    spread = (total - 2) * (1 - icc) ** 2 + spare * size * icc**2 + 2 * spare * (1 - icc) * icc
    return sqrt(1 - (alone + size - 2) * icc / (total - 2)), room**2 / spread


def _counts(rows: Analysed) -> dict[str, Any]:
    treated, compared = rows.outcome[rows.arm == 1], rows.outcome[rows.arm == 0]
    return {
        "n_treatment": len(treated),
        "n_comparison": len(compared),
        "n_dropped": rows.n_dropped,
        "dropped_why": rows.dropped,
        "mean_treatment": accurate_mean(treated),
        "mean_comparison": accurate_mean(compared),
        "sd_pooled": pooled_sd(treated, compared),
    }


def _alone(single: int, group: str) -> list[str]:
    if not single:
        return []
    return [f"{single} treated person(s) without a value of '{group}' were taken to be in no group"]


def _sentence(
    outcome: str,
    treatment: str,
    group: str,
    covariates: Sequence[str],
    scaling: Scaling,
    df: str,
) -> str:
    freedom = "Satterthwaite (Bell-McCaffrey)" if df == "satterthwaite" else "Welch"
    return (
        f"Ordinary least squares of {outcome} on {treatment}{adjusted_for(covariates)}; CR2 "
        f"standard error with {group} as clusters in the programme arm and everybody else alone, "
        f"{freedom} degrees of freedom. The effect size is on the programme "
        f"arm's total standard deviation, with an intracluster correlation of {scaling.icc:.3f} "
        f"there and {scaling.df:.1f} degrees of freedom."
    )
