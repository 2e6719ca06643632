"""Hermite moment tensors of labelled Gaussian samples, and their leading directions.

With ``He_k(x) = (-1)^k e^{|x|^2/2} grad^k e^{-|x|^2/2}``, a symmetric d^k tensor, Stein's lemma says of a label
``y = f(x) + noise``

    T_k = E y He_k(x) = E grad^k f(x),

so that the range of T_k is spanned by directions on which f depends. From n samples, ``mu = (1/n) sum_i y_i x_i`` and
``M = (1/n) sum_i y_i x_i x_i'``:

    T_1 = mu,    T_2 = M - mean(y) I,
    T_3[a, bc] = (1/n) sum_i y_i x_a x_b x_c - mu_a I_bc - mu_b I_ac - mu_c I_ab            unfolded to d x d^2,
    T_4 : V -> (1/n) sum_i y_i (x_i'V x_i) x_i x_i' - <M, V> I - tr(V) M - 2 (VM + MV)
               + mean(y) (tr(V) I + 2 V)                                                    unfolded to d^2 x d^2.

The last is a self-adjoint operator on symmetric V, applied by two products of size n x d x d; its d^4 entries are never
formed. Directions are the columns of ``V_j`` for the leading eigenvectors u_j (degree 1 to 3: V_j = u_j) or
eigenmatrices V_j (degree 4): for ``T_4 = sum_s c_s u_s^{(4)}`` with orthogonal u_s these are combinations of u_s u_s'.

About d^{k/2} samples are needed to distinguish the unfolded T_k from noise (Montanari & Richard 2014).
"""

from __future__ import annotations

from typing import Any, NamedTuple, cast

import numpy as np
from numpy.polynomial.hermite_e import hermeval
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh

from layerwise.solvers.gram import BLOCK_BYTES


class Spectrum(NamedTuple):
    """Leading eigenvalues of an unfolded moment tensor, in decreasing order of absolute value.

    ``values`` (k,) are eigenvalues, for degree 1 the length of T_1 and for degree 3 singular values; ``factors``
    (k, d, m) are the V_j, of Frobenius norm 1, with m = 1 up to degree 3 and m = d for degree 4.
    """

    values: np.ndarray
    factors: np.ndarray


def second_moment(X: np.ndarray, y: np.ndarray) -> np.ndarray:
    """T_2 of shape (d, d), the empirical Hessian ``(1/n) sum_i y_i (x_i x_i' - I)``: 2 n d^2 flops."""
    T = (X * y[:, None]).T @ X / len(y)
    T[np.diag_indices_from(T)] -= y.mean()
    return (T + T.T) / 2


def third_moment(X: np.ndarray, y: np.ndarray) -> np.ndarray:
    """T_3 unfolded to shape (d, d(d+1)/2): columns b <= c, those with b < c times sqrt(2), which preserves T T'.

    n d^3 flops by blocks of rows; memory d^3, for T_3 and the contribution of a block, and three blocks.
    """
    n, d = X.shape
    b, c = np.triu_indices(d)
    T = np.zeros((d, len(b)))
    rows = max(1, BLOCK_BYTES // (8 * len(b)))
    for start in range(0, n, rows):
        block = X[start : start + rows]
        T += (block * y[start : start + rows, None]).T @ (block[:, b] * block[:, c])
    T /= n
    mu, column = y @ X / n, np.arange(len(b))
    T[:, b == c] -= mu[:, None]
    T[c, column] -= mu[b]
    T[b, column] -= mu[c]
    T *= np.where(b == c, 1.0, np.sqrt(2.0))
    return T


def fourth_moment(X: np.ndarray, y: np.ndarray) -> LinearOperator:
    """T_4 as an operator on the symmetric part of d x d matrices (as vectors of length d^2).

    4 n d^2 flops per product; memory 2 n d.
    """
    n, d = X.shape
    mean, identity = y.mean(), np.eye(d)
    M = (X * y[:, None]).T @ X / n
    M = (M + M.T) / 2

    def product(v: np.ndarray) -> np.ndarray:
        V = v.reshape(d, d)
        V = (V + V.T) / 2
        forms = np.einsum("ij,ij->i", X @ V, X) * y  # y_i x_i'V x_i
        T = (X * forms[:, None]).T @ X / n
        VM = V @ M
        T += (mean * np.trace(V) - np.sum(M * V)) * identity - np.trace(V) * M - 2 * (VM + VM.T) + 2 * mean * V
        return (T + T.T).ravel() / 2

    return cast("Any", LinearOperator)((d * d, d * d), matvec=product, rmatvec=product, dtype=np.dtype(float))


def leading(X: np.ndarray, y: np.ndarray, degree: int, k: int, *, tolerance: float = 1e-3) -> Spectrum:
    """Compute the k leading eigenvalues of the unfolded T_degree and their eigenvectors or eigenmatrices.

    X (n_samples, d) should be standard Gaussian; k is at most 1, d, d, d(d+1)/2 for degrees 1 to 4. ``tolerance`` is
    the relative one of the eigenvalues for degree 4.

    Degree 1: 2 n d flops, 2: 2 n d^2 + 9 d^3 (for n < d, 4 n^2 d + 9 n^3), 3: 2 n d^3, 4: some tens of products of
    4 n d^2 flops each (Lanczos).
    """
    n, d = X.shape
    if degree == 1:
        mu = y @ X / n
        length = float(np.linalg.norm(mu))
        return Spectrum(np.array([length]), (mu / length if length else np.eye(1, d)[0]).reshape(1, d, 1))
    if degree == 4 and k < d * (d + 1) // 2 and d > 4:
        return _largest(*_lanczos(fourth_moment(X, y), k, tolerance), k)
    if degree == 4:
        values, vectors = np.linalg.eigh(fourth_moment(X, y).matmat(np.eye(d * d)))
        return _largest(values, vectors.T.reshape(-1, d, d), k)
    if degree == 3:
        T = third_moment(X, y)
        values, vectors = np.linalg.eigh(T @ T.T)
        values = np.sqrt(np.maximum(values, 0))
    else:
        values, vectors = _second(X, y, k)
    return _largest(values, vectors.T[:, :, None], k)


def along(X: np.ndarray, y: np.ndarray, degree: int, v: np.ndarray) -> float:
    """Size of T_degree along a unit vector: ``|v'T_1|``, or ``|T_k[v, ..., v, .]|`` from degree 2; 4 n d flops.

    ``He_k(x)[v, ..., v, .] = he_{k-1}(v'x) x - (k-1) he_{k-2}(v'x) v``. It is at most the largest value of `leading`:
    the threshold `moment_nulls.null_quantile` is valid for all v, including those chosen from the same labels.
    """
    z = X @ v
    if degree == 1:
        return float(abs(y @ z) / len(y))
    weights = y * hermeval(z, np.eye(degree)[degree - 1])
    below = y @ hermeval(z, np.eye(degree)[degree - 2])
    return float(np.linalg.norm(weights @ X - (degree - 1) * below * v) / len(y))


def _second(X: np.ndarray, y: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues and eigenvectors of T_2 among which are the k leading ones: all if n + k >= d.

    Outside the span of the rows T_2 is a multiple of the identity, of which k directions are kept.
    """
    n, d = X.shape
    if n + k >= d:
        return np.linalg.eigh(second_moment(X, y))
    Q = np.linalg.qr(np.hstack([X.T, np.eye(d, k)]))[0]
    values, vectors = np.linalg.eigh(second_moment(X @ Q, y))
    return values, Q @ vectors


def _largest(values: np.ndarray, factors: np.ndarray, k: int) -> Spectrum:
    order = np.argsort(-np.abs(values), kind="stable")[:k]
    return Spectrum(values[order], factors[order])


def _lanczos(operator: LinearOperator, k: int, tolerance: float) -> tuple[np.ndarray, np.ndarray]:
    """Return up to k eigenvalues of largest magnitude and their eigenvectors as matrices, from a fixed random start."""
    d = round(operator.shape[0] ** 0.5)
    start = np.random.default_rng(0).standard_normal((d, d))
    start = start + start.T
    if not np.any(operator.matvec(start.ravel())):  # all labels are equal
        return np.zeros(k), np.eye(k, d * d).reshape(-1, d, d)
    try:
        values, vectors = eigsh(operator, k, which="LM", tol=cast("Any", tolerance), v0=start.ravel())
    except ArpackNoConvergence as stopped:
        values, vectors = stopped.eigenvalues, stopped.eigenvectors
    return values, vectors.T.reshape(-1, d, d)
