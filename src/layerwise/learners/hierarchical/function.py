"""The function that `HierarchicalRegressor` has learnt: features, a link of them, and their description."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from layerwise.hermite import HermitePolynomial
from layerwise.learners._describe import column_names, describe_polynomial
from layerwise.learners.hierarchical.basis import basis_blocks
from layerwise.representations import PolynomialLayer
from layerwise.solvers import FeatureBlocks
from layerwise.solvers.gauss_newton import Refinement
from layerwise.solvers.gauss_newton.several import SeveralCandidate
from layerwise.solvers.link import ReluLink


class HierarchicalFunction:
    """Two stages, or one refined feature, or several, from the fitted attributes of a learner."""

    n_features_in_: int
    features_: PolynomialLayer
    intercept_: float
    feature_coef_: np.ndarray
    feature_mean_: float
    feature_scale_: float
    link_signs_: np.ndarray
    link_biases_: np.ndarray
    link_coef_: np.ndarray
    degree_: int
    refinement_: Refinement | None
    several_: SeveralCandidate | None
    _refined_degree: int
    _several_degree: int
    _check_inputs: Callable[[Any], np.ndarray]

    def feature(self, X):
        """The learnt z(x), of shape (n_samples,), with mean 0 and variance 1 over the (left-out) values in stage 2.

        With R > 1 features, z(x) has shape (n_samples, R); they are uncorrelated.
        """
        return self._feature(self._check_inputs(X))

    def link(self, z):
        """The learnt link, elementwise in z of any shape; the prediction, unless a stack, is ``link(feature(X))``.

        With R > 1 features, z has shape (..., R), and the values have shape (...).
        """
        check_is_fitted(self)
        z = np.asarray(z)
        z = z if z.dtype.kind == "f" else z.astype(float)
        if self.several_ is not None:
            values, shape = self.several_.link(z.reshape(-1, self.n_features_)), z.shape
            return values.astype(z.dtype, copy=False).reshape(shape if self.n_features_ == 1 else shape[:-1])
        function = self._two_stage_link() if self._refined is None else self._refined.link
        return function(z.ravel()).astype(z.dtype, copy=False).reshape(z.shape)

    def transform(self, X):
        """The learnt features as columns, of shape (n_samples, n_features_)."""
        z = self.feature(X)
        return z.reshape(len(z), -1)

    def predict(self, X):
        """``h(x) = g(x) + c'relu(a z(x) + b)``, or what ``refinement_`` predicts, of shape (n_samples,)."""
        return self._predict(self._check_inputs(X))

    @property
    def n_features_(self) -> int:
        """R, the number of features of the fitted function."""
        return 1 if self.several_ is None else len(self.several_.coefficients)

    @property
    def feature_polynomial_(self) -> HermitePolynomial:
        """The polynomial g (or z, if refined) in the Hermite basis: to print, project, and compare with p."""
        check_is_fitted(self)
        if self._refined is not None:
            coefficients = np.concatenate([[-self._refined.offset], self._refined.coefficients])
            return HermitePolynomial.from_dense(self.n_features_in_, self.degree_, coefficients)
        return self.features_.polynomial(self.feature_coef_) + self.intercept_

    @property
    def feature_polynomials_(self) -> list[HermitePolynomial]:
        """The features as polynomials, by their share of ``E |grad g|^2``; one of them if there is one feature."""
        if self.several_ is None:
            return [self.feature_polynomial_]
        rows = np.column_stack([-self.several_.offsets, self.several_.coefficients])
        return [HermitePolynomial.from_dense(self.n_features_in_, self._several_degree, row) for row in rows]

    def describe(self, columns: Sequence[str] | None = None) -> list[str]:
        """The features by their largest terms for a variance of 1, as `Learner.describe`, and the link if several."""
        check_is_fitted(self)
        names = column_names(self, columns)
        lines = [line for p in self.feature_polynomials_ for line in describe_polynomial(p, names)]
        if self.several_ is None:
            return lines
        number = f"{self.n_features_} feature{'s' if self.n_features_ > 1 else ''}"
        return [f"{self.several_.link.description} of {number}, the most used first:", *lines]

    @property
    def _n_features_out(self) -> int:
        return self.n_features_

    @property
    def _refined(self) -> Refinement | None:
        """The refinement, if `feature` and `link` are refined."""
        return self.refinement_ if self.refinement_ is not None and self.refinement_.mostly_refined else None

    def _feature(self, X: np.ndarray) -> np.ndarray:
        if self.several_ is not None:
            z = self.several_.features(basis_blocks(X, self._several_degree))
            return (z[:, 0] if self.n_features_ == 1 else z).astype(X.dtype, copy=False)
        if self._refined is not None:
            return self._refined.feature(basis_blocks(X, self.degree_))
        return self._standardise(self.intercept_ + self._centred_feature(X))

    def _predict(self, X: np.ndarray) -> np.ndarray:
        if self.several_ is not None or self.refinement_ is None or not self.refinement_.stack:
            return self.link(self._feature(X))
        return self.refinement_.predict(basis_blocks(X, max(self._refined_degree, self.features_.degree)))

    def _two_stage_link(self) -> ReluLink:
        return ReluLink(self.feature_mean_, self.feature_scale_, self.link_signs_, self.link_biases_, self.link_coef_)

    def _centred_feature(self, X: np.ndarray) -> np.ndarray:
        return FeatureBlocks(X, self.features_.transform, len(self.feature_coef_)) @ self.feature_coef_

    def _standardise(self, g: np.ndarray) -> np.ndarray:
        return (g - self.feature_mean_) / (self.feature_scale_ or 1.0)
