"""The change that comes by itself: scores far from a mean are nearer to it the next time."""

from __future__ import annotations

from dataclasses import dataclass
from math import erfc, exp, isfinite, pi, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.results import Record
from evalkit.stats.shared.columns import check_level, invalid, vector

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class RegressionToMean(Record):
    """The change expected of a group that nothing was done for, and the change seen beside it.

    All changes are later minus first, in points. `expected_change` comes from the first scores
    themselves; `expected_by_cutoff` from the cut-off and a normal distribution, with
    `expected_baseline` the mean first score that it foretells (None without a cut-off).
    `observed_change` is that of those with both scores, `n` people; `beyond` is what was seen less
    what was expected among the same people. `std_error` and the interval are those of `beyond`
    (None without second scores), `expected_low` and `expected_high` those of `expected_change`.
    """

    n: int
    n_dropped: int
    baseline_mean: float
    population_mean: float
    population_sd: float | None
    reliability: float
    expected_change: float
    expected_low: float
    expected_high: float
    expected_baseline: float | None
    expected_by_cutoff: float | None
    observed_change: float | None
    beyond: float | None = None
    std_error: float | None = None
    df: float
    p_value: float | None = None
    conf_low: float | None = None
    conf_high: float | None = None
    level: float
    n_clusters: int | None
    method: str


def regression_to_mean(
    baseline: Any,
    post: Any = None,
    *,
    population_mean: float,
    reliability: float,
    population_sd: float | None = None,
    at_least: float | None = None,
    at_most: float | None = None,
    cluster: Any = None,
    level: float = 0.95,
) -> RegressionToMean:
    """Return the mean change that a group's first scores foretell without any programme.

    Of a person with first score x the next is foretold to be mu + r (x - mu), so the group changes
    by (1 - r)(mu - mean of x). The change seen beyond it is the mean of y - mu - r (x - mu), with
    the standard error of a mean. Of people who came in with c or more, drawn from a normal
    distribution, it is -(1 - r) sigma phi(z) / (1 - Phi(z)) with z = (c - mu) / sigma; of those with
    c or less (1 - r) sigma phi(z) / Phi(z).

    Parameters
    ----------
    baseline, post : first and later scores of the same people in the same order; people without a
        first score, or where `post` is given without both, are left out and counted
    population_mean, population_sd : mean and SD of the scores of the people from whom the group came
        (points); taken as known
    reliability : correlation of two scores of a person between which nothing changes (0 to below 1);
        taken as known. Agreement of items (alpha) is usually higher than that, and gives too little
    at_least, at_most : the first score with which people came in, one of the two; needs
        `population_sd`
    cluster : the cluster of each person; the standard errors are then CR2
    level : confidence level

    Raises
    ------
    InvalidInput
        For arguments of the wrong kind, or both cut-offs.
    CannotEstimate
        With fewer than two people, one cluster, or no spread of what was seen beyond it.

    References
    ----------
    James (1973), Biometrics 29:121-130; Barnett, van der Pols and Dobson (2005), International
    Journal of Epidemiology 34:215-220.
    """
    check_level(level)
    mean, sd = _population(population_mean, population_sd)
    share = 1 - _reliability(reliability)
    edge = _edge(at_least, at_most, sd)
    first, later, groups, dropped = _rows(baseline, post, cluster)
    foretold = share * (mean - first)
    expected = _mean_of(foretold, groups, level)
    beyond = None if later is None else _mean_of(later - first - foretold, groups, level)
    if beyond is not None and not beyond.std_error > 0:
        raise CannotEstimate("Everyone changed as foretold but for the same amount.")
    expected_first, by_cutoff = (None, None) if edge is None else _truncated(mean, *edge, share)
    last = beyond or expected
    return RegressionToMean(
        n=len(first), n_dropped=dropped, baseline_mean=float(first.mean()), population_mean=mean,
        population_sd=sd, reliability=1 - share, expected_change=expected.mean,
        expected_low=expected.low, expected_high=expected.high, expected_baseline=expected_first,
        expected_by_cutoff=by_cutoff,
        observed_change=None if later is None else float((later - first).mean()),
        df=last.df, level=level, n_clusters=last.n_clusters, **_told(beyond),
        method="(1 - reliability) x (population mean - first score), averaged; "
        + ("CR2" if last.n_clusters else "t interval"),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Mean:
    mean: float
    std_error: float
    df: float
    p_value: float
    low: float
    high: float
    n_clusters: int | None


def _told(beyond: _Mean | None) -> dict[str, float | None]:
    if beyond is None:
        return {}
    return {
        "beyond": beyond.mean, "std_error": beyond.std_error, "p_value": beyond.p_value,
        "conf_low": beyond.low, "conf_high": beyond.high,
    }  # fmt: skip


def _mean_of(values: Floats, groups: Any, level: float) -> _Mean:
    """Return a mean with its t interval, by cluster where people share one."""
    from scipy.stats import t as student

    from evalkit.stats.least_squares.linear import fit

    if np.ptp(values) == 0:
        mean = float(values[0])
        return _Mean(mean, 0.0, len(values) - 1.0, float(mean == 0), mean, mean, None)
    model = fit(np.ones((len(values), 1)), values, ("mean",), cluster=groups)
    mean, error = float(model.coefficients[0]), float(model.std_errors[0])
    df = float(model.df[0])
    half = float(student.ppf(0.5 + level / 2, df)) * error
    p = float(2 * student.sf(abs(mean / error), df))
    return _Mean(mean, error, df, p, mean - half, mean + half, model.n_clusters)


def _truncated(
    mean: float, sd: float, cutoff: float, above: bool, share: float
) -> tuple[float, float]:
    """Return the mean first score and the change of those on one side of a cut-off."""
    z = (cutoff - mean) / sd
    tail = erfc((z if above else -z) / sqrt(2)) / 2
    if not tail > 0:
        raise invalid(
            f"the cut-off of {cutoff:g} is too far from the mean of {mean:g}.",
            next_step="Check the cut-off, the mean and the SD: nobody would have come in.",
        )
    away = sd * exp(-z * z / 2) / sqrt(2 * pi) / tail
    away = away if above else -away
    return mean + away, -share * away


def _edge(
    at_least: float | None, at_most: float | None, sd: float | None
) -> tuple[float, float, bool] | None:
    if at_least is None and at_most is None:
        return None
    if at_least is not None and at_most is not None:
        raise invalid("at_least and at_most are both given.", allowed="one of the two")
    cutoff = at_least if at_least is not None else at_most
    if not isinstance(cutoff, int | float) or not isfinite(cutoff):
        raise invalid(f"the cut-off is {cutoff!r}.", allowed="a number")
    if sd is None:
        raise invalid("a cut-off needs population_sd.", next_step="Give the SD, or no cut-off.")
    return sd, float(cutoff), at_least is not None


def _population(mean: Any, sd: Any) -> tuple[float, float | None]:
    if isinstance(mean, bool) or not isinstance(mean, int | float) or not isfinite(mean):
        raise invalid(f"population_mean={mean!r}.", allowed="a number")
    if sd is not None and (not isinstance(sd, int | float) or not (isfinite(sd) and sd > 0)):
        raise invalid(f"population_sd={sd!r}.", allowed="a number above 0")
    return float(mean), None if sd is None else float(sd)


def _reliability(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1:
        raise invalid(f"reliability={value!r}.", allowed="a number from 0 to below 1")
    return float(value)


def _rows(baseline: Any, post: Any, cluster: Any) -> tuple[Floats, Floats | None, Any, int]:
    """Return complete rows: first scores, later ones, clusters where shared, and how many were left out."""
    import pandas as pd

    first = vector(baseline, "baseline")
    later = None if post is None else vector(post, "post")
    groups = None if cluster is None else pd.Series(np.asarray(cluster, dtype=object))
    for name, values in (("post", later), ("cluster", groups)):
        if values is not None and len(values) != len(first):
            what = f"baseline has {len(first)} values and {name} {len(values)}."
            raise invalid(what, allowed="the same people in the same order")
    keep = ~np.isnan(first)
    keep &= True if later is None else ~np.isnan(later)
    keep &= True if groups is None else groups.notna().to_numpy()
    if keep.sum() < 2:
        raise CannotEstimate(f"{int(keep.sum())} people have the scores; at least 2 are needed.")
    kept = None if groups is None else groups[keep].to_numpy()
    n_groups = 0 if kept is None else len(set(kept))
    shared = 0 < n_groups < int(keep.sum())
    if n_groups == 1:
        raise CannotEstimate("There is one cluster; at least 2 are needed.")
    last = None if later is None else later[keep]
    return first[keep], last, kept if shared else None, int((~keep).sum())
