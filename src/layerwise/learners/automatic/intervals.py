"""Prediction intervals from out-of-fold residuals: CV+ (Barber, Candès, Ramdas, Tibshirani 2021, equation 15)."""

from __future__ import annotations

import numpy as np

#: Largest number of entries of the arrays that are partitioned at a time.
BLOCK = 2**24


def cv_plus(centres: np.ndarray, folds: np.ndarray, residuals: np.ndarray, level: float) -> np.ndarray:
    """Return lower and upper bounds, of shape (n_new, 2).

    With predictions ``f_{-k}(x)`` of the fits without fold k and absolute out-of-fold residuals R_i, the bounds are the
    ``floor((1 - level)(n + 1))``-th smallest ``f_{-k(i)}(x) - R_i`` and the ``ceil(level (n + 1))``-th smallest
    ``f_{-k(i)}(x) + R_i``. With one fold this is the split conformal interval.

    Parameters
    ----------
    centres : ndarray of shape (n_folds, n_new)
        Predictions for the new rows by the fit without each fold.
    folds, residuals : ndarrays of shape (n_samples,)
        Fold and absolute out-of-fold residual of each training row that was held out.
    level : float
        Between 0 and 1. Coverage is at least ``2 level - 1`` up to a term of order ``n_folds / n``, for exchangeable
        rows, and close to the level in practice.
    """
    n = len(residuals)
    low = int(np.floor((1 - level) * (n + 1))) - 1
    high = int(np.ceil(level * (n + 1))) - 1
    ends = np.empty((centres.shape[1], 2))
    step = max(BLOCK // n, 1)
    for start in range(0, len(ends), step):
        block = centres[folds, start : start + step]
        ends[start : start + step, 0] = _smallest(block - residuals[:, None], low, -np.inf)
        ends[start : start + step, 1] = _smallest(block + residuals[:, None], high, np.inf)
    return ends


def _smallest(values: np.ndarray, k: int, otherwise: float) -> np.ndarray:
    if not 0 <= k < len(values):
        return np.full(values.shape[1], otherwise)
    return np.partition(values, k, axis=0)[k]
