"""Energies of high degree from noise stability: without a basis, and with an error that covers all other degrees.

With x, x' independent and ``x_t = t x + sqrt(1 - t^2) x'``, Mehler's formula gives ``E r(x) r(x_t) = sum_l t^l E_l``,
``E_l = |P_l r|^2``. The even and odd parts of r are separated exactly, so that each parity has its own power series,
measured at a few t: ``m = A E + noise``, ``A_jl = t_j^l``. The linear estimate with prior means mu and spreads s

    E = mu + W (m - A mu),   W = S A' (A S A' + C)^{-1},   S = diag(s^2),   C = Cov(noise),

has the variance ``(W C W')_kk`` from noise, and a leakage ``sum_l (W A - I)_kl (E_l - mu_l)`` from other degrees. Where
only ``E_l >= 0`` and ``sum_l E_l <= total`` are known, it is at most ``total max_l |W A - I|_kl``.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from layerwise.targets.facts.base import Array
from layerwise.targets.facts.importance import Proposal

T = np.array([1.0, 0.9, 0.8, 0.65, 0.5, 0.35, 0.2])
GROUPS, GROUP_SIZE = 32, 2**13
LAST = 60  # degrees beyond it count as its tail: t^l is nearly 0 except at t = 1


def stability_energies(
    function: Callable[[Array], Array], dim: int, known: Array, spread: Array, seed: int, proposal: Proposal
) -> tuple[Array, Array]:
    """Energies of ``function`` for degrees 0..LAST, and errors that combine standard error and leakage.

    ``known`` and ``spread`` are mu and s of the lowest degrees; all others are unknown. x is drawn from the
    proposal and weighted.
    """
    energies, errors = np.zeros(LAST + 1), np.zeros(LAST + 1)
    products = _products(function, dim, seed, proposal)
    for parity in (0, 1):
        degrees = np.arange(parity, LAST + 1, 2)
        energies[degrees], errors[degrees] = _unmix(products[parity], degrees, known[parity::2], spread[parity::2])
    return energies, errors


def _products(function: Callable[[Array], Array], dim: int, seed: int, proposal: Proposal) -> Array:
    """Group means of ``r(x) r(x_t)`` for the even and the odd part of r, shape (2, GROUPS, len(T))."""
    means = np.zeros((2, GROUPS, len(T)))
    for g, child in enumerate(np.random.SeedSequence(seed).spawn(GROUPS)):
        rng = np.random.default_rng(child)
        X, other = rng.standard_normal((2, GROUP_SIZE, dim))
        X = proposal.stretch(X)
        parts = _parts(function, X)
        weighted = proposal.weights(X) * parts
        for j, t in enumerate(T):
            near = parts if t == 1.0 else _parts(function, t * X + np.sqrt(1.0 - t * t) * other)
            means[:, g, j] = np.mean(weighted * near, axis=1)
    return means


def _parts(function: Callable[[Array], Array], X: Array) -> Array:
    """Even and odd part, shape (2, n)."""
    plus, minus = function(X), function(-X)
    return np.stack([plus + minus, plus - minus]) / 2.0


def _unmix(products: Array, degrees: Array, known: Array, spread: Array) -> tuple[Array, Array]:
    """The estimate of one parity, degree by degree, and its error."""
    m, noise = products.mean(axis=0), np.cov(products.T) / GROUPS
    total = m[0]  # t = 1: the mean of squares
    if total <= 0.0:
        return np.zeros(len(degrees)), np.zeros(len(degrees))
    mu, s = np.zeros(len(degrees)), np.full(len(degrees), total)
    mu[: len(known)], s[: len(known)] = known, spread
    A = T[:, None] ** degrees
    mixed = (A * s**2) @ A.T + noise + 1e-12 * total**2 * np.eye(len(T))
    W = np.linalg.solve(mixed, A * s**2).T
    leak = np.abs(W @ A - np.eye(len(degrees))) * s
    leaked = np.sum(leak[:, : len(known)] ** 2, axis=1) + leak[:, len(known) :].max(axis=1) ** 2
    errors = np.sqrt(np.einsum("ki,ij,kj->k", W, noise, W) + leaked)
    return mu + W @ (m - A @ mu), np.minimum(errors, total)
