"""Monte Carlo facts of heavy-tailed functions: the stated error covers the truth, or the variance is called unreliable.

The functions are given without their structure (as functions of all 20 variables), with variances known in closed form.
"""

from functools import cache
from math import factorial

import numpy as np
import pytest

from layerwise.hermite import HermiteSeries
from layerwise.targets import (
    AsianStraddle,
    MultiIndex,
    QuadraticFeature,
    SingleIndex,
    UnreliableVarianceWarning,
)
from layerwise.targets.facts import MonteCarloFacts
from layerwise.targets.facts.importance import Proposal, adapt, tail_index

D = 20
MORE = 24  # no basis of degree 3, which takes most of the time
VARIANCE_OF_EXP_3X = np.exp(9) * (np.exp(9) - 1)


def h(k):
    return HermiteSeries.basis(k)


def exp_3x(X):
    return np.exp(3 * X[:, 0])


def diagonal_exp_3x(X):
    return np.exp(3 * X.sum(axis=1) / np.sqrt(X.shape[1]))


KNOWN = {
    # Without importance sampling: .530 ± .020, .48 ± .02, .94 ± .016, 3.6e6 ± 1.2e6 and 4.2e6 ± 1.2e6 (truth 6.57e7).
    "h8": (lambda X: h(8)(X[:, 0]), D, 1.0),
    "h10": (lambda X: h(10)(X[:, 0]), MORE, 1.0),
    "h4": (lambda X: h(4)(X[:, 0]), MORE, 1.0),
    "exp(3x)": (exp_3x, D, VARIANCE_OF_EXP_3X),
    "exp(3x), oblique": (diagonal_exp_3x, MORE, VARIANCE_OF_EXP_3X),
    "exp(x^2/5)": (lambda X: np.exp(X[:, 0] ** 2 / 5), MORE, 5**0.5 - 5 / 3),
    "rare event": (lambda X: 1.0 * (X[:, 0] > 4), MORE, 3.1671242e-5 * (1 - 3.1671242e-5)),
}


@cache
def facts_of(name):
    return MonteCarloFacts(*KNOWN[name][:2])


@pytest.mark.parametrize("name", KNOWN)
def test_the_error_covers_the_variance(name):
    """Sobol nets that miss the rare large values and agree with each other on a variance that is too small."""
    facts, variance = facts_of(name), KNOWN[name][2]
    assert facts.variance_reliable
    # 7 standard errors of a t distribution with 31 degrees of freedom: 7e-8 each.
    assert abs(facts.variance - variance) <= 7 * facts.variance_error
    assert facts.variance_error <= 0.05 * variance


@pytest.mark.parametrize(
    ("name", "energies"),
    [("h8", np.eye(1, 9, 8)[0]), ("exp(3x)", [np.exp(9) * 9**k / factorial(k) for k in range(9)])],
)
def test_the_errors_cover_the_degree_energies(name, energies):
    """Energies beyond the basis from points that are not weighted, or weighted only once of the two needed times."""
    found, errors = facts_of(name).degree_energies(8)
    assert np.all(np.abs(found - energies) <= 7 * errors)


@pytest.mark.parametrize(
    "f",
    [lambda X: np.exp(X[:, 0] ** 2 / 3), lambda X: 1 / X[:, 0]],
    ids=["exp(x^2/3)", "1/x"],
)
def test_an_infinite_variance_is_unreliable(f):
    """Catches a sample variance, which is always finite, reported with an error computed from the same sample."""
    target = MultiIndex(MORE, f, rank=MORE)
    with pytest.warns(UnreliableVarianceWarning, match="the variance of MultiIndex, .* is not reliable"):
        assert target.variance_error == np.inf
    assert not target.variance_reliable
    assert np.all(target.degree_energies(3, return_std=True)[1] == np.inf)
    assert target.information_exponent is None


def test_a_tail_in_five_directions_is_unreliable_or_covered():
    """The product of five h_3 has kurtosis 7e9: an estimate of .50 ± .12 where the truth is 1."""
    facts = MonteCarloFacts(lambda X: h(3)(X[:, :5]).prod(axis=1), MORE)
    assert not facts.variance_reliable or abs(facts.variance - 1.0) <= 7 * facts.variance_error < 0.2


def test_quadrature_that_has_not_converged_is_unreliable():
    with pytest.warns(UnreliableVarianceWarning, match="the variance of SingleIndex"):
        assert not SingleIndex(3, lambda z: np.exp(z**2 / 3)).variance_reliable


@pytest.mark.parametrize(
    "target",
    [
        AsianStraddle(20),
        QuadraticFeature(8, "relu", "gaussian", random_state=0),
        MultiIndex(5, "max", 5),
        MultiIndex(5, lambda X: np.tanh(X).sum(axis=1) + np.abs(X[:, 0]), 5),
        MultiIndex(6, lambda X: np.zeros(len(X)), 6),
        MultiIndex(6, lambda X: np.full(len(X), 0.1), 6),
    ],
    ids=["straddle", "relu", "max", "sum", "zero", "constant"],
)
def test_ordinary_functions_are_reliable_and_sampled_plainly(target):
    """A check that rejects functions without heavy tails, or replaces their estimates (warnings are errors here)."""
    assert target.variance_reliable
    assert isinstance(target.facts, MonteCarloFacts)
    assert target.facts._proposal.scale == 1.0
    assert len(target.facts._proposal.directions) == 0


class TestProposal:
    proposal = Proposal(1.2, np.array([[0.6, 0.8, 0.0]]), np.array([3.0]))

    def test_weights_are_the_ratio_of_densities(self):
        from scipy.stats import multivariate_normal

        u = self.proposal.directions[0]
        covariance = 1.44 * np.eye(3) + (9.0 - 1.44) * np.outer(u, u)
        X = np.random.default_rng(0).standard_normal((9, 3))
        ratio = multivariate_normal(np.zeros(3)).pdf(X) / multivariate_normal(np.zeros(3), covariance).pdf(X)
        np.testing.assert_allclose(self.proposal.weights(X), ratio)
        # 2^18 points: entries of the sample covariance are within 7 standard errors.
        sample = np.cov(self.proposal.stretch(np.random.default_rng(1).standard_normal((2**18, 3))).T)
        assert np.abs(sample - covariance).max() <= 7 * 9 * np.sqrt(2) / 2**9

    def test_the_direction_of_the_tail_is_found(self):
        """Second moments of h_8(u.x)^2 are 17 along u and 1 elsewhere."""
        u = np.ones(D) / np.sqrt(D)
        found = adapt(lambda X: h(8)(X @ u), D, 0.0, seed=0)
        assert found.trusted
        assert abs(found.variance - 1.0) <= 7 * found.error < 0.1
        assert found.proposal.directions.shape == (1, D)
        assert abs(found.proposal.directions[0] @ u) > 0.99
        assert abs(found.proposal.deviations[0] ** 2 - 17) < 2


@pytest.mark.parametrize("xi", [0.3, 1.0, 2.0])
def test_tail_index_of_a_pareto_law(xi):
    # Hill's estimator from 512 values has standard error xi / sqrt(512); 7 of them.
    values = np.random.default_rng(0).uniform(size=2**17) ** -xi
    assert abs(tail_index(values) - xi) <= 7 * xi / np.sqrt(512)
