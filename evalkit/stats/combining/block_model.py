"""A linear model of effects in clusters, its variances by restricted likelihood, with CR2."""

from __future__ import annotations

from dataclasses import dataclass
from math import log, pi
from typing import TYPE_CHECKING

import numpy as np

from evalkit.errors import CannotEstimate, NotConverged

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_STEPS = 200
_STILL = 1e-8  # slope, in standard errors of its component, taken for none
_SINGULAR = 1e-10


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """One cluster: effects, columns, sampling covariance, and what each component adds to it."""

    effects: Floats
    matrix: Floats
    sampling: Floats
    parts: tuple[Floats, ...]

    def total(self, components: Floats) -> Floats:
        """Return the covariance at given variance components."""
        found = self.sampling.copy()
        for size, part in zip(components, self.parts, strict=True):
            found += size * part
        return found


@dataclass(frozen=True, slots=True, eq=False)
class BlockFit:
    """Coefficients with their model and CR2 covariance, Satterthwaite df, and the components."""

    coefficients: Floats
    model_vcov: Floats
    robust_vcov: Floats
    df: Floats
    components: Floats
    log_likelihood: float


def fit_blocks(blocks: list[Block]) -> BlockFit:
    """Fit by restricted maximum likelihood, components not below 0, with CR2 by cluster.

    Fisher scoring in which components at 0 that the likelihood pushes below stay there. CR2 takes
    the fitted covariance for the true one (Pustejovsky and Tipton 2018, JBES 36:672-683); a cluster
    costs a decomposition of its own size. Raises NotConverged where the slope does not vanish.
    """
    total = sum(float(np.trace(b.sampling)) for b in blocks) / sum(len(b.effects) for b in blocks)
    components = np.full(len(blocks[0].parts), total / 2)
    now, longer = _Likelihood(blocks, components), 1.0
    for _ in range(_STEPS):
        free = (components > 0) | (now.slope > 0)
        step = np.zeros(len(components))
        step[free] = np.linalg.solve(now.information[np.ix_(free, free)], now.slope[free])
        tiny = np.abs(now.slope[free]) / np.sqrt(np.diag(now.information)[free])
        if not free.any() or tiny.max() < _STILL:
            return _finish(blocks, now, components)
        before, slope = components, now.slope
        components, now = _advance(blocks, components, longer * step, now)
        ahead = float(now.slope @ (components - before))
        short = ahead > 0.5 * float(slope @ (components - before))
        longer = 2 * longer if short else 1.0
    raise NotConverged("The variances between and within clusters were not found.")


def _advance(
    blocks: list[Block], components: Floats, step: Floats, now: _Likelihood
) -> tuple[Floats, _Likelihood]:
    """Return the next components, the step halved while the likelihood falls or it oversteps."""
    for _ in range(60):
        tried = np.maximum(components + step, 0.0)
        new = _Likelihood(blocks, tried)
        moved = tried - components
        rises = new.value >= now.value - 1e-12 * max(abs(now.value), 1.0)
        if rises and new.slope @ moved >= -0.5 * float(now.slope @ moved):
            return tried, new
        step = step / 2
    raise NotConverged("The variances between and within clusters were not found.")


class _Likelihood:
    """The restricted log likelihood at given components, its slope and expected information."""

    def __init__(self, blocks: list[Block], components: Floats) -> None:
        self.inverses = [_inverse(b.total(components)) for b in blocks]
        pairs = list(zip(blocks, self.inverses, strict=True))
        bread = np.array(sum(b.matrix.T @ w @ b.matrix for b, w in pairs))
        self.vcov = _inverse(bread)
        self.beta = self.vcov @ np.array(sum(b.matrix.T @ w @ b.effects for b, w in pairs))
        self.left = [b.effects - b.matrix @ self.beta for b in blocks]
        rows = sum(len(b.effects) for b in blocks)
        spare = rows - bread.shape[0]
        plain = np.array(sum(b.matrix.T @ b.matrix for b in blocks))
        self.value = -0.5 * spare * log(2 * pi) + 0.5 * float(np.linalg.slogdet(plain)[1])
        self.value -= 0.5 * float(np.linalg.slogdet(bread)[1])
        for (_, w), e in zip(pairs, self.left, strict=True):
            self.value += 0.5 * float(np.linalg.slogdet(w)[1]) - 0.5 * float(e @ w @ e)
        self._derivatives(pairs)

    def _derivatives(self, pairs: list[tuple[Block, Floats]]) -> None:
        count = len(pairs[0][0].parts)
        self.slope, self.information = np.zeros(count), np.zeros((count, count))
        middle = np.zeros((count, *self.vcov.shape))
        for (b, w), e in zip(pairs, self.left, strict=True):
            turned = [w @ part for part in b.parts]
            weighted = w @ e
            for i, part in enumerate(b.parts):
                middle[i] += b.matrix.T @ turned[i] @ w @ b.matrix
                self.slope[i] += 0.5 * float(weighted @ part @ weighted - np.trace(turned[i]))
                for j in range(count):
                    crossed = b.matrix.T @ turned[i] @ turned[j] @ w @ b.matrix
                    self.information[i, j] += 0.5 * float(np.sum(turned[i] * turned[j].T))
                    self.information[i, j] -= float(np.sum(self.vcov * crossed.T))
        for i in range(count):
            self.slope[i] += 0.5 * float(np.sum(self.vcov * middle[i].T))
            for j in range(count):
                product = self.vcov @ middle[i] @ self.vcov @ middle[j]
                self.information[i, j] += 0.5 * float(np.trace(product))


def _finish(blocks: list[Block], now: _Likelihood, components: Floats) -> BlockFit:
    adjusted, pieces = [], []
    for b, w, e in zip(blocks, now.inverses, now.left, strict=True):
        total = b.total(components)
        upper = np.asarray(np.linalg.cholesky(total).T, dtype=np.float64)
        seen = total - b.matrix @ now.vcov @ b.matrix.T
        root = upper.T @ _inverse_root(upper @ seen @ upper.T) @ upper
        side: Floats = now.vcov @ b.matrix.T @ w @ root  # coefficients by rows of the cluster
        adjusted.append(side @ e)
        pieces.append((side, side @ total @ side.T, b, w, total))
    scores = np.array(adjusted)
    return BlockFit(
        coefficients=now.beta,
        model_vcov=now.vcov,
        robust_vcov=scores.T @ scores,
        df=np.array([_satterthwaite(pieces, now.vcov, i) for i in range(len(now.beta))]),
        components=components,
        log_likelihood=now.value,
    )


def _inverse(matrix: Floats) -> Floats:
    return np.asarray(np.linalg.inv(matrix), dtype=np.float64)


def _inverse_root(matrix: Floats) -> Floats:
    """Return the symmetric inverse root, zero in directions the residuals cannot take."""
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    seen = values > _SINGULAR * max(float(values.max()), 0.0)
    if not seen.any():
        return np.zeros_like(matrix)
    found: Floats = (vectors[:, seen] / np.sqrt(values[seen])) @ vectors[:, seen].T
    return found


def _satterthwaite(
    pieces: list[tuple[Floats, Floats, Block, Floats, Floats]], vcov: Floats, place: int
) -> float:
    """Return the degrees of freedom of a coefficient's variance, clusters by clusters.

    With p_g the vector whose product with residuals is cluster g's part, the expectation of the
    products p_g V p_h is diag(s V s') - (s X) M (s X)', s the cluster's row.
    """
    own = np.array([total[place, place] for _, total, _, _, _ in pieces])
    spent = np.array([side[place] @ b.matrix for side, _, b, _, _ in pieces])
    products = np.diag(own) - spent @ vcov @ spent.T
    below = float(np.sum(products**2))
    if not below > 0:
        raise CannotEstimate("The clusters leave no degrees of freedom for a standard error.")
    return float(np.trace(products)) ** 2 / below
