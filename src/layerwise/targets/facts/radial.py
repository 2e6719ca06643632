"""Functions of a quadratic form with one or two distinct eigenvalues, exactly, for any link.

    p = sum_g b_g (R_g - m_g),   R_g = |z_g|^2 chi-squared with m_g degrees of freedom,   f = g(p),   g = 1, 2.

A function of (R_1, R_2) is radial in each block, and the radial part of the Hermite space of degree 2j on R^m is
spanned by one function, the orthonormal Laguerre polynomial ``l_j(R/2)`` of parameter m/2 - 1. Hence

    |P_2k f|^2 = sum_{j_1 + j_2 = k} (E f l_{j_1}(R_1/2) l_{j_2}(R_2/2))^2,      |P_{2k+1} f|^2 = 0,

by quadrature in the radii, split where the link has a kink.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy.special import gammaln, roots_legendre
from scipy.stats import chi

from layerwise.targets.facts.base import Array, Facts
from layerwise.targets.links import Link

NODES = 160


class RadialFacts(Facts):
    """Exact facts about ``g(sum_i b_i (z_i^2 - 1))`` where the b_i take at most two values."""

    top_degree = 12

    def __init__(self, scales: Array, link: Link):
        values, self._block = np.unique(scales, return_inverse=True)
        if len(values) > 2:
            raise ValueError(f"the form has {len(values)} distinct eigenvalues; at most 2 are summed over radii.")
        sizes = np.bincount(self._block)
        inner = int(np.argmax(sizes))
        outer = 1 - inner if len(values) == 2 else None
        b, m = values[inner], int(sizes[inner])
        # Outer radius: plain rule. Inner radius: for each outer one, pieces between the kinks.
        outer_radii, outer_weights = _radial_rule(int(sizes[outer]), []) if outer is not None else ([0.0], [1.0])
        R, weights = [], []
        for r, w in zip(outer_radii, outer_weights, strict=True):
            rest = values[outer] * (r**2 - sizes[outer]) if outer is not None else 0.0
            cuts = [m + (kink - rest) / b for kink in link.kinks]
            r_inner, w_inner = _radial_rule(m, [np.sqrt(cut) for cut in cuts if cut > 0])
            R.append(np.stack([r_inner**2, np.full(len(r_inner), r**2)]))
            weights.append(w * w_inner)
        self._R = np.concatenate(R, axis=1)  # (2, nodes): squared radius of the inner, of the outer block
        self._weights = np.concatenate(weights)
        self._inner, self._outer, self._sizes = inner, outer, sizes
        p = b * (self._R[0] - m)
        if outer is not None:
            p = p + values[outer] * (self._R[1] - sizes[outer])
        self._f = link(p)
        self.mean = float(self._weights @ self._f)
        self.variance = float(self._weights @ (self._f - self.mean) ** 2)

    def _coefficients(self, top: int) -> Array:
        """``E f l_{j_1} l_{j_2}`` for j_1, j_2 <= top."""
        weighted = self._weights * self._f
        first = _laguerre(self._R[0] / 2.0, self._sizes[self._inner] / 2.0, top)
        if self._outer is None:
            return (first @ weighted)[:, None]
        return (first * weighted) @ _laguerre(self._R[1] / 2.0, self._sizes[self._outer] / 2.0, top).T

    def degree_energies(self, max_degree: int) -> tuple[Array, Array]:
        """Squared Laguerre coefficients summed along j_1 + j_2 = k, at degree 2k."""
        squares = self._coefficients(max_degree // 2) ** 2
        energies = np.zeros(max_degree + 1)
        for j1, j2 in np.ndindex(*squares.shape):
            if 2 * (j1 + j2) <= max_degree:
                energies[2 * (j1 + j2)] += squares[j1, j2]
        return energies, np.zeros(max_degree + 1)

    def expected_hessian(self) -> Array:
        """Diagonal: ``(R_g - m_g) / sqrt(2 m_g)`` has Hessian ``sqrt(2 / m_g) I`` on its block."""
        c = self._coefficients(1)
        diagonal = np.zeros(len(self._sizes))
        diagonal[self._inner] = c[1, 0] * np.sqrt(2.0 / self._sizes[self._inner])
        if self._outer is not None:
            diagonal[self._outer] = c[0, 1] * np.sqrt(2.0 / self._sizes[self._outer])
        return np.diag(diagonal[self._block])


@cache
def _unit_rule() -> tuple[Array, Array]:
    return roots_legendre(NODES)


def _radial_rule(m: int, cuts: list[float]) -> tuple[Array, Array]:
    """Nodes r and weights for E u(|z|), z standard Gaussian in R^m: Gauss–Legendre between the cuts."""
    low, high = max(np.sqrt(m) - 12.0, 0.0), np.sqrt(m) + 12.0
    edges = np.array([low, *sorted(cut for cut in cuts if low < cut < high), high])
    unit_nodes, unit_weights = _unit_rule()
    half = np.diff(edges)[:, None] / 2.0
    r = (edges[:-1, None] + half * (1.0 + unit_nodes)).ravel()
    weights = (half * unit_weights).ravel() * chi.pdf(r, m)
    return r, weights / weights.sum()


def _laguerre(u: Array, a: float, top: int) -> Array:
    """Polynomials orthonormal under Gamma(a), increasing at infinity: (-1)^j L_j^(a-1)(u) sqrt(j! G(a) / G(a+j))."""
    values = np.ones((top + 1, len(u)))
    if top > 0:
        values[1] = a - u
    for j in range(1, top):
        values[j + 1] = ((2 * j + a - u) * values[j] - (j + a - 1) * values[j - 1]) / (j + 1)
    j = np.arange(top + 1)
    norms = np.exp(0.5 * (gammaln(j + 1.0) + gammaln(a) - gammaln(a + j)))
    return values * ((-1.0) ** j * norms)[:, None]
