"""Correlational queries against closed forms, and the adversary of Damian et al. 2022 at work."""

import numpy as np
import pytest

from layerwise.hermite import HermiteSeries
from layerwise.targets import Hierarchical, MultiIndex, SingleIndex, TwoLayerTeacher
from layerwise.theory import QueryOracle, query_gradient_descent

MIXED = [0.0, 0.0, 0.5**0.5, 0.0, 0.5**0.5]  # satisfies Assumption 2, degree 4


def unit(seed, dim):
    v = np.random.default_rng(seed).standard_normal(dim)
    return v / np.linalg.norm(v)


@pytest.mark.parametrize("p", [1, 2, 3, 4, 5])
def test_answers_without_tolerance_are_exact(p):
    # E h_p(u.x) h_p(v.x) = (u.v)^p
    u, v, h = unit(0, 6), unit(1, 6), HermiteSeries.basis(p)
    oracle = QueryOracle(SingleIndex(6, f"h{p}", direction=u), 0.0)
    assert np.isclose(oracle.query(lambda Z: h(Z[:, 0]), v[None, :]), (u @ v) ** p, atol=1e-10)


def test_query_of_two_directions_and_scale_of_target_and_query():
    # f = 5 + 3 z_1 z_2 is standardised; 7 z_1 z_2 along rotated directions: E = u_1.v_1 u_2.v_2 + u_1.v_2 u_2.v_1.
    rng = np.random.default_rng(2)
    U, V = (np.linalg.qr(rng.standard_normal((5, 2)))[0].T for _ in range(2))
    target = MultiIndex(5, lambda Z: 5 + 3 * Z[:, 0] * Z[:, 1], 2, directions=U)
    answer = QueryOracle(target, 0.0).query(lambda Z: 7 * Z[:, 0] * Z[:, 1], V)
    G = U @ V.T
    assert np.isclose(answer, G[0, 0] * G[1, 1] + G[0, 1] * G[1, 0], atol=1e-5)


@pytest.mark.parametrize("link", ["h4", MIXED, "relu"], ids=str)
def test_gradient_against_finite_differences(link):
    # E f(x) sigma(w.x) = sum_k c_k(f) c_k(sigma) rho^k for |w| = 1, sigma = h_1 + h_2 + h_4.
    sigma = HermiteSeries([0.0, 1.0, 1.0, 0.0, 1.0])
    target = SingleIndex(5, link, direction=unit(3, 5))
    w, basis = unit(4, 5), np.linalg.qr(np.random.default_rng(5).standard_normal((5, 5)))[0]
    oracle = QueryOracle(target, 0.0)
    got = oracle.query_gradient(w, sigma.derivative(), basis)
    X = np.random.default_rng(6).standard_normal((2**19, 5))
    f = (target(X) - target.mean) / np.sqrt(target.variance)
    products = f[:, None] * (X @ basis.T) * sigma.derivative()(X @ w)[:, None]
    sizes = np.sqrt(np.mean(((X @ basis.T) * sigma.derivative()(X @ w)[:, None]) ** 2, axis=0))
    error = products.std(axis=0) / np.sqrt(len(X)) / sizes
    assert np.all(np.abs(got - products.mean(axis=0) / sizes) <= 7 * error + 0.01 * np.abs(got))
    assert oracle.n_queries == 5


def test_adversary_answers_zero_within_the_tolerance_and_counts():
    u, h = np.eye(1, 6)[0], HermiteSeries.basis(2)
    oracle = QueryOracle(SingleIndex(6, "h2"), 0.3)
    for angle, expected in ((0.0, 1.0), (0.9, np.cos(0.9) ** 2), (1.2, 0.0), (np.pi / 2, 0.0)):
        v = np.cos(angle) * u + np.sin(angle) * np.eye(1, 6, 1)[0]
        assert np.isclose(oracle.query(lambda Z: h(Z[:, 0]), v[None, :]), expected, atol=1e-9)
    assert (oracle.n_queries, oracle.n_informative) == (4, 2)


def test_noisy_answers_stay_within_the_tolerance():
    oracle = QueryOracle(SingleIndex(6, "h2"), 0.2, "noisy", random_state=0)
    answers = [oracle.query(lambda Z: Z[:, 0] ** 2 - 1, np.eye(1, 6)) for _ in range(200)]
    assert np.all(np.abs(np.array(answers) - 1.0) <= 0.2)
    assert np.std(answers) > 0.05
    again = QueryOracle(SingleIndex(6, "h2"), 0.2, "noisy", random_state=0)
    assert again.query(lambda Z: Z[:, 0] ** 2 - 1, np.eye(1, 6)) == answers[0]


class TestTheorem2:
    """At the tolerance d^(-p/4), p = 4, the adversary hides h_4 from gradient steps, but not an Assumption-2 target."""

    @pytest.mark.parametrize("dim", [64, 128])
    def test_separation_at_the_threshold(self, dim):
        tolerance, overlaps = dim ** (-4 / 4), {}
        for name, link in (("h4", "h4"), ("mixed", MIXED)):
            overlaps[name] = []
            for seed in range(3):
                target = SingleIndex(dim, link, direction="random", random_state=100 + seed)
                oracle = QueryOracle(target, tolerance)
                w = query_gradient_descent(oracle, max_queries=60 * dim, random_state=seed)
                overlaps[name].append(abs(w @ target.direction))
        assert max(overlaps["h4"]) == 0.0  # all answers were 0
        assert min(overlaps["mixed"]) > 0.95

    def test_h4_is_learnt_below_the_threshold(self):
        # The tolerance of the queries themselves, of order d^(-p/2).
        target = SingleIndex(32, "h4", direction="random", random_state=0)
        w = query_gradient_descent(QueryOracle(target, 0.1 * 32**-2.0), degree=4, random_state=5)
        assert abs(w @ target.direction) > 0.99

    def test_noisy_answers_of_small_tolerance_suffice(self):
        target = SingleIndex(32, MIXED, direction="random", random_state=1)
        oracle = QueryOracle(target, 0.2 / 32, "noisy", random_state=0)
        w = query_gradient_descent(oracle, max_queries=32 * 20, random_state=5)
        assert abs(w @ target.direction) > 0.95


def test_teachers_of_two_and_three_neurons():
    # The direction found lies in the span of the neurons.
    for width in (2, 3):
        target = TwoLayerTeacher(12, width, "he2", rotate=True, random_state=0)
        w = query_gradient_descent(QueryOracle(target, 0.2 / 12), n_steps=6, random_state=5)
        assert np.linalg.norm(target.relevant_subspace @ w) > 0.97


def test_budget_is_respected():
    oracle = QueryOracle(SingleIndex(16, "h6"), 0.5)
    assert not np.any(query_gradient_descent(oracle, max_queries=100, random_state=0))
    assert oracle.n_queries == 96


def test_errors():
    with pytest.raises(ValueError, match="at most 4"):
        QueryOracle(Hierarchical(8, "quadratic"), 0.1).query(lambda Z: Z[:, 0], np.eye(1, 8))
    with pytest.raises(ValueError, match="answers='honest'"):
        QueryOracle(SingleIndex(4), 0.1, "honest")
