"""What can be wrong with a measure file: its shape, and whether its parts agree."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from operator import ge, gt, le, lt
from typing import TYPE_CHECKING, Any

from evalkit.errors import Problem, nearest
from evalkit.instruments.parts import (
    Ages,
    Answers,
    ChangeThreshold,
    Domain,
    Fact,
    Flag,
    Item,
    Licence,
    Norm,
    Published,
    Reliability,
    Skip,
    Source,
    WorkedExample,
)
from evalkit.instruments.scale import (
    Band,
    BandSystem,
    Case,
    Criterion,
    Missing,
    Rounding,
    Scale,
)
from evalkit.instruments.scale_checks import Found, Path, known, scale_faults
from evalkit.instruments.spec import Locate, Measure

RECORD_AT: dict[str, type] = {
    "licence": Licence,
    "sources": Source,
    "recall": Fact,
    "time": Fact,
    "ages": Ages,
    "answers": Answers,
    "items": Item,
    "item_order": Fact,
    "skips": Skip,
    "flags": Flag,
    "scales": Scale,
    "missing": Missing,
    "rounding": Rounding,
    "criteria": Criterion,
    "cases": Case,
    "change_thresholds": ChangeThreshold,
    "domains": Domain,
    "published": Published,
    "band_systems": BandSystem,
    "bands": Band,
    "norms": Norm,
    "reliability": Reliability,
    "examples": WorkedExample,
}
WORDING = {
    "string_type": "text (in quotation marks where it looks like a number)",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "int_from_float": "a whole number",
    "tuple_type": "a list",
    "dataclass_type": "a mapping of keys (key: value)",
}
if TYPE_CHECKING:
    from pydantic import TypeAdapter

LISTED = ("scales", "skips", "flags", "norms", "reliability", "change_thresholds", "domains", "published",
          "examples")  # fmt: skip
"""The lists of a measure whose entries carry a verification."""
COMPARE = {"at_least": ge, "above": gt, "at_most": le, "below": lt}
KEBAB = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def shape_of(data: Any, where: Locate) -> tuple[Measure | None, list[Problem]]:
    """Return the record, or None and every problem of shape: unknown, missing or mistyped keys."""
    from pydantic import ValidationError

    if not isinstance(data, dict):
        what = "a measure file must hold keys and values."
        return None, [Problem(where(()), what, ", ".join(_keys(Measure)), "Start with 'id:'.")]
    try:
        # JSON mode is strict about types yet takes lists and mappings for tuples and records.
        return _shape().validate_json(json.dumps(data, default=str)), []
    except ValidationError as error:
        return None, [_worded(item, where) for item in error.errors(include_url=False)]


@cache
def _shape() -> TypeAdapter[Measure]:
    from pydantic import TypeAdapter

    return TypeAdapter(Measure)


def _worded(error: Any, where: Locate) -> Problem:
    path = error["loc"]
    if error["type"] == "unexpected_keyword_argument":
        allowed = _keys(_record_at(path[:-1]))
        what = f"the key '{path[-1]}' is not known."
        return Problem(where(path), what, ", ".join(allowed), nearest(str(path[-1]), allowed))
    if error["type"] == "missing":
        return Problem(where(path[:-1]), f"the key '{path[-1]}' is missing.", "", "Add it.")
    found = json.dumps(error["input"], ensure_ascii=False)
    what = f"found {found if len(found) < 60 else found[:57] + '...'}."
    if error["type"] == "literal_error":
        allowed = re.findall(r"'([^']*)'", error["ctx"]["expected"])
        return Problem(where(path), what, ", ".join(allowed), nearest(str(error["input"]), allowed))
    wanted = WORDING.get(error["type"], error["msg"].removeprefix("Value error, "))
    return Problem(where(path), what, wanted, "Change the value.")


def _keys(record: type) -> list[str]:
    return [item.name for item in fields(record)]


def _record_at(path: Path) -> type:
    names = [part for part in path if isinstance(part, str)]
    return RECORD_AT.get(names[-1], Measure) if names else Measure


def meaning_problems(measure: Measure, where: Locate) -> list[Problem]:
    """Return every problem of meaning, in the order of the checks below."""
    return [
        Problem(where(path), what, allowed, next_step)
        for check in CHECKS
        for path, what, allowed, next_step in check(measure)
    ]


def _ids(measure: Measure) -> Iterator[Found]:
    named: list[tuple[Path, str]] = [(("id",), measure.id)]
    named += [(("scales", n, "id"), scale.id) for n, scale in enumerate(measure.scales)]
    named += [(("sources", n, "id"), source.id) for n, source in enumerate(measure.sources)]
    for path, word in named:
        if not KEBAB.fullmatch(word):
            yield path, f"the id '{word}' is not kebab-case.", "", "Use a-z, 0-9 and hyphens."
    groups = {"items": measure.items, "scales": measure.scales, "sources": measure.sources}
    for group, records in groups.items():
        names = [record.id for record in records]  # type: ignore[attr-defined]
        for n, name in enumerate(names):
            if name in names[:n]:
                yield (group, n, "id"), f"the id '{name}' is used twice.", "", "Rename one."


def _references(measure: Measure) -> Iterator[Found]:
    scales = [scale.id for scale in measure.scales]
    sources = [source.id for source in measure.sources]
    yield from known(("citation",), [measure.citation], sources, "source")
    if scales or measure.default_scale:
        yield from known(("default_scale",), [measure.default_scale], scales, "scale")
    if measure.default_bands is not None:
        yield from known(
            ("default_bands",), [measure.default_bands], measure.systems, "band system"
        )
    for path, record in cited_facts(measure):
        yield from known((*path, "sources"), record.sources, sources, "source")
        if record.verification in ("V1", "V2") and not record.sources:
            what = f"a fact marked {record.verification} names no source."
            yield path, what, ", ".join(sources), "Add 'sources: [...]'."
    for name in ("norms", "reliability", "change_thresholds"):
        for n, row in enumerate(getattr(measure, name)):
            wanted = [row.scale] if row.scale is not None else []
            yield from known((name, n, "scale"), wanted, scales, "scale")


def cited_facts(measure: Measure) -> list[tuple[Path, Any]]:
    """Return every fact that carries a verification, with its path in the file."""
    found: list[tuple[Path, Any]] = []
    single = {
        name: getattr(measure, name)
        for name in ("licence", "recall", "time", "ages", "answers", "item_order")
    }
    found += [((name,), record) for name, record in single.items() if record is not None]
    for name in LISTED:
        found += [((name, n), record) for n, record in enumerate(getattr(measure, name))]
    for n, scale in enumerate(measure.scales):
        for name in ("missing", "rounding"):
            if getattr(scale, name):
                found.append((("scales", n, name), getattr(scale, name)))
        systems = enumerate(scale.band_systems)
        found += [(("scales", n, "band_systems", m), system) for m, system in systems]
    return found


def _kinds(measure: Measure) -> Iterator[Found]:
    if measure.kind in ("framework", "metadata"):
        if measure.scales or measure.items:
            yield ("kind",), f"a {measure.kind} has no items or scales.", "", "Choose another kind."
        if measure.kind == "framework" and not measure.domains:
            yield ("kind",), "a framework needs domains.", "", "Add 'domains: [...]'."
        return
    if not measure.scales:
        yield ("scales",), "there is no scale.", "", "Add one, or say 'kind: metadata'."
    if (measure.kind == "score-only") != (not measure.items):
        what = "a measure without items, and only that, is score-only."
        yield ("kind",), what, "", "Add the items, or say 'kind: score-only'."


def _items(measure: Measure) -> Iterator[Found]:
    ids = [item.id for item in measure.items]
    for n, item in enumerate(measure.items):
        if item.codes and item.range:
            yield ("items", n), f"item '{item.id}' has codes and a range.", "", "Give one of them."
        if not item.codes and not item.range and measure.answers is None:
            yield ("items", n), f"item '{item.id}' has no answer codes.", "", "Add 'answers: ...'."
        if item.range and item.low >= item.high:
            yield ("items", n, "range"), "the range does not rise.", "", "Write [lowest, highest]."
        if item.text and not measure.licence.text_included:
            yield ("items", n, "text"), "the licence includes no item text.", "", "Remove it."
    used = {item for scale in measure.scales for item in scale.items}
    used |= {item for scale in measure.scales for item in scale.per}
    used |= {item for scale in measure.scales for x in scale.criteria for item in x.items}
    used |= {item for skip in measure.skips for item in skip.when}
    yield from known(("unscored",), measure.unscored, ids, "item")
    for n, name in enumerate(ids):
        if (name in used) == (name in measure.unscored):
            what = f"item '{name}' is " + ("scored and" if name in used else "neither scored nor")
            step = "An item is in a scale, or listed under 'unscored'."
            yield ("items", n), f"{what} listed as unscored.", "", step
    for n, skip in enumerate(measure.skips):
        yield from known(("skips", n), (*skip.when, *skip.items), ids, "item")
        if (skip.at_most is None) == (skip.below is None):
            yield ("skips", n), "needs at_most or below, one of them.", "", "Give one."


def _flags(measure: Measure) -> Iterator[Found]:
    scales = [scale.id for scale in measure.scales]
    for n, flag in enumerate(measure.flags):
        path: Path = ("flags", n)
        yield from known(path, flag.items, [item.id for item in measure.items], "item")
        yield from known(path, [x for x in (flag.scale, flag.possible) if x], scales, "scale")
        if bool(flag.items) == bool(flag.scale):
            yield path, "a flag looks at items or at a scale.", "", "Give one of them."
        limits = (flag.at_least, flag.above, flag.at_most, flag.below)
        if sum(limit is not None for limit in limits) != 1:
            allowed = "at_least, above, at_most, below"
            yield path, "a flag needs exactly one limit.", allowed, "Give one of them."
        elif not _reachable(measure, flag):
            name, limit = flag.limit
            what = f"no answer and no score is {name.replace('_', ' ')} {limit:g}: the flag is never raised."
            yield path, what, "", "Correct the limit."


def _reachable(measure: Measure, flag: Flag) -> bool:
    """Whether some answer or score would raise the flag; True where that is not known."""
    codes = measure.answers.codes if measure.answers else ()
    values: list[float] = []
    for item in (item for item in measure.items if item.id in flag.items):
        values += [code for code, _ in item.codes or codes] or list(item.range or ())
    values += [end for scale in measure.scales if scale.id == flag.scale for end in scale.range]
    name, limit = flag.limit
    return not values or any(COMPARE[name](value, limit) for value in values)


def _numbers(measure: Measure) -> Iterator[Found]:
    """Figures that cannot be."""
    for n, row in enumerate(measure.reliability):
        if not 0 < row.value < 1:
            yield (
                ("reliability", n),
                f"a reliability of {row.value:g} cannot be.",
                "above 0, below 1",
                "Write for example 0.84.",
            )
    ranges = {scale.id: scale.range for scale in measure.scales}
    for n, norm in enumerate(measure.norms):
        path: Path = ("norms", n)
        low, high = ranges.get(norm.scale, (-math.inf, math.inf))
        if not low <= norm.mean <= high:
            yield (
                path,
                f"a mean of {norm.mean:g} lies outside the scale.",
                f"{low:g} to {high:g}",
                "Correct it.",
            )
        if (norm.sd is not None and norm.sd <= 0) or (norm.n is not None and norm.n < 1):
            yield path, "an SD or a number of people cannot be 0 or less.", "", "Correct it."
    ages = measure.ages
    if ages and ages.low is not None and ages.high is not None and ages.low > ages.high:
        yield ("ages",), "the lowest age is above the highest.", "", "Correct them."
    for fact_path, fact in cited_facts(measure):
        if fact.verification == "V2" and len(set(fact.sources)) < 2:
            step = "Name both, or write V1."
            yield fact_path, "V2 means two sources, and one is named.", "", step


def _examples(measure: Measure) -> Iterator[Found]:
    scales = {scale.id: scale for scale in measure.scales}
    if measure.items and not measure.examples:
        yield ("id",), "there is no worked example.", "", "Add one under 'examples'."
    lengths = sorted({len(measure.asked), len(measure.items)})
    for n, example in enumerate(measure.examples):
        path: Path = ("examples", n)
        if len(example.answers) not in lengths:
            what = f"the example has {len(example.answers)} answers."
            allowed = " or ".join(str(length) for length in lengths)
            yield (*path, "answers"), what, allowed, "Give one answer an item."
        yield from known((*path, "scores"), [name for name, _ in example.scores], scales, "scale")
        yield from known((*path, "bands"), [name for name, _ in example.bands], scales, "scale")
        system = example.system or measure.default_bands
        for name, label in example.bands:
            systems = scales[name].band_systems if name in scales else ()
            labels = [band.label for x in systems if x.system == system for band in x.bands]
            yield from known((*path, "bands"), [label] if label else [], labels, "band")


def _licence(measure: Measure) -> Iterator[Found]:
    if measure.licence.text_included and measure.licence.status not in ("open", "free"):
        what = f"item text may not be included under the status '{measure.licence.status}'."
        yield ("licence", "text_included"), what, "false", "Remove the text."


CHECKS = (_ids, _references, _kinds, _items, scale_faults, _flags, _numbers, _examples, _licence)
