"""Result records: frozen, and their field names are the columns of `to_frame()`."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pandas as pd


class Record:
    """Mixin for frozen records: one row of a table whose columns are the field names."""

    __slots__ = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the fields by name, in their declared order."""
        return {item.name: getattr(self, item.name) for item in fields(self)}  # type: ignore[arg-type]

    def to_frame(self) -> pd.DataFrame:
        """Return a pandas frame with one row and one column per field."""
        return to_frame([self])


def to_frame(records: Iterable[Record]) -> pd.DataFrame:
    """Stack records of one kind into a pandas frame, one row each, in the order given."""
    import pandas as pd

    return pd.DataFrame([record.to_dict() for record in records])


Kind = TypeVar("Kind", bound=Record)


class Records(tuple[Kind, ...]):
    """Records of one kind in order: a tuple that also gives itself as a frame."""

    __slots__ = ()

    def to_frame(self) -> pd.DataFrame:
        """Return a pandas frame with one row a record and one column a field."""
        return to_frame(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate(Record):
    """One estimate with its uncertainty and its denominators.

    The first twenty-four fields are the contract shared by every estimator; what does not apply
    is None. `n_dropped` is the number of rows that came in and were not used, `dropped_why` says
    why as (reason, count) pairs that add up to it. `contrast` names the two arms where there are
    more; `unit` is "points" of the measure, "share" (0 to 1), "ratio" (1 is no difference) or "days".
    """

    outcome: str | None = None
    measure: str | None = None
    scale: str | None = None
    role: str | None = None
    informant: str | None = None
    wave: str | None = None
    term: str | None = None
    estimand: str | None = None
    estimate: float | None = None
    std_error: float | None = None
    statistic: float | None = None
    df: float | None = None
    p_value: float | None = None
    p_adjusted: float | None = None
    conf_low: float | None = None
    conf_high: float | None = None
    level: float = 0.95
    effect_size: float | None = None
    effect_low: float | None = None
    effect_high: float | None = None
    n_treatment: int | None = None
    n_comparison: int | None = None
    n_clusters: int | None = None
    n_dropped: int = 0
    method: str = ""
    dropped_why: tuple[tuple[str, int], ...] = ()
    mean_treatment: float | None = None
    mean_comparison: float | None = None
    sd_pooled: float | None = None
    notes: tuple[str, ...] = ()
    adjusted_for: tuple[str, ...] = ()
    contrast: str | None = None
    unit: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attrition(Record):
    """Loss after assignment against the What Works Clearinghouse boundaries.

    `overall` and `differential` are shares (0 to 1); `bound_cautious` and `bound_optimistic` are
    the largest differential, in percentage points, that is inside each boundary at this overall
    loss (None beyond the end of the table). `cautious` and `optimistic` are "inside" or "outside".
    `site` is None where all sites are counted together; `unit` is what is counted: "person", a whole
    "family" or "site", or a person in those that stayed.
    """

    randomised_treatment: int
    observed_treatment: int
    randomised_comparison: int
    observed_comparison: int
    loss_treatment: float
    loss_comparison: float
    overall: float
    differential: float
    bound_cautious: float | None
    bound_optimistic: float | None
    cautious: str
    optimistic: str
    outcome: str | None = None
    role: str | None = None
    informant: str | None = None
    wave: str | None = None
    contrast: str | None = None
    site: str | None = None
    unit: str = "person"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check(Record):
    """One check of how the study went: passed True, False, or None where it cannot be told.

    `sentence` holds the figures; `shareable` says the same without any, for pages where small
    numbers are hidden.
    """

    check: str
    outcome: str | None = None
    wave: str | None = None
    informant: str | None = None
    passed: bool | None = None
    value: float | None = None
    threshold: float | None = None
    sentence: str = ""
    shareable: str = ""
    citation: str = ""
    contrast: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Level(Record):
    """A Maryland level for one outcome, wave and informant (neither of a series of areas).

    `reasons` give the ceiling and what lowers the level, and `raised_by` what would lift each of
    them, in the same order; `to_reach_next` says what is needed for the next level, the cheapest
    first. `met` are the checks it passed, and `beside` those it failed that do not lower it but must
    be read with it. `original_level` is the most that the design reaches under the scale as first
    published, which `original_convention` names.
    """

    outcome: str
    wave: str | None
    informant: str | None
    convention: str
    level: int
    ceiling: int
    reasons: tuple[str, ...] = ()
    to_reach_next: tuple[str, ...] = ()
    met: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    contrast: str | None = None
    raised_by: tuple[str, ...] = ()
    original_convention: str = ""
    original_level: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding(Record):
    """What may be said of one outcome at one wave, and the caveats that go with it.

    `claim` is one of "improved", "worsened", "no-clear-change", "not-enough-information",
    "described", "own-report-only" and "not-measured"; `attributes` says whether the wording
    credits the programme.
    """

    outcome: str
    wave: str | None = None
    informant: str | None = None
    claim: str
    attributes: bool = False
    statement: str
    caveats: tuple[str, ...] = field(default=())
    primary: bool = False
    contrast: str | None = None


def by_name(pairs: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    """Return reason counts as ordered pairs, leaving out the zeros."""
    return tuple((reason, int(count)) for reason, count in pairs.items() if count)
