"""The penalty of a fit that has no closed form: followed from large to small, chosen on the rows held out."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np

from layerwise.learners._head import mean_square

#: The path ends where this many penalties in a row have not lowered the held-out error by this fraction.
PATIENCE, GAIN = 2, 0.02

Fit = TypeVar("Fit")


def follow_path(
    path: np.ndarray,
    solve: Callable[[float, Fit | None], Fit],
    predict: Callable[[Fit], np.ndarray],
    y_out: np.ndarray,
) -> tuple[float, Fit, dict]:
    """The penalty chosen, its fit to the rows kept, and what a learner's history tells of the choice.

    Parameters
    ----------
    path : ndarray of shape (n_penalties,)
        The penalties, the largest first.
    solve : callable
        A fit to the rows kept, from a penalty and the fit to start from.
    predict : callable
        Predictions of a fit for the rows held out.
    y_out : ndarray of shape (n_held_out,)
        Their labels.
    """
    fits: list[Fit] = []
    errors: list[float] = []
    best = 0
    for penalty in path:
        fits.append(solve(float(penalty), fits[-1] if fits else None))
        errors.append(mean_square(y_out - predict(fits[-1])))
        if errors[-1] < (1 - GAIN) * errors[best]:
            best = len(errors) - 1
        elif len(errors) > best + PATIENCE:
            break
    penalty = float(path[best])
    edge = best in (0, len(path) - 1)
    return penalty, fits[best], {"penalty": penalty, "validation_loss": errors[best], "at_edge_of_path": edge}
