"""Every count a shareable page shows, released once, so that the page agrees with itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evalkit.disclosure import Count, Part, Rules
from evalkit.flow import arm_names
from evalkit.people import NEVER, NO_CONSENT, NOT_ELIGIBLE

if TYPE_CHECKING:
    import pandas as pd

    from evalkit.coverage import Coverage
    from evalkit.evaluation import Evaluation, Target
    from evalkit.results import Estimate
    from evalkit.study import Study

Key = tuple[str, str, str]
CHAIN = {
    "allocated": "Allocated",
    "matched": "In a matched set",
    "due": "Due at this wave",
    "returned": "Returned and scored",
    "analysed": "Analysed",
}


@dataclass(frozen=True, slots=True)
class ShownStep:
    """A step of the flow: how many reached it, and those who went no further, by reason."""

    step: str
    label: str
    count: Count
    left_out: tuple[tuple[str, Count], ...]


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
    arms: tuple[tuple[str, Count], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Released:
    """The counts of a study as a shareable page may show them."""

    study: Study
    rules: Rules
    roles: dict[str, ShownRole]
    flows: dict[Key, ShownFlow]

    def flow(self, target: Target) -> ShownFlow:
        """Return the released flow of a target."""
        return self.flows[target.outcome.id, target.wave, target.informant]

    def counts(self, estimate: Estimate) -> tuple[str, str] | None:
        """Return the numbers analysed by arm as they may be shown, or None where they may not."""
        key = (str(estimate.outcome), str(estimate.wave), str(estimate.informant))
        flow = self.flows[key]
        if not flow.shown:
            return None
        shown = [arm.count("analysed").text for arm in flow.arms]
        return shown[0], shown[1] if len(shown) > 1 else ""

    def lost_is_shown(self, key: Key, losses: Sequence[tuple[int, int]]) -> bool:
        """Whether each arm's loss reaches the threshold, so that its rate may be shown."""
        rules = self.rules
        reached = all(min(n, families) >= rules.threshold for n, families in losses)
        return self.flows[key].shown and (rules.open or reached)


def rules_of(evaluation: Evaluation) -> Rules:
    """Return the disclosure rules that the evaluation declares."""
    declared = evaluation.declared.disclosure
    return Rules(declared.profile == "open", declared.threshold, declared.round_to)


def release(study: Study) -> Released:
    """Release the way in of every role, and the flow of every target from there."""
    rules = rules_of(study.evaluation)
    roles = {role.id: _role(study, rules, role.id) for role in study.evaluation.roles}
    flows = {
        (t.outcome.id, t.wave, t.informant): _flow(study.evaluation, rules, t, followed, roles)
        for t, followed in study.trails
    }
    return Released(study, rules, roles, flows)


def _role(study: Study, rules: Rules, role: str) -> ShownRole:
    people = study.intake.people
    mine = people[people["role"] == role]
    before = [
        part_of(reason, mine[mine["entry"] == reason])
        for reason in (NOT_ELIGIBLE, NO_CONSENT, NEVER)
    ]
    names = arm_names(study.evaluation)
    arms = [
        part_of(name, mine[mine["entry"].isna() & (mine["treated"] == value)])
        for name, value in zip(names, (1.0, 0.0), strict=False)
    ]
    return ShownRole(
        rules.of(part_of(role, mine)),
        tuple((part.label, rules.of(part)) for part in before),
        tuple((part.label, rules.of(part)) for part in arms),
    )


def part_of(label: str, rows: pd.DataFrame) -> Part:
    """Return a part with its people and the families they come from."""
    ids = frozenset(rows["family"])
    return Part(label, len(rows), len(ids), ids)


def _reasons(rows: pd.DataFrame) -> list[Part]:
    return [part_of(str(reason), group) for reason, group in rows.groupby("reason", sort=True)]


def _flow(
    evaluation: Evaluation, rules: Rules, target: Target, followed: pd.DataFrame,
    roles: dict[str, ShownRole],
) -> ShownFlow:  # fmt: skip
    role = roles[target.outcome.role]
    early = followed["step"].isin(["came-in", "eligible"])
    matched = evaluation.declared.design.match is not None
    chain = [step for step in CHAIN if step != "matched" or matched]
    released = [
        _arm(rules, name, n == 0, count, followed[~early & (followed["arm"] == name)], chain)
        for n, (name, count) in enumerate(role.arms)
    ]
    before = tuple((reason, count) for reason, count in role.before if count.value)
    return ShownFlow(target, role.total, before, tuple(released))


def _arm(
    rules: Rules, name: str, treated: bool, allocated: Count, rows: pd.DataFrame, chain: list[str]
) -> ShownArm:
    steps, count = [], allocated
    for position, step in enumerate(chain):
        left = rules.parts(_reasons(rows[rows["step"] == step]))
        steps.append(ShownStep(step, CHAIN[step], count, left))
        rows = rows[rows["step"].isin(chain[position + 1 :])]
        count = rules.of(part_of(step, rows))
    return ShownArm(name, treated, tuple(steps))


def release_coverage(rules: Rules, row: Coverage) -> dict[str, Count]:
    """Return one row of coverage as it may be shown."""
    return {
        "people": rules.count(row.n_people, row.families_people),
        "measured": rules.count(row.n_measured, row.families_measured),
        "not measured": rules.count(row.n_not_measured, row.families_not_measured),
        "not due": rules.count(row.n_not_due, row.families_not_due),
        "not asked": rules.count(row.n_not_asked, row.families_not_asked),
    }
