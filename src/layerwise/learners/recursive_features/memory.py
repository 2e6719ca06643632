"""Peak memory of `RecursiveFeatureRegressor` by formula, and the number of centres that a budget allows."""

from __future__ import annotations

from layerwise.solvers.gram import BLOCK_BYTES

#: The least number of centres that memory limits: below, a fit is refused.
MIN_CENTRES = 100


def metric_bytes(n: int, d: int, folds: int) -> int:
    """The inputs, those of the folds, mapped, and their gradients; the metrics of the folds, kept and new; errors."""
    return 8 * ((folds + 5) * n * d + (3 * folds + 6) * d**2 + 120 * n)


def fit_bytes(n: int, m: int | None) -> int:
    """A kernel regression on all rows as centres (m None), or on m of them."""
    if m is None:
        return 8 * 2 * n**2
    return 8 * 4 * m**2 + 4 * min(8 * n * m, BLOCK_BYTES + 8 * m)


def n_centres(n: int, given: int | None, budget: float) -> int | None:
    """The number of centres: the one given, or all rows (None) if they fit in the budget, or as many as fit."""
    if given is not None:
        return given if given < n else None
    if fit_bytes(n, None) <= budget:
        return None
    low, high = MIN_CENTRES, max(n, MIN_CENTRES + 1)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fit_bytes(n, middle) <= budget else (low, middle)
    return min(low, n)
