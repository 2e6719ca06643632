"""Targets by name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from layerwise._validation import build, find_class
from layerwise.targets.base import Target
from layerwise.targets.deep import DeepLowRank
from layerwise.targets.hierarchical import Hierarchical, QuadraticFeature, ReLUOfQuadratic
from layerwise.targets.index import HermiteSingleIndex, SingleIndex
from layerwise.targets.lookup import FEATURES
from layerwise.targets.low_rank import LowRankPolynomial, TwoLayerTeacher
from layerwise.targets.multi_feature import MultiFeature
from layerwise.targets.multi_index import MultiIndex
from layerwise.targets.simulators import AsianStraddle, ExcessOfLoss, Fatigue, LognormalPDE

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
"""Every target, feature polynomials included, by its class name in snake case: ``single_index``, ..."""


def make_target(spec: str | Mapping[str, Any] | Target, dim: int | None = None, **parameters: Any) -> Target:
    """Return the target that ``spec`` names.

    Parameters
    ----------
    spec : str, mapping or Target
        A class name in any spelling ("SingleIndex", "single_index"); a mapping with a 'name' and constructor
        parameters; or a target, which is returned unchanged.
    dim : int, optional
        Number of inputs; optional for simulators, which have a default.
    **parameters
        Constructor parameters.

    Raises
    ------
    TypeError
        If ``spec`` is none of these, ``dim`` is missing, or the class does not have a parameter.
    ValueError
        If the name is unknown, or ``dim`` differs from that of the target.

    Examples
    --------
    >>> make_target("single_index", 10, link="he2")
    SingleIndex(dim=10, link='he2')
    """
    if isinstance(spec, Target):
        if parameters:
            raise TypeError(
                f"{spec!r} is built already; it must come without parameters ({', '.join(parameters)}). Pass its name."
            )
        if dim not in (None, spec.dim):
            raise ValueError(
                f"dim={dim} must be {spec.dim}, that of {spec!r}. Omit dim, or build the target with dim={dim}."
            )
        return spec
    if isinstance(spec, Mapping):
        parameters = {**spec, **parameters}
        spec = parameters.pop("name", None)
        dim = parameters.pop("dim", dim) if dim is None else dim
        parameters.pop("dim", None)
    if not isinstance(spec, str):
        raise TypeError(
            f"target={spec!r} must be a name, a mapping with a 'name', or a Target. Pass e.g. 'single_index'."
        )
    kind = find_class(spec, TARGETS, "target")
    if dim is not None:
        return build(kind, dim, **parameters)
    if kind not in _SIMULATORS:
        raise TypeError(f"dim=None must be an integer, as {kind.__name__} has no default. Pass e.g. dim=10.")
    return build(kind, **parameters)
