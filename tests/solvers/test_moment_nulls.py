"""Leading values for several labels at once against those of each."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from layerwise.solvers import moment_nulls
from layerwise.solvers.moment_nulls import null_bytes, null_quantile, third_moments
from layerwise.solvers.moment_tensors import leading, third_moment


@pytest.fixture
def sample():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((700, 9))
    return X, X[:, 0] ** 3 + 0.5 * X[:, 1] * X[:, 2] + rng.standard_normal(700)


@pytest.mark.parametrize("block_bytes", [2**20, 9 * 10 * 4 * 50])
def test_third_moments_are_those_of_each_label(sample, block_bytes, monkeypatch):
    """An entry taken from another triple of indices, or rows lost between blocks."""
    X, y = sample
    monkeypatch.setattr(moment_nulls, "BLOCK", block_bytes)
    Y = np.array([y, y[::-1], X[:, 3]])
    assert_allclose(third_moments(X, Y), [third_moment(X, each) for each in Y], atol=1e-12)


@pytest.mark.parametrize("degree", [1, 2, 3, 4])
def test_the_threshold_is_the_largest_value_of_each_permutation(sample, degree, monkeypatch):
    """A permutation left out or drawn otherwise, groups that overwrite each other, a term of T_4 lost.

    Order 4 is computed to 1 %, here until an eigenvalue of the dense operator to 1e-9.
    """
    X, y = sample
    monkeypatch.setattr(moment_nulls, "TOLERANCE", 1e-9)
    monkeypatch.setattr(moment_nulls, "TENSORS", 9**3)  # one label in a group
    rng = np.random.RandomState(1)
    tops = [leading(X, rng.permutation(y), degree, 45 if degree == 4 else 1).values[0] for _ in range(4)]
    assert_allclose(null_quantile(X, y, degree, 4, np.random.RandomState(1)), np.max(np.abs(tops)), rtol=1e-7)


def test_products_are_formed_once_for_all_permutations(sample, monkeypatch):
    """Twenty passes over the rows, each with the products of all pairs of columns."""
    X, y = sample
    passes, pair_products = [], moment_nulls.pair_products
    monkeypatch.setattr(moment_nulls, "pair_products", lambda X: passes.append(1) or pair_products(X))
    null_quantile(X, y, 3, 19, np.random.RandomState(0))
    assert len(passes) == 1
    null_quantile(X, y, 4, 19, np.random.RandomState(0))
    assert len(passes) <= 2 + moment_nulls.MAX_STEPS


def test_equal_labels_have_no_moments():
    """A division by zero where every label is 0."""
    X = np.random.default_rng(0).standard_normal((50, 6))
    assert null_quantile(X, np.zeros(50), 4, 3, np.random.RandomState(0)) == 0
    assert null_bytes(50, 6, (1, 2), 19) == 0 < moment_nulls.BLOCK < null_bytes(50, 6, (3,), 19)
