"""What is wrong between the parts of a declaration whose shape is right."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from evalkit.declaration import Declaration, Outcome, Primary, Scores
from evalkit.design_spec import LATER_DESIGNS
from evalkit.errors import Problem, UnknownMeasure, Where, nearest
from evalkit.logic_model import LogicModel
from evalkit.registry import alike
from evalkit.shapes import not_available

if TYPE_CHECKING:
    from evalkit.instruments.spec import Measure
    from evalkit.registry import Registry

OUTSIDERS = ("teacher", "practitioner")
RESERVED = ("person", "score", "treated", "set", "step", "reason", "n_respondents")
"""Names that the analysis gives to columns of its own."""


class Consistency:
    """Finds what is wrong between the parts of a declaration whose shape is right."""

    def __init__(self, declared: Declaration, registry: Registry, where: Callable[..., Where]):
        self.declared = declared
        self.registry = registry
        self.where = where
        self.roles = [role.id for role in declared.roles]
        self.waves = [wave.id for wave in declared.waves]
        self.found: list[Problem] = []

    def problems(self) -> list[Problem]:
        """Return every problem."""
        self._repeats()
        self._sources()
        self._outcomes()
        self._links()
        self._design()
        self._analysis()
        self._disclosure()
        return self.found

    def _say(self, path: tuple[Any, ...], what: str, allowed: str = "", step: str = "") -> None:
        self.found.append(Problem(self.where(path), what, allowed, step))

    def _one_of(self, path: tuple[Any, ...], word: str, allowed: Iterable[str], noun: str) -> bool:
        choices = list(allowed)
        if word in choices:
            return True
        self._say(path, f"unknown {noun} '{word}'.", ", ".join(choices), nearest(word, choices))
        return False

    def _repeats(self) -> None:
        model = self.declared.logic_model
        groups: list[tuple[tuple[Any, ...], Iterable[Any]]] = [
            (("roles",), self.declared.roles),
            (("waves",), self.declared.waves),
            (("indicators",), self.declared.indicators),
        ]
        for path, items in groups:
            self._no_repeats([(item.id, (*path, n)) for n, item in enumerate(items)])
        nodes = [
            (node.id, ("logic_model", column, n))
            for column in ("inputs", "activities", "outputs", "outcomes", "impacts")
            for n, node in enumerate(getattr(model, column))
        ]
        self._no_repeats(nodes)

    def _no_repeats(self, named: list[tuple[str, tuple[Any, ...]]]) -> None:
        seen: set[str] = set()
        for name, path in named:
            if name in seen:
                self._say(path, f"the id '{name}' is used twice.", "", "Give each its own id.")
            seen.add(name)

    def _once(self, path: tuple[Any, ...], words: Iterable[str], noun: str) -> None:
        """A word listed twice would give the same result twice."""
        listed = list(words)
        for word in dict.fromkeys(word for word in listed if listed.count(word) > 1):
            self._say(path, f"the {noun} '{word}' is listed twice.", "", "List it once.")

    def _measure(self, path: tuple[Any, ...], name: str) -> Measure | None:
        try:
            return self.registry.measure(name)
        except UnknownMeasure:
            known = self.registry.measures()
            near = f"{nearest(name, known)} `evalkit measures list` shows all {len(known)}.".strip()
            self._say(path, f"unknown measure '{name}'.", ", ".join(alike(name, known)), near)
            return None

    def _informant(self, path: tuple[Any, ...], informant: str, measure: Measure) -> None:
        allowed = ["self", *self.roles, *OUTSIDERS]
        if self._one_of(path, informant, allowed, "informant") and (
            measure.respondent == "self" and informant != "self"
        ):
            what = f"{measure.id} is answered by the person, not by '{informant}'."
            self._say(path, what, "self", "Use the version of the measure for this informant.")

    def _sources(self) -> None:
        data = self.declared.data
        for n, source in enumerate(data.responses):
            path = ("data", "responses", n)
            measure = self._measure((*path, "measure"), source.measure)
            if measure and not measure.items:
                scored = measure.kind == "score-only"
                why = "holds no items (copyright)" if scored else f"is {measure.kind}"
                step = "List the scored values under `scores`." if scored else "Choose a measure."
                what = f"{measure.id} {why}: its answers cannot be scored here."
                self._say((*path, "measure"), what, "", step)
            if measure and source.informant:
                self._informant((*path, "informant"), source.informant, measure)
        for n, scores in enumerate(data.scores):
            self._score_source(("data", "scores", n), scores)
        if any(item.source == "events" for item in self.declared.indicators) and not data.events:
            self._say(
                ("indicators",), "indicators need `data.events`.", "", "Name the events file."
            )

    def _score_source(self, path: tuple[Any, ...], source: Scores) -> None:
        measure = self._measure((*path, "measure"), source.measure)
        if measure:
            scales = [scale.id for scale in measure.scales]
            self._one_of((*path, "scale"), source.scale, scales, "scale")
            if source.informant:
                self._informant((*path, "informant"), source.informant, measure)
        if source.shape == "wide" and not source.columns:
            what = "a wide table needs `columns`, a column name for each wave."
            self._say(path, what, "", "Add columns: {baseline: COLUMN}.")
        if source.shape == "long" and source.columns:
            self._say(
                (*path, "columns"), "a long table has no `columns`.", "", "Use `value: COLUMN`."
            )
        others = measure is not None and measure.respondent != "self"
        if others and source.shape == "wide" and not source.informant:
            what = f"{source.measure} is answered by somebody else: say who."
            step = "Add informant: ROLE."
            self._say(path, what, ", ".join([*self.roles, *OUTSIDERS]), step)
        for wave in source.columns or {}:
            self._one_of((*path, "columns", wave), wave, self.waves, "wave")
        columns = list((source.columns or {}).values())
        if len(set(columns)) < len(columns):
            what = "two waves name the same column: their scores would be the same."
            self._say((*path, "columns"), what, "", "Give each wave its own column.")

    def _outcomes(self) -> None:
        indicators = [item.id for item in self.declared.indicators]
        for n, outcome in enumerate(self.declared.logic_model.outcomes):
            path = ("logic_model", "outcomes", n)
            self._one_of((*path, "role"), outcome.role, self.roles, "role")
            for m, wave in enumerate(outcome.when):
                self._one_of((*path, "when", m), wave, self.waves[1:], "wave after the first")
            self._once((*path, "when"), outcome.when, "wave")
            if outcome.measure:
                named = outcome.measure.informants
                self._once((*path, "measure", "informants"), named, "informant")
            if outcome.measure and outcome.indicator:
                self._say(path, "an outcome has a measure or an indicator, not both.")
            if outcome.indicator:
                self._one_of((*path, "indicator"), outcome.indicator, indicators, "indicator")
            if outcome.measure and outcome.measure.id != "none":
                self._outcome_measure(path, outcome)
            for m, name in enumerate(outcome.covers):
                self._domain((*path, "covers", m), name)
        for n, name in enumerate(self.declared.logic_model.frameworks):
            self._framework(("logic_model", "frameworks", n), name)

    def _framework(self, path: tuple[Any, ...], name: str) -> Measure | None:
        found = self._measure(path, name)
        if found is not None and found.kind != "framework":
            step = "`evalkit measures list` names the frameworks."
            self._say(path, f"{name} is no framework.", "", step)
            return None
        return found

    def _domain(self, path: tuple[Any, ...], name: str) -> None:
        framework, _, domain = name.partition("/")
        if not domain:
            what = f"'{name}' names no domain of a framework."
            self._say(path, what, "FRAMEWORK/DOMAIN", "Write for example mirabal-six/childhoods.")
            return
        found = self._framework(path, framework)
        if found is not None:
            known = [item.id for item in found.domains]
            self._one_of(path, domain, known, f"domain of {framework}")

    def _outcome_measure(self, path: tuple[Any, ...], outcome: Outcome) -> None:
        assert outcome.measure is not None
        measure = self._measure((*path, "measure"), outcome.measure.id)
        if outcome.direction is None:
            step = "Say whether lower or higher is better: direction: lower."
            self._say(path, "a measured outcome needs `direction`.", "lower, higher", step)
        if not outcome.when:
            self._say(path, "a measured outcome needs `when`.", ", ".join(self.waves[1:]))
        if measure is None:
            return
        scales = [scale.id for scale in measure.scales]
        if outcome.measure.scale:
            self._one_of((*path, "measure", "scale"), outcome.measure.scale, scales, "scale")
        for informant in outcome.measure.informants:
            self._informant((*path, "measure", "informants"), informant, measure)
        if not outcome.measure.informants and measure.respondent != "self":
            what = f"{measure.id} is answered by somebody else: say who."
            step = "Add informants: [ROLE]."
            self._say((*path, "measure"), what, ", ".join([*self.roles, *OUTSIDERS]), step)
        if self._usable(path, outcome, measure):
            self._polarity(path, outcome, measure)

    def _usable(self, path: tuple[Any, ...], outcome: Outcome, measure: Measure) -> bool:
        """Whether the measure may be analysed as an outcome, and the scale averaged."""
        assert outcome.measure is not None
        at = (*path, "measure")
        if not measure.scales:
            what = f"{measure.id} has no score: it is {measure.kind}."
            self._say(at, what, "", "Choose a measure with scores, or measure: none.")
            return False
        if measure.purpose == "risk":
            what = f"{measure.id} is a tool for risk and safeguarding, never an outcome."
            step = "Use it at the start to describe need, and choose an outcome measure."
            self._say(at, what, "", step)
            return False
        name = outcome.measure.scale or measure.default_scale
        scale = next((item for item in measure.scales if item.id == name), None)
        if scale is not None and (scale.ordinal or scale.higher_is == "neither"):
            why = (
                "ordered only, and never averaged"
                if scale.ordinal
                else "neither good nor bad when higher"
            )
            what = f"{measure.id} ({name}) is {why}, so it cannot be an outcome in this version."
            allowed = ", ".join(
                x.id for x in measure.scales if not x.ordinal and x.higher_is != "neither"
            )
            self._say(at, what, allowed, "Choose another scale, or describe it as an indicator.")
            return False
        return True

    def _polarity(self, path: tuple[Any, ...], outcome: Outcome, measure: Measure) -> None:
        assert outcome.measure is not None
        name = outcome.measure.scale or measure.default_scale
        scale = next((item for item in measure.scales if item.id == name), None)
        if scale is None or outcome.direction not in ("lower", "higher"):
            return
        better = "higher" if scale.higher_is_better else "lower"
        if outcome.direction != better:
            what = f"direction is '{outcome.direction}', but on {measure.id} ({name}) {better} is better."
            self._say((*path, "direction"), what, better, "Write what would be an improvement.")
        expected = outcome.expected.change if outcome.expected else 0
        if outcome.expected and expected == 0:
            what = "an expected change of 0 is no expectation."
            self._say((*path, "expected"), what, "", "State the change, or leave `expected` out.")
        if (expected > 0 and better == "lower") or (expected < 0 and better == "higher"):
            what = f"a change of {expected:+g} would be for the worse on {measure.id}."
            self._say((*path, "expected"), what, "", "Check the sign: minus means a fall.")

    def _links(self) -> None:
        model = self.declared.logic_model
        nodes = LogicModel(model).names()
        for n, link in enumerate(model.links):
            self._one_of(("logic_model", "links", n, "from"), link.start, nodes, "node")
            self._one_of(("logic_model", "links", n, "to"), link.end, nodes, "node")
        for n, activity in enumerate(model.activities):
            for role in activity.roles:
                self._one_of(("logic_model", "activities", n, "for"), role, self.roles, "role")
        activities = [activity.id for activity in model.activities]
        for n, output in enumerate(model.outputs):
            if output.source:
                self._one_of(
                    ("logic_model", "outputs", n, "from"), output.source, activities, "activity"
                )
        watched = [item.id for item in self.declared.indicators]
        watched += [outcome.id for outcome in model.outcomes]
        for n, harm in enumerate(model.harms):
            self._one_of(
                ("logic_model", "harms", n, "watch"), harm.watch, watched, "indicator or outcome"
            )

    def _design(self) -> None:
        declared, path = self.declared.design, ("design",)
        if declared.type in LATER_DESIGNS:
            step = f"This version has {', '.join(self.registry.designs())}."
            self.found.append(not_available(self.where((*path, "type")), declared.type, step))
            return
        if not self._one_of((*path, "type"), declared.type, self.registry.designs(), "design"):
            return
        design = self.registry.design(declared.type)
        for need in design.needs:
            key = need.key.removeprefix("design.")
            if not getattr(declared, key):
                self._say(path, f"{design.id} needs `{need.key}`: {need.why}.", "", "Add it.")
        if declared.arm and declared.arm.treated == declared.arm.comparison:
            self._say((*path, "arm"), "treated and comparison are the same value.")
        if declared.match and design.id != "matched-comparison":
            self._say((*path, "match"), f"{design.id} does not match.", "", "Remove `match`.")
        if declared.match and declared.match.sets and declared.assigned_by == "site":
            place = self.where((*path, "assigned_by"))
            step = "Sites, not sets, would be the clusters. Declare assigned_by: family or person."
            self.found.append(not_available(place, "matching of whole sites", step))
        if declared.match and not declared.match.sets:
            step = "Name the column of matched sets: sets: COLUMN."
            place = self.where((*path, "match"))
            self.found.append(not_available(place, "matching inside evalkit", step))

    def _analysis(self) -> None:
        plan, path = self.declared.analysis, ("analysis",)
        if plan.primary:
            self._primary(plan.primary)
        self._columns()
        self._adjustment()
        design = self.declared.design.type
        known_design = design in self.registry.designs()
        if (
            plan.missing_baseline == "indicator"
            and known_design
            and not self.registry.design(design).randomised
        ):
            what = "an indicator for a missing baseline is right in randomised designs only."
            self._say((*path, "missing_baseline"), what, "exclude", "Those left out are counted.")

    def _primary(self, primary: Primary) -> None:
        path = ("analysis", "primary")
        outcomes = {outcome.id: outcome for outcome in self.declared.logic_model.outcomes}
        if not self._one_of((*path, "outcome"), primary.outcome, outcomes, "outcome"):
            return
        outcome = outcomes[primary.outcome]
        self._one_of((*path, "wave"), primary.wave, outcome.when, "wave of the outcome")
        if not outcome.measure or outcome.measure.id == "none":
            self._say((*path, "outcome"), "the primary outcome has no measure.")
        elif primary.informant:
            allowed = outcome.measure.informants or ("self",)
            self._one_of((*path, "informant"), primary.informant, allowed, "informant")

    def _adjustment(self) -> None:
        """A design without a comparison compares people with themselves, and adjusts for nothing."""
        name = self.declared.design.type
        more = [word for word in self.declared.analysis.covariates if word != "baseline"]
        if not more or name not in self.registry.designs():
            return
        design = self.registry.design(name)
        if not design.comparison_group:
            what = f"{name} (before-and-after) does not adjust for covariates."
            self._say(("analysis", "covariates"), what, "", f"Remove {', '.join(more)}.")

    def _columns(self) -> None:
        """Covariates and groups name columns of the people table that mean what they say there."""
        declared, plan = self.declared, self.declared.analysis
        self._once(("analysis", "covariates"), plan.covariates, "covariate")
        match = declared.design.match
        named: list[tuple[tuple[str, ...], tuple[str, ...]]] = [
            (("analysis", "covariates"), plan.covariates),
            (("needs", "by"), declared.needs.by),
        ]
        if match:
            named.append((("design", "match", "covariates"), match.covariates))
            self._once(("design", "match", "covariates"), match.covariates, "covariate")
        for path, names in named:
            for n, name in enumerate(names):
                self._column((*path, n), name, adjusts=path[0] != "needs")

    def _column(self, path: tuple[Any, ...], name: str, *, adjusts: bool) -> None:
        flow, arm = self.declared.data.flow, self.declared.design.arm
        after = [flow.received, flow.sessions, flow.left_on, flow.left_reason]
        if adjusts and arm and name == arm.column:
            self._say(path, f"'{name}' is the column of the arms.", "", "Take it out of the list.")
        elif adjusts and name in after:
            what = (
                f"'{name}' is known only after the start: to adjust for it would hide the effect."
            )
            self._say(path, what, "columns known before the start", "Take it out of the list.")
        elif name in self._days():
            what = f"'{name}' holds days, which can be neither adjusted for nor grouped by."
            self._say(path, what, "numbers or words", "Take it out of the list.")
        elif name in RESERVED or name in self._flow_columns():
            what = f"the column name '{name}' is used by evalkit for something else."
            step = "Rename the column, or name it under data.flow if that is what it holds."
            self._say(path, what, "", step)

    def _days(self) -> set[str]:
        """Columns that hold days, which cannot be adjusted for or grouped by as they are."""
        flow = self.declared.data.flow
        return {column for column in (flow.allocated_on, flow.left_on) if column}

    def _flow_columns(self) -> set[str]:
        """Names that stand for a part of `data.flow` which is not declared under that name."""
        flow = self.declared.data.flow
        return {name for name in type(flow).model_fields if getattr(flow, name) != name}

    def _disclosure(self) -> None:
        declared = self.declared.disclosure
        if declared.profile == "open" and not declared.because:
            what = "profile open shows every count: say why that is safe."
            self._say(
                ("disclosure",), what, "", "Add because: published data, or use profile: strict."
            )
        if declared.profile == "strict" and 2 * declared.round_to < declared.threshold:
            what = (
                f"rounding to {declared.round_to} does not hide a count under {declared.threshold}."
            )
            least = -(-declared.threshold // 2)
            self._say(("disclosure", "round_to"), what, f"{least} or more", "Round more coarsely.")
        start, as_of = self.declared.programme.start, self.declared.data.as_of
        if start and as_of and as_of < start:
            self._say(("data", "as_of"), "the data end before the programme starts.")
