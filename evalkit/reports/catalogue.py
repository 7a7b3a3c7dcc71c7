"""The catalogue: every measure of a registry on one page, and how sure each fact is.

`python -m evalkit.reports.catalogue docs/measures.html` writes the page of the shipped measures.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from evalkit.instruments.card import VERIFIED
from evalkit.instruments.checks import cited_facts
from evalkit.instruments.parts import WorkedExample
from evalkit.instruments.spec import Measure
from evalkit.registry import Registry
from evalkit.reports.catalogue_card import DOES, KINDS, LICENCES, card
from evalkit.reports.page import lay_out
from evalkit.reports.words import sentence_case

DOMAINS = {
    "children": "Children and young people",
    "wellbeing": "Wellbeing and mental health",
    "trauma": "Trauma",
    "abuse": "Domestic abuse and risk",
    "perpetrators": "People who harm",
    "family": "Family life",
    "parenting": "Parenting",
    "substance": "Alcohol and drugs",
    "experience": "Experience of a service",
    "records": "Counted from records",
    "system": "Services and partnerships",
    "frameworks": "Frameworks",
}
SURE = {
    "V2": "Two independent sources say the same.",
    "V1": "One source says so. Copies of one document count as one source.",
    "derived": "It follows from other facts by arithmetic, or from the lack of any published rule.",
    "own": "No instrument lays it down, so evalkit had to, and says so.",
    "mem": "Written down from memory; no source was found yet. Check it against the manual before "
    "you rely on it. Bands that are not verified are used only when you name them.",
}


def catalogue(registry: Registry) -> str:
    """Return the page of all measures of a registry: an index by domain, then a card for each.

    Raises InvalidContent where a measure file is faulty.
    """
    measures = [registry.measure(name) for name in registry.measures()]
    places = {
        name.rsplit("/", 1)[-1].removesuffix(".yaml"): name for name in registry.measure_readers
    }
    groups: dict[str, list[Measure]] = {}
    for measure in sorted(measures, key=_order):
        origin = registry.origin(measure.id)
        folder = places[measure.id].rpartition("/")[0].rpartition("/")[2]
        title = DOMAINS.get(folder, sentence_case(folder.replace("-", " ")) or "Others")
        title = title if origin == "shipped" else f"Added: {origin}"
        groups.setdefault(title, []).append(measure)
    known = [title for title in DOMAINS.values() if title in groups]
    titles = [*known, *sorted(set(groups) - set(known))]
    cards = {measure.id: card(measure, registry.origin(measure.id)) for measure in measures}
    domains = [
        {"id": f"domain_{n}", "title": title, "cards": [cards[x.id] for x in groups[title]]}
        for n, title in enumerate(titles, start=1)
    ]
    return lay_out("catalogue.html", domains=domains, **_introduction(measures))


def _order(measure: Measure) -> tuple[int, str, str]:
    """Sort what is not scored behind the rest, then by name."""
    return (measure.kind == "metadata", measure.name.casefold(), measure.id)


def _introduction(measures: Sequence[Measure]) -> dict[str, Any]:
    from evalkit import __version__

    facts = Counter(
        fact.verification
        for measure in measures
        for _, fact in cited_facts(measure)
        if not isinstance(fact, WorkedExample)
    )
    kinds = Counter[str](measure.kind for measure in measures)
    return {
        "version": __version__,
        "total": len(measures),
        "kinds": [(KINDS[kind], kinds[kind], DOES[kind]) for kind in KINDS if kinds[kind]],
        "sure_levels": [(tag, VERIFIED[tag], facts[tag], SURE[tag]) for tag in SURE],
        "licences": list(LICENCES.values()),
    }


if __name__ == "__main__":
    import sys
    from pathlib import Path

    from evalkit.content import shipped_registry

    Path(sys.argv[1]).write_text(catalogue(shipped_registry()), encoding="utf-8", newline="\n")
