"""Arrays whose values leave the range of their dtype are refused, and the message names the right one."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator

from layerwise.representations._validation import check_samples

X = np.random.default_rng(0).standard_normal((20, 3))
Y = np.random.default_rng(1).standard_normal(20)


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        (X, 1e-200 * Y, "^y holds values up to .*e-200, whose squares overflow or underflow float64"),
        (X, 1e200 * Y, "^y holds values .* between 1e-150 and 1e.150. Divide y by its standard deviation"),
        (X, 1e300 * Y, "^y holds values .* Divide y"),
        (X.astype(np.float32), 1e-40 * Y, "^y holds values .* underflow float32; .* between 1e-30 and 1e.30"),
        (X.astype(np.float32), 1e39 * Y, "^y holds values .* underflow float32"),
        ((1e30 * X).astype(np.float32), Y, "^X holds values up to .*e.30, whose squares overflow float32"),
        (1e160 * X, Y, "^X holds values up to .*e.160, whose squares overflow float64; .*StandardScaler"),
        ((1e30 * X).astype(np.float32), 1e-200 * Y, "^X holds values"),
    ],
    ids=["tiny y", "huge y", "largest y", "y below float32", "y above float32", "float32 X", "X", "both"],
)
def test_values_out_of_range_are_refused(X, y, message):
    """Catches a traceback from deep inside a solver, R^2 = 1 by underflow, or y blamed for X."""
    with pytest.raises(ValueError, match=message):
        check_samples(BaseEstimator(), X, y)


@pytest.mark.parametrize("value", [0.0, 1e-200, -1e308, 3.5])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_constant_labels_and_the_limits_are_accepted(value, dtype):
    """Catches a constant refused because its mean rounds; a limit far inside the range."""
    if abs(value) < float(np.finfo(dtype).max):
        check_samples(BaseEstimator(), X.astype(dtype), np.full(20, value))
    largest = 1e140 if dtype is np.float64 else 1e17
    checked, y = check_samples(BaseEstimator(), (largest * X).astype(dtype), 1e-25 * Y)
    assert checked.dtype == y.dtype == dtype
    assert np.any(y != y[0])
