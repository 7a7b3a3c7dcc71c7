"""The facts a measure file states beside its scales: sources, licence, items, norms, flags.

A key of the file is a field of the record. Every fact carries the strength of its evidence.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict

Verification = Literal["V2", "V1", "mem", "derived", "own"]
"""V2: two independent sources agree; V1: one source; mem: unverified; derived: follows by
arithmetic; own: evalkit's own definition, where no instrument lays one down."""
Sex = Literal["male", "female"]


def _as_text(value: Any) -> Any:
    """Return whole numbers as text, so that item ids may be written without quotation marks."""
    return str(value) if type(value) is int else value


def _as_pairs(value: Any) -> Any:
    """Return a mapping as ordered pairs, its keys as numbers where they are numbers."""
    if not isinstance(value, Mapping):
        raise ValueError("a mapping of keys (key: value)")
    return tuple((_as_number(key), item) for key, item in value.items())


def _as_named(value: Any) -> Any:
    """Return a mapping as ordered pairs, its keys as text."""
    if not isinstance(value, Mapping):
        raise ValueError("a mapping of keys (key: value)")
    return tuple((str(key), item) for key, item in value.items())


def _as_number(key: str) -> Any:
    try:
        return float(key) if "." in key else int(key)
    except ValueError:
        return key


def _as_ends(value: Any) -> Any:
    """Return [low, high] with a high end of null as without end."""
    if isinstance(value, list) and len(value) == 2:
        return (value[0], math.inf if value[1] is None else value[1])
    return value


ItemId = Annotated[str, BeforeValidator(_as_text)]
Number = int | float
Codes = Annotated[tuple[tuple[Number, str], ...], BeforeValidator(_as_pairs)]
Table = Annotated[tuple[tuple[float, float], ...], BeforeValidator(_as_pairs)]
ScorePairs = Annotated[tuple[tuple[str, float | None], ...], BeforeValidator(_as_named)]
BandPairs = Annotated[tuple[tuple[str, str | None], ...], BeforeValidator(_as_named)]
Weights = Annotated[tuple[tuple[str, float], ...], BeforeValidator(_as_named)]
Ends = Annotated[tuple[float, float], BeforeValidator(_as_ends)]


class Shape:
    """Mixin: a file may hold these keys and no others, and no value is converted in silence."""

    __slots__ = ()
    __pydantic_config__ = ConfigDict(extra="forbid", strict=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cited(Shape):
    """A fact with the strength of its evidence and the ids of its sources."""

    verification: Verification
    sources: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source(Shape):
    """Where facts come from; `id` is what facts point to."""

    id: str
    citation: str
    doi: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact(Cited):
    """A fact in words, for example a recall period."""

    value: str

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Ages(Cited):
    """Ages in years of the people described, both ends included; None is no limit."""

    low: float | None = None
    high: float | None = None

    def __str__(self) -> str:
        if self.high is None:
            return f"{self.low:g} and over"
        return f"{self.low or 0:g} to {self.high:g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Licence(Cited):
    """Terms of use. `text_included` says whether item wording may be (and is) in the file."""

    status: Literal[
        "open", "free", "free-with-registration", "free-on-paper", "permission", "commercial",
        "unclear",
    ]  # fmt: skip
    text_included: bool
    holder: str
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers(Cited):
    """The allowed answer codes and what they stand for, in order."""

    codes: Codes


@dataclass(frozen=True, slots=True, kw_only=True)
class Item(Shape):
    """One question: its id, a short label, and what it may take.

    The answers are `codes`, or a number within `range` in steps of `step` (None: any number). An
    `optional` item belongs to a supplement that may not have been asked. `polarity` says whether a
    higher code, as printed, tells of more of something good or bad. `text` is the wording, only
    where the licence allows it.
    """

    id: ItemId
    label: str
    codes: Codes = ()
    range: Ends | None = None
    step: float | None = 1
    optional: bool = False
    polarity: Literal["positive", "negative"] | None = None
    text: str = ""

    @property
    def low(self) -> float:
        """The lowest code."""
        return self.range[0] if self.range else min(code for code, _ in self.codes)

    @property
    def high(self) -> float:
        """The highest code; infinity where there is no limit."""
        return self.range[1] if self.range else max(code for code, _ in self.codes)

    @property
    def column(self) -> str:
        """The id as the end of a column name."""
        return self.id.replace("-", "_")

    @property
    def allowed(self) -> str:
        """What may be answered, in words."""
        if self.range is None:
            return ", ".join(f"{code:g}" for code, _ in self.codes)
        kinds: dict[float | None, str] = {1: "a whole number", None: "a number"}
        kind = kinds.get(self.step, f"a number in steps of {self.step}")
        end = "up" if math.isinf(self.high) else f"to {self.high:g}"
        return f"{kind} from {self.low:g} {end}"

    def takes(self, value: float) -> bool:
        """Whether a number is an allowed answer."""
        if self.range is None:
            return any(value == code for code, _ in self.codes)
        if not self.low <= value <= self.high or math.isinf(value):
            return False
        return self.step is None or (value - self.low) % self.step == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Skip(Cited):
    """Questions passed over: where every item of `when` is answered `at_most` or `below` this,
    `items` count as `value` (None: as not answered), those left blank or, with `also_answered`, all.
    """

    when: tuple[ItemId, ...]
    at_most: float | None = None
    below: float | None = None
    items: tuple[ItemId, ...]
    value: float | None
    also_answered: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Norm(Cited):
    """Mean and standard deviation of a scale in a population; `n` is its whole sample.

    `sex`, `ages` and `grades` (US school grades) say to whom it applies, both ends included. `group`
    says whether these are people in need of help (clinical) or not (functional): with a pair of
    them a change can be counted as recovery.
    """

    scale: str
    population: str
    mean: float
    sd: float | None = None
    n: int | None = None
    sex: Sex | None = None
    ages: tuple[float, float] | None = None
    grades: tuple[int, int] | None = None
    group: Literal["clinical", "functional"] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reliability(Cited):
    """A published reliability; `scale` None where the figure is a mean over scales."""

    kind: Literal["alpha", "omega", "retest", "inter-rater", "inter-informant"]
    value: float
    scale: str | None = None
    n: int | None = None
    population: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeThreshold(Cited):
    """A published amount of change on a scale, as a named variant; none is used unless named."""

    id: str
    scale: str
    kind: Literal["reliable", "important"]
    points: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag(Cited):
    """What must be seen beside the scores, whatever the total.

    `kind` safeguarding must reach a person; screening is a published cut-off, no diagnosis; caution
    doubts the answers. It is raised where any of `items`, or the score of `scale`, is `at_least`,
    `above`, `at_most` or `below` the number (exactly one of them). `possible` names a scale that
    holds the highest the score could still be: where only that reaches the number, the flag is
    undetermined. A flag tagged mem is raised for safeguarding only.
    """

    id: str
    kind: Literal["safeguarding", "screening", "caution"]
    says: str
    items: tuple[ItemId, ...] = ()
    scale: str | None = None
    possible: str | None = None
    sex: Sex | None = None
    at_least: float | None = None
    above: float | None = None
    at_most: float | None = None
    below: float | None = None

    @property
    def limit(self) -> tuple[str, float]:
        """The comparison and its number."""
        named = {"at_least": self.at_least, "above": self.above, "at_most": self.at_most,
                 "below": self.below}  # fmt: skip
        return next((name, value) for name, value in named.items() if value is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain(Cited):
    """A domain of a framework, with its parts; an evaluation may say which outcomes cover it."""

    id: str
    title: str
    parts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Published(Cited):
    """A table as it was published, kept as data; `differences` lists where it contradicts itself."""

    id: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str | Number | None, ...], ...]
    differences: tuple[str, ...] = ()

    def to_frame(self) -> Any:
        """Return the table as a pandas frame."""
        import pandas as pd

        return pd.DataFrame(list(self.rows), columns=list(self.columns))


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkedExample(Cited):
    """Answers in item order (None is missing) and the scores, bands and flags they must give.

    Answers are those of all items, or of all but the optional ones. `sex` and `grade` are of the
    person, where bands or norms need them. `flags` None means that they are not looked at.
    """

    title: str
    answers: tuple[float | None, ...]
    scores: ScorePairs
    bands: BandPairs = ()
    system: str | None = None
    sex: Sex | None = None
    grade: int | None = None
    flags: tuple[str, ...] | None = None
