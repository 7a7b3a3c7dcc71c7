"""A card of the catalogue: what a page shows of one measure, in plain words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from evalkit.instruments.card import PURPOSES, VERIFIED
from evalkit.instruments.parts import (
    ChangeThreshold,
    Cited,
    Flag,
    Norm,
    Published,
    Reliability,
    Skip,
)
from evalkit.instruments.scale import BandSystem, Scale
from evalkit.instruments.spec import Measure
from evalkit.reports.scale_words import (
    bands_said,
    figure,
    items_said,
    listed,
    made,
    missing_said,
    range_said,
    rounded,
)
from evalkit.reports.words import NONE, sentence_case
from evalkit.rounding import MINUS
from evalkit.scoring import VERIFIED as ENOUGH

KINDS = {
    "instrument": "scored", "score-only": "finished scores", "indicator": "from records",
    "framework": "framework", "metadata": "not scored",
}  # fmt: skip
DOES = {
    "instrument": "scores it from the answers",
    "score-only": "takes in finished scores; it holds none of the items",
    "indicator": "counts it from records",
    "framework": "checks which outcomes of an evaluation cover its domains; there is no score",
    "metadata": "lists it only; it is not scored",
}
LICENCES = {
    "open": ("open", "may be used without asking"),
    "free": ("free", "free to use on the holder’s terms"),
    "free-with-registration": ("register", "free once you have registered with the holder"),
    "free-on-paper": ("free on paper", "free on paper; an electronic form needs an agreement"),
    "permission": ("permission", "ask the holder first"),
    "commercial": ("buy", "bought from a publisher"),
    "unclear": ("unclear", "the terms were not found; ask before use"),
}
RESPONDENTS = {
    "self": "the person", "carer": "parent or carer", "teacher": "teacher",
    "practitioner": "practitioner", "family": "the family", "organisation": "the organisation",
}  # fmt: skip
RELIABILITIES = {
    "alpha": "alpha", "omega": "omega", "retest": "retest", "inter-rater": "between raters",
    "inter-informant": "between informants",
}  # fmt: skip
FEW = 12
"""Tables with more rows than this are folded up on the screen."""


@dataclass(frozen=True, slots=True)
class Sure:
    """How sure a fact is: its tag, the tag in words, and the ids of its sources."""

    tag: str
    words: str
    sources: str


@dataclass(frozen=True, slots=True)
class Stated:
    """A named fact in words, how sure it is, and its note."""

    name: str
    text: str
    sure: Sure | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Made:
    """A scale as a reader needs it: how it is made, what blanks do, its range and direction."""

    id: str
    title: str
    main: bool
    how: Stated
    rounding: Stated | None
    missing: Stated | None
    range: str


@dataclass(frozen=True, slots=True)
class Banded:
    """The bands of one scale in one system, and whether they are shown unless others are named."""

    scale: str
    bands: list[tuple[str, str]]
    shown: str
    fact: Stated


def card(measure: Measure, origin: str) -> dict[str, Any]:
    """Return what the template shows of a measure."""
    scales = [_scale(scale, measure) for scale in measure.scales]
    reasons = [note for note in measure.notes if note.startswith("Not scored")]
    reasons = reasons if measure.kind == "metadata" else []
    where = "shipped with evalkit" if origin == "shipped" else f"from {origin}"
    return {
        "id": measure.id,
        "name": measure.name,
        "title": measure.title if measure.title != measure.name else "",
        "construct": measure.construct,
        "kind": KINDS[measure.kind],
        "scored": measure.kind != "metadata",
        "use": "" if measure.purpose == "outcome" else measure.purpose,
        "who": _from_records(measure) or RESPONDENTS[measure.respondent],
        "ages": _ages(measure),
        "items": str(len(measure.asked)) if measure.items else NONE,
        "licence": Stated("", LICENCES[measure.licence.status][0], _sure(measure.licence)),
        "reasons": [x.removeprefix("Not scored").removeprefix(" here") for x in reasons],
        "safeguarding": [_flag(flag) for flag in measure.flags if flag.kind == "safeguarding"],
        "facts": list(_facts(measure)),
        "scales": scales,
        "few": FEW,
        "bands": _bands(measure),
        "flags": [_flag(flag) for flag in measure.flags if flag.kind != "safeguarding"],
        "changes": [_change(change, measure) for change in measure.change_thresholds],
        "reliability": [_reliability(row, measure) for row in measure.reliability],
        "norms": [_norm(norm, measure) for norm in measure.norms],
        "domains": [
            Stated(x.title, f": {', '.join(x.parts)}" if x.parts else "", _sure(x), x.note)
            for x in measure.domains
        ],
        "published": [_published(table) for table in measure.published],
        "notes": [note for note in measure.notes if note not in reasons],
        "cite": measure.reference,
        "sources": measure.sources,
        "version": f"Version: {measure.version}; {where}.",
    }


def _sure(fact: Cited) -> Sure:
    return Sure(fact.verification, VERIFIED[fact.verification], ", ".join(fact.sources))


def _from_records(measure: Measure) -> str:
    records = measure.kind == "indicator" and measure.respondent == "organisation"
    return "records" if records else ""


def _ages(measure: Measure) -> Stated:
    ages = measure.ages
    return Stated("Ages", str(ages), _sure(ages), ages.note) if ages else Stated("Ages", NONE)


def _who(measure: Measure) -> str:
    about = (
        f"the {measure.subject}" if measure.subject != "parent-and-child" else "parent and child"
    )
    if measure.subject == "person" and measure.ages and (measure.ages.high or 99) < 20:
        about = "the child or young person"
    if _from_records(measure):
        return f"Counted from the organisation’s records, about {about}"
    answers = sentence_case(RESPONDENTS[measure.respondent])
    if (measure.respondent, measure.subject) == ("self", "person"):
        about = "themself"
    if measure.respondent == measure.subject:
        about = "itself"
    return f"{answers}, about {about}"


def _facts(measure: Measure) -> Iterator[Stated]:
    yield Stated("Used for", sentence_case(PURPOSES[measure.purpose]))
    yield Stated("Who answers", _who(measure))
    named = {"Ages": measure.ages, "Asks about": measure.recall, "Takes": measure.time}
    unknown = ["ages", "the time asked about", "how long it takes"]
    for (name, fact), words in zip(named.items(), tuple(unknown), strict=True):
        if fact is not None:
            unknown.remove(words)
            yield Stated(name, str(fact), _sure(fact), fact.note)
    if unknown and measure.kind in ("instrument", "score-only"):
        yield Stated("Not stated", listed(unknown))
    if measure.items:
        yield Stated("Items", _item_count(measure))
    if measure.answers is not None:
        codes = ", ".join(f"{figure(code)} = {words}" for code, words in measure.answers.codes)
        yield Stated("Answers", codes, _sure(measure.answers), measure.answers.note)
    if measure.item_order is not None:
        order = measure.item_order
        yield Stated("Order of items", str(order), _sure(order), order.note)
    for skip in measure.skips:
        yield Stated("Skipped", _skipped(skip, measure), _sure(skip), skip.note)
    licence = measure.licence
    meaning = sentence_case(LICENCES[licence.status][1])
    yield Stated("Licence", meaning, _sure(licence), licence.note)
    yield Stated(
        "Whom to ask", ", ".join([licence.holder, *([licence.url] if licence.url else [])])
    )
    if measure.kind != "metadata":
        yield Stated("In evalkit", sentence_case(DOES[measure.kind]))


def _skipped(skip: Skip, measure: Measure) -> str:
    limit = f"{skip.at_most:g} or less" if skip.below is None else f"below {skip.below:g}"
    filled = "count as not answered" if skip.value is None else f"count as {skip.value:g}"
    which = "" if skip.also_answered else " where left blank"
    when, items = (items_said(measure, ids) for ids in (skip.when, skip.items))
    verb = "is" if len(skip.when) == 1 else "are"
    return f"Where {when} {verb} {limit}, {items} {filled}{which}"


def _item_count(measure: Measure) -> str:
    optional = len(measure.items) - len(measure.asked)
    more = f", and {optional} that may be left out" if optional else ""
    kept = items_said(measure, measure.unscored) if measure.unscored else ""
    unscored = f"; {kept} not scored" if kept else ""
    own = measure.kind == "indicator" or measure.licence.text_included
    wording = "" if own else ". Get the form from the holder: evalkit holds short names only"
    return f"{len(measure.asked)}{more}{unscored}{wording}"


def _scale(scale: Scale, measure: Measure) -> Made:
    rule, turn, text = scale.missing, scale.rounding, missing_said(scale, measure)
    missing = Stated("", text, _sure(rule) if rule else None, rule.note if rule else "")
    return Made(
        id=scale.id, title=scale.title, main=scale.id == measure.default_scale,
        how=Stated("", made(scale, measure), _sure(scale), scale.note),
        rounding=Stated("", rounded(turn), _sure(turn), turn.note) if turn else None,
        missing=missing if text else None, range=sentence_case(range_said(scale)),
    )  # fmt: skip


def _bands(measure: Measure) -> list[tuple[str, list[Banded]]]:
    """Return the bands by system, the default system first."""
    names = sorted(measure.systems, key=lambda name: name != measure.default_bands)
    return [
        (name, [
            _banded(scale, system, measure)
            for scale in measure.scales for system in scale.band_systems if system.system == name
        ])
        for name in names
    ]  # fmt: skip


def _banded(scale: Scale, system: BandSystem, measure: Measure) -> Banded:
    default = system.system == measure.default_bands and system.verification in ENOUGH
    shown = "by default" if default else "only when named"
    if default and system.sex:
        shown = "by default, where sex is known"
    title = scale.title + (f" ({system.sex})" if system.sex else "")
    title += f" (ages {system.ages[0]:g} to {system.ages[1]:g})" if system.ages else ""
    return Banded(
        title, bands_said(system.bands, scale), shown, Stated("", "", _sure(system), system.note)
    )


def _flag(flag: Flag) -> Stated:
    text = flag.says if flag.kind != "safeguarding" else sentence_case(flag.says)
    if flag.possible:
        text += "; where blanks leave it open, that is said"
    if flag.verification == "mem" and flag.kind != "safeguarding":
        text += "; not raised, since it is not verified"
    name = sentence_case(flag.kind)
    return Stated(
        name, text if flag.kind == "safeguarding" else f": {text}", _sure(flag), flag.note
    )


def _change(change: ChangeThreshold, measure: Measure) -> Stated:
    text = f": {figure(change.points)} points count as {change.kind} change ({change.id})"
    return Stated(measure.scale(change.scale).title, text, _sure(change), change.note)


def _reliability(row: Reliability, measure: Measure) -> Stated:
    name = measure.scale(row.scale).title if row.scale else "Over the scales"
    people = f", {row.population}" if row.population else ""
    n = f", n = {row.n:,}" if row.n else ""
    return Stated(
        name, f": {RELIABILITIES[row.kind]} {row.value:.2f}{people}{n}", _sure(row), row.note
    )


def _norm(norm: Norm, measure: Measure) -> tuple[Stated, str, str, str, str]:
    whom = [norm.population]
    whom += [norm.sex] if norm.sex and not norm.grades else []
    whom += [f"ages {norm.ages[0]:g} to {norm.ages[1]:g}"] if norm.ages else []
    sd, n = (NONE if x is None else f"{x:,}" for x in (norm.sd, norm.n))
    fact = Stated(measure.scale(norm.scale).title, "", _sure(norm), norm.note)
    return fact, ", ".join(whom), figure(norm.mean), sd, n


def _published(table: Published) -> dict[str, Any]:
    rows = [[_cell(cell) for cell in row] for row in table.rows]
    names = [sentence_case(name.replace("-", " ")) for name in table.columns]
    return {"fact": Stated(table.title, "", _sure(table), table.note), "columns": names,
            "rows": rows, "differences": table.differences}  # fmt: skip


def _cell(value: str | float | None) -> str:
    """Return a cell as it was published: 2.0 stays 2.0."""
    return (
        NONE
        if value is None
        else value
        if isinstance(value, str)
        else str(value).replace("-", MINUS)
    )
