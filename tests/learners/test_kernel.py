"""Kernel ridge regression against scikit-learn, with named kernels and kernel objects."""

import tracemalloc

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.kernel_ridge import KernelRidge

from layerwise.kernels import NeuralTangentKernel, PolynomialKernel
from layerwise.learners import KernelRegressor
from layerwise.studies import LearnerSpec
from layerwise.studies.definition.lookup import LEARNERS
from layerwise.studies.trials.run import build


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


def test_a_fit_beyond_memory_is_iterated():
    """The exact solution's risk missed by more than a few percent, another penalty, or a matrix of n x n formed."""
    rng = np.random.default_rng(0)
    X, X_new = rng.standard_normal((1500, 4)), rng.standard_normal((1000, 4))
    f = lambda X: np.sin(2 * X[:, 0]) + X[:, 1] * X[:, 2]  # noqa: E731
    y = f(X) + 0.3 * rng.standard_normal(1500)
    exact = KernelRegressor(validation=0.1, random_state=0).fit(X, y)
    iterated = KernelRegressor(max_memory=20e6, random_state=0)
    tracemalloc.start()
    iterated.fit(X, y)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < iterated.memory_bytes(1500, 4) <= 20e6 < exact.memory_bytes(1500, 4)
    risks = [np.mean((model.predict(X_new) - f(X_new)) ** 2) for model in (iterated, exact)]
    assert risks[0] < 1.1 * risks[1]
    given = KernelRegressor(penalty=iterated.history_[0]["penalty"]).fit(X, y)
    assert_allclose(iterated.predict(X_new), given.predict(X_new), atol=0.02)


def test_a_kernel_in_a_study_is_a_table():
    """Parameters of the kernel that are lost, or a kernel class that a study cannot name."""
    params = {"kernel": {"use": "NeuralTangentKernel", "params": {"depth": 3, "activation": "erf", "bias": 0.1}}}
    spec = LearnerSpec(label="erf", use="KernelRegressor", params=params)
    model = build(spec.use, LEARNERS, spec.params, 0)
    assert model.kernel == NeuralTangentKernel(3, 0.1, "erf")
    X, y = table()
    assert np.all(np.isfinite(model.fit(X, y).predict(X)))
