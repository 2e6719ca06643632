"""Representations: scikit-learn transformers that map x to features."""

from layerwise.representations.first_step import FirstStep
from layerwise.representations.hermite_features import HermiteFeatures
from layerwise.representations.middle_step import MiddleStep
from layerwise.representations.polynomial_layer import PolynomialLayer
from layerwise.representations.random_features import RandomFeatures

__all__ = ["FirstStep", "HermiteFeatures", "MiddleStep", "PolynomialLayer", "RandomFeatures"]
