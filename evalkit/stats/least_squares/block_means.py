"""Differences in means by the design of the assignment: blocks, clusters, matched pairs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.results import Estimate
from evalkit.stats.least_squares.linear import LinearFit, fit
from evalkit.stats.shared.analysed_rows import Analysed, analysed_rows, check_arm_groups
from evalkit.stats.shared.columns import (
    check_frame,
    check_level,
    check_roles,
    invalid,
    optional_name,
    read_arm,
)
from evalkit.stats.shared.intervals import caveats, coefficient_interval, scaled_by
from evalkit.stats.sizes.effect_sizes import accurate_mean, difference_scaling

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Codes = NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True)
class DesignDifference(Estimate):
    """A difference in means by design: `design` names the one found, `n_blocks` its blocks.

    `design` is "Standard", "Clustered", "Blocked", "Block-clustered", "Matched-pair" or
    "Matched-pair clustered".
    """

    design: str = "Standard"
    n_blocks: int | None = None


@dataclass(frozen=True, slots=True)
class _Block:
    """One block: its people, difference in means, and that difference's error and df."""

    people: int
    gap: float
    error: float
    df: float


def difference_in_means(
    data: Any,
    *,
    outcome: str,
    treatment: str,
    blocks: str | None = None,
    cluster: str | None = None,
    treated: Any = None,
    level: float = 0.95,
) -> DesignDifference:
    """Return the difference in means as people, blocks or clusters were assigned.

    Parameters
    ----------
    data : any frame narwhals knows, one row a person (or another unit); never changed
    outcome : name of a numeric column
    treatment : name of a 0/1 or true/false column, or of a two-valued column with `treated`
    blocks : name of the column of blocks within which assignment took place
    cluster : name of the column of clusters that were assigned whole, each in one block
    treated : the value of `treatment` that names the treated arm
    level : confidence level

    Returns
    -------
    DesignDifference
        Without blocks: Welch's difference, or CR2 with Satterthwaite df for clusters. With
        blocks: the mean of the blocks' differences weighted by their people, with the blocks'
        variances added up and people (clusters) - 2 blocks `df`. Clusters of one person each
        are people. Where a block holds two people
        (clusters) all are taken for matched pairs: the variance is that of the differences
        between blocks, with blocks - 1 df. `effect_size` as in `mean_difference`.

    Raises
    ------
    InvalidInput
        For a column that is missing, of the wrong kind or in two parts; a cluster in both arms or
        in two blocks.
    CannotEstimate
        When an arm has fewer than two people or one cluster, a block lacks an arm, or a block
        that is no pair has one person (cluster) in an arm.

    References
    ----------
    Gerber and Green (2012), Field Experiments, chapters 3 and 4; Imai, King and Nall (2009),
    Statistical Science 24:29-53; Blair, Cooper, Coppock, Humphreys and Sonnet, estimatr.
    """
    check_level(level)
    check_roles(outcome=outcome, treatment=treatment, blocks=blocks, cluster=cluster)
    grouping = (*optional_name(blocks), *optional_name(cluster))
    data = check_frame(data, [outcome, treatment, *grouping])
    arm = read_arm(data, treatment, treated)
    also = [] if blocks is None else [("no block", data[blocks].isna().to_numpy())]
    group = None if cluster is None else (cluster, "no cluster")
    rows = analysed_rows(data, outcome, arm, (), group=group, also=also)
    _check_clusters(rows, None if blocks is None else data.loc[rows.keep, blocks], cluster)
    if blocks is None:
        check_arm_groups(rows, alone=False)
        found = _within(rows, np.ones(len(rows.outcome), dtype=bool))
        design, count = ("Clustered" if rows.shared else "Standard"), None
        parts = (found.gap, found.error, found.df)
        notes: list[str] = []
    else:
        parts, design, count, notes = _blocked(rows, data.loc[rows.keep, blocks], blocks)
    return _result(rows, parts, (design, count), notes, (outcome, treatment), level)


def _codes(labels: pd.Series[Any]) -> Codes:
    import pandas as pd

    return np.asarray(pd.factorize(labels.astype(object))[0], dtype=np.intp)


def _check_clusters(rows: Analysed, blocks: pd.Series[Any] | None, cluster: str | None) -> None:
    if rows.codes is None:
        return
    sides = [("both arms", rows.arm, "Where people within it were assigned, name it as blocks=.")]
    if blocks is not None:
        step = "Give clusters of different blocks different names."
        sides.append(("more than one block", _codes(blocks).astype(float), step))
    for where, values, step in sides:
        high, low = np.full(rows.n_groups, -np.inf), np.full(rows.n_groups, np.inf)
        np.maximum.at(high, rows.codes, values)
        np.minimum.at(low, rows.codes, values)
        if np.any(high > low):
            raise invalid(
                f"{int(np.sum(high > low))} cluster(s) are in {where}.",
                column=str(cluster),
                allowed="clusters that were assigned whole, each within one block",
                next_step=step,
            )


def _within(rows: Analysed, here: NDArray[np.bool_]) -> _Block:
    """Return a block's difference with its own standard error: Welch's, or CR2 with clusters."""
    y, arm = rows.outcome[here], rows.arm[here]
    if not rows.shared:
        return _welch(y[arm == 1], y[arm == 0])
    assert rows.codes is not None
    groups = rows.codes[here]
    if np.ptp(y[arm == 1]) == 0 and np.ptp(y[arm == 0]) == 0:
        gap = float(y[arm == 1][0] - y[arm == 0][0])
        return _Block(len(y), gap, 0.0, float(len(y) - 2))
    matrix = np.column_stack([np.ones(len(y)), arm])
    model = fit(matrix, y, ("(intercept)", "arm"), cluster=groups, terms=("arm",))
    return _Block(len(y), float(model.coefficients[1]), float(model.std_errors[1]), model.df[1])


def _welch(treated: Floats, compared: Floats) -> _Block:
    parts = [float(np.var(arm - arm[0], ddof=1)) / len(arm) for arm in (treated, compared)]
    gap, whole = accurate_mean(treated) - accurate_mean(compared), sum(parts)
    spare = parts[0] ** 2 / (len(treated) - 1) + parts[1] ** 2 / (len(compared) - 1)
    df = whole**2 / spare if spare > 0 else 0.0
    return _Block(len(treated) + len(compared), gap, sqrt(whole), df)


def _blocked(
    rows: Analysed, labels: pd.Series[Any], name: str
) -> tuple[tuple[float, float, float], str, int, list[str]]:
    codes = _codes(labels)
    masks = [codes == code for code in range(int(codes.max()) + 1)]
    units = [_units(rows, here) for here in masks]
    _check_blocks(units, name)
    clustered, m = rows.shared, len(masks)
    paired = any(sum(pair) == 2 for pair in units)
    word = "clusters" if clustered else "people"
    if paired:
        gaps = np.array([_gap(rows, here) for here in masks])
        people = np.array([float(here.sum()) for here in masks])
        estimate = float(gaps @ people / people.sum())
        notes = []
        if any(sum(pair) > 2 for pair in units):
            notes.append(
                f"Some values of '{name}' hold two {word} and others more: all are taken for "
                "matched pairs, so the variance is that between blocks"
            )
        spread = _between(gaps, people, estimate, clustered)
        kind = "Matched-pair clustered" if clustered else "Matched-pair"
        return (estimate, spread, m - 1.0), kind, m, notes
    _check_pairs(units, name, word)
    found = list(_each(rows, masks))
    shares = np.array([block.people for block in found]) / len(rows.outcome)
    estimate = float(shares @ np.array([block.gap for block in found]))
    error = float(np.sqrt(np.sum((shares * np.array([block.error for block in found])) ** 2)))
    df = float(sum(sum(pair) for pair in units) - 2 * m)
    return (estimate, error, df), "Block-clustered" if clustered else "Blocked", m, []


def _each(rows: Analysed, masks: list[NDArray[np.bool_]]) -> Iterator[_Block]:
    for here in masks:
        yield _within(rows, here)


def _gap(rows: Analysed, here: NDArray[np.bool_]) -> float:
    y, arm = rows.outcome[here], rows.arm[here]
    return accurate_mean(y[arm == 1]) - accurate_mean(y[arm == 0])


def _between(gaps: Floats, people: Floats, estimate: float, clustered: bool) -> float:
    """Return the standard error from how the blocks' differences vary."""
    m, total = len(gaps), float(people.sum())
    if m < 2:
        raise CannotEstimate("There is one block, a pair: its uncertainty cannot be told.")
    if clustered:
        spread = people * gaps - total * estimate / m
        return sqrt(m / ((m - 1) * total**2) * float(spread @ spread))
    return sqrt(float(np.sum((gaps - estimate) ** 2)) / (m * (m - 1)))


def _units(rows: Analysed, here: NDArray[np.bool_]) -> tuple[int, int]:
    """Return how many people, or clusters, a block has in each arm: treated, compared."""
    unit = rows.codes if rows.shared and rows.codes is not None else np.arange(len(rows.outcome))
    treated, compared = (len(set(unit[here & (rows.arm == value)])) for value in (1, 0))
    return treated, compared


def _check_blocks(units: list[tuple[int, int]], name: str) -> None:
    bare = sum(1 for pair in units if 0 in pair)
    if bare:
        raise CannotEstimate(
            f"{bare} of {len(units)} values of '{name}' lack one of the arms, so there is no "
            "difference within them. Join them with others as the assignment allows, leave them "
            "out and say so, or use mean_difference with strata."
        )


def _check_pairs(units: list[tuple[int, int]], name: str, word: str) -> None:
    thin = sum(1 for pair in units if 1 in pair)
    if thin:
        raise CannotEstimate(
            f"{thin} of {len(units)} values of '{name}' have one of their {word} in an arm, so the "
            "variance there cannot be told. Use mean_difference with strata."
        )


def _result(
    rows: Analysed,
    parts: tuple[float, float, float],
    design: tuple[str, int | None],
    notes: list[str],
    names: tuple[str, str],
    level: float,
) -> DesignDifference:
    scaling = difference_scaling(rows.outcome, rows.arm, rows.codes if rows.shared else None)
    model = _one_coefficient(names[1], parts, rows)
    numbers = coefficient_interval(model, 0, scaling.factor, level)
    treated, compared = rows.outcome[rows.arm == 1], rows.outcome[rows.arm == 0]
    return DesignDifference(
        outcome=names[0],
        term=names[1],
        level=level,
        n_treatment=len(treated),
        n_comparison=len(compared),
        n_clusters=rows.n_groups if rows.shared else None,
        n_dropped=rows.n_dropped,
        dropped_why=rows.dropped,
        method=f"Difference in mean {names[0]}, {_WORDS[design[0]]}." + scaled_by(scaling),
        mean_treatment=accurate_mean(treated),
        mean_comparison=accurate_mean(compared),
        sd_pooled=scaling.sd,
        notes=(*notes, *caveats(numbers["df"], scaling)),
        design=design[0],
        n_blocks=design[1],
        **numbers,
    )


def _one_coefficient(name: str, parts: tuple[float, float, float], rows: Analysed) -> LinearFit:
    estimate, error, df = (np.array([part]) for part in parts)
    return LinearFit(
        (name,), estimate, error[:, None] ** 2, error, df, np.zeros(0), len(rows.outcome), None, ""
    )


_WORDS = {
    "Standard": "Welch's standard error and degrees of freedom",
    "Clustered": "CR2 standard error, Satterthwaite degrees of freedom",
    "Blocked": "blocks weighted by their people, the blocks' variances added up",
    "Block-clustered": "blocks weighted by their people, the blocks' CR2 variances added up",
    "Matched-pair": "from the differences within matched pairs",
    "Matched-pair clustered": "from the differences within matched pairs of clusters",
}
