"""Facts about sums of ridge functions ``f(x) = sum_j a_j g_j(u_j . x)``, |u_j| = 1.

With ``c_k(g) = E g(z) h_k(z)`` and ``rho_ij = u_i . u_j``, Mehler's formula gives

    <P_k g_i(u_i . x), P_k g_j(u_j . x)> = c_k(g_i) c_k(g_j) rho_ij^k,

hence ``|P_k f|^2 = sum_ij a_i a_j c_k(g_i) c_k(g_j) rho_ij^k``, ``E Hessian f = sum_j a_j sqrt(2) c_2(g_j) u_j u_j'``.
One-variable quadrature split at the kinks is exact to rounding for the named links, but not for every link (one with an
undeclared kink or a fast oscillation): the difference to coarser rules estimates the error.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from layerwise.activations import Activation
from layerwise.hermite import HermiteSeries, gaussian_rule
from layerwise.targets.facts.base import ROUNDING, Array, Facts

SERIES_DEGREE = 192
COARSER = (0.83, 0.7)  # fractions of the nodes: two rules, as one may agree by chance
AGREEMENT = 1e-11  # relative: rules that differ by less agree to rounding


class RidgeFacts(Facts):
    """Facts about a sum of ridge functions, by one-variable quadrature split at the kinks.

    The variance is exact for polynomial links and, where quadrature converges, for directions that are orthogonal or
    parallel. Otherwise the covariance of a pair is its series up to degree K = 192, and Cauchy–Schwarz bounds the rest
    by ``|rho_ij|^(K+1) sqrt(tail_i tail_j)``, ``tail_j = Var g_j - sum_{1 <= k <= K} c_k(g_j)^2``. The sum of these
    bounds and of the largest differences to a coarser rule is ``variance_error``.

    The c_k and ``Var g_j`` come from the same rule, which integrates ``h_j h_k`` exactly, so that Bessel's inequality
    ``sum_k c_k^2 <= E g^2`` holds even where g itself is not resolved.
    """

    def __init__(self, weights: Array, directions: Array, links: Sequence[Activation]):
        self.weights, self.directions = weights, directions
        polynomials = [link.polynomial for link in links]
        self._exact_series = all(series is not None for series in polynomials)
        degrees = [series.degree for series in polynomials if series is not None]
        exact = max(degrees, default=0)
        self.exact_degree = exact if self._exact_series else None
        self.top_degree = exact if self._exact_series else max(exact, 30)

        K = exact if self._exact_series else max(exact, SERIES_DEGREE)
        self._n_nodes = max(128, 2 * K + 2)
        table = {id(link): _coefficients(link, K, self._n_nodes) for link in links}  # once per distinct link
        self._c = np.stack([table[id(link)][0] for link in links])  # (m, K + 1)
        self._doubt = np.stack([table[id(link)][1] for link in links])  # error of each c_k
        self._rho = np.clip(directions @ directions.T, -1.0, 1.0)

        self.mean = float(weights @ self._c[:, 0])
        covariance, error = np.zeros_like(self._rho), np.zeros_like(self._rho)
        power = np.ones_like(self._rho)
        for k in range(1, K + 1):
            power *= self._rho
            c, doubt = self._c[:, k], self._doubt[:, k]
            covariance += np.outer(c, c) * power
            error += _product_error(c, doubt) * np.abs(power)
        if not self._exact_series:
            self._complete(covariance, error, links, K)
        self.variance = float(weights @ covariance @ weights)
        size = np.abs(weights)
        total = float(size @ error @ size)
        self.variance_error = total if total > 1e-14 * float(weights**2 @ np.diag(covariance)) else 0.0

    def _complete(self, covariance: Array, error: Array, links: Sequence[Activation], K: int) -> None:
        """Replace the series by quadrature where u_i = ± u_j, and bound its remainder elsewhere."""
        parallel = np.abs(self._rho) > 1.0 - 1e-12
        known: dict[tuple[int, int, float], tuple[float, float]] = {}
        for i, j in np.argwhere(parallel):
            sign = float(np.sign(self._rho[i, j]))
            key = (id(links[i]), id(links[j]), sign)
            if key not in known:
                known[key] = _parallel_covariance(links[i], links[j], sign, self._n_nodes)
            covariance[i, j], error[i, j] = known[key]
        tail = np.sqrt(np.clip(np.diag(covariance) - np.sum(self._c[:, 1:] ** 2, axis=1), 0.0, None))
        error += np.where(parallel, 0.0, np.outer(tail, tail) * np.abs(self._rho) ** (K + 1))

    def degree_energies(self, max_degree: int) -> tuple[Array, Array]:
        """Return ``sum_ij a_i a_j c_k(g_i) c_k(g_j) rho_ij^k`` for each k; errors from coarser rules for the c_k."""
        energies, errors = np.zeros(max_degree + 1), np.zeros(max_degree + 1)
        power, size = np.ones_like(self._rho), np.abs(self.weights)
        for k in range(min(max_degree, self._c.shape[1] - 1) + 1):
            v = self.weights * self._c[:, k]
            energies[k] = max(float(v @ power @ v), 0.0)
            errors[k] = size @ (_product_error(self._c[:, k], self._doubt[:, k]) * np.abs(power)) @ size
            power = power * self._rho
        return energies, errors

    def energy_floor(self, max_degree: int) -> Array:
        """The floor of exact coefficients, and rounding of cancelling terms if directions are not orthogonal."""
        floor = np.full(max_degree + 1, self.coefficient_floor())
        between = np.abs(self._rho) - np.eye(len(self._rho)) * np.abs(self._rho)
        for k in range(min(max_degree, self._c.shape[1] - 1) + 1):
            v = np.abs(self.weights * self._c[:, k])
            floor[k] = max(floor[k], ROUNDING * float(v @ between ** max(k, 1) @ v))
        return floor

    def expected_hessian(self) -> Array:
        """``sum_j a_j sqrt(2) c_2(g_j) u_j u_j'``."""
        if self._c.shape[1] < 3:
            return np.zeros((self.directions.shape[1],) * 2)
        return np.sqrt(2.0) * (self.directions.T * (self.weights * self._c[:, 2])) @ self.directions


def _coefficients(link: Activation, K: int, n_nodes: int) -> tuple[Array, Array]:
    """``c_0..c_K`` of a link, and the largest difference of each to a coarser rule (0: agreement to rounding)."""
    c, doubt = np.zeros(K + 1), np.zeros(K + 1)
    series = link.series(K)
    c[: series.degree + 1] = series.coefficients
    if link.polynomial is None:
        for share in COARSER:
            coarse = HermiteSeries.from_function(
                link.function, K, kinks=link.kinks_or_split, n_nodes=int(share * n_nodes)
            )
            doubt = np.maximum(doubt, np.abs(c - coarse.coefficients))
        doubt[doubt <= AGREEMENT * np.linalg.norm(c)] = 0.0
    return c, doubt


def _product_error(c: Array, doubt: Array) -> Array:
    """Bound on the error of ``c_i c_j`` if the error of each c is at most its ``doubt``."""
    size = np.abs(c)
    return np.outer(size + doubt, size + doubt) - np.outer(size, size)


def _parallel_covariance(g: Activation, h: Activation, sign: float, n_nodes: int) -> tuple[float, float]:
    """Cov(g(z), h(±z)) by quadrature split at the kinks of both, and the largest difference to a coarser rule."""
    if g.polynomial is not None and h.polynomial is not None:
        degrees = range(1, min(g.polynomial.degree, h.polynomial.degree) + 1)
        return sum(sign**k * g.polynomial.coefficients[k] * h.polynomial.coefficients[k] for k in degrees), 0.0
    kinks = (*g.kinks, *(sign * kink for kink in h.kinks)) or (0.0,)
    values, size = [], 0.0
    for share in (1.0, *COARSER):
        nodes, weights = gaussian_rule(int(share * n_nodes), kinks=kinks)
        first, second = g(nodes), h(sign * nodes)
        first, second = first - weights @ first, second - weights @ second
        values.append(float(weights @ (first * second)))
        size = max(size, float(np.sqrt((weights @ first**2) * (weights @ second**2))))
    moved = max(abs(values[0] - value) for value in values[1:])
    return values[0], moved if moved > AGREEMENT * size else 0.0
