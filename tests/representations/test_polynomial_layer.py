"""The reduction to the Hermite basis, against the neurons; the infinite layer, against a mean over many neurons."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from layerwise.activations import Activation
from layerwise.hermite import HermitePolynomial, HermiteSeries, design_matrix, n_terms
from layerwise.representations import PolynomialLayer
from layerwise.representations.polynomial_layer import infinite_mixing, neuron_expansion

SIZES = [(1, 3), (6, 1), (5, 2), (4, 3), (3, 5)]
every_size = pytest.mark.parametrize(("d", "degree"), SIZES, ids=str)


def points(n, d, seed=0):
    return np.random.default_rng(seed).standard_normal((n, d))


def activation(degree):
    """Series with distinct coefficients, none of them 0 or 1."""
    return HermiteSeries(np.random.default_rng(1).uniform(0.5, 1.5, degree + 1))


@every_size
@pytest.mark.parametrize("factor", [0.5, 1, 4])
def test_features_have_the_kernel_of_the_neurons(d, degree, factor):
    """A wrong factorial in the coefficients of a neuron, or features of a narrow layer that are not its neurons."""
    X, size = points(30, d), n_terms(d, degree)
    width = max(1, int(factor * size))
    layer = PolynomialLayer(degree, width, activation(degree), random_state=0).fit(X)
    features, neurons = layer.transform(X), layer.neurons(X)
    assert features.shape == (30, min(width, size))
    assert_allclose(features @ features.T, neurons @ neurons.T, rtol=1e-9, atol=1e-9 * np.abs(neurons).max() ** 2)
    if factor <= 1:
        assert np.array_equal(features, neurons)


@every_size
def test_neurons_are_sigma_of_the_preactivations(d, degree):
    """V not on the sphere, s omitted, or a degree missing in the default sigma."""
    X = points(10, d)
    layer = PolynomialLayer(degree, 3, random_state=0).fit(X)
    assert_allclose(np.linalg.norm(layer.weights_, axis=1), 1)
    pre = X @ layer.weights_.T + layer.biases_
    assert_allclose(layer.neurons(X), sum(HermiteSeries.basis(k)(pre) for k in range(1, degree + 1)), atol=1e-12)


@every_size
@pytest.mark.parametrize("width", [None, 2, 150])
def test_coefficients_and_polynomial_are_the_features(d, degree, width):
    """Catches coefficients transposed, or not in the order of the design matrix."""
    X = points(20, d)
    layer = PolynomialLayer(degree, width, activation(degree), random_state=0).fit(X)
    features, u = layer.transform(X), np.arange(1.0, layer.transform(X).shape[1] + 1)
    assert_allclose(design_matrix(X, degree) @ layer.coefficients_, features, atol=1e-9)
    p = layer.polynomial(u)
    assert isinstance(p, HermitePolynomial)
    assert_allclose(p(X), features @ u, rtol=1e-8, atol=1e-8)


@every_size
def test_infinite_layer_is_the_mean_over_neurons(d, degree):
    """Each entry of E CC' within 6 standard errors of 200,000 neurons': chance of failure below 1e-5 over all sizes.

    Catches moments of the cube or the Gaussian instead of the sphere, and a misplaced bias moment.
    """
    sigma, m = activation(degree), 200_000
    rng = np.random.default_rng(0)
    V = rng.standard_normal((m, d))
    V /= np.linalg.norm(V, axis=1, keepdims=True)
    C = neuron_expansion(d, sigma)(np.column_stack([rng.standard_normal(m), V]))
    L = infinite_mixing(d, sigma).toarray()
    mean, square = C.T @ C / m, (C**2).T @ C**2 / m
    error = np.sqrt(np.maximum(square - mean**2, 0) / m)
    assert np.all(np.abs(L @ L.T - mean) <= 6 * error + 1e-12)
    assert np.linalg.eigvalsh(L @ L.T)[0] > 0  # the span contains every h_alpha


@settings(deadline=None, max_examples=40)
@given(d=st.integers(1, 4), degree=st.integers(1, 4), share=st.sampled_from([0.3, 0.7, 1, 3]), seed=st.integers(0, 999))
def test_random_neurons_span_all_polynomials_of_their_degree_and_no_more(d, degree, share, seed):
    """rank {sigma(v_j.x + s_j)} = min(width, C(d + k, k)), of the coefficients and of the values at 3 D points.

    Catches a coefficient of degree <= k that no neuron has, and one that does not belong to a polynomial of degree k.
    The least singular value kept is at least 1e-7 of the largest; those dropped are rounding errors.
    """
    size = n_terms(d, degree)
    width, sigma, X = max(1, int(share * size)), activation(degree), points(3 * size, d, seed)
    layer = PolynomialLayer(degree, width, sigma, random_state=seed).fit(X)
    coefficients = neuron_expansion(d, sigma)(np.column_stack([layer.biases_, layer.weights_]))
    assert np.linalg.matrix_rank(coefficients) == min(width, size)
    assert np.linalg.matrix_rank(layer.neurons(X)) == min(width, size)


def test_infinite_layer_is_rotation_invariant():
    """Catches a kernel that depends on the coordinate axes."""
    X, R = points(20, 4), np.linalg.qr(points(4, 4, 1))[0]
    layer = PolynomialLayer(3).fit(X)
    F, turned = layer.transform(X), layer.transform(X @ R)
    assert_allclose(turned @ turned.T, F @ F.T, rtol=1e-9, atol=1e-9)


def test_infinite_layer_is_sparse():
    """Catches a dense D x D matrix: 1.2 GB here."""
    layer = PolynomialLayer(3).fit(np.zeros((1, 40)))
    assert layer.coefficients_.shape == (12341, 12341)
    assert layer.coefficients_.nnz < 80_000


def test_float32_stays():
    X = points(20, 4).astype(np.float32)
    for width in (None, 5, 100):
        layer = PolynomialLayer(2, width, random_state=0).fit(X)
        assert layer.transform(X).dtype == np.float32


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"degree": 0}, "degree=0 must be an integer >= 1"),
        ({"width": 0}, "width=0 must be None or an integer >= 1"),
        ({"activation": HermiteSeries([0.0, 1.0])}, "of degree 1; it must have degree=2"),
        ({"activation": HermiteSeries([0.0, 1.0, 1.0, 1.0])}, "of degree 3; it must have degree=2"),
        ({"activation": HermiteSeries([0.0, 1.0, 0.0])}, "of degree 1; it must have degree=2"),
        ({"activation": np.tanh}, "must be a polynomial"),
        ({"activation": (1.0, 0.0)}, "is constant"),
        ({"degree": 6}, "GiB"),
        ({"degree": 3, "width": 10**6}, "GiB"),
    ],
)
def test_bad_parameters_say_what_is_allowed(params, message):
    with pytest.raises(ValueError, match=message):
        PolynomialLayer(**params).fit(np.zeros((2, 100)))


def test_polynomials_are_taken_in_any_form():
    """Catches a form that other learners take, refused, or read as another polynomial."""
    X = points(10, 3)
    forms = [(0, 0.5, 2), HermiteSeries(np.array([0, 0.5, 2])), Activation(HermiteSeries(np.array([0, 0.5, 2, 0])))]
    features = [PolynomialLayer(2, 5, form, random_state=0).fit(X).transform(X) for form in forms]
    assert np.array_equal(features[0], features[1])
    assert np.array_equal(features[0], features[2])
    layer = PolynomialLayer(2, 5, "quadratic", random_state=0).fit(X)
    assert_allclose(layer.transform(X), (X @ layer.weights_.T + layer.biases_) ** 2, atol=1e-12)


def test_head_of_the_wrong_length():
    with pytest.raises(ValueError, match="one weight per feature"):
        PolynomialLayer(2).fit(np.zeros((2, 3))).polynomial(np.ones(4))


def test_a_basis_too_large_for_memory_is_refused():
    layer = PolynomialLayer(3).fit(np.zeros((1, 40)))
    with pytest.raises(ValueError, match="bytes for 100000 rows"):
        layer.transform(np.broadcast_to(np.zeros(40), (100_000, 40)))
