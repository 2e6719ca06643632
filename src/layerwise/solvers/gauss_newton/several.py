"""Leave-one-out Gauss-Newton for several features and a link of any shape.

In ``y ~ g(z_1, ..., z_R)``, ``z_r = H c_r + constant``, the features are identifiable up to invertible linear maps
only, since ``g(z) = (g o M^{-1})(M z)``. They are therefore kept with mean 0 and covariance I, which leaves rotations,
and links are taken from families that rotations leave unchanged (`layerwise.solvers.multivariate_link`). Repeat, as for
one feature::

    1  g <- the link of y on the leave-one-out features z_{-i}, whitened
    2  linearise there:   y_i - g(z_{-i}) ~ sum_r d_r g(z_{-i}) (H_i c'_r - z_{-i,r})
    3  c' <- ridge regression on it, the penalty chosen by leave-one-out;   c <- (c + c') / 2
    4  z_{-i} <- the mean of z_{-i} and the leave-one-out features of c', in closed form

and keep the c and g whose leave-one-out error in line 1 was least. At the end the features are rotated to the
eigenvectors of ``E grad g grad g'``, that with the largest eigenvalue first.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from layerwise._deadline import check_deadline
from layerwise.solvers.gram import FeatureBlocks
from layerwise.solvers.linearised_several import JointlyCentred
from layerwise.solvers.multivariate_link import MultivariateLink, fit_surface

#: Steps, and steps without a relative decrease of the error by `TOL` before stopping.
MAX_ITER, PATIENCE, TOL = 30, 5, 1e-3
#: Errors below this one, for labels of variance 1, are not reduced further.
MIN_ERROR = 1e-9
#: Directions in which the features have a standard deviation below this share of the largest are not scaled up further.
MIN_SPREAD = 1e-6


class SeveralState(NamedTuple):
    """Coefficients (R, D) and leave-one-out features (n_samples, R), relative to the mean of H.

    If ``in_sample``, the features are those of coefficients fitted to all labels: such a state is not a candidate, and
    the next one replaces it instead of being averaged with it.
    """

    coefficients: np.ndarray
    left_out: np.ndarray
    in_sample: bool = False


class SeveralCandidate(NamedTuple):
    """The function ``features -> link(features @ coefficients' - offsets)`` and its leave-one-out error."""

    coefficients: np.ndarray
    offsets: np.ndarray
    link: MultivariateLink
    error: float

    def features(self, features: FeatureBlocks) -> np.ndarray:
        """z, of shape (n_samples, R)."""
        return features @ self.coefficients.T - self.offsets

    def predict(self, features: FeatureBlocks) -> np.ndarray:
        """Predictions of shape (n_samples,)."""
        return self.link(self.features(features))


def descend_several(
    H: JointlyCentred, y: np.ndarray, start: SeveralState, max_iter: int = MAX_ITER
) -> tuple[SeveralCandidate, SeveralState] | None:
    """Lines 1 to 4 for labels y (n_samples,) of variance 1: the best candidate and its state; None if features vanish.

    A step costs one joint ridge regression and one link of each family.
    """
    best, least, stalled = None, np.inf, 0
    C, left_out, in_sample = start
    for iteration in range(max_iter + 1):
        check_deadline()
        centre, W = left_out.mean(axis=0), whitener(left_out)
        if W is None:
            break
        C, z, offsets = W @ C, (left_out - centre) @ W, centre @ W
        link = fit_surface(z, y)  # line 1
        if not in_sample:
            if best is None or link.error < best[0].error:
                candidate = SeveralCandidate(C, offsets + C @ H.mean, link, link.error)
                best = candidate, SeveralState(C, z + offsets)
            stalled = 0 if link.error < (1 - TOL) * least else stalled + 1
            least = min(least, link.error)
        slopes = link.derivative(z)
        if iteration == max_iter or stalled > PATIENCE or least < MIN_ERROR or not slopes.any():
            break
        step = H.joint_ridge(slopes, y - link(z) + np.sum(slopes * (z + offsets), axis=1))  # lines 2 and 3
        kept = 0.0 if in_sample else 0.5
        C = kept * C + (1 - kept) * step.coefficients
        left_out = kept * (z + offsets) + (1 - kept) * step.features  # line 4
        in_sample = False
    return best


def whitener(Z: np.ndarray) -> np.ndarray | None:
    """The symmetric W for which ``Z W`` has covariance I; None if Z (n_samples, R) is constant or not finite."""
    if not np.isfinite(Z).all():
        return None
    values, Q = np.linalg.eigh(np.atleast_2d(np.cov(Z, rowvar=False, bias=True)))
    if not values[-1] > 0:
        return None
    return (Q / np.sqrt(np.maximum(values, MIN_SPREAD**2 * values[-1]))) @ Q.T


def rotate_to_use(H: JointlyCentred, y: np.ndarray, found: SeveralCandidate, state: SeveralState) -> SeveralCandidate:
    """The candidate with its features rotated to the eigenvectors of ``E grad g grad g'``, and its link fitted anew.

    The largest coefficient of each feature is positive.
    """
    offsets = found.offsets - found.coefficients @ H.mean
    slopes = found.link.derivative(state.left_out - offsets)
    Q = np.linalg.eigh(slopes.T @ slopes)[1][:, ::-1]
    C = Q.T @ found.coefficients
    signs = np.sign(C[np.arange(len(C)), np.argmax(np.abs(C), axis=1)])
    Q, C = Q * signs, C * signs[:, None]
    link = fit_surface((state.left_out - offsets) @ Q, y)
    return SeveralCandidate(C, found.offsets @ Q, link, link.error)
