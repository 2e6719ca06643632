"""Three layers, one gradient step on the middle one, then the head (Nichani, Damian, Lee 2023, Algorithm 1)."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Literal

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, RegressorMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from layerwise._validation import as_integer
from layerwise.activations import as_activation
from layerwise.hermite.multivariate import MAX_MEMORY
from layerwise.learners._head import Auto, LinearPartAndHead, RandomState, Validation, check_memory, mean_square
from layerwise.learners._linear_part import LinearPart, warn_unscaled
from layerwise.representations import MiddleStep
from layerwise.representations._validation import check_inputs, check_powers, check_samples
from layerwise.representations.middle_step import MIDDLE_WIDTH
from layerwise.solvers import FeatureBlocks
from layerwise.solvers.gram import feature_block

#: Scales of the learnt feature tried where step_size="auto": its root mean square beside the biases' 1.
FEATURE_SCALES = (0.125, 0.25, 0.5, 1.0, 2.0)


class ThreeLayerRegressor(
    ClassNamePrefixFeaturesOutMixin, TransformerMixin, RegressorMixin, LinearPartAndHead, BaseEstimator
):
    """Three-layer network: one gradient step on the middle layer, then the head.

    Learns ``f(x) = alpha + beta'x + (1/m_1) sum_i a_i relu(w_i.h(x) + b_i)``, ``h(x) = sigma_2(V x)``::

        0  remove alpha + beta'x from y; v_l uniform on the sphere, b_i ~ N(0, 1), a_i = +-1, W = 0
        1  one full-batch step on W (data D1): w_i.h(x) becomes eta a_i 1{b_i >= 0} phi(x)
        2  a by gradient descent with weight decay from a_i = +-1 (data D2), W and b frozen
        3  return f

    so that the head is a one-dimensional network in the learnt feature ``phi`` (see `MiddleStep`).

    Parameters
    ----------
    width : int, default=1000
        m_1.
    middle_width : int, optional
        m_2; None is infinitely many, in closed form.
    activation : "relu" or sequence of float, default=(0, 0, 1)
        sigma_2: ReLU, or a polynomial by its coefficients in orthonormal Hermite polynomials.
    step_size : float or "auto", default="auto"
        eta. "auto" tries those at which ``eta phi`` has root mean square 1/8, 1/4, 1/2, 1 and 2 and keeps the one of
        least validation error (the paper's grid search).
    linear : {"moment", "ridge", "none"}, default="moment"
        How line 0 finds beta: by moments, for centred isotropic inputs; by ridge regression; or not at all, beta = 0,
        as in the paper: what a feature that is linear in x needs, and a ReLU sigma_2 to find it. "moment" needs n well
        above d: even without noise its beta is off by about ``std(y) sqrt(d / n)``, which the later lines then see.
    split : float, optional
        Fraction of the rows that are D1, the others being D2, as in the paper's analysis; None uses all rows for both
        stages, which measured better. alpha and beta are fitted on all rows either way. (Taking each row's own term
        ``y_i K(x_i, x_i) / n`` out of its feature does not help: the mean and linear part were removed with that row,
        and the remainder turns against its label.)
    n_steps : int, optional
        The number of steps of line 2. None is their limit: ridge regression.
    head_step_size : float or "auto", default="auto"
        Step size of line 2 for the weights ``u = a / m_1`` of the head; that of the paper, for a, is m_1^2 times it.
        "auto" is the inverse of the largest curvature.
    penalty : float or "auto", default="auto"
        Weight of ``|u|^2 / 2`` beside the mean square error: m_1^2 lambda, where the paper decays a with weight lambda.
        "auto" chooses from a path, for the limit, by ``validation``.
    validation : "loo" or float, default="loo"
        Leave-one-out in closed form, or the fraction of rows of D2 held out to choose eta and the penalty.
    solver : {"exact", "gd"}, default="exact"
        The steps of line 2 at once, by a Chebyshev expansion, or by the literal loop. Same weights to rounding.
    max_memory : int, default=8 * 2**30
        Bytes the fit may take.
    random_state : int, RandomState or None

    Attributes
    ----------
    intercept_ : float
        alpha.
    linear_coef_ : ndarray of shape (n_features,)
        beta.
    middle_step_ : MiddleStep
    step_size_ : float
        eta; 0 where phi vanishes.
    signs_, biases_, head_coef_ : ndarrays of shape (width,)
        a_i at the start, b_i, and a_i / m_1 at the end.
    history_ : list of dict
        Stage by stage: the mean square loss, and what the stage chose.
    n_features_in_ : int

    Raises
    ------
    ValueError
        Where the fit would take more than ``max_memory``, or powers of X leave the floating-point numbers.

    Warns
    -----
    UserWarning
        Where the columns of X are far from unit variance.

    Notes
    -----
    Line 1 is the step at f = 0, which the paper has by pairing the neurons; here they are independent, and the constant
    ``mean_i a_i relu(b_i)``, of order m_1^(-1/2), by which f starts off 0 is left out of that step.

    The theory is for inputs on the sphere of radius sqrt(d). With Gaussian inputs K f* magnifies the radial part of f*,
    in ``|x|^2 - d``, by (d + 2) / 2 beside a traceless quadratic: ``relu(x'Ax)``, which has such a part, is learnt on
    the sphere and hardly off it; ``tanh(x'Ax)``, which is odd in x'Ax, on both.

    References
    ----------
    Nichani, Damian, Lee 2023, Algorithm 1.
    """

    def __init__(
        self,
        width: int = 1000,
        *,
        middle_width: int | None = None,
        activation: Literal["relu"] | Sequence[float] = (0.0, 0.0, 1.0),
        step_size: Auto = "auto",
        linear: LinearPart = "moment",
        split: float | None = None,
        n_steps: int | None = None,
        head_step_size: Auto = "auto",
        penalty: Auto = "auto",
        validation: Validation = "loo",
        solver: Literal["exact", "gd"] = "exact",
        max_memory: int = MAX_MEMORY,
        random_state: RandomState = None,
    ):
        self.width = width
        self.middle_width = middle_width
        self.activation: Literal["relu"] | Sequence[float] = activation
        self.step_size: Auto = step_size
        self.linear: LinearPart = linear
        self.split = split
        self.n_steps = n_steps
        self.head_step_size: Auto = head_step_size
        self.penalty: Auto = penalty
        self.validation: Validation = validation
        self.solver: Literal["exact", "gd"] = solver
        self.max_memory = max_memory
        self.random_state = random_state

    def fit(self, X, y):
        """Lines 0 to 2 on X (n_samples, n_features), y (n_samples,)."""
        X, y = check_samples(self, X, y)
        self._check_linear_part_and_head()
        as_integer(self.width, "width", 1)
        MIDDLE_WIDTH.check(self.middle_width, "middle_width")
        check_memory(self.max_memory)
        self._check_peak(*X.shape)
        polynomial = as_activation(self.activation, constant=False).polynomial
        check_powers(X, 2 * (2 if polynomial is None else polynomial.degree + 1))  # K(x, x) x'beta
        if self.step_size == "auto" and self.penalty == 0:
            raise ValueError(
                "penalty=0 with step_size='auto': without a penalty there is no validation error to choose the step "
                "by. Give step_size, a small penalty, or penalty='auto'."
            )
        warn_unscaled(X)
        rng = check_random_state(self.random_state)
        residual = self._remove_linear_part(X, y)  # line 0
        self.signs_ = rng.choice(np.array([-1, 1], dtype=X.dtype), self.width)
        self.biases_ = rng.standard_normal(self.width).astype(X.dtype)

        first = self._first_half(len(y), rng)
        self.middle_step_ = MiddleStep(
            self.middle_width, activation=self.activation, random_state=rng.randint(2**31 - 1)
        ).fit(X[first], residual[first])  # line 1
        second = first if self.split is None else ~first
        self._fit_head(self.middle_step_.transform(X[second]), residual[second], rng)  # line 2
        return self

    def transform(self, X):
        """The learnt feature ``phi(x)``, of shape (n_samples, 1)."""
        check_is_fitted(self)
        return self.middle_step_.transform(check_inputs(self, X))

    def predict(self, X):
        """Line 3, of shape (n_samples,)."""
        check_is_fitted(self)
        X = check_inputs(self, X)
        head = self._head(self.middle_step_.transform(X), self.step_size_)
        return head @ self.head_coef_ + X @ self.linear_coef_ + self.intercept_

    @property
    def _n_features_out(self):
        return 1

    def _check_peak(self, n: int, d: int) -> None:
        """Refuse what `layerwise.solvers.ridge`, a, b and V would not fit in."""
        rows, floats = min(n, self.width), 8 * self.width + 2 * d * (self.middle_width or 0)
        floats += 4 * rows**2 + n * self.width * (n < self.width or self.solver == "gd")
        if self.n_steps is not None and self.solver == "exact":
            floats += 2 * self.width**2
        if 8 * floats > self.max_memory:
            raise ValueError(
                f"width={self.width} and middle_width={self.middle_width} need {8 * floats:.2g} bytes to fit {n} rows, "
                f"over max_memory={self.max_memory / 2**30:.3g} GiB. Lower the widths, or raise max_memory."
            )

    def _first_half(self, n, rng):
        """Mask of D1."""
        if self.split is None:
            return np.ones(n, dtype=bool)
        if not isinstance(self.split, Real) or not 0 < self.split < 1:
            raise ValueError(
                f"split={self.split!r} must be the fraction of rows in D1, between 0 and 1, or None, all rows in both "
                "stages. Give split=None, or e.g. 0.5."
            )
        n_first = min(max(round(self.split * n), 1), n - 1)
        mask = np.zeros(n, dtype=bool)
        mask[rng.permutation(n)[:n_first]] = True
        return mask

    def _fit_head(self, phi, y, rng):
        scale = np.sqrt(mean_square(phi))
        if scale == 0:
            etas = [0.0]
        elif self.step_size == "auto":
            etas = [float(size / scale) for size in FEATURE_SCALES]
        else:
            etas = [float(self.step_size)]
        reach = float(np.finfo(phi.dtype).max) / 1e4  # phi has values above its root mean square
        if max(etas) > reach or max(etas) * scale > min(reach, 1e150):  # squares are of float64
            raise ValueError(
                f"step_size={max(etas):.2g}, at a feature of root mean square {scale:.2g}, leaves {phi.dtype}. Give a "
                "smaller step_size, or divide y by its standard deviation."
            )
        best, record = self._train_head([self._head(phi, eta) for eta in etas], y, rng, self.signs_ / self.width)
        self.step_size_ = etas[best]
        self.history_ += [{"stage": "middle step", "step_size": self.step_size_}, record]

    def _head(self, phi, eta):
        """``relu(eta a_i 1{b_i >= 0} phi + b_i)``: n x width, by blocks of rows."""
        slopes = np.where(self.biases_ >= 0, eta * self.signs_, 0).astype(phi.dtype)[:, None]
        return FeatureBlocks(phi, lambda rows: feature_block(rows, slopes, self.biases_), self.width)
