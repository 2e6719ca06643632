"""The function spaces of wide two-layer networks as learners: F1 (total variation) and F2 (Hilbert), both convex."""

from __future__ import annotations

import warnings
from numbers import Integral
from typing import Literal

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state, check_scalar
from sklearn.utils.validation import check_is_fitted

from layerwise.learners._head import (
    Auto,
    RandomState,
    Validation,
    check_memory,
    check_number,
    check_penalty,
    held_out_rows,
    mean_square,
)
from layerwise.representations._validation import check_inputs, check_samples
from layerwise.solvers import FeatureBlocks
from layerwise.solvers.neurons import SQUARE, NeuronFit
from layerwise.solvers.nuclear import frobenius_regression, largest_penalty, nuclear_norm_regression

#: Penalties tried for F1, as multiples of the least one at which f is constant.
RELATIVE_PENALTIES = np.logspace(-0.5, -4, 15)
#: The path ends once the held-out error has stood above its least this many penalties in a row.
PATIENCE = 3
#: Fraction of rows that choose F1's penalty under validation="auto".
HELD_OUT = 0.2


class ConvexNeuralRegressor(RegressorMixin, BaseEstimator):
    """Infinitely wide two-layer network ``f(x) = alpha + sum_j a_j sigma(w_j'(x - m) + c b_j)``, fitted whole.

    Neurons (w_j, b_j) are of unit length, c is ``bias``, m the mean of x (0 where ``bias=0``). The two spaces are two ways to weigh the output weights, and
    both make the fit a convex problem over all possible neurons (Bach 2017)::

        F1   (1/n) sum_i (f(x_i) - y_i)^2 + penalty sum_j |a_j|                    adapts to few relevant directions
        F2   (1/n) sum_i (f(x_i) - y_i)^2 + (penalty / 2) |f|^2                    kernel ridge regression, which cannot

    With the quadratic activation ``f(x) = alpha + <M, z z'>``, ``z = (x - m, c)``: F1 is the nuclear norm of M, solved by an
    accelerated proximal gradient to a certified duality gap, F2 its Frobenius norm, the kernel ``(z.z')^2``. alpha is
    not penalised in either: y and the features (or the kernel) are centred.

    Standardise the columns of X first; neither space is blind to their units.

    Parameters
    ----------
    space : {"F1", "F2"}, default="F1"
    activation : {"quadratic"}, default="quadratic"
        sigma: ``t^2``.
    bias : float, default=1.0
        c, the constant that neurons see beside x; 0 for functions that are even in x.
    penalty : float or "auto", default="auto"
        As above, > 0 in F1; in the units of y. "auto" chooses from a path by ``validation``.
    validation : "auto", "loo" or float, default="auto"
        F2: leave-one-out in closed form ("auto"), or the fraction of rows held out. F1: the fraction of rows held out,
        0.2 for "auto", along a warm-started path from large penalties down, then a fit to all rows.
    tol : float, default=1e-5
        The duality gap at which F1 stops, as a fraction of the variance of y.
    max_iter : int, default=2000
        Iterations of F1, for each penalty.
    max_memory : int, default=8 * 2**30
        Bytes the fit of F2 may take.
    random_state : int, RandomState or None
        Draws the rows held out.

    Attributes
    ----------
    intercept_ : float
        alpha.
    mean_ : ndarray of shape (n_features,)
        m.
    coef_ : ndarray of shape (n_neurons,)
        a, the largest first. With the quadratic activation the eigenvalues of M that are not 0.
    neurons_ : ndarray of shape (n_neurons, n_features)
        w.
    biases_ : ndarray of shape (n_neurons,)
        c b.
    matrix_ : ndarray of shape (n_features + 1, n_features + 1)
        M, without its last row and column where ``bias=0``.
    directions_ : ndarray of shape (n_features, n_features)
        Orthonormal rows: eigenvectors of ``sum_j |a_j| w_j w_j'``, the strongest first.
    singular_values_ : ndarray of shape (n_features,)
        Its eigenvalues.
    gap_ : float
        Of F1: a bound on the distance of the objective from its minimum, in the units of y squared.
    n_iter_ : int
        Iterations; 1 for F2, a closed form.
    history_ : list of dict
        "head": the penalty and its validation error. Then, of F1, "iteration": objective, gap and number of neurons.
    n_features_in_ : int

    Raises
    ------
    ValueError
        Where the n x n matrices of F2 would take more than ``max_memory``.

    Warns
    -----
    ConvergenceWarning
        Where ``max_iter`` ends F1 before the gap is within ``tol``.

    Notes
    -----
    An iteration of F1 is 2 n d^2 flops and the spectrum of a d x d matrix; memory 3 n d and 10 d^2. F2 is ridge
    regression in the smaller of n and ``q = d (d+1) / 2``: n q min(n, q) flops and 9 min^3; memory 4 min^2 and, for
    q < n, a few blocks of rows.

    References
    ----------
    Bach 2017, "Breaking the curse of dimensionality with convex neural networks"; Lee 2020.
    """

    def __init__(
        self,
        space: Literal["F1", "F2"] = "F1",
        activation: Literal["quadratic"] = "quadratic",
        *,
        bias: float = 1.0,
        penalty: Auto = "auto",
        validation: Literal["auto"] | Validation = "auto",
        tol: float = 1e-5,
        max_iter: int = 2000,
        max_memory: int = 8 * 2**30,
        random_state: RandomState = None,
    ):
        self.space: Literal["F1", "F2"] = space
        self.activation: Literal["quadratic"] = activation
        self.bias = bias
        self.penalty: Auto = penalty
        self.validation: Literal["auto"] | Validation = validation
        self.tol = tol
        self.max_iter = max_iter
        self.max_memory = max_memory
        self.random_state = random_state

    def fit(self, X, y):
        """Fit on X (n_samples, n_features), y (n_samples,)."""
        X, y = check_samples(self, X, y)
        penalty = self._check_choices(*X.shape)
        rng = check_random_state(self.random_state)
        held_out = held_out_rows(self._validation(), len(y), rng)
        self.mean_ = X.mean(axis=0) if self.bias else np.zeros(X.shape[1], dtype=X.dtype)
        Z, target = self._with_bias((X - self.mean_).astype(float, copy=False)), y.astype(float, copy=False)
        mean = float(target.mean())
        scale = float(np.sqrt(mean_square(target - mean))) or 1.0  # solved in units of y in which it has variance 1
        target = (target - mean) / scale
        if self.space == "F1":
            intercept = self._fit_total_variation(Z, target, penalty, held_out, scale, X.dtype)
        else:
            intercept = self._fit_hilbert(Z, target, penalty, held_out, scale, X.dtype)
        self.intercept_ = mean + scale * intercept
        return self

    def predict(self, X):
        """``f(x)``, of shape (n_samples,): 2 n_new n_features n_neurons flops."""
        check_is_fitted(self)
        X = check_inputs(self, X)
        width = max(1, len(self.coef_))
        blocks = FeatureBlocks(
            X, lambda rows: SQUARE.values((rows - self.mean_) @ self.neurons_.T + self.biases_), width
        )
        return blocks @ self.coef_ + self.intercept_

    def _fit_total_variation(self, Z, y, penalty, held_out, scale, dtype) -> float:
        """F1: the penalty on held-out rows, then all rows. Returns alpha, in the units of this y."""
        record: dict = {"stage": "head"}
        start = None
        if penalty is None:
            Z_in, y_in, Z_out, y_out = Z[~held_out], y[~held_out], Z[held_out], y[held_out]
            path = (largest_penalty(Z_in, y_in) or 1.0) * RELATIVE_PENALTIES
            errors, fits = [], []
            for each in path:
                fits.append(self._solve(Z_in, y_in, each, fits[-1] if fits else None))
                errors.append(mean_square(y_out - fits[-1].predict(Z_out, SQUARE)))
                best = int(np.argmin(errors))
                if len(errors) - 1 - best >= PATIENCE:
                    break
            start, penalty = fits[best], float(path[best])
            record |= {"penalty": scale * penalty, "validation_loss": scale**2 * errors[best]}
            record |= {"at_edge_of_path": best in (0, len(path) - 1)}
        else:
            record["penalty"] = penalty
            penalty /= scale
        fit = self._solve(Z, y, penalty, start)
        if not fit.converged:
            warnings.warn(
                f"after max_iter={self.max_iter} iterations the duality gap is {fit.gap:.2g} of the variance of y, over "
                f"tol={self.tol}. Raise max_iter or penalty={record['penalty']:.3g}, or standardise the columns of X.",
                ConvergenceWarning,
                stacklevel=3,
            )
        record["loss"] = scale**2 * mean_square(y - fit.predict(Z, SQUARE))
        units = {"objective": scale**2, "gap": scale**2}
        self.history_ = [record]
        for line in fit.history:
            self.history_.append({"stage": "iteration"} | {k: units.get(k, 1) * value for k, value in line.items()})
        self.n_iter_ = fit.history[-1]["iteration"]
        self.gap_ = scale**2 * fit.gap
        self._keep_neurons(scale * fit.coefficients, fit.neurons, dtype)
        return fit.intercept

    def _fit_hilbert(self, Z, y, penalty, held_out, scale, dtype) -> float:
        """F2: ridge regression. Returns alpha, in the units of this y."""
        M, alpha, path = frobenius_regression(Z, y, penalty, held_out=held_out)
        eigenvalues, vectors = np.linalg.eigh(scale * M)
        self.history_ = [path.summary()]
        if "validation_loss" in self.history_[0]:
            self.history_[0]["validation_loss"] *= scale**2
        self.n_iter_ = 1
        self._keep_neurons(eigenvalues, vectors.T, dtype)
        return alpha

    def _keep_neurons(self, coef: np.ndarray, neurons: np.ndarray, dtype) -> None:
        """The neurons, the largest first, the matrix and the directions they make."""
        order = np.argsort(-np.abs(coef), kind="stable")
        coef, neurons = coef[order], neurons[order]
        d = self.n_features_in_
        strengths, vectors = np.linalg.eigh((neurons[:, :d].T * np.abs(coef)) @ neurons[:, :d])
        self.coef_, self.neurons_ = coef.astype(dtype), neurons[:, :d].astype(dtype)
        self.biases_ = (self.bias * neurons[:, d:].sum(axis=1)).astype(dtype)
        self.directions_ = vectors.T[::-1].astype(dtype)
        self.singular_values_ = np.maximum(strengths[::-1], 0).astype(dtype)
        self.matrix_ = ((neurons.T * coef) @ neurons).astype(dtype)

    def _solve(self, Z: np.ndarray, y: np.ndarray, penalty: float, start: NeuronFit | None) -> NeuronFit:
        M = None if start is None else start.matrix
        return nuclear_norm_regression(Z, y, penalty, start=M, tol=self.tol, max_iter=self.max_iter)

    def _with_bias(self, X: np.ndarray) -> np.ndarray:
        """``z = (x - m, c)``, of shape (n_samples, n_features + 1)."""
        return np.hstack([X, np.full((len(X), 1), self.bias, dtype=X.dtype)]) if self.bias else X

    def _validation(self) -> Validation:
        if self.space == "F2":
            return "loo" if isinstance(self.validation, str) and self.validation == "auto" else self.validation
        if isinstance(self.validation, str) and self.validation == "loo":
            raise ValueError(
                "validation='loo' with space='F1', where leave-one-out has no closed form. Give a fraction of rows to "
                "hold out, e.g. 0.2, or 'auto'."
            )
        return HELD_OUT if isinstance(self.validation, str) and self.validation == "auto" else self.validation

    def _check_choices(self, n: int, d: int) -> float | None:
        """The penalty, None for "auto"."""
        if self.space not in ("F1", "F2"):
            raise ValueError(
                f"space={self.space!r} must be 'F1' (total variation) or 'F2' (Hilbert). Give one of them."
            )
        if self.activation != "quadratic":
            raise ValueError(f"activation={self.activation!r} must be 'quadratic'.")
        check_number(self.bias, "bias", zero=True)
        check_number(self.tol, "tol")
        check_scalar(self.max_iter, "max_iter", Integral, min_val=1)
        check_memory(self.max_memory)
        if self.space == "F1":
            return check_number(self.penalty, "penalty", auto=True)
        width = (d + bool(self.bias)) * (d + bool(self.bias) + 1) // 2
        peak = 4 * min(n, width) ** 2 * 8
        if peak > self.max_memory:
            raise ValueError(
                f"n_samples={n} and n_features={d} need {peak / 2**30:.1f} GiB for four square matrices of size "
                f"{min(n, width)}, over max_memory={self.max_memory / 2**30:.1f} GiB. Fit fewer rows, raise max_memory, "
                "or give space='F1', whose memory grows with n d."
            )
        return check_penalty(self.penalty)
