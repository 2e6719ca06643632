"""Representations x -> phi(x) in which a learner looks for directions: x itself, Hermite features, any transformer.

A direction w of the Hermite features of degree k is the polynomial ``w.phi(x)``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from sklearn.base import TransformerMixin, clone

from layerwise._validation import Choice
from layerwise.hermite import HermitePolynomial, multi_indices, n_terms
from layerwise.representations import HermiteFeatures

#: None (x itself), "hermite" (its degree chosen by validation), or a scikit-learn transformer.
Representation = Literal["hermite"] | TransformerMixin | None
#: Degrees of the Hermite features that a learner tries, as long as there is a row for each feature.
DEGREES = (2, 3, 4)


class RepresentationChoice(Choice):
    """None, the name of a representation, or a scikit-learn transformer."""

    def __init__(self) -> None:
        super().__init__("hermite", none=True)
        self.allowed += ", or a scikit-learn transformer such as layerwise.representations.RandomFeatures()"

    def holds(self, value: Any) -> bool:
        """Whether ``value`` is a known name, or an object with ``fit`` and ``transform``."""
        methods = all(callable(getattr(value, name, None)) for name in ("fit", "transform"))
        return (methods and not isinstance(value, type)) or super().holds(value)


def candidate_representations(
    representation: Representation, n_samples: int, n_features: int, max_memory: float
) -> list[Any]:
    """Return the transformers, unfitted, among which a learner chooses by validation; None stands for x itself.

    "hermite" gives all h_alpha with 1 <= |alpha| <= k for each k in `DEGREES` that has at most
    as many features as there are rows, and at least for k = 2. Another transformer is cloned.
    """
    if representation is None:
        return [None]
    if not isinstance(representation, str):
        return [clone(representation)]
    degrees = [k for k in DEGREES if k == DEGREES[0] or n_terms(n_features, k) - 1 <= n_samples]
    features = [HermiteFeatures(k, constant=False, max_memory=max_memory) for k in degrees]
    return [each.set_output(transform="default") for each in features]


def representation_width(transformer: Any, n_features: int) -> int:
    """Return the number of features of one of the candidates before `fit`; n_features for a user's transformer."""
    if isinstance(transformer, HermiteFeatures):
        return n_terms(n_features, transformer.degree) - (not transformer.constant)
    return n_features


def hermite_polynomials(directions: np.ndarray, degree: int, n_features: int) -> Sequence[HermitePolynomial]:
    """Return ``w.phi`` as a polynomial for each row w of the directions.

    phi has all h_alpha with 1 <= \\|alpha\\| <= degree, in the order of `layerwise.hermite.multi_indices`.
    """
    exponents = multi_indices(n_features, degree)[1:]
    return [HermitePolynomial(exponents, w.astype(float)) for w in directions]
