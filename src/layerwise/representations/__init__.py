"""Maps x -> features, as scikit-learn transformers."""

from layerwise.representations.first_step import FirstStep
from layerwise.representations.random_features import RandomFeatures

__all__ = ["FirstStep", "RandomFeatures"]
