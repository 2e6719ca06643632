"""Exact facts about polynomials of a sum of independent pieces, in any dimension.

Let ``p = sum_i w_i psi_i`` with the psi_i on disjoint sets of variables, and ``f = g(p)``, g of degree q. Let x and x'
be standard Gaussian with cross-covariance t I. By Mehler's formula ``E f(x) f(x') = sum_k t^k |P_k f|^2``, and the left
side needs only the mixed moments of (p(x), p(x')), whose exponential generating function is the product over i of those
of the pieces,

    M(s, s') = prod_i  sum_ab (w_i s)^a (w_i s')^b / (a! b!)  E psi_i(x)^a psi_i(x')^b,

truncated at a, b <= q. The moment of each piece is a polynomial in t, ``sum_k t^k <P_k psi^a, P_k psi^b>``. It is
evaluated at roots of unity t, and one Fourier transform gives the energies; g(p) is never expanded in dim variables.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import factorial

from layerwise.hermite import HermitePolynomial, HermiteSeries, multi_indices
from layerwise.targets.facts.base import ROUNDING, Array, Facts, distinct, padded


@dataclass(frozen=True, eq=False)
class Component:
    """One piece ``weight * polynomial(z[axes])`` of a sum of independent pieces."""

    weight: float
    axes: tuple[int, ...]
    polynomial: HermitePolynomial


class IndependentSumFacts(Facts):
    """Exact facts about ``g(sum_i w_i psi_i)``, g a polynomial."""

    def __init__(self, components: Sequence[Component], link: HermiteSeries, rank: int):
        self._components, self._rank = components, rank
        self._q = q = link.degree
        self._g = padded(link.to_monomials(), q) * factorial(np.arange(q + 1))  # pairs with s^a / a!
        self.top_degree = self.exact_degree = max(c.polynomial.degree for c in components) * q

        self._powers: dict[int, list[HermitePolynomial]] = {}
        kinds: dict[tuple[int, float], list[int]] = {}  # pieces of equal distribution: same polynomial, same weight
        weights, index = distinct(np.array([c.weight for c in components]))
        for i, c in enumerate(components):
            kinds.setdefault((id(c.polynomial), float(weights[index[i]])), []).append(i)
            self._powers.setdefault(id(c.polynomial), _powers(c.polynomial, q))
        self._kinds = kinds
        self._energies = self._compute_energies()
        self.mean = float(self._g @ self._total)
        self.variance = float(self._energies[1:].sum())

    def _compute_energies(self) -> Array:
        q, top = self._q, self.top_degree
        t = np.exp(2j * np.pi * np.arange(top + 1) / (top + 1))
        inverse = 1.0 / factorial(np.arange(q + 1))
        total = np.zeros((q + 1, q + 1, top + 1), dtype=complex)
        total[0, 0] = 1.0
        for (key, weight), rows in self._kinds.items():
            moments = np.zeros((q + 1, q + 1, top + 1))
            powers = self._powers[key]
            dense = np.stack([power.to_dense(powers[-1].degree) for power in powers])
            degree = multi_indices(powers[0].dim, powers[-1].degree).sum(axis=1)
            for k in range(powers[-1].degree + 1):
                here = dense[:, degree == k]
                moments[:, :, k] = here @ here.T
            scale = weight ** np.arange(q + 1) * inverse
            series = (moments @ (t[None, :] ** np.arange(top + 1)[:, None])) * np.outer(scale, scale)[:, :, None]
            total = _multiply(total, _power(series, len(rows)))
        size = np.abs(self._g)
        self._rounding = ROUNDING * float(size @ np.abs(total[:, :, 0]) @ size)  # t = 1
        stability = np.einsum("a,b,abj->j", self._g, self._g, total)  # E f(x) f(x') at each t
        return np.clip(np.fft.fft(stability).real / (top + 1), 0.0, None)

    def degree_energies(self, max_degree: int) -> tuple[Array, Array]:
        """Return the coefficients of t^k in E f(x) f(x')."""
        return padded(self._energies, max_degree), np.zeros(max_degree + 1)

    def energy_floor(self, max_degree: int) -> Array:
        """Rounding of the Fourier transform, relative to the sum of all terms, the mean included."""
        return np.maximum(super().energy_floor(max_degree), self._rounding)

    # -- the Hessian E f(x) (x x' - I) (Stein), also from generating functions

    def _series(self, kind: tuple[int, float], moments: Array) -> Array:
        """``sum_a (w s)^a / a! moments_a``, coefficients along the first axis."""
        a = np.arange(self._q + 1)
        return (kind[1] ** a / factorial(a)).reshape(-1, *[1] * (moments.ndim - 1)) * moments

    @cached_property
    def _generating(self) -> dict[tuple[int, float], Array]:
        """``E exp(s w_i psi_i)`` for each kind; the coefficient of s^0 is 1, which allows division."""
        return {
            kind: self._series(kind, np.array([power.mean for power in self._powers[kind[0]]])) for kind in self._kinds
        }

    @cached_property
    def _total(self) -> Array:
        """``E exp(s p)``, the product over all pieces."""
        total = np.eye(1, self._q + 1)[0]
        for kind, rows in self._kinds.items():
            for _ in rows:
                total = np.convolve(total, self._generating[kind])[: self._q + 1]
        return total

    def expected_hessian(self) -> Array:
        """Return ``E f(x) (x x' - I)``, computed by blocks."""
        H = np.zeros((self._rank, self._rank))
        gradients: dict[tuple[int, float], Array] = {}
        for kind, rows in self._kinds.items():
            powers = self._powers[kind[0]]
            own = self._series(kind, np.stack([power.expected_hessian() for power in powers]))
            block = self._contract(_divide(self._total, self._generating[kind]), own)
            for i in rows:
                H[np.ix_(self._components[i].axes, self._components[i].axes)] = block
            gradient = self._series(kind, np.stack([power.expected_gradient() for power in powers]))
            if np.any(gradient):
                gradients[kind] = gradient
        for kind, gradient in gradients.items():
            rest = _divide(self._total, self._generating[kind])
            for kind2, gradient2 in gradients.items():
                block = self._contract(_divide(rest, self._generating[kind2]), _convolve_outer(gradient, gradient2))
                for i in self._kinds[kind]:
                    for j in self._kinds[kind2]:
                        if i != j:
                            H[np.ix_(self._components[i].axes, self._components[j].axes)] = block
        return H

    def _contract(self, others: Array, own: Array) -> Array:
        """``sum_a g_a a! [s^a] others(s) own(s)``."""
        block = np.zeros(own.shape[1:])
        for a in range(self._q + 1):
            for b in range(self._q + 1 - a):
                block += self._g[a + b] * others[a] * own[b]
        return block


def _powers(polynomial: HermitePolynomial, q: int) -> list[HermitePolynomial]:
    powers = [HermitePolynomial.constant(polynomial.dim, 1.0)]
    for _ in range(q):
        powers.append(powers[-1] * polynomial)
    return powers


def _multiply(F: Array, G: Array) -> Array:
    """Product of power series in (s, s'), truncated, for each t."""
    out = np.zeros_like(F)
    q = len(F) - 1
    for a in range(q + 1):
        for b in range(q + 1):
            out[a:, b:] += F[a, b] * G[: q + 1 - a, : q + 1 - b]
    return out


def _power(F: Array, n: int) -> Array:
    """F^n by repeated squaring."""
    out = np.zeros_like(F)
    out[0, 0] = 1.0
    while n:
        if n % 2:
            out = _multiply(out, F)
        F, n = _multiply(F, F), n // 2
    return out


def _divide(F: Array, G: Array) -> Array:
    """The power series F / G, truncated; G starts with 1."""
    out = F.astype(float)
    for a in range(1, len(F)):
        out[a] -= G[a:0:-1] @ out[:a]
    return out


def _convolve_outer(F: Array, G: Array) -> Array:
    """``sum_{a + b = c} F_a G_b'``, truncated."""
    out = np.zeros((len(F), F.shape[1], G.shape[1]))
    for a in range(len(F)):
        for b in range(len(F) - a):
            out[a + b] += np.outer(F[a], G[b])
    return out
