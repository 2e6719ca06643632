"""Classes by name: any spelling of the class name, and what to say when there is none."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Mapping
from typing import Any, TypeAlias, TypeVar

from layerwise.inputs import RandomState
from layerwise.targets.features import BalancedSum, Feature, RandomTensor, Sparse
from layerwise.targets.quadratic import Quadratic

__all__ = ["FeatureLike", "build", "find", "make_feature"]

T = TypeVar("T")
FeatureLike: TypeAlias = str | Mapping[str, Any] | Feature

FEATURES: dict[str, type[Feature]] = {
    "balanced_sum": BalancedSum,
    "sparse": Sparse,
    "random_tensor": RandomTensor,
    "quadratic": Quadratic,
}


def find(name: str, table: Mapping[str, type[T]], what: str) -> type[T]:
    """Return ``table[name]``, whatever the case and underscores of ``name``."""
    spellings = {key.replace("_", ""): key for key in table}
    wanted = name.replace("_", "").replace("-", "").lower()
    if wanted not in spellings:
        close = spellings[difflib.get_close_matches(wanted, spellings, n=1, cutoff=0.0)[0]]
        raise ValueError(f"unknown {what} {name!r}. Did you mean {close!r}? Known: {', '.join(table)}.")
    return table[spellings[wanted]]


def build(kind: type[T], /, *arguments: Any, **parameters: Any) -> T:
    """Call ``kind``, and name the parameters it takes if it is given another."""
    known = list(inspect.signature(kind).parameters)
    for name in parameters:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1, cutoff=0.0)[0]
            raise TypeError(
                f"{kind.__name__} takes no parameter {name!r}. Did you mean {close!r}? It takes {', '.join(known)}."
            )
    return kind(*arguments, **parameters)


def make_feature(spec: FeatureLike, dim: int, random_state: RandomState = None) -> Feature:
    """Return the feature polynomial that ``spec`` names.

    Parameters
    ----------
    spec : str, mapping or Feature
        "balanced_sum", "sparse", "random_tensor" or "quadratic" (or the class name); a mapping with the name and the
        constructor's parameters, ``{"name": "balanced_sum", "degree": 2}``; or a feature on R^dim.
    dim : int
        Number of inputs.
    random_state : int, Generator, RandomState or None
        For a feature made here that is not given one of its own.
    """
    if isinstance(spec, Feature):
        if spec.dim != dim:
            raise ValueError(f"the feature {spec!r} has {spec.dim} inputs, but dim={dim}. Build it with dim={dim}.")
        return spec
    if isinstance(spec, str):
        spec = {"name": spec}
    if not isinstance(spec, Mapping) or not isinstance(spec.get("name"), str):
        raise TypeError(
            f"feature={spec!r} is no feature. Give a name ({', '.join(FEATURES)}), a mapping with a 'name', "
            "or a feature object."
        )
    parameters = {key: value for key, value in spec.items() if key != "name"}
    kind = find(spec["name"], FEATURES, "feature")
    return build(kind, dim, **{"random_state": random_state, **parameters})
