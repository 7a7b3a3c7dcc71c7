"""What could be shown, before any data exist: each design's power with what a team has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import ceil
from typing import TYPE_CHECKING, Any

from evalkit.errors import CannotEstimate, InvalidInput
from evalkit.prospects.designs import FAMILY_ICCS, PLANS, SITE_ICCS, Means, Plan
from evalkit.results import Record, Records

if TYPE_CHECKING:
    from evalkit.design_spec import Design
    from evalkit.prospects.facts import Yardstick

LATER_CEILING = 3
"""Difference in differences, by evalkit's machine rule (after the What Works Centre's guide)."""
MOST_FAMILIES = 100_000
MOST_SITES = 200
FEWEST = 4
BY_FAMILY = ("individual", "family", "stratified", "multisite", "waitlist")
POINTS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Prospect(Record):
    """What one design could show. Effects are in standard deviations, `points` in the measure's.

    `people` and `clusters` are those with a last score; `why_not` says why a design is not possible
    with these means (its numbers are then None). `smallest` is the smallest effect found with the
    wanted power; `by_icc` gives it at each plausible intracluster correlation, `icc` the one of the
    row and `icc_of` whether it is of sites or families. `chance` is the power for the declared
    effect, `chance_by_icc` over the same, and `families_needed` or `sites_needed` how many would
    reach the wanted power, all else equal; None where no number up to 100,000 (200) does.
    """

    design: str
    name: str
    later: bool
    ceiling: int
    why_not: str = ""
    note: str = ""
    people: int | None = None
    clusters: float | None = None
    df: float | None = None
    icc_of: str | None = None
    icc: float | None = None
    smallest: float | None = None
    points: float | None = None
    by_icc: tuple[tuple[float, float], ...] = ()
    chance: float | None = None
    chance_by_icc: tuple[tuple[float, float], ...] = ()
    families_needed: int | None = None
    sites_needed: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lever(Record):
    """One way to raise the chance, alone: `what` becomes `to`, and the chance `chance`.

    `enough` says whether that reaches the wanted power.
    """

    what: str
    to: float
    chance: float
    enough: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluability(Record):
    """Every design's prospect with these means, for this effect; `chosen` is the planned design."""

    title: str
    means: Means
    yardstick: Yardstick
    effect: float | None
    chosen: str
    rows: Records[Prospect]
    levers: tuple[Lever, ...] = ()
    warnings: tuple[str, ...] = ()

    def to_frame(self) -> Any:
        """Return one row a design."""
        return self.rows.to_frame()

    def row(self, design: str) -> Prospect:
        """Return the prospect of one design."""
        return next(row for row in self.rows if row.design == design)

    @property
    def main(self) -> Prospect:
        """The prospect of the chosen design."""
        return self.row(self.chosen)

    def curves(self) -> dict[str, tuple[tuple[float, float], ...]]:
        """Return (families, chance) of the designs worth comparing, by their id."""
        assert self.effect is not None
        needed = self.main.families_needed or 2 * self.means.families
        most = min(max(1.25 * needed, 1.5 * self.means.families), 8 * self.means.families)
        shown = dict.fromkeys((self.chosen, "individual", "family", "site", "stepped-wedge"))
        plans = [plan for name in shown for plan in PLANS if plan.id == name]
        plans = [plan for plan in plans if not plan.refusal(self.means)][:4]
        sizes = [most * k / POINTS for k in range(1, POINTS + 1)]
        lines = {plan.id: [(n, chance(plan, self.means.scaled(n), self.effect)) for n in sizes]
                 for plan in plans}  # fmt: skip
        return {name: tuple(point for point in line if point[1]) for name, line in lines.items()}


def chance(plan: Plan, means: Means, effect: float) -> float:
    """Return the power for an effect; 0 where the means are too few for a test at all."""
    try:
        return plan.power(means, {"effect": effect}).power
    except (CannotEstimate, InvalidInput):
        return 0.0


def prospect(
    plan: Plan, means: Means, effect: float | None, sd: float | None, design: Design | None
) -> Prospect:
    """Return what one design could show."""
    head = Prospect(
        design=plan.id,
        name=plan.name,
        later=design is None,
        ceiling=design.ceiling if design else LATER_CEILING,
        note=plan.note,
    )
    if why := plan.refusal(means):
        return replace(head, why_not=why)
    if means.families_left < FEWEST:
        return replace(head, why_not=f"fewer than {FEWEST} families would be left to compare")
    if why := _arm_too_small(plan, means):
        return replace(head, why_not=why)
    goal = {"power": means.power}
    try:
        found = plan.power(means, goal)
    except (CannotEstimate, InvalidInput) as error:
        return replace(head, why_not=f"too few for any test: {error}".rstrip("."))
    between = plan.between(means)
    spread = _spread(means, between)
    row = replace(
        head, people=plan.people(means), clusters=found.clusters, df=found.df,
        icc_of={"icc": "sites", "icc_family": "families"}.get(between or ""),
        icc=means.assumed(between) if between else None, smallest=found.effect,
        points=None if sd is None else found.effect * sd,
        by_icc=tuple((icc, least) for icc, m in spread if (least := _smallest(plan, m)) is not None),
    )  # fmt: skip
    if effect is None:
        return row
    return replace(
        row,
        chance=chance(plan, means, effect),
        chance_by_icc=tuple((icc, chance(plan, m, effect)) for icc, m in spread),
        families_needed=families_needed(plan, means, effect),
        sites_needed=sites_needed(plan, means, effect) if plan.by_site else None,
    )


def _arm_too_small(plan: Plan, means: Means) -> str:
    """Say whether the share treated leaves an arm of a trial next to empty."""
    smaller = min(means.share_treated, 1 - means.share_treated) + 1e-9
    if plan.id in BY_FAMILY and means.families_left * smaller < FEWEST / 2:
        return "fewer than 2 families would be left in one of the two arms"
    if plan.id == "site" and means.sites * smaller < 1:
        return "one of the two arms would have no site"
    return ""


def _smallest(plan: Plan, means: Means) -> float | None:
    try:
        return plan.power(means, {"power": means.power}).effect
    except (CannotEstimate, InvalidInput):
        return None


def _spread(means: Means, between: str | None) -> list[tuple[float, Means]]:
    """Return the means at each plausible intracluster correlation: one where it was given."""
    if between is None:
        return []
    usual = SITE_ICCS if between == "icc" else FAMILY_ICCS
    given = getattr(means, between)
    changes: list[tuple[float, dict[str, Any]]] = [
        (icc, {between: icc}) for icc in (usual if given is None else (given,))
    ]
    return [(icc, replace(means, **change)) for icc, change in changes]


def families_needed(plan: Plan, means: Means, effect: float) -> int | None:
    """Return the fewest families, recruited in all, that reach the wanted power; None: no number."""
    return _fewest(lambda n: chance(plan, means.scaled(n), effect) >= means.power, MOST_FAMILIES)


def sites_needed(plan: Plan, means: Means, effect: float) -> int | None:
    """Return the fewest sites of the present size that reach the wanted power; None up to 200."""
    if means.sites < 2:
        return None
    for sites in range(3, MOST_SITES + 1):
        if chance(plan, means.with_sites(sites), effect) >= means.power:
            return sites
    return None


def _fewest(enough: Callable[[int], bool], most: int) -> int | None:
    """Return the smallest whole number that is enough, where every larger one is too."""
    if not enough(most):
        return None
    low, high = 0, most
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def levers(plan: Plan, means: Means, effect: float, row: Prospect) -> tuple[Lever, ...]:
    """Return single changes that raise the chance, those that cost least, as a rule, first."""
    if row.chance is None or row.chance >= means.power:
        return ()
    found = []

    def tried(what: str, to: float, changed: Means) -> None:
        new = chance(plan, changed, effect)
        if new > (row.chance or 0) + 0.005:
            found.append(Lever(what=what, to=to, chance=new, enough=new >= means.power - 1e-9))

    if means.correlation is None:
        tried("first score", 0.6, replace(means, correlation=0.6))
    if means.loss > 0:
        most = int(100 * means.loss)
        kept = [share / 100 for share in range(most - 1, -1, -1)] or [0.0]
        ok = [x for x in kept if chance(plan, replace(means, loss=x), effect) >= means.power]
        tried("loss", max(ok, default=0.0), replace(means, loss=max(ok, default=0.0)))
    if row.families_needed is not None:
        changed = means.scaled(row.families_needed)
        if means.families_a_month:
            months = ceil(row.families_needed / means.families_a_month - 1e-9)
            tried("months", months, means.scaled(months * means.families_a_month))
        tried("families", row.families_needed, changed)
    if row.sites_needed is not None:
        tried("sites", row.sites_needed, means.with_sites(row.sites_needed))
    return tuple(found)


def assess(
    means: Means,
    yardstick: Yardstick,
    *,
    effect: float | None,
    designs: Mapping[str, Design],
    chosen: str | None = None,
    title: str = "",
) -> Evaluability:
    """Return what each design could show with these means.

    `effect` is the declared one in standard deviations; `designs` the design files by id; `chosen`
    the id of a planned design, else the trial of families (of people where each family is one).
    """
    from evalkit.prospects.facts import warnings

    rows = Records(
        prospect(plan, means, effect, yardstick.sd, designs[plan.design] if plan.design else None)
        for plan in PLANS
    )
    chosen = chosen or ("family" if means.people_per_family > 1 else "individual")
    plan = next(item for item in PLANS if item.id == chosen)
    row = next(item for item in rows if item.design == chosen)
    return Evaluability(
        title=title,
        means=means,
        yardstick=yardstick,
        effect=effect,
        chosen=chosen,
        rows=rows,
        levers=() if effect is None else levers(plan, means, effect, row),
        warnings=warnings(means, yardstick, effect, row, rows),
    )
