"""First guesses for one more feature, from the moments of the residual given the features already found.

Let z be the features found, g their link, and ``e = y - g(z)``. If f depends on one more feature ``p = theta'h(x)``,
then ``e = f - E[f | z] + noise``, which has three kinds of moments along theta:

    1  varying slopes:    f ~ g(z) + sum_r z_r (b_r'h),  e.g. b_1 = theta for f = z_1 + z_1 p
    2  curvature:         E[e h h'] has a component along theta theta',  e.g. for f = max(z_1, p)
    3  varying curvature: E[e s(z) h h'],  e.g. with s = g for f = g(z_1) u(p),  u even

Line 1 is a ridge regression beside the Gauss-Newton step of the features found, lines 2 and 3 are eigenvectors of D x D
matrices, with s among the z_r and g. h is not Gaussian: ``E[p h h'] != 0`` for the part of y that is linear in h, which
is therefore removed from e first.
"""

from __future__ import annotations

import numpy as np

from layerwise.solvers.gauss_newton.several import SeveralCandidate, SeveralState
from layerwise.solvers.linearised_several import JointlyCentred


def first_states(H: JointlyCentred, y: np.ndarray) -> list[SeveralState]:
    """Starts for one feature: the ridge solution, and the leading eigenvectors of ``E[e h h']``, e its residual."""
    ridge = H.joint_ridge(np.ones((len(y), 1)), y - y.mean())
    starts = [SeveralState(ridge.coefficients, ridge.features)]
    empty = np.zeros((len(y), 0))
    return starts + [_extended(H, np.zeros((0, H.features.shape[1])), empty, v) for v in curvature(H, ridge.residuals)]


def next_states(H: JointlyCentred, y: np.ndarray, found: SeveralCandidate, state: SeveralState) -> list[SeveralState]:
    """Starts for one more feature than the R of a candidate: about R of line 1 and 2 (R + 2) of lines 2 and 3."""
    C, left_out, _ = state
    R = len(C)
    offsets = found.offsets - C @ H.mean
    z = left_out - offsets
    fitted, slopes = found.link(z), found.link.derivative(z)
    step = H.joint_ridge(np.hstack([slopes, z]), y - fitted + np.sum(slopes * left_out, axis=1))
    starts = [
        SeveralState(np.vstack([C, b]), np.column_stack([left_out, feature]))
        for b, feature in zip(step.coefficients[R:], step.features[:, R:].T, strict=True)
        if b.any()
    ]
    for s in (np.ones(len(y)), *z.T, fitted - fitted.mean()):
        starts += [_extended(H, C, left_out, v) for v in curvature(H, step.residuals * s)]
    return starts


def curvature(H: JointlyCentred, weights: np.ndarray) -> np.ndarray:
    """The eigenvectors (2, D) of ``(1/n) sum_i weights_i H_i H_i'``, less a multiple of I, at both ends."""
    moment = np.zeros((H.features.shape[1],) * 2)
    for rows, block in H:
        moment += block.T @ (block * weights[rows, None])
    moment -= weights.sum() * np.eye(len(moment))
    V = np.linalg.eigh(moment)[1]
    return H.scales * V[:, [0, -1]].T


def _extended(H: JointlyCentred, C: np.ndarray, left_out: np.ndarray, v: np.ndarray) -> SeveralState:
    """The state with one more feature, with coefficients v (D,)."""
    z = H.features @ v - H.mean @ v
    return SeveralState(np.vstack([C, v]), np.column_stack([left_out, z]), in_sample=True)
