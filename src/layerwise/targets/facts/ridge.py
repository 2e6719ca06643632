"""Sums of ridge functions ``f(x) = sum_j a_j g_j(u_j . x)``, |u_j| = 1, in closed form.

With ``c_k(g) = E g(z) h_k(z)`` and ``rho_ij = u_i . u_j``, Mehler's formula gives

    <P_k g_i(u_i . x), P_k g_j(u_j . x)> = c_k(g_i) c_k(g_j) rho_ij^k,

hence ``|P_k f|^2 = sum_ij a_i a_j c_k(g_i) c_k(g_j) rho_ij^k``, ``E Hessian f = sum_j a_j sqrt(2) c_2(g_j) u_j u_j'``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from layerwise.hermite import gaussian_rule
from layerwise.targets.facts.base import Array, Facts
from layerwise.targets.links import Link

SERIES_DEGREE = 192


class RidgeFacts(Facts):
    """Facts about a sum of ridge functions, by one-variable quadrature split at the kinks.

    The variance is exact for polynomial links and for directions that are orthogonal or parallel. Otherwise the
    covariance of a pair is its series up to degree K = 192, and Cauchy–Schwarz bounds the rest by
    ``|rho_ij|^(K+1) sqrt(tail_i tail_j)``, ``tail_j = Var g_j - sum_{1 <= k <= K} c_k(g_j)^2``; the sum of these bounds
    is ``variance_error``.
    """

    def __init__(self, weights: Array, directions: Array, links: Sequence[Link]):
        self.weights, self.directions = weights, directions
        polynomials = [link.polynomial for link in links]
        exact_series = all(series is not None for series in polynomials)
        degrees = [series.degree for series in polynomials if series is not None]
        exact = max(degrees, default=0)
        self.top_degree = exact if exact_series else max(exact, 30)

        K = exact if exact_series else max(exact, SERIES_DEGREE)
        table: dict[int, Array] = {}  # one quadrature for each distinct link
        for link in links:
            if id(link) not in table:
                c = np.zeros(K + 1)
                series = link.series(K)
                c[: series.degree + 1] = series.coefficients
                table[id(link)] = c
        self._c = np.stack([table[id(link)] for link in links])  # (m, K + 1)
        self._rho = np.clip(directions @ directions.T, -1.0, 1.0)

        self.mean = float(weights @ self._c[:, 0])
        covariance = np.zeros_like(self._rho)
        power = np.ones_like(self._rho)
        for k in range(1, K + 1):
            power *= self._rho
            covariance += np.outer(self._c[:, k], self._c[:, k]) * power
        if not exact_series:
            covariance = self._complete(covariance, links, K)
        self.variance = float(weights @ covariance @ weights)

    def _complete(self, covariance: Array, links: Sequence[Link], K: int) -> Array:
        """Replace the series by quadrature where u_i = ± u_j, and bound what it leaves out elsewhere."""
        parallel = np.abs(self._rho) > 1.0 - 1e-12
        known: dict[tuple[int, int, float], float] = {}
        for i, j in np.argwhere(parallel):
            sign = float(np.sign(self._rho[i, j]))
            key = (id(links[i]), id(links[j]), sign)
            if key not in known:
                known[key] = _parallel_covariance(links[i], links[j], sign)
            covariance[i, j] = known[key]
        tail = np.sqrt(np.clip(np.diag(covariance) - np.sum(self._c[:, 1:] ** 2, axis=1), 0.0, None))
        size = np.abs(self.weights) * tail
        error = float(np.sum((np.outer(size, size) * np.abs(self._rho) ** (K + 1))[~parallel]))
        self.variance_error = error if error > 1e-14 * float(self.weights**2 @ np.diag(covariance)) else 0.0
        return covariance

    def degree_energies(self, max_degree: int) -> tuple[Array, Array]:
        """``sum_ij a_i a_j c_k(g_i) c_k(g_j) rho_ij^k`` for each k."""
        energies = np.zeros(max_degree + 1)
        power = np.ones_like(self._rho)
        for k in range(min(max_degree, self._c.shape[1] - 1) + 1):
            v = self.weights * self._c[:, k]
            energies[k] = max(float(v @ power @ v), 0.0)
            power = power * self._rho
        return energies, np.zeros(max_degree + 1)

    def expected_hessian(self) -> Array:
        """``sum_j a_j sqrt(2) c_2(g_j) u_j u_j'``."""
        if self._c.shape[1] < 3:
            return np.zeros((self.directions.shape[1],) * 2)
        return np.sqrt(2.0) * (self.directions.T * (self.weights * self._c[:, 2])) @ self.directions


def _parallel_covariance(g: Link, h: Link, sign: float) -> float:
    """Cov(g(z), h(±z)) by quadrature split at the kinks of both."""
    nodes, weights = gaussian_rule(128, kinks=(0.0, *g.kinks, *(sign * kink for kink in h.kinks)))
    first, second = g(nodes), h(sign * nodes)
    return float(np.sum(weights * (first - weights @ first) * (second - weights @ second)))
