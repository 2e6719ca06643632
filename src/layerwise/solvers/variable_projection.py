"""Multi-index polynomials ``y ~ q(Ux)``: the frame is optimised, with the coefficients eliminated.

Over orthonormal frames U (r x d) and ``q = sum_alpha c_alpha h_alpha`` of one degree minimise

    L(U) = min_c |y - Phi c|^2 / n + (penalty/2) |c|^2,      Phi_i,alpha = h_alpha(U x_i).

A frame near U is ``orth(U + theta N)``, N an orthonormal complement (d-r x d), theta (r x d-r): polynomials of one
degree are invariant under a change of basis within the span. As ``d_s h_alpha = sqrt(alpha_s) h_{alpha - e_s}``, the
slopes are ``g_s(Ux) = sum_alpha c_alpha sqrt(alpha_s) h_{alpha - e_s}(Ux)``, one product with the first
columns of Phi, and

    J_i,(s,j) = g_s(U x_i) (N x_i)_j,      grad L = -(2/n) J'(y - Phi c).

The matrix of Gauss-Newton on (c, theta) with c eliminated (Golub & Pereyra 1973; Kaufman 1975) is a Schur complement in
the Gram matrix of [Phi, J]: with G = Phi'Phi + (n penalty/2) I

    A = J'J - J'Phi G^{-1} Phi'J,      (A + damping diag A) theta = J'(y - Phi c).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from layerwise.hermite import design_matrix, multi_indices, n_terms
from layerwise.hermite.multivariate import index_ranks
from layerwise.solvers.gram import FeatureBlocks, normal_equations
from layerwise.solvers.ridge_path import solve

#: A relative decrease of the loss below this value ends the iteration.
MIN_DECREASE = 1e-4
#: Losses below this share of the mean square of y are rounding errors.
MIN_LOSS = 1e-20
MAX_STEPS, MAX_DAMPING = 50, 1e6


class Polished(NamedTuple):
    """The frame (r, d) of a local minimum, and the losses of the iterates, the first that of the start."""

    frame: np.ndarray
    losses: list[float]


def polynomial_features(X: np.ndarray, frame: np.ndarray, degree: int) -> FeatureBlocks:
    """All ``h_alpha(Ux)`` with |alpha| <= degree, in the order of `layerwise.hermite.multi_indices`."""
    return FeatureBlocks(X, lambda rows: design_matrix(rows @ frame.T, degree), n_terms(len(frame), degree))


def joint_features(X: np.ndarray, frame: np.ndarray, degree: int, c: np.ndarray) -> FeatureBlocks:
    """``[Phi, J]`` of width C(r + degree, degree) + r (d - r): derivatives of predictions in c and theta."""
    (r, d), slopes = frame.shape, slope_coefficients(len(frame), degree, c)
    N = complement(frame)

    def transform(rows: np.ndarray) -> np.ndarray:
        Phi = design_matrix(rows @ frame.T, degree)
        g = Phi[:, : len(slopes)] @ slopes
        J = g[:, :, None] * (rows @ N.T)[:, None, :]
        return np.concatenate([Phi, J.reshape(len(rows), -1)], axis=1)

    return FeatureBlocks(X, transform, n_terms(r, degree) + r * (d - r))


def complement(frame: np.ndarray) -> np.ndarray:
    """N of shape (d - r, d): orthonormal rows that are orthogonal to those of the frame."""
    return np.linalg.qr(frame.T, mode="complete")[0][:, len(frame) :].T


def polish(X: np.ndarray, y: np.ndarray, frame: np.ndarray, degree: int, penalty: float) -> Polished:
    """Optimise the frame (r, d), with orthonormal rows, by Levenberg-Marquardt until the loss stops decreasing.

    With D = C(r + degree, degree), a step costs n (D + r(d-r))^2 flops for the Gram matrix and n D^2 for each loss that
    is evaluated; memory 2 (D + r(d-r))^2 and a few blocks of rows.
    """
    r, d = frame.shape
    c, loss = _eliminate(X, y, frame, degree, penalty)
    losses, damping = [loss], 1e-2
    while r < d and len(losses) <= MAX_STEPS and loss > MIN_LOSS * np.mean(y**2):
        A, descent = _reduced(X, y, frame, degree, penalty, c)
        scale = np.diag(A) + 1e-12 * np.trace(A)
        while damping <= MAX_DAMPING:
            theta = solve(A + damping * np.diag(scale), descent, 0.0).reshape(r, d - r)
            moved = np.linalg.qr((frame + theta @ complement(frame)).T)[0].T
            c_moved, loss_moved = _eliminate(X, y, moved, degree, penalty)
            if loss_moved < loss:
                break
            damping *= 4
        else:
            break
        stalled = loss - loss_moved <= MIN_DECREASE * loss
        frame, c, loss, damping = moved, c_moved, loss_moved, damping / 5
        losses.append(loss)
        if stalled:
            break
    return Polished(frame, losses)


def _eliminate(X, y, frame, degree, penalty) -> tuple[np.ndarray, float]:
    """Return the coefficients c that minimise the loss L for this frame, and L."""
    features = polynomial_features(X, frame, degree)
    c = solve(*normal_equations(features, y), len(y) * penalty / 2)
    return c, float(np.mean((y - features @ c) ** 2) + penalty / 2 * (c @ c))


def _reduced(X, y, frame, degree, penalty, c) -> tuple[np.ndarray, np.ndarray]:
    """Return A, and ``J'(y - Phi c)``, which is ``-(n/2) grad L``."""
    gram, moment = normal_equations(joint_features(X, frame, degree, c), y)
    D = len(c)
    G, cross = gram[:D, :D].copy(), gram[:D, D:]
    G[np.diag_indices(D)] += len(y) * penalty / 2 + 1e-13 * np.trace(G)
    return gram[D:, D:] - cross.T @ np.linalg.solve(G, cross), moment[D:] - cross.T @ c


def slope_coefficients(r: int, degree: int, c: np.ndarray) -> np.ndarray:
    """Coefficients of the gradient of q, of shape (C(r + degree - 1, degree - 1), r).

    Column s has ``sqrt(alpha_s) c_alpha`` at alpha - e_s.
    """
    alphas = multi_indices(r, degree)
    slopes = np.zeros((n_terms(r, degree - 1), r))
    for s in range(r):
        present = alphas[:, s] > 0
        lowered = alphas[present].copy()
        lowered[:, s] -= 1
        slopes[index_ranks(lowered), s] = np.sqrt(alphas[present, s]) * c[present]
    return slopes
