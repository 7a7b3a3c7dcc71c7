"""CR2 for a model with a random intercept: the fitted variance is the working one.

With the outcome's variance F = I + L 11' in a cluster (L the ratio of the variances), whitened
columns Z orthonormal over all rows and whitened residuals e, the adjusted scores are
Z'B^(-1/2)Fe, B = F(I - ZZ')F, as clubSandwich has it (Pustejovsky and Tipton 2018). Outside the
span of 1 and Z, B is the identity, so its root costs only columns x columns work.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from evalkit.stats.least_squares.linear import LinearFit
from evalkit.stats.least_squares.robust import SINGULAR, Pieces, satterthwaite
from evalkit.stats.shared.analysed_rows import orthonormal

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Codes = NDArray[np.intp]


def robust_random_intercept(
    matrix: Floats, model: LinearFit, names: Sequence[str], codes: Codes, ratio: float
) -> LinearFit:
    """Return the same coefficients with CR2 standard errors and Satterthwaite df.

    `model` is the fit with its residuals in outcome units, `ratio` the variance between groups
    over that within; `matrix`, `names` and `codes` are those it was fitted with.
    """
    basis, back = orthonormal(matrix)
    order = np.argsort(codes, kind="stable")
    sizes = np.bincount(codes)
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    white = _whitened(np.column_stack([basis, model.residuals])[order], starts, sizes, ratio)
    z, upper = np.linalg.qr(white[:, :-1])
    map_back = back @ np.linalg.inv(upper)
    adjusted = np.vstack(
        [_adjusted(z[a : a + n], ratio) for a, n in zip(starts, sizes, strict=True)]
    )
    rows = np.arange(len(z))
    pieces = Pieces(rows, starts, z, np.ones(len(z)), adjusted)
    scores = pieces.sums(white[:, -1]) @ map_back.T
    vcov = scores.T @ scores
    return LinearFit(
        names=tuple(names),
        coefficients=model.coefficients,
        vcov=vcov,
        std_errors=np.sqrt(np.diag(vcov)),
        df=np.array([satterthwaite(pieces, row) for row in map_back]),
        residuals=model.residuals,
        n=len(z),
        n_clusters=len(sizes),
        se="CR2",
    )


def _whitened(values: Floats, starts: Codes, sizes: Codes, ratio: float) -> Floats:
    """Return F^(-1/2) times the rows of each cluster: less a share of the cluster's mean."""
    means = np.add.reduceat(values, starts, axis=0) / sizes[:, None]
    share = 1 - 1 / np.sqrt(1 + ratio * sizes)
    result: Floats = values - np.repeat(share[:, None] * means, sizes, axis=0)
    return result


def _adjusted(z: Floats, ratio: float) -> Floats:
    """Return F B^(-1/2) Z for one cluster."""
    span = np.linalg.qr(np.column_stack([np.ones(len(z)), z])).Q
    level, inside = span.sum(axis=0), span.T @ z
    size = len(level)
    spread = np.eye(size) + ratio * np.outer(level, level)
    values, vectors = np.linalg.eigh(spread @ (np.eye(size) - inside @ inside.T) @ spread)
    usable = values > SINGULAR * max(float(values.max()), 1.0)
    power = np.where(usable, 1 / np.sqrt(np.where(usable, values, 1.0)), 0.0)
    result: Floats = span @ (spread @ (vectors * power) @ (vectors.T @ inside))
    return result
