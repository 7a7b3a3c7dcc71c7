"""What a team has, and the power that each design would have with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import floor
from typing import TYPE_CHECKING, Any, Literal

from evalkit.errors import CannotEstimate
from evalkit.results import Record

if TYPE_CHECKING:
    from evalkit.stats.planning.power_solving import Power

SITE_ICCS = (0.01, 0.05, 0.1, 0.2)
FAMILY_ICCS = (0.1, 0.3, 0.5)
ASSUMED = {"icc": 0.05, "icc_family": 0.3, "correlation": 0.5}
"""Planning values where none is given; every page says that they are assumed."""
Between = Literal["icc", "icc_family"] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Means(Record):
    """What a team has: families it can recruit, people in them, sites, and how alike they are.

    `families` are recruited in all, of `families_a_month` over `months` where those were given.
    `loss` is the share without a last score; `correlation` that of first and last score (None: no
    first score to adjust for); `icc` the share of variance between sites and `icc_family` that
    between families, sites included (None: not known). `cv` is the spread of the sites' sizes over
    their mean; `cluster_autocorrelation` how far a site's own level lasts; `strata` the strata of
    a stratified trial.
    """

    families: float
    families_a_month: float | None = None
    months: float | None = None
    people_per_family: float = 1.0
    sites: int = 1
    loss: float = 0.0
    correlation: float | None = None
    icc: float | None = None
    icc_family: float | None = None
    cluster_autocorrelation: float = 0.8
    cv: float = 0.0
    strata: int = 4
    share_treated: float = 0.5
    power: float = 0.8
    alpha: float = 0.05

    @property
    def families_left(self) -> float:
        """Families with a last score."""
        return self.families * (1 - self.loss)

    @property
    def people_left(self) -> float:
        """People with a last score."""
        return self.families_left * self.people_per_family

    def assumed(self, name: str) -> float:
        """Return a planning value, the usual one where none was given."""
        given = getattr(self, name)
        return float(ASSUMED[name] if given is None else given)

    @property
    def adjusting(self) -> dict[str, Any]:
        """What adjusting for the first score explains, in people and in clusters alike."""
        return {} if self.correlation is None else {"r2_individual": self.correlation**2}

    @property
    def together(self) -> float:
        """The design effect of families: times as many people are needed as of single people."""
        return 1 + (self.people_per_family - 1) * self.assumed("icc_family")

    def scaled(self, families: float) -> Means:
        """Return the same means with another number of families."""
        return replace(self, families=families, families_a_month=None, months=None)

    def with_sites(self, sites: int) -> Means:
        """Return the same means with another number of sites of the same size."""
        return replace(self.scaled(self.families / self.sites * sites), sites=sites)


Goal = Mapping[str, Any]
Planner = Callable[[Means, Goal], "Power"]


@dataclass(frozen=True, slots=True)
class Plan:
    """A design that could be chosen: who is assigned, what it needs beyond the means, its power.

    `design` is its file in designs/, None for one of a later version; `between` names the
    correlation that it hangs on.
    """

    id: str
    name: str
    design: str | None
    power: Planner
    between: Callable[[Means], Between] = lambda means: None
    refusal: Callable[[Means], str] = lambda means: ""
    twice: Callable[[Means], bool] = lambda means: False
    by_site: bool = False
    note: str = ""

    def people(self, means: Means) -> int:
        """Return the people with a last score, those of another group included."""
        return floor(means.people_left * (2 if self.twice(means) else 1) + 1e-9)


def _persons(means: Means, goal: Goal) -> Power:
    from evalkit.stats.planning.power_people import power_individual

    extra = {"covariates": 1} if means.adjusting else {}
    treated = means.share_treated
    return power_individual(
        n=means.people_left, share_treated=treated, alpha=means.alpha,
        **means.adjusting, **extra, **goal,
    )  # fmt: skip


def _families(means: Means, goal: Goal) -> Power:
    """Whole families by chance; where each is one person, people."""
    from evalkit.stats.planning.power_clusters import power_cluster

    if means.people_per_family == 1:
        return _persons(means, goal)
    return power_cluster(
        clusters=means.families_left, cluster_size=means.people_per_family,
        icc=means.assumed("icc_family"), share_treated=means.share_treated, alpha=means.alpha,
        **_both_levels(means), **goal,
    )  # fmt: skip


def _both_levels(means: Means) -> dict[str, Any]:
    explained = means.adjusting
    if not explained:
        return {}
    return {**explained, "r2_cluster": explained["r2_individual"], "covariates": 1}


def _within(blocks: int, means: Means, goal: Goal) -> Power:
    """Families by chance within strata or sites, the mean of their effects."""
    from evalkit.stats.planning.power_clusters import power_blocked_cluster
    from evalkit.stats.planning.power_people import power_blocked

    shared: dict[str, Any] = {"blocks": blocks, "share_treated": means.share_treated}
    shared |= {"alpha": means.alpha, **goal}
    if means.people_per_family == 1:
        extra = {"covariates": 1} if means.adjusting else {}
        return power_blocked(
            n=means.people_left, effects="fixed", **means.adjusting, **extra, **shared
        )
    return power_blocked_cluster(
        clusters=means.families_left, cluster_size=means.people_per_family,
        icc=means.assumed("icc_family"), **_both_levels(means), **shared,
    )  # fmt: skip


def _sites(means: Means, goal: Goal) -> Power:
    from evalkit.stats.planning.power_clusters import power_cluster

    icc, explained = means.assumed("icc"), _both_levels(means)
    families: dict[str, Any] = {}
    if means.people_per_family > 1:
        middle = min(max(means.assumed("icc_family") - icc, 0.0), 1 - icc)
        families = {"groups": means.families_left / means.sites, "icc_group": middle}
        families |= {"r2_group": explained["r2_cluster"]} if explained else {}
    return power_cluster(
        clusters=means.sites, cluster_size=means.people_left / means.sites, icc=icc, cv=means.cv,
        share_treated=means.share_treated, alpha=means.alpha, **explained, **families, **goal,
    )  # fmt: skip


def _effective(means: Means, cells: float) -> float:
    """People a cell as if they were single and cells alike: fewer for families and unequal sizes."""
    icc = means.assumed("icc")
    left = max(means.assumed("icc_family") - icc, 0.0) / (1 - icc) if icc < 1 else 0.0
    families = 1 + (means.people_per_family - 1) * left
    size = means.people_left / cells / families / (1 + means.cv**2)
    if size < 1:
        raise CannotEstimate("fewer than one person would be measured in a site and period.")
    return size


def steps(sites: int) -> int:
    """Return in how many steps sites start: one each up to six, else equal numbers at each."""
    if sites <= 6:
        return sites
    return max((n for n in range(2, 7) if sites % n == 0), default=sites)


def _wedge(means: Means, goal: Goal) -> Power:
    from evalkit.stats.planning.power_wedge import power_stepped_wedge

    n = steps(means.sites)
    return power_stepped_wedge(
        clusters_per_step=means.sites / n, steps=n, icc=means.assumed("icc"), alpha=means.alpha,
        cluster_size=_effective(means, means.sites * (n + 1)),
        cluster_autocorrelation=means.cluster_autocorrelation, **goal,
    )  # fmt: skip


def _matched(means: Means, goal: Goal) -> Power:
    return _families(replace(means.scaled(2 * means.families), share_treated=0.5), goal)


def _did(means: Means, goal: Goal) -> Power:
    """Sites with and without the programme; with one site, families here and elsewhere."""
    from evalkit.stats.planning.power_periods import power_did

    correlation = means.assumed("correlation")
    if means.sites == 1:
        return power_did(
            n=2 * means.people_left, correlation=correlation, design_effect=means.together,
            alpha=means.alpha, **goal,
        )  # fmt: skip
    return power_did(
        clusters=means.sites, cluster_size=_effective(means, means.sites), icc=means.assumed("icc"),
        correlation=correlation, cluster_autocorrelation=means.cluster_autocorrelation,
        share_treated=means.share_treated, alpha=means.alpha, **goal,
    )  # fmt: skip


def _before_after(means: Means, goal: Goal) -> Power:
    from evalkit.stats.planning.power_periods import power_before_after

    return power_before_after(
        n=means.people_left, correlation=means.assumed("correlation"),
        design_effect=means.together, alpha=means.alpha, **goal,
    )  # fmt: skip


def _of_families(means: Means) -> Between:
    return "icc_family" if means.people_per_family > 1 else None


def _of_sites(means: Means) -> Between:
    return "icc" if means.sites > 1 else _of_families(means)


def _at_least(sites: int, why: str) -> Callable[[Means], str]:
    return lambda means: "" if means.sites >= sites else why.format(n=means.sites)


PLANS = (
    Plan("individual", "Trial, people drawn one by one", "rct-individual", _persons,
         note="people of one family may land in different arms"),
    Plan("family", "Trial, whole families drawn", "rct-cluster", _families, _of_families,
         lambda means: "" if means.people_per_family > 1 else "each family is one person: see the "
         "trial of people"),
    Plan("stratified", "Trial within strata", "rct-stratified",
         lambda means, goal: _within(means.strata, means, goal), _of_families),
    Plan("multisite", "Trial within each of several sites", "rct-multisite",
         lambda means, goal: _within(means.sites, means, goal), _of_families,
         _at_least(2, "it needs two sites or more, and there is {n}"),
         note="speaks for these sites"),
    Plan("waitlist", "Trial with a waiting list", "rct-waitlist", _families, _of_families,
         note="only until the waiting families start"),
    Plan("site", "Trial, whole sites drawn", "rct-cluster", _sites, _of_sites,
         _at_least(3, "it needs three sites or more, better twenty, and there are {n}"),
         by_site=True),
    Plan("stepped-wedge", "Sites start in turn, order drawn", "stepped-wedge", _wedge, _of_sites,
         _at_least(3, "it needs three sites or more, and there are {n}"), by_site=True,
         note="other families in each period, no first score"),
    Plan("matched", "Matched comparison group", "matched-comparison", _matched, _of_families,
         twice=lambda means: True, note="needs as many families again without the programme, and first scores"),
    Plan("did", "Difference in differences", None, _did, _of_sites,
         _at_least(1, ""), twice=lambda means: means.sites == 1, by_site=True,
         note="a design of a later version"),
    Plan("before-after", "Before and after, one group", "pre-post", _before_after, _of_families,
         note="shows change, whatever caused it"),
)  # fmt: skip
