"""The folds of the cross-validation, and earlier stages fitted without each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from sklearn.utils import check_random_state

from layerwise.solvers.gauss_newton.descent import Candidate


@dataclass(frozen=True)
class FoldFit:
    """Earlier stages fitted without one fold, whose rows are marked by the mask ``held_out`` (n_samples,).

    ``stages`` are the two earlier stages, fitted to the labels of the other rows as `standardise` returns them, and
    ``predictions`` (n_stages, n_held_out) are their predictions for the held-out
    rows. Without stages, the first two stages
    of the descent are used.
    """

    held_out: np.ndarray
    stages: Sequence[Candidate] = ()
    predictions: np.ndarray = field(default_factory=lambda: np.empty((0, 0)), repr=False)


def draw_folds(X: np.ndarray, folds: int, random_state: int | np.random.RandomState | None) -> np.ndarray:
    """The fold of each row, of shape (n_samples,), at random but independent of the order of the rows.

    Equal rows are in the same fold, as in a bootstrap.
    """
    distinct, copies = np.unique(X, axis=0, return_inverse=True)
    order = check_random_state(random_state).permutation(len(distinct))
    return (order % min(folds, len(distinct)))[copies.ravel()]
