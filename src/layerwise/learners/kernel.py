"""Kernel ridge regression with the kernels of wide networks: what training without feature learning can do."""

from __future__ import annotations

from typing import Literal

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from layerwise.kernels import ArcCosineKernel, DotProductKernel, NeuralTangentKernel, PolynomialKernel
from layerwise.learners._head import Auto, RandomState, Validation, check_penalty, held_out_rows
from layerwise.representations._validation import check_inputs, check_samples
from layerwise.solvers import kernel_ridge


class KernelRegressor(RegressorMixin, BaseEstimator):
    """Kernel ridge regression, ``f(x) = alpha_0 + sum_i alpha_i k(x, x_i)``, its penalty chosen from the data.

    Parameters
    ----------
    kernel : {"ntk", "arc-cosine", "polynomial"} or DotProductKernel, default="ntk"
        Neural tangent kernel of a ReLU network; kernel of its last layer alone; ``(x.z / d + bias)^degree``.
    depth : int, default=2
        Layers of the network of "ntk".
    order : {0, 1, 2}, default=1
        Of "arc-cosine".
    degree : int, default=3
        Of "polynomial".
    bias : float, default=1.0
        Variance of the biases, or the constant of the polynomial kernel.
    penalty : float or "auto", default="auto"
        Weight of ``alpha' K alpha / 2`` beside the mean square error.
    validation : "loo" or float, default="loo"
        Leave-one-out in closed form (one eigendecomposition, 9 n^3 flops), or the fraction of rows held out
        (a Cholesky factor a penalty, n^3 / 3 each).
    max_memory : int, default=8 * 2**30
        Bytes the fit may take.
    random_state : int, RandomState or None
        Draws the rows held out.

    Attributes
    ----------
    kernel_ : DotProductKernel
    X_fit_ : ndarray of shape (n_samples, n_features)
    dual_coef_ : ndarray of shape (n_samples,)
    intercept_ : float
    history_ : list of dict
    n_features_in_ : int

    Raises
    ------
    ValueError
        Where four n x n matrices in float64, the peak of the fit, would take more than ``max_memory``.

    References
    ----------
    Jacot, Gabriel, Hongler 2018; Cho & Saul 2009.
    """

    def __init__(
        self,
        kernel: Literal["ntk", "arc-cosine", "polynomial"] | DotProductKernel = "ntk",
        *,
        depth: int = 2,
        order: int = 1,
        degree: int = 3,
        bias: float = 1.0,
        penalty: Auto = "auto",
        validation: Validation = "loo",
        max_memory: int = 8 * 2**30,
        random_state: RandomState = None,
    ):
        self.kernel = kernel
        self.depth = depth
        self.order = order
        self.degree = degree
        self.bias = bias
        self.penalty: Auto = penalty
        self.validation: Validation = validation
        self.max_memory = max_memory
        self.random_state = random_state

    def fit(self, X, y):
        """Fit on X (n_samples, n_features), y (n_samples,)."""
        X, y = check_samples(self, X, y)
        peak = 4 * len(y) ** 2 * 8
        if peak > self.max_memory:
            raise ValueError(
                f"n_samples={len(y)} needs {peak / 2**30:.1f} GiB for four n x n matrices, over max_memory="
                f"{self.max_memory / 2**30:.1f} GiB. Fit fewer rows, raise max_memory, or use RandomFeatureRegressor, "
                "whose memory does not grow with n."
            )
        self.kernel_ = self._make_kernel()
        held_out = held_out_rows(self.validation, len(y), check_random_state(self.random_state))
        self.intercept_ = float(y.mean())
        path = kernel_ridge(self.kernel_(X), y - y.mean(), check_penalty(self.penalty), held_out=held_out)
        self.X_fit_ = X
        self.dual_coef_ = path.coefficients
        self.history_ = [path.summary()]
        return self

    def predict(self, X):
        """Predictions of shape (n_samples,): 2 n_new n d flops, never an (n_new, n) array."""
        check_is_fitted(self)
        X = check_inputs(self, X)
        if X.dtype != self.X_fit_.dtype:
            X = X.astype(np.result_type(X, self.X_fit_))
        return self.kernel_.dot(X, self.X_fit_, self.dual_coef_) + self.intercept_

    def _make_kernel(self) -> DotProductKernel:
        if isinstance(self.kernel, DotProductKernel):
            return self.kernel
        if self.kernel == "ntk":
            return NeuralTangentKernel(self.depth, self.bias)
        if self.kernel == "arc-cosine":
            return ArcCosineKernel(self.order, self.bias)
        if self.kernel == "polynomial":
            return PolynomialKernel(self.degree, self.bias)
        raise ValueError(
            f"kernel={self.kernel!r} must be 'ntk', 'arc-cosine', 'polynomial' or a layerwise.kernels.DotProductKernel."
        )
