"""The candidates that learn no features: ridge regression on fixed features, and kernel ridge regression.

Each model chooses its parameters in `fit`; ``refit`` fits a copy with the same parameters to other rows, which takes
one factorisation.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.preprocessing import PolynomialFeatures, SplineTransformer

from layerwise.kernels import GaussianKernel, LaplaceKernel
from layerwise.learners.kernel import KernelRegressor
from layerwise.solvers import kernel_ridge, ridge

#: Numbers of knots that are tried for the splines.
KNOTS = (4, 8, 16)
#: Size of the constant column relative to the root sum of squares of all others: its coefficient is hardly penalised.
CONSTANT = 10.0
#: Kernels that are compared, on at most `KERNEL_ROWS` rows.
KERNELS = (
    *(GaussianKernel(bandwidth) for bandwidth in (0.5, 1.0, 2.0, 4.0, 8.0)),
    *(LaplaceKernel(bandwidth) for bandwidth in (1.0, 4.0)),
)
KERNEL_ROWS = 700
#: Up to this number of rows the penalty is chosen on all of them.
PENALTY_ROWS = 1300


class FeatureRidge(RegressorMixin, BaseEstimator):
    """Ridge regression on standardised features; penalty and features have the smallest leave-one-out error.

    Parameters
    ----------
    features : {"linear", "quadratic", "additive"}, default="linear"
        The columns alone; the columns with their squares and products; or the columns with cubic splines of each, with
        4, 8 or 16 knots.

    Attributes
    ----------
    transformer_ : transformer or None
        Computes the products or splines.
    penalty_ : float
    coef_, intercept_ : ndarray of shape (n_transformed,) and float
    """

    def __init__(self, features: Literal["linear", "quadratic", "additive"] = "linear"):
        self.features = features

    def fit(self, X, y):
        """Choose features and penalty, and fit."""
        if self.features == "linear":
            tried = [None]
        elif self.features == "quadratic":
            tried = [PolynomialFeatures(2, include_bias=False)]
        else:
            width = [k for k in KNOTS if k == KNOTS[0] or (k + 2) * X.shape[1] <= len(X)]
            tried = [SplineTransformer(k, extrapolation="linear", include_bias=False) for k in width]
        least = np.inf
        for transformer in tried:
            Phi, scaling = self._features(transformer, X)
            path = ridge(Phi, y - y.mean())
            if path.errors.min() < least:
                least = path.errors.min()
                self._set(transformer, scaling, path.coefficients, float(y.mean()), path.penalty)
        return self

    def refit(self, X, y):
        """A copy with the same features and penalty, fitted to other rows."""
        other: Any = clone(self)
        transformer = None if self.transformer_ is None else clone(self.transformer_)
        Phi, scaling = self._features(transformer, X)
        path = ridge(Phi, y - y.mean(), self.penalty_)
        other._set(transformer, scaling, path.coefficients, float(y.mean()), self.penalty_)
        return other

    def predict(self, X):
        """Predictions of shape (n_samples,)."""
        return self._basis(self.transformer_, X) @ self.coef_ + self.intercept_

    @staticmethod
    def _basis(transformer, X):
        if isinstance(transformer, SplineTransformer):
            return np.hstack([X, transformer.transform(X)])
        return X if transformer is None else transformer.transform(X)

    def _features(self, transformer, X):
        if transformer is not None:
            transformer.fit(X)
        Phi = self._basis(transformer, X)
        mean, scale = Phi.mean(axis=0), Phi.std(axis=0)
        scale = np.where(scale > 1e-10, scale, np.inf)
        Phi = (Phi - mean) / scale
        return np.insert(Phi, 0, CONSTANT * np.sqrt(Phi.shape[1]), axis=1), (mean, scale)

    def _set(self, transformer, scaling, coefficients, mean_y, penalty):
        mean, scale = scaling
        self.transformer_, self.penalty_ = transformer, penalty
        self.coef_ = coefficients[1:] / scale
        self.intercept_ = mean_y + CONSTANT * np.sqrt(len(scale)) * coefficients[0] - float(mean @ self.coef_)


class RadialRidge(RegressorMixin, BaseEstimator):
    """Kernel ridge regression with the Gaussian or Laplace kernel of smallest leave-one-out error.

    The kernel is chosen on at most 700 rows. The penalty is chosen on all rows if there are at most 1,300; otherwise it
    is that of the 700 rows, scaled such that ``n * penalty``, the noise variance of the Gaussian process, is the same.
    """

    def fit(self, X, y):
        """Choose kernel and penalty, and fit."""
        some = np.random.RandomState(0).permutation(len(X))[:KERNEL_ROWS]
        labels = y[some] - y.mean()
        paths = [(kernel, kernel_ridge(kernel(X[some]), labels)) for kernel in KERNELS]
        kernel, path = min(paths, key=lambda pair: pair[1].errors.min())
        n_some = len(some)
        if KERNEL_ROWS < len(X) <= PENALTY_ROWS:
            path, n_some = kernel_ridge(kernel(X), y - y.mean()), len(X)
        self.kernel_, self.noise_ = kernel, path.penalty * n_some
        self.model_ = self._solve(X, y)
        return self

    def refit(self, X, y):
        """A copy with the same kernel and noise, fitted to other rows."""
        other: Any = clone(self)
        other.kernel_, other.noise_ = self.kernel_, self.noise_
        other.model_ = other._solve(X, y)
        return other

    def predict(self, X):
        """Predictions of shape (n_samples,)."""
        return self.model_.predict(X)

    def _solve(self, X, y):
        model = KernelRegressor(self.kernel_, penalty=self.noise_ / len(y), max_memory=np.inf)
        return model.fit(X, y)
