"""A recursive feature kernel fitted to other rows, with the choices of an earlier fit."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from sklearn.base import clone

from layerwise.learners._base import as_number
from layerwise.learners.recursive_features.kernel_model import KernelModel
from layerwise.learners.recursive_features.recursion import Choice, Plan
from layerwise.learners.recursive_features.regressor import RecursiveFeatureRegressor
from layerwise.solvers.squared_errors import mean_square


def refit(model: RecursiveFeatureRegressor, X: np.ndarray, y: np.ndarray) -> RecursiveFeatureRegressor:
    """Fit a copy of a fitted model to X (n_samples, n_features) and y with its bandwidths, penalties, rounds and rank.

    The model must have standardize=False, no representation, and all rows as centres. One Cholesky factorisation for
    each round, instead of some twenty for each round and fold.
    """
    entries = {entry["stage"]: entry for entry in model.history_}
    last = entries.get(f"rank {model.rank_}") or entries[f"round {model.n_rounds_}"]
    rounds = [*(entries[f"round {r}"] for r in range(model.n_rounds_)), last]
    choices = [Choice(entry["bandwidth"], entry["penalty"], np.empty(0)) for entry in rounds]
    other: Any = clone(cast("Any", model))
    other.n_features_in_, other.kernel_, other.representation_ = X.shape[1], model.kernel_, None
    other.intercept_, other.mean_, other.scaler_ = float(y.mean()), np.zeros(X.shape[1]), None
    scale = mean_square(y - other.intercept_) ** 0.5 or 1.0
    labels = (y - other.intercept_) / scale
    fitted = KernelModel(X.astype(float), labels, other.kernel_, None, as_number(other.penalty))
    other._learn(fitted, Plan(choices, model.rank_, []), np.ones(X.shape[1]))
    other.dual_coef_ *= scale
    other.history_ = [*model.history_[:-1], other._head]
    return other
