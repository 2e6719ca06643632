"""Moments of x given y against literal loops and closed forms, and the directions that they show."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from layerwise.solvers.label_transforms import SortedLabels, leading_vector, slice_bounds, sliced_moments


def sorted_sample(link, n, d, noise=0.0, seed=0):
    """Rows in the order of their labels ``link(x_1) + noise``, with second moments exactly I."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d))
    y = link(X[:, 0]) + noise * rng.standard_normal(n)
    order = np.argsort(y, kind="stable")
    values, V = np.linalg.eigh(X.T @ X / n)
    return (X @ (V / np.sqrt(values)) @ V.T)[order], y[order]


def h4(z):
    return (z**4 - 6 * z**2 + 3) / 24**0.5


@pytest.mark.parametrize("n_slices", [1, 3, 7])
def test_equal_labels_share_a_slice(n_slices):
    """A slice boundary within equal labels: the moments would depend on the order of the rows."""
    labels = np.repeat([0.0, 1.0, 2.0, 5.0], [1, 40, 7, 12])
    bounds = slice_bounds(labels, n_slices)
    assert (bounds[0], bounds[-1]) == (0, len(labels))
    assert np.all(np.diff(bounds) > 0)
    assert all(labels[cut - 1] < labels[cut] for cut in bounds[1:-1])
    assert_array_equal(np.diff(slice_bounds(np.arange(30.0), 5)), 6)


def test_sliced_moments_are_averages_over_pairs():
    """Literal double loops over the pairs of different rows of each slice; a slice of one row counts as 0."""
    X, _ = sorted_sample(h4, 23, 3)
    bounds = np.array([0, 1, 9, 23])
    M_1, M_2 = np.zeros((3, 3)), np.zeros((3, 3))
    for start, stop in ((1, 9), (9, 23)):
        size = stop - start
        for i in range(start, stop):
            for j in range(start, stop):
                if i != j:
                    weight = size / 23 / (size * (size - 1))
                    A = [np.outer(X[k], X[k]) - np.eye(3) for k in (i, j)]
                    M_1 += weight * np.outer(X[i], X[j])
                    M_2 += weight * A[0] @ A[1]
    found = sliced_moments(X, bounds)
    assert_allclose(found[0], M_1, atol=1e-12)
    assert_allclose(found[1], M_2, atol=1e-12)


def test_sliced_moments_of_the_sign():
    """Closed form for ``y = sign(x_1)``: ``m_b = ± sqrt(2/pi) u``, ``C_b = 0``; seven standard errors of n^{-1/2}."""
    n = 40_000
    X, y = sorted_sample(np.sign, n, 2)
    M_1, M_2 = sliced_moments(X, slice_bounds(y, 10))
    assert_allclose(M_1, [[2 / np.pi, 0], [0, 0]], atol=7 / n**0.5)
    assert_allclose(M_2, np.zeros((2, 2)), atol=7 / n)


def test_windows_contain_equal_labels_and_their_neighbours():
    """A literal loop; the row itself counted, which favours overfitted directions; windows that cut equal labels."""
    labels = np.sort(np.concatenate([np.random.default_rng(0).standard_normal(70), np.full(9, 0.5), np.full(60, 1.5)]))
    by_label = SortedLabels.of(labels)
    values = np.random.default_rng(1).standard_normal(len(labels))
    expected = []
    for i, label in enumerate(labels):
        equal = np.flatnonzero(labels == label)
        more = max(20 - (len(equal) - 1) // 2, 0)
        rows = [j for j in range(equal[0] - more, equal[-1] + more + 1) if 0 <= j < len(labels) and j != i]
        expected.append(values[rows].mean())
    assert_allclose(by_label.others(values), expected, atol=1e-12)


def test_a_step_maximises_the_likelihood():
    """Finite differences: at a fixed point, G with fixed m and v is stationary on the sphere and a maximum."""
    X, y = sorted_sample(lambda z: z**3 - z, 600, 5)
    by_label = SortedLabels.of(y)
    u = np.eye(5)[0]
    for _ in range(200):
        u = by_label.improved(X, u)
    m, v = by_label.inverse_moments(X @ u)

    def G(u):
        w = X @ u / np.linalg.norm(u)
        return np.mean(w**2 - (w - m) ** 2 / v - np.log(v))

    for e in np.eye(5):
        assert abs(G(u + 1e-5 * e) - G(u - 1e-5 * e)) / 2e-5 < 1e-6
        assert G(u + 0.1 * e) < G(u) + 1e-12


@pytest.mark.parametrize(
    ("link", "n", "d"),
    [(h4, 800, 60), (lambda z: z**3 - 3 * z, 300, 30), (lambda z: np.cos(2 * z), 400, 20), (np.sign, 200, 20)],
    ids=["h4", "h3", "cos", "sign"],
)
def test_the_direction_is_found_from_order_d_samples(link, n, d):
    """A transform of one parity only, or an eigenvector of the wrong end of the spectrum."""
    X, y = sorted_sample(link, n, d)
    u, gain = SortedLabels.of(y).strongest_direction(X)
    assert abs(u[0]) > 0.85
    shuffled = np.random.default_rng(1).permutation(X)
    assert gain > 1.2 * SortedLabels.of(y).strongest_direction(shuffled)[1]


def test_leading_vector():
    """The eigenvalue of largest absolute value instead of the largest."""
    assert_allclose(np.abs(leading_vector(np.diag([-5.0, 1.0, 2.0]))), [0, 0, 1], atol=1e-12)
