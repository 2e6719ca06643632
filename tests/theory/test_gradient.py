"""Terms of the population gradient against their formulas, quadrature, and their size in high dimension."""

import numpy as np
import pytest

from layerwise.hermite import HermitePolynomial, HermiteSeries, gaussian_rule, multi_indices
from layerwise.theory.gradient import gradient_terms


def random_polynomial(dim, degree, seed):
    exponents = multi_indices(dim, degree)
    return HermitePolynomial(exponents, np.random.default_rng(seed).standard_normal(len(exponents)))


def test_sum_against_quadrature():
    # In the plane, with w along the first axis of a rotated frame, where the kink is.
    f, w = random_polynomial(2, 5, 0), np.array([0.6, 0.8])
    frame = np.array([w, [-0.8, 0.6]])
    (z, a), (t, b) = gaussian_rule(60, kinks=(0.0,)), gaussian_rule(20)
    X = np.stack(np.meshgrid(z, t, indexing="ij"), axis=-1).reshape(-1, 2) @ frame
    weights = np.outer(a, b).ravel()
    expected = X.T @ (weights * f(X) * (X @ w >= 0))
    assert np.allclose(gradient_terms(f, 3.0 * w).sum(axis=0), expected, atol=1e-10)


def test_terms_of_degree_at_most_two():
    f, w = random_polynomial(5, 4, 1), np.random.default_rng(2).standard_normal(5)
    w /= np.linalg.norm(w)
    H, terms = f.expected_hessian(), gradient_terms(f, w)
    assert np.allclose(terms[0], f.mean * w / np.sqrt(2 * np.pi))
    assert np.allclose(terms[1], f.expected_gradient() / 2)
    assert np.allclose(terms[2], (H @ w - 0.5 * (w @ H @ w) * w) / np.sqrt(2 * np.pi))


@pytest.mark.parametrize(("degree", "exponent"), [(2, -0.5), (4, -1.5)])
def test_size_of_each_degree_against_the_dimension(degree, exponent):
    # The slope of the median norm over 300 random directions in log d.
    rng, sizes, dims = np.random.default_rng(3), [], (8, 16, 32)
    for d in dims:
        f = HermitePolynomial.basis([degree] + [0] * (d - 1))
        draws = [np.sum(gradient_terms(f, rng.standard_normal(d))[degree] ** 2) for _ in range(300)]
        sizes.append(np.median(draws) ** 0.5)
    slope = np.polyfit(np.log(dims), np.log(sizes), 1)[0]
    assert abs(slope - exponent) < 0.25


def test_third_degree_has_no_curvature_term():
    # h_3(0) = 0: the term of degree 3 lies along A(w, w, .), here along the direction of the ridge.
    f = HermitePolynomial.ridge([0.6, 0.8, 0.0], HermiteSeries.basis(3))
    term = gradient_terms(f, [1.0, 2.0, 3.0])[3]
    assert np.allclose(np.cross(term, [0.6, 0.8, 0.0]), 0.0, atol=1e-12)


def test_zero_direction():
    with pytest.raises(ValueError, match="w is 0"):
        gradient_terms(HermitePolynomial.basis([2, 0]), [0.0, 0.0])
