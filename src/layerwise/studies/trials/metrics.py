"""Metrics other than the risk, for learners and targets that expose their features or directions."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

PREDICT_ROWS = 4096  # rows predicted at once: learners may hold (rows, width) or (rows, n) arrays


def feature_correlation(target: Any, learner: Any, X: np.ndarray) -> float | None:
    """Return the absolute correlation of the learnt feature with the target's feature over X (n, d).

    The target's feature is ``target.feature(X)``; the learner's is ``feature(X)``, or ``transform(X)`` if that has one
    column. None if either is missing, 0 for a constant learnt feature.
    """
    hidden, learnt = getattr(target, "feature", None), _learnt_feature(learner, X[:1])
    if learnt is None or not callable(hidden):
        return None
    z, p = (values - values.mean() for values in (in_blocks(learnt, X), in_blocks(hidden, X)))
    size = np.linalg.norm(z) * np.linalg.norm(p)
    return float(abs(z @ p) / size) if size > 0 else 0.0


def subspace_overlap(target: Any, learner: Any, X: np.ndarray) -> float | None:
    """Return ``|D S'|_F^2 / r``, which is 1 if the first r learnt directions D (r, d) span the target's S (r, d).

    D is the first r rows of ``learner.directions_``, S is ``target.relevant_subspace``. None if either is missing, or
    if S is the whole space.
    """
    if not (hasattr(learner, "directions_") and hasattr(target, "relevant_subspace")):
        return None
    D, S = np.asarray(learner.directions_), np.asarray(target.relevant_subspace)
    if not 0 < len(S) < X.shape[1] or len(D) < len(S):
        return None
    return float(np.sum((D[: len(S)] @ S.T) ** 2) / len(S))


Metric = Callable[[Any, Any, np.ndarray], float | None]
METRICS: Mapping[str, Metric] = MappingProxyType(
    {"feature_correlation": feature_correlation, "subspace_overlap": subspace_overlap}
)


def measure(target: Any, learner: Any, X: np.ndarray) -> dict[str, float]:
    """Return the metrics of a fitted learner on test points X (n, d), by name.

    A metric that does not apply, or is not finite, is absent.
    """
    values = {name: metric(target, learner, X) for name, metric in METRICS.items()}
    return {name: value for name, value in values.items() if value is not None and math.isfinite(value)}


def in_blocks(function: Callable[[np.ndarray], Any], X: np.ndarray) -> np.ndarray:
    """Evaluate a function on X (n, d) by blocks of rows, in float64; return shape (n,).

    The function maps (rows, d) to (rows,) or (rows, 1); ValueError is raised for any other shape.
    """
    values = np.empty(len(X))
    for start in range(0, len(X), PREDICT_ROWS):
        block = X[start : start + PREDICT_ROWS]
        part = np.asarray(function(block), dtype=np.float64)
        if part.shape not in ((len(block),), (len(block), 1)):
            name = getattr(function, "__name__", type(function).__name__)
            raise ValueError(
                f"{name} returned an array of shape {part.shape} for {len(block)} rows; it must have shape "
                f"({len(block)},)."
            )
        values[start : start + PREDICT_ROWS] = part.reshape(-1)
    return values


def _learnt_feature(learner: Any, row: np.ndarray) -> Callable[[np.ndarray], Any] | None:
    feature = getattr(learner, "feature", None)
    if callable(feature):
        return feature
    transform = getattr(learner, "transform", None)
    return transform if callable(transform) and np.asarray(transform(row)).shape == (1, 1) else None
