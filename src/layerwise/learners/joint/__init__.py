"""Joint training: the `regressor`, the three `networks` in PyTorch, and `adam` in the scaling of muP."""

from layerwise.learners.joint.regressor import JointRegressor

__all__ = ["JointRegressor"]
