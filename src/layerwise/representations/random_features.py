"""Features of a random layer: ``h(x) = activation(W x + b)``, W and b drawn once and frozen."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state, check_scalar
from sklearn.utils.validation import check_is_fitted

from layerwise.representations._validation import check_inputs
from layerwise.solvers.gram import feature_block


class RandomFeatures(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Random layer ``activation(W x + b)`` with w_j ~ N(0, I/d) and b_j ~ N(0, 1).

    Parameters
    ----------
    width : int, default=1000
        Number of features.
    activation : callable, optional
        Elementwise function of an array; ReLU where None.
    random_state : int, RandomState or None

    Attributes
    ----------
    weights_ : ndarray of shape (width, n_features)
    biases_ : ndarray of shape (width,)
    n_features_in_ : int

    References
    ----------
    Rahimi & Recht 2007; the ``n = 0`` representation of Damian, Lee, Soltanolkotabi 2022, section 6.
    """

    def __init__(
        self,
        width: int = 1000,
        *,
        activation: Callable[[np.ndarray], np.ndarray] | None = None,
        random_state: int | np.random.RandomState | None = None,
    ):
        self.width = width
        self.activation = activation
        self.random_state = random_state

    def fit(self, X, y=None):
        """Draw the layer for inputs of the width and dtype of X (n_samples, n_features); y is ignored."""
        X = check_inputs(self, X, reset=True)
        check_scalar(self.width, "width", Integral, min_val=1)
        rng = check_random_state(self.random_state)
        d = X.shape[1]
        self.weights_ = (rng.standard_normal((self.width, d)) / np.sqrt(d)).astype(X.dtype)
        self.biases_ = rng.standard_normal(self.width).astype(X.dtype)
        return self

    def transform(self, X):
        """Features of shape (n_samples, width)."""
        check_is_fitted(self)
        X = check_inputs(self, X)
        return feature_block(X, self.weights_, self.biases_, self.activation)

    @property
    def _n_features_out(self):
        return self.width
