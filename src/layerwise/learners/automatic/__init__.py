"""Estimators for a table of data, which choose among the learners and report the structure they found."""

from layerwise.learners.automatic.classifier import LayerwiseClassifier
from layerwise.learners.automatic.display import StructureDisplay
from layerwise.learners.automatic.regressor import LayerwiseRegressor
from layerwise.learners.automatic.structure import Structure

__all__ = ["LayerwiseClassifier", "LayerwiseRegressor", "Structure", "StructureDisplay"]
