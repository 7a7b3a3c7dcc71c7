"""A scale as data: what it is made from, how, its missing rule, rounding, range and bands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from evalkit.instruments.parts import Cited, Ends, ItemId, ScorePairs, Sex, Shape, Table, Weights

Method = Literal[
    "sum", "mean", "weighted", "count", "max", "ratio", "sum-of-scales", "table", "criteria",
    "cases", "t-score", "given",
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing(Cited):
    """What happens when items are missing.

    complete: no score. prorate: the mean of the answered stands in, where at least `min_answered`
    are answered and, of all the measure's items, at least `to_prorate_overall`. Without
    `min_answered_overall` of them a form gives no score, complete though the scale be. as-lowest, as-highest: a
    blank counts as the answer that adds least or most, where at least `min_answered` are answered.
    `needs` are items without which there is no score under any rule.
    `origin` is local where a user of the measure, not its author, laid the rule down.
    """

    rule: Literal["complete", "prorate", "as-lowest", "as-highest"]
    min_answered: int | None = None
    min_answered_overall: int | None = None
    to_prorate_overall: int | None = None
    needs: tuple[ItemId, ...] = ()
    origin: Literal["author", "local"] = "author"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rounding(Cited):
    """How a score is rounded: halves go up, never to even."""

    rule: Literal["half-up"]
    decimals: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Band(Shape):
    """A named part of a range. Both ends are included where scores go in steps; otherwise the
    upper end belongs to the next band, save at the top of the range."""

    label: str
    range: Ends


@dataclass(frozen=True, slots=True, kw_only=True)
class BandSystem(Cited):
    """Bands that together cover a scale's range, under the name of their system.

    `sex` and `ages` (both ends included) say to whom they apply; several entries may share a name.
    """

    system: str
    bands: tuple[Band, ...]
    sex: Sex | None = None
    ages: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion(Shape):
    """Met where at least `count` of the `items` (or of the scales `of`) are at least `at_least`.

    `at_least_for` gives other limits for single items; `at_most` bounds from above. What is not
    answered can neither meet nor fail a criterion: it leaves it undetermined where it matters.
    """

    name: str
    items: tuple[ItemId, ...] = ()
    of: tuple[str, ...] = ()
    at_least: float | None = None
    at_least_for: Weights = ()
    at_most: float | None = None
    count: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Case(Shape):
    """The value of a scale where these scales have exactly these scores."""

    value: float
    when: ScorePairs


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale(Cited):
    """One score: how it is made, its range, step and direction, missing rule and bands.

    `items` are item ids; an answer is first looked up in `recode`, or turned (low + high - x) where
    the item is in `reverse`. Then, by `method`:

    sum, mean      of the items, times `times`, plus `plus`
    weighted       sum of answer x weight
    count          of items with `at_least` this (`at_least_for` gives other limits for single items)
    max            the highest
    ratio          sum of the items / sum of the items `per`, times `times`; none where that is 0
    sum-of-scales  of the scales `of`, each times its weight where `weights` names it
    table          the value of `table` for the score of the one scale in `of`
    criteria       1 where all `criteria` are met, 0 where one cannot be, else missing
    cases          the value of the one of `cases` that holds, else missing
    t-score        50 + 10 (score of `of` - mean) / sd by the norms for sex and school grade
    given          scored elsewhere

    `step` is None where scores are not evenly spaced. `higher_is` says what a higher score means
    for the person. An `ordinal` score is ordered only: never averaged.
    """

    id: str
    title: str
    method: Method
    range: Ends
    step: float | None = 1
    higher_is: Literal["better", "worse", "neither"]
    ordinal: bool = False
    items: tuple[ItemId, ...] = ()
    reverse: tuple[ItemId, ...] = ()
    recode: Table = ()
    weights: Weights = ()
    at_least: float | None = None
    at_least_for: Weights = ()
    per: tuple[ItemId, ...] = ()
    times: float = 1
    plus: float = 0
    of: tuple[str, ...] = ()
    table: Table = ()
    criteria: tuple[Criterion, ...] = ()
    cases: tuple[Case, ...] = ()
    missing: Missing | None = None
    rounding: Rounding | None = None
    band_systems: tuple[BandSystem, ...] = ()

    @property
    def low(self) -> float:
        """The lowest possible score."""
        return self.range[0]

    @property
    def high(self) -> float:
        """The highest possible score; infinity where there is no limit."""
        return self.range[1]

    @property
    def higher_is_better(self) -> bool | None:
        """True or False, or None where a higher score is neither better nor worse."""
        return None if self.higher_is == "neither" else self.higher_is == "better"

    @property
    def prorated(self) -> bool:
        """Whether blanks may be made up for by the answered items."""
        return self.missing is not None and self.missing.rule == "prorate"

    def band_system(self, system: str, sex: str | None = None) -> BandSystem | None:
        """Return the bands of this system (and sex, where they differ), or None where none fit."""
        fitting = [
            found
            for found in self.band_systems
            if found.system == system and found.sex in (None, sex)
        ]
        return fitting[0] if fitting else None
