"""Formulas of the paper, the studies that are run, and the statistics of the claims."""

from functools import partial

import numpy as np
import pytest
from numpy.testing import assert_allclose

from layerwise.papers import find_paper
from layerwise.papers.statistics import correlation, dimensions_not_reached, exponent
from layerwise.papers.wang2023 import THRESHOLD, WANG2023, several_features, spread
from layerwise.papers.wang2023.studies import (
    CUBE,
    LINKS,
    TWO_STAGES,
    Figure2Network,
    assumptions,
    figure2_cubic,
    figure2_joint,
    figure2_quadratic,
    layerwise_cost,
    samples,
    width,
)
from layerwise.studies import Outcome, StudyResult, run
from layerwise.targets import Hierarchical, MultiFeature

STUDIES = (figure2_quadratic, figure2_cubic, figure2_joint, samples, layerwise_cost, width, assumptions)


def build(study, label=None):
    """Build the target of a study at its largest dimension."""
    spec = next(spec for spec in study.targets if label in (None, spec.label))
    return Hierarchical(max(study.dims), random_state=0, **spec.params)


def ceiling(target):
    """Return ``corr(P_{<=k} h, p)``, by Hermite algebra."""
    stage1 = target.polynomial().truncate(target.feature.degree)
    p = target.feature.polynomial()
    return stage1.inner(p) / np.sqrt(stage1.variance * p.variance)


def test_figure_2_is_that_of_the_paper():
    # catches: a target other than C_d p^3 with p = sum_i +-d^(-1/2) h_3(x_i), E h^2 = 1; sigma_1 other than z^3
    study = figure2_joint(True)
    assert study.dims == (16, 24, 32, 40)
    X = np.random.default_rng(0).standard_normal((50, 40))
    target = build(study)
    p = ((X**3 - 3 * X) / np.sqrt(6)) @ (-1.0) ** np.arange(40) / np.sqrt(40)
    assert_allclose(target(X), 0.110778 * p**3, rtol=1e-5)
    z = X[:, 0]
    assert_allclose(CUBE[1] * z + CUBE[3] * (z**3 - 3 * z) / np.sqrt(6), z**3, rtol=1e-10)


def test_theory_values_are_the_exact_limits_of_stage_1():
    # catches: a theoretical value taken from a run instead of corr(P_k h, p)
    theory = {figure.name: figure.claims[0].theory for figure in WANG2023.figures}
    assert_allclose(ceiling(build(figure2_quadratic(False))), theory["layerwise_quadratic"], atol=5e-5)
    assert_allclose(ceiling(build(figure2_cubic(False))), theory["layerwise_cubic"], atol=5e-5)
    assert_allclose(ceiling(build(assumptions(False), "L = 2")), theory["assumptions"], atol=5e-5)
    assert LINKS == {2: [0, 1, 0.7, 0.7], 3: [0, 1, 0.5]}


@pytest.mark.parametrize("full", [False, True])
def test_studies_contain_the_cells_of_the_claims(full):
    # catches: a claim about a learner, target or sample size that its study does not run, which is never measured
    for figure in WANG2023.figures:
        study = figure.study(full)
        outcomes = {}
        for trial in study.trials():
            learnt = trial.n >= 5 * trial.dim**2 and trial.learner == "HierarchicalRegressor"
            outcomes[trial.key] = Outcome(0.1 if learnt else 0.4, 1.0, metrics={"feature_correlation": 0.9})
        for claim in figure.claims:
            assert np.isfinite(claim.statistic(StudyResult(study, outcomes))), claim.statement


def synthetic(risk):
    """Return a result of the study `samples` with the risks ``risk(learner, d, n)``."""
    study = samples(False)
    outcomes = {t.key: Outcome(risk(label, t.dim, t.n), 1.0) for _, label, t in study.cells()}
    return StudyResult(study, outcomes)


@pytest.mark.parametrize("power", [1.75, 2.0])
def test_statistics_of_the_samples(power):
    # catches: the exponent of another learner, or of the grid instead of the risk
    result = synthetic(
        lambda learner, d, n: 3 * 16 ** (2 - power) * d**power / (2 * n) if learner == TWO_STAGES else 0.5
    )
    assert_allclose(exponent(result, THRESHOLD, TWO_STAGES), power, atol=1e-6)
    assert dimensions_not_reached(result, THRESHOLD, "NTK") == 4
    assert dimensions_not_reached(result, THRESHOLD, TWO_STAGES) == 0
    failed = StudyResult(result.study, dict.fromkeys(result.outcomes, Outcome(np.nan, np.nan, "E: no")))
    assert np.isnan(dimensions_not_reached(failed, THRESHOLD, "NTK"))  # unknown, and not 0


def test_spread_is_over_the_dimensions():
    result = synthetic(lambda learner, d, n: d / n)
    assert_allclose(spread(result, 8, 2), 24 / 8)
    assert np.isnan(spread(StudyResult(result.study, {}), 8, 2))


@pytest.mark.parametrize("study", [partial(study, False) for study in STUDIES], ids=lambda s: s.func.__name__)
def test_the_smallest_trial_of_every_learner_and_target_runs(study):
    # catches: a parameter that a learner rejects, a link that cannot be built
    for spec in study().targets:
        for learner in study().learners:
            if "Joint" in str(learner.use) or "Figure2" in str(learner.use):
                pytest.importorskip("torch", reason="joint training needs layerwise[torch]")
            some = study().model_copy(update={"targets": (spec,), "learners": (learner,), "n_test": 2000})
            outcome = run(min(some.trials(), key=lambda trial: (trial.n, trial.dim)))
            assert outcome.error is None
            assert np.isfinite(outcome.risk)


def test_the_network_of_figure_2_has_the_width_of_the_paper():
    pytest.importorskip("torch", reason="joint training needs layerwise[torch]")
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 4))
    model = Figure2Network(random_state=0).fit(X, X[:, 0] ** 3)
    assert model.model_.width == 16
    assert model.feature(X).shape == model.predict(X).shape == (60,)


def test_correlation_is_a_median_of_that_metric():
    study = layerwise_cost(False)
    outcomes = {t.key: Outcome(0.5, 1.0, metrics={"feature_correlation": t.seed / 10}) for t in study.trials()}
    assert correlation(StudyResult(study, outcomes), TWO_STAGES, 512) == 0.1


def test_is_registered():
    assert find_paper("wang2023") is WANG2023


@pytest.mark.parametrize("study", [several_features.several_features, several_features.general_tensors])
def test_targets_of_several_features_have_the_stated_number_of_features(study):
    # catches: a link of another number of features; a target that is not scaled to variance 1
    for spec in study(False).targets:
        target = MultiFeature(several_features.DIM, random_state=0, **spec.params)
        assert f"R = {target.n_features}" in spec.label
        if study is several_features.several_features and target.n_features > 1:  # products
            assert_allclose(target.variance, 1, rtol=1e-8)
