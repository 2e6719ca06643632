"""The basis of all ``h_alpha(x) = prod_i h_{alpha_i}(x_i)`` with |alpha| <= degree, and its design matrix.

Indices are ordered by total degree, then colexicographically (by the last variable in which two indices differ). In
this order all indices of degree m whose last variable is i with exponent e form one block, sorted by their prefixes,
which are the first C(i + m - e - 1, m - e) indices of degree m - e. Hence

    column[block(m, i, e)] = column[first prefixes of degree m - e] * h_e(x_i):

with one multiplication per entry, in ``dim * degree (degree + 1) / 2`` calls whatever the number of columns.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import comb
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from layerwise._validation import as_integer, as_points, gigabytes
from layerwise.hermite.univariate import hermite_values

MAX_MEMORY = 8 * 2**30
CACHE = 2**22  # bytes of lower-degree columns computed at once


def n_terms(dim: int, degree: int) -> int:
    """Return the number of indices in ``dim`` variables with |alpha| <= degree: C(dim + degree, degree)."""
    return comb(as_integer(dim, "dim", minimum=1) + as_integer(degree, "degree"), degree)


def _blocks(dim: int, m: int) -> Iterator[tuple[slice, slice, int, int]]:
    """Yield (children, parents, variable, exponent) for the indices of degree m >= 1, in order."""
    start = n_terms(dim, m - 1)
    for i in range(dim):
        for e in range(1 if i else m, m + 1):  # the only prefix of the first variable is the constant
            count = comb(i + m - e - 1, m - e) if i else 1
            first = n_terms(dim, m - e - 1) if e < m else 0
            yield slice(start, start + count), slice(first, first + count), i, e
            start += count


def multi_indices(dim: int, degree: int) -> NDArray[np.int64]:
    """Return all indices alpha with |alpha| <= degree, by total degree, then colexicographically.

    Returns
    -------
    ndarray of int64, shape (n_terms(dim, degree), dim)

    Examples
    --------
    >>> multi_indices(2, 2).tolist()
    [[0, 0], [1, 0], [0, 1], [2, 0], [1, 1], [0, 2]]
    """
    size = n_terms(dim, degree)
    if 8 * size * dim > MAX_MEMORY:
        raise ValueError(
            f"degree={degree} in {dim} variables has {size:.3g} indices ({gigabytes(8 * size * dim)}), more than "
            f"{gigabytes(MAX_MEMORY)}. Lower degree, or use degree_kernel, which never forms the basis."
        )
    indices = np.zeros((size, dim), dtype=np.int64)
    for m in range(1, degree + 1):
        for children, parents, i, e in _blocks(dim, m):
            indices[children] = indices[parents]
            indices[children, i] = e
    return indices


def index_ranks(indices: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the position of each index in the order of `multi_indices`.

    There are N(i, q) = C(i + q - 1, q) indices of degree exactly q in i variables. With partial sums
    r_i = alpha_1 + ... + alpha_i, ``sum_i N(i, r_i) - N(i, r_{i-1})`` indices of the same degree precede alpha.
    """
    dim = indices.shape[1]
    partial = np.cumsum(indices, axis=1)
    degree = int(partial[:, -1].max(initial=0))
    exactly = np.array([[comb(i + q - 1, q) for q in range(degree + 1)] for i in range(1, dim + 1)])
    below = np.array([n_terms(dim, m - 1) if m else 0 for m in range(degree + 1)])
    i = np.arange(dim)
    return below[partial[:, -1]] + (exactly[i, partial] - exactly[i, partial - indices]).sum(axis=1)


def design_matrix(
    X: ArrayLike, degree: int, *, out: NDArray[Any] | None = None, max_memory: float = MAX_MEMORY
) -> NDArray[Any]:
    """Evaluate all h_alpha with |alpha| <= degree at the rows of X.

    Parameters
    ----------
    X : array_like of shape (n, dim)
        Points; float32 and float64 are preserved.
    degree : int
        Largest total degree.
    out : ndarray of shape (n, n_terms(dim, degree)), optional
        The array to fill; column-major (``order="F"``) is the fast layout.
    max_memory : float
        Largest number of bytes to allocate; ignored if ``out`` is given.

    Returns
    -------
    ndarray of shape (n, n_terms(dim, degree))
        Columns in the order of `multi_indices`; column-major unless ``out`` is given. Peak memory is that of the
    array plus about 4 MiB.

    Raises
    ------
    ValueError
        If the array would take more than ``max_memory``, or ``out`` has the wrong shape or dtype.
    """
    X = as_points(X)
    n, dim = X.shape
    size = n_terms(dim, degree)
    if out is None:
        needed = size * n * X.itemsize
        if needed > max_memory:
            blocks = "Pass X by row blocks, X[i:j]. " if needed / n <= max_memory / 16 else ""
            raise ValueError(
                f"degree={degree} with {dim} inputs needs a basis of {size:.3g} columns "
                f"({needed:.2g} bytes for {n} rows), more than max_memory={gigabytes(max_memory)}. "
                f"{blocks}Lower degree, project the inputs on fewer directions first, or use degree_kernel, "
                "which never forms the basis."
            )
        out = np.empty((size, n), dtype=X.dtype).T
    elif out.shape != (n, size) or out.dtype != X.dtype:
        raise ValueError(
            f"out has shape {out.shape} and dtype {out.dtype}; it must have shape {(n, size)} and the dtype "
            f"of X, {X.dtype}. Pass np.empty({(n, size)}, dtype=X.dtype, order='F')."
        )
    columns = out.T
    columns[0] = 1
    if degree == 0 or n == 0:
        return out

    # Lower degrees are computed in a small buffer that stays in cache; the top degree is written in place.
    n_lower = n_terms(dim, degree - 1)
    rows = min(n, max(128, CACHE // (X.itemsize * (n_lower + (degree + 1) * dim))))
    lower_blocks = [block for m in range(1, degree) for block in _blocks(dim, m)]
    top_blocks = list(_blocks(dim, degree))
    lower = np.empty((n_lower, rows), dtype=X.dtype)
    lower[0] = 1
    for start in range(0, n, rows):
        chunk = slice(start, min(start + rows, n))
        table = hermite_values(np.ascontiguousarray(X[chunk].T), degree)
        buffer = lower[:, : chunk.stop - chunk.start]
        for children, parents, i, e in lower_blocks:
            np.multiply(buffer[parents], table[e, i], out=buffer[children])
        columns[:n_lower, chunk] = buffer
        for children, parents, i, e in top_blocks:
            np.multiply(buffer[parents], table[e, i], out=columns[children, chunk])
    return out
