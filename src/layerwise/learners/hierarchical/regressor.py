"""Hierarchical polynomials: a polynomial feature, then a link of it (Wang, Nichani, Lee 2023, Algorithm 1)."""

from __future__ import annotations

from typing import Literal

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, RegressorMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from layerwise.hermite import HermitePolynomial, HermiteSeries
from layerwise.learners._head import Auto, RandomState, Validation, held_out_rows, mean_square, penalty_path
from layerwise.learners.hierarchical.arguments import check_arguments
from layerwise.learners.hierarchical.by_degree import basis_blocks, refine_by_degree
from layerwise.learners.hierarchical.degrees import check_link_width, columns, degrees_to_try
from layerwise.learners.refinement.guarded import Refinement
from layerwise.representations import PolynomialLayer
from layerwise.representations._validation import check_inputs, check_powers, check_samples
from layerwise.solvers import FeatureBlocks, RidgePath, chebyshev, largest_stable_step, literal, ridge
from layerwise.solvers.linearised import make_centred
from layerwise.solvers.link import BIAS_DF, ReluLink, relu_features

#: Values of xi_2 / m_2 tried by default. The error is carried by a few points in the tail of z, by which validation may
#: prefer hardly any penalty and a link that is wild there: hence the floor.
LINK_PENALTIES = np.logspace(2, -5, 22)


class HierarchicalRegressor(ClassNamePrefixFeaturesOutMixin, TransformerMixin, RegressorMixin, BaseEstimator):
    """Three-layer network for a function of a polynomial, ``h = link(p(x))``, trained a layer at a time.

    Learns ``h(x) = g(x) + c'relu(a z(x) + b)``, where ``g(x) = alpha + u'sigma_1(V x + s)`` is polynomial and
    ``z = (g - mean) / std``, as Algorithm 1 of Wang et al. 2023 does::

        1  draw V, s, a, b;  u = c = 0
        2  stage 1, on D1: u by T_1 gradient steps on the loss of g, with decay xi_1
        3  stage 2, on D2: c by T_2 gradient steps on the loss of h, with decay xi_2, u frozen
        4  return h

    Stage 1 estimates ``P_{<=k} h``, close to a multiple of p where p is a balanced sum; stage 2 is a regression on one
    variable. The paper feeds ``a g + b`` to the link: z fixes the units, so that those of y do not matter.

    The theory is about isotropic, centred inputs: standardise the columns of a table first.

    Parameters
    ----------
    degree : int or "auto", default="auto"
        k, of sigma_1. "auto", not in the paper: the degree 1..max_degree (those whose fit would take more than
        max_memory left out) with the least validation error of stage 1, or the degree of ``activation``.
    width : int, optional
        m_1, the neurons of stage 1; None is infinitely many. See `PolynomialLayer`, which also says what the units of
        ``penalty`` are then.
    activation : HermiteSeries, optional
        sigma_1, a polynomial of degree k; ``h_1 + ... + h_k`` where None.
    link_width : int, default=1000
        m_2, the neurons of stage 2: a_j = +-1, b_j Student-t with 9 degrees of freedom.
    max_degree : int, default=3
        The largest degree "auto" tries.
    split : "leave-one-out" or float, default="leave-one-out"
        The fraction of rows in D1, the rest being D2, as in the paper. Or all rows in both, g in stage 2 being the
        leave-one-out prediction of stage 1, then with an intercept, in closed form: what it fitted, it overfitted.
    n_steps : int or (int, int), optional
        T_1 and T_2, or one number for both, at half the largest stable step size, which the paper leaves open. None is
        the limit T -> inf: ridge regression.
    penalty, link_penalty : float or "auto", default="auto"
        xi_1 and xi_2, the weights of ``|u|^2 / 2`` and ``|c|^2 / 2``, positive. The paper's theory has
        ``xi_1 = 2 m_1 / d^(k + a)`` for a risk of order d^-a, which is ``2 / d^(k + a)`` where width is None. "auto"
        chooses from a path, for the limit, by ``validation``; xi_2 between 1e-5 and 100 m_2.
    validation : "loo" or float, default="loo"
        Leave-one-out in closed form, or the fraction of the stage's rows held out.
    solver : {"exact", "gd"}, default="exact"
        The T steps at once, by a Chebyshev expansion, or by the literal loop. Same weights to rounding.
    refine : bool, default=False
        Beyond the paper: afterwards refit feature and link together (`layerwise.learners.refinement`) in the Hermite
        basis, which takes the samples from many times D toward D. The prediction is the refined function where it
        clearly leads in cross-validation, elsewhere its mixture with both stages, each fitted to parts of the rows.
    max_memory : int, default=8 * 2**30
        Bytes stage 1, stage 2 and the refinement may take, each.
    random_state : int, RandomState or None

    Attributes
    ----------
    features_ : PolynomialLayer
        V (``weights_``), s (``biases_``), sigma_1 (``activation_``).
    degree_ : int
        k; that of the refined function where `feature` is its.
    intercept_ : float
        alpha: the mean of y in D1; the intercept of stage 1 where split="leave-one-out".
    feature_coef_ : ndarray of shape (n_terms,)
        u, on the columns of ``features_.transform``.
    feature_mean_, feature_scale_ : float
        Mean and standard deviation of g in stage 2, which make z of it.
    link_signs_, link_biases_, link_coef_ : ndarrays of shape (link_width,)
        a, b and c. Not in the paper: c = 0 where the validation error of stage 2 is not below that of stage 1.
    refinement_ : Refinement or None
        What `predict` then uses; None where not asked for, or no more than stage 1 was found. `feature`, `link` and
        ``feature_polynomial_`` are the refined ones where these have half of its ``weights`` or more. ``link(feature)``
        is the prediction where its ``stage`` is "refinement", not of a "mixture". The attributes above describe the
        two stages in any case.
    history_ : list of dict
        By stage: mean square loss, what it chose, and its validation error (of the limit, where n_steps is given).
    n_features_in_ : int

    Raises
    ------
    ValueError
        Where a stage, or the refinement, would take more than ``max_memory``; where squares of y, or powers of X, leave
        the floating-point numbers.

    Notes
    -----
    With D = min(m_1, C(d + k, k)): n D min(n, D) flops for the Gram matrix of stage 1, 9 min(n, D)^3 for its
    eigenvectors and 2 n D^2 for leave-one-out, for each degree tried; the same with m_2 in stage 2. Peak memory
    4 min(n, D)^2 floats and blocks of features, n D more where n < D. Refined: 3 to 10 more fits of both stages, and
    `refine`: 10 to 180 times as long in all.

    References
    ----------
    Wang, Nichani, Lee 2023, Algorithm 1.
    """

    n_features_in_: int
    _n_features_out = 1

    def __init__(
        self,
        degree: Literal["auto"] | int = "auto",
        *,
        width: int | None = None,
        activation: HermiteSeries | None = None,
        link_width: int = 1000,
        max_degree: int = 3,
        split: Literal["leave-one-out"] | float = "leave-one-out",
        n_steps: int | tuple[int, int] | None = None,
        penalty: Auto = "auto",
        link_penalty: Auto = "auto",
        validation: Validation = "loo",
        solver: Literal["exact", "gd"] = "exact",
        refine: bool = False,
        max_memory: int = 8 * 2**30,
        random_state: RandomState = None,
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

    def fit(self, X, y):
        """Both stages on X (n_samples, n_features), y (n_samples,)."""
        X, y = check_samples(self, X, y)
        check_arguments(self)
        check_link_width(self.link_width, len(y), self.max_memory)
        rng = check_random_state(self.random_state)
        D1, D2 = self._split_rows(len(y), rng)
        self.intercept_ = float(y[D1].mean())
        self.history_ = [{"stage": "mean", "loss": mean_square(y[D1] - y[D1].mean())}]
        left_out = self._fit_feature(X[D1], y[D1] - y[D1].mean(), rng)
        g = self.intercept_ + self._centred_feature(X[D2]) if left_out is None else y.mean() + left_out
        self._fit_link(g, y[D2], rng)
        self.refinement_: Refinement | None = None
        if self.refine:
            self._refine(X, y, rng.randint(2**31 - 1))
        return self

    def feature(self, X):
        """The learnt feature z(x), of shape (n_samples,).

        Of mean 0 and variance 1 over the rows of stage 2, each, with split="leave-one-out", by the fit without it.
        """
        check_is_fitted(self)
        return self._feature(check_inputs(self, X))

    def link(self, z):
        """Its value at the feature is the prediction, but of a mixture; elementwise in z of any shape."""
        check_is_fitted(self)
        z = np.asarray(z)
        z = z if z.dtype.kind == "f" else z.astype(float)
        column = np.atleast_1d(z).ravel()
        curve = self._two_stage_link() if self._refined is None else self._refined.link
        return curve(column).astype(z.dtype, copy=False).reshape(z.shape)

    def transform(self, X):
        """The learnt feature as a column, of shape (n_samples, 1)."""
        return self.feature(X)[:, None]

    def predict(self, X):
        """``h(x) = g(x) + c'relu(a z(x) + b)``, or what ``refinement_`` predicts, of shape (n_samples,)."""
        check_is_fitted(self)
        return self._predict(check_inputs(self, X))

    @property
    def feature_polynomial_(self) -> HermitePolynomial:
        """The polynomial g (z where refined), in the Hermite basis: to print, project, and compare with p."""
        check_is_fitted(self)
        if self._refined is not None:
            coefficients = np.concatenate([[-self._refined.offset], self._refined.coefficients])
            return HermitePolynomial.from_dense(self.n_features_in_, self.degree_, coefficients)
        return self.features_.polynomial(self.feature_coef_) + self.intercept_

    @property
    def _refined(self) -> Refinement | None:
        """What `feature` and `link` describe, unless the two stages."""
        return self.refinement_ if self.refinement_ is not None and self.refinement_.heaviest else None

    def _feature(self, X):
        if self._refined is not None:
            return self._refined.feature(basis_blocks(X, self.degree_))
        return self._standardise(self.intercept_ + self._centred_feature(X))

    def _predict(self, X):
        if self.refinement_ is None or not self.refinement_.mixture:
            return self.link(self._feature(X))
        return self.refinement_.predict(basis_blocks(X, max(self._refined_degree, self.features_.degree)))

    def _two_stage_link(self) -> ReluLink:
        return ReluLink(self.feature_mean_, self.feature_scale_, self.link_signs_, self.link_biases_, self.link_coef_)

    def _fit_feature(self, X, y, rng) -> np.ndarray | None:
        """Stage 1 on centred y; returns its leave-one-out predictions where stage 2 wants them."""
        penalties, held_out = penalty_path(self.penalty, "penalty"), held_out_rows(self.validation, len(y), rng)
        seed, candidates = rng.randint(2**31 - 1), []
        for degree in degrees_to_try(self, *X.shape):
            check_powers(X, degree)
            layer = PolynomialLayer(degree, self.width, self.activation, seed).fit(X)
            blocks = FeatureBlocks(X, layer.transform, columns(X.shape[1], degree, self.width))
            candidates.append((layer, blocks, ridge(blocks, y, penalties, held_out=held_out)))
        self.features_, blocks, path = min(candidates, key=lambda candidate: candidate[-1].errors.min())
        tried = {layer.degree: float(path.errors.min()) for layer, _, path in candidates}
        self.degree_ = self.features_.degree
        record = {"stage": "feature", "degree": self.degree_, "degree_losses": tried}
        if self.split != "leave-one-out":
            self.feature_coef_, trained = self._train(blocks, y, path, 0)
            self.history_.append(record | trained)
            return None
        H = make_centred(blocks)  # or each row would learn its own label from the mean it has a part in
        fitted = H.ridge(np.ones_like(y), y, np.array([path.penalty]), intercept=True)
        self.feature_coef_ = fitted.coefficients.astype(X.dtype)
        shift = float(H.mean @ fitted.coefficients)
        self.intercept_ -= shift
        record |= {"penalty": path.penalty, "validation_loss": float(path.errors.min())}
        self.history_.append(record | {"loss": mean_square(blocks @ self.feature_coef_ - shift - y)})
        return fitted.feature.astype(X.dtype)

    def _fit_link(self, g, y, rng):
        """Stage 2: the residual y - g as a function of z, kept if it is one."""
        self.feature_mean_, self.feature_scale_ = float(g.mean(dtype=float)), float(g.std(dtype=float))
        self.link_signs_ = rng.choice(np.array([-1, 1], dtype=g.dtype), self.link_width)
        self.link_biases_ = rng.standard_t(BIAS_DF, self.link_width).astype(g.dtype)
        blocks = relu_features(self._standardise(g), self.link_signs_, self.link_biases_)
        residual, held_out = y - g, held_out_rows(self.validation, len(y), rng)
        penalties = penalty_path(self.link_penalty, "link_penalty")
        if penalties is None:
            penalties = self.link_width * LINK_PENALTIES
        path = ridge(blocks, residual, penalties, held_out=held_out)
        self.link_coef_, record = self._train(blocks, residual, path, 1)

        without = mean_square(residual if held_out is None else residual[held_out])
        record["kept"] = record["validation_loss"] < without
        if not record["kept"]:
            self.link_coef_ = np.zeros_like(self.link_coef_)
            record |= {"loss": mean_square(residual), "validation_loss": without}
        self.history_.append({"stage": "head"} | record)

    def _refine(self, X, y, seed):
        """Beyond the paper: feature and link refitted together, beside the two stages."""
        degree, best, errors = refine_by_degree(self, X, y, seed)
        if "refinement" in best.weights:  # there was something to descend to, and rows enough to fold
            self.refinement_, self._refined_degree = best, degree
            self.degree_ = degree if best.heaviest else self.degree_
        record = {"stage": "refinement", "degree": degree, "chosen": best.stage, "weights": best.weights}
        self.history_.append(record | {"errors": errors, "loss": mean_square(self._predict(X) - y)})

    def _train(self, blocks, y, path: RidgePath, stage: int) -> tuple[np.ndarray, dict]:
        """The weights of a stage, at the penalty the path chose: its limit, or T steps from zero."""
        record = {"penalty": path.penalty, "validation_loss": float(path.errors.min())}
        coefficients = path.coefficients
        if self.n_steps is not None:
            n_steps = int(np.broadcast_to(self.n_steps, 2)[stage])
            step = largest_stable_step(blocks, path.penalty) / 2
            descend = chebyshev if self.solver == "exact" else literal
            coefficients = descend(blocks, y, n_steps, step, path.penalty)
            record |= {"n_steps": n_steps, "step_size": step}
        return coefficients, record | {"loss": mean_square(blocks @ coefficients - y)}

    def _centred_feature(self, X):
        return FeatureBlocks(X, self.features_.transform, len(self.feature_coef_)) @ self.feature_coef_

    def _standardise(self, g):
        return (g - self.feature_mean_) / (self.feature_scale_ or 1.0)

    def _split_rows(self, n: int, rng):
        if self.split == "leave-one-out":
            return slice(None), slice(None)
        size = min(max(round(self.split * n), 1), n - 1)
        order = rng.permutation(n)
        return order[:size], order[size:]
