"""Normal quantiles for skewed columns, where they predict better."""

from __future__ import annotations

from typing import Any

import numpy as np

from layerwise.kernels import GaussianKernel
from layerwise.learners.automatic.preparation import TablePreparation
from layerwise.solvers import kernel_ridge, ridge

#: Largest number of rows on which the errors are computed.
MAX_ROWS = 700
#: Normal quantiles must have an error of at most this share of that of standardised columns.
MAX_RATIO = 0.99
BANDWIDTH = 2.0


def choose_normal(X: Any, rows: np.ndarray, y: np.ndarray, seed: int) -> tuple[TablePreparation, np.ndarray]:
    """Return the fitted preparation, and the matrix for ``rows`` of the table X, whose labels are y.

    Three preparations are compared: standardised columns, normal quantiles of all skewed columns, and normal quantiles
    of those skewed columns that are then more correlated with the labels. The criterion is the smaller of the
    leave-one-out errors of linear and kernel ridge regression.
    """
    table = take(X, rows)
    plain = TablePreparation()
    Z = plain.fit_transform(table)
    if not plain.skewed_ or np.all(y == y[0]) or len(y) < 30:
        return plain, Z
    some = np.random.RandomState(seed).permutation(len(y))[:MAX_ROWS]
    normal = TablePreparation(tuple(plain.skewed_))
    Z_normal = normal.fit_transform(table)
    best, least = (plain, Z), MAX_RATIO * _error(Z[some], y[some])
    options = [(normal, Z_normal)]
    better = []
    for i in plain.skewed_:
        pair = (Z[:, plain.sources_.index((i, ""))], Z_normal[:, normal.sources_.index((i, ""))])
        before, after = (abs(np.corrcoef(column, y)[0, 1]) for column in pair)
        if after > before:
            better.append(i)
    if 0 < len(better) < len(plain.skewed_):
        mixed = TablePreparation(tuple(better))
        options.append((mixed, mixed.fit_transform(table)))
    for preparation, matrix in options:
        error = _error(matrix[some], y[some])
        if error < least:
            best, least = (preparation, matrix), error
    return best


def take(X: Any, rows: np.ndarray) -> Any:
    """The rows of an array or DataFrame."""
    if len(rows) == len(X) and np.array_equal(rows, np.arange(len(X))):
        return X
    if hasattr(X, "iloc"):
        return X.iloc[rows]
    return X[rows]


def _error(Z: np.ndarray, y: np.ndarray) -> float:
    centred = y - y.mean()
    constant = 10 * np.sqrt(Z.shape[1])
    linear = ridge(np.insert(Z, 0, constant, axis=1), centred).errors.min()
    return float(min(linear, kernel_ridge(GaussianKernel(BANDWIDTH)(Z), centred).errors.min()))
