"""Targets by name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from layerwise.targets.base import Target
from layerwise.targets.deep import DeepLowRank
from layerwise.targets.hierarchical import Hierarchical, QuadraticFeature, ReLUOfQuadratic
from layerwise.targets.index import HermiteSingleIndex, SingleIndex
from layerwise.targets.lookup import FEATURES, build, find
from layerwise.targets.low_rank import LowRankPolynomial, TwoLayerTeacher
from layerwise.targets.multi_feature import MultiFeature
from layerwise.targets.multi_index import MultiIndex
from layerwise.targets.simulators import AsianStraddle, ExcessOfLoss, Fatigue, LognormalPDE

__all__ = ["TARGETS", "make_target"]

_SIMULATORS = (AsianStraddle, ExcessOfLoss, Fatigue, LognormalPDE)
_CLASSES: tuple[type[Target], ...] = (
    SingleIndex,
    MultiIndex,
    LowRankPolynomial,
    TwoLayerTeacher,
    DeepLowRank,
    QuadraticFeature,
    Hierarchical,
    MultiFeature,
    ReLUOfQuadratic,
    HermiteSingleIndex,
    *_SIMULATORS,
)


def _snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name.replace("ReLU", "Relu")).lower()


TARGETS: dict[str, type[Target]] = {**{_snake_case(kind.__name__): kind for kind in _CLASSES}, **FEATURES}
"""Every target by its lookup name: ``single_index``, ``asian_straddle``, and the feature polynomials."""


def make_target(spec: str | Mapping[str, Any] | Target, dim: int | None = None, **parameters: Any) -> Target:
    """Return the target that ``spec`` names.

    Parameters
    ----------
    spec : str, mapping or Target
        A class name ("SingleIndex", "AsianStraddle") in any spelling ("single_index", "asian_straddle"); a mapping with
        the 'name' and parameters; or a target, which is returned as it is.
    dim : int, optional
        Number of inputs; may be left out for simulators, which have a default.
    **parameters
        Passed to the class.

    Examples
    --------
    >>> make_target("single_index", 10, link="he2")
    SingleIndex(dim=10, link='he2')
    """
    if isinstance(spec, Target):
        if parameters:
            raise TypeError(f"{spec!r} is made already and takes no {', '.join(parameters)}. Give its name instead.")
        if dim not in (None, spec.dim):
            raise ValueError(f"{spec!r} has dim={spec.dim}, not {dim}. Leave dim out or build it with dim={dim}.")
        return spec
    if isinstance(spec, Mapping):
        parameters = {**spec, **parameters}
        spec = parameters.pop("name", None)
        dim = parameters.pop("dim", dim) if dim is None else dim
        parameters.pop("dim", None)
    if not isinstance(spec, str):
        raise TypeError(f"target={spec!r} is no target. Give a name, a mapping with a 'name', or a Target object.")
    kind = find(spec, TARGETS, "target")
    if dim is not None:
        return build(kind, dim, **parameters)
    if kind not in _SIMULATORS:
        raise TypeError(f"{kind.__name__} needs dim, the number of inputs. Give dim=10, say.")
    return build(kind, **parameters)
