"""What a user declares of the theory of change: activities, outcomes, links, harms."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from evalkit.declared_fields import Direction, Id, Part, Text, as_named


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
    at_least: float | None = Field(
        default=None, description="makes the outcome yes or no: a score of this or more"
    )
    at_most: float | None = Field(
        default=None, description="makes the outcome yes or no: a score of this or less"
    )

    @property
    def cut(self) -> bool:
        """Whether the outcome is a score on one side of a cut-off, yes or no."""
        return self.at_least is not None or self.at_most is not None


class Expected(Part):
    """The change that is expected, on the measure's own scale, and why.

    Of an outcome that is yes or no: in percentage points.
    """

    change: float
    source: str = ""


class Recruited(Part):
    """How first scores decided who came in, and how people score of whom they are some.

    With it the change that would come by itself is worked out: scores far from a mean are nearer to
    it the next time. Left out, a verified norm of the measure is used where there is one.
    """

    at_least: float | None = Field(default=None, description="came in with this score or more")
    at_most: float | None = Field(default=None, description="came in with this score or less")
    mean: float | None = Field(
        default=None, description="mean score of the people from whom they came"
    )
    sd: float | None = Field(default=None, gt=0)
    reliability: float | None = Field(
        default=None, gt=0, lt=1,
        description="correlation of two scores between which nothing changes; left out: verified ones",
    )  # fmt: skip
    source: str = Field(default="", description="who those people are, and where these are from")


class Outcome(Node):
    """A change that the programme aims for, and how it is measured."""

    role: Text
    unit: Literal["person"] = "person"
    measure: Annotated[
        OutcomeMeasure | None,
        BeforeValidator(as_named, json_schema_input_type=OutcomeMeasure | Literal["none"] | None),
    ] = Field(
        default=None, description="none: no adequate instrument exists, and the report says so"
    )
    indicator: Text | None = None
    direction: Direction | None = None
    expected: Expected | None = None
    recruited: Recruited | None = None
    when: tuple[Text, ...] = ()
    term: Literal["short", "medium", "long"] | None = None
    level: Literal["individual", "relationship", "community", "society"] | None = None
    domain: Text | None = Field(
        default=None, description="results of a domain are adjusted together where the plan says"
    )
    covers: tuple[Text, ...] = Field(
        default=(), description="domains of frameworks that this outcome covers: FRAMEWORK/DOMAIN"
    )


class Rival(Part):
    """Another explanation of what a step of the theory should bring.

    `judged` weakens: it explains some of what was seen; ruled-out: it was looked into and explains
    none of it; open: nobody can tell.
    """

    name: Text
    considered: str = Field(default="", description="how it was looked into, and what was found")
    judged: Literal["weakens", "ruled-out", "open"] = "open"


class Link(Part):
    """A step of the theory: this leads to that, because."""

    start: Text = Field(alias="from")
    end: Text = Field(alias="to")
    because: str = ""
    assumes: tuple[str, ...] = ()
    evidence: str = ""
    rivals: tuple[Rival, ...] = Field(
        default=(), description="other explanations, for what is described and not credited"
    )
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
