"""Ridge regression along a path of penalties, one of which is chosen by leave-one-out or on held-out rows.

Minimise ``|Phi u - y|^2 / n + (penalty / 2) |u|^2``, hence ``(Phi'Phi + n penalty/2 I) u = Phi'y`` or, in the other
dimension, ``u = Phi' alpha`` with ``(Phi Phi' + n penalty/2 I) alpha = y``, which is also kernel ridge regression.

One eigendecomposition of the smaller matrix serves every penalty. With ``ridge = n penalty / 2``, the residual of row i
when it is left out has a closed form:

    y_i - f_{-i}(x_i) = (y_i - f(x_i)) / (1 - h_i),    h_i = phi_i' (Phi'Phi + ridge I)^{-1} phi_i,
                      = alpha_i / [(K + ridge I)^{-1}]_ii      in the dual, without cancellation.

All computations are in float64; the coefficients are returned in the dtype of the features.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import cho_factor, cho_solve, eigh

from layerwise.solvers.gram import BLOCK_BYTES, FeatureBlocks, as_blocks, normal_equations, outer_gram

#: Penalties tried by default, as multiples of the largest eigenvalue of 2 Phi'Phi / n.
RELATIVE_PENALTIES = np.logspace(2, -11, 40)


@dataclass(frozen=True)
class RidgePath:
    """The result of a path of penalties.

    Attributes
    ----------
    coefficients : ndarray of shape (width,) or (n_samples,)
        ``u`` for the chosen ``penalty`` (`ridge`), or ``alpha`` (`kernel_ridge`), refitted to all rows.
    penalties, errors : ndarrays of shape (n_penalties,)
        The path, largest first, and the mean squared validation error of each; empty if one penalty was given.
    residuals : ndarray of shape (n_samples,) or None
        Leave-one-out residuals ``y_i - f_{-i}(x_i)`` for the chosen penalty; None unless leave-one-out chose it.
    """

    coefficients: np.ndarray
    penalty: float
    penalties: np.ndarray
    errors: np.ndarray
    residuals: np.ndarray | None = None

    def summary(self) -> dict:
        """An entry for a learner's history: the penalty and, if chosen, its error and whether it is at an end."""
        entry = {"stage": "head", "penalty": self.penalty}
        if self.errors.size:
            best = int(np.argmin(self.errors))
            entry |= {"validation_loss": float(self.errors[best])}
            entry |= {"at_edge_of_path": best in (0, len(self.errors) - 1)}
        return entry


def ridge_bytes(n: int, columns: int, *, left_out: bool) -> int:
    """Peak memory of `ridge` on n rows, or of `solvers.linearised`, with leave-one-out features, if ``left_out``."""
    paths = 200 * n  # a few arrays with n floats for each penalty
    if n > columns:
        return 8 * (4 * columns**2 + paths) + 3 * min(8 * n * columns, BLOCK_BYTES)
    return 8 * ((6 if left_out else 4) * n**2 + n * columns + paths)


def ridge(
    features: FeatureBlocks | np.ndarray,
    y: np.ndarray,
    penalties: ArrayLike | None = None,
    *,
    held_out: np.ndarray | None = None,
) -> RidgePath:
    """Ridge regression on features, in the smaller of the dimensions n and width.

    n width min(n, width) flops for the Gram matrix, 9 min(n, width)^3 for its eigenvectors, and 2 n width^2 for
    leave-one-out if n >= width. Peak memory is 4 min(n, width)^2 floats, three blocks of rows and n n_penalties, plus
    n width if n < width.

    Parameters
    ----------
    features : FeatureBlocks or ndarray of shape (n_samples, width)
    y : ndarray of shape (n_samples,)
    penalties : float or array-like, optional
        One number >= 0 is used without validation; a path must be positive. By default `RELATIVE_PENALTIES` times the
        largest eigenvalue of ``2 Phi'Phi / n``.
    held_out : ndarray of bool of shape (n_samples,), optional
        Rows on which the penalty is chosen; None for leave-one-out. The chosen penalty is refitted to all rows.

    Raises
    ------
    ValueError
        If a penalty is negative, or ``held_out`` leaves no row on one side.
    """
    features = as_blocks(features)
    n, width = features.shape
    if n < width:
        K, Phi = outer_gram(features)
        path = kernel_ridge(K, y, penalties, held_out=held_out)
        return replace(path, coefficients=(path.coefficients @ Phi).astype(features.dtype, copy=False))

    y = y.astype(float, copy=False)
    if penalties is not None and np.ndim(penalties) == 0:
        penalty = _one_penalty(penalties)
        u = solve(*normal_equations(features, y), n * penalty / 2)
        return RidgePath(u.astype(features.dtype, copy=False), penalty, np.empty(0), np.empty(0))

    _check_held_out(held_out)
    gram, moment = normal_equations(features, y, held_out)
    n_fit = n if held_out is None else int(n - held_out.sum())
    s, Q = eigh(gram, driver="evd", overwrite_a=held_out is None)
    s = np.maximum(s, 0)
    path = _penalty_path(penalties, 2 / n_fit * s[-1])
    inverse = 1 / (s[:, None] + n_fit * path / 2)  # (width, n_penalties)
    weights = inverse * (moment @ Q)[:, None]

    if held_out is None:
        residuals = np.empty((n, len(path)))
        for rows, block in features:
            Z = block @ Q
            residuals[rows] = y[rows, None] - Z @ weights
            Z *= Z
            residuals[rows] /= np.maximum(1 - Z @ inverse, np.finfo(float).eps)
        errors = np.mean(residuals**2, axis=0)
        best = int(np.argmin(errors))
        u = (Q @ weights[:, best]).astype(features.dtype, copy=False)
        return RidgePath(u, float(path[best]), path, errors, residuals[:, best].copy())

    u_path, squares = Q @ weights, np.zeros(len(path))
    for rows, block in features:
        outside = held_out[rows]
        squares += np.sum((y[rows][outside, None] - block[outside] @ u_path) ** 2, axis=0)
    errors = squares / (n - n_fit)
    best = int(np.argmin(errors))
    gram_out, moment_out = normal_equations(features, y, ~held_out)
    u = solve(gram + gram_out, moment + moment_out, n * float(path[best]) / 2)
    return RidgePath(u.astype(features.dtype, copy=False), float(path[best]), path, errors)


def kernel_ridge(
    K: np.ndarray, y: np.ndarray, penalties: ArrayLike | None = None, *, held_out: np.ndarray | None = None
) -> RidgePath:
    """Kernel ridge regression ``(K + n penalty/2 I) alpha = y``; predictions are ``k(x, X) @ alpha``.

    Leave-one-out takes one eigendecomposition (9 n^3 flops) for the whole path, held-out rows one Cholesky factor
    (n^3/3) per penalty, which is faster for a short path and large n. Peak memory is 4 n^2 floats. Reductions to a
    tridiagonal or a band matrix, whose products with Q need no eigenvectors, take as long as the eigendecomposition.

    Parameters
    ----------
    K : ndarray of shape (n_samples, n_samples)
        Symmetric positive semidefinite; not modified.
    y, penalties, held_out
        As in `ridge`, with its errors; by default penalties are relative to the largest eigenvalue of ``2 K / n``.

    Returns
    -------
    RidgePath
        ``coefficients`` is alpha, of shape (n_samples,), in float64.
    """
    n = K.shape[0]
    K, y = K.astype(float, copy=False), y.astype(float, copy=False)
    if penalties is not None and np.ndim(penalties) == 0:
        penalty = _one_penalty(penalties)
        return RidgePath(solve(K, y, n * penalty / 2), penalty, np.empty(0), np.empty(0))

    if held_out is None:
        s, Q = eigh(K, driver="evd")
        s = np.maximum(s, 0)
        path = _penalty_path(penalties, 2 / n * s[-1])
        inverse = 1 / (s[:, None] + n * path / 2)
        alphas = Q @ (inverse * (y @ Q)[:, None])
        Q *= Q
        residuals = alphas / (Q @ inverse)
        errors = np.mean(residuals**2, axis=0)
        best = int(np.argmin(errors))
        return RidgePath(alphas[:, best].copy(), float(path[best]), path, errors, residuals[:, best].copy())

    _check_held_out(held_out)
    n_fit = int(n - held_out.sum())
    K_fit, K_out = K[np.ix_(~held_out, ~held_out)], K[np.ix_(held_out, ~held_out)]
    path = _penalty_path(penalties, 2 / n_fit * float(np.abs(K_fit).sum(axis=1).max()))
    path = path[::3] if penalties is None else path  # a decade per step, as each costs a factorisation
    errors = np.array([np.mean((y[held_out] - K_out @ solve(K_fit, y[~held_out], n_fit * p / 2)) ** 2) for p in path])
    best = int(np.argmin(errors))
    return RidgePath(solve(K, y, n * float(path[best]) / 2), float(path[best]), path, errors)


def solve(matrix: np.ndarray, b: np.ndarray, ridge_term: float) -> np.ndarray:
    """Solve ``(matrix + ridge_term I) u = b`` by Cholesky; return the least-norm solution if it is nearly singular."""
    shifted = matrix.copy(order="F")  # in this order, the factor overwrites it
    shifted[np.diag_indices_from(shifted)] += ridge_term
    rounding = len(b) * np.finfo(float).eps
    try:
        factor = cho_factor(shifted, overwrite_a=True, check_finite=False)
        pivots = np.diag(factor[0]) ** 2
        if pivots.min() > rounding * pivots.max():
            return cho_solve(factor, b, check_finite=False)
    except np.linalg.LinAlgError:
        pass
    s, Q = eigh(matrix, driver="evd")
    keep = s + ridge_term > rounding * max(s[-1] + ridge_term, np.finfo(float).tiny)
    return Q[:, keep] @ ((b @ Q[:, keep]) / (s[keep] + ridge_term))


def _penalty_path(penalties: ArrayLike | None, top: float) -> np.ndarray:
    """The penalties to try, largest first; any positive path if the features are zero."""
    if penalties is None:
        return RELATIVE_PENALTIES * (top if top > 0 else 1.0)
    path = np.sort(np.asarray(penalties, dtype=float))[::-1]
    if path.size == 0 or not path[-1] > 0:
        raise ValueError(
            f"penalties={penalties!r} must be positive numbers. Pass the number 0 for unpenalised least squares."
        )
    return path


def _one_penalty(penalty: ArrayLike) -> float:
    value = float(np.asarray(penalty))
    if not value >= 0:
        raise ValueError(f"penalty={value} must be a number >= 0. Pass e.g. 0.1, or a path of positive numbers.")
    return value


def _check_held_out(held_out: np.ndarray | None) -> None:
    if held_out is not None and (held_out.all() or not held_out.any()):
        raise ValueError(
            f"held_out={held_out.sum()} of {held_out.size} rows must leave some on each side. Pass another mask."
        )
