"""Exact facts about polynomials, from their Hermite coefficients."""

from __future__ import annotations

import numpy as np

from layerwise.hermite import HermitePolynomial
from layerwise.targets.facts.base import Array, Facts, padded


class PolynomialFacts(Facts):
    """Exact facts about ``f = sum_alpha c_alpha h_alpha``."""

    def __init__(self, polynomial: HermitePolynomial):
        self.polynomial = polynomial
        self.mean = polynomial.mean
        self.variance = polynomial.variance
        self.top_degree = self.exact_degree = polynomial.degree

    def degree_energies(self, max_degree: int) -> tuple[Array, Array]:
        """``|P_k f|^2 = sum_{|alpha| = k} c_alpha^2``."""
        energies = padded(self.polynomial.degree_energies(), max_degree)
        return energies, np.zeros(max_degree + 1)

    def energy_floor(self, max_degree: int) -> Array:
        """The floor of exact coefficients."""
        return np.full(max_degree + 1, self.coefficient_floor())

    def expected_hessian(self) -> Array:
        """Return the Hessian from the coefficients of degree 2."""
        return self.polynomial.expected_hessian()
