"""Refinement of a feature and its link: leave-one-out Gauss-Newton, cross-validated beside earlier fits.

`descent` is the iteration, `averaging` combines the features of several descents, and `refinement` cross-validates:
it returns the refined function, or a stack of the functions fitted without each fold.
"""

from layerwise.solvers.gauss_newton.descent import Candidate
from layerwise.solvers.gauss_newton.folds import FoldFit, draw_folds
from layerwise.solvers.gauss_newton.refinement import Refinement, refine, standardise

__all__ = ["Candidate", "FoldFit", "Refinement", "draw_folds", "refine", "standardise"]
