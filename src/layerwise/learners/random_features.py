"""Random features and ridge regression: a two-layer network whose first layer is not trained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from typing import ClassVar

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state

from layerwise._validation import Integer
from layerwise.learners._base import PENALTY_OR_ZERO, VALIDATION, Auto, Learner, RandomState, Validation, as_number
from layerwise.learners._head import held_out_rows
from layerwise.representations import RandomFeatures
from layerwise.solvers import FeatureBlocks, ridge
from layerwise.solvers.ridge_path import ridge_bytes


@dataclass(eq=False, repr=False)
class RandomFeatureRegressor(ClassNamePrefixFeaturesOutMixin, TransformerMixin, Learner):
    """Two-layer network with a random first layer: ``f(x) = alpha + sum_j a_j relu(w_j'x + b_j)``, a by ridge.

    Parameters
    ----------
    width : int, default=1000
        The number of neurons.
    activation : callable, optional
        An elementwise function; None is ReLU.
    penalty : float or "auto", default="auto"
        Weight of ``|a|^2 / 2`` in the loss; "auto" chooses from a path by ``validation``.
    validation : "loo" or float, default="loo"
        Leave-one-out in closed form, or the fraction of rows held out to choose the penalty.
    standardize : bool, default=True
        Standardise the columns (``scaler_``); x and all attributes then refer to the standardised columns. False is the
        literal algorithm.
    max_memory : float, default=8 * 2**30
        Largest number of bytes that the fit may take; see `memory_bytes`.
    random_state : int, RandomState or None

    Attributes
    ----------
    features_ : RandomFeatures
    intercept_ : float
        alpha, the mean of y.
    coef_ : ndarray of shape (width,)
        a.
    history_ : list of dict
        The penalty of the head and its validation error.

    Raises
    ------
    ValueError
        If a parameter is not allowed, the squares of y overflow or underflow, or the fit needs more than
        ``max_memory``.

    Notes
    -----
    Flops and peak memory are those of `layerwise.solvers.ridge`: 4 min(n, width)^2 floats and a few blocks of rows.

    References
    ----------
    Rahimi & Recht 2007; the baseline of Damian, Lee, Soltanolkotabi 2022, section 6.

    Examples
    --------
    >>> import numpy as np
    >>> from layerwise.learners import RandomFeatureRegressor
    >>> X = np.random.default_rng(0).standard_normal((500, 3))
    >>> model = RandomFeatureRegressor(200, random_state=0).fit(X, np.sin(X[:, 0]))
    >>> bool(model.score(X, np.sin(X[:, 0])) > 0.99)
    True
    """

    constraints: ClassVar = {"width": Integer(1), "penalty": PENALTY_OR_ZERO, "validation": VALIDATION}
    presets: ClassVar = {"random-features": {}}

    width: int = 1000
    _: KW_ONLY
    activation: Callable[[np.ndarray], np.ndarray] | None = None
    penalty: Auto = "auto"
    validation: Validation = "loo"
    standardize: bool = True
    max_memory: float = 8 * 2**30
    random_state: RandomState = None

    def fit(self, X, y):
        """Draw the layer and fit the head to X (n_samples, n_features) and y (n_samples,)."""
        X, y = self._check_fit(X, y, "Lower width")
        rng = check_random_state(self.random_state)
        self.features_ = RandomFeatures(
            self.width, activation=self.activation, random_state=rng.randint(2**31 - 1)
        ).fit(X)
        self.intercept_ = float(y.mean())
        blocks = FeatureBlocks(X, self.features_.transform, self.width)
        held_out = held_out_rows(self.validation, len(y), rng)
        path = ridge(blocks, y - y.mean(), as_number(self.penalty), held_out=held_out)
        self.coef_ = path.coefficients
        self.history_ = [path.summary()]
        return self

    def transform(self, X):
        """Features of shape (n_samples, width)."""
        return self.features_.transform(self._check_inputs(X))

    def predict(self, X):
        """Predictions of shape (n_samples,)."""
        X = self._check_inputs(X)
        return FeatureBlocks(X, self.features_.transform, self.width) @ self.coef_ + self.intercept_

    def memory_bytes(self, n_samples: int, n_features: int) -> int:
        """Peak memory of `fit` in bytes: the layer, and ridge regression on its features."""
        return 8 * 3 * self.width * n_features + ridge_bytes(n_samples, self.width, left_out=False)

    @property
    def _n_features_out(self):
        return self.width
