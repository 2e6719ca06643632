"""What every estimator does with its arrays first: scikit-learn's checks, in float32 or float64 as they come."""

from __future__ import annotations

from numbers import Real
from typing import Any, cast

import numpy as np
from sklearn.utils.validation import validate_data

from layerwise.hermite import HermiteSeries

FLOATS = (np.float64, np.float32)


def check_inputs(estimator: Any, X: Any, *, reset: bool = False) -> np.ndarray:
    """X as a finite float array (n_samples, n_features) of the width the estimator was fitted to."""
    return cast("np.ndarray", validate_data(estimator, X, dtype=FLOATS, reset=reset))


def check_samples(
    estimator: Any, X: Any, y: Any, *, reset: bool = True, min_samples: int = 2
) -> tuple[np.ndarray, np.ndarray]:
    """X as in `check_inputs` and y (n_samples,) in its dtype, integers becoming numbers to regress on."""
    X, y = cast(
        "tuple[np.ndarray, np.ndarray]",
        validate_data(estimator, X, y, dtype=FLOATS, y_numeric=True, ensure_min_samples=min_samples, reset=reset),
    )
    return X, y.astype(X.dtype, copy=False)


def as_activation(activation: Any, others: str = "") -> HermiteSeries:
    """A polynomial activation, given as a series or by its coefficients in orthonormal Hermite polynomials.

    Raises
    ------
    ValueError
        For anything else (``others`` says what else is allowed, as ``"'relu' or "``), and for a constant.
    """
    try:
        given = activation.coefficients if isinstance(activation, HermiteSeries) else activation
        coefficients = np.asarray(given, dtype=float)
    except (TypeError, ValueError):
        coefficients = np.empty(0)
    if coefficients.ndim != 1 or not coefficients.size or not np.all(np.isfinite(coefficients)):
        raise ValueError(
            f"activation={activation!r} must be {others}the Hermite coefficients of a polynomial. Give e.g. (0, 0, 1) "
            "for h_2."
        )
    if not coefficients[1:].any():
        raise ValueError(
            f"activation={activation!r} is constant, and its neurons would see nothing of X. Give a coefficient of "
            "degree 1 or more that is not 0."
        )
    return HermiteSeries(coefficients)


def check_powers(X: np.ndarray, degree: int) -> None:
    """Raise ValueError for inputs whose powers leave the dtype of X, or the squares of which leave float64."""
    largest = float(np.abs(X).max())
    room = min(np.log10(np.finfo(X.dtype).max), np.log10(np.finfo(float).max) / 2) - 8
    if largest > 0 and degree * np.log10(largest) > room:
        raise ValueError(
            f"X holds values up to {largest:.2g}, whose powers of degree {degree} leave {X.dtype}, or their squares "
            "float64. Standardise the columns of X (StandardScaler)."
        )


def check_memory(max_memory: object) -> None:
    """Raise ValueError unless a number of bytes; infinitely many are allowed."""
    if not isinstance(max_memory, Real) or isinstance(max_memory, bool) or not float(max_memory) > 0:
        raise ValueError(f"max_memory={max_memory!r} must be a number of bytes > 0. Give e.g. 8 * 2**30, for 8 GiB.")
