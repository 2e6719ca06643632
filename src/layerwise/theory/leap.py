"""The leap of a multi-index polynomial: how many new coordinates have to be found at once.

For ``f = sum_alpha c_alpha h_alpha`` in orthonormal coordinates, order the terms so that each has few new coordinates:

    leap(f) = min over orders  max_i  sum of alpha_i over the coordinates in which no earlier term is.

``x_1 + x_1 x_2 + x_1 x_2 x_3`` has leap 1, ``x_1 x_2 x_3`` leap 3, ``h_k(x_1)`` leap k. Neither the information
exponent (1 for ``x_1 + h_4(x_2)``, whose leap is 4) nor the rank of the Hessian (2 of 3 for the staircase) determines
it.
"""

from __future__ import annotations

import numpy as np

from layerwise.hermite import HermitePolynomial, project
from layerwise.targets import Target
from layerwise.targets.facts import PolynomialFacts
from layerwise.theory.measurements import relevant_rank

FLOOR = 1e-8  # coefficients below it, relative to the norm, are 0
MAX_RANK, DEGREE, N_NODES = 3, 8, 48  # for the projection of functions that are not polynomials


def leap(f: HermitePolynomial) -> int:
    """Return the leap of a polynomial in its coordinates; 0 for a constant.

    Parameters
    ----------
    f : HermitePolynomial

    Notes
    -----
    The order that always takes the term with the lowest new degree attains the minimum. The leap depends on the
    coordinates; the complexity of learning is that of the worst rotation.

    References
    ----------
    Abbe, Boix-Adserà, Misiakiewicz 2023, *SGD learning on neural networks: leap complexity and saddle-to-saddle
    dynamics*, Definition 1.

    Examples
    --------
    >>> leap(HermitePolynomial([[1, 0, 0], [1, 1, 0], [1, 1, 1]], [1.0, 1.0, 1.0]))
    1
    """
    kept = np.abs(f.coefficients) > FLOOR * f.norm()
    terms = f.exponents[kept & (f.exponents.sum(axis=1) > 0)]
    known, largest = np.zeros(f.dim, dtype=bool), 0
    while len(terms):
        new = terms[:, ~known].sum(axis=1)
        first = int(np.argmin(new))
        largest = max(largest, int(new[first]))
        known |= terms[first] > 0
        terms = terms[terms[:, ~known].sum(axis=1) > 0]
    return largest


def target_leap(target: Target) -> int | None:
    """Return the leap of a target in the coordinates of its frame.

    For a function of one direction, the information exponent. Functions of up to three directions that are not
    polynomials are projected on degree <= 8. None where neither applies.
    """
    if relevant_rank(target) == 1:
        return target.information_exponent
    if isinstance(target.facts, PolynomialFacts):
        return leap(target.facts.polynomial)
    S = target.relevant_subspace
    if len(S) > MAX_RANK:
        return None
    return leap(project(lambda Z: target(Z @ S), len(S), DEGREE, N_NODES))
