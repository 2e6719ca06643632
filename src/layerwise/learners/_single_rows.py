"""Warnings about single rows that carry most of the variance of a column or of the labels."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np

#: A row is reported if its squared distance from the median is more than this share of their sum over the rows, in a
#: table of at least `MIN_ROWS` rows.
MAX_SHARE, MIN_ROWS = 0.9, 20


def warn_single_rows(X: np.ndarray, y: np.ndarray, names: Sequence[str] | None) -> None:
    """Warn, from a learner's ``fit``, if one row dominates a column of X (n_samples, n_features) or y (n_samples,).

    After standardisation the other rows of such a column are nearly equal, and least squares with such a label hardly
    fits the others. Columns with two values are not reported. ``names`` are those of the columns, or None.
    """
    if len(y) < MIN_ROWS:
        return
    messages = []
    rows, dominated = _dominant(X)
    several = [np.any((x != x[row]) & (x != x[row - 1])) for x, row in zip(X.T, rows, strict=True)]
    columns = np.flatnonzero(dominated & several).tolist()
    if columns:
        listed = ", ".join(f"{names[j] if names is not None else f'x{j}'} (row {rows[j]})" for j in columns[:5])
        more = f" and {len(columns) - 5} more" if len(columns) > 5 else ""
        messages.append(f"a single row carries nearly all of the variance of columns of X: {listed}{more}")
    (row,), (is_dominated,) = _dominant(y[:, None])
    if is_dominated:
        messages.append(f"a single label, y={y[row]:.3g} in row {row}, carries nearly all of the variance of y")
    for message in messages:
        warnings.warn(
            f"{message}. The fit hardly depends on the other rows. Check this row, clip its values, or use "
            "LayerwiseRegressor with loss='huber', which bounds their influence.",
            UserWarning,
            stacklevel=4,
        )


def _dominant(columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return, for each column, the row furthest from its median, and whether it carries more than `MAX_SHARE`."""
    distances = np.abs(columns - np.median(columns, axis=0))
    rows = np.argmax(distances, axis=0)
    distances /= np.maximum(distances.max(axis=0), np.finfo(columns.dtype).tiny)
    squares = np.sum(np.square(distances), axis=0)  # at least 1, or 0 for a constant column
    return rows, (squares > 0) & (squares < 1 / MAX_SHARE)
