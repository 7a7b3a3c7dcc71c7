"""What a user declares of hidden differences between the groups."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from evalkit.declared_fields import Part, Text

BiasAnalysis = Literal[
    "robustness-value", "e-value", "rosenbaum-bounds", "oster", "negative-controls",
    "placebo-wave", "placebo-group", "leave-one-site-out", "leave-one-covariate-out",
    "specifications", "joint-tipping",
]  # fmt: skip


class Specifications(Part):
    """The choices that a plan could have made otherwise; every combination is worked out.

    What is left out is as the plan has it.
    """

    covariates: tuple[tuple[Text, ...], ...] = Field(
        default=(), description="sets of covariates; [] adjusts for nothing"
    )
    estimators: tuple[Text, ...] = ()
    missing: tuple[Literal["complete-case", "multiple-imputation"], ...] = ()
    weights: tuple[Literal["none", "sets"], ...] = Field(
        default=(),
        description="none: everybody counts once; sets: comparisons count as the programme of their set",
    )


class HiddenBiasPart(Part):
    """What is asked about factors that nobody measured.

    Where the design is not randomised everything that applies is asked unless a list is given.
    """

    asked: Annotated[tuple[BiasAnalysis, ...], Field(min_length=1)] | None = None
    benchmarks: tuple[Text, ...] = Field(
        default=(),
        description="covariates a hidden factor is compared with; left out: all of them",
    )
    strengths: Annotated[tuple[float, ...], Field(min_length=1)] = Field(
        default=(1.0, 2.0, 3.0), description="how many times as strong as a covariate"
    )
    negative_controls: tuple[Text, ...] = Field(
        default=(),
        description="outcomes, or columns of the people table, that the programme cannot have changed",
    )
    placebo_wave: Text | None = Field(
        default=None, description="a wave before anything was given; left out: the first scores"
    )
    placebo_group: Text | None = Field(
        default=None, description="the column by which the comparison is split into two halves"
    )
    specifications: Specifications | None = None
