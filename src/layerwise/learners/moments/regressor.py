"""The method of moments: directions from Hermite moment tensors, a polynomial on them, both polished together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from scipy.stats import norm, rankdata
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, RegressorMixin, TransformerMixin
from sklearn.covariance import ledoit_wolf
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from layerwise.hermite import HermitePolynomial
from layerwise.learners._head import (
    Auto,
    RandomState,
    Validation,
    column_scales,
    held_out_rows,
    mean_square,
)
from layerwise.learners.moments.arguments import check_arguments
from layerwise.learners.moments.multi_index import Candidate, MultiIndexFits
from layerwise.representations._validation import check_inputs, check_samples
from layerwise.solvers import ridge
from layerwise.solvers.moment_tensors import Spectrum, along, leading, null_quantile
from layerwise.solvers.variable_projection import polynomial_features


class MomentRegressor(ClassNamePrefixFeaturesOutMixin, TransformerMixin, RegressorMixin, BaseEstimator):
    """Method of moments for ``y = q(Ux) + noise``: directions from moments, a polynomial on them, both polished.

    Learns ``f(x) = q(U x~)``, x~ the whitened input, U an orthonormal frame of few directions, q a polynomial::

        1  T_k = (1/n) sum_i y_i He_k(x_i), k = 1..4, unfolded; its eigenvalues beyond those of permuted labels
        2  P = sum of V V' over what stood out, weighed by how far; candidates U: its leading eigenvectors
        3  q by ridge regression on all h_alpha(U x~) of |alpha| <= degree
        4  (polish) U and q together, by variable projection
        5  the rank and degree that validation prefers, rank 0 for the linear fit: ranks upwards from line 2, then down
           again while the direction that q uses least is not worth it: it must lower the error, and stand out in the
           moments along it, or else lower it clearly and, but tenfold or where rows are held out, carry 5 % of
           E |grad q|^2, together with those dropped before

    Lines 1 to 3 are the moment baseline of the theory (top eigenvectors of the empirical Hessian, d^{p/2} spectral
    method on unfolded tensors). Line 4 and ``robust`` are not part of it.

    Parameters
    ----------
    rank : int or "auto", default="auto"
        Number of directions; "auto" chooses among 0..max_rank those that stood out, by ``validation``.
    degree : int or "auto", default="auto"
        Of q; "auto" chooses among 1 to 6, four rows to a coefficient.
    max_rank : int, default=5
        Largest rank "auto" tries; raise it where ``rank_`` comes out as large.
    orders : sequence of int or "auto", default="auto"
        k of line 1, among 1 to 4; "auto" takes those with ``n_samples >= n_features^{k/2}``, what unfolding needs to
        see a signal of order one.
    robust : bool, default=True
        Take the moments of the normal scores of y (its ranks' Gaussian quantiles) instead of y's. Any function of y
        depends on x through Ux alone as y does, and moments of order 2 to 4 need labels of light tails. False is the
        literal method.
    whiten : bool, default=True
        Standardise the columns and whiten them by their Ledoit-Wolf covariance, which leaves isotropic inputs as they
        are. Moments see directions only for inputs near N(0, I): with False, see to that yourself.
    polish : bool, default=True
        Line 4, where rows are more than unknowns; kept where its error, with the frame's unknowns counted, is less.
    n_permutations : int, default=19
        Of the labels in line 1: a value stands out where it is over all of theirs, at level ``1/(n_permutations + 1)``
        for each order.
    penalty : float or "auto", default="auto"
        lambda > 0 of line 3, the weight of ``|c|^2 / 2``; "auto" chooses from a path by ``validation``.
    validation : "loo" or float, default="loo"
        Leave-one-out in closed form (line 4: of the linearised model; line 5: what is left of a polished frame counts
        as given), or the fraction of rows held out, which then neither the moments nor the polishing see.
    max_memory : int, default=8 * 2**30
        Bytes the fit may take beside X, by the peak in the notes.
    random_state : int, RandomState or None
        Draws the permutations and the rows held out.

    Attributes
    ----------
    rank_ : int
        Number of directions found; 0 where nothing beat the linear fit, whose direction then stands in their place.
    directions_ : ndarray of shape (max(rank_, 1), n_features)
        Orthonormal rows that span what f depends on, in the inputs as they came, the one that q uses most first.
    components_ : ndarray of shape (max(rank_, 1), n_features)
        ``transform(X) = (X - mean_) @ components_.T``; the directions themselves where ``whiten=False``.
    mean_ : ndarray of shape (n_features,)
    polynomial_ : HermitePolynomial
        q, in the projections.
    eigenvalues_ : dict of int to ndarray
        Line 1: for each order the leading eigenvalues (1: length of the mean; 3: singular values), largest first, of
        labels in units of their standard deviation.
    null_ : dict of int to float
        What they must exceed in size to stand out.
    history_ : list of dict
        Stage by stage: the orders, each rank tried, the head.
    n_features_in_ : int

    Notes
    -----
    Line 1 costs, for each of the n_permutations + 1 sets of labels, 2 n d^2 flops (order 2), n d^3 (3) and some 30
    products of 4 n d^2 (4); line 3 n D^2 with D = C(rank + degree, degree); line 4 n (D + rank d)^2 a step, some tens
    of steps for each rank tried. Peak memory 4 n d, d^3 (order 3), 40 d^2 (order 4), 4 (D + rank d)^2, or 4 n^2 and
    n D where D > n, and a few blocks of rows.

    A null of permuted labels is exact for labels that do not depend on x. Where they do, large labels come with large
    inputs, and with ``robust=False`` a heavy-tailed y lets orders 3 and 4 find more than there is; validation prunes.

    Raises
    ------
    ValueError
        Where the fit would take more than ``max_memory``.

    References
    ----------
    Damian, Lee, Soltanolkotabi 2022 (the Hessian); Montanari & Richard 2014 (unfolding); Golub & Pereyra 1973
    (variable projection).
    """

    def __init__(
        self,
        rank: int | Literal["auto"] = "auto",
        *,
        degree: int | Literal["auto"] = "auto",
        max_rank: int = 5,
        orders: Sequence[int] | Literal["auto"] = "auto",
        robust: bool = True,
        whiten: bool = True,
        polish: bool = True,
        n_permutations: int = 19,
        penalty: Auto = "auto",
        validation: Validation = "loo",
        max_memory: int = 8 * 2**30,
        random_state: RandomState = None,
    ):
        self.rank: int | Literal["auto"] = rank
        self.degree: int | Literal["auto"] = degree
        self.max_rank = max_rank
        self.orders: Sequence[int] | Literal["auto"] = orders
        self.robust = robust
        self.whiten = whiten
        self.polish = polish
        self.n_permutations = n_permutations
        self.penalty: Auto = penalty
        self.validation: Validation = validation
        self.max_memory = max_memory
        self.random_state = random_state

    def fit(self, X, y):
        """Lines 1 to 5 on X (n_samples, n_features), y (n_samples,)."""
        X, y = check_samples(self, X, y)
        orders = check_arguments(self, *X.shape)
        rng = check_random_state(self.random_state)
        held_out = held_out_rows(self.validation, len(y), rng)
        mean, variance = float(y.mean(dtype=float)), mean_square(y - y.mean(dtype=float))
        scale = variance**0.5 or 1.0
        self.history_ = [{"stage": "mean", "loss": variance}]
        Z, labels = self._whiten(X), (y - mean) / scale
        kept = slice(None) if held_out is None else ~held_out

        found = self._find_directions(Z[kept], labels[kept], orders, rng)  # lines 1, 2
        fits = MultiIndexFits(Z, labels, held_out, self.degree, self.penalty, self.polish, self.history_)
        if isinstance(self.rank, str):
            best, self.rank_ = fits.choose_rank(*found, self.max_rank)  # lines 3 to 5
        else:
            best, self.rank_ = fits.of_rank([found[0][: self.rank]]), int(self.rank)
        self._set_function(best, mean, scale)
        residual = y - self.predict(X)
        self.history_ += [
            {"stage": "head", **best.path.summary(), "validation_loss": best.error * scale**2, "degree": best.degree}
            | {"polished": best.polished, "loss": mean_square(residual)}
        ]
        return self

    def transform(self, X):
        """Projections of the whitened inputs, of shape (n_samples, max(rank_, 1))."""
        check_is_fitted(self)
        X = check_inputs(self, X)
        return (X - self.mean_.astype(X.dtype)) @ self.components_.T.astype(X.dtype)

    def predict(self, X):
        """Predictions of shape (n_samples,)."""
        Z = self.transform(X)
        return self.polynomial_(Z).astype(Z.dtype, copy=False)

    @property
    def _n_features_out(self) -> int:
        return len(self.components_)

    def _whiten(self, X: np.ndarray) -> np.ndarray:
        """``(X - mean) W`` in float64, W kept for `components_`."""
        self.mean_ = X.mean(axis=0, dtype=float)
        self._W = np.eye(X.shape[1])
        if not self.whiten:
            self.mean_ = np.zeros(X.shape[1])
            return X.astype(float)
        Z = X - self.mean_
        spread = column_scales(Z, self.mean_)
        Z /= spread
        values, Q = np.linalg.eigh(ledoit_wolf(Z, assume_centered=True)[0])
        seen = values > 1e-10 * values[-1]
        root = np.where(seen, 1 / np.sqrt(np.where(seen, values, 1.0)), 0.0)
        W = (Q * root) @ Q.T
        self._W = W / spread[:, None]
        return Z @ W

    def _find_directions(self, Z, labels, orders, rng) -> tuple[np.ndarray, int, int, Callable[[np.ndarray], bool]]:
        """Lines 1 and 2: directions (d, d), the strongest first; how many stood out in orders 1 and 2, and in all.

        And whether moments along a unit vector (d,) stand out.
        """
        order = np.lexsort((Z[:, 0], labels))  # permutations then do not depend on the order of the rows
        rows, scores = Z[order], labels[order]
        if self.robust:
            scores = norm.ppf((rankdata(scores) - 0.5) / len(scores))
            scores -= scores.mean()
        d, most = Z.shape[1], self.max_rank if isinstance(self.rank, str) else int(self.rank)
        P, n_found, n_sure, self.eigenvalues_, self.null_ = np.zeros((d, d)), 0, 0, {}, {}
        seen = {k: np.empty(len(scores)) for k in orders}
        for k in orders:
            if k > 2 and n_found:
                scores = _without_quadratic_part(rows, scores, _leading_rows(P)[:n_found])
            null = null_quantile(rows, scores, k, self.n_permutations, rng)
            spectrum = leading(rows, scores, k, 1 if k == 1 else min(d, most))
            n_found += _gather(P, spectrum, null)
            n_sure = n_found if k <= 2 else n_sure
            self.eigenvalues_[k], self.null_[k], seen[k][order] = spectrum.values, null, scores
            self.history_.append({"stage": f"moments of order {k}", "null": null, "values": spectrum.values.tolist()})

        def stands_out(v: np.ndarray) -> bool:
            return any(along(Z, seen[k], k, v) > self.null_[k] for k in orders)

        return _leading_rows(P), n_sure, n_found, stands_out

    def _set_function(self, best: Candidate, mean: float, scale: float) -> None:
        """The candidate in the inputs as they came, and in the units of y."""
        turn = best.by_use()
        self.components_ = turn @ best.frame @ self._W.T
        Q, R = np.linalg.qr(self.components_.T)
        self.directions_ = (Q * np.where(np.diag(R) < 0, -1.0, 1.0)).T
        q = HermitePolynomial.from_dense(len(best.frame), best.degree, scale * best.path.coefficients)
        self.polynomial_ = q.rotate(turn.T) + mean


def _gather(P: np.ndarray, spectrum: Spectrum, null: float) -> int:
    """Add ``sum w V V'`` to P, w by how far a value stands out; returns how many directions stand out in all."""
    n_found = 0
    for value, V in zip(spectrum.values, spectrum.factors, strict=True):
        strength = (value / null) ** 2 if null > 0 else 0.0
        P += (max(strength - 1, 0.0) + 1e-6 * strength) * (V @ V.T)  # the small part orders what did not stand out
        if strength > 1:
            n_found += round(1 / np.sum((V.T @ V) ** 2))  # eigenvalues nu of V: 1 / sum(nu^4), 1 for vectors
    return n_found


def _leading_rows(P: np.ndarray) -> np.ndarray:
    """Eigenvectors of P as rows, the strongest first."""
    return np.linalg.eigh(P)[1].T[::-1]


def _without_quadratic_part(Z: np.ndarray, labels: np.ndarray, frame: np.ndarray) -> np.ndarray:
    """Labels less their degrees <= 2 along the frame: T_3 and T_4 stay, their noise shrinks."""
    features = polynomial_features(Z, frame, 2)
    return labels - features @ ridge(features, labels).coefficients
