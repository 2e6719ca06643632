"""Targets: functions to be learnt, with exact or estimated facts about each.

Index models (`SingleIndex`, `MultiIndex`, ...), hierarchical polynomials (`Hierarchical`, ...) with their features
(`BalancedSum`, ...), and simulators (`AsianStraddle`, ...). `make_target` builds any of them by name; a subclass of
`Target` adds another.
"""

from layerwise.targets.base import Target, UnreliableVarianceWarning
from layerwise.targets.deep import DeepLowRank
from layerwise.targets.facts import StatedFacts
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
    "StatedFacts",
    "Target",
    "TwoLayerTeacher",
    "UnreliableVarianceWarning",
    "make_feature",
    "make_target",
]
