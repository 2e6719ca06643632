"""The paper's facts, that the studies run what the claims ask, and that the statistics are what they say."""

from functools import partial

import numpy as np
import pytest
from numpy.testing import assert_allclose

from layerwise.papers import find_paper
from layerwise.papers.wang2023 import WANG2023, correlation, exponent, never_reached, spread
from layerwise.papers.wang2023.studies import (
    CUBE,
    LINKS,
    TWO_STAGES,
    Figure2Network,
    assumptions,
    figure2_cubic,
    figure2_joint,
    figure2_quadratic,
    price,
    samples,
    width,
)
from layerwise.studies import Outcome, StudyResult, run
from layerwise.targets import Hierarchical

STUDIES = (figure2_quadratic, figure2_cubic, figure2_joint, samples, price, width, assumptions)


def build(study, label=None):
    """The target of a study at its largest dimension."""
    spec = next(spec for spec in study.targets if label in (None, spec.label))
    return Hierarchical(max(study.dims), random_state=0, **spec.params)


def ceiling(target):
    """``corr(P_{<=k} h, p)``, by the Hermite algebra."""
    stage1 = target.polynomial().truncate(target.feature.degree)
    p = target.feature.polynomial()
    return stage1.inner(p) / np.sqrt(stage1.variance * p.variance)


def test_figure_2_is_the_papers():
    """p = sum_i +-d^(-1/2) h_3(x_i), h = C_d p^3 of second moment 1, sigma_1(z) = z^3."""
    study = figure2_joint(True)
    assert study.dims == (16, 24, 32, 40)
    X = np.random.default_rng(0).standard_normal((50, 40))
    target = build(study)
    p = ((X**3 - 3 * X) / np.sqrt(6)) @ (-1.0) ** np.arange(40) / np.sqrt(40)
    assert_allclose(target(X), 0.110778 * p**3, rtol=1e-5)
    z = X[:, 0]
    assert_allclose(CUBE[1] * z + CUBE[3] * (z**3 - 3 * z) / np.sqrt(6), z**3, rtol=1e-10)


def test_theory_values_are_the_exact_limits_of_stage_1():
    """What the claims call theory is corr(P_k h, p), not a number from a run."""
    theory = {figure.name: figure.claims[0].theory for figure in WANG2023.figures}
    assert_allclose(ceiling(build(figure2_quadratic(False))), theory["layerwise_quadratic"], atol=5e-5)
    assert_allclose(ceiling(build(figure2_cubic(False))), theory["layerwise_cubic"], atol=5e-5)
    assert_allclose(ceiling(build(assumptions(False), "L = 2")), theory["assumptions"], atol=5e-5)
    assert LINKS == {2: [0, 1, 0.7, 0.7], 3: [0, 1, 0.5]}


@pytest.mark.parametrize("full", [False, True])
def test_studies_cover_what_the_claims_ask(full):
    """A claim about a learner, a target or a sample size that its study does not run is never measured."""
    for figure in WANG2023.figures:
        study = figure.study(full)
        outcomes = {}
        for trial in study.trials():
            learnt = trial.n >= 5 * trial.dim**2 and trial.learner == "HierarchicalRegressor"
            outcomes[trial.key] = Outcome(0.1 if learnt else 0.4, 1.0, metrics={"feature_correlation": 0.9})
        for claim in figure.claims:
            assert np.isfinite(claim.statistic(StudyResult(study, outcomes))), claim.statement


def synthetic(risk):
    """The study of samples with the risk that ``risk(learner, d, n)`` says."""
    study = samples(False)
    outcomes = {t.key: Outcome(risk(label, t.dim, t.n), 1.0) for _, label, t in study.cells()}
    return StudyResult(study, outcomes)


@pytest.mark.parametrize("power", [1.75, 2.0])
def test_statistics_of_the_samples(power):
    """The exponent of another learner, or of the grid instead of the risk."""
    result = synthetic(
        lambda learner, d, n: 3 * 16 ** (2 - power) * d**power / (2 * n) if learner == TWO_STAGES else 0.5
    )
    assert_allclose(exponent(result), power, atol=1e-6)
    assert never_reached("NTK", result) == 4
    assert never_reached(TWO_STAGES, result) == 0
    failed = StudyResult(result.study, dict.fromkeys(result.outcomes, Outcome(np.nan, np.nan, "E: no")))
    assert np.isnan(never_reached("NTK", failed))  # nothing is known of it, rather than all reached


def test_spread_is_over_the_dimensions():
    result = synthetic(lambda learner, d, n: d / n)
    assert_allclose(spread(result, 8, 2), 24 / 8)
    assert np.isnan(spread(StudyResult(result.study, {}), 8, 2))


@pytest.mark.parametrize("study", [partial(study, False) for study in STUDIES], ids=lambda s: s.func.__name__)
def test_every_learner_learns_something_of_every_target(study):
    """A parameter that the learner refuses, a link that cannot be built: the smallest trial of each, run."""
    for spec in study().targets:
        for learner in study().learners:
            if "Joint" in str(learner.use) or "Figure2" in str(learner.use):
                pytest.importorskip("torch", reason="joint training needs layerwise[torch]")
            some = study().model_copy(update={"targets": (spec,), "learners": (learner,), "n_test": 2000})
            outcome = run(min(some.trials(), key=lambda trial: (trial.n, trial.dim)))
            assert outcome.error is None
            assert np.isfinite(outcome.risk)


def test_network_of_figure_2_has_the_papers_width():
    pytest.importorskip("torch", reason="joint training needs layerwise[torch]")
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 4))
    model = Figure2Network(random_state=0).fit(X, X[:, 0] ** 3)
    assert model.model_.width == 16
    assert model.feature(X).shape == model.predict(X).shape == (60,)


def test_correlation_is_a_median_of_that_metric():
    study = price(False)
    outcomes = {t.key: Outcome(0.5, 1.0, metrics={"feature_correlation": t.seed / 10}) for t in study.trials()}
    assert correlation(StudyResult(study, outcomes), TWO_STAGES, 512) == 0.1


def test_is_registered():
    assert find_paper("wang2023") is WANG2023
