"""What a user writes in `evaluation.yaml`, key by key; the JSON Schema comes from these models."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from evalkit.declared_fields import (
    DataFile,
    Day,
    Direction,
    Id,
    Later,
    Part,
    Point,
    Span,
    Text,
    as_named,
)
from evalkit.declared_plan import AnalysisPart, DesignPart
from evalkit.declared_theory import LogicModelPart
from evalkit.durations import Duration


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
    seconds: Text | None = Field(
        default=None, description="the column that says how many seconds an answer took"
    )
    informant: Text | None = Field(
        default=None, description="who answered, where no column says so"
    )
    items: dict[Text, Text] | None = Field(default=None, description="item number: column name")
    missing_codes: dict[Text, Text] = Field(default_factory=dict, description="code: why missing")
    introduced: Day | None = Field(
        default=None,
        description="the day the measure came into use, where that was after the start",
    )


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
    introduced: Day | None = Field(
        default=None,
        description="the day the measure came into use, where that was after the start",
    )


class Events(Table):
    """Dated events: person or family, date, kind, and a value where there is one."""


class SeriesTable(Table):
    """Series of areas: unit, period, indicator, value, and a denominator where there is one."""


class FlowColumns(Part):
    """The columns of the people table that say who got how far."""

    eligible: Text | None = None
    allocated_on: Text | None = None
    received: Text | None = None
    not_received_reason: Text | None = Field(
        default=None, description="why somebody did not receive what they were allocated to"
    )
    left_on: Text | None = None
    left_reason: Text | None = None
    consent: Text | None = None
    sessions: Text | None = Field(default=None, description="number of sessions attended, for dose")


class Data(Part):
    """Where the data are."""

    people: People | None = Field(
        default=None, description="left out in designs that rest on series of areas alone"
    )
    as_of: Day | None = None
    responses: tuple[Responses, ...] = ()
    scores: tuple[Scores, ...] = ()
    events: Events | None = None
    flow: FlowColumns = FlowColumns()
    series: SeriesTable | None = None
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


class Per(Part):
    """What a rate is stated for: so many people of a population or households, or so much time."""

    count: float = Field(gt=0, le=1e9)
    of: Literal["population", "households", "person-days", "person-months", "person-years"] = (
        "population"
    )


class RecordingBreak(Part):
    """A day (or numbered period) from which something was recorded by other rules."""

    on: Point
    why: Text


class Indicator(Part):
    """A rate counted from events, or a series of areas.

    From events: `kind`, `window`, `unit` person or family. From series: `unit` area or site, `per`
    where the table has denominators, `season` (periods in a year, 12 for months) and `breaks`.
    """

    id: Id
    name: str | None = None
    source: Literal["events", "series"] = Field(default="events", alias="from")
    kind: Text = ""
    unit: Literal["person", "family", "area", "site"] = "family"
    window: Span = Duration(0, "day")
    exposure: Literal["days-at-risk"] = "days-at-risk"
    direction: Direction = "ambiguous"
    per: Per | None = None
    season: int | None = Field(default=None, ge=2, le=366, description="periods in a year")
    harmonics: int | None = Field(
        default=None, ge=1, le=6, description="waves a year, instead of a level of each season"
    )
    breaks: tuple[RecordingBreak, ...] = ()


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


RoleEntry = Annotated[RolePart, BeforeValidator(as_named, json_schema_input_type=str | RolePart)]


class Declaration(Part):
    """The whole of `evaluation.yaml`."""

    evalkit: Literal[1]
    programme: Programme
    measures: Text | None = Field(
        default=None, description="a folder beside this file with measures of your own"
    )
    data: Data
    roles: Annotated[tuple[RoleEntry, ...], Field(min_length=1)]
    waves: Annotated[tuple[Wave, ...], Field(min_length=1)] = (
        Wave(id="baseline", due=Duration(0, "week")),
    )
    needs: Needs = Needs()
    indicators: tuple[Indicator, ...] = ()
    logic_model: LogicModelPart
    design: DesignPart
    analysis: AnalysisPart = AnalysisPart()
    disclosure: Disclosure = Disclosure()
    seed: int = 0

    @property
    def counted(self) -> tuple[Indicator, ...]:
        """The indicators that are counted from events."""
        return tuple(item for item in self.indicators if item.source == "events")

    @property
    def traced(self) -> tuple[Indicator, ...]:
        """The indicators that are series of areas."""
        return tuple(item for item in self.indicators if item.source == "series")


LATER_METHODS = {
    "couple": "Declare the outcome for a person.",
    "days-in-care": "Use days-at-risk.",
}
