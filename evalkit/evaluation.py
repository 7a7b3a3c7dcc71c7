"""What was declared, checked as a whole before any data are read."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evalkit.consistency import Consistency
from evalkit.declaration import LATER_METHODS, Declaration, Responses, RolePart, Scores, Wave
from evalkit.declared_theory import Outcome
from evalkit.design_spec import Design
from evalkit.errors import InvalidEvaluation, InvalidInput, Problem
from evalkit.logic_model import AuditContext, DomainCover, Gap, LogicModel, completeness
from evalkit.logic_model import audit as audit_model
from evalkit.results import Records
from evalkit.shapes import as_tuples, problems_from, pruned
from evalkit.targets import Contrast, Kind, Target, contrasts

if TYPE_CHECKING:
    import datetime

    from pydantic import ValidationError

    from evalkit.files.strict_yaml import Document
    from evalkit.instruments.scale import Scale
    from evalkit.instruments.spec import Measure
    from evalkit.registry import Registry
    from evalkit.study import Study
    from evalkit.tables import RawTable

HARMING = (
    "harm",
    "perpetrat",
    "abuser",
    "abusive",
    "violent",
    "uses-violence",
    "offend",
    "batterer",
)
"""Parts of a role's name that mark it as harming unless the role says `harms: false`."""
FOR_KIND = {"yes-no": "risk_difference", "ordinal": "ordinal_odds_ratio"}
"""The estimator of an outcome that is not a mean."""
ReadTable = Callable[[str, "str | None"], "RawTable"]


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """A valid declaration with the measures and design it names.

    `read` fetches a table named in the declaration; `ek.load` hands it in, so that nothing here
    touches a file.
    """

    name: str
    sha256: str
    declared: Declaration
    design: Design
    registry: Registry
    read: ReadTable

    def __repr__(self) -> str:
        """Say which programme and design."""
        return f"Evaluation({self.title}: {self.design.id})"

    @property
    def title(self) -> str:
        """The programme's name in one short line."""
        name = " ".join(self.declared.programme.name.split())
        return name if len(name) <= 60 else name[:57] + "..."

    @property
    def logic_model(self) -> LogicModel:
        """The theory of change; `.draw()` gives it as SVG."""
        return LogicModel(self.declared.logic_model)

    @property
    def roles(self) -> tuple[RolePart, ...]:
        """The roles in the family, in the order declared."""
        return self.declared.roles

    @property
    def waves(self) -> tuple[Wave, ...]:
        """The waves in the order declared; the first is the baseline."""
        return self.declared.waves

    @property
    def missing_baseline(self) -> str:
        """What is done where the first score is missing: kept with an indicator, or left out."""
        declared = self.declared.analysis.missing_baseline
        return declared or ("indicator" if self.design.randomised else "exclude")

    def wave(self, name: str) -> Wave:
        """Return one wave by its id."""
        return next(wave for wave in self.waves if wave.id == name)

    def compared(self, wave: str) -> bool:
        """Whether the arms may be compared at a wave: not once a waiting group has started."""
        ends, order = self.declared.design.comparison_ends, [w.id for w in self.waves]
        return ends is None or order.index(wave) <= order.index(ends)

    def wave_label(self, name: str) -> str:
        """Return a wave in words, with when it is due where its name does not say so."""
        words, due = name.replace("-", " "), str(self.wave(name).due)
        return words if words == due or name == self.waves[0].id else f"{words} ({due})"

    def harms(self, role: str) -> bool:
        """Whether people in this role harm others, so that their own report never stands alone."""
        named = next((item for item in self.roles if item.id == role), None)
        model = self.declared.logic_model
        ends = {link.end for link in model.links if link.kind == "change-in-those-who-harm"}
        theirs = any(outcome.id in ends and outcome.role == role for outcome in model.outcomes)
        if named is not None and named.harms is not None:
            return named.harms or theirs
        named_so = role.lower().replace("harmed", "")
        return theirs or any(stem in named_so for stem in HARMING)

    def measure(self, name: str) -> Measure:
        """Return one measure of the registry."""
        return self.registry.measure(name)

    def scale(self, target: Target) -> Scale:
        """Return the scale of the measure that an outcome is shown by."""
        return self.measure(target.measure).scale(target.scale)

    @property
    def programmes(self) -> tuple[str, ...]:
        """The names of the arms that are offered something."""
        arm = self.declared.design.arm
        return arm.programmes if arm else ("programme",)

    @property
    def arm_names(self) -> tuple[str, ...]:
        """The names of the arms, the programme's first."""
        arm = self.declared.design.arm
        if not self.design.comparison_group:
            return self.programmes
        return (*self.programmes, arm.comparison if arm else "sites not yet started")

    @property
    def strata(self) -> tuple[str, ...]:
        """The columns of the strata that were randomised within; the sites of a multisite trial."""
        declared = self.declared.design.strata
        return (*declared, *(("site",) if self.design.within_sites else ()))

    def contrasts(self) -> tuple[Contrast | None, ...]:
        """Return the pairs of arms that are compared; None where there is one pair or none."""
        arm = self.declared.design.arm
        return contrasts(arm.programmes, arm.comparison) if arm else (None,)

    def targets(self) -> tuple[Target, ...]:
        """Return every outcome x wave x informant that a measure shows, in declared order.

        Where there are several programmes each is there once a pair of arms.
        """
        return tuple(target for pair in self.contrasts() for target in self.measured(pair))

    def measured(self, contrast: Contrast | None = None) -> tuple[Target, ...]:
        """Return every outcome x wave x informant of one pair of arms, or of all arms in one."""
        return tuple(
            self._target(outcome, wave, informant, contrast)
            for outcome in self.logic_model.outcomes
            if outcome.measure is not None and outcome.measure.id != "none"
            for wave in outcome.when
            for informant in self.informants(outcome)
        )

    def _target(
        self, outcome: Outcome, wave: str, informant: str, contrast: Contrast | None
    ) -> Target:
        assert outcome.measure is not None
        measure = self.measure(outcome.measure.id)
        scale = outcome.measure.scale or measure.default_scale
        primary = self.declared.analysis.primary
        is_primary = (
            primary is not None
            and (primary.outcome, primary.wave) == (outcome.id, wave)
            and (primary.informant or self.informants(outcome)[0]) == informant
        )
        if contrast is not None and not contrast.against_control:
            is_primary = False
        kind: Kind = "yes-no" if outcome.measure.cut else "mean"
        if kind == "mean" and measure.scale(scale).ordinal:
            kind = "ordinal"
        return Target(outcome, measure.id, scale, informant, wave, is_primary, kind, contrast)

    def estimator(self, target: Target) -> str:
        """Return the name of the estimator that answers a target.

        Where sites start one after another every outcome needs the calendar in its model.
        """
        staggered = self.declared.design.wedge is not None
        if target.kind != "mean" and self.design.comparison_group and not staggered:
            return FOR_KIND[target.kind]
        return self.declared.analysis.estimator or self.design.estimators[0]

    def introduced(self, target: Target) -> datetime.date | None:
        """Return the day a target's measure came into use; None where it was there from the start.

        Where answers come from several files, the first of them to be in use counts.
        """
        data = self.declared.data
        sources: list[Responses | Scores] = [*data.responses, *data.scores]
        days = [
            source.introduced for source in sources
            if source.measure == target.measure
            and source.informant in (None, target.informant)
            and (isinstance(source, Responses) or source.scale == target.scale)
        ]  # fmt: skip
        return min(day for day in days if day) if days and all(days) else None

    def higher_is_better(self, target: Target) -> bool:
        """Whether more of the outcome is for the better: of a score, or of those who are a yes."""
        if target.kind == "yes-no":
            return self.event_is_good(target)
        return bool(self.scale(target).higher_is_better)

    def domain(self, outcome: Outcome) -> str:
        """Return the domain of an outcome: as declared, else the kind of link to it, else its role."""
        kinds = [
            link.kind for link in self.logic_model.links if link.end == outcome.id and link.kind
        ]
        return outcome.domain or (kinds[0] if kinds else outcome.role)

    def event_is_good(self, target: Target) -> bool:
        """Whether the yes of a yes-or-no outcome is for the better, by its measure's scale."""
        measure = target.outcome.measure
        above = measure is not None and measure.at_least is not None
        return above == bool(self.scale(target).higher_is_better)

    def informants(self, outcome: Outcome) -> tuple[str, ...]:
        """Return who answers about an outcome; a self-report measure is answered by oneself."""
        assert outcome.measure is not None
        return outcome.measure.informants or ("self",)

    def audit(self) -> Records[Gap]:
        """Return what the theory of change leaves out, rule by rule."""
        data = self.declared.data
        sources: list[Responses | Scores] = [*data.responses, *data.scores]
        context = AuditContext(
            model=self.logic_model,
            roles=tuple(role.id for role in self.roles),
            measures_in_data=tuple(source.measure for source in sources),
            measure=self.measure,
            design=self.design,
            days={wave.id: wave.due.days - self.waves[0].due.days for wave in self.waves},
        )
        return Records(audit_model(context))

    def completeness(self, framework: str) -> Records[DomainCover]:
        """Return for each domain of a framework, such as "mirabal-six", the outcomes that cover it.

        Raises UnknownMeasure where there is no such framework, InvalidInput where the id is that of
        something else.
        """
        found = self.measure(framework)
        if found.kind != "framework":
            raise InvalidInput(f"{framework} is no framework. `evalkit measures list` names them.")
        return Records(completeness(self.logic_model, found))

    def study(self, tables: Mapping[str, Any] | None = None) -> Study:
        """Read, validate and score the data, or raise InvalidData with every problem.

        `tables` may hold frames by the file name that the declaration uses ("FILE, sheet SHEET"
        for one sheet of a workbook); those not given are read from their files.
        """
        from evalkit.study import build_study

        return build_study(self, tables or {})


def build_evaluation(
    document: Document, text: str, registry: Registry, read: ReadTable
) -> Evaluation:
    """Check a parsed `evaluation.yaml` as a whole, or raise InvalidEvaluation with every problem."""
    from pydantic import ValidationError

    problems = list(document.problems)
    if document.data is None and not problems:
        problems.append(
            Problem(document.where(()), "the file is empty.", "", "Start from `evalkit new DIR`.")
        )
    if problems and document.data is None:
        raise InvalidEvaluation(problems)
    if not isinstance(document.data, dict):
        what = "the file does not hold keys and values."
        raise InvalidEvaluation([*problems, Problem(document.where(()), what, "key: value")])
    try:
        declared = Declaration.model_validate(as_tuples(document.data))
    except ValidationError as error:
        problems += problems_from(error, Declaration, document.where, LATER_METHODS)
        problems += _further(document, error, registry)
        raise InvalidEvaluation(_in_order(problems)) from None
    problems += Consistency(declared, registry, document.where).problems()
    if problems:
        raise InvalidEvaluation(_in_order(problems))
    digest = hashlib.sha256(text.encode()).hexdigest()
    design = registry.design(declared.design.type)
    return Evaluation(document.name, digest, declared, design, registry, read)


def _further(document: Document, error: ValidationError, registry: Registry) -> list[Problem]:
    """Return what is wrong between the parts, where the file can be read without the wrong keys.

    What may only follow from their absence is left out.
    """
    from pydantic import ValidationError as Wrong

    without = pruned(document.data, error)
    if without is None:
        return []
    rest, paths = without
    try:
        declared = Declaration.model_validate(as_tuples(rest))
    except Wrong:
        return []
    gone = [".".join(map(str, path)) for path in paths]
    above = {key.rpartition(".")[0] for key in gone}
    return [
        problem for problem in Consistency(declared, registry, document.where).problems()
        if problem.where.key not in above
        and not any(f"{problem.where.key}.".startswith(f"{key}.") for key in gone)
    ]  # fmt: skip


def _in_order(problems: Iterable[Problem]) -> list[Problem]:
    return sorted(problems, key=lambda problem: problem.where.line or 0)
