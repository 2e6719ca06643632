"""Moments of polynomials against quadrature, and hypercontractive bounds against exact moments."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import factorial2

from layerwise.hermite import HermitePolynomial, HermiteSeries, gaussian_rule, hermite_values, multi_indices
from layerwise.theory import exact_moment, largest_moment, moment_bound, norm_ratio_bound


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 3), st.integers(1, 6), st.integers(0, 2**31))
def test_exact_moment_against_quadrature(degree, order, seed):
    c = np.random.default_rng(seed).standard_normal(degree + 1)
    f = HermiteSeries(c)
    nodes, weights = gaussian_rule(40)
    values = f(nodes) ** order
    assert np.isclose(exact_moment(f, order), weights @ values, rtol=1e-9, atol=1e-9 * (weights @ np.abs(values)))


@pytest.mark.parametrize("order", [2, 4, 6, 8])
def test_moments_of_a_gaussian(order):
    assert np.isclose(exact_moment(HermiteSeries.basis(1), order), factorial2(order - 1))
    p = HermitePolynomial.basis([1, 1])  # E (xy)^q = ((q-1)!!)^2
    assert np.isclose(exact_moment(p, order), factorial2(order - 1) ** 2)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 3), st.sampled_from([4, 6]), st.integers(0, 2**31))
def test_hypercontractive_bound_holds(degree, order, seed):
    exponents = multi_indices(3, degree)
    p = HermitePolynomial(exponents, np.random.default_rng(seed).standard_cauchy(len(exponents)))
    assert exact_moment(p, order) <= moment_bound(p.degree, order) * p.norm() ** order * (1 + 1e-9)


def test_largest_moment_attains_what_it_returns_and_exceeds_a_grid():
    moment, f = largest_moment(2, 4)
    assert np.isclose(exact_moment(f, 4), moment)
    assert np.isclose(f.norm(), 1.0)
    angles = np.linspace(0, np.pi, 60)
    nodes, weights = gaussian_rule(20)
    basis = hermite_values(nodes, 2)
    grid = [
        weights @ (np.array([np.cos(s), np.sin(s) * np.cos(t), np.sin(s) * np.sin(t)]) @ basis) ** 4
        for s in angles
        for t in angles
    ]
    assert max(grid) <= moment + 1e-9
    assert max(grid) > moment - 0.05
    assert moment > exact_moment(HermiteSeries.basis(2), 4) == pytest.approx(15.0)
    assert moment < moment_bound(2, 4)


def test_ratio_and_errors():
    assert norm_ratio_bound(3) == pytest.approx(3**1.5)
    with pytest.raises(ValueError, match="order=1"):
        moment_bound(2, 1)
    with pytest.raises(ValueError, match="even"):
        largest_moment(2, 3)
