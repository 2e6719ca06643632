"""The function spaces of wide two-layer networks as learners: F1 (total variation) and F2 (Hilbert), both convex."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Literal

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from layerwise.kernels import ArcCosineKernel, PolynomialActivationKernel
from layerwise.learners._head import Auto, RandomState, Validation, column_scales, mean_square
from layerwise.learners.convex.arguments import ConvexArguments
from layerwise.learners.convex.penalty_path import follow_path
from layerwise.representations._validation import check_inputs, check_samples
from layerwise.solvers import FeatureBlocks, kernel_ridge
from layerwise.solvers import conditional_gradient as measures
from layerwise.solvers.frobenius import frobenius_regression, kernel_with_intercept
from layerwise.solvers.neurons import NeuronFit, ReLU, Square
from layerwise.solvers.nuclear import largest_penalty, nuclear_norm_regression

#: Penalties tried for F1, as multiples of the least one at which f is constant: with the quadratic activation, and with
#: others, where a fit to a smaller one is of hundreds of neurons and takes minutes.
RELATIVE_PENALTIES, RELATIVE_PENALTIES_OF_OTHERS = np.logspace(-0.5, -4, 15), np.logspace(-0.5, -2.5, 5)


class ConvexNeuralRegressor(ConvexArguments, RegressorMixin, BaseEstimator):
    """Infinitely wide two-layer network, ``f(x) = alpha + sum_j a_j sigma(w_j'(x - m)/s + c b_j)``, fitted whole.

    Neurons (w_j, b_j) are of unit length, c is ``bias``, m the mean of x (0 where ``bias=0``), s the root mean square
    of the columns of x - m, so that their units do not matter. The two spaces are two ways to weigh output weights, and
    make the fit convex in the measure that they are on all neurons (Bach 2017)::

        F1   (1/n) sum_i (f(x_i) - y_i)^2 + penalty sum_j |a_j|         adapts to few relevant directions
        F2   (1/n) sum_i (f(x_i) - y_i)^2 + (penalty / 2) |f|^2         kernel ridge regression, which cannot

    ``activation="quadratic"``: ``f(x) = alpha + <M, z z'>``, ``z = ((x - m)/s, c)``. F1 is the nuclear norm of M, by
    accelerated proximal gradient to a certified duality gap; F2 its Frobenius norm, the kernel ``(z'v)^2``.

    Others: F1 is the total variation of a measure, by conditional gradient. Its neuron search is a heuristic (the
    problem is hard), so that the gap certifies nothing; see `gap_`. In F2 ``|f|^2 = int a(w)^2 dw``, w uniform on the
    sphere, the kernel ``E_w[sigma(w'z) sigma(w'v)]`` in closed form.

    alpha is not penalised: y and the features (or the kernel) are centred.

    Parameters
    ----------
    space : {"F1", "F2"}, default="F1"
    activation : {"quadratic", "relu"} or sequence of float, default="quadratic"
        sigma: ``t^2``, ``max(t, 0)``, or the polynomial ``sum_k activation[k] h_k`` in orthonormal Hermite polynomials.
    bias : float, default=1.0
        c, the constant that neurons see beside x; 0 for none. "quadratic" is then even in x.
    penalty : float or "auto", default="auto"
        As above; > 0 in F1, where it has the units of y. "auto" chooses from a path by ``validation``.
    validation : "auto", "loo" or float, default="auto"
        F2: leave-one-out in closed form ("auto", "loo"), or the fraction of rows held out. F1: the fraction of rows
        held out, 0.2 for "auto", along a path warm-started from large penalties down, until two in a row do not lower
        the error by 2 %, counted once it is 10 % below a constant's, or above; then a fit to all rows. The path spans
        3.5 decades for "quadratic", else 2.
    tol : float or "auto", default="auto"
        The gap at which F1 stops, as a fraction of the objective. "auto": 1e-4 for "quadratic", else 0.05.
    max_iter : int or "auto", default="auto"
        Iterations of F1, for each penalty. "auto": 2000 for "quadratic", else 50.
    max_memory : int, default=8 * 2**30
        Bytes the square matrices of F2 may take.
    random_state : int, RandomState or None
        Draws the rows held out, and the starts of the neuron search.

    Attributes
    ----------
    intercept_ : float
        alpha.
    mean_, scale_ : ndarray of shape (n_features,)
        m, and s: 1 for constant columns.
    coef_ : ndarray of shape (n_neurons,)
        a, the largest first. "quadratic": the eigenvalues of M (in F1 those that are not 0).
    neurons_ : ndarray of shape (n_neurons, n_features)
        w.
    biases_ : ndarray of shape (n_neurons,)
        c b.
    matrix_ : ndarray of shape (n_features + 1, n_features + 1)
        M, of "quadratic"; without its last row and column where ``bias=0``.
    directions_ : ndarray of shape (n_features, n_features)
        Orthonormal rows: eigenvectors of ``sum_j |a_j| w_j w_j'``, the strongest first, in standardised inputs.
    singular_values_ : ndarray of shape (n_features,)
        Its eigenvalues.
    kernel_, Z_fit_, dual_coef_ : DotProductKernel, ndarrays of shape (n_samples, n_features + 1) and (n_samples,)
        What F2 has instead of coef_ to singular_values_, unless "quadratic": ``f = alpha + dual_coef_'k(Z_fit_, z)``.
    gap_ : float
        Of F1, in the units of y squared. "quadratic": an upper bound of the objective's distance from its minimum.
        Others: that bound for the neurons the search found, itself a lower bound of the duality gap.
    gap_certified_ : bool
        Of F1: which of the two.
    n_iter_ : int
        Iterations; 1 for F2.
    history_ : list of dict
        "head": the penalty and its validation error. Then, of F1, "iteration": objective, gap and number of neurons.
    n_features_in_ : int

    Raises
    ------
    ValueError
        Where the square matrices of F2 would take more than ``max_memory``.

    Warns
    -----
    ConvergenceWarning
        Where ``max_iter`` ends F1 before the gap is within ``tol``.
    UserWarning
        Where the penalty that F1 chose is at an end of its path: none beats the constant on the rows held out, or a
        smaller one may be better (said where the error is over 10 % of a constant's).

    Notes
    -----
    F1: an iteration is 2 n d^2 flops and the spectrum of a d x d matrix; memory 3 n d and 10 d^2. Beside "quadratic",
    120 n d flops for each of 64 starts and each neuron; memory a few arrays (n, n_neurons).
    F2, "quadratic": ridge regression in the smaller of n and q = d (d+1) / 2, n q min(n, q) flops and 9 min^3; memory
    4 min^2 and a few blocks of rows. Others: 9 n^3 flops, memory 4 n^2.

    References
    ----------
    Bach 2017, "Breaking the curse of dimensionality with convex neural networks"; Lee 2020.
    """

    def __init__(
        self,
        space: Literal["F1", "F2"] = "F1",
        activation: Literal["quadratic", "relu"] | Sequence[float] = "quadratic",
        *,
        bias: float = 1.0,
        penalty: Auto = "auto",
        validation: Literal["auto"] | Validation = "auto",
        tol: Auto = "auto",
        max_iter: Literal["auto"] | int = "auto",
        max_memory: int = 8 * 2**30,
        random_state: RandomState = None,
    ):
        self.space: Literal["F1", "F2"] = space
        self.activation: Literal["quadratic", "relu"] | Sequence[float] = activation
        self.bias = bias
        self.penalty: Auto = penalty
        self.validation: Literal["auto"] | Validation = validation
        self.tol: Auto = tol
        self.max_iter: Literal["auto"] | int = max_iter
        self.max_memory = max_memory
        self.random_state = random_state

    def fit(self, X, y):
        """Fit on X (n_samples, n_features), y (n_samples,)."""
        X, y = check_samples(self, X, y)
        penalty = self._check_choices(*X.shape)
        rng = check_random_state(self.random_state)
        held_out = self._held_out_rows(len(y), penalty, rng)
        self.mean_ = X.mean(axis=0) if self.bias else np.zeros(X.shape[1], dtype=X.dtype)
        self.scale_ = column_scales(X - self.mean_, self.mean_).astype(X.dtype)
        Z, target = self._inputs(X).astype(float, copy=False), y.astype(float, copy=False)
        mean = float(target.mean())
        scale = float(np.sqrt(mean_square(target - mean))) or 1.0  # solved in units of y in which it has variance 1
        target = (target - mean) / scale
        if self.space == "F1":
            intercept = self._fit_total_variation(Z, target, penalty, held_out, scale, rng)
        elif isinstance(self._sigma, Square):
            intercept = self._fit_frobenius(Z, target, penalty, held_out, scale)
        else:
            intercept = self._fit_kernel(self._inputs(X), target, penalty, held_out, scale)
        self.intercept_ = mean + scale * intercept
        return self

    def predict(self, X):
        """``f(x)``, of shape (n_samples,): 2 n_new n_features n_neurons flops (F2: n_samples for n_neurons)."""
        check_is_fitted(self)
        X = check_inputs(self, X)
        if self.space == "F2" and not isinstance(self._sigma, Square):
            Z = self._inputs(X).astype(np.result_type(X, self.Z_fit_), copy=False)
            return self.kernel_.dot(Z, self.Z_fit_, self.dual_coef_) + self.intercept_

        def neurons(rows: np.ndarray) -> np.ndarray:
            return self._sigma.values((rows - self.mean_) / self.scale_ @ self.neurons_.T + self.biases_)

        return FeatureBlocks(X, neurons, max(1, len(self.coef_))) @ self.coef_ + self.intercept_

    def _fit_total_variation(self, Z, y, penalty, held_out, scale, rng) -> float:
        """F1: the penalty on held-out rows, then all rows. Returns alpha, in the units of this y."""
        start, record = None, {"stage": "head", "penalty": penalty}
        if penalty is None:
            Z_in, y_in, Z_out, y_out = Z[~held_out], y[~held_out], Z[held_out], y[held_out]
            penalty, start, choice = follow_path(
                self._path(Z_in, y_in, rng),
                lambda each, before: self._solve(Z_in, y_in, each, rng, before),
                lambda fit: fit.predict(Z_out, self._sigma),
                y_out,
                constant=mean_square(y_out - y_in.mean()),
            )
            choice["validation_loss"] *= scale**2
            record |= choice | {"penalty": scale * penalty}
        else:
            penalty /= scale
        fit = self._solve(Z, y, penalty, rng, start)
        if not fit.converged:
            warnings.warn(
                f"after {self._max_iter} iterations the duality gap is {fit.gap / fit.objective:.2g} of the objective, "
                f"over tol={self._tol}. Raise max_iter, tol or penalty={record['penalty']:.3g}.",
                ConvergenceWarning,
                stacklevel=3,
            )
        self.history_ = [record | {"loss": scale**2 * mean_square(y - fit.predict(Z, self._sigma))}]
        squares = {"objective": scale**2, "gap": scale**2}
        for line in fit.history:
            self.history_.append({"stage": "iteration"} | {k: squares.get(k, 1) * value for k, value in line.items()})
        self.n_iter_ = max(1, fit.history[-1]["iteration"])
        self.gap_, self.gap_certified_ = scale**2 * fit.gap, isinstance(self._sigma, Square)
        self._keep_neurons(scale * fit.coefficients, fit.neurons)
        return fit.intercept

    def _fit_frobenius(self, Z, y, penalty, held_out, scale) -> float:
        """F2 of the quadratic activation. Returns alpha, in the units of this y."""
        M, alpha, path = frobenius_regression(Z, y, penalty, held_out=held_out)
        self._tell_path(path, scale)
        eigenvalues, vectors = np.linalg.eigh(scale * M)
        self._keep_neurons(eigenvalues, vectors.T)
        return alpha

    def _fit_kernel(self, Z, y, penalty, held_out, scale) -> float:
        """F2 of the others. Returns alpha, in the units of this y."""
        if isinstance(self._sigma, ReLU):
            self.kernel_, weight = ArcCosineKernel(1), 0.5  # it is normalised as 2 E[...]
        else:
            self.kernel_, weight = PolynomialActivationKernel(self._series.coefficients.tolist(), Z.shape[1]), 1.0
        K = weight * self.kernel_(Z.astype(float, copy=False))
        fitted_by = K.mean(axis=0)
        path = kernel_ridge(kernel_with_intercept(K), y, penalty, held_out=held_out)
        self._tell_path(path, scale)
        self.Z_fit_, self.dual_coef_ = Z, (scale * weight * path.coefficients).astype(Z.dtype)
        return -float(fitted_by @ path.coefficients)

    def _tell_path(self, path, scale: float) -> None:
        self.history_, self.n_iter_ = [path.summary()], 1
        if path.errors.size:
            self.history_[0]["validation_loss"] *= scale**2

    def _keep_neurons(self, coef: np.ndarray, neurons: np.ndarray) -> None:
        """The neurons, the largest first, and the directions they make."""
        d, dtype = len(self.mean_), self.mean_.dtype
        order = np.argsort(-np.abs(coef), kind="stable")
        coef, neurons = coef[order], neurons[order]
        strengths, vectors = np.linalg.eigh((neurons[:, :d].T * np.abs(coef)) @ neurons[:, :d])
        self.coef_, self.neurons_ = coef.astype(dtype), neurons[:, :d].astype(dtype)
        self.biases_ = (self.bias * neurons[:, d:].sum(axis=1)).astype(dtype)
        self.directions_ = vectors.T[::-1].astype(dtype)
        self.singular_values_ = np.maximum(strengths[::-1], 0).astype(dtype)
        if isinstance(self._sigma, Square):
            self.matrix_ = ((neurons.T * coef) @ neurons).astype(dtype)

    def _solve(self, Z, y, penalty: float, rng, start: NeuronFit | None) -> NeuronFit:
        if isinstance(self._sigma, Square):
            M = None if start is None else start.matrix
            return nuclear_norm_regression(Z, y, penalty, start=M, tol=self._tol, max_iter=self._max_iter)
        return measures.total_variation_regression(
            Z, y, self._sigma, penalty, rng, start=start, tol=self._tol, max_iter=self._max_iter
        )

    def _path(self, Z, y, rng) -> np.ndarray:
        if isinstance(self._sigma, Square):
            return (largest_penalty(Z, y) or 1.0) * RELATIVE_PENALTIES
        return (measures.largest_penalty(Z, y, self._sigma, rng) or 1.0) * RELATIVE_PENALTIES_OF_OTHERS

    def _inputs(self, X: np.ndarray) -> np.ndarray:
        """``z = ((x - m)/s, c)``, of shape (n_samples, n_features + 1), or x/s where c = 0."""
        Z = (X - self.mean_) / self.scale_
        return np.hstack([Z, np.full((len(X), 1), self.bias, dtype=X.dtype)]) if self.bias else Z
