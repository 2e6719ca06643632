"""The method of moments: directions from Hermite moment tensors, a polynomial on them, and polishing of both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import ClassVar, Literal

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from layerwise._validation import Choice, Flag, Fraction, Integer
from layerwise.hermite import HermitePolynomial
from layerwise.learners._base import PENALTY, Auto, Learner, RandomState, Validation
from layerwise.learners._describe import column_names, describe_directions
from layerwise.learners._head import held_out_rows
from layerwise.learners._representation import Representation, RepresentationChoice
from layerwise.learners.moments.directions import Orders, find_directions
from layerwise.learners.moments.memory import moment_bytes, polynomial_bytes, transform_bytes
from layerwise.learners.moments.multi_index import Candidate, MultiIndexFits, degrees_to_try
from layerwise.learners.moments.on_representation import OnRepresentation
from layerwise.learners.moments.tails import LinearTails
from layerwise.learners.moments.transforms import fit_to_transformed
from layerwise.learners.moments.whitening import whitening
from layerwise.solvers.squared_errors import mean_square


@dataclass(eq=False, repr=False)
class MomentRegressor(ClassNamePrefixFeaturesOutMixin, TransformerMixin, OnRepresentation, LinearTails, Learner):
    """Method of moments for ``y = q(Ux) + noise``: directions from moments, then a polynomial on them.

    Learns ``f(x) = q(U x~)`` for the whitened input x~, an orthonormal frame U of few directions, and a polynomial q::

        1  T_k = (1/n) sum_i y_i He_k(x_i), k = 1..4, unfolded; eigenvalues that exceed those of permuted labels
        2  P = sum of V V' over the eigenvectors that stand out, weighted by how far; candidates for U: the leading
           eigenvectors of P
        3  q by ridge regression on all h_alpha(U x~) with |alpha| <= degree
        4  (polish) U and q together, by variable projection
        5  rank and degree by validation (rank 0 is the linear fit): increase the rank from line 2, then decrease it as
           long as the least used direction is not needed. To be kept, it must lower the error and stand out in the
           moments along it; or lower it clearly and, together with those dropped before, carry 5 % of E |grad q|^2
           (the latter unless it lowers the error tenfold or rows are held out)

    Lines 1 to 3 are the moment baseline of the theory (top eigenvectors of the empirical Hessian, the d^{p/2} spectral
    method on unfolded tensors). Line 4, ``robust`` and ``label_transform`` are not part of it.

    Parameters
    ----------
    rank : int or "auto", default="auto"
        Number of directions; "auto" chooses among 0..max_rank of those that stand out, by ``validation``.
    degree : int or "auto", default="auto"
        Degree of q; "auto" chooses among 1 to 6, with at least four rows per coefficient.
    max_rank : int, default=5
        The largest rank that "auto" tries; increase it if ``rank_`` equals it.
    orders : sequence of int or "auto", default="auto"
        The k of line 1, among 1 to 4; "auto" takes those with ``n_samples >= n_features^{k/2}``, which unfolding needs
        to detect a signal of order one.
    robust : bool, default=True
        Take the moments of the normal scores of y (Gaussian quantiles of its ranks), which have light tails and, like
        y, depend on x through Ux alone. False is the literal method.
    whiten : bool, default=True
        Standardise the columns and whiten them by their Ledoit-Wolf covariance, which leaves isotropic inputs
        unchanged. Moments find directions only for inputs near N(0, I); False assumes such inputs.
    polish : bool, default=True
        Do line 4, if there are more rows than unknowns; its result is kept if its error, which accounts for the
        unknowns of the frame, is lower.
    n_permutations : int, default=19
        Permutations of the labels in line 1: a value stands out if it exceeds those of all permutations, at level
        ``1/(n_permutations + 1)`` for each order. A first direction that does not lower the error tenfold must stand
        out at this level for all orders together, which takes further permutations of one order.
    penalty : float or "auto", default="auto"
        lambda > 0 of line 3, the weight of ``|c|^2 / 2``; "auto" chooses from a path by ``validation``.
    validation : "auto", "loo" or float, default="auto"
        Leave-one-out in closed form (of the linearised model in line 4; with a given frame in line 5), or the fraction
        of rows held out, which then neither the moments nor the polishing use. "auto" is leave-one-out, and a fifth of
        the rows on a representation.
    standardize : bool, default=True
        Standardise the columns (``scaler_``); x and all attributes then refer to the standardised columns. False is the
        literal algorithm.
    max_memory : float, default=8 * 2**30
        Largest number of bytes that the fit may take; see `memory_bytes`.
    random_state : int, RandomState or None
        Draws the permutations and the rows held out.
    label_transform : "auto" or None, default=None
        With "auto", lines 2 to 5 are repeated from the directions that transforms of the label show, if there are any
        at level ``1/(n_permutations + 1)`` (see Notes), and the result is kept if its validation error is clearly
        lower. Named so because `transform` is a method.
    representation : "hermite", transformer, or None
        Look for directions in features phi(x) instead of x. "hermite" takes all Hermite polynomials of the standardised
        inputs of degrees 1 to k: the directions are polynomials, ``features_``, and f is a polynomial of them. k is 2,
        and then larger while that lowers the validation error and there are two rows for each feature, up to 4. Their
        moments are those of y itself, without whitening, whatever ``robust`` and ``whiten``. On a representation "auto"
        takes the orders 1 and 2, and the part of y that is linear in phi is removed before order 2.

    Attributes
    ----------
    rank_ : int
        Number of directions found; 0 if nothing is better than the linear fit, whose direction then takes their place.
    directions_ : ndarray of shape (max(rank_, 1), n_features)
        Orthonormal rows that span what f depends on, in the original inputs, the most used direction first.
    components_ : ndarray of shape (max(rank_, 1), n_features)
        ``transform(X) = (X - mean_) @ components_.T``; equal to the directions if ``whiten=False``.
    mean_ : ndarray of shape (n_features,)
    polynomial_ : HermitePolynomial
        q, as a function of the projections.
    tails_ : Tails or None
        The region beyond which predictions continue linearly, unless ``standardize=False``; rows far beyond the
        training rows are reported by a warning.
    eigenvalues_, null_ : dict of int to ndarray, dict of int to float
        Line 1: for each order the leading eigenvalues (order 1: the length of the mean; order 3: singular values),
        largest first, for y of variance 1, and the threshold above which an absolute value stands out.
    transformed_ : bool
        Whether the fit started from the directions of ``label_transform``.
    history_ : list of dict
        For each stage: the orders, each rank tried, the transforms (the gain G of each direction that stands out and
        of the next, and the threshold), the head.
    representation_ : transformer or None
        x -> phi(x); directions, components and means are those of phi(x).
    features_ : list of HermitePolynomial
        With representation="hermite", the columns of `transform` as polynomials of the standardised inputs.

    Raises
    ------
    ValueError
        If a parameter is not allowed, the squares of y overflow or underflow, or the fit needs more than
        ``max_memory``.

    Notes
    -----
    For each of the n_permutations + 1 sets of labels, line 1 costs 2 n d^2 flops (order 2), n d^3 / 3 (order 3) and
    about 25 products of 2 n d^2 (order 4), all permutations in one pass over the rows; line 3 costs n D^2 with
    D = C(rank + degree, degree); line 4 n (D + rank d)^2 per step, with some tens of steps for each rank tried. Peak
    memory is 4 n d floats, d^3 (order 3), 33 d^2 n_permutations (order 4), 4 (D + rank d)^2, or 4 n^2 and n D if D > n,
    and a few blocks of rows.

    No moment of y shows h_p(u.x) from fewer than about d^{p/2} samples, but transforms of y do from order d: with
    ``label_transform="auto"``, every moment of order 1 and 2 of x given y is used, see
    `layerwise.solvers.label_transforms`. Each direction found, and each permutation, costs 20 n d^2 + 50 d^3 flops; a
    table where no transform shows anything takes few permutations. At least two rows per input are needed.

    A null distribution of permuted labels is exact for labels that do not depend on x. Otherwise large labels come with
    large inputs, and with ``robust=False`` orders 3 and 4 may overestimate the number of directions for a heavy-tailed
    y; validation removes them.

    References
    ----------
    Damian, Lee, Soltanolkotabi 2022 (the Hessian); Montanari & Richard 2014 (unfolding); Golub & Pereyra 1973
    (variable projection); Damian, Pillaud-Vivien, Lee, Bruna 2024 (transforms of the label).

    Examples
    --------
    >>> import numpy as np
    >>> from layerwise.learners import MomentRegressor
    >>> X = np.random.default_rng(0).standard_normal((500, 10))
    >>> model = MomentRegressor(random_state=0).fit(X, X[:, 0] ** 2)
    >>> model.rank_
    1
    >>> bool(abs(model.directions_[0, 0]) > 0.99)
    True
    """

    constraints: ClassVar = {
        "rank": Integer(1, auto=True),
        "degree": Integer(1, auto=True),
        "max_rank": Integer(1),
        "orders": Orders(),
        "robust": Flag(),
        "whiten": Flag(),
        "polish": Flag(),
        "n_permutations": Integer(1),
        "penalty": PENALTY,
        "validation": Fraction("loo", auto=True),
        "label_transform": Choice("auto", none=True),
        "representation": RepresentationChoice(),
    }
    presets: ClassVar = {"moments": {}}

    rank: int | Literal["auto"] = "auto"
    _: KW_ONLY
    degree: int | Literal["auto"] = "auto"
    max_rank: int = 5
    orders: Sequence[int] | Literal["auto"] = "auto"
    robust: bool = True
    whiten: bool = True
    polish: bool = True
    n_permutations: int = 19
    penalty: Auto = "auto"
    validation: Literal["auto"] | Validation = "auto"
    standardize: bool = True
    max_memory: float = 8 * 2**30
    random_state: RandomState = None
    label_transform: Literal["auto"] | None = None
    representation: Representation = None

    def fit(self, X, y):
        """Lines 1 to 5, on X (n_samples, n_features) and y (n_samples,)."""
        X, y = self._check_fit(X, y, "Lower degree or rank (max_rank), pass orders=(1, 2), or fewer columns or rows")
        if self.representation is not None:
            return self._fit_on_representations(X, y)
        if not isinstance(self.rank, str) and self.rank > X.shape[1]:
            raise ValueError(
                f"rank={self.rank} must be at most n_features={X.shape[1]}. Pass a smaller rank, or rank='auto'."
            )
        rng = check_random_state(self.random_state)
        held_out = held_out_rows("loo" if self.validation == "auto" else self.validation, len(y), rng)
        mean, variance = float(y.mean(dtype=float)), mean_square(y - y.mean(dtype=float))
        scale = variance**0.5 or 1.0
        self.history_ = [{"stage": "mean", "loss": variance}]
        Z, labels = self._whiten(X), (y - mean) / scale
        kept = slice(None) if held_out is None else ~held_out

        orders = self._orders(*X.shape)
        found = find_directions(
            Z[kept],
            labels[kept],
            orders,
            rng,
            robust=self.robust,
            max_rank=self._max_rank,
            n_null=self.n_permutations,
            gaussian=self._gaussian_inputs,
        )  # lines 1, 2
        self.eigenvalues_, self.null_ = found.eigenvalues, found.null
        self.history_ += [
            {"stage": f"moments of order {k}", "null": found.null[k], "values": found.eigenvalues[k].tolist()}
            for k in orders
        ]
        fits = MultiIndexFits(Z, labels, held_out, self.degree, self.penalty, self.polish, self.history_)
        if isinstance(self.rank, str):
            best, self.rank_ = fits.choose_rank(found, self.max_rank)  # lines 3 to 5
        else:
            best, self.rank_ = fits.of_rank([found.directions[: self.rank]]), int(self.rank)
        better = None
        if self.label_transform is not None:
            rank = None if isinstance(self.rank, str) else int(self.rank)
            better = fit_to_transformed(
                fits, best, found, rng, rank=rank, max_rank=self._max_rank, n_null=self.n_permutations
            )
        self.transformed_ = better is not None
        best, self.rank_ = better or (best, self.rank_)
        self._set_function(best, mean, scale)
        self._set_tails(X, y, best.path.penalty)
        residual = y - self._predict(X)
        self.history_ += [
            {"stage": "head", **best.path.summary(), "validation_loss": best.error * scale**2, "degree": best.degree}
            | {"polished": best.polished, "loss": mean_square(residual)}
        ]
        return self

    def transform(self, X):
        """Projections of the whitened inputs, of shape (n_samples, max(rank_, 1))."""
        return self._project(self._check_inputs(X))

    def predict(self, X):
        """Predictions of shape (n_samples,)."""
        X = self._check_inputs(X)
        if self.tails_ is not None:
            self.tails_.warn(self._project(X))
        return self._predict(X)

    def memory_bytes(self, n_samples: int, n_features: int) -> int:
        """Peak memory of `fit` in bytes: the larger of the moments and the largest polynomial."""
        n, d = n_samples, self._width(n_samples, n_features)
        rank = min(self._max_rank, d)
        degree = degrees_to_try(self.degree, n, rank)[-1]
        moments = moment_bytes(n, d, self._orders(n, d), self.n_permutations)
        moments = max(moments, transform_bytes(n, d) if self.label_transform is not None else 0)
        return max(moments, polynomial_bytes(n, d, rank, degree, polish=self.polish))

    def describe(self, columns: Sequence[str] | None = None) -> list[str]:
        """The directions with their shares of the mean squared slope of q, as in `Learner.describe`."""
        check_is_fitted(self)
        slopes = np.array([q.norm() ** 2 for q in self.polynomial_.gradient()])
        names = column_names(self, columns)
        found = ["found by transforms of the label"] * self.transformed_
        if self.representation is not None:
            return self._describe_features(names, slopes) + found
        return describe_directions(self.directions_, slopes, "of the mean squared slope", names) + found

    @property
    def _n_features_out(self) -> int:
        return len(self.components_)

    @property
    def _max_rank(self) -> int:
        return self.max_rank if isinstance(self.rank, str) else int(self.rank)

    def _orders(self, n: int, d: int) -> list[int]:
        if isinstance(self.orders, str):
            return [k for k in (1, 2, 3, 4) if k <= 2 or (self._gaussian_inputs and n >= d ** (k / 2))]
        return sorted({int(k) for k in self.orders})

    def _whiten(self, X: np.ndarray) -> np.ndarray:
        """``(X - mean) W`` in float64; W is kept for `components_`."""
        d = X.shape[1]
        self.mean_, self._W = whitening(X) if self.whiten else (np.zeros(d), np.eye(d))
        return (X - self.mean_) @ self._W

    def _set_function(self, best: Candidate, mean: float, scale: float) -> None:
        """Convert the candidate to the original inputs and to the units of y."""
        turn = best.by_use()
        self.components_ = turn @ best.frame @ self._W.T
        Q, R = np.linalg.qr(self.components_.T)
        self.directions_ = (Q * np.where(np.diag(R) < 0, -1.0, 1.0)).T
        q = HermitePolynomial.from_dense(len(best.frame), best.degree, scale * best.path.coefficients)
        self.polynomial_ = q.rotate(turn.T) + mean
