"""The rows that a diagnosis uses: checked, standardised, Gaussianised and whitened.

The theory assumes inputs from N(0, I). Each column is replaced by its normal scores (Gaussian quantiles of its ranks,
equal values sharing their mean rank), and the scores Z are whitened by their Ledoit-Wolf covariance, which leaves
independent columns nearly unchanged. The result is N(0, I) if the inputs have a Gaussian copula, that is, if some
monotone transformation of each column makes them jointly Gaussian.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import norm, rankdata
from sklearn.covariance import ledoit_wolf

from layerwise._validation import as_points, as_vector
from layerwise.errors import UserError

MIN_ROWS = 20
#: Rows used at most; a larger table is subsampled.
MAX_ROWS = 20_000
#: A column is constant if its standard deviation is at most this many times the largest absolute value.
CONSTANT = 1e-13


@dataclass(frozen=True, eq=False)
class Table:
    """A checked table: inputs (n_samples, n_features) and target (n_samples,) in float64; names of the inputs."""

    X: np.ndarray
    y: np.ndarray
    names: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Sample:
    """The rows and columns from which structure is estimated.

    Attributes
    ----------
    X : ndarray of shape (n_samples, n_features)
        Columns with mean 0 and variance 1, without constant columns and copies of earlier ones.
    scores : ndarray of shape (n_samples, n_features)
        Normal scores of the columns.
    white, whitening : ndarrays of shapes (n_samples, n_features) and (n_features, n_features)
        ``white = scores @ whitening`` has covariance close to the identity.
    shrinkage : float
        Shrinkage of the covariance towards the identity; with 1, the scores are left as they are.
    y : ndarray of shape (n_samples,)
        Target with mean 0 and variance 1.
    group : ndarray of int of shape (n_samples,)
        Equal for rows with equal inputs; 0, 1, ....
    kept : ndarray of int of shape (n_features,)
        The column of the table of each column of the sample.
    copy_of : dict of int to int
        Columns of the table that equal an earlier one up to shift and scale.
    """

    X: np.ndarray
    scores: np.ndarray
    white: np.ndarray
    whitening: np.ndarray
    shrinkage: float
    y: np.ndarray
    group: np.ndarray
    kept: np.ndarray
    copy_of: dict[int, int]


def read_arrays(X: Any, y: Any) -> Table:
    """Check X and y; the names are those of the columns of a DataFrame, or x0, x1, ....

    Raises
    ------
    ValueError, TypeError
        If they do not have the shapes (n_samples >= 20, n_features) and (n_samples,), contain text, NaN or infinity, or
        if y or all columns are constant. The message names the columns.
    """
    named = getattr(X, "columns", None)
    if named is not None and hasattr(X, "dtypes"):
        text = [str(name) for name in named if np.asarray(X[name]).dtype.kind not in "biuf"]
        if text:
            raise TypeError(
                f"columns {_listed(text)} of X must hold numbers only, without text, dates or missing objects. Drop "
                "them or encode them first, e.g. with pandas.get_dummies."
            )
        X = np.asarray(X, dtype=float)  # columns of numbers and of truth values together would be objects
    inputs = as_points(X).astype(float, copy=False)
    names = tuple(map(str, named)) if named is not None else tuple(f"x{i}" for i in range(inputs.shape[1]))
    bad = ~np.isfinite(inputs)
    if bad.any():
        per_column = bad.sum(axis=0)
        listed = _listed([f"{names[j]} ({per_column[j]} rows)" for j in np.flatnonzero(per_column)])
        raise ValueError(
            f"X contains NaN or infinity in {listed}; its entries must be finite. Drop these rows or columns, or "
            "impute the entries first, e.g. with scikit-learn's SimpleImputer."
        )
    y = np.asarray(y)
    target = as_vector(y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y, "y", length=len(inputs))
    if len(target) < MIN_ROWS:
        raise UserError(f"X has {len(target)} rows; a diagnosis needs at least {MIN_ROWS}. Pass more rows.")
    if not varies(target):
        raise UserError(f"y is constant ({target[0]:g}); it must take at least two values. Pass another target.")
    if not varies(inputs).any():
        raise UserError("all columns of X are constant; at least one must vary. Pass other inputs.")
    return Table(inputs, target, names)


def subsample(table: Table, rng: np.random.RandomState) -> Table:
    """Draw `MAX_ROWS` rows, in their order, if there are more."""
    if len(table.y) <= MAX_ROWS:
        return table
    rows = np.sort(rng.permutation(len(table.y))[:MAX_ROWS])
    return Table(table.X[rows], table.y[rows], table.names)


def prepare(table: Table) -> Sample:
    """Standardise, Gaussianise and whiten the columns that vary and are not copies of earlier ones."""
    varying = np.flatnonzero(varies(table.X))
    standard = standardised(table.X[:, varying])
    first = np.argmax(np.abs(standard.T @ standard) > (1 - 1e-10) * len(standard), axis=0)
    chosen = np.flatnonzero(first == np.arange(len(first)))
    copies = {int(varying[j]): int(varying[i]) for j, i in enumerate(first) if i != j}
    standard, kept = standard[:, chosen], varying[chosen]
    scores = standardised(normal_scores(table.X[:, kept]))
    covariance, shrinkage = ledoit_wolf(scores, assume_centered=True)
    values, Q = np.linalg.eigh(covariance)
    seen = values > 1e-10 * values[-1]
    whitening = (Q[:, seen] / np.sqrt(values[seen])) @ Q[:, seen].T
    group = np.unique(table.X[:, kept], axis=0, return_inverse=True)[1].ravel()
    y = standardised(table.y)
    return Sample(standard, scores, scores @ whitening, whitening, float(shrinkage), y, group, kept, copies)


def varies(columns: np.ndarray) -> np.ndarray:
    """Whether each column, or a vector, varies by more than rounding."""
    return np.ptp(columns, axis=0) > CONSTANT * np.abs(columns).max(axis=0)


def standardised(columns: np.ndarray) -> np.ndarray:
    """Mean 0 and variance 1; entries are scaled before they are squared, so that squares do not overflow."""
    scaled = columns / np.abs(columns).max(axis=0)
    scaled -= scaled.mean(axis=0)
    scaled /= np.abs(scaled).max(axis=0)
    return scaled / np.sqrt(np.mean(scaled**2, axis=0))


def normal_scores(columns: np.ndarray) -> np.ndarray:
    """Gaussian quantiles of the mean ranks, in each column or of a vector."""
    return norm.ppf((rankdata(columns, axis=0) - 0.5) / len(columns))


def _listed(names: list[str]) -> str:
    return ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")
