"""Whitening of the inputs before their moments are taken."""

from __future__ import annotations

import numpy as np
from sklearn.covariance import ledoit_wolf

from layerwise.learners._head import column_scales

#: Eigenvalues of the covariance below this fraction of the largest are dropped.
DROPPED_FRACTION = 1e-10


def whitening(X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean (d,) and W (d, d) for which ``(X - mean) W`` is white, for X (n_samples, d).

    The columns are standardised and whitened by their Ledoit-Wolf covariance, which shrinks towards the identity:
    isotropic inputs remain as they are.
    """
    mean = X.mean(axis=0, dtype=float)
    Z = X - mean
    spread = column_scales(Z, mean)
    Z /= spread
    values, Q = np.linalg.eigh(ledoit_wolf(Z, assume_centered=True)[0])
    seen = values > DROPPED_FRACTION * values[-1]
    root = np.where(seen, 1 / np.sqrt(np.where(seen, values, 1.0)), 0.0)
    return mean, (Q * root) @ Q.T / spread[:, None]
