"""Directions and their thresholds against permutations, closed forms and targets with known subspaces."""

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.utils import check_random_state

from layerwise.diagnosis.directions import find_directions, joint_thresholds, label_bins, moment_matrices
from layerwise.diagnosis.sample import prepare, read_arrays


def found_in(X, y, seed=0, n_permutations=99):
    sample = prepare(read_arrays(X, y))
    return find_directions(sample, X.shape[1], n_permutations, check_random_state(seed))


def overlap(vectors, true):
    """Share of the true directions (orthonormal rows) within the span of those found."""
    Q = np.linalg.qr(vectors.T)[0]
    return np.sum((true @ Q) ** 2) / len(true)


@pytest.mark.parametrize(
    ("link", "labels"),
    [
        (lambda z: z, {"label", "normal score", "bins"}),
        (lambda z: z**2, {"label", "normal score", "bins"}),
        (lambda z: z**3 - 3 * z, {"bins"}),
    ],
)
def test_a_single_index_is_one_direction(link, labels):
    """A second copy of the same direction; a link that is found by the wrong moments only."""
    generator = np.random.default_rng(0)
    X, u = generator.standard_normal((1500, 15)), np.ones(15) / np.sqrt(15)
    found = found_in(X, link(X @ u) + 0.1 * generator.standard_normal(1500))
    assert len(found) == 1
    assert overlap(found.vectors, u[None]) > 0.85
    assert labels <= {each.labels for each in found.moments if each.n_directions}
    for each in found.moments:
        assert each.vectors.shape == (each.n_directions, 15)


def test_a_link_without_low_moments_is_found_by_transformed_labels():
    """h_6: E y h_1 = E y h_2 = 0; only the bins, whose generative exponent is 2, can find the direction."""
    from layerwise.hermite import hermite_values

    generator = np.random.default_rng(1)
    X = generator.standard_normal((2000, 20))
    found = found_in(X, hermite_values(X[:, 3], 6)[6])
    assert len(found) == 1
    assert found.found_by[0].startswith("bins")
    assert abs(found.vectors[0, 3]) > 0.8


def test_several_directions_in_correlated_columns():
    """Directions of the whitened inputs returned as if they were those of the columns."""
    generator = np.random.default_rng(2)
    root = np.eye(8) + 0.8 * np.eye(8, k=1)
    X = generator.standard_normal((3000, 8)) @ root
    found = found_in(X, X[:, 0] + X[:, 4] ** 2 / 2)
    assert len(found) == 2
    assert overlap(found.vectors, np.eye(8)[[0, 4]]) > 0.95
    np.testing.assert_allclose(np.linalg.norm(found.vectors, axis=1), 1)


@pytest.mark.slow
@pytest.mark.parametrize("tables", ["Gaussian", "heavy tails", "two values"])
def test_noise_has_no_directions(tables):
    """Thresholds of single matrices instead of all together (a level of 6 % instead of 1 %).

    100 tables of noise: more than 6 with directions have probability 1e-4 at level 1 %, and seeds are fixed.
    """
    generator, reported = np.random.default_rng(3), 0
    for seed in range(100):
        X, y = generator.standard_normal((100, 5)), generator.standard_normal(100)
        if tables == "heavy tails":
            X, y = generator.standard_t(2, (100, 5)), np.exp(2 * y)
        elif tables == "two values":
            X, y = np.round(norm.cdf(X), 0), np.where(y > 1, 1.0, 0.0)
        reported += len(found_in(X, y, seed)) > 0
    assert reported <= 6


def test_thresholds_are_the_largest_standardised_value_over_all():
    """Six separate thresholds; means that include the observed values, by which a strong signal hides others."""
    generator = np.random.default_rng(4)
    null = np.exp(generator.standard_normal((99, 6)) * np.arange(1, 7))
    logs = np.log(null)
    standard = (logs - logs.mean(axis=0)) / logs.std(axis=0, ddof=1)
    expected = np.exp(logs.mean(axis=0) + standard.max() * logs.std(axis=0, ddof=1))
    np.testing.assert_allclose(joint_thresholds(np.full(6, 1e9), null), expected)
    nothing = np.exp(logs.mean(axis=0))
    assert (joint_thresholds(nothing, null) >= nothing).all()


def test_the_level_is_exact():
    """More reports than 1 / (n_permutations + 1) because means and deviations leave the observed values out.

    4,000 draws of 6 independent statistics with 9 permutations: level 10 %, standard error .5 %.
    """
    generator = np.random.default_rng(5)
    values = np.exp(generator.standard_normal((4000, 10, 6)))
    reported = [(each[0] > joint_thresholds(each[0], each[1:])).any() for each in values]
    assert abs(np.mean(reported) - 0.1) < 0.026


def test_matrices_are_the_literal_averages():
    """A bin weighted wrongly, the identity left in."""
    generator = np.random.default_rng(6)
    X, y = generator.standard_normal((70, 3)), generator.standard_normal(70)
    bins = label_bins(y)
    scores = np.sign(y)
    matrices = list(moment_matrices(X, y, scores, bins))
    for labels, (first, second) in ((y, matrices[:2]), (scores, matrices[2:4])):
        t = sum(label * x for label, x in zip(labels, X, strict=True)) / 70
        np.testing.assert_allclose(first, np.outer(t, t))
        H = sum(label * (np.outer(x, x) - np.eye(3)) for label, x in zip(labels, X, strict=True)) / 70
        np.testing.assert_allclose(second, H)
    m = [X[bins == b].mean(axis=0) for b in range(10)]
    C = [X[bins == b].T @ X[bins == b] / 7 - np.eye(3) for b in range(10)]
    np.testing.assert_allclose(matrices[4], sum(np.outer(each, each) for each in m) / 10)
    np.testing.assert_allclose(matrices[5], sum(each @ each for each in C) / 10)


def test_equal_labels_share_a_bin():
    """Rows of one label split over bins by their order."""
    y = np.repeat([0.0, 1.0, 5.0], [60, 30, 10])
    bins = label_bins(y)
    assert len(np.unique(bins)) == 3
    assert all(len(np.unique(bins[y == value])) == 1 for value in (0, 1, 5))
    assert np.bincount(label_bins(np.arange(100.0))).tolist() == [10] * 10
