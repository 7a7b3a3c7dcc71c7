"""The evaluation together with its data: validated, scored, and counted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from evalkit.errors import InvalidData, InvalidInput, Problem, nearest
from evalkit.flow import Flow, count_steps, trail
from evalkit.intake import Intake, take_in
from evalkit.results import Attrition, Records

if TYPE_CHECKING:
    import pandas as pd

    from evalkit.analysis import Analysis
    from evalkit.change import Basis, ChangeCount
    from evalkit.checks import CheckFunction
    from evalkit.coverage import Coverage, Profile
    from evalkit.declaration import Table
    from evalkit.estimators import Estimator
    from evalkit.evaluation import Evaluation
    from evalkit.indicators import Rate
    from evalkit.intercurrent import EventCount
    from evalkit.losses.rates import Loss
    from evalkit.losses.returning import ReturnProspect
    from evalkit.tables import RawTable
    from evalkit.targets import Target


Counted = TypeVar("Counted")


@dataclass(frozen=True, slots=True, eq=False)
class Study:
    """A valid evaluation and its valid, scored data."""

    evaluation: Evaluation
    intake: Intake
    trails: tuple[tuple[Target, pd.DataFrame], ...]
    data_sha256: tuple[tuple[str, str], ...]
    _counted: dict[str, Any] = field(init=False, repr=False, default_factory=dict)

    def __repr__(self) -> str:
        """Say which programme and how much, and nothing of anybody."""
        people, results = len(self.intake.people), len(self.trails)
        return f"Study({self.evaluation.title}: {people} people, {results} results)"

    @property
    def people(self) -> pd.DataFrame:
        """One row a person, typed."""
        return self.intake.people.copy()

    @property
    def scores(self) -> pd.DataFrame:
        """One row an answer set and scale: person, measure, scale, wave, informant, score, band."""
        return self.intake.scores.copy()

    @property
    def safeguarding(self) -> pd.DataFrame:
        """What answers say that must reach a person: person, wave, informant, measure, flag, says.

        For the team only, and never part of a report.
        """
        return self.intake.safeguarding.copy()

    @property
    def problems(self) -> tuple[str, ...]:
        """What is not wrong with the data but should be known before reading a result."""
        from evalkit.coverage import notes

        return notes(self)

    @property
    def everyone(self) -> tuple[tuple[Target, pd.DataFrame], ...]:
        """The trails of every outcome, wave and informant with all the arms in one."""
        if self.evaluation.contrasts() == (None,):
            return self.trails
        return tuple(
            (target, trail(self.evaluation, self.intake, target))
            for target in self.evaluation.measured()
        )

    def trail(self, outcome: str, wave: str, informant: str) -> pd.DataFrame:
        """Return how far each person of the outcome's role got, in any arm, and why no further."""
        for target, followed in self.everyone:
            if target.key[:3] == (outcome, wave, informant):
                return followed.copy()
        known = [f"{t.outcome.id} / {t.wave} / {t.informant}" for t, _ in self.trails]
        raise InvalidInput(
            f"No outcome '{outcome}' at '{wave}' from '{informant}'. Allowed: {'; '.join(known)}. "
            + nearest(f"{outcome} / {wave} / {informant}", known)
        )

    def flow(self) -> Flow:
        """Count who got how far, by arm, wave, role and informant, with reasons; all arms in one."""
        steps = [
            step for target, followed in self.everyone
            for step in count_steps(self.evaluation, target, followed)
        ]  # fmt: skip
        return Flow(Records(steps), self._received())

    def _received(self) -> tuple[tuple[str, int, int, int], ...]:
        """Return (arm, received, did not, not recorded) among people allocated."""
        people = self.intake.people
        allocated = people[people["entry"].isna()]
        rows = []
        for arm in self.evaluation.arm_names:
            got = allocated.loc[allocated["placed"] == arm, "received"]
            rows.append((arm, int((got == 1).sum()), int((got == 0).sum()), int(got.isna().sum())))
        return tuple(rows)

    def attrition(self, *, by_site: bool = False) -> Records[Attrition]:
        """Return the loss of people after assignment for every result with two arms.

        Assigned: everyone allocated (and matched, where families are) for whom the wave was due and
        the measure meant. Observed: everyone analysed. With `by_site` each site follows.
        """
        from evalkit.losses.rates import attrition_of_people

        return Records(attrition_of_people(self, by_site=by_site))

    def unit_attrition(self) -> Records[Attrition]:
        """Return the loss of whole families or sites, and of people in those that stayed.

        Empty where people were assigned one by one.
        """
        from evalkit.losses.rates import attrition_of_units

        return Records(attrition_of_units(self))

    def prospects(self) -> Records[ReturnProspect]:
        """Return what the loss will be at the current rates of return; no outcome is looked at."""
        from evalkit.losses.returning import prospects

        return Records(prospects(self))

    def losses(self) -> Records[Loss]:
        """Return who was lost to each result and why, by arm and by site."""
        from evalkit.losses.rates import losses

        return Records(losses(self))

    def events(self) -> Records[EventCount]:
        """Return the declared intercurrent events: how each is dealt with, and how many by arm."""
        from evalkit.intercurrent import event_counts

        return Records(event_counts(self))

    def coverage(self) -> Records[Coverage]:
        """Return for each role and wave who is measured, who is not, and who was not due."""
        from evalkit.coverage import coverage

        return Records(self.once(coverage))

    def once(self, count: Callable[[Study], Counted]) -> Counted:
        """Return what a function counts in this study, counted once: a study does not change."""
        name = f"{count.__module__}.{count.__name__}"
        if name not in self._counted:
            self._counted[name] = count(self)
        return self._counted[name]  # type: ignore[no-any-return]

    def needs(self) -> Records[Profile]:
        """Return the profile at the first wave, by role and the declared groups."""
        from evalkit.coverage import profile

        return Records(profile(self))

    def changes(self) -> Records[ChangeCount]:
        """Count who improved, stayed, got worse or was not seen twice, by result and arm.

        By Jacobson and Truax, with a published reliability where one is verified, else the study's
        own alpha at the first wave. Results without either give no rows; `change_basis` says why.
        """
        from evalkit.change import individual_changes

        found = individual_changes(self)
        return Records(row for x in found if x.basis.threshold is not None for row in x.counts())

    def change_basis(self) -> Records[Basis]:
        """Return for each result what a reliable change rests on, or why there is none."""
        from evalkit.change import individual_changes

        return Records(found.basis for found in individual_changes(self))

    def indicators(self) -> Records[Rate]:
        """Return the rates of the declared indicators by arm, and by quarter since the start."""
        from evalkit.indicators import rates

        return Records(rates(self))

    def analyse(
        self,
        estimators: Mapping[str, Estimator] | None = None,
        checks: Mapping[str, CheckFunction] | None = None,
        *,
        sensitivity: bool = True,
    ) -> Analysis:
        """Run what the design names: estimates, checks, levels and findings.

        Without `sensitivity` the lost are treated in the plan's primary way alone, which is quicker.

        `estimators` and `checks` replace the tables `ESTIMATORS` and `CHECKS`, so that a script may
        add its own: `ESTIMATORS | {"mine": mine}`.
        """
        from evalkit.analysis import analyse

        return analyse(self, estimators=estimators, checks=checks, sensitivity=sensitivity)


def build_study(evaluation: Evaluation, tables: Mapping[str, Any]) -> Study:
    """Read, validate and score every table; raises InvalidData once with every problem."""
    raw, hashes = _read_all(evaluation, tables)
    intake = take_in(evaluation, raw)
    trails = tuple((target, trail(evaluation, intake, target)) for target in evaluation.targets())
    return Study(evaluation, intake, trails, hashes)


def _read_all(
    evaluation: Evaluation, given: Mapping[str, Any]
) -> tuple[dict[tuple[str, str | None], RawTable], tuple[tuple[str, str], ...]]:
    from evalkit.tables import label

    data = evaluation.declared.data
    sources: list[Table] = [*data.responses, *data.scores]
    sources = [x for x in (data.people, *sources, data.events, data.series) if x is not None]
    names = [source.file for source in sources]
    names += [label(source.file, source.sheet) for source in sources if source.sheet]
    for name in given:
        if name not in names:
            raise InvalidInput(
                f"tables holds '{name}', which the evaluation does not name. "
                f"Allowed: {', '.join(dict.fromkeys(names))}. {nearest(name, names)}"
            )
    problems: list[Problem] = []
    tables: dict[tuple[str, str | None], RawTable] = {}
    for source in sources:
        try:
            tables[source.file, source.sheet] = _one_table(
                evaluation, source.file, source.sheet, given
            )
        except InvalidData as error:
            problems += error.problems
    if problems:
        raise InvalidData(dict.fromkeys(problems))
    return tables, tuple((table.name, table.sha256) for table in tables.values())


def _one_table(
    evaluation: Evaluation, file: str, sheet: str | None, given: Mapping[str, Any]
) -> RawTable:
    from evalkit.tables import RawTable, label, raw_table

    name = label(file, sheet)
    if file not in given and name not in given:
        return evaluation.read(file, sheet)
    table = given.get(name, given.get(file))
    return table if isinstance(table, RawTable) else raw_table(table, name)
