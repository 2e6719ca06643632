"""Facts computed by different methods, against each other and against closed forms, to rounding."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layerwise.activations import Activation, as_activation
from layerwise.hermite import HermitePolynomial, HermiteSeries, project
from layerwise.targets import BalancedSum, Quadratic, TwoLayerTeacher
from layerwise.targets.facts import (
    ExponentialFacts,
    IndependentSumFacts,
    MonteCarloFacts,
    PolynomialFacts,
    QuadratureFacts,
    RadialFacts,
    RidgeFacts,
    facts_about,
)

numbers = st.floats(-2, 2).map(lambda x: round(x, 3))


def same(facts, other, degree=8, tolerance=1e-9):
    size = other.variance + other.mean**2 + 1e-12
    assert np.isclose(facts.mean, other.mean, atol=tolerance * np.sqrt(size))
    assert np.isclose(facts.variance, other.variance, atol=tolerance * size)
    assert np.allclose(facts.degree_energies(degree)[0], other.degree_energies(degree)[0], atol=tolerance * size)
    assert np.allclose(facts.expected_hessian(), other.expected_hessian(), atol=tolerance * np.sqrt(size))


class TestRidge:
    @settings(max_examples=40, deadline=None)
    @given(
        seed=st.integers(0, 2**31),
        a=st.lists(numbers, min_size=2, max_size=4),
        c=st.lists(numbers, min_size=2, max_size=4),
    )
    def test_polynomial_links_against_the_algebra(self, seed, a, c):
        # Catches a missing power of rho, and rho^k where the norms of w_j belong in the link.
        U = np.random.default_rng(seed).standard_normal((len(a), 3))
        U /= np.linalg.norm(U, axis=1, keepdims=True)
        links = [as_activation(c), as_activation([0.5, *c[::-1]]), as_activation(c), as_activation("he2")][: len(a)]
        total = HermitePolynomial.zero(3)
        for weight, u, link in zip(a, U, links, strict=True):
            total = total + HermitePolynomial.ridge(u, link.polynomial) * weight
        same(RidgeFacts(np.array(a), U, links), PolynomialFacts(total))

    @pytest.mark.parametrize("angle", [0.0, 0.1, 0.7, np.pi / 2, 2.0, np.pi])
    def test_two_relus_against_the_arc_cosine_kernel(self, angle):
        # E relu(u.x) relu(v.x) = (sin t + (pi - t) cos t) / (2 pi). Catches kinks that are not mirrored at rho = -1.
        U = np.array([[1.0, 0.0], [np.cos(angle), np.sin(angle)]])
        facts = RidgeFacts(np.array([1.0, 1.0]), U, [as_activation("relu")] * 2)
        second_moment = 1.0 + (np.sin(angle) + (np.pi - angle) * np.cos(angle)) / np.pi
        exact = second_moment - 2.0 / np.pi
        assert abs(facts.variance - exact) <= facts.variance_error + 2e-12
        assert facts.variance_error < 1e-4
        if angle in (0.0, np.pi / 2, np.pi):
            assert facts.variance_error == 0.0

    def test_different_kinks_on_one_direction(self):
        links = [
            Activation(lambda z: np.maximum(z - 1, 0), [1.0]),
            Activation(lambda z: np.maximum(z + 0.5, 0), [-0.5]),
        ]
        U = np.array([[1.0], [-1.0]])
        facts = RidgeFacts(np.array([1.0, 2.0]), U, links)
        both = Activation(lambda z: np.maximum(z - 1, 0) + 2 * np.maximum(-z + 0.5, 0), [1.0, 0.5])
        assert np.isclose(facts.variance, both.expectation(2) - both.expectation() ** 2, rtol=1e-11)
        assert facts.variance_error == 0.0


COMPONENT_KINDS = st.sampled_from([("tensor", 1), ("tensor", 2), ("tensor", 3), ("product", 2), ("product", 3)])


class TestIndependentSum:
    @settings(max_examples=30, deadline=None)
    @given(
        kind=COMPONENT_KINDS,
        weights=st.lists(numbers, min_size=2, max_size=3),
        c=st.lists(numbers, min_size=2, max_size=4),
    )
    def test_against_composition(self, kind, weights, c):
        # Catches lost cross terms between pieces: h_3 has E h_3^2 x = 0 but E h_3^3 x != 0, products the reverse.
        if not np.any(weights):
            weights = [1.0] * len(weights)
        n = len(weights) * (1 if kind[0] == "tensor" else kind[1])
        p = BalancedSum(n, kind[1], kind[0], weights=weights)
        n = len(p.relevant_subspace)  # fewer where weights are 0
        composed = p.reduced_polynomial.compose(HermiteSeries(c))
        same(
            IndependentSumFacts(p.components, HermiteSeries(c), n), PolynomialFacts(composed), degree=9, tolerance=1e-8
        )

    def test_off_diagonal_entries_of_the_hessian(self):
        p = BalancedSum(3, 3, weights=[1.0, 1.0, -0.5])
        sixth = HermiteSeries.from_monomials(np.eye(7)[6])
        H = IndependentSumFacts(p.components, sixth, 3).expected_hessian()
        assert np.abs(H[0, 1]) > 1.0
        assert np.allclose(H, p.reduced_polynomial.compose(sixth).expected_hessian(), rtol=1e-9)


class TestRadial:
    @settings(max_examples=30, deadline=None)
    @given(c=st.lists(numbers, min_size=2, max_size=4), m=st.integers(1, 4), n=st.integers(0, 4), b=st.floats(0.2, 1))
    def test_polynomial_links_against_generating_functions(self, c, m, n, b):
        scales = np.array([b] * m + [-0.7] * n) / np.sqrt(2 * (m + n))
        link = as_activation(c)
        form = HermitePolynomial(2 * np.eye(m + n, dtype=int), np.sqrt(2.0) * scales)
        same(RadialFacts(scales, link), PolynomialFacts(form.compose(link.polynomial)))

    def test_kinked_link_in_one_block_against_the_chi_squared_distribution(self):
        # f = max(R - m, 0), R chi-squared with m degrees of freedom: partial moments are tails at m + 2, m + 4.
        from scipy.stats import chi2

        m = 5
        facts = RadialFacts(np.ones(m), as_activation("relu"))
        first = m * chi2.sf(m, m + 2) - m * chi2.sf(m, m)
        second = m * (m + 2) * chi2.sf(m, m + 4) - 2 * m * m * chi2.sf(m, m + 2) + m * m * chi2.sf(m, m)
        assert np.isclose(facts.mean, first, rtol=1e-12)
        assert np.isclose(facts.variance, second - first**2, rtol=1e-12)

    @pytest.mark.parametrize("link", ["relu", "clip", "fatigue", "tanh"])
    def test_two_blocks_add_up_to_the_variance_and_agree_with_monte_carlo(self, link):
        p = Quadratic(6)
        facts = RadialFacts(p.eigenvalues, as_activation(link))
        energies = facts.degree_energies(120)[0]
        assert np.isclose(energies[1:].sum(), facts.variance, rtol=3e-3)
        assert energies[1:].sum() <= facts.variance * (1 + 1e-10)
        estimated = MonteCarloFacts(lambda Z: as_activation(link)(p(Z)), 6)
        estimate, error = estimated.degree_energies(5)
        assert np.all(np.abs(estimate - facts.degree_energies(5)[0]) <= 8 * error + 1e-12)
        assert abs(estimated.variance - facts.variance) <= 8 * estimated.variance_error

    def test_three_eigenvalues_are_refused(self):
        with pytest.raises(ValueError, match="3 distinct"):
            RadialFacts(np.array([1.0, 2.0, 3.0]), as_activation("relu"))


class TestExponential:
    def test_against_quadrature(self):
        rng = np.random.default_rng(0)
        w, b = rng.standard_normal(4), 0.6 * rng.standard_normal((4, 2))

        def f(X):
            return np.exp(X @ b.T) @ w

        facts = ExponentialFacts(w, b)
        same(facts, PolynomialFacts(project(f, 2, 40, 80)), degree=6, tolerance=1e-10)
        assert np.isclose(facts.degree_energies(60)[0][1:].sum(), facts.variance, rtol=1e-12)


class TestGeneralFunctions:
    def test_quadrature_for_smooth_functions_and_monte_carlo_for_kinks(self):
        smooth = facts_about(lambda Z: np.sin(Z[:, 0] + Z[:, 1] ** 2 / 4), 2)
        kinked = facts_about(lambda Z: np.abs(Z[:, 0] - Z[:, 1]), 2)
        assert isinstance(smooth, QuadratureFacts)
        assert isinstance(kinked, MonteCarloFacts)

    def test_monte_carlo_errors_cover_the_truth(self):
        # |z_1 - z_2| = sqrt(2) |z|, known exactly. 7 errors of a t distribution with 31 degrees of freedom: 7e-8 each.
        facts = MonteCarloFacts(lambda Z: np.abs(Z[:, 0] - Z[:, 1]), 2)
        exact = as_activation("abs").scaled(np.sqrt(2)).series(6).energies
        energies, errors = facts.degree_energies(6)
        assert np.all(np.abs(energies - exact) <= 7 * errors + 1e-12)
        assert errors.max() < 0.01
        assert abs(facts.variance - (2 - 4 / np.pi)) <= 7 * facts.variance_error
        assert facts.information_exponent() == 2
        again = MonteCarloFacts(lambda Z: np.abs(Z[:, 0] - Z[:, 1]), 2)
        assert np.array_equal(again.degree_energies(6)[0], energies)

    def test_monte_carlo_beyond_the_basis_stays_unbiased(self):
        # dim = 30: degrees <= 2 from the nets, 3 and 4 from noise stability. Catches a remainder without degree 3.
        facts = MonteCarloFacts(lambda Z: Z[:, 0] * Z[:, 1] * Z[:, 2] + 3 * Z[:, 0] + 2, 30)
        energies, errors = facts.degree_energies(4)
        assert np.all(np.abs(energies - [4, 9, 0, 1, 0]) <= 7 * errors + 1e-9)
        assert errors[3] < 0.3  # its own sampling error is 2 sqrt(E y^4 / 6000) = .13

    def test_hessian_assigns_each_coefficient_to_its_entry(self):
        facts = MonteCarloFacts(lambda Z: Z[:, 0] ** 2 + 3 * Z[:, 1] * Z[:, 3] - Z[:, 2] * Z[:, 3], 4)
        exact = np.zeros((4, 4))
        exact[0, 0], exact[1, 3], exact[3, 1], exact[2, 3], exact[3, 2] = 2, 3, 3, -1, -1
        assert np.allclose(facts.expected_hessian(), exact, atol=0.05)


def test_a_constant_has_no_information_exponent():
    assert PolynomialFacts(HermitePolynomial.constant(2, 3.0)).information_exponent() is None
    assert TwoLayerTeacher(3, 2, weights=[0, 0]).information_exponent is None
