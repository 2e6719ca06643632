"""gaussian_rule against moments and integrals known in closed form."""

import numpy as np
import pytest

from layerwise.hermite import gaussian_rule, hermite_values


def double_factorial(k):
    return float(np.prod(np.arange(k, 0, -2.0)))


@pytest.mark.parametrize("n_nodes", [1, 2, 5, 20])
def test_gauss_hermite_is_exact_to_degree_2n_minus_1(n_nodes):
    """Catches the physicists' weight e^{-z^2}, and a rule with one node too few."""
    nodes, weights = gaussian_rule(n_nodes)
    assert len(nodes) == n_nodes
    for k in range(2 * n_nodes):
        expected = double_factorial(k - 1) if k % 2 == 0 else 0.0
        scale = weights @ np.abs(nodes) ** k
        assert abs(weights @ nodes**k - expected) <= 1e-12 * max(scale, 1)


@pytest.mark.parametrize("kinks", [(), (0.0,), (-1.0, 0.5), (0.5, -1.0, 0.5, 80.0)])
@pytest.mark.parametrize("n_nodes", [64, 128, 200])
def test_rules_are_sorted_probabilities_that_keep_hermite_polynomials_orthonormal(n_nodes, kinks):
    """Catches too short an interval, unsorted or repeated kinks, kinks outside of it, unstable large rules."""
    nodes, weights = gaussian_rule(n_nodes, kinks)
    assert (np.diff(nodes) > 0).all()
    assert (weights >= 0).all()
    assert abs(weights.sum() - 1) < 1e-14
    h = hermite_values(nodes, n_nodes // 4)
    np.testing.assert_allclose((h * weights) @ h.T, np.eye(len(h)), atol=2e-12)


def test_kinked_integrands_to_rounding():
    """Catches a piece with a kink in its interior: the error would be 1e-3, not 4e-15."""
    nodes, weights = gaussian_rule(64, kinks=(0.0, 1.0))
    density = np.exp(-0.5) / np.sqrt(2 * np.pi)
    assert abs(weights @ np.maximum(nodes, 0) - 1 / np.sqrt(2 * np.pi)) < 4e-15
    assert abs(weights @ (nodes > 0) - 0.5) < 4e-15
    # E z^2 1{z > 1} = density(1) + P(z > 1)
    assert abs(weights @ (nodes**2 * (nodes > 1)) - (density + 0.15865525393145705)) < 4e-15


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((0,), ValueError, "n_nodes=0 is too small; it must be >= 1"),
        ((2.5,), TypeError, "n_nodes=2.5 is of type float; it must be an integer"),
        ((8, (np.nan,)), ValueError, "kinks contains NaN"),
        ((8, [[0.0]]), ValueError, r"kinks has shape \(1, 1\); it must be 1-dimensional"),
    ],
)
def test_invalid_input_is_named(arguments, error, message):
    with pytest.raises(error, match=message):
        gaussian_rule(*arguments)
