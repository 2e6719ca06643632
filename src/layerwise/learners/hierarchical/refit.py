"""A hierarchical learner fitted to other rows, with the choices of an earlier fit."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from sklearn.base import clone

from layerwise.learners.hierarchical.basis import basis_blocks, degree_of_terms
from layerwise.learners.hierarchical.refined_stages import PATIENCE
from layerwise.learners.hierarchical.regressor import HierarchicalRegressor
from layerwise.solvers.gauss_newton import refine, standardise
from layerwise.solvers.gauss_newton.several import SeveralCandidate, SeveralState, descend_several, rotate_to_use
from layerwise.solvers.linearised_several import JointlyCentred


def refit(model: HierarchicalRegressor, X: np.ndarray, y: np.ndarray) -> HierarchicalRegressor:
    """Fit a copy of a fitted model to X (n_samples, n_features) and y with its degree and number of features.

    Penalties and, if the model is refined, link and features are fitted anew, without the cross-validation that chose
    between the stages: one descent instead of ten. Several features start from those of the model. A model whose
    prediction is a stack is fitted as two stages.
    """
    unfitted = cast("Any", clone(cast("Any", model)))
    other = unfitted.set_params(degree=model.features_.degree, refine=False, n_features=1).fit(X, y)
    other.set_params(degree=model.degree, refine=model.refine, n_features=model.n_features)
    labels, mean, scale = standardise(y)
    if model.several_ is not None:
        features = basis_blocks(X, model._several_degree)
        H, C = JointlyCentred(features), model.several_.coefficients.astype(float)
        found = descend_several(H, labels, SeveralState(C, features @ C.T - H.mean @ C.T, in_sample=True))
        if found is not None:
            C, offsets, link, error = rotate_to_use(H, labels, *found)
            other._several_degree = model._several_degree
            other.several_ = SeveralCandidate(C, offsets, link.affine(scale, mean), scale**2 * error)
    elif model.refinement_ is not None and model.refinement_.stage == "refinement":
        k = model._refined_degree
        found = refine(basis_blocks(X, k), y, groups=degree_of_terms(X.shape[1], k), folds=0, patience=PATIENCE)
        other.refinement_, other._refined_degree, other.degree_ = found, k, k
    return other
