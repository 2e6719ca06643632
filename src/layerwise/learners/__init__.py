"""The learners: scikit-learn regressors, one file an algorithm, or one folder where it needs several."""

from layerwise.learners.convex import ConvexNeuralRegressor
from layerwise.learners.hierarchical import HierarchicalRegressor
from layerwise.learners.joint import JointRegressor
from layerwise.learners.kernel import KernelRegressor
from layerwise.learners.moments import MomentRegressor
from layerwise.learners.quadratic_model import QuadraticModelRegressor
from layerwise.learners.random_features import RandomFeatureRegressor
from layerwise.learners.three_layer import ThreeLayerRegressor
from layerwise.learners.two_layer import TwoLayerRegressor

__all__ = [
    "ConvexNeuralRegressor",
    "HierarchicalRegressor",
    "JointRegressor",
    "KernelRegressor",
    "MomentRegressor",
    "QuadraticModelRegressor",
    "RandomFeatureRegressor",
    "ThreeLayerRegressor",
    "TwoLayerRegressor",
]
