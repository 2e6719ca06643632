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
    StatedFacts,
    Target,
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
    "product of h3": (lambda X: h(3)(X[:, :5]).prod(axis=1), MORE, 1.0),
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
    """A sample variance, which is always finite, reported with an error computed from the same sample."""
    target = MultiIndex(MORE, f, rank=MORE)
    with pytest.warns(UnreliableVarianceWarning, match="the variance of MultiIndex, .* is not reliable"):
        assert target.variance_error == np.inf
    assert not target.variance_reliable
    assert np.all(target.degree_energies(3, return_std=True)[1] == np.inf)
    assert target.information_exponent is None


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
    assert target.facts._proposal is None


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


class Cubic(Target):
    """x_1^3 in many dimensions, of which some facts are stated."""

    def __init__(self, dim, **stated):
        super().__init__(dim)
        self.stated = stated

    def evaluate(self, Z):
        return Z[:, 0] ** 3

    def compute_facts(self):
        return StatedFacts(super().compute_facts(), **self.stated)


class TestStatedFacts:
    def test_stated_values_replace_estimates(self):
        """A stated value reported with the error of an estimate, or energies shifted by one degree."""
        target = Cubic(5, mean=0.0, variance=15, energies=[0, 9])
        assert (target.mean, target.variance, target.variance_error) == (0.0, 15.0, 0.0)
        energies, errors = target.degree_energies(3, return_std=True)
        assert energies[:2].tolist() == [0, 9]
        assert errors[:2].tolist() == [0, 0]
        assert abs(energies[3] - 6) <= 7 * errors[3]
        assert target.degree_energies(1).tolist() == [0, 9]
        assert target.information_exponent == 1

    def test_what_is_not_stated_is_estimated(self):
        target, hessian = Cubic(5), np.zeros((5, 5))
        assert abs(target.variance - 15) <= 7 * target.variance_error
        assert target.variance_error > 0
        assert np.array_equal(Cubic(5, hessian=hessian).expected_hessian(), hessian)

    @pytest.mark.parametrize(
        ("stated", "message"),
        [
            ({"variance": -1.0}, "variance=-1.0 must be None or a finite number >= 0"),
            ({"variance": np.float64(np.inf)}, "variance=inf must be"),
            ({"energies": [1.0, -2.0]}, "must be >= 0"),
            ({"energies": [np.nan]}, "energies contains NaN"),
        ],
    )
    def test_impossible_values_are_refused(self, stated, message):
        with pytest.raises(ValueError, match=message):
            Cubic(5, **stated).variance  # noqa: B018


class Returns(Target):
    """A target of the user's own whose function is wrong."""

    def __init__(self, dim, function):
        super().__init__(dim)
        self.function = function

    def evaluate(self, Z):
        return self.function(Z)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda Z: Z[:, 0].tolist(), "Returns.evaluate returned an object of type list for 16 rows"),
        (lambda Z: Z[:, :1], r"Returns.evaluate returned an array of shape \(16, 1\) for 16 rows"),
        (lambda Z: np.float64(1.0), "Returns.evaluate returned an object of type float64 for 16 rows"),
        (lambda Z: Z[:, 0].astype(str), "Returns.evaluate returned an object of type ndarray of dtype <U32"),
        (lambda Z: np.where(Z[:, 0] > Z[:, 0].min(), 1, np.nan), "Returns.evaluate returned 1 values that are NaN"),
        (lambda Z: np.where(Z[:, 0] > Z[:, 0].min(), 1, np.inf), "Returns.evaluate returned 1 values that are NaN"),
    ],
    ids=["list", "column", "scalar", "strings", "nan", "infinity"],
)
@pytest.mark.parametrize(
    "call", [lambda t: t.sample(16, random_state=0), lambda t: t.variance], ids=["sample", "facts"]
)
def test_wrong_values_are_refused_by_the_name_of_the_target(function, message, call):
    """A column that is broadcast to (n, n) labels, or NaN that surfaces in a learner."""
    with pytest.raises(ValueError, match=message):
        call(Returns(4, function))


@pytest.mark.parametrize("function", [lambda z: z[:, None], lambda z: 1.0], ids=["column", "scalar"])
def test_links_that_are_not_elementwise_are_refused(function):
    with pytest.raises(ValueError, match=r"SingleIndex.evaluate returned an array of shape .* for 4 rows"):
        SingleIndex(3, function).sample(4, random_state=0)


def test_inputs_that_are_not_finite_are_blamed_on_the_inputs():
    with pytest.raises(ValueError, match="X contains NaN"):
        SingleIndex(3, "he2")([[np.nan, 0.0, 0.0]])


class Projected(Target):
    """|u.x| with a frame of one row."""

    def __init__(self, dim, direction, rotate=False, random_state=None):
        super().__init__(dim)
        self.direction, self.rotate, self.random_state = direction, rotate, random_state
        self.set_frame(np.asarray(direction, dtype=float)[None, :], rotate, random_state)

    def evaluate(self, Z):
        return np.abs(Z[:, 0])


class TestFrame:
    def test_coordinates_are_those_of_the_frame(self):
        target = Projected(3, [0.6, 0.8, 0.0])
        X = np.random.default_rng(0).standard_normal((5, 3))
        np.testing.assert_allclose(target(X), np.abs(X @ [0.6, 0.8, 0.0]))
        assert target.relevant_subspace.shape == (1, 3)
        assert abs(target.variance - (1 - 2 / np.pi)) <= 7 * target.variance_error
        assert repr(target) == "Projected(dim=3, direction=[0.6, 0.8, 0.0])"
        rotated = Projected(3, [0.6, 0.8, 0.0], rotate=True, random_state=np.uint8(1))
        assert np.isclose(np.linalg.norm(rotated.relevant_subspace), 1)
        assert not np.allclose(np.abs(rotated.relevant_subspace), [[0.6, 0.8, 0.0]])

    @pytest.mark.parametrize(
        ("direction", "message"), [([1.0, 1.0, 0.0], "not orthonormal"), ([1.0, 0.0], r"shape \(1, 2\); it must be")]
    )
    def test_bad_frames_are_refused(self, direction, message):
        with pytest.raises(ValueError, match=message):
            Projected(3, direction)


def test_numpy_integers_are_integers():
    """Seeds and counts read from an array, which are not of type int."""
    target = SingleIndex(np.int32(3), "he2", direction="random", random_state=np.uint8(7))
    X, y = target.sample(np.int64(5), random_state=np.int16(2))
    again = SingleIndex(3, "he2", direction="random", random_state=7).sample(5, random_state=2)
    assert np.array_equal(X, again[0])
    assert np.array_equal(y, again[1])
    assert len(target.degree_energies(np.int8(4))) == 5
    with pytest.raises(ValueError, match=r"noise=inf must be"):
        target.sample(5, noise=np.float64(np.inf))
