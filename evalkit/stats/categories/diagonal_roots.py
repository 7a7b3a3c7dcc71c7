"""The inverse root of a diagonal matrix less one of low rank, times a few columns.

With V diagonal and Z of few columns, B = V(I - ZZ')V has no closed-form symmetric root (unless V
is constant). Its inverse root is an integral of resolvents (D + s)^-1; a quadrature on shifts s
chosen by elliptic functions has errors that fall geometrically (Hale, Higham and Trefethen 2008,
SIAM Journal on Numerical Analysis 46:2505-2523), and each resolvent costs only rows x columns^2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

SINGULAR = 1e-10  # share of the largest eigenvalue below which the model explains it all
_DENSE = 100  # rows up to which the full eigenvalue problem is as quick
_ROUNDING, _CLEAR = 1e-12, 1e-7  # room in I - ZZ' that is surely none, and surely some
_SPREAD = 1e10  # ratio of eigenvalues beyond which SINGULAR decides, so all are needed


def scaled_inverse_root(z: Floats, v: Floats) -> Floats:
    """Return V B^(-1/2) Z (Moore-Penrose) with B = V(I - ZZ')V, rows by columns.

    `z` has orthonormal columns over all rows, of which these are some; `v` is positive.
    """
    scale = v / v.max()
    inner, vectors = np.linalg.eigh(z.T @ z)
    room = 1 - inner
    clear = room[room > _CLEAR]
    lowest = float(scale.min() ** 2 * clear.min(initial=1.0))
    unclear = np.any((room > _ROUNDING) & (room <= _CLEAR))
    if len(z) <= _DENSE or unclear or lowest < 1 / _SPREAD:
        return _by_eigenvalues(z, scale)
    return _by_quadrature(z, scale, z @ vectors[:, room <= _ROUNDING], lowest)


def _by_eigenvalues(z: Floats, scale: Floats) -> Floats:
    inner = (np.eye(len(z)) - z @ z.T) * np.outer(scale, scale)
    values, vectors = np.linalg.eigh(inner)
    usable = values > SINGULAR * max(values.max(), 0.0)
    power = np.where(usable, 1 / np.sqrt(np.where(usable, values, 1.0)), 0.0)
    found: Floats = scale[:, None] * ((vectors * power) @ (vectors.T @ z))
    return found


def _by_quadrature(z: Floats, scale: Floats, explained: Floats, lowest: float) -> Floats:
    """Return it by resolvents of B + QQ', Q a basis of what B takes to zero, off Q."""
    null: Floats = np.linalg.qr(explained / scale[:, None]).Q
    start = z - null @ (null.T @ z)
    both = np.hstack([scale[:, None] * z, null])
    kernel = np.diag(np.repeat([-1.0, 1.0], [z.shape[1], null.shape[1]]))
    total = np.zeros_like(z)
    for shift, weight in zip(*_nodes(lowest), strict=True):
        inverse = 1 / (scale**2 + shift)
        turned = both * inverse[:, None]
        inside = np.linalg.solve(kernel + both.T @ turned, turned.T @ start)
        total += weight * (inverse[:, None] * start - turned @ inside)
    return scale[:, None] * total


def _nodes(lowest: float) -> tuple[Floats, Floats]:
    """Return shifts s and weights w: the sum of w / (x + s) is x^(-1/2) for x from lowest to 1.

    The second half of the nodes mirrors the first, which keeps their digits.
    """
    from scipy.special import ellipj, ellipkm1

    low, high = 0.999 * lowest, 1.001
    ratio = low / high
    count = int(np.ceil(0.95 * (3 - np.log(ratio))))
    quarter = float(ellipkm1(ratio))
    sine, cosine, _, _ = ellipj((np.arange(count) + 0.5) * quarter / (2 * count), 1 - ratio)
    first = sine / cosine
    tangent = np.concatenate([first, 1 / (np.sqrt(ratio) * first)])
    weights = np.sqrt((1 + ratio * tangent**2) * (1 + tangent**2))
    return low * tangent**2, quarter * np.sqrt(low) / (np.pi * count) * weights
