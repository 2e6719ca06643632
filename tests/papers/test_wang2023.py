"""Formulas of the paper, the studies that are run, and the statistics of the claims."""

from functools import partial

import numpy as np
import pytest
from numpy.testing import assert_allclose

from layerwise.papers import find_paper
from layerwise.papers.wang2023 import WANG2023, LinkOnly, several_features
from layerwise.papers.wang2023.studies import (
    CUBE,
    LINKS,
    Figure2Network,
    assumptions,
    figure2_cubic,
    figure2_joint,
    figure2_quadratic,
    layerwise_cost,
    link_samples,
    samples,
    scalings,
    variants,
    width,
)
from layerwise.studies import run
from layerwise.targets import Hierarchical, MultiFeature

STUDIES = (
    figure2_quadratic,
    figure2_cubic,
    figure2_joint,
    samples,
    layerwise_cost,
    width,
    assumptions,
    variants,
    scalings,
    link_samples,
)


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
    study = figure2_joint("full")
    assert study.dims == (16, 24, 32, 40)
    X = np.random.default_rng(0).standard_normal((50, 40))
    target = build(study)
    p = ((X**3 - 3 * X) / np.sqrt(6)) @ (-1.0) ** np.arange(40) / np.sqrt(40)
    assert_allclose(target(X), 0.110778 * p**3, rtol=1e-5)
    z = X[:, 0]
    assert_allclose(CUBE[1] * z + CUBE[3] * (z**3 - 3 * z) / np.sqrt(6), z**3, rtol=1e-10)


def test_theory_values_are_the_exact_limits_of_stage_1():
    # catches: a theoretical value taken from a run instead of corr(P_k h, p)
    theory = {name: claim.tests[0].theory for name, claim in WANG2023.claims.items()}
    assert_allclose(ceiling(build(figure2_quadratic("default"))), theory["stage-1-finds-p"], atol=5e-5)
    assert_allclose(ceiling(build(figure2_cubic("default"))), theory["cubic-rate"], atol=5e-5)
    assert_allclose(ceiling(build(assumptions("default"), "L = 2")), theory["few-terms"], atol=5e-3)
    assert LINKS == {2: [0, 1, 0.7, 0.7], 3: [0, 1, 0.5]}


def test_stage_2_alone_sees_only_its_own_rows():
    # catches: a feature that depends on the rows of stage 2
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((100, 4)), rng.standard_normal(100)
    one, other = (LinkOnly(random_state=0).fit(X, labels) for labels in (y, -y))
    assert_allclose(one.feature(X), other.feature(X))


@pytest.mark.parametrize("study", [partial(study, "small") for study in STUDIES], ids=lambda s: s.func.__name__)
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


def test_is_registered():
    assert find_paper("wang2023") is WANG2023


@pytest.mark.parametrize("study", [several_features.several_features, several_features.general_tensors])
def test_targets_of_several_features_have_the_stated_number_of_features(study):
    # catches: a link of another number of features; a target that is not scaled to variance 1
    for spec in study("default").targets:
        target = MultiFeature(several_features.DIM, random_state=0, **spec.params)
        assert f"R = {target.n_features}" in spec.label
        if study is several_features.several_features and target.n_features > 1:  # products
            assert_allclose(target.variance, 1, rtol=1e-8)
