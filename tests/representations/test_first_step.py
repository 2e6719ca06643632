"""The step, against the gradient of the network and the population limit of the theory."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from layerwise.representations import FirstStep, first_step
from layerwise.representations.first_step import half_space_moments


def loss(W, a, X, y):
    return np.mean((np.maximum(X @ W.T, 0) @ a - y) ** 2)


def test_step_is_minus_the_gradient_of_the_networks_loss():
    """A sign, a factor 2, the side of the indicator: central differences of L at the symmetric start, where f = 0."""
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((50, 4)), rng.standard_normal(50)
    step = FirstStep(6, step_size=0.7, random_state=np.random.RandomState(3)).fit(X, y)
    half = np.random.RandomState(3).standard_normal((3, 4)) / 2  # the same draw: w_j ~ N(0, I/d)
    W, a = np.vstack([half, half]), step.signs_
    assert_allclose(np.maximum(X @ W.T, 0) @ a, 0, atol=1e-14)
    h = 1e-6
    for j in range(6):
        for i in range(4):
            E = np.zeros_like(W)
            E[j, i] = h
            derivative = (loss(W + E, a, X, y) - loss(W - E, a, X, y)) / (2 * h)
            assert_allclose(step.weights_[j, i], -0.7 * derivative, rtol=1e-6, atol=1e-9)


def test_blocks_of_rows_do_not_change_the_moments(monkeypatch):
    rng = np.random.default_rng(1)
    X, y, W = rng.standard_normal((101, 3)), rng.standard_normal(101), rng.standard_normal((8, 3))
    literal = np.array([np.mean(y[:, None] * X * (X @ w >= 0)[:, None], axis=0) for w in W])
    assert_allclose(half_space_moments(X, y, W), literal, rtol=1e-12)
    monkeypatch.setattr(first_step, "BLOCK_BYTES", 8 * 8 * 10)
    assert_allclose(half_space_moments(X, y, W), literal, rtol=1e-12)


def test_population_gradient_points_along_the_expected_hessian():
    """[H w - w (w'Hw)/2] / sqrt(2 pi) for y = x'Ax - tr A, H = 2A: each entry within 6 standard errors."""
    rng = np.random.default_rng(2)
    n, d = 400_000, 3
    A = np.diag([1.0, -0.5, 0.0])
    A[0, 2] = A[2, 0] = 0.3
    X = rng.standard_normal((n, d))
    y = np.einsum("ni,ij,nj->n", X, A, X) - np.trace(A)
    W = rng.standard_normal((4, d))
    W /= np.linalg.norm(W, axis=1, keepdims=True)
    for g, w in zip(half_space_moments(X, y, W), W, strict=True):
        terms = y[:, None] * X * (X @ w >= 0)[:, None]
        expected = (2 * A @ w - w * (w @ A @ w)) / np.sqrt(2 * np.pi)
        assert np.all(np.abs(g - expected) < 6 * terms.std(axis=0) / np.sqrt(n))


def test_auto_step_scales_the_preactivations_in_any_units_of_y():
    rng = np.random.default_rng(3)
    X, y = rng.standard_normal((200, 4)), rng.standard_normal(200)
    small, large = (FirstStep(20, random_state=0).fit(X, c * y) for c in (1.0, 1e6))
    assert_allclose(np.mean((X @ small.weights_.T) ** 2), 0.25, rtol=1e-10)
    assert_allclose(large.weights_, small.weights_, rtol=1e-10)


def test_no_step_for_a_vanishing_gradient():
    """Catches division by the scale of a vanishing gradient."""
    step = FirstStep(4, random_state=0).fit(np.ones((5, 2)), np.zeros(5))
    assert step.step_size_ == 0
    assert_allclose(step.weights_, 0)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"width": 3}, "even"),
        ({"width": 0}, "width=0 must be an even integer >= 2"),
        ({"width": 4, "step_size": -1.0}, "step_size=-1.0 must be 'auto' or a finite number > 0"),
    ],
)
def test_bad_parameters_say_what_is_allowed(params, message):
    with pytest.raises(ValueError, match=message):
        FirstStep(**params).fit(np.ones((3, 2)), np.ones(3))
