"""Three layers: one gradient step on the middle one, then the head (Nichani, Damian, Lee 2023, Algorithm 1)."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import ClassVar, Literal

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state

from layerwise._validation import Fraction, Integer
from layerwise.activations import ActivationLike, as_activation
from layerwise.learners._base import Auto, Learner, RandomState, Validation
from layerwise.learners._head import HEAD_CONSTRAINTS, LinearPartAndHead, check_steps
from layerwise.learners._linear_part import LinearPart
from layerwise.representations import MiddleStep
from layerwise.representations._validation import check_powers
from layerwise.representations.middle_step import MIDDLE_WIDTH
from layerwise.solvers import FeatureBlocks
from layerwise.solvers.gram import feature_block
from layerwise.solvers.squared_errors import mean_square

#: Root mean squares of the learnt feature, relative to that of the biases, which step_size="auto" tries.
FEATURE_SCALES = (0.125, 0.25, 0.5, 1.0, 2.0)


@dataclass(eq=False, repr=False)
class ThreeLayerRegressor(ClassNamePrefixFeaturesOutMixin, TransformerMixin, LinearPartAndHead, Learner):
    """Three-layer network: one gradient step on the middle layer, then the head.

    Learns ``f(x) = alpha + beta'x + (1/m_1) sum_i a_i relu(w_i.h(x) + b_i)`` with ``h(x) = sigma_2(V x)``::

        0  subtract alpha + beta'x from y; draw v_l on the sphere, b_i ~ N(0, 1), a_i = +-1; set W = 0
        1  one full-batch step on W (data D1): w_i.h(x) becomes eta a_i 1{b_i >= 0} phi(x)
        2  train a by gradient descent with weight decay from a_i = +-1 (data D2); W and b are frozen
        3  return f

    so that the head is a one-dimensional network in the learnt feature ``phi`` (see `MiddleStep`).

    Parameters
    ----------
    width : int, default=1000
        m_1, the number of neurons of the middle layer.
    middle_width : int, optional
        m_2, the number of neurons of the frozen layer; None stands for infinitely many, in closed form.
    activation : str, sequence of float, HermiteSeries or Activation, default=(0, 0, 1)
        sigma_2: "relu", or a polynomial, e.g. by its coefficients in orthonormal Hermite polynomials. A finite
        ``middle_width`` allows any activation.
    step_size : float or "auto", default="auto"
        eta. "auto" tries the values at which ``eta phi`` has root mean square 1/8, 1/4, 1/2, 1 and 2, and keeps the one
        with the lowest validation error (the paper's grid search).
    linear : {"moment", "ridge", "none"}, default="moment"
        How line 0 estimates beta: by moments, for centred isotropic inputs, with an error of ``std(y) sqrt(d / n)``; by
        ridge regression; or not at all, beta = 0, as in the paper. A feature linear in x needs "none" and ReLU.
    split : float, optional
        The fraction of the rows in D1, the others forming D2, as in the paper's analysis. None uses all rows in both
        stages, which was better in measurements. alpha and beta are fitted to all rows in either case.
    n_steps : int, optional
        The number of steps of line 2. None is their limit: ridge regression.
    head_step_size : float or "auto", default="auto"
        Step size of line 2 for the weights ``u = a / m_1`` of the head; the paper's, for a, is m_1^2 times as large.
        "auto" is the inverse of the largest curvature.
    penalty : float or "auto", default="auto"
        Weight of ``|u|^2 / 2`` in the loss: m_1^2 lambda if the paper decays a with weight lambda. "auto" chooses from
        a path, for the limit, by ``validation``.
    validation : "loo" or float, default="loo"
        Leave-one-out in closed form, or the fraction of rows of D2 held out to choose eta and the penalty.
    solver : {"exact", "gd"}, default="exact"
        Take the steps of line 2 at once, by a Chebyshev expansion, or in a literal loop. The weights are equal up to
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
    middle_step_ : MiddleStep
    step_size_ : float
        eta; 0 if phi is zero.
    signs_, biases_, head_coef_ : ndarrays of shape (width,)
        The initial a_i, b_i, and the final a_i / m_1.
    history_ : list of dict
        For each stage, the mean squared loss and what was chosen.

    Raises
    ------
    ValueError
        If a parameter is not allowed, the fit needs more than ``max_memory``, or powers of X or squares of y overflow
        or underflow.

    Notes
    -----
    Line 1 is the step at f = 0, which the paper obtains by pairing the neurons. Here they are independent, and the
    constant ``mean_i a_i relu(b_i)`` by which f initially differs from 0 is left out of the step.

    The theory assumes inputs on the sphere of radius sqrt(d). For Gaussian inputs K f* magnifies the radial part of f*,
    which is in ``|x|^2 - d``, by (d + 2) / 2 relative to a traceless quadratic. ``relu(x'Ax)`` has such a part: it is
    learnt on the sphere, but hardly elsewhere. ``tanh(x'Ax)`` is odd in x'Ax and is learnt on both.

    References
    ----------
    Nichani, Damian, Lee 2023, Algorithm 1.

    Examples
    --------
    >>> import numpy as np
    >>> from layerwise.learners import ThreeLayerRegressor
    >>> X = np.random.default_rng(0).standard_normal((1000, 4))
    >>> y = np.tanh(X[:, 0] ** 2 - X[:, 1] ** 2)
    >>> model = ThreeLayerRegressor(200, random_state=0).fit(X, y)
    >>> bool(abs(np.corrcoef(model.transform(X)[:, 0], X[:, 0] ** 2 - X[:, 1] ** 2)[0, 1]) > 0.95)
    True
    """

    constraints: ClassVar = {
        "width": Integer(1),
        "middle_width": MIDDLE_WIDTH,
        "split": Fraction(none=True, advice="None uses all rows in both stages."),
    } | HEAD_CONSTRAINTS
    presets: ClassVar = {"three-layer": {}}
    _n_features_out = 1

    width: int = 1000
    _: KW_ONLY
    middle_width: int | None = None
    activation: ActivationLike = (0.0, 0.0, 1.0)
    step_size: Auto = "auto"
    linear: LinearPart = "ridge"
    split: float | None = None
    n_steps: int | None = None
    head_step_size: Auto = "auto"
    penalty: Auto = "auto"
    validation: Validation = "loo"
    solver: Literal["exact", "gd"] = "exact"
    standardize: bool = True
    max_memory: float = 8 * 2**30
    random_state: RandomState = None

    def fit(self, X, y):
        """Lines 0 to 2, on X (n_samples, n_features) and y (n_samples,)."""
        X, y = self._check_fit(X, y, "Lower width and middle_width")
        check_steps(self.solver, self.n_steps)
        polynomial = as_activation(self.activation, constant=False).polynomial
        check_powers(X, 2 * (2 if polynomial is None else polynomial.degree + 1))  # K(x, x) x'beta
        if self.step_size == "auto" and self.penalty == 0:
            raise ValueError(
                "penalty=0 with step_size='auto' must be positive: without a penalty there is no validation error by "
                "which to choose the step. Pass step_size, a small penalty, or penalty='auto'."
            )
        rng = check_random_state(self.random_state)
        residual = self._remove_linear_part(X, y)  # line 0
        self.signs_ = rng.choice(np.array([-1, 1], dtype=X.dtype), self.width)
        self.biases_ = rng.standard_normal(self.width).astype(X.dtype)

        # Subtracting each row's own term y_i K(x_i, x_i) / n from its feature was tried, and does not help.
        first = self._first_half(len(y), rng)
        self.middle_step_ = MiddleStep(
            self.middle_width, activation=self.activation, random_state=rng.randint(2**31 - 1)
        ).fit(X[first], residual[first])  # line 1
        second = first if self.split is None else ~first
        self._fit_head(self.middle_step_.transform(X[second]), residual[second], rng)  # line 2
        return self

    def transform(self, X):
        """The learnt feature ``phi(x)``, of shape (n_samples, 1)."""
        return self.middle_step_.transform(self._check_inputs(X))

    def predict(self, X):
        """Line 3, of shape (n_samples,)."""
        X = self._check_inputs(X)
        head = self._head(self.middle_step_.transform(X), self.step_size_)
        return head @ self.head_coef_ + X @ self.linear_coef_ + self.intercept_

    def memory_bytes(self, n_samples: int, n_features: int) -> int:
        """Peak memory of `fit` in bytes: the linear part and the head, a, b and V."""
        layers = 8 * (8 * self.width + 2 * n_features * ((self.middle_width or 0) + n_samples))
        return layers + self._linear_part_and_head_bytes(n_samples, n_features)

    def _first_half(self, n, rng):
        """Mask of D1."""
        if self.split is None:
            return np.ones(n, dtype=bool)
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
        largest = float(np.finfo(phi.dtype).max) / 1e4  # phi has values above its root mean square
        if max(etas) > largest or max(etas) * scale > min(largest, 1e150):  # squares are taken in float64
            raise ValueError(
                f"step_size={max(etas):.2g} with a feature of root mean square {scale:.2g} overflows {phi.dtype}; it "
                "must be smaller. Pass a smaller step_size, or divide y by its standard deviation."
            )
        best, record = self._train_head([self._head(phi, eta) for eta in etas], y, rng, self.signs_ / self.width)
        self.step_size_ = etas[best]
        self.history_ += [{"stage": "middle step", "step_size": self.step_size_}, record]

    def _head(self, phi, eta):
        """``relu(eta a_i 1{b_i >= 0} phi + b_i)`` of shape (n, width), by blocks of rows."""
        slopes = np.where(self.biases_ >= 0, eta * self.signs_, 0).astype(phi.dtype)[:, None]
        return FeatureBlocks(phi, lambda rows: feature_block(rows, slopes, self.biases_), self.width)
