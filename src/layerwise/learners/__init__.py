"""The learners: scikit-learn regressors, one file an algorithm."""

from layerwise.learners.kernel import KernelRegressor
from layerwise.learners.random_features import RandomFeatureRegressor
from layerwise.learners.two_layer import TwoLayerRegressor

__all__ = ["KernelRegressor", "RandomFeatureRegressor", "TwoLayerRegressor"]
