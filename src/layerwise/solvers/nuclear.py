"""Quadratic regression under a nuclear norm: the space F1 of the quadratic activation, a convex problem.

A network with ``sigma(t) = t^2`` is ``f(x) = alpha + sum_j a_j (w_j'x)^2 = alpha + <M, x x'>``,
``M = sum_j a_j w_j w_j'``, and the smallest ``sum_j |a_j|`` over unit w_j is the nuclear norm of M. Minimise over
symmetric M and, with an intercept, over alpha:

    P(M) = (1/n) sum_i (y_i - alpha - <M, x_i x_i'>)^2 + penalty |M|_*

Let C centre a vector (C is the identity without an intercept), ``b = C y`` and ``A(M) = C diag(X M X')``. At the best
alpha the residual is ``r = b - A(M)``; products cost 2 n d^2 flops, or 2 n d rank, without any (n, d^2) array.

    G(M) = (2/n) A*(r) = (2/n) X' diag(r) X                                         minus the gradient
    prox:  V diag(e) V'  ->  V diag(sign(e) max(|e| - penalty/L, 0)) V'             soft-thresholded eigenvalues
    dual:  max over theta with |A*(theta)|_op <= penalty  of  D(theta) = b'theta - (n/4) |theta|^2

The algorithm is accelerated proximal gradient (FISTA, Beck & Teboulle 2009); the momentum is reset if it points uphill
(O'Donoghue & Candes 2015), and the curvature L is raised whenever it proves too small. The residual at any M, scaled to
be feasible, ``theta = s (2/n) r``, bounds the distance of P(M) from the minimum by the duality gap P(M) - D(theta),
which ends the iteration.

Positive and negative eigenvalues may have different penalties, ``p_+ tr M_+ + p_- tr M_-``; theta is then feasible if
``-p_- <= A*(theta) <= p_+``.
"""

from __future__ import annotations

import numpy as np

from layerwise.solvers.neurons import NeuronFit, dual_value

#: Iterations between two evaluations of the duality gap, each the spectrum of a d x d matrix.
GAP_INTERVAL = 5


class _Forms:
    """``A(M) = C diag(X M X')`` and ``A*(r) = X' diag(C r) X``; C centres if there is an intercept."""

    def __init__(self, X: np.ndarray, intercept: bool):
        self.X, self.intercept = X, intercept

    def centred(self, values: np.ndarray) -> np.ndarray:
        return values - values.mean() if self.intercept else values

    def values(self, e: np.ndarray, V: np.ndarray) -> np.ndarray:
        """Compute ``A(V diag(e) V')``: 2 n d rank flops."""
        Z = self.X @ V
        Z *= Z
        return self.centred(Z @ e)

    def adjoint(self, r: np.ndarray) -> np.ndarray:
        """Compute ``A*(r)`` for a centred r: 2 n d^2 flops."""
        return self.X.T @ (r[:, None] * self.X)

    def curvature(self, M: np.ndarray) -> float:
        """Approximate the largest ``(2/n) |A(M)|^2 / |M|^2`` from below, by power iterations started at M."""
        for _ in range(5):
            M = self.adjoint(self.centred(np.einsum("ij,ij->i", self.X @ M, self.X)))
            norm = float(np.linalg.norm(M))
            if norm == 0:
                return 0.0
            M /= norm
        return 2 / len(self.X) * float(np.sum(self.centred(np.einsum("ij,ij->i", self.X @ M, self.X)) ** 2))


def soft_threshold(M: np.ndarray, positive: float, negative: float) -> tuple[np.ndarray, np.ndarray]:
    """Minimise ``|N - M|^2 / 2 + positive tr N_+ + negative tr N_-`` over N, for a symmetric M (d, d).

    The eigenvalues of each sign move towards 0. Returns the nonzero ones (rank,) and their eigenvectors (d, rank).
    """
    e, V = np.linalg.eigh(M)
    e = np.maximum(e - positive, 0) - np.maximum(-e - negative, 0)
    kept = e != 0
    return e[kept], V[:, kept]


def largest_penalty(X: np.ndarray, y: np.ndarray, *, intercept: bool = True) -> float:
    """Return the smallest penalty at which M = 0: ``|(2/n) A*(b)|_op``."""
    forms = _Forms(X, intercept)
    return float(np.abs(np.linalg.eigvalsh(2 / len(y) * forms.adjoint(forms.centred(y)))).max())


def nuclear_norm_regression(
    X: np.ndarray,
    y: np.ndarray,
    penalty: float | tuple[float, float],
    *,
    intercept: bool = True,
    start: np.ndarray | None = None,
    tol: float = 1e-4,
    max_iter: int = 2000,
) -> NeuronFit:
    """Minimise ``(1/n) sum_i (y_i - alpha - <M, x_i x_i'>)^2 + penalty |M|_*``.

    X (n_samples, d), in float64, holds inputs or the features of a representation. Two penalties are the weights of
    ``tr M_+`` and ``tr M_-``. alpha is not penalised, and 0 without ``intercept``. ``start`` is the initial M, by
    default 0, and ``tol`` the duality gap at which to stop, as a fraction of the objective. The coefficients of the fit
    are the nonzero eigenvalues of M, its neurons their eigenvectors. Penalties that are not positive raise ValueError.

    An iteration costs 2 n d^2 flops and the spectrum of a d x d matrix (9 d^3). Peak memory 2 n d and 10 d^2.
    """
    positive, negative = penalty if isinstance(penalty, tuple) else (penalty, penalty)
    if not (positive > 0 and negative > 0):
        raise ValueError(f"penalty={penalty!r} must be > 0, or there is no duality gap. Pass e.g. 0.1.")
    n, d = X.shape
    forms = _Forms(X, intercept)
    b = forms.centred(y)
    rounded_off = 1e-24 * float(b @ b) / n
    M = np.zeros((d, d)) if start is None else start
    rounding = d * np.finfo(float).eps * float(np.linalg.norm(M))
    e, V = soft_threshold(M, rounding, rounding)
    r = b - forms.values(e, V)
    G = 2 / n * forms.adjoint(r)
    L = forms.curvature(G + np.eye(d)) or 1.0
    M_before, r_before, G_before, momentum = M, r, G, 1.0
    history: list[dict] = []
    iteration = 0

    while True:
        if iteration % GAP_INTERVAL == 0 or iteration == max_iter:
            objective = float(r @ r) / n + positive * float(e[e > 0].sum()) - negative * float(e[e < 0].sum())
            spectrum = np.linalg.eigvalsh(G)
            gap = objective - dual_value(b, r, float(max(spectrum[-1] / positive, -spectrum[0] / negative)))
            history.append({"iteration": iteration, "objective": objective, "gap": gap, "neurons": len(e)})
            if gap <= tol * objective or iteration == max_iter:
                break
        momentum, last = (1 + np.sqrt(1 + 4 * momentum**2)) / 2, momentum
        ahead = (last - 1) / momentum
        Y, r_Y, G_Y = (now + ahead * (now - old) for now, old in ((M, M_before), (r, r_before), (G, G_before)))
        while True:
            e, V = soft_threshold(Y + G_Y / L, positive / L, negative / L)
            M_new = (V * e) @ V.T
            r_new = b - forms.values(e, V)
            step = float(np.sum((M_new - Y) ** 2))
            curved = 2 / n * float(np.sum((r_new - r_Y) ** 2))  # the curvature along the step times its squared length
            if curved <= L * step + rounded_off:
                break
            L = 1.05 * curved / step
        if np.sum((Y - M_new) * (M_new - M)) > 0:
            momentum = 1.0
        iteration += 1
        M_before, r_before, G_before = M, r, G
        M, r, G = M_new, r_new, 2 / n * forms.adjoint(r_new)

    alpha = float(np.mean(y - np.square(X @ V) @ e)) if intercept else 0.0
    return NeuronFit(e, V.T, alpha, objective, gap, bool(gap <= tol * objective), history)
