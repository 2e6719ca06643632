"""hermite_values and HermiteSeries against exact rational arithmetic, quadrature and algebraic laws."""

from fractions import Fraction
from math import exp, factorial, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import eval_hermitenorm

from layerwise.hermite import HermiteSeries, gaussian_rule, hermite_values

POINTS = np.linspace(-4, 4, 41)


@st.composite
def series(draw, max_degree=6):
    degree = draw(st.integers(0, max_degree))
    return HermiteSeries(np.random.default_rng(draw(st.integers(0, 2**32 - 1))).standard_normal(degree + 1))


# -- values ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("z", [Fraction(1, 7), Fraction(-9, 4), Fraction(6), Fraction(25)])
def test_values_to_degree_150_against_rational_arithmetic(z):
    """Catches the monic He_k instead of h_k, and a recurrence that loses digits or overflows."""
    he = [Fraction(1), z]
    for k in range(1, 150):
        he.append(z * he[k] - k * he[k - 1])
    # h_k^2 = He_k^2 / k!, a ratio of integers, taken to a float only at the end
    exact = np.array([sqrt(h * h / factorial(k)) * (1 if h >= 0 else -1) for k, h in enumerate(he)])
    values = hermite_values(float(z), 150)
    scale = np.maximum.accumulate(np.abs(exact))
    assert (np.abs(values - exact) <= 1e-12 * scale).all()


def test_values_against_scipy():
    """Catches a wrong axis order or degree offset."""
    degrees = np.arange(31)
    expected = eval_hermitenorm(degrees[:, None], POINTS) / np.sqrt([float(factorial(k)) for k in degrees])[:, None]
    np.testing.assert_allclose(hermite_values(POINTS, 30), expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (0,)])
def test_values_and_series_keep_shape_and_dtype(shape, dtype):
    """Catches promotion of float32 by a float64 constant."""
    z = np.full(shape, 0.5, dtype=dtype)
    for degree in range(4):
        values = hermite_values(z, degree)
        assert values.shape == (degree + 1, *shape)
        assert values.dtype == dtype
        value = HermiteSeries(np.ones(degree + 1))(z)
        assert np.shape(value) == shape
        assert value.dtype == dtype
        np.testing.assert_allclose(value, values.sum(axis=0), rtol=1e-6)


def test_integers_are_promoted_and_the_argument_is_not_modified():
    """Catches in-place work on the caller's array."""
    z = np.arange(3)
    assert hermite_values(z, 3).dtype == np.float64
    points = POINTS.copy()
    HermiteSeries.relu(5)(points)
    np.testing.assert_array_equal(points, POINTS)


# -- algebra ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("m", "n"), [(0, 0), (1, 1), (3, 2), (5, 5), (4, 9), (12, 12)])
def test_linearisation_against_triple_products(m, n):
    """Catches a wrong factor sqrt(k!) in h_m h_n = sum_j L h_{m+n-2j}: coefficients are E h_m h_n h_k."""
    nodes, weights = gaussian_rule(m + n + 1)
    h = hermite_values(nodes, m + n)
    expected = (h * h[m] * h[n]) @ weights
    product = HermiteSeries.basis(m) * HermiteSeries.basis(n)
    np.testing.assert_allclose(product.coefficients, expected, atol=1e-11 * np.abs(expected).max())


@given(series(), series())
def test_algebra_acts_on_values(f, g):
    """Catches sums that do not pad the shorter series, and products on the wrong antidiagonal."""
    np.testing.assert_allclose((f + g)(POINTS), f(POINTS) + g(POINTS), atol=1e-9)
    np.testing.assert_allclose((f - g)(POINTS), f(POINTS) - g(POINTS), atol=1e-9)
    bound = 1e-12 * (1 + np.abs(f(POINTS))).max() * (1 + np.abs(g(POINTS))).max()
    np.testing.assert_allclose((f * g)(POINTS), f(POINTS) * g(POINTS), atol=bound)
    np.testing.assert_allclose((2 - f * 3.0 + np.float64(1) - (-g) / 2)(POINTS), 3 - 3 * f(POINTS) + g(POINTS) / 2)


@given(series(3), series(3))
def test_composition_acts_on_values(g, p):
    """Catches composition in the wrong order, and a recurrence step without sqrt(k)."""
    values = g(p(POINTS))
    composed = g.compose(p)
    assert composed.degree == g.degree * p.degree
    np.testing.assert_allclose(composed(POINTS), values, atol=1e-10 * (1 + np.abs(values).max()))


@given(series())
def test_derivative_against_finite_differences(f):
    """Catches h_k' = k h_{k-1}, the rule of the monic He_k."""
    step = 1e-5
    slope = (f(POINTS + step) - f(POINTS - step)) / (2 * step)
    np.testing.assert_allclose(f.derivative()(POINTS), slope, atol=1e-6 * (1 + np.abs(slope).max()))


@given(series(8))
def test_monomials_round_trip_and_agree_with_polyval(f):
    """Catches a missing sqrt(k!) or descending order of the coefficients."""
    a = f.to_monomials()
    np.testing.assert_allclose(np.polynomial.polynomial.polyval(POINTS, a), f(POINTS), rtol=1e-8, atol=1e-8)
    assert HermiteSeries.from_monomials(a).isclose(f)


@given(series())
def test_mean_variance_and_norm_are_gaussian_moments(f):
    """Catches a variance that includes the mean."""
    nodes, weights = gaussian_rule(f.degree + 1)
    values = f(nodes)
    np.testing.assert_allclose([f.mean, f.norm()], [weights @ values, sqrt(weights @ values**2)], atol=1e-10)
    np.testing.assert_allclose(f.variance, weights @ (values - f.mean) ** 2, atol=1e-9)
    np.testing.assert_allclose(f.energies.sum(), f.norm() ** 2)


# -- projections -----------------------------------------------------------------------------------------


def test_relu_closed_form_against_quadrature_split_at_the_kink():
    """Catches a wrong sign, factorial or parity in c_k = He_{k-2}(0) / sqrt(2 pi k!)."""
    by_quadrature = HermiteSeries.from_function(lambda z: np.maximum(z, 0), 60, kinks=(0.0,), n_nodes=200)
    np.testing.assert_allclose(HermiteSeries.relu(60).coefficients, by_quadrature.coefficients, atol=1e-13)
    assert abs(HermiteSeries.relu(4000).norm() ** 2 - 0.5) < 1e-4  # E relu^2 = 1/2
    for degree in range(3):
        assert HermiteSeries.relu(degree).degree == degree


def test_exponential_against_closed_form():
    """Catches a default rule too coarse for smooth functions: E e^z h_k = e^{1/2} / sqrt(k!)."""
    c = HermiteSeries.from_function(np.exp, 20).coefficients
    np.testing.assert_allclose(c, [exp(0.5) / sqrt(factorial(k)) for k in range(21)], atol=1e-13)


@pytest.mark.parametrize("degree", [0, 7, 100])
def test_projection_of_a_basis_function_is_exact_with_true_zeros(degree):
    """Catches rounding errors in zero coefficients, which change information_exponent."""
    target = HermiteSeries.basis(degree)
    found = HermiteSeries.from_function(target, degree + 3)
    np.testing.assert_allclose(found.coefficients[: degree + 1], target.coefficients, atol=1e-10)
    assert np.count_nonzero(found.coefficients) == 1
    assert found.information_exponent == (degree or None)


@pytest.mark.parametrize(
    ("g", "exponent"),
    [(np.sin, 1), (np.cos, 2), (lambda z: z**2, 2), (lambda z: z**3 - 3 * z, 3), (lambda z: 1.0, None)],
)
def test_information_exponent(g, exponent):
    """Catches the mean, or a rounding error, counted as the first coefficient."""
    assert HermiteSeries.from_function(g, 8).information_exponent == exponent


def test_series_are_immutable():
    """Catches changes of the caller's array that change the series, or of a cached series."""
    c = np.ones(3)
    f = HermiteSeries(c)
    c[0] = 7
    assert f.mean == 1
    with pytest.raises(ValueError, match="read-only"):
        f.coefficients[0] = 2


# -- refusals --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: hermite_values(POINTS, -1), ValueError, "degree=-1 is too small; it must be >= 0"),
        (lambda: hermite_values(POINTS, 2.0), TypeError, "degree=2.0 is of type float"),
        (lambda: hermite_values(["a"], 2), TypeError, "z has dtype <U1; it must hold real numbers"),
        (lambda: HermiteSeries([]), ValueError, "coefficients is empty; it must contain at least c_0"),
        (lambda: HermiteSeries([[1.0]]), ValueError, r"coefficients has shape \(1, 1\)"),
        (lambda: HermiteSeries([np.inf]), ValueError, "coefficients contains NaN or infinity"),
        (lambda: HermiteSeries.basis(-2), ValueError, "k=-2 is too small"),
        (lambda: HermiteSeries.basis(300) * HermiteSeries.basis(300), ValueError, "degrees 300 and 300"),
        (lambda: HermiteSeries.from_function(lambda z: z[:3], 2), ValueError, "it must be elementwise"),
        (lambda: HermiteSeries.from_function(lambda z: z * np.nan, 2), ValueError, "is not finite"),
        (lambda: HermiteSeries.basis(1) + "a", TypeError, "unsupported operand"),
        (lambda: HermiteSeries.basis(1) * np.ones(3), TypeError, "unsupported operand|does not support"),
    ],
)
def test_invalid_input_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()
