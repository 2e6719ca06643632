"""Whitened features: ``h(x) = Sigma^{-1/2} g(x)`` with the second moment ``Sigma = (1/n) sum_i g(x_i) g(x_i)'``.

Small eigenvalues of ``Sigma = Q diag(s) Q'``, for D features, are treated by the rule

    root = s^{-1/2}            where s is above the floor,
    root = floor^{-1/2}        where s is below: that direction is shrunk to s / floor < 1 instead of amplified,
    root = 0                   where s is at most 1e-6 of the largest: the sample carries no information there
                               (linearly dependent columns, n < D),

    floor = min(D / n, 1)^2 * mean(s).

*Why.* If all eigenvalues of the population are mu, those of a sample of n rows spread over ``mu (1 +- sqrt(D / n))^2``
(Marchenko, Pastur). For n close to D the smallest are close to 0 although the population has mu there; their inverses
are useless for new rows (``E |h|^2 = D n / (n - D - 1)`` instead of D). For n >= 2.62 D the floor ``(D / n)^2 mu`` lies
below that spread, and features of equal scale are whitened exactly. For n <= D no direction is amplified more than the
average one. The spectrum of a random layer decays with the polynomial degree that it represents: directions below 1e-3
of the largest eigenvalue are aliased high degrees of x, and random layers also use that value as a floor.

A model that depends on h through ``w'h`` only is the same model at ``v = Sigma^{-1/2} w`` on g, and the Euclidean norm
of w is ``|Sigma^{1/2} v|``.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import eigh
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from layerwise._validation import Flag
from layerwise.representations._validation import check_inputs
from layerwise.solvers.gram import FeatureBlocks, normal_equations

#: Eigenvalues of the second moment up to this fraction of the largest are dropped.
DROPPED_FRACTION = 1e-6


def whitening(features: FeatureBlocks, floor_fraction: float = 0.0) -> np.ndarray:
    """Compute ``Sigma^{-1/2}`` of shape (width, width), symmetric and in float64.

    ``floor_fraction`` is a second floor for the eigenvalues, as a fraction of the largest. It takes n width^2 flops by
    row blocks for Sigma and 9 width^3 for the root; memory 4 width^2 in float64 and two blocks.
    """
    n, width = features.shape
    s, Q = eigh(normal_equations(features, np.zeros(n))[0] / n, driver="evd", overwrite_a=True)
    keep, floor = s > DROPPED_FRACTION * s[-1], max(floor_fraction * s[-1], min(width / n, 1) ** 2 * s.mean())
    Q = Q[:, keep]
    return (Q / np.sqrt(np.maximum(s[keep], floor))) @ Q.T


class WhitenedFeatures(ClassNamePrefixFeaturesOutMixin, TransformerMixin):
    """Base of the transformers that have a parameter ``whiten``.

    Subclasses compute g(x) in ``_features(X)`` and call ``_fit_whitening`` at the end of ``fit``.
    """

    whiten: bool
    #: Eigenvalues of the second moment below this fraction of the largest are raised to it, for any n.
    _floor_fraction = 0.0

    def _fit_whitening(self, X: np.ndarray, width: int) -> None:
        """Set ``whitening_`` of shape (width, width), or None if ``whiten`` is False."""
        Flag().check(self.whiten, "whiten")
        self._width, self.whitening_ = width, None
        if self.whiten:
            self.whitening_ = whitening(FeatureBlocks(X, self._features, width), self._floor_fraction).astype(X.dtype)

    def transform(self, X):
        """Compute the features, of shape (n_samples, n_features_out)."""
        check_is_fitted(self)
        g = self._features(check_inputs(self, X))
        return g if self.whitening_ is None else g @ self.whitening_

    def _features(self, X: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    @property
    def _n_features_out(self) -> int:
        return self._width


class WhitenedInputs(WhitenedFeatures, BaseEstimator):
    """The whitened inputs, ``Sigma^{-1/2} x``."""

    whiten = True

    def fit(self, X, y=None):
        """Fit the whitening to X (n_samples, n_features); y is ignored."""
        X = check_inputs(self, X, reset=True)
        self._fit_whitening(X, X.shape[1])
        return self

    def _features(self, X: np.ndarray) -> np.ndarray:
        return X
