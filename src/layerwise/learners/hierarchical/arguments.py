"""What the arguments of `HierarchicalRegressor` may be."""

from __future__ import annotations

from numbers import Real
from typing import TYPE_CHECKING

import numpy as np

from layerwise._validation import as_integer
from layerwise.activations import as_polynomial
from layerwise.learners._head import check_memory, check_solver

if TYPE_CHECKING:
    from layerwise.learners.hierarchical.regressor import HierarchicalRegressor


def check_arguments(learner: HierarchicalRegressor) -> None:
    """Raise ValueError or TypeError for arguments that no data would suit."""
    if isinstance(learner.degree, (str, bool)) and learner.degree != "auto":
        raise ValueError(f"degree={learner.degree!r} must be 'auto' or an integer >= 1. Give degree='auto', or e.g. 2.")
    if learner.activation is not None:
        as_polynomial(learner.activation)
    if not isinstance(learner.refine, (bool, np.bool_)):
        raise ValueError(f"refine={learner.refine!r} must be True or False. Give refine=True to refine.")
    check_memory(learner.max_memory)
    if learner.width is not None:
        as_integer(learner.width, "width", 1)
    as_integer(learner.link_width, "link_width", 1)
    if learner.split != "leave-one-out" and not (isinstance(learner.split, Real) and 0 < learner.split < 1):
        raise ValueError(
            f"split={learner.split!r} must be 'leave-one-out' or the fraction of rows in D1, between 0 and 1. "
            "Give e.g. 0.5."
        )
    check_solver(learner.solver, learner.n_steps)
    if learner.n_steps is None:
        return
    if np.shape(learner.n_steps) not in ((), (2,)):
        raise ValueError(f"n_steps={learner.n_steps!r} must be one number, or two: T_1 and T_2. Give e.g. (100, 50).")
    for n_steps in np.atleast_1d(learner.n_steps).tolist():
        as_integer(n_steps, "n_steps")
    if learner.split == "leave-one-out":
        raise ValueError(
            f"n_steps={learner.n_steps!r} with split='leave-one-out': leaving rows out has a closed form in the limit "
            "only. Give split=0.5 (the paper's D1 and D2), or n_steps=None."
        )
