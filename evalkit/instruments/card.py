"""A measure on one page of plain text."""

from __future__ import annotations

from collections.abc import Iterator
from math import isinf

from evalkit.instruments.parts import ChangeThreshold, Cited, Flag, Norm, Reliability
from evalkit.instruments.scale import BandSystem, Missing, Scale
from evalkit.instruments.spec import Measure

VERIFIED = {
    "V2": "two sources agree",
    "V1": "one source",
    "mem": "not verified",
    "derived": "follows by arithmetic",
    "own": "evalkit's own definition",
}
KINDS = {
    "instrument": "Instrument",
    "score-only": "Instrument; its items are not scored here, finished scores are taken in",
    "indicator": "Indicator from records",
    "framework": "Framework of domains; it has no score",
    "metadata": "Listed for reference; it is not scored",
}
PURPOSES = {
    "outcome": "outcomes",
    "screening": "screening, not as an outcome",
    "risk": "risk and safeguarding, never as an outcome",
    "profile": "describing who is served",
    "process": "how a service works and is experienced",
}


def card(measure: Measure) -> str:
    """Return the measure as plain text: purpose, respondent, scales, flags, licence, sources."""
    licence = measure.licence
    lines = [
        f"{measure.title} ({measure.id}, version {measure.version})",
        KINDS[measure.kind],
        f"Measures: {measure.construct}",
        f"Answered by: {measure.respondent}, about the {measure.subject.replace('-', ' ')}",
        f"Used for: {PURPOSES[measure.purpose]}",
        *_facts(measure),
        *_items(measure),
        *_titled("Scales", [line for scale in measure.scales for line in _scale(scale)]),
        *_titled("Domains", [f"{domain.id}: {domain.title}" for domain in measure.domains]),
        *_titled("Flags", [_flag(flag) for flag in measure.flags]),
        *_titled("Change", [_change(change) for change in measure.change_thresholds]),
        *_titled("Reliability", [_reliability(row) for row in measure.reliability]),
        *_titled("Norms", [_norm(norm) for norm in measure.norms]),
        *_titled("Published tables", [f"{table.id}: {table.title}" for table in measure.published]),
        "",
        f"Licence: {licence.status}, {licence.holder} ({VERIFIED[licence.verification]}). {licence.note}".strip(),
        f"Cite: {measure.reference}",
        *[f"Note: {note}" for note in measure.notes],
    ]
    return "\n".join(lines)


def end(value: float) -> str:
    """Return an end of a range in words."""
    return "no limit" if isinf(value) else f"{value:g}"


def _facts(measure: Measure) -> list[str]:
    named = {
        "Ages": measure.ages, "Recall period": measure.recall, "Time": measure.time,
        "Item order": measure.item_order,
    }  # fmt: skip
    return [
        f"{name}: {fact} ({VERIFIED[fact.verification]})"
        for name, fact in named.items()
        if fact is not None
    ]


def _items(measure: Measure) -> Iterator[str]:
    if not measure.items:
        return
    optional = len(measure.items) - len(measure.asked)
    more = f", and {optional} that may be left out" if optional else ""
    yield f"Items: {len(measure.asked)}{more}"
    if measure.unscored:
        yield f"Not scored: {', '.join(measure.unscored)}"
    for skip in measure.skips:
        limit = f"at most {skip.at_most:g}" if skip.below is None else f"below {skip.below:g}"
        filled = "count as not answered" if skip.value is None else f"count as {skip.value:g}"
        which = "" if skip.also_answered else " where left blank"
        yield f"Where {', '.join(skip.when)} is {limit}: {', '.join(skip.items)} {filled}{which}"


def _titled(title: str, lines: list[str]) -> list[str]:
    return ["", title, *[f"  {line}" for line in lines]] if lines else []


def _scale(scale: Scale) -> Iterator[str]:
    span = f"{end(scale.low)} to {end(scale.high)}"
    ordered = ", ordered only" if scale.ordinal else ""
    yield (
        f"{scale.id}: {scale.title}, {span}, higher is {scale.higher_is}{ordered} ({sure(scale)})"
    )
    if scale.note:
        yield f"  {scale.note}"
    if scale.missing is not None:
        yield f"  missing: {_missing(scale.missing, len(scale.items))}"
    for system in scale.band_systems:
        sex = f", {system.sex}" if system.sex else ""
        named = ", ".join(band_words(scale, system))
        yield f"  bands {system.system}{sex} ({sure(system)}): {named}"


def sure(fact: Cited) -> str:
    """Say how sure a fact is, and by which sources."""
    named = f": {', '.join(fact.sources)}" if fact.sources else ""
    return f"{VERIFIED[fact.verification]}{named}"


def band_words(scale: Scale, system: BandSystem) -> list[str]:
    """Return each band with its range; without steps the upper end belongs to the next band."""
    bands = sorted(system.bands, key=lambda band: band.range)
    words = []
    for band in bands:
        low, high = (end(value) for value in band.range)
        below = scale.step is None and band is not bands[-1]
        words.append(f"{band.label} {low} to {'below ' if below else ''}{high}")
    return words


def _missing(rule: Missing, n: int) -> str:
    if rule.rule == "complete" and rule.verification == "derived":
        return "every item is needed, as no published rule was found"
    said = {
        "complete": "every item is needed",
        "prorate": f"at least {rule.min_answered} of {n} answered, the rest made up by their mean",
        "as-lowest": "a blank counts as the answer that adds least",
        "as-highest": "a blank counts as the answer that adds most",
    }[rule.rule]
    local = ", a local rule" if rule.origin == "local" else ""
    return f"{said}{local} ({sure(rule)})"


def _flag(flag: Flag) -> str:
    return f"{flag.kind}:{flag.id}: {flag.says} ({VERIFIED[flag.verification]})"


def _reliability(row: Reliability) -> str:
    return f"{row.scale or 'mean over scales'}: {row.kind} {row.value:g} ({sure(row)})"


def _norm(norm: Norm) -> str:
    sd = f", SD {norm.sd:g}" if norm.sd is not None else ""
    return f"{norm.scale}: {norm.population}, mean {norm.mean:g}{sd} ({sure(norm)})"


def _change(change: ChangeThreshold) -> str:
    return (
        f"{change.id}: {change.scale}, {change.points:g} points, {change.kind} "
        f"({VERIFIED[change.verification]})"
    )
