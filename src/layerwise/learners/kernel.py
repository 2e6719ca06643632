"""Kernel ridge regression with the kernels of wide networks: what training without feature learning achieves."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import ClassVar, Literal, cast

import numpy as np
from sklearn.utils import check_random_state

from layerwise.kernels import ArcCosineKernel, DotProductKernel, NeuralTangentKernel, PolynomialKernel
from layerwise.learners._base import PENALTY_OR_ZERO, VALIDATION, Auto, Learner, RandomState, Validation, as_number
from layerwise.learners._head import held_out_rows
from layerwise.learners._kernels import KernelChoice
from layerwise.solvers import kernel_ridge


@dataclass(eq=False, repr=False)
class KernelRegressor(Learner):
    """Kernel ridge regression ``f(x) = mean(y) + sum_i alpha_i k(x, x_i)`` with its penalty chosen from the data.

    Parameters
    ----------
    kernel : {"ntk", "arc-cosine", "polynomial"} or kernel object, default="ntk"
        "ntk" is the neural tangent kernel of a ReLU network, "arc-cosine" the kernel of its last layer alone, and
        "polynomial" is ``(x.z / d + bias)^degree``. An object, to which the next four parameters do not apply, is
        called as ``kernel(X)`` for the matrix of shape (n_samples, n_samples) and as ``kernel.dot(X, Z, alpha)`` for
        ``k(X, Z) @ alpha``, like a `layerwise.kernels.DotProductKernel`.
    depth, order, degree : int, default=2, 1 and 3
        Number of layers for "ntk", order (0, 1 or 2) of "arc-cosine", degree of "polynomial".
    bias : float, default=1.0
        Variance of the biases, or the constant of the polynomial kernel.
    penalty : float or "auto", default="auto"
        Weight of ``alpha' K alpha / 2`` in the loss; "auto" chooses from a path by ``validation``.
    validation : "loo" or float, default="loo"
        Leave-one-out in closed form (one eigendecomposition, 9 n^3 flops), or the fraction of rows held out (one
        Cholesky factorisation per penalty, n^3 / 3 flops each).
    standardize : bool, default=True
        Standardise the columns (``scaler_``); x and all attributes then refer to the standardised columns. False is the
        literal algorithm.
    max_memory : float, default=8 * 2**30
        Largest number of bytes that the fit may take; see `memory_bytes`.
    random_state : int, RandomState or None
        Draws the rows held out.

    Attributes
    ----------
    kernel_ : kernel object
    X_fit_ : ndarray of shape (n_samples, n_features)
    dual_coef_ : ndarray of shape (n_samples,)
        alpha.
    intercept_ : float
        The mean of y.
    history_ : list of dict
        The penalty and its validation error.

    Raises
    ------
    ValueError
        If a parameter is not allowed, the squares of y overflow or underflow, or the fit needs more than
        ``max_memory``: four n x n matrices in float64.

    References
    ----------
    Jacot, Gabriel, Hongler 2018; Cho & Saul 2009.

    Examples
    --------
    >>> import numpy as np
    >>> from layerwise.learners import KernelRegressor
    >>> X = np.random.default_rng(0).standard_normal((100, 3))
    >>> model = KernelRegressor("polynomial", degree=2).fit(X, X[:, 0] * X[:, 1])
    >>> bool(model.score(X, X[:, 0] * X[:, 1]) > 0.999)
    True
    """

    constraints: ClassVar = {
        "kernel": KernelChoice("ntk", "arc-cosine", "polynomial", methods=["dot"]),
        "penalty": PENALTY_OR_ZERO,
        "validation": VALIDATION,
    }
    presets: ClassVar = {"kernel": {}}

    kernel: Literal["ntk", "arc-cosine", "polynomial"] | DotProductKernel = "ntk"
    _: KW_ONLY
    depth: int = 2
    order: int = 1
    degree: int = 3
    bias: float = 1.0
    penalty: Auto = "auto"
    validation: Validation = "loo"
    standardize: bool = True
    max_memory: float = 8 * 2**30
    random_state: RandomState = None

    def fit(self, X, y):
        """Fit to X (n_samples, n_features) and y (n_samples,)."""
        X, y = self._check_fit(X, y, "Fit fewer rows, use RandomFeatureRegressor, whose memory does not grow with n")
        self.kernel_ = self._make_kernel()
        held_out = held_out_rows(self.validation, len(y), check_random_state(self.random_state))
        self.intercept_ = float(y.mean())
        path = kernel_ridge(self.kernel_(X), y - y.mean(), as_number(self.penalty), held_out=held_out)
        self.X_fit_ = X
        self.dual_coef_ = path.coefficients
        self.history_ = [path.summary()]
        return self

    def predict(self, X):
        """Predictions of shape (n_new,), in 2 n_new n d flops, without an (n_new, n) array."""
        X = self._check_inputs(X)
        if X.dtype != self.X_fit_.dtype:
            X = X.astype(np.result_type(X, self.X_fit_))
        return self.kernel_.dot(X, self.X_fit_, self.dual_coef_) + self.intercept_

    def memory_bytes(self, n_samples: int, n_features: int) -> int:
        """Peak memory of `fit` in bytes: four n x n matrices in float64, and the errors of each row and penalty."""
        return 8 * (4 * n_samples**2 + 200 * n_samples)

    def _make_kernel(self) -> DotProductKernel:
        if self.kernel == "ntk":
            return NeuralTangentKernel(self.depth, self.bias)
        if self.kernel == "arc-cosine":
            return ArcCosineKernel(self.order, self.bias)
        if self.kernel == "polynomial":
            return PolynomialKernel(self.degree, self.bias)
        return cast("DotProductKernel", self.kernel)
