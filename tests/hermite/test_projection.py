"""Projection by quadrature, against polynomials that it must reproduce and a closed form."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layerwise.hermite import HermitePolynomial, multi_indices, n_terms, project


@settings(max_examples=30)
@given(st.integers(1, 4), st.integers(0, 4), st.integers(0, 2**32 - 1))
def test_polynomials_are_reproduced_exactly_and_sparsely(dim, degree, seed):
    """Catches axes contracted in the wrong order, and rounding errors kept as terms."""
    rng, size = np.random.default_rng(seed), n_terms(dim, degree)
    p = HermitePolynomial.from_dense(dim, degree, rng.standard_normal(size) * (rng.random(size) < 0.6))
    found = project(p, p.dim, p.degree)
    assert found.isclose(p, atol=1e-12)
    assert len(found.coefficients) <= len(p.coefficients)
    lower = project(p, p.dim, max(p.degree - 1, 0), n_nodes=p.degree + 1)
    assert lower.isclose(p.truncate(max(p.degree - 1, 0)), atol=1e-12)


def test_a_smooth_function_against_closed_form():
    """Catches weights applied to the wrong axis: E e^{a.x} h_alpha = e^{|a|^2/2} a^alpha / sqrt(alpha!)."""
    a = np.array([0.5, -0.3])
    found = project(lambda X: np.exp(X @ a), 2, 4, n_nodes=24)
    alphas = multi_indices(2, 4)
    factorials = np.array([1, 1, 2, 6, 24.0])[alphas].prod(axis=1)
    expected = np.exp(a @ a / 2) * np.prod(a**alphas, axis=1) / np.sqrt(factorials)
    np.testing.assert_allclose(found.to_dense(4), expected, atol=1e-14)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: project(HermitePolynomial.basis([1, 2]), 30, 2), r"n_nodes=6 in 30 variables is a grid of 2.2e\+23"),
        (lambda: project(lambda X: X, 2, 2), r"f\(X\) has shape \(36, 2\) for 36 points"),
    ],
)
def test_invalid_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
