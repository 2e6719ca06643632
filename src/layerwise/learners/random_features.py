"""Random features and ridge regression: the kernel-regime baseline of the same width."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, RegressorMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from layerwise.learners._head import Auto, RandomState, Validation, check_penalty, held_out_rows
from layerwise.representations import RandomFeatures
from layerwise.representations._validation import check_inputs, check_samples
from layerwise.solvers import FeatureBlocks, ridge


class RandomFeatureRegressor(ClassNamePrefixFeaturesOutMixin, TransformerMixin, RegressorMixin, BaseEstimator):
    """Two-layer network whose first layer stays as drawn: ``f(x) = alpha + sum_j a_j relu(w_j'x + b_j)``.

    Parameters
    ----------
    width : int, default=1000
    activation : callable, optional
        Elementwise function; ReLU where None.
    penalty : float or "auto", default="auto"
        Weight of ``|a|^2 / 2`` beside the mean square error; "auto" chooses from a path by ``validation``.
    validation : "loo" or float, default="loo"
        Leave-one-out in closed form, or the fraction of rows held out to choose the penalty.
    random_state : int, RandomState or None

    Attributes
    ----------
    features_ : RandomFeatures
    intercept_ : float
        alpha, the mean of y.
    coef_ : ndarray of shape (width,)
        a.
    history_ : list of dict
        The head's penalty and its validation error.
    n_features_in_ : int

    Notes
    -----
    Flops and peak memory as `layerwise.solvers.ridge`: 4 min(n, width)^2 and a few blocks of rows.

    References
    ----------
    Rahimi & Recht 2007; baseline of Damian, Lee, Soltanolkotabi 2022, section 6.
    """

    def __init__(
        self,
        width: int = 1000,
        *,
        activation: Callable[[np.ndarray], np.ndarray] | None = None,
        penalty: Auto = "auto",
        validation: Validation = "loo",
        random_state: RandomState = None,
    ):
        self.width = width
        self.activation = activation
        self.penalty: Auto = penalty
        self.validation: Validation = validation
        self.random_state = random_state

    def fit(self, X, y):
        """Draw the layer, fit the head on X (n_samples, n_features), y (n_samples,)."""
        X, y = check_samples(self, X, y)
        rng = check_random_state(self.random_state)
        self.features_ = RandomFeatures(
            self.width, activation=self.activation, random_state=rng.randint(2**31 - 1)
        ).fit(X)
        self.intercept_ = float(y.mean())
        blocks = FeatureBlocks(X, self.features_.transform, self.width)
        held_out = held_out_rows(self.validation, len(y), rng)
        path = ridge(blocks, y - y.mean(), check_penalty(self.penalty), held_out=held_out)
        self.coef_ = path.coefficients
        self.history_ = [path.summary()]
        return self

    def transform(self, X):
        """Features of shape (n_samples, width)."""
        check_is_fitted(self)
        return self.features_.transform(check_inputs(self, X))

    def predict(self, X):
        """Predictions of shape (n_samples,)."""
        check_is_fitted(self)
        X = check_inputs(self, X)
        return FeatureBlocks(X, self.features_.transform, self.width) @ self.coef_ + self.intercept_

    @property
    def _n_features_out(self):
        return self.width
