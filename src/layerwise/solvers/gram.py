"""Features by blocks of rows, and the products with them that dominate the cost of a fit.

A representation maps X (n, d) to features ``Phi = transform(X)`` (n, width), of which least squares needs

    G = Phi' Phi,    Phi' y,    Phi u,    Phi Phi'.

The products (but for the last) never hold the whole (n, width) array: each block of rows is computed, multiplied and
discarded. ``G`` costs n * width^2 flops (one triangle), half as much as a general product. This module uses
only NumPy's BLAS: SciPy's wheels contain another, and the threads of the two compete when small calls alternate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

#: Largest block of features, in bytes.
BLOCK_BYTES = 32 * 2**20
#: Columns of a Gram matrix that are computed at once.
PANEL = 512


def feature_block(X: np.ndarray, weights: np.ndarray, biases: np.ndarray, activation=None) -> np.ndarray:
    """Compute ``activation(X W' + b)`` of shape (rows, width), in place after one product: 2 rows width d flops.

    ``activation`` is an elementwise function; None is ReLU.
    """
    block = X @ weights.T
    block += biases
    return np.maximum(block, 0, out=block) if activation is None else activation(block)


class FeatureBlocks:
    """Features of n rows, computed in blocks of rows.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        Inputs of the representation, or the features themselves if ``transform`` is None.
    transform : callable, optional
        Maps a block (rows, n_features) to its features (rows, width).
    width : int, optional
        Number of features; required with ``transform``.
    block_bytes : int
        Size of the largest block of features that is computed at once.
    """

    def __init__(
        self,
        X: np.ndarray,
        transform: Callable[[np.ndarray], np.ndarray] | None = None,
        width: int | None = None,
        *,
        block_bytes: int = BLOCK_BYTES,
    ):
        if transform is not None and width is None:
            raise TypeError("width=None must be an integer with transform=. Pass width=, its number of columns.")
        self.X = X
        self.transform = transform
        self.shape = (X.shape[0], X.shape[1] if width is None else width)
        self.dtype = X.dtype
        self.block_rows = max(1, block_bytes // (self.shape[1] * X.dtype.itemsize))

    def __iter__(self) -> Iterator[tuple[slice, np.ndarray]]:
        """Yield pairs (rows, their features), in order."""
        for start in range(0, self.shape[0], self.block_rows):
            rows = slice(start, min(start + self.block_rows, self.shape[0]))
            block = self.X[rows]
            yield rows, block if self.transform is None else self.transform(block)

    def __matmul__(self, u: np.ndarray) -> np.ndarray:
        """``Phi u`` for u of shape (width,) or (width, m)."""
        return np.concatenate([block @ u for _, block in self])

    def subset(self, rows: np.ndarray) -> FeatureBlocks:
        """The features of some of the rows, given by a mask of shape (n_samples,) or by their numbers."""
        return FeatureBlocks(self.X[rows], self.transform, self.shape[1])

    def kept(self) -> FeatureBlocks:
        """The same features, computed once and kept if all of them fit into one block."""
        return FeatureBlocks(self.toarray()) if self.transform and self.block_rows >= self.shape[0] else self

    def toarray(self) -> np.ndarray:
        """The whole ``Phi``, of shape (n_samples, width)."""
        out = np.empty(self.shape, dtype=self.dtype)
        for rows, block in self:
            out[rows] = block
        return out


def as_blocks(features: FeatureBlocks | np.ndarray) -> FeatureBlocks:
    """Wrap an array of features as `FeatureBlocks`; return `FeatureBlocks` unchanged."""
    return features if isinstance(features, FeatureBlocks) else FeatureBlocks(np.asarray(features))


def normal_equations(
    features: FeatureBlocks | np.ndarray, y: np.ndarray, held_out: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Compute ``Phi' Phi`` and ``Phi' y`` in one pass over the rows, in float64.

    n * width^2 flops, of half of the matrix by panels of `PANEL` columns; memory width^2, a panel and two blocks.
    Features in float32 are converted block by block: ReLU features have one eigenvalue so large that rounding in
    float32 products hides the small ones, which matter if the penalty is small.

    Parameters
    ----------
    features : FeatureBlocks or ndarray of shape (n_samples, width)
    y : ndarray of shape (n_samples,)
    held_out : ndarray of bool of shape (n_samples,), optional
        Rows to exclude.

    Returns
    -------
    gram : ndarray of shape (width, width)
    moment : ndarray of shape (width,)
    """
    features = as_blocks(features)
    width = features.shape[1]
    gram, moment = np.zeros((width, width)), np.zeros(width)
    for rows, features_of_block in features:
        block, labels = features_of_block.astype(float, copy=False), y[rows].astype(float, copy=False)
        if held_out is not None:
            block, labels = block[~held_out[rows]], labels[~held_out[rows]]
        if block.shape[0]:
            _add_lower_half(gram, block)
            moment += labels @ block
    for j in range(0, width, PANEL):
        gram[j : j + PANEL, j + PANEL :] = gram[j + PANEL :, j : j + PANEL].T
    return gram, moment


def _add_lower_half(gram: np.ndarray, block: np.ndarray) -> None:
    """Add ``block' block`` to the panels on and below the diagonal of gram, without a second array of its size."""
    for j in range(0, len(gram), PANEL):
        panel, end = block[:, j : j + PANEL], j + PANEL
        gram[j:end, j:end] += panel.T @ panel  # NumPy recognises A'A and calls syrk
        if end < len(gram):
            gram[end:, j:end] += block[:, end:].T @ panel


def outer_gram(features: FeatureBlocks | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Compute ``Phi Phi'`` (n, n) in float64 and ``Phi`` (n, width), for n < width."""
    whole = as_blocks(features).toarray()
    wide = whole.astype(float, copy=False)
    return wide @ wide.T, whole
