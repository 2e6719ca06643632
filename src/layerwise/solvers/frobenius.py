"""Quadratic regression under the Frobenius norm: F2 of the quadratic activation, a ridge regression.

``|M|_F`` penalises the weights of the features ``x x'``, whose kernel is ``<x x', z z'> = (x'z)^2``. An intercept that
is not penalised centres labels and features. Leave-one-out must refit the intercept without each row, and therefore a
constant is kept among the centred features.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from layerwise.solvers.gram import FeatureBlocks
from layerwise.solvers.ridge_path import RidgePath, kernel_ridge, ridge


def frobenius_regression(
    X: np.ndarray, y: np.ndarray, penalties: ArrayLike | None = None, *, held_out: np.ndarray | None = None
) -> tuple[np.ndarray, float, RidgePath]:
    """Minimise ``(1/n) sum_i (y_i - alpha - <M, x_i x_i'>)^2 + (penalty / 2) |M|_F^2``: the space F2.

    This is ridge regression on a constant and the ``q = d (d+1) / 2`` centred products ``x_j x_k`` (times sqrt(2) for
    j < k) or, for n < q, kernel ridge regression with `kernel_with_intercept` of ``(x'z)^2``. The penalties, held-out
    rows, flops and memory are those of `ridge` and `kernel_ridge`. Returns M (d, d), alpha and the path.
    """
    n, d = X.shape
    b = y - y.mean()
    second_moment = X.T @ X / n
    if n < d * (d + 1) // 2:
        path = kernel_ridge(kernel_with_intercept((X @ X.T) ** 2), b, penalties, held_out=held_out)
        M = X.T @ (path.coefficients[:, None] * X)
    else:
        upper = np.triu_indices(d)
        twice = np.where(upper[0] == upper[1], 1.0, np.sqrt(2))
        means = second_moment[upper] * twice
        lengths = np.einsum("ij,ij->i", X, X) ** 2
        constant = np.sqrt((lengths.mean() - means @ means) / len(twice))  # as in `kernel_with_intercept`

        def products(block: np.ndarray) -> np.ndarray:
            features = block[:, upper[0]] * block[:, upper[1]] * twice - means
            return np.hstack([features, np.full((len(block), 1), constant)])

        path = ridge(FeatureBlocks(X, products, len(twice) + 1), b, penalties, held_out=held_out)
        M = np.zeros((d, d))
        M[upper] = path.coefficients[:-1] / twice
        M += np.triu(M, 1).T
    return M, float(y.mean() - np.sum(M * second_moment)), path


def kernel_with_intercept(K: np.ndarray) -> np.ndarray:
    """Return ``C K C + kappa 11'/n``, computed in place: the kernel of the centred features and of a constant.

    For labels of mean 0 the coefficients do not depend on kappa, but leave-one-out does: the centred features of all
    rows sum to 0, as the labels do, so that n - 1 rows would determine the label of the last. With
    ``kappa = tr(C K C) / (n-1)`` the constant is refitted without each row to a relative error of about 1/n.
    """
    n, means = len(K), K.mean(axis=0)
    K -= means
    K -= means[:, None]
    K += means.mean()
    K += np.trace(K) / (n * (n - 1))
    return K
