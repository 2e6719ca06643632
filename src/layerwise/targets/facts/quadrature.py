"""Facts about a smooth function of few variables by tensor Gauss–Hermite quadrature.

A tensor rule is exact to rounding for what polynomials of moderate degree approximate well, and does not see kinks:
it is used only where a coarser rule agrees with it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from layerwise.hermite import HermitePolynomial, gaussian_rule, project
from layerwise.targets.facts.base import Array, Facts, padded
from layerwise.targets.facts.monte_carlo import MonteCarloFacts

NODES = {1: 256, 2: 128, 3: 56, 4: 28}  # an axis, by number of variables: at most 6e5 nodes in all
AGREEMENT = 1e-9


class QuadratureFacts(Facts):
    """Facts about a smooth function of at most four standard Gaussian variables.

    ``agreement`` is how far mean and variance move, relative to E f^2, from 0.7 times the nodes an axis.
    """

    top_degree = 8

    def __init__(self, function: Callable[[Array], Array], rank: int):
        self._function, self._rank = function, rank
        fine, coarse = self._moments(NODES[rank]), self._moments(int(0.7 * NODES[rank]))
        self.mean, self.variance = fine
        moved = max(abs(fine[1] - coarse[1]), (fine[0] - coarse[0]) ** 2)
        self.agreement = moved / max(self.variance + self.mean**2, np.finfo(float).tiny)
        self._cache: dict[int, HermitePolynomial] = {}

    def _moments(self, n_nodes: int) -> tuple[float, float]:
        """Mean and variance by n_nodes an axis."""
        nodes, weights = gaussian_rule(n_nodes)
        grid = np.stack(np.meshgrid(*[nodes] * self._rank, indexing="ij"), axis=-1).reshape(-1, self._rank)
        weight = weights
        for _ in range(self._rank - 1):
            weight = np.multiply.outer(weight, weights)
        values = self._function(grid)
        mean = float(weight.ravel() @ values)
        return mean, float(weight.ravel() @ (values - mean) ** 2)

    def _projection(self, degree: int) -> HermitePolynomial:
        if degree not in self._cache:
            self._cache[degree] = project(self._function, self._rank, degree, NODES[self._rank])
        return self._cache[degree]

    def degree_energies(self, max_degree: int) -> tuple[Array, Array]:
        """Energies of the projection on degree <= max_degree."""
        energies = padded(self._projection(max_degree).degree_energies(), max_degree)
        return energies, np.zeros(max_degree + 1)

    def expected_hessian(self) -> Array:
        """Read off the projection on degree 2."""
        return self._projection(2).expected_hessian()


def facts_about(function: Callable[[Array], Array], rank: int) -> Facts:
    """Facts about a function of which nothing is known: quadrature if it converges, else Monte Carlo."""
    if rank in NODES:
        facts = QuadratureFacts(function, rank)
        if facts.agreement < AGREEMENT:
            return facts
    return MonteCarloFacts(function, rank)
