"""Joint training of all layers: Adam in PyTorch, with the parametrisation of muP."""

from layerwise.learners.joint.regressor import JointRegressor

__all__ = ["JointRegressor"]
