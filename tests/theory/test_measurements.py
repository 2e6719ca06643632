"""Constants of targets against independent computations."""

import numpy as np
import pytest

from layerwise.targets import (
    AsianStraddle,
    Hierarchical,
    LowRankPolynomial,
    MultiIndex,
    QuadraticFeature,
    SingleIndex,
)
from layerwise.theory.measurements import (
    central_fourth_moment,
    hessian_eigenvalues,
    polynomial_degree,
    relevant_rank,
    sample_mean,
)


@pytest.mark.parametrize(
    "target",
    [
        SingleIndex(4, "relu"),
        Hierarchical(6, {"name": "balanced_sum", "degree": 2}, [0.5, 1, 0.3]),
        QuadraticFeature(6, "relu"),
        MultiIndex(4, "staircase", 3),
        Hierarchical(4, {"name": "random_tensor", "degree": 2, "random_state": 0}, [0, 1, 0.2]),
    ],
    ids=repr,
)
def test_fourth_moment(target):
    # The closed forms against plain Monte Carlo: 7 standard errors.
    exact = central_fourth_moment(target)
    sampled = sample_mean(lambda X: (target(X) - target.mean) ** 4, target.dim, 2**18)
    assert exact.error == 0.0
    assert abs(exact.value - sampled.value) <= 7 * sampled.error


def test_rank_of_a_function_without_a_frame():
    W = np.linalg.qr(np.random.default_rng(0).standard_normal((7, 3)))[0].T
    target = MultiIndex(7, lambda Z: np.sin(Z @ W[0]) * (Z @ W[1]) + np.exp(0.1 * Z @ W[2]), rank=7)
    assert relevant_rank(target) == 3


def test_noise_of_a_monte_carlo_hessian_covers_its_error():
    # A quadratic form whose facts are estimated: eigenvalues ±2/sqrt(d) of A are known.
    class Sampled(MultiIndex):
        pass

    signs = np.array([1.0, -1.0, 1.0, -1.0, 1.0, -1.0])
    target = Sampled(6, lambda Z: np.abs(Z[:, 0]) * 0 + Z**2 @ signs, rank=6)
    eigenvalues, noise = hessian_eigenvalues(target)
    assert 0.0 < noise < 0.5
    assert np.all(np.abs(np.abs(eigenvalues) - 2.0) <= 3 * noise)


def test_degree():
    assert polynomial_degree(LowRankPolynomial(4, 2, [3, 2])) == 3
    assert polynomial_degree(SingleIndex(4, "relu")) is None
    assert polynomial_degree(AsianStraddle(5)) is None
