"""Least squares on a representation, with which every learner ends.

The solvers minimise ``L(u) = |Phi u - y|^2 / n + (penalty / 2) |u|^2`` (the convention of Damian et al. 2022,
Algorithm 1, line 4), exactly (`ridge`) or by T steps of gradient descent (`gradient_descent`).
"""

from layerwise.solvers.gradient_descent import chebyshev, largest_stable_step, literal, spectral
from layerwise.solvers.gram import FeatureBlocks, normal_equations
from layerwise.solvers.ridge_path import RidgePath, kernel_ridge, ridge

__all__ = [
    "FeatureBlocks",
    "RidgePath",
    "chebyshev",
    "kernel_ridge",
    "largest_stable_step",
    "literal",
    "normal_equations",
    "ridge",
    "spectral",
]
