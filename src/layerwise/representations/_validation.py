"""Array checks shared by all estimators: scikit-learn's validation for float32 and float64, and range checks."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from sklearn.utils.validation import validate_data

FLOATS = (np.float64, np.float32)
#: Range of the standard deviation of y by the dtype of X, within which mean squares and small fractions of them are
#: normal numbers (float64), or y itself is (float32, where squares are accumulated in float64).
DEVIATIONS = {np.dtype(np.float64): (1e-150, 1e150), np.dtype(np.float32): (1e-30, 1e30)}


def check_inputs(estimator: Any, X: Any, *, reset: bool = False) -> np.ndarray:
    """Return X as a finite float array (n_samples, n_features), with as many columns as the estimator was fitted to."""
    return cast("np.ndarray", validate_data(estimator, X, dtype=FLOATS, reset=reset))


def check_samples(
    estimator: Any, X: Any, y: Any, *, reset: bool = True, min_samples: int = 2
) -> tuple[np.ndarray, np.ndarray]:
    """Return X as `check_inputs` does and y (n_samples,) in its dtype; integers become real numbers.

    Raises ValueError if X or y are not finite, or their squares overflow or underflow.
    """
    X, y = cast(
        "tuple[np.ndarray, np.ndarray]",
        validate_data(estimator, X, y, dtype=FLOATS, y_numeric=True, ensure_min_samples=min_samples, reset=reset),
    )
    _check_squares(X)
    _check_deviation(y, X.dtype)
    return X, y.astype(X.dtype, copy=False)


def _check_squares(X: np.ndarray) -> None:
    largest, limit = _largest(X), float(np.sqrt(np.finfo(X.dtype).max / X.shape[1]))
    if largest > limit:
        raise ValueError(
            f"X holds values up to {largest:.2g}, whose squares overflow {X.dtype}; they must be at most {limit:.2g}. "
            "Standardise the columns of X (StandardScaler)."
        )


def _check_deviation(y: np.ndarray, dtype: np.dtype) -> None:
    low, high = DEVIATIONS[dtype]
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        variance = float(np.var(y, dtype=float))
    if not low**2 < variance < high**2 and np.any(y != y[0]):
        raise ValueError(
            f"y holds values up to {_largest(y):.2g}, whose squares overflow or underflow {dtype}; its standard "
            f"deviation must be between {low:g} and {high:g}. Divide y by its standard deviation."
        )


def check_powers(X: np.ndarray, degree: int) -> None:
    """Raise ValueError if powers of the inputs overflow the dtype of X, or squares of the powers overflow float64."""
    largest = _largest(X)
    max_digits = min(np.log10(np.finfo(X.dtype).max), np.log10(np.finfo(float).max) / 2) - 8
    if largest > 0 and degree * np.log10(largest) > max_digits:
        raise ValueError(
            f"X holds values up to {largest:.2g}, whose powers of degree {degree} leave {X.dtype}, or their squares "
            "float64. Standardise the columns of X (StandardScaler)."
        )


def _largest(values: np.ndarray) -> float:
    return float(np.abs(values).max())
