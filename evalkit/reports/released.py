"""Every count a shareable page shows, released once, so that the page agrees with itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evalkit.disclosure import Count, Part, Rules
from evalkit.flow import target_arms
from evalkit.people import NEVER, NO_CONSENT, NOT_ELIGIBLE
from evalkit.targets import Key, key_of

if TYPE_CHECKING:
    import pandas as pd

    from evalkit.coverage import Coverage
    from evalkit.evaluation import Evaluation
    from evalkit.results import Estimate
    from evalkit.study import Study
    from evalkit.targets import Target

TOLD = ("received", "not_received_reason", "left_on", "left_reason")
OTHERS = "others (small numbers joined)"
CHAIN = {
    "allocated": "Allocated",
    "matched": "In a matched set",
    "due": "Due at this wave",
    "returned": "Returned and scored",
    "analysed": "Analysed",
}


@dataclass(frozen=True, slots=True)
class ShownStep:
    """A step of the flow: how many reached it, and those who went no further, by reason.

    `beside` counts some of those who reached it, such as those who received the programme, and
    `clusters` says in how many families or sites they are, where these were assigned.
    """

    step: str
    label: str
    count: Count
    left_out: tuple[tuple[str, Count], ...]
    beside: tuple[tuple[str, Count], ...] = ()
    clusters: str = ""


@dataclass(frozen=True, slots=True)
class ShownArm:
    """One arm's steps from allocation to analysis."""

    name: str
    treated: bool
    steps: tuple[ShownStep, ...]

    def count(self, step: str) -> Count:
        """Return the count that reached a step."""
        return next(item.count for item in self.steps if item.step == step)

    def lost(self) -> tuple[tuple[str, Count], ...]:
        """Return those lost between being due and being analysed, by reason."""
        return tuple(
            pair
            for item in self.steps
            if item.step in ("due", "returned")
            for pair in item.left_out
        )


@dataclass(frozen=True, slots=True)
class ShownFlow:
    """The flow of one outcome at one wave from one informant, as it may be shown."""

    target: Target
    total: Count
    before: tuple[tuple[str, Count], ...]
    allocated: Count
    clusters: str
    arms: tuple[ShownArm, ...]

    @property
    def shown(self) -> bool:
        """Whether the number analysed may be shown in every arm."""
        return all(not arm.count("analysed").hidden for arm in self.arms)


@dataclass(frozen=True, slots=True)
class ShownRole:
    """How the people of a role came in: those never allocated, by reason, and the arms."""

    total: Count
    before: tuple[tuple[str, Count], ...]
    allocated: Count
    arms: tuple[tuple[str, Count], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Released:
    """The counts of a study as a shareable page may show them.

    `few` are the yes-or-no results with so few of either in an arm that a share would count them.
    """

    study: Study
    rules: Rules
    roles: dict[str, ShownRole]
    flows: dict[Key, ShownFlow]
    few: frozenset[Key]

    def flow(self, target: Target) -> ShownFlow:
        """Return the released flow of a target."""
        return self.flows[target.key]

    def whole(self) -> tuple[ShownFlow, ...]:
        """Return the flow of every outcome, wave and informant with all arms in one."""
        return tuple(self.flows[target.key] for target, _ in self.study.everyone)

    def counts(self, estimate: Estimate) -> tuple[str, str] | None:
        """Return the numbers analysed by arm as they may be shown, or None where they may not."""
        flow = self.flows[key_of(estimate)]
        rests_on = [n for n in (estimate.n_treatment, estimate.n_comparison) if n]
        if not flow.shown or key_of(estimate) in self.few:
            return None
        if any(self.rules.small(n, n) for n in rests_on):
            return None
        shown = [arm.count("analysed").text for arm in flow.arms]
        return shown[0], shown[1] if len(shown) > 1 else ""

    def lost_is_shown(self, target: Target, losses: Sequence[tuple[int, int]]) -> bool:
        """Whether each arm's loss reaches the threshold, so that its rate may be shown."""
        rules = self.rules
        reached = all(min(n, families) >= rules.threshold for n, families in losses)
        return self.flows[target.key].shown and (rules.open or reached)


def lost_by_arm(followed: pd.DataFrame) -> list[tuple[int, int]]:
    """Return how many people and families each arm lost, the programme's first."""
    lost = followed[followed["step"].isin(["due", "returned"])]
    groups = [lost[lost["treated"] == value] for value in (1.0, 0.0)]
    return [(len(group), int(group["family"].nunique())) for group in groups]


def rules_of(evaluation: Evaluation) -> Rules:
    """Return the disclosure rules that the evaluation declares."""
    declared = evaluation.declared.disclosure
    return Rules(declared.profile == "open", declared.threshold, declared.round_to)


def release(study: Study) -> Released:
    """Release the way in of every role, and the flow of every target from there."""
    rules = rules_of(study.evaluation)
    roles = {role.id: _role(study, rules, role.id) for role in study.evaluation.roles}
    flows = {
        t.key: _flow(study.evaluation, study.intake.people, rules, t, followed, roles)
        for t, followed in dict([*_by_key(study.trails), *_by_key(study.everyone)]).values()
    }
    few = frozenset(t.key for t, followed in study.trails if _few(rules, t, followed))
    return Released(study, rules, roles, flows, few)


def _few(rules: Rules, target: Target, followed: pd.DataFrame) -> bool:
    """Whether a yes-or-no result has a cell of its two-by-two table that is too small to show."""
    if target.kind != "yes-no":
        return False
    rows = followed[followed["step"] == "analysed"]
    cells = [
        rows[(rows["treated"] == arm) & (rows["score"] == said)]
        for arm in (1.0, 0.0)
        for said in (1.0, 0.0)
    ]
    return any(rules.small(len(cell), int(cell["family"].nunique())) for cell in cells)


def _by_key(
    trails: tuple[tuple[Target, pd.DataFrame], ...],
) -> list[tuple[Key, tuple[Target, pd.DataFrame]]]:
    return [(target.key, (target, followed)) for target, followed in trails]


def _role(study: Study, rules: Rules, role: str) -> ShownRole:
    people = study.intake.people
    mine = people[people["role"] == role]
    before = [
        part_of(reason, mine[mine["entry"] == reason])
        for reason in (NOT_ELIGIBLE, NO_CONSENT, NEVER)
    ]
    arms = [
        part_of(name, mine[mine["entry"].isna() & (mine["placed"] == name)])
        for name in study.evaluation.arm_names
    ]
    return ShownRole(
        rules.of(part_of(role, mine)),
        tuple((part.label, rules.of(part)) for part in before),
        rules.of(part_of("allocated", mine[mine["entry"].isna()])),
        tuple((part.label, rules.of(part)) for part in arms),
    )


def part_of(label: str, rows: pd.DataFrame) -> Part:
    """Return a part with its people and the families they come from."""
    ids = frozenset(rows["family"])
    return Part(label, len(rows), len(ids), ids)


def _reasons(rows: pd.DataFrame) -> list[Part]:
    return [part_of(str(reason), group) for reason, group in rows.groupby("reason", sort=True)]


def _flow(
    evaluation: Evaluation, people: pd.DataFrame, rules: Rules, target: Target,
    followed: pd.DataFrame, roles: dict[str, ShownRole],
) -> ShownFlow:  # fmt: skip
    role = roles[target.outcome.role]
    early = followed["step"].isin(["came-in", "eligible"])
    matched = evaluation.declared.design.match is not None
    chain = [step for step in CHAIN if step != "matched" or matched]
    names = target_arms(evaluation, target)
    counts = dict(role.arms)
    placed = followed[~early & followed["arm"].isin(names)]
    rows = placed.merge(people[list(TOLD)], left_on="person", right_index=True, how="left")
    unit = unit_of(evaluation)
    released = [
        _arm(
            rules, name, name in evaluation.programmes, counts[name], rows[rows["arm"] == name],
            chain, unit,
        )
        for name in names
    ]  # fmt: skip
    before = tuple((reason, count) for reason, count in role.before if count.value)
    several = target.contrast is not None
    allocated = rules.of(part_of("allocated", rows)) if several else role.allocated
    clusters = _clusters(rules, rows, unit)
    return ShownFlow(target, role.total, before, allocated, clusters, tuple(released))


def _arm(
    rules: Rules, name: str, treated: bool, allocated: Count, rows: pd.DataFrame, chain: list[str],
    unit: str,
) -> ShownArm:  # fmt: skip
    steps, count = [], allocated
    for position, step in enumerate(chain):
        left = rules.parts(_reasons(rows[rows["step"] == step]))
        beside = rules.parts(_told(step, rows, treated=treated), OTHERS)
        clusters = _clusters(rules, rows, unit)
        steps.append(ShownStep(step, CHAIN[step], count, left, beside, clusters))
        rows = rows[rows["step"].isin(chain[position + 1 :])]
        count = rules.of(part_of(step, rows))
    return ShownArm(name, treated, tuple(steps))


def _told(step: str, rows: pd.DataFrame, *, treated: bool) -> list[Part]:
    """Return what is told of those who reached a step: who received it, who left it early."""
    if step == "allocated" and not treated:
        return [part_of("got the programme all the same", rows[rows["received"] == 1])]
    if step == "allocated" and rows["received"].notna().any():
        did_not = rows[rows["received"] == 0]
        why = did_not.groupby("not_received_reason", sort=True)
        unsaid = "did not receive it, no reason recorded" if len(why) else "did not receive it"
        return [
            part_of("received the programme", rows[rows["received"] == 1]),
            *(part_of(f"did not receive it: {reason}", group) for reason, group in why),
            part_of(unsaid, did_not[did_not["not_received_reason"].isna()]),
            part_of("not recorded whether", rows[rows["received"].isna()]),
        ]
    if step == "due":
        left = "left the programme early" if treated else "left early"
        return [part_of(left, rows[rows["left_on"].notna()])]
    return []


def unit_of(evaluation: Evaluation) -> str:
    """Return what was assigned by chance where that is not single people: family, site, or ""."""
    by = evaluation.declared.design.assigned_by
    return by if evaluation.design.comparison_group and by != "person" else ""


def _clusters(rules: Rules, rows: pd.DataFrame, unit: str) -> str:
    """Say in how many of the units assigned people are; sites are no people, and shown as they are."""
    if not unit:
        return ""
    n = int(rows[unit].nunique())
    if unit == "site":
        return f"{n} {'site' if n == 1 else 'sites'}"
    return f"{rules.count(n, n)} {'family' if rules.open and n == 1 else 'families'}"


def release_coverage(rules: Rules, row: Coverage) -> dict[str, Count]:
    """Return one row of coverage as it may be shown."""
    return {
        "people": rules.count(row.n_people, row.families_people),
        "measured": rules.count(row.n_measured, row.families_measured),
        "not measured": rules.count(row.n_not_measured, row.families_not_measured),
        "not due": rules.count(row.n_not_due, row.families_not_due),
        "not asked": rules.count(row.n_not_asked, row.families_not_asked),
    }
