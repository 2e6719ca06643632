"""Text for `describe`: directions and polynomials by their largest terms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from layerwise.hermite import HermitePolynomial

#: Directions with a smaller share are left out.
MIN_SHARE = 0.1
#: Number of terms shown of each direction or polynomial.
N_TERMS = 5


def column_names(learner: Any, columns: Sequence[str] | None) -> list[str]:
    """The names given, or those that a fitted learner saw, or x0, x1, ...; raises ValueError unless one per feature."""
    n_features = learner.n_features_in_
    if columns is None:
        return [str(name) for name in getattr(learner, "feature_names_in_", [f"x{i}" for i in range(n_features)])]
    if len(columns) != n_features:
        raise ValueError(
            f"columns has {len(columns)} names; it must have one for each of the {n_features} features. Pass the names "
            "of the columns of X."
        )
    return [str(name) for name in columns]


def describe_directions(directions: np.ndarray, weights: np.ndarray, whole: str, columns: Sequence[str]) -> list[str]:
    """One line for each of the directions (n_directions, n_features) with a share of at least `MIN_SHARE`.

    The shares are proportional to the nonnegative ``weights``, and of a ``whole`` such as ``"of the first layer"``.
    """
    shares = weights / (weights.sum() or 1.0)
    return [
        f"direction with {share:.0%} {whole}: {_sum(direction, columns)}"
        for share, direction in zip(shares, directions, strict=True)
        if share >= MIN_SHARE
    ]


def describe_polynomial(polynomial: HermitePolynomial, columns: Sequence[str]) -> list[str]:
    """One line with the largest terms of a polynomial scaled to variance 1; none if it is constant.

    Terms are in the orthonormal Hermite basis: ``h2(a)`` is ``(a^2 - 1) / sqrt(2)``.
    """
    if not polynomial.variance:
        return []
    varying = polynomial.exponents.any(axis=1)
    coefficients = polynomial.coefficients[varying] / np.sqrt(polynomial.variance)
    terms = [_product(alpha, columns) for alpha in polynomial.exponents[varying]]
    shown = np.sum(np.sort(coefficients**2)[-N_TERMS:])
    return [
        f"feature of degree {polynomial.degree}, {shown:.0%} of its variance in the terms shown: "
        f"{_sum(coefficients, terms)}"
    ]


def _sum(coefficients: np.ndarray, terms: Sequence[str]) -> str:
    largest = np.argsort(-np.abs(coefficients))[:N_TERMS].tolist()
    text = " ".join(f"{coefficients[i]:+.2f} {terms[i]}" for i in largest)
    return text + (" ..." if len(terms) > N_TERMS else "")


def _product(alpha: np.ndarray, columns: Sequence[str]) -> str:
    """``h2(a) b`` for the multi-index of ``h_2(a) h_1(b)``."""
    present = np.flatnonzero(alpha).tolist()
    return " ".join(columns[i] if alpha[i] == 1 else f"h{alpha[i]}({columns[i]})" for i in present)
