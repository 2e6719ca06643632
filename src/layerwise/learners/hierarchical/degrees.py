"""What `HierarchicalRegressor` can fit: the degrees and links whose fit is within memory."""

from __future__ import annotations

from math import comb
from typing import TYPE_CHECKING

import numpy as np

from layerwise._validation import as_integer
from layerwise.activations import as_polynomial
from layerwise.hermite import n_terms
from layerwise.solvers.ridge_path import ridge_bytes

if TYPE_CHECKING:
    from layerwise.learners.hierarchical.regressor import HierarchicalRegressor


def degrees_to_try(learner: HierarchicalRegressor, n: int, d: int) -> list[int]:
    """Of n rows and d inputs: one, or those of "auto", within ``max_memory``.

    Raises
    ------
    ValueError
        Where none is.
    """
    if learner.degree != "auto":
        degrees = [as_integer(learner.degree, "degree", 1)]
    elif learner.activation is not None:
        degrees = [int(np.flatnonzero(as_polynomial(learner.activation).coefficients)[-1])]
    else:
        degrees = list(range(1, as_integer(learner.max_degree, "max_degree", 1) + 1))
    left_out, width = learner.split == "leave-one-out", learner.width
    peaks = {k: peak_bytes(n, d, k, width, left_out=left_out, refine=learner.refine) for k in degrees}
    affordable = [degree for degree in degrees if peaks[degree] <= learner.max_memory]
    if affordable:
        return affordable
    raise ValueError(
        f"degree={degrees[0]}, width={width} with {d} inputs needs {columns(d, degrees[0], width):.2g} columns "
        f"({peaks[degrees[0]]:.2g} bytes to fit {n} rows), over max_memory={learner.max_memory / 2**30:.3g} GiB. Lower "
        "degree, give a smaller width, project the inputs on fewer directions first, or use KernelRegressor, which "
        "never forms the basis."
    )


def check_link_width(link_width: int, n: int, max_memory: int) -> None:
    """Refuse neurons of stage 2 that would not fit in."""
    peak = 8 * (8 * link_width + 4 * min(n, link_width) ** 2)
    if peak > max_memory:
        raise ValueError(
            f"link_width={link_width} needs {peak:.2g} bytes to fit {n} rows, over max_memory={max_memory / 2**30:.3g} "
            "GiB. Lower link_width (1000 draw any smooth curve), or raise max_memory."
        )


def columns(d: int, degree: int, width: int | None) -> int:
    """Of the features of stage 1: neurons, or what they reduce to."""
    size = n_terms(d, degree)
    return size if width is None else min(width, size)


def peak_bytes(n: int, d: int, degree: int, width: int | None, *, left_out: bool, refine: bool) -> int:
    """Of stage 1, its features left out where ``left_out``, and of refinement, in which width does not matter."""
    size = n_terms(d, degree)
    peak = ridge_bytes(n, columns(d, degree, width), left_out=left_out)
    peak += 16 * (width or 0) * (d + 1)  # V and s, as drawn and as kept
    if width is None:
        entries = mixing_entries(d, degree)
        peak = max(peak + 16 * entries, 68 * entries + 56 * d * size)  # it kept, and it being made: as measured
    elif width > size:  # the reduction of the neurons to the basis
        peak = max(peak, 8 * 4 * size**2)
    return max(peak, ridge_bytes(n, size, left_out=True)) if refine else peak


def mixing_entries(d: int, degree: int) -> int:
    """Nonzeros of `infinite_mixing`: the sum of size^2 over its blocks.

    With j given variables odd, ``alpha = odd + 2 gamma`` has ``|gamma| <= (degree - j) // 2``.
    """
    return sum(comb(d, j) * n_terms(d, (degree - j) // 2) ** 2 for j in range(min(d, degree) + 1))
