"""One full-batch gradient step on the middle layer of a three-layer network: the learnt feature.

For ``f(x) = (1/m_1) sum_i a_i relu(w_i.h(x) + b_i)`` on ``h(x) = sigma_2(V x)`` with V frozen and W = 0, one step on
``L = (1/n) sum_j (f(x_j) - y_j)^2`` moves all w_i along one vector: ``w_i`` becomes a multiple (0 if ``b_i < 0``) of

    (1/n) sum_j y_j h(x_j),    so that    w_i.h(x)  is a multiple of    phi(x) = (1/n) sum_j y_j K_m(x_j, x),

``K_m(x, x') = h(x).h(x') / m_2 -> K(x, x') = E_v[sigma_2(v.x) sigma_2(v.x')]``. The network is then a function of the
one variable phi, and phi -> K f*, which for ``f* = g(x'Ax)`` is close to a multiple of x'Ax.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from layerwise._validation import Integer
from layerwise.activations import ActivationLike, as_activation
from layerwise.kernels import activation_kernel
from layerwise.representations._validation import check_inputs, check_samples
from layerwise.solvers import FeatureBlocks

#: The number of neurons of the frozen layer.
MIDDLE_WIDTH = Integer(1, none=True, advice="None stands for infinitely many neurons.")


@dataclass(eq=False, repr=False)
class MiddleStep(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """The feature phi that one gradient step on the middle layer learns.

    Parameters
    ----------
    width : int, optional
        m_2, the number of frozen first-layer neurons, v_l uniform on the unit sphere. None stands for infinitely many,
        in closed form.
    activation : str, sequence of float, callable or Activation, default=(0, 0, 1)
        sigma_2, as accepted by `layerwise.activations.as_activation`: "relu", the coefficients of a polynomial in
        orthonormal Hermite polynomials, or, with a finite width, any other function. Its degrees 0 and 1 only add
        noise to phi: a quadratic feature needs far fewer samples with (0, 0, 1), the quadratic h_2, than with ReLU.
    random_state : int, RandomState or None

    Attributes
    ----------
    weights_ : ndarray of shape (width, n_features), or None
        V; None if the width is infinite.
    n_features_in_ : int

    Raises
    ------
    ValueError
        If ``activation`` is constant, or has no kernel in closed form and the width is infinite.

    Notes
    -----
    Finite width: 2 n d width flops per pass. Infinite width: X is kept, and phi costs 2 n n_new d flops, or
    2 (n + n_new) d^2 for a sigma_2 of degree at most 2.

    References
    ----------
    Nichani, Damian, Lee 2023, Algorithm 1, stage 1.
    """

    _n_features_out = 1

    width: int | None = None
    _: KW_ONLY
    activation: ActivationLike = (0.0, 0.0, 1.0)
    random_state: int | np.random.RandomState | None = None

    def fit(self, X, y):
        """Take the step on X (n_samples, n_features), y (n_samples,), centred and without its linear part."""
        X, y = check_samples(self, X, y, min_samples=1)
        MIDDLE_WIDTH.check(self.width, "width")
        self._sigma = as_activation(self.activation, constant=False)
        self.weights_: np.ndarray | None = None
        if self.width is None:
            self.kernel_, factor = activation_kernel(self._sigma, X.shape[1])
            self.X_fit_, self.dual_ = X, factor * y / len(y)
            return self
        rng = check_random_state(self.random_state)
        directions = rng.standard_normal((self.width, X.shape[1]))
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        self.weights_ = directions.astype(X.dtype)
        self.moment_ = np.zeros(self.width, dtype=X.dtype)  # (1/n) sum_j y_j h(x_j)
        for rows, block in FeatureBlocks(X, self._hidden, self.width):
            self.moment_ += y[rows] @ block / len(y)
        return self

    def transform(self, X):
        """Compute ``phi(x)``, of shape (n_samples, 1)."""
        check_is_fitted(self)
        X = check_inputs(self, X)
        if self.weights_ is None:
            return self.kernel_.dot(X, self.X_fit_, self.dual_)[:, None]
        return (FeatureBlocks(X, self._hidden, len(self.weights_)) @ self.moment_)[:, None] / len(self.weights_)

    def _hidden(self, X: np.ndarray) -> np.ndarray:
        """Compute ``h(x) = sigma_2(V x)``, of shape (rows, width)."""
        assert self.weights_ is not None
        return self._sigma(X @ self.weights_.T).astype(X.dtype, copy=False)
