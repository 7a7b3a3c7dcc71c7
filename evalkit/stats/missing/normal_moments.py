"""Means and covariances of incomplete numbers by maximum likelihood under normality (EM)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evalkit.errors import CannotEstimate, NotConverged

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]

_STEPS = 20_000
_SETTLED = 1e-10  # change of means and covariances, of columns with variance 1
_FLAT = 1e-10  # smallest eigenvalue of the correlations


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """The rows of one pattern: which columns are present, how many rows, means and scatter."""

    seen: Bools
    n: int
    mean: Floats
    scatter: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """Maximum-likelihood means and covariances (divisor n), and the patterns they rest on.

    All in the units of columns centred and scaled by `centre` and `scale`.
    """

    mean: Floats
    covariance: Floats
    groups: tuple[Group, ...]
    centre: Floats
    scale: Floats
    steps: int


def normal_moments(values: Floats) -> Moments:
    """Return means and covariances of rows by columns with missing values (NaN).

    The EM algorithm of Orchard and Woodbury (1972) on sums by pattern, so that a step costs the
    number of patterns times columns cubed, whatever the number of rows. Every row must have a
    value. Raises CannotEstimate where the likelihood has no single maximum inside (two columns
    never observed together, or columns that determine one another) and NotConverged where the
    steps do not settle.
    """
    centre, scale = np.nanmean(values, axis=0), np.nanstd(values, axis=0)
    groups = _groups((values - centre) / scale)
    mean, covariance = np.zeros(len(centre)), np.eye(len(centre))
    for step in range(1, _STEPS + 1):
        new_mean, new_covariance = _step(groups, mean, covariance)
        change = max(np.abs(new_mean - mean).max(), np.abs(new_covariance - covariance).max())
        mean, covariance = new_mean, new_covariance
        _check_spread(covariance)
        if change <= _SETTLED:
            return Moments(mean, covariance, groups, centre, scale, step)
    raise NotConverged(
        f"The means and covariances did not settle in {_STEPS} steps of EM: too much is missing "
        "for so many columns. Use fewer columns."
    )


def _groups(values: Floats) -> tuple[Group, ...]:
    seen = ~np.isnan(values)
    patterns, codes = np.unique(seen, axis=0, return_inverse=True)
    order = np.argsort(codes.ravel(), kind="stable")
    ends = np.cumsum(np.bincount(codes.ravel()))[:-1]
    found = []
    for pattern, rows in zip(patterns, np.split(values[order], ends), strict=True):
        block = rows[:, pattern]
        mean = block.mean(axis=0)
        found.append(Group(pattern, len(block), mean, (block - mean).T @ (block - mean)))
    return tuple(found)


def _step(groups: tuple[Group, ...], mean: Floats, covariance: Floats) -> tuple[Floats, Floats]:
    """Return the means and covariances of one step of EM."""
    total = sum(group.n for group in groups)
    expected = np.zeros_like(mean)
    pieces = []
    for group in groups:
        slopes, left = _regression(covariance, group.seen)
        filled = mean.copy()
        filled[group.seen] = group.mean
        filled[~group.seen] += slopes @ (group.mean - mean[group.seen])
        expected += group.n * filled
        pieces.append((group, slopes, left, filled))
    expected /= total
    second = np.zeros_like(covariance)
    for group, slopes, left, filled in pieces:
        seen, gone = group.seen, ~group.seen
        gap = filled - expected
        second += group.n * np.outer(gap, gap)
        second[np.ix_(seen, seen)] += group.scatter
        cross = slopes @ group.scatter
        second[np.ix_(gone, seen)] += cross
        second[np.ix_(seen, gone)] += cross.T
        second[np.ix_(gone, gone)] += cross @ slopes.T + group.n * left
    return expected, second / total


def _regression(covariance: Floats, seen: Bools) -> tuple[Floats, Floats]:
    """Return the slopes of missing on observed columns, and the covariance left."""
    gone = ~seen
    between = covariance[np.ix_(gone, seen)]
    slopes = np.asarray(np.linalg.solve(covariance[np.ix_(seen, seen)], between.T).T, np.float64)
    return slopes, covariance[np.ix_(gone, gone)] - slopes @ between.T


def _check_spread(covariance: Floats) -> None:
    if not np.linalg.eigvalsh(covariance)[0] > _FLAT:
        raise CannotEstimate(
            "The columns determine one another, or too few rows have them together, so their "
            "covariances cannot be estimated. Leave out a column that the others add up to, or "
            "use fewer columns."
        )
