"""The nuclear norm against its definitions, another algorithm, and its own optimality conditions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.optimize import minimize

from layerwise.activations import as_activation
from layerwise.solvers.frobenius import frobenius_regression
from layerwise.solvers.nuclear import (
    largest_penalty,
    nuclear_norm_regression,
    soft_threshold,
)
from quadratic_minimum import quadratic_model_regression


def problem(n=80, d=6, rank=2, noise=0.3, seed=0):
    """Features of nonzero mean, so that an intercept matters, and a target of eigenvalues of both signs."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d)) + 0.3
    W = np.linalg.qr(rng.standard_normal((d, rank)))[0]
    signs = np.where(np.arange(rank) % 2, -1, 1)
    return X, 2 + (X @ W) ** 2 @ signs + noise * rng.standard_normal(n)


def norms(M, positive, negative):
    e = np.linalg.eigvalsh(M)
    return positive * e[e > 0].sum() - negative * e[e < 0].sum()


def objective(X, y, M, alpha, positive, negative):
    return np.mean((y - alpha - np.einsum("ij,jk,ik->i", X, M, X)) ** 2) + norms(M, positive, negative)


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("penalty", [(0.3, 0.3), (0.05, 0.05), (0.4, 0.1)], ids=str)
@pytest.mark.parametrize("n", [15, 80])
class TestTheMinimum:
    def test_is_that_of_the_factorised_problem(self, n, penalty, intercept):
        """``M = U U' - V V'`` with penalty ``p_+ |U|^2 + p_- |V|^2``, smooth, by L-BFGS from many starts: a wrong
        weight, a wrong centring, a constant of 2."""
        X, y = problem(n)
        fit = nuclear_norm_regression(X, y, penalty, intercept=intercept, tol=1e-9)
        d = X.shape[1]

        def factorised(x):
            U, V = x[: d * d].reshape(d, d), x[d * d : -1].reshape(d, d)
            alpha = x[-1] if intercept else 0.0
            r = alpha + np.sum((X @ U) ** 2, axis=1) - np.sum((X @ V) ** 2, axis=1) - y
            gradient = np.concatenate(
                [
                    (4 / n * X.T @ (r[:, None] * (X @ U)) + 2 * penalty[0] * U).ravel(),
                    (-4 / n * X.T @ (r[:, None] * (X @ V)) + 2 * penalty[1] * V).ravel(),
                    [2 * r.mean() if intercept else 0.0],
                ]
            )
            return np.mean(r**2) + penalty[0] * np.sum(U**2) + penalty[1] * np.sum(V**2), gradient

        rng = np.random.default_rng(0)
        options = {"maxiter": 5000, "maxfun": 10000, "ftol": 1e-14, "gtol": 1e-9}
        values = [
            minimize(factorised, rng.standard_normal(2 * d * d + 1), jac=True, method="L-BFGS-B", options=options).fun
            for _ in range(3)
        ]
        assert_allclose(fit.objective, min(values), rtol=1e-6)
        assert_allclose(objective(X, y, fit.matrix, fit.intercept, *penalty), fit.objective, rtol=1e-10)

    def test_satisfies_the_subgradient_conditions(self, n, penalty, intercept):
        """``(2/n) X' diag(r) X`` is penalty * sign on the eigenvectors of M, and below it beside them."""
        X, y = problem(n)
        fit = nuclear_norm_regression(X, y, penalty, intercept=intercept, tol=1e-13, max_iter=5000)
        r = y - fit.predict(X, as_activation("quadratic"))
        if intercept:
            assert abs(r.mean()) < 1e-10
        G = 2 / n * X.T @ (r[:, None] * X)
        V = fit.neurons
        sides = np.where(fit.coefficients > 0, penalty[0], -penalty[1])
        assert_allclose(G @ V.T, V.T * sides, atol=1e-6)
        spectrum = np.linalg.eigvalsh(G)
        assert -penalty[1] - 1e-6 < spectrum[0]
        assert spectrum[-1] < penalty[0] + 1e-6

    def test_gap_bounds_the_distance_to_it(self, n, penalty, intercept):
        """Catches a dual value above the minimum: a certificate of nothing."""
        X, y = problem(n)
        best = nuclear_norm_regression(X, y, penalty, intercept=intercept, tol=1e-12, max_iter=5000)
        for max_iter in (1, 3, 10, 30):
            early = nuclear_norm_regression(X, y, penalty, intercept=intercept, tol=1e-12, max_iter=max_iter)
            assert early.gap >= early.objective - best.objective - 1e-10
        assert not nuclear_norm_regression(X, y, penalty, tol=1e-12, max_iter=1).converged
        assert best.converged
        assert best.gap <= 1e-12 * best.objective


def symmetric(seed, d):
    A = np.random.default_rng(seed).standard_normal((d, d))
    return A + A.T


@given(st.integers(0, 2**31), st.integers(1, 6), st.floats(0.01, 3), st.floats(0.01, 3))
@settings(max_examples=50, deadline=None)
def test_soft_thresholding_minimises_its_definition(seed, d, positive, negative):
    """The optimality of the proximal point N: M - N is in the subdifferential of the norm at N, and nothing near N,
    nor far from it, is better."""
    M = symmetric(seed, d)
    e, V = soft_threshold(M, positive, negative)
    N = (V * e) @ V.T
    rng = np.random.default_rng(seed)
    value = np.sum((N - M) ** 2) / 2 + norms(N, positive, negative)
    for size in (1e-3, 1e-1, 1, 10):
        other = N + size * symmetric(rng.integers(2**31), d)
        assert value <= np.sum((other - M) ** 2) / 2 + norms(other, positive, negative) + 1e-12
    inner = np.linalg.eigvalsh(M - N)
    assert inner[-1] <= positive + 1e-10
    assert inner[0] >= -negative - 1e-10
    assert_allclose(np.sum((M - N) * N), norms(N, positive, negative), atol=1e-9)


def test_the_largest_penalty_is_where_the_matrix_vanishes():
    X, y = problem()
    top = largest_penalty(X, y)
    assert len(nuclear_norm_regression(X, y, 1.001 * top).coefficients) == 0
    assert len(nuclear_norm_regression(X, y, 0.98 * top, tol=1e-8).coefficients) > 0


@pytest.mark.parametrize(("rank", "n"), [(1, 110), (3, 220)])
def test_noiseless_low_rank_is_recovered_from_fewer_samples_than_entries(rank, n):
    """d (d+1) / 2 = 325 entries. A norm that is not the nuclear one (F2 interpolates, and is far)."""
    rng = np.random.default_rng(1)
    W = np.linalg.qr(rng.standard_normal((25, rank)))[0].T
    X = rng.standard_normal((n, 25))
    y = np.sum((X @ W.T) ** 2, axis=1)
    fit = nuclear_norm_regression(X, y, 1e-4 * largest_penalty(X, y), tol=1e-10)
    assert np.linalg.norm(fit.matrix - W.T @ W) < 0.01
    assert np.linalg.norm(frobenius_regression(X, y, 1e-8)[0] - W.T @ W) > 0.3


def test_a_start_changes_nothing_but_the_way():
    X, y = problem()
    cold = nuclear_norm_regression(X, y, 0.1, tol=1e-10)
    warm = nuclear_norm_regression(X, y, 0.1, tol=1e-10, start=nuclear_norm_regression(X, y, 0.12).matrix)
    assert_allclose(warm.matrix, cold.matrix, atol=1e-4)
    again = nuclear_norm_regression(X, y, 0.1, tol=1e-9, start=cold.matrix)
    assert again.history[-1]["iteration"] == 0
    assert len(again.coefficients) == len(cold.coefficients)


def test_rotating_the_inputs_rotates_the_matrix():
    """Catches an operation that depends on the coordinate axes."""
    X, y = problem()
    Q = np.linalg.qr(np.random.default_rng(0).standard_normal((6, 6)))[0]
    there, back = (nuclear_norm_regression(Z, y, 0.1, tol=1e-12).matrix for Z in (X @ Q, X))
    assert_allclose(Q @ there @ Q.T, back, atol=1e-5)


@pytest.mark.parametrize(("shift", "penalty"), [(0.0, 0.01), (0.0, 0.003), (2.0, 0.01)])
def test_the_quadratic_model_is_the_network_trained_to_its_minimum(shift, penalty):
    """``8 ((tr M_+)^2 + (tr M_-)^2)`` against m = 20 neurons, half of each sign, by L-BFGS; also for a mostly
    positive target, where ``4 |M|_*^2`` is half of that."""
    X, y = problem(d=4)
    y = y - y.mean() + shift * np.sum(X**2, axis=1)
    n, m = len(y), 20
    signs = np.repeat([1.0, -1.0], m // 2)

    def network(w):
        W = w.reshape(m, -1)
        T = X @ W.T
        r = T**2 @ signs / (2 * m**0.5) - y
        squares = np.sum(W**2, axis=1)
        slope = 2 / (n * m**0.5) * signs[:, None] * ((r[:, None] * T).T @ X) + 4 * penalty * squares[:, None] * W
        return np.mean(r**2) + penalty * np.sum(squares**2), slope.ravel()

    rng = np.random.default_rng(0)
    options = {"maxiter": 5000, "maxfun": 10000, "ftol": 1e-14, "gtol": 1e-9}
    found = minimize(network, rng.standard_normal(m * 4), jac=True, method="L-BFGS-B", options=options)
    W = found.x.reshape(m, -1)
    fit = quadratic_model_regression(X, y, penalty)
    assert fit.converged
    assert_allclose(fit.matrix, (W.T * signs) @ W / (2 * m**0.5), atol=2e-3 * np.abs(fit.matrix).max())
    e = fit.coefficients
    value = np.mean((y - fit.predict(X, as_activation("quadratic"))) ** 2)
    value += 8 * penalty * (e[e > 0].sum() ** 2 + e[e < 0].sum() ** 2)
    assert_allclose(value, found.fun, rtol=1e-5)


@pytest.mark.parametrize("penalty", [0.0, (0.1, 0.0), -1.0, np.nan])
def test_a_penalty_must_be_positive(penalty):
    with pytest.raises(ValueError, match="must be > 0"):
        nuclear_norm_regression(*problem(), penalty)


def test_vanishing_inputs_and_labels():
    """Catches a division by a curvature, a norm or a residual of 0."""
    X, y = problem()
    assert not nuclear_norm_regression(0 * X, y, 0.1).matrix.any()
    assert not nuclear_norm_regression(X, 0 * y, 0.1).matrix.any()


def test_constant_labels_give_the_empty_quadratic_model():
    """Catches an error about a penalty of 0 that was not passed."""
    X = np.random.default_rng(0).standard_normal((30, 4))
    for fit in (
        quadratic_model_regression(X, np.zeros(30), 0.1),
        quadratic_model_regression(X, np.full(30, 2.0), 0.1, intercept=True),
        quadratic_model_regression(0 * X, np.ones(30), 0.1),
    ):
        assert fit.converged
        assert not len(fit.coefficients)
