"""Kernel regression that learns its metric: the regressor, the recursion, its choices out of fold, its memory."""

from layerwise.learners.recursive_features.regressor import RecursiveFeatureRegressor

__all__ = ["RecursiveFeatureRegressor"]
