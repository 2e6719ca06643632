"""HermitePolynomial: algebra and calculus against values, quadrature and exact laws."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerwise.hermite import (
    HermitePolynomial,
    HermiteSeries,
    _sparse,
    design_matrix,
    gaussian_rule,
    multi_indices,
    n_terms,
)

seeds = st.integers(0, 2**32 - 1)


@st.composite
def polynomials(draw, dim=None, max_degree=4):
    """A polynomial with a random subset of its terms, in 1 to 4 variables."""
    dim = draw(st.integers(1, 4)) if dim is None else dim
    degree = draw(st.integers(0, max_degree))
    rng = np.random.default_rng(draw(seeds))
    coefficients = rng.standard_normal(n_terms(dim, degree)) * (rng.random(n_terms(dim, degree)) < 0.6)
    return HermitePolynomial.from_dense(dim, degree, coefficients)


def pair(max_degree=4):
    return st.integers(1, 4).flatmap(lambda dim: st.tuples(polynomials(dim, max_degree), polynomials(dim, max_degree)))


def points(dim, n=50, seed=0):
    return np.random.default_rng(seed).standard_normal((n, dim))


def orthonormal_rows(rng, r, d):
    return np.linalg.qr(rng.standard_normal((d, r)))[0].T


def assert_same_values(found, expected):
    np.testing.assert_allclose(found, expected, atol=1e-10 * (1 + np.abs(expected).max()))


def grid(dim, n_nodes):
    nodes, weights = gaussian_rule(n_nodes)
    X = np.stack([a.ravel() for a in np.meshgrid(*[nodes] * dim)], axis=1)
    return X, np.prod(np.stack([a.ravel() for a in np.meshgrid(*[weights] * dim)]), axis=0)


# -- representation --------------------------------------------------------------------------------------


def test_canonical_form():
    """Catches duplicates that are not merged, zeros kept, or an order other than that of multi_indices."""
    order = np.random.default_rng(0).permutation(n_terms(3, 4))
    shuffled = multi_indices(3, 4)[order]
    p = HermitePolynomial(np.concatenate([shuffled, shuffled]), np.concatenate([order + 1.0, order + 1.0]))
    np.testing.assert_array_equal(p.exponents, multi_indices(3, 4))
    np.testing.assert_array_equal(p.coefficients, 2 * np.arange(1.0, n_terms(3, 4) + 1))
    assert len((p - p).coefficients) == 0
    assert HermitePolynomial([[300, 0], [0, 299], [1, 299]], [1.0, 2.0, 3.0]).coefficients.tolist() == [2, 1, 3]


@given(polynomials())
def test_dense_round_trip_and_evaluation_against_the_design_matrix(p):
    """Catches misplaced coefficients, and an evaluation that loses a shared prefix."""
    degree = p.degree + 1
    again = HermitePolynomial.from_dense(p.dim, degree, p.to_dense(degree))
    np.testing.assert_array_equal(again.exponents, p.exponents)
    np.testing.assert_array_equal(again.coefficients, p.coefficients)
    X = points(p.dim)
    assert_same_values(p(X), design_matrix(X, degree) @ p.to_dense(degree))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_evaluation_over_many_row_blocks_keeps_dtype(dtype, monkeypatch):
    """Catches rows lost between two blocks, and float32 promoted by the coefficients."""
    monkeypatch.setattr(_sparse, "CACHE", 0)  # blocks of 64 rows
    p = HermitePolynomial.from_dense(5, 4, np.random.default_rng(1).standard_normal(n_terms(5, 4)))
    X = points(5, 200).astype(dtype)
    expected = design_matrix(X.astype(np.float64), 4) @ p.to_dense()
    found = p(X)
    assert found.dtype == dtype
    np.testing.assert_allclose(found, expected, atol=1e-4 if dtype is np.float32 else 1e-12)


def test_zero_and_constant_polynomials_and_no_points():
    """Catches an evaluation that requires at least one term or one row."""
    X = points(3)
    assert (HermitePolynomial.zero(3)(X) == 0).all()
    assert (HermitePolynomial.constant(3, 2.5)(X) == 2.5).all()
    assert HermitePolynomial.zero(3).degree == 0
    assert HermitePolynomial.zero(3).degree_energies().tolist() == [0]
    assert HermitePolynomial.basis([1, 0, 2])(X[:0]).shape == (0,)
    assert (HermitePolynomial.zero(3) * HermitePolynomial.basis([1, 0, 2])).norm() == 0
    assert_same_values(HermitePolynomial.basis([1, 0, 2])(X), X[:, 0] * (X[:, 2] ** 2 - 1) / np.sqrt(2))


def test_polynomials_are_immutable_and_pickle_after_use():
    """Catches a shared buffer, and a cached evaluator that cannot be pickled."""
    p = HermitePolynomial.basis([1, 2])
    p(points(2))
    with pytest.raises(ValueError, match="read-only"):
        p.coefficients[0] = 2
    assert pickle.loads(pickle.dumps(p)).isclose(p)


# -- algebra ---------------------------------------------------------------------------------------------


@given(pair())
def test_algebra_acts_on_values(two):
    """Catches a variable skipped or expanded twice in the linearisation of a product."""
    p, q = two
    X = points(p.dim)
    assert_same_values((p + q)(X), p(X) + q(X))
    assert_same_values((p * q)(X), p(X) * q(X))
    assert_same_values((2 - p * 3.0 + np.float64(1) - (-q) / 2)(X), 3 - 3 * p(X) + q(X) / 2)
    assert (p * q).isclose(q * p)


def test_a_product_in_chunks_is_the_product(monkeypatch):
    """Catches terms lost or doubled between chunks of pairs."""
    rng = np.random.default_rng(2)
    p, q = (HermitePolynomial.from_dense(3, 4, rng.standard_normal(n_terms(3, 4))) for _ in range(2))
    whole = p * q
    monkeypatch.setattr(_sparse, "CHUNK", 1)
    assert (p * q).isclose(whole, rtol=1e-14)


@given(pair())
def test_inner_product_is_the_mean_of_the_product(two):
    """Catches an inner product that pairs terms by position instead of by index."""
    p, q = two
    np.testing.assert_allclose(p.inner(q), (p * q).mean, atol=1e-10)
    np.testing.assert_allclose(p.inner(p), p.norm() ** 2)
    np.testing.assert_allclose(p.variance, (p * p).mean - p.mean**2, atol=1e-9)


@given(polynomials())
def test_projections_are_orthogonal_and_complete(p):
    """Catches projection by the largest exponent instead of the total degree: P_j P_k = 0, sum_k P_k = 1."""
    parts = [p.project(k) for k in range(p.degree + 1)]
    total = HermitePolynomial.zero(p.dim)
    for k, part in enumerate(parts):
        total = total + part
        assert (part.exponents.sum(axis=1) == k).all()
        assert part.project(k).isclose(part)
        assert all(part.project(j).norm() == 0 for j in range(p.degree + 2) if j != k)
        assert p.truncate(k).isclose(total)
        np.testing.assert_allclose(p.degree_energies()[k], part.norm() ** 2)
    assert total.isclose(p)


@given(polynomials(max_degree=2), st.integers(0, 3), seeds)
def test_composition_acts_on_values(p, degree, seed):
    """Catches g o p with a step of the recurrence off by one."""
    p = p / max(p.norm(), 1e-3)
    g = HermiteSeries(np.random.default_rng(seed).standard_normal(degree + 1))
    X = points(p.dim)
    assert_same_values(p.compose(g)(X), g(p(X)))


@given(polynomials())
def test_hypercontractivity(p):
    """Catches a product with coefficients too large: E f^4 <= 9^k (E f^2)^2 for degree k."""
    assert (p * p).norm() ** 2 <= 9**p.degree * p.norm() ** 4 * (1 + 1e-12)


@pytest.mark.parametrize(
    ("d", "c_d", "share"), [(16, 0.057355, 0.245), (24, 0.078522, 0.281), (32, 0.096074, 0.312), (40, 0.110778, 0.338)]
)
def test_cube_of_a_cubic_feature(d, c_d, share):
    """Catches any error in linearisation: P_3 h = C_d (3 + 90/d) p and P_0 h = P_2 h = 0 for h = C_d p^3."""
    signs = np.random.default_rng(d).choice([-1.0, 1.0], d)
    p = HermitePolynomial(3 * np.eye(d, dtype=int), signs / np.sqrt(d))
    scale = (p.compose(HermiteSeries.from_monomials([0, 0, 0, 1]))).norm() ** -1.0
    sixth_moment = (53745 * d + 1395 * d * (d - 1) + 15 * d * (d - 1) * (d - 2)) / d**3
    np.testing.assert_allclose([scale, scale], [sixth_moment**-0.5, c_d], atol=5e-7)
    np.testing.assert_allclose(scale, sixth_moment**-0.5, rtol=1e-14)
    h = p.compose(HermiteSeries.from_monomials([0, 0, 0, scale]))
    assert h.project(3).isclose(p * (scale * (3 + 90 / d)), rtol=1e-13)
    assert h.project(0).norm() == 0
    assert h.project(2).norm() == 0
    assert abs(h.degree_energies()[3] / h.variance - share) < 5e-4
    X = points(d, 20)
    np.testing.assert_allclose(h(X), scale * p(X) ** 3, atol=1e-11)


# -- calculus --------------------------------------------------------------------------------------------


@given(polynomials())
def test_gradient_against_finite_differences(p):
    """Catches alpha_i instead of sqrt(alpha_i), and a derivative in the wrong variable."""
    X, step = points(p.dim, 20), 1e-5
    for i, derivative in enumerate(p.gradient()):
        e = step * np.eye(p.dim)[i]
        slope = (p(X + e) - p(X - e)) / (2 * step)
        np.testing.assert_allclose(derivative(X), slope, atol=1e-6 * (1 + np.abs(slope).max()))


@given(polynomials())
def test_stein(p):
    """Catches a Hessian diagonal without sqrt(2): E f x = E grad f, E f (xx' - I) = E Hessian f."""
    X, w = grid(p.dim, 4)
    weighted = w * p(X)
    gradient = [g.mean for g in p.gradient()]
    hessian = [[p.derivative(i).derivative(j).mean for j in range(p.dim)] for i in range(p.dim)]
    np.testing.assert_allclose(p.expected_gradient(), gradient, atol=1e-12)
    np.testing.assert_allclose(p.expected_gradient(), X.T @ weighted, atol=1e-10)
    np.testing.assert_allclose(p.expected_hessian(), hessian, atol=1e-12)
    by_stein = X.T @ (X * weighted[:, None]) - weighted.sum() * np.eye(p.dim)
    np.testing.assert_allclose(p.expected_hessian(), by_stein, atol=1e-10)


# -- rotation --------------------------------------------------------------------------------------------


@given(polynomials(), st.integers(0, 2), seeds)
def test_rotation_acts_on_points_keeps_norms_and_commutes_with_projection(p, more, seed):
    """Catches U instead of its transpose, and a missing factor sqrt(alpha!) in the Wick substitution."""
    U = orthonormal_rows(np.random.default_rng(seed), p.dim, p.dim + more)
    turned = p.rotate(U)
    X = points(p.dim + more)
    assert turned.dim == p.dim + more
    assert_same_values(turned(X), p(X @ U.T))
    np.testing.assert_allclose(turned.degree_energies()[: p.degree + 1], p.degree_energies(), atol=1e-12)
    for k in range(p.degree + 1):
        assert turned.project(k).isclose(p.project(k).rotate(U), atol=1e-12)
    if more == 0:
        assert turned.rotate(U.T).isclose(p, atol=1e-12)


def test_signed_permutations_and_embeddings_map_terms_to_terms():
    """Catches a dense detour (degree 9 in 40 variables has 2e9 terms) and lost signs."""
    p = HermitePolynomial([[9, 0], [2, 3]], [1.0, 2.0])
    U = np.zeros((2, 40))
    U[0, 31], U[1, 4] = -1, 1
    turned = p.rotate(U)
    assert len(turned.coefficients) == 2
    X = points(40)
    assert_same_values(turned(X), p(X @ U.T))


@given(st.integers(1, 6), st.integers(0, 6), seeds)
def test_ridge_functions(dim, degree, seed):
    """Catches sqrt(k!/beta!) inverted: the values must be series(u.x) for any direction."""
    rng = np.random.default_rng(seed)
    u = orthonormal_rows(rng, 1, dim)[0]
    series = HermiteSeries(rng.standard_normal(degree + 1))
    ridge = HermitePolynomial.ridge(u, series)
    X = points(dim)
    assert_same_values(ridge(X), series(X @ u))
    np.testing.assert_allclose(ridge.degree_energies(), series.energies, atol=1e-12)


# -- refusals --------------------------------------------------------------------------------------------

P = HermitePolynomial.basis([1, 2])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: HermitePolynomial([1, 2], [1.0]), ValueError, r"exponents has shape \(2,\)"),
        (lambda: HermitePolynomial([[1.0]], [1.0]), TypeError, "exponents has dtype float64; .* integers"),
        (lambda: HermitePolynomial([[-1]], [1.0]), ValueError, "exponents range from -1 .* must be >= 0"),
        (lambda: HermitePolynomial([[9000]], [1.0]), ValueError, "total degree of 9000"),
        (lambda: HermitePolynomial([[1]], [1.0, 2.0]), ValueError, "1 rows and coefficients 2 entries"),
        (lambda: HermitePolynomial([[1]], [np.nan]), ValueError, "coefficients contains NaN"),
        (lambda: HermitePolynomial.zero(0), ValueError, "dim=0 is too small"),
        (lambda: HermitePolynomial.from_dense(2, 2, np.ones(5)), ValueError, "has 5 entries; 6 are needed"),
        (lambda: P.to_dense(2), ValueError, "degree=2 is below the polynomial's degree 3"),
        (lambda: P(np.zeros((4, 3))), ValueError, "X has 3 columns; 2 are needed"),
        (lambda: P(np.zeros(2)), ValueError, r"X has shape \(2,\)"),
        (lambda: P.project(-1), ValueError, "k=-1 is too small"),
        (lambda: P.derivative(2), ValueError, r"i=2 must be in 0\.\.1"),
        (lambda: P + HermitePolynomial.zero(3), ValueError, "have 2 and 3 variables"),
        (lambda: P.inner(HermitePolynomial.zero(3)), ValueError, "have 2 and 3 variables"),
        (lambda: P.rotate(np.ones((2, 2))), ValueError, "differs from the identity by 2; .* orthonormal"),
        (lambda: P.rotate(np.full((2, 2), np.nan)), ValueError, "differs from the identity by nan"),
        (lambda: P.rotate(np.eye(3)), ValueError, "U has 3 rows; it must have one for each of the 2 variables"),
        (lambda: P.rotate(np.eye(2)[:, :1]), ValueError, "orthonormal"),
        (lambda: HermitePolynomial.ridge([1.0, 1.0], HermiteSeries.basis(2)), ValueError, "by its norm"),
        (
            lambda: HermitePolynomial.ridge(np.full(100, 0.1), HermiteSeries.basis(9)),
            ValueError,
            "rotating a polynomial of degree 9 into 100 variables needs .* GiB",
        ),
        (lambda: P * "a", TypeError, "unsupported operand|can't multiply"),
        (lambda: P * np.ones(2), TypeError, "unsupported operand|does not support"),
    ],
)
def test_invalid_input_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_too_large_a_product_is_refused(monkeypatch):
    """Catches a product that would run for hours before it fails."""
    monkeypatch.setattr(_sparse, "MAX_PAIRS", 99)
    p = HermitePolynomial.from_dense(3, 2, np.ones(10))
    with pytest.raises(ValueError, match="a product of 10 by 10 terms forms 1e\\+02 pairs"):
        p * p
