"""Recursive feature machines: kernel regression in a metric that is learnt from its own gradients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal, cast

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from layerwise._validation import Integer, check_peak
from layerwise.kernels import DotProductKernel
from layerwise.learners._base import PENALTY, Auto, Learner, RandomState, as_number
from layerwise.learners._describe import column_names, describe_directions, describe_polynomial
from layerwise.learners._head import column_scales
from layerwise.learners._kernels import KERNELS, KernelChoice
from layerwise.learners._representation import (
    Representation,
    RepresentationChoice,
    candidate_representations,
    representation_width,
)
from layerwise.learners.recursive_features.kernel_model import KernelModel, mapped
from layerwise.learners.recursive_features.learnt_metric import LearntMetric
from layerwise.learners.recursive_features.memory import fit_bytes, metric_bytes, n_centres
from layerwise.learners.recursive_features.recursion import Folds, plan_rounds
from layerwise.solvers.gauss_newton.folds import draw_folds
from layerwise.solvers.squared_errors import mean_square

ADVICE = "Fit fewer rows or columns, or pass a smaller n_centres"


class RecursiveFeatureRegressor(ClassNamePrefixFeaturesOutMixin, TransformerMixin, LearntMetric, Learner):
    """Kernel regression ``f(x) = sum_i alpha_i k(Wx, Wx_i)`` whose metric ``M = W'W`` is learnt from its gradients.

    Finds the directions on which y depends through a link of any shape, by the recursion of [1]_::

        1  W = I
        2  alpha by kernel ridge regression with k(Wx, Wz)
        3  M = (1/n) sum_i grad f(x_i) grad f(x_i)',  W = M^{1/2};  go to 2, for `n_rounds_` times
        4  keep the leading `rank_` eigenvectors of M, and do line 2

    Gradients are in closed form. Not in the paper: bandwidth and penalty of each round, the number of rounds and the
    rank are chosen by the errors of rows held out of the whole recursion (see Notes), and a learnt metric must lead
    W = I clearly, or W = I is kept.

    Parameters
    ----------
    kernel : {"gaussian", "laplace", "ntk", "arc-cosine", "polynomial"} or kernel object, default="gaussian"
        k, with the parameters of `KernelRegressor`'s defaults; or an object with ``kernel(X, Z)``, ``kernel.dot`` and
        ``kernel.gradient``, like a `layerwise.kernels.DotProductKernel` with partial derivatives. A bandwidth is chosen
        for every kernel: inputs are divided by it.
    max_rounds : int, default=6
        The most times that line 3 is done; it ends earlier if two rounds in a row gain nothing.
    rank : int or "auto", default="auto"
        Directions kept in line 4 if a metric is learnt. "auto" compares cutting off the spectrum of M at its two
        largest gaps with keeping all.
    penalty : float or "auto", default="auto"
        The weight of ``alpha' K alpha / 2`` in the loss, for y of variance 1; "auto" chooses it in each round.
    representation : "hermite", transformer or None, default=None
        Look for directions in a representation phi(x) instead of x: any scikit-learn transformer, fitted to X; or
        Hermite features of degrees 1 to k, where directions are polynomials (`features_`). k
        is 2, and then larger while that lowers the error and there are two rows for each feature, up to 4.
    folds : int, default=4
        Folds by which choices are made.
    n_centres : int, optional
        Number of rows that serve as centres (Nystroem). None is all of them if they fit in ``max_memory``, otherwise as
        many as fit.
    standardize : bool, default=True
        Standardise the columns (``scaler_``); x and all attributes then refer to the standardised columns. False is the
        literal algorithm.
    max_memory : float, default=8 * 2**30
        Largest number of bytes that the fit may take; see `memory_bytes`.
    random_state : int, RandomState or None
        Draws folds and centres.

    Attributes
    ----------
    rank_, n_rounds_ : int
        Number of directions and of rounds; 0 if no learnt metric clearly leads W = I.
    directions_ : ndarray of shape (rank_, n_features) or (rank_, width of phi)
        Orthonormal rows that span what f depends on, the leading eigenvector of M first.
    components_ : ndarray of shape (rank_ or the number of columns, number of columns)
        W divided by the bandwidth (and the scales of phi): ``transform(X) = (x - mean_) @ components_.T``, with phi(x)
        for x if there is a representation.
    metric_ : ndarray of shape (number of columns, number of columns)
        ``components_' components_``, which is M up to a factor (in the units of phi).
    shares_ : ndarray of shape (rank_,)
        Shares of the directions in the trace of M.
    features_ : list of HermitePolynomial
        The directions as polynomials, for representation="hermite"; otherwise empty.
    representation_ : transformer or None
        phi, fitted.
    mean_ : ndarray of shape (number of columns,)
        The mean of phi; 0 without a representation.
    kernel_ : kernel object
    centres_ : ndarray of shape (n_centres, number of components)
        Centres, transformed.
    dual_coef_ : ndarray of shape (n_centres,)
        alpha, in units of y.
    intercept_ : float
        The mean of y.
    history_ : list of dict
        For each round and rank: bandwidth, as a multiple of the typical distance, and penalty, as one of twice the mean
        of k(x, x); the error of rows held out, for y of variance 1; the lead over W = I in standard errors. For the
        head, the penalty itself and the error in units of y.

    Raises
    ------
    ValueError
        If a parameter is not allowed, the squares of y overflow or underflow, or the fit needs more than
        ``max_memory``.

    Notes
    -----
    *Choices.* All rounds are run without each of the folds in turn, with bandwidths and penalties common to the folds.
    Leave-one-out in closed form would be optimistically biased: from round 1 on, the metric has seen the label that is
    left out. A learnt metric is kept if its error leads that of round 0 by 3 standard errors of the paired differences.

    *Cost* for each round and fold: a Cholesky factorisation of n^3/3 flops for each of four bandwidths and four to six
    penalties, 4 n^2 d flops for the gradients and 9 d^3 for W. With four folds, a round takes about as long as three
    eigendecompositions of an n x n matrix.

    *Memory.* Two n x n matrices in float64. With m centres, four m x m matrices and blocks of rows; f then minimises
    the same loss over the span of the kernel functions of the centres, and the smallest loss is at most
    ``1 + 2 tr(K - K~) / (n penalty)`` times that of all centres, K~ being the part of the kernel matrix K that the
    centres span. ``history_`` has the share ``tr(K - K~) / tr K`` that they miss.

    Unlike moments, gradients of a fitted function do not require Gaussian inputs. Directions that the kernel regression
    of round 0 does not see at all, such as those of even links of high degree, are not found by later rounds.

    References
    ----------
    .. [1] Radhakrishnan, Beaglehole, Pandit, Belkin 2024, "Mechanism for feature learning in neural networks and
       backpropagation-free machine learning models", Science 383.

    Examples
    --------
    >>> import numpy as np
    >>> from layerwise.learners import RecursiveFeatureRegressor
    >>> X = np.random.default_rng(0).standard_normal((300, 8))
    >>> model = RecursiveFeatureRegressor(random_state=0).fit(X, np.tanh(3 * X[:, 0]))
    >>> model.rank_, bool(abs(model.directions_[0, 0]) > 0.99)
    (1, True)
    """

    constraints: ClassVar = {
        "kernel": KernelChoice(*KERNELS, methods=["dot", "gradient"]),
        "max_rounds": Integer(0),
        "rank": Integer(1, auto=True),
        "penalty": PENALTY,
        "representation": RepresentationChoice(),
        "folds": Integer(2),
        "n_centres": Integer(1, none=True),
    }
    presets: ClassVar = {"recursive-features": {}}

    def __init__(
        self,
        kernel: Literal["gaussian", "laplace", "ntk", "arc-cosine", "polynomial"] | DotProductKernel = "gaussian",
        *,
        max_rounds: int = 6,
        rank: int | Literal["auto"] = "auto",
        penalty: Auto = "auto",
        representation: Representation = None,
        folds: int = 4,
        n_centres: int | None = None,
        standardize: bool = True,
        max_memory: float = 8 * 2**30,
        random_state: RandomState = None,
    ):
        self.kernel = kernel
        self.max_rounds = max_rounds
        self.rank: int | Literal["auto"] = rank
        self.penalty: Auto = penalty
        self.representation: Representation = representation
        self.folds = folds
        self.n_centres = n_centres
        self.standardize = standardize
        self.max_memory = max_memory
        self.random_state = random_state

    def fit(self, X, y):
        """Lines 1 to 4, on X (n_samples, n_features) and y (n_samples,)."""
        X, y = self._check_fit(X, y, ADVICE)
        self.kernel_ = KERNELS[self.kernel] if isinstance(self.kernel, str) else cast("DotProductKernel", self.kernel)
        rng, least = check_random_state(self.random_state), np.inf
        folds, order = self._draw_folds(X, rng), rng.permutation(len(y))
        self.history_, self.intercept_ = [], float(y.mean(dtype=float))
        scale = mean_square(y.astype(float) - self.intercept_) ** 0.5 or 1.0
        labels = (y.astype(float) - self.intercept_) / scale
        n, d = X.shape
        for candidate in candidate_representations(self.representation, n, d, self.max_memory):
            phi = self._represent(X if candidate is None else candidate.fit_transform(X))
            mean, scales = np.zeros(phi.shape[1]), np.ones(phi.shape[1])
            if candidate is not None:
                mean = phi.mean(axis=0)
                phi -= mean
                scales = column_scales(phi, mean)
                phi /= scales
            options = (self.kernel_, self._choose_centres(phi, order), as_number(self.penalty))
            plan = plan_rounds(Folds(phi, labels, folds, options), self.max_rounds, self.rank)
            self.history_ += plan.history
            if plan.error >= least:
                break
            least, self.representation_, self.mean_ = plan.error, candidate, mean
            self._learn(KernelModel(phi, labels, *options), plan, scales)
        self.dual_coef_ *= scale
        self.history_.append(self._head | {"validation_loss": least * scale**2})
        return self

    def fit_head(self, X, y):
        """Keep the metric; choose bandwidth and penalty, and fit alpha, on X (n_samples, n_features), y of a new task.

        The kernel regression is then one in `rank_` variables, in whose number alone the samples it needs grow.
        """
        X, y = self._check_samples(X, y)
        rng = check_random_state(self.random_state)
        Z, folds = self._project(X), self._draw_folds(X, rng)
        self.intercept_ = float(y.mean(dtype=float))
        labels = y.astype(float) - self.intercept_
        options = (self.kernel_, self._choose_centres(Z, rng.permutation(len(y))), as_number(self.penalty))
        choice = Folds(Z, labels, folds, options).choose()
        self._set_kernel_model(KernelModel(Z, labels, *options), choice, self.components_)
        self.history_.append(self._head | {"validation_loss": choice.error})
        return self

    def transform(self, X):
        """Projections ``(x - mean_) @ components_.T``, of shape (n_samples, len(components_))."""
        X = self._check_inputs(X)
        return self._project(X).astype(X.dtype, copy=False)

    def predict(self, X):
        """Predictions of shape (n_samples,), computed in float64, tile by tile."""
        X = self._check_inputs(X)
        Z = mapped(self.kernel_, self._project(X), np.eye(len(self.components_)))
        return (self.kernel_.dot(Z, self.centres_, self.dual_coef_) + self.intercept_).astype(X.dtype)

    def memory_bytes(self, n_samples: int, n_features: int) -> int:
        """Peak memory of `fit` in bytes; a transformer is taken to have n_features features, and checked in `fit`."""
        candidates = candidate_representations(self.representation, n_samples, n_features, self.max_memory)
        return self._bytes(n_samples, max(representation_width(each, n_features) for each in candidates))

    def describe(self, columns: Sequence[str] | None = None) -> list[str]:
        """The directions with their shares of the mean squared gradient, or the polynomials; see `Learner.describe`.

        The list is empty for directions in a transformer's features.
        """
        check_is_fitted(self)
        names = column_names(self, columns)
        if self.representation_ is None:
            return describe_directions(self.directions_, self.shares_, "of the mean squared gradient", names)
        return [line for feature in self.features_ for line in describe_polynomial(feature, names)]

    @property
    def _n_features_out(self) -> int:
        return len(self.components_)

    def _bytes(self, n: int, width: int) -> int:
        outside = metric_bytes(n, width, self.folds)
        return outside + fit_bytes(n, n_centres(n, self.n_centres, self.max_memory - outside))

    def _draw_folds(self, X: np.ndarray, rng: np.random.RandomState) -> np.ndarray:
        folds = draw_folds(X, self.folds, rng)
        return folds if folds.max() else np.arange(len(X)) % self.folds  # all rows are equal

    def _choose_centres(self, phi: np.ndarray, order: np.ndarray) -> np.ndarray | None:
        n, d = phi.shape
        m = n_centres(n, self.n_centres, self.max_memory - metric_bytes(n, d, self.folds))
        return None if m is None else phi[order[:m]]

    def _represent(self, phi: np.ndarray) -> np.ndarray:
        """The representation of the rows as a float64 array; raises ValueError if it takes too much memory."""
        n, width = phi.shape
        what = f"representation={self.representation!r} with {width} features of n_samples={n}"
        check_peak(self._bytes(n, width), self.max_memory, what, f"{ADVICE}, or raise max_memory.")
        return np.array(phi, dtype=float)

    def _project(self, X: np.ndarray) -> np.ndarray:
        phi = X if self.representation_ is None else np.asarray(self.representation_.transform(X))
        return (phi - self.mean_) @ self.components_.T
