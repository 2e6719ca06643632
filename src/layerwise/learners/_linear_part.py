"""The linear part of the labels, which is fitted first and removed: ``y - alpha - beta'x``."""

from __future__ import annotations

from typing import Literal

import numpy as np

from layerwise.solvers.linearised import make_centred
from layerwise.solvers.ridge_path import RELATIVE_PENALTIES

#: How beta is estimated: by moments, by ridge regression, or not at all.
LinearPart = Literal["moment", "ridge", "none"]


def fit_linear_part(X: np.ndarray, y: np.ndarray, linear: LinearPart) -> tuple[float, np.ndarray]:
    """Fit ``alpha`` and ``beta`` of shape (n_features,), in the dtype of X.

    "moment" takes ``alpha = mean(y)`` and ``beta = (1/n) sum_i (y_i - alpha) x_i`` (Damian et al. 2022, Algorithm 1,
    line 1), which is right for centred isotropic inputs. "ridge" is ridge regression with an intercept, its penalty
    chosen by leave-one-out; the intercept, too, is fitted without the row left out, because for n <= d + 1 centred
    labels would reveal the label left out. "none" takes ``alpha = mean(y)`` and ``beta = 0``.
    """
    mean = y.mean()
    if linear == "none":
        return float(mean), np.zeros(X.shape[1], dtype=X.dtype)
    if linear == "ridge":
        H, n = make_centred(X), len(y)
        top = 2 / n * np.linalg.norm(X - H.mean, 2) ** 2
        path = RELATIVE_PENALTIES * (top if top > 0 else 1.0)
        beta = H.ridge(np.ones(n), y.astype(float), path, intercept=True).coefficients
        return float(mean - H.mean @ beta), beta.astype(X.dtype)
    return float(mean), X.T @ (y - mean) / len(y)
