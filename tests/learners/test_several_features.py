"""`HierarchicalRegressor(n_features=...)`: what it finds, what it must not find, and one feature as before."""

import tracemalloc
from functools import partial

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from layerwise import learners
from layerwise.hermite import HermitePolynomial
from layerwise.learners.hierarchical.memory import several_bytes
from layerwise.targets import MultiFeature

#: The literal algorithm, as inputs are from N(0, I).
HierarchicalRegressor = partial(learners.HierarchicalRegressor, standardize=False)


def r2(y, prediction):
    return 1 - np.mean((y - prediction) ** 2) / np.var(y)


def target(d=8, seed=0):
    """(p_1 + p_1 p_2) / sqrt 2 for quadratic features on disjoint halves, rotated."""
    return MultiFeature(d, "quadratic", 2, lambda Z: (Z[:, 0] + Z[:, 0] * Z[:, 1]) / np.sqrt(2), True, seed)


@pytest.fixture(scope="module")
def fitted():
    function = target()
    X = np.random.default_rng(0).standard_normal((8 * 36, 8))
    model = HierarchicalRegressor(2, link_width=50, n_features="auto", random_state=0).fit(X, function(X))
    return model, function, X


def test_two_features_are_recovered(fitted):
    """d = 8, n = 8 D = 288, no noise; one feature explains a third."""
    model, function, _ = fitted
    X = np.random.default_rng(1).standard_normal((8000, 8))
    assert model.n_features_ == 2
    assert r2(function(X), model.predict(X)) > 0.99
    true = np.array([p.rotate(np.eye(8)).to_dense(2) for p in polynomials(function)])
    found = np.array([p.to_dense(2) for p in model.feature_polynomials_])
    span = np.linalg.qr(found[:, 1:].T)[0]
    assert_allclose(np.linalg.norm(true[:, 1:] @ span, axis=1), 1, atol=1e-3)
    assert abs(model.feature_polynomials_[0].inner(polynomials(function)[0])) > 0.9


def polynomials(function):
    """The true features in the original inputs."""
    basis = function.relevant_subspace if function.relevant_subspace is not None else np.eye(8)
    return [p.reduced_polynomial.rotate(S @ basis) for p, S in zip(function.features, function._maps, strict=True)]


def test_interface(fitted):
    """Shapes, the prediction as link(feature), polynomials, names, and sentences."""
    model, _, X = fitted
    Z = model.transform(X)
    assert Z.shape == (len(X), 2)
    assert_allclose(model.link(Z), model.predict(X))
    assert model.link(Z.reshape(2, -1, 2)).shape == (2, len(X) // 2)
    assert_array_equal(model.feature(X), Z)
    assert_allclose(np.column_stack([p(X) for p in model.feature_polynomials_]), Z, atol=1e-9)
    assert_allclose(np.cov(Z.T), np.eye(2), atol=0.1)
    assert list(model.get_feature_names_out()) == ["hierarchicalregressor0", "hierarchicalregressor1"]
    assert isinstance(model.feature_polynomial_, HermitePolynomial)
    lines = model.describe()
    assert lines[0].startswith("polynomial of degree")
    assert len(lines) == 3


def test_one_feature_is_as_without_the_parameter():
    """A random number drawn, or a stage refitted, for a parameter at its default."""
    X = np.random.default_rng(0).standard_normal((120, 4))
    y = X[:, 0] * X[:, 1] + 0.1 * X[:, 2]
    for refine in (False, True):
        one = HierarchicalRegressor(2, link_width=30, refine=refine, random_state=0).fit(X, y)
        same = HierarchicalRegressor(2, link_width=30, refine=refine, n_features=1, random_state=0).fit(X, y)
        assert_array_equal(one.predict(X), same.predict(X))
        assert one.n_features_ == 1
        assert one.several_ is None
        assert len(one.feature_polynomials_) == 1


@pytest.mark.slow
@pytest.mark.parametrize("n_features", [2, "auto"])
def test_what_one_feature_explains_is_left_to_it(n_features):
    """One feature: the prediction is that of refine=True, bit by bit, unless a clear lead was found by chance."""
    X = np.random.default_rng(0).standard_normal((150, 4))
    p = (X[:, 0] ** 2 - X[:, 1] ** 2) / 2
    y = p + p**2 / 2 + 0.2 * np.random.default_rng(1).standard_normal(150)
    several = HierarchicalRegressor(2, link_width=30, n_features=n_features, random_state=0).fit(X, y)
    one = HierarchicalRegressor(2, link_width=30, refine=True, random_state=0).fit(X, y)
    assert several.n_features_ == 1
    assert_array_equal(several.predict(X), one.predict(X))


@pytest.mark.slow
def test_noise_has_no_features():
    """Three tables; the chance of a lead of four standard errors in one of them is below 1e-3."""
    for seed in range(3):
        rng = np.random.default_rng(seed)
        model = HierarchicalRegressor(2, link_width=30, n_features="auto", random_state=0)
        model.fit(rng.standard_normal((100, 4)), rng.standard_normal(100))
        assert model.several_ is None


@pytest.mark.parametrize("value", [0, 1.5, "two", None])
def test_values_that_are_not_allowed(value):
    """The constraint of the parameter is missing."""
    with pytest.raises(ValueError, match=r"n_features=.* must be 'auto' or an integer >= 1"):
        HierarchicalRegressor(n_features=value).fit(np.eye(4), np.arange(4.0))


@pytest.mark.slow
@pytest.mark.parametrize(("n", "d"), [(600, 10), (150, 10)], ids=["J'J", "JJ'"])
def test_peak_memory(n, d):
    """The formula is an upper bound, and not loose by more than a factor of 6."""
    X = np.random.default_rng(0).standard_normal((n, d))
    y = X[:, 0] * X[:, 1] + X[:, 2] * X[:, 3] * X[:, 0]
    model = HierarchicalRegressor(2, link_width=10, n_features=2, random_state=0)
    tracemalloc.start()
    model.fit(X, y)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < model.memory_bytes(n, d)
    assert several_bytes(n, d, 2, 2) < 6 * peak
