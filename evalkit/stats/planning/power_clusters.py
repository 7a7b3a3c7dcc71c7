"""Power of trials that assign whole clusters: all together, or within blocks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from evalkit.stats.planning.power_people import SD, each, non_negative, only_random
from evalkit.stats.planning.power_solving import (
    Layout,
    Power,
    check_test,
    count,
    few_df_note,
    in_words,
    share,
    size,
    solve,
    typical_size,
)
from evalkit.stats.shared.columns import choice, invalid


def power_cluster(
    *,
    clusters: float | None = None,
    cluster_size: float | Sequence[float] | None = None,
    effect: float | None = None,
    power: float | None = None,
    icc: float,
    groups: float | None = None,
    icc_group: float = 0.0,
    r2_individual: float = 0.0,
    r2_cluster: float = 0.0,
    r2_group: float = 0.0,
    share_treated: float = 0.5,
    covariates: int = 0,
    cv: float = 0.0,
    alpha: float = 0.05,
    sides: int = 2,
) -> Power:
    """Return the size, effect or power of a trial that assigns whole clusters.

    Leave out exactly one of `clusters`, `cluster_size`, `effect` and `power`.

    Parameters
    ----------
    clusters : clusters analysed, both arms together
    cluster_size : people in a cluster; a sequence of sizes is used by its harmonic mean
    effect, power, alpha, sides : as in `power_individual`
    icc : share of the variance between clusters, 0 to 1
    groups, icc_group : groups (classes, teams) within each cluster where there is such a level in
        between, and the share of the variance between groups within clusters; `cluster_size` stays
        the people in a whole cluster
    r2_individual, r2_group, r2_cluster : shares of the variance within groups or clusters, between
        groups, and between clusters that covariates explain
    share_treated : share of the clusters that are treated
    covariates : covariates of clusters; each costs a degree of freedom
    cv : standard deviation of the cluster sizes over their mean, where `cluster_size` is that mean

    Returns
    -------
    Power
        The variance of the effect is icc (1 - R2_c) / (P (1 - P) J) + (1 - icc) (1 - R2) / (P
        (1 - P) J n) with J clusters of n people, `df` J - covariates - 2; with K groups in each a
        middle term icc_group (1 - R2_g) / (P (1 - P) J K). Unequal sizes make the first term
        1 + cv^2 times as large (as in `design_effect`).

    Raises
    ------
    InvalidInput
        When not exactly one is left out, or a number is outside its range.
    CannotEstimate
        When less than one degree of freedom is left, or no `cluster_size` reaches the power with
        so few clusters.

    References
    ----------
    Dong and Maynard (2013), Journal of Research on Educational Effectiveness 6:24-67, designs
    CRA2_2 and CRA3_3; Eldridge, Ashby and Kerry (2006), International Journal of Epidemiology
    35:1292-1300, on unequal sizes.
    """
    check_test(effect=effect, power=power, alpha=alpha, sides=sides, share_treated=share_treated)
    within, middle, whole = parts(icc, icc_group, groups, r2_individual, r2_group, r2_cluster)
    treated, spare = share_treated * (1 - share_treated), count(covariates, "covariates") + 2
    people, notes = typical_size(cluster_size, "cluster_size")
    if non_negative(cv, "cv") and notes:
        raise invalid("cv with a sequence of sizes.", allowed="cv with the mean size")
    whole *= 1 + cv**2

    def spread(s: Any) -> tuple[float, float]:
        j = s["clusters"]
        unit = whole + middle / (groups or 1) + within / s["cluster_size"]
        return unit / (treated * j), j - spare

    layout = Layout(
        sizes={"clusters": size(clusters, "clusters", 2), "cluster_size": people},
        least={"clusters": 3, "cluster_size": max(1.0, groups or 1.0)},
        spread=spread,
    )
    found = solve(layout, effect=effect, power=power, alpha=alpha, sides=sides)
    j, m = found.sizes["clusters"], found.sizes["cluster_size"]
    return Power(
        design="cluster" if groups is None else "cluster with groups",
        n=_total(j, m, cluster_size),
        clusters=j,
        cluster_size=m,
        share_treated=share_treated,
        covariates=covariates,
        icc=icc,
        icc_group=icc_group if groups else None,
        groups=groups,
        r2_individual=r2_individual,
        r2_cluster=r2_cluster,
        r2_group=r2_group if groups else None,
        sentence=in_words(found, f"{j:g} clusters of {m:.4g} people", SD, alpha, sides),
        notes=(*notes, *few_df_note(found.df)),
        **found.fields(alpha, sides),
    )


def _total(clusters: float, typical: float, given: Any) -> float:
    """Return the people in all: added up where sizes were given one a cluster."""
    if np.ndim(given) == 0 or len(given) != clusters:
        return clusters * typical
    return float(sum(given))


def power_blocked_cluster(
    *,
    clusters: float | None = None,
    blocks: float | None = None,
    clusters_per_block: float | None = None,
    cluster_size: float | Sequence[float] | None = None,
    effect: float | None = None,
    power: float | None = None,
    icc: float,
    effects: str = "fixed",
    icc_block: float = 0.0,
    effect_variation: float = 0.0,
    r2_individual: float = 0.0,
    r2_cluster: float = 0.0,
    r2_effect: float = 0.0,
    share_treated: float = 0.5,
    covariates: int = 0,
    alpha: float = 0.05,
    sides: int = 2,
) -> Power:
    """Return the size, effect or power of a trial that assigns whole clusters within blocks.

    Leave out exactly one of the size, `effect` and `power`. The size is `blocks`, `cluster_size`
    and `clusters_per_block` (or `clusters`, those of all blocks together).

    Parameters
    ----------
    clusters : clusters analysed in all blocks and both arms together
    blocks, clusters_per_block, cluster_size : how many; `cluster_size` as in `power_cluster`
    effect, power, alpha, sides, share_treated : as in `power_cluster`
    icc : share of the variance between clusters within blocks
    effects : "fixed" (these blocks) or "random" (blocks stand for others like them)
    icc_block, effect_variation, r2_effect : for random effects: the share of the variance between
        blocks, the variance of the effect between blocks over that of the outcome between blocks
        (omega), and the share of the effect's variance that covariates explain
    r2_individual, r2_cluster : shares of the variance within and between clusters explained
    covariates : of clusters (fixed), of blocks (random)

    Returns
    -------
    Power
        With K blocks of J clusters of n people the variance of the effect is icc (1 - R2_c) / (P
        (1 - P) J K) + (1 - icc - icc_block) (1 - R2) / (P (1 - P) J K n), random effects add
        icc_block omega (1 - R2_T) / K; `df` K (J - 2) - g (fixed), K - g - 1 (random).

    Raises
    ------
    InvalidInput, CannotEstimate
        As `power_cluster`.

    References
    ----------
    Dong and Maynard (2013), designs BCRA3_2f and BCRA3_2r.
    """
    check_test(effect=effect, power=power, alpha=alpha, sides=sides, share_treated=share_treated)
    choice(effects, ("fixed", "random"), argument="effects")
    only_random(
        effects, icc_block=icc_block, effect_variation=effect_variation, r2_effect=r2_effect
    )
    within, middle, block = parts(icc_block, icc, 1.0, r2_individual, r2_cluster, r2_effect)
    block *= non_negative(effect_variation, "effect_variation")
    treated, g = share_treated * (1 - share_treated), count(covariates, "covariates")
    people, notes = typical_size(cluster_size, "cluster_size")
    per_block = each(
        size(clusters, "clusters", 2),
        size(blocks, "blocks", 1),
        *("clusters", "clusters_per_block", clusters_per_block),
    )

    def spread(s: Any) -> tuple[float, float]:
        k, j = s["blocks"], s["clusters_per_block"]
        unit = (middle + within / s["cluster_size"]) / (treated * j * k)
        return block / k + unit, k * (j - 2) - g if effects == "fixed" else k - g - 1

    layout = Layout(
        sizes={
            "blocks": size(blocks, "blocks", 1),
            "clusters_per_block": per_block,
            "cluster_size": people,
        },
        least={"blocks": 1, "clusters_per_block": 2, "cluster_size": 1},
        spread=spread,
    )
    found = solve(layout, effect=effect, power=power, alpha=alpha, sides=sides)
    k, j, m = (found.sizes[x] for x in layout.sizes)
    return Power(
        design=f"blocked cluster ({effects} effects)",
        n=_total(k * j, m, cluster_size),
        clusters=k * j,
        cluster_size=m,
        blocks=k,
        share_treated=share_treated,
        covariates=covariates,
        icc=icc,
        icc_block=icc_block if effects == "random" else None,
        r2_individual=r2_individual,
        r2_cluster=r2_cluster,
        r2_effect=r2_effect if effects == "random" else None,
        effect_variation=effect_variation if effects == "random" else None,
        effects=effects,
        sentence=in_words(
            found, f"{k:g} blocks of {j:g} clusters of {m:.4g} people", SD, alpha, sides
        ),
        notes=(*notes, *few_df_note(found.df)),
        **found.fields(alpha, sides),
    )


def parts(
    icc: Any, icc_group: Any, groups: Any, r2_individual: Any, r2_group: Any, r2_cluster: Any
) -> tuple[float, float, float]:
    """Return the unexplained shares of variance: of people, of groups, of clusters."""
    shares = [share(icc, "icc", zero=True, one=True), share(icc_group, "icc_group", zero=True)]
    if groups is not None:
        size(groups, "groups", 1)
    if groups is None and icc_group:
        raise invalid("icc_group without groups.", allowed="groups, the number in each cluster")
    if sum(shares) > 1:
        raise invalid(f"shares of variance that add up to {sum(shares):g}.", allowed="at most 1")
    left = [
        1 - share(value, name, zero=True, one=True)
        for value, name in (
            (r2_individual, "r2_individual"),
            (r2_group, "r2_group"),
            (r2_cluster, "r2_cluster"),
        )
    ]
    unexplained = ((1 - sum(shares)) * left[0], shares[1] * left[1], shares[0] * left[2])
    if sum(unexplained) <= 0:
        raise invalid("no variance is left unexplained.", allowed="an icc and R2 below 1")
    return unexplained
