"""What a measure is: items, scales, bands, norms, sources and licence, as frozen records.

The records are also the shape of a measure file: a key of the file is a field of the record. The
shape is checked first, then the meaning (`evalkit.measure_checks`), and every problem is reported
together. Item wording is never part of a record: labels are short names.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict

from evalkit.errors import InvalidContent, InvalidInput, Problem, Where, nearest

Locate = Callable[[tuple[Hashable, ...]], Where]
Verification = Literal["V2", "V1", "mem", "derived"]
"""V2: two independent sources agree; V1: one source; mem: unverified; derived: arithmetic."""
Method = Literal["sum", "prorated-sum", "sum-of-scales", "table", "given"]


def _as_text(value: Any) -> Any:
    """Return whole numbers as text, so that item ids may be written without quotation marks."""
    return str(value) if type(value) is int else value


def _as_pairs(value: Any) -> Any:
    """Return a mapping as ordered pairs, its keys as numbers where they are numbers."""
    if not isinstance(value, Mapping):
        raise ValueError("a mapping of keys (key: value)")
    return tuple((_as_number(key), item) for key, item in value.items())


def _as_number(key: str) -> Any:
    try:
        return float(key) if "." in key else int(key)
    except ValueError:
        return key


ItemId = Annotated[str, BeforeValidator(_as_text)]
Codes = Annotated[tuple[tuple[int, str], ...], BeforeValidator(_as_pairs)]
Table = Annotated[tuple[tuple[float, float], ...], BeforeValidator(_as_pairs)]
ScorePairs = Annotated[tuple[tuple[str, float | None], ...], BeforeValidator(_as_pairs)]
BandPairs = Annotated[tuple[tuple[str, str | None], ...], BeforeValidator(_as_pairs)]


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
        "open", "free", "free-with-registration", "free-on-paper", "permission", "commercial"
    ]
    text_included: bool
    holder: str
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers(Cited):
    """The allowed answer codes and what they stand for, in order."""

    codes: Codes


@dataclass(frozen=True, slots=True, kw_only=True)
class Item(Shape):
    """One question: its number as text, a short label, and the codes it may take."""

    id: ItemId
    label: str
    codes: Codes = ()

    @property
    def low(self) -> int:
        """The lowest code."""
        return min(code for code, _ in self.codes)

    @property
    def high(self) -> int:
        """The highest code."""
        return max(code for code, _ in self.codes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing(Cited):
    """What happens when items are missing: all are needed, or the answered ones are scaled up."""

    rule: Literal["complete", "prorate"]
    min_answered: int | None = None
    rounding: Literal["half-up", "none"] = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Band(Shape):
    """A named part of a range. Both ends are included where scores go in steps; otherwise the
    upper end belongs to the next band, save at the top of the range."""

    label: str
    range: tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class BandSystem(Cited):
    """Bands that together cover a scale's range, under the name of their system."""

    system: str
    bands: tuple[Band, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale(Cited):
    """One score: how it is made, its range, step and direction, missing rule and bands.

    `items` are item ids and `reverse` those of them scored low + high - x; `of` are the scales it
    is made from; `table` pairs a score of `of[0]` with this score. `step` is None where scores
    are not evenly spaced. `higher_is` says what a higher score means for the person.
    """

    id: str
    title: str
    method: Method
    range: tuple[float, float]
    step: float | None = 1
    higher_is: Literal["better", "worse", "neither"]
    items: tuple[ItemId, ...] = ()
    reverse: tuple[ItemId, ...] = ()
    of: tuple[str, ...] = ()
    table: Table = ()
    missing: Missing | None = None
    band_systems: tuple[BandSystem, ...] = ()

    @property
    def low(self) -> float:
        """The lowest possible score."""
        return self.range[0]

    @property
    def high(self) -> float:
        """The highest possible score."""
        return self.range[1]

    @property
    def higher_is_better(self) -> bool | None:
        """True or False, or None where a higher score is neither better nor worse."""
        return None if self.higher_is == "neither" else self.higher_is == "better"

    def band_system(self, system: str) -> BandSystem | None:
        """Return the bands of this system, or None where the scale has none."""
        return next((found for found in self.band_systems if found.system == system), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Norm(Cited):
    """Mean and standard deviation of a scale in a population; `n` is its whole sample."""

    scale: str
    population: str
    mean: float
    sd: float | None = None
    n: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reliability(Cited):
    """A published reliability; `scale` None where the figure is a mean over scales."""

    kind: Literal["alpha", "omega", "retest", "inter-rater"]
    value: float
    scale: str | None = None
    n: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkedExample(Cited):
    """Answers in item order (None is missing) and the scores and bands they must give."""

    title: str
    answers: tuple[float | None, ...]
    scores: ScorePairs
    bands: BandPairs = ()
    system: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure(Shape):
    """A measure as declared in its file; `citation` is the id of the source to cite.

    `respondent` is who fills it in: the person described ("self") or somebody else. A measure
    without items is scored elsewhere and only its scores are taken in.
    """

    id: str
    title: str
    version: str
    construct: str
    citation: str
    respondent: Literal["self", "carer", "teacher", "practitioner", "family", "organisation"]
    licence: Licence
    sources: tuple[Source, ...]
    scales: tuple[Scale, ...]
    default_scale: str
    short_title: str = ""
    recall: Fact | None = None
    time: Fact | None = None
    ages: Ages | None = None
    prefixes: tuple[str, ...] = ()
    answers: Answers | None = None
    items: tuple[Item, ...] = ()
    default_bands: str | None = None
    norms: tuple[Norm, ...] = ()
    reliability: tuple[Reliability, ...] = ()
    examples: tuple[WorkedExample, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def score_only(self) -> bool:
        """Whether the measure takes finished scores and no item answers."""
        return not self.items

    @property
    def column(self) -> str:
        """The measure's id as the start of a column name: `sdq_parent_4_17`."""
        return self.id.replace("-", "_")

    @property
    def name(self) -> str:
        """The short title where there is one, else the title."""
        return self.short_title or self.title

    @property
    def reference(self) -> str:
        """The citation in full."""
        return next(source.citation for source in self.sources if source.id == self.citation)

    @property
    def systems(self) -> tuple[str, ...]:
        """The ids of the band systems of all scales, in the order of the file."""
        found = [system.system for scale in self.scales for system in scale.band_systems]
        return tuple(dict.fromkeys(found))

    def scale(self, scale_id: str | None = None) -> Scale:
        """Return a scale by id (None: the default scale). Unknown ids raise InvalidInput."""
        wanted = scale_id or self.default_scale
        for scale in self.scales:
            if scale.id == wanted:
                return scale
        allowed = [scale.id for scale in self.scales]
        what = f"{self.id} has no scale '{wanted}'."
        raise InvalidInput(
            str(Problem(Where(), what, ", ".join(allowed), nearest(wanted, allowed)))
        )

    def score_column(self, scale_id: str | None = None) -> str:
        """Return the column that `score` writes for a scale: `sdq_parent_4_17__total`."""
        return f"{self.column}__{self.scale(scale_id).id.replace('-', '_')}"

    def card(self) -> str:
        """Return a page of plain text: what it measures, who answers, scales, licence, sources."""
        from evalkit.measure_card import card

        return card(self)


def build_measure(data: Any, where: Locate) -> Measure:
    """Build a measure from the parsed contents of its file.

    Parameters
    ----------
    data : mapping with the keys of `Measure`.
    where : gives the place (file, line, key) of a path into `data`.

    Raises
    ------
    InvalidContent : once, holding every problem of shape, or else every problem of meaning.
    """
    from evalkit.measure_checks import meaning_problems, shape_of

    measure, problems = shape_of(data, where)
    if measure is not None:
        problems = meaning_problems(measure, where)
    if measure is None or problems:
        raise InvalidContent(sorted(problems, key=lambda problem: problem.where.line or 0))
    codes = measure.answers.codes if measure.answers else ()
    items = tuple(replace(item, codes=item.codes or codes) for item in measure.items)
    return replace(measure, items=items)
