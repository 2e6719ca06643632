"""The whitened representations on which the quadratic model is trained."""

from __future__ import annotations

from typing import Literal

from layerwise.hermite import n_terms
from layerwise.representations import HermiteFeatures, RandomFeatures
from layerwise.representations._whitening import WhitenedInputs

Representation = Literal["neural", "raw", "hermite"]


def representation_width(kind: Representation, width: int, degree: int, n_features: int) -> int:
    """Return D, the number of features h."""
    return {"raw": n_features, "neural": width, "hermite": n_terms(n_features, degree)}[kind]


def make_representation(
    kind: Representation, width: int, degree: int, max_memory: float, seed: int
) -> WhitenedInputs | RandomFeatures | HermiteFeatures:
    """Return the transformer x -> h(x), unfitted, which returns arrays."""
    if kind == "raw":
        representation = WhitenedInputs()
    elif kind == "neural":
        representation = RandomFeatures(width, whiten=True, random_state=seed)
    else:
        representation = HermiteFeatures(degree, whiten=True, max_memory=max_memory)
    return representation.set_output(transform="default")
