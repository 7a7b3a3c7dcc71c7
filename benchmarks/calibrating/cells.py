"""The table of what is simulated: families of methods, each with its cells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import exp
from typing import Any
from zlib import crc32

import numpy as np
import pandas as pd

from benchmarks.calibrating import methods as by
from benchmarks.calibrating.methods import Method
from benchmarks.calibrating.trials import (
    Sizes,
    answers,
    counts,
    ordered,
    pairs,
    risk_gap,
    scores,
    times,
    waves,
    wedge,
)

Make = Callable[[np.random.Generator, float], pd.DataFrame]
FAMILY: Sizes = (1, 5)
SITE: Sizes = (5, 35)
Shape = tuple[str, dict[str, Any]]  # how many, in words and as options of a maker


@dataclass(frozen=True, slots=True)
class Cell:
    """One row of the page: trials of one structure, read by one method.

    `effect` is what the maker is given for coverage (0 for type I error), `truth` what the
    interval should hold.
    """

    method: Method
    structure: str
    size: str
    make: Make
    effect: float
    truth: float

    @property
    def name(self) -> str:
        """Return what no other cell is called."""
        return f"{self.method.words}; {self.structure}; {self.size}"

    def entropy(self, seed: int) -> list[int]:
        """Return what its random numbers start from: the seed and its own name, not its place."""
        return [seed, crc32(self.name.encode())]


def cell(
    method: Method,
    structure: str,
    shape: Shape,
    make: Callable[..., pd.DataFrame],
    *,
    effect: float = 0.5,
    truth: float | None = None,
    **options: Any,
) -> Cell:
    """Return a cell; the truth is the effect, or its exponential for a ratio."""
    size, shaped = shape
    known = truth if truth is not None else exp(effect) if method.ratio else effect
    made = partial(make, **(shaped | options))
    return Cell(method, structure, size, made, effect, known)


def people(treated: int, compared: int) -> Shape:
    """Return people assigned one by one."""
    return f"{treated} + {compared} people", {"treated": treated, "compared": compared}


def families(count: int) -> Shape:
    """Return families of 1 to 5, half of them treated, correlation 0.3."""
    arms = {"treated": count // 2, "compared": count - count // 2}
    return f"{count} families", {**arms, "sizes": FAMILY, "icc": 0.3}


def sites(count: int) -> Shape:
    """Return sites of 5 to 35, half of them treated, correlation 0.05."""
    arms = {"treated": count // 2, "compared": count - count // 2}
    return f"{count} sites", {**arms, "sizes": SITE, "icc": 0.05}


SMALL, MIDDLE, LARGE = people(6, 6), people(30, 30), people(200, 200)


def individual() -> tuple[Cell, ...]:
    """Scores of people randomised one by one."""
    even = (SMALL, MIDDLE, LARGE, people(3, 9), people(20, 40))
    spread = (SMALL, MIDDLE, people(3, 9), people(9, 3), people(20, 40))
    return (
        *(cell(by.ADJUSTED, "equal spread", shape, scores) for shape in even),
        *(cell(by.ADJUSTED, "treated twice as spread", n, scores, spread=2.0) for n in spread),
        *(
            cell(method, "treated three times as spread", shape, scores, spread=3.0)
            for method in (by.ADJUSTED, by.DIFFERENCE)
            for shape in (people(5, 20), people(20, 80))
        ),
        *(cell(by.ADJUSTED, "skewed", shape, scores, skewed=True) for shape in (SMALL, MIDDLE)),
    )


def clustered() -> tuple[Cell, ...]:
    """Scores of people in sites or families that were randomised whole."""
    return (
        *(
            cell(by.CLUSTERED, f"ICC {icc:g}", sites(count), scores, icc=icc)
            for icc in (0.0, 0.05, 0.2)
            for count in (8, 16, 40)
        ),
        *(
            cell(by.CLUSTERED_ADJUSTED, "ICC 0.2", sites(count), scores, icc=0.2)
            for count in (8, 16)
        ),
        *(
            cell(by.CLUSTERED_ADJUSTED, "ICC 0.3", families(count), scores)
            for count in (8, 12, 40, 200)
        ),
    )


def mixed() -> tuple[Cell, ...]:
    """Scores in sites, by a random intercept."""
    return tuple(
        cell(by.MIXED, f"ICC {icc:g}", sites(count), scores, icc=icc)
        for icc in (0.0, 0.05, 0.2)
        for count in (6, 10, 20)
    )


def risks() -> tuple[Cell, ...]:
    """Outcomes that are yes or no."""

    def one(method: Method, chance: float, slope: float, shape: Shape) -> Cell:
        truth = risk_gap(0.8, chance, slope)
        words = f"{100 * chance:g} in 100"
        return cell(
            method, words, shape, answers, effect=0.8, truth=truth, chance=chance, slope=slope
        )

    common, rare = 0.4, 0.05
    alone = ((common, SMALL), (common, MIDDLE), (common, LARGE), (rare, MIDDLE), (rare, LARGE))
    together = [(p, s) for s in (sites(8), sites(16), sites(40)) for p in (common, rare)]
    homes = [(p, s) for s in (families(16), families(40), families(200)) for p in (common, rare)]
    return (
        *(one(by.RISK, chance, 0.0, shape) for chance, shape in alone),
        *(one(by.RISK_ADJUSTED, chance, 1.0, shape) for chance, shape in alone),
        *(one(by.RISK_CLUSTERED, chance, 0.0, shape) for chance, shape in together),
        *(one(by.RISK_CLUSTERED_ADJUSTED, chance, 1.0, shape) for chance, shape in homes),
    )


def rates() -> tuple[Cell, ...]:
    """Counts of events."""

    def several(method: Method, kind: str, variance: float, *shapes: Shape) -> list[Cell]:
        words = kind if kind == "poisson" else f"{kind}, variance {variance:g}"
        options: dict[str, Any] = {"mean": 2.0, "kind": kind, "variance": variance}
        return [
            cell(method, words.replace("poisson", "Poisson"), shape, counts, **options)
            for shape in shapes
        ]

    small = people(10, 10)
    homes = [
        (words, {name: value for name, value in options.items() if name != "icc"})
        for words, options in map(families, (12, 40, 200))
    ]
    exposed: dict[str, Any] = {"mean": 2.0, "kind": "gamma", "variance": 0.5, "exposed": True}
    return (
        *several(by.RATE, "poisson", 0.0, small, MIDDLE, LARGE),
        *several(by.RATE, "gamma", 0.5, small, MIDDLE, LARGE),
        *(
            cell(by.RATE_EXPOSED, "gamma, variance 0.5, exposure", shape, counts, **exposed)
            for shape in (small, MIDDLE, LARGE)
        ),
        *several(by.RATE, "lognormal", 3.0, small, MIDDLE, LARGE),
        *several(by.RATE_ROBUST, "poisson", 0.0, small, MIDDLE),
        *several(by.RATE_ROBUST, "gamma", 0.5, small, MIDDLE, LARGE),
        *several(by.RATE_ROBUST, "lognormal", 3.0, small, MIDDLE, LARGE),
        *several(by.RATE_CLUSTERED, "gamma", 0.5, *homes),
    )


def changes() -> tuple[Cell, ...]:
    """One group before and after."""

    def group(count: int, options: dict[str, Any] | None = None, what: str = "people") -> Shape:
        return f"{count} {what}", {"units": count} | (options or {})

    homes: dict[str, Any] = {"sizes": FAMILY, "icc": 0.3}
    places: dict[str, Any] = {"sizes": SITE, "icc": 0.05}
    return (
        *(cell(by.CHANGE, "people alone", group(count), pairs) for count in (6, 12, 30, 100)),
        *(
            cell(by.CHANGE_CLUSTERED, "ICC 0.3", group(count, homes, "families"), pairs)
            for count in (8, 20)
        ),
        *(
            cell(by.CHANGE_CLUSTERED, "ICC 0.05", group(count, places, "sites"), pairs)
            for count in (4, 8)
        ),
    )


def repeated() -> tuple[Cell, ...]:
    """Several waves."""
    return (
        *(
            cell(method, "people alone", shape, waves)
            for method in (by.WAVES, by.WAVES_LAST)
            for shape in (people(8, 8), MIDDLE)
        ),
        *(
            cell(
                method, "families of 3 to 8, ICC 0.2", (size, options), waves, sizes=(3, 8), icc=0.2
            )
            for method in (by.WAVES_CLUSTERED, by.WAVES_CLUSTERED_LAST)
            for size, options in (families(8), families(12), families(20), families(40))
        ),
    )


def sizes() -> tuple[Cell, ...]:
    """Effect sizes."""
    return (
        *(
            cell(method, f"true size {effect:g}", shape, scores, effect=effect)
            for method in (by.RAW_SIZE, by.SIZE, by.SIZE_ADJUSTED)
            for effect in (0.5, 1.2)
            for shape in (SMALL, MIDDLE, LARGE)
        ),
        *(
            cell(by.SIZE_CLUSTERED, "true size 0.5, ICC 0.05", sites(count), scores)
            for count in (8, 16, 40)
        ),
    )


def wedges() -> tuple[Cell, ...]:
    """Stepped wedges."""
    return tuple(
        cell(
            by.WEDGE, f"drift {drift:g}", (f"{count} clusters, 3 steps", {"clusters": count}),
            wedge, drift=drift,
        )
        for drift in (0.0, 0.2)
        for count in (6, 9, 12, 24)
    )  # fmt: skip


def bands() -> tuple[Cell, ...]:
    """Ordered categories."""
    alone, places = (people(15, 15), people(50, 50), LARGE), (6, 10, 20, 40)
    return (
        *(cell(by.ORDERED, "people alone", shape, ordered) for shape in alone),
        *(cell(by.ORDERED_CLUSTERED, "ICC 0.05", sites(count), ordered) for count in places),
        *(cell(by.ORDERED_CLUSTERED, "ICC 0.3", families(n), ordered) for n in (20, 100)),
    )


def hazards() -> tuple[Cell, ...]:
    """Times to an event."""
    alone, places = (people(15, 15), people(50, 50), LARGE), (6, 10, 20, 40)
    return (
        *(cell(by.HAZARD, "people alone", shape, times) for shape in alone),
        *(cell(by.HAZARD_CLUSTERED, "ICC 0.05", sites(count), times) for count in places),
        *(cell(by.HAZARD_CLUSTERED, "ICC 0.3", families(n), times) for n in (20, 100)),
    )


def permutations() -> tuple[Cell, ...]:
    """Permutation tests, whose p-value is read."""
    return (
        cell(by.PERMUTED, "skewed", SMALL, scores, skewed=True),
        cell(by.PERMUTED_ADJUSTED, "skewed", MIDDLE, scores, skewed=True),
        cell(by.PERMUTED_CLUSTERED, "ICC 0.2", sites(8), scores, icc=0.2),
        cell(by.PERMUTED_CLUSTERED, "ICC 0.2", sites(16), scores, icc=0.2),
        cell(by.PERMUTED, "treated three times as spread", people(5, 20), scores, spread=3.0),
        cell(by.PERMUTED_T, "treated three times as spread", people(5, 20), scores, spread=3.0),
    )
