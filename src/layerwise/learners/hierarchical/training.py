"""Training of one stage: ridge regression, or steps of gradient descent towards it."""

from __future__ import annotations

from typing import Any

import numpy as np

from layerwise._validation import as_integer
from layerwise.learners._base import Auto, as_number
from layerwise.learners._head import check_steps
from layerwise.solvers import FeatureBlocks, RidgePath, chebyshev, largest_stable_step, literal
from layerwise.solvers.squared_errors import mean_square


def check_n_steps(n_steps: Any, solver: str, split: str | float) -> None:
    """Raise ValueError or TypeError unless ``n_steps`` is None, T, or (T_1, T_2), and agrees with the others."""
    check_steps(solver, n_steps)
    if n_steps is None:
        return
    if np.shape(n_steps) not in ((), (2,)):
        raise ValueError(f"n_steps={n_steps!r} must be one number, or two: T_1 and T_2. Pass e.g. n_steps=(100, 50).")
    for count in np.atleast_1d(n_steps).tolist():
        as_integer(count, "n_steps")
    if split == "leave-one-out":
        raise ValueError(
            f"n_steps={n_steps!r} with split='leave-one-out' must be None: leave-one-out has a closed form only in the "
            "limit. Pass split=0.5 (the paper's D1 and D2), or n_steps=None."
        )


def penalty_path(penalty: Auto) -> list[float] | None:
    """None for "auto"; a number as a path of one, so that its validation error is computed too."""
    number = as_number(penalty)
    return None if number is None else [number]


def train(
    blocks: FeatureBlocks, y: np.ndarray, path: RidgePath, n_steps: int | None, solver: str
) -> tuple[np.ndarray, dict]:
    """Weights at the penalty that the path chose, in the limit or after T steps from zero, and a history entry."""
    record = {"penalty": path.penalty, "validation_loss": float(path.errors.min())}
    coefficients = path.coefficients
    if n_steps is not None:
        step = largest_stable_step(blocks, path.penalty) / 2
        descend = chebyshev if solver == "exact" else literal
        coefficients = descend(blocks, y, n_steps, step, path.penalty)
        record |= {"n_steps": n_steps, "step_size": step}
    return coefficients, record | {"loss": mean_square(blocks @ coefficients - y)}


def split_rows(split: str | float, n: int, rng: np.random.RandomState) -> tuple[Any, Any]:
    """The rows of D1 and of D2: all of them twice for leave-one-out, otherwise a random split."""
    if isinstance(split, str):
        return slice(None), slice(None)
    size = min(max(round(split * n), 1), n - 1)
    order = rng.permutation(n)
    return order[:size], order[size:]
