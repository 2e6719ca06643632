"""What the squared errors of several functions on the same rows say: whether the last leads, and how to mix them."""

from __future__ import annotations

import numpy as np
from scipy.optimize import nnls


def lead(squares: np.ndarray) -> float:
    """By how many standard errors the last stage's squared error is below the best of the others'.

    ``squares`` is of shape (n_stages, n_samples); the error is that of the mean of paired differences.
    """
    gain = squares[np.argmin(squares[:-1].mean(axis=1))] - squares[-1]
    error = gain.std() / np.sqrt(len(gain))
    return float(gain.mean() / error) if error > 0 else 0.0


def convex_weights(predictions: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Minimise ``|w'P - y|^2`` over w >= 0, sum(w) = 1, for P of shape (n_stages, n_samples).

    There ``w'P - y = w'R`` with ``R = P - y``. For w = s v with sum(v) = 1, ``|w'R|^2 + (sum(w) - 1)^2`` is
    ``s^2 |v'R|^2 + (s - 1)^2``, least in v at every s where ``|v'R|`` is: nonnegative least squares, then sum(w) = 1.
    """
    residuals = (predictions - y).T / np.sqrt(len(y))
    weights, _ = nnls(np.vstack([residuals, np.ones(len(predictions))]), np.append(np.zeros(len(y)), 1.0))
    return weights / weights.sum()
