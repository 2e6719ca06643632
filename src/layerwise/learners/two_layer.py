"""Two layers: one gradient step on the first, then the head (Damian, Lee, Soltanolkotabi 2022, Algorithm 1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import ClassVar, Literal

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from layerwise._validation import Integer
from layerwise.learners._base import Auto, Learner, RandomState, Validation
from layerwise.learners._describe import column_names, describe_directions
from layerwise.learners._head import HEAD_CONSTRAINTS, LinearPartAndHead, check_steps
from layerwise.learners._linear_part import LinearPart
from layerwise.representations import FirstStep
from layerwise.solvers import FeatureBlocks


@dataclass(eq=False, repr=False)
class TwoLayerRegressor(ClassNamePrefixFeaturesOutMixin, TransformerMixin, LinearPartAndHead, Learner):
    """Two-layer ReLU network: one gradient step on the first layer, then the head.

    Learns ``f(x) = alpha + beta'x + sum_j a_j relu(w_j'x + b_j)`` by Algorithm 1 of Damian et al. 2022::

        1  subtract alpha + beta'x from y
        2  one full-batch step on W that erases its initialisation: w_j = 2 eta_1 a_j g(w_j)
        3  draw new biases b_j ~ N(0, 1)
        4  train a by gradient descent with weight decay; W and b are frozen
        5  return f

    Parameters
    ----------
    width : int, default=1000
        m, the number of neurons; even.
    step_size : float or "auto", default="auto"
        eta_1 of line 2; "auto" gives the pre-activations half the scale of the biases (see `FirstStep`).
    linear : {"ridge", "moment", "none"}, default="ridge"
        Line 1. "ridge" is ridge regression with its penalty chosen by leave-one-out, right for correlated columns, too;
        "moment" is ``beta = (1/n) sum_i (y_i - alpha) x_i`` (the paper has y_i instead of y_i - alpha), which is right
        for centred isotropic inputs; "none" is beta = 0.
    n_steps : int, optional
        T of line 4, starting from the initial a. None is the limit T -> inf: ridge regression.
    head_step_size : float or "auto", default="auto"
        eta of line 4; "auto" is the inverse of the largest curvature.
    penalty : float or "auto", default="auto"
        lambda of line 4, the weight of ``|a|^2 / 2``; "auto" chooses from a path, for the limit, by ``validation``.
    validation : "loo" or float, default="loo"
        Leave-one-out in closed form, or the fraction of rows held out (as in the paper).
    solver : {"exact", "gd"}, default="exact"
        Take the T steps of line 4 at once, by a Chebyshev expansion, or in a literal loop. The weights are equal up to
        rounding.
    standardize : bool, default=True
        Standardise the columns (``scaler_``); x and all attributes then refer to the standardised columns. False is the
        literal algorithm.
    max_memory : float, default=8 * 2**30
        Largest number of bytes that the fit may take; see `memory_bytes`.
    random_state : int, RandomState or None

    Attributes
    ----------
    intercept_, linear_coef_ : float and ndarray of shape (n_features,)
        alpha and beta.
    first_step_ : FirstStep
        W (``weights_``), b (``biases_``) and eta_1 (``step_size_``).
    head_coef_ : ndarray of shape (width,)
        a.
    directions_, singular_values_ : ndarrays of shape (k, n_features) and (k,), k = min(width, n_features)
        Orthonormal rows, the principal directions of W, the strongest first, and its singular values.
    history_ : list of dict
        For each stage, the mean squared loss and what was chosen.

    Raises
    ------
    ValueError
        If a parameter is not allowed, the squares of y overflow or underflow, or the fit needs more than
        ``max_memory``.

    Notes
    -----
    The step costs 2 n width d flops. The head has the flops and the peak memory of `layerwise.solvers.ridge`;
    ``solver="gd"`` also holds the n * width features.

    References
    ----------
    Damian, Lee, Soltanolkotabi 2022, Algorithm 1; `fit_head` is the transfer of Theorem 3.

    Examples
    --------
    >>> import numpy as np
    >>> from layerwise.learners import TwoLayerRegressor
    >>> X = np.random.default_rng(0).standard_normal((2000, 10))
    >>> model = TwoLayerRegressor(200, random_state=0).fit(X, X[:, 0] ** 2)
    >>> bool(model.score(X, X[:, 0] ** 2) > 0.99)
    True
    >>> bool(abs(model.directions_[0, 0]) > 0.95)
    True
    """

    constraints: ClassVar = {"width": Integer(2, even=True)} | HEAD_CONSTRAINTS
    presets: ClassVar = {"two-layer": {}}

    width: int = 1000
    _: KW_ONLY
    step_size: Auto = "auto"
    linear: LinearPart = "ridge"
    n_steps: int | None = None
    head_step_size: Auto = "auto"
    penalty: Auto = "auto"
    validation: Validation = "loo"
    solver: Literal["exact", "gd"] = "exact"
    standardize: bool = True
    max_memory: float = 8 * 2**30
    random_state: RandomState = None

    def fit(self, X, y):
        """Lines 1 to 4, on X (n_samples, n_features) and y (n_samples,)."""
        X, y = self._check_fit(X, y, "Lower width")
        check_steps(self.solver, self.n_steps)
        rng = check_random_state(self.random_state)
        residual = self._remove_linear_part(X, y)  # line 1
        self.first_step_ = FirstStep(self.width, step_size=self.step_size, random_state=rng.randint(2**31 - 1))
        self.first_step_.fit(X, residual)  # lines 2 and 3
        self.history_.append({"stage": "first step", "step_size": self.first_step_.step_size_})
        self._find_directions()
        self._fit_head(X, residual, rng)  # line 4
        return self

    def fit_head(self, X, y):
        """Keep W and b; train the head (alpha and a, with beta = 0) on X (n_samples, n_features), y of a new task.

        This is the transfer of Theorem 3: the number of samples it needs does not grow with the dimension if the new
        target depends on the directions that `fit` learnt.
        """
        X, y = self._check_samples(X, y)
        self.intercept_ = float(y.mean())
        self.linear_coef_ = np.zeros_like(self.linear_coef_)
        self._fit_head(X, y - y.mean(), check_random_state(self.random_state))
        return self

    def transform(self, X):
        """The learnt features ``relu(W x + b)``, of shape (n_samples, width)."""
        return self.first_step_.transform(self._check_inputs(X))

    def predict(self, X):
        """Line 5: ``alpha + beta'x + a'relu(W x + b)``, of shape (n_samples,)."""
        X = self._check_inputs(X)
        features = FeatureBlocks(X, self.first_step_.transform, self.width)
        return features @ self.head_coef_ + X @ self.linear_coef_ + self.intercept_

    def memory_bytes(self, n_samples: int, n_features: int) -> int:
        """Peak memory of `fit` in bytes: the head, and W with its gradient and singular vectors."""
        layer = 8 * (6 * self.width * n_features + n_features**2)
        return layer + self._linear_part_and_head_bytes(n_samples, n_features)

    def describe(self, columns: Sequence[str] | None = None) -> list[str]:
        """The principal directions of W with their shares of its squared entries, as in `Learner.describe`."""
        check_is_fitted(self)
        names = column_names(self, columns)
        return describe_directions(self.directions_, self.singular_values_**2, "of the first layer", names)

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
