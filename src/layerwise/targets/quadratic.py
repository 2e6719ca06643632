"""Quadratic forms as feature polynomials, stored as their spectrum: ``x'Ax = sum_i b_i (v_i . x)^2``."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from layerwise.hermite import HermitePolynomial
from layerwise.inputs import RandomState, as_generator
from layerwise.targets.base import Array
from layerwise.targets.directions import haar_rotation
from layerwise.targets.facts import Component
from layerwise.targets.features import Feature


class Quadratic(Feature):
    """Quadratic form ``p(x) = x'Ax``, tr A = 0, E (x'Ax)^2 = 2 |A|_F^2 = 1.

    The feature of Nichani et al. 2023, where ``|A|_op`` must be of order dim^(-1/2). On the sphere of radius sqrt(dim),
    ``E (x'Ax)^2 = dim / (dim + 2)`` for the same A.

    Parameters
    ----------
    dim : int
        Number of inputs.
    matrix : {"alternating", "gaussian", "orthogonal"} or array-like of shape (dim, dim), default "alternating"
        A up to scale: ``diag(1, -1, 1, -1, ...)``, whose last entry is 0 for odd dim; a symmetric Gaussian matrix with
        its trace removed; ``[[0, Q], [Q', 0]]`` with Q Haar-random of size dim/2; or a symmetric matrix of trace 0.
    rotate, random_state
        As in `SingleIndex`; the seed also determines the matrix.

    Attributes
    ----------
    eigenvalues : ndarray of shape (r,)
        Non-zero eigenvalues of A; the rows of ``relevant_subspace`` are their eigenvectors.
    """

    degree = 2

    def __init__(
        self, dim: int, matrix: str | ArrayLike = "alternating", rotate: bool = False, random_state: RandomState = None
    ):
        super().__init__(dim)
        if self.dim < 2:
            raise ValueError(
                "dim=1 must be >= 2: the only quadratic form of trace 0 in one variable is 0. Pass dim >= 2."
            )
        self._matrix = matrix
        self.rotate, self.random_state = rotate, random_state
        rng = as_generator(random_state)
        eigenvalues, frame = _spectrum(matrix, self.dim, rng)
        self.eigenvalues = eigenvalues / np.sqrt(2.0 * np.sum(eigenvalues**2))
        self.set_frame(frame, rotate, rng)

    @property
    def matrix(self) -> Array:
        """A after scaling and rotation, shape (dim, dim)."""
        S = self.relevant_subspace
        return (S.T * self.eigenvalues) @ S

    def evaluate(self, Z: Array) -> Array:
        """``sum_i b_i z_i^2``."""
        return (Z * Z) @ self.eigenvalues.astype(Z.dtype)  # tr A = 0

    @cached_property
    def components(self) -> tuple[Component, ...] | None:
        """The pieces sqrt(2) eigenvalue_i h_2(z_i)."""
        one = HermitePolynomial.basis([2])
        return tuple(Component(float(np.sqrt(2.0) * b), (i,), one) for i, b in enumerate(self.eigenvalues))

    def _make_polynomial(self) -> HermitePolynomial:
        return HermitePolynomial(2 * np.eye(len(self.eigenvalues), dtype=int), np.sqrt(2.0) * self.eigenvalues)


def _spectrum(matrix: str | ArrayLike, dim: int, rng: np.random.Generator) -> tuple[Array, Array | None]:
    """Non-zero eigenvalues of the matrix and their eigenvectors as rows (None: the axes)."""
    if isinstance(matrix, str):
        if matrix == "alternating":
            used = dim - dim % 2
            return (-1.0) ** np.arange(used), None if used == dim else np.eye(used, dim)
        if matrix == "orthogonal":
            if dim % 2:
                raise ValueError(
                    f"dim={dim} is odd; it must be even for matrix='orthogonal', which pairs halves of the inputs. "
                    f"Pass dim={dim + 1}."
                )
            Q = haar_rotation(dim // 2, rng)
            half = np.eye(dim // 2)
            frame = np.block([[half, Q], [half, -Q]]) / np.sqrt(2.0)  # 2 u'Qv = |u + Qv|^2/2 - |u - Qv|^2/2
            return np.repeat([1.0, -1.0], dim // 2), frame
        if matrix != "gaussian":
            raise ValueError(
                f"matrix={matrix!r} must be 'alternating', 'gaussian', 'orthogonal' or a ({dim}, {dim}) array."
            )
        A = rng.standard_normal((dim, dim))
        A = A + A.T
        A -= np.trace(A) / dim * np.eye(dim)
    else:
        A = np.asarray(matrix, dtype=float)
        if A.shape != (dim, dim) or not np.all(np.isfinite(A)) or not np.any(A):
            raise ValueError(
                f"matrix has shape {A.shape}, or is not finite, or is 0; it must be ({dim}, {dim}), nonzero."
            )
        size = float(np.linalg.norm(A))
        if np.linalg.norm(A - A.T) > 1e-10 * size:
            raise ValueError(
                "matrix is not symmetric; it must be. Pass (A + A.T) / 2, which is the same quadratic form."
            )
        if abs(np.trace(A)) > 1e-10 * size:
            raise ValueError(
                f"matrix has trace {np.trace(A):.4g}; it must be 0. Subtract np.trace(A) / {dim} * np.eye({dim})."
            )
    eigenvalues, vectors = np.linalg.eigh(A)
    kept = np.abs(eigenvalues) > 1e-12 * np.abs(eigenvalues).max()
    return eigenvalues[kept], vectors[:, kept].T
