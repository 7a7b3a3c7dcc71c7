"""Effect sizes where people are in clusters, from cluster sizes and the intracluster correlation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.results import Estimate
from evalkit.stats.shared.columns import check_level, choice, invalid, vector

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterEffect(Estimate):
    """An effect size among clusters: `estimate` is `gamma` times `d`, the one that came in.

    `design_effect` multiplies the variance of the difference in means; `icc` is as given; `df` is
    h, the degrees of freedom of the standard deviation.
    """

    d: float | None = None
    gamma: float | None = None
    design_effect: float | None = None
    icc: float | None = None


@dataclass(frozen=True, slots=True)
class _Sizes:
    """People and clusters, and what Hedges (2007) calls A, B and n tilde (`typical`)."""

    treated: float
    compared: float
    clusters: int  # of the arms that are clustered
    spare: float  # degrees of freedom within clusters
    a: float
    b: float
    typical: float

    @property
    def total(self) -> float:
        return self.treated + self.compared

    @property
    def room(self) -> float:
        return 1 / self.treated + 1 / self.compared


def cluster_g(
    g: float,
    *,
    sizes_treatment: Sequence[int],
    sizes_comparison: int | Sequence[int],
    icc: float,
    clustered: str = "both",
    denominator: str = "sample",
    level: float = 0.95,
) -> ClusterEffect:
    """Return an effect size corrected for clusters, with its standard error.

    Parameters
    ----------
    g : a difference in means over a standard deviation
    sizes_treatment : people in each cluster of the treatment arm
    sizes_comparison : the same for the comparison arm; where only the treatment arm is clustered,
        the number of people, or as many sizes of 1
    icc : intracluster correlation, from 0 to below 1, taken as known
    clustered : "both" arms (Hedges 2007), or the "treatment" arm alone, as with a group
        programme against people on their own (Hedges and Citkowicz 2015)
    denominator : what g was divided by. "sample": the SD of people pooled over arms, which is
        too small, so g is multiplied by gamma. "model": the root of a multilevel model's total
        variance, which holds the part between clusters already: g stays as it is. "within": the
        root of the variance within clusters: g stays as it is.
    level : confidence level

    Returns
    -------
    ClusterEffect
        `estimate` is gamma g, `std_error` by Hedges (2007) for unequal clusters (the design
        effect ignores covariates), a normal interval. `statistic` is the t of the difference
        corrected for clusters, with h `df`: t sqrt(gamma^2 / design effect).

    Raises
    ------
    InvalidInput
        For sizes that are not whole numbers of 1 or more, an icc outside its range, or an unknown
        option.
    CannotEstimate
        With fewer than two clusters in an arm that is clustered, or fewer than two people in one
        that is not.

    References
    ----------
    Hedges (2007), Journal of Educational and Behavioral Statistics 32:341-370; Hedges and
    Citkowicz (2015), Behavior Research Methods 47:1295-1308.
    """
    check_level(level)
    choice(clustered, ("both", "treatment"), argument="clustered")
    choice(denominator, ("sample", "model", "within"), argument="denominator")
    if not isinstance(icc, int | float) or not 0 <= icc < 1:
        raise invalid(f"icc={icc!r}.", allowed="a number from 0 to below 1")
    if not isinstance(g, int | float) or not np.isfinite(g):
        raise invalid(f"g={g!r}.", allowed="a finite number")
    sizes = _sizes(sizes_treatment, sizes_comparison, both=clustered == "both")
    gamma, h = _factors(sizes, icc)
    eta = 1 + (sizes.typical - 1) * icc
    room = sizes.room * eta
    if denominator == "within":
        spare = sizes.spare
        if spare <= 0:
            raise CannotEstimate("Every cluster is one person, so there is nothing within them.")
        shift, df = 1.0, spare
        room, wide = room / (1 - icc), g**2 / (2 * spare)
    else:
        shift, df = (gamma if denominator == "sample" else 1.0), h
        wide = (shift * g) ** 2 * gamma**2 / (2 * h)
    return _effect(float(g), shift, room, room + wide, df, sizes, (icc, eta, clustered), level)


def _effect(
    g: float,
    shift: float,
    room: float,
    variance: float,
    df: float,
    sizes: _Sizes,
    given: tuple[float, float, str],
    level: float,
) -> ClusterEffect:
    from scipy.stats import norm
    from scipy.stats import t as student

    estimate, error, t = shift * g, sqrt(variance), shift * g / sqrt(room)
    half = float(norm.ppf(0.5 + level / 2)) * error
    return ClusterEffect(
        term="cluster-g",
        estimate=estimate,
        std_error=error,
        statistic=t,
        df=df,
        p_value=float(2 * student.sf(abs(t), df)),
        conf_low=estimate - half,
        conf_high=estimate + half,
        level=level,
        effect_size=estimate,
        effect_low=estimate - half,
        effect_high=estimate + half,
        n_treatment=int(sizes.treated),
        n_comparison=int(sizes.compared),
        n_clusters=sizes.clusters,
        method=f"Effect size with clusters in {_WHERE[given[2]]} and an intracluster correlation "
        f"of {given[0]:g}; variance after Hedges (2007), normal interval.",
        d=g,
        gamma=shift,
        design_effect=given[1],
        icc=float(given[0]),
    )


_WHERE = {"both": "both arms", "treatment": "the treatment arm"}


def _factors(sizes: _Sizes, icc: float) -> tuple[float, float]:
    """Return gamma and h: the mean and twice the variance of the pooled sum of squares."""
    spare = sizes.total - 2
    room = spare * (1 - icc) + sizes.b * icc
    spread = spare * (1 - icc) ** 2 + sizes.a * icc**2 + 2 * sizes.b * icc * (1 - icc)
    return sqrt(room / spare), room**2 / spread


def _sizes(treatment: Any, comparison: Any, *, both: bool) -> _Sizes:
    first = _counted(treatment, "sizes_treatment")
    second = _counted([comparison] if np.ndim(comparison) == 0 else comparison, "sizes_comparison")
    if len(first) < 2 or (both and len(second) < 2):
        raise CannotEstimate(
            f"There are {len(first)} cluster(s) in treatment and {len(second)} in comparison: an "
            "arm of one cluster cannot be told apart from that cluster's own difference."
        )
    n1, n2 = float(first.sum()), float(second.sum())
    if n2 < 2:
        raise CannotEstimate("The comparison arm has 1 person; at least 2 are needed.")
    arms = [(first, n1, n2)] + ([(second, n2, n1)] if both else [])
    a = b = typical = 0.0
    for sizes, own, other in arms:
        squares, cubes = float(np.sum(sizes**2)), float(np.sum(sizes**3))
        a += squares + (squares / own) ** 2 - 2 * cubes / own
        b += own - squares / own
        typical += other * squares / (own * (n1 + n2))
    clusters = len(first) + (len(second) if both else 0)
    spare = n1 + n2 - len(first) - (len(second) if both else 1)
    return _Sizes(n1, n2, clusters, spare, a, b, typical)


def _counted(sizes: Any, name: str) -> Floats:
    found = vector(sizes, name)
    if not len(found) or np.any(~(found >= 1)) or np.any(found != np.round(found)):
        raise invalid(f"{name}={sizes!r}.", allowed="whole numbers, 1 or more: people in a cluster")
    return found
