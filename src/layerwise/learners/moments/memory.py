"""Peak memory of `MomentRegressor` by formula."""

from __future__ import annotations

from collections.abc import Sequence
from math import comb

from layerwise.hermite import n_terms
from layerwise.solvers.gram import BLOCK_BYTES
from layerwise.solvers.moment_nulls import null_bytes
from layerwise.solvers.ridge_path import ridge_bytes


def moment_bytes(n: int, d: int, orders: Sequence[int], n_permutations: int) -> int:
    """The inputs, whitened, sorted and weighted, and the moments: T_3 and an update of it, or Lanczos for T_4."""
    floats = 4 * n * d + 10 * d**2
    floats += max(d**2 * (d + 1) if 3 in orders else 0, 40 * d**2 if 4 in orders else 0)
    blocks = 3 * min(BLOCK_BYTES, 8 * n * d * (d + 1) // 2) if 3 in orders else 0
    return 8 * floats + max(blocks, null_bytes(n, d, orders, n_permutations))


def transform_bytes(n: int, d: int) -> int:
    """The inputs, whitened, sorted, in the complement of directions, permuted and weighted, and matrices."""
    return 8 * (6 * n * d + 12 * d**2 + 20 * n)


def polynomial_bytes(n: int, d: int, rank: int, degree: int, *, polish: bool) -> int:
    """The inputs, the regression (on frame and coefficients together if polished), and the rotation of q."""
    D = n_terms(rank, degree)
    width = D + rank * (d - rank)
    peak = ridge_bytes(n, width if polish and width < n else D, left_out=False)
    rotation = sum(  # memory of `HermitePolynomial.rotate`
        8 * comb(rank + m - t - 1, m - t) * (rank + comb(rank + t - 1, t))
        for m in range(degree + 1)
        for t in range(m + 1)
    )
    return 8 * 3 * n * d + max(peak, rotation if rank > 1 else 0)
