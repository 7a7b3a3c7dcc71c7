"""The machine-readable findings: everything at full precision, for the evaluator's own use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import evalkit
from evalkit.areas.records import AreaEffect
from evalkit.contribution.records import ByItself, Contribution
from evalkit.coverage import Coverage, Profile
from evalkit.crosswalks import Crosswalk
from evalkit.flow import Step
from evalkit.indicators import Rate
from evalkit.intercurrent import EventCount
from evalkit.likeness import BalanceRow
from evalkit.looks import Look
from evalkit.losses import answers, who
from evalkit.losses.answers import CarelessAnswers, ItemBlanks, WaveGaps
from evalkit.losses.rates import Loss
from evalkit.losses.who import FamiliesLost, Foretold, LostGap
from evalkit.moderators import Moderation
from evalkit.results import Attrition, Check, Estimate, Finding, Level, Record
from evalkit.robustness.records import HiddenBias
from evalkit.sensitivity.records import Sensitivity
from evalkit.sites.records import SiteResults

if TYPE_CHECKING:
    from evalkit.analysis import Analysis

MARK = "Not for sharing: full precision, no small numbers suppressed."


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgrammeFacts(Record):
    """What was evaluated."""

    name: str
    summary: str
    start: str | None
    as_of: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DesignFacts(Record):
    """The design, and what it may claim at best."""

    id: str
    name: str
    estimand: str
    ceiling: int
    may: str
    may_not: str
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureFacts(Record):
    """A measure used, with the version and source of its scoring."""

    id: str
    version: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance(Record):
    """Where the numbers come from."""

    evalkit: str
    data_sha256: dict[str, str]
    evaluation_sha256: str
    measures: tuple[MeasureFacts, ...]
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingsFile(Record):
    """The whole of `findings.json`."""

    format: Literal["evalkit-findings-1"]
    sharing: str
    programme: ProgrammeFacts
    design: DesignFacts
    flow: tuple[Step, ...]
    attrition: tuple[Attrition, ...]
    unit_attrition: tuple[Attrition, ...]
    losses: tuple[Loss, ...]
    lost_differ: tuple[LostGap, ...]
    foretold: tuple[Foretold, ...]
    families_lost: tuple[FamiliesLost, ...]
    wave_gaps: tuple[WaveGaps, ...]
    item_blanks: tuple[ItemBlanks, ...]
    careless_answers: tuple[CarelessAnswers, ...]
    sensitivity: tuple[Sensitivity, ...]
    hidden_bias: tuple[HiddenBias, ...]
    areas: tuple[AreaEffect, ...]
    sites: tuple[SiteResults, ...]
    coverage: tuple[Coverage, ...]
    needs: tuple[Profile, ...]
    estimates: tuple[Estimate, ...]
    balance: tuple[BalanceRow, ...]
    checks: tuple[Check, ...]
    levels: tuple[Level, ...]
    findings: tuple[Finding, ...]
    contributions: tuple[Contribution, ...]
    by_itself: tuple[ByItself, ...]
    crosswalks: tuple[Crosswalk, ...]
    indicators: tuple[Rate, ...]
    beside: tuple[Estimate, ...]
    moderations: tuple[Moderation, ...]
    looks: tuple[Look, ...]
    event_effects: tuple[Estimate, ...]
    events: tuple[EventCount, ...]
    deviations: tuple[str, ...]
    notes: tuple[str, ...]
    provenance: Provenance


def findings_file(analysis: Analysis) -> FindingsFile:
    """Gather everything found."""
    study = analysis.study
    declared, design = study.evaluation.declared, study.evaluation.design
    return FindingsFile(
        format="evalkit-findings-1",
        sharing=MARK,
        programme=ProgrammeFacts(
            name=declared.programme.name, summary=declared.programme.summary,
            start=_day(declared.programme.start), as_of=_day(declared.data.as_of),
        ),
        design=DesignFacts(
            id=design.id, name=design.name, estimand=design.estimand, ceiling=design.ceiling,
            may=design.claims.may, may_not=design.claims.may_not, because=declared.design.because,
        ),
        flow=study.flow().steps,
        attrition=analysis.attrition,
        unit_attrition=study.unit_attrition(),
        losses=study.losses(),
        lost_differ=who.gaps(study),
        foretold=study.once(who.foretold),
        families_lost=who.families_lost(study),
        wave_gaps=answers.wave_gaps(study),
        item_blanks=study.once(answers.item_blanks),
        careless_answers=answers.careless_answers(study),
        sensitivity=analysis.sensitivity,
        hidden_bias=analysis.hidden_bias,
        areas=analysis.areas,
        sites=analysis.sites,
        coverage=study.coverage(),
        needs=study.needs(),
        estimates=analysis.estimates,
        balance=analysis.balance,
        checks=(*analysis.checks, *(check for e in analysis.areas for check in e.checks)),
        levels=analysis.rated,
        findings=analysis.findings,
        contributions=analysis.contributions,
        by_itself=analysis.by_itself,
        crosswalks=analysis.crosswalks,
        indicators=analysis.rates,
        beside=analysis.beside,
        moderations=analysis.moderations,
        looks=analysis.looks,
        event_effects=analysis.event_effects,
        events=study.events(),
        deviations=(),
        notes=study.problems,
        provenance=_provenance(analysis),
    )  # fmt: skip


def _day(value: object) -> str | None:
    return str(value) if value else None


def _provenance(analysis: Analysis) -> Provenance:
    evaluation = analysis.study.evaluation
    used = dict.fromkeys(target.measure for target in evaluation.targets())
    measures = tuple(
        MeasureFacts(
            id=name,
            version=evaluation.measure(name).version,
            source=evaluation.registry.origin(name),
        )
        for name in used
    )
    return Provenance(
        evalkit=evalkit.__version__, data_sha256=dict(analysis.study.data_sha256),
        evaluation_sha256=evaluation.sha256, measures=measures, seed=evaluation.declared.seed,
    )  # fmt: skip


def plain(value: Any) -> Any:
    """Return records as mappings, tuples as lists and what is not a number as None, for JSON."""
    if isinstance(value, Record):
        return {name: plain(item) for name, item in value.to_dict().items()}
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float) and (value != value or abs(value) == float("inf")):
        return None
    return value


def findings_schema() -> dict[str, Any]:
    """Return the JSON Schema of `findings.json`."""
    from pydantic import TypeAdapter

    schema = TypeAdapter(FindingsFile).json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
