"""Directions in R^dim: random rotations, orthonormal bases, and the values of a parameter ``directions``."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import ortho_group

from layerwise.inputs import Array


def haar_rotation(dim: int, rng: np.random.Generator) -> Array:
    """Draw an orthogonal matrix from the Haar measure on O(dim)."""
    if dim == 1:
        return np.array([[rng.integers(0, 2) * 2.0 - 1.0]])
    return np.asarray(ortho_group.rvs(dim, random_state=rng))


def orthonormal_span(W: Array) -> Array:
    """Orthonormal rows with the span of the rows of W; rows along distinct axes are returned as those axes."""
    kept: list[Array] = []
    for w in W:
        norm = np.linalg.norm(w)
        rest = w.copy()
        for _ in range(2):  # twice is enough (Kahan)
            for q in kept:
                rest -= (q @ rest) * q
        if norm > 0.0 and np.linalg.norm(rest) > 1e-10 * norm:
            kept.append(rest / np.linalg.norm(rest))
    return np.array(kept).reshape(len(kept), W.shape[1])


def unit_directions(directions: ArrayLike | str | None, n: int, dim: int, rng: np.random.Generator) -> Array:
    """Rows for n directions in R^dim: the first n axes (None), random unit rows ("random"), or the rows given."""
    if directions is None:
        if n > dim:
            raise ValueError(
                f"{n} directions do not fit along the axes of dim={dim} inputs; at most {dim} do. Raise dim, or pass "
                "directions='random' (unit vectors, not orthogonal in general)."
            )
        return np.eye(n, dim)
    if isinstance(directions, str):
        if directions != "random":
            raise ValueError(f"directions={directions!r} must be None (axes), 'random' or an array. Pass one row each.")
        W = rng.standard_normal((n, dim))
        return W / np.linalg.norm(W, axis=1, keepdims=True)
    W = np.atleast_2d(np.asarray(directions, dtype=float))
    if W.shape != (n, dim) or not np.all(np.isfinite(W)) or not np.all(np.linalg.norm(W, axis=1) > 0):
        raise ValueError(
            f"directions has shape {W.shape}, or an entry that is not finite, or a zero row; it must be {n} non-zero "
            f"rows of {dim} numbers. Transpose it if its columns are the directions."
        )
    return W
