"""Facts about a smooth function of few variables by tensor Gauss–Hermite quadrature.

A tensor rule is exact to rounding for functions that polynomials of moderate degree approximate well, but not for
functions with kinks: it is used only where a coarser rule agrees with it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from layerwise.hermite import HermitePolynomial, gaussian_rule, project
from layerwise.targets.facts.base import ROUNDING, Array, Facts, padded
from layerwise.targets.facts.monte_carlo import MonteCarloFacts

NODES = {1: 256, 2: 128, 3: 56, 4: 28}  # per axis, by number of variables: at most 6e5 nodes in total
AGREEMENT = 1e-9
COARSER = 0.7
ROUNDED = 1e-12  # relative to the norm: projections that differ by less are equal up to rounding


class QuadratureFacts(Facts):
    """Facts about a smooth function of at most four standard Gaussian variables.

    ``agreement`` is the change of mean and variance, relative to E f^2, with 0.7 times as many nodes per axis.
    """

    top_degree = 8

    def __init__(self, function: Callable[[Array], Array], rank: int):
        self._function, self._rank = function, rank
        fine, coarse = self._moments(NODES[rank]), self._moments(int(COARSER * NODES[rank]))
        self.mean, self.variance = fine
        moved = max(abs(fine[1] - coarse[1]), (fine[0] - coarse[0]) ** 2)
        self.agreement = moved / max(self.variance + self.mean**2, np.finfo(float).tiny)
        self.variance_error = abs(fine[1] - coarse[1]) if self.agreement > ROUNDING else 0.0
        self._cache: dict[tuple[int, int], HermitePolynomial] = {}

    def _moments(self, n_nodes: int) -> tuple[float, float]:
        """Mean and variance with n_nodes per axis."""
        nodes, weights = gaussian_rule(n_nodes)
        grid = np.stack(np.meshgrid(*[nodes] * self._rank, indexing="ij"), axis=-1).reshape(-1, self._rank)
        weight = weights
        for _ in range(self._rank - 1):
            weight = np.multiply.outer(weight, weights)
        values = self._function(grid)
        mean = float(weight.ravel() @ values)
        return mean, float(weight.ravel() @ (values - mean) ** 2)

    def _projection(self, degree: int, n_nodes: int) -> HermitePolynomial:
        key = degree, n_nodes
        if key not in self._cache:
            self._cache[key] = project(self._function, self._rank, degree, n_nodes)
        return self._cache[key]

    def degree_energies(self, max_degree: int) -> tuple[Array, Array]:
        """Return energies of the projection on degree <= max_degree; errors from 0.7 times as many nodes per axis."""
        n_nodes = NODES[self._rank]
        fine = self._projection(max_degree, n_nodes)
        moved = (fine - self._projection(max_degree, int(COARSER * n_nodes))).degree_energies()
        energies, moved = padded(fine.degree_energies(), max_degree), np.sqrt(padded(moved, max_degree))
        moved[moved <= ROUNDED * fine.norm()] = 0.0
        return energies, 2.0 * np.sqrt(energies) * moved + moved**2

    def expected_hessian(self) -> Array:
        """Return the expected Hessian of the projection on degree 2."""
        return self._projection(2, NODES[self._rank]).expected_hessian()


def facts_about(function: Callable[[Array], Array], rank: int) -> Facts:
    """Facts about an arbitrary function: quadrature if it converges, else Monte Carlo."""
    if rank in NODES:
        facts = QuadratureFacts(function, rank)
        if facts.agreement < AGREEMENT:
            return facts
    return MonteCarloFacts(function, rank)
