"""What is said of a learner is what it learnt."""

import numpy as np
import pytest

from layerwise.learners import HierarchicalRegressor, KernelRegressor, MomentRegressor, TwoLayerRegressor
from layerwise.tables import describe

COLUMNS = ["a", "b", "c", "d"]


@pytest.fixture
def inputs():
    return np.random.default_rng(0).standard_normal((4000, 4))


def test_a_polynomial_is_told_by_its_terms(inputs):
    """Names shifted by the constant, degrees confused, or coefficients in the units of y."""
    a, b, c, _ = inputs.T
    learner = HierarchicalRegressor(2, random_state=0).fit(inputs, 3 * (2 * a * b - (c**2 - 1) / np.sqrt(2)) + 7)
    (line,) = describe(learner, COLUMNS, n_terms=2)
    assert line == "feature of degree 2, 100% of its variance in the terms told: +0.89 a b -0.45 h2(c) ..."


def test_a_refined_feature_is_the_one_told(inputs):
    """The two stages' feature, of the degree and sign that these had."""
    a, b, _, _ = inputs[:300].T
    p = a * b
    learner = HierarchicalRegressor(refine=True, random_state=0).fit(inputs[:300], p + 0.7 * (p**2 - 1))
    (line,) = describe(learner, COLUMNS, n_terms=1)
    assert line.startswith("feature of degree 2, 100% of its variance in the terms told: ")
    assert line.endswith("1.00 a b ...")


def test_directions_come_with_their_share_of_the_slope(inputs):
    """Shares of the coefficients, or of the wrong direction: for 2 a + h_2(b) the squared slopes are 4 and 2."""
    a, b, _, _ = inputs.T
    learner = MomentRegressor(whiten=False, random_state=0).fit(inputs, 2 * a + (b**2 - 1) / np.sqrt(2))
    first, second = describe(learner, COLUMNS, n_terms=1)
    assert first.startswith("direction with 67% of the mean squared slope: ")
    assert first.endswith("1.00 a ...")
    assert second.startswith("direction with 33% of the mean squared slope: ")
    assert second.endswith("1.00 b ...")


def test_directions_below_a_tenth_and_learners_without_are_not_told(inputs):
    y = inputs[:, 0] ** 2
    assert len(describe(TwoLayerRegressor(random_state=0).fit(inputs, y), COLUMNS)) == 1
    assert describe(KernelRegressor().fit(inputs[:50], y[:50]), COLUMNS) == []
    assert describe(HierarchicalRegressor(1, random_state=0).fit(inputs[:50], np.ones(50)), COLUMNS) == []
