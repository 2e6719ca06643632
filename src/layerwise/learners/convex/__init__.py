"""Least squares in the spaces F1 and F2 of wide two-layer networks (Bach 2017; Lee 2020)."""

from layerwise.learners.convex.regressor import ConvexNeuralRegressor

__all__ = ["ConvexNeuralRegressor"]
