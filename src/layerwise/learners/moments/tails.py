"""Linear continuation of a fitted polynomial beyond the bulk of the training rows.

A polynomial of degree 6 in a few projections fits the bulk of the data, but its errors grow without bound beyond it: on
the Asian straddle (d = 50, n = 2000), 10 of 5000 new rows may carry 96 % of its squared error. Let z* be the point of a
region that is reached from z by clipping each coordinate, then moving towards 0. Outside the region, q is replaced by

    q(z*) + grad q(z*).(z - z*).

The region is the intersection of a box and a ball, which contain either all training rows or all but the outermost.
The choice between the two is made by extrapolation: q is fitted to the rows inside the smaller region; its predictions
for the rows outside, as a polynomial and as its linear continuation, are compared.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Self

import numpy as np

from layerwise.hermite import HermitePolynomial, design_matrix
from layerwise.solvers import ridge

#: Share of the rows beyond each side of the smaller box, in each coordinate; its ball leaves out twice this share.
TAIL = 0.01
#: The larger region is chosen if the polynomial extrapolates with at most this fraction of the squared error of its
#: continuation.
MAX_ERROR_RATIO = 0.5
#: Smallest number of rows outside the smaller region for this comparison.
MIN_ROWS = 5
#: Rows beyond the range of the training rows by more than this fraction of its width are reported.
FAR = 0.5


@dataclass(frozen=True, eq=False)
class Tails:
    """The region beyond which a polynomial continues linearly, and the range of the training rows.

    ``low`` and ``high`` (r,) are the sides of the box, ``radius`` is that of the ball, and ``range_low`` and
    ``range_high`` (r,) are the extremes of the training rows.
    """

    low: np.ndarray
    high: np.ndarray
    radius: float
    range_low: np.ndarray
    range_high: np.ndarray

    @classmethod
    def around(cls, Z: np.ndarray, share: float) -> Self:
        """Return the region around projections Z (n_samples, r) that leaves out this share of the rows on each side."""
        low, high = np.quantile(Z, [share, 1 - share], axis=0)
        radius = float(np.quantile(np.linalg.norm(np.clip(Z, low, high), axis=1), 1 - 2 * share))
        return cls(low, high, radius, Z.min(axis=0), Z.max(axis=0))

    @classmethod
    def choose(cls, Z: np.ndarray, y: np.ndarray, degree: int, penalty: float) -> Self:
        """Return the region of all rows, or of all but the outermost if the polynomial extrapolates poorly.

        Z has shape (n_samples, r) and y has shape (n_samples,).
        """
        y = y / (np.abs(y).max() or 1.0)  # so that squares neither overflow nor underflow
        smaller, outer = cls.around(Z, TAIL), cls.around(Z, 0.0)
        outside = np.any(smaller.nearest(Z) != Z, axis=1)
        if outside.sum() < MIN_ROWS or not np.ptp(Z[~outside]) > 0:
            return outer
        c = ridge(design_matrix(Z[~outside], degree), y[~outside], [penalty]).coefficients
        q = HermitePolynomial.from_dense(Z.shape[1], degree, c)
        polynomial, linear = (np.mean((y - f)[outside] ** 2) for f in (q(Z), smaller.continued(q, Z)))
        return outer if polynomial <= MAX_ERROR_RATIO * linear else smaller

    def nearest(self, Z: np.ndarray) -> np.ndarray:
        """Return the point z* of the region for each row of Z (n_samples, r)."""
        inside = np.clip(Z, self.low.astype(Z.dtype), self.high.astype(Z.dtype))
        norms = np.linalg.norm(inside, axis=1, keepdims=True)
        return inside * np.minimum(1, self.radius / np.maximum(norms, np.finfo(Z.dtype).tiny)).astype(Z.dtype)

    def continued(self, q: HermitePolynomial, Z: np.ndarray) -> np.ndarray:
        """Evaluate q, continued linearly beyond the region, on Z (n_samples, r); shape (n_samples,)."""
        nearest = self.nearest(Z)
        slopes = np.stack([slope(nearest) for slope in q.gradient()], axis=1)
        return q(nearest) + np.sum(slopes * (Z - nearest), axis=1)

    def warn(self, Z: np.ndarray) -> None:
        """Warn (UserWarning) if rows of Z (n_samples, r) are far beyond the range of the training rows."""
        beyond = np.maximum(self.range_low - Z, Z - self.range_high) > FAR * (self.range_high - self.range_low)
        if n_far := int(beyond.any(axis=1).sum()):
            warnings.warn(
                f"{n_far} of {len(Z)} rows lie outside the range of the training rows by more than {FAR:.0%} of its "
                "width, along a direction that the model uses. Predictions continue linearly there. Check these rows.",
                UserWarning,
                stacklevel=4,
            )


class LinearTails:
    """Mixin of `MomentRegressor`: projections, and predictions with linear tails; it uses the attributes below."""

    standardize: bool
    mean_: np.ndarray
    components_: np.ndarray
    polynomial_: HermitePolynomial
    tails_: Tails | None

    def _represent(self, X: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    def _project(self, X: np.ndarray) -> np.ndarray:
        X = self._represent(X)
        return (X - self.mean_.astype(X.dtype)) @ self.components_.T.astype(X.dtype)

    def _predict(self, X: np.ndarray) -> np.ndarray:
        Z = self._project(X)
        values = self.polynomial_(Z) if self.tails_ is None else self.tails_.continued(self.polynomial_, Z)
        return values.astype(Z.dtype, copy=False)

    def _set_tails(self, X: np.ndarray, y: np.ndarray, penalty: float) -> None:
        self.tails_ = None
        if self.standardize:
            self.tails_ = Tails.choose(self._project(X), y - y.mean(), self.polynomial_.degree, penalty)
