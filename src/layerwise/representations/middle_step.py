"""One full-batch gradient step on the middle layer of a three-layer network: the learnt feature.

``f(x) = (1/m_1) sum_i a_i relu(w_i.h(x) + b_i)`` on ``h(x) = sigma_2(V x)`` with V frozen and W = 0 moves, by one step
on ``L = (1/n) sum_j (f(x_j) - y_j)^2``, along one vector only: ``w_i`` becomes a multiple (0 where ``b_i < 0``) of

    (1/n) sum_j y_j h(x_j),    so that    w_i.h(x)  is a multiple of    phi(x) = (1/n) sum_j y_j K_m(x_j, x),

``K_m(x, x') = h(x).h(x') / m_2 -> K(x, x') = E_v[sigma_2(v.x) sigma_2(v.x')]``: the network has become a
one-dimensional one in phi, and phi -> K f*, which for ``f* = g(x'Ax)`` is nearly a multiple of x'Ax.
"""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Literal

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from layerwise.kernels import ArcCosineKernel, DotProductKernel, PolynomialActivationKernel
from layerwise.representations._validation import as_activation, check_inputs, check_samples
from layerwise.solvers import FeatureBlocks


class MiddleStep(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """The feature phi that one gradient step on the middle layer learns.

    Parameters
    ----------
    width : int, optional
        m_2, the number of frozen first-layer neurons, v_l uniform on the unit sphere; None is infinitely many, in
        closed form.
    activation : "relu" or sequence of float, default=(0, 0, 1)
        sigma_2: ReLU, or a polynomial by its coefficients in orthonormal Hermite polynomials. Degrees 0 and 1 only add
        noise to phi: with (0, 0, 1), the quadratic h_2, a quadratic feature needs far fewer samples than with ReLU.
    random_state : int, RandomState or None

    Attributes
    ----------
    weights_ : ndarray of shape (width, n_features), or None where infinitely wide
        V.
    n_features_in_ : int

    Notes
    -----
    Finite width: 2 n d width flops a pass; infinite width: 2 n n_new d flops to evaluate phi, which then holds X, and
    2 (n + n_new) d^2 for a sigma_2 of degree at most 2.

    References
    ----------
    Nichani, Damian, Lee 2023, Algorithm 1, stage 1.
    """

    def __init__(
        self,
        width: int | None = None,
        *,
        activation: Literal["relu"] | Sequence[float] = (0.0, 0.0, 1.0),
        random_state: int | np.random.RandomState | None = None,
    ):
        self.width = width
        self.activation = activation
        self.random_state = random_state

    def fit(self, X, y):
        """Take the step on X (n_samples, n_features), y (n_samples,), centred and without its linear part."""
        X, y = check_samples(self, X, y, min_samples=1)
        self._choose_activation(X.shape[1])
        self.weights_: np.ndarray | None = None
        if self.width is None:
            self.X_fit_, self.dual_ = X, self._factor * y / len(y)
            return self
        check_middle_width(self.width, "width")
        rng = check_random_state(self.random_state)
        directions = rng.standard_normal((self.width, X.shape[1]))
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        self.weights_ = directions.astype(X.dtype)
        self.moment_ = np.zeros(self.width, dtype=X.dtype)  # (1/n) sum_j y_j h(x_j)
        for rows, block in FeatureBlocks(X, self._hidden, self.width):
            self.moment_ += y[rows] @ block / len(y)
        return self

    def transform(self, X):
        """``phi(x)`` of shape (n_samples, 1)."""
        check_is_fitted(self)
        X = check_inputs(self, X)
        if self.weights_ is None:
            return self.kernel_.dot(X, self.X_fit_, self.dual_)[:, None]
        return (FeatureBlocks(X, self._hidden, len(self.weights_)) @ self.moment_)[:, None] / len(self.weights_)

    @property
    def _n_features_out(self):
        return 1

    def _choose_activation(self, dim: int) -> None:
        if isinstance(self.activation, str) and self.activation == "relu":
            self._polynomial = None
            self.kernel_: DotProductKernel = ArcCosineKernel(1)
            self._factor = 0.5  # the arc-cosine kernel is 2 E[relu relu]
        else:
            self._polynomial = as_activation(self.activation, "'relu' or ")
            self.kernel_ = PolynomialActivationKernel(self._polynomial.coefficients.tolist(), dim)
            self._factor = 1.0

    def _hidden(self, X):
        """``h(x) = sigma_2(V x)`` of shape (rows, width)."""
        assert self.weights_ is not None  # called for finite width only
        block = X @ self.weights_.T
        if self._polynomial is None:
            return np.maximum(block, 0, out=block)
        return self._polynomial(block).astype(X.dtype, copy=False)


def check_middle_width(width: object, name: str) -> None:
    """Raise ValueError unless a number of neurons, or None."""
    if width is not None and (not isinstance(width, Integral) or isinstance(width, bool) or width < 1):
        raise ValueError(
            f"{name}={width!r} must be an integer >= 1 or None: None is infinitely wide. Give {name}=None, or e.g. 500."
        )
