"""Hierarchical polynomials: a polynomial feature, then a link of it (Wang, Nichani, Lee 2023, Algorithm 1)."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state

from layerwise._validation import Flag, Fraction, Integer
from layerwise.activations import ActivationLike
from layerwise.learners._base import PENALTY, SOLVER, VALIDATION, Auto, Learner, RandomState, Validation
from layerwise.learners._head import held_out_rows
from layerwise.learners.hierarchical.memory import n_columns
from layerwise.learners.hierarchical.several_features import SeveralFeatures
from layerwise.learners.hierarchical.training import check_n_steps, penalty_path, split_rows, train
from layerwise.representations import PolynomialLayer
from layerwise.representations._validation import check_powers
from layerwise.solvers import FeatureBlocks, ridge
from layerwise.solvers.gauss_newton import Refinement
from layerwise.solvers.gauss_newton.several import SeveralCandidate
from layerwise.solvers.linearised import make_centred
from layerwise.solvers.link import BIAS_DF, relu_features
from layerwise.solvers.squared_errors import mean_square

#: Values of xi_2 / m_2 that are tried. The error is dominated by a few points in the tail of z, for which validation
#: may prefer almost no penalty and a link that is wild there: hence the lower bound.
LINK_PENALTIES = np.logspace(2, -5, 22)


class HierarchicalRegressor(ClassNamePrefixFeaturesOutMixin, TransformerMixin, SeveralFeatures, Learner):
    """Three-layer network for a function of a polynomial, ``h = link(p(x))``, trained layer by layer.

    Learns ``h(x) = g(x) + c'relu(a z(x) + b)``, where ``g(x) = alpha + u'sigma_1(V x + s)`` is a polynomial and
    ``z = (g - mean) / std``, by Algorithm 1 of Wang et al. 2023::

        1  draw V, s, a, b;  u = c = 0
        2  stage 1, on D1: u by T_1 gradient steps on the loss of g, with decay xi_1
        3  stage 2, on D2: c by T_2 gradient steps on the loss of h, with decay xi_2; u is frozen
        4  return h

    Stage 1 estimates ``P_{<=k} h``, which is close to a multiple of p if p is a balanced sum; stage 2 is a regression
    on one variable. The paper passes ``a g + b`` to the link; z makes the result independent of the units of y. The
    theory assumes isotropic, centred inputs: standardise the columns of a table first.

    Parameters
    ----------
    degree : int or "auto", default="auto"
        k, the degree of sigma_1. "auto", which is not in the paper, is the degree of ``activation``, or else the degree
        1..max_degree with the smallest validation error of stage 1 (without those that need more than max_memory).
    width : int, optional
        m_1, the number of neurons of stage 1; None stands for infinitely many, with ``penalty`` in other units: see
        `PolynomialLayer`.
    activation : HermiteSeries, sequence of float, str or Activation, optional
        sigma_1, a polynomial of degree k, as accepted by `layerwise.activations.as_activation`; None is
        ``h_1 + ... + h_k``.
    link_width : int, default=1000
        m_2, the number of neurons of stage 2: a_j = +-1, b_j Student-t with 9 degrees of freedom.
    max_degree : int, default=3
        The largest degree that "auto" tries.
    split : "leave-one-out" or float, default="leave-one-out"
        The fraction of rows in D1, the others forming D2, as in the paper. "leave-one-out" uses all rows in both
        stages, with the leave-one-out prediction of stage 1, in closed form and with an intercept, as g in stage 2.
    n_steps : int or (int, int), optional
        T_1 and T_2, or one number for both, with half the largest stable step size, which the paper leaves open. None
        is the limit T -> inf: ridge regression.
    penalty, link_penalty : float or "auto", default="auto"
        xi_1 and xi_2, the positive weights of ``|u|^2 / 2`` and ``|c|^2 / 2``. The theory has
        ``xi_1 = 2 m_1 / d^(k + a)`` for a risk of order d^-a (``2 / d^(k + a)`` if width is None). "auto" chooses from
        a path, for the limit, by ``validation``; xi_2 between 1e-5 and 100 times m_2.
    validation : "loo" or float, default="loo"
        Leave-one-out in closed form, or the fraction of the rows of the stage held out.
    solver : {"exact", "gd"}, default="exact"
        Take the T steps at once, by a Chebyshev expansion, or in a literal loop, with the same weights up to rounding.
    refine : bool, default=False
        Beyond the paper: afterwards refit feature and link together (`layerwise.solvers.gauss_newton`), which reduces
        the samples needed from many times D towards D. The prediction is the refined function if it clearly leads in
        cross-validation, otherwise a stack of it and both stages, each fitted to parts of the rows.
    standardize : bool, default=True
        Standardise the columns, to which all attributes then refer; False is the literal algorithm.
    max_memory : float, default=8 * 2**30
        Largest number of bytes that stage 1, stage 2 and the refinement may take, each; see `memory_bytes`.
    random_state : int, RandomState or None
    n_features : int or "auto", default=1
        R: beyond the paper, learn ``h = link(z_1(x), ..., z_R(x))`` with R polynomial features and a link of any shape,
        all refined together (`layerwise.solvers.gauss_newton.growth`). "auto" adds features, up to 4, as long as each
        clearly leads in cross-validation. One feature, with ``refine=True``, is what several must clearly beat.

    Attributes
    ----------
    features_ : PolynomialLayer
        V (``weights_``), s (``biases_``), sigma_1 (``activation_``).
    degree_ : int
        k, or the degree of the refined function if `feature` is refined.
    intercept_ : float
        alpha: the mean of y in D1, or the intercept of stage 1 if split="leave-one-out".
    feature_coef_, feature_mean_, feature_scale_ : ndarray of shape (n_terms,), float, float
        u, for the columns of ``features_.transform``; mean and standard deviation of g in stage 2.
    link_signs_, link_biases_, link_coef_ : ndarrays of shape (link_width,)
        a, b and c. Not in the paper: c = 0 if the validation error of stage 2 is not below that of stage 1.
    refinement_ : Refinement or None
        What `predict` uses after refinement; None if it was not requested or found nothing beyond stage 1. `feature`,
        `link` and ``feature_polynomial_`` are the refined ones if these have at least half of its ``weights``. The
        prediction is ``link(feature)`` unless its ``stage`` is "stack". The attributes above describe the two stages.
    several_ : SeveralCandidate or None
        The function of several features, if they clearly lead; then `predict`, `feature`, `link`, `transform` and
        ``feature_polynomials_``, one for each of the ``n_features_``, are its. The features are uncorrelated with
        variance 1, and are rotated to the eigenvectors of ``E grad link grad link'``.
    history_ : list of dict
        For each stage, the mean squared loss, what was chosen, and its validation error (in the limit).

    Raises
    ------
    ValueError
        If a parameter is not allowed, a stage needs more than ``max_memory``, or powers of X or squares of y overflow.

    Notes
    -----
    With D = min(m_1, C(d + k, k)), stage 1 costs n D min(n, D) flops for the Gram matrix, 9 min(n, D)^3 for its
    eigenvectors and 2 n D^2 for leave-one-out, for each degree tried; stage 2 costs the same with m_2. Peak memory is
    4 min(n, D)^2 floats and blocks of features, plus n D if n < D. Several features take up to ten times as long.

    References
    ----------
    Wang, Nichani, Lee 2023, Algorithm 1.

    Examples
    --------
    >>> import numpy as np
    >>> from layerwise.learners import HierarchicalRegressor
    >>> X = np.random.default_rng(0).standard_normal((2000, 4))
    >>> p = X[:, 0] * X[:, 1]
    >>> model = HierarchicalRegressor(2, link_width=100, random_state=0).fit(X, p)
    >>> model.feature_polynomial_.degree
    2
    >>> bool(abs(np.corrcoef(model.feature(X), p)[0, 1]) > 0.99)
    True
    """

    constraints: ClassVar = {
        "degree": Integer(1, auto=True),
        "width": Integer(1, none=True),
        "link_width": Integer(1),
        "max_degree": Integer(1),
        "split": Fraction("leave-one-out"),
        "penalty": PENALTY,
        "link_penalty": PENALTY,
        "validation": VALIDATION,
        "solver": SOLVER,
        "refine": Flag(),
        "n_features": Integer(1, auto=True),
    }
    presets: ClassVar = {"hierarchical": {}, "refined": {"refine": True}}

    def __init__(
        self,
        degree: Literal["auto"] | int = "auto",
        *,
        width: int | None = None,
        activation: ActivationLike | None = None,
        link_width: int = 1000,
        max_degree: int = 3,
        split: Literal["leave-one-out"] | float = "leave-one-out",
        n_steps: int | tuple[int, int] | None = None,
        penalty: Auto = "auto",
        link_penalty: Auto = "auto",
        validation: Validation = "loo",
        solver: Literal["exact", "gd"] = "exact",
        refine: bool = False,
        max_memory: float = 8 * 2**30,
        random_state: RandomState = None,
        n_features: Literal["auto"] | int = 1,
        standardize: bool = True,
    ):
        self.degree: Literal["auto"] | int = degree
        self.width = width
        self.activation = activation
        self.link_width = link_width
        self.max_degree = max_degree
        self.split: Literal["leave-one-out"] | float = split
        self.n_steps: int | tuple[int, int] | None = n_steps
        self.penalty: Auto = penalty
        self.link_penalty: Auto = link_penalty
        self.validation: Validation = validation
        self.solver = solver
        self.refine = refine
        self.max_memory = max_memory
        self.random_state = random_state
        self.n_features: Literal["auto"] | int = n_features
        self.standardize = standardize

    def fit(self, X, y):
        """Fit both stages to X (n_samples, n_features) and y (n_samples,)."""
        X, y = self._check_fit(X, y, "Lower degree, width or link_width, or project the inputs on fewer directions")
        check_n_steps(self.n_steps, self.solver, self.split)
        rng = check_random_state(self.random_state)
        D1, D2 = split_rows(self.split, len(y), rng)
        self.intercept_ = float(y[D1].mean())
        self.history_ = [{"stage": "mean", "loss": mean_square(y[D1] - y[D1].mean())}]
        left_out = self._fit_feature(X[D1], y[D1] - y[D1].mean(), rng)
        g = self.intercept_ + self._centred_feature(X[D2]) if left_out is None else y.mean() + left_out
        self._fit_link(g, y[D2], rng)
        self.refinement_: Refinement | None = None
        self.several_: SeveralCandidate | None = None
        if self.refine or self.n_features != 1:
            folds = self._fold_fits(X, y, rng.randint(2**31 - 1))
            self._refine(X, y, folds)
            if self.n_features != 1:
                self._refine_several(X, y, folds)
        return self

    def _fit_feature(self, X, y, rng) -> np.ndarray | None:
        """Fit stage 1 to centred y; return its leave-one-out predictions if stage 2 needs them."""
        penalties, held_out = penalty_path(self.penalty), held_out_rows(self.validation, len(y), rng)
        seed, candidates = rng.randint(2**31 - 1), []
        for degree in self._degrees(*X.shape):
            check_powers(X, degree)
            layer = PolynomialLayer(degree, self.width, self.activation, seed).fit(X)
            blocks = FeatureBlocks(X, layer.transform, n_columns(X.shape[1], degree, self.width))
            candidates.append((layer, blocks, ridge(blocks, y, penalties, held_out=held_out)))
        self.features_, blocks, path = min(candidates, key=lambda candidate: candidate[-1].errors.min())
        tried = {layer.degree: float(path.errors.min()) for layer, _, path in candidates}
        self.degree_ = self.features_.degree
        record = {"stage": "feature", "degree": self.degree_, "degree_losses": tried}
        if self.split != "leave-one-out":
            self.feature_coef_, trained = train(blocks, y, path, self._n_steps(0), self.solver)
            self.history_.append(record | trained)
            return None
        H = make_centred(blocks)  # a mean of all rows would reveal to each row a part of its own label
        fitted = H.ridge(np.ones_like(y), y, np.array([path.penalty]), intercept=True)
        self.feature_coef_ = fitted.coefficients.astype(X.dtype)
        shift = float(H.mean @ fitted.coefficients)
        self.intercept_ -= shift
        record |= {"penalty": path.penalty, "validation_loss": float(path.errors.min())}
        self.history_.append(record | {"loss": mean_square(blocks @ self.feature_coef_ - shift - y)})
        return fitted.feature.astype(X.dtype)

    def _fit_link(self, g, y, rng):
        """Fit stage 2, the residual y - g as a function of z, and keep it if its validation error is lower."""
        self.feature_mean_, self.feature_scale_ = float(g.mean(dtype=float)), float(g.std(dtype=float))
        self.link_signs_ = rng.choice(np.array([-1, 1], dtype=g.dtype), self.link_width)
        self.link_biases_ = rng.standard_t(BIAS_DF, self.link_width).astype(g.dtype)
        blocks = relu_features(self._standardise(g), self.link_signs_, self.link_biases_)
        residual, held_out = y - g, held_out_rows(self.validation, len(y), rng)
        penalties = penalty_path(self.link_penalty) or self.link_width * LINK_PENALTIES
        path = ridge(blocks, residual, penalties, held_out=held_out)
        self.link_coef_, record = train(blocks, residual, path, self._n_steps(1), self.solver)

        without = mean_square(residual if held_out is None else residual[held_out])
        record["kept"] = record["validation_loss"] < without
        if not record["kept"]:
            self.link_coef_ = np.zeros_like(self.link_coef_)
            record |= {"loss": mean_square(residual), "validation_loss": without}
        self.history_.append({"stage": "head"} | record)

    def _n_steps(self, stage: int) -> int | None:
        return None if self.n_steps is None else int(np.broadcast_to(self.n_steps, 2)[stage])
