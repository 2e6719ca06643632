"""Hierarchical polynomials (Wang, Nichani, Lee 2023): Algorithm 1 in `regressor`, beside it what it calls."""

from layerwise.learners.hierarchical.regressor import HierarchicalRegressor

__all__ = ["HierarchicalRegressor"]
