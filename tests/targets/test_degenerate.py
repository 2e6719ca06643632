"""Degenerate targets: zero weights and linear pieces must not enlarge the relevant subspace or make facts inexact."""

import numpy as np
import pytest

from layerwise.targets import (
    BalancedSum,
    DeepLowRank,
    Hierarchical,
    LowRankPolynomial,
    MultiFeature,
    RandomTensor,
    SingleIndex,
    TwoLayerTeacher,
)
from layerwise.targets.facts import MonteCarloFacts, RidgeFacts

CASES = [
    (BalancedSum(6, degree=1), 1),
    (BalancedSum(6, 1, "product", n_terms=4, weights=[1, 2, 0, -1], rotate=True, random_state=0), 1),
    (BalancedSum(6, 2, weights=[1, 0, 2, 0, 0, 3]), 3),
    (BalancedSum(6, 3, "product", weights=[0, 1], rotate=True, random_state=1), 3),
    (RandomTensor(6, 1, rotate=True, random_state=2), 1),
    (Hierarchical(30, {"name": "balanced_sum", "degree": 1}, "relu"), 1),
    (Hierarchical(30, {"name": "random_tensor", "degree": 1}, [0, 1, 0.5], rotate=True, random_state=3), 1),
    (MultiFeature(6, {"name": "balanced_sum", "degree": 1}), 2),
    (TwoLayerTeacher(4, width=2, weights=[1, 0]), 1),
    (TwoLayerTeacher(4, 3, "relu", [0, 1, -1], directions="random", rotate=True, random_state=4), 2),
    (TwoLayerTeacher(4, 3, "identity", directions="random", rotate=True, random_state=5), 1),
    (TwoLayerTeacher(4, 2, "identity", [1, -1], directions=[[1, 2, 0, 0], [1, 2, 0, 0]]), 0),
    (TwoLayerTeacher(4, 2, weights=[0, 0]), 0),
    (LowRankPolynomial(6, 4, [1, 1, 3, 1], weights=[1, 0.5, 1, 0.25]), 2),
    (SingleIndex(4, [0.0, -1.0], direction=[1, 1, 0, 0]), 1),
]


@pytest.mark.parametrize(("f", "rank"), CASES, ids=[f"{i}-{type(f).__name__}" for i, (f, _) in enumerate(CASES)])
def test_the_subspace_has_minimal_rank(f, rank):
    S = f.relevant_subspace
    assert S.shape == (rank, f.dim)
    assert np.allclose(S @ S.T, np.eye(rank), atol=1e-12)
    X, y = f.sample(2**15, random_state=0)
    assert np.allclose(f(X[:50]), f(X[:50] @ S.T @ S), atol=1e-10)
    assert not isinstance(f.facts, MonteCarloFacts)
    # 7 standard errors.
    assert abs(f.mean - y.mean()) <= 7 * y.std() / np.sqrt(len(y)) + 1e-12
    squares = (y - f.mean) ** 2
    assert abs(f.variance - squares.mean()) <= 7 * squares.std() / np.sqrt(len(y)) + f.variance_error + 1e-12
    assert f.expected_hessian().shape == (f.dim, f.dim)


def test_values_agree_with_the_formula():
    X = np.random.default_rng(0).standard_normal((9, 6))
    weights = np.array([1.0, 0.0, 2.0, 0.0, 0.0, 3.0])
    scaled = weights / np.linalg.norm(weights)
    assert np.allclose(BalancedSum(6, 1, weights=weights)(X), X @ scaled)
    assert np.allclose(BalancedSum(6, 2, weights=weights)(X), (X**2 - 1) / np.sqrt(2) @ scaled)
    assert np.allclose(BalancedSum(6, 3, "product", weights=[0, 1])(X), X[:, 3:].prod(axis=1))
    p = RandomTensor(6, 1, random_state=0)
    assert np.allclose(p(X), X @ p.polynomial().expected_gradient())
    assert np.allclose(Hierarchical(6, {"name": "balanced_sum", "degree": 1}, "relu")(X).min(), 0.0)


def test_links_of_linear_features_are_ridge_functions():
    f = Hierarchical(30, {"name": "balanced_sum", "degree": 1}, "relu")
    assert isinstance(f.facts, RidgeFacts)
    assert f.variance_error == 0.0
    assert np.allclose(f.degree_energies(6), SingleIndex(30, "relu").degree_energies(6), atol=1e-14)


def test_directions_and_weights_are_returned_unchanged():
    W = np.random.default_rng(0).standard_normal((3, 4))
    f = TwoLayerTeacher(4, 3, "relu", [0.0, 1.0, -1.0], directions=W)
    assert np.allclose(f.directions, W)
    assert np.array_equal(f.weights, [0, 1, -1])
    g = SingleIndex(4, [0.0, -1.0], direction=[1, 1, 0, 0])
    assert np.allclose(g.direction, np.array([1, 1, 0, 0]) / np.sqrt(2))


class TestDegreesOfDeepLowRank:
    def test_one_degree_per_term(self):
        f = DeepLowRank(8, rank=2, inner_rank=2, inner_degree=[1, 3], outer_degree=[2, 3], linear_terms=True)
        X = np.random.default_rng(0).standard_normal((7, 8))
        units = np.eye(8).reshape(2, 2, 2, 8)  # (s, c, t)
        g = np.zeros((7, 2, 2))
        for t, (q, moment) in enumerate([(1, 1.0), (3, 15.0)]):  # E z^2, E z^6
            g += (X @ units[:, :, t].reshape(4, 8).T).reshape(7, 2, 2) ** q / np.sqrt(moment) / 2
        assert np.allclose(f.features(X), g)
        inner = np.einsum("nsc,sc->ns", g, f.inner_weights)
        linear = np.einsum("nsc,sc->n", g, f.linear_weights)
        assert np.allclose(f(X), inner[:, 0] ** 2 + inner[:, 1] ** 3 + linear)
        assert np.allclose(f._polynomial(X), f(X))

    def test_each_outer_term_has_second_moment_one(self):
        for s, weights in enumerate(([1.0, 0.0], [0.0, 1.0])):
            f = DeepLowRank(8, rank=2, outer_degree=[2, 3], outer_weights=weights)
            assert np.isclose(f.variance + f.mean**2, 1.0)  # E (beta_s . g_s)^{2 p_s} = 1
            assert f.facts.top_degree == 2 * [2, 3][s]

    def test_one_integer_applies_to_all_terms(self):
        X = np.random.default_rng(1).standard_normal((5, 8))
        assert np.allclose(DeepLowRank(8, 2, outer_degree=3)(X), DeepLowRank(8, 2, outer_degree=[3, 3])(X))

    @pytest.mark.parametrize(
        ("parameters", "message"),
        [
            ({"outer_degree": [2, 3, 2]}, "outer_degree has 3 entries; it must be an integer, or rank=2"),
            ({"inner_degree": [2, 3]}, "inner_degree has 2 entries; it must be an integer, or inner_rank=1"),
            ({"outer_degree": [2, 0]}, "outer_degree=0"),
        ],
    )
    def test_error_messages_name_the_degrees(self, parameters, message):
        with pytest.raises(ValueError, match=message):
            DeepLowRank(8, rank=2, **parameters)
