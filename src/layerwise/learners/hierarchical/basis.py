"""The Hermite basis of the features that are refined."""

from __future__ import annotations

import numpy as np

from layerwise.hermite import design_matrix, n_terms
from layerwise.solvers import FeatureBlocks


def basis_blocks(X: np.ndarray, degree: int) -> FeatureBlocks:
    """The Hermite basis of a degree without its constant, by blocks of rows."""
    return FeatureBlocks(X, lambda rows: design_matrix(rows, degree)[:, 1:], n_terms(X.shape[1], degree) - 1)


def degree_of_terms(n_features: int, degree: int) -> np.ndarray:
    """The degree of each member of this basis."""
    sizes = np.diff([n_terms(n_features, k) for k in range(degree + 1)])
    return np.repeat(np.arange(1, degree + 1), sizes)
