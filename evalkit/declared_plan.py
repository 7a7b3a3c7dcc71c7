"""What a user declares of the design and of the analysis plan."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from evalkit.declared_fields import Id, Later, Part, Span, Text


def _listed(value: Any) -> Any:
    return (value,) if isinstance(value, str | int | float) else value


Strategy = Literal[
    "treatment-policy", "hypothetical", "while-on-treatment", "composite", "principal-stratum"
]


class Arm(Part):
    """The column that says who was offered what; `treated` lists several programmes."""

    column: Text
    treated: Text | Annotated[tuple[Text, ...], Field(min_length=1)]
    comparison: Text

    @property
    def programmes(self) -> tuple[str, ...]:
        """The values of those offered a programme, one or several."""
        return (self.treated,) if isinstance(self.treated, str) else self.treated


class IntercurrentEvent(Part):
    """Something that happens after the start and bears on what an outcome means (ICH E9 R1)."""

    id: Id
    name: Text | None = None
    strategy: Strategy = "treatment-policy"
    on: Text | None = Field(
        default=None, description="the column of the people table with the day it happened"
    )
    because: str = ""


class Match(Part):
    """How comparison families were matched; in this version they come already matched."""

    unit: Literal["person", "family"] = "family"
    covariates: Annotated[tuple[Text, ...], Field(min_length=1)]
    sets: Text | None = None
    method: Later = None
    caliper: Later = None


class Rollout(Part):
    """When each site starts, and the length of the calendar periods that are compared."""

    starts: Text = Field(description="the column of the people table with the day the site starts")
    period: Span


class Minimise(Part):
    """How the arms were kept alike while people were enrolled (Pocock and Simon 1975)."""

    by: Annotated[tuple[Text, ...], Field(min_length=1)] = Field(
        description="columns of the people table that were balanced"
    )
    probability: float = Field(
        default=0.8, gt=0.5, le=1, description="chance of the arm that leaves the least imbalance"
    )
    order: Text | None = Field(
        default=None, description="column by which people were enrolled; else the order of the rows"
    )


class DesignPart(Part):
    """The comparison that shows what would have happened otherwise."""

    type: Text
    arm: Arm | None = None
    assigned_by: Literal["person", "family", "site"] = "person"
    because: str = ""
    faults: tuple[Literal["allocation", "contamination", "measurement"], ...] = ()
    strata: Annotated[
        tuple[Text, ...], BeforeValidator(_listed, json_schema_input_type=str | list[str])
    ] = Field(default=(), description="columns of the strata or blocks randomised within")
    minimise: Minimise | None = None
    groups: Text | None = Field(
        default=None, description="the column of the groups that the programme is given in"
    )
    events: tuple[IntercurrentEvent, ...] = Field(
        default=(), description="intercurrent events and how each is dealt with"
    )
    match: Match | None = None
    comparison_ends: Text | None = Field(
        default=None, description="waiting list: the wave at which the comparison enters"
    )
    rollout: Rollout | None = None
    series: Later = None


class Primary(Part):
    """The one result the evaluation stands on."""

    outcome: Text
    wave: Text
    informant: Text | None = None


MissingMethod = Literal[
    "complete-case", "multiple-imputation", "attrition-weights", "reference-based", "delta",
    "lee-bounds", "worst-case",
]  # fmt: skip
ReferenceStrategy = Literal["MAR", "J2R", "CR", "CIR", "LMCF"]


class Missing(Part):
    """How people without an outcome are treated, and what is asked beside the result.

    Where more than one in twenty is lost and nothing is declared, multiple imputation is shown
    beside the result all the same, marked as added.
    """

    primary: Literal["complete-case", "multiple-imputation", "attrition-weights"] = "complete-case"
    sensitivity: tuple[MissingMethod, ...] = ()
    auxiliary: tuple[Text, ...] = Field(
        default=(),
        description="columns of the people table, known at the start, that say who is lost",
    )
    imputations: int | None = Field(
        default=None,
        ge=2,
        le=500,
        description="left out: 20, and more where the share of missing information asks for it",
    )
    strategies: Annotated[tuple[ReferenceStrategy, ...], Field(min_length=1)] = Field(
        default=("J2R", "CR", "CIR"), description="reference-based: what the lost are taken to do"
    )
    not_due: tuple[Text, ...] = Field(
        default=(),
        description="reasons for which nobody was to be asked: not due, and not counted as lost",
    )


class Multiplicity(Part):
    """Which p values are adjusted together, and how."""

    across: Literal["secondary", "none"] = "secondary"
    within: Literal["all", "domain"] = Field(
        default="all", description="all together, or apart by domain of the logic model"
    )
    method: Literal["holm", "bh", "by", "westfall-young", "romano-wolf"] = "holm"


class Subgroup(Part):
    """A group or trait by which the effect may differ, said before the data are seen."""

    by: Text
    because: str = Field(default="", description="why the effect should differ; planned ones only")
    exploratory: bool = False


class Looks(Part):
    """Planned looks at the primary result while the trial runs."""

    information: Annotated[tuple[float, ...], Field(min_length=1)] = Field(
        description="the share of the planned information at each look, rising to 1"
    )
    now: int = Field(ge=1, description="which look this is, counted from 1")
    spending: Literal["obrien-fleming", "pocock"] = "obrien-fleming"
    harm_alpha: float = Field(
        default=0.05, gt=0, lt=0.5, description="one-sided chance of a false alarm of harm"
    )


class AnalysisPart(Part):
    """The analysis plan."""

    primary: Primary | None = None
    covariates: tuple[Text, ...] = ("baseline",)
    estimator: Text | None = Field(default=None, description="left out: the first of the design's")
    beside: tuple[Text, ...] = Field(
        default=(), description="other analyses of the same results, shown beside them"
    )
    subgroups: tuple[Subgroup, ...] = ()
    looks: Looks | None = None
    missing_baseline: Literal["exclude", "indicator", "impute"] | None = None
    missing: Missing = Missing()
    multiplicity: Multiplicity = Multiplicity()
    attrition_boundary: Literal["cautious", "optimistic"] = "cautious"
