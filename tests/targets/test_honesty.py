"""Accuracy of the facts: errors cover the true values, and estimation noise is not reported as a nonzero energy."""

import numpy as np
import pytest
from scipy.stats import norm

from layerwise.activations import Activation
from layerwise.hermite import HermitePolynomial, HermiteSeries
from layerwise.targets import AsianStraddle, BalancedSum, Hierarchical, MultiIndex, QuadraticFeature, SingleIndex
from layerwise.targets.facts import (
    IndependentSumFacts,
    MonteCarloFacts,
    QuadratureFacts,
    RadialFacts,
    RidgeFacts,
    distinct,
)


def hockey(z):
    return np.maximum(z - 0.5, 0.0)


class TestQuadratureThatDoesNotConverge:
    def test_an_undeclared_kink(self):
        # E max(z - b, 0) = phi - b Q, E max(z - b, 0)^2 = (1 + b^2) Q - b phi; c_1 = Q, c_2 = phi / sqrt(2) at b = .5.
        Q, phi = norm.sf(0.5), norm.pdf(0.5)
        mean = phi - 0.5 * Q
        variance = 1.25 * Q - 0.5 * phi - mean**2
        f = SingleIndex(3, hockey)
        assert 0.0 < abs(f.variance - variance) <= 2 * f.variance_error < 1e-4
        energies, std = f.degree_energies(2, return_std=True)
        assert np.all(np.abs(energies - [mean**2, Q**2, phi**2 / 2]) <= 2 * std)
        assert np.all(std > 0.0)
        declared = SingleIndex(3, Activation(hockey, kinks=[0.5]))
        assert np.isclose(declared.variance, variance, rtol=1e-12)
        assert declared.variance_error == 0.0
        assert not np.any(declared.degree_energies(6, return_std=True)[1])

    def test_a_fast_oscillation(self):
        f = SingleIndex(3, lambda z: np.sin(40 * z))  # variance (1 - exp(-3200)) / 2
        assert 0.0 < abs(f.variance - 0.5) <= f.variance_error
        assert f.degree_energies(190)[1:].sum() <= f.variance  # Bessel's inequality, exact for the quadrature rule

    def test_two_undeclared_kinks_on_parallel_and_oblique_directions(self):
        link = Activation(hockey)
        for angle in (0.0, np.pi, 0.3):
            U = np.array([[1.0, 0.0], [np.cos(angle), np.sin(angle)]])
            estimated = RidgeFacts(np.array([1.0, -2.0]), U, [link, link])
            declared = Activation(hockey, kinks=[0.5])
            exact = RidgeFacts(np.array([1.0, -2.0]), U, [declared, declared])
            assert 0.0 < abs(estimated.variance - exact.variance) <= 2 * estimated.variance_error + exact.variance_error

    @pytest.mark.parametrize("scales", [np.full(4, 0.4), np.array([0.4, 0.4, -0.4, -0.4])])
    def test_radial_sums_report_the_error(self, scales):
        estimated, exact = RadialFacts(scales, Activation(hockey)), RadialFacts(scales, Activation(hockey, kinks=[0.5]))
        energies, errors = estimated.degree_energies(4)
        if len(np.unique(scales)) == 1:
            assert estimated.variance != exact.variance
            assert np.all(errors[[0, 2, 4]] > 0.0)
        assert abs(estimated.variance - exact.variance) <= 3 * estimated.variance_error + 1e-10
        assert np.all(np.abs(energies - exact.degree_energies(4)[0]) <= 3 * errors + 1e-10)
        assert exact.variance_error == 0.0
        assert not np.any(exact.degree_energies(4)[1])

    def test_two_small_blocks_with_a_kink(self):
        # E relu(p)^2 = 1/2 by symmetry, E relu(p) = E|p|/2; p = a (R_1 - R_2) with R_i chi-squared of 2 is Laplace of
        # scale 2 a. Catches an outer radius not split where a kink reaches the inner radius 0 (error 2e-6).
        a = 8**-0.5
        facts = RadialFacts(np.array([a, a, -a, -a]), Activation(lambda z: np.maximum(z, 0.0), kinks=[0.0]))
        assert np.isclose(facts.mean, a, rtol=1e-11)
        assert np.isclose(facts.variance, 4 * a * a - a * a, rtol=1e-11)
        assert facts.variance_error == 0.0

    def test_tensor_quadrature_reports_the_error(self):
        f = QuadratureFacts(lambda Z: np.maximum(Z[:, 0] - 0.5, 0.0), 1)
        energies, errors = f.degree_energies(2)
        Q, phi = norm.sf(0.5), norm.pdf(0.5)
        assert np.all(np.abs(energies - [(phi - 0.5 * Q) ** 2, Q**2, phi**2 / 2]) <= 5 * errors)
        assert not np.any(QuadratureFacts(lambda Z: np.sin(Z[:, 0]), 1).degree_energies(4)[1])


class TestInformationExponent:
    @pytest.mark.parametrize("c1", [1e-3, 1e-5, 1e-7, 3e-9, 1e-11])
    @pytest.mark.parametrize("c0", [0.0, 10.0])
    def test_agrees_with_the_series(self, c0, c1):
        # Catches the floor of inexact energies applied to exact coefficients: 1e-5 squared is 1e-10 of the variance.
        expected = HermiteSeries([c0, c1, 1.0]).information_exponent
        assert expected == (2 if c1 == 1e-11 else 1)
        polynomial = HermitePolynomial([[0, 0], [1, 0], [1, 1]], [c0, c1, 1.0])
        linear = {"name": "balanced_sum", "degree": 1}
        for target in (
            SingleIndex(5, [c0, c1, 1.0]),
            SingleIndex(5, lambda z: c0 + c1 * z + (z * z - 1) / np.sqrt(2)),
            MultiIndex(5, polynomial),
            Hierarchical(5, linear, [c0, c1, 1.0]),
        ):
            assert target.information_exponent == expected

    def test_rounding_is_not_mistaken_for_energy(self):
        # Energies that cancel between oblique directions, or are rounded by a Fourier transform beside a large mean.
        U = np.array([[1.0, 0.0], [0.6, 0.8], [0.6, 0.8]])
        links = [SingleIndex(2, [0, 0, 1.0]).link, *[SingleIndex(2, [0, 3.0]).link] * 2]
        assert RidgeFacts(np.array([1.0, 0.3, -0.3]), U, links).information_exponent() == 2
        p = BalancedSum(6, 2)
        assert IndependentSumFacts(p.components, HermiteSeries([1e4, 0, 1.0]), 6).information_exponent() == 2
        facts = IndependentSumFacts(BalancedSum(6, 3).components, HermiteSeries([1e4, 1.0]), 6)
        assert facts.information_exponent() == 3


class TestMonteCarloBeyondTheBasis:
    def test_default_call_on_the_straddle_is_accurate(self):
        # Without noise stability the estimates are -.0004 ± .099 at degree 5 and -.26 ± .36 at degree 6.
        f = AsianStraddle(50)
        energies, std = f.degree_energies(return_std=True)
        assert np.all(std <= 0.05 * f.variance)
        assert np.all(energies >= 0.0)
        assert energies[1:].sum() <= f.variance * (1 + 1e-12)
        assert np.array_equal(f.degree_energies(4), energies[:5])  # the answer does not depend on max_degree
        assert std[3] < 0.002 * f.variance < energies[3]

    @pytest.mark.parametrize(
        "f",
        [
            QuadraticFeature(30, "relu"),
            QuadraticFeature(12, "clip"),
            Hierarchical(8, {"name": "balanced_sum", "degree": 2}, [0, 1, 0.5, 0.5]),
            Hierarchical(30, {"name": "balanced_sum", "degree": 3}, [0, 1, 0.5]),
        ],
        ids=["relu", "clip", "cubic", "odd"],
    )
    def test_errors_cover_the_truth(self, f):
        # Exact facts are within 7 standard errors of Monte Carlo; Student's t with 31 degrees of freedom exceeds 7 with
        # probability 7e-8.
        estimated = MonteCarloFacts(f.evaluate, f.dim)
        energies, errors = estimated.degree_energies(8)
        assert np.all(np.abs(energies - f.degree_energies(8)) <= 7 * errors + 1e-12)
        assert energies[1:].sum() <= estimated.variance * (1 + 1e-12)
        assert errors[5:7].max() <= 0.15 * f.variance

    def test_high_degrees_have_a_positive_error(self):
        f = AsianStraddle(7)
        energies, std = f.degree_energies(70, return_std=True)
        assert energies.shape == (71,)
        assert np.all(std[7:] > 0.0)
        assert energies[1:].sum() <= f.variance * (1 + 1e-12)


def test_distinct_merges_values_that_differ_by_rounding():
    values = np.array([1.0, -2.0, 1.0 + 1e-13, -2.0 - 3e-12, 0.5])
    centres, place = distinct(values)
    assert np.allclose(centres, [-2.0, 0.5, 1.0], atol=1e-11)
    assert place.tolist() == [2, 0, 2, 0, 1]
    assert len(distinct(np.array([1.0, 1.0 + 1e-8]))[0]) == 2


def test_facts_of_a_rounded_matrix_are_as_exact():
    # Catches facts that require bitwise equal eigenvalues: those of the matrix are rounded.
    first = QuadraticFeature(30, "relu", matrix="orthogonal", random_state=0)
    again = QuadraticFeature(30, "relu", matrix=first.matrix)
    assert isinstance(again.facts, RadialFacts)
    assert np.allclose(again.degree_energies(8), first.degree_energies(8), rtol=1e-10, atol=1e-14)
    assert np.allclose(again.expected_hessian(), first.expected_hessian(), atol=1e-10)
    cubic = QuadraticFeature(30, [0, 1, 0, 0.5], matrix=first.matrix)
    assert len(cubic.facts._kinds) == 2
