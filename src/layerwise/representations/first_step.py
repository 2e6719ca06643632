"""One full-batch gradient step on the first layer of a two-layer ReLU network.

``f(x) = sum_j a_j relu(w_j.x)`` starts symmetric, ``a_j = -a_{m-j} in {-1, 1}`` and ``w_j = w_{m-j} ~ N(0, I/d)``, so
f = 0. With ``L = (1/n) sum_i (f(x_i) - y_i)^2`` the step ``W <- W - eta [grad_W L + W / eta]`` erases the initial W:

    w_j = 2 eta a_j g(w_j),      g(w) = (1/n) sum_i y_i x_i 1{w.x_i >= 0}.

If y has no linear part, Stein's lemma gives for ``|w| = 1`` and ``H = E[Hessian f*]``

    E g(w) = [H w - w (w'Hw) / 2] / sqrt(2 pi) + terms in E[grad^k f*], k >= 3,

and ``w'Hw = tr(H) / d + ...`` is small in high dimension: the weights have moved into the span of H.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import ClassVar, Literal

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from layerwise._validation import Integer, Number, check_parameters
from layerwise.representations._validation import check_inputs, check_samples
from layerwise.solvers.gram import BLOCK_BYTES, feature_block


@dataclass(eq=False, repr=False)
class FirstStep(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """ReLU features after one gradient step: lines 2 and 3 of Algorithm 1 of Damian et al. 2022.

    Parameters
    ----------
    width : int, default=1000
        m, which must be even: the neurons come in pairs of opposite output weight.
    step_size : float or "auto", default="auto"
        eta_1, of order sqrt(d) in the theory, for y of unit variance. ``"auto"`` chooses the eta at which ``w_j.x_i``
        has root mean square 1/2 over neurons and samples, half the standard deviation of the new biases, in any units
        of y.
    random_state : int, RandomState or None

    Attributes
    ----------
    weights_ : ndarray of shape (width, n_features)
        ``2 eta a_j g(w_j)``.
    biases_, signs_ : ndarrays of shape (width,)
        The biases, drawn from N(0, 1) after the step, and the initial output weights a_j.
    step_size_ : float
        eta_1; with ``"auto"``, 0 if the gradient vanishes.
    n_features_in_ : int

    Notes
    -----
    2 n width d flops; the indicators, of shape (n, width / 2), are formed by blocks of rows.

    References
    ----------
    Damian, Lee, Soltanolkotabi 2022, Algorithm 1, lines 2 and 3.
    """

    _constraints: ClassVar = {"width": Integer(2, even=True), "step_size": Number(auto=True)}

    width: int = 1000
    _: KW_ONLY
    step_size: float | Literal["auto"] = "auto"
    random_state: int | np.random.RandomState | None = None

    def fit(self, X, y):
        """Take the step on X (n_samples, n_features) and y (n_samples,), which should have no linear part."""
        X, y = check_samples(self, X, y, min_samples=1)
        check_parameters(self, self._constraints)
        rng = check_random_state(self.random_state)
        d, half = X.shape[1], self.width // 2

        initial = (rng.standard_normal((half, d)) / np.sqrt(d)).astype(X.dtype)
        signs = rng.choice(np.array([-1, 1], dtype=X.dtype), half)
        gradient = half_space_moments(X, y, initial)
        direction = signs[:, None] * gradient
        self.signs_ = np.concatenate([signs, -signs])
        self.step_size_ = auto_step(X, direction) if self.step_size == "auto" else float(self.step_size)
        self.weights_ = 2 * self.step_size_ * np.concatenate([direction, -direction])
        self.biases_ = rng.standard_normal(self.width).astype(X.dtype)
        return self

    def transform(self, X):
        """Compute the features ``relu(W x + b)``, of shape (n_samples, width)."""
        check_is_fitted(self)
        X = check_inputs(self, X)
        return feature_block(X, self.weights_, self.biases_)

    @property
    def _n_features_out(self):
        return self.width


def half_space_moments(X: np.ndarray, y: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Compute ``g(w_j) = (1/n) sum_i y_i x_i 1{w_j.x_i >= 0}``, shape (width, d), by row blocks: 4 n width d flops."""
    n = X.shape[0]
    moments = np.zeros_like(weights)
    block_rows = max(1, BLOCK_BYTES // (weights.shape[0] * X.dtype.itemsize))
    for start in range(0, n, block_rows):
        block = X[start : start + block_rows]
        active = block @ weights.T
        np.greater_equal(active, 0, out=active)
        moments += active.T @ (y[start : start + block_rows, None] * block)
    return moments / n


def auto_step(X: np.ndarray, direction: np.ndarray) -> float:
    """Return the eta at which ``2 eta direction_j . x_i`` has root mean square 1/2; 0 if it vanishes identically."""
    direction = direction.astype(float, copy=False)
    second_moment = (X.T @ X / X.shape[0]).astype(float, copy=False)
    mean_square = float(np.einsum("ij,ij->", direction @ second_moment, direction)) / direction.shape[0]
    return float(0.25 / np.sqrt(mean_square)) if mean_square > 0 else 0.0
