"""The restricted likelihood of a model whose level and slope vary over groups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Codes = NDArray[np.intp]

_SAME = 1e-9  # spread of the slope's column (of SD 1) that is none within a group
UNITS = (
    np.array([[1.0, 0.0], [0.0, 0.0]]),
    np.array([[0.0, 1.0], [1.0, 0.0]]),
    np.array([[0.0, 0.0], [0.0, 1.0]]),
)


@dataclass(frozen=True, slots=True, eq=False)
class SlopeSums:
    """What the likelihood needs of the rows.

    In a group the columns (1, slope) are Q R with Q orthonormal: `z` holds R (groups by 2 by 2, its
    second row 0 where the slope's column does not vary), `x` and `y` Q'X and Q'y. `root_x` and
    `root_y` are a root of the cross-product of what is left of them.
    """

    z: Floats
    x: Floats  # groups by 2 by columns
    y: Floats
    root_x: Floats
    root_y: Floats
    rows: int

    @property
    def spare(self) -> int:
        """Rows less columns."""
        return self.rows - int(self.x.shape[2])


def slope_sums(basis: Floats, y: Floats, slope: Floats, codes: Codes) -> SlopeSums:
    """Return the sums of the columns and the outcome; `slope` has mean 0 and SD 1."""
    sizes = np.bincount(codes).astype(float)
    place = _by_group(slope[:, None], codes)[:, 0] / sizes
    away = slope - place[codes]
    length = np.sqrt(_by_group(away[:, None] ** 2, codes)[:, 0])
    length = np.where(length > _SAME * np.sqrt(sizes), length, 0.0)
    along = away * np.where(length > 0, 1 / np.where(length > 0, length, 1.0), 0.0)[codes]
    both = np.column_stack([basis, y])
    means = _by_group(both, codes) / sizes[:, None]
    left = both - means[codes]
    second = _by_group(left * along[:, None], codes)
    root: Floats = np.linalg.qr(left - along[:, None] * second[codes]).R
    turned = np.stack([np.sqrt(sizes)[:, None] * means, second], axis=1)
    z = np.zeros((len(sizes), 2, 2))
    z[:, 0, 0], z[:, 0, 1], z[:, 1, 1] = np.sqrt(sizes), np.sqrt(sizes) * place, length
    return SlopeSums(z, turned[:, :, :-1], turned[:, :, -1], root[:, :-1], root[:, -1], len(y))


def _by_group(values: Floats, codes: Codes) -> Floats:
    return np.column_stack([np.bincount(codes, weights=column) for column in values.T])


@dataclass(frozen=True, slots=True, eq=False)
class Point:
    """The profile at one M: `weights` are the inverses of I + R M R' of the groups.

    `gradient` is half the derivative of the deviance by M, entry by entry (tr of it times dM is
    the change).
    """

    sums: SlopeSums
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
    def at(cls, sums: SlopeSums, m: Floats) -> Point:
        """Return the profile at M."""
        weights, log_w = _inverses(sums.z, m)
        wx = weights @ sums.x
        bread = sums.root_x.T @ sums.root_x + _crossed(sums.x, wx)
        inverse: Floats = np.asarray(np.linalg.inv(bread), dtype=np.float64)
        right = sums.root_x.T @ sums.root_y + _crossed(wx, sums.y[:, :, None])[:, 0]
        gamma = inverse @ right
        apart = sums.y - sums.x @ gamma
        wr = (weights @ apart[:, :, None])[:, :, 0]
        squares = float(np.sum((sums.root_y - sums.root_x @ gamma) ** 2) + np.sum(apart * wr))
        within = squares / sums.spare
        turned = sums.z.transpose(0, 2, 1)
        pull = (turned @ wr[:, :, None])[:, :, 0]
        cross = turned @ wx
        inner = (turned @ weights @ sums.z).sum(axis=0)
        flat = cross.transpose(1, 0, 2).reshape(2, -1)
        inner = inner - (cross @ inverse).transpose(1, 0, 2).reshape(2, -1) @ flat.T
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
        inside = self.sums.z.transpose(0, 2, 1) @ self.weights @ self.sums.z
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


def _crossed(one: Floats, other: Floats) -> Floats:
    """Return the cross-product of columns, summed over groups and their two rows."""
    wide = one.shape[2]
    crossed: Floats = one.reshape(-1, wide).T @ other.reshape(-1, other.shape[2])
    return crossed


def _inverses(z: Floats, m: Floats) -> tuple[Floats, float]:
    """Return the inverse of each group's I + R M R' (groups by 2 by 2), and their log dets."""
    cover = np.eye(2) + z @ m @ z.transpose(0, 2, 1)
    inverse: Floats = np.asarray(np.linalg.inv(cover), dtype=np.float64)
    return inverse, float(np.sum(np.linalg.slogdet(cover)[1]))
