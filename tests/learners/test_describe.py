"""Descriptions of learners say what they learnt."""

import re

import numpy as np
import pytest

from layerwise.learners import HierarchicalRegressor, KernelRegressor, MomentRegressor, TwoLayerRegressor

COLUMNS = ["a", "b", "c", "d"]


@pytest.fixture
def inputs():
    return np.random.default_rng(0).standard_normal((4000, 4))


def test_a_polynomial_is_described_by_its_terms(inputs):
    """Catches names shifted by the constant, degrees confused, or coefficients in the units of y."""
    a, b, c, _ = inputs.T
    learner = HierarchicalRegressor(2, random_state=0).fit(inputs, 3 * (2 * a * b - (c**2 - 1) / np.sqrt(2)) + 7)
    (line,) = learner.describe(COLUMNS)
    assert line.startswith("feature of degree 2, 100% of its variance in the terms shown: +0.89 a b -0.45 h2(c) ")
    assert line.endswith(" ...")


def test_a_refined_feature_is_described(inputs):
    """The feature of the two stages, with their degree and sign."""
    a, b, _, _ = inputs[:300].T
    p = a * b
    learner = HierarchicalRegressor(refine=True, random_state=0).fit(inputs[:300], p + 0.7 * (p**2 - 1))
    (line,) = learner.describe(COLUMNS)
    assert re.match(r"feature of degree 2, 100% of its variance in the terms shown: [+-]1.00 a b ", line)


def test_directions_come_with_their_share_of_the_slope(inputs):
    """Shares of coefficients, or of the wrong direction: the mean squared slopes of 2 a + h_2(b) are 4 and 2."""
    a, b, _, _ = inputs.T
    learner = MomentRegressor(whiten=False, random_state=0).fit(inputs, 2 * a + (b**2 - 1) / np.sqrt(2))
    first, second = learner.describe(COLUMNS)
    assert re.match(r"direction with 67% of the mean squared slope: [+-]1.00 a ", first)
    assert re.match(r"direction with 33% of the mean squared slope: [+-]1.00 b ", second)


def test_minor_directions_and_learners_without_structure_are_left_out(inputs):
    """Catches directions with a share below a tenth, or a description of a constant."""
    y = inputs[:, 0] ** 2
    assert len(TwoLayerRegressor(random_state=0).fit(inputs, y).describe(COLUMNS)) == 1
    assert KernelRegressor().fit(inputs[:50], y[:50]).describe(COLUMNS) == []
    assert HierarchicalRegressor(1, random_state=0).fit(inputs[:50], np.ones(50)).describe(COLUMNS) == []
