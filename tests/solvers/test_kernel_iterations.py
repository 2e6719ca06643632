"""Preconditioned conjugate gradients against factorisations of the same matrix."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.exceptions import ConvergenceWarning

from layerwise.kernels import NeuralTangentKernel
from layerwise.solvers import kernel_ridge
from layerwise.solvers.kernel_iterations import iterated_kernel_ridge, iterations_bytes, pivoted_cholesky, rank_within


@pytest.fixture
def problem():
    rng = np.random.RandomState(0)
    X = rng.standard_normal((600, 5))
    y = np.sin(2 * X[:, 0]) + 0.1 * rng.standard_normal(600)
    return NeuralTangentKernel(2, bias=1.0), X, y - y.mean()


def factor(kernel, X, rank):
    return pivoted_cholesky(kernel.diagonal(X), lambda rows: kernel(X, X[rows]), rank, np.random.RandomState(1))


def test_the_factor_is_a_partial_cholesky_factor(problem):
    """A residual that is not positive semidefinite, or not 0 in the rows of the pivots; a rank above that of K."""
    kernel, X, _ = problem
    K = kernel(X)
    F, left = factor(kernel, X, 200)
    rest = K - F @ F.T
    values = np.linalg.eigvalsh(rest)
    assert_allclose(left, np.trace(rest) / 600, rtol=1e-6)
    assert values[0] > -1e-9 * np.trace(K)
    assert np.sum(np.abs(np.diag(rest)) < 1e-9) >= 200
    best = np.sort(np.linalg.eigvalsh(K))[:-200].sum()
    assert best <= np.trace(rest) < 2 * best
    low = X[:, :3]
    columns = lambda rows: low @ low[rows].T  # noqa: E731
    F, _ = pivoted_cholesky(np.sum(low**2, axis=1), columns, 50, np.random.RandomState(1))
    assert_allclose(F @ F.T, low @ low.T, atol=1e-9)


@pytest.mark.parametrize("penalty", [1e-1, 1e-4])
def test_one_penalty_is_solved_to_its_tolerance(problem, penalty):
    """A shift by another multiple of the penalty, or a preconditioner that is not symmetric."""
    kernel, X, y = problem
    K = kernel(X)
    path = iterated_kernel_ridge(lambda V: K @ V, *factor(kernel, X, 100), y, penalty, np.zeros(600, dtype=bool))
    expected = kernel_ridge(K, y, penalty).coefficients
    assert_allclose(K @ path.coefficients, K @ expected, atol=1e-5)


def test_the_path_is_that_of_factorisations(problem):
    """Held-out rows that enter the fit, errors of other rows, or a final fit without them."""
    kernel, X, y = problem
    K, held_out = kernel(X), np.arange(600) % 10 == 0
    path = iterated_kernel_ridge(lambda V: K @ V, *factor(kernel, X, 240), y, None, held_out)
    exact = kernel_ridge(K, y, path.penalties, held_out=held_out)
    chosen = int(np.flatnonzero(path.penalties == path.penalty)[0])
    assert exact.errors[chosen] < 1.005 * exact.errors.min()
    assert exact.errors[chosen - 1] > 1.001 * exact.errors[chosen]
    assert_allclose(path.errors[: chosen + 1], exact.errors[: chosen + 1], rtol=1e-2)  # stopped on a plateau
    expected = kernel_ridge(K, y, path.penalty).coefficients
    assert_allclose(K @ path.coefficients, K @ expected, atol=0.2 * np.sqrt(exact.errors[chosen]))


def test_products_with_the_matrix_are_few(problem):
    """A preconditioner without effect: iterations grow with the condition number of K, about 1e5 here."""
    kernel, X, y = problem
    K, counts, no_rows = kernel(X), [], np.zeros(600, dtype=bool)
    for rank in (5, 240):
        calls = []
        product = lambda V, calls=calls: calls.append(V) or K @ V  # noqa: E731
        iterated_kernel_ridge(product, *factor(kernel, X, rank), y, 1e-4, no_rows)
        counts.append(len(calls))
    assert counts[1] < 0.5 * counts[0] < 50
    with pytest.warns(ConvergenceWarning, match="stopped after 100 steps"):
        iterated_kernel_ridge(product, *factor(kernel, X, 5), y, 1e-9, no_rows)


def test_the_rank_fits_into_memory():
    """A preconditioner beyond the budget, or smaller than it allows."""
    assert rank_within(10_000, np.inf) == 1000
    budget = iterations_bytes(10_000, 300)
    assert 0.8 * 300 <= rank_within(10_000, budget) <= 300
    assert rank_within(10_000, 1000) == 0
