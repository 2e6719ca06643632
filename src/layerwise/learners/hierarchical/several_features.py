"""Several features ``g(p_1, ..., p_R)`` in `HierarchicalRegressor`: beyond the paper, which leaves them open.

The features and a link of any shape are refined together (`layerwise.solvers.gauss_newton.growth`) and used only where
they clearly lead, out of fold, over one feature: stage 1, both stages, and their refinement.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from layerwise.hermite import HermitePolynomial, n_terms
from layerwise.learners._describe import column_names, describe_polynomial
from layerwise.learners.hierarchical.refined_stages import (
    EXPLAINED_SHARE,
    MAX_FEATURES,
    N_FOLDS,
    FoldFits,
    RefinedStages,
    basis_blocks,
)
from layerwise.solvers.gauss_newton import draw_folds, standardise
from layerwise.solvers.gauss_newton.descent import Options, fit_stages
from layerwise.solvers.gauss_newton.growth import Several, refine_several
from layerwise.solvers.gauss_newton.several import SeveralCandidate
from layerwise.solvers.link import PolynomialLink, SplineLink
from layerwise.solvers.squared_errors import mean_square

#: Several features are not tried with fewer rows.
MIN_ROWS = 20
#: Share of the variance of y below which a second feature is not looked for.
MIN_ERROR = 1e-3


class SeveralFeatures(RefinedStages):
    """The choice and the refinement of several features, for a learner with these parameters and attributes."""

    n_features_in_: int
    several_: SeveralCandidate | None

    @property
    def n_features_(self) -> int:
        """R, the number of features of the fitted function."""
        return 1 if self.several_ is None else len(self.several_.coefficients)

    @property
    def _n_features_out(self) -> int:
        return self.n_features_

    @property
    def feature_polynomials_(self) -> list[HermitePolynomial]:
        """The features as polynomials, by their share of ``E |grad g|^2``; one of them if there is one feature."""
        if self.several_ is None:
            return [self.feature_polynomial_]  # type: ignore[attr-defined]
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

    def _several_values(self, X: np.ndarray) -> np.ndarray:
        """The features of shape (n_samples, R), or (n_samples,) if R = 1."""
        z = self.several_.features(basis_blocks(X, self._several_degree))  # type: ignore[union-attr]
        return (z[:, 0] if self.n_features_ == 1 else z).astype(X.dtype, copy=False)

    def _several_link(self, z: np.ndarray) -> np.ndarray:
        """The link of z (..., R), or of z of any shape if R = 1."""
        shape = z.shape if self.n_features_ == 1 else z.shape[:-1]
        values = self.several_.link(z.reshape(-1, self.n_features_))  # type: ignore[union-attr]
        return values.astype(z.dtype, copy=False).reshape(shape)

    def _refine_several(self, X: np.ndarray, y: np.ndarray, seed: int) -> None:
        """Set ``several_``: try each degree with two rows per basis function, until one explains most of y.

        "auto" keeps one feature where its refinement leaves less than `MIN_ERROR` of the variance of y unexplained.
        """
        n, d = X.shape
        one = self.refinement_ if isinstance(self.n_features, str) else None
        if one is not None and one.stage == "refinement" and one.error < MIN_ERROR * np.var(y, dtype=float):
            return
        labels, mean, scale = standardise(y)
        fold_of = draw_folds(X, N_FOLDS, seed)
        stages = FoldFits(fold_of, lambda out: self._fit_without(out, X, labels, seed))
        degrees = self._degrees(n, d) if self.degree == "auto" else [self.features_.degree]
        found = {0: Several(None, [1.0])}
        for k in [k for k in degrees if max(2 * n_terms(d, k), MIN_ROWS) <= n and len(stages) > 1]:
            found[k] = self._several_of_degree(k, X, labels, fold_of, stages)
            if found[k].n_features and found[k].error < EXPLAINED_SHARE:
                break
        degree = min(found, key=lambda k: (found[k].candidate is None, found[k].error))
        best = found[degree]
        if best.candidate is not None:
            C, offsets, link, error = best.candidate
            self._several_degree = degree
            self.several_ = SeveralCandidate(C.astype(X.dtype), offsets, link.affine(scale, mean), scale**2 * error)
        record: dict[str, Any] = {"stage": "several features", "degree": degree, "n_features": self.n_features_}
        record["errors"] = {k: [scale**2 * error for error in each.errors] for k, each in found.items() if k}
        self.history_.append(record | {"loss": mean_square(self._predict(X) - y)})

    def _several_of_degree(
        self, k: int, X: np.ndarray, labels: np.ndarray, fold_of: np.ndarray, stages: FoldFits
    ) -> Several:
        features = basis_blocks(X, k)
        sizes = np.diff([n_terms(X.shape[1], m) for m in range(k + 1)])
        groups = np.repeat(np.arange(1, k + 1), sizes)
        options = Options((PolynomialLink, SplineLink), 30, 6, 1e-3)

        def one_feature(out: np.ndarray) -> np.ndarray:
            """Predictions of stage 1, both stages, and their refinement."""
            refined = fit_stages(features.subset(~out), labels[~out], options, groups)[0][-1]
            return np.array([*stages[int(fold_of[out][0])].predictions, refined.predict(features.subset(out))])

        folds = [fold_of == fold for fold in range(len(stages))]
        number = None if isinstance(self.n_features, str) else int(self.n_features)
        return refine_several(features, labels, folds, one_feature, number, MAX_FEATURES)
