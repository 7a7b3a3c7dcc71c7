"""Who could have been in which arm: read how units were randomised, and re-randomise them.

A unit is a cluster, or a row without clusters. As randomised, each stratum keeps its number of
treated units; a caller's own function replaces that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations
from math import comb, prod
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.stats.shared.columns import invalid, left_out, read_arm

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]
    Codes = NDArray[np.intp]

EXACT = 200_000  # assignments: no more than these are enumerated
EXACT_NUMBERS = 50_000_000  # and no more than these arms in all (assignments times units)
CACHED = 64_000  # keys worked on at once, so that they stay near the processor

Reassign = Callable[[Any, np.random.Generator], Any]


@dataclass(frozen=True, slots=True, eq=False)
class Assigned:
    """The units as randomised.

    `rows` marks the rows with an arm (and stratum and cluster), `unit` numbers the unit of each
    such row in order of appearance; `arm` (1 treated) and `stratum` have one value a unit.
    """

    rows: Bools
    unit: Codes
    arm: Floats
    stratum: Codes

    @property
    def units(self) -> int:
        """The number of units."""
        return len(self.arm)


def read_assigned(
    data: pd.DataFrame, treatment: str, treated: Any, strata: str | None, cluster: str | None
) -> Assigned:
    """Return the units as randomised.

    Raises
    ------
    InvalidInput
        When a cluster is in two arms or two strata: it was not assigned as a whole.
    """
    arm = read_arm(data, treatment, treated)
    missing = [("", np.isnan(arm))]
    missing += [("", data[name].isna().to_numpy()) for name in (strata, cluster) if name]
    rows, _ = left_out(missing, len(data))
    arm = arm[rows]
    stratum = _codes(data, strata, rows) if strata else np.zeros(len(arm), dtype=np.intp)
    if cluster is None:
        return Assigned(rows, np.arange(len(arm)), arm, stratum)
    unit = _codes(data, cluster, rows)
    _, first = np.unique(unit, return_index=True)
    labels = data.loc[rows, cluster].to_numpy()
    for values, what in ((arm, "arm"), (stratum, "stratum")):
        _check_whole(unit, values, first, labels, cluster, what)
    return Assigned(rows, unit, arm[first], stratum[first])


def _codes(data: pd.DataFrame, name: str, rows: Bools) -> Codes:
    """Return numbers for the labels, in order of appearance: what a label says does not matter."""
    import pandas as pd

    return np.asarray(pd.factorize(data.loc[rows, name])[0], dtype=np.intp)


def _check_whole(
    unit: Codes, values: Any, first: Codes, labels: Any, cluster: str, what: str
) -> None:
    split = np.flatnonzero(values != values[first][unit])
    if split.size:
        found = len(np.unique(unit[split]))
        raise invalid(
            f"{found} cluster(s) have rows in more than one {what}, such as {labels[split[0]]!r}.",
            column=cluster,
            allowed=f"one {what} a cluster, as whole clusters are re-randomised",
            next_step="Name the unit that was assigned as cluster=, or leave it out where rows were.",
        )


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """How the re-randomisations are made.

    `draws` is how many assignments are gone through, `exact` whether those are all there are.
    """

    assigned: Assigned
    draws: int
    exact: bool
    seed: int
    reassign: Callable[[np.random.Generator], Floats] | None = None

    def p_value(self, extreme: Any) -> Any:
        """Return b / m of all assignments, (b + 1) / (m + 1) of sampled ones."""
        return extreme / self.draws if self.exact else (extreme + 1) / (self.draws + 1)

    def blocks(self, size: int) -> Iterator[Floats]:
        """Give assignments, draws by units, 1 treated and 0 not, at most `size` at a time."""
        if self.exact:
            yield from _enumerated(self.assigned, self.draws, size)
            return
        rng = np.random.default_rng(self.seed)
        layout, units = _layout(self.assigned), self.assigned.units
        if len(layout) == 1:  # else the size is part of what a seed gives
            size = min(size, max(1, CACHED // units))
            size -= size % 2 if size > 1 else 0  # keys come in twos, of which none is to be lost
        sample = _Sampler(layout, units, min(size, self.draws), rng)
        for start in range(0, self.draws, size):
            count = min(size, self.draws - start)
            if self.reassign is None:
                yield sample(count)
            else:
                yield np.stack([self.reassign(rng) for _ in range(count)])

    def sentence(self) -> str:
        """Return how the re-randomisations were made."""
        if self.exact:
            return f"all {self.draws:,} assignments that the design allows"
        how = "by the function given" if self.reassign else "as the units were randomised"
        return f"{self.draws:,} re-randomisations {how}, p = (b + 1) / (m + 1)"


def plan(
    data: pd.DataFrame,
    assigned: Assigned,
    *,
    reassign: Reassign | None,
    treatment: str,
    treated: Any,
    permutations: int,
    seed: int,
) -> Plan:
    """Return how to re-randomise: all assignments where they are few, else a sample.

    Raises
    ------
    InvalidInput
        For `permutations` or `seed` that is not a whole number, or what is not a function.
    CannotEstimate
        When only one assignment is possible.
    """
    check_whole_number(permutations, "permutations", 1)
    check_whole_number(seed, "seed", 0)
    if reassign is not None:
        if not callable(reassign):
            allowed = "a function of the frame and a numpy Generator that returns the arms"
            raise invalid(f"reassign is a {type(reassign).__name__}.", allowed=allowed)
        own = _own(reassign, data.loc[assigned.rows], assigned, treatment, treated)
        return Plan(assigned, permutations, False, seed, own)
    shapes = _shapes(assigned)
    total = prod(comb(size, chosen) for size, chosen in shapes)
    if total < 2:
        raise CannotEstimate(
            "Only one assignment is possible: every stratum has units in one arm only, so there is "
            "nothing to re-randomise. Check strata= and cluster=, or give reassign=."
        )
    exact = total <= EXACT and total * assigned.units <= EXACT_NUMBERS
    return Plan(assigned, total if exact else permutations, exact, seed)


def check_whole_number(value: Any, name: str, low: int) -> None:
    """Refuse what is not a whole number, `low` or more."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < low:
        raise invalid(f"{name}={value!r}.", allowed=f"a whole number, {low} or more")


def _own(
    reassign: Reassign, frame: pd.DataFrame, assigned: Assigned, treatment: str, treated: Any
) -> Callable[[np.random.Generator], Floats]:
    """Return the caller's function as one that gives an arm a unit, each answer checked."""
    _, first = np.unique(assigned.unit, return_index=True)
    known = [0, 1] if treated is None else list(frame[treatment].unique())
    value = 1 if treated is None else treated

    def draw(rng: np.random.Generator) -> Floats:
        answer = np.asarray(reassign(frame.copy(), rng))
        if answer.shape != (len(frame),):
            raise invalid(
                f"reassign returned values of shape {answer.shape}.",
                allowed=f"one arm for each of the {len(frame)} rows it was given",
            )
        arms = answer.tolist()
        other = [arm for arm in set(arms) if arm not in known]
        if other:
            raise invalid(
                f"reassign returned {other[0]!r}.",
                allowed=f"arms coded as '{treatment}' is: {', '.join(map(repr, known))}",
            )
        arm = np.array([float(found == value) for found in arms])
        if np.any(arm != arm[first][assigned.unit]):
            raise invalid("reassign split a cluster.", allowed="one arm a cluster")
        return arm[first]

    return draw


def _shapes(assigned: Assigned) -> list[tuple[int, int]]:
    """Return units and treated units of each stratum."""
    sizes = np.bincount(assigned.stratum)
    chosen = np.bincount(assigned.stratum, weights=assigned.arm)
    return [(int(n), int(k)) for n, k in zip(sizes, chosen, strict=True)]


def _members(assigned: Assigned) -> list[Codes]:
    order = np.argsort(assigned.stratum, kind="stable")
    return np.split(order, np.cumsum(np.bincount(assigned.stratum))[:-1])


def _enumerated(assigned: Assigned, total: int, size: int) -> Iterator[Floats]:
    """Give every assignment: the strata's choices are the digits of a counter."""
    strata = []
    for members, (n, k) in zip(_members(assigned), _shapes(assigned), strict=True):
        few = min(k, n - k)
        choices = list(combinations(range(n), few))
        table = np.array(choices, dtype=np.intp).reshape(len(choices), few)
        strata.append((members[table], float(few == k), members))
    for start in range(0, total, size):
        counter = np.arange(start, min(start + size, total))
        arms = np.empty((len(counter), assigned.units))
        for table, value, members in strata:
            counter, digit = np.divmod(counter, len(table))
            arms[:, members] = 1 - value
            np.put_along_axis(arms, table[digit], value, axis=1)
        yield arms


def _layout(assigned: Assigned) -> list[tuple[int, int, Codes]]:
    """Return strata of one size and number treated together: size, number, members in a row."""
    alike: dict[tuple[int, int], list[Codes]] = {}
    for members, shape in zip(_members(assigned), _shapes(assigned), strict=True):
        alike.setdefault(shape, []).append(members)
    return [(n, k, np.concatenate(groups)) for (n, k), groups in alike.items()]


class _Sampler:
    """Gives random assignments, at most `size` at a time; its working array is used again."""

    def __init__(
        self, layout: list[tuple[int, int, Codes]], units: int, size: int, rng: np.random.Generator
    ) -> None:
        self.layout, self.units, self.rng = layout, units, rng
        self.work = np.empty(size * max(len(members) for _, _, members in layout), dtype=np.uint32)

    def __call__(self, count: int) -> Floats:
        """Return `count` assignments; strata of one size and number treated are drawn together."""
        arms = np.empty((count, self.units))
        for n, k, members in self.layout:
            if not 0 < k < n:
                arms[:, members] = float(k == n)
                continue
            chosen = self._chosen(count * len(members) // n, n, k).reshape(count, -1)
            if n == self.units:
                arms[:] = chosen
            else:
                arms[:, members] = chosen
        return arms

    def _chosen(self, sets: int, n: int, k: int) -> Bools:
        """Return k of n in each set, each choice as likely: those with the k lowest keys.

        Keys are whole numbers of 32 bits. Where more than k are no higher than the k-th lowest the
        set is drawn again: that is as likely for one choice as for another.
        """
        keys = _keys(self.rng, sets * n).reshape(sets, n)
        ordered = self.work[: sets * n].reshape(sets, n)
        ordered[:] = keys
        ordered.partition(k - 1, axis=1)
        lowest: Bools = keys <= ordered[:, k - 1 : k]
        if np.count_nonzero(lowest) != sets * k:
            more = np.flatnonzero(np.count_nonzero(lowest, axis=1) > k)
            lowest[more] = self._chosen(len(more), n, k)
        return lowest


def _keys(rng: np.random.Generator, count: int) -> NDArray[np.uint32]:
    """Return random whole numbers of 32 bits, two from each draw of 64."""
    both = rng.integers(0, 2**64, (count + 1) // 2, dtype=np.uint64)
    return both.view(np.uint32)[:count]
