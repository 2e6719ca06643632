"""Kernels that are functions of inner products: the matrix, its product with vectors, gradients.

Each is a function of ``s = x.z / d + bias`` and of the same expressions s_xx, s_zz for (x, x) and (z, z). Hence, with
the partial derivatives k_s and k_xx of k by s and s_xx, ``f(x) = sum_j alpha_j k(x, z_j)`` has the gradient

    grad f(x) = [sum_j alpha_j k_s(x, z_j) z_j + 2 (sum_j alpha_j k_xx(x, z_j)) x] / d.

A matrix is computed in tiles: one product of two blocks of the rows ``(x / sqrt(d), sqrt(bias))`` and a few passes over
a tile that stays in cache. Of a Gram matrix the upper half is computed and mirrored; a gradient takes one more product
per tile. Row blocks are shared among threads. Apart from the result, all need memory for a few tiles only.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from layerwise._threads import in_threads
from layerwise._validation import Number

#: Columns and rows of a tile.
TILE, TILE_ROWS = 240, 96
#: Entries of a matrix from which on threads are worth their start.
MIN_ENTRIES = 2**18
#: Groups of row blocks whose products are summed separately.
GROUPS = 8
#: The variance of a bias.
BIAS = Number(zero=True)


@dataclass(frozen=True)
class Points:
    """Rows ``(x / sqrt(d), sqrt(bias))``, whose inner products are s, and their squared lengths."""

    rows: np.ndarray
    squares: np.ndarray

    def __getitem__(self, part) -> Points:
        return Points(self.rows[part], self.squares[part])


class Profile(NamedTuple):
    """A kernel ``(|x||z|)^power f(cos t) + constant``, whose tiles need no passes for the lengths."""

    function: Callable[[np.ndarray], np.ndarray]
    power: int
    constant: float


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

    def profile(self) -> Profile | None:
        """The kernel as a function of the lengths (of the rows with the bias appended) and the cosine, if possible.

        The function of the profile may overwrite its argument, an array of cosines. None if there is no such form.
        """
        return None

    def __call__(self, X: np.ndarray, Z: np.ndarray | None = None) -> np.ndarray:
        """Compute the kernel matrix, of shape (n_x, n_z); if Z is None, that of X with itself, by its upper half."""
        x, x_scale, tile, constant = self._tiles(X)
        z, z_scale = (x, x_scale) if Z is None else self._tiles(Z)[:2]
        n_z = len(z.rows)
        out = np.empty((len(x.rows), n_z), dtype=np.result_type(x.rows, z.rows))

        def fill(i: int) -> None:
            rows = slice(i, i + TILE_ROWS)
            for j in range(i if Z is None else 0, n_z, TILE):
                columns = slice(j, j + TILE)
                K = tile(x[rows], z[columns])
                if x_scale is not None and z_scale is not None:
                    K *= x_scale[rows, None]
                    K *= z_scale[columns]
                    K += constant
                out[rows, columns] = K
                if Z is None:
                    out[columns, rows] = K.T

        _over_rows(fill, len(x.rows), n_z)
        return out

    def dot(self, X: np.ndarray, Z: np.ndarray, alpha: np.ndarray) -> np.ndarray:
        """Compute ``k(X, Z) @ alpha``, of shape (n_x,) or (n_x, m), without forming the whole kernel matrix."""
        x, x_scale, tile, constant = self._tiles(X)
        z, z_scale, *_ = self._tiles(Z)
        out = np.zeros((len(x.rows), *np.shape(alpha)[1:]), dtype=np.result_type(x.rows, z.rows))
        weights = alpha if z_scale is None else (z_scale * alpha.T).T

        def add(i: int) -> None:
            rows = slice(i, i + TILE_ROWS)
            for j in range(0, len(z.rows), TILE):
                out[rows] += tile(x[rows], z[j : j + TILE]) @ weights[j : j + TILE]

        _over_rows(add, len(x.rows), len(z.rows))
        if x_scale is not None:
            out = (x_scale * out.T).T
            out += constant * alpha.sum(axis=0)
        return out

    def gram_dot(self, X: np.ndarray, V: np.ndarray) -> np.ndarray:
        """Compute ``k(X, X) @ V`` in float64 for V (n_x, m) from the upper half of the matrix, tile by tile.

        Memory of `GROUPS` arrays like V: rows are summed in that many groups, whatever the number of threads.
        """
        x, scale, tile, constant = self._tiles(X)
        n, dtype = len(x.rows), x.rows.dtype
        weights = (V if scale is None else scale[:, None] * V).astype(dtype, copy=False)

        def add(group: int) -> np.ndarray:
            out = np.zeros(V.shape)
            for i in range(group * TILE_ROWS, n, GROUPS * TILE_ROWS):
                rows, end = slice(i, i + TILE_ROWS), min(i + TILE_ROWS, n)
                out[rows] += tile(x[rows], x[rows]) @ weights[rows]
                for j in range(end, n, TILE):
                    columns = slice(j, j + TILE)
                    K = tile(x[rows], x[columns])
                    out[rows] += K @ weights[columns]
                    out[columns] += K.T @ weights[rows]
            return out

        parts = in_threads(add, range(GROUPS)) if n**2 > MIN_ENTRIES else map(add, range(GROUPS))
        out = sum(parts, np.zeros(V.shape))
        return out if scale is None else scale[:, None] * out + constant * V.sum(axis=0)

    def diagonal(self, X: np.ndarray) -> np.ndarray:
        """Compute ``k(x, x)`` for each row, of shape (n_x,)."""
        squares = self._scaled(X).squares[:, None]
        return self.values(squares.copy(), squares, squares)[:, 0]

    def gradient(self, X: np.ndarray, Z: np.ndarray, alpha: np.ndarray) -> np.ndarray:
        """Compute the gradients of ``x -> k(x, Z) @ alpha`` at the rows of X, of shape (n_x, d).

        A pair (x, z) for which k has no gradient in x adds nothing. 4 n_x n_z d flops. Raises NotImplementedError for a
        kernel without `partial_derivatives`.
        """
        X, Z = self._points(X), self._points(Z)
        x, z = self._scaled(X), self._scaled(Z)
        out = np.zeros_like(X)

        def add(i: int) -> None:
            rows = slice(i, i + TILE_ROWS)
            for j in range(0, len(Z), TILE):
                columns = slice(j, j + TILE)
                k_s, k_xx = self.partial_derivatives(*_products(x[rows], z[columns]))
                k_s *= alpha[columns]
                out[rows] += k_s @ Z[columns]
                if np.ndim(k_xx):
                    out[rows] += 2 * (k_xx @ alpha[columns])[:, None] * X[rows]

        _over_rows(add, len(X), len(Z))
        out /= X.shape[1]
        return out

    def _points(self, X: np.ndarray) -> np.ndarray:
        """Return X (n, d) as an array of floats."""
        return X if X.dtype.kind == "f" else X.astype(float)

    def _scaled(self, X: np.ndarray) -> Points:
        X = self._points(X)
        rows = np.empty((X.shape[0], X.shape[1] + (self.bias > 0)), dtype=X.dtype)
        np.multiply(X, X.shape[1] ** -0.5, out=rows[:, : X.shape[1]])
        rows[:, X.shape[1] :] = self.bias**0.5
        return Points(rows, np.einsum("ij,ij->i", rows, rows))

    def _tiles(self, X: np.ndarray) -> tuple[Points, np.ndarray | None, Callable, float]:
        """Points, the factor of each (None for 1), the function of two blocks of points, the constant added last."""
        x, profile = self._scaled(X), self.profile()
        if profile is None:
            return x, None, lambda a, b: self.values(*_products(a, b)), 0.0
        lengths = np.sqrt(x.squares)
        unit = x.rows / np.where(lengths > 0, lengths, 1)[:, None]
        function = profile.function
        return (
            Points(unit, x.squares),
            lengths**profile.power,
            lambda a, b: function(a.rows @ b.rows.T),
            profile.constant,
        )


def _products(x: Points, z: Points) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return s, s_xx and s_zz for a tile."""
    return x.rows @ z.rows.T, x.squares[:, None], z.squares[None, :]


def _over_rows(function: Callable[[int], None], n_x: int, n_z: int) -> None:
    """Call ``function(i)`` for the first row i of each row block of an (n_x, n_z) matrix, in threads if it is large."""
    starts = range(0, n_x, TILE_ROWS)
    if n_x * n_z < MIN_ENTRIES:
        for i in starts:
            function(i)
    else:
        in_threads(function, starts)
