"""What can be wrong with a measure file: its shape, and whether its parts agree."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import fields
from itertools import pairwise
from typing import Any

from evalkit.errors import Problem, nearest
from evalkit.measure_spec import (
    Ages,
    Answers,
    Band,
    BandSystem,
    Fact,
    Item,
    Licence,
    Locate,
    Measure,
    Missing,
    Norm,
    Reliability,
    Scale,
    Source,
    WorkedExample,
)

Path = tuple[str | int, ...]
Found = tuple[Path, str, str, str]

RECORD_AT: dict[str, type] = {
    "licence": Licence,
    "sources": Source,
    "recall": Fact,
    "time": Fact,
    "ages": Ages,
    "answers": Answers,
    "items": Item,
    "scales": Scale,
    "missing": Missing,
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
KEBAB = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def shape_of(data: Any, where: Locate) -> tuple[Measure | None, list[Problem]]:
    """Return the record, or None and every problem of shape: unknown, missing or mistyped keys."""
    from pydantic import TypeAdapter, ValidationError

    if not isinstance(data, dict):
        what = "a measure file must hold keys and values."
        return None, [Problem(where(()), what, ", ".join(_keys(Measure)), "Start with 'id:'.")]
    try:
        # JSON mode is strict about types yet takes lists and mappings for tuples and records.
        return TypeAdapter(Measure).validate_json(json.dumps(data, default=str)), []
    except ValidationError as error:
        return None, [_worded(item, where) for item in error.errors(include_url=False)]


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
    yield from _known(("citation",), [measure.citation], sources, "source")
    yield from _known(("default_scale",), [measure.default_scale], scales, "scale")
    if measure.default_bands is not None:
        yield from _known(
            ("default_bands",), [measure.default_bands], measure.systems, "band system"
        )
    for path, record in cited_facts(measure):
        yield from _known((*path, "sources"), record.sources, sources, "source")
        if record.verification in ("V1", "V2") and not record.sources:
            what = f"a fact marked {record.verification} names no source."
            yield path, what, ", ".join(sources), "Add 'sources: [...]'."
    for n, norm in enumerate(measure.norms):
        yield from _known(("norms", n, "scale"), [norm.scale], scales, "scale")
    for n, row in enumerate(measure.reliability):
        yield from _known(("reliability", n, "scale"), [row.scale or scales[0]], scales, "scale")


def cited_facts(measure: Measure) -> list[tuple[Path, Any]]:
    """Return every fact that carries a verification, with its path in the file."""
    found: list[tuple[Path, Any]] = []
    single = {
        name: getattr(measure, name) for name in ("licence", "recall", "time", "ages", "answers")
    }
    found += [((name,), record) for name, record in single.items() if record is not None]
    for name in ("scales", "norms", "reliability", "examples"):
        found += [((name, n), record) for n, record in enumerate(getattr(measure, name))]
    for n, scale in enumerate(measure.scales):
        if scale.missing:
            found.append((("scales", n, "missing"), scale.missing))
        systems = enumerate(scale.band_systems)
        found += [(("scales", n, "band_systems", m), system) for m, system in systems]
    return found


def _known(path: Path, words: Iterable[str], allowed: Iterable[str], kind: str) -> Iterator[Found]:
    names = list(allowed)
    for word in words:
        if word not in names:
            yield path, f"there is no {kind} '{word}'.", ", ".join(names), nearest(word, names)


def _parts(measure: Measure) -> Iterator[Found]:
    items = [item.id for item in measure.items]
    for n, scale in enumerate(measure.scales):
        path: Path = ("scales", n)
        yield from _known((*path, "items"), scale.items, items, "item")
        yield from _known((*path, "reverse"), scale.reverse, scale.items, "item of this scale")
        earlier = [other.id for other in measure.scales[:n]]
        yield from _known((*path, "of"), scale.of, earlier, "earlier scale")
        if len(set(scale.items)) != len(scale.items):
            yield (*path, "items"), f"an item of '{scale.id}' is listed twice.", "", "Remove one."
        yield from _needs(path, scale)
        yield from _missing(path, scale)
    if measure.items and measure.answers is None and not all(item.codes for item in measure.items):
        yield ("items",), "items have no answer codes.", "", "Add 'answers: {codes: ...}'."


def _needs(path: Path, scale: Scale) -> Iterator[Found]:
    needs = {"sum": "items", "prorated-sum": "items", "sum-of-scales": "of", "table": "of"}
    need = needs.get(scale.method)
    if need and not getattr(scale, need):
        yield path, f"the method {scale.method} needs '{need}'.", "", f"Add '{need}: [...]'."
    if scale.method == "table" and (not scale.table or len(scale.of) != 1):
        yield path, "the method table needs one scale in 'of', and a table.", "", "Add them."
    if scale.method == "given" and (scale.items or scale.of):
        yield path, "a given score has no items or parts.", "", "Choose another method."
    if scale.low >= scale.high:
        yield (*path, "range"), "the range does not rise.", "", "Write [lowest, highest]."


def _missing(path: Path, scale: Scale) -> Iterator[Found]:
    rule = scale.missing
    prorates = rule is not None and rule.rule == "prorate"
    if prorates != (scale.method == "prorated-sum"):
        what = "prorating and the method prorated-sum go together."
        yield (*path, "missing"), what, "", "Give both or neither."
    elif rule and prorates and not 1 <= (rule.min_answered or 0) <= len(scale.items):
        what = f"min_answered is {rule.min_answered}."
        yield (*path, "missing"), what, f"1 to {len(scale.items)}", "Say how many are needed."


def _tables(measure: Measure) -> Iterator[Found]:
    scales = {scale.id: scale for scale in measure.scales}
    for n, scale in enumerate(measure.scales):
        if scale.method != "table" or len(scale.of) != 1 or scale.of[0] not in scales:
            continue
        raw = scales[scale.of[0]]
        keys = {key for key, _ in scale.table}
        wanted = {float(value) for value in range(int(raw.low), int(raw.high) + 1)}
        if keys != wanted:
            odd = ", ".join(f"{key:g}" for key in sorted(keys ^ wanted))
            what = f"the table and the range of '{raw.id}' differ at {odd}."
            yield ("scales", n, "table"), what, f"{raw.low:g} to {raw.high:g}", "Give every score."
        if any(not scale.low <= value <= scale.high for _, value in scale.table):
            what = "the table leaves the declared range."
            yield ("scales", n, "table"), what, f"{scale.low:g} to {scale.high:g}", "Mend one."


def _bands(measure: Measure) -> Iterator[Found]:
    for n, scale in enumerate(measure.scales):
        for m, system in enumerate(scale.band_systems):
            path: Path = ("scales", n, "band_systems", m)
            what = partition_fault(scale, system)
            if what:
                yield path, what, f"{scale.low:g} to {scale.high:g}", "Bands must meet end to end."


def partition_fault(scale: Scale, system: BandSystem) -> str:
    """Return what keeps bands from covering the range without gap or overlap, or ""."""
    bands = sorted(system.bands, key=lambda band: band.range)
    if not bands or (bands[0].range[0], bands[-1].range[1]) != scale.range:
        return f"the bands of '{scale.id}' do not span its range."
    for before, after in pairwise(bands):
        step = after.range[0] - before.range[1] - (scale.step or 0)
        if step:
            fault = "a gap" if step > 0 else "an overlap"
            return f"there is {fault} between '{before.label}' and '{after.label}'."
    if len({band.label for band in bands}) != len(bands):
        return f"two bands of '{scale.id}' share a label."
    return ""


def _examples(measure: Measure) -> Iterator[Found]:
    scales = {scale.id: scale for scale in measure.scales}
    if measure.items and not measure.examples:
        yield ("id",), "there is no worked example.", "", "Add one under 'examples'."
    for n, example in enumerate(measure.examples):
        path: Path = ("examples", n)
        if len(example.answers) != len(measure.items):
            what = f"the example has {len(example.answers)} answers."
            yield (*path, "answers"), what, f"{len(measure.items)}", "Give one answer an item."
        yield from _known((*path, "scores"), [name for name, _ in example.scores], scales, "scale")
        yield from _known((*path, "bands"), [name for name, _ in example.bands], scales, "scale")
        system = example.system or measure.default_bands
        for name, label in example.bands:
            found = scales[name].band_system(system or "") if name in scales else None
            labels = [band.label for band in found.bands] if found else []
            yield from _known((*path, "bands"), [label] if label else [], labels, "band")


def _licence(measure: Measure) -> Iterator[Found]:
    if measure.licence.text_included and measure.licence.status not in ("open", "free"):
        what = f"item text may not be included under the status '{measure.licence.status}'."
        yield ("licence", "text_included"), what, "false", "Remove the text."


CHECKS = (_ids, _references, _parts, _tables, _bands, _examples, _licence)
