"""Peak memory of `HierarchicalRegressor` by formula, for each degree."""

from __future__ import annotations

from math import comb

from layerwise.hermite import n_terms
from layerwise.solvers.gram import BLOCK_BYTES
from layerwise.solvers.ridge_path import ridge_bytes


def link_bytes(n: int, link_width: int) -> int:
    """Peak memory of stage 2."""
    return 8 * (8 * link_width + 4 * min(n, link_width) ** 2)


def feature_bytes(n: int, d: int, degree: int, width: int | None, *, left_out: bool, refine: bool) -> int:
    """Peak memory of stage 1, with leave-one-out features if ``left_out``, and of refinement, which ignores width."""
    size = n_terms(d, degree)
    peak = ridge_bytes(n, n_columns(d, degree, width), left_out=left_out)
    peak += 16 * (width or 0) * (d + 1)  # V and s, as drawn and as kept
    if width is None:
        entries = mixing_entries(d, degree)
        peak = max(peak + 16 * entries, 68 * entries + 56 * d * size)  # keeping the mixing, and making it: as measured
    elif width > size:  # the reduction of the neurons to the basis
        peak = max(peak, 8 * 4 * size**2)
    kept = 3 * min(8 * n * size, BLOCK_BYTES)  # the basis, its rows without a fold, and these centred
    return max(peak, ridge_bytes(n, size, left_out=True) + kept) if refine else peak


def several_bytes(n: int, d: int, degree: int, n_features: int) -> int:
    """Peak memory of the refinement of up to R features: a joint ridge regression, and links on all rows.

    The starts for the last feature take a regression with 2 (R - 1) slopes per basis function.
    """
    size, links = n_terms(d, degree), 900 * n
    slopes = max(2 * (n_features - 1), n_features)
    if n < slopes * size:  # H, HH' and the matrices of an eigendecomposition
        return 8 * (2 * n * size + 10 * n**2 + 5 * size**2 + links)
    return 8 * (10 * (slopes * size) ** 2 + links) + 8 * slopes * min(BLOCK_BYTES, 8 * n * size)


def n_columns(d: int, degree: int, width: int | None) -> int:
    """Number of features of stage 1: that of the neurons, or of the basis to which they are reduced."""
    size = n_terms(d, degree)
    return size if width is None else min(width, size)


def mixing_entries(d: int, degree: int) -> int:
    """Number of nonzeros of `infinite_mixing`: the sum of size^2 over its blocks.

    For j given odd variables, ``alpha = odd + 2 gamma`` has ``|gamma| <= (degree - j) // 2``.
    """
    return sum(comb(d, j) * n_terms(d, (degree - j) // 2) ** 2 for j in range(min(d, degree) + 1))
