"""What a measure is: items, scales, bands, norms, sources and licence, as frozen records.

The records are also the shape of a measure file: a key of the file is a field of the record. The
shape is checked first, then the meaning (`evalkit.instruments.checks`), and every problem is reported
together. Item wording is part of a record only where its licence allows it: labels are short names.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from typing import Any, Literal

from evalkit.errors import InvalidContent, InvalidInput, Problem, Where, nearest
from evalkit.instruments.parts import (
    Ages,
    Answers,
    ChangeThreshold,
    Domain,
    Fact,
    Flag,
    Item,
    ItemId,
    Licence,
    Norm,
    Published,
    Reliability,
    Shape,
    Skip,
    Source,
    WorkedExample,
)
from evalkit.instruments.scale import Scale

Locate = Callable[[tuple[Hashable, ...]], Where]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure(Shape):
    """A measure as declared in its file; `citation` is the id of the source to cite.

    `kind` instrument is a questionnaire or form; score-only is one whose items may not be scored
    here, so that finished scores are taken in; indicator is counted from records; framework is a
    list of domains that an evaluation can be checked against; metadata is known but never scored.
    `respondent` is who fills it in: the person described ("self") or somebody else; `subject` is
    whom it describes. `purpose` says what it may be used for: only an outcome may be analysed as
    one. `unscored` are items kept but in no scale.
    """

    id: str
    title: str
    version: str
    construct: str
    citation: str
    respondent: Literal["self", "carer", "teacher", "practitioner", "family", "organisation"]
    licence: Licence
    sources: tuple[Source, ...]
    scales: tuple[Scale, ...] = ()
    default_scale: str = ""
    kind: Literal["instrument", "score-only", "indicator", "framework", "metadata"] = "instrument"
    subject: Literal[
        "person", "couple", "parent-and-child", "family", "organisation", "partnership"
    ] = "person"
    purpose: Literal["outcome", "screening", "risk", "profile", "process"] = "outcome"
    short_title: str = ""
    recall: Fact | None = None
    time: Fact | None = None
    ages: Ages | None = None
    prefixes: tuple[str, ...] = ()
    answers: Answers | None = None
    items: tuple[Item, ...] = ()
    item_order: Fact | None = None
    unscored: tuple[ItemId, ...] = ()
    skips: tuple[Skip, ...] = ()
    flags: tuple[Flag, ...] = ()
    default_bands: str | None = None
    norms: tuple[Norm, ...] = ()
    reliability: tuple[Reliability, ...] = ()
    change_thresholds: tuple[ChangeThreshold, ...] = ()
    domains: tuple[Domain, ...] = ()
    published: tuple[Published, ...] = ()
    examples: tuple[WorkedExample, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def score_only(self) -> bool:
        """Whether the measure takes finished scores and no item answers."""
        return not self.items

    @property
    def asked(self) -> tuple[Item, ...]:
        """The items that are always asked: all but the optional ones."""
        return tuple(item for item in self.items if not item.optional)

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

    def item(self, item_id: str) -> Item:
        """Return an item by id. Unknown ids raise InvalidInput."""
        for item in self.items:
            if item.id == item_id:
                return item
        allowed = [item.id for item in self.items]
        what = f"{self.id} has no item '{item_id}'."
        raise InvalidInput(
            str(Problem(Where(), what, ", ".join(allowed), nearest(item_id, allowed)))
        )

    def score_column(self, scale_id: str | None = None) -> str:
        """Return the column that `score` writes for a scale: `sdq_parent_4_17__total`."""
        return f"{self.column}__{self.scale(scale_id).id.replace('-', '_')}"

    def card(self) -> str:
        """Return a page of plain text: what it measures, who answers, scales, licence, sources."""
        from evalkit.instruments.card import card

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
    from evalkit.instruments.checks import meaning_problems, shape_of

    measure, problems = shape_of(data, where)
    if measure is not None:
        problems = meaning_problems(measure, where)
    if measure is None or problems:
        raise InvalidContent(sorted(problems, key=lambda problem: problem.where.line or 0))
    codes = measure.answers.codes if measure.answers else ()
    items = tuple(
        item if item.range else replace(item, codes=item.codes or codes) for item in measure.items
    )
    return replace(measure, items=items)
