"""The function of the feature that stage 2 fits: a line and random ReLU neurons."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from layerwise.solvers.gram import FeatureBlocks, feature_block


@dataclass(frozen=True, eq=False)
class ReluLink:
    """``mean + scale z + c'relu(a z + b)``, in the dtype of z.

    Attributes
    ----------
    mean, scale : float
    signs, biases, coefficients : ndarrays of shape (width,)
        a, b and c.
    """

    mean: float
    scale: float
    signs: np.ndarray
    biases: np.ndarray
    coefficients: np.ndarray

    def __call__(self, z: np.ndarray) -> np.ndarray:
        """The values, elementwise on (n_samples,)."""
        return self.mean + self.scale * z + relu_features(z, self.signs, self.biases) @ self.coefficients

    def affine(self, scale: float, shift: float) -> Self:
        """The function ``scale * self + shift``."""
        mean, slope = scale * self.mean + shift, scale * self.scale
        return replace(self, mean=mean, scale=slope, coefficients=scale * self.coefficients)


def relu_features(z: np.ndarray, signs: np.ndarray, biases: np.ndarray) -> FeatureBlocks:
    """``relu(a z + b)``, of shape (n_samples, width), by blocks of rows."""
    return FeatureBlocks(z[:, None], lambda column: feature_block(column, signs[:, None], biases), len(signs))
