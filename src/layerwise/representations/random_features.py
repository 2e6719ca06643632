"""Features of a random layer: ``h(x) = activation(W x + b)`` with W and b drawn once and frozen."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state

from layerwise._validation import as_integer
from layerwise.activations import ActivationLike, as_activation
from layerwise.representations._validation import check_inputs
from layerwise.representations._whitening import WhitenedFeatures
from layerwise.solvers.gram import feature_block


@dataclass(eq=False, repr=False)
class RandomFeatures(WhitenedFeatures, BaseEstimator):
    """Random layer ``activation(W x + b)`` with w_j ~ N(0, I/d) and b_j ~ N(0, 1).

    Parameters
    ----------
    width : int, default=1000
        Number of features.
    activation : str, sequence of float, callable or Activation, optional
        As accepted by `layerwise.activations.as_activation`: a name such as "relu", "indicator" or "tanh",
        Hermite coefficients, or an elementwise function of an array. None is ReLU.
    whiten : bool, default=False
        Return ``Sigma^{-1/2} g(x)`` instead of the features g(x), with ``Sigma = (1/n) sum_i g(x_i) g(x_i)'`` over the
        training rows. Eigenvalues of Sigma below 1e-3 of the largest, or ``min(width / n, 1)^2`` of their mean, are
        raised to that value, and those up to 1e-6 of the largest are dropped.
    random_state : int, RandomState or None

    Attributes
    ----------
    weights_ : ndarray of shape (width, n_features)
    biases_ : ndarray of shape (width,)
    whitening_ : ndarray of shape (width, width), or None
        ``Sigma^{-1/2}``.
    n_features_in_ : int

    Raises
    ------
    ValueError
        If ``activation`` is not an activation, not elementwise, or not finite on the training rows.

    Notes
    -----
    2 n width d flops. Whitening: n width^2 + 9 width^3 flops in row blocks to fit, 2 n width^2 to transform.

    References
    ----------
    Rahimi & Recht 2007; the ``n = 0`` representation of Damian, Lee, Soltanolkotabi 2022, section 6.
    """

    _floor_fraction = 1e-3

    width: int = 1000
    _: KW_ONLY
    activation: ActivationLike | None = None
    whiten: bool = False
    random_state: int | np.random.RandomState | None = None

    def fit(self, X, y=None):
        """Draw the layer for inputs with the columns and dtype of X (n_samples, n_features); y is ignored."""
        X = check_inputs(self, X, reset=True)
        as_integer(self.width, "width", 1)
        sigma = as_activation("relu" if self.activation is None else self.activation)
        self._activation = None if sigma.is_relu else sigma  # `feature_block` applies ReLU in place
        rng = check_random_state(self.random_state)
        d = X.shape[1]
        self.weights_ = (rng.standard_normal((self.width, d)) / np.sqrt(d)).astype(X.dtype)
        self.biases_ = rng.standard_normal(self.width).astype(X.dtype)
        self._check_features(X[:2])
        self._fit_whitening(X, self.width)
        return self

    def _features(self, X: np.ndarray) -> np.ndarray:
        return feature_block(X, self.weights_, self.biases_, self._activation).astype(X.dtype, copy=False)

    def _check_features(self, X: np.ndarray) -> None:
        with np.errstate(all="ignore"):
            h = np.asarray(feature_block(X, self.weights_, self.biases_, self._activation))
        if h.shape != (len(X), self.width):
            raise ValueError(
                f"activation={self.activation!r} maps an array of shape {(len(X), self.width)} to one of shape "
                f"{h.shape}; it must be elementwise. Pass e.g. np.tanh."
            )
        if not np.all(np.isfinite(h)):
            raise ValueError(
                f"activation={self.activation!r} is not finite at some w.x + b of the training rows; it must be finite "
                "for all real numbers. Pass e.g. np.tanh, and columns of X of unit variance."
            )
