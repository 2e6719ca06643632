"""Ridge regression of a linearised link, and the leave-one-out feature of each row.

With slopes ``w_i = g'(z_i)``, centred features H and ``J = diag(w) H`` minimise over c (and b)

    |t - w b - J c|^2 / n + (penalty/2) |c|^2.

With ``A = J'J + (n penalty / 2) I`` and the leave-one-out residuals ``e_i = (t_i - J_i c) / (1 - J_i A^{-1} J_i')``
leaving row i out changes c by ``-A^{-1} J_i' e_i``, and the feature of the row, relative to the mean of the others, is

    z_{-i} = n/(n-1) H_i (c - A^{-1} J_i' e_i).

With an intercept b, the mean of H weighted by ``w^2`` is subtracted from H in J, and ``w_i^2 / sum(w^2)`` is added to
the leverage. If all w = 1, this is `layerwise.solvers.ridge`, which does not compute leave-one-out features. With
scales s of the coefficients the penalty is on ``|c / s|^2``: the same regression on the columns s H.

Both work with the smaller of J'J and JJ' (`Tall` and `Wide`): one eigendecomposition serves every penalty, and for one
penalty a Cholesky factor, several times cheaper, is enough. Features that fit into one block are computed once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from scipy.linalg import LinAlgError, cho_solve, cholesky, eigh, get_lapack_funcs

from layerwise.solvers.gram import FeatureBlocks, as_blocks

#: Penalties tried, as multiples of the largest eigenvalue of 2 J'J / n.
RELATIVE_PENALTIES = np.logspace(0, -9, 28)

#: LAPACK's inverse of an upper triangular matrix, and an error code.
invert_triangle: Any = get_lapack_funcs("trtri", dtype=np.float64)


class LeftOut(NamedTuple):
    """The coefficients (width,) of a ridge regression, and leave-one-out features and residuals (n_samples,).

    The feature is ``(H_i - mean of the other rows of H) c_{-i}``, the residual ``t_i - slope_i (b_{-i} + H_i c_{-i})``.
    """

    coefficients: np.ndarray
    feature: np.ndarray
    penalty: float
    residuals: np.ndarray


class Centred:
    """Centred features in float64, and ridge regressions on them in the smaller dimension."""

    def __init__(self, features: FeatureBlocks, scales: np.ndarray | None = None):
        self.features = features
        self.scales = np.ones(features.shape[1]) if scales is None else scales
        self.mean = sum(block.sum(axis=0, dtype=float) for _, block in features) / features.shape[0]

        self._only_block: np.ndarray | None = None

    def __iter__(self) -> Iterator[tuple[slice, np.ndarray]]:
        """Yield pairs (rows, their centred features times the scales), in order; not to be modified."""
        if self._only_block is not None:
            yield slice(0, len(self._only_block)), self._only_block
            return
        for rows, block in self.features:
            centred = block - self.mean
            centred *= self.scales
            if len(centred) == self.features.shape[0]:
                self._only_block = centred
            yield rows, centred

    def ridge(
        self, slopes: np.ndarray, target: np.ndarray, penalties: np.ndarray | None = None, *, intercept: bool = False
    ) -> LeftOut:
        """Minimise ``|target - slopes b - J c|^2 / n + (penalty/2) |c / s|^2`` over c (and b), J = diag(slopes) H.

        ``slopes`` and ``target`` have shape (n_samples,); the slopes must not all be zero. Leave-one-out chooses among
        ``penalties``, by default `RELATIVE_PENALTIES` times the largest eigenvalue of ``2 s J'J s / n``. Without
        ``intercept``, b = 0.
        """
        raise NotImplementedError

    def ridge_at(self, slopes: np.ndarray, target: np.ndarray, penalty: float, *, intercept: bool = False) -> LeftOut:
        """Solve for one penalty by a Cholesky factor; the slopes must be equal if there is an intercept."""
        try:
            residuals, solution = self._solve(slopes, target, penalty, intercept)
        except LinAlgError:  # the penalty is below the rounding error of J'J
            return self.ridge(slopes, target, np.array([penalty]), intercept=intercept)
        return self._left_out(np.array([penalty]), residuals[:, None], lambda _: solution)

    def _solve(
        self, slopes, target, penalty, intercept
    ) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Leave-one-out residuals; c, H c and ``H_i A^{-1} J_i'``. Raises LinAlgError if A is numerically singular."""
        raise NotImplementedError

    def _left_out(
        self,
        penalties: np.ndarray,
        residuals: np.ndarray,
        at: Callable[[int], tuple[np.ndarray, np.ndarray, np.ndarray]],
    ) -> LeftOut:
        """Choose the penalty with the smallest error; ``at(k)`` returns c, H c and ``H_i A^{-1} J_i'`` for the k-th."""
        errors = np.mean(residuals**2, axis=0)
        k = int(np.argmin(errors))
        c, fitted, shifts = at(k)
        others = len(fitted) / max(len(fitted) - 1, 1)  # H_i - (mean of the others) = others * (H_i - mean)
        return LeftOut(
            self.scales * c, others * (fitted - shifts * residuals[:, k]), float(penalties[k]), residuals[:, k].copy()
        )


class Tall(Centred):
    """n >= width: ``J'J = Q diag(s) Q'``, by blocks of rows."""

    def ridge(self, slopes, target, penalties=None, *, intercept=False):
        """See `Centred.ridge`."""
        n, width = self.features.shape
        weight = slopes @ slopes
        if intercept:
            target = target - slopes * (slopes @ target / weight)
        gram, moment, mean = np.zeros((width, width)), np.zeros(width), np.zeros(width)
        for rows, block in self:
            if intercept:
                mean += slopes[rows] ** 2 @ block / weight
            J = block * slopes[rows, None]
            gram += J.T @ J
            moment += target[rows] @ J
        gram -= weight * np.outer(mean, mean)
        s, Q = eigh(gram, driver="evd", overwrite_a=True)
        s = np.maximum(s, 0)
        path = _path(penalties, 2 / n * s[-1])
        inverse = 1 / (s[:, None] + n / 2 * path)
        weights = inverse * (moment @ Q)[:, None]
        fitted, residuals, shifts = (np.empty((n, len(path))) for _ in range(3))
        for rows, block in self:
            Z = block @ Q
            fitted[rows] = Z @ weights
            centred = Z - mean @ Q if intercept else Z
            shifts[rows] = slopes[rows, None] * ((Z * centred) @ inverse)
            centred_fit = fitted[rows] - mean @ Q @ weights
            if intercept:
                centred *= centred
                leverage = slopes[rows, None] ** 2 * (centred @ inverse + 1 / weight)
            else:
                leverage = slopes[rows, None] * shifts[rows]
            residuals[rows] = target[rows, None] - slopes[rows, None] * centred_fit
            residuals[rows] /= np.maximum(1 - leverage, np.finfo(float).eps)
        return self._left_out(path, residuals, lambda k: (Q @ weights[:, k], fitted[:, k], shifts[:, k]))

    def _solve(self, slopes, target, penalty, intercept):
        n, width = self.features.shape
        target = target - intercept * target.mean()
        gram, moment = np.diag(np.full(width, n / 2 * penalty)), np.zeros(width)
        J = np.empty((0, width))
        for rows, block in self:
            J = block * slopes[rows, None]
            gram += J.T @ J
            moment += target[rows] @ J
        inverse = invert_triangle(np.linalg.cholesky(gram).T)[0]  # U^{-1} for U'U = A
        c = inverse @ (moment @ inverse)
        fitted, norms = np.empty(n), np.empty(n)
        for rows, block in self:
            V = block @ inverse if len(block) != len(J) else np.matmul(block, inverse, out=J)
            fitted[rows], norms[rows] = block @ c, np.einsum("ij,ij->i", V, V)  # H_i A^{-1} H_i'
        leverage = slopes**2 * norms + intercept / n
        residuals = (target - slopes * fitted) / np.maximum(1 - leverage, np.finfo(float).eps)
        return residuals, (c, fitted, slopes * norms)


class Wide(Centred):
    """n <= width: ``D K D = Q diag(s) Q'``; K is computed once for all steps."""

    def __init__(self, features: FeatureBlocks, scales: np.ndarray | None = None):
        super().__init__(features, scales)
        self.whole = features.toarray() - self.mean
        self.whole *= self.scales
        self.kernel = self.whole @ self.whole.T

    def ridge(self, slopes, target, penalties=None, *, intercept=False):
        """See `Centred.ridge`."""
        n = self.features.shape[0]
        weight = slopes @ slopes
        KD = self.kernel * slopes
        u, far = np.zeros(n), 0.0
        if intercept:
            u = slopes / np.sqrt(weight)
            target = target - u * (u @ target)
            KD -= np.outer(self.kernel @ slopes**2 / weight, slopes)
        M = slopes[:, None] * KD
        if intercept:
            M -= np.outer(u, u @ M)  # now M u = 0
            far = np.trace(M) / n  # at most the largest eigenvalue
            M += far * np.outer(u, u)  # move the eigenvalue of u away from 0
        s, Q = eigh(M, driver="evd", overwrite_a=True)
        s = np.maximum(s, 0)
        path = _path(penalties, 2 / n * s[-1])
        inverse = 1 / (s[:, None] + n / 2 * path)
        alphas = Q @ (inverse * (target @ Q)[:, None])
        residuals = alphas / ((Q * Q) @ inverse - (u * u)[:, None] / (far + n / 2 * path))
        rotated = (KD @ Q) * Q

        def at(k):
            dual = slopes * alphas[:, k]
            return dual @ self.whole, self.kernel @ dual, rotated @ inverse[:, k]

        return self._left_out(path, residuals, at)

    def _solve(self, slopes, target, penalty, intercept):
        n = len(target)
        target = target - intercept * target.mean()
        KD = self.kernel * slopes
        M = slopes[:, None] * KD
        M[np.diag_indices(n)] += n / 2 * penalty
        inverse = cho_solve((cholesky(M, lower=True, check_finite=False), True), np.eye(n), check_finite=False)
        alpha = inverse @ target
        residuals = alpha / (np.diag(inverse) - intercept / (n * (n / 2 * penalty)))
        dual = slopes * alpha
        return residuals, (dual @ self.whole, self.kernel @ dual, np.einsum("ij,ji->i", KD, inverse))


def make_centred(features: FeatureBlocks | np.ndarray, scales: np.ndarray | None = None) -> Centred:
    """`Wide` or `Tall`, whichever works in the smaller dimension."""
    features = as_blocks(features)
    return (Wide if features.shape[0] <= features.shape[1] else Tall)(features, scales)


def _path(penalties: np.ndarray | None, top: float) -> np.ndarray:
    return RELATIVE_PENALTIES * (top if top > 0 else 1.0) if penalties is None else penalties
