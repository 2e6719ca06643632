"""Targets: the functions to be learnt, each of which knows itself.

Index models (`SingleIndex`, `MultiIndex`, ...), hierarchical polynomials (`Hierarchical`, ...) with their features
(`BalancedSum`, ...), and simulators (`AsianStraddle`, ...); `make_target` finds any of them by name.
"""

from layerwise.targets.base import Target
from layerwise.targets.deep import DeepLowRank
from layerwise.targets.features import BalancedSum, Feature, RandomTensor, Sparse
from layerwise.targets.hierarchical import Hierarchical, QuadraticFeature, ReLUOfQuadratic
from layerwise.targets.index import HermiteSingleIndex, SingleIndex
from layerwise.targets.lookup import make_feature
from layerwise.targets.low_rank import LowRankPolynomial, TwoLayerTeacher
from layerwise.targets.multi_feature import MultiFeature
from layerwise.targets.multi_index import MultiIndex
from layerwise.targets.quadratic import Quadratic
from layerwise.targets.registry import TARGETS, make_target
from layerwise.targets.simulators import AsianStraddle, ExcessOfLoss, Fatigue, LognormalPDE

__all__ = [
    "TARGETS",
    "AsianStraddle",
    "BalancedSum",
    "DeepLowRank",
    "ExcessOfLoss",
    "Fatigue",
    "Feature",
    "HermiteSingleIndex",
    "Hierarchical",
    "LognormalPDE",
    "LowRankPolynomial",
    "MultiFeature",
    "MultiIndex",
    "Quadratic",
    "QuadraticFeature",
    "RandomTensor",
    "ReLUOfQuadratic",
    "SingleIndex",
    "Sparse",
    "Target",
    "TwoLayerTeacher",
    "make_feature",
    "make_target",
]
