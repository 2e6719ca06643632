"""What the learners that end in ridge regression share: the choice of penalty and the checks of its arguments."""

from __future__ import annotations

from numbers import Real
from typing import Literal

import numpy as np
from sklearn.utils import check_scalar

#: "loo", or the fraction of rows held out.
Validation = Literal["loo"] | float
#: A number, or chosen from the data.
Auto = Literal["auto"] | float
#: What scikit-learn takes as a source of randomness.
RandomState = int | np.random.RandomState | None


def held_out_rows(validation: Validation, n: int, rng: np.random.RandomState) -> np.ndarray | None:
    """Mask of the rows that choose the penalty, None for leave-one-out.

    Raises
    ------
    ValueError
        Unless ``validation`` is "loo" or a fraction that leaves at least one row on either side.
    """
    if isinstance(validation, str) and validation == "loo":
        return None
    if not isinstance(validation, Real) or not 0 < validation < 1:
        raise ValueError(
            f"validation={validation!r} is neither 'loo' (leave-one-out) nor a fraction of rows between 0 and 1."
        )
    n_out = round(validation * n)
    if not 0 < n_out < n:
        raise ValueError(
            f"validation={validation} holds out {n_out} of n_samples={n} rows; at least one must be held out and one "
            "kept. Give more samples or use validation='loo'."
        )
    mask = np.zeros(n, dtype=bool)
    mask[rng.permutation(n)[:n_out]] = True
    return mask


def mean_square(residuals: np.ndarray) -> float:
    """``mean(residuals^2)``, in float64, where squares of float32 would overflow."""
    return float(np.mean(np.square(residuals, dtype=float)))


def check_penalty(penalty: Auto) -> float | None:
    """A penalty as a number, None for "auto"."""
    if isinstance(penalty, str) and penalty == "auto":
        return None
    return float(check_scalar(penalty, "penalty", Real, min_val=0))
