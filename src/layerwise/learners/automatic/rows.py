"""The target, the weights and the folds of the rows."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn.utils.validation import _check_sample_weight, _check_y, check_consistent_length

from layerwise.solvers.gauss_newton import draw_folds

if TYPE_CHECKING:
    from layerwise.learners.automatic.race import Race

#: Largest number of rows and number of folds; in larger tables, a share of the rows is held out once.
FOLDS = ((3_000, 5), (10_000, 3))
HELD_OUT, MAX_HELD_OUT = 0.2, 20_000
#: Integer weights are numbers of repetitions if the repeated rows number at most `MAX_REPEATED`, or at most
#: `MAX_REPETITION` times the rows.
MAX_REPEATED, MAX_REPETITION = 2_000, 3
#: Robust standard deviations by which a label may differ from the prediction with the Huber loss.
MAX_DISTANCE = 4.0
#: Robust standard deviations by which it may differ from the median of the labels, whatever the prediction.
FAR = 20.0
#: A label is far from the others if its distance from the median is this multiple of the median distance.
DOMINANT = 50
#: The median of |z| for a standard Gaussian z.
GAUSSIAN_MEDIAN = 0.6745


def check_target(estimator: Any, y: Any, n_rows: int) -> np.ndarray:
    """Return y as a float64 vector of length ``n_rows``; raises ValueError if it is text, not finite or too short."""
    name = type(estimator).__name__
    if y is None:
        raise ValueError(f"{name} requires y to be passed, but the target y is None. Pass y.")
    values = np.asarray(y)
    if values.dtype.kind in "OUS":
        numbers = pd.to_numeric(pd.Series(values.ravel()), errors="coerce")
        text = pd.Series(values.ravel())[numbers.isna().to_numpy() & pd.notna(values.ravel())]
        if len(text):
            raise ValueError(
                f"y holds text such as {text.iloc[0]!r}; it must hold numbers. Unknown label type: for classes, use "
                "LayerwiseClassifier."
            )
    y = _check_y(y, multi_output=False, y_numeric=True, estimator=estimator).astype(float)
    check_consistent_length(y, np.empty(n_rows))
    if n_rows < 2:
        raise ValueError(f"n_samples={n_rows} is too small; {name} needs at least 2 rows. Pass more rows.")
    return y


def weighted_rows(sample_weight: Any, frame: pd.DataFrame, seed: int) -> np.ndarray:
    """Return row numbers, repeated according to the weights; see the Notes of `LayerwiseRegressor`."""
    n = len(frame)
    if sample_weight is None:
        return np.arange(n)
    weights = _check_sample_weight(sample_weight, np.empty((n, 1)), ensure_non_negative=True)
    if not weights.sum() > 0:
        raise ValueError("sample_weight must have a positive entry; all are zero. Pass weights > 0 for some rows.")
    if np.all(weights == weights[0]):
        return np.arange(n)
    if np.all(weights == np.round(weights)) and weights.sum() <= max(MAX_REPEATED, MAX_REPETITION * n):
        return np.repeat(np.arange(n), weights.astype(int))
    ends = np.cumsum(weights) / weights.sum() * n
    points = np.arange(n) + np.random.RandomState(seed).uniform()
    return np.minimum(np.searchsorted(ends, points), n - 1)


def fold_numbers(Z: np.ndarray, y: np.ndarray, seed: int) -> np.ndarray:
    """Return the fold of each row, -1 for rows that are not held out; all are 0 if y is constant."""
    n = len(Z)
    if np.all(y == y[0]):
        return np.zeros(n, dtype=int)
    for limit, n_folds in FOLDS:
        if n <= limit:
            return draw_folds(Z, n_folds, seed)
    held_out = np.random.RandomState(seed).permutation(n)[: min(int(HELD_OUT * n), MAX_HELD_OUT)]
    folds = np.full(n, -1)
    folds[held_out] = 0
    return folds


def warn_dominant_labels(y: np.ndarray) -> None:
    """Warn if a few labels, far from all others, carry most of the variance."""
    centre = np.median(y)
    sizes = np.abs(y - centre)
    far = sizes > DOMINANT * np.median(sizes)
    scaled = sizes / (sizes.max() or 1.0)
    if 0 < far.sum() <= max(0.02 * len(y), 1) and np.median(sizes) > 0:
        share = float(np.sum(scaled[far] ** 2) / np.sum(scaled**2))
        if share > 0.9:
            warnings.warn(
                f"{int(far.sum())} of {len(y)} labels (such as {y[np.argmax(sizes)]:.3g}) are more than {DOMINANT} "
                f"times the median distance away from the median, and carry {share:.0%} of the variance of y: they "
                "influence the predictions of all rows. Check them, or pass loss='huber'.",
                UserWarning,
                stacklevel=3,
            )


def clipped_labels(y: np.ndarray) -> np.ndarray:
    """Return labels clipped to `FAR` robust standard deviations from their median."""
    centre = np.median(y)
    limit = FAR * np.median(np.abs(y - centre)) / GAUSSIAN_MEDIAN
    return np.clip(y, centre - limit, centre + limit) if limit > 0 else y


def robust_labels(race: Race) -> tuple[np.ndarray, int]:
    """Return labels within `MAX_DISTANCE` robust standard deviations of a prediction, and the number of labels moved.

    The prediction is the out-of-fold prediction of the candidate with the smallest median absolute residual so far, or
    the median of the labels if its residuals are smaller.
    """
    y, seen = race.y, race.seen
    predictions = [np.full(len(y), np.median(y))]
    predictions += [np.where(seen, e.out_of_fold, np.median(y)) for e in race.entries if e.complete]
    f = min(predictions, key=lambda p: np.median(np.abs(y - p)[seen]))
    limit = MAX_DISTANCE * np.median(np.abs(y - f)[seen]) / GAUSSIAN_MEDIAN
    moved = np.clip(y, f - limit, f + limit)
    return moved, int(np.sum(moved != y))
