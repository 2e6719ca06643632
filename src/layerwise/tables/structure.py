"""What a fitted learner found in its columns, in words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sklearn.base import BaseEstimator

from layerwise.hermite import HermitePolynomial
from layerwise.learners import HierarchicalRegressor, MomentRegressor, TwoLayerRegressor

#: Directions with a smaller share are not told.
OF_NOTE = 0.1


def describe(learner: BaseEstimator, columns: Sequence[str], n_terms: int = 5) -> list[str]:
    """A line for each direction or feature that a learner found.

    Directions come with their share: of the first layer's variance (`TwoLayerRegressor`), or of the mean squared slope
    of q (`MomentRegressor`); those below a tenth are left out. A hidden polynomial (`HierarchicalRegressor`) is told by
    its terms in the orthonormal Hermite basis, ``h2(a)`` being ``(a^2 - 1) / sqrt(2)``, for a variance of 1.

    Parameters
    ----------
    learner : estimator
        Fitted, on columns of mean 0 and variance 1 if the terms are to be compared.
    columns : sequence of str
        The names of its inputs.
    n_terms : int
        The heaviest terms of each are told.

    Returns
    -------
    list of str
        Empty for a learner that shows no structure.
    """
    if isinstance(learner, TwoLayerRegressor):
        shares = learner.singular_values_**2
        return _directions(learner.directions_, shares, "of the first layer", columns, n_terms)
    if isinstance(learner, MomentRegressor):
        slopes = np.array([q.norm() ** 2 for q in learner.polynomial_.gradient()])
        return _directions(learner.directions_, slopes, "of the mean squared slope", columns, n_terms)
    if isinstance(learner, HierarchicalRegressor):
        return _feature(learner.feature_polynomial_, columns, n_terms)
    return []


def _directions(
    directions: np.ndarray, weights: np.ndarray, unit: str, columns: Sequence[str], n_terms: int
) -> list[str]:
    shares = weights / (weights.sum() or 1.0)
    return [
        f"direction with {share:.0%} {unit}: {_sum(direction, columns, n_terms)}"
        for share, direction in zip(shares, directions, strict=True)
        if share >= OF_NOTE
    ]


def _feature(polynomial: HermitePolynomial, columns: Sequence[str], n_terms: int) -> list[str]:
    if not polynomial.variance:
        return []
    varying = polynomial.exponents.any(axis=1)
    coefficients = polynomial.coefficients[varying] / np.sqrt(polynomial.variance)
    terms = [_product(alpha, columns) for alpha in polynomial.exponents[varying]]
    told = np.sum(np.sort(coefficients**2)[-n_terms:])
    return [
        f"feature of degree {polynomial.degree}, {told:.0%} of its variance in the terms told: "
        f"{_sum(coefficients, terms, n_terms)}"
    ]


def _sum(coefficients: np.ndarray, terms: Sequence[str], n_terms: int) -> str:
    heaviest = np.argsort(-np.abs(coefficients))[:n_terms].tolist()
    text = " ".join(f"{coefficients[i]:+.2f} {terms[i]}" for i in heaviest)
    return text + (" ..." if len(terms) > n_terms else "")


def _product(alpha: np.ndarray, columns: Sequence[str]) -> str:
    """``h2(a) b`` for the multi-index of ``h_2(a) h_1(b)``."""
    present = np.flatnonzero(alpha).tolist()
    return " ".join(columns[i] if alpha[i] == 1 else f"h{alpha[i]}({columns[i]})" for i in present)
