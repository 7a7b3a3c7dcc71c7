"""Tables of the reports as plain records of text, ready to be laid out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from evalkit import units
from evalkit.disclosure import HIDDEN
from evalkit.reports.released import Released, release_coverage
from evalkit.reports.words import NONE, interval, number, percent, who
from evalkit.rounding import MINUS
from evalkit.targets import Keyed, key_of
from evalkit.wording import say

if TYPE_CHECKING:
    from evalkit.coverage import Profile
    from evalkit.evaluation import Evaluation
    from evalkit.indicators import Rate
    from evalkit.results import Estimate
    from evalkit.study import Study
    from evalkit.targets import Target

NOT_SHOWN = "not shown"
WORDS = ("Wave", "Group", "Time")
"""Heads of columns that hold words even where these start with a figure."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table of text: caption, column heads, rows, notes under it."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = field(default=())

    @property
    def numeric(self) -> tuple[bool, ...]:
        """Whether each column holds numbers, which are aligned right."""
        columns = zip(self.head, zip(*self.rows, strict=True), strict=True)
        return tuple(
            head not in WORDS and all(_looks_numeric(cell) for cell in cells)
            for head, cells in columns
        )


def _looks_numeric(cell: str) -> bool:
    return cell in (NOT_SHOWN, HIDDEN, "nobody", "none") or (
        cell[:1] in f"0123456789{MINUS}<{NONE}" and len(cell) < 26
    )


def label(evaluation: Evaluation, target: Target) -> tuple[str, str, str]:
    """Return outcome, wave and informant of a target as words; with several programmes, which."""
    pair = target.contrast
    name = target.outcome.name + (f" ({pair.treated} or {pair.comparison})" if pair else "")
    return name, evaluation.wave_label(target.wave), who(target.informant)


def label_of(study: Study, record: Keyed) -> tuple[str, str, str]:
    """Return outcome, wave and informant of a record as words; a series of areas has no wave."""
    if record.wave is not None:
        return label(study.evaluation, target_of(study, record))
    outcomes = study.evaluation.logic_model.outcomes
    name = next(outcome.name for outcome in outcomes if outcome.id == record.outcome)
    return name, "from the start on", "from records"


def target_of(study: Study, record: Keyed) -> Target:
    """Return the target that a record belongs to."""
    return next(target for target, _ in study.trails if target.key == key_of(record))


def digits(study: Study, target: Target, estimate: Estimate) -> int:
    """Return the decimals that suit a scale, more where a number would be written as zero."""
    low, high = study.evaluation.scale(target).range
    exact = study.evaluation.declared.disclosure.profile == "open"
    return units.places(estimate, high - low, exact=exact)


def spelt(released: Released, target: Target, e: Estimate, *, named: bool = True) -> str:
    """Return an estimate with its interval, and `named` with its unit."""
    places = digits(released.study, target, e)
    value = units.text(e, e.estimate, places) + (f" {units.noun(e)}" if named else "")
    if e.conf_low is None or e.conf_high is None:
        return value
    return f"{value} ({units.text(e, e.conf_low, places)} to {units.text(e, e.conf_high, places)})"


def flow_table(released: Released) -> Table:
    """Return one row an outcome, wave, informant and arm: each step and who was left out."""
    rows = []
    chain = [item.step for item in released.whole()[0].arms[0].steps]
    for flow in released.whole():
        for arm in flow.arms:
            left = [f"{text}: {count}" for item in arm.steps for text, count in item.left_out]
            counts = [arm.count(step).text for step in chain]
            nobody = "nobody" if released.rules.open else HIDDEN
            rows.append(
                (
                    *label(released.study.evaluation, flow.target),
                    arm.name,
                    *counts,
                    "; ".join(left) or nobody,
                )
            )
    heads = [
        {"allocated": "Allocated", "matched": "Matched", "due": "Due", "returned": "Returned",
         "analysed": "Analysed"}[step] for step in chain
    ]  # fmt: skip
    head = ("Outcome", "Wave", "Who answered", "Arm", *heads, "Left out on the way, and why")
    return Table("Who got how far, for every result", head, tuple(rows))


def coverage_table(released: Released) -> Table:
    """Return for each role and wave who is measured, who is not, who was not due."""
    rows = []
    names = {role.id: role.name or say(role.id) for role in released.study.evaluation.roles}
    for row in released.study.coverage():
        shown = release_coverage(released.rules, row)
        informant = "anyone" if row.informant == "any" else who(row.informant)
        families = max(row.families_measured, row.families_not_measured)
        asked = released.rules.count(row.n_measured + row.n_not_measured, families)
        share = percent(shown["measured"], asked) if asked.value else NONE
        rows.append(
            (
                names[row.role],
                say(row.wave),
                informant,
                *(count.text for count in shown.values()),
                share,
            )
        )
    head = ("Role", "Wave", "Who answered", "People", "Measured", "Not measured", "Not due yet",
            "Not asked", "Measured, of those asked and due")  # fmt: skip
    notes = (
        "Not asked: no measure for this role at this wave, or the person's age is outside the measure's.",
    )
    return Table("People of each role at each wave", head, tuple(rows), notes)


def needs_table(released: Released) -> Table:
    """Return the profile at the first wave by the declared groups."""
    rows = [_needs_row(released, item) for item in released.study.needs()]
    head = ("Grouped by", "Group", "Role", "Measure", "People", "Scored", "Mean (SD)")
    return Table("First scores by group: the benchmark for later waves", head, tuple(rows))


def _needs_row(released: Released, item: Profile) -> tuple[str, ...]:
    rules = released.rules
    people = rules.count(item.n_people, item.families_people)
    scored = rules.count(item.n_scored, item.families)
    shown = not scored.hidden and item.mean is not None
    mean = f"{number(item.mean)} ({number(item.sd)})" if shown else NOT_SHOWN
    group = say(item.group) if item.by == "role" else item.group
    return (say(item.by.replace("_", " ")), group, say(item.role),
            f"{item.measure} ({who(item.informant)})", people.text, scored.text, mean)  # fmt: skip


def rates_table(released: Released, rates: tuple[Rate, ...], arms: tuple[str, ...]) -> Table:
    """Return the rates of the indicators over their whole window."""
    rows = []
    for rate in rates:
        if rate.period == 0 and rate.arm in arms:
            cells = rate_cells(released, rate)
            window = next(
                i.window
                for i in released.study.evaluation.declared.counted
                if i.id == rate.indicator
            )
            rows.append((say(rate.indicator), f"first {window}", rate.arm, *cells))
    head = ("Indicator", "Time", "Group", "Families or people", "Events", "Years at risk",
            "Rate for 100 a year", "95% interval")  # fmt: skip
    notes = ("Counted over the time each family was at risk; not adjusted for how groups differ.",)
    return Table("Indicators counted from events", head, tuple(rows), notes)


def rate_cells(released: Released, rate: Rate) -> tuple[str, ...]:
    """Return units, events, years, rate and interval, hidden where small."""
    rules = released.rules
    units = rules.count(rate.n_units, rate.families)
    events = rules.count(rate.events, rate.families_with_events)
    if units.hidden or events.hidden or rate.rate is None:
        return (units.text, events.text, NOT_SHOWN, NOT_SHOWN, NOT_SHOWN)
    exact = number(rate.years_at_risk, 1)
    years = exact if rules.open else f"{rules.rounded(round(rate.years_at_risk)):,}"
    ends = interval(rate.conf_low, rate.conf_high, 0)
    return (units.text, events.text, years, number(rate.rate, 0), ends)
