"""The reproducing kernels of each degree, and estimates of the degree energies of a function from data.

``kappa_k(x, x') = sum_{|alpha| = k} h_alpha(x) h_alpha(x')`` is the coefficient of t^k in Mehler's kernel

    G(t) = (1 - t^2)^{-d/2} exp[(t s - t^2 q / 2) / (1 - t^2)],     s = x.x',   q = |x|^2 + |x'|^2.

From (1 - t^2)^2 G' = (s + (d - q) t + s t^2 - d t^3) G its coefficients obey

    (k+1) kappa_{k+1} = s kappa_k + (d - q + 2(k-1)) kappa_{k-1} + s kappa_{k-2} - (d + k - 3) kappa_{k-3}.

Since E f(x) kappa_k(x, .) = P_k f, the mean of y_i y_j kappa_k(x_i, x_j) over i != j is an unbiased estimate of
|P_k f|^2: the degree spectrum.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from layerwise._validation import as_integer, as_points, as_vector

BLOCK = 256  # rows of a kernel tile; the five tiles in use fit in cache


def mehler_terms(s: NDArray[Any], q: NDArray[Any], dim: int, degree: int) -> Iterator[NDArray[Any]]:
    """Yield kappa_0, ..., kappa_degree from ``s = x.x'`` and ``q = |x|^2 + |x'|^2`` by the recurrence above."""
    rest = dim - q
    past = [np.ones_like(s)] + [np.zeros_like(s)] * 3  # kappa_k, kappa_{k-1}, kappa_{k-2}, kappa_{k-3}
    yield past[0]
    for k in range(degree):
        following = s * (past[0] + past[2])
        following += (rest + 2 * (k - 1)) * past[1]
        following -= (dim + k - 3) * past[3]
        following /= k + 1
        past = [following, *past[:3]]
        yield following


def _kernels(X: NDArray[Any], Z: NDArray[Any], degree: int) -> Iterator[NDArray[Any]]:
    """Yield kappa_0, ..., kappa_degree, each (n, m)."""
    squares = np.einsum("ij,ij->i", X, X)[:, None] + np.einsum("ij,ij->i", Z, Z)
    return mehler_terms(X @ Z.T, squares, X.shape[1], degree)


def degree_kernel(X: ArrayLike, Z: ArrayLike | None = None, degree: int = 4) -> NDArray[Any]:
    """Compute the reproducing kernels of the degrees 0..degree, ``kappa_k(x, z) = sum_{|a|=k} h_a(x) h_a(z)``.

    Parameters
    ----------
    X : array_like of shape (n, dim)
    Z : array_like of shape (m, dim), optional
        X by default.
    degree : int
        Largest degree.

    Returns
    -------
    ndarray of shape (degree + 1, n, m)
    """
    X = as_points(X)
    Z = X if Z is None else as_points(Z, X.shape[1], "Z")
    degree = as_integer(degree, "degree")
    kernels = np.empty((degree + 1, len(X), len(Z)), dtype=np.result_type(X, Z))
    for k, kernel in enumerate(_kernels(X, Z, degree)):
        kernels[k] = kernel
    return kernels


@dataclass(frozen=True, eq=False)
class DegreeSpectrum:
    """Degree energies of a function, estimated from data.

    Parameters
    ----------
    energies : ndarray of shape (degree + 1,)
        Unbiased estimates of ``|P_k f|^2``; they may be negative.
    standard_errors : ndarray of shape (degree + 1,)
        Standard errors of these estimates.
    """

    energies: NDArray[np.float64]
    standard_errors: NDArray[np.float64]


def degree_spectrum(X: ArrayLike, y: ArrayLike, degree: int, *, n_groups: int = 10) -> DegreeSpectrum:
    """Estimate ``|P_k f|^2``, k = 0..degree, from samples ``y = f(x) + noise`` at Gaussian x.

    The U-statistic ``1/(n(n-1)) sum_{i != j} y_i y_j kappa_k(x_i, x_j)`` is unbiased for x ~ N(0, I) and
    noise of mean zero. It takes O(n^2 (dim + degree)) time and, computed tile by tile, O(n) memory.

    Parameters
    ----------
    X : array_like of shape (n, dim)
        Independent rows, standard Gaussian.
    y : array_like of shape (n,)
    degree : int
        Largest degree.
    n_groups : int
        Groups of the jackknife for the standard errors; each is left out in turn, after a fixed shuffle of the
        rows. ``n_groups=n`` leaves out single rows. If ``|P_k f|^2 = 0`` the standard error is on average up to
        sqrt(2) too large, but not too small.
    """
    X = as_points(X).astype(np.float64, copy=False)
    n = len(X)
    y = as_vector(y, "y", length=n)
    degree = as_integer(degree, "degree")
    n_groups = as_integer(n_groups, "n_groups", minimum=2)
    if (n < 2 * n_groups and n_groups != n) or n < 4:
        raise ValueError(
            f"n_groups={n_groups} with {n} rows leaves groups of fewer than two; there must be at least "
            f"{max(4, 2 * n_groups)} rows. Lower n_groups (not below 2) or pass more rows."
        )
    shuffle = np.random.default_rng(20220630).permutation(n)
    X, y = X[shuffle], y[shuffle]
    group = np.arange(n) * n_groups // n

    row_sums = np.zeros((degree + 1, n))  # r_i = sum_{j != i} y_i y_j kappa(x_i, x_j)
    within = np.zeros((degree + 1, n))  # the part of r_i with j in the group of i
    for a in range(0, n, BLOCK):
        rows = slice(a, min(a + BLOCK, n))
        for b in range(a, n, BLOCK):  # the upper half of the tiles; the lower half is its transpose
            cols = slice(b, min(b + BLOCK, n))
            same = group[rows, None] == group[cols] if group[b] <= group[rows.stop - 1] else None
            for k, kernel in enumerate(_kernels(X[rows], X[cols], degree)):
                terms = y[rows, None] * kernel * y[cols]
                if a == b:
                    np.fill_diagonal(terms, 0)
                row_sums[k, rows] += terms.sum(axis=1)
                if a != b:
                    row_sums[k, cols] += terms.sum(axis=0)
                if same is not None:
                    terms *= same
                    within[k, rows] += terms.sum(axis=1)
                    if a != b:
                        within[k, cols] += terms.sum(axis=0)

    first = np.searchsorted(group, np.arange(n_groups))
    left = n - np.diff(np.append(first, n))
    touching = 2 * np.add.reduceat(row_sums, first, axis=1) - np.add.reduceat(within, first, axis=1)
    total = row_sums.sum(axis=1)
    without = (total[:, None] - touching) / (left * (left - 1))
    spread = ((without - without.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)
    return DegreeSpectrum(total / (n * (n - 1)), np.sqrt(spread * (n_groups - 1) / n_groups))
