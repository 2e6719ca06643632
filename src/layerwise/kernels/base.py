"""Kernels that are functions of inner products: the matrix, its product with a vector, gradients.

Each is a function of ``s = x.z / d + bias`` and of the same expressions s_xx, s_zz for (x, x) and (z, z). Hence, with
the partial derivatives k_s and k_xx of k by s and s_xx, ``f(x) = sum_j alpha_j k(x, z_j)`` has the gradient

    grad f(x) = [sum_j alpha_j k_s(x, z_j) z_j + 2 (sum_j alpha_j k_xx(x, z_j)) x] / d.

A Gram matrix is computed in square tiles, its upper half mirrored: one product of two row blocks per tile and a few
passes over a tile that stays in cache; a gradient takes one more product per tile. Apart from the result, both need
memory for a few tiles only.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from layerwise._validation import Number

#: Rows and columns of a tile.
TILE = 384
#: The variance of a bias.
BIAS = Number(zero=True)


class DotProductKernel(ABC):
    """Kernel k(x, z) that depends on x.z, |x|^2 and |z|^2 only.

    Subclasses have a ``bias >= 0``, added to x.z / d, and map a tile of inner products to kernel values, and to partial
    derivatives if `gradient` is to work.
    """

    bias: float

    @abstractmethod
    def values(self, s: np.ndarray, s_xx: np.ndarray, s_zz: np.ndarray) -> np.ndarray:
        """Kernel values from inner products ``s`` (a, b), ``s_xx`` (a, 1) and ``s_zz`` (1, b); may overwrite ``s``."""

    def partial_derivatives(
        self, s: np.ndarray, s_xx: np.ndarray, s_zz: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray | float]:
        """Partial derivatives of k by s and by s_xx, of shape (a, b), from the arguments of `values`.

        Both are 0 where k has no gradient in x, for which a kernel says where that is; the second may be the number 0.
        """
        raise NotImplementedError(
            f"{type(self).__name__} has no partial derivatives, which gradients need. Define its method "
            "partial_derivatives(s, s_xx, s_zz)."
        )

    def __call__(self, X: np.ndarray, Z: np.ndarray | None = None) -> np.ndarray:
        """Compute the kernel matrix, of shape (n_x, n_z); if Z is None, that of X with itself, by its upper half."""
        X, Z = self._points(X), None if Z is None else self._points(Z)
        other = X if Z is None else Z
        out = np.empty((X.shape[0], other.shape[0]), dtype=X.dtype)
        for i in range(0, X.shape[0], TILE):
            for j in range(i if Z is None else 0, other.shape[0], TILE):
                rows, columns = slice(i, i + TILE), slice(j, j + TILE)
                out[rows, columns] = self._tile(X[rows], other[columns])
                if Z is None and j > i:
                    out[columns, rows] = out[rows, columns].T
        return out

    def dot(self, X: np.ndarray, Z: np.ndarray, alpha: np.ndarray) -> np.ndarray:
        """Compute ``k(X, Z) @ alpha``, of shape (n_x,), without forming the whole kernel matrix."""
        X, Z = self._points(X), self._points(Z)
        out = np.zeros(X.shape[0], dtype=X.dtype)
        for i in range(0, X.shape[0], TILE):
            for j in range(0, Z.shape[0], TILE):
                out[i : i + TILE] += self._tile(X[i : i + TILE], Z[j : j + TILE]) @ alpha[j : j + TILE]
        return out

    def gradient(self, X: np.ndarray, Z: np.ndarray, alpha: np.ndarray) -> np.ndarray:
        """Compute the gradients of ``x -> k(x, Z) @ alpha`` at the rows of X, of shape (n_x, d).

        A pair (x, z) for which k has no gradient in x adds nothing. 4 n_x n_z d flops. Raises NotImplementedError for a
        kernel without `partial_derivatives`.
        """
        X, Z = self._points(X), self._points(Z)
        out = np.zeros_like(X)
        for i in range(0, X.shape[0], TILE):
            rows = slice(i, i + TILE)
            for j in range(0, Z.shape[0], TILE):
                columns = slice(j, j + TILE)
                k_s, k_xx = self.partial_derivatives(*self._products(X[rows], Z[columns]))
                k_s *= alpha[columns]
                out[rows] += k_s @ Z[columns]
                if np.ndim(k_xx):
                    out[rows] += 2 * (k_xx @ alpha[columns])[:, None] * X[rows]
        out /= X.shape[1]
        return out

    def _points(self, X: np.ndarray) -> np.ndarray:
        """Return X (n, d) as an array of floats."""
        return X if X.dtype.kind == "f" else X.astype(float)

    def _products(self, X: np.ndarray, Z: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        d = X.shape[1]
        s = X @ Z.T
        s *= 1 / d
        s += self.bias
        s_xx, s_zz = (np.einsum("ij,ij->i", A, A) / d + self.bias for A in (X, Z))
        return s, s_xx[:, None], s_zz[None, :]

    def _tile(self, X: np.ndarray, Z: np.ndarray) -> np.ndarray:
        return self.values(*self._products(X, Z))
