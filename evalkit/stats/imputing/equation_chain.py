"""One chain of chained equations in one arm: every column with gaps drawn in turn, round after round."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from evalkit.stats.imputing.category_draws import (
    Model,
    augmented,
    ordered_model,
    pick,
    unordered_model,
)
from evalkit.stats.imputing.cluster_draws import cluster_model
from evalkit.stats.imputing.cluster_means import ClusterMeans
from evalkit.stats.imputing.imputed_columns import Arm, Target
from evalkit.stats.imputing.linear_draws import (
    donors,
    drawn_model,
    independent,
    normal_values,
    root,
)
from evalkit.stats.imputing.steady_algebra import onto, own_products, times

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Codes = NDArray[np.intp]

TURNS = 8  # in which the members of a cluster are drawn
Dropped = Counter[tuple[str, str, str]]


@dataclass(frozen=True, slots=True, eq=False)
class Chain:
    """What a chain ends with: values of each target's missing rows (numbers, or codes).

    `trace` is targets by rounds by 2: mean and SD of the values drawn (of codes from 1 for
    categories). `dropped` counts by target, column left out and reason.
    """

    values: dict[str, Floats]
    trace: Floats
    dropped: Dropped


@dataclass(slots=True, eq=False)
class _State:
    """The design as it stands, its cross-products over all rows, and what was left out so far."""

    arm: Arm
    rng: np.random.Generator
    design: Floats
    gram: Floats
    means: ClusterMeans | None
    dropped: Dropped = field(default_factory=Counter)

    def put(self, target: Target, values: Floats) -> None:
        """Write drawn values into the design."""
        places = target.block.places
        self.design[np.ix_(target.missing, places)] = target.block.coded(values)
        for place in places:
            products = onto(self.design, self.design[:, place])
            self.gram[:, place] = self.gram[place] = products

    def leave_out(self, target: Target, gram: Floats, names: list[str]) -> Codes:
        """Return the columns that can be told apart, counting the others with the reason."""
        n = len(target.known)
        kept = independent(gram, n)
        for column in np.setdiff1d(np.arange(len(gram)), kept):
            varies = gram[column, column] - gram[0, column] ** 2 / n > 1e-8 * n
            reason = "fixed" if varies else "constant"
            if names[column]:
                self.dropped[target.block.column.name, names[column], reason] += 1
        return kept


def run_chain(arm: Arm, rounds: int, seed: np.random.SeedSequence) -> Chain:
    """Fill the gaps, each column from those already full, then draw each column in turn."""
    rng = np.random.Generator(np.random.PCG64(seed))
    design = arm.design.copy()
    values = {}
    for target in arm.targets:
        first = target.values[rng.integers(0, len(target.values), len(target.missing))]
        design[np.ix_(target.missing, target.block.places)] = target.block.coded(first)
        values[target.block.column.name] = first
    means = None if arm.clusters is None else ClusterMeans(arm.clusters)
    state = _State(arm, rng, design, own_products(design), means)
    _start(state, values)
    trace = np.empty((len(arm.targets), rounds, 2))
    for step in range(rounds):
        for number, target in enumerate(arm.targets):
            drawn = _draw(state, target)
            state.put(target, drawn)
            values[target.block.column.name] = drawn
            shown = drawn if target.block.column.kind == "number" else drawn + 1
            spread = shown.std(ddof=1) if len(shown) > 1 else 0.0
            trace[number, step] = shown.mean(), spread
    return Chain(values, trace, state.dropped)


def _start(state: _State, values: dict[str, Floats]) -> None:
    """Draw each column, the fullest first, from those that are full or drawn already.

    Where people are lost for good the chain then starts where it ends. A column with nothing to
    draw from keeps values drawn from those observed.
    """
    arm = state.arm
    full = np.ones(state.design.shape[1], dtype=bool)
    for target in arm.targets:
        full[target.block.places] = False
    for target in sorted(arm.targets, key=lambda one: len(one.missing)):
        usable = target.predictors[full[target.predictors]]
        if len(usable) > 1:
            drawn = _draw(state, replace(target, predictors=usable))
            state.put(target, drawn)
            values[target.block.column.name] = drawn
        full[target.block.places] = True
    state.dropped.clear()


def _draw(state: _State, target: Target) -> Floats:
    block = target.block
    if np.ptp(target.values) == 0:
        return np.full(len(target.missing), target.values[0])
    if block.method not in ("pmm", "norm"):
        return _categories(state, target)
    if state.means is not None:
        known, wanted, sigma = _clustered(state, target, state.means)
    else:
        known, wanted, sigma = _alone(state, target)
    if block.method == "pmm":
        return np.asarray(target.values[donors(state.rng, known, wanted)])
    drawn = normal_values(state.rng, wanted, sigma, block.standard_limits)
    return _within(block.centre + block.scale * drawn, target)


def _within(values: Floats, target: Target) -> Floats:
    """Round whole numbers, and keep the last digit inside the bounds."""
    limits = target.block.limits
    if target.block.column.whole:
        values = np.round(values)
        limits = None if limits is None else (np.ceil(limits[0]), np.floor(limits[1]))
    return values if limits is None else np.clip(values, *limits)


def _alone(state: _State, target: Target) -> tuple[Floats, Floats, float]:
    """Return predictions of known and of missing rows, and the drawn deviation, of rows alone.

    Cross-products of the known rows are those of all rows less those of the missing ones, which
    are fewer.
    """
    own = target.block.places[-1]
    lost = state.design.take(target.missing, axis=0)
    places = np.append(target.predictors, own)
    part = lost if len(places) == state.design.shape[1] else lost[:, places]
    gram = state.gram[np.ix_(places, places)]
    less = own_products(part)
    gram -= less[np.ix_(places, places)] if part is lost else less
    n = len(target.known)
    upper = root(gram, n)
    if upper is None:
        names = [state.arm.names[place] for place in target.predictors]
        kept = state.leave_out(target, gram[:-1, :-1], names)
        both = np.append(kept, len(gram) - 1)
        upper = root(gram[np.ix_(both, both)], n)
        places = places[both]
    assert upper is not None
    fitted, drawn, sigma = drawn_model(state.rng, upper, n - len(upper) + 1)
    weights = np.zeros((2, state.design.shape[1]))
    weights[:, places[:-1]] = fitted, drawn
    known = times(state.design, weights[0]).take(target.known)
    return known, times(lost, weights[1]), sigma


def _kept_columns(state: _State, target: Target, matrix: Floats, names: list[str]) -> Codes:
    known = matrix[target.known]
    return state.leave_out(target, own_products(known), names)


def _clustered(state: _State, target: Target, means: ClusterMeans) -> tuple[Floats, Floats, float]:
    """Return predictions and deviation with clusters: their means predict, and an intercept each."""
    arm = state.arm
    averaged = np.intersect1d(target.predictors, arm.averaged)
    matrix = np.concatenate(
        [state.design[:, target.predictors], means.of(state.design[:, averaged])], axis=1
    )
    names = [arm.names[place] for place in target.predictors]
    names += [""] * len(averaged)  # that means add nothing is no news
    matrix = matrix[:, _kept_columns(state, target, matrix, names)]
    outcome = state.design[target.known, target.block.places[-1]]
    fitted, drawn, intercepts, sigma = cluster_model(
        state.rng, matrix[target.known], outcome, means.codes[target.known], means.n
    )
    shifts = intercepts[means.codes]
    known = times(matrix[target.known], fitted) + shifts[target.known]
    return known, times(matrix[target.missing], drawn) + shifts[target.missing], sigma


def _categories(state: _State, target: Target) -> Floats:
    """Draw categories; with clusters the shares among the others of a cluster predict too."""
    block = target.block
    names = [state.arm.names[place] for place in target.predictors]
    matrix = state.design[:, target.predictors]
    if state.means is not None:
        averaged = np.intersect1d(target.predictors, state.arm.averaged)
        shares = state.means.of_others(state.design[:, block.places])
        matrix = np.concatenate([matrix, state.means.of(state.design[:, averaged]), shares], axis=1)
        names += [""] * (matrix.shape[1] - len(names))
    kept = _kept_columns(state, target, matrix, names)
    seen = np.array(block.seen, dtype=np.float64)
    codes = np.searchsorted(seen, target.values)
    sample = augmented(matrix[np.ix_(target.known, kept[1:])], codes, len(seen))
    ordered = block.method == "polr" and len(seen) > 2
    model = ordered_model(state.rng, sample) if ordered else unordered_model(state.rng, sample)
    if state.means is None:
        chances = model(matrix[np.ix_(target.missing, kept[1:])])
        return np.asarray(seen[pick(state.rng, chances)])
    return _one_by_one(state, target, state.means, matrix, kept[1:], model)


def _one_by_one(
    state: _State, target: Target, means: ClusterMeans, matrix: Floats, kept: Codes, model: Model
) -> Floats:
    """Draw the members of a cluster in turn: drawn at once they would not be alike.

    In large clusters a few are drawn together, which changes the others' share by little.
    """
    places = target.block.places
    seen = np.array(target.block.seen, dtype=np.float64)
    drawn = np.empty(len(target.missing))
    turn = means.turn(target.missing) % TURNS
    for number in range(int(turn.max()) + 1):
        now = np.flatnonzero(turn == number)
        rows = target.missing[now]
        matrix[:, -len(places) :] = means.of_others(state.design[:, places])
        drawn[now] = seen[pick(state.rng, model(matrix[np.ix_(rows, kept)]))]
        state.design[np.ix_(rows, places)] = target.block.coded(drawn[now])
    return drawn
