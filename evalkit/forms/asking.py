"""What all forms say alike: the questions, when one is passed over, and whom to ask for the wording."""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import isinf

from evalkit.errors import InvalidInput, Problem, Where
from evalkit.instruments.parts import Item, Skip
from evalkit.instruments.spec import Measure

WAVES = ("baseline", "end")
PERSON = "Person: the id, with its leading zeros"
WAVE = "Wave: which point of measurement"
INFORMANT = "Informant: who answered"
INFORMANT_HINT = "A role of the evaluation file, or teacher or practitioner."
DATE = "Date of the answers"
_WAVE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_CONTROL = dict.fromkeys((*range(32), *range(127, 160), *range(8234, 8239)), " ")


def one_line(text: str) -> str:
    """Return text without line breaks, control characters and needless blanks."""
    return " ".join(text.translate(_CONTROL).split())


def shortened(text: str, most: int, more: str = "...") -> str:
    """Return text of at most so many characters, ending in `more` where some had to go."""
    return text if len(text) <= most else text[: most - len(more)].rstrip() + more


def number(value: float) -> str:
    """Return a code or limit as text: 4, not 4.0."""
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def is_whole(item: Item) -> bool:
    """Whether an item answered by a number takes whole numbers only."""
    return item.step is not None and float(item.step).is_integer() and float(item.low).is_integer()


def answer_column(measure: Measure, item: Item) -> str:
    """Return the column in which an item's answers are looked for."""
    return f"{measure.column}_{item.column}"


def asks_informant(measure: Measure) -> bool:
    """Whether somebody other than the person may answer, so that a form must ask who."""
    return measure.respondent != "self"


def question(measure: Measure, item: Item) -> str:
    """Return the wording where the licence includes it, else the label and where wording is from."""
    if measure.licence.text_included and item.text:
        return one_line(item.text)
    if has_wording(measure):
        return one_line(item.label)
    form = "published" if measure.licence.status == "open" else "licensed"
    return f"{one_line(item.label)} (short label: take the wording from the {form} form)"


def has_wording(measure: Measure) -> bool:
    """Whether a form holds the full questions; indicators and evalkit's own forms have no others."""
    own = measure.kind == "indicator" or measure.licence.holder == "evalkit"
    return measure.licence.text_included or own


def whom_to_ask(measure: Measure) -> str:
    """Return where the wording is to be had, or an empty text where it is included."""
    if has_wording(measure):
        return ""
    licence = measure.licence
    place = f"{licence.holder}{f' ({licence.url})' if licence.url else ''}"
    ask = f"Ask the holder of the rights for the form: {place}."
    if licence.status in ("open", "free"):
        ask = f"Take it from the form of the holder of the rights: {place}."
    if licence.holder.startswith("not "):
        ask = f"Who holds the rights is {licence.holder}: start from {measure.reference}"
    return one_line(f"The wording of the questions is not included, only short labels. {ask}")


def about(measure: Measure) -> str:
    """Return citation, licence and where the wording is from, as one paragraph."""
    licence = measure.licence
    return one_line(
        f"{measure.title}, version {measure.version}. Cite: {measure.reference} "
        f"Licence: {licence.status}, {licence.holder}. {licence.note} {whom_to_ask(measure)}"
    )


def passed_over(measure: Measure) -> dict[str, tuple[Skip, ...]]:
    """Return the skips of every item that has any; only those decided by earlier questions."""
    order = [item.id for item in measure.items]
    found: dict[str, tuple[Skip, ...]] = {}
    for place, item in enumerate(order):
        mine = [skip for skip in measure.skips if item in skip.items]
        sure = [skip for skip in mine if all(order.index(x) < place for x in skip.when)]
        if sure:
            found[item] = tuple(sure)
    return found


def limit(skip: Skip) -> tuple[str, float]:
    """Return the comparison that an answer meets where the questions are still asked."""
    if skip.at_most is not None:
        return ">", skip.at_most
    assert skip.below is not None
    return ">=", skip.below


def unless(skips: Sequence[Skip]) -> str:
    """Return in words when a question is passed over."""
    said = []
    for skip in skips:
        sign, value = limit(skip)
        names = (
            "item " + skip.when[0] if len(skip.when) == 1 else f"items {' and '.join(skip.when)}"
        )
        verb = "is" if len(skip.when) == 1 else "are"
        said.append(f"{names} {verb} {'at most' if sign == '>' else 'below'} {number(value)}")
    return f"Passed over where {', or where '.join(said)}." if said else ""


def need_items(measure: Measure) -> None:
    """Raise InvalidInput, with the reason, where a measure has no items to ask."""
    if measure.items:
        return
    why = {
        "framework": "is a framework of domains: there is nothing to ask and no score.",
        "metadata": "is listed for reference and is not scored. " + " ".join(measure.notes),
        "score-only": "takes finished scores: its items may not be asked or scored here. "
        "Its Excel template has a column for the score.",
    }
    raise InvalidInput(f"{measure.id} {why.get(measure.kind, 'has no items.')}".strip())


def check_waves(waves: Sequence[str]) -> tuple[str, ...]:
    """Return the waves; raises InvalidInput where one is no id or stands twice."""
    if isinstance(waves, str):
        raise InvalidInput(f"waves='{waves}' is one text. Give a list: ['{waves}'].")
    for n, wave in enumerate(waves):
        if not _WAVE.fullmatch(wave):
            what = f"the wave '{wave}' is no id."
            raise InvalidInput(str(Problem(Where(), what, "letters, digits, - and _")))
        if wave in waves[:n]:
            raise InvalidInput(f"the wave '{wave}' is named twice.")
    if not waves:
        raise InvalidInput("waves is empty. Name at least one wave.")
    return tuple(waves)


def bounds(item: Item) -> tuple[float, float | None]:
    """Return the lowest and highest number of a range, None where it has no end."""
    return item.low, None if isinf(item.high) else item.high
