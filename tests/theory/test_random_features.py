"""Rank of random polynomial features against the expansion in the Hermite basis, and monomials by random neurons."""

from math import comb

import numpy as np
import pytest

from layerwise.hermite import gaussian_rule
from layerwise.theory import monomial_approximation, monomial_error, monomial_weights, random_feature_rank

Z = np.linspace(-1, 1, 21)


@pytest.mark.parametrize(("dim", "activation", "degree"), [(3, "square", 2), (5, "cube", 3), (4, "he4", 4)])
def test_rank(dim, activation, degree):
    size = comb(dim + degree, degree)
    for width in (size // 2, size - 1, size, size + 30):
        assert random_feature_rank(dim, width, activation, random_state=0) == min(width, size)


def test_rank_without_leading_coefficient():
    # A polynomial given with degree 4 but of degree 2 spans the quadratics only.
    assert random_feature_rank(5, 100, [0, 0, 1, 0, 0], random_state=0) == comb(7, 2)


@pytest.mark.parametrize("power", range(7))
def test_weights_integrate_to_the_monomial(power):
    for z in Z:
        b, weights = gaussian_rule(64, kinks=sorted({-2.0, -1.0, -abs(z), abs(z), 1.0, 2.0}))
        neurons = [monomial_weights(power, np.full_like(b, a), b) * np.maximum(a * z + b, 0) for a in (1.0, -1.0)]
        assert np.isclose(0.5 * weights @ (neurons[0] + neurons[1]), z**power, atol=1e-10)


@pytest.mark.parametrize("power", [1, 2, 3, 4])
def test_error_has_its_predicted_size_and_falls_as_the_root_of_width(power):
    widths, repeats = np.array([500, 2000, 8000]), 60
    squares = np.array(
        [
            [np.mean((monomial_approximation(power, m, Z, 1000 * power + i) - Z**power) ** 2) for i in range(repeats)]
            for m in widths
        ]
    )
    predicted = np.array([np.mean(monomial_error(power, m, Z) ** 2) for m in widths])
    spread = squares.std(axis=1, ddof=1) / np.sqrt(repeats)
    assert np.all(np.abs(squares.mean(axis=1) - predicted) <= 7 * spread)
    assert np.isclose(np.polyfit(np.log(widths), 0.5 * np.log(predicted), 1)[0], -0.5)


def test_error():
    with pytest.raises(ValueError, match="must be at most"):
        random_feature_rank(50, 10, "cube")
    with pytest.raises(ValueError, match="must be a polynomial"):
        random_feature_rank(5, 10, "relu")
