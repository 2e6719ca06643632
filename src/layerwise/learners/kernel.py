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
from layerwise.solvers.kernel_iterations import iterated_kernel_ridge, iterations_bytes, pivoted_cholesky, rank_within

#: Least rank of the preconditioner of conjugate gradients: a fit whose memory allows less is refused.
MIN_RANK = 64
#: Fraction of the rows held out for them instead of leave-one-out.
ITERATED_VALIDATION = 0.1


@dataclass(eq=False, repr=False)
class KernelRegressor(Learner):
    """Kernel ridge regression ``f(x) = mean(y) + sum_i alpha_i k(x, x_i)`` with its penalty chosen from the data.

    Parameters
    ----------
    kernel : {"ntk", "arc-cosine", "polynomial"} or kernel object, default="ntk"
        "ntk" is the neural tangent kernel of a ReLU network, "arc-cosine" the kernel of its last layer alone, and
        "polynomial" is ``(x.z / d + bias)^degree``. An object, to which the next four parameters do not apply, is
        called as ``kernel(X)`` for the matrix of shape (n_samples, n_samples) and as ``kernel.dot(X, Z, alpha)`` for
        ``k(X, Z) @ alpha``, like a `layerwise.kernels.DotProductKernel`. In a study it is a table such as
        ``{ use = "NeuralTangentKernel", params = { depth = 3, activation = "erf" } }``.
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
        Largest number of bytes that the fit may take; see `memory_bytes`. Where four n x n matrices do not fit, a
        `layerwise.kernels.DotProductKernel` is fitted by conjugate gradients, see Notes.
    random_state : int, RandomState or None
        Draws the rows held out, and the pivots of the preconditioner.

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
        ``max_memory``.

    Notes
    -----
    Conjugate gradients recompute the kernel's tiles in each step, n^2 / 2 entries, with a preconditioner from randomly
    pivoted Cholesky of the largest rank up to 10 sqrt(n) that fits; see `layerwise.solvers.kernel_iterations`. With
    validation="loo" a tenth of the rows is then held out, and 9 penalties are tried. They stop where the residual is
    1 % of the validation error, and compute tiles in float32; for a given penalty they stop at 1e-6 of y.

    References
    ----------
    Jacot, Gabriel, Hongler 2018; Cho & Saul 2009; Diaz, Epperly, Frangella, Tropp, Webber 2023 (the preconditioner).

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
        self.intercept_ = float(y.mean())
        rng, centred, penalty = check_random_state(self.random_state), y - y.mean(), as_number(self.penalty)
        if dense_bytes(len(y)) <= self.max_memory:
            path = kernel_ridge(self.kernel_(X), centred, penalty, held_out=held_out_rows(self.validation, len(y), rng))
        else:
            path = self._iterate(X, centred.astype(float), penalty, rng)
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
        """Peak memory of `fit` in bytes: matrices of n x n in float64, or those of the iterations if these suffice."""
        dense = dense_bytes(n_samples)
        if dense <= self.max_memory or not isinstance(self._make_kernel(), DotProductKernel):
            return dense
        return iterations_bytes(n_samples, max(rank_within(n_samples, self.max_memory), min(MIN_RANK, n_samples)))

    def _iterate(self, X, y, penalty: float | None, rng: np.random.RandomState):
        """Solve by conjugate gradients."""
        rows = held_out_rows(ITERATED_VALIDATION if self.validation == "loo" else self.validation, len(y), rng)
        assert rows is not None
        rank = max(rank_within(len(y), self.max_memory), min(MIN_RANK, len(y)))
        factor = pivoted_cholesky(self.kernel_.diagonal(X), lambda chosen: self.kernel_(X, X[chosen]), rank, rng)
        Z = X.astype(np.float32) if penalty is None else X  # whose rounding errors are far below the validation error
        return iterated_kernel_ridge(lambda V: self.kernel_.gram_dot(Z, V), *factor, y, penalty, rows)

    def _make_kernel(self) -> DotProductKernel:
        if self.kernel == "ntk":
            return NeuralTangentKernel(self.depth, self.bias)
        if self.kernel == "arc-cosine":
            return ArcCosineKernel(self.order, self.bias)
        if self.kernel == "polynomial":
            return PolynomialKernel(self.degree, self.bias)
        return cast("DotProductKernel", self.kernel)


def dense_bytes(n: int) -> int:
    """Peak memory with the kernel matrix: four n x n matrices in float64, and the errors of each row and penalty."""
    return 8 * (4 * n**2 + 200 * n)
