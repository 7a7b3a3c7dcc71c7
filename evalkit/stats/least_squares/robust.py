"""Cluster-robust variances and their Satterthwaite degrees of freedom, in an orthonormal basis.

In that basis the model's columns Z satisfy Z'WZ = I, the hat matrix is H = ZZ'W, and with
T_g = A_g'W_gZ_g the variance of the coefficients is the sum over clusters of (T_g'e_g)(T_g'e_g)'.
HC0, HC1, HC2 and HC3 are CR0, CR1S, CR2 and CR3 with every row its own cluster.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Codes = NDArray[np.intp]

SINGULAR = 1e-10  # below this a direction is fully explained by the model (Moore-Penrose)
SEEN = 0.5  # share of a contrast's variance that CR2 must be able to show; 1 where it sees all
_BLOCK = 2_000_000  # numbers held at once while clusters are worked through


@dataclass(frozen=True, slots=True, eq=False)
class Pieces:
    """Rows in order of cluster: the basis, the weights, T (rows by columns), cluster starts."""

    order: Codes
    starts: Codes
    basis: Floats
    weights: Floats
    adjusted: Floats

    def sums(self, residuals: Floats) -> Floats:
        """Return T_g'e_g, clusters by columns."""
        return self.by_cluster(self.adjusted * residuals[self.order, None])

    def by_cluster(self, values: Floats) -> Floats:
        """Return column sums within clusters; with singletons the rows as they are."""
        if len(self.starts) == len(self.order):
            return values
        total: Floats = np.add.reduceat(values, self.starts, axis=0)
        return total


def scale_factor(kind: str, clusters: int, rows: int, columns: int) -> float:
    """Return the factor that CR1, CR1S and HC1 put on the variance."""
    if kind == "CR1":
        return clusters / (clusters - 1)
    if kind == "CR1S":
        return clusters * (rows - 1) / ((clusters - 1) * (rows - columns))
    return rows / (rows - columns) if kind == "HC1" else 1.0


def adjusted_scores(
    basis: Floats, weights: Floats, codes: Codes, clusters: int, kind: str, *, weighted: bool
) -> Pieces:
    """Return T for the kind of variance, rows sorted by cluster."""
    order = np.argsort(codes, kind="stable")
    starts = np.searchsorted(codes[order], np.arange(clusters))
    z, w = basis[order], weights[order]
    plain = z * w[:, None]
    if kind[2:] in ("0", "1", "1S"):
        adjusted = plain
    elif kind[2:] == "2" and weighted:
        adjusted = _weighted(z, w, starts)
    else:
        power = _inverse_root if kind[2:] == "2" else _inverse
        adjusted = _by_leverage(z, w, plain, starts, power)
    return Pieces(order, starts, z, w, adjusted)


def _inverse_root(room: Floats) -> Floats:
    return np.where(room > SINGULAR, 1 / np.sqrt(np.where(room > SINGULAR, room, 1.0)), 0.0)


def _inverse(room: Floats) -> Floats:
    return np.where(room > SINGULAR, 1 / np.where(room > SINGULAR, room, 1.0), 0.0)


def _by_leverage(
    z: Floats, w: Floats, plain: Floats, starts: Codes, power: Callable[[Floats], Floats]
) -> Floats:
    """Return W_gZ_g(I - S_g)^power, S_g = Z_g'W_gZ_g: columns-by-columns work for each cluster.

    Equal to (I - H_gg)^power W_gZ_g: for power -1 always, for -1/2 where weights are equal.
    """
    if len(starts) == len(z):
        leverage = np.einsum("ij,ij->i", z, plain)
        return plain * power(1 - leverage)[:, None]
    adjusted = np.empty_like(plain)
    for rows in _of_one_size(starts, len(z), z.shape[1]):
        own = plain[rows]
        values, vectors = np.linalg.eigh(z[rows].transpose(0, 2, 1) @ own)
        factors = (vectors * power(1 - values)[:, None, :]) @ vectors.transpose(0, 2, 1)
        adjusted[rows] = own @ factors
    return adjusted


def _of_one_size(starts: Codes, rows: int, columns: int) -> Iterator[Codes]:
    """Give the rows (clusters by size) of clusters of one size, some clusters at a time."""
    sizes = np.diff(starts, append=rows)
    for size in np.unique(sizes).tolist():
        first = starts[sizes == size]
        step = max(1, _BLOCK // (columns * max(columns, size)))
        for start in range(0, len(first), step):
            yield first[start : start + step, None] + np.arange(size)


def _blocks(starts: Codes, rows: int, columns: int) -> Iterator[list[slice]]:
    ends = [*starts[1:].tolist(), rows]
    slices = [slice(a, b) for a, b in zip(starts.tolist(), ends, strict=True)]
    size = max(1, _BLOCK // (columns * columns))
    for first in range(0, len(slices), size):
        yield slices[first : first + size]


def _weighted(z: Floats, w: Floats, starts: Codes) -> Floats:
    """Return B_g^(-1/2)W_gZ_g, B_g the g block of (I - H)(I - H)', weights unequal.

    B_g is the identity plus a matrix of rank at most twice the columns, F_gKF_g' with
    F_g = [Z_g, W_gZ_g]; the root is taken in the span of F_g.
    """
    kernel = _kernel(z, w)
    both = np.hstack([z, z * w[:, None]])
    columns = z.shape[1]
    if len(starts) == len(z):
        room = 1 + np.einsum("ij,jk,ik->i", both, kernel, both, optimize=True)
        return both[:, columns:] * _inverse_root(room)[:, None]
    adjusted = np.empty_like(z)
    for slices in _blocks(starts, len(z), columns):
        for rows in slices:
            span, upper = np.linalg.qr(both[rows])
            values, vectors = np.linalg.eigh(upper @ kernel @ upper.T)
            inside = vectors.T @ (span.T @ both[rows, columns:])
            adjusted[rows] = span @ (vectors @ (_inverse_root(1 + values)[:, None] * inside))
    return adjusted


def _kernel(z: Floats, w: Floats) -> Floats:
    """Return K with (I - H)_g(I - H)_h' = [g = h]I + F_gKF_h', F_g = [Z_g, W_gZ_g]."""
    columns = z.shape[1]
    doubled = z.T @ (z * (w**2)[:, None])
    identity = np.eye(columns)
    return np.block([[doubled, -identity], [-identity, np.zeros((columns, columns))]])


def satterthwaite(pieces: Pieces, contrast: Floats) -> float:
    """Return (tr P'P)^2 / tr (P'P)^2 for one contrast (Bell and McCaffrey 2002).

    P'P is a diagonal of |t_g|^2 plus F K F', with t = T times the contrast and rows of F the
    sums [Z_g't_g, Z_g'W_gt_g]; so only a matrix of twice the columns is formed.
    """
    t = pieces.adjusted @ contrast
    diagonal = pieces.by_cluster(t[:, None] ** 2)[:, 0]
    outer = np.hstack([pieces.basis, pieces.basis * pieces.weights[:, None]])
    factor = pieces.by_cluster(outer * t[:, None])
    kernel = _kernel(pieces.basis, pieces.weights)
    spread = np.einsum("ij,ij->i", factor @ kernel, factor)
    small = kernel @ (factor.T @ factor)
    trace = diagonal.sum() + spread.sum()
    square = (diagonal**2).sum() + 2 * (diagonal @ spread) + np.trace(small @ small)
    return float(trace**2 / square) if square > 0 else float("nan")


def hotelling_df(pieces: Pieces, contrasts: Floats, least: float = SEEN) -> float:
    """Return the degrees of freedom eta of the variance of several contrasts taken together.

    `contrasts` is contrasts by columns of the basis, of full row rank. eta is q(q + 1) over the
    sum of the variances of the entries of the standardised variance matrix (the HTZ of Tipton and
    Pustejovsky 2015 and Pustejovsky and Tipton 2018); for one contrast it is `satterthwaite`. NaN
    where a combination rests on one cluster, whose variance is then not seen: where the expected
    variance of a combination is below the share `least` of its variance for independent rows.
    """
    first = _sides(pieces, contrasts)
    expected = np.array([[_Cross(a, b).trace for b in first] for a in first])
    doubled = pieces.basis.T @ (pieces.basis * (pieces.weights**2)[:, None])
    length = np.linalg.inv(np.linalg.cholesky(contrasts @ doubled @ contrasts.T))
    values, vectors = np.linalg.eigh(length @ expected @ length.T)
    if not values[0] > least:
        return float("nan")
    sides = _sides(pieces, (vectors / np.sqrt(values)).T @ length @ contrasts)
    own = [_Cross(a, a) for a in sides]
    spread = sum(2 * one.times(one) for one in own)
    for a, b in combinations(range(len(contrasts)), 2):  # as much for b and a
        both = _Cross(sides[a], sides[b])
        spread += 2 * (own[a].times(own[b]) + both.times(both))
    return len(contrasts) * (len(contrasts) + 1) / spread if spread > 0 else float("nan")


@dataclass(frozen=True, slots=True, eq=False)
class _Side:
    """One contrast: its column of T, and F and F K by cluster (see `satterthwaite`)."""

    pieces: Pieces
    t: Floats
    factor: Floats
    turned: Floats


def _sides(pieces: Pieces, contrasts: Floats) -> list[_Side]:
    kernel = _kernel(pieces.basis, pieces.weights)
    outer = np.hstack([pieces.basis, pieces.basis * pieces.weights[:, None]])
    columns = (pieces.adjusted @ contrasts.T).T
    factors = [pieces.by_cluster(outer * t[:, None]) for t in columns]
    return [_Side(pieces, t, f, f @ kernel) for t, f in zip(columns, factors, strict=True)]


class _Cross:
    """P_a'P_b, clusters by clusters: a diagonal plus F_a K F_b'."""

    def __init__(self, a: _Side, b: _Side) -> None:
        self.diagonal = a.pieces.by_cluster((a.t * b.t)[:, None])[:, 0]
        self.left, self.right = a.turned, b.factor
        self.spread = np.einsum("ij,ij->i", self.left, self.right)
        self.trace = float(self.diagonal.sum() + self.spread.sum())

    def times(self, other: _Cross) -> float:
        """Return the trace of the product of two such matrices."""
        inner = (self.right.T @ other.left) @ (other.right.T @ self.left)
        mixed = self.diagonal @ (other.diagonal + other.spread) + self.spread @ other.diagonal
        return float(mixed + np.trace(inner))
