"""Formulas of the papers, the studies that are run, and the statistics of the claims."""

import math
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.integrate import dblquad
from scipy.special import eval_hermitenorm, factorial

from layerwise.hermite import HermiteSeries
from layerwise.papers import find_paper
from layerwise.papers.lee2020 import LEE2020
from layerwise.papers.lee2020.dropout import norm, sizes
from layerwise.papers.lee2020.expressivity import hermite_residual, mean_of_neurons, neuron_variance
from layerwise.papers.lee2020.studies import (
    DIM,
    deep,
    quartic,
    rank,
    risk,
    samples,
    sigma_min,
)
from layerwise.studies import Outcome, StudyResult, run
from layerwise.targets import DeepLowRank, TwoLayerTeacher

STUDIES = (risk, samples, rank, deep, sigma_min)


def test_target_is_that_of_the_paper():
    # catches: a target other than sum_s ((w_s.x)^4 - 3) / sqrt(96 r), of variance 1, three quarters of it in degree 2
    spec = quartic(3)
    target = TwoLayerTeacher(7, random_state=0, **spec.params)
    X = np.random.default_rng(0).standard_normal((50, 7))
    t = X @ target.relevant_subspace.T
    # the rows of the subspace are an arbitrary orthonormal basis of span(w), but a sum of fourth powers needs the w
    w = TwoLayerTeacher(3, **{**spec.params, "rotate": False})
    assert_allclose(w(t), np.sum(t**4 - 3, axis=1) / math.sqrt(96 * 3), rtol=1e-10)
    assert_allclose(target.variance, 1, rtol=1e-10)
    assert_allclose(target.degree_energies()[[2, 4]], [0.75, 0.25], rtol=1e-8)


def synthetic(study, risk_of):
    """Return a result of a study with the risks ``risk_of(target, learner, d, n)``."""
    outcomes = {t.key: Outcome(risk_of(target, label, t.dim, t.n), 1.0) for target, label, t in study.cells()}
    return StudyResult(study, outcomes)


@pytest.mark.filterwarnings("ignore:the penalty chosen")  # as expected with 200 rows
@pytest.mark.parametrize("study", [partial(study, "small") for study in STUDIES], ids=lambda s: s.func.__name__)
def test_the_smallest_trial_of_every_learner_and_target_runs(study):
    # catches: a parameter that a learner rejects, a link that cannot be built
    for spec in study().targets[:2]:
        for learner in study().learners:
            params = (
                {"max_epochs": 2} if "Quadratic" in str(learner.use) and "linear" not in str(learner.params) else {}
            )
            quick = learner.model_copy(update={"params": learner.params | params, "n": (200,)})
            some = study().model_copy(update={"targets": (spec,), "learners": (quick,), "n_test": 1000})
            outcome = run(min(some.trials(), key=lambda trial: trial.dim))
            assert outcome.error is None
            assert np.isfinite(outcome.risk)


@pytest.mark.parametrize("q", [0, 1, 2, 4])
def test_random_neurons_against_quadrature(q):
    """The mean and variance of one neuron at correlation rho, by quadrature over w.x and w.beta."""
    # catches: a wrong b_q, a missing factor of 1/2
    rho, relu = 0.6, HermiteSeries.relu(q).coefficients[q]

    def moment(power):
        def f(t, z):
            h = eval_hermitenorm(q, rho * z + math.sqrt(1 - rho**2) * t) / math.sqrt(factorial(q))
            return (z * h / relu) ** power * math.exp(-(z**2 + t**2) / 2) / (2 * math.pi)

        return dblquad(f, 0, 12, -12, 12, epsabs=1e-9)[0]

    assert_allclose(moment(1), rho**q, atol=1e-7)
    assert_allclose(moment(2) - rho ** (2 * q), neuron_variance(np.array([rho]), q)[0], rtol=1e-6)


def test_mean_of_neurons_is_unbiased():
    """2^16 neurons at 20 points, with 6 standard errors allowed."""
    # catches: a wrong normalisation, or h_q of another direction
    rng = np.random.default_rng(0)
    X = rng.standard_normal((20, 6))
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    beta = np.eye(6)[0]
    for q in (0, 1, 2, 4):
        error = mean_of_neurons(X, beta, q, 2**16, rng) - (X @ beta) ** q
        assert np.all(np.abs(error) < 6 * np.sqrt(neuron_variance(X @ beta, q) / 2**16))


def test_hermite_features_represent_powers_exactly():
    assert hermite_residual(1) < 1e-12
    assert hermite_residual(2) < 1e-10


class Terms:
    """A substitute for a fitted model with the first-order term ``sum(z) x_1``; its movements have sign 1."""

    width = 4

    def taylor_terms(self, X, signs=None):
        signs = np.ones(4) if signs is None else signs
        return SimpleNamespace(first=signs.sum() * X[:, 0], second=2 * X[:, 0], third=signs[0] * X[:, 0])


def test_sizes_of_taylor_terms_and_their_spread_over_signs():
    found = sizes(Terms(), np.ones((5, 1)))
    assert (found["first"], found["second"], found["third"]) == (4, 2, 1)
    assert found["spread"] == pytest.approx(2, rel=0.5)  # E (sum z)^2 = 4
    assert norm(np.array([[3.0, 4.0], [0.0, 0.0]])) == pytest.approx(5)


def test_the_degree_2_part_of_the_deep_target_has_half_of_its_variance():
    # catches: a theoretical value of the claim other than 1 - |P_2 f|^2 / Var f for (beta.g)^2
    target = DeepLowRank(DIM, rotate=True, random_state=0)
    assert_allclose(
        1 - target.degree_energies()[2] / target.variance, LEE2020.claims["deep-teachers"].tests[1].theory, rtol=1e-8
    )


def test_is_registered():
    assert find_paper("lee2020") is LEE2020
