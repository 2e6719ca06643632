"""A kernel ridge regression in a linear map of the inputs, and the map that its gradients suggest.

``f(x) = sum_j alpha_j k(Wx, Wc_j)`` with centres c_j. If they are all rows, ``(K + n penalty/2 I) alpha = y``. With m
rows as centres (Nystroem), f minimises the same loss over the span of their kernel functions: with ``k(C, C) = LL'``
and ``Phi = k(X, C) L^{-T}``, alpha is ``L^{-T}`` times the ridge coefficients on Phi, whose normal
equations are summed over row blocks. ``Phi Phi'`` replaces K, and the smallest penalised loss is at most
``1 + tr(K - Phi Phi') / (n penalty/2)`` times that of all centres, since ``K <= Phi Phi' + tr(K - Phi Phi') I``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.linalg import cholesky, eigh, solve_triangular

from layerwise.kernels.base import TILE
from layerwise.kernels.radial import RadialKernel
from layerwise.solvers import FeatureBlocks, normal_equations
from layerwise.solvers.ridge_path import solve

#: Added to the diagonal of k(C, C), as a fraction of its mean.
JITTER = 1e-12
#: Rows of the blocks whose diagonal is computed with the rest of the block.
ROWS = 32
#: Eigenvalues of a metric below this fraction of the largest are dropped.
DROPPED_FRACTION = 1e-10


class KernelModel:
    """The model on rows X (n, d) and labels y (n,), both of mean about 0.

    ``centres`` has shape (m, d); None takes all rows. ``components`` (r, d) is W, scaled such that the mean squared
    difference of the coordinates of Wx and Wz is typically 1. If a ``penalty`` is given, it stands for all relative
    ones. `fit` sets ``level``, the mean of k(x, x) over the rows, and ``missed``, ``tr(K - Phi Phi') / tr K``.
    """

    def __init__(
        self,
        X: np.ndarray,
        y: np.ndarray,
        kernel: Any,
        centres: np.ndarray | None = None,
        penalty: float | None = None,
    ):
        self.X, self.y, self.kernel, self.centres, self.penalty = X, y, kernel, centres, penalty
        self.level, self.missed = 1.0, 0.0
        self.set_components(np.eye(X.shape[1]))

    def set_components(self, components: np.ndarray) -> None:
        """Set W, up to its scale."""
        Z = mapped(self.kernel, self.X, components)
        squares = np.einsum("ij,ij->i", Z, Z)
        typical = 2 * (np.median(squares) or np.mean(squares)) / Z.shape[1]
        self.components = components / np.sqrt(typical if typical > 0 else 1.0)

    def penalties(self, relative: np.ndarray) -> np.ndarray:
        """Return ``relative``, of shape (n_penalties,), times twice ``level``."""
        return 2 * self.level * relative if self.penalty is None else np.full(len(relative), self.penalty)

    def fit(self, bandwidth: float, relative: np.ndarray) -> np.ndarray:
        """Compute alpha for each relative penalty, of shape (n_penalties, n_centres)."""
        Z, C, n = self._map(self.X, bandwidth), self._map_centres(bandwidth), len(self.y)
        if self.centres is None:
            K = self.kernel(Z)
            self.level = float(np.mean(np.diag(K)))
            penalties = self.penalties(relative)
            return np.array([solve(K.T, self.y, n * penalty / 2) for penalty in penalties])  # K.T: copied faster
        self.level = self._level(Z)
        penalties = self.penalties(relative)
        K = self.kernel(C)
        K[np.diag_indices_from(K)] += JITTER * np.mean(np.diag(K))
        L = cholesky(K, lower=True)
        del K
        features = FeatureBlocks(Z, lambda rows: solve_triangular(L, self.kernel(C, rows), lower=True).T, len(C))
        gram, moment = normal_equations(features, self.y)
        self.missed = float(1 - np.trace(gram) / (n * (self.level or 1.0)))
        coefficients = np.array([solve(gram, moment, n * penalty / 2) for penalty in penalties])
        return solve_triangular(L, coefficients.T, lower=True, trans=1).T

    def predict(self, X: np.ndarray, bandwidth: float, alphas: np.ndarray) -> np.ndarray:
        """Predictions (n_alphas, n_rows) for coefficients alphas (n_alphas, n_centres)."""
        Z, C = self._map(X, bandwidth), self._map_centres(bandwidth)
        blocks = range(0, len(Z), TILE)
        return np.concatenate([alphas @ self.kernel(C, Z[i : i + TILE]) for i in blocks], axis=1)

    def gradient_components(self, bandwidth: float, alpha: np.ndarray) -> np.ndarray:
        """Compute ``W = M^{1/2}`` for ``M = (1/n) sum_i grad f(x_i) grad f(x_i)'``, up to a rotation and to scale.

        The rows are the eigenvectors of M, of decreasing eigenvalue, times the roots of those; none if M = 0.
        """
        W = self.components / bandwidth
        G = self.kernel.gradient(self._map(self.X, bandwidth), self._map_centres(bandwidth), alpha)[:, : len(W)]
        values, Q = eigh(W.T @ (G.T @ G / len(G)) @ W, driver="evd")
        keep = values > DROPPED_FRACTION * max(values[-1], np.finfo(float).tiny)
        return (np.sqrt(values[keep]) * Q[:, keep]).T[::-1]

    def _level(self, Z: np.ndarray) -> float:
        if isinstance(self.kernel, RadialKernel):
            return 1.0
        diagonal = [np.diag(self.kernel(Z[i : i + ROWS])) for i in range(0, len(Z), ROWS)]
        return float(np.mean(np.concatenate(diagonal)))

    def _map(self, X: np.ndarray, bandwidth: float) -> np.ndarray:
        return mapped(self.kernel, X, self.components / bandwidth)

    def _map_centres(self, bandwidth: float) -> np.ndarray:
        return self._map(self.X if self.centres is None else self.centres, bandwidth)


def mapped(kernel: Any, X: np.ndarray, components: np.ndarray) -> np.ndarray:
    """``X @ components.T``, with columns of zeros up to the dimension of a kernel that has one, ``kernel.dim``."""
    Z = X @ components.T
    missing = getattr(kernel, "dim", Z.shape[1]) - Z.shape[1]
    return np.pad(Z, [(0, 0), (0, missing)]) if missing > 0 else Z
