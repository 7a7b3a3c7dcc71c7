"""Assign again exactly as was randomised: what permutation tests take as reassign=."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.stats.planning.minimising import check_arms_and_ratio, check_rule, minimised
from evalkit.stats.redrawing.assignments import Reassign
from evalkit.stats.shared.columns import as_names, check_frame, check_roles, invalid

if TYPE_CHECKING:
    import pandas as pd

RUNS = 256  # minimisations run side by side


def minimisation(
    *,
    factors: str | Sequence[str],
    arms: Sequence[Any] = (1, 0),
    ratio: Sequence[int] | None = None,
    probability: float = 0.8,
    imbalance: str = "range",
    weights: Sequence[float] | None = None,
    order: str | None = None,
    cluster: str | None = None,
) -> Reassign:
    """Return a function that minimises again, for `permutation_test(..., reassign=...)`.

    Parameters
    ----------
    factors : names of the columns that were balanced
    arms : the arms as the treatment column codes them, in the order of `ratio`
    ratio : units in each arm as whole numbers; None is one to one
    probability : of the arms that leave the least imbalance, above 0.5; others share the rest
    imbalance : "range", "sd" or "variance" of the counts over the arms, each over its ratio
    weights : one a factor; None is equal
    order : name of the column by which units were enrolled; None is the order of the rows
    cluster : name of the column of clusters, where whole clusters were minimised in the order of
        their first row

    Returns
    -------
    a function of (frame, generator) that returns an arm for each row

    Raises
    ------
    InvalidInput
        For an impossible rule; and when it is called, for factors that are missing, vary in a
        cluster, or an order with ties.

    Notes
    -----
    Each arm's imbalance is what would follow from giving it the next unit; the arms with the least
    (ties by the ratio) have `probability` between them. The first unit is drawn by the ratio. Rows
    without an arm are not among the frame that a test hands over: everyone who was minimised must
    have one. With an unequal ratio the mean over re-runs need not be the ratio for each unit, which
    is why minimised trials are tested by running again.

    References
    ----------
    Pocock and Simon (1975), Biometrics 31:103-115; Proschan, Brittain and Kammerman (2011),
    Biometrics 67:1135-1141.
    """
    names = as_names(factors)
    if not names:
        raise invalid("factors is empty.", allowed="the columns that were balanced")
    labels, shares = check_arms_and_ratio(arms, ratio)
    check_rule(probability, imbalance, weights, len(names))
    check_roles(factors=names, cluster=cluster, order=order)
    rule = {"ratio": shares, "probability": probability, "imbalance": imbalance, "weights": weights}
    return _Minimisation(names, labels, rule, order, cluster)


class _Minimisation:
    """Re-runs of one minimisation; runs are made side by side and handed out one by one."""

    def __init__(
        self,
        factors: tuple[str, ...],
        arms: tuple[Any, ...],
        rule: dict[str, Any],
        order: str | None,
        cluster: str | None,
    ) -> None:
        self.factors, self.rule, self.order, self.cluster = factors, rule, order, cluster
        self.arms = np.empty(len(arms), dtype=object)
        self.arms[:] = list(arms)
        self.source: np.random.Generator | None = None
        self.levels: Any = None
        self.waiting: list[Any] = []

    def __call__(self, frame: pd.DataFrame, rng: np.random.Generator) -> Any:
        levels, unit = self._read(frame)
        same = rng is self.source and np.array_equal(levels, self.levels)
        if not (same and self.waiting):
            draws = rng.random((RUNS, len(levels)))
            self.waiting = list(minimised(levels, draws, **self.rule)[::-1])
            self.source, self.levels = rng, levels
        return self.arms[self.waiting.pop()[unit]]

    def _read(self, frame: pd.DataFrame) -> tuple[Any, Any]:
        """Return the levels of each unit in order of enrolment, and the unit of each row."""
        columns = [*self.factors, *(name for name in (self.order, self.cluster) if name)]
        check_frame(frame, columns)
        for name in columns:
            if frame[name].isna().any():
                raise invalid("values are missing.", column=name, allowed="a value for each row")
        rows = enrolled(frame, self.order, self.cluster)
        codes = np.column_stack([_codes(frame[name]) for name in self.factors])
        unit = _units(frame, self.cluster, rows)
        firsts = np.empty(unit.max() + 1, dtype=np.intp)
        firsts[unit[rows[::-1]]] = rows[::-1]
        if np.any(codes != codes[firsts][unit]):
            raise invalid("a factor varies within a cluster.", allowed="one level a cluster")
        return codes[firsts], unit


def within_blocks(*, treatment: str, blocks: str, cluster: str | None = None) -> Reassign:
    """Return a function that permutes the arms within blocks, for `reassign=`.

    Each block keeps its number in each arm, the last incomplete one too. `strata=` names blocks to
    a permutation test as well, and then may go through all assignments, but puts a term for each
    block into the model; this re-randomises in blocks without those terms.

    Parameters
    ----------
    treatment : name of the treatment column
    blocks : name of the column of blocks, each stratum's by its own label
        (`allocation_block` of `randomise`)
    cluster : name of the column of clusters, where whole clusters were in blocks

    Raises
    ------
    InvalidInput
        When it is called, for blocks that are missing, or a cluster in two arms or blocks.
    """
    check_roles(treatment=treatment, blocks=blocks, cluster=cluster)

    def draw(frame: pd.DataFrame, rng: np.random.Generator) -> Any:
        check_frame(frame, [name for name in (treatment, blocks, cluster) if name])
        if frame[blocks].isna().any():
            raise invalid("blocks are missing.", column=blocks, allowed="a block for each row")
        unit = _units(frame, cluster, np.arange(len(frame)))
        _, first = np.unique(unit, return_index=True)
        block, arm = _codes(frame[blocks]), frame[treatment].to_numpy(dtype=object)
        if np.any(block != block[first][unit]) or np.any(arm != arm[first][unit]):
            raise invalid("a cluster is in two arms or blocks.", allowed="one of each a cluster")
        placed = np.lexsort((rng.random(len(first)), block[first]))
        drawn = np.empty(len(first), dtype=object)
        drawn[placed] = arm[first][np.argsort(block[first], kind="stable")]
        return drawn[unit]

    return draw


def enrolled(frame: pd.DataFrame, order: str | None, cluster: str | None) -> Any:
    """Return the places of the rows in order of enrolment."""
    if order is None:
        return np.arange(len(frame))
    values = frame[order]
    alone = values if cluster is None else frame.groupby(cluster)[order].min()
    if alone.duplicated().any():
        raise invalid(
            f"{int(alone.duplicated().sum())} tie(s).",
            column=order,
            allowed="each unit its own place",
        )
    return np.argsort(values.to_numpy(), kind="stable")


def _units(frame: pd.DataFrame, cluster: str | None, rows: Any) -> Any:
    """Return the unit of each row; units are numbered in order of enrolment."""
    import pandas as pd

    unit = np.empty(len(frame), dtype=np.intp)
    unit[rows] = (
        np.arange(len(frame)) if cluster is None else pd.factorize(frame[cluster].iloc[rows])[0]
    )
    return unit


def _codes(column: pd.Series[Any]) -> Any:
    import pandas as pd

    return np.asarray(pd.factorize(column)[0], dtype=np.intp)
