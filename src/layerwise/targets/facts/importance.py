"""Importance sampling for heavy-tailed functions: Gaussian points stretched to where the variance comes from.

Standard Gaussian points miss the rare large values that dominate the variance of a heavy-tailed f, and then understate
both the variance and its error. The proposal is ``N(0, Sigma)``, where Sigma holds the second moments of x under the
density proportional to ``(f(x) - E f)^2 phi(x)``: of all centred Gaussians it is the closest to that density (the
cross-entropy method of Rubinstein and Kroese 2004). Stages alternate between sampling and estimating Sigma. Only the
eigenvalues of Sigma that exceed sampling noise are kept, the others are replaced by their mean; none is below 1, so
that the weights are bounded.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from layerwise.targets.facts.base import Array

STAGES, STAGE_SIZE = 8, 2**15
ENOUGH = 0.1  # effective fraction of the sample at which stages stop
MIN_EFFECTIVE_SIZE = 100.0
MAX_TAIL_INDEX = 1.0  # from here on, the mean of a Pareto tail is infinite
TAIL_SIZE = 512


@dataclass(frozen=True)
class Proposal:
    """N(0, Sigma): standard deviations (k,) along orthonormal directions (k, dim), and ``scale`` orthogonal to them."""

    scale: float
    directions: Array
    deviations: Array

    def stretch(self, Z: Array) -> Array:
        """Map standard Gaussian points to points of the proposal."""
        along = Z @ self.directions.T
        return self.scale * Z + (along * (self.deviations - self.scale)) @ self.directions

    def weights(self, X: Array) -> Array:
        """Density of N(0, I) divided by that of the proposal, at each row of X."""
        along = (X @ self.directions.T) ** 2
        rest = np.einsum("ni,ni->n", X, X) - along.sum(axis=1)
        exponents = (1.0 - self.scale**-2) * rest + along @ (1.0 - self.deviations**-2)
        k, dim = self.directions.shape
        return np.exp((dim - k) * np.log(self.scale) + np.log(self.deviations).sum() - 0.5 * exponents)


def isotropic(scale: float, dim: int) -> Proposal:
    """Return N(0, scale^2 I)."""
    return Proposal(scale, np.zeros((0, dim)), np.zeros(0))


@dataclass(frozen=True)
class Adapted:
    """A proposal fitted to a function, with the variance of the function estimated from a sample of it."""

    proposal: Proposal
    variance: float
    error: float
    """Standard error of ``variance``."""
    trusted: bool
    """Whether the sample is large enough for ``error`` to be meaningful."""


def adapt(function: Callable[[Array], Array], dim: int, mean: float, seed: int) -> Adapted:
    """Fit a proposal to ``(f - mean)^2``, starting from a slightly stretched standard Gaussian."""
    proposal = isotropic((1.0 + 2.0 / np.sqrt(dim)) ** 0.5, dim)
    adapted = Adapted(proposal, np.nan, np.inf, False)
    for stage, child in enumerate(np.random.SeedSequence(seed).spawn(STAGES)):
        X = proposal.stretch(np.random.default_rng(child).standard_normal((STAGE_SIZE, dim)))
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            energy = proposal.weights(X) * (function(X) - mean) ** 2
            effective = energy.sum() ** 2 / np.sum(energy**2)
        if not np.any(energy):
            return Adapted(proposal, 0.0, 0.0, True)
        if not effective >= 1.0:  # overflow
            return Adapted(proposal, np.nan, np.inf, False)
        trusted = effective >= MIN_EFFECTIVE_SIZE and tail_index(energy) < MAX_TAIL_INDEX
        adapted = Adapted(proposal, float(energy.mean()), float(energy.std() / STAGE_SIZE**0.5), trusted)
        if stage > 0 and effective >= ENOUGH * STAGE_SIZE:
            break
        proposal = _fit(X, energy, effective)
    return adapted


def _fit(X: Array, energy: Array, effective: float) -> Proposal:
    """The proposal whose covariance is the second moments of X weighted by ``energy``."""
    dim = X.shape[1]
    values, vectors = np.linalg.eigh((X.T * (energy / energy.sum())) @ X)
    kept = values > 1.5 * (1.0 + np.sqrt(dim / effective)) ** 2  # 1.5 times the largest that noise alone would give
    rest = float(values[~kept].mean()) if not kept.all() else 1.0
    return Proposal(max(rest, 1.0) ** 0.5, vectors[:, kept].T, values[kept] ** 0.5)


def tail_index(values: Array) -> float:
    """Hill's estimate of xi in ``P(v > t) ~ t^(-1/xi)``, from the largest of nonnegative values."""
    top = np.sort(np.partition(values, -TAIL_SIZE - 1)[-TAIL_SIZE - 1 :])
    return float(np.mean(np.log(top[1:] / top[0]))) if top[0] > 0.0 else np.inf
