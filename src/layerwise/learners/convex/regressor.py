"""Least squares in the function spaces of wide two-layer networks: F1 (total variation) and F2 (Hilbert)."""

from __future__ import annotations

import warnings
from dataclasses import KW_ONLY, dataclass
from typing import ClassVar, Literal

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from layerwise._validation import Choice, Constraint, Fraction, Integer, Number
from layerwise.activations import Activation, ActivationLike, as_activation
from layerwise.kernels import activation_kernel
from layerwise.learners._base import PENALTY, PENALTY_OR_ZERO, Auto, Learner, RandomState, Validation, as_number
from layerwise.learners._describe import column_names, describe_directions
from layerwise.learners._head import held_out_rows
from layerwise.learners.convex.penalty_path import follow_path
from layerwise.learners.convex.total_variation import TotalVariation, total_variation_bytes
from layerwise.solvers import FeatureBlocks, RidgePath, kernel_ridge
from layerwise.solvers.frobenius import frobenius_regression, kernel_with_intercept
from layerwise.solvers.squared_errors import mean_square

#: Fraction of the rows on which validation="auto" chooses the penalty of F1.
HELD_OUT = 0.2


@dataclass(eq=False, repr=False)
class ConvexNeuralRegressor(Learner):
    """Infinitely wide two-layer network ``f(x) = alpha + sum_j a_j sigma(w_j'x + c b_j)``, a convex problem.

    Neurons (w_j, b_j) have unit length, and c is ``bias``. The two function spaces differ in the norm of the output
    weights; the fit is convex in the measure that they form on the set of all neurons (Bach 2017)::

        F1   (1/n) sum_i (f(x_i) - y_i)^2 + penalty sum_j |a_j|         adapts to few relevant directions
        F2   (1/n) sum_i (f(x_i) - y_i)^2 + (penalty / 2) |f|^2         kernel ridge regression, which does not

    *Quadratic activation.* ``f(x) = alpha + <M, z z'>`` with ``z = (x, c)``. The norm of F1 is the nuclear norm
    of M, minimised by accelerated proximal gradient to a certified duality gap. That of F2 is the Frobenius norm.

    *Other activations.* The norm of F1 is the total variation of a measure, minimised by conditional gradient with a
    heuristic search for neurons (the problem is hard). The kernel of F2 is ``E_w[sigma(w'z) sigma(w'v)]``, w uniform on
    the sphere, in closed form for ReLU and polynomials. alpha is not penalised: y and the features are centred.

    Parameters
    ----------
    space : {"F1", "F2"}, default="F1"
    activation : str, sequence of float, callable or Activation, default="quadratic"
        sigma, as accepted by `layerwise.activations.as_activation`: "quadratic" (``t^2``), "relu", the Hermite
        coefficients of a polynomial or, in F1, any function with a known first derivative ("tanh").
    bias : float, default=1.0
        c, a constant input of all neurons; 0 for none, which makes f even in x for "quadratic".
    penalty : float or "auto", default="auto"
        As above; positive in F1, where it has the units of y. "auto" chooses it from a path by ``validation``.
    validation : "auto", "loo" or float, default="auto"
        F2: leave-one-out in closed form ("auto", "loo"), or the fraction of rows held out. F1: the fraction of rows
        held out, 0.2 for "auto", on a path of decreasing penalties (3.5 decades for "quadratic", otherwise 2) that ends
        when the error no longer falls; then all rows are refitted.
    tol, max_iter : float and int, or "auto", default="auto"
        The gap at which F1 stops, as a fraction of the objective, and the most iterations of F1 for each penalty.
        "auto": 1e-4 and 2000 for "quadratic", otherwise 0.05 and 50.
    standardize : bool, default=True
        Standardise the columns (``scaler_``); x and all attributes then refer to the standardised columns. False is the
        literal algorithm.
    max_memory : int, default=8 * 2**30
        The most bytes that the fit may take.
    random_state : int, RandomState or None
        Draws the rows held out and the starts of the neuron search.

    Attributes
    ----------
    intercept_ : float
        alpha.
    coef_ : ndarray of shape (n_neurons,)
        a, by decreasing magnitude. "quadratic": the eigenvalues of M (in F1, the nonzero ones).
    neurons_, biases_ : ndarrays of shape (n_neurons, n_features) and (n_neurons,)
        w and c b.
    matrix_ : ndarray of shape (n_features + 1, n_features + 1)
        M, for "quadratic" only; without its last row and column if ``bias=0``.
    directions_, singular_values_ : ndarrays of shape (n_features, n_features) and (n_features,)
        Eigenvectors, as orthonormal rows, and eigenvalues of ``sum_j |a_j| w_j w_j'``, the largest first.
    kernel_, Z_fit_, dual_coef_ : DotProductKernel, ndarrays of shape (n_samples, n_features + 1) and (n_samples,)
        ``f = alpha + dual_coef_'k(Z_fit_, z)``: in F2, unless "quadratic", these replace coef_ to singular_values_.
    gap_, gap_certified_ : float and bool
        F1 only: a bound of the objective's distance from its minimum, in the units of y squared, and whether it is an
        upper bound, as for "quadratic". For others it is that bound over the neurons found.
    n_iter_, history_ : int and list of dict
        Iterations (1 for F2), and a record of the penalty and its validation error, then of each iteration of F1.

    Raises
    ------
    ValueError
        If a parameter is not allowed, or the fit would take more than ``max_memory``.

    Warns
    -----
    ConvergenceWarning, UserWarning
        If ``max_iter`` ends F1 before the gap is within ``tol``; if F1 chose an end of its path with a large error.

    Notes
    -----
    F1, "quadratic": an iteration costs 2 n d^2 flops and the spectrum of a d x d matrix; memory 3 n d + 10 d^2 numbers.
    With n < d, an orthonormal basis of the span of the rows replaces the inputs, and d is n.
    Others: 120 n d flops for each of 64 starts and each neuron; memory 2 (ReLU) or 4 arrays of shape (n, 512).
    F2: ridge regression in dimension N, 9 N^3 flops and memory 4 N^2 numbers, with N = min(n, d (d+1) / 2) for
    "quadratic" and N = n for others.

    References
    ----------
    Bach 2017, "Breaking the curse of dimensionality with convex neural networks"; Lee 2020.
    """

    constraints: ClassVar[dict[str, Constraint]] = {
        "space": Choice("F1", "F2"),
        "bias": Number(zero=True),
        "penalty": PENALTY_OR_ZERO,
        "validation": Fraction("auto", "loo"),
        "tol": Number(auto=True),
        "max_iter": Integer(1, auto=True),
    }

    space: Literal["F1", "F2"] = "F1"
    activation: ActivationLike = "quadratic"
    _: KW_ONLY
    bias: float = 1.0
    penalty: Auto = "auto"
    validation: Literal["auto"] | Validation = "auto"
    tol: Auto = "auto"
    max_iter: Literal["auto"] | int = "auto"
    standardize: bool = True
    max_memory: float = 8 * 2**30
    random_state: RandomState = None

    n_features_in_: ClassVar[int]

    def fit(self, X, y):
        """Fit on X (n_samples, n_features), y (n_samples,)."""
        other = "space='F1', which forms no square matrices" if self.space == "F2" else "activation='quadratic'"
        X, y = self._check_fit(X, y, f"Fit fewer rows, or pass {other}")
        self._sigma, self._dtype, penalty = self._choose_activation(), X.dtype.name, as_number(self.penalty)
        if self.space == "F1":
            PENALTY.check(self.penalty, "penalty")
        rng = check_random_state(self.random_state)
        held_out = self._held_out_rows(len(y), penalty, rng)
        Z, target = self._inputs(X).astype(float, copy=False), y.astype(float, copy=False)
        mean = float(target.mean())
        scale = float(np.sqrt(mean_square(target - mean))) or 1.0  # the problem is solved for y of variance 1
        target = (target - mean) / scale
        if self.space == "F1":
            intercept = self._fit_total_variation(Z, target, penalty, held_out, scale, rng)
        else:
            fit = self._fit_frobenius if self._sigma.is_square else self._fit_kernel
            intercept, path = fit(Z, target, penalty, held_out, scale)
            self.history_, self.n_iter_ = [path.summary()], 1
            if path.errors.size:
                self.history_[0]["validation_loss"] *= scale**2
        self.intercept_ = mean + scale * intercept
        return self

    def predict(self, X):
        """Evaluate f, of shape (n_samples,): 2 n_new n_features n_neurons flops (F2: n_samples for n_neurons)."""
        X = self._check_inputs(X)
        if self.space == "F2" and not self._sigma.is_square:
            Z = self._inputs(X).astype(np.result_type(X, self.Z_fit_), copy=False)
            return self.kernel_.dot(Z, self.Z_fit_, self.dual_coef_) + self.intercept_

        def neurons(rows: np.ndarray) -> np.ndarray:
            return self._sigma(rows @ self.neurons_.T + self.biases_)

        return FeatureBlocks(X, neurons, max(1, len(self.coef_))) @ self.coef_ + self.intercept_

    def memory_bytes(self, n_samples, n_features):
        """Peak memory of `fit` in bytes, beside X and y, by formula."""
        sigma, n, d = self._choose_activation(), n_samples, n_features + bool(self.bias)
        if self.space == "F2":
            size = min(n, d * (d + 1) // 2) if sigma.is_square else n
            return 8 * 4 * size**2
        return total_variation_bytes(sigma, n, d) + 8 * n * d

    def describe(self, columns=None):
        """Sentences about the directions of the neurons, empty for a kernel; see `Learner.describe`."""
        check_is_fitted(self)
        if self.space == "F2" and not self._sigma.is_square:
            return []
        names = column_names(self, columns)
        return describe_directions(self.directions_, self.singular_values_, "of the output weights", names)

    def _choose_activation(self) -> Activation:
        """Return sigma; raises ValueError if the space has no algorithm for it."""
        sigma = as_activation(self.activation, constant=False)
        if sigma.is_square:
            return sigma
        if self.space == "F2":
            activation_kernel(sigma, 1)
        else:
            sigma.require_derivatives(1)
        return sigma if sigma.polynomial is None else sigma.by_monomials()

    def _held_out_rows(self, n: int, penalty: float | None, rng: np.random.RandomState) -> np.ndarray | None:
        """Mask of the rows that choose the penalty; None for leave-one-out and, in F1, for a given penalty."""
        if self.space == "F2":
            return held_out_rows("loo" if self.validation == "auto" else self.validation, n, rng)
        if self.validation == "loo":
            raise ValueError(
                "validation='loo' must not be combined with space='F1', where leave-one-out has no closed form. Pass a "
                "fraction of rows to hold out, e.g. 0.2, or 'auto'."
            )
        if penalty is not None:
            return None
        fraction = HELD_OUT if isinstance(self.validation, str) else float(self.validation)
        if not 0 < round(fraction * n) < n:
            raise ValueError(
                f"validation={self.validation!r} holds out {round(fraction * n)} of n_samples={n} rows; at least one "
                "must be held out and one kept. Pass more samples, another fraction, or a penalty, which needs none."
            )
        return held_out_rows(fraction, n, rng)

    def _fit_total_variation(self, Z, y, penalty, held_out, scale, rng) -> float:
        """Fit F1: the penalty on held-out rows, then f on all rows. Returns alpha in the units of this y."""
        tol, max_iter = (1e-4, 2000) if self._sigma.is_square else (0.05, 50)
        tol, max_iter = as_number(self.tol) or tol, int(as_number(self.max_iter) or max_iter)
        problem = TotalVariation(self._sigma, tol, max_iter, rng)
        turn = np.eye(0)
        if self._sigma.is_square and len(Z) < Z.shape[1]:  # the optimal neurons are in the span of the rows
            turn, triangle = np.linalg.qr(Z.T)
            Z = triangle.T
        start, record = None, {"stage": "head", "penalty": penalty}
        if penalty is None:
            Z_in, y_in, Z_out, y_out = Z[~held_out], y[~held_out], Z[held_out], y[held_out]
            penalty, start, choice = follow_path(
                problem.path(Z_in, y_in),
                lambda each, before: problem.solve(Z_in, y_in, each, before),
                lambda fit: fit.predict(Z_out, self._sigma),
                y_out,
                constant=mean_square(y_out - y_in.mean()),
            )
            choice["validation_loss"] *= scale**2
            record |= choice | {"penalty": scale * penalty}
        else:
            penalty /= scale
        fit = problem.solve(Z, y, penalty, start)
        if not fit.converged:
            warnings.warn(
                f"after {max_iter} iterations the duality gap is {fit.gap / fit.objective:.2g} of the objective, above "
                f"tol={tol}. Raise max_iter, tol or penalty={record['penalty']:.3g}.",
                ConvergenceWarning,
                stacklevel=3,
            )
        self.history_ = [record | {"loss": scale**2 * mean_square(y - fit.predict(Z, self._sigma))}]
        units = {"objective": scale**2, "gap": scale**2}
        for line in fit.history:
            self.history_.append({"stage": "iteration"} | {k: units.get(k, 1) * value for k, value in line.items()})
        self.n_iter_ = max(1, fit.history[-1]["iteration"])
        self.gap_, self.gap_certified_ = scale**2 * fit.gap, self._sigma.is_square
        self._keep_neurons(scale * fit.coefficients, fit.neurons @ turn.T if turn.size else fit.neurons)
        return fit.intercept

    def _fit_frobenius(self, Z, y, penalty, held_out, scale) -> tuple[float, RidgePath]:
        """Fit F2 of the quadratic activation. Returns alpha in the units of this y, and the path."""
        M, alpha, path = frobenius_regression(Z, y, penalty, held_out=held_out)
        eigenvalues, vectors = np.linalg.eigh(scale * M)
        self._keep_neurons(eigenvalues, vectors.T)
        return alpha, path

    def _fit_kernel(self, Z, y, penalty, held_out, scale) -> tuple[float, RidgePath]:
        """Fit F2 of the other activations. Returns alpha in the units of this y, and the path."""
        self.kernel_, weight = activation_kernel(self._sigma, Z.shape[1])
        K = weight * self.kernel_(Z)
        column_means = K.mean(axis=0)
        path = kernel_ridge(kernel_with_intercept(K), y, penalty, held_out=held_out)
        self.Z_fit_ = Z.astype(self._dtype)
        self.dual_coef_ = (scale * weight * path.coefficients).astype(self._dtype)
        return -float(column_means @ path.coefficients), path

    def _keep_neurons(self, coef: np.ndarray, neurons: np.ndarray) -> None:
        """Set the attributes that describe the neurons, by decreasing output weight, and their directions."""
        d, dtype = self.n_features_in_, self._dtype
        order = np.argsort(-np.abs(coef), kind="stable")
        coef, neurons = coef[order], neurons[order]
        strengths, vectors = np.linalg.eigh((neurons[:, :d].T * np.abs(coef)) @ neurons[:, :d])
        self.coef_, self.neurons_ = coef.astype(dtype), neurons[:, :d].astype(dtype)
        self.biases_ = (self.bias * neurons[:, d:].sum(axis=1)).astype(dtype)
        self.directions_ = vectors.T[::-1].astype(dtype)
        self.singular_values_ = np.maximum(strengths[::-1], 0).astype(dtype)
        if self._sigma.is_square:
            self.matrix_ = ((neurons.T * coef) @ neurons).astype(dtype)

    def _inputs(self, X: np.ndarray) -> np.ndarray:
        """Compute ``z = (x, c)``, of shape (n_samples, n_features + 1), or x if c = 0."""
        return np.hstack([X, np.full((len(X), 1), self.bias, dtype=X.dtype)]) if self.bias else X
