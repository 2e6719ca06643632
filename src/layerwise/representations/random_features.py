"""Features of a random layer: ``h(x) = activation(W x + b)``, W and b drawn once and frozen."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state

from layerwise._validation import as_integer
from layerwise.hermite import HermiteSeries
from layerwise.representations._validation import check_inputs
from layerwise.representations._whitening import WhitenedFeatures
from layerwise.solvers.gram import feature_block

Activation = str | Sequence[float] | Callable[[np.ndarray], np.ndarray] | None


def indicator(z: np.ndarray) -> np.ndarray:
    """``1{z >= 0}``, in place."""
    return np.greater_equal(z, 0, out=z)


class RandomFeatures(WhitenedFeatures, BaseEstimator):
    """Random layer ``activation(W x + b)`` with w_j ~ N(0, I/d) and b_j ~ N(0, 1).

    Parameters
    ----------
    width : int, default=1000
        Number of features.
    activation : {"relu", "indicator"}, sequence of float or callable, optional
        ReLU (also where None), ``1{z >= 0}``, the polynomial with these coefficients in orthonormal Hermite
        polynomials, or an elementwise function of an array.
    whiten : bool, default=False
        Give ``Sigma^{-1/2} g(x)`` instead of the features g(x), ``Sigma = (1/n) sum_i g(x_i) g(x_i)'`` over the rows
        fitted; eigenvalues of Sigma below 1e-3 of the largest, or ``min(width / n, 1)^2`` of their mean, are raised to
        it, those up to 1e-6 of the largest dropped.
    random_state : int, RandomState or None

    Attributes
    ----------
    weights_ : ndarray of shape (width, n_features)
    biases_ : ndarray of shape (width,)
    whitening_ : ndarray of shape (width, width), or None
        ``Sigma^{-1/2}``.
    n_features_in_ : int

    Notes
    -----
    2 n width d flops. Whitening: n width^2 + 9 width^3 flops in row blocks to fit, 2 n width^2 to transform.

    References
    ----------
    Rahimi & Recht 2007; the ``n = 0`` representation of Damian, Lee, Soltanolkotabi 2022, section 6.
    """

    _floor = 1e-3

    def __init__(
        self,
        width: int = 1000,
        *,
        activation: Activation = None,
        whiten: bool = False,
        random_state: int | np.random.RandomState | None = None,
    ):
        self.width = width
        self.activation = activation
        self.whiten = whiten
        self.random_state = random_state

    def fit(self, X, y=None):
        """Draw the layer for inputs of the width and dtype of X (n_samples, n_features); y is ignored."""
        X = check_inputs(self, X, reset=True)
        as_integer(self.width, "width", 1)
        rng = check_random_state(self.random_state)
        d = X.shape[1]
        self.weights_ = (rng.standard_normal((self.width, d)) / np.sqrt(d)).astype(X.dtype)
        self.biases_ = rng.standard_normal(self.width).astype(X.dtype)
        self._activation = self._choose_activation()
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
                f"activation={self.activation!r} made an array of shape {h.shape} of one of shape "
                f"{(len(X), self.width)}; it must be elementwise. Give e.g. np.tanh."
            )
        if not np.all(np.isfinite(h)):
            raise ValueError(
                f"activation={self.activation!r} is not finite at preactivations w.x + b of these rows. Give one that "
                "is finite on all real numbers, e.g. np.tanh, and columns of X of unit variance."
            )

    def _choose_activation(self) -> Callable[[np.ndarray], np.ndarray] | None:
        """The elementwise function, None for ReLU."""
        if self.activation is None or callable(self.activation):
            return self.activation
        if isinstance(self.activation, str):
            if self.activation in ("relu", "indicator"):
                return indicator if self.activation == "indicator" else None
            raise ValueError(
                f"activation={self.activation!r} must be 'relu', 'indicator', the Hermite coefficients of a polynomial "
                "or an elementwise function. Give e.g. (0, 0, 1) for h_2, or np.tanh."
            )
        return HermiteSeries(np.asarray(self.activation, dtype=float))
