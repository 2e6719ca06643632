"""Hierarchical polynomials (Wang, Nichani, Lee 2023): Algorithm 1 in `regressor`, and the parts it uses."""

from layerwise.learners.hierarchical.regressor import HierarchicalRegressor

__all__ = ["HierarchicalRegressor"]
