"""Exact facts about sums of exponentials of linear forms.

    f(x) = sum_j w_j exp(b_j . x)

``P_k exp(b . x) = exp(|b|^2/2) sum_{|alpha|=k} b^alpha / sqrt(alpha!) h_alpha(x)``, hence

    <P_k exp(b_i . x), P_k exp(b_j . x)> = exp((|b_i|^2 + |b_j|^2)/2) (b_i . b_j)^k / k!.
"""

from __future__ import annotations

import numpy as np

from layerwise.targets.facts.base import Array, Facts


class ExponentialFacts(Facts):
    """Exact facts about ``sum_j w_j exp(b_j . x)``."""

    top_degree = 12

    def __init__(self, weights: Array, exponents: Array):
        self._b = exponents
        self._v = weights * np.exp(0.5 * np.sum(exponents**2, axis=1))  # w_j E exp(b_j . x)
        self._gram = exponents @ exponents.T
        self.mean = float(self._v.sum())
        self.variance = float(self._v @ np.expm1(self._gram) @ self._v)

    def degree_energies(self, max_degree: int) -> tuple[Array, Array]:
        """``sum_ij v_i v_j (b_i . b_j)^k / k!``."""
        energies, term = np.zeros(max_degree + 1), np.ones_like(self._gram)
        for k in range(max_degree + 1):
            energies[k] = self._v @ term @ self._v
            term = term * self._gram / (k + 1)
        return energies, np.zeros(max_degree + 1)

    def expected_hessian(self) -> Array:
        """``sum_j v_j b_j b_j'``."""
        return (self._b.T * self._v) @ self._b
