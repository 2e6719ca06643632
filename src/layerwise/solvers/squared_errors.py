"""Squared errors on the same rows: their mean, the lead of one model over others, and stacking weights."""

from __future__ import annotations

import numpy as np
from scipy.optimize import nnls

#: Mean squares of y for which squared errors well above and below it are still float64 numbers.
MIN_MEAN_SQUARE, MAX_MEAN_SQUARE = 1e-300, 1e300


def mean_square(residuals: np.ndarray) -> float:
    """``mean(residuals^2)``, accumulated in float64, since squares of float32 numbers may overflow.

    Raises ValueError if the mean overflows or underflows float64, where errors would be infinite or 0 for every fit.
    """
    with np.errstate(over="ignore", under="ignore"):
        mean = float(np.mean(np.square(residuals, dtype=float)))
    if MIN_MEAN_SQUARE < mean < MAX_MEAN_SQUARE or not np.any(residuals):
        return mean
    raise ValueError(
        f"y, or a residual of y, has values up to {float(np.max(np.abs(residuals))):.2g}, whose squares overflow or "
        "underflow float64; its root mean square must be between 1e-150 and 1e150. Divide y by its standard deviation."
    )


def lead(squares: np.ndarray) -> float:
    """Return by how many standard errors the last model's mean squared error is below the lowest of the other models.

    ``squares`` (n_models, n_samples) are squared errors on the same rows. The standard error is that of the paired
    differences between the two models; the result is 0 if all differences are equal.
    """
    gain = squares[np.argmin(squares[:-1].mean(axis=1))] - squares[-1]
    error = gain.std() / np.sqrt(len(gain))
    return float(gain.mean() / error) if error > 0 else 0.0


def stacking_weights(predictions: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Minimise ``|w'P - y|^2`` over w >= 0 with sum(w) = 1, for out-of-fold predictions P (n_models, n_samples).

    There ``w'P - y = w'R`` with ``R = P - y``. For w = s v with sum(v) = 1, ``|w'R|^2 + (sum(w) - 1)^2`` equals
    ``s^2 |v'R|^2 + (s - 1)^2``, which for every s is least where ``|v'R|`` is: solve it by nonnegative least squares,
    then scale w to sum(w) = 1 (Breiman 1996, "Stacked regressions").
    """
    residuals = (predictions - y).T / np.sqrt(len(y))
    weights, _ = nnls(np.vstack([residuals, np.ones(len(predictions))]), np.append(np.zeros(len(y)), 1.0))
    return weights / weights.sum()
