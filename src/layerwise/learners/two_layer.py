"""Two layers, one gradient step on the first, then the head (Damian, Lee, Soltanolkotabi 2022, Algorithm 1)."""

from __future__ import annotations

from typing import Literal

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, RegressorMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from layerwise.learners._head import Auto, LinearPartAndHead, RandomState, Validation
from layerwise.learners._linear_part import LinearPart, warn_unscaled
from layerwise.representations import FirstStep
from layerwise.representations._validation import check_inputs, check_samples
from layerwise.solvers import FeatureBlocks


class TwoLayerRegressor(
    ClassNamePrefixFeaturesOutMixin, TransformerMixin, RegressorMixin, LinearPartAndHead, BaseEstimator
):
    """Two-layer ReLU network: one gradient step on the first layer, then the head.

    Learns ``f(x) = alpha + beta'x + sum_j a_j relu(w_j'x + b_j)`` as Algorithm 1 of Damian et al. 2022 does::

        1  remove alpha + beta'x from y
        2  one full-batch step on W, which erases its initialisation: w_j = 2 eta_1 a_j g(w_j)
        3  b_j ~ N(0, 1) afresh
        4  a by gradient descent with weight decay, W and b frozen
        5  return f

    The theory is about isotropic, centred inputs: standardise the columns of a table first, and use ``linear="ridge"``.

    Parameters
    ----------
    width : int, default=1000
        m, the number of neurons, even.
    step_size : float or "auto", default="auto"
        eta_1 of line 2; "auto" gives the pre-activations half the scale of the biases (see `FirstStep`).
    linear : {"moment", "ridge", "none"}, default="moment"
        Line 1: ``beta = (1/n) sum_i (y_i - alpha) x_i``, right for centred isotropic inputs; or ridge regression, its
        penalty chosen by leave-one-out, for columns that are correlated or in units of their own; or beta = 0. (The
        paper writes y_i for y_i - alpha: the same limit, but it would fit alpha * mean(x) to a constant y.)
    n_steps : int, optional
        T of line 4, from the initial a. None is its limit T -> inf: ridge regression.
    head_step_size : float or "auto", default="auto"
        eta of line 4; "auto" is the inverse of the largest curvature.
    penalty : float or "auto", default="auto"
        lambda of line 4, the weight of ``|a|^2 / 2``; "auto" chooses from a path, for the limit, by ``validation``.
    validation : "loo" or float, default="loo"
        Leave-one-out in closed form, or the fraction of rows held out (as in the paper).
    solver : {"exact", "gd"}, default="exact"
        The T steps of line 4 at once, by a Chebyshev expansion, or by the literal loop. Same weights to rounding.
    random_state : int, RandomState or None

    Attributes
    ----------
    intercept_ : float
        alpha.
    linear_coef_ : ndarray of shape (n_features,)
        beta.
    first_step_ : FirstStep
        W (``weights_``), b (``biases_``), eta_1 (``step_size_``).
    head_coef_ : ndarray of shape (width,)
        a.
    directions_ : ndarray of shape (min(width, n_features), n_features)
        Orthonormal rows: principal directions of W, the strongest first. The relevant ones stand out.
    singular_values_ : ndarray of shape (min(width, n_features),)
        Of W, one a direction.
    history_ : list of dict
        Stage by stage: the mean square loss, and what the stage chose.
    n_features_in_ : int

    Notes
    -----
    2 n width d flops for the step; for the head n width^2 (Gram matrix), 9 width^3 (its eigenvectors), and
    2 n width^2 (leave-one-out). Peak memory as `layerwise.solvers.ridge`, 4 min(n, width)^2 and a few blocks of rows;
    ``solver="gd"`` holds the n * width features.

    References
    ----------
    Damian, Lee, Soltanolkotabi 2022, Algorithm 1; `fit_head` is the transfer of its Theorem 3.
    """

    def __init__(
        self,
        width: int = 1000,
        *,
        step_size: Auto = "auto",
        linear: LinearPart = "moment",
        n_steps: int | None = None,
        head_step_size: Auto = "auto",
        penalty: Auto = "auto",
        validation: Validation = "loo",
        solver: Literal["exact", "gd"] = "exact",
        random_state: RandomState = None,
    ):
        self.width = width
        self.step_size: Auto = step_size
        self.linear: LinearPart = linear
        self.n_steps = n_steps
        self.head_step_size: Auto = head_step_size
        self.penalty: Auto = penalty
        self.validation: Validation = validation
        self.solver: Literal["exact", "gd"] = solver
        self.random_state = random_state

    def fit(self, X, y):
        """Lines 1 to 4 on X (n_samples, n_features), y (n_samples,)."""
        X, y = check_samples(self, X, y)
        self._check_linear_part_and_head()
        if self.linear == "moment":
            warn_unscaled(X)
        rng = check_random_state(self.random_state)
        residual = self._remove_linear_part(X, y)  # line 1
        self.first_step_ = FirstStep(self.width, step_size=self.step_size, random_state=rng.randint(2**31 - 1))
        self.first_step_.fit(X, residual)  # lines 2 and 3
        self.history_.append({"stage": "first step", "step_size": self.first_step_.step_size_})
        self._find_directions()
        self._fit_head(X, residual, rng)  # line 4
        return self

    def fit_head(self, X, y):
        """Keep W and b, retrain the head (alpha and a; beta = 0) on a new task's X (n_samples, n_features), y.

        The transfer of Theorem 3: the samples this needs do not grow with the dimension, where the new target depends
        on the directions learnt by `fit`.
        """
        check_is_fitted(self)
        X, y = check_samples(self, X, y, reset=False)
        self.intercept_ = float(y.mean())
        self.linear_coef_ = np.zeros_like(self.linear_coef_)
        self._fit_head(X, y - y.mean(), check_random_state(self.random_state))
        return self

    def transform(self, X):
        """The learnt features ``relu(W x + b)``, of shape (n_samples, width)."""
        check_is_fitted(self)
        return self.first_step_.transform(check_inputs(self, X))

    def predict(self, X):
        """Line 5: ``alpha + beta'x + a'relu(W x + b)``, of shape (n_samples,)."""
        check_is_fitted(self)
        X = check_inputs(self, X)
        features = FeatureBlocks(X, self.first_step_.transform, self.width)
        return features @ self.head_coef_ + X @ self.linear_coef_ + self.intercept_

    @property
    def _n_features_out(self):
        return self.width

    def _find_directions(self):
        _, self.singular_values_, rows = np.linalg.svd(self.first_step_.weights_, full_matrices=False)
        largest = rows[np.arange(len(rows)), np.argmax(np.abs(rows), axis=1)]
        self.directions_ = rows * np.where(largest < 0, -1, 1).astype(rows.dtype)[:, None]

    def _fit_head(self, X, y, rng):
        features = FeatureBlocks(X, self.first_step_.transform, self.width)
        _, record = self._train_head([features], y, rng, self.first_step_.signs_)
        self.history_.append(record)
