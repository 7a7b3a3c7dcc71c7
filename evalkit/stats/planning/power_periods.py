"""Power of comparisons before and after: in one group, and between two (difference in differences)."""

from __future__ import annotations

from typing import Any

from evalkit.errors import CannotEstimate
from evalkit.stats.planning.planning_factors import cluster_baseline_factors
from evalkit.stats.planning.power_people import SD
from evalkit.stats.planning.power_solving import (
    Layout,
    Power,
    check_test,
    few_df_note,
    in_words,
    inflation,
    share,
    size,
    solve,
)
from evalkit.stats.shared.columns import invalid


def power_before_after(
    *,
    n: float | None = None,
    effect: float | None = None,
    power: float | None = None,
    correlation: float,
    design_effect: float = 1.0,
    alpha: float = 0.05,
    sides: int = 2,
) -> Power:
    """Return the size, effect or power of one group measured before and after.

    Leave out exactly one of `n`, `effect` and `power`. What changed is found, whatever changed it.

    Parameters
    ----------
    n : people measured at both
    effect : mean change, in standard deviations of one score (not of the changes)
    power, alpha, sides : as in `power_individual`
    correlation : of a person's first and last score, 0 to below 1
    design_effect : times as many people as are needed because they come in families (`design_effect`)

    Returns
    -------
    Power
        `std_error` is the root of 2 (1 - correlation) design_effect / n, `df` n / design_effect - 1.

    Raises
    ------
    InvalidInput
        When not exactly one is left out, or a number is outside its range.
    CannotEstimate
        When less than one degree of freedom is left.

    References
    ----------
    Cohen (1988), Statistical Power Analysis for the Behavioral Sciences, section 2.3 (d').
    """
    check_test(effect=effect, power=power, alpha=alpha, sides=sides, share_treated=0.5)
    change = 2 * (1 - share(correlation, "correlation", zero=True))
    times = inflation(design_effect)
    layout = Layout(
        sizes={"n": size(n, "n", 2)},
        least={"n": 2},
        spread=lambda s: (change * times / s["n"], s["n"] / times - 1),
    )
    found = solve(layout, effect=effect, power=power, alpha=alpha, sides=sides)
    people = found.sizes["n"]
    return Power(
        design="before and after",
        n=people,
        share_treated=1.0,
        sentence=in_words(found, f"{people:g} people before and after", SD, alpha, sides),
        notes=few_df_note(found.df),
        **found.fields(alpha, sides),
    )


def power_did(
    *,
    n: float | None = None,
    clusters: float | None = None,
    cluster_size: float | None = None,
    effect: float | None = None,
    power: float | None = None,
    panel: bool = True,
    correlation: float = 0.0,
    icc: float | None = None,
    cluster_autocorrelation: float | None = None,
    design_effect: float = 1.0,
    share_treated: float = 0.5,
    alpha: float = 0.05,
    sides: int = 2,
) -> Power:
    """Return the size, effect or power of a difference in differences: two groups, two periods.

    Leave out exactly one of the size, `effect` and `power`. Without `icc` people stand on their
    own and the size is `n`; with it whole clusters are with or without the programme, and the size
    is `clusters` and `cluster_size`.

    Parameters
    ----------
    n : people measured in each period, both groups together
    clusters, cluster_size : clusters of both groups together, people in each in each period
    effect : difference between the changes, in standard deviations of one score
    power, alpha, sides, share_treated : as in `power_individual`; the share of clusters with `icc`
    panel : whether the same people are measured in both periods; else others are each time
    correlation : of a person's two scores, needed for a panel; with `icc` of the person's own
        deviation from the cluster (individual autocorrelation)
    icc, cluster_autocorrelation : share of the variance between clusters within a period, and how
        far a cluster's own level lasts from one period to the other, both 0 to 1
    design_effect : without `icc`: times as many people as are needed because they come in families

    Returns
    -------
    Power
        The variance of the effect is 2 (1 - r) times that of one comparison after. People: r the
        correlation, that comparison 1 / (P (1 - P) n), `df` n - 2 for a panel and 2 n - 4 for
        others each time (n over `design_effect` in both). Clusters: r = [m icc c + (1 - icc)
        correlation] / (1 + (m - 1) icc), that comparison (1 + (m - 1) icc) / (P (1 - P) J m), `df`
        J - 2, as in a t test of the clusters' changes.

    Raises
    ------
    InvalidInput
        When not exactly one is left out, a number is outside its range, or one is given that the
        design does not have.
    CannotEstimate
        When less than one degree of freedom is left, or no size reaches the power.

    Notes
    -----
    The assumption that both groups would have changed alike is not in these numbers. With fewer
    clusters than some ten they rest on it and on the assumed correlations alone.

    References
    ----------
    Teerenstra, Eldridge, Graff, de Hoop and Borm (2012), Statistics in Medicine 31:2169-2178;
    Hooper, Teerenstra, de Hoop and Eldridge (2016), Statistics in Medicine 35:4718-4728.
    """
    check_test(effect=effect, power=power, alpha=alpha, sides=sides, share_treated=share_treated)
    share(correlation, "correlation", zero=True)
    if not panel and correlation:
        raise invalid(f"correlation={correlation!r} with panel=False.", allowed="panel=True")
    treated = share_treated * (1 - share_treated)
    if icc is None:
        _only_with_icc(clusters, cluster_size, cluster_autocorrelation)
        layout = _people(n, panel, correlation, inflation(design_effect), treated)
    else:
        if n is not None or design_effect != 1:
            raise invalid("n or design_effect with icc.", allowed="clusters and cluster_size")
        layout = _clusters(
            clusters, cluster_size, correlation, icc, cluster_autocorrelation, treated
        )
    found = solve(layout, effect=effect, power=power, alpha=alpha, sides=sides)
    if icc is None:
        people, words = found.sizes["n"], f"{found.sizes['n']:g} people in each period"
    else:
        people = found.sizes["clusters"] * found.sizes["cluster_size"]
        words = f"{found.sizes['clusters']:g} clusters of {found.sizes['cluster_size']:.4g} people"
        words += " in each period"
    same = "the same people" if panel else "other people each time"
    return Power(
        design=f"difference in differences ({same})",
        n=people,
        clusters=found.sizes.get("clusters"),
        cluster_size=found.sizes.get("cluster_size"),
        share_treated=share_treated,
        icc=icc,
        sentence=in_words(found, f"{words}, {same}", SD, alpha, sides),
        notes=few_df_note(found.df),
        **found.fields(alpha, sides),
    )


def _people(n: Any, panel: bool, correlation: float, times: float, treated: float) -> Layout:
    def spread(s: Any) -> tuple[float, float]:
        units = s["n"] / times
        return 2 * (1 - correlation) / (treated * units), units - 2 if panel else 2 * units - 4

    return Layout(sizes={"n": size(n, "n", 2)}, least={"n": 3}, spread=spread)


def _clusters(
    clusters: Any, cluster_size: Any, correlation: float, icc: Any, lasting: Any, treated: float
) -> Layout:
    share(icc, "icc", zero=True, one=True)
    if lasting is None:
        raise invalid(
            "cluster_autocorrelation is left out.",
            allowed="a number from 0 to 1: how far a cluster's own level lasts to the next period",
        )

    def spread(s: Any) -> tuple[float, float]:
        factors = cluster_baseline_factors(
            cluster_size=s["cluster_size"],
            icc=icc,
            cluster_autocorrelation=lasting,
            individual_autocorrelation=correlation,
        )
        after = (icc + (1 - icc) / s["cluster_size"]) / (treated * s["clusters"])
        if factors.change <= 0:
            raise CannotEstimate("No change would vary: give a correlation or icc below 1.")
        return factors.change * after, s["clusters"] - 2

    sizes = {
        "clusters": size(clusters, "clusters", 2),
        "cluster_size": size(cluster_size, "cluster_size", 1),
    }
    return Layout(sizes=sizes, least={"clusters": 3, "cluster_size": 1}, spread=spread)


def _only_with_icc(*given: Any) -> None:
    if any(value is not None for value in given):
        raise invalid(
            "clusters, cluster_size or cluster_autocorrelation without icc.",
            allowed="these with icc, else n",
        )
