"""Linear algebra whose last digit does not depend on how many threads the library underneath uses.

Threads share out a product of two matrices in pieces whose size changes the order of the sums. The
forms here keep it: a matrix with itself, a triangle with one vector, factors of at most 96 columns.
Without them the values imputed would depend on the number of workers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_BLOCK = 96


def own_products(matrix: Floats) -> Floats:
    """Return the cross-products of a matrix's columns."""
    found: Floats = matrix.T @ matrix
    return found


def weighted_products(matrix: Floats, weights: Floats) -> Floats:
    """Return X' diag(w) X; weights of either sign."""
    up = own_products(matrix * np.sqrt(np.maximum(weights, 0.0))[:, None])
    if weights.min(initial=0.0) >= 0:
        return up
    return up - own_products(matrix * np.sqrt(np.maximum(-weights, 0.0))[:, None])


def times(matrix: Floats, vector: Floats) -> Floats:
    """Return the matrix times a vector, or times each column of a matrix."""
    if vector.ndim == 1:
        return np.asarray(np.einsum("ij,j->i", matrix, vector))
    return np.stack([np.einsum("ij,j->i", matrix, column) for column in vector.T], axis=1)


def onto(matrix: Floats, vector: Floats) -> Floats:
    """Return the matrix's columns times a vector."""
    return np.asarray(np.einsum("ij,i->j", matrix, vector))


def upper_root(gram: Floats) -> tuple[Floats, int]:
    """Return the upper Cholesky root, and 0 or the number of the first column without one."""
    from scipy.linalg.lapack import dpotrf, dtrtri

    n = len(gram)
    if n <= _BLOCK:
        upper, failed = dpotrf(gram, lower=0, clean=1)
        return upper, int(failed)
    left, upper = gram.copy(), np.zeros((n, n), order="F")
    for start in range(0, n, _BLOCK):
        end = min(start + _BLOCK, n)
        corner, failed = dpotrf(left[start:end, start:end], lower=0, clean=1)
        upper[start:end, start:end] = corner
        if failed:
            return upper, start + int(failed)
        inverse = dtrtri(corner)[0]
        side = np.einsum("ki,kj->ij", inverse, left[start:end, end:])
        upper[start:end, end:] = side
        left[end:, end:] -= own_products(side)
    return upper, 0


def root_diagonals(grams: Floats) -> Floats:
    """Return the diagonals of the Cholesky roots of several matrices, a row each."""
    if grams.shape[1] <= _BLOCK:
        try:
            return np.asarray(np.linalg.cholesky(grams)).diagonal(axis1=1, axis2=2)
        except np.linalg.LinAlgError:
            pass
    return np.array([upper_root(gram)[0].diagonal() for gram in grams])


def solve_upper(upper: Floats, side: Floats, *, transposed: bool = False) -> Floats:
    """Return the solution of a triangular system with one right-hand side."""
    from scipy.linalg.blas import dtrsv

    found: Floats = dtrsv(upper, side, trans=int(transposed))
    return found


def solve_root(upper: Floats, side: Floats) -> Floats:
    """Return the solution of the system whose matrix has this Cholesky root."""
    return solve_upper(upper, solve_upper(upper, side, transposed=True))
