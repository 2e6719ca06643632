"""Ridge regression along a whole path of penalties, the best one chosen by leave-one-out or on a holdout.

Minimise ``|Phi u - y|^2 / n + (penalty / 2) |u|^2``, hence ``(Phi'Phi + n penalty/2 I) u = Phi'y`` or, in the other
dimension, ``u = Phi' alpha`` with ``(Phi Phi' + n penalty/2 I) alpha = y``, which is also kernel ridge regression.

One eigendecomposition of the smaller matrix gives every penalty. With ``ridge = n penalty / 2``, leaving out
row i changes its residual by a closed form:

    y_i - f_{-i}(x_i) = (y_i - f(x_i)) / (1 - h_i),    h_i = phi_i' (Phi'Phi + ridge I)^{-1} phi_i,
                      = alpha_i / [(K + ridge I)^{-1}]_ii      in the dual, where nothing cancels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import cho_factor, cho_solve, eigh

from layerwise.solvers.gram import FeatureBlocks, as_blocks, normal_equations, outer_gram

#: Penalties tried by default, as multiples of the largest eigenvalue of 2 Phi'Phi / n.
RELATIVE_PENALTIES = np.logspace(2, -9, 34)


@dataclass(frozen=True)
class RidgePath:
    """What a path of penalties gave.

    Attributes
    ----------
    coefficients : ndarray of shape (width,) or (n_samples,)
        ``u`` of the chosen penalty (`ridge`), or ``alpha`` (`kernel_ridge`), refitted to all rows.
    penalty : float
        The chosen one.
    penalties, errors : ndarrays of shape (n_penalties,)
        The path, and the mean squared validation error of each.
    """

    coefficients: np.ndarray
    penalty: float
    penalties: np.ndarray
    errors: np.ndarray

    def summary(self) -> dict:
        """One line of a learner's history: the penalty, and the validation error where it was chosen by one."""
        error = float(np.min(self.errors))
        return {"stage": "head", "penalty": self.penalty} | ({} if np.isnan(error) else {"validation_loss": error})


def ridge(
    features: FeatureBlocks | np.ndarray,
    y: np.ndarray,
    penalties: ArrayLike | None = None,
    *,
    held_out: np.ndarray | None = None,
) -> RidgePath:
    """Ridge regression on features, in the smaller of n and width.

    n width min(n, width) flops for the Gram matrix, 9 min^3 for its eigenvectors, and for leave-one-out
    2 n width^2 more (n >= width). Memory: 3 width^2 and one block of rows, or 3 n^2 + n width where n < width.

    Parameters
    ----------
    features : FeatureBlocks or ndarray of shape (n_samples, width)
    y : ndarray of shape (n_samples,)
    penalties : float or array-like, optional
        Non-negative; one number is used as it is, without validation.
        By default `RELATIVE_PENALTIES` times the largest eigenvalue of ``2 Phi'Phi / n``.
    held_out : ndarray of bool of shape (n_samples,), optional
        Rows that choose the penalty; without it leave-one-out does. The chosen penalty is refitted to all rows.

    Returns
    -------
    RidgePath
    """
    features = as_blocks(features)
    n, width = features.shape
    if n < width:
        K, Phi = outer_gram(features)
        path = kernel_ridge(K, y, penalties, held_out=held_out)
        return RidgePath(path.coefficients @ Phi, path.penalty, path.penalties, path.errors)

    if penalties is not None and np.ndim(penalties) == 0:
        penalty = float(np.asarray(penalties))
        gram, moment = normal_equations(features, y)
        return RidgePath(solve(gram, moment, n * penalty / 2), penalty, *_no_path(penalty))

    gram, moment = normal_equations(features, y, held_out)
    n_fit = n if held_out is None else int(n - held_out.sum())
    s, Q = eigh(gram, driver="evd")
    s = np.maximum(s, 0)
    path = _penalty_path(penalties, 2 / n_fit * s[-1], features.dtype)
    inverse = 1 / (s[:, None] + n_fit * path / 2)  # (width, n_penalties)
    weights = inverse * (moment @ Q)[:, None]

    squares = np.zeros(len(path))
    for rows, block in features:
        labels = y[rows, None]
        if held_out is None:
            Z = block @ Q
            residual = (labels - Z @ weights) / np.maximum(1 - (Z * Z) @ inverse, np.finfo(s.dtype).eps)
        else:
            residual = labels[held_out[rows]] - block[held_out[rows]] @ (Q @ weights)
        squares += np.einsum("ij,ij->j", residual, residual, dtype=float)
    errors = squares / (n if held_out is None else n - n_fit)
    best = int(np.argmin(errors))
    if held_out is None:
        return RidgePath(Q @ weights[:, best], float(path[best]), path, errors)
    gram_out, moment_out = normal_equations(features, y, ~held_out)
    u = solve(gram + gram_out, moment + moment_out, n * float(path[best]) / 2)
    return RidgePath(u, float(path[best]), path, errors)


def kernel_ridge(
    K: np.ndarray, y: np.ndarray, penalties: ArrayLike | None = None, *, held_out: np.ndarray | None = None
) -> RidgePath:
    """Kernel ridge regression ``(K + n penalty/2 I) alpha = y``; predictions are ``k(x, X) @ alpha``.

    Leave-one-out: one eigendecomposition (9 n^3) for the whole path. Holdout: one Cholesky factor (n^3/3) a penalty,
    the faster way for a short path and large n.

    Parameters
    ----------
    K : ndarray of shape (n_samples, n_samples)
        Symmetric positive semidefinite; left as it is.
    y, penalties, held_out
        As in `ridge`; penalties are relative to the largest eigenvalue of ``2 K / n`` by default.

    Returns
    -------
    RidgePath
        ``coefficients`` is alpha, of shape (n_samples,).
    """
    n = K.shape[0]
    if penalties is not None and np.ndim(penalties) == 0:
        penalty = float(np.asarray(penalties))
        return RidgePath(solve(K, y, n * penalty / 2), penalty, *_no_path(penalty))

    if held_out is None:
        s, Q = eigh(K, driver="evd")
        s = np.maximum(s, 0)
        path = _penalty_path(penalties, 2 / n * s[-1], K.dtype)
        inverse = 1 / (s[:, None] + n * path / 2)
        alphas = Q @ (inverse * (y @ Q)[:, None])
        errors = np.mean((alphas / ((Q * Q) @ inverse)) ** 2, axis=0, dtype=float)
        best = int(np.argmin(errors))
        return RidgePath(alphas[:, best], float(path[best]), path, errors)

    n_fit = int(n - held_out.sum())
    K_fit, K_out = K[np.ix_(~held_out, ~held_out)], K[np.ix_(held_out, ~held_out)]
    path = _penalty_path(penalties, 2 / n_fit * float(np.abs(K_fit).sum(axis=1).max()), K.dtype)
    path = path[::3] if penalties is None else path  # a decade a step: each costs a factorisation
    errors = np.array(
        [np.mean((y[held_out] - K_out @ solve(K_fit, y[~held_out], n_fit * p / 2)) ** 2, dtype=float) for p in path]
    )
    best = int(np.argmin(errors))
    return RidgePath(solve(K, y, n * float(path[best]) / 2), float(path[best]), path, errors)


def solve(matrix: np.ndarray, b: np.ndarray, ridge_term: float) -> np.ndarray:
    """``(matrix + ridge_term I)^{-1} b`` by Cholesky; where rounding leaves it indefinite, the least-norm solution."""
    shifted = matrix.copy()
    shifted[np.diag_indices_from(shifted)] += ridge_term
    try:
        return cho_solve(cho_factor(shifted, overwrite_a=True, check_finite=False), b, check_finite=False)
    except np.linalg.LinAlgError:
        s, Q = eigh(matrix, driver="evd")
        keep = s > s[-1] * len(s) * np.finfo(s.dtype).eps
        return Q[:, keep] @ ((b @ Q[:, keep]) / (s[keep] + ridge_term))


def _penalty_path(penalties, top: float, dtype) -> np.ndarray:
    """The penalties to try, largest first; where the features vanish any positive path will do."""
    if penalties is None:
        reach = RELATIVE_PENALTIES[8 * np.finfo(dtype).eps < RELATIVE_PENALTIES]
        return (reach * (top if top > 0 else 1.0)).astype(dtype)
    path = np.sort(np.asarray(penalties, dtype=dtype))[::-1]
    if path.size == 0 or path[-1] <= 0:
        raise ValueError(
            f"penalties={penalties!r} must be positive numbers; pass one number 0 for unpenalised least squares."
        )
    return path


def _no_path(penalty: float) -> tuple[np.ndarray, np.ndarray]:
    return np.array([penalty]), np.array([np.nan])
