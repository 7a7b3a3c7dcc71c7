"""The filters of `evalkit measures list`, and what is said where nothing fits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from evalkit.instruments.spec import Measure


class Respondent(StrEnum):
    """Who answers."""

    self = "self"
    carer = "carer"
    teacher = "teacher"
    practitioner = "practitioner"
    family = "family"
    organisation = "organisation"


class Subject(StrEnum):
    """Whom a measure describes."""

    person = "person"
    couple = "couple"
    parent_and_child = "parent-and-child"
    family = "family"
    organisation = "organisation"
    partnership = "partnership"


class Licence(StrEnum):
    """Terms of use."""

    open = "open"
    free = "free"
    free_with_registration = "free-with-registration"
    free_on_paper = "free-on-paper"
    permission = "permission"
    commercial = "commercial"
    unclear = "unclear"


class Purpose(StrEnum):
    """What a measure may be used for."""

    outcome = "outcome"
    screening = "screening"
    risk = "risk"
    profile = "profile"
    process = "process"


Construct = Annotated[
    str | None,
    typer.Option("--construct", metavar="WORDS", help="Words of what it measures, or of its name."),
]
ByRespondent = Annotated[Respondent | None, typer.Option("--respondent", help="Who answers.")]
About = Annotated[Subject | None, typer.Option("--about", help="Whom it describes.")]
Age = Annotated[
    float | None,
    typer.Option("--age", min=0, metavar="N", help="Fits this age in years, or states no ages."),
]
ByLicence = Annotated[Licence | None, typer.Option("--licence", help="Only under these terms.")]
ByPurpose = Annotated[Purpose | None, typer.Option("--purpose", help="What it may be used for.")]

OPTIONS = {"subject": "--about"}
"""Filters whose option has another name."""


def find(measures: Sequence[Measure], wanted: Mapping[str, Any]) -> list[Measure]:
    """Return the measures that fit the filters given; see `evalkit.instruments.search.matching`."""
    from evalkit.instruments.search import matching

    return matching(measures, **wanted)


def nothing_found(measures: Sequence[Measure], wanted: Mapping[str, Any]) -> list[str]:
    """Say that nothing fits, and what leaving out each single filter would find."""
    given = {name: value for name, value in wanted.items() if value is not None}
    lines = [f"No measure fits {', '.join(_option(*pair) for pair in given.items())}."]
    for name, value in given.items() if len(given) > 1 else ():
        n = len(find(measures, {key: x for key, x in given.items() if key != name}))
        if n:
            lines.append(f"Without {_option(name, value)}: {n} measure{'s' if n > 1 else ''}.")
    if "construct" in given:
        lines.append("Fewer or shorter words find more; every word must be found.")
    lines.append(f"evalkit measures list shows all {len(measures)}.")
    return lines


def ages_said(measure: Measure) -> str:
    """Return the ages for a list, marked where they are unknown or not verified."""
    if measure.ages is None:
        return "ages not stated"
    unsure = ", not verified" if measure.ages.verification == "mem" else ""
    return f"ages {measure.ages}{unsure}"


def _option(name: str, value: Any) -> str:
    said = f"{value:g}" if isinstance(value, float) else str(value)
    said = f'"{said}"' if " " in said else said
    return f"{OPTIONS.get(name, f'--{name}')} {said}"
