"""Feature polynomials by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from layerwise._validation import build, find_class
from layerwise.inputs import RandomState
from layerwise.targets.features import BalancedSum, Feature, RandomTensor, Sparse
from layerwise.targets.quadratic import Quadratic

FeatureLike: TypeAlias = str | Mapping[str, Any] | Feature

FEATURES: dict[str, type[Feature]] = {
    "balanced_sum": BalancedSum,
    "sparse": Sparse,
    "random_tensor": RandomTensor,
    "quadratic": Quadratic,
}


def make_feature(spec: FeatureLike, dim: int, random_state: RandomState = None) -> Feature:
    """Return the feature polynomial that ``spec`` names.

    Parameters
    ----------
    spec : str, mapping or Feature
        "balanced_sum", "sparse", "random_tensor" or "quadratic" (or the class name); a mapping with the name and
        constructor parameters, ``{"name": "balanced_sum", "degree": 2}``; or a feature on R^dim.
    dim : int
        Number of inputs.
    random_state : int, Generator, RandomState or None
        Source of randomness for a feature built here, unless ``spec`` has its own.

    Raises
    ------
    TypeError
        If ``spec`` is none of these, or names a parameter that the class does not have.
    ValueError
        If the name is unknown, or the feature has another number of inputs.
    """
    if isinstance(spec, Feature):
        if spec.dim != dim:
            raise ValueError(
                f"feature={spec!r} has {spec.dim} inputs; it must have dim={dim}. Build it with dim={dim}."
            )
        return spec
    if isinstance(spec, str):
        spec = {"name": spec}
    if not isinstance(spec, Mapping) or not isinstance(spec.get("name"), str):
        raise TypeError(
            f"feature={spec!r} must be a name ({', '.join(FEATURES)}), a mapping with a 'name', or a Feature. "
            "Pass e.g. {'name': 'balanced_sum', 'degree': 2}."
        )
    parameters = {key: value for key, value in spec.items() if key != "name"}
    kind = find_class(spec["name"], FEATURES, "feature")
    return build(kind, dim, **{"random_state": random_state, **parameters})
