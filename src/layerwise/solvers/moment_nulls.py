"""Null distribution of the leading values of moment tensors: permuted labels, all of them in one pass over the rows.

With the products ``w_bc = x_b x_c`` (b <= c) of a block of rows that stays in cache, computed once for S vectors of
labels,

    order 3:  T_3[a, bc] for a <= b <= c takes a product of sizes S x rows x (pairs with b >= a) for each a,
    order 4:  T_4 applied to S matrices V_s takes two products of sizes S x pairs x rows.

The leading value of T_4 comes from S Lanczos recurrences that take their steps together.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from scipy.linalg import eigh_tridiagonal

from layerwise.solvers.moment_tensors import leading

#: Relative accuracy of the leading value of order 4, and the most steps taken for it.
TOLERANCE, MAX_STEPS = 0.01, 60
#: Size of a block of products, in bytes.
BLOCK = 2**22
#: Size of the tensors of order 3 that are computed together, in bytes.
TENSORS = 2**27
#: Largest number of inputs for which products of pairs are formed for all labels at once.
MAX_INPUTS = 256


def null_quantile(X: np.ndarray, y: np.ndarray, degree: int, n_permutations: int, rng: np.random.RandomState) -> float:
    """The largest absolute leading value over ``n_permutations`` permutations of y.

    If y is independent of X, the observed value exceeds it with probability ``1 / (n_permutations + 1)``, whatever the
    distributions. With a signal in y it is conservative: the variance due to the signal counts as noise.
    """
    if degree < 3 or X.shape[1] > MAX_INPUTS or X.shape[1] < 5:
        tops = [leading(X, rng.permutation(y), degree, 1, tolerance=TOLERANCE).values for _ in range(n_permutations)]
        return float(np.max(np.abs(tops)))
    Y = np.array([rng.permutation(y) for _ in range(n_permutations)])
    if degree == 3:
        size = max(1, TENSORS // (4 * X.shape[1] ** 3))
        groups = (third_moments(X, Y[i : i + size]) for i in range(0, n_permutations, size))
        return max(float(np.sqrt(max(np.linalg.eigvalsh(T @ T.T)[-1], 0.0))) for group in groups for T in group)
    return float(np.max(_leading_fourth(X, Y)))


def null_bytes(n: int, d: int, orders: Sequence[int], n_permutations: int) -> int:
    """Peak memory of `null_quantile` beside the inputs: labels, blocks of products, tensors or Lanczos vectors."""
    if max(orders) < 3 or d > MAX_INPUTS:
        return 0
    group = max(1, min(n_permutations, TENSORS // (4 * d**3)))
    tensors = 8 * group * d**3 // 5 if 3 in orders else 0  # and their sums over blocks, as measured
    vectors = (MAX_STEPS + 6) * n_permutations * d**2 if 4 in orders else 0
    return 8 * (2 * n * n_permutations + max(tensors, vectors)) + 3 * BLOCK


def pair_products(X: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    """Yield blocks of rows and their products ``x_b x_c``, b <= c, of shape (d(d+1)/2, rows), in rows by b."""
    n, d = X.shape
    size = max(1, BLOCK // (4 * d * (d + 1)))
    out = np.empty((d * (d + 1) // 2, min(size, n)))
    for start in range(0, n, size):
        rows = slice(start, min(start + size, n))
        columns, products, pair = X[rows].T.copy(), out[:, : rows.stop - start], 0
        for b in range(d):
            np.multiply(columns[b:], columns[b], out=products[pair : pair + d - b])
            pair += d - b
        yield rows, products


def third_moments(X: np.ndarray, Y: np.ndarray) -> np.ndarray:
    """T_3 for labels Y (S, n), unfolded as in `layerwise.solvers.moment_tensors.third_moment`: (S, d, d(d+1)/2)."""
    d = X.shape[1]
    b, c = np.triu_indices(d)
    starts = np.searchsorted(b, np.arange(d))
    T = np.zeros((len(Y), d, len(b)))
    for rows, products in pair_products(X):
        for a in range(d):
            T[:, a, starts[a] :] += (Y[:, rows] * X[rows, a]) @ products[starts[a] :].T
    T /= len(X)
    mu = Y @ X / len(X)
    a = np.arange(d)[:, None]
    low, high = np.minimum(a, b), np.maximum(a, c)
    middle = a + b + c - low - high
    T = T[:, low, starts[middle] + high - middle]  # the entry with sorted indices
    column = np.arange(len(b))
    T[:, :, b == c] -= mu[:, :, None]
    T[:, c, column] -= mu[:, b]
    T[:, b, column] -= mu[:, c]
    T *= np.where(b == c, 1.0, np.sqrt(2.0))
    return T


def _leading_fourth(X: np.ndarray, Y: np.ndarray) -> np.ndarray:
    """The largest absolute eigenvalue of T_4 for labels Y (S, n), of shape (S,)."""
    (n, d), S = X.shape, len(Y)
    b, c = np.triu_indices(d)
    weights, diagonal = np.where(b == c, 1.0, np.sqrt(2.0)), b == c
    means, weighted = Y.mean(axis=1)[:, None], Y / n
    M = sum((weighted[:, rows] @ products.T for rows, products in pair_products(X)), np.zeros((S, len(b))))

    def matrices(v: np.ndarray) -> np.ndarray:
        V = np.zeros((S, d, d))
        V[:, b, c] = v
        V[:, c, b] = v
        return V

    M_full, M = matrices(M), weights * M

    def apply(v: np.ndarray) -> np.ndarray:
        """T_4 V for V = sum_bc v_bc E_bc in the orthonormal basis of symmetric matrices."""
        out, scaled = np.zeros_like(v), weights * v
        for rows, products in pair_products(X):
            out += ((scaled @ products) * weighted[:, rows]) @ products.T
        out *= weights
        V = matrices(v / weights)
        VM = V @ M_full
        trace = v[:, diagonal].sum(axis=1, keepdims=True)
        out -= trace * M + 2 * weights * (VM + VM.transpose(0, 2, 1))[:, b, c] - 2 * means * v
        out[:, diagonal] += means * trace - np.sum(M * v, axis=1, keepdims=True)
        return out

    return _lanczos(apply, np.tile(np.random.default_rng(0).standard_normal(len(b)), (S, 1)))


def _lanczos(apply, start: np.ndarray) -> np.ndarray:
    """The largest absolute eigenvalue of each of S operators on vectors (p,), from ``apply`` on (S, p)."""
    q = start / np.linalg.norm(start, axis=1, keepdims=True)
    basis, alphas, betas = [], [], []
    while True:
        basis.append(q)
        v = apply(q)
        alphas.append(np.sum(v * q, axis=1))
        for _ in range(2):  # keeps the basis orthogonal to rounding
            for earlier in basis:
                v -= np.sum(v * earlier, axis=1, keepdims=True) * earlier
        betas.append(np.linalg.norm(v, axis=1))
        ritz = [_top(*parts) for parts in zip(np.transpose(alphas), np.transpose(betas), strict=True)]
        tops, errors = np.transpose(ritz)
        if np.all(errors <= TOLERANCE * tops) or len(basis) == min(MAX_STEPS, start.shape[1]):
            return tops
        q = v / np.maximum(betas[-1], np.finfo(float).tiny)[:, None]


def _top(alpha: np.ndarray, beta: np.ndarray) -> tuple[float, float]:
    """The largest absolute Ritz value and its residual."""
    values, vectors = eigh_tridiagonal(alpha, beta[:-1])
    top = int(np.argmax(np.abs(values)))
    return abs(values[top]), beta[-1] * abs(vectors[-1, top])
