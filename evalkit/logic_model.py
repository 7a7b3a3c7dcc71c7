"""The theory of change as typed nodes and links, and the audit of what is missing from it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evalkit.durations import Duration
from evalkit.results import Record

if TYPE_CHECKING:
    from evalkit.declared_theory import Harm, Link, LogicModelPart, Outcome
    from evalkit.design_spec import Design
    from evalkit.instruments.spec import Measure

COLUMNS = ("inputs", "activities", "outputs", "outcomes", "impacts")
MECHANISMS = {
    "change-in-those-who-harm": "how those who harm come to stop",
    "safety": "how adult and child survivors are made safer",
    "wellbeing": "how wellbeing gets better",
    "sustainment": "how change is kept up once support ends",
}
ECOLOGY = ("individual", "relationship", "community", "society")


@dataclass(frozen=True, slots=True)
class Gap(Record):
    """One thing the theory of change leaves out: the rule, the node, what, and what to do."""

    rule: str
    node: str
    what: str
    next_step: str


@dataclass(frozen=True, slots=True)
class LogicModel:
    """Nodes by column, links between them, and harms that are watched."""

    part: LogicModelPart

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """The outcomes in the order they were declared."""
        return self.part.outcomes

    @property
    def links(self) -> tuple[Link, ...]:
        """Every declared step of the theory."""
        return self.part.links

    @property
    def harms(self) -> tuple[Harm, ...]:
        """What could get worse, and what is watched for it."""
        return self.part.harms

    def outcome(self, name: str) -> Outcome:
        """Return one outcome by its id."""
        return next(outcome for outcome in self.outcomes if outcome.id == name)

    def columns(self) -> dict[str, tuple[tuple[str, str], ...]]:
        """Return (id, name) pairs by column, left to right."""
        return {
            column: tuple((node.id, node.name) for node in getattr(self.part, column))
            for column in COLUMNS
        }

    def names(self) -> dict[str, str]:
        """Return the name of every node by its id."""
        return {key: name for nodes in self.columns().values() for key, name in nodes}

    def edges(self) -> tuple[tuple[str, str], ...]:
        """Return every step as (from, to): the declared links and each output's source."""
        declared = [(link.start, link.end) for link in self.links]
        made = [(output.source, output.id) for output in self.part.outputs if output.source]
        return tuple(dict.fromkeys(declared + made))

    def draw(self, states: Mapping[str, tuple[str, str]] | None = None) -> str:
        """Return a self-contained SVG. `states` maps outcome ids to (state, short result)."""
        from evalkit.reports.theory import draw_theory

        return draw_theory(self, states or {})

    def as_text(self, states: Mapping[str, tuple[str, str]] | None = None) -> tuple[str, ...]:
        """Return the same theory in sentences, for readers who do not see the drawing."""
        names = self.names()
        steps = [
            f"“{names[start]}” leads to “{names[end]}”.{_reason(self.links, start, end)}"
            for start, end in self.edges()
        ]
        results = [f"“{names[key]}”: {text}." for key, (_, text) in (states or {}).items()]
        return tuple(steps + results)


def _reason(links: Iterable[Link], start: str, end: str) -> str:
    link = next((link for link in links if (link.start, link.end) == (start, end)), None)
    if link is None:
        return ""
    parts = [f"Why: {_ended(link.because)}" if link.because else "No reason is given."]
    parts += [f"It assumes: {_ended('; '.join(link.assumes))}"] if link.assumes else []
    parts += [f"Evidence: {_ended(link.evidence)}"] if link.evidence else []
    return " " + " ".join(parts)


def _ended(text: str) -> str:
    return f"{text.strip().rstrip('.')}."


@dataclass(frozen=True, slots=True)
class AuditContext:
    """What the audit needs to know beside the logic model."""

    model: LogicModel
    roles: tuple[str, ...]
    measures_in_data: tuple[str, ...]
    measure: Callable[[str], Measure]
    design: Design
    days: Mapping[str, float]
    """Days from the first wave to each wave."""


def audit(context: AuditContext) -> tuple[Gap, ...]:
    """Run every rule and return what is missing, in the order of `RULES`."""
    return tuple(gap for rule in RULES for gap in rule(context))


def _unmeasured(context: AuditContext) -> Iterable[Gap]:
    for outcome in context.model.outcomes:
        if outcome.indicator:
            continue
        if outcome.measure is None:
            what = f"the outcome '{outcome.name}' has no measure"
            yield Gap(
                "outcome-without-measure", outcome.id, what, "Name a measure or an indicator."
            )
        elif outcome.measure.id == "none":
            what = f"no adequate instrument is known for the outcome '{outcome.name}'"
            step = "Say how it will be heard of: interviews, case work."
            yield Gap("outcome-without-measure", outcome.id, what, step)


def _unused_measures(context: AuditContext) -> Iterable[Gap]:
    used = {outcome.measure.id for outcome in context.model.outcomes if outcome.measure}
    for name in dict.fromkeys(context.measures_in_data):
        if name not in used:
            what = f"data are collected with '{name}', which no outcome uses"
            yield Gap("measure-without-outcome", name, what, "Tie it to an outcome or stop asking.")


def _dead_ends(context: AuditContext) -> Iterable[Gap]:
    starts = {start for start, _ in context.model.edges()}
    for activity in context.model.part.activities:
        if activity.id not in starts:
            what = f"the activity '{activity.name}' leads nowhere"
            step = "Link it to what it should change, or drop it."
            yield Gap("activity-leads-nowhere", activity.id, what, step)


def _out_of_nowhere(context: AuditContext) -> Iterable[Gap]:
    ends = {end for _, end in context.model.edges()}
    for outcome in context.model.outcomes:
        if outcome.id not in ends:
            what = f"nothing leads to the outcome '{outcome.name}'"
            yield Gap("outcome-from-nothing", outcome.id, what, "Link the activity that brings it.")


def _no_because(context: AuditContext) -> Iterable[Gap]:
    names = context.model.names()
    for link in context.model.links:
        if not link.because:
            what = f"no reason is given why '{names[link.start]}' leads to '{names[link.end]}'"
            yield Gap("link-without-because", f"{link.start} -> {link.end}", what, "Add `because`.")


def _mechanisms(context: AuditContext) -> Iterable[Gap]:
    kinds = {link.kind for link in context.model.links}
    for kind, meaning in MECHANISMS.items():
        if kind not in kinds:
            what = f"no link says {meaning}"
            yield Gap("mechanism-missing", kind, what, f"Mark the links that do with kind: {kind}.")


def _silent_roles(context: AuditContext) -> Iterable[Gap]:
    covered = {outcome.role for outcome in context.model.outcomes}
    for role in context.roles:
        if role not in covered:
            what = f"no outcome is about the role '{role}'"
            yield Gap(
                "role-without-outcome", role, what, "Add an outcome, or say why they are not heard."
            )


def _ecology(context: AuditContext) -> Iterable[Gap]:
    levels = {outcome.level for outcome in context.model.outcomes}
    for level in ECOLOGY:
        if level not in levels:
            what = f"no outcome is declared at the {level} level"
            step = "Say so in the report, or add one (levels after the World Health Organization)."
            yield Gap("level-left-out", level, what, step)


def _no_expected(context: AuditContext) -> Iterable[Gap]:
    for outcome in context.model.outcomes:
        if outcome.expected is None:
            what = f"the outcome '{outcome.name}' states no expected change"
            yield Gap("no-expected-change", outcome.id, what, "Add `expected` with its source.")


@dataclass(frozen=True, slots=True)
class DomainCover(Record):
    """A domain of a framework, the outcomes that cover it, and those of them that are measured."""

    framework: str
    domain: str
    title: str
    outcomes: tuple[str, ...]
    measured: tuple[str, ...]


def completeness(model: LogicModel, framework: Measure) -> tuple[DomainCover, ...]:
    """Return for each domain of a framework which outcomes say that they cover it."""
    rows = []
    for domain in framework.domains:
        name = f"{framework.id}/{domain.id}"
        here = [outcome for outcome in model.outcomes if name in outcome.covers]
        measured = [x.id for x in here if x.indicator or (x.measure and x.measure.id != "none")]
        outcomes = tuple(outcome.id for outcome in here)
        rows.append(DomainCover(framework.id, domain.id, domain.title, outcomes, tuple(measured)))
    return tuple(rows)


def _uncovered(context: AuditContext) -> Iterable[Gap]:
    for name in context.model.part.frameworks:
        framework = context.measure(name)
        for row in completeness(context.model, framework):
            node = f"{row.framework}/{row.domain}"
            about = f"'{row.title}' of {framework.name}"
            if not row.outcomes:
                step = "Add an outcome that covers it, or say in the report why it is left out."
                yield Gap("domain-not-covered", node, f"no outcome covers {about}", step)
            elif not row.measured:
                step = "Say how it will be heard of: interviews, case work."
                yield Gap("domain-not-measured", node, f"nothing measures {about}", step)


def _not_for_outcomes(context: AuditContext) -> Iterable[Gap]:
    for outcome, measure in _shown(context):
        if measure.purpose != "outcome":
            what = (
                f"'{outcome.name}' is shown by {measure.id}, which was made for {measure.purpose}"
            )
            step = "Choose a measure made to show change, or say why this one can."
            yield Gap("not-an-outcome-measure", outcome.id, what, step)


def _recall_overlaps(context: AuditContext) -> Iterable[Gap]:
    for outcome, measure in _shown(context):
        recall = _days(measure.recall.value) if measure.recall else None
        short = [w for w in outcome.when if recall and context.days.get(w, recall) < recall]
        if measure.recall and short:
            what = (
                f"{measure.id} asks about the {measure.recall.value.removeprefix('past ')} before, so "
                f"answers at '{short[0]}' reach back to before the programme"
            )
            step = "Ask at a later wave, or about a shorter time."
            yield Gap("recall-overlaps", outcome.id, what, step)


def _shown(context: AuditContext) -> Iterable[tuple[Outcome, Measure]]:
    """Yield the outcomes that a measure shows, with it."""
    for outcome in context.model.outcomes:
        if outcome.measure is not None and outcome.measure.id != "none":
            yield outcome, context.measure(outcome.measure.id)


def _days(recall: str) -> float | None:
    """Return a recall period in days, None where it is not written as a span of time."""
    text = recall.removeprefix("past ")
    text = f"1 {text}" if not text[:1].isdigit() else text
    try:
        return Duration.parse(text).days
    except ValueError:
        return None


def _too_large(context: AuditContext) -> Iterable[Gap]:
    for outcome in context.model.outcomes:
        if outcome.expected is None or outcome.measure is None or outcome.measure.id == "none":
            continue
        measure = context.measure(outcome.measure.id)
        scale = measure.scale(outcome.measure.scale or measure.default_scale)
        low, high = scale.range
        size = abs(outcome.expected.change)
        if size > high - low:
            what = (
                f"the expected change of {size:g} is larger than the whole scale ({high - low:g})"
            )
            yield Gap("expected-too-large", outcome.id, what, "Write the change in scale points.")
        if context.design.ceiling < 3:
            what = (
                f"a change caused by the programme is expected of '{outcome.name}', which the "
                f"design {context.design.id} cannot show (level {context.design.ceiling} at best)"
            )
            yield Gap("design-cannot-show", outcome.id, what, "Add a comparison group.")


RULES: tuple[Callable[[AuditContext], Iterable[Gap]], ...] = (
    _unmeasured,
    _unused_measures,
    _dead_ends,
    _out_of_nowhere,
    _no_because,
    _mechanisms,
    _silent_roles,
    _ecology,
    _no_expected,
    _too_large,
    _uncovered,
    _not_for_outcomes,
    _recall_overlaps,
)
