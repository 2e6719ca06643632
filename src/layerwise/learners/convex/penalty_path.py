"""The penalty of a fit without a closed form: a path from large to small penalties, validated on held-out rows."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TypeVar

import numpy as np

from layerwise.solvers.squared_errors import mean_square

#: The path ends after this many penalties in a row that do not lower the held-out error by this fraction,
PATIENCE, MIN_GAIN = 2, 0.02
#: provided that the lowest error is below this fraction of a constant's error, or the last one above its inverse: at
#: large penalties, where f is nearly constant, the error has not begun to fall.
MAX_RELATIVE_ERROR = 0.9
#: Below this fraction of a constant's error, a choice at the small end of the path does not warn.
SMALL_RELATIVE_ERROR = 0.1

Fit = TypeVar("Fit")


def follow_path(
    path: np.ndarray,
    solve: Callable[[float, Fit | None], Fit],
    predict: Callable[[Fit], np.ndarray],
    y_out: np.ndarray,
    constant: float,
) -> tuple[float, Fit, dict]:
    """Choose a penalty from a decreasing ``path`` on held-out rows, whose labels are ``y_out``.

    ``solve`` maps a penalty and the previous fit (None at first) to a fit to the training rows, ``predict`` a fit to
    its predictions for the rows held out; ``constant`` is the mean squared error of the mean of the training rows.
    Returns the penalty, its fit, and its history entry. Warns if the penalty is an end of the path and its error is not
    small.
    """
    fits: list[Fit] = []
    errors: list[float] = []
    lowest = 0
    for penalty in path:
        fits.append(solve(float(penalty), fits[-1] if fits else None))
        errors.append(mean_square(y_out - predict(fits[-1])))
        if errors[-1] < (1 - MIN_GAIN) * errors[lowest]:
            lowest = len(errors) - 1
        elif len(errors) > lowest + PATIENCE and (
            errors[lowest] < MAX_RELATIVE_ERROR * constant or MAX_RELATIVE_ERROR * errors[-1] > constant
        ):
            break
    best = int(np.argmin(errors))
    penalty, relative_error = float(path[best]), errors[best] / constant if constant > 0 else 0.0
    edge = best in (0, len(path) - 1)
    if edge and relative_error > (MAX_RELATIVE_ERROR if best == 0 else SMALL_RELATIVE_ERROR):
        which, other = ("largest", "larger") if best == 0 else ("smallest", "smaller")
        warnings.warn(
            f"the penalty chosen on the rows held out is the {which} of the path, and its squared error is "
            f"{relative_error:.2g} of a constant's; a {other} one may do better. Fit more rows, or pass the penalty.",
            UserWarning,
            stacklevel=4,
        )
    return penalty, fits[best], {"penalty": penalty, "validation_loss": errors[best], "at_edge_of_path": edge}
