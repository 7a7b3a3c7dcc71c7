"""What a user declares of the design and of the analysis plan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from evalkit.declared_bias import HiddenBiasPart
from evalkit.declared_fields import Id, Part, Point, Span, Starts, Text
from evalkit.durations import Duration


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
    """How comparison families are matched, once, by what was known of them before the programme.

    `sets` names a column where they come matched already; nothing else of how is declared then.
    """

    unit: Literal["person", "family"] = "family"
    covariates: Annotated[tuple[Text, ...], Field(min_length=1)]
    sets: Text | None = None
    method: Literal["nearest", "optimal", "full", "exact", "coarsened-exact", "subclass"] | None = (
        Field(default=None, description="left out: nearest")
    )
    distance: Literal["propensity", "logit", "mahalanobis"] = "propensity"
    ratio: int = Field(default=1, ge=1, le=20, description="partners of each programme unit")
    caliper: float | None = Field(
        default=None, gt=0, description="the farthest that partners may be, in SDs of the log odds"
    )
    exact: tuple[Text, ...] = Field(default=(), description="columns that partners must share")
    replace: bool = Field(default=False, description="whether a unit may be a partner again")
    order: Literal["largest", "smallest", "random", "data"] | None = Field(
        default=None, description="who chooses first, of nearest; left out: largest score"
    )
    estimand: Literal["ATT", "ATE"] = "ATT"
    subclasses: int = Field(default=6, ge=2, le=50)


class Weight(Part):
    """How the comparison is weighted to be like the programme in what was known before."""

    covariates: Annotated[tuple[Text, ...], Field(min_length=1)]
    method: Literal["propensity", "entropy", "overlap"] = "entropy"
    estimand: Literal["ATT", "ATE"] = "ATT"
    moments: int = Field(default=1, ge=1, le=3, description="entropy: means, and further moments")
    trim: float | None = Field(
        default=None, gt=0, lt=0.5, description="chances nearer to 0 or 1 than this are left out"
    )


class Cutoff(Part):
    """The score of need by which the programme was given, and where the line was drawn."""

    score: Text = Field(description="the column of the people table that holds the score")
    at: float
    treated: Literal["above", "below"] = Field(
        default="above", description="above: the programme from the cut-off on; below: up to it"
    )
    bandwidth: float | None = Field(
        default=None, gt=0, description="left out: chosen from the data (Calonico and others 2014)"
    )


class NormPart(Part):
    """A published norm that a result is set beside."""

    outcome: Text
    mean: float
    sd: float = Field(gt=0)
    n: int | None = Field(default=None, ge=2)
    source: Text


class Rollout(Part):
    """When each site or area starts.

    A stepped wedge names the column of the people table with the day a site starts, and `period`,
    the length of the calendar periods compared. A staggered roll-out of areas names a column of the
    series table, or lists the areas' starts; or it names the column that says of each period
    whether the programme ran.
    """

    starts: Starts | None = Field(
        default=None, description="a column with the start, or area: start (empty: never)"
    )
    running: Text | None = Field(
        default=None, description="instead of starts: the yes-or-no column of the series table"
    )
    period: Span | None = Field(default=None, description="stepped wedge: length of the periods")
    comparison: Literal["never", "not-yet"] | None = Field(
        default=None,
        description="areas compared with: that never start (left out), or not yet started also",
    )


@dataclass(frozen=True, slots=True)
class Wedge:
    """A stepped wedge: the column with the day a site starts, and the length of a period."""

    starts: str
    period: Duration


class SeriesPart(Part):
    """The series of areas: their unit and periods, the start, and which areas had the programme."""

    unit: Literal["area", "site"] = "area"
    period: Literal["day", "week", "month", "quarter", "year", "number"] = "month"
    start: Point | None = Field(
        default=None, description="the first period with the programme; of a roll-out: left out"
    )
    treated: Annotated[
        tuple[Text, ...], BeforeValidator(_listed, json_schema_input_type=str | list[str])
    ] = Field(default=(), description="the units that had the programme")
    comparison: Annotated[
        tuple[Text, ...], BeforeValidator(_listed, json_schema_input_type=str | list[str])
    ] = Field(default=(), description="those compared with; left out: all others")
    anticipation: int = Field(
        default=0, ge=0, le=100,
        description="periods before the start in which units may already have changed",
    )  # fmt: skip


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
    faults: tuple[Literal["allocation", "contamination", "implementation", "measurement"], ...] = (
        Field(default=(), description="what no data can show and lowers the level")
    )
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
    weight: Weight | None = None
    cutoff: Cutoff | None = None
    instrument: Text | None = Field(
        default=None, description="the yes-or-no column that nudged people into the programme"
    )
    norms: tuple[NormPart, ...] = ()
    comparison_ends: Text | None = Field(
        default=None, description="waiting list: the wave at which the comparison enters"
    )
    rollout: Rollout | None = None
    series: SeriesPart | None = None

    @property
    def wedge(self) -> Wedge | None:
        """When sites start in a stepped wedge of people; None in any other design."""
        found = self.rollout
        if found is None or found.period is None or not isinstance(found.starts, str):
            return None
        return Wedge(found.starts, found.period)


class Primary(Part):
    """The one result the evaluation stands on; `wave` is left out for a series of areas."""

    outcome: Text
    wave: Text = ""
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
    site_moderators: tuple[Text, ...] = Field(
        default=(), description="columns with one value a site, by which sites' effects may differ"
    )
    looks: Looks | None = None
    missing_baseline: Literal["exclude", "indicator", "impute"] | None = None
    missing: Missing = Missing()
    multiplicity: Multiplicity = Multiplicity()
    attrition_boundary: Literal["cautious", "optimistic"] = "cautious"
    hidden_bias: HiddenBiasPart | None = Field(
        default=None, description="what is asked about factors that nobody measured"
    )
