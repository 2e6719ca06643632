"""The structure of a feature polynomial: whether it is a balanced sum of pieces on orthogonal directions.

The part of degree k of p is a symmetric tensor A of order k, with ``P_k p = sum_alpha c_alpha h_alpha`` and

    A_{i_1 ... i_k} = c_alpha sqrt(alpha! / k!),   alpha = e_{i_1} + ... + e_{i_k},   |A|_F^2 = E (P_k p)^2,

so that ``h_k(v . x)`` has the tensor ``v (x) ... (x) v``. If p is a sum of pieces on mutually orthogonal subspaces, A
is block diagonal in a basis adapted to them. To find it (as Jennrich's algorithm does for orthogonal tensors):

1. the range of the unfolding of A, of shape (d, d^(k-1)), is spanned by the directions that p depends on;
2. the contraction of A with a random tensor of order k - 2 is a symmetric matrix with the same blocks, whose
   eigenvalues are distinct with probability 1, so that each of its eigenvectors belongs to one block;
3. in the basis of these eigenvectors, two of them belong to one piece if an entry of A involves both.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import permutations

import numpy as np
from scipy.sparse.csgraph import connected_components
from scipy.special import gammaln

from layerwise.hermite import HermitePolynomial, design_matrix, n_terms
from layerwise.inputs import Array

MAX_ENTRIES = 2**24  # largest size of the tensor: 128 MiB
MAX_BASIS = 3000  # coefficients of a callable feature, found by least squares
TOLERANCE = 1e-7  # relative to the norm of the tensor


@dataclass(frozen=True)
class FeatureStructure:
    """Constants of Assumption 4 of Wang, Nichani, Lee 2023 for a polynomial p.

    Attributes
    ----------
    degree : int
        k, the degree of p.
    mean, variance : float
        E p and Var p.
    pure_share : float
        ``|P_k p|^2 / Var p``: 1 if p has no part of lower degree.
    n_pieces : int
        L, the largest number of pieces of ``P_k p`` on mutually orthogonal subspaces.
    largest_piece : int
        Number of directions of the largest piece; the assumption allows k.
    orthogonal_share : float
        Share of ``|P_k p|^2`` in pieces of at most k directions.
    balance : float
        ``max_i |lambda_i|`` in ``P_k p = |P_k p| L^(-1/2) sum_i lambda_i psi_i``, ``sum_i lambda_i^2 = L``.
    """

    degree: int
    mean: float
    variance: float
    pure_share: float
    n_pieces: int
    largest_piece: int
    orthogonal_share: float
    balance: float


def feature_structure(p: HermitePolynomial) -> FeatureStructure:
    """Find the pieces of a polynomial from its coefficients alone, by tensor unfolding.

    Parameters
    ----------
    p : HermitePolynomial
        The feature, of degree k >= 1, in any rotation of the inputs.

    Returns
    -------
    FeatureStructure

    Raises
    ------
    ValueError
        If p is constant, or its tensor of order k would have more than 2^24 entries.

    References
    ----------
    Wang, Nichani, Lee 2023, Assumption 4.

    Examples
    --------
    Two pieces, ``x_1 x_2`` and ``x_3 x_4``. A quadratic form splits further, into its eigenvectors.

    >>> structure = feature_structure(HermitePolynomial([[1, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 1]], [0.6, 0.8]))
    >>> structure.n_pieces, structure.largest_piece, round(structure.balance, 6)
    (2, 3, 1.131371)
    """
    if p.degree == 0:
        raise ValueError("the feature is constant; it must have degree >= 1. Pass a polynomial of the inputs.")
    k, A = p.degree, symmetric_tensor(p)
    A = _in_basis(A, _range(A))
    A = _in_basis(A, _eigenvectors(A))
    flat = np.abs(A).reshape(len(A), len(A), -1).max(axis=2) if k > 1 else np.abs(np.diag(A))
    L, piece = connected_components(flat > TOLERANCE * np.linalg.norm(A), directed=False)
    sizes = np.bincount(piece, minlength=L)
    energies = np.bincount(piece, weights=np.sum((A**2).reshape(len(A), -1), axis=1), minlength=L)
    energies /= energies.sum()
    return FeatureStructure(
        degree=k,
        mean=p.mean,
        variance=p.variance,
        pure_share=float(p.degree_energies()[k] / p.variance),
        n_pieces=int(L),
        largest_piece=int(sizes.max()),
        orthogonal_share=float(energies[sizes <= k].sum()),
        balance=float(np.sqrt(L * energies.max())),
    )


def symmetric_tensor(p: HermitePolynomial) -> Array:
    """Return the tensor A of the part of highest degree k, shape (dim,) * k."""
    k, d = p.degree, p.dim
    if d**k > MAX_ENTRIES:
        raise ValueError(
            f"the tensor of a feature of degree {k} in {d} variables has {float(d**k):.3g} entries; it must have at "
            f"most {MAX_ENTRIES}. Pass the feature in its relevant directions, or check it at a smaller dimension."
        )
    top = p.project(k)
    places = np.array([np.repeat(np.arange(d), alpha) for alpha in top.exponents])
    values = top.coefficients * np.exp(0.5 * (gammaln(top.exponents + 1.0).sum(axis=1) - gammaln(k + 1.0)))
    A = np.zeros((d,) * k)
    for order in permutations(range(k)):
        A[tuple(places[:, order].T)] = values
    return A


def interpolate(function: Callable[[Array], Array], dim: int, max_degree: int = 4) -> HermitePolynomial | None:
    """Return the polynomial that a function is, from its values at Gaussian points by least squares.

    None if no polynomial of degree <= max_degree with at most 3000 coefficients reproduces the values to 1e-8 of their
    norm.

    Parameters
    ----------
    function : callable
        Maps points (n, dim) to values (n,).
    dim : int
    max_degree : int, default 4
        Largest degree tried.
    """
    for degree in range(1, max_degree + 1):
        size = n_terms(dim, degree)
        if size > MAX_BASIS:
            break
        X = np.random.default_rng(degree).standard_normal((2 * size + 20, dim))
        H, y = design_matrix(X, degree), np.asarray(function(X), dtype=float)
        c, *_ = np.linalg.lstsq(H, y, rcond=None)
        if np.linalg.norm(H @ c - y) <= 1e-8 * np.linalg.norm(y):
            c[np.abs(c) <= 1e-9 * np.linalg.norm(c)] = 0.0
            return HermitePolynomial.from_dense(dim, degree, c)
    return None


def _range(A: Array) -> Array:
    """Orthonormal rows that span the range of the unfolding."""
    U, s, _ = np.linalg.svd(_gram(A))
    return U[:, s > TOLERANCE**2 * s[0]].T


def _gram(A: Array) -> Array:
    flat = A.reshape(len(A), -1)
    return flat @ flat.T


def _eigenvectors(A: Array) -> Array:
    """Eigenvectors, as rows, of a random contraction of A to a matrix."""
    if A.ndim == 1:
        return np.eye(len(A))
    w = np.random.default_rng(0).standard_normal(A[0, 0].size)
    T = (A.reshape(len(A) ** 2, -1) @ w).reshape(len(A), len(A))
    return np.linalg.eigh((T + T.T) / 2.0)[1].T


def _in_basis(A: Array, U: Array) -> Array:
    """The tensor in the coordinates U x: each index is multiplied by U."""
    for _ in range(A.ndim):
        A = np.tensordot(A, U, axes=(0, 1))  # contracts the first index, appends it as the last
    return A
