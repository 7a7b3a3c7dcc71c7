"""Run one method of matching on units: their sets, weights, links, and why units are left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.stats.matching.candidates import Windows, windows
from evalkit.stats.matching.full import full_matching
from evalkit.stats.matching.match_units import Units
from evalkit.stats.matching.matched import UnitMatches
from evalkit.stats.matching.nearest import (
    Links,
    greedy_on_line,
    nearest_in_space,
    nearest_on_line,
)
from evalkit.stats.matching.optimal import optimal_pairs
from evalkit.stats.matching.scores import Scores
from evalkit.stats.matching.set_weights import (
    sets_of_links,
    weights_of_links,
    weights_of_sets,
)
from evalkit.stats.matching.strata import both_arms, coarsened, combined, subclasses

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Codes = NDArray[np.intp]

REASONS = (
    "nobody of the other arm alike in the exact columns",
    "nobody within the caliper",
    "nobody left to match with",
    "not chosen as a match",
    "nobody of the other arm in the stratum",
    "nobody left within the caliper",
)
_NO_STRATUM, _CALIPER, _NONE_LEFT, _NOT_CHOSEN, _NO_SET, _TAKEN = range(6)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What was asked for."""

    method: str
    estimand: str
    ratio: int
    replace: bool
    order: str
    seed: int | None
    subclasses: int
    cutpoints: Mapping[str, Any] | None


def match_units(
    units: Units, found: Scores | None, asked: Choices
) -> tuple[UnitMatches, tuple[str, ...]]:
    """Return the matches of the units, and notes."""
    exact = combined(units.exact, len(units.treated))
    if found is None or asked.method == "subclass":
        return _in_strata(units, found, asked, exact)
    of_arm = 0.0 if asked.estimand == "ATC" else 1.0
    focal, pool = (np.flatnonzero((units.treated == of_arm) == own) for own in (True, False))
    if asked.method != "nearest":  # equal totals must not be chosen among by the order of the rows
        focal, pool = (x[np.lexsort((found.key[x], exact[x]))] for x in (focal, pool))
    side, other = found.side(focal, exact), found.side(pool, exact)
    open_to = windows(side, other, found.width)
    if not np.any(open_to.high > open_to.low):
        raise CannotEstimate(_nobody(found, open_to))
    if asked.method == "nearest":
        linked = _nearest(open_to, side.score, side.points, side.key, asked)
    elif asked.method == "optimal":
        linked = optimal_pairs(open_to, side.score, side.points, asked.ratio)
    else:
        back = windows(other, side, found.width)
        linked = full_matching(open_to, back, side.score, side.points)
    return _linked(units, found, asked, linked, focal, pool, open_to), _short(linked, asked, focal)


def _nearest(
    open_to: Windows, score: Floats, points: Floats | None, key: Floats, asked: Choices
) -> Links:
    turns = _turns(key, asked)
    if points is not None:
        turns = turns[(open_to.high > open_to.low)[turns]]
        return nearest_in_space(open_to, points, turns, asked.ratio, replace=asked.replace)
    if asked.replace:
        return nearest_on_line(open_to, score, asked.ratio)
    return greedy_on_line(open_to, score, turns, asked.ratio)


def _turns(key: Floats, asked: Choices) -> Codes:
    """Return the focal units in the order they choose; equal scores in the order of the rows."""
    if asked.order == "largest":
        return np.argsort(-key, kind="stable")
    if asked.order == "smallest":
        return np.argsort(key, kind="stable")
    if asked.order == "random":
        draws = np.random.default_rng(np.random.SeedSequence(asked.seed)).random(len(key))
        return np.argsort(draws, kind="stable")
    return np.arange(len(key))


def _linked(
    units: Units,
    found: Scores,
    asked: Choices,
    linked: Links,
    focal: Codes,
    pool: Codes,
    open_to: Windows,
) -> UnitMatches:
    n = len(units.treated)
    if asked.replace:
        sets = np.zeros(n, dtype=np.intp)
        weights = weights_of_links(linked, focal, pool, n)
    else:
        sets = sets_of_links(linked, focal, pool, n)
        weights = weights_of_sets(sets, units.treated, asked.estimand)
    why = np.full(n, -1, dtype=np.intp)
    stratum_empty = open_to.stratum_high == open_to.stratum_low
    empty = open_to.high == open_to.low
    left = _NONE_LEFT if found.width is None else _TAKEN
    why[focal] = np.where(stratum_empty, _NO_STRATUM, np.where(empty, _CALIPER, left))
    why[pool] = _NOT_CHOSEN if asked.method != "full" else _CALIPER
    if asked.method == "full":
        exact = combined(units.exact, n)
        why[pool[~np.isin(exact[pool], exact[focal])]] = _NO_STRATUM
    why[weights > 0] = -1
    ends = focal[linked.focal], pool[linked.partner]
    rows = np.argsort(ends[0], kind="stable")
    ends, length = (ends[0][rows], ends[1][rows]), linked.distance[rows]
    treated, comparison = ends if asked.estimand != "ATC" else (ends[1], ends[0])
    return UnitMatches(units, weights, sets, found.shown, treated, comparison, length, why, REASONS)


def _in_strata(
    units: Units, found: Scores | None, asked: Choices, exact: Codes
) -> tuple[UnitMatches, tuple[str, ...]]:
    notes: tuple[str, ...] = ()
    if asked.method == "subclass":
        assert found is not None
        codes, notes = subclasses(found.score, units.treated, asked.subclasses, asked.estimand)
        parts = [exact, codes]
    elif asked.method == "coarsened-exact":
        numbers = [c for c in units.covariates if c.level is None]
        parts = [exact, *(coarsened(c, asked.cutpoints) for c in numbers)]
    else:
        numbers = [c for c in units.covariates if c.level is None]
        parts = [exact, *(np.unique(c.values, return_inverse=True)[1] for c in numbers)]
    sets = both_arms(combined(parts, len(units.treated)), units.treated)
    if not sets.any():
        raise CannotEstimate(
            "No stratum has units of both arms, so nobody can be matched. Allowed: strata that "
            "both arms share. Use fewer covariates, wider intervals (cutpoints=), or matching on "
            "a score."
        )
    weights = weights_of_sets(sets, units.treated, asked.estimand)
    why = np.where(sets > 0, -1, _NO_SET)
    none = np.empty(0, dtype=np.intp)
    shown = None if found is None else found.shown
    return (
        UnitMatches(units, weights, sets, shown, none, none, np.empty(0), why, REASONS),
        notes,
    )


def _short(linked: Links, asked: Choices, focal: Codes) -> tuple[str, ...]:
    if asked.ratio == 1 or asked.method == "full":
        return ()
    partners = np.bincount(linked.focal, minlength=len(focal))
    short = int(np.sum((partners > 0) & (partners < asked.ratio)))
    if not short:
        return ()
    return (f"{short} matched unit(s) have fewer than {asked.ratio} partners.",)


def _nobody(found: Scores, open_to: Windows) -> str:
    if not np.any(open_to.stratum_high > open_to.stratum_low):
        return (
            "The arms share no value of the exact columns, so nobody can be matched. Allowed: "
            "exact columns with values that both arms have. Leave one out or merge its values."
        )
    return (
        f"The caliper of {found.width:.4g} on the {found.on} leaves nobody to match: no unit of "
        "one arm is that close to one of the other. Allowed: a wider caliper, or none; but where "
        "the arms do not overlap a matched comparison cannot tell the programme's effect."
    )
