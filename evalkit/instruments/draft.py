"""A measure file written from a few answers: what `evalkit measures new` asks for."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from evalkit.errors import InvalidInput


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftScale:
    """A scale of a draft: its items by number, those reversed, sum or mean, and its direction."""

    id: str
    title: str
    items: tuple[int, ...]
    reverse: tuple[int, ...] = ()
    method: str = "sum"
    higher_is: str = "worse"
    min_answered: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What is needed to write a measure file; `example` is a form scored by hand."""

    id: str
    title: str
    construct: str
    respondent: str
    citation: str
    labels: tuple[str, ...]
    codes: tuple[tuple[int, str], ...]
    scales: tuple[DraftScale, ...]
    example: tuple[int | None, ...]
    scores: tuple[tuple[str, float | None], ...]
    licence: str
    holder: str
    year: str = ""


def numbers(text: str, most: int) -> tuple[int, ...]:
    """Return the numbers that "1-5, 8" names, each once and at most `most`; raises InvalidInput."""
    found: list[int] = []
    for part in re.split(r"[,;\s]+", text.strip()):
        match = re.fullmatch(r"(\d+)(?:-(\d+))?", part)
        if part and not match:
            raise InvalidInput(f"'{part}' is no item number. Write for example 1-5, 8.")
        if match:
            first, last = int(match[1]), int(match[2] or match[1])
            found += range(first, last + 1)
    odd = [n for n in found if not 1 <= n <= most]
    if odd:
        raise InvalidInput(f"There is no item {odd[0]}: the items are 1 to {most}.")
    return tuple(dict.fromkeys(found))


def draft_text(draft: Draft) -> str:
    """Return the text of the measure file."""
    lines = [
        f"id: {draft.id}",
        f"title: {_quoted(draft.title)}",
        f"version: {_quoted(draft.year or '1')}",
        f"construct: {_quoted(draft.construct)}",
        "citation: authors",
        f"respondent: {draft.respondent}",
        "# ages: {low: 16, verification: V1, sources: [authors]}",
        "# recall: {value: 2 weeks, verification: V1, sources: [authors]}",
        "licence:",
        f"  status: {draft.licence}",
        "  text_included: false",
        f"  holder: {_quoted(draft.holder)}",
        "  verification: V1",
        "  sources: [authors]",
        "",
        "sources:",
        f"  - {{id: authors, citation: {_quoted(draft.citation)}}}",
        "",
        "answers:",
        "  codes: {" + ", ".join(f"{code}: {_quoted(label)}" for code, label in draft.codes) + "}",
        "  verification: V1",
        "  sources: [authors]",
        "",
        "# Labels are short names of the topic, never the wording of the question.",
        "items:",
        *[f"  - {{id: {n}, label: {_quoted(x)}}}" for n, x in enumerate(draft.labels, start=1)],
        *_unscored(draft),
        "",
        f"default_scale: {draft.scales[-1].id}",
        "scales:",
        *[line for scale in draft.scales for line in _scale(scale, draft)],
        "",
        "examples:",
        *_example(draft),
    ]
    return "\n".join(lines) + "\n"


def _scale(scale: DraftScale, draft: Draft) -> list[str]:
    low, high = draft.codes[0][0], draft.codes[-1][0]
    size = 1 if scale.method == "mean" else len(scale.items)
    rule = "{rule: complete, verification: V1, sources: [authors]}"
    if scale.min_answered is not None:
        rule = (
            f"{{rule: prorate, min_answered: {scale.min_answered}, verification: V1, "
            "sources: [authors]}"
        )
    step = ["    step: ~"] if scale.method == "mean" else []
    turned = [f"    reverse: {list(scale.reverse)}"] if scale.reverse else []
    return [
        f"  - id: {scale.id}",
        f"    title: {_quoted(scale.title)}",
        f"    method: {scale.method}",
        f"    items: {list(scale.items)}",
        *turned,
        f"    range: [{low * size}, {high * size}]",
        *step,
        f"    higher_is: {scale.higher_is}",
        f"    missing: {rule}",
        "    verification: V1",
        "    sources: [authors]",
    ]


def _unscored(draft: Draft) -> list[str]:
    used = {item for scale in draft.scales for item in scale.items}
    left = [n for n in range(1, len(draft.labels) + 1) if n not in used]
    return [f"unscored: {left}"] if left else []


def _example(draft: Draft) -> list[str]:
    answers = ", ".join("~" if code is None else str(code) for code in draft.example)
    scores = ", ".join(f"{x}: {'~' if v is None else f'{v:g}'}" for x, v in draft.scores)
    return [
        "  - title: a form scored by hand",
        f"    answers: [{answers}]",
        f"    scores: {{{scores}}}",
        "    verification: derived",
    ]


def _quoted(text: str) -> str:
    """Return text as YAML cannot misread it."""
    return json.dumps(text, ensure_ascii=False)


def codes_of(words: Sequence[str]) -> tuple[tuple[int, str], ...]:
    """Return codes and meanings from "0=never", "1=sometimes"; raises InvalidInput."""
    found = []
    for word in words:
        code, _, label = word.partition("=")
        if not re.fullmatch(r"\s*-?\d+\s*", code) or not label.strip() or "=" in label:
            raise InvalidInput(
                f"'{word.strip()}' is no answer. Write for example 0=never, 1=often."
            )
        found.append((int(code), label.strip()))
    if len(found) < 2 or [code for code, _ in found] != sorted({code for code, _ in found}):
        raise InvalidInput("The codes must be at least two, rising, each once.")
    return tuple(found)
