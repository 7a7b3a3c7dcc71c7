"""Pocock and Simon's minimisation, many runs at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.stats.planning.power_solving import is_number
from evalkit.stats.shared.columns import choice, invalid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Codes = NDArray[np.intp]

IMBALANCES = ("range", "sd", "variance")
TIE = 1e-9


def imbalances(
    counts: Any, ratio: Sequence[int], *, imbalance: str = "range", weights: Any = None
) -> Floats:
    """Return the imbalance there would be after giving the next unit to each arm.

    Parameters
    ----------
    counts : units so far with the next unit's level of each factor: (..., factors, arms)
    ratio : one whole number an arm; counts are divided by it
    imbalance : of the counts over the arms: "range", "sd" or "variance" (both with n - 1)
    weights : one number a factor; the factors' imbalances are added up with them

    Returns
    -------
    array (..., arms)
    """
    counts = np.asarray(counts, dtype=float)
    arms, shares = counts.shape[-1], np.asarray(ratio, dtype=float)
    weights = np.ones(counts.shape[-2]) if weights is None else np.asarray(weights, dtype=float)
    found = np.empty((*counts.shape[:-2], arms))
    for arm in range(arms):
        after = (counts + np.eye(arms)[arm]) / shares
        found[..., arm] = _spread(after, imbalance) @ weights
    return found


def _spread(values: Floats, imbalance: str) -> Floats:
    if imbalance == "range":
        return np.asarray(values.max(axis=-1) - values.min(axis=-1))
    variance = values.var(axis=-1, ddof=1)
    return np.asarray(variance if imbalance == "variance" else np.sqrt(variance))


def chances(found: Floats, ratio: Sequence[int], probability: float) -> Floats:
    """Return each arm's probability from the imbalances it would leave.

    The arms with the least share `probability`, the others the rest, each group in proportion to
    the ratio; where all are equal the ratio alone decides.
    """
    shares = np.broadcast_to(np.asarray(ratio, dtype=float), found.shape)
    best = found <= found.min(axis=-1, keepdims=True) + TIE
    inside, outside = np.where(best, shares, 0.0), np.where(best, 0.0, shares)
    others = outside.sum(axis=-1, keepdims=True)
    tied = inside / inside.sum(axis=-1, keepdims=True)
    split = probability * tied + (1 - probability) * outside / np.where(others > 0, others, 1)
    return np.asarray(np.where(others > 0, split, tied))


def minimised(
    levels: Codes,
    draws: Floats,
    *,
    ratio: Sequence[int],
    probability: float,
    imbalance: str,
    weights: Any = None,
) -> Codes:
    """Return the arms (runs by units) of units minimised one after the other.

    `levels` (units by factors) numbers each unit's level of each factor; `draws` (runs by units)
    are numbers from 0 to below 1, one a decision: the arms lie side by side from 0 to 1 in their
    order, as wide as their chances, and the arm is that in which the number falls. The first unit
    is drawn by the ratio.
    """
    runs, units = draws.shape
    if runs == 1:
        rule = (tuple(ratio), probability, imbalance)
        return np.array([_one_run(levels, draws[0], rule, weights)], dtype=np.intp)
    factors, arms = levels.shape[1], len(ratio)
    counts = np.zeros((runs, factors, int(levels.max()) + 1, arms))
    out = np.empty((runs, units), dtype=np.intp)
    every, columns = np.arange(runs), np.arange(factors)
    for unit in range(units):
        here = counts[:, columns, levels[unit]]
        found = imbalances(here, ratio, imbalance=imbalance, weights=weights)
        if unit == 0:
            found = np.zeros_like(found)
        limits = np.cumsum(chances(found, ratio, probability), axis=1)
        arm = (draws[:, unit, None] >= limits[:, :-1]).sum(axis=1)
        out[:, unit] = arm
        counts[every[:, None], columns, levels[unit], arm[:, None]] += 1
    return out


def _one_run(
    levels: Codes, draws: Floats, rule: tuple[tuple[int, ...], float, str], weights: Any
) -> list[int]:
    """Return the arms of one run, unit by unit; the imbalances of each level are kept until it changes."""
    ratio, probability, imbalance = rule
    arms, factors = range(len(ratio)), levels.shape[1]
    size = int(levels.max()) + 1
    scale = [1.0] * factors if weights is None else [float(weight) for weight in weights]
    counts = [[[0] * len(ratio) for _ in range(size)] for _ in range(factors)]
    left = [[_after(row, ratio, imbalance) for row in factor] for factor in counts]
    limits: dict[tuple[bool, ...], list[float]] = {}
    out: list[int] = []
    for here, draw in zip(levels.tolist(), draws.tolist(), strict=True):
        found = [0.0 for _ in arms]
        for factor, level in enumerate(here if out else ()):
            weight, kept = scale[factor], left[factor][level]
            found = [total + weight * value for total, value in zip(found, kept, strict=True)]
        least = min(found) + TIE
        best = tuple([value <= least for value in found])
        if best not in limits:
            pattern = np.where(best, 0.0, 1.0)
            limits[best] = np.cumsum(chances(pattern, ratio, probability)).tolist()
        arm = sum([draw >= limit for limit in limits[best][:-1]])
        out.append(arm)
        for factor, level in enumerate(here):
            counts[factor][level][arm] += 1
            left[factor][level] = _after(counts[factor][level], ratio, imbalance)
    return out


def _after(counts: list[int], ratio: tuple[int, ...], imbalance: str) -> list[float]:
    """Return one factor's imbalance after giving the next unit to each arm."""
    if imbalance != "range":
        return list(map(float, imbalances([counts], ratio, imbalance=imbalance)))
    shares = [count / part for count, part in zip(counts, ratio, strict=True)]
    found = []
    for arm, part in enumerate(ratio):
        shares[arm] = (counts[arm] + 1) / part
        found.append(max(shares) - min(shares))
        shares[arm] = counts[arm] / part
    return found


def check_arms_and_ratio(arms: Any, ratio: Any) -> tuple[tuple[Any, ...], tuple[int, ...]]:
    """Return the arms and their ratio, whole numbers from 1; None is one to one."""
    names = tuple(arms) if isinstance(arms, Iterable) and not isinstance(arms, str) else ()
    if len(names) < 2 or len(set(names)) < len(names):
        raise invalid(f"arms={arms!r}.", allowed="two or more different arms")
    parts = (1,) * len(names) if ratio is None else tuple(ratio)
    bad = [x for x in parts if isinstance(x, bool) or not isinstance(x, int | np.integer) or x < 1]
    if bad or len(parts) != len(names):
        raise invalid(f"ratio={ratio!r}.", allowed="a whole number, 1 or more, for each arm")
    return names, tuple(int(part) for part in parts)


def check_rule(probability: Any, imbalance: Any, weights: Any, factors: int) -> None:
    """Refuse a rule of minimisation that cannot be."""
    choice(imbalance, IMBALANCES, argument="imbalance")
    if not is_number(probability) or not 0.5 < probability <= 1:
        allowed = "above 0.5 and at most 1; below 1 keeps the next arm unpredictable"
        raise invalid(f"probability={probability!r}.", allowed=allowed)
    if weights is None:
        return
    if len(weights) != factors or not all(is_number(weight) and weight > 0 for weight in weights):
        raise invalid(f"weights={weights!r}.", allowed="a positive number for each factor")
