"""What the functions of this package accept: a target, or any function of the inputs, with an optional feature."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias, cast

import numpy as np

from layerwise.activations import Activation, as_activation
from layerwise.hermite import HermitePolynomial
from layerwise.inputs import Array
from layerwise.targets import Feature, MultiFeature, MultiIndex, Target
from layerwise.theory.feature_structure import MAX_BASIS, interpolate

TargetLike: TypeAlias = "Target | Callable[[Array], Array]"
FeatureLike: TypeAlias = "Target | HermitePolynomial | Callable[[Array], Array]"


@dataclass(frozen=True)
class KnownFeature:
    """A feature p: its polynomial, in as few variables as are known to matter, and its values at inputs (n, dim)."""

    polynomial: HermitePolynomial
    values: Callable[[Array], Array]


def as_target(target: Any, dim: int | None) -> Target:
    """Return a target; a function from (n, dim) to (n,) becomes one, with exact facts if it is a polynomial."""
    if isinstance(target, Target):
        if dim not in (None, target.dim):
            raise ValueError(f"dim={dim} must be {target.dim}, that of {target!r}. Omit dim.")
        if target.variance == 0.0:
            raise ValueError(f"{target!r} is constant; it must depend on its inputs. Pass another target.")
        return target
    if not callable(target):
        raise TypeError(
            f"target={target!r} must be a Target, or a function from an (n, dim) array to n values. Pass one of them."
        )
    if dim is None:
        raise ValueError("dim=None must be an integer for a function, whose number of inputs is unknown. Pass dim=d.")
    function = cast(Callable[[Array], Array], target)
    polynomial = interpolate(function, dim)
    link = (lambda Z: np.asarray(function(Z))) if polynomial is None else polynomial
    return as_target(MultiIndex(dim, link, rank=dim), dim)


def as_feature(feature: FeatureLike, dim: int) -> KnownFeature:
    """Return a feature of ``dim`` inputs with its polynomial; that of a function is found from its values."""
    own = getattr(feature, "dim", dim)
    if own != dim:
        raise ValueError(f"feature={feature!r} has {own} inputs; it must have {dim}, those of the target.")
    if isinstance(feature, Feature):
        return KnownFeature(feature.reduced_polynomial, feature)
    if isinstance(feature, HermitePolynomial):
        return KnownFeature(feature, feature)
    if not callable(feature):
        raise TypeError(
            f"feature={feature!r} must be a Feature, a HermitePolynomial, or a function from an (n, dim) array to n "
            "values. Pass one of them."
        )
    polynomial = interpolate(feature, dim)
    if polynomial is None:
        raise ValueError(
            f"feature={feature!r} is not a polynomial of degree <= 4 with at most {MAX_BASIS} coefficients in {dim} "
            "inputs; it must be one. Pass a HermitePolynomial, or check the feature at a smaller dimension."
        )
    return KnownFeature(polynomial, feature)


def own_features(target: Target) -> list[KnownFeature]:
    """The features that a target declares; an empty list for targets without features."""
    if isinstance(target, Feature):
        return [as_feature(target, target.dim)]
    if isinstance(target, MultiFeature):
        return [
            KnownFeature(p.reduced_polynomial, partial(_column, transform=target.transform, j=j))
            for j, p in enumerate(target.features)
        ]
    feature = getattr(target, "feature", None)
    return [as_feature(feature, target.dim)] if isinstance(feature, Target) else []


def own_link(target: Target) -> Activation | None:
    """The link g of one variable that a target declares; the identity for a feature."""
    if isinstance(target, Feature):
        return as_activation("identity")
    link = getattr(target, "link", None)
    return link if isinstance(link, Activation) else None


def _column(X: Array, transform: Callable[[Array], Array], j: int) -> Array:
    return transform(X)[:, j]
