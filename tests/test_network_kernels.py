"""Kernels of wide networks against finite networks, quadrature in two dimensions and other kernels."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from layerwise.activations import as_activation
from layerwise.hermite import degree_kernel
from layerwise.hermite.quadrature import gaussian_rule
from layerwise.kernels import (
    ArcCosineKernel,
    DegreeKernel,
    GegenbauerKernel,
    HermiteKernel,
    NeuralTangentKernel,
    NNGPKernel,
    PolynomialActivationKernel,
    WideNetwork,
    base,
)
from layerwise.kernels.angle import size_sine_angle, supplement
from layerwise.kernels.dual_activations import dual_activation

ACTIVATIONS = ["relu", "erf", (0.3, 0.5, 0.0, 0.2), "tanh"]


@pytest.fixture
def inputs():
    rng = np.random.default_rng(0)
    return rng.standard_normal((4, 5)), rng.standard_normal((3, 5))


@pytest.mark.parametrize(("dtype", "error"), [(np.float64, 1e-14), (np.float32, 5e-7)])
def test_the_angle_is_that_of_arccos(dtype, error):
    """A wrong digit of a coefficient; cancellation near 0 and pi; a cosine above 1 by rounding."""
    near_one = 1 - np.logspace(-16, -1, 1000)
    u = np.concatenate([np.linspace(-1, 1, 100_001), near_one, -near_one, [0.0, -0.0]]).astype(dtype)
    expected = np.arccos(u.astype(np.longdouble))
    _, sine, t = size_sine_angle(u)
    assert_allclose(sine, np.sin(expected).astype(float), atol=error)
    assert_allclose(np.pi - supplement(u, t).astype(float), expected.astype(float), atol=error)
    above = np.array([1 + 4 * np.finfo(dtype).eps], dtype=dtype)
    assert size_sine_angle(above)[2] == 0


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=str)
def test_second_moments_are_those_of_a_gaussian_pair(activation):
    """A wrong factor, or a derivative by the wrong variable: quadrature in two dimensions, finite differences."""
    sigma, dual, h = as_activation(activation), dual_activation(activation), 1e-5
    nodes, weights = gaussian_rule(200, kinks=(0.0,))

    def moment(s, q_x, q_z):
        """E sigma(u) sigma(v) with v = (s / q_x) u + rest, the inner integral split at the kink of v."""
        sd, total = np.sqrt(q_z - s * s / q_x), 0.0
        for z, weight in zip(nodes, weights, strict=True):
            u = np.sqrt(q_x) * z
            inner, inner_weights = gaussian_rule(60, kinks=(-s / q_x * u / sd,))
            total += weight * sigma(u) * (inner_weights @ sigma(s / q_x * u + sd * inner))
        return total

    point = (0.4, 0.8, 1.7)
    s, q_x, q_z = (np.array([[a]]) for a in point)
    k, slope = (a[0, 0] for a in dual.values(s.copy(), q_x, q_z, 1.0))
    assert_allclose(k, moment(*point), rtol=1e-8)
    assert_allclose(slope, (moment(0.4 + h, 0.8, 1.7) - moment(0.4 - h, 0.8, 1.7)) / (2 * h), rtol=1e-6)
    parts = [a[0, 0] for a in dual.derivatives(s.copy(), q_x, q_z)]
    assert_allclose(parts[:2], [k, slope], rtol=1e-10)

    def differences(s_step, q_step):
        ahead = dual.values(s + s_step, q_x + q_step, q_z, 1.0)
        behind = dual.values(s - s_step, q_x - q_step, q_z, 1.0)
        return [(a[0, 0] - b[0, 0]) / (2 * h) for a, b in zip(ahead, behind, strict=True)]

    assert_allclose([parts[2], parts[4]], differences(0, h), rtol=1e-6)
    assert_allclose([parts[1], parts[3]], differences(h, 0), rtol=1e-6)
    square, change = dual.mean_square(np.array([1.7]))
    assert_allclose(square[0], weights @ sigma(np.sqrt(1.7) * nodes) ** 2, rtol=1e-7)  # the series of tanh is cut off
    ahead, behind = (dual.mean_square(np.array([q]))[0] for q in (1.7 + h, 1.7 - h))
    assert_allclose(change, (ahead - behind) / (2 * h), rtol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("activation", ACTIVATIONS, ids=str)
def test_kernels_of_three_layers_are_those_of_finite_networks(activation, inputs):
    """A layer's variance or bias in the wrong place, a missing factor in backpropagation.

    150 networks of width 512, whose mean has a bias of order 1/512 beside the standard error: each entry within
    6 standard errors plus 1 % of the largest entry.
    """
    X, Z = inputs
    XZ, m, w, bias, n_networks = np.vstack([X, Z]), 512, 1.6, 0.3, 150
    sigma, rng, tangents, outputs = as_activation(activation), np.random.default_rng(1), [], []
    slope = (lambda u: (u > 0).astype(float)) if sigma.is_relu else sigma.derivative
    for _ in range(n_networks):
        W1, W2, a = rng.standard_normal((5, m)), rng.standard_normal((m, m)), rng.standard_normal(m)
        b1, b2 = np.sqrt(bias) * rng.standard_normal((2, m))
        h1 = XZ @ W1 / np.sqrt(5) + b1
        h2 = sigma(h1) @ W2 * np.sqrt(w / m) + b2
        d2 = np.sqrt(w / m) * a * slope(h2)  # derivatives of the output by h2 and h1
        d1 = np.sqrt(w / m) * (d2 @ W2.T) * slope(h1)
        s1, s2 = (w / m * sigma(h) @ sigma(h).T + bias for h in (h1, h2))
        tangents.append(s2 + (d2 @ d2.T) * s1 + (d1 @ d1.T) * (XZ @ XZ.T / 5 + bias))
        outputs.append(s2)
    network = WideNetwork(3, bias, activation, w)
    for kernel, samples in ((network.ntk(), np.array(tangents)), (network.nngp(), np.array(outputs))):
        expected, error = kernel(XZ), samples.std(axis=0) / np.sqrt(n_networks)
        assert np.all(np.abs(samples.mean(axis=0) - expected) < 6 * error + 0.01 * np.abs(expected).max())


@pytest.mark.parametrize("bias", [0.0, 0.4])
@pytest.mark.parametrize("depth", [1, 2, 3, 4])
@pytest.mark.parametrize("kernel", [NNGPKernel, NeuralTangentKernel])
def test_the_profile_is_the_recursion(kernel, depth, bias, inputs):
    """A factor of the lengths, the weight variance or the bias lost where tiles are computed from cosines."""
    X, Z = inputs
    k = kernel(depth, bias, "relu", 1.5)
    s, x, z = X @ Z.T / 5 + bias, np.sum(X**2, 1)[:, None] / 5 + bias, np.sum(Z**2, 1)[None] / 5 + bias
    assert_allclose(k(X, Z), k.values(s, x, z), rtol=1e-12)
    assert_allclose(k.diagonal(X), np.diag(k(X)), rtol=1e-7)


def test_two_layers_of_relu_are_the_arc_cosine_kernel(inputs):
    """Another convention of the weight variance, or the bias of the last layer."""
    X, Z = inputs
    assert_allclose(NNGPKernel(2, 0.3)(X, Z), ArcCosineKernel(1, 0.3)(X, Z) + 0.3, rtol=1e-12)
    assert_allclose(NNGPKernel(2, 0.3).dot(X, Z, np.arange(3.0)), NNGPKernel(2, 0.3)(X, Z) @ np.arange(3.0), rtol=1e-12)


def test_features_converge_to_the_nngp(inputs):
    """A scale or bias lost in the finite network: the error of width 20000 is of order 1/sqrt(20000)."""
    X, _ = inputs
    network = WideNetwork(3, 0.3, "erf", 1.6)
    Phi = network.features(X, 20_000, random_state=0)
    assert Phi.shape == (4, 20_001)
    assert_allclose(Phi @ Phi.T, network.nngp()(X), atol=0.06)
    assert network.features(X.astype(np.float32), 10, random_state=0).dtype == np.float32


def test_gegenbauer_kernel_is_the_average_over_the_sphere():
    """A wrong dimension of the harmonics, or coefficients by another scale of the argument."""
    X = np.random.default_rng(0).standard_normal((6, 5))
    X *= np.sqrt(5) / np.linalg.norm(X, axis=1, keepdims=True)
    coefficients = (0.3, -0.5, 0.8, 0.4)
    assert_allclose(GegenbauerKernel(5, coefficients, 4)(X), PolynomialActivationKernel(coefficients, 5)(X), rtol=1e-10)
    assert_allclose(GegenbauerKernel(5, "relu", 60)(X), ArcCosineKernel(1)(X) / 2, atol=2e-3)


def test_hermite_kernel_is_the_average_over_gaussian_weights():
    """Coefficients that are not squared, or lengths that matter."""
    X = np.random.default_rng(0).standard_normal((6, 5))
    unit = np.sqrt(5) * X / np.linalg.norm(X, axis=1, keepdims=True)
    coefficients = (0.3, -0.5, 0.8, 0.4)
    network = NNGPKernel(2, activation=coefficients, weight_variance=1.0)
    assert_allclose(HermiteKernel(coefficients)(X), network(unit), rtol=1e-10)


def test_degree_kernel_is_that_of_the_hermite_polynomials(inputs):
    """Degrees shifted by one, or s and |x|^2 divided by d."""
    X, Z = inputs
    weights = (0.5, 0.0, 1.0, 2.0)
    assert_allclose(DegreeKernel(5, weights)(X, Z), np.tensordot(weights, degree_kernel(X, Z, 3), axes=1), rtol=1e-10)


def test_threads_do_not_change_the_matrix(inputs, monkeypatch):
    """Row blocks that overwrite each other, or a sum whose order depends on threads."""
    X = np.random.default_rng(2).standard_normal((300, 5))
    kernel = NeuralTangentKernel(2, 1.0)
    expected, products = kernel(X), kernel.dot(X, X, X[:, 0])
    monkeypatch.setattr(base, "MIN_ENTRIES", 1)
    for _ in range(3):
        np.testing.assert_array_equal(kernel(X), expected)
        np.testing.assert_array_equal(kernel.dot(X, X, X[:, 0]), products)
