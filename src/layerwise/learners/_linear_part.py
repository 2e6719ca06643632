"""The linear part of the labels, which is learnt first and taken away: ``y - alpha - beta'x``."""

from __future__ import annotations

import warnings
from typing import Literal

import numpy as np

from layerwise.solvers.linearised import make_centred
from layerwise.solvers.ridge_path import RELATIVE_PENALTIES

#: How beta is found: by moments, by ridge regression, or not at all.
LinearPart = Literal["moment", "ridge", "none"]
#: Columns whose largest mean square is this many times more, or less, than 1 are not standardised.
UNSCALED = 3.0


def check_linear(linear: LinearPart) -> None:
    """Raise ValueError for an unknown choice."""
    if linear not in ("moment", "ridge", "none"):
        raise ValueError(f"linear={linear!r} must be 'moment', 'ridge' or 'none' (beta = 0). Give one of these.")


def fit_linear_part(X: np.ndarray, y: np.ndarray, linear: LinearPart) -> tuple[float, np.ndarray]:
    """``alpha`` and ``beta`` of shape (n_features,), in the dtype of X.

    "moment": ``alpha = mean(y)``, ``beta = (1/n) sum_i (y_i - alpha) x_i`` (Damian et al. 2022, Algorithm 1, line 1),
    right for centred isotropic inputs. "ridge": ridge regression with an intercept, its penalty by leave-one-out, the
    intercept too without the row left out: centred labels would tell it away where n <= d + 1.
    "none": ``alpha = mean(y)``, ``beta = 0``.
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


def warn_unscaled(X: np.ndarray) -> None:
    """Warn, in a learner's ``fit``, of columns far from unit variance, which moments and polynomial neurons expect."""
    largest = float(np.mean(X**2, axis=0, dtype=float).max())
    if largest > UNSCALED or 0 < largest < 1 / UNSCALED:
        warnings.warn(
            f"the columns of X have mean squares up to {largest:.2g}, where centred columns of unit variance are "
            "expected: standardise X (StandardScaler).",
            UserWarning,
            stacklevel=3,
        )
