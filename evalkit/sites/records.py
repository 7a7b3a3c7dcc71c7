"""What was found of one result over several sites."""

from __future__ import annotations

from dataclasses import dataclass

from evalkit.results import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteResult(Record):
    """One site: its own effect, or why it has none; who was analysed there.

    `shrunken` is the effect drawn towards the average by as much as chance would have it differ;
    `weight` is the site's share of the average (0 where it has no part in it, and `why_not` says why).
    """

    site: str
    n_treatment: int
    n_comparison: int
    families_treatment: int
    families_comparison: int
    estimate: float | None = None
    std_error: float | None = None
    df: float | None = None
    conf_low: float | None = None
    conf_high: float | None = None
    weight: float = 0.0
    shrunken: float | None = None
    shrunken_low: float | None = None
    shrunken_high: float | None = None
    n_dropped: int = 0
    why_not: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteModerator(Record):
    """How sites' effects go with a trait of the sites."""

    term: str
    estimate: float
    conf_low: float
    conf_high: float
    p_value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteResults(Record):
    """One result over several sites: the average of their effects, and how much these differ.

    `estimate` averages `k` of `n_sites` sites (restricted likelihood, Hartung and Knapp's interval
    not let below the plain one); `prediction_low` to `prediction_high` is where the effect of a new
    site like these would lie. `tau2` is the variance of effects between sites, `i2` the share (per
    cent) of differences that is no chance. `one_stage` is the same from one model of all people.
    `n_analysed` counts people: `n_pooled` at the sites averaged, `n_alone` at those that are not,
    `n_unplaced` at no known site.
    """

    outcome: str
    wave: str
    informant: str
    contrast: str | None
    unit: str
    n_sites: int
    k: int
    n_analysed: int
    n_pooled: int
    n_alone: int
    n_unplaced: int
    estimate: float | None = None
    std_error: float | None = None
    df: float | None = None
    p_value: float | None = None
    conf_low: float | None = None
    conf_high: float | None = None
    level: float = 0.95
    tau2: float | None = None
    tau2_low: float | None = None
    tau2_high: float | None = None
    i2: float | None = None
    q: float | None = None
    q_p: float | None = None
    prediction_low: float | None = None
    prediction_high: float | None = None
    egger_p: float | None = None
    one_stage: float | None = None
    one_stage_low: float | None = None
    one_stage_high: float | None = None
    sites: tuple[SiteResult, ...] = ()
    moderators: tuple[SiteModerator, ...] = ()
    method: str = ""
    sentence: str = ""
    notes: tuple[str, ...] = ()
