"""Features brought to second moment one: ``h(x) = Sigma^{-1/2} g(x)``, ``Sigma = (1/n) sum_i g(x_i) g(x_i)'``.

With ``Sigma = Q diag(s) Q'`` of D features the rule for small eigenvalues is

    root = s^{-1/2}            where s is above the floor,
    root = floor^{-1/2}        where it is below: shrunk to s / floor < 1 rather than magnified,
    root = 0                   up to 1e-6 of the largest: there the sample says nothing (dependent columns, n < D),

    floor = min(D / n, 1)^2 * mean(s).

*Why.* Of n rows with second moment mu I the sample's eigenvalues spread over ``mu (1 +- sqrt(D / n))^2`` (Marchenko,
Pastur): at n near D the least are near 0 though all are mu, their inverses say nothing of fresh rows, and what is built
on h is lost there (``E |h|^2 = D n / (n - D - 1)`` in place of D). ``(D / n)^2 mu`` lies below that spread for n >=
2.62 D: there features of one scale are whitened exactly, and all others as far as their eigenvalues pass it. At n <= D
no direction is magnified more than the average one.

The features of a random layer have one scale, and a spectrum that falls with the degree of what they see. What lies
below 1e-3 of the largest is high degrees of x, aliased, and as loud as the signal once lifted to 1: their floor is
nowhere lower.

A model that sees h only through ``w'h`` is the same at ``v = Sigma^{-1/2} w`` on g, and the plain norm of w is
``|v Sigma^{1/2}|``.
"""

from __future__ import annotations

from numbers import Integral

import numpy as np
from scipy.linalg import eigh
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from layerwise.representations._validation import check_inputs
from layerwise.solvers.gram import FeatureBlocks, normal_equations

#: Eigenvalues of the second moment up to this fraction of the largest are dropped.
DROPPED = 1e-6


def whitening(features: FeatureBlocks, floor: float = 0.0) -> np.ndarray:
    """``Sigma^{-1/2}`` of shape (width, width), in float64, symmetric; its rank is the number of eigenvalues kept.

    ``floor`` is a second one, relative to the largest eigenvalue.

    n width^2 flops by row blocks for Sigma and 9 width^3 for the root; memory 4 width^2 in float64 and two blocks.
    """
    n, width = features.shape
    s, Q = eigh(normal_equations(features, np.zeros(n))[0] / n, driver="evd", overwrite_a=True)
    keep, floor = s > DROPPED * s[-1], max(floor * s[-1], min(width / n, 1) ** 2 * s.mean())
    Q = Q[:, keep]
    return (Q / np.sqrt(np.maximum(s[keep], floor))) @ Q.T


class WhitenedFeatures(ClassNamePrefixFeaturesOutMixin, TransformerMixin):
    """What transformers with a parameter ``whiten`` share.

    They compute g(x) by ``_features(X)`` and call ``_fit_whitening`` at the end of their fit.
    """

    whiten: bool
    #: Eigenvalues below this fraction of the largest are raised to it, whatever n is.
    _floor = 0.0

    def _fit_whitening(self, X: np.ndarray, width: int) -> None:
        """Set ``whitening_`` of shape (width, width), None where ``whiten`` is False."""
        if not isinstance(self.whiten, bool | np.bool_):
            raise ValueError(f"whiten={self.whiten!r} must be True or False. Give whiten=True for Sigma^(-1/2) g(x).")
        self._width, self.whitening_ = width, None
        if self.whiten:
            self.whitening_ = whitening(FeatureBlocks(X, self._features, width), self._floor).astype(X.dtype)

    def transform(self, X):
        """Features of shape (n_samples, n_features_out)."""
        check_is_fitted(self)
        g = self._features(check_inputs(self, X))
        return g if self.whitening_ is None else g @ self.whitening_

    def _features(self, X: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    @property
    def _n_features_out(self) -> int:
        return self._width


class WhitenedInputs(WhitenedFeatures, BaseEstimator):
    """``Sigma^{-1/2} x``: no representation but the inputs themselves."""

    whiten = True

    def fit(self, X, y=None):
        """Fit the whitening to X (n_samples, n_features); y is ignored."""
        X = check_inputs(self, X, reset=True)
        self._fit_whitening(X, X.shape[1])
        return self

    def _features(self, X: np.ndarray) -> np.ndarray:
        return X


def check_degree(degree: object) -> int:
    """A degree >= 0 as an int."""
    if not isinstance(degree, Integral) or isinstance(degree, bool) or degree < 0:
        raise ValueError(f"degree={degree!r} must be an integer >= 0. Give e.g. degree=2.")
    return int(degree)
