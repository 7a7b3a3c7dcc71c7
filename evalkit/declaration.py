"""What a user writes in `evaluation.yaml`, key by key; the JSON Schema comes from these models."""

from __future__ import annotations

import datetime
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationInfo,
)
from pydantic_core import PydanticCustomError

from evalkit.durations import Duration


def _text(value: Any) -> Any:
    """Take a bare number or date as the word it was written as."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float | datetime.date) else value


def _duration(value: Any) -> Any:
    if isinstance(value, Duration):
        return value
    try:
        return Duration.parse(value)
    except (ValueError, AttributeError, TypeError):
        message = "a span of time is needed, such as '10 weeks', '6 months' or '0 days'."
        raise PydanticCustomError(
            "evalkit", message, {"next_step": "Write number and unit."}
        ) from None


def _later(value: Any, info: ValidationInfo) -> Any:
    if value is None or value == ():
        return None
    message = f"{info.field_name} is not available in this version."
    raise PydanticCustomError("evalkit", message, {"next_step": "Remove the key."})


def _named(value: Any) -> Any:
    """Take a bare word as the mapping that has it as its id."""
    return {"id": _text(value)} if isinstance(value, str | int | float) else value


def _path(value: Any) -> Any:
    suffix = str(value).rpartition(".")[2].lower()
    if suffix in ("csv", "xlsx", "parquet"):
        return value
    message = "only csv, xlsx and parquet files are read in this version."
    raise PydanticCustomError("evalkit", message, {"next_step": "Save the table as one of these."})


Text = Annotated[str, BeforeValidator(_text), Field(min_length=1)]
Id = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$"), BeforeValidator(_text)]
Span = Annotated[
    Duration,
    BeforeValidator(_duration, json_schema_input_type=str),
    PlainSerializer(str, return_type=str),
]
Day = Annotated[datetime.date, Field(ge=datetime.date(1900, 1, 1), le=datetime.date(2199, 12, 31))]
Later = Annotated[None, BeforeValidator(_later)]
DataFile = Annotated[str, BeforeValidator(_path)]
Direction = Literal["lower", "higher", "ambiguous"]


class Part(BaseModel):
    """A block of the declaration: closed to unknown keys, and frozen."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, populate_by_name=True, hide_input_in_errors=True,
        arbitrary_types_allowed=True, strict=True,
    )  # fmt: skip


class Programme(Part):
    """The programme that is evaluated."""

    name: Text
    summary: str = ""
    start: Day | None = None


class Table(Part):
    """A table of data: a csv, xlsx or parquet file beside the evaluation."""

    file: DataFile
    sheet: str | None = None


class People(Table):
    """One row a person: person, and where they apply family, role, arm, site, age and others."""


class Responses(Table):
    """Item answers to one measure: person, wave, informant, and one column an item."""

    measure: Text
    informant: Text | None = Field(
        default=None, description="who answered, where no column says so"
    )
    items: dict[Text, Text] | None = Field(default=None, description="item number: column name")
    missing_codes: dict[Text, Text] = Field(default_factory=dict, description="code: why missing")


class Scores(Table):
    """Scores worked out elsewhere, one column a wave (wide) or one row a wave (long)."""

    measure: Text
    scale: Text = "total"
    shape: Literal["wide", "long"]
    columns: dict[Text, Text] | None = Field(default=None, description="wide: wave: column name")
    value: Text = Field(default="score", description="long: the column that holds the score")
    informant: Text | None = Field(
        default=None, description="who answered, where no column says so"
    )
    missing_codes: dict[Text, Text] = Field(default_factory=dict, description="code: why missing")


class Events(Table):
    """Dated events: person or family, date, kind, and a value where there is one."""


class FlowColumns(Part):
    """The columns of the people table that say who got how far."""

    eligible: Text | None = None
    allocated_on: Text | None = None
    received: Text | None = None
    left_on: Text | None = None
    left_reason: Text | None = None
    consent: Text | None = None
    sessions: Text | None = Field(default=None, description="number of sessions attended, for dose")


class Data(Part):
    """Where the data are."""

    people: People
    as_of: Day | None = None
    responses: tuple[Responses, ...] = ()
    scores: tuple[Scores, ...] = ()
    events: Events | None = None
    flow: FlowColumns = FlowColumns()
    series: Later = None
    excerpts: Later = None
    costs: Later = None


class Wave(Part):
    """A point of measurement, due so long after allocation, give or take the window."""

    id: Id
    due: Span
    window: Span = Duration(0, "day")


class Needs(Part):
    """The baseline profile kept as the benchmark later waves are compared with."""

    by: tuple[Text, ...] = ("role",)


class Indicator(Part):
    """A rate counted from events."""

    id: Id
    name: str | None = None
    source: Literal["events"] = Field(default="events", alias="from")
    kind: Text
    unit: Literal["person", "family"] = "family"
    window: Span
    exposure: Literal["days-at-risk"] = "days-at-risk"
    direction: Direction = "ambiguous"


class Node(Part):
    """An input or an impact of the logic model."""

    id: Id
    name: Text


class Dose(Part):
    """How much is offered, and the least that counts as having received it."""

    offered: int = Field(ge=1, le=10_000)
    minimum: int = Field(ge=0, le=10_000)


class Activity(Node):
    """Something the programme does, and for whom."""

    roles: tuple[Text, ...] = Field(default=(), alias="for")
    dose: Dose | None = None


class Output(Node):
    """What an activity leaves behind."""

    source: Text | None = Field(default=None, alias="from")


class OutcomeMeasure(Part):
    """The measure, scale and informants that show an outcome."""

    id: Text
    scale: Text | None = None
    informants: tuple[Text, ...] = ()


class Expected(Part):
    """The change that is expected, on the measure's own scale, and why."""

    change: float
    source: str = ""


class Outcome(Node):
    """A change that the programme aims for, and how it is measured."""

    role: Text
    unit: Literal["person"] = "person"
    measure: Annotated[
        OutcomeMeasure | None,
        BeforeValidator(_named, json_schema_input_type=OutcomeMeasure | Literal["none"] | None),
    ] = Field(
        default=None, description="none: no adequate instrument exists, and the report says so"
    )
    indicator: Text | None = None
    direction: Direction | None = None
    expected: Expected | None = None
    when: tuple[Text, ...] = ()
    term: Literal["short", "medium", "long"] | None = None
    level: Literal["individual", "relationship", "community", "society"] | None = None
    covers: tuple[Text, ...] = Field(
        default=(), description="domains of frameworks that this outcome covers: FRAMEWORK/DOMAIN"
    )


class Link(Part):
    """A step of the theory: this leads to that, because."""

    start: Text = Field(alias="from")
    end: Text = Field(alias="to")
    because: str = ""
    assumes: tuple[str, ...] = ()
    evidence: str = ""
    kind: Literal["change-in-those-who-harm", "safety", "wellbeing", "sustainment"] | None = None


class Harm(Part):
    """Something that could get worse, and what is watched for it."""

    id: Id
    name: Text
    watch: Text
    direction: Literal["lower", "higher"]


class LogicModelPart(Part):
    """The theory of change as typed nodes and links."""

    inputs: tuple[Node, ...] = ()
    activities: tuple[Activity, ...] = ()
    outputs: tuple[Output, ...] = ()
    outcomes: Annotated[tuple[Outcome, ...], Field(min_length=1)]
    impacts: tuple[Node, ...] = ()
    links: tuple[Link, ...] = ()
    harms: tuple[Harm, ...] = ()
    frameworks: tuple[Text, ...] = Field(
        default=(), description="frameworks whose every domain should be covered by an outcome"
    )


class Arm(Part):
    """The column that says who was offered the programme, and its two values."""

    column: Text
    treated: Text
    comparison: Text


class Match(Part):
    """How comparison families were matched; in this version they come already matched."""

    unit: Literal["person", "family"] = "family"
    covariates: Annotated[tuple[Text, ...], Field(min_length=1)]
    sets: Text | None = None
    method: Later = None
    caliper: Later = None


class DesignPart(Part):
    """The comparison that shows what would have happened otherwise."""

    type: Text
    arm: Arm | None = None
    assigned_by: Literal["person", "family", "site"] = "person"
    because: str = ""
    faults: tuple[Literal["allocation", "contamination", "measurement"], ...] = ()
    match: Match | None = None
    comparison_ends: Later = None
    rollout: Later = None
    series: Later = None


class Primary(Part):
    """The one result the evaluation stands on."""

    outcome: Text
    wave: Text
    informant: Text | None = None


class Missing(Part):
    """How people without an outcome are treated."""

    primary: Literal["complete-case"] = "complete-case"
    sensitivity: Annotated[tuple[Literal["complete-case"], ...], Field(max_length=0)] = ()


class Multiplicity(Part):
    """Which p values are adjusted together, and how."""

    across: Literal["secondary", "none"] = "secondary"
    method: Literal["holm", "bh", "by"] = "holm"


class AnalysisPart(Part):
    """The analysis plan."""

    primary: Primary | None = None
    covariates: tuple[Text, ...] = ("baseline",)
    missing_baseline: Literal["exclude", "indicator"] | None = None
    missing: Missing = Missing()
    multiplicity: Multiplicity = Multiplicity()
    attrition_boundary: Literal["cautious", "optimistic"] = "cautious"


class Disclosure(Part):
    """Which counts a shareable page may show."""

    profile: Literal["strict", "open"] = "strict"
    threshold: int = Field(default=10, ge=3, le=1000)
    round_to: int = Field(default=5, ge=1, le=100)
    because: str = ""


class RolePart(Part):
    """A role in the family; `harms` marks those whose own report never stands alone.

    Left out, it follows the role's name and the links of kind change-in-those-who-harm.
    """

    id: Id
    name: str | None = None
    harms: bool | None = None


RoleEntry = Annotated[RolePart, BeforeValidator(_named, json_schema_input_type=str | RolePart)]


class Declaration(Part):
    """The whole of `evaluation.yaml`."""

    evalkit: Literal[1]
    programme: Programme
    measures: Text | None = Field(
        default=None, description="a folder beside this file with measures of your own"
    )
    data: Data
    roles: Annotated[tuple[RoleEntry, ...], Field(min_length=1)]
    waves: Annotated[tuple[Wave, ...], Field(min_length=1)]
    needs: Needs = Needs()
    indicators: tuple[Indicator, ...] = ()
    logic_model: LogicModelPart
    design: DesignPart
    analysis: AnalysisPart = AnalysisPart()
    disclosure: Disclosure = Disclosure()
    seed: int = 0


LATER_METHODS = {
    "multiple-imputation": "Use complete-case, and say so.",
    "attrition-weights": "Use complete-case, and say so.",
    "reference-based": "Use complete-case, and say so.",
    "delta": "Leave `sensitivity` empty.",
    "lee-bounds": "Leave `sensitivity` empty.",
    "impute": "Use exclude, or indicator in a randomised design.",
    "couple": "Declare the outcome for a person.",
    "romano-wolf": "Use holm, bh or by.",
    "westfall-young": "Use holm, bh or by.",
    "days-in-care": "Use days-at-risk.",
    "series": "Count from events.",
}
