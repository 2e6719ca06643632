"""Several features ``g(p_1, ..., p_R)`` in `HierarchicalRegressor`: beyond the paper, which leaves them open.

The features and a link of any shape are refined together (`layerwise.solvers.gauss_newton.growth`) and used only where
they clearly lead, out of fold, over one feature: stage 1, both stages, and their refinement.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from layerwise.hermite import n_terms
from layerwise.learners.hierarchical.basis import basis_blocks, degree_of_terms
from layerwise.learners.hierarchical.refined_stages import (
    EXPLAINED_SHARE,
    MAX_FEATURES,
    PATIENCE,
    FoldFits,
    RefinedStages,
)
from layerwise.solvers.gauss_newton import FoldFit, standardise
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

    def _refine_several(self, X: np.ndarray, y: np.ndarray, folds: FoldFits) -> None:
        """Set ``several_``: try each degree with two rows per basis function, until one explains most of y.

        "auto" keeps one feature where its refinement leaves less than `MIN_ERROR` of the variance of y unexplained.
        """
        n, d = X.shape
        one = self.refinement_ if isinstance(self.n_features, str) else None
        if one is not None and one.stage == "refinement" and one.error < MIN_ERROR * np.var(y, dtype=float):
            return
        labels, mean, scale = standardise(y)
        degrees = self._degrees(n, d) if self.degree == "auto" else [self.features_.degree]
        found = {0: Several(None, [1.0])}
        for k in [k for k in degrees if max(2 * n_terms(d, k), MIN_ROWS) <= n and len(folds) > 1]:
            found[k] = self._several_of_degree(k, X, labels, folds)
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

    def _several_of_degree(self, k: int, X: np.ndarray, labels: np.ndarray, folds: FoldFits) -> Several:
        features, groups = basis_blocks(X, k), degree_of_terms(X.shape[1], k)
        options = Options((PolynomialLink, SplineLink), 30, PATIENCE, 1e-3)

        def one_feature(fold: FoldFit) -> np.ndarray:
            """Predictions of stage 1, both stages, and their refinement."""
            out = fold.held_out
            refined = fit_stages(features.subset(~out), labels[~out], options, groups)[0][-1]
            return np.array([*fold.predictions, refined.predict(features.subset(out))])

        number = None if isinstance(self.n_features, str) else int(self.n_features)
        return refine_several(features, labels, folds, one_feature, number, MAX_FEATURES)
