"""Power of trials in which clusters start one step after another."""

from __future__ import annotations

from typing import Any

from evalkit.errors import CannotEstimate
from evalkit.stats.planning.power_people import SD
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
)
from evalkit.stats.shared.columns import invalid


def power_stepped_wedge(
    *,
    clusters_per_step: float | None = None,
    steps: int,
    cluster_size: float | None = None,
    effect: float | None = None,
    power: float | None = None,
    icc: float,
    cluster_autocorrelation: float = 1.0,
    individual_autocorrelation: float = 0.0,
    alpha: float = 0.05,
    sides: int = 2,
) -> Power:
    """Return the size, effect or power of a trial in which clusters start one step after another.

    Leave out exactly one of `clusters_per_step`, `cluster_size`, `effect` and `power`.

    Parameters
    ----------
    clusters_per_step : clusters that start at each step
    steps : how many; there are `steps` + 1 periods, and nobody has started in the first
    cluster_size : people a cluster and period
    effect, power, alpha, sides : as in `power_individual`
    icc : share of the variance between clusters within a period
    cluster_autocorrelation : how far a cluster's own level lasts from period to period, 0 to 1;
        at 1 the model is that of Hussey and Hughes, which with many periods promises too much
    individual_autocorrelation : of a person's own deviation from the cluster; 0 where other people
        are measured in each period

    Returns
    -------
    Power
        With I clusters, T periods, and a variance s of a cluster's mean that is its own in each
        period beside t that lasts, the variance of the effect is I s (s + T t) / {(I U - W) s +
        (U^2 + I T U - T W - I V) t}, U the treated cells, W the sum of the squares of their number
        by period and V by cluster. `df` is I - 2, cautious where clusters are few.

    Raises
    ------
    InvalidInput
        When not exactly one is left out, a number is outside its range, or there is one step.
    CannotEstimate
        When less than one degree of freedom is left, or no size reaches the power.

    References
    ----------
    Hussey and Hughes (2007), Contemporary Clinical Trials 28:182-191; Hooper, Teerenstra, de Hoop
    and Eldridge (2016), Statistics in Medicine 35:4718-4728.
    """
    check_test(effect=effect, power=power, alpha=alpha, sides=sides, share_treated=0.5)
    if count(steps, "steps") < 2:
        raise invalid(f"steps={steps!r}.", allowed="a whole number, 2 or more")
    share(icc, "icc", zero=True, one=True)
    share(cluster_autocorrelation, "cluster_autocorrelation", zero=True, one=True)
    share(individual_autocorrelation, "individual_autocorrelation", zero=True)
    periods = steps + 1

    def spread(s: Any) -> tuple[float, float]:
        each, m = s["clusters_per_step"], s["cluster_size"]
        own = icc * (1 - cluster_autocorrelation)
        own += (1 - icc) * (1 - individual_autocorrelation) / m
        lasts = icc * cluster_autocorrelation + (1 - icc) * individual_autocorrelation / m
        if own <= 0:
            raise CannotEstimate("No mean would vary over time: give an icc below 1.")
        return _wedge_variance(each, steps, own, lasts), each * steps - 2

    layout = Layout(
        sizes={
            "clusters_per_step": size(clusters_per_step, "clusters_per_step", 1),
            "cluster_size": size(cluster_size, "cluster_size", 1),
        },
        least={"clusters_per_step": 1, "cluster_size": 1},
        spread=spread,
    )
    found = solve(layout, effect=effect, power=power, alpha=alpha, sides=sides)
    clusters, m = found.sizes["clusters_per_step"] * steps, found.sizes["cluster_size"]
    words = f"{clusters:g} clusters in {steps} steps, {m:.4g} people in each in each of {periods} periods"
    return Power(
        design="stepped wedge",
        n=clusters * periods * m,
        clusters=clusters,
        cluster_size=m,
        icc=icc,
        sentence=in_words(found, words, SD, alpha, sides),
        notes=few_df_note(found.df),
        **found.fields(alpha, sides),
    )


def _wedge_variance(each: float, steps: int, own: float, lasts: float) -> float:
    """Return Hussey and Hughes's variance; step k starts in period k + 1 of `steps` + 1."""
    clusters, periods = each * steps, steps + 1
    treated = each * steps * (steps + 1) / 2
    by_period = each**2 * sum(k**2 for k in range(steps + 1))
    by_cluster = each * sum(k**2 for k in range(1, steps + 1))
    below = (clusters * treated - by_period) * own
    below += (
        treated**2
        + clusters * periods * treated
        - periods * by_period
        - clusters * by_cluster
    ) * lasts  # fmt: skip
    return clusters * own * (own + periods * lasts) / below
