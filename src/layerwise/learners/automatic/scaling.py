"""Scaling by which no single entry and no single row dominates a fit."""

from __future__ import annotations

import numpy as np
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin

#: Quantiles one standard deviation below and above the median of a Gaussian variable.
ONE_SD = (0.158655, 0.841345)
#: Rows longer than this multiple of this quantile of the lengths of the rows are scaled down.
ROW_FACTOR, ROW_QUANTILE = 1.5, 0.98


class BoundedScaler(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Clip each column, then standardise it.

    Let m be the median of a column and s half the distance between its 16 % and 84 % quantiles (or the root mean square
    of x - m, if that distance is 0). The column is clipped to m +- ``limit`` s and to its range in `fit`, widened by s
    on either side. It is then standardised by the mean and standard deviation of the clipped column.

    Parameters
    ----------
    limit : float, default=8.0
        Largest distance from the median, in units of s.
    least_scale : float, default=0.0
        Columns with a smaller standard deviation are divided by this number, so that rare zeros and ones do not become
        large.

    Attributes
    ----------
    low_, high_, mean_, scale_ : ndarrays of shape (n_features,)
        Limits of each column; mean and standard deviation by which it is standardised.
    """

    def __init__(self, limit: float = 8.0, least_scale: float = 0.0):
        self.limit = limit
        self.least_scale = least_scale

    def fit(self, X, y=None):
        """Find limits, means and scales of the columns of X (n_samples, n_features)."""
        X = np.asarray(X, dtype=float)
        self.n_features_in_ = X.shape[1]
        centre = np.median(X, axis=0)
        low, high = np.quantile(X, ONE_SD, axis=0)
        spread = (high - low) / 2
        distance = np.abs(X - centre).max(axis=0)
        relative = (X - centre) / np.where(distance > 0, distance, 1.0)
        spread = np.where(spread > 1e-12 * distance, spread, distance * np.sqrt(np.mean(relative**2, axis=0)))
        self.low_ = np.maximum(centre - self.limit * spread, X.min(axis=0) - spread)
        self.high_ = np.minimum(centre + self.limit * spread, X.max(axis=0) + spread)
        clipped = (np.clip(X, self.low_, self.high_) - centre) / np.where(spread > 0, spread, 1.0)
        self.mean_ = centre + clipped.mean(axis=0) * spread
        scale = np.maximum(clipped.std(axis=0) * spread, self.least_scale)
        self.scale_ = np.where(scale > 0, scale, 1.0)
        return self

    def transform(self, X):
        """The columns, clipped and standardised, of shape (n_samples, n_features)."""
        return (np.clip(np.asarray(X, dtype=float), self.low_, self.high_) - self.mean_) / self.scale_


class BoundedRows(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Scale down rows that are longer than 1.5 times the 98 % quantile of the lengths of the rows in `fit`.

    Attributes
    ----------
    longest_ : float
        Largest length of the transformed rows.
    """

    def fit(self, X, y=None):
        """Find the largest length for X (n_samples, n_features)."""
        self.n_features_in_ = X.shape[1]
        self.longest_ = float(ROW_FACTOR * np.quantile(np.linalg.norm(X, axis=1), ROW_QUANTILE)) or 1.0
        return self

    def transform(self, X):
        """The rows, those longer than ``longest_`` scaled down to that length."""
        lengths = np.linalg.norm(X, axis=1, keepdims=True)
        return X * np.minimum(1.0, self.longest_ / np.maximum(lengths, np.finfo(float).tiny))
