"""Several directions or polynomial features with a link of any shape, grown on one split of the rows.

`HierarchicalRegressor` chooses the number of features by ten folds, in comparison with all simpler models. Here the
candidates are compared afterwards in any case, so that one split suffices.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin, clone

from layerwise.hermite import HermitePolynomial, n_terms
from layerwise.learners.hierarchical.basis import basis_blocks
from layerwise.solvers.gauss_newton import standardise
from layerwise.solvers.gauss_newton.growth import FoldGrowth
from layerwise.solvers.gauss_newton.several import SeveralCandidate, SeveralState, descend_several, rotate_to_use
from layerwise.solvers.linearised_several import JointlyCentred

#: Share of the rows on which starts and the number of features are chosen.
HELD_OUT = 0.25
#: Largest number of features; how many in a row may fail to lower the error; the relative decrease that counts.
MAX_FEATURES, PATIENCE, MIN_GAIN = 4, 2, 0.05
#: With an error below this share of the variance of y, no further feature is tried.
MIN_ERROR = 1e-4


class GrownFeatures(RegressorMixin, BaseEstimator):
    """``y ~ link(z_1, ..., z_R)`` with R directions (degree 1) or polynomial features (degree 2) of the columns.

    Parameters
    ----------
    degree : {1, 2}, default=1
    random_state : int, default=0

    Attributes
    ----------
    candidate_ : SeveralCandidate or None
        The link with its features; None if no feature lowers the error on the rows held out.
    shares_ : ndarray of shape (R,)
        Shares of the features in ``E |grad link|^2``.
    """

    def __init__(self, degree: Literal[1, 2] = 1, random_state: int = 0):
        self.degree: Literal[1, 2] = degree
        self.random_state = random_state

    def fit(self, X, y):
        """Grow features on three quarters of the rows, then minimise the error over all rows from there."""
        labels, self.mean_, self.scale_ = standardise(y)
        features = basis_blocks(X, self.degree)
        out = np.random.RandomState(self.random_state).permutation(len(y)) < HELD_OUT * len(y)
        growth = FoldGrowth(features, labels, out, np.zeros((1, int(out.sum()))))
        least, chosen = float(np.mean(labels[out] ** 2)), 0
        for r in range(1, min(MAX_FEATURES, X.shape[1]) + 1):
            if not growth.grow(r):
                break
            error = growth.missed(growth.found[r - 1][0])
            if error < (1 - MIN_GAIN) * least:
                least, chosen = error, r
            if r - chosen >= PATIENCE or least < MIN_ERROR:
                break
        self.candidate_ = None
        if chosen:
            self._descend(features, labels, growth.found[chosen - 1][0].coefficients)
        return self

    def refit(self, X, y):
        """A copy fitted to other rows, with the same number of features, starting from the features of this fit."""
        other: Any = clone(self)
        labels, other.mean_, other.scale_ = standardise(y)
        other.candidate_ = None
        if self.candidate_ is not None:
            other._descend(basis_blocks(X, self.degree), labels, self.candidate_.coefficients)
        return other

    def transform(self, X):
        """The features, of shape (n_samples, R)."""
        assert self.candidate_ is not None
        return self.candidate_.features(basis_blocks(X, self.degree))

    def predict(self, X):
        """Predictions of shape (n_samples,)."""
        if self.candidate_ is None:
            return np.full(len(X), self.mean_)
        return self.mean_ + self.scale_ * self.candidate_.link(self.transform(X))

    def polynomials(self, n_features: int) -> list[HermitePolynomial]:
        """The features as polynomials of the columns."""
        found = self.candidate_
        rows: Any = [] if found is None else np.column_stack([-found.offsets, found.coefficients])
        return [HermitePolynomial.from_dense(n_features, self.degree, row) for row in rows]

    def _descend(self, features, labels, C) -> None:
        H = JointlyCentred(features)
        found = descend_several(H, labels, SeveralState(C, features @ C.T - H.mean @ C.T, in_sample=True))
        self.candidate_: SeveralCandidate | None = None if found is None else rotate_to_use(H, labels, *found)
        if self.candidate_ is not None:
            slopes = self.candidate_.link.derivative(self.candidate_.features(features))
            self.shares_ = np.mean(slopes**2, axis=0) / np.mean(np.sum(slopes**2, axis=1))


def rows_needed(d: int, degree: int) -> int:
    """Number of rows needed: two for each coefficient of two features of the given degree in d variables."""
    return max(60, 4 * n_terms(d, degree))
