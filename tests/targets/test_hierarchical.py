"""Features and hierarchical targets: normalisations, and the exact facts that the figures of the papers use."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layerwise.hermite import HermiteSeries
from layerwise.targets import (
    BalancedSum,
    DeepLowRank,
    ExcessOfLoss,
    Hierarchical,
    LowRankPolynomial,
    MultiFeature,
    Quadratic,
    QuadraticFeature,
    RandomTensor,
    ReLUOfQuadratic,
    Sparse,
    make_feature,
)
from layerwise.targets.facts import IndependentSumFacts, MonteCarloFacts, PolynomialFacts, RadialFacts

FEATURES = [
    BalancedSum(7, 1),
    BalancedSum(7, 2, weights="ones"),
    BalancedSum(7, 3, weights="random", rotate=True, random_state=0),
    BalancedSum(7, 3, weights=[1, 2, 3, 0, 0, 1, -4.0]),
    BalancedSum(7, 3, "product"),
    BalancedSum(8, 2, "product", n_terms=3, rotate=True, random_state=1),
    Sparse(7, 3),
    Sparse(7, 3, 1, "product"),
    RandomTensor(5, 3, random_state=2),
    RandomTensor(4, 4, rotate=True, random_state=3),
    Quadratic(7),
    Quadratic(6, "orthogonal", random_state=4),
    Quadratic(6, "gaussian", rotate=True, random_state=5),
    Quadratic(3, [[1, 1, 0], [1, 0, 0], [0, 0, -1]]),
]


@pytest.mark.parametrize("p", FEATURES, ids=repr)
def test_features_have_one_degree_and_variance_one(p):
    energies = p.polynomial().degree_energies()
    assert len(energies) == p.degree + 1
    assert np.allclose(energies, np.eye(1, p.degree + 1, p.degree)[0], atol=1e-12)
    X = np.random.default_rng(0).standard_normal((20, p.dim))
    assert np.allclose(p(X), p.polynomial()(X))
    if p.components is not None:
        Z = X @ p.relevant_subspace.T
        pieces = sum(c.weight * c.polynomial(Z[:, c.axes]) for c in p.components)
        assert np.allclose(pieces, p(X))
        axes = [axis for c in p.components for axis in c.axes]
        assert len(axes) == len(set(axes))


@pytest.mark.parametrize("matrix", ["alternating", "gaussian", "orthogonal"])
@pytest.mark.parametrize("dim", [4, 10, 40])
def test_quadratic_has_trace_zero_unit_variance_and_small_operator_norm(matrix, dim):
    p = Quadratic(dim, matrix, random_state=0)
    A = p.matrix
    X = np.random.default_rng(1).standard_normal((9, dim))
    assert np.allclose(np.einsum("ni,ij,nj->n", X, A, X), p(X))
    assert abs(np.trace(A)) < 1e-12
    assert np.isclose(2 * np.sum(A**2), 1.0)
    assert np.linalg.norm(A, 2) * np.sqrt(dim) < 2.5
    if matrix == "orthogonal":
        assert np.allclose(A[: dim // 2, : dim // 2], 0)
        Q = A[: dim // 2, dim // 2 :] * np.sqrt(2 * dim)
        assert np.allclose(Q @ Q.T, np.eye(dim // 2))


def test_quadratic_on_the_sphere():
    # E (x'Ax)^2 = 2 d / (d + 2) |A|_F^2 on the sphere of radius sqrt(d). 6 standard errors.
    p = Quadratic(6, "gaussian", random_state=0)
    _, y = p.sample(200_000, random_state=1, inputs="sphere")
    assert abs(np.mean(y**2) - 6 / 8) <= 6 * np.std(y**2) / np.sqrt(200_000)


@given(weights=st.lists(st.floats(-3, 3), min_size=1, max_size=6).filter(lambda w: np.linalg.norm(w) > 0.1))
def test_balanced_weights_are_rescaled(weights):
    p = BalancedSum(len(weights), 2, weights=weights)
    assert np.isclose(np.sum(p.weights**2), len(weights))
    assert np.isclose(p.variance, 1.0)


# C_d, and the share of the variance in degree 3, of h = C_d p^3, p = sum_i ± d^(-1/2) h_3(x_i) (Wang et al. 2023).
CUBES = [(16, 0.057355, 0.245), (24, 0.078522, 0.281), (32, 0.096074, 0.312), (40, 0.110778, 0.338)]


class TestCubeOfCubic:
    @pytest.mark.parametrize(("dim", "constant", "share"), CUBES)
    def test_table(self, dim, constant, share):
        h = Hierarchical(dim, {"name": "balanced_sum", "degree": 3}, "cube", normalize=True)
        sixth = (53745 * dim + 1395 * dim * (dim - 1) + 15 * dim * (dim - 1) * (dim - 2)) / dim**3
        assert np.isclose(h.scale, sixth**-0.5, rtol=1e-12)
        assert abs(h.scale - constant) < 1e-6
        energies, std = h.degree_energies(9, return_std=True)
        assert not np.any(std)
        assert np.isclose(energies.sum(), 1.0, rtol=1e-12)
        assert np.isclose(energies[3], (h.scale * (3 + 90 / dim)) ** 2, rtol=1e-12)
        assert abs(energies[3] - share) < 5e-4  # the table has three digits
        assert np.allclose(energies[[0, 2, 4]], 0, atol=1e-14)
        assert h.information_exponent == 1  # E_1 > 0: not 3

    @pytest.mark.parametrize("dim", [16, 24])
    def test_projection_on_degree_three_is_the_feature(self, dim):
        h = Hierarchical(dim, {"name": "balanced_sum", "degree": 3}, "cube", normalize=True)
        full = h.polynomial()
        assert full.project(3).isclose(h.feature.polynomial() * (h.scale * (3 + 90 / dim)), rtol=1e-10)
        assert np.allclose(full.degree_energies(), h.degree_energies(9), atol=1e-10)
        X = np.random.default_rng(0).standard_normal((10, dim))
        assert np.allclose(full(X), h(X))

    def test_energies_do_not_depend_on_signs_or_rotation(self):
        first = Hierarchical(16, {"name": "balanced_sum", "weights": "ones"}, "cube", normalize=True)
        second = Hierarchical(16, "balanced_sum", "cube", normalize=True, rotate=True, random_state=0)
        assert np.allclose(first.degree_energies(9), second.degree_energies(9))


class TestApproximateStein:
    """``P_k h`` is nearly ``E[g'(z)] p`` (Wang et al. 2023): g = z + .7 h_2 + .7 h_3 has E g'(z) = 1."""

    DIMS = (8, 16, 32)

    def errors(self, feature):
        """Over DIMS: ``|P_{<k} h|``, ``|P_k h - p|`` and cos(P_k h, p)."""
        rows = []
        for dim in self.DIMS:
            h = Hierarchical(dim, feature, [0, 1, 0.7, 0.7])
            p, whole = h.feature.polynomial(), h.polynomial()
            part = whole.project(h.feature.degree)
            rows.append([whole.truncate(h.feature.degree - 1).norm(), (part - p).norm(), part.inner(p) / part.norm()])
        return np.array(rows).T

    def slope(self, values):
        return np.polyfit(np.log(self.DIMS), np.log(values), 1)[0]

    @pytest.mark.parametrize(
        "feature",
        [
            {"degree": 2},
            {"degree": 2, "weights": "ones"},
            {"degree": 2, "kind": "product"},
            {"degree": 3},
        ],
        ids=str,
    )
    def test_balanced_sums(self, feature):
        """A product or projection without a cross term: both errors are O(d^(-1/2)), and the cosine tends to 1."""
        below, off, cosine = self.errors({"name": "balanced_sum"} | feature)
        assert self.slope(off) <= -0.45
        assert np.all(below < 1e-12) or self.slope(below) <= -0.45
        assert np.all(1 - cosine < 1e-12) or self.slope(1 - cosine) <= -0.45
        assert cosine[-1] > 0.97

    def test_the_errors_of_a_quadratic_feature_exactly(self):
        """p = sum_i s_i h_2(x_i) / sqrt d: P_2 h_2(p) = (2/d) sum_i h_2(x_i), and P_2 h_3(p) = 12 / (sqrt 6 d) p."""
        for dim in self.DIMS:
            h = Hierarchical(dim, {"name": "balanced_sum", "degree": 2}, [0, 1, 0.7, 0.7])
            p, all_plus = h.feature.polynomial(), BalancedSum(dim, 2, weights="ones").polynomial()
            expected = p * (1 + 0.7 * 12 / (np.sqrt(6) * dim)) + all_plus * (0.7 * 2 / np.sqrt(dim))
            assert h.polynomial().project(2).isclose(expected)

    def test_the_error_of_a_sparse_sum_does_not_decay(self):
        """L = 2 for all d violates the assumption: the error remains, twice as large as p."""
        _, off, cosine = self.errors({"name": "sparse", "degree": 2})
        assert np.allclose(off, off[0], rtol=1e-10)
        assert off[0] > 1.9
        assert np.all(cosine < 0.95)


def test_the_target_t1():
    # T1: y = p + (p^3 - 3p) / (2 sqrt(6)) = p + h_3(p) / 2, p = sum_i ± (x_i^2 - 1) / sqrt(2 d).
    h = Hierarchical(20, {"name": "balanced_sum", "degree": 2}, [0, 1, 0, 0.5])
    X = np.random.default_rng(0).standard_normal((50, 20))
    p = ((X**2 - 1) / np.sqrt(40)) @ (-1.0) ** np.arange(20)
    assert np.allclose(h.feature(X), p)
    assert np.allclose(h(X), p + 0.5 * (p**3 - 3 * p) / np.sqrt(6))
    assert np.allclose(h(X), h.link(h.feature(X)))


def test_the_most_exact_method_is_used():
    assert isinstance(Hierarchical(200).facts, IndependentSumFacts)
    assert isinstance(QuadraticFeature(30, "relu", "orthogonal", random_state=0).facts, RadialFacts)
    assert isinstance(QuadraticFeature(12, [0, 0, 1], "gaussian", random_state=0).facts, IndependentSumFacts)
    assert isinstance(Hierarchical(6, "random_tensor", "h2", random_state=0).facts, PolynomialFacts)
    assert isinstance(QuadraticFeature(8, "relu", "gaussian", random_state=0).facts, MonteCarloFacts)


@pytest.mark.parametrize("name", ["balanced_sum", "random_tensor", "quadratic", "sparse"])
def test_normalize_and_rotation_of_the_feature(name):
    h = Hierarchical(6, name, [0, 1, 0.5], normalize=True, rotate=True, random_state=0)
    assert np.isclose(h.variance + h.mean**2, 1.0)
    X = np.random.default_rng(0).standard_normal((8, 6))
    assert np.allclose(h(X), h.link(h.feature(X)))
    assert np.allclose(h(X), h.polynomial()(X))
    assert np.allclose(h.feature(X), h.feature.polynomial()(X))


class TestReLUOfQuadratic:
    @pytest.mark.parametrize(("dim", "left"), [(8, 0.2065), (16, 0.2333), (32, 0.2490), (64, 0.2575)])
    def test_the_residual_of_the_quadratic_part(self, dim, left):
        f = ReLUOfQuadratic(dim, random_state=0)
        energies = f.degree_energies(4)
        assert abs(f.mean) < 1e-14
        assert abs(1 - energies[2] / f.variance - left) < 1e-4
        assert np.allclose(energies[[1, 3]], 0)
        # <f, x'Ax> = 1/2, so the part of P_2 f along x'Ax is x'Ax / 2.
        assert np.isclose(np.sum(f.expected_hessian() * f.matrix), 0.5)

    def test_limit(self):
        f = ReLUOfQuadratic(2000, random_state=0)
        assert abs(f.offset - 1 / np.sqrt(2 * np.pi)) < 1e-4
        assert abs(1 - f.degree_energies(2)[2] / f.variance - 0.2665) < 5e-4

    def test_values(self):
        f = ReLUOfQuadratic(6, random_state=3)
        X = np.random.default_rng(0).standard_normal((9, 6))
        assert np.allclose(f(X), np.maximum(np.einsum("ni,ij,nj->n", X, f.matrix, X), 0) - f.offset)


class TestMultiFeature:
    def test_product_of_blocks(self):
        f = MultiFeature(8, {"name": "balanced_sum", "degree": 2})
        X = np.random.default_rng(0).standard_normal((9, 8))
        P = f.transform(X)
        assert np.allclose(P[:, 0], BalancedSum(4, 2)(X[:, :4]))
        assert np.allclose(P[:, 1], BalancedSum(4, 2)(X[:, 4:]))
        assert np.allclose(f(X), P[:, 0] * P[:, 1])
        assert np.allclose(f.degree_energies(6), [0, 0, 0, 0, 1, 0, 0])

    def test_features_on_all_inputs(self):
        f = MultiFeature(
            6, ["balanced_sum", {"name": "quadratic", "matrix": "gaussian"}], link="staircase", random_state=0
        )
        X = np.random.default_rng(0).standard_normal((9, 6))
        P = np.stack([p(X) for p in f.features], axis=1)
        assert np.allclose(f.transform(X), P)
        assert np.allclose(f(X), (P[:, 0] + P[:, 0] * P[:, 1]) / np.sqrt(2))


class TestDeepLowRank:
    @settings(max_examples=20, deadline=None)
    @given(seed=st.integers(0, 1000), q=st.integers(1, 3), p=st.integers(1, 3), linear=st.booleans())
    def test_normalisation(self, seed, q, p, linear):
        f = DeepLowRank(6, 1, 2, 1, q, p, linear_terms=linear, directions="random", random_state=seed)
        X = np.random.default_rng(seed).standard_normal((5, 6))
        inner = np.einsum("nsc,sc->ns", f.features(X), f.inner_weights)
        expected = inner**p @ f.outer_weights + np.einsum("nsc,sc->n", f.features(X), f.linear_weights)
        assert np.allclose(f(X), expected)
        plain = DeepLowRank(6, 1, 2, 1, q, p, directions="random", random_state=seed)
        assert np.isclose(plain.variance + plain.mean**2, 1.0)  # E (beta.g)^{2p} = 1
        assert np.allclose(f._polynomial(X @ f.relevant_subspace.T), f(X))

    def test_features_are_normalised_low_rank_polynomials(self):
        f = DeepLowRank(5, 1, 2, 1, 3, 2)
        X = np.random.default_rng(0).standard_normal((5, 5))
        assert np.allclose(f.features(X)[:, 0, 0], LowRankPolynomial(5, 1, 3)(X))

    def test_linear_terms_lower_the_information_exponent(self):
        assert DeepLowRank(4, inner_degree=2, outer_degree=2).degree_energies(2)[2] < 0.5
        assert DeepLowRank(4, linear_terms=True).degree_energies(2)[2] > 1.0


def test_low_rank_terms_have_second_moment_one():
    f = LowRankPolynomial(4, 1, 3)
    assert np.isclose(f.variance + f.mean**2, 1.0)
    g = LowRankPolynomial(4, 1, 3, directions=f.directions * 0.5)
    X = np.random.default_rng(0).standard_normal((5, 4))
    assert np.allclose(g(X), f(X) / 8)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: BalancedSum(5, 2, "matrix"), ValueError, "kind='matrix'"),
        (lambda: BalancedSum(5, 2, n_terms=6), ValueError, "n_terms=6 must be <= 5"),
        (lambda: BalancedSum(2, 3, "product"), ValueError, "dim=2. Raise dim"),
        (lambda: BalancedSum(5, weights="plus"), ValueError, "weights='plus'"),
        (lambda: BalancedSum(5, weights=[1, 2]), ValueError, "must be 5 numbers"),
        (lambda: RandomTensor(100, 4), ValueError, "4.42e\\+06 coefficients"),
        (lambda: Quadratic(1), ValueError, "must be >= 2"),
        (lambda: Quadratic(3, "orthogonal"), ValueError, "odd"),
        (lambda: Quadratic(2, np.eye(2)), ValueError, "trace 2"),
        (lambda: Quadratic(2, [[1, 1], [0, -1]]), ValueError, "not symmetric"),
        (lambda: Quadratic(2, "diagonal"), ValueError, "matrix='diagonal'"),
        (lambda: Hierarchical(5, "balance"), ValueError, "Did you mean 'balanced_sum'"),
        (lambda: Hierarchical(5, {"name": "sparse", "terms": 3}), TypeError, "Did you mean 'n_terms'"),
        (lambda: Hierarchical(5, BalancedSum(4)), ValueError, "has 4 inputs; it must have dim=5"),
        (lambda: Hierarchical(5, 3), TypeError, "feature=3 must be a name"),
        (lambda: ExcessOfLoss(5).polynomial(), ValueError, "must be a polynomial"),
        (
            lambda: Hierarchical(40, "random_tensor", "cube", random_state=0).polynomial(),
            ValueError,
            "products of terms",
        ),
        (lambda: ReLUOfQuadratic(5), ValueError, "odd"),
        (lambda: MultiFeature(5, []), ValueError, "empty"),
        (lambda: MultiFeature(2, n_features=3), ValueError, "n_features=3 must be <= dim=2"),
        (lambda: make_feature({"degree": 2}, 5), TypeError, "'name'"),
    ],
)
def test_messages_name_the_argument(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_a_hermite_series_is_a_link():
    assert Hierarchical(5, "sparse", HermiteSeries.basis(2)).variance == pytest.approx(
        Hierarchical(5, "sparse", "h2").variance
    )
