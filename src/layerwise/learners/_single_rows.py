"""Warnings of single rows that carry most of the variance of a column or of the labels."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np

#: A row is reported if it has this share of the squares of distances from the median, in a table of so many rows.
MAX_SHARE, MIN_ROWS = 0.9, 20


def warn_single_rows(X: np.ndarray, y: np.ndarray, names: Sequence[str] | None) -> None:
    """Warn, from a learner's ``fit``, of columns of X (n_samples, n_features), or of y, dominated by one row.

    Standardising such a column, or least squares with such a label, leaves nothing of the other rows. Columns with two
    values are left out.
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
            f"{message}. The other rows are hardly fitted. Check this row, clip the values, or use LayerwiseRegressor "
            "with loss='huber', which bounds them.",
            UserWarning,
            stacklevel=4,
        )


def _dominant(columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each column the row that is furthest from its median, and whether it carries more than `MAX_SHARE`."""
    distances = np.abs(columns - np.median(columns, axis=0))
    rows = np.argmax(distances, axis=0)
    distances /= np.maximum(distances.max(axis=0), np.finfo(columns.dtype).tiny)
    squares = np.sum(np.square(distances), axis=0)  # at least 1, or 0 for a constant column
    return rows, (squares > 0) & (squares < 1 / MAX_SHARE)
