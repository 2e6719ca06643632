"""The penalty of a fit that has no closed form: followed from large to small, chosen on the rows held out."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TypeVar

import numpy as np

from layerwise.learners._head import mean_square

#: The path ends where this many penalties in a row have not lowered the held-out error by this fraction.
PATIENCE, GAIN = 2, 0.02
#: ... once it is below this fraction of the constant's, or above its inverse: near the constant it has yet to fall.
CLEARLY = 0.9
#: Errors below this fraction of the constant's do not ask for a smaller penalty.
SMALL = 0.1

Fit = TypeVar("Fit")


def follow_path(
    path: np.ndarray,
    solve: Callable[[float, Fit | None], Fit],
    predict: Callable[[Fit], np.ndarray],
    y_out: np.ndarray,
    constant: float,
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
    constant : float
        The mean square error of predicting the mean of the rows kept.
    """
    fits: list[Fit] = []
    errors: list[float] = []
    lowest = 0
    for penalty in path:
        fits.append(solve(float(penalty), fits[-1] if fits else None))
        errors.append(mean_square(y_out - predict(fits[-1])))
        if errors[-1] < (1 - GAIN) * errors[lowest]:
            lowest = len(errors) - 1
        elif len(errors) > lowest + PATIENCE and (
            errors[lowest] < CLEARLY * constant or CLEARLY * errors[-1] > constant
        ):
            break
    best = int(np.argmin(errors))
    penalty, left = float(path[best]), errors[best] / constant if constant > 0 else 0.0
    edge = best in (0, len(path) - 1)
    if edge and left > (CLEARLY if best == 0 else SMALL):
        which, other = ("largest", "larger") if best == 0 else ("smallest", "smaller")
        warnings.warn(
            f"the penalty chosen on the rows held out is the {which} of the path, and leaves {left:.2g} of the squared "
            f"error of a constant; a {other} one may do better. Fit more rows, or give the penalty.",
            UserWarning,
            stacklevel=4,
        )
    return penalty, fits[best], {"penalty": penalty, "validation_loss": errors[best], "at_edge_of_path": edge}
