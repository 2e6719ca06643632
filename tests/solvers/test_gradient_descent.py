"""The three methods for T steps of gradient descent agree with each other and with a network trained step by step."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from layerwise.solvers import chebyshev, largest_stable_step, literal, ridge, spectral
from layerwise.solvers.gradient_descent import chebyshev_coefficients, iterate_filter, largest_eigenvalue


def problem(n, width, seed=0):
    rng = np.random.default_rng(seed)
    return np.maximum(rng.standard_normal((n, 6)) @ rng.standard_normal((6, width)), 0), rng.standard_normal(n)


def relative(a, b):
    return np.linalg.norm(a - b) / np.linalg.norm(b)


@pytest.mark.parametrize("start", [False, True], ids=["from zero", "from u_0"])
@pytest.mark.parametrize("penalty", [0.0, 0.3])
@pytest.mark.parametrize("n_steps", [1, 10, 1000])
@pytest.mark.parametrize(("n", "width"), [(40, 90), (90, 40), (60, 60)])
def test_exact_forms_equal_the_loop(n, width, n_steps, penalty, start):
    """Catches a misplaced factor 2, n or penalty in either closed form, for n above and below the width."""
    Phi, y = problem(n, width)
    u_0 = np.random.default_rng(1).standard_normal(width) if start else None
    step = 0.9 * largest_stable_step(Phi, penalty)
    loop = literal(Phi, y, n_steps, step, penalty, u_0)
    assert relative(spectral(Phi, y, n_steps, step, penalty, u_0), loop) < 1e-10
    assert relative(chebyshev(Phi, y, n_steps, step, penalty, u_0), loop) < 1e-9


def test_literal_loop_descends_the_stated_loss():
    """One step equals a step along finite differences of ``|Phi u - y|^2/n + penalty/2 |u|^2``."""
    Phi, y = problem(20, 5)
    u_0, penalty, step, h = np.arange(5.0), 0.7, 0.01, 1e-6

    def loss(u):
        return np.mean((Phi @ u - y) ** 2) + penalty / 2 * u @ u

    gradient = [(loss(u_0 + h * e) - loss(u_0 - h * e)) / (2 * h) for e in np.eye(5)]
    assert_allclose(literal(Phi, y, 1, step, penalty, u_0), u_0 - step * np.array(gradient), rtol=1e-6)


def test_a_path_of_penalties_is_its_points():
    """Catches a result assigned to another penalty of the array."""
    Phi, y = problem(50, 30)
    path = spectral(Phi, y, 25, 0.1, [0.0, 0.1, 1.0])
    for u, penalty in zip(path, [0.0, 0.1, 1.0], strict=True):
        assert relative(u, literal(Phi, y, 25, 0.1, penalty)) < 1e-12


def test_many_steps_tend_to_ridge_regression():
    """Catches different units of the penalty in gradient descent and in `ridge`."""
    Phi, y = problem(80, 20)
    limit = ridge(Phi, y, 0.05).coefficients
    assert relative(spectral(Phi, y, 10**6, largest_stable_step(Phi, 0.05) / 2, 0.05), limit) < 1e-10


def test_too_large_a_step_says_which_would_do():
    Phi, y = problem(30, 10)
    with pytest.raises(ValueError, match=r"diverge.*step must be at most"):
        chebyshev(Phi, y, 10, 1.1 * largest_stable_step(Phi), 0.0)


@pytest.mark.parametrize(("n", "width"), [(5, 3), (50, 40)])
def test_zero_features_stay_put(n, width):
    """Catches 0/0 in the filter or the rescaling, and Lanczos iterations, for a Gram matrix of zeros."""
    u = chebyshev(np.zeros((n, width)), np.ones(n), 10, 0.1, 0.5, np.ones(width))
    assert_allclose(u, 0.95**10)
    assert_allclose(spectral(np.zeros((n, width)), np.ones(n), 10, 0.1, 0.5), 0)
    assert largest_stable_step(np.zeros((n, width)), 0.5) == 4


@pytest.mark.parametrize("method", [literal, spectral, chebyshev])
@pytest.mark.parametrize(("n_steps", "penalty"), [(-1, 0.0), (3, -0.1)])
def test_negative_arguments_are_refused(method, n_steps, penalty):
    Phi, y = problem(5, 3)
    with pytest.raises(ValueError, match="must not be negative"):
        method(Phi, y, n_steps, 0.1, penalty)


@settings(max_examples=60, deadline=None)
@given(st.floats(1e-14, 2.0), st.integers(0, 3000))
def test_filter_is_the_geometric_sum(s, n_steps):
    """Catches cancellation as s -> 0, and a wrong sign for 1 - s < 0."""
    total = np.sum((1.0 - s) ** np.arange(n_steps))
    assert_allclose(iterate_filter(np.array([s]), n_steps, 1.0)[0], total, rtol=1e-9, atol=1e-9)


def test_chebyshev_coefficients_reproduce_a_function():
    c = chebyshev_coefficients(np.exp, 3.0, 1e-15)
    s = np.linspace(0, 3, 50)
    assert_allclose(np.polynomial.chebyshev.chebval(2 * s / 3 - 1, c), np.exp(s), rtol=1e-13)


@pytest.mark.parametrize("size", [5, 80])
def test_largest_eigenvalue_is_a_tight_bound(size):
    A = np.random.default_rng(3).standard_normal((size, size))
    top = np.linalg.eigvalsh(A @ A.T)[-1]
    assert top * (1 - 1e-14) <= largest_eigenvalue(A @ A.T) <= top * (1 + 1e-8)


@pytest.mark.parametrize("method", [spectral, chebyshev])
def test_float32_stays(method):
    Phi, y = (a.astype(np.float32) for a in problem(50, 30))
    u = method(Phi, y, 100, 0.02, 0.1)
    assert u.dtype == np.float32
    assert relative(u, literal(Phi.astype(float), y.astype(float), 100, 0.02, 0.1)) < 1e-4
