"""What the arguments of `MomentRegressor` may be, and the memory that they ask for."""

from __future__ import annotations

from collections.abc import Sequence
from math import comb
from typing import TYPE_CHECKING

import numpy as np

from layerwise._validation import as_integer
from layerwise.hermite import n_terms
from layerwise.learners._head import check_memory, check_number
from layerwise.learners.moments.multi_index import degrees_to_try
from layerwise.solvers.gram import BLOCK_BYTES
from layerwise.solvers.ridge_path import ridge_bytes

if TYPE_CHECKING:
    from layerwise.learners.moments.regressor import MomentRegressor


def check_arguments(learner: MomentRegressor, n: int, d: int) -> list[int]:
    """The orders of the moments of n rows and d inputs, or ValueError or TypeError."""
    for name, value in (("rank", learner.rank), ("degree", learner.degree)):
        if isinstance(value, str) and value != "auto":
            raise ValueError(f"{name}={value!r} must be 'auto' or an integer >= 1. Give {name}='auto'.")
        if not isinstance(value, str):
            as_integer(value, name, 1)
    if not isinstance(learner.rank, str) and learner.rank > d:
        raise ValueError(f"rank={learner.rank} directions do not fit in n_features={d}. Give rank <= {d}, or 'auto'.")
    as_integer(learner.max_rank, "max_rank", 1)
    as_integer(learner.n_permutations, "n_permutations", 1)
    for name in ("robust", "whiten", "polish"):
        value = getattr(learner, name)
        if not isinstance(value, bool | np.bool_):
            raise ValueError(f"{name}={value!r} must be True or False. Give {name}=True, the default.")
    check_number(learner.penalty, "penalty", auto=True)
    check_memory(learner.max_memory)
    orders = _orders(learner.orders, n, d)
    _check_peak(learner, n, d, orders)
    return orders


def _orders(orders: object, n: int, d: int) -> list[int]:
    if isinstance(orders, str) and orders == "auto":
        return [k for k in (1, 2, 3, 4) if k <= 2 or n >= d ** (k / 2)]
    given = list(orders) if isinstance(orders, Sequence | set | np.ndarray) and not isinstance(orders, str) else []
    if not given or not all(isinstance(k, int | np.integer) and not isinstance(k, bool) and 1 <= k <= 4 for k in given):
        raise ValueError(f"orders={orders!r} must be 'auto' or some of 1, 2, 3, 4. Give e.g. orders=(1, 2).")
    return sorted({int(k) for k in given})


def _check_peak(learner: MomentRegressor, n: int, d: int, orders: list[int]) -> None:
    rank = min(learner.max_rank if isinstance(learner.rank, str) else int(learner.rank), d)
    moments = moment_bytes(n, d, orders)
    if moments > learner.max_memory:
        raise ValueError(
            f"orders={tuple(orders)} with n_samples={n} and n_features={d} need {moments / 2**30:.3g} GiB, over "
            f"max_memory={learner.max_memory / 2**30:.3g} GiB. Give orders=(1, 2), fewer columns or rows, or raise "
            "max_memory."
        )
    degree = degrees_to_try(learner.degree, n, rank)[-1]
    head = head_bytes(n, d, rank, degree, polish=learner.polish)
    if head > learner.max_memory:
        raise ValueError(
            f"a polynomial of degree={degree} in {rank} directions has {n_terms(rank, degree)} terms and needs "
            f"{head / 2**30:.3g} GiB to fit {n} rows, over max_memory={learner.max_memory / 2**30:.3g} GiB. Lower "
            "degree or rank (max_rank), or raise max_memory."
        )


def moment_bytes(n: int, d: int, orders: list[int]) -> int:
    """Of the inputs, whitened, sorted and weighed, and of the moments: T_3 and what is added to it; Lanczos for T_4."""
    floats = 4 * n * d + 10 * d**2
    floats += max(d**2 * (d + 1) if 3 in orders else 0, 40 * d**2 if 4 in orders else 0)
    blocks = 3 * min(BLOCK_BYTES, 8 * n * d * (d + 1) // 2) if 3 in orders else 0
    return 8 * floats + blocks


def head_bytes(n: int, d: int, rank: int, degree: int, *, polish: bool) -> int:
    """Of the inputs, the regression (of frame and coefficients together where polished), and the rotation of q."""
    D = n_terms(rank, degree)
    width = D + rank * (d - rank)
    peak = ridge_bytes(n, width if polish and width < n else D, left_out=False)
    rotation = sum(  # of `HermitePolynomial.rotate`
        8 * comb(rank + m - t - 1, m - t) * (rank + comb(rank + t - 1, t))
        for m in range(degree + 1)
        for t in range(m + 1)
    )
    return 8 * 3 * n * d + max(peak, rotation if rank > 1 else 0)
