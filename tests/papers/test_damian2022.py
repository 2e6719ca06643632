"""Formulas of the paper, the studies that are run, and the statistics of the claims."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from layerwise.papers.damian2022 import (
    DAMIAN2022,
    H6,
    ONE_STEP,
    SOURCE_LINK,
    TARGET_LINK,
    TRANSFORMS,
    TransferredTwoLayer,
    gain,
    kernel_gap,
    risk_with_transforms,
    source_label,
    transfer,
    transforms,
)
from layerwise.studies import Outcome, StudyResult
from layerwise.targets import HermiteSingleIndex, SingleIndex


def test_targets_are_those_of_the_paper():
    # catches: functions other than He_2/2 + He_4/(4 sqrt 3), with half of its variance in each degree, and He_4/sqrt 24
    X = np.random.default_rng(0).standard_normal((20, 10))
    z = X[:, 0]
    he2, he4 = z**2 - 1, z**4 - 6 * z**2 + 3
    source, target = SingleIndex(10, link=SOURCE_LINK), SingleIndex(10, link=TARGET_LINK)
    assert_allclose(source(X), he2 / 2 + he4 / (4 * np.sqrt(3)), rtol=1e-10)
    assert_allclose(target(X), he4 / np.sqrt(24), rtol=1e-10)
    assert_allclose(source.degree_energies(4), [0, 0, 0.5, 0, 0.5], atol=1e-12)


@pytest.mark.parametrize("full", [False, True])
def test_studies_contain_the_cells_of_the_claims(full):
    # catches: a claim about a learner or a sample size that its study does not run, which is never measured
    for figure in DAMIAN2022.figures:
        study = figure.study(full)
        assert study.seeds >= 5
        assert study.n_test == 2**15
        result = StudyResult(study, {trial.key: Outcome(0.25, 1.0) for trial in study.trials()})
        for claim in figure.claims:
            assert np.isfinite(claim.statistic(result))


def test_noise_of_the_kernel_gap_is_one_rademacher():
    study = kernel_gap(False)
    assert (study.noise, study.noise_distribution, study.dims) == (1.0, "rademacher", (10,))


def test_gain_is_the_difference_of_medians():
    # catches: curves interchanged, or another N
    study = transfer(False)
    risks = {source_label(0): 1.0, source_label(16384): 0.25}
    outcomes = {
        trial.key: Outcome(risks.get(learner, 9.0) + (trial.n != 256), 1.0) for _, learner, trial in study.cells()
    }
    assert_allclose(gain(StudyResult(study, outcomes)), 0.75)


def test_the_ratio_of_transforms_is_that_of_medians():
    # catches: the ratio inverted, or another target or n
    study = transforms(False)
    risks = {(H6, ONE_STEP): 0.5, (H6, TRANSFORMS): 0.1}
    outcomes = {
        trial.key: Outcome(risks.get((target, learner), 9.0) + (trial.n != 32 * 30), 1.0)
        for target, learner, trial in study.cells()
    }
    assert_allclose(risk_with_transforms(StudyResult(study, outcomes)), 0.2)
    for spec in study.targets:
        target = HermiteSingleIndex(30, **spec.params)
        assert (target.information_exponent, target.generative_exponent) == (spec.params["degree"], 2)


def test_pre_training_helps_and_zero_is_random_features():
    target = SingleIndex(10, link=TARGET_LINK)
    X, y = target.sample(128, random_state=0)
    X_new = np.random.default_rng(1).standard_normal((4000, 10))
    models = {n: TransferredTwoLayer(n, width=200, random_state=0).fit(X, y) for n in (0, 8192)}
    assert type(models[0].model_).__name__ == "RandomFeatureRegressor"
    risk = {n: np.mean((model.predict(X_new) - target(X_new)) ** 2) for n, model in models.items()}
    assert risk[8192] < risk[0] - 0.3


def test_verdicts():
    claim = DAMIAN2022.figures[0].claims[0]
    assert [claim.verdict(value) for value in (0.05, 0.5, np.nan)] == ["agrees", "differs", "not measured"]
