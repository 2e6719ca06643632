"""Moment tensors agree with loops over all entries and with their expectations, and rotate with the inputs."""

from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from layerwise.hermite import HermiteSeries, gaussian_rule
from layerwise.solvers.moment_nulls import null_quantile
from layerwise.solvers.moment_tensors import (
    along,
    fourth_moment,
    leading,
    second_moment,
    third_moment,
)


def sample(n=40, d=4, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, d)), rng.standard_normal(n) + 0.5


def hermite_tensor(x, order):
    """He_order(x), entry by entry: ``prod_i He_{m_i}(x_i)``, m_i the number of indices equal to i."""
    he = [lambda z: 1.0, lambda z: z, lambda z: z**2 - 1, lambda z: z**3 - 3 * z, lambda z: z**4 - 6 * z**2 + 3]
    T = np.empty((len(x),) * order)
    for index in product(range(len(x)), repeat=order):
        T[index] = np.prod([he[index.count(i)](x[i]) for i in range(len(x))])
    return T


def moment_tensor(X, y, order):
    return sum(y_i * hermite_tensor(x, order) for x, y_i in zip(X, y, strict=True)) / len(y)


def test_second_moment_is_the_loop():
    X, y = sample()
    assert_allclose(second_moment(X, y), moment_tensor(X, y, 2), atol=1e-12)


def test_third_moment_is_the_loop():
    """Catches a missing correction term, or a weight that changes the singular values."""
    X, y = sample()
    T = moment_tensor(X, y, 3).reshape(4, 16)
    ours = third_moment(X, y)
    assert_allclose(ours @ ours.T, T @ T.T, atol=1e-12)
    b, c = np.triu_indices(4)
    assert_allclose(ours / np.where(b == c, 1, np.sqrt(2)), moment_tensor(X, y, 3)[:, b, c], atol=1e-12)


def test_third_moment_by_blocks_of_rows(monkeypatch):
    """Catches rows lost or counted twice at the edge of a block."""
    X, y = sample(103)
    whole = third_moment(X, y)
    monkeypatch.setattr("layerwise.solvers.moment_tensors.BLOCK_BYTES", 8 * 10 * 10)  # ten rows
    assert_allclose(third_moment(X, y), whole, atol=1e-12)


def test_fourth_moment_is_the_loop():
    """Catches a wrong coefficient in one of the operator's nine correction terms."""
    X, y = sample()
    assert_allclose(fourth_moment(X, y) @ np.eye(16), symmetrised(moment_tensor(X, y, 4)), atol=1e-12)


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_moments_along_a_vector_are_the_loop(order):
    """Catches a missing correction term, or a contraction that can exceed the norm with which it is compared."""
    X, y = sample()
    v = np.array([1.0, -2.0, 0.5, 3.0])
    v /= np.linalg.norm(v)
    T = moment_tensor(X, y, order)
    for _ in range(max(order - 1, 1)):
        T = T @ v
    assert_allclose(along(X, y, order, v), np.linalg.norm(T))
    assert along(X, y, order, v) <= np.abs(leading(X, y, order, 1).values[0]) * (1 + 1e-9)


def symmetrised(T):
    """Unfold T. A symmetric tensor maps antisymmetric matrices to 0, so no projection is needed."""
    for axes in permutations(range(4)):
        assert_allclose(T, T.transpose(axes), atol=1e-12)
    return T.reshape(16, 16)


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_population_of_a_single_index(order):
    """T_k of h_k(u.x) is sqrt(k!) u^{(k)}; the sample is a tensor quadrature rule. Catches a wrong scale."""
    nodes, weights = gaussian_rule(8)
    grid = np.array(list(product(nodes, repeat=3)))
    weight = np.prod(list(product(weights, repeat=3)), axis=1)
    u = np.array([2.0, -1.0, 2.0]) / 3
    y = len(grid) * weight * (HermiteSeries.basis(order)(grid @ u) + HermiteSeries.basis(order - 1)(grid @ u))
    values, factors = leading(grid, y, order, 1)
    assert_allclose(np.abs(values), np.sqrt(np.prod(np.arange(1.0, order + 1))), rtol=1e-9)
    assert_allclose(factors[0] @ factors[0].T, np.outer(u, u), atol=1e-8)


def test_lanczos_finds_what_the_dense_matrix_has():
    X, y = sample(200, 6)
    dense = np.linalg.eigvalsh(fourth_moment(X, y) @ np.eye(36))
    largest = dense[np.argsort(-np.abs(dense))][:3]
    assert_allclose(leading(X, y, 4, 3, tolerance=1e-9).values, largest, rtol=1e-7)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_rotated_inputs_rotate_the_directions(seed):
    """Catches an axis treated differently from the others, as when an entry of the unfolding is counted twice."""
    X, y = sample(80, 5, seed)
    Q = np.linalg.qr(np.random.default_rng(seed).standard_normal((5, 5)))[0]
    for order in (1, 2, 3, 4):
        base, turned = leading(X, y, order, 1, tolerance=1e-9), leading(X @ Q.T, y, order, 1, tolerance=1e-9)
        assert_allclose(np.abs(turned.values), np.abs(base.values), rtol=1e-6)


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_nothing_stands_out_of_noise(order):
    """Each of 30 sets of heavy-tailed labels independent of X exceeds the null quantile with probability 1/20.

    Binomial(30, 1/20) exceeds 11 with probability 1e-8. Catches a quantile from too few permutations or another order.
    """
    exceeded = 0
    for seed in range(30):
        rng = np.random.default_rng(seed)
        X, y = rng.standard_normal((50, 5)), rng.standard_t(3, 50)
        null = null_quantile(X, y, order, 19, np.random.RandomState(seed))
        exceeded += abs(leading(X, y, order, 1).values[0]) > null
    assert exceeded <= 11


def test_equal_labels_have_no_moments():
    """Catches an initial vector of the iteration that the operator maps to 0."""
    X, _ = sample(60, 6)
    for order in (1, 2, 3, 4):
        assert not leading(X, np.zeros(60), order, 1).values.any()


@pytest.mark.parametrize("shift", [0.0, 3.0])
def test_fewer_rows_than_inputs(shift):
    """A leading direction outside the span of the rows, where T_2 is -mean(y) I, or vectors not turned back."""
    X, y = sample(12, 30)
    T = second_moment(X, y + shift)
    expected = np.linalg.eigvalsh(T)
    spectrum = leading(X, y + shift, 2, 4)
    assert_allclose(np.abs(spectrum.values), np.sort(np.abs(expected))[::-1][:4], rtol=1e-10)
    for value, V in zip(spectrum.values, spectrum.factors, strict=True):
        assert_allclose(T @ V, value * V, atol=1e-10)
