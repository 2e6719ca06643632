"""The learners: scikit-learn regressors, one file (or folder) per algorithm.

This list is the registry. The line that imports a learner here makes it available as ``layerwise.learners.<Name>``, in
studies, to ``layerwise fit`` under its `presets`, and to the tests of all learners.
"""

from layerwise.learners._base import Learner as Learner
from layerwise.learners.automatic import LayerwiseClassifier as LayerwiseClassifier
from layerwise.learners.automatic import LayerwiseRegressor as LayerwiseRegressor
from layerwise.learners.convex import ConvexNeuralRegressor as ConvexNeuralRegressor
from layerwise.learners.hierarchical import HierarchicalRegressor as HierarchicalRegressor
from layerwise.learners.joint import JointRegressor as JointRegressor
from layerwise.learners.kernel import KernelRegressor as KernelRegressor
from layerwise.learners.moments import MomentRegressor as MomentRegressor
from layerwise.learners.quadratic_model import QuadraticModelRegressor as QuadraticModelRegressor
from layerwise.learners.random_features import RandomFeatureRegressor as RandomFeatureRegressor
from layerwise.learners.recursive_features import RecursiveFeatureRegressor as RecursiveFeatureRegressor
from layerwise.learners.three_layer import ThreeLayerRegressor as ThreeLayerRegressor
from layerwise.learners.two_layer import TwoLayerRegressor as TwoLayerRegressor


def all_learners() -> list[type[Learner]]:
    """The classes of all learners, by name."""
    classes = [value for _, value in sorted(globals().items()) if isinstance(value, type)]
    return [each for each in classes if issubclass(each, Learner) and each is not Learner]
