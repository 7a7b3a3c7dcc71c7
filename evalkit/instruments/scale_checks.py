"""What can be wrong with the scales of a measure: their parts, rules, range, tables and bands."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from itertools import pairwise

from evalkit.errors import nearest
from evalkit.instruments.parts import Item
from evalkit.instruments.scale import BandSystem, Scale
from evalkit.instruments.spec import Measure

Path = tuple[str | int, ...]
Found = tuple[Path, str, str, str]
"""Where in the file, what is wrong, what is allowed, what to do."""

NEEDS = {
    "sum": ("items",), "mean": ("items",), "weighted": ("items", "weights"), "count": ("items", "at_least"),
    "max": ("items",), "ratio": ("items", "per"), "sum-of-scales": ("of",), "table": ("of", "table"),
    "criteria": ("criteria",), "cases": ("cases",), "t-score": ("of",), "given": (),
}  # fmt: skip
"""What each method is made from."""
USES = {
    "items": ("sum", "mean", "weighted", "count", "max", "ratio"),
    "of": ("sum-of-scales", "table", "t-score", "cases"),
    "reverse": ("sum", "mean", "weighted", "count", "max"),
    "recode": ("sum", "mean", "weighted", "count", "max"),
    "weights": ("weighted", "sum-of-scales"),
    "at_least": ("count",),
    "at_least_for": ("count",),
    "per": ("ratio",),
    "table": ("table",),
    "criteria": ("criteria",),
    "cases": ("cases",),
    "missing": ("sum", "mean", "weighted", "count", "max", "criteria"),
}
"""The methods that a key has a meaning for."""


def known(path: Path, words: Iterable[str], allowed: Iterable[str], kind: str) -> Iterator[Found]:
    """Yield a fault for every word that is not allowed."""
    names = list(allowed)
    for word in words:
        if word not in names:
            yield path, f"there is no {kind} '{word}'.", ", ".join(names), nearest(word, names)


def scale_faults(measure: Measure) -> Iterator[Found]:
    """Yield every fault of the scales of a measure."""
    for n, scale in enumerate(measure.scales):
        path: Path = ("scales", n)
        parts = list(_parts(path, scale, measure, n))
        yield from parts
        yield from _needs(path, scale)
        yield from _missing(path, scale)
        yield from _table(path, scale, measure)
        yield from _bands(path, scale)
        if not parts:
            yield from _range(path, scale, measure)


def _parts(path: Path, scale: Scale, measure: Measure, n: int) -> Iterator[Found]:
    items = [item.id for item in measure.items]
    earlier = [other.id for other in measure.scales[:n]]
    yield from known((*path, "items"), (*scale.items, *scale.per), items, "item")
    yield from known((*path, "reverse"), scale.reverse, scale.items, "item of this scale")
    yield from known((*path, "of"), scale.of, earlier, "earlier scale")
    weighted = scale.items or scale.of
    yield from known((*path, "weights"), [name for name, _ in scale.weights], weighted, "part")
    limited = [name for name, _ in scale.at_least_for]
    yield from known((*path, "at_least_for"), limited, scale.items, "item of this scale")
    for criterion in scale.criteria:
        at = (*path, "criteria")
        yield from known(at, criterion.items, items, "item")
        yield from known(at, criterion.of, earlier, "earlier scale")
        yield from known(at, [name for name, _ in criterion.at_least_for], criterion.items, "item")
    for case in scale.cases:
        yield from known(
            (*path, "cases"), [name for name, _ in case.when], earlier, "earlier scale"
        )
    if scale.missing:
        yield from known((*path, "missing", "needs"), scale.missing.needs, items, "item")
    if len(set(scale.items)) != len(scale.items):
        yield (*path, "items"), f"an item of '{scale.id}' is listed twice.", "", "Remove one."
    for item in (found for found in measure.items if found.id in scale.reverse):
        if item.range is not None and math.isinf(item.high):
            yield (*path, "reverse"), f"item '{item.id}' has no highest answer.", "", "Remove it."


def _needs(path: Path, scale: Scale) -> Iterator[Found]:
    for need in NEEDS[scale.method]:
        if getattr(scale, need) in ((), None):
            yield path, f"the method {scale.method} needs '{need}'.", "", f"Add '{need}: ...'."
    for key, methods in USES.items():
        if getattr(scale, key) not in ((), None) and scale.method not in methods:
            what = f"the method {scale.method} has no use for '{key}'."
            yield (*path, key), what, ", ".join(methods), "Remove it, or choose another method."
    if scale.method in ("table", "t-score") and len(scale.of) > 1:
        yield (*path, "of"), f"the method {scale.method} takes one scale.", "", "Name one."
    if scale.method == "weighted" and len(scale.weights) != len(scale.items):
        yield (*path, "weights"), "not every item has a weight.", "", "Give one weight an item."
    if scale.low >= scale.high:
        yield (*path, "range"), "the range does not rise.", "", "Write [lowest, highest]."


def _missing(path: Path, scale: Scale) -> Iterator[Found]:
    rule = scale.missing
    at: Path = (*path, "missing")
    if rule is None:
        if scale.method in ("sum", "mean", "count"):
            yield at, f"'{scale.id}' has no missing rule.", "", "Say what blanks do."
        return
    if rule.rule == "prorate" and scale.method not in ("sum", "mean"):
        yield at, f"the method {scale.method} cannot prorate.", "sum, mean", "Choose another rule."
    filled = rule.rule in ("as-lowest", "as-highest")
    if filled and scale.method not in ("sum", "mean", "count"):
        yield (
            at,
            f"the method {scale.method} fills no blanks.",
            "sum, mean, count",
            "Choose another.",
        )
    lowest = 0 if filled else 1
    if rule.rule == "complete":
        if rule.min_answered is not None:
            yield at, "complete means every item.", "", "Remove 'min_answered'."
    elif (
        not lowest
        <= (rule.min_answered if rule.min_answered is not None else -1)
        <= len(scale.items)
    ):
        what = f"min_answered is {rule.min_answered}."
        yield at, what, f"{lowest} to {len(scale.items)}", "Say how many are needed."


def _table(path: Path, scale: Scale, measure: Measure) -> Iterator[Found]:
    raw = next((x for x in measure.scales if scale.of and x.id == scale.of[0]), None)
    if scale.method != "table" or raw is None or len(scale.of) != 1:
        return
    keys = {key for key, _ in scale.table}
    wanted = {float(value) for value in range(int(raw.low), int(raw.high) + 1)}
    if keys != wanted:
        odd = ", ".join(f"{key:g}" for key in sorted(keys ^ wanted))
        what = f"the table and the range of '{raw.id}' differ at {odd}."
        yield (*path, "table"), what, f"{raw.low:g} to {raw.high:g}", "Give every score."
    if any(not scale.low <= value <= scale.high for _, value in scale.table):
        what = "the table leaves the declared range."
        yield (*path, "table"), what, f"{scale.low:g} to {scale.high:g}", "Mend one."


def _bands(path: Path, scale: Scale) -> Iterator[Found]:
    for m, system in enumerate(scale.band_systems):
        what = partition_fault(scale, system)
        if what:
            step = "Bands cover the range end to end, each under its own label."
            yield (*path, "band_systems", m), what, "", step


def partition_fault(scale: Scale, system: BandSystem) -> str:
    """Return what keeps bands from covering the range without gap or overlap, or ""."""
    bands = sorted(system.bands, key=lambda band: band.range)
    if not bands or (bands[0].range[0], bands[-1].range[1]) != scale.range:
        return f"the bands of '{scale.id}' do not span its range."
    for before, after in pairwise(bands):
        step = after.range[0] - before.range[1] - (scale.step or 0)
        if abs(step) > 1e-9:
            fault = "a gap" if step > 0 else "an overlap"
            edges = f"{before.range[1]:g} and {after.range[0]:g}"
            return f"there is {fault} between '{before.label}' and '{after.label}', at {edges}."
    if len({band.label for band in bands}) != len(bands):
        return f"two bands of '{scale.id}' share a label."
    return ""


def _range(path: Path, scale: Scale, measure: Measure) -> Iterator[Found]:
    """The declared range is what the extreme answers give."""
    found = reach(scale, measure)
    if found is None or all(_close(a, b) for a, b in zip(found, scale.range, strict=True)):
        return
    what = f"the range of '{scale.id}' is {scale.low:g} to {scale.high:g}."
    reached = f"{found[0]:g} to {found[1]:g}, which the answers reach"
    yield (*path, "range"), what, reached, "Mend the range, or the items."


def _close(one: float, other: float) -> bool:
    return one == other or abs(one - other) <= 1e-9 * max(1.0, abs(one))


def reach(scale: Scale, measure: Measure) -> tuple[float, float] | None:
    """Return the lowest and highest score that answers can give; None where that is not known."""
    if scale.method in ("ratio", "t-score", "given"):
        return None
    low, high = _ends(scale, measure)
    if scale.rounding is not None:
        unit = 10.0**scale.rounding.decimals
        low, high = (math.floor(x * unit + 0.5) / unit for x in (low, high))
    return low, high


def _ends(scale: Scale, measure: Measure) -> tuple[float, float]:
    weights = dict(scale.weights)
    if scale.method == "criteria":
        return 0.0, 1.0
    if scale.method == "cases":
        return min(case.value for case in scale.cases), max(case.value for case in scale.cases)
    if scale.method == "table":
        return min(value for _, value in scale.table), max(value for _, value in scale.table)
    if scale.method == "sum-of-scales":
        spans = [_times(measure.scale(part).range, weights.get(part, 1)) for part in scale.of]
        return _moved(spans, scale)
    spans = [_item_span(scale, measure.item(item), measure) for item in scale.items]
    if scale.method == "max":
        return max(low for low, _ in spans), max(high for _, high in spans)
    if scale.method == "count":
        limits = dict(scale.at_least_for)
        least = [limits.get(item, scale.at_least or 0) for item in scale.items]
        counted = [
            (float(low >= limit), float(high >= limit))
            for (low, high), limit in zip(spans, least, strict=True)
        ]
        return _moved([_times(span, scale.times) for span in counted], scale)
    if scale.method == "weighted":
        spans = [_times(s, weights[item]) for s, item in zip(spans, scale.items, strict=True)]
        return _moved(spans, scale)
    n = len(spans) if scale.method == "mean" else 1
    return _moved([_times(span, scale.times / n) for span in spans], scale)


def _moved(spans: Iterable[tuple[float, float]], scale: Scale) -> tuple[float, float]:
    spans = list(spans)
    return sum(low for low, _ in spans) + scale.plus, sum(high for _, high in spans) + scale.plus


def _times(span: tuple[float, float], factor: float) -> tuple[float, float]:
    low, high = sorted((span[0] * factor, span[1] * factor))
    return low, high


def _item_span(scale: Scale, item: Item, measure: Measure) -> tuple[float, float]:
    """Return the least and most that an item may add."""
    codes = item.codes or (() if item.range or not measure.answers else measure.answers.codes)
    values = [float(code) for code, _ in codes] or list(item.range or (0.0, 0.0))
    if item.id in scale.reverse:
        return min(values), max(values)
    recoded = dict(scale.recode)
    values = [recoded.get(value, value) for value in values]
    return min(values), max(values)
