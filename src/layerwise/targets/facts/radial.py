"""Facts about functions of a quadratic form with one or two distinct eigenvalues, for any link.

    p = sum_g b_g (R_g - m_g),   R_g = |z_g|^2 chi-squared with m_g degrees of freedom,   f = g(p),   g = 1, 2.

A function of (R_1, R_2) is radial in each block, and the radial part of the Hermite space of degree 2j on R^m is
spanned by one function, the orthonormal Laguerre polynomial ``l_j(R/2)`` of parameter m/2 - 1. Hence

    |P_2k f|^2 = sum_{j_1 + j_2 = k} (E f l_{j_1}(R_1/2) l_{j_2}(R_2/2))^2,      |P_{2k+1} f|^2 = 0,

by quadrature in the radii, split at the kinks of the link; the difference to a coarser rule bounds the error.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy.special import gammaln, roots_legendre
from scipy.stats import chi

from layerwise.activations import Activation
from layerwise.targets.facts.base import Array, Facts, distinct

NODES, COARSER = 160, 112
AGREEMENT = 1e-11  # relative to E f^2: rules that differ by less agree to rounding

_unit_rule = cache(roots_legendre)


class RadialFacts(Facts):
    """Facts about ``g(sum_i b_i (z_i^2 - 1))`` where the b_i take at most two values (to 1e-10, relative)."""

    top_degree = 12

    def __init__(self, scales: Array, link: Activation):
        self._values, self._block = distinct(scales)
        if len(self._values) > 2:
            raise ValueError(
                f"scales has {len(self._values)} distinct values; at most 2 are allowed. Use facts_about for others."
            )
        self._sizes = np.bincount(self._block)
        self._inner = int(np.argmax(self._sizes))
        self._outer = 1 - self._inner if len(self._values) == 2 else None
        self._rule, self._coarse = self._evaluate(link, NODES), self._evaluate(link, COARSER)
        self.mean, self.variance = _mean_variance(self._rule)
        moved = abs(self.variance - _mean_variance(self._coarse)[1])
        self.variance_error = moved if moved > AGREEMENT * (self.variance + self.mean**2) else 0.0

    def _evaluate(self, link: Activation, n_nodes: int) -> tuple[Array, Array, Array]:
        """Squared radii (2, nodes) of the inner and the outer block, weights, and f there."""
        inner, outer, values, sizes = self._inner, self._outer, self._values, self._sizes
        b, m = values[inner], int(sizes[inner])
        # The inner radius is split at the kinks, the outer one where a kink reaches the inner radius 0.
        outer_radii, outer_weights = np.zeros(1), np.ones(1)
        if outer is not None:
            leaves = [sizes[outer] + (kink + b * m) / values[outer] for kink in link.kinks]
            outer_cuts = [np.sqrt(leave) for leave in leaves if leave > 0]
            outer_radii, outer_weights = _radial_rule(int(sizes[outer]), outer_cuts, n_nodes)
        R, weights, p = [], [], []
        for r, w in zip(outer_radii, outer_weights, strict=True):
            rest = values[outer] * (r**2 - sizes[outer]) if outer is not None else 0.0
            cuts = [m + (kink - rest) / b for kink in link.kinks]
            r_inner, w_inner = _radial_rule(m, [np.sqrt(cut) for cut in cuts if cut > 0], n_nodes)
            R.append(np.stack([r_inner**2, np.full(len(r_inner), r**2)]))
            weights.append(w * w_inner)
            p.append(b * (r_inner**2 - m) + rest)
        return np.concatenate(R, axis=1), np.concatenate(weights), link(np.concatenate(p))

    def _coefficients(self, top: int, rule: tuple[Array, Array, Array]) -> Array:
        """``E f l_{j_1} l_{j_2}`` for j_1, j_2 <= top."""
        R, weights, f = rule
        first = _laguerre(R[0] / 2.0, self._sizes[self._inner] / 2.0, top)
        if self._outer is None:
            return (first @ (weights * f))[:, None]
        return (first * (weights * f)) @ _laguerre(R[1] / 2.0, self._sizes[self._outer] / 2.0, top).T

    def degree_energies(self, max_degree: int) -> tuple[Array, Array]:
        """Return squared Laguerre coefficients summed over j_1 + j_2 = k, at degree 2k; errors from a coarser rule."""
        fine = self._coefficients(max_degree // 2, self._rule)
        moved = np.abs(fine - self._coefficients(max_degree // 2, self._coarse))
        moved[moved <= np.sqrt(self.variance + self.mean**2) * AGREEMENT] = 0.0
        energies, errors = np.zeros(max_degree + 1), np.zeros(max_degree + 1)
        for j1, j2 in np.ndindex(*fine.shape):
            if 2 * (j1 + j2) <= max_degree:
                energies[2 * (j1 + j2)] += fine[j1, j2] ** 2
                errors[2 * (j1 + j2)] += 2.0 * abs(fine[j1, j2]) * moved[j1, j2] + moved[j1, j2] ** 2
        return energies, errors

    def expected_hessian(self) -> Array:
        """Return the diagonal Hessian: ``(R_g - m_g) / sqrt(2 m_g)`` has Hessian ``sqrt(2 / m_g) I`` on its block."""
        c = self._coefficients(1, self._rule)
        diagonal = np.zeros(len(self._sizes))
        diagonal[self._inner] = c[1, 0] * np.sqrt(2.0 / self._sizes[self._inner])
        if self._outer is not None:
            diagonal[self._outer] = c[0, 1] * np.sqrt(2.0 / self._sizes[self._outer])
        return np.diag(diagonal[self._block])


def _mean_variance(rule: tuple[Array, Array, Array]) -> tuple[float, float]:
    _, weights, f = rule
    mean = float(weights @ f)
    return mean, float(weights @ (f - mean) ** 2)


def _radial_rule(m: int, cuts: list[float], n_nodes: int) -> tuple[Array, Array]:
    """Nodes r and weights for E u(|z|), z standard Gaussian in R^m: Gauss–Legendre between the cuts."""
    low, high = max(np.sqrt(m) - 12.0, 0.0), np.sqrt(m) + 12.0
    edges = np.array([low, *sorted(cut for cut in cuts if low < cut < high), high])
    unit_nodes, unit_weights = _unit_rule(n_nodes)
    half = np.diff(edges)[:, None] / 2.0
    r = (edges[:-1, None] + half * (1.0 + unit_nodes)).ravel()
    weights = (half * unit_weights).ravel() * chi.pdf(r, m)
    return r, weights / weights.sum()


def _laguerre(u: Array, a: float, top: int) -> Array:
    """Orthonormal polynomials of Gamma(a), increasing at infinity: (-1)^j L_j^(a-1)(u) sqrt(j! G(a) / G(a+j))."""
    values = np.ones((top + 1, len(u)))
    if top > 0:
        values[1] = a - u
    for j in range(1, top):
        values[j + 1] = ((2 * j + a - u) * values[j] - (j + a - 1) * values[j - 1]) / (j + 1)
    j = np.arange(top + 1)
    norms = np.exp(0.5 * (gammaln(j + 1.0) + gammaln(a) - gammaln(a + j)))
    return values * ((-1.0) ** j * norms)[:, None]
