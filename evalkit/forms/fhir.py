"""A FHIR Questionnaire in R5 or R4B, and answers read back from a QuestionnaireResponse."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from itertools import count, groupby
from typing import Any, Literal

from evalkit.errors import InvalidData, InvalidInput, Problem, Where, nearest
from evalkit.forms.asking import (
    about,
    bounds,
    is_whole,
    limit,
    need_items,
    number,
    one_line,
    passed_over,
    question,
)
from evalkit.instruments.parts import Item, Skip
from evalkit.instruments.spec import Measure
from evalkit.tables import is_number

Version = Literal["R5", "R4B"]
VERSIONS = {"R5": "coding", "R4B": "choice"}
"""What each version calls a question answered by one of some codes."""
EXTENSION = "http://hl7.org/fhir/StructureDefinition/"
VALUES = ("valueCoding", "valueInteger", "valueDecimal")
SETTLED = ("completed", "amended", "in-progress", "stopped")
Part = dict[str, Any]


def questionnaire(measure: Measure, *, version: Version = "R5") -> dict[str, Any]:
    """Return a measure as a FHIR Questionnaire, ready to be written as JSON.

    The linkId of a question is the item's id, its codes are those of the measure. No question is
    required. Questions with several skips stand in groups, which have a linkId with a colon.

    Raises
    ------
    InvalidInput : the measure has no items, or the version is not known.
    """
    need_items(measure)
    if version not in VERSIONS:
        what = f"version='{version}' is not known."
        raise InvalidInput(str(Problem(Where(), what, ", ".join(VERSIONS))))
    name = measure.column if measure.column[0].isalpha() else f"m{measure.column}"
    skips = passed_over(measure)
    conditioned = [(item, skips.get(item.id, ())) for item in measure.items]
    return {
        "resourceType": "Questionnaire",
        "id": measure.id[:64].rstrip("-"),
        "url": canonical(measure),
        "version": one_line(measure.version),
        "name": name[0].upper() + name[1:],
        "title": one_line(measure.title),
        "status": "draft",
        "description": one_line(f"{measure.title}: {measure.construct}."),
        "copyright": about(measure),
        "item": [
            {"linkId": "about:measure", "type": "display", "text": about(measure)},
            *_nested(measure, conditioned, version, count(1)),
        ],
    }


def canonical(measure: Measure) -> str:
    """Return the address by which responses name the questionnaire: the same on every export."""
    return uuid.uuid5(uuid.NAMESPACE_OID, f"evalkit/measures/{measure.id}").urn


def response_answers(response: Mapping[str, Any], measure: Measure) -> dict[str, float | None]:
    """Return the answer of every item from a QuestionnaireResponse; None where it has none.

    Raises
    ------
    InvalidInput : this is no response to the measure that may be used.
    InvalidData : every answer that is not allowed, twice there, or to a question not known.
    """
    _refuse_other(response, measure)
    found: dict[str, float | None] = {item.id: None for item in measure.items}
    problems: list[Problem] = []
    seen: set[str] = set()
    for link, answers in _answered(response.get("item")):
        try:
            if link in seen:
                raise InvalidInput(f"the question '{link}' stands twice.")
            seen.add(link)
            found[link] = _code(answers, _known(link, measure))
        except InvalidInput as error:
            problems.append(Problem(Where(key=link), str(error)))
    if problems:
        raise InvalidData(problems)
    return found


def _nested(
    measure: Measure, items: Sequence[tuple[Item, tuple[Skip, ...]]], version: Version,
    numbers: Iterator[int],
) -> Iterator[Part]:  # fmt: skip
    """Yield questions; those with several skips in a group with the first, since all must allow."""
    for skips, run in groupby(items, key=lambda pair: pair[1][:1]):
        inside = list(run)
        if not skips or all(len(mine) == 1 for _, mine in inside):
            for item, _ in inside:
                yield _question(measure, item, version) | _enabled(measure, skips)
            continue
        link = f"group:{next(numbers)}"
        rest = [(item, mine[1:]) for item, mine in inside]
        inner = list(_nested(measure, rest, version, numbers))
        yield {"linkId": link, "type": "group", **_enabled(measure, skips), "item": inner}


def _question(measure: Measure, item: Item, version: Version) -> Part:
    part: Part = {"linkId": item.id, "text": question(measure, item)}
    if item.range:
        return part | _range(item)
    options = [{"valueCoding": _coding(code, label)} for code, label in item.codes]
    return part | {"type": VERSIONS[version], "answerOption": options}


def _coding(code: float, label: str) -> Part:
    return {"code": number(code), "display": one_line(label) or number(code)}


def _range(item: Item) -> Part:
    kind = "Integer" if is_whole(item) else "Decimal"
    ends = dict(zip(("minValue", "maxValue"), bounds(item), strict=True))
    extensions: list[Part] = [
        {"url": EXTENSION + name, f"value{kind}": int(end) if kind == "Integer" else float(end)}
        for name, end in ends.items()
        if end is not None
    ]
    extensions.append({"url": EXTENSION + "entryFormat", "valueString": item.allowed})
    return {"type": kind.lower(), "extension": extensions}


def _enabled(measure: Measure, skips: Sequence[Skip]) -> Part:
    """Return when a question is asked: a blank passes nothing over, and codes have no order."""
    tests = [test for skip in skips for item in skip.when for test in _tests(measure, item, skip)]
    return {"enableWhen": tests, "enableBehavior": "any"} if tests else {}


def _tests(measure: Measure, name: str, skip: Skip) -> Iterator[Part]:
    item, (sign, value) = measure.item(name), limit(skip)
    yield {"question": name, "operator": "exists", "answerBoolean": False}
    if item.range:
        kind = "answerInteger" if is_whole(item) and float(value).is_integer() else "answerDecimal"
        end = int(value) if kind == "answerInteger" else float(value)
        yield {"question": name, "operator": sign, kind: end}
        return
    for code, label in item.codes:
        if code > value or (sign == ">=" and code == value):
            yield {"question": name, "operator": "=", "answerCoding": _coding(code, label)}


def _refuse_other(response: Mapping[str, Any], measure: Measure) -> None:
    kind = response.get("resourceType")
    if kind != "QuestionnaireResponse":
        raise InvalidInput(f"found {kind!r} where a QuestionnaireResponse is needed.")
    status = response.get("status")
    if status not in SETTLED:
        allowed = ", ".join(SETTLED)
        raise InvalidInput(str(Problem(Where(), f"the response is {status!r}.", allowed)))
    named = str(response.get("questionnaire") or "").split("|")[0]
    if named.startswith("urn:uuid:") and named != canonical(measure):
        raise InvalidInput(f"the response is to another questionnaire than {measure.id}: {named}.")


def _answered(parts: Any) -> Iterator[tuple[str, list[Mapping[str, Any]]]]:
    """Yield every question with its answers, in groups and below answers too."""
    for part in _mappings(parts):
        answers = _mappings(part.get("answer"))
        if answers:
            yield str(part.get("linkId")), answers
        yield from _answered(part.get("item"))
        for answer in answers:
            yield from _answered(answer.get("item"))


def _mappings(value: Any) -> list[Mapping[str, Any]]:
    found = [] if value is None else value
    if not isinstance(found, list) or not all(isinstance(part, Mapping) for part in found):
        raise InvalidInput("the response is not shaped as FHIR lays down: a list of items.")
    return found


def _known(link: str, measure: Measure) -> Item:
    items = {item.id: item for item in measure.items}
    if link not in items:
        what = f"{measure.id} has no item '{link}'."
        raise InvalidInput(str(Problem(Where(), what, ", ".join(items), nearest(link, items))))
    return items[link]


def _code(answers: Sequence[Mapping[str, Any]], item: Item) -> float:
    given = [answer[name] for answer in answers for name in VALUES if name in answer]
    if len(answers) != 1 or len(given) != 1:
        raise InvalidInput(f"found {len(answers)} answers, or not of the kind that is asked for.")
    raw = given[0].get("code") if isinstance(given[0], Mapping) else given[0]
    value = float(str(raw)) if is_number(str(raw)) else float("nan")
    if not item.takes(value):
        raise InvalidInput(str(Problem(Where(), f"'{raw}' is not allowed.", item.allowed)))
    return int(value) if value.is_integer() else value
