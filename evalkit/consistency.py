"""What is wrong between the parts of a declaration whose shape is right."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from evalkit.areas.declared_faults import AreaFaults
from evalkit.bias_consistency import BiasConsistency
from evalkit.contribution_consistency import recruited, rivals_of
from evalkit.declaration import Scores
from evalkit.declared_theory import Outcome, OutcomeMeasure
from evalkit.design_consistency import DesignConsistency
from evalkit.errors import UnknownMeasure, nearest
from evalkit.faults import OUTSIDERS, Faults
from evalkit.logic_model import LogicModel
from evalkit.plan_consistency import PlanConsistency
from evalkit.registry import alike

if TYPE_CHECKING:
    from evalkit.errors import Problem
    from evalkit.instruments.scale import Scale
    from evalkit.instruments.spec import Measure


class Consistency(Faults):
    """Finds what is wrong between the parts; the design and the plan have their own."""

    def problems(self) -> list[Problem]:
        """Return every problem."""
        self._repeats()
        self._sources()
        self._outcomes()
        self._links()
        self._disclosure()
        given = (self.declared, self.registry, self.where)
        kinds = DesignConsistency, PlanConsistency, BiasConsistency, AreaFaults
        parts = [kind(*given) for kind in kinds]
        return [*self.found, *(problem for part in parts for problem in part.problems())]

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
            recruited(self, (*path, "recruited"), outcome, measure)

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
        if scale is None:
            return True
        if scale.higher_is == "neither" or (scale.ordinal and not self._orders(outcome)):
            why = "neither good nor bad when higher" if scale.higher_is == "neither" else (
                "ordered only, and never averaged"
            )  # fmt: skip
            what = f"{measure.id} ({name}) is {why}, so it cannot be an outcome here."
            allowed = ", ".join(
                x.id for x in measure.scales if not x.ordinal and x.higher_is != "neither"
            )
            self._say(at, what, allowed, "Choose another scale, or describe it as an indicator.")
            return False
        self._cut(at, outcome.measure, scale)
        return True

    def _orders(self, outcome: Outcome) -> bool:
        """Whether the design can analyse an outcome that is only ordered: as ordered, or as a cut."""
        name = self.declared.design.type
        if name not in self.registry.designs() or not self.registry.design(name).comparison_group:
            return False
        cut = outcome.measure is not None and outcome.measure.cut
        return cut or self.declared.design.wedge is None

    def _cut(self, path: tuple[Any, ...], measure: OutcomeMeasure, scale: Scale) -> None:
        """A cut-off lies inside the scale, so that both yes and no can be."""
        low, high = scale.range
        for key, least in (("at_least", True), ("at_most", False)):
            value = getattr(measure, key)
            inside = value is not None and (low < value <= high if least else low <= value < high)
            if value is not None and not inside:
                what = f"{key}: {value:g} would make everybody the same."
                self._say((*path, key), what, f"within {low:g} to {high:g}", "Check the cut-off.")
        if None not in (measure.at_least, measure.at_most) and not (
            (measure.at_least or 0) <= (measure.at_most or 0)
        ):
            self._say(path, "at_least is above at_most, so nobody can be a yes.")

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
        if outcome.measure.at_most is not None and outcome.measure.at_least is None:
            better = "lower" if scale.higher_is_better else "higher"
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
            rivals_of(self, ("logic_model", "links", n, "rivals"), link.rivals)
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
