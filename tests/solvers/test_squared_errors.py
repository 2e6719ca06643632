"""Leads and stacking weights against their definitions."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from layerwise.solvers.squared_errors import lead, mean_square, stacking_weights


def test_lead_is_in_standard_errors_of_paired_differences():
    rng = np.random.default_rng(0)
    first = rng.chisquare(1, 1000)
    assert lead(np.array([first, first + 1, first])) == 0
    gain = rng.standard_normal(1000)
    assert_allclose(lead(np.array([first + 1, first, first - gain])), gain.mean() / gain.std() * 1000**0.5)
    wild = first - 0.9
    wild[0] += 899.5  # a lower mean over 1000 rows, by less than its standard error
    assert 0 < lead(np.array([first, wild])) < 1


def test_stacking_weights_are_the_best_on_the_simplex():
    """Against a grid: the optimum in a corner, on an edge, and with two equal predictions."""
    rng = np.random.default_rng(0)
    y = rng.standard_normal(50)
    grid = [np.array([i, j, 40 - i - j]) / 40 for i in range(41) for j in range(41 - i)]
    for trial in range(20):
        P = (0.2 * trial) * rng.standard_normal((3, 50)) + np.outer(rng.uniform(-1, 1.5, 3), y)
        w = stacking_weights(P, y)
        assert_allclose(w.sum(), 1)
        assert w.min() >= 0
        assert np.sum((w @ P - y) ** 2) <= min(np.sum((v @ P - y) ** 2) for v in grid) * (1 + 1e-9)
    assert_allclose(stacking_weights(np.array([y, y, y + 1]), y)[2], 0, atol=1e-12)


def test_mean_square_is_taken_in_float64_and_refuses_what_that_cannot_hold():
    """Catches squares of float32 numbers that overflow; a residual of 1e-200 whose mean square is 0."""
    assert_allclose(mean_square(np.full(3, 1e30, dtype=np.float32)), 1e60, rtol=1e-6)
    assert mean_square(np.zeros(3)) == 0
    for scale in (1e-200, 1e200):
        with pytest.raises(ValueError, match=r"overflow or underflow float64; .* between 1e-150 and 1e150. Divide y"):
            mean_square(np.full(3, scale))
