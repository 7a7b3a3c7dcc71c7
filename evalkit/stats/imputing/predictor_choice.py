"""Which columns predict which: all, those named, or those that go together most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.stats.imputing.imputed_columns import Block
from evalkit.stats.shared.columns import as_names, invalid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]
    Codes = NDArray[np.intp]

AT_LEAST = 0.1  # correlation, of "auto"
AT_MOST = 25  # columns, of "auto" (van Buuren 2018, 6.3: 15 to 25)
PEOPLE_EACH = 5  # with a value, for each column of "auto"
_SHARED = 3  # rows that hold both: fewer give no correlation


def check_predictors(predictors: Any, names: Sequence[str]) -> None:
    """Refuse a choice of predictors that cannot be."""
    if predictors is None or predictors == "auto":
        return
    if isinstance(predictors, Mapping):
        for target, listed in predictors.items():
            for name in (target, *as_names(listed)):
                if name not in names:
                    raise invalid(
                        f"predictors names {name!r}, which is not among the columns used.",
                        allowed=", ".join(names),
                    )
            if target in as_names(listed):
                raise invalid("named as its own predictor.", column=target)
        return
    if (
        isinstance(predictors, bool)
        or not isinstance(predictors, int | np.integer)
        or predictors < 1
    ):
        raise invalid(
            f"predictors={predictors!r}.",
            allowed='"auto", a number of columns from 1, or the predictors of each column',
        )


def together(design: Floats) -> tuple[Floats, Floats]:
    """Return correlations between columns, and of columns with the lack of others.

    Both are absolute, columns by columns, over the rows that hold both; zero where fewer than three
    rows do or one of the two does not vary. The second has the lacking column in its rows.
    """
    present = ~np.isnan(design)
    filled = np.where(present, design, 0.0)
    held = present.astype(np.float64)
    lack = 1.0 - held
    return _correlations(filled, held, filled, held), _correlations(
        lack, np.ones_like(lack), filled, held
    )


def _correlations(a: Floats, in_a: Floats, b: Floats, in_b: Floats) -> Floats:
    n = in_a.T @ in_b
    sum_a, sum_b = a.T @ in_b, in_a.T @ b
    with np.errstate(divide="ignore", invalid="ignore"):
        both = a.T @ b - sum_a * sum_b / n
        own_a = (a * a).T @ in_b - sum_a**2 / n
        own_b = in_a.T @ (b * b) - sum_b**2 / n
        found = np.abs(both) / np.sqrt(own_a * own_b)
    usable = (n >= _SHARED) & (own_a > 1e-10 * n) & (own_b > 1e-10 * n)
    return np.where(usable, found, 0.0)


def chosen_places(blocks: Sequence[Block], design: Floats, predictors: Any) -> dict[str, Codes]:
    """Return for each column that lacks values the design's columns that predict it."""
    strength = None if predictors is None or isinstance(predictors, Mapping) else together(design)
    found = {}
    for block in blocks:
        if not block.column.missing.any():
            continue
        others = [other for other in blocks if other is not block and len(other.places)]
        if strength is not None:
            others = _strongest(block, others, strength, predictors)
        elif isinstance(predictors, Mapping) and block.column.name in predictors:
            named = as_names(predictors[block.column.name])
            others = [other for other in others if other.column.name in named]
        places = [np.zeros(1, dtype=np.intp), *(other.places for other in others)]
        found[block.column.name] = np.concatenate(places)
    return found


def _strongest(
    block: Block, others: Sequence[Block], strength: tuple[Floats, Floats], predictors: Any
) -> list[Block]:
    values, lack = strength
    first = int(block.places[0]) if len(block.places) else 0
    score = [
        max(
            values[np.ix_(block.places, other.places)].max(initial=0.0),
            lack[first, other.places].max(initial=0.0),
        )
        for other in others
    ]
    known = int((~block.column.missing).sum())
    most = min(AT_MOST, known // PEOPLE_EACH) if predictors == "auto" else int(predictors)
    least = AT_LEAST if predictors == "auto" else 0.0
    taken: list[int] = []
    width = 0
    for index in np.argsort(-np.array(score), kind="stable"):
        wider = width + len(others[index].places)
        if score[index] >= least and wider <= most:
            taken.append(int(index))
            width = wider
    return [others[index] for index in sorted(taken)]


def check_room(name: str, known: int, columns: int, words: str) -> None:
    """Refuse a model that has hardly more rows than columns."""
    if known < columns + 2:
        raise CannotEstimate(
            f"'{name}' has {known} values{words} and {columns} columns (the constant and dummies "
            f"counted) to predict the missing ones from: at least {columns + 2} values are needed. "
            'Choose fewer with predictors="auto" or predictors={...}.'
        )


def check_fixed(blocks: Sequence[Block], design: Floats, names: Sequence[str], words: str) -> None:
    """Refuse a numeric column with gaps that other columns determine exactly."""
    gaps = {
        int(b.places[0]): b for b in blocks if b.column.kind == "number" and b.column.missing.any()
    }
    for place, others in [*_pairs(design, gaps), *_relations(design, gaps)]:
        listed = ", ".join(f"'{names[other]}'" for other in others)
        raise CannotEstimate(
            f"'{names[place]}' is fixed exactly by {listed} in the rows that hold them all{words}, "
            "so it cannot be imputed beside them. Leave one of them out with ignore= and compute "
            "it after imputing."
        )


def _pairs(design: Floats, gaps: Mapping[int, Block]) -> list[tuple[int, list[int]]]:
    """Return pairs of columns with the same values but for level and unit."""
    values = together(design)[0]
    found = []
    for place in sorted(gaps):
        for other in np.flatnonzero(values[place] > 1 - 1e-12):
            both = ~np.isnan(design[:, place]) & ~np.isnan(design[:, other])
            varied = len(np.unique(design[both, place])) > 2
            if other != place and varied and both.sum() >= 10:
                found.append((place, [int(other)]))
    return found


def _relations(design: Floats, gaps: Mapping[int, Block]) -> list[tuple[int, list[int]]]:
    """Return exact linear relations between columns in the complete rows, where there are enough."""
    complete = design[~np.isnan(design).any(axis=1)]
    if len(complete) < design.shape[1] + 10:
        return []
    spread = complete.std(axis=0)
    places = np.flatnonzero(spread > 1e-10)
    if not len(places):
        return []
    scaled = (complete[:, places] - complete[:, places].mean(axis=0)) / spread[places]
    size, vectors = np.linalg.eigh(scaled.T @ scaled / len(scaled))
    found = []
    for vector in vectors[:, size < 1e-10].T:
        within = [int(place) for place in places[np.abs(vector) > 1e-4]]
        first = next((place for place in within if place in gaps), None)
        if first is not None and len(within) > 1:
            found.append((first, [place for place in within if place != first]))
    return found
