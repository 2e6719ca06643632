"""Kernel ridge regression against scikit-learn, with named kernels and kernel objects."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.kernel_ridge import KernelRidge

from layerwise.kernels import PolynomialKernel
from layerwise.learners import KernelRegressor


def table(n=80):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, 3))
    return X, np.sin(X[:, 0]) + 0.1 * rng.standard_normal(n)


@pytest.mark.parametrize("name", ["ntk", "arc-cosine", "polynomial"])
def test_equals_scikit_learns_kernel_ridge(name):
    """Catches wrong units of the penalty, missing centring, or a prediction by tiles that loses rows."""
    X, y = table()
    model = KernelRegressor(name, penalty=0.05, standardize=False).fit(X, y)
    reference = KernelRidge(kernel="precomputed", alpha=80 * 0.05 / 2).fit(model.kernel_(X), y - y.mean())
    X_new = np.random.default_rng(1).standard_normal((50, 3))
    assert_allclose(model.predict(X_new), reference.predict(model.kernel_(X_new, X)) + y.mean(), rtol=1e-8)


def test_a_kernel_object_is_used_unchanged():
    """Catches a kernel object replaced by a default."""
    X, y = table()
    a = KernelRegressor(PolynomialKernel(2, bias=0.5)).fit(X, y).predict(X)
    assert_allclose(a, KernelRegressor("polynomial", degree=2, bias=0.5).fit(X, y).predict(X))


def test_a_fit_beyond_memory_is_refused_with_its_size():
    """Catches a kernel matrix formed without regard to memory."""
    X, y = table()
    with pytest.raises(ValueError, match=r"n_samples=80 .* needs .* more than max_memory.*RandomFeatureRegressor"):
        KernelRegressor(max_memory=1000).fit(X, y)


def test_an_unknown_kernel_is_refused():
    """Catches a class or an unknown name accepted, or a message without the known names."""
    X, y = table()
    with pytest.raises(ValueError, match=r"kernel='rbf' must be one of 'ntk', .* or a kernel object"):
        KernelRegressor("rbf").fit(X, y)
    with pytest.raises(ValueError, match=r"must be one of 'ntk', .* or a kernel object"):
        KernelRegressor(PolynomialKernel).fit(X, y)
