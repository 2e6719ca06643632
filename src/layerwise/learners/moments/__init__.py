"""The method of moments: lines 1 and 2 of the algorithm are in `regressor`, lines 3 to 5 in `multi_index`."""

from layerwise.learners.moments.regressor import MomentRegressor

__all__ = ["MomentRegressor"]
