"""Formulas of the paper, the studies that are run, and the statistics of the claims."""

import numpy as np
from numpy.testing import assert_allclose

from layerwise.papers.damian2022 import ResampledTwoLayer, TransferredTwoLayer
from layerwise.papers.damian2022.exact import heads
from layerwise.papers.damian2022.studies import (
    SOURCE_LINK,
    TARGET_LINK,
    UNEQUAL,
    directions,
    kernel_gap,
    transforms,
)
from layerwise.targets import HermiteSingleIndex, MultiIndex, SingleIndex


def test_targets_are_those_of_the_paper():
    # catches: functions other than He_2/2 + He_4/(4 sqrt 3), with half of its variance in each degree, and He_4/sqrt 24
    X = np.random.default_rng(0).standard_normal((20, 10))
    z = X[:, 0]
    he2, he4 = z**2 - 1, z**4 - 6 * z**2 + 3
    source, target = SingleIndex(10, link=SOURCE_LINK), SingleIndex(10, link=TARGET_LINK)
    assert_allclose(source(X), he2 / 2 + he4 / (4 * np.sqrt(3)), rtol=1e-10)
    assert_allclose(target(X), he4 / np.sqrt(24), rtol=1e-10)
    assert_allclose(source.degree_energies(4), [0, 0, 0.5, 0, 0.5], atol=1e-12)


def test_noise_of_the_kernel_gap_is_one_rademacher():
    study = kernel_gap("default")
    assert (study.noise, study.noise_distribution, study.dims) == (1.0, "rademacher", (10,))


def test_pre_training_helps_and_zero_is_random_features():
    target = SingleIndex(10, link=TARGET_LINK)
    X, y = target.sample(128, random_state=0)
    X_new = np.random.default_rng(1).standard_normal((4000, 10))
    models = {n: TransferredTwoLayer(n, width=200, random_state=0).fit(X, y) for n in (0, 8192)}
    assert type(models[0].model_).__name__ == "RandomFeatureRegressor"
    risk = {n: np.mean((model.predict(X_new) - target(X_new)) ** 2) for n, model in models.items()}
    assert risk[8192] < risk[0] - 0.3


def test_generative_exponents_of_the_class_of_theorem_2():
    for spec in transforms("default").targets:
        target = HermiteSingleIndex(30, **spec.params)
        assert (target.information_exponent, target.generative_exponent) == (spec.params["degree"], 2)


def test_directions_have_the_stated_curvatures():
    # catches: curvatures that are not those of the label, a variance other than 1
    target = MultiIndex(8, random_state=0, **directions(UNEQUAL, [1.0, 0.25]).params)
    H = target.facts.polynomial.expected_hessian()
    curvatures = np.linalg.eigvalsh(H)[::-1][:2]
    assert_allclose(curvatures[1] / curvatures[0], 0.25, rtol=1e-8)
    assert_allclose(target.variance, 1, rtol=1e-10)


def test_the_resampled_network_uses_each_half_once():
    # catches: a head fitted on the rows of the step
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((400, 4)), rng.standard_normal(400)
    changed = np.where(np.arange(400) < 200, y, 0.0)
    models = [ResampledTwoLayer(50, random_state=0).fit(X, labels) for labels in (y, changed)]
    W = [model.model_.first_step_.weights_ for model in models]
    assert_allclose(W[0], W[1])
    assert not np.allclose(models[0].predict(X), models[1].predict(X))
    assert_allclose(models[1].predict(X), 0, atol=1e-12)


def test_the_constrained_head_is_the_ridge_head():
    assert heads("small")["difference"].max() < 1e-6
