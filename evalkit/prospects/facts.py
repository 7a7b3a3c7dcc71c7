"""What the registry knows of a measure that a plan must respect: spread, steps, known thresholds."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING

from evalkit.errors import InvalidInput
from evalkit.results import Record
from evalkit.rounding import enough_digits, written

if TYPE_CHECKING:
    from collections.abc import Iterable

    from evalkit.instruments.parts import Norm, Reliability
    from evalkit.instruments.spec import Measure
    from evalkit.prospects.designs import Means
    from evalkit.prospects.rows import Prospect

FEW_CLUSTERS = 10
MEDIUM = 0.5
Z = 1.959963984540054
TAGS = {"mem": "not verified", "V1": "one source", "V2": "two sources", "derived": "derived"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Yardstick(Record):
    """The scale that effects are counted on.

    `sd` turns standard deviations into points (None: everything is in standard deviations) and
    `sd_source` says where it comes from. `reliable` is the change of one person that is larger than
    measurement error, by the Jacobson-Truax rule; `thresholds` the published ones, in words.
    """

    measure: str | None = None
    name: str = ""
    scale: str | None = None
    low: float | None = None
    high: float | None = None
    step: float | None = None
    sd: float | None = None
    sd_source: str = ""
    unverified: bool = False
    reliable: float | None = None
    reliable_source: str = ""
    thresholds: tuple[tuple[str, str, float], ...] = ()

    @property
    def unit(self) -> str:
        """What effects are counted in, as a heading."""
        if self.sd is None:
            return "SD"
        return f"points of {self.name}" if self.name else "points"


def yardstick(measure: Measure | None, scale: str | None, sd: float | None) -> Yardstick:
    """Return what is known of a scale; raises InvalidInput where no standard deviation is."""
    if measure is None:
        return Yardstick(sd=sd, sd_source="" if sd is None else "given by you")
    found = measure.scale(scale)
    if found.ordinal:
        raise InvalidInput(
            f"'{found.id}' of {measure.id} is ordered only: it has no mean to plan for. "
            "Choose another scale with --scale."
        )
    source, unverified = "given by you", False
    if sd is None:
        norm = _norm(measure, found.id)
        sd, unverified = norm.sd, norm.verification == "mem"
        source = f"{norm.population}, {TAGS.get(norm.verification, norm.verification)}"
    assert sd is not None
    trusted = _reliability(measure, found.id)
    reliable = None if trusted is None else Z * sqrt(2) * sd * sqrt(1 - trusted.value)
    return Yardstick(
        measure=measure.id,
        name=measure.name if len(measure.scales) == 1 else f"{measure.name}, {found.title}",
        scale=found.id,
        low=found.range[0],
        high=found.range[1],
        step=found.step,
        sd=sd,
        sd_source=source,
        unverified=unverified,
        reliable=reliable,
        reliable_source="" if trusted is None else _of_reliability(trusted),
        thresholds=tuple(
            (item.kind, f"{item.id}, {TAGS.get(item.verification, item.verification)}", item.points)
            for item in measure.change_thresholds
            if item.scale == found.id
        ),
    )


def _of_reliability(found: Reliability) -> str:
    tag = TAGS.get(found.verification, found.verification)
    return f"{found.kind} {found.value:g}, {tag}"


def _norm(measure: Measure, scale: str) -> Norm:
    """Return the norm whose people are nearest to those a programme meets: clinical, then anybody."""
    usable = [norm for norm in measure.norms if norm.scale == scale and norm.sd]
    if not usable:
        others = sorted({norm.scale for norm in measure.norms if norm.sd} - {scale})
        known = f" The registry has one for: {', '.join(others)}." if others else ""
        raise InvalidInput(
            f"The registry has no standard deviation for '{scale}' of {measure.id}.{known} Give "
            "--sd, from families like yours: last year's scores, or a published study."
        )
    return min(usable, key=lambda norm: (norm.group != "clinical", bool(norm.sex or norm.grades)))


def _reliability(measure: Measure, scale: str) -> Reliability | None:
    """Return the retest reliability of a scale, else its alpha; None where neither is known."""
    mine = [item for item in measure.reliability if item.scale == scale]
    return next((x for kind in ("retest", "alpha") for x in mine if x.kind == kind), None)


def points(yard: Yardstick, effect: float) -> str:
    """Return an effect in the measure's points, else in standard deviations."""
    if yard.sd is None:
        return f"{written(effect, 2)} SD"
    value = effect * yard.sd
    number = written(value, enough_digits([value], 1)).removesuffix(".0")
    return f"{number} point" if number == "1" else f"{number} points"


def warnings(
    means: Means, yard: Yardstick, effect: float | None, row: Prospect, rows: Iterable[Prospect]
) -> tuple[str, ...]:
    """Return what a team should be told before it relies on any number here."""
    said = [*_of_effect(yard, effect), *_of_size(means, row, rows)]
    if yard.unverified:
        said.append(
            f"The standard deviation of {yard.sd:g} ({yard.sd_source}) is written from memory. "
            "Check it, or give --sd from families like yours: all points here hang on it."
        )
    return tuple(said)


def _of_effect(yard: Yardstick, effect: float | None) -> list[str]:
    if effect is None or yard.sd is None:
        return []
    size, words = effect * yard.sd, points(yard, effect)
    said = []
    if yard.step and size < yard.step - 1e-9:
        said.append(
            f"An average effect of {words} is less than one step of the scale ({yard.step:g}): only "
            "some families would have to change, and by one step each. Ask whether that is worth it."
        )
    known = [item for item in yard.thresholds if size < item[2] - 1e-9]
    for kind, source, limit in known:
        what = (
            "published as the change of one person that is more than measurement error"
            if kind == "reliable"
            else "published as the smallest change that matters"
        )
        said.append(f"{words} is less than {limit:g} points, {what} ({source}).")
    if yard.reliable and size < yard.reliable and not any(x[0] == "reliable" for x in known):
        said.append(
            f"{words} is less than {written(yard.reliable, 1)} points, the change of one person that "
            f"is more than measurement error ({yard.reliable_source}). An average may be smaller, "
            "but no single person's change of that size can be told from chance."
        )
    return said


def _of_size(means: Means, row: Prospect, rows: Iterable[Prospect]) -> list[str]:
    said = []
    few = [x.name.lower() for x in rows if not x.why_not and x.icc_of == "sites"]
    if few and means.sites < FEW_CLUSTERS:
        said.append(
            f"{means.sites} sites are few: by site ({'; '.join(few)}) what counts is the sites, not the "
            f"people, and with fewer than {FEW_CLUSTERS} every number hangs on how alike they are "
            "assumed to be, and intervals are wide."
        )
    if row.smallest is not None and row.smallest > MEDIUM:
        said.append(
            f"With the design planned only an effect above {written(row.smallest, 2)} standard "
            f"deviations would be found; by Cohen's convention {MEDIUM:g} is medium. Effects that large "
            "are unlikely: a result that shows nothing would then say little."
        )
    return said
