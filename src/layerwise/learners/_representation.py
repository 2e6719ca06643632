"""Representations x -> phi(x) in which a learner looks for directions: x itself, Hermite features, any transformer.

A direction w of the Hermite features of degree k is the polynomial ``w.phi(x)``.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from sklearn.base import TransformerMixin, clone

from layerwise._validation import Choice
from layerwise.hermite import HermitePolynomial, multi_indices, n_terms
from layerwise.representations import HermiteFeatures

#: None (x itself), "hermite" (its degree chosen by validation), or a scikit-learn transformer.
Representation = Literal["hermite"] | TransformerMixin | None
#: Degrees of the Hermite features that a learner tries, and the number of rows per feature that it requires.
DEGREES, ROWS_PER_FEATURE = (2, 3, 4), 2


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
    """Return the transformers, unfitted, that a learner tries in turn while the validation error falls.

    None stands for x itself. "hermite" gives all h_alpha with 1 <= |alpha| <= k for each k in
    `DEGREES` with `ROWS_PER_FEATURE` rows for each feature, and at least for k = 2. Another transformer is cloned.
    """
    if representation is None:
        return [None]
    if not isinstance(representation, str):
        return [clone(representation)]
    most = n_samples // ROWS_PER_FEATURE
    degrees = [k for k in DEGREES if k == DEGREES[0] or n_terms(n_features, k) - 1 <= most]
    features = [HermiteFeatures(k, constant=False, max_memory=max_memory) for k in degrees]
    return [each.set_output(transform="default") for each in features]


def representation_width(transformer: Any, n_features: int) -> int:
    """Return the number of features of one of the candidates before `fit`; n_features for a user's transformer."""
    return n_features if (degree := hermite_degree(transformer)) is None else n_terms(n_features, degree) - 1


def hermite_degree(transformer: Any) -> int | None:
    """Return the degree of one of the candidates of "hermite", and None for other transformers."""
    hermite = isinstance(transformer, HermiteFeatures) and not transformer.constant
    return transformer.degree if hermite else None


def hermite_polynomials(directions: np.ndarray, degree: int, n_features: int) -> list[HermitePolynomial]:
    """Return ``w.phi`` as a polynomial of x for each row w of the directions.

    phi has all h_alpha with 1 <= \\|alpha\\| <= degree, in the order of `layerwise.hermite.multi_indices`.
    """
    exponents = multi_indices(n_features, degree)[1:]
    return [HermitePolynomial(exponents, w.astype(float)) for w in directions]
