"""Working correlations of answers within a subject: their moments, and whitening by them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evalkit.errors import CannotEstimate, NotConverged
from evalkit.stats.shared.columns import choice, invalid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Codes = NDArray[np.intp]

CORRELATIONS = ("exchangeable", "independence", "ar1", "unstructured")


@dataclass(frozen=True, slots=True, eq=False)
class Pattern:
    """Subjects seen at the same places: `rows` is subjects by places, row numbers."""

    places: Codes
    rows: Codes


Patterns = tuple[Pattern, ...]


def find_patterns(subject: Codes, position: Codes, *, by_place: bool) -> Patterns:
    """Return the subjects gathered by the places they are seen at, or only by how many."""
    order = np.lexsort((position, subject))
    starts = np.searchsorted(subject[order], np.arange(int(subject.max()) + 1))
    found: dict[tuple[int, ...], list[Codes]] = {}
    for rows in np.split(order, starts[1:]):
        places = position[rows] if by_place else np.arange(len(rows))
        found.setdefault(tuple(int(p) for p in places), []).append(rows)
    return tuple(
        Pattern(np.array(places, dtype=np.intp), np.stack(rows)) for places, rows in found.items()
    )


class Working:
    """A working correlation: `update` estimates it from Pearson residuals, `whiten` applies it."""

    def __init__(self, kind: str, patterns: Patterns, alpha: float | None = None) -> None:
        self.kind = choice(kind, CORRELATIONS, argument="correlation")
        if alpha is not None and kind not in ("exchangeable", "ar1"):
            raise invalid("alpha is for one parameter.", allowed="correlation exchangeable or ar1")
        self.patterns = patterns
        self.size = 1 + max(int(p.places.max()) for p in patterns)
        self.scale = 1.0
        self.fixed = alpha is not None
        self.alpha = 0.0 if alpha is None else float(alpha)
        self.matrix = np.eye(self.size)
        if self.fixed:
            self.matrix = self._matrix()

    @property
    def parameters(self) -> tuple[float, ...]:
        """The parameters: none, one, or the upper triangle by rows."""
        if self.kind == "independence":
            return ()
        if self.kind == "unstructured":
            return tuple(float(x) for x in self.matrix[np.triu_indices(self.size, 1)])
        return (float(self.alpha),)

    def update(self, errors: Floats) -> float:
        """Estimate from Pearson residuals; return the largest change of a correlation."""
        self.scale = float(np.mean(errors**2))
        if self.kind == "independence" or self.fixed:
            return 0.0
        before = self.matrix
        sums, counts = self._pairs(errors)
        if self.kind == "unstructured":
            self.matrix = self._every_pair(sums, counts)
        else:
            fitted = self._one_for_all if self.kind == "exchangeable" else self._decay
            self.alpha = fitted(sums, counts)
            self.matrix = self._matrix()
        return float(np.max(np.abs(self.matrix - before)))

    def whiten(self, columns: Floats) -> Floats:
        """Return the columns times the inverse Cholesky factor, subject by subject."""
        from scipy.linalg import solve_triangular

        if self.kind == "independence":
            return columns
        found = np.empty_like(columns)
        for pattern in self.patterns:
            lower = self._cholesky(pattern.places)
            block = columns[pattern.rows]  # subjects by places by columns
            flat = np.moveaxis(block, 1, 0).reshape(len(lower), -1)
            solved = solve_triangular(lower, flat, lower=True)
            found[pattern.rows] = np.moveaxis(
                solved.reshape(len(lower), block.shape[0], block.shape[2]), 0, 1
            )
        return found

    def _cholesky(self, places: Codes) -> Floats:
        try:
            lower = np.linalg.cholesky(self.matrix[np.ix_(places, places)])
            return np.asarray(lower, dtype=np.float64)
        except np.linalg.LinAlgError:
            raise NotConverged(
                f"The {self.kind} working correlation estimated from these data is not one that "
                "can be (not positive definite). Use correlation='independence', which the "
                "standard errors allow for."
            ) from None

    def _pairs(self, errors: Floats) -> tuple[Floats, Floats]:
        """Return sums and numbers of the products of residuals by pair of places."""
        sums, counts = np.zeros((self.size, self.size)), np.zeros((self.size, self.size))
        for pattern in self.patterns:
            block = errors[pattern.rows]
            at = np.ix_(pattern.places, pattern.places)
            sums[at] += block.T @ block
            counts[at] += len(block)
        return sums, counts

    def _matrix(self) -> Floats:
        away = np.abs(np.subtract.outer(np.arange(self.size), np.arange(self.size)))
        if self.kind == "ar1":
            return np.asarray(self.alpha**away, dtype=np.float64)
        return np.where(away == 0, 1.0, self.alpha)

    def _one_for_all(self, sums: Floats, counts: Floats) -> float:
        upper = np.triu_indices(self.size, 1)
        total = counts[upper].sum()
        return float(sums[upper].sum() / total / self.scale) if total else 0.0

    def _decay(self, sums: Floats, counts: Floats) -> float:
        """Return the alpha whose powers fit the mean product at each distance best."""
        from scipy.optimize import brentq

        lags = np.arange(1, self.size)
        total = np.array([np.trace(sums, lag) for lag in lags]) / self.scale
        number = np.array([np.trace(counts, lag) for lag in lags])

        def slope(a: Floats) -> Floats:
            powers = np.asarray(a)[..., None] ** (lags - 1)
            fall = lags * powers * (number * powers * np.asarray(a)[..., None] - total)
            return np.asarray(fall.sum(axis=-1), dtype=np.float64)

        def misfit(a: float) -> float:
            return float(np.sum(number * a ** (2 * lags) - 2 * total * a**lags))

        if not number.any():
            return 0.0
        grid = np.linspace(-0.9995, 0.9995, 2000)  # even: 0 itself is a flat place, not an answer
        slopes = slope(grid)
        found = [
            float(brentq(slope, grid[k], grid[k + 1], xtol=1e-15, rtol=1e-14))
            for k in np.flatnonzero((slopes[:-1] < 0) & (slopes[1:] >= 0))
        ]
        return min([*found, float(grid[0]), float(grid[-1])], key=misfit)

    def _every_pair(self, sums: Floats, counts: Floats) -> Floats:
        never = np.argwhere(np.triu(counts == 0, 1))
        if len(never):
            one, other = (int(k) + 1 for k in never[0])
            raise CannotEstimate(
                f"Nobody was seen at both wave number {one} and {other}, so an unstructured "
                "correlation cannot be estimated. Use correlation='exchangeable'."
            )
        found = sums / np.where(counts > 0, counts, 1) / self.scale
        np.fill_diagonal(found, 1.0)
        return found
