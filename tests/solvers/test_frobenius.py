"""Regression under the Frobenius norm against scikit-learn, and leave-one-out against refits."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import Ridge

from layerwise.solvers.frobenius import frobenius_regression, kernel_with_intercept


def problem(n, d=6):
    """Features of nonzero mean, so that an intercept matters; 21 products of two columns."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, d)) + 0.3
    return X, 2 + X[:, 0] ** 2 - X[:, 1] * X[:, 2] + 0.3 * rng.standard_normal(n)


@pytest.mark.parametrize("n", [15, 80])
def test_is_ridge_on_the_products(n):
    """Catches a missing sqrt(2) of mixed products or intercept, on either side of n = q = 21."""
    X, y = problem(n)
    M, alpha, _ = frobenius_regression(X, y, 0.3)
    products = np.einsum("ij,ik->ijk", X, X).reshape(n, -1)
    reference = Ridge(alpha=n * 0.3 / 2, tol=1e-12).fit(products, y)
    assert_allclose(M.ravel(), reference.coef_, atol=1e-9)
    assert_allclose(alpha, reference.intercept_, rtol=1e-9)


@pytest.mark.parametrize("n", [15, 80])
def test_is_kernel_ridge_with_the_centred_kernel(n):
    X, y = problem(n)
    M, alpha, _ = frobenius_regression(X, y, 0.3)
    C = np.eye(n) - 1 / n
    K = (X @ X.T) ** 2
    assert_allclose(C @ kernel_with_intercept(K.copy()) @ C, C @ K @ C, atol=1e-10)
    reference = KernelRidge(kernel="precomputed", alpha=n * 0.3 / 2).fit(C @ K @ C, y - y.mean())
    fitted = alpha + np.einsum("ij,jk,ik->i", X, M, X)
    assert_allclose(fitted, y.mean() + reference.predict(C @ K @ C), rtol=1e-8)


@pytest.mark.parametrize("penalty", [1e-9, 1e-2, 1.0, 100.0])
@pytest.mark.parametrize("n", [15, 80])
def test_leave_one_out_against_refits(n, penalty):
    """Centred features of n - 1 rows determine the last label: an error of 0 for vanishing penalties."""
    X, y = problem(n)
    path = frobenius_regression(X, y, [penalty])[2]
    residuals = []
    for i in range(n):
        rest = np.arange(n) != i
        M, alpha, _ = frobenius_regression(X[rest], y[rest], penalty * n / (n - 1))
        residuals.append(y[i] - alpha - X[i] @ M @ X[i])
    assert_allclose(path.errors[0], np.mean(np.square(residuals)), rtol=3 / n)


@pytest.mark.parametrize("n", [5, 40])
def test_the_eigenvalue_of_the_constant_is_the_mean_of_the_others(n):
    """Catches a wrong kappa, the eigenvalue of the constant: the mean of the n - 1 others of the centred kernel."""
    K = kernel_with_intercept((problem(n)[0] @ problem(n)[0].T) ** 2)
    constant = np.full(n, n**-0.5)
    kappa = constant @ K @ constant
    assert_allclose(K @ constant, kappa * constant, atol=1e-9 * kappa)
    assert_allclose(kappa, (np.trace(K) - kappa) / (n - 1), rtol=1e-12)
