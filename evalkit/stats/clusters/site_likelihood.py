"""The restricted likelihood of a model whose level and treatment effect vary over sites."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Codes = NDArray[np.intp]

_CELLS = np.array([[1.0, 0.0], [1.0, 1.0]])  # a comparison cell has u alone, a treated one u + w
UNITS = (
    np.array([[1.0, 0.0], [0.0, 0.0]]),
    np.array([[0.0, 1.0], [1.0, 0.0]]),
    np.array([[0.0, 0.0], [0.0, 1.0]]),
)


@dataclass(frozen=True, slots=True, eq=False)
class CellSums:
    """Cells by site (sites by 2), zero where empty; roots of the cross-product within cells."""

    sizes: Floats
    x: Floats  # sites by 2 by columns
    y: Floats
    root_x: Floats
    root_y: Floats
    rows: int

    @property
    def spare(self) -> int:
        """Rows less columns."""
        return self.rows - int(self.x.shape[2])


def cell_sums(basis: Floats, y: Floats, arm: Floats, codes: Codes) -> CellSums:
    """Return the sums of the columns and the outcome by cell."""
    cell = 2 * codes + arm.astype(np.intp)
    count = 2 * (int(codes.max()) + 1)
    sizes = np.bincount(cell, minlength=count).astype(float)
    both = np.column_stack([basis, y])
    means = np.zeros((count, both.shape[1]))
    np.add.at(means, cell, both)
    means /= np.maximum(sizes, 1)[:, None]
    root: Floats = np.linalg.qr(both - means[cell]).R
    shaped = means.reshape(-1, 2, both.shape[1])
    return CellSums(
        sizes.reshape(-1, 2), shaped[:, :, :-1], shaped[:, :, -1], root[:, :-1], root[:, -1], len(y)
    )


@dataclass(frozen=True, slots=True, eq=False)
class Point:
    """The profile at one M: `weights` are the inverses of the cell means' covariances.

    `gradient` is half the derivative of the deviance by M, entry by entry (tr of it times dM is
    the change).
    """

    sums: CellSums
    m: Floats
    weights: Floats
    gamma: Floats
    inverse: Floats
    within: float
    deviance: float
    gradient: Floats
    pull: Floats
    cross: Floats

    @classmethod
    def at(cls, sums: CellSums, m: Floats) -> Point:
        """Return the profile at M."""
        weights, log_w = _inverses(sums.sizes, m)
        wx = weights @ sums.x
        bread = sums.root_x.T @ sums.root_x + np.einsum("sck,scl->kl", sums.x, wx)
        inverse: Floats = np.asarray(np.linalg.inv(bread), dtype=np.float64)
        right = sums.root_x.T @ sums.root_y + np.einsum("sck,sc->k", wx, sums.y)
        gamma = inverse @ right
        apart = sums.y - sums.x @ gamma
        wr = np.einsum("scd,sd->sc", weights, apart)
        squares = float(np.sum((sums.root_y - sums.root_x @ gamma) ** 2) + np.sum(apart * wr))
        within = squares / sums.spare
        pull = wr @ _CELLS
        cross = np.einsum("ca,sck->sak", _CELLS, wx)
        inner = _CELLS.T @ weights.sum(axis=0) @ _CELLS
        inner = inner - np.einsum("sak,kl,sbl->ab", cross, inverse, cross, optimize=True)
        return cls(
            sums=sums,
            m=m,
            weights=weights,
            gamma=gamma,
            inverse=inverse,
            within=within,
            deviance=sums.spare * float(np.log(within))
            + log_w
            + float(np.linalg.slogdet(bread)[1]),
            gradient=inner - pull.T @ pull / within,
            pull=pull,
            cross=cross,
        )

    def second(self) -> tuple[Floats, Floats]:
        """Return the Hessian of the deviance by (m11, m12, m22), and by each and `within`.

        The deviance here is the full one, so the last entry of the second is by `within` twice.
        """
        inside = np.einsum("ca,scd,db->sab", _CELLS, self.weights, _CELLS)
        seen = [np.einsum("sak,ab,sb->k", self.cross, u, self.pull) for u in UNITS]
        curve = np.empty((3, 3))
        for i, one in enumerate(UNITS):
            for j, two in enumerate(UNITS):
                traced = self._traced(inside, one, two)
                bent = np.einsum("sa,ab,sbc,cd,sd->", self.pull, one, inside, two, self.pull)
                bent -= float(seen[i] @ self.inverse @ seen[j])
                curve[i, j] = -traced + 2 * float(bent) / self.within
        slope = [float(np.sum((self.pull @ u) * self.pull)) / self.within**2 for u in UNITS]
        return curve, np.array([*slope, self.sums.spare / self.within**2])

    def _traced(self, inside: Floats, one: Floats, two: Floats) -> float:
        """Return tr(P V1 P V2), V the derivatives of the covariance by two entries of M."""
        plain = np.einsum("sab,bc,scd,da->", inside, one, inside, two)
        first = np.einsum("sak,ab,sbl->kl", self.cross, one, self.cross)
        other = np.einsum("sak,ab,sbl->kl", self.cross, two, self.cross)
        mixed = np.einsum("sak,ab,sbc,cd,sdl->kl", self.cross, one, inside, two, self.cross)
        third = np.trace(self.inverse @ first @ self.inverse @ other)
        return float(plain - 2 * np.trace(self.inverse @ mixed) + third)


def _inverses(sizes: Floats, m: Floats) -> tuple[Floats, float]:
    """Return the inverse covariance of each site's cell means (sites by 2 by 2), and log dets."""
    spread = _CELLS @ m @ _CELLS.T
    full = np.all(sizes > 0, axis=1)
    weights = np.zeros((len(sizes), 2, 2))
    shares = np.where(sizes > 0, 1 / np.maximum(sizes, 1), 0.0)
    cover = spread[None] + shares[:, :, None] * np.eye(2)
    weights[full] = np.linalg.inv(cover[full])
    log_det = float(np.sum(np.linalg.slogdet(cover[full])[1]))
    for place in (0, 1):
        alone = ~full & (sizes[:, place] > 0)
        weights[alone, place, place] = 1 / cover[alone, place, place]
        log_det += float(np.sum(np.log(cover[alone, place, place])))
    return weights, log_det + float(np.sum(np.log(sizes[sizes > 0])))
