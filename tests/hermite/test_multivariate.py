"""multi_indices and design_matrix against enumeration and literal products."""

from itertools import product
from math import comb

import numpy as np
import pytest

from layerwise.hermite import design_matrix, gaussian_rule, hermite_values, multi_indices, multivariate, n_terms

SHAPES = [(1, 0), (1, 5), (2, 4), (3, 3), (4, 1), (5, 2), (6, 4)]


def literal_design(X, degree):
    """One column per multi-index, each the product of its univariate values."""
    values = hermite_values(X, degree)
    indices = multi_indices(X.shape[1], degree)
    return np.stack([np.prod([values[e, :, i] for i, e in enumerate(a)], axis=0) for a in indices], axis=1)


@pytest.mark.parametrize(("dim", "degree"), SHAPES)
def test_multi_indices_are_complete_and_in_graded_colexicographic_order(dim, degree):
    """Catches a missing or repeated index, and lexicographic order: design_matrix relies on the blocks."""
    every = [a for a in product(range(degree + 1), repeat=dim) if sum(a) <= degree]
    every.sort(key=lambda a: (sum(a), a[::-1]))
    assert n_terms(dim, degree) == len(every) == comb(dim + degree, degree)
    np.testing.assert_array_equal(multi_indices(dim, degree), every)


@pytest.mark.parametrize(("dim", "degree"), SHAPES)
def test_rank_is_the_position(dim, degree):
    """Catches an off-by-one in the count of indices below a given one (to_dense would scatter)."""
    indices = multi_indices(dim, degree)
    shuffle = np.random.default_rng(0).permutation(len(indices))
    np.testing.assert_array_equal(multivariate.index_ranks(indices[shuffle]), shuffle)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("dim", "degree"), SHAPES)
def test_design_matrix_against_literal_products(dim, degree, dtype, monkeypatch):
    """Catches a block with misplaced prefixes, and an error in a shorter last block of rows."""
    monkeypatch.setattr(multivariate, "CACHE", 0)  # blocks of 128 rows
    X = np.random.default_rng(1).standard_normal((300, dim)).astype(dtype)
    H = design_matrix(X, degree)
    assert H.dtype == dtype
    assert H.flags.f_contiguous
    np.testing.assert_allclose(H, literal_design(X, degree), rtol=1e-13 if dtype is np.float64 else 1e-5)


@pytest.mark.parametrize("order", ["C", "F"])
def test_out_is_filled_and_returned(order):
    """Catches a new array returned, or a copy of a row-major ``out`` filled instead."""
    X = np.random.default_rng(2).standard_normal((40, 3))
    out = np.full((40, n_terms(3, 3)), np.nan, order=order)
    assert design_matrix(X, 3, out=out, max_memory=0) is out
    np.testing.assert_array_equal(out, design_matrix(X, 3))


def test_columns_are_orthonormal_under_the_gaussian():
    """Catches a normalisation by alpha! instead of sqrt(alpha!)."""
    nodes, weights = gaussian_rule(5)
    grid = np.stack([axis.ravel() for axis in np.meshgrid(nodes, nodes, nodes)], axis=1)
    weight = np.prod(np.stack([axis.ravel() for axis in np.meshgrid(weights, weights, weights)]), axis=0)
    H = design_matrix(grid, 4)
    np.testing.assert_allclose(H.T @ (H * weight[:, None]), np.eye(n_terms(3, 4)), atol=1e-12)


def test_no_rows_lists_and_non_contiguous_points():
    """Catches assumptions about the layout of X."""
    assert design_matrix(np.empty((0, 3)), 2).shape == (0, 10)
    assert design_matrix([[1, 2]], 1).tolist() == [[1.0, 1.0, 2.0]]
    X = np.random.default_rng(3).standard_normal((20, 8))
    np.testing.assert_array_equal(design_matrix(X[::2, ::-2], 3), design_matrix(X[::2, ::-2].copy(), 3))


def test_too_much_memory_is_refused_with_advice():
    """Catches an attempt to allocate petabytes: the size must be checked before the allocation."""
    with pytest.raises(ValueError, match=r"degree=7 with 300 inputs needs a basis of 4.76e\+13 columns") as refusal:
        design_matrix(np.zeros((1000, 300)), 7)
    assert "3.8e+17 bytes for 1000 rows" in str(refusal.value)
    assert "more than max_memory=8 GiB" in str(refusal.value)
    assert "degree_kernel" in str(refusal.value)
    with pytest.raises(ValueError, match=r"more than max_memory=7\.45e-06 GiB. Pass X by row blocks"):
        design_matrix(np.zeros((100, 3)), 2, max_memory=100 * 10 * 8 - 1)
    assert design_matrix(np.zeros((100, 3)), 2, max_memory=100 * 10 * 8).shape == (100, 10)
    with pytest.raises(ValueError, match="degree=7 in 300 variables has"):
        multi_indices(300, 7)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: design_matrix(np.zeros(3), 2), ValueError, r"X has shape \(3,\); it must be 2-dimensional"),
        (lambda: design_matrix(np.zeros((3, 0)), 2), ValueError, r"n_features >= 1"),
        (lambda: design_matrix(np.zeros((3, 2), complex), 2), TypeError, "X has dtype complex128"),
        (lambda: design_matrix(np.zeros((3, 2)), -1), ValueError, "degree=-1 is too small"),
        (lambda: design_matrix(np.zeros((3, 2)), 1, out=np.zeros((3, 2))), ValueError, r"must have shape \(3, 3\)"),
        (lambda: design_matrix(np.zeros((3, 2)), 1, out=np.zeros((3, 3), "f")), ValueError, "dtype float32"),
        (lambda: multi_indices(0, 2), ValueError, "dim=0 is too small; it must be >= 1"),
        (lambda: n_terms(2, "3"), TypeError, "degree='3' is of type str"),
    ],
)
def test_invalid_input_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()
