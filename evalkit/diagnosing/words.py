"""What many made trials say of a plan, in words for those who will run it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

ENOUGH, FEW = 0.8, 0.5
EXAGGERATED = 1.15
HELD, PROMISED = 0.92, 0.95
"""An interval of 95% that holds the truth less often than the first is said not to keep its promise,
unless that may be chance."""
MOST_SD, SURE = 2.0, 0.9
"""An effect beyond this many SDs, or a size worked out where fewer trials than this share give a
result, is not told: it would seem known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """The figures that a sentence is made of; `truth` is on the scale where 0 is no difference."""

    families: int
    noun: str
    sites: int | None
    size: float | None
    unit: str
    truth: float
    power: float
    needed: int | None
    detectable: float | None
    wrong: float | None
    exaggeration: float | None
    type_one: float | None
    coverage: tuple[float | None, float | None]
    estimated: float
    clear: int


def sentence(told: Told) -> str:
    """Say what a plan of this size would find, how often it would mislead, and what would do."""
    return " ".join(_parts(told))


def _parts(told: Told) -> Iterable[str]:
    if told.estimated == 0:
        yield f"With {_who(told)} no trial would give a result for this outcome."
        return
    if told.truth == 0:
        found = round(100 * told.power)
        yield f"With {_who(told)} and no effect, {found} of 100 such trials would still find one."
    else:
        yield _power(told)
    if told.wrong:
        yield f"1 in {max(1, round(1 / told.wrong))} clear findings would point the wrong way."
    if told.exaggeration is not None and told.exaggeration > EXAGGERATED:
        yield (
            "Those that are clear would on average show an effect "
            f"{told.exaggeration:.1f} times as large as it is."
        )
    if told.truth != 0 and told.type_one is not None:
        found = round(100 * told.type_one)
        yield f"Were there no effect, {found} of 100 would still find one."
    held, error = told.coverage
    if held is not None and held < HELD and held + 2 * (error or 0.0) < PROMISED:
        yield f"The interval would hold the truth in {round(100 * held)} of 100 trials only."
    if told.estimated < 0.995:
        yield f"{round(100 * told.estimated)} of 100 trials would give a result at all."


def _power(told: Told) -> str:
    said = (
        f"With {_who(told)} you would find {_effect(told)} in {round(100 * told.power)} of 100 "
        "such trials"
    )
    if told.power >= ENOUGH:
        return f"{said}: that is enough."
    more = ""
    if told.estimated >= SURE and told.needed is not None and told.needed > told.families:
        more = f"; about {_round_up(told.needed)} {told.noun} would be needed"
        if told.sites:
            sites = math.ceil(told.sites * told.needed / told.families)
            more += f", in about {sites} sites"
        more += " to find it in 80"
    small = "too small: it would miss such an effect more often than it finds it"
    verdict = f" The plan is {small if told.power < FEW else 'smaller than it should be'}."
    least = ""
    if told.estimated >= SURE and told.detectable is not None and told.detectable <= MOST_SD:
        least = f" An effect of {told.detectable:.2f} SD is what it could find in 80 of 100."
    return f"{said}{more}.{verdict}{least}"


def _who(told: Told) -> str:
    sites = f" in {told.sites} sites" if told.sites else ""
    return f"{told.families} {told.noun}{sites}"


def _effect(told: Told) -> str:
    if told.size is None:
        return f"a rate {math.exp(told.truth):.2f} times as high"
    way = "an effect" if told.size > 0 else "a harm"
    return f"{way} of {abs(told.size):.2g} SD"


def _round_up(value: int) -> int:
    """Return a size rounded up to two digits: it is known no better."""
    step: int = 10 ** max(0, len(str(value)) - 2)
    return math.ceil(value / step) * step
