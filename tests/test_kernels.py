"""Closed-form kernels against quadrature, wide random networks and literal formulas."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from layerwise.activations import as_activation
from layerwise.hermite import HermiteSeries
from layerwise.kernels import (
    ArcCosineKernel,
    DegreeKernel,
    DotProductKernel,
    GaussianKernel,
    GegenbauerKernel,
    HermiteKernel,
    LaplaceKernel,
    NeuralTangentKernel,
    NNGPKernel,
    PolynomialActivationKernel,
    PolynomialKernel,
    WideNetwork,
    activation_kernel,
    base,
)

ALL = [
    ArcCosineKernel(0),
    ArcCosineKernel(1),
    ArcCosineKernel(2, bias=0.5),
    NeuralTangentKernel(2),
    NeuralTangentKernel(3, bias=0.3),
    PolynomialKernel(3),
    PolynomialActivationKernel([0.0, 0.0, 1.0], 4),
    PolynomialActivationKernel([0.0, 0.5, 0.0, 1.0], 4),
    GaussianKernel(0.7),
    LaplaceKernel(1.3),
    NNGPKernel(3, 0.2, "relu", 1.5),
    NNGPKernel(2, 0.5, "erf", 1.3),
    NeuralTangentKernel(3, 0.5, "erf", 1.3),
    NeuralTangentKernel(3, 0.1, (0.3, 0.5, 0.2), 0.8),
    NeuralTangentKernel(2, 0.1, "tanh", 1.3),
    HermiteKernel("relu", 12),
    GegenbauerKernel(4, "tanh", 9),
    DegreeKernel(4, (0.5, 0.0, 1.0, 0.25)),
]


@pytest.fixture
def inputs():
    rng = np.random.default_rng(0)
    return rng.standard_normal((7, 4)), rng.standard_normal((5, 4))


@pytest.mark.parametrize("order", [0, 1, 2])
def test_arc_cosine_is_the_expectation_over_neurons(order):
    """2 E[relu(u)^p relu(v)^p] for a Gaussian pair, by polar quadrature, where u = r cos a, v = r cos(a - t)."""
    x, z = np.array([[1.0, 2.0]]), np.array([[-0.5, 1.5]])
    norms = np.linalg.norm(x) * np.linalg.norm(z) / 2
    t = np.arccos(x[0] @ z[0] / (2 * norms))
    a, weights = np.polynomial.legendre.leggauss(200)  # both positive on (t - pi/2, pi/2)
    a = t - np.pi / 2 + (np.pi - t) * (a + 1) / 2
    angular = np.sum(weights * np.cos(a) ** order * np.cos(a - t) ** order) * (np.pi - t) / 2
    radial = [1.0, 2.0, 8.0][order]  # E r^(2p) over a standard Gaussian pair
    expected = 2 * norms**order * radial * angular / (2 * np.pi)
    assert_allclose(ArcCosineKernel(order)(x, z)[0, 0], expected, rtol=1e-12)


def test_two_layer_ntk_is_the_gradient_kernel_of_a_wide_network(inputs):
    """Missing factors 2 or d, or layers in the wrong order: 2e5 neurons, each entry within 6 standard errors."""
    X, Z = inputs
    rng = np.random.default_rng(1)
    m, d = 200_000, 4
    W, a = rng.standard_normal((m, d)), rng.standard_normal(m)
    # f = sqrt(2/m) sum_j a_j relu(w_j.x / sqrt d); gradients in a and in W
    U, V = X @ W.T / np.sqrt(d), Z @ W.T / np.sqrt(d)
    second = 2 * np.maximum(U, 0)[:, None] * np.maximum(V, 0)[None]
    first = 2 * (X @ Z.T / d)[..., None] * (a**2 * (U[:, None] > 0) * (V[None] > 0))
    samples = first + second
    error = samples.std(axis=2) / np.sqrt(m)
    assert np.all(np.abs(NeuralTangentKernel(2)(X, Z) - samples.mean(axis=2)) < 6 * error)


def test_deeper_ntk_follows_the_recursion(inputs):
    """The recursion written out by hand for three layers with biases."""
    X, Z = inputs
    beta = 0.3

    def k(order, s, s_xx, s_zz):
        t = np.arccos(np.clip(s / np.sqrt(s_xx * s_zz), -1, 1))
        if order == 0:
            return (np.pi - t) / np.pi
        return np.sqrt(s_xx * s_zz) * (np.sin(t) + (np.pi - t) * np.cos(t)) / np.pi

    s, s_xx, s_zz = X @ Z.T / 4 + beta, np.sum(X**2, 1)[:, None] / 4 + beta, np.sum(Z**2, 1)[None] / 4 + beta
    theta = s
    for _ in range(2):
        following = k(1, s, s_xx, s_zz) + beta
        theta = following + theta * k(0, s, s_xx, s_zz)
        s, s_xx, s_zz = following, s_xx + beta, s_zz + beta
    assert_allclose(NeuralTangentKernel(3, bias=beta)(X, Z), theta, rtol=1e-10)


def test_polynomial_kernel(inputs):
    X, Z = inputs
    assert_allclose(PolynomialKernel(3, bias=2.0)(X, Z), (X @ Z.T / 4 + 2) ** 3, rtol=1e-12)


def test_polynomial_activation_kernel_is_the_average_over_the_sphere(inputs):
    """A misplaced power of d, factorial or parity: 4e5 neurons, each entry within 6 standard errors."""
    X, Z = inputs
    V = np.random.default_rng(4).standard_normal((400_000, 4))
    V /= np.linalg.norm(V, axis=1, keepdims=True)
    coefficients = [0.3, -0.5, 0.8, 0.4]
    sigma = HermiteSeries(coefficients)
    samples = sigma(X @ V.T)[:, None] * sigma(Z @ V.T)[None]
    error = samples.std(axis=2) / np.sqrt(len(V))
    kernel = PolynomialActivationKernel(coefficients, 4)
    assert np.all(np.abs(kernel(X, Z) - samples.mean(axis=2)) < 6 * error)


@pytest.mark.parametrize("activation", ["relu", "quadratic", [0.3, -0.5, 0.8, 0.4]], ids=str)
def test_activation_kernel_is_the_average_over_the_sphere(inputs, activation):
    """A wrong factor of the arc-cosine kernel: 4e5 neurons, each entry within 6 standard errors."""
    X, Z = inputs
    V = np.random.default_rng(4).standard_normal((400_000, 4))
    V /= np.linalg.norm(V, axis=1, keepdims=True)
    sigma = as_activation(activation)
    samples = sigma(X @ V.T)[:, None] * sigma(Z @ V.T)[None]
    kernel, factor = activation_kernel(sigma, 4)
    error = samples.std(axis=2) / np.sqrt(len(V))
    assert np.all(np.abs(factor * kernel(X, Z) - samples.mean(axis=2)) < 6 * error)


def test_radial_kernels(inputs):
    """A bandwidth in other units, or squared."""
    X, Z = inputs
    squares = np.sum((X[:, None] - Z) ** 2, axis=2) / 4
    assert_allclose(GaussianKernel(0.7)(X, Z), np.exp(-squares / (2 * 0.49)), rtol=1e-12)
    assert_allclose(LaplaceKernel(0.7)(X, Z), np.exp(-np.sqrt(squares) / 0.7), rtol=1e-12)


@pytest.mark.parametrize("kernel", ALL, ids=lambda kernel: type(kernel).__name__)
def test_gradient_is_that_of_finite_differences(kernel, inputs, monkeypatch):
    """A wrong partial derivative, a factor 2 or d, or a tile added to other rows."""
    X, Z = inputs
    alpha, h = np.random.default_rng(5).standard_normal(5), 1e-5
    monkeypatch.setattr(base, "TILE", 3)
    monkeypatch.setattr(base, "TILE_ROWS", 2)
    differences = [(kernel(X + e, Z) - kernel(X - e, Z)) @ alpha / (2 * h) for e in h * np.eye(4)]
    assert_allclose(kernel.gradient(X, Z, alpha), np.transpose(differences), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("kernel", ALL, ids=lambda kernel: type(kernel).__name__)
def test_gradient_at_the_points_themselves(kernel):
    """A division by r = 0, sin t = 0 or |x| = 0, or a rounding error of these divided by itself.

    The kernels have at most a kink at x = z, symmetric along the line through 0 and across it, so that the gradient
    without the kink is the mean of the two sides.
    """
    rng = np.random.default_rng(6)
    X, alpha, h = rng.standard_normal((9, 4)), rng.standard_normal(9), 1e-4
    sides = [(kernel(X + e, X) - kernel(X - e, X)) @ alpha / (2 * h) for e in h * np.eye(4)]
    assert_allclose(kernel.gradient(X, X, alpha), np.transpose(sides), rtol=1e-3, atol=1e-3)
    with_zero = np.vstack([np.zeros((1, 4)), X])
    for dtype in (np.float32, np.float64):
        gradient = kernel.gradient(with_zero.astype(dtype), with_zero.astype(dtype), np.ones(10, dtype=dtype))
        assert gradient.dtype == dtype
        assert np.all(np.isfinite(gradient))


def test_a_kernel_without_derivatives_says_so():
    """AttributeError, or a gradient of 0, for a user's kernel that has values only."""

    class Exponential(DotProductKernel):
        bias = 0.0

        def values(self, s, s_xx, s_zz):
            return np.exp(s)

    with pytest.raises(NotImplementedError, match=r"Exponential has no partial derivatives.* Define its method"):
        Exponential().gradient(np.ones((2, 3)), np.ones((2, 3)), np.ones(2))


@pytest.mark.parametrize("kernel", ALL, ids=lambda kernel: type(kernel).__name__)
def test_tiles_do_not_change_the_matrix(kernel, monkeypatch):
    """Tiles overwritten, mirrored wrongly or skipped at the edges; a kernel that overwrites its own input too early."""
    X = np.random.default_rng(2).standard_normal((23, 4))
    whole = kernel(X, X)
    monkeypatch.setattr(base, "TILE", 5)
    monkeypatch.setattr(base, "TILE_ROWS", 4)
    assert_allclose(kernel(X), whole, atol=1e-7)
    assert_allclose(kernel(X), kernel(X).T, rtol=1e-13, atol=1e-15)
    assert_allclose(kernel.dot(X[:9], X, np.arange(23.0)), whole[:9] @ np.arange(23.0), rtol=1e-6)


@pytest.mark.parametrize("n", [3, 40], ids=["fewer rows than inputs", "more"])
@pytest.mark.parametrize("coefficients", [[0.4], [0.0, 1.0], [0.0, 0.0, 1.0], [0.3, -0.5, 0.8]])
def test_moments_are_the_sum_over_the_kernel_matrix(coefficients, n):
    """A term omitted, or weighted with the norm of the other argument, in the path for quadratic sigma."""
    rng = np.random.default_rng(3)
    X, Z, alpha = rng.standard_normal((9, 4)), rng.standard_normal((n, 4)), rng.standard_normal(n)
    kernel = PolynomialActivationKernel(coefficients, 4)
    assert_allclose(kernel.dot(X, Z, alpha), kernel(X, Z) @ alpha, rtol=1e-10)


@pytest.mark.parametrize("kernel", ALL, ids=lambda kernel: type(kernel).__name__)
def test_integer_inputs(kernel):
    """Integer arithmetic, or an integer matrix as the result."""
    X = np.arange(-6, 6).reshape(3, 4)
    assert_allclose(kernel(X), kernel(X.astype(float)))
    assert_allclose(kernel.dot(X, X, np.ones(3)), kernel(X) @ np.ones(3))


def test_other_dimensions_are_refused():
    """The factors of the mean over the sphere in `dim` dimensions, applied to inputs of another dimension."""
    kernel = PolynomialActivationKernel([0.0, 0.0, 1.0], 4)
    for call in (lambda X: kernel(X), lambda X: kernel.dot(X, X, np.ones(len(X)))):
        with pytest.raises(ValueError, match="X has 3 columns; this kernel needs 4"):
            call(np.ones((5, 3)))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(ALL))
def test_positive_semidefinite(seed, kernel):
    X = np.random.default_rng(seed).standard_normal((12, 4))
    s = np.linalg.eigvalsh(kernel(X))
    assert s[0] > -1e-7 * s[-1]


@pytest.mark.parametrize("kernel", ALL, ids=lambda kernel: type(kernel).__name__)
def test_float32_and_the_origin(kernel):
    """0/0 in the angle at x = 0; a float64 constant that promotes the tile."""
    X = np.vstack([np.zeros((1, 4)), np.random.default_rng(3).standard_normal((3, 4))]).astype(np.float32)
    K = kernel(X)
    assert K.dtype == np.float32
    assert np.all(np.isfinite(K))


@pytest.mark.parametrize(
    "build",
    [
        lambda: ArcCosineKernel(3),
        lambda: NeuralTangentKernel(0),
        lambda: PolynomialKernel(1.5),
        lambda: PolynomialActivationKernel("relu", 4),
        lambda: activation_kernel(as_activation("tanh"), 4),
        lambda: ArcCosineKernel(1, bias=-1.0),
        lambda: GaussianKernel(0.0),
        lambda: LaplaceKernel(-1.0),
        lambda: WideNetwork(2, weight_variance=0.0),
        lambda: WideNetwork(2, activation="clip"),
        lambda: GegenbauerKernel(1),
        lambda: DegreeKernel(3, (1.0, -1.0)),
    ],
)
def test_bad_parameters_say_what_is_allowed(build):
    with pytest.raises(ValueError, match="must be"):
        build()
