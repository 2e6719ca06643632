"""T steps of gradient descent on least squares at once.

Minimise ``L(u) = |Phi u - y|^2 / n + (penalty / 2) |u|^2`` by ``u <- u - step * grad L(u)``, T times. With

    S = 2 Phi'Phi / n + penalty * I,      r = -grad L(u_0) = 2 Phi'(y - Phi u_0) / n - penalty * u_0,

the T-th iterate is a function of S applied to r,

    u_T = u_0 + p_T(S) r,      p_T(s) = (1 - (1 - step * s)^T) / s  =  step * sum_{t < T} (1 - step * s)^t,

because ``1 - s p_T(s) = (1 - step s)^T``. One eigendecomposition serves every T and penalty (`spectral`), one Chebyshev
expansion one T and one penalty (`chebyshev`); `literal` is the loop that both equal. As ``T -> inf`` with
step * s < 2 the iterate tends to ridge regression, ``p_inf(s) = 1 / s``.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike
from scipy.fft import dct
from scipy.linalg import eigh
from scipy.sparse.linalg import ArpackNoConvergence, eigsh

from layerwise.solvers.gram import FeatureBlocks, as_blocks, normal_equations, outer_gram


def literal(
    features: FeatureBlocks | np.ndarray,
    y: np.ndarray,
    n_steps: int,
    step: float,
    penalty: float = 0.0,
    start: np.ndarray | None = None,
) -> np.ndarray:
    """Run the loop: T times ``u <- u - step * (2 Phi'(Phi u - y)/n + penalty * u)``.

    4 n width flops per step, limited by memory bandwidth.

    Parameters
    ----------
    features : FeatureBlocks or ndarray of shape (n_samples, width)
    y : ndarray of shape (n_samples,)
    n_steps : int
        T.
    step : float
        Step size; the iteration converges if ``step < 2 / largest eigenvalue of S``.
    penalty : float
        Weight decay.
    start : ndarray of shape (width,), optional
        ``u_0``; zero by default.

    Returns
    -------
    u : ndarray of shape (width,)
    """
    _check(n_steps, penalty)
    Phi = as_blocks(features).toarray()
    n, width = Phi.shape
    u = np.zeros(width, dtype=Phi.dtype) if start is None else np.array(start, dtype=Phi.dtype)
    for _ in range(n_steps):
        u -= step * (2 / n * ((Phi @ u - y) @ Phi) + penalty * u)
    return u


def spectral(
    features: FeatureBlocks | np.ndarray,
    y: np.ndarray,
    n_steps: int,
    step: float,
    penalties: ArrayLike,
    start: np.ndarray | None = None,
) -> np.ndarray:
    """Compute the T-th iterate for every penalty from one eigendecomposition of the Gram matrix.

    If ``start`` is zero, the matrix has the smaller of the sizes n and width: n width min(n, width) flops for it, about
    9 min(n, width)^3 for its eigenvectors, and 2 width min(n, width) for each penalty.

    Parameters
    ----------
    features, y, n_steps, step, start
        As in `literal`.
    penalties : float or array-like of shape (n_penalties,)

    Returns
    -------
    u : ndarray of shape (n_penalties, width), or (width,) if ``penalties`` is a number
    """
    _check(n_steps, penalties)
    features = as_blocks(features)
    n, width = features.shape
    penalty_column = np.atleast_1d(np.asarray(penalties, dtype=float))[:, None]
    if start is None and n < width:  # p(Phi'Phi) Phi' = Phi' p(Phi Phi')
        K, Phi = outer_gram(features)
        eigenvalues, Q = eigh(K, overwrite_a=True, driver="evd")
        s = 2 / n * np.maximum(eigenvalues, 0) + penalty_column
        u = (iterate_filter(s, n_steps, step) * (2 / n * (y @ Q))) @ Q.T @ Phi
    else:
        gram, moment = normal_equations(features, y)
        u_0 = np.zeros(width) if start is None else np.asarray(start, dtype=float)
        r = 2 / n * (moment - gram @ u_0) - penalty_column * u_0
        eigenvalues, Q = eigh(gram, overwrite_a=True, driver="evd")
        s = 2 / n * np.maximum(eigenvalues, 0) + penalty_column
        u = u_0 + (iterate_filter(s, n_steps, step) * (r @ Q)) @ Q.T
    u = u.astype(features.dtype, copy=False)
    return u if np.ndim(penalties) else u[0]


def chebyshev(
    features: FeatureBlocks | np.ndarray,
    y: np.ndarray,
    n_steps: int,
    step: float,
    penalty: float = 0.0,
    start: np.ndarray | None = None,
) -> np.ndarray:
    """Compute the T-th iterate by a Chebyshev expansion of ``p_T`` on the spectrum of S.

    After the Gram matrix, about sqrt(T log(1/eps)) products with it, of 2 min(n, width)^2 flops each.

    Parameters and result as in `literal`.

    Raises
    ------
    ValueError
        If ``step * S`` has eigenvalues above 2, for which gradient descent diverges.
    """
    _check(n_steps, penalty)
    features = as_blocks(features)
    n, width = features.shape
    if start is None and n < width:
        K, Phi = outer_gram(features)
        u = polynomial_product(K, 2 / n * y, n, n_steps, step, penalty) @ Phi
    else:
        gram, moment = normal_equations(features, y)
        u_0 = np.zeros(width) if start is None else np.asarray(start, dtype=float)
        r = 2 / n * (moment - gram @ u_0) - penalty * u_0
        u = u_0 + polynomial_product(gram, r, n, n_steps, step, penalty)
    return u.astype(features.dtype, copy=False)


def _check(n_steps: int, penalties: ArrayLike) -> None:
    if n_steps < 0 or np.min(penalties) < 0:
        raise ValueError(f"n_steps={n_steps} and penalty={penalties} must not be negative. Pass numbers >= 0.")


def largest_stable_step(features: FeatureBlocks | np.ndarray, penalty: float = 0.0) -> float:
    """The step size 2 / (largest eigenvalue of S), above which gradient descent diverges."""
    features = as_blocks(features)
    n, width = features.shape
    gram = outer_gram(features)[0] if n < width else normal_equations(features, np.zeros(n))[0]
    curvature = 2 / n * largest_eigenvalue(gram) + penalty
    return 2 / curvature if curvature > 0 else 1.0


def iterate_filter(s: np.ndarray, n_steps: int, step: float) -> np.ndarray:
    """``p_T(s) = (1 - (1 - step s)^T) / s``, accurate also for small s, where it tends to ``step * T``."""
    x = step * s
    small = x < 0.5
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        numerator = np.where(small, -np.expm1(n_steps * np.log1p(-np.where(small, x, 0))), 1 - (1 - x) ** n_steps)
        return np.where(x == 0, step * n_steps, numerator / s)


def polynomial_product(
    gram: np.ndarray, b: np.ndarray, n: int, n_steps: int, step: float, penalty: float
) -> np.ndarray:
    """Compute ``p_T(2 gram / n + penalty) b`` by the three-term recurrence of Chebyshev polynomials."""
    top = 2 / n * largest_eigenvalue(gram)
    if step * (top + penalty) > 2:
        raise ValueError(
            f"step={step:.3g} makes gradient descent diverge: the largest eigenvalue of the Hessian is "
            f"{top + penalty:.3g}, and step must be at most {2 / (top + penalty):.3g}. Pass a smaller step."
        )
    coefficients = chebyshev_coefficients(
        lambda s: iterate_filter(s + penalty, n_steps, step), top, 64 * np.finfo(float).eps
    )
    scale = 4 / (n * top) if top > 0 else 0.0  # s in [0, top] becomes x = 2 s / top - 1 in [-1, 1]

    def times_x(v):
        return scale * (gram @ v) - v

    previous, current = b, times_x(b)
    total = coefficients[0] * previous + coefficients[1] * current
    for c in coefficients[2:]:
        previous, current = current, 2 * times_x(current) - previous
        total += c * current
    return total


def chebyshev_coefficients(function: Callable[[np.ndarray], np.ndarray], top: float, tolerance: float) -> np.ndarray:
    """Chebyshev coefficients of ``function`` on [0, top], up to the last above ``tolerance`` times the largest."""
    degree = 32
    while True:
        nodes = np.cos(np.pi * (np.arange(degree) + 0.5) / degree)
        c = np.asarray(dct(function(top * (nodes + 1) / 2), type=2)) / degree
        c[0] /= 2
        above = np.flatnonzero(np.abs(c) > tolerance * np.abs(c).max())
        if above.size == 0 or above[-1] < degree // 2 or degree >= 2**20:
            return c[: max(2, above[-1] + 1 if above.size else 0)]
        degree *= 2


def largest_eigenvalue(gram: np.ndarray) -> float:
    """A bound on the largest eigenvalue of a symmetric matrix, tight up to rounding: Lanczos value plus residual."""
    size = gram.shape[0]
    if not gram.any():
        return 0.0
    if size < 32:
        return float(max(0.0, np.linalg.eigvalsh(gram)[-1]))
    try:
        values, vectors = eigsh(gram, k=1, which="LA", v0=np.random.default_rng(0).standard_normal(size))
    except ArpackNoConvergence:
        return float(max(0.0, np.linalg.eigvalsh(gram)[-1]))
    v = vectors[:, 0]
    return float(max(0.0, values[0]) + np.linalg.norm(gram @ v - values[0] * v))
