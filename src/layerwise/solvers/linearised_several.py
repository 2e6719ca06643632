"""Ridge regression of a linearised link of R features, and the leave-one-out features of each row.

With gradients ``g_i`` (R,) of the link, centred features H (n, D) and ``J_i = [g_i1 H_i, ..., g_iR H_i]`` minimise over
the coefficients ``c = (c_1, ..., c_R)``, each of length D,

    |t - J c|^2 / n + (penalty/2) |c|^2.

With ``A = J'J + (n penalty / 2) I`` and the leave-one-out residuals ``e_i = (t_i - J_i c) / (1 - J_i A^{-1} J_i')``
leaving row i out changes c by ``-A^{-1} J_i' e_i``, and the r-th feature of the row is

    z_{-i,r} = H_i (c_r - (A^{-1} J_i')_r e_i).

One eigendecomposition of the smaller of J'J (R D x R D) and ``JJ' = sum_r diag(g_r) HH' diag(g_r)`` (n x n) serves
every penalty; HH' is computed once for all steps. For R = 1 this is `layerwise.solvers.linearised`, whose features
are relative to the mean of the other rows and thus larger by n / (n - 1).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.linalg import eigh

from layerwise.solvers.gram import FeatureBlocks
from layerwise.solvers.linearised import RELATIVE_PENALTIES, Centred


class JointlyLeftOut(NamedTuple):
    """Coefficients (R, D) of a joint ridge regression; leave-one-out features (n_samples, R) and residuals."""

    coefficients: np.ndarray
    features: np.ndarray
    penalty: float
    residuals: np.ndarray


class JointlyCentred(Centred):
    """Centred features in float64, and joint ridge regressions on their products with several slopes."""

    def __init__(self, features: FeatureBlocks, scales: np.ndarray | None = None):
        super().__init__(features, scales)
        self._whole: np.ndarray | None = None
        self._kernel: np.ndarray | None = None

    @property
    def whole(self) -> np.ndarray:
        """All centred features, (n_samples, D)."""
        if self._whole is None:
            self._whole = np.concatenate([block for _, block in self])
        return self._whole

    @property
    def kernel(self) -> np.ndarray:
        """``HH'``, (n_samples, n_samples)."""
        if self._kernel is None:
            self._kernel = self.whole @ self.whole.T
        return self._kernel

    def joint_ridge(self, slopes: np.ndarray, target: np.ndarray) -> JointlyLeftOut:
        """Minimise over c, with slopes (n_samples, R) and target (n_samples,); leave-one-out chooses the penalty.

        The penalty is on ``|c_r / scales|^2``, and is one of `RELATIVE_PENALTIES` times the largest eigenvalue of
        ``2 J'J / n``. With m = min(n, R D) it takes 4 n D R m + O(m^3) flops.
        """
        n, R = slopes.shape
        solve = self._tall if n >= R * self.features.shape[1] else self._wide
        c, fitted, shifts, penalty, residuals = solve(slopes, target)
        return JointlyLeftOut(self.scales * c, fitted - shifts * residuals[:, None], penalty, residuals)

    def _tall(self, slopes, target):
        (n, D), R = self.features.shape, slopes.shape[1]
        gram, moment = np.zeros((R * D, R * D)), np.zeros(R * D)
        for rows, block in self:
            J = jacobian(block, slopes[rows])
            gram += J.T @ J
            moment += target[rows] @ J
        Q, path, inverse = decompose(gram, n)
        weights = inverse * (moment @ Q)[:, None]
        residuals = np.empty((n, len(path)))
        for rows, block in self:
            Z = jacobian(block, slopes[rows]) @ Q
            residuals[rows] = target[rows, None] - Z @ weights
            Z *= Z
            residuals[rows] /= np.maximum(1 - Z @ inverse, np.finfo(float).eps)
        k = int(np.argmin(np.mean(residuals**2, axis=0)))
        c = (Q @ weights[:, k]).reshape(R, D)
        A_inverse = (Q * inverse[:, k]) @ Q.T
        fitted, shifts = np.empty((n, R)), np.empty((n, R))
        for rows, block in self:
            fitted[rows] = block @ c.T
            changes = (jacobian(block, slopes[rows]) @ A_inverse).reshape(len(block), R, D)
            shifts[rows] = np.einsum("ird,id->ir", changes, block)
        return c, fitted, shifts, float(path[k]), residuals[:, k]

    def _wide(self, slopes, target):
        n = len(target)
        Q, path, inverse = decompose(self.kernel * (slopes @ slopes.T), n)
        alphas = Q @ (inverse * (target @ Q)[:, None])
        residuals = alphas / np.maximum((Q * Q) @ inverse, np.finfo(float).tiny)
        k = int(np.argmin(np.mean(residuals**2, axis=0)))
        duals = slopes * alphas[:, k, None]
        M_inverse = (Q * inverse[:, k]) @ Q.T
        shifts = (self.kernel * M_inverse) @ slopes
        return duals.T @ self.whole, self.kernel @ duals, shifts, float(path[k]), residuals[:, k]


def jacobian(block: np.ndarray, slopes: np.ndarray) -> np.ndarray:
    """J, of shape (n_rows, R D), for features (n_rows, D) and slopes (n_rows, R)."""
    return (slopes[:, :, None] * block[:, None, :]).reshape(len(block), -1)


def decompose(matrix: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Eigenvectors, the path of penalties, and ``1 / (s + n penalty / 2)`` for the eigenvalues s and each penalty."""
    s, Q = eigh(matrix, driver="evd", overwrite_a=True)
    s = np.maximum(s, 0)
    path = RELATIVE_PENALTIES * (2 / n * s[-1] if s[-1] > 0 else 1.0)
    return Q, path, 1 / (s[:, None] + n / 2 * path)
