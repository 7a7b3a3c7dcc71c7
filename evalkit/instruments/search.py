"""Find measures: by words, who answers, age, licence, kind and use."""

from __future__ import annotations

import re
from collections.abc import Iterable

from evalkit.instruments.spec import Measure

ENDINGS = (
    "ational", "liness", "ations", "ation", "ities", "iness", "ences", "ents", "ence", "ious",
    "iety", "ions", "ives", "ings", "ment", "ness", "ion", "ive", "ing", "ity", "ety", "ied", "ies",
    "ent", "ren", "ous", "al", "ed", "es", "ty", "y", "s", "e",
)  # fmt: skip
"""Ends of words left aside, so that depression finds depressive symptoms."""
SHORTEST = 4
INSIDE = 6
"""Stems this long are also found within a word: offend in reoffending."""


def matching(
    measures: Iterable[Measure],
    *,
    construct: str | None = None,
    respondent: str | None = None,
    age: float | None = None,
    licence: str | None = None,
    kind: str | None = None,
    purpose: str | None = None,
    subject: str | None = None,
) -> list[Measure]:
    """Return the measures that fit every filter given, in the order they came.

    construct : words that must all be found, in any form, in the id, the titles, what is measured,
        or the ids and titles of the scales; capitals and hyphens make no difference.
    age : within the ages of the measure; one that states no ages is kept, see `ages_unknown`.
    respondent, licence, kind, purpose, subject : as in the measure's file.
    """
    exact = {"respondent": respondent, "kind": kind, "purpose": purpose, "subject": subject}
    return [
        measure
        for measure in measures
        if all(value is None or getattr(measure, name) == value for name, value in exact.items())
        and (licence is None or measure.licence.status == licence)
        and (age is None or _suits(measure, age))
        and _speaks_of(measure, construct or "")
    ]


def ages_unknown(measure: Measure) -> bool:
    """Whether a measure states no ages, so that it fits every age only because nothing is known."""
    return measure.ages is None


def _suits(measure: Measure, age: float) -> bool:
    ages = measure.ages
    if ages is None:
        return True
    above = ages.low is None or age >= ages.low
    return above and (ages.high is None or age < ages.high + 1)


def _speaks_of(measure: Measure, words: str) -> bool:
    parts = [measure.id, measure.title, measure.short_title, measure.construct]
    parts += [text for scale in measure.scales for text in (scale.id, scale.title)]
    said = {word for part in parts for word in (*_apart(part), *_joined(part))}

    def known(wanted: list[str]) -> bool:
        return all(any(_same(stem(word), found) for found in said) for word in wanted)

    return all(
        known(_apart(term)) or ("-" in term and known(_joined(term))) for term in words.split()
    )


def _apart(text: str) -> list[str]:
    """Return the words of a text, the parts of hyphenated ones apart."""
    return re.findall(r"[^\W_]+", _plain(text))


def _joined(text: str) -> list[str]:
    """Return the hyphenated words of a text written as one: wellbeing for well-being."""
    return [word.replace("-", "") for word in re.findall(r"\w+(?:-\w+)+", _plain(text))]


def _plain(text: str) -> str:
    return text.casefold().replace("’", "'").replace("'s", "")


def _same(wanted: str, found: str) -> bool:
    return found.startswith(wanted) or (len(wanted) >= INSIDE and wanted in found)


def stem(word: str) -> str:
    """Return a word without its ending, at least four letters of it: depress for depression."""
    for ending in ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= SHORTEST and word[-2:] != "ss":
            return word.removesuffix(ending)
    return word
