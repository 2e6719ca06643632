"""Features brought to second moment one: ``h(x) = Sigma^{-1/2} g(x)``, ``Sigma = (1/n) sum_i g(x_i) g(x_i)'``.

With ``Sigma = Q diag(s) Q'`` the root is taken on the eigenvalues above ``FLOOR * max(s)`` and is 0 on the others:
there the sample says nothing of the features (as where n < width, or where they are linearly dependent), and a small
eigenvalue lifted to 1 would be rounding, or a few rows, magnified. So ``mean h h' = P``, a projector, the identity
where none is dropped. A model that sees h only through ``w'h`` is the same at ``w Sigma^{-1/2}`` on g, and the plain
norm of w is ``|v Sigma^{1/2}|`` of ``v = w Sigma^{-1/2}``.
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
FLOOR = 1e-6


def whitening(features: FeatureBlocks) -> np.ndarray:
    """``Sigma^{-1/2}`` of shape (width, width), in float64, symmetric; its rank is the number of eigenvalues kept.

    n width^2 flops by row blocks for Sigma and 9 width^3 for the root; memory 4 width^2 in float64 and two blocks.
    """
    n = features.shape[0]
    s, Q = eigh(normal_equations(features, np.zeros(n))[0] / n, driver="evd", overwrite_a=True)
    keep = s > FLOOR * s[-1]
    Q = Q[:, keep]
    return (Q / np.sqrt(s[keep])) @ Q.T


class WhitenedFeatures(ClassNamePrefixFeaturesOutMixin, TransformerMixin):
    """What transformers with a parameter ``whiten`` share.

    They compute g(x) by ``_features(X)`` and call ``_fit_whitening`` at the end of their fit.
    """

    whiten: bool

    def _fit_whitening(self, X: np.ndarray, width: int) -> None:
        """Set ``whitening_`` of shape (width, width), None where ``whiten`` is False."""
        if not isinstance(self.whiten, bool | np.bool_):
            raise ValueError(f"whiten={self.whiten!r} must be True or False. Give whiten=True for Sigma^(-1/2) g(x).")
        self._width, self.whitening_ = width, None
        if self.whiten:
            self.whitening_ = whitening(FeatureBlocks(X, self._features, width)).astype(X.dtype)

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
