"""Designs as data: what each needs, estimates, checks, and may claim at best."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from evalkit.errors import InvalidContent, Problem, Where
from evalkit.shapes import as_tuples, problems_from


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Need(_Part):
    """Something the declaration or the data must hold for this design."""

    key: str
    why: str


class DesignCheck(_Part):
    """A check by name, with the thresholds it is held to and where they come from.

    `lowers_to` is the level that a result has at most where the check is not passed, and `lift` what
    would raise it, for checks of which the rule of levels says nothing of its own.
    """

    check: str
    why: str
    thresholds: dict[str, float] = Field(default_factory=dict)
    citation: str
    verification: Literal["V2", "V1", "mem", "derived"]
    lowers_to: int | None = Field(default=None, ge=1, le=4)
    lift: str = ""


class Threat(_Part):
    """A way in which a result of this design can be wrong."""

    name: str
    sentence: str


class Intercurrent(_Part):
    """What becomes of an outcome when something happens after the start, unless a plan says else."""

    event: str
    strategy: Literal[
        "treatment-policy", "hypothetical", "while-on-treatment", "composite", "principal-stratum"
    ]
    why: str


class OriginalCeiling(_Part):
    """The ceiling under the scale as first published."""

    convention: str
    level: int
    verification: Literal["V2", "V1", "mem", "derived"]


class Claims(_Part):
    """What may be said at this design's best, in plain words."""

    may: str
    may_not: str


class Design(_Part):
    """One design: the record that the analysis, the rating and the wording all read.

    `estimators` may answer the question, the first unless a plan names another; `beside` are the
    further analyses that a plan may ask for. `data` says whether people are followed or series of
    areas; `assumptions` are what must hold for a difference to be an effect, in plain words.
    """

    id: str
    name: str
    plain: str
    needs: tuple[Need, ...]
    randomised: bool
    comparison_group: bool
    data: Literal["people", "series"] = "people"
    asks: Literal["difference", "change", "norm", "level"] | None = None
    estimand: str
    estimand_plain: str
    intercurrent: tuple[Intercurrent, ...] = ()
    estimators: tuple[str, ...]
    beside: tuple[str, ...] = ()
    assigned_by: tuple[Literal["person", "family", "site"], ...] = ("person", "family", "site")
    programmes: Literal["one", "several"] = "one"
    within_sites: bool = False
    standardised_by: Literal["ATT", "ATE"]
    checks: tuple[DesignCheck, ...]
    ceiling: int
    ceiling_reason: str
    original: OriginalCeiling
    assumptions: tuple[str, ...] = ()
    threats: tuple[Threat, ...]
    claims: Claims
    sources: tuple[str, ...]

    @property
    def question(self) -> Literal["difference", "change", "norm", "level"]:
        """What a result is: a difference of arms, a change, a distance from a norm, or a level."""
        return self.asks or ("difference" if self.comparison_group else "change")

    def check(self, name: str) -> DesignCheck | None:
        """Return the settings of a check this design asks for, or None."""
        return next((check for check in self.checks if check.check == name), None)


def build_design(
    data: Mapping[str, Any] | None, where: Callable[[tuple[Hashable, ...]], Where]
) -> Design:
    """Build a design from a parsed file, or raise InvalidContent with every problem."""
    try:
        return Design.model_validate(as_tuples(data or {}))
    except ValidationError as error:
        problems: list[Problem] = problems_from(error, Design, where)
        raise InvalidContent(problems) from None


REFUSED_DESIGNS = {
    "cross-over": "a family cannot be returned to where it was before a programme: what is learnt in "
    "the first period is carried into the second, so the periods cannot be compared",
}
"""Designs that will not come, and why."""
