"""Refinement beyond the paper: the `descent`, the `average` of several, and both `guarded` by cross-validation."""

from layerwise.learners.refinement.guarded import Refinement, refine

__all__ = ["Refinement", "refine"]
