"""The structure of a feature polynomial, against evaluation of its tensor and constructions with known pieces."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layerwise.hermite import HermitePolynomial, HermiteSeries, multi_indices
from layerwise.targets import BalancedSum, RandomTensor
from layerwise.targets.directions import haar_rotation
from layerwise.theory.feature_structure import feature_structure, interpolate, symmetric_tensor


@pytest.mark.parametrize("degree", [1, 2, 3, 4])
def test_tensor_contracted_with_a_direction(degree):
    # <A, u^(x)k> = E p h_k(u.x): catches a wrong factorial or a missing permutation of the indices.
    rng = np.random.default_rng(degree)
    exponents = multi_indices(4, degree)
    p = HermitePolynomial(exponents, rng.standard_normal(len(exponents)))
    A, u = symmetric_tensor(p), rng.standard_normal(4)
    u /= np.linalg.norm(u)
    ridge = HermitePolynomial.ridge(u, HermiteSeries.basis(degree))
    assert np.isclose(np.sum(A**2), p.degree_energies()[degree])
    for _ in range(degree):
        A = A @ u
    assert np.isclose(A, p.inner(ridge))


@settings(max_examples=25, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 3), min_size=1, max_size=4),
    seed=st.integers(0, 2**31),
)
def test_blocks_are_found_in_any_rotation(sizes, seed):
    # Generic cubic polynomials on orthogonal blocks of given sizes: one piece per block, whatever the rotation.
    rng, dim = np.random.default_rng(seed), sum(sizes) + 1
    total, energies = HermitePolynomial.zero(dim), []
    for start, size in zip(np.cumsum([0, *sizes[:-1]]), sizes, strict=True):
        alphas = multi_indices(size, 3)
        alphas = alphas[alphas.sum(axis=1) == 3]
        block = HermitePolynomial(alphas, rng.uniform(0.5, 2.0, len(alphas)) * rng.choice([-1, 1], len(alphas)))
        energies.append(block.variance)
        total = total + block.rotate(np.eye(size, dim, start))
    structure = feature_structure(total.rotate(haar_rotation(dim, rng)))
    assert structure.n_pieces == len(sizes)
    assert structure.largest_piece == max(sizes)
    assert np.isclose(structure.orthogonal_share, 1.0)
    assert np.isclose(structure.balance, np.sqrt(len(sizes) * max(energies) / sum(energies)))


def test_products_of_degree_four():
    p = BalancedSum(8, 4, "product", rotate=True, random_state=0).polynomial()
    structure = feature_structure(p)
    assert (structure.degree, structure.n_pieces, structure.largest_piece) == (4, 2, 4)


def test_quadratic_forms_split_into_eigenvectors():
    p = RandomTensor(10, 2, random_state=0).polynomial()
    structure = feature_structure(p)
    eigenvalues = np.linalg.eigvalsh(p.expected_hessian())
    assert structure.n_pieces == 10
    assert np.isclose(structure.balance, np.sqrt(10) * np.abs(eigenvalues).max() / np.linalg.norm(eigenvalues))


def test_interpolation_recovers_a_polynomial_and_refuses_others():
    p = HermitePolynomial([[0, 0, 0], [2, 1, 0], [0, 0, 1]], [0.3, -1.0, 2.0])
    found = interpolate(p, 3)
    assert found is not None
    assert found.isclose(p, rtol=1e-8)
    assert interpolate(lambda X: np.abs(X[:, 0]), 3) is None


def test_errors():
    with pytest.raises(ValueError, match="constant"):
        feature_structure(HermitePolynomial.constant(3, 1.0))
    with pytest.raises(ValueError, match="entries"):
        feature_structure(HermitePolynomial.basis([4] + [0] * 99))
