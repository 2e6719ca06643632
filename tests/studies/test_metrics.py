"""Metrics of learnt features and directions, against their definitions."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from layerwise.learners import HierarchicalRegressor, ThreeLayerRegressor, TwoLayerRegressor
from layerwise.studies.trials.metrics import PREDICT_ROWS, feature_correlation, in_blocks, measure, subspace_overlap
from layerwise.targets import Hierarchical, MultiIndex, SingleIndex


class Learns:
    """A fitted learner with the given feature and directions."""

    def __init__(self, feature=None, directions=None):
        if feature is not None:
            self.feature = feature
        if directions is not None:
            self.directions_ = np.asarray(directions)


class Column:
    def transform(self, X):
        return -3 * X[:, :1]


@pytest.fixture
def X():
    return np.random.default_rng(0).standard_normal((PREDICT_ROWS + 7, 6))


def test_feature_correlation_is_numpys(X):
    # catches: rows lost between blocks, a negative correlation counted as none
    target = Hierarchical(6)
    learner = Learns(feature=lambda X: 1 - 2 * X[:, 0] ** 2 + X[:, 1])
    expected = np.corrcoef(learner.feature(X), target.feature(X))[0, 1]
    assert_allclose(feature_correlation(target, learner, X), abs(expected), rtol=1e-10)
    assert_allclose(feature_correlation(target, Learns(feature=target.feature), X), 1)
    column = abs(np.corrcoef(X[:, 0], target.feature(X))[0, 1])
    assert_allclose(feature_correlation(target, Column(), X), column, rtol=1e-10)
    assert feature_correlation(target, Learns(feature=lambda X: np.ones(len(X))), X) == 0.0


def test_subspace_overlap_counts_the_first_directions(X):
    # catches: later directions counted, an overlap above 1
    target = MultiIndex(6, directions=np.eye(2, 6), link=lambda Z: Z[:, 0] * Z[:, 1])
    both, one, none = np.eye(6)[[1, 0, 2]], np.eye(6)[[0, 3, 1]], np.eye(6)[[4, 5, 0, 1]]
    overlaps = [subspace_overlap(target, Learns(directions=D), X) for D in (both, one, none)]
    assert_allclose(overlaps, [1, 0.5, 0], atol=1e-12)


def test_metrics_that_do_not_apply_are_absent(X):
    # catches: a wide representation correlated column by column, an overlap with the whole space
    assert measure(lambda X: X[:, 0], Learns(), X) == {}
    y = X[:, 0] ** 2
    wide = TwoLayerRegressor(10, penalty=1.0, random_state=0).fit(X, y)
    assert set(measure(SingleIndex(6), wide, X)) == {"subspace_overlap"}
    assert measure(Hierarchical(6), wide, X) == {}


def test_a_metric_that_is_not_finite_is_absent(X):
    # catches: a NaN, which a store refuses, so that the study ends at its first trial
    target = MultiIndex(6, directions=np.eye(2, 6), link=lambda Z: Z[:, 0] * Z[:, 1])
    assert measure(target, Learns(directions=np.full((3, 6), np.nan)), X) == {}


def test_learners_with_a_feature_are_measured(X):
    target = Hierarchical(6, {"name": "balanced_sum", "degree": 2}, link=[0, 1, 0.2])
    for learner in (HierarchicalRegressor(2, random_state=0), ThreeLayerRegressor(100, random_state=0)):
        learner.fit(X, target(X))
        assert measure(target, learner, X)["feature_correlation"] > 0.7


def test_values_of_a_wrong_shape_are_refused(X):
    with pytest.raises(ValueError, match=r"<lambda> returned an array of shape \(4096, 2\) for 4096 rows"):
        in_blocks(lambda X: X[:, :2], X)
