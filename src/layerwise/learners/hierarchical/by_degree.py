"""Refinement of a `HierarchicalRegressor`: in the Hermite basis of each degree, beside its own two stages."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np
from sklearn.base import clone

from layerwise.hermite import design_matrix, n_terms
from layerwise.learners.hierarchical.degrees import degrees_to_try
from layerwise.learners.refinement.descent import Candidate
from layerwise.learners.refinement.guarded import Refinement, refine
from layerwise.solvers import FeatureBlocks
from layerwise.solvers.link import PolynomialLink

if TYPE_CHECKING:
    from layerwise.learners.hierarchical.regressor import HierarchicalRegressor

#: A refined function of so much less squared error, out of fold, than the variance of y: no larger degree is tried.
EXPLAINED = 0.1


def refine_by_degree(
    learner: HierarchicalRegressor, X: np.ndarray, y: np.ndarray, seed: int
) -> tuple[int, Refinement, dict[int, dict[str, float]]]:
    """The degree of the least out-of-fold error, its refinement, and the stages' errors by degree.

    With degree="auto", those are tried whose basis has at most n / 2 members (with fewer rows a member its unknowns
    cannot be told from noise), until one explains nine tenths of y; else, and where there are none, that of stage 1.
    """
    n, d = X.shape
    few = [k for k in degrees_to_try(learner, n, d) if 2 * n_terms(d, k) <= n] if learner.degree == "auto" else []
    fitted: dict[bytes, tuple[list[Candidate], np.ndarray]] = {}  # by fold: the same of every degree

    def earlier(labels, out):
        fold = out.tobytes()
        if fold not in fitted:
            fitted[fold] = two_stages(learner, X, labels, out, seed)
        return fitted[fold]

    found: dict[int, Refinement] = {}
    for k in few or [learner.features_.degree]:
        sizes = np.diff([n_terms(d, m) for m in range(k + 1)])
        degrees = np.repeat(np.arange(1, k + 1), sizes)
        found[k] = refine(basis_blocks(X, k), y, groups=degrees, earlier=earlier, random_state=seed)
        if found[k].stage == "refinement" and found[k].error < EXPLAINED * np.var(y, dtype=float):
            break
    degree = min(found, key=lambda k: found[k].error)
    return degree, found[degree], {k: refinement.errors for k, refinement in found.items()}


def two_stages(
    learner: HierarchicalRegressor, X: np.ndarray, y: np.ndarray, out: np.ndarray, seed: int
) -> tuple[list[Candidate], np.ndarray]:
    """Stage 1 and both stages fitted without the rows ``out``, and their predictions of them: `EarlierStages`."""
    plain = cast("HierarchicalRegressor", clone(learner))
    plain.set_params(degree=learner.features_.degree, refine=False, random_state=seed)
    plain.fit(X[~out], y[~out].astype(X.dtype))
    g, scale = plain.feature_polynomial_, plain.feature_scale_ or 1.0
    coefficients = g.to_dense(plain.degree_)
    constant, c = coefficients[0], coefficients[1:]
    stages = [
        Candidate(c, -constant, PolynomialLink(np.array([0.0, 1.0])), np.nan),
        Candidate(c / scale, (plain.feature_mean_ - constant) / scale, plain._two_stage_link(), np.nan),
    ]
    return stages, np.array([g(X[out]), plain.predict(X[out])])


def basis_blocks(X: np.ndarray, degree: int) -> FeatureBlocks:
    """The Hermite basis without its constant, by blocks of rows."""
    return FeatureBlocks(X, lambda rows: design_matrix(rows, degree)[:, 1:], n_terms(X.shape[1], degree) - 1)
